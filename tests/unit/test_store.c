/* test_store.c - the record is made whole or not at all, opened with care, and
 * shared with other programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support_outside.h"
#include "support_record.h"

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

static const char *path_of(const char *name)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/%s", record.dir, name);
    return path;
}

static bool is_there(const char *name)
{
    return access(path_of(name), F_OK) == 0;
}

static off_t size_of(const char *name)
{
    struct stat info;

    assert_int_equal(stat(path_of(name), &info), 0);
    return info.st_size;
}

#define MANY_ROWS                                                              \
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT "   \
    "5000) INSERT INTO action (title, note) SELECT 'Row ' || i, "              \
    "hex(zeroblob(200)) FROM n"

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");

    assert_non_null(file);
    assert_int_equal(fputs(text, file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
}

static enum covey_rc init_again(struct covey_why *why)
{
    struct store_self self = {.kind = MEMBER_SCHOOL, .name = "Another"};

    return store_init(record.dir, &self, why);
}

/* Opening it fails, for this reason. */
static void assert_unopened(enum covey_rc expected, const char *words)
{
    struct store *st = NULL;
    struct covey_why why = {{0}};

    assert_int_equal(store_open(record.dir, &st, &why), expected);
    assert_null(st);
    assert_non_null(strstr(why.text, words));
}

static void close_it(void)
{
    store_close(record.st);
    record.st = NULL;
}

/* ---- making and opening ---- */

static void test_it_says_whose_it_is(void **state)
{
    const struct store_self *self = store_self(record.st);

    assert_string_equal(self->name, "School");
    assert_int_equal(self->kind, MEMBER_SCHOOL);
    assert_int_equal(self->member.b[31], 0xa1);
    assert_int_equal(self->member_cert.len, 4);
    assert_memory_equal(self->node_cert.p, "cert", 4);
}

static void test_a_second_init_changes_nothing(void **state)
{
    struct covey_why why = {{0}};

    assert_int_equal(init_again(&why), COVEY_EEXISTS);
    assert_non_null(strstr(why.text, "is there already"));
    record_reopen(&record);
    assert_string_equal(store_self(record.st)->name, "School");
}

static void test_what_a_killed_init_left_is_swept(void **state)
{
    struct covey_why why = {{0}};

    close_it();
    assert_int_equal(unlink(path_of("record.db")), 0);
    write_file("record.db.new", "half of something");
    write_file("record.db.new-wal", "and more");
    assert_int_equal(init_again(&why), COVEY_OK);
    assert_false(is_there("record.db.new"));
    assert_false(is_there("record.db.new-wal"));
}

static void test_an_init_without_a_folder_leaves_nothing(void **state)
{
    struct store_self self = {.kind = MEMBER_SCHOOL, .name = "School"};
    struct covey_why why = {{0}};

    assert_int_equal(store_init("/tmp/covey-unit-is-not-there", &self, &why),
                     COVEY_EREFUSED);
    assert_non_null(strstr(why.text, "No such file"));
}

static void test_only_its_keeper_may_read_the_file(void **state)
{
    struct stat info;

    assert_int_equal(stat(path_of("record.db"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
}

static void test_a_folder_without_a_record_is_told(void **state)
{
    close_it();
    assert_int_equal(unlink(path_of("record.db")), 0);
    assert_unopened(COVEY_ENONE, "covey init");
    assert_false(is_there("record.db"));
}

static void test_a_file_of_another_kind_is_no_record(void **state)
{
    close_it();
    write_file("record.db", "This is a letter to the parents, and it is long "
                            "enough that SQLite looks at it as a database.");
    assert_unopened(COVEY_ECORRUPT, "record.db: ");
}

static void test_an_empty_file_is_no_record(void **state)
{
    close_it();
    write_file("record.db", "");
    assert_unopened(COVEY_ECORRUPT, "not a record of covey");
}

static void test_a_record_of_a_newer_version_is_left_alone(void **state)
{
    close_it();
    outside_sql(record.dir, "PRAGMA user_version = 999;");
    assert_unopened(COVEY_ENEWER, "newer version of covey");
    assert_string_equal(outside_sql(record.dir, "PRAGMA user_version;"), "999");
}

static void test_a_record_of_newer_rules_is_left_alone(void **state)
{
    close_it();
    outside_sql(record.dir, "UPDATE shape SET rules = 999;");
    assert_unopened(COVEY_ENEWER, "newer version of covey");
}

/* Spoil a page in the middle of the rows. */
static void spoil(void)
{
    FILE *file = fopen(path_of("record.db"), "r+");
    long middle = (long)size_of("record.db") / 4096 / 2;

    assert_non_null(file);
    assert_int_equal(fseek(file, middle * 4096, SEEK_SET), 0);
    assert_int_equal(fputs("This is not a page.", file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
}

/* Looking at all of it takes its time, so that is done where the last run did
 * not end well: it left its WAL. */
static void test_a_damaged_page_is_found_after_a_kill(void **state)
{
    record_sql(&record, MANY_ROWS);
    close_it();
    spoil();
    record_reopen(&record);
    close_it();
    write_file("record.db-wal", "of a run that did not end well");
    assert_unopened(COVEY_ECORRUPT, "restore a backup");
}

/* ---- transactions ---- */

static void test_what_is_committed_is_there_after_reopening(void **state)
{
    record_sql(&record, "INSERT INTO priority (title, why) VALUES ('T', 'W')");
    record_reopen(&record);
    assert_string_equal(record_sql(&record, "SELECT title FROM priority"), "T");
}

static void test_closing_rolls_back_what_is_open(void **state)
{
    record_begin(&record);
    record_sql(&record, "INSERT INTO priority (title, why) VALUES ('T', 'W')");
    record_reopen(&record);
    assert_string_equal(record_sql(&record, "SELECT count(*) FROM priority"),
                        "0");
}

static void test_a_mark_undoes_only_what_follows_it(void **state)
{
    record_begin(&record);
    record_sql(&record, "INSERT INTO priority (title, why) VALUES ('A', 'W')");
    assert_int_equal(store_mark(record.st), COVEY_OK);
    record_sql(&record, "INSERT INTO priority (title, why) VALUES ('B', 'W')");
    store_revert(record.st);
    assert_int_equal(store_mark(record.st), COVEY_OK);
    record_sql(&record, "INSERT INTO priority (title, why) VALUES ('C', 'W')");
    assert_int_equal(store_release(record.st), COVEY_OK);
    record_commit(&record);
    assert_string_equal(
        record_sql(&record, "SELECT group_concat(title) FROM (SELECT title "
                            "FROM priority ORDER BY title)"),
        "A,C");
}

/* ---- other programs ---- */

static void test_another_programs_lock_is_told_and_passes(void **state)
{
    struct store *other = NULL;
    struct covey_why why = {{0}};

    assert_int_equal(store_open(record.dir, &other, &why), COVEY_OK);
    assert_int_equal(store_begin(other), COVEY_OK);
    assert_int_equal(store_begin(record.st), COVEY_EBUSY);
    assert_false(store_in_transaction(record.st));
    store_rollback(other);
    assert_int_equal(store_begin(record.st), COVEY_OK);
    store_rollback(record.st);
    store_close(other);
}

static void test_another_programs_commit_is_noticed_once(void **state)
{
    bool changed;

    assert_int_equal(store_outside(record.st, &changed), COVEY_OK);
    record_sql(&record, "INSERT INTO priority (title, why) VALUES ('T', 'W')");
    assert_int_equal(store_outside(record.st, &changed), COVEY_OK);
    assert_false(changed); /* that was this program */
    outside_sql(record.dir,
                "INSERT INTO priority (title, why) VALUES ('T', 'W');");
    assert_int_equal(store_outside(record.st, &changed), COVEY_OK);
    assert_true(changed);
    assert_int_equal(store_outside(record.st, &changed), COVEY_OK);
    assert_false(changed);
}

static void test_checkpoints_keep_the_log_short(void **state)
{
    off_t longest = 0;

    for (int i = 0; i < 10; i++) {
        record_sql(&record, MANY_ROWS);
        assert_int_equal(store_checkpoint(record.st), COVEY_OK);
        if (size_of("record.db-wal") > longest)
            longest = size_of("record.db-wal");
    }
    assert_in_range(longest, 1, 6 << 20);
    assert_true(size_of("record.db") > 4 * longest);
}

static void test_what_others_write_is_checkpointed_too(void **state)
{
    bool changed;
    off_t before = size_of("record.db");

    outside_sql(record.dir, "PRAGMA wal_autocheckpoint = 0;" MANY_ROWS ";");
    assert_int_equal(size_of("record.db"), before);
    assert_int_equal(store_outside(record.st, &changed), COVEY_OK);
    assert_true(changed);
    assert_int_equal(store_checkpoint(record.st), COVEY_OK);
    assert_true(size_of("record.db") > before + 1000000);
}

static void test_a_checkpoint_waits_while_another_program_writes(void **state)
{
    struct store *other = NULL;
    struct covey_why why = {{0}};

    record_sql(&record, MANY_ROWS);
    assert_int_equal(store_open(record.dir, &other, &why), COVEY_OK);
    assert_int_equal(store_begin(other), COVEY_OK);
    assert_int_equal(store_checkpoint(record.st), COVEY_EBUSY);
    store_rollback(other);
    assert_int_equal(store_checkpoint(record.st), COVEY_OK);
    store_close(other);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        EACH(test_it_says_whose_it_is),
        EACH(test_a_second_init_changes_nothing),
        EACH(test_what_a_killed_init_left_is_swept),
        EACH(test_an_init_without_a_folder_leaves_nothing),
        EACH(test_only_its_keeper_may_read_the_file),
        EACH(test_a_folder_without_a_record_is_told),
        EACH(test_a_file_of_another_kind_is_no_record),
        EACH(test_an_empty_file_is_no_record),
        EACH(test_a_record_of_a_newer_version_is_left_alone),
        EACH(test_a_record_of_newer_rules_is_left_alone),
        EACH(test_a_damaged_page_is_found_after_a_kill),
        EACH(test_what_is_committed_is_there_after_reopening),
        EACH(test_closing_rolls_back_what_is_open),
        EACH(test_a_mark_undoes_only_what_follows_it),
        EACH(test_another_programs_lock_is_told_and_passes),
        EACH(test_another_programs_commit_is_noticed_once),
        EACH(test_checkpoints_keep_the_log_short),
        EACH(test_what_others_write_is_checkpointed_too),
        EACH(test_a_checkpoint_waits_while_another_program_writes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
