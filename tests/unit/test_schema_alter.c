/* test_schema_alter.c - tables altered by hand stop the sealing, and say so;
 * what an older version made is brought up to date. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/schema.h"
#include "store/space.h"
#include "support_bytes.h"
#include "support_outside.h"
#include "support_record.h"

#define SPACE "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"

static struct record record;

static int setup(void **state)
{
    record_init(&record, 0xa1);
    return 0;
}

static int teardown(void **state)
{
    record_clear(&record);
    return 0;
}

static void outside(const char *sql)
{
    assert_string_equal(outside_sql(record.dir, sql), "");
}

static void assert_refused(enum covey_rc rc, const char *words)
{
    struct covey_why why;

    store_why(record.st, &why);
    assert_int_equal(rc, COVEY_EREFUSED);
    assert_non_null(strstr(why.text, words));
}

/* Sealing is refused at once, and opening too. */
static void assert_altered(const char *sql, const char *words)
{
    struct store *st = NULL;
    struct covey_why why = {{0}};

    assert_int_equal(schema_intact(record.st), COVEY_OK);
    outside(sql);
    assert_refused(schema_intact(record.st), words);
    assert_refused(schema_intact(record.st), words); /* and again */
    store_close(record.st);
    record.st = NULL;
    assert_int_equal(store_open(record.dir, &st, &why), COVEY_EREFUSED);
    assert_non_null(strstr(why.text, words));
}

static void test_a_dropped_trigger_is_told(void **state)
{
    assert_altered("DROP TRIGGER action_update;",
                   "\"action_update\" was dropped by hand");
}

static void test_a_changed_trigger_is_told(void **state)
{
    assert_altered("DROP TRIGGER action_delete; CREATE TRIGGER action_delete"
                   " AFTER DELETE ON action BEGIN SELECT 1; END;",
                   "\"action_delete\" was changed by hand");
}

static void test_a_trigger_more_is_told(void **state)
{
    assert_altered("CREATE TRIGGER mine AFTER INSERT ON comment"
                   " BEGIN SELECT 1; END;",
                   "\"mine\" was added by hand");
}

static void test_a_column_more_is_told(void **state)
{
    assert_altered("ALTER TABLE action ADD COLUMN cost TEXT;",
                   "\"action\" was changed by hand");
}

static void test_a_unique_index_is_told(void **state)
{
    assert_altered("CREATE UNIQUE INDEX one_title ON priority (title);",
                   "\"one_title\" was added by hand");
}

static void test_a_dropped_view_is_told(void **state)
{
    assert_altered("DROP VIEW conflicts;", "\"conflicts\" was dropped by hand");
}

static void test_what_hurts_nobody_is_welcome(void **state)
{
    outside("CREATE INDEX by_due ON action (due);"
            "CREATE TABLE mine (note TEXT);"
            "CREATE TRIGGER mine_too AFTER INSERT ON mine BEGIN SELECT 1; END;"
            "CREATE VIEW late AS SELECT * FROM action WHERE due < date('now');"
            "ANALYZE; VACUUM;");
    assert_int_equal(schema_intact(record.st), COVEY_OK);
    record_reopen(&record);
    assert_int_equal(schema_intact(record.st), COVEY_OK);
}

static void test_undoing_it_is_enough(void **state)
{
    outside("ALTER TABLE action ADD COLUMN cost TEXT;");
    assert_refused(schema_intact(record.st), "\"action\" was changed by hand");
    outside("ALTER TABLE action DROP COLUMN cost;");
    assert_int_equal(schema_intact(record.st), COVEY_OK);
}

/* ---- from an older version ---- */

/* As if the version that made the tables had not known this column. */
#define WITHOUT_OUTCOME                                                        \
    "DELETE FROM shape; DROP TRIGGER priority_replace;"                        \
    " DROP TRIGGER priority_insert; DROP TRIGGER priority_update;"             \
    " DROP TRIGGER priority_delete; DROP VIEW spaces; DROP VIEW members;"      \
    " DROP VIEW conflicts; DROP TRIGGER action_replace;"                       \
    " DROP TRIGGER action_insert; DROP TRIGGER action_update;"                 \
    " DROP TRIGGER action_delete; DROP TRIGGER comment_replace;"               \
    " DROP TRIGGER comment_insert; DROP TRIGGER comment_update;"               \
    " DROP TRIGGER comment_delete; DROP TRIGGER priority_rowid;"               \
    " DROP TRIGGER priority_move; DROP TRIGGER action_rowid;"                  \
    " DROP TRIGGER action_move; DROP TRIGGER comment_rowid;"                   \
    " DROP TRIGGER comment_move; DELETE FROM door;"                            \
    " ALTER TABLE priority DROP COLUMN outcome;"                               \
    " ALTER TABLE priority DROP COLUMN status;"

static void test_a_new_column_is_added_and_noted_nowhere(void **state)
{
    record_sql(&record, "INSERT INTO priority (space, title, why) VALUES"
                        " ('" SPACE "', 'Reading', 'It fell')");
    record_sql(&record, "DELETE FROM outbox");
    store_close(record.st);
    record.st = NULL;
    outside(WITHOUT_OUTCOME);
    record_reopen(&record);
    assert_string_equal(record_sql(&record,
                                   "SELECT title || coalesce(outcome, '-') ||"
                                   " status FROM priority"),
                        "Reading-draft");
    assert_string_equal(record_sql(&record, "SELECT count(*) FROM outbox"),
                        "0");
    record_sql(&record, "UPDATE priority SET outcome = 'More'");
    assert_string_equal(record_sql(&record, "SELECT cols FROM outbox"), "8");
    record_reopen(&record);
}

static void test_opening_again_changes_nothing(void **state)
{
    const char *ask = "SELECT schema_version FROM pragma_schema_version";
    char before[16];

    snprintf(before, sizeof before, "%s", record_sql(&record, ask));
    record_reopen(&record);
    assert_string_equal(record_sql(&record, ask), before);
}

/* ---- what is shared is written down beside it ---- */

static void test_every_column_says_what_it_is(void **state)
{
    for (size_t i = 0; i < rule_table_count; i++) {
        const struct rule_table *table = &rule_tables[i];
        char ask[128];

        snprintf(ask, sizeof ask,
                 "SELECT sql FROM sqlite_schema WHERE name = '%s'",
                 table->name);

        const char *sql = record_sql(&record, ask);

        for (size_t j = 0; j < table->column_count; j++) {
            assert_non_null(strstr(sql, table->columns[j].help));
            assert_non_null(strstr(sql, table->columns[j].name));
        }
    }
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        EACH(test_a_dropped_trigger_is_told),
        EACH(test_a_changed_trigger_is_told),
        EACH(test_a_trigger_more_is_told),
        EACH(test_a_column_more_is_told),
        EACH(test_a_unique_index_is_told),
        EACH(test_a_dropped_view_is_told),
        EACH(test_what_hurts_nobody_is_welcome),
        EACH(test_undoing_it_is_enough),
        EACH(test_a_new_column_is_added_and_noted_nowhere),
        EACH(test_opening_again_changes_nothing),
        EACH(test_every_column_says_what_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
