/* test_node.c - whole nodes in one process: from a written row at one school to
 * the same row at every other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/crypto.h"
#include "tests/unit/support_world.h"

static struct world world;

static int setup(void **state)
{
    nodes_init(&world);
    return 0;
}

static int teardown(void **state)
{
    nodes_clear(&world);
    return 0;
}

static char *text_of(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    assert_non_null(text);
    return strdup(text);
}

static char *create(size_t chair)
{
    return text_of(nodes_do(&world, chair, "space-create", NULL,
                            "{\"name\":\"Cluster\",\"admit\":\"at-once\"}"),
                   "id");
}

static char *invite(size_t chair, const char *space, const char *role)
{
    char body[64];

    snprintf(body, sizeof body, "{\"role\":\"%s\"}", role);
    return text_of(nodes_do(&world, chair, "invite", space, body), "ticket");
}

static void join(size_t who, const char *ticket)
{
    char body[3000];

    snprintf(body, sizeof body, "{\"ticket\":\"%s\",\"wait_s\":50}", ticket);
    nodes_do(&world, who, "join", NULL, body);
}

static void add(size_t who, const char *space, const char *title)
{
    char sql[512];

    snprintf(sql, sizeof sql,
             "INSERT INTO priority(space, title, why) "
             "VALUES('%s', '%s', 'because')",
             space, title);
    nodes_sql(&world, who, sql);
}

static json_int_t rows(size_t who, const char *space)
{
    return json_integer_value(
        json_object_get(nodes_space(&world, who, space), "rows"));
}

static void test_a_row_reaches_a_school_that_joined_by_ticket(void **state)
{
    size_t a = nodes_add(&world, "alder", true);
    size_t b = nodes_add(&world, "birch", false);

    nodes_start(&world, a);
    nodes_start(&world, b);
    char *space = create(a);
    add(a, space, "before the join");
    char *ticket = invite(a, space, "school");
    join(b, ticket);
    assert_int_equal(rows(b, space), 1);
    add(b, space, "after the join");
    nodes_run(&world, 1);
    assert_int_equal(rows(a, space), 2);
    assert_true(nodes_equal(&world, space, (size_t[]){a, b}, 2));
    free(space);
    free(ticket);
}

static size_t count_of(size_t who, const char *statement)
{
    return json_array_size(
        json_object_get(nodes_sql(&world, who, statement), "rows"));
}

static void test_two_edits_of_a_cell_are_both_kept(void **state)
{
    size_t a = nodes_add(&world, "alder", true);
    size_t b = nodes_add(&world, "birch", false);

    nodes_start(&world, a);
    nodes_start(&world, b);
    char *space = create(a);
    add(a, space, "reading");
    char *ticket = invite(a, space, "school");
    join(b, ticket);
    nodes_cut(&world, b, true);
    nodes_sql(&world, a, "UPDATE priority SET outcome = 'half'");
    nodes_sql(&world, b,
              "UPDATE priority SET outcome = 'more', lead = NULL,"
              " why = 'other'");
    nodes_cut(&world, b, false);
    nodes_run(&world, 20);
    assert_true(nodes_equal(&world, space, (size_t[]){a, b}, 2));
    for (size_t i = 0; i < 2; i++) {
        size_t who = i == 0 ? a : b;

        assert_int_equal(count_of(who, "SELECT * FROM conflicts"), 1);
        assert_int_equal(
            count_of(who, "SELECT * FROM priority WHERE why = 'other'"), 1);
        assert_int_equal(count_of(who,
                                  "SELECT 1 FROM priority WHERE outcome IN"
                                  " ('half', 'more') UNION ALL SELECT 1 FROM"
                                  " conflicts WHERE value IN ('half', 'more')"),
                         2);
    }
    free(space);
    free(ticket);
}

/* A relay that carries what it is asked to, asked by the chair. */
static size_t relay_for(size_t chair, const char *space)
{
    size_t relay = nodes_add(&world, "relay", true);
    char body[400];

    world.nodes[relay].carry_all = true;
    nodes_start(&world, relay);
    char *address =
        text_of(nodes_do(&world, relay, "address", NULL, NULL), "address");
    snprintf(body, sizeof body, "{\"address\":\"%s\"}", address);
    char *carried =
        text_of(nodes_do(&world, chair, "space-carrier", space, body), "state");
    assert_string_equal(carried, "carried");
    free(carried);
    free(address);
    return relay;
}

static void test_two_schools_behind_nat_meet_at_a_relay(void **state)
{
    size_t a = nodes_add(&world, "alder", false);
    size_t b = nodes_add(&world, "birch", false);

    nodes_start(&world, a);
    nodes_start(&world, b);
    char *space = create(a);
    size_t relay = relay_for(a, space);
    add(a, space, "before");
    char *ticket = invite(a, space, "school");
    join(b, ticket);
    add(b, space, "after");
    nodes_run(&world, 5);
    assert_true(nodes_equal(&world, space, (size_t[]){a, b, relay}, 3));
    assert_int_equal(rows(a, space), 2);
    assert_int_equal(rows(relay, space), 0);
    assert_true(json_is_null(
        json_object_get(nodes_space(&world, relay, space), "name")));
    free(space);
    free(ticket);
}

/* A carrier that has agreed and not spoken yet must not stand in the way. */
static void test_an_invite_follows_a_carrier_at_once(void **state)
{
    size_t a = nodes_add(&world, "alder", false);

    nodes_start(&world, a);
    char *space = create(a);
    size_t relay = relay_for(a, space);
    nodes_kill(&world, relay);
    free(invite(a, space, "school"));
    free(space);
}

static void test_a_ticket_lets_in_one(void **state)
{
    size_t a = nodes_add(&world, "alder", true);
    size_t b = nodes_add(&world, "birch", false);
    size_t c = nodes_add(&world, "cedar", false);
    char body[3000];

    nodes_start(&world, a);
    nodes_start(&world, b);
    nodes_start(&world, c);
    char *space = create(a);
    char *ticket = invite(a, space, "school");
    join(b, ticket);
    snprintf(body, sizeof body, "{\"ticket\":\"%s\",\"wait_s\":30}", ticket);
    json_t *reply = nodes_call(&world, c, "join", NULL, body);
    assert_int_equal(world.nodes[c].status, 409);
    char *text = text_of(json_object_get(reply, "error"), "text");
    assert_non_null(strstr(text, "somebody else"));
    assert_null(nodes_space(&world, c, space));
    free(text);
    free(space);
    free(ticket);
}

static void test_each_run_of_a_node_opens_a_new_log(void **state)
{
    size_t a = nodes_add(&world, "alder", true);
    size_t b = nodes_add(&world, "birch", false);

    nodes_start(&world, a);
    nodes_start(&world, b);
    char *space = create(a);
    char *ticket = invite(a, space, "school");
    join(b, ticket);
    for (int run = 0; run < 3; run++) {
        add(b, space, "one more");
        nodes_kill(&world, b);
        nodes_start(&world, b);
    }
    add(b, space, "last");
    nodes_run(&world, 10);
    assert_true(nodes_equal(&world, space, (size_t[]){a, b}, 2));
    assert_int_equal(rows(a, space), 4);
    json_t *log = nodes_do(&world, a, "log", space, NULL);
    assert_int_equal(json_array_size(log), 4);
    for (size_t i = 0; i < 4; i++) {
        json_t *entry = json_array_get(log, i);

        assert_int_equal(json_integer_value(json_object_get(entry, "number")),
                         1);
    }
    /* Only the newest run's log heads the frontier. */
    assert_int_equal(json_array_size(json_object_get(
                         nodes_space(&world, a, space), "frontier")),
                     1);
    free(space);
    free(ticket);
}

static void test_a_member_without_news_is_told(void **state)
{
    size_t a = nodes_add(&world, "alder", true);
    size_t b = nodes_add(&world, "birch", false);

    nodes_start(&world, a);
    nodes_start(&world, b);
    char *space = create(a);
    char *ticket = invite(a, space, "school");
    join(b, ticket);
    add(b, space, "last words");
    nodes_run(&world, 1);
    nodes_kill(&world, b);
    assert_int_equal(json_array_size(json_object_get(
                         nodes_space(&world, a, space), "stale")),
                     0);
    world.clock.wall_ms += 73u * 3600u * 1000u;
    json_t *stale = json_object_get(nodes_space(&world, a, space), "stale");
    assert_int_equal(json_array_size(stale), 1);
    char *name = text_of(json_array_get(stale, 0), "name");
    assert_string_equal(name, "birch");
    free(name);
    free(space);
    free(ticket);
}

/* A liar's log may hold a signature that is wrong where no batch has ended yet:
 * nobody has looked at it.  It must not bar a newcomer, whose batch would. */
static void test_a_bad_signature_in_a_log_bars_nobody(void **state)
{
    size_t a = nodes_add(&world, "alder", true);
    size_t b = nodes_add(&world, "birch", false);
    size_t c = nodes_add(&world, "cedar", false);
    char command[300];

    nodes_start(&world, a);
    nodes_start(&world, b);
    nodes_start(&world, c);
    char *space = create(a);
    char *ticket = invite(a, space, "school");
    join(b, ticket);
    free(ticket);
    for (int i = 0; i < 1002; i++)
        add(b, space, "one of many");
    nodes_run(&world, 2);
    nodes_kill(&world, b);
    ticket = invite(a, space, "school");
    nodes_kill(&world, a);
    snprintf(command, sizeof command,
             "sqlite3 '%s/record.db' 'UPDATE change_set SET signature ="
             " zeroblob(64) WHERE number IN (998, 1000)'",
             world.nodes[a].dir);
    assert_int_equal(system(command), 0);
    nodes_start(&world, a);
    nodes_start(&world, b); /* the chair signs when somebody is there */
    nodes_run(&world, 5);
    join(c, ticket);
    assert_int_equal(rows(c, space), 1002);
    free(space);
    free(ticket);
}

static uint32_t dice(struct covey_rng *rng, uint32_t sides)
{
    uint32_t r;

    rng_draw(rng, &r, sizeof r);
    return r % sides;
}

static void one_step(struct covey_rng *rng, const size_t *members,
                     const char *space)
{
    static const char *const edits[] = {
        "UPDATE priority SET outcome = 'o%u' WHERE length(why) >= %u",
        "UPDATE priority SET title = 't%u', status = 'proposed' WHERE"
        " length(title) > %u",
        "DELETE FROM priority WHERE id IN (SELECT id FROM priority ORDER BY"
        " title LIMIT 1) AND %u > 0 AND %u = 0",
    };
    size_t who = members[dice(rng, 3)];
    uint32_t what = dice(rng, 8);
    char sql[300];

    if (world.nodes[who].node == NULL) {
        nodes_start(&world, who);
    } else if (what == 0) {
        nodes_kill(&world, who);
    } else if (what == 1) {
        nodes_cut(&world, who, !world.nodes[who].cut);
    } else if (what < 4) {
        add(who, space, "random");
    } else {
        const char *edit = edits[dice(rng, 3)];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(sql, sizeof sql, edit, 1 + dice(rng, 1000), dice(rng, 2));
#pragma GCC diagnostic pop
        nodes_sql(&world, who, sql);
    }
    nodes_run(&world, 1);
}

/* Kills, cuts and edits at random; then all is mended, and all are equal. */
static void test_random_worlds_converge(void **state)
{
    size_t members[3] = {nodes_add(&world, "alder", true),
                         nodes_add(&world, "birch", false),
                         nodes_add(&world, "cedar", false)};
    struct seed seed = {{7}};
    struct covey_rng rng;

    rng_init(&rng, &seed);
    for (size_t i = 0; i < 3; i++)
        nodes_start(&world, members[i]);
    char *space = create(members[0]);
    size_t relay = relay_for(members[0], space);
    for (size_t i = 1; i < 3; i++) {
        char *ticket = invite(members[0], space, "school");

        join(members[i], ticket);
        free(ticket);
    }
    for (int step = 0; step < 120; step++)
        one_step(&rng, members, space);
    for (size_t i = 0; i < 3; i++) {
        if (world.nodes[members[i]].node == NULL)
            nodes_start(&world, members[i]);
        nodes_cut(&world, members[i], false);
    }
    nodes_run(&world, 400);
    size_t all[4] = {members[0], members[1], members[2], relay};
    assert_true(nodes_equal(&world, space, all, 4));
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(count_of(members[i], "SELECT id FROM priority"),
                         rows(members[i], space));
    free(space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_a_row_reaches_a_school_that_joined_by_ticket, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_edits_of_a_cell_are_both_kept,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_two_schools_behind_nat_meet_at_a_relay, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_an_invite_follows_a_carrier_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_ticket_lets_in_one, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_each_run_of_a_node_opens_a_new_log,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_member_without_news_is_told,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_a_bad_signature_in_a_log_bars_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random_worlds_converge, setup,
                                        teardown),
    };

    return cmocka_run_group_tests_name("node", tests, NULL, NULL);
}
