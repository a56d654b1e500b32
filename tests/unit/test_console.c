/* test_console.c - `covey sql`: what a person may ask and write, and what it
 * gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/query.h"
#include "store/space.h"
#include "support_bytes.h"
#include "support_record.h"

#define SPACE "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"

static struct record record;
static struct covey_buf out;
static struct covey_why why;

static int setup(void **state)
{
    record_init(&record, 0xa1);
    out = bytes_buf();
    return 0;
}

static int teardown(void **state)
{
    buf_clear(&out);
    record_clear(&record);
    return 0;
}

static enum covey_rc ask(const char *sql)
{
    enum covey_rc rc;

    buf_reset(&out);
    record_begin(&record);
    rc = query_console(record.st, sql, &out, &why);
    if (rc == COVEY_OK)
        record_commit(&record);
    else
        store_rollback(record.st);
    return rc;
}

static void gives(const char *sql, const char *expected)
{
    enum covey_rc rc = ask(sql);

    if (rc != COVEY_OK)
        print_error("%s: %s\n", sql, why.text);
    assert_int_equal(rc, COVEY_OK);
    buf_append(&out, "", 1);
    assert_string_equal((const char *)out.p, expected);
}

static void refused(const char *sql, enum covey_rc expected, const char *words)
{
    enum covey_rc rc = ask(sql);

    if (rc != expected || strstr(why.text, words) == NULL)
        print_error("%s: %s\n", sql, why.text);
    assert_int_equal(rc, expected);
    assert_non_null(strstr(why.text, words));
}

#define ROWS(columns, rows)                                                    \
    "{\"columns\":[" columns "],\"rows\":[" rows "],\"changed\":0}"

static void test_values_come_as_json(void **state)
{
    gives("SELECT 1 AS a, 2.5 AS b, 'x' AS \"c\"\"d\", NULL, x'00' AS e;",
          ROWS("\"a\",\"b\",\"c\\\"d\",\"NULL\",\"e\"",
               "[1,2.5,\"x\",null,null]"));
    gives("SELECT 'a\"\\' || char(10) || char(233) AS t",
          ROWS("\"t\"", "[\"a\\\"\\\\\\u000a\xc3\xa9\"]"));
    gives("SELECT CAST(x'61ff62c3' AS TEXT) AS t",
          ROWS("\"t\"", "[\"a\\ufffdb\\ufffd\"]"));
    gives("SELECT 9e999 AS big", ROWS("\"big\"", "[null]"));
    gives("SELECT title FROM priority", ROWS("\"title\"", ""));
}

static void test_a_write_is_captured_and_counted(void **state)
{
    gives("INSERT INTO action (space, title) VALUES ('" SPACE "', 'A'),"
          " ('" SPACE "', 'B')",
          "{\"columns\":[],\"rows\":[],\"changed\":2}");
    gives("UPDATE action SET status = 'done' WHERE title = 'A' RETURNING title",
          "{\"columns\":[\"title\"],\"rows\":[[\"A\"]],\"changed\":1}");
    gives("DELETE FROM action WHERE title = 'C'",
          "{\"columns\":[],\"rows\":[],\"changed\":0}");
    assert_string_equal(
        record_sql(&record, "SELECT group_concat(op, '') FROM outbox"), "112");
}

static void test_a_guard_speaks_for_itself(void **state)
{
    refused("INSERT INTO action (title, due) VALUES ('T', '2026-02-30')",
            COVEY_EREFUSED, "action.due is not a day");
}

static void test_the_views_may_be_read(void **state)
{
    gives("SELECT s.name, count(m.id) FROM spaces AS s LEFT JOIN members AS m"
          " ON m.space = s.id GROUP BY s.id",
          ROWS("\"name\",\"count(m.id)\"", "[\"Cluster\",0]"));
    gives("SELECT count(*) FROM conflicts", ROWS("\"count(*)\"", "[0]"));
    gives("WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c"
          " LIMIT 3) SELECT sum(i) AS s FROM c",
          ROWS("\"s\"", "[6]"));
    gives("SELECT value FROM json_each('[7]')", ROWS("\"value\"", "[7]"));
}

static const char *const forbidden[] = {
    "SELECT key FROM space_key",
    "SELECT count(*) FROM space_key",
    "SELECT * FROM self",
    "SELECT secret FROM invite",
    "SELECT ticket FROM joining",
    "SELECT name FROM space",
    "SELECT * FROM outbox",
    "SELECT sql FROM sqlite_schema",
    "SELECT * FROM pragma_table_info('priority')",
    "WITH spaces AS (SELECT key FROM space_key) SELECT * FROM spaces",
    "WITH action_insert AS (SELECT key FROM space_key)"
    " SELECT * FROM action_insert",
    "SELECT title FROM priority WHERE title IN (SELECT secret FROM invite)",
    "INSERT INTO priority (title, why) SELECT hex(key), 'W' FROM space_key",
    "INSERT INTO action (title) VALUES ('T') RETURNING (SELECT key FROM"
    " space_key)",
    "INSERT INTO outbox (space, tbl, id, cols, op) VALUES (1, 1, 'x', 1, 1)",
    "UPDATE space SET role = 'chair'",
    "DELETE FROM change_set",
    "DROP TABLE priority",
    "DROP TRIGGER priority_insert",
    "CREATE TABLE t (a)",
    "CREATE TEMP TRIGGER t AFTER INSERT ON priority BEGIN SELECT 1; END",
    "ALTER TABLE priority ADD COLUMN x TEXT",
    "PRAGMA user_version = 7",
    "PRAGMA journal_mode = DELETE",
    "ATTACH 'x.db' AS x",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT x",
    "ANALYZE",
    "REINDEX",
};

static void test_nothing_else_may_be_touched(void **state)
{
    for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++)
        refused(forbidden[i], COVEY_EREFUSED, "covey sql may read and write");
    refused("SELECT secret FROM invite", COVEY_EREFUSED,
            "invite is not one of them");
    refused("VACUUM", COVEY_EBAD, "cannot VACUUM");
    refused("VACUUM INTO '/tmp/covey-unit-copy.db'", COVEY_EBAD,
            "cannot VACUUM");
    refused("UPDATE spaces SET role = 'chair'", COVEY_EBAD, "it is a view");
    refused("SELECT load_extension('x')", COVEY_EREFUSED, "load_extension");
}

static void test_one_statement_at_a_time(void **state)
{
    gives("SELECT 1 AS a; ; -- that is all\n/* really */",
          ROWS("\"a\"", "[1]"));
    refused("SELECT 1; SELECT 2", COVEY_EBAD, "one statement");
    refused("DELETE FROM action; DROP TABLE action", COVEY_EBAD,
            "one statement");
    refused("", COVEY_EBAD, "one statement");
    refused("-- nothing", COVEY_EBAD, "one statement");
}

static void test_a_mistake_is_told_in_sqlites_words(void **state)
{
    refused("SELEC 1", COVEY_EBAD, "syntax error");
    refused("SELECT titel FROM priority", COVEY_EBAD, "no such column: titel");
    refused("SELECT \"titel\" FROM priority", COVEY_EBAD,
            "no such column: titel");
}

static void test_a_statement_without_end_is_ended(void **state)
{
    refused("WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c)"
            " SELECT max(i) FROM c",
            COVEY_ETIMEOUT, "too long");
    gives("SELECT 1 AS a", ROWS("\"a\"", "[1]"));
}

static void test_an_endless_answer_is_cut_off(void **state)
{
    refused("WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c)"
            " SELECT i, hex(zeroblob(500)) FROM c",
            COVEY_ELIMIT, "too long");
}

static void test_the_record_is_free_again_afterwards(void **state)
{
    refused("SELECT key FROM space_key", COVEY_EREFUSED, "covey sql may");
    assert_string_equal(record_sql(&record, "SELECT count(*) FROM space_key"),
                        "0");
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        EACH(test_values_come_as_json),
        EACH(test_a_write_is_captured_and_counted),
        EACH(test_a_guard_speaks_for_itself),
        EACH(test_the_views_may_be_read),
        EACH(test_nothing_else_may_be_touched),
        EACH(test_one_statement_at_a_time),
        EACH(test_a_mistake_is_told_in_sqlites_words),
        EACH(test_a_statement_without_end_is_ended),
        EACH(test_an_endless_answer_is_cut_off),
        EACH(test_the_record_is_free_again_afterwards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
