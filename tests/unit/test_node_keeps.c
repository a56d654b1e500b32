/* test_node_keeps.c - what a node keeps to whatever its peers and its clocks
 * do: credit, limits, what it signs and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support_liar.h"

static struct world world;
static struct liar liar;
static size_t alder, birch;
static char space[40];

/* Two schools in a cluster. */
static int setup(void **state)
{
    char body[3000];

    nodes_init(&world);
    alder = nodes_add(&world, "alder", true);
    birch = nodes_add(&world, "birch", false);
    nodes_start(&world, alder);
    nodes_start(&world, birch);
    json_t *made = nodes_do(&world, alder, "space-create", NULL,
                            "{\"name\":\"Cluster\",\"admit\":\"at-once\"}");
    snprintf(space, sizeof space, "%s",
             json_string_value(json_object_get(made, "id")));
    json_t *invite =
        nodes_do(&world, alder, "invite", space, "{\"role\":\"school\"}");
    snprintf(body, sizeof body, "{\"ticket\":\"%s\",\"wait_s\":50}",
             json_string_value(json_object_get(invite, "ticket")));
    nodes_do(&world, birch, "join", NULL, body);
    return 0;
}

static int teardown(void **state)
{
    liar_leave(&liar);
    nodes_clear(&world);
    return 0;
}

static void add(size_t who)
{
    char sql[200];

    snprintf(sql, sizeof sql,
             "INSERT INTO priority(space, title, why) VALUES('%s', 't', 'w')",
             space);
    nodes_sql(&world, who, sql);
}

static json_int_t count(size_t who, const char *what)
{
    return json_integer_value(
        json_object_get(nodes_space(&world, who, space), what));
}

static size_t heads(size_t who)
{
    return json_array_size(
        json_object_get(nodes_space(&world, who, space), "frontier"));
}

static const char *incarnation(size_t who)
{
    json_t *frontier =
        json_object_get(nodes_space(&world, who, space), "frontier");

    return json_string_value(
        json_object_get(json_array_get(frontier, 0), "incarnation"));
}

/* Who takes in nothing is sent no more than it has credit for. */
static void test_a_peer_that_acknowledges_nothing_gets_no_more(void **state)
{
    nodes_kill(&world, birch);
    liar_meet(&liar, &world, birch, alder, space);
    for (uint32_t i = 0; i < 3 * SYNC_CREDIT; i++) {
        add(alder);
        liar_hear(&liar);
    }
    assert_false(liar.v.down);
    assert_int_equal(liar.v.batches, SYNC_CREDIT);
}

/* "Every session has keys that a copy may share; every log one that a copy may
 * go on with." */
static void test_after_a_sleep_it_begins_a_new_log(void **state)
{
    char before[64];

    add(birch);
    add(birch);
    snprintf(before, sizeof before, "%s", incarnation(birch));
    add(birch);
    assert_string_equal(incarnation(birch), before);
    world.clock.wall_ms += 31000;
    add(birch);
    assert_int_equal(heads(birch), 1);
    assert_string_not_equal(incarnation(birch), before);
    nodes_run(&world, 10);
    assert_true(nodes_equal(&world, space, (size_t[]){alder, birch}, 2));
}

/* It may be a copy of last week: somebody must have told its epoch's head. */
static void test_a_chair_that_has_heard_nobody_signs_no_epoch(void **state)
{
    nodes_kill(&world, birch);
    nodes_kill(&world, alder);
    nodes_start(&world, alder);
    (void)nodes_call(&world, alder, "invite", space, "{\"role\":\"school\"}");
    assert_int_equal(world.nodes[alder].status, 409);
    nodes_start(&world, birch);
    nodes_run(&world, 10);
    nodes_do(&world, alder, "invite", space, "{\"role\":\"school\"}");
}

/* "Every node seals at least one change set a day that it runs, empty if need
 * be: its heartbeat" (DESIGN.md section 6). */
static void test_a_day_without_an_edit_has_a_heartbeat(void **state)
{
    assert_int_equal(count(alder, "change_sets"), 0);
    world.clock.now += 24 * 3600 * COVEY_SECOND;
    world.clock.wall_ms += 24u * 3600u * 1000u;
    nodes_run(&world, 30);
    assert_int_equal(count(alder, "change_sets"), 2);
    assert_true(nodes_equal(&world, space, (size_t[]){alder, birch}, 2));
}

/* Seal before merge: what another program wrote has not seen what comes just
 * then, so that both stand. */
static void test_what_is_unsealed_claims_to_have_seen_no_more(void **state)
{
    char command[300];

    add(birch);
    nodes_run(&world, 5);
    snprintf(command, sizeof command,
             "sqlite3 '%s/record.db' \"UPDATE priority SET title = 'birch'\"",
             world.nodes[birch].dir);
    assert_int_equal(system(command), 0);
    nodes_sql(&world, alder, "UPDATE priority SET title = 'alder'");
    nodes_run(&world, 5);
    assert_true(nodes_equal(&world, space, (size_t[]){alder, birch}, 2));
    assert_int_equal(count(alder, "conflicts"), 1);
    assert_int_equal(count(birch, "conflicts"), 1);
}

static void test_requests_that_wait_have_a_limit(void **state)
{
    static const char nowhere[] =
        "{\"frontier\":[{\"author\":\"%064d\",\"incarnation\":\"%016d\","
        "\"number\":1,\"hash\":\"%064d\"}],\"timeout_s\":600}";
    struct api_route route = {.run = API_ACTION, .what = "wait"};
    char body[400];
    struct query_param params[] = {{":space", space}, {":body", body}};
    struct node_request request = {
        .id = 1000, .route = &route, .params = params, .param_count = 2};
    struct node_event event = {.kind = NODE_EV_REQUEST, .request = &request};

    snprintf(body, sizeof body, nowhere, 1, 1, 1);
    for (uint32_t i = 0; i < NODE_WAITERS_MAX; i++, request.id++)
        node_event(world.nodes[alder].node, &event, world.clock);
    nodes_run(&world, 1);
    assert_true(world.nodes[alder].reply_id < 1000); /* all of them wait */
    node_event(world.nodes[alder].node, &event, world.clock);
    nodes_run(&world, 1);
    assert_int_equal(world.nodes[alder].reply_id, request.id);
    assert_int_equal(world.nodes[alder].status, 503);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_a_peer_that_acknowledges_nothing_gets_no_more),
        T(test_after_a_sleep_it_begins_a_new_log),
        T(test_a_chair_that_has_heard_nobody_signs_no_epoch),
        T(test_a_day_without_an_edit_has_a_heartbeat),
        T(test_what_is_unsealed_claims_to_have_seen_no_more),
        T(test_requests_that_wait_have_a_limit),
    };

    return cmocka_run_group_tests_name("node keeps", tests, NULL, NULL);
}
