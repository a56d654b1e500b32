/* test_node_lock.c - another program sits on the record's write lock: who asks
 * for a write waits, and is told why when it takes too long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/store.h"
#include "tests/unit/support_world.h"

#define INSERT "{\"statement\":\"INSERT INTO action(title) VALUES('one')\"}"

static struct world world;
static struct store *other; /* the other program's hold on the record */

static int setup(void **state)
{
    nodes_init(&world);
    nodes_add(&world, "alder", false);
    nodes_start(&world, 0);
    return 0;
}

static int teardown(void **state)
{
    store_close(other);
    other = NULL;
    nodes_clear(&world);
    return 0;
}

static void lock(void)
{
    struct covey_why why;

    nodes_run(&world, 2); /* nothing of its own is left to write */
    assert_int_equal(store_open(world.nodes[0].dir, &other, &why), COVEY_OK);
    assert_int_equal(store_begin(other), COVEY_OK);
}

static json_int_t rows(void)
{
    json_t *answer = nodes_sql(&world, 0, "SELECT count(*) FROM action");

    return json_integer_value(
        json_array_get(json_array_get(json_object_get(answer, "rows"), 0), 0));
}

static void test_a_write_that_waits_too_long_is_told_why(void **state)
{
    lock();
    json_t *answer = nodes_call(&world, 0, "sql", NULL, INSERT);

    assert_int_equal(world.nodes[0].status, 503);
    assert_non_null(strstr(json_string_value(json_object_get(
                               json_object_get(answer, "error"), "text")),
                           "another program has kept the record locked"));
    store_rollback(other);
    nodes_run(&world, 30);
    assert_int_equal(rows(), 0); /* what was refused is not made later */
    nodes_do(&world, 0, "sql", NULL, INSERT);
    assert_int_equal(rows(), 1);
}

static void test_a_write_goes_through_once_the_lock_is_free(void **state)
{
    struct api_route route = {.run = API_ACTION, .what = "sql"};
    struct query_param params[] = {{":body", INSERT}};
    struct node_request request = {
        .id = 77, .route = &route, .params = params, .param_count = 1};
    struct node_event event = {.kind = NODE_EV_REQUEST, .request = &request};

    lock();
    node_event(world.nodes[0].node, &event, world.clock);
    nodes_run(&world, 5);
    assert_int_not_equal(world.nodes[0].reply_id, 77);
    store_rollback(other);
    nodes_run(&world, 1);
    assert_int_equal(world.nodes[0].reply_id, 77);
    assert_int_equal(world.nodes[0].status, 200);
    assert_int_equal(rows(), 1);
}

#define EACH(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(test_a_write_that_waits_too_long_is_told_why),
        EACH(test_a_write_goes_through_once_the_lock_is_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
