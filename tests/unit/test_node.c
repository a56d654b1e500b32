/* test_node.c - whole nodes in one process: from a written row at one school to
 * the same row at every other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_a_row_reaches_a_school_that_joined_by_ticket, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_edits_of_a_cell_are_both_kept,
                                        setup, teardown),
    };

    return cmocka_run_group_tests_name("node", tests, NULL, NULL);
}
