/* test_schema.c - the shared tables' guards and capture: whoever writes with
 * plain SQL, what goes in is noted, and what breaks a rule is refused in
 * words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/space.h"
#include "support_outside.h"
#include "support_record.h"

#define SPACE "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
#define OTHER "6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b"
#define OURS(n) "018c00000000a1a1a1a1a1a1000000000000000" n
#define THEIRS "018c00000000b2b2b2b2b2b20000000000000001"

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

static const char *run(const char *sql)
{
    return record_sql(&record, sql);
}

/* What was noted: op:table:columns, in order. */
static const char *noted(void)
{
    return run("SELECT coalesce(group_concat(op || ':' || tbl || ':' || cols,"
               " ' '), '') FROM (SELECT * FROM outbox ORDER BY seq)");
}

static void forget(void)
{
    run("DELETE FROM outbox");
}

/* A row that stands in the space, and is sealed as it were. */
static void given_priority(void)
{
    run("INSERT INTO priority (id, space, title, why) VALUES ('" OURS(
        "1") "', '" SPACE "', 'Reading', 'It fell')");
    forget();
}

static void set_role(enum role role, enum space_kind kind, bool carried)
{
    struct space_row row;

    record_begin(&record);
    assert_int_equal(space_get(record.st, record.n, &row), COVEY_OK);
    row.role = role;
    row.kind = kind;
    row.carried = carried;
    assert_int_equal(space_set(record.st, &row), COVEY_OK);
    record_commit(&record);
}

/* The same record in another member's hands: its triggers carry that tag. */
static void hand_over(void)
{
    store_close(record.st);
    outside_sql(record.dir,
                "UPDATE self SET member = replace(member, 'a1', 'b2');");
    record.st = NULL;
    record_reopen(&record);
}

/* ---- ids ---- */

static void test_a_new_row_gets_an_id_of_time_and_tag(void **state)
{
    run("INSERT INTO priority (title, why) VALUES ('T', 'W')");
    assert_string_equal(
        run("SELECT length(id) || substr(id, 13, 12) || (id NOT GLOB"
            " '*[^0-9a-f]*') FROM priority"),
        "40a1a1a1a1a1a11");
    assert_string_equal(
        run("SELECT abs(strftime('%s', 'now') * 1000 - ("
            "(instr('0123456789abcdef', substr(id, 1, 1)) - 1) * 17592186044416"
            " + (instr('0123456789abcdef', substr(id, 2, 1)) - 1) *"
            " 1099511627776"
            " + (instr('0123456789abcdef', substr(id, 3, 1)) - 1) * 68719476736"
            " + (instr('0123456789abcdef', substr(id, 4, 1)) - 1) * 4294967296"
            ")) < 5000000000 FROM priority"),
        "1");
}

/* ---- capture ---- */

static void test_a_private_row_is_not_noted(void **state)
{
    run("INSERT INTO priority (title, why) VALUES ('T', 'W')");
    run("UPDATE priority SET title = 'U'");
    run("DELETE FROM priority");
    assert_string_equal(noted(), "");
}

static void test_a_shared_row_is_noted_with_its_space(void **state)
{
    run("INSERT INTO priority (space, title, why) VALUES ('" SPACE
        "', 'T', 'W')");
    assert_string_equal(noted(), "1:1:510");
    assert_string_equal(
        run("SELECT o.id = p.id AND o.space = (SELECT n FROM space)"
            " FROM outbox AS o, priority AS p"),
        "1");
}

static void test_an_update_notes_the_columns_that_changed(void **state)
{
    given_priority();
    run("UPDATE priority SET title = 'Writing', why = why, outcome = 'More'");
    assert_string_equal(noted(), "2:1:10");
}

static void test_an_update_that_changes_nothing_is_not_noted(void **state)
{
    given_priority();
    run("UPDATE priority SET title = title, outcome = NULL");
    assert_string_equal(noted(), "");
}

static void test_a_delete_notes_what_the_row_held(void **state)
{
    given_priority();
    run("UPDATE priority SET outcome = 'a:b-c', lead = NULL");
    forget();
    run("DELETE FROM priority");
    assert_string_equal(noted(), "3:1:1");
    assert_string_equal(run("SELECT old FROM outbox"),
                        "7:Reading7:It fell5:a:b-c---5:draft-");
}

static void test_a_delete_of_all_notes_each_row(void **state)
{
    given_priority();
    run("INSERT INTO priority (space, title, why) VALUES ('" SPACE
        "', 'Two', 'W'), ('" SPACE "', 'Three', 'W'), (NULL, 'Four', 'W')");
    forget();
    run("DELETE FROM priority");
    assert_string_equal(noted(), "3:1:1 3:1:1 3:1:1");
}

static void test_one_statement_notes_many_rows(void **state)
{
    run("INSERT INTO priority (space, title, why) VALUES ('" SPACE
        "', 'One', 'W'), ('" SPACE "', 'Two', 'W')");
    run("UPDATE priority SET why = title");
    assert_string_equal(noted(), "1:1:510 1:1:510 2:1:4 2:1:4");
}

static void test_a_transaction_over_several_tables_is_whole(void **state)
{
    record_begin(&record);
    given_priority();
    run("INSERT INTO action (space, priority, title) VALUES ('" SPACE
        "', '" OURS("1") "', 'Read aloud')");
    run("INSERT INTO comment (space, on_row, text) VALUES ('" SPACE
        "', '" OURS("1") "', 'Why now?')");
    assert_string_equal(noted(), "1:2:254 1:3:14");
    store_rollback(record.st);
    assert_string_equal(noted(), "");
    assert_string_equal(run("SELECT count(*) FROM action"), "0");
}

/* ---- REPLACE, IGNORE, UPSERT ---- */

#define INSERT_OR(how) "INSERT OR " how " INTO priority (id, space, title, why)"
#define VALUES(space, title)                                                   \
    " VALUES ('" OURS("1") "', " space ", '" title "', 'It fell')"
#define IN_SPACE "'" SPACE "'"

static void test_a_replacement_notes_the_columns_that_differ(void **state)
{
    given_priority();
    run("UPDATE priority SET outcome = 'More'");
    forget();
    run(INSERT_OR("REPLACE") VALUES(IN_SPACE, "Writing"));
    assert_string_equal(noted(), "4:1:10 1:1:510");
}

static void test_a_replacement_of_nothing_is_an_insert(void **state)
{
    run(INSERT_OR("REPLACE") VALUES(IN_SPACE, "Reading"));
    assert_string_equal(noted(), "1:1:510");
}

static void test_a_replacement_stays_in_its_space(void **state)
{
    given_priority();
    record_space(&record, 0x6b);
    record_refuses(&record,
                   INSERT_OR("REPLACE") VALUES("'" OTHER "'", "Reading"),
                   "a row stays in the space it was written in");
    record_refuses(&record, INSERT_OR("REPLACE") VALUES("NULL", "Reading"),
                   "a row stays in the space it was written in");
    run("INSERT INTO priority (id, title, why) VALUES ('" OURS(
        "2") "', 'Private', 'W')");
    record_refuses(&record,
                   "REPLACE INTO priority (id, space, title, why) VALUES ('" //
                   OURS("2") "', '" SPACE "', 'Private', 'W')",
                   "a row stays in the space it was written in");
    assert_string_equal(noted(), "");
}

static void test_a_replacement_keeps_what_is_set_once(void **state)
{
    run("INSERT INTO priority (id, space, title, why, source) VALUES ('" OURS(
        "1") "', '" SPACE "', 'Reading', 'It fell', '" OURS("9") "')");
    record_refuses(&record, INSERT_OR("REPLACE") VALUES(IN_SPACE, "Writing"),
                   "a column that is set once stays as it is");
}

static void test_another_members_row_is_changed_and_never_made(void **state)
{
    given_priority();
    hand_over();
    run(INSERT_OR("REPLACE") VALUES(IN_SPACE, "Writing"));
    assert_string_equal(noted(), "4:1:2 1:1:510");
    run("DELETE FROM priority");
    record_refuses(&record, INSERT_OR("REPLACE") VALUES(IN_SPACE, "Reading"),
                   "another member's tag");
    record_refuses(&record, INSERT_OR("REPLACE") VALUES("NULL", "Reading"),
                   "another member's tag");
}

static void test_an_insert_that_is_ignored_is_no_write(void **state)
{
    given_priority();
    run(INSERT_OR("IGNORE") VALUES("NULL", "Writing") "ON CONFLICT DO NOTHING");
    run(INSERT_OR("IGNORE") VALUES(IN_SPACE, "Writing"));
    assert_string_equal(
        run("SELECT count(*) FROM outbox WHERE op <> 4 UNION ALL"
            " SELECT title FROM priority"),
        "0Reading");
    /* What it noted does not turn the next insert into a replacement. */
    run("DELETE FROM priority");
    run("INSERT INTO priority (id, space, title, why) VALUES ('" OURS(
        "1") "', '" SPACE "', 'Again', 'It fell')");
    assert_string_equal(
        run("SELECT group_concat(op, '') FROM (SELECT op FROM outbox"
            " ORDER BY seq DESC LIMIT 2)"),
        "13");
}

static void test_an_ignored_insert_of_a_private_row_leaves_no_trap(void **state)
{
    run("INSERT INTO priority (id, title, why) VALUES ('" OURS(
        "1") "', 'Private', 'W')");
    run(INSERT_OR("IGNORE") VALUES(IN_SPACE, "Reading"));
    run("DELETE FROM priority");
    run("INSERT INTO priority (id, title, why) VALUES ('" OURS(
        "1") "', 'Private again', 'W')");
    assert_string_equal(run("SELECT title FROM priority"), "Private again");
}

static void test_an_upsert_notes_its_update(void **state)
{
    given_priority();
    run("INSERT INTO priority (id, space, title, why) VALUES ('" OURS(
        "1") "', '" SPACE "', 'Writing', 'Other')"
             " ON CONFLICT (id) DO UPDATE SET title = excluded.title");
    assert_string_equal(run("SELECT group_concat(op || ':' || cols, ' ') FROM"
                            " outbox WHERE op <> 4"),
                        "2:2");
    assert_string_equal(run("SELECT title || why FROM priority"),
                        "WritingIt fell");
}

static void test_an_upsert_may_name_what_it_does_not_touch(void **state)
{
    given_priority();
    run("INSERT INTO priority (id, title, source) VALUES ('" OURS(
        "1") "', 'Writing', '" OURS("9") "')"
                                         " ON CONFLICT (id) DO UPDATE SET "
                                         "title = excluded.title");
    run("INSERT INTO priority (id, space, title) VALUES ('" OURS(
        "1") "', '" OTHER "', 'Arithmetic')"
             " ON CONFLICT (id) DO NOTHING");
    assert_string_equal(run("SELECT title || space FROM priority"),
                        "Writing" SPACE);
}

static void test_an_upsert_of_a_new_row_is_an_insert(void **state)
{
    run("INSERT INTO priority (space, title, why) VALUES ('" SPACE
        "', 'Writing', 'W') ON CONFLICT (id) DO UPDATE SET title = 'Never'");
    assert_string_equal(noted(), "1:1:510");
}

/* ---- what is refused ---- */

static const struct {
    const char *sql;
    const char *words;
} refused[] = {
    {"INSERT INTO priority (id, title, why) VALUES ('12', 'T', 'W')",
     "priority.id is not 40 digits"},
    {"INSERT INTO priority (id, title, why) VALUES"
     " ('018C00000000A1A1A1A1A1A10000000000000001', 'T', 'W')",
     "priority.id is not 40 digits"},
    {"INSERT INTO priority (id, title, why) VALUES"
     " ('018c00000000a1a1a1a1a1a1000000000000000' || char(10), 'T', 'W')",
     "priority.id is not 40 digits"},
    {"INSERT INTO priority (id, title, why) VALUES ('" THEIRS "', 'T', 'W')",
     "carries another member's tag"},
    {"UPDATE priority SET id = '" OURS("2") "'", "priority.id never changes"},
    {"UPDATE priority SET space = NULL", "a row stays in the space"},
    {"UPDATE priority SET source = '" OURS("2") "'",
     "priority.source is set once"},
    {"INSERT INTO priority (space, title, why) VALUES"
     " ('" OTHER "', 'T', 'W')",
     "no space of this school"},
    {"INSERT INTO priority (space, title, why) VALUES ('Cluster', 'T', 'W')",
     "no space of this school"},
    {"INSERT INTO priority (title) VALUES ('T')", "priority.why is empty"},
    {"UPDATE priority SET title = NULL", "priority.title is empty"},
    {"UPDATE priority SET title = '  '", "priority.title is empty"},
    {"UPDATE priority SET title = printf('%201d', 1)",
     "longer than 200 characters"},
    {"UPDATE priority SET outcome = printf('%196609d', 1)",
     "larger than 192 KiB"},
    {"UPDATE priority SET title = 'T' || char(0) || printf('%196609d', 1)",
     "larger than 192 KiB"},
    {"UPDATE priority SET status = 'agreed'",
     "is none of: draft, proposed, withdrawn"},
    {"UPDATE priority SET status = NULL", "is none of: draft"},
    {"UPDATE priority SET lead = 'Sandy Upper'", "is not a member's id"},
    {"UPDATE priority SET lead = printf('%064d', 0) || 'a'",
     "is not a member's id"},
    {"UPDATE priority SET principles = 'P1'", "is not a JSON array"},
    {"UPDATE priority SET principles = '[\"P9\"]'", "is not a JSON array"},
    {"UPDATE priority SET principles = '[\"P2\",\"P1\"]'",
     "is not a JSON array, sorted"},
    {"UPDATE priority SET principles = '[\"P1\",\"P1\"]'", "no word twice"},
    {"UPDATE priority SET principles = '[\"P1\", \"P2\"]'",
     "is not a JSON array"},
    {"INSERT INTO action (title, due) VALUES ('T', '2026-02-30')",
     "action.due is not a day"},
    {"INSERT INTO action (title, due) VALUES ('T', 'now')",
     "action.due is not a day"},
    {"INSERT INTO action (title, due) VALUES ('T', '2026-2-3')",
     "action.due is not a day"},
    {"INSERT INTO action (title, priority) VALUES ('T', 'Reading')",
     "is not a row's id"},
    {"INSERT INTO comment (text) VALUES ('T')", "comment.on_row is not"},
};

static void test_what_breaks_a_rule_is_refused_in_words(void **state)
{
    given_priority();
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        print_message("%s\n", refused[i].sql);
        record_refuses(&record, refused[i].sql, refused[i].words);
    }
    assert_string_equal(noted(), "");
    assert_string_equal(run("SELECT count(*) FROM priority"), "1");
}

static void test_a_refusal_undoes_the_whole_statement(void **state)
{
    record_begin(&record);
    record_refuses(&record,
                   "INSERT INTO priority (space, title, why) VALUES ('" SPACE
                   "', 'Good', 'W'), ('" SPACE "', '', 'W')",
                   "priority.title is empty");
    run("INSERT INTO priority (space, title, why) VALUES ('" SPACE
        "', 'Kept', 'W')");
    record_commit(&record);
    assert_string_equal(run("SELECT group_concat(title) FROM priority"),
                        "Kept");
    assert_string_equal(noted(), "1:1:510");
}

static void test_values_at_their_limits_pass(void **state)
{
    given_priority();
    run("UPDATE priority SET title = replace(printf('%200d', 1), ' ',"
        " char(233)), outcome = printf('%196608d', 1), principles ="
        " '[\"P1\",\"P3\",\"P6\"]', phases = '[]', lead = printf('%064d', 0)");
    assert_string_equal(noted(), "2:1:122");
    run("INSERT INTO action (title, due, status) VALUES ('T', '2028-02-29',"
        " 'in progress')");
}

/* ---- roles ---- */

static void test_a_council_comments_and_writes_no_priority(void **state)
{
    given_priority();
    set_role(ROLE_COUNCIL, SPACE_CLUSTER, false);
    record_refuses(&record, "UPDATE priority SET title = 'Ours'",
                   "does not let it write a priority");
    record_refuses(&record, "DELETE FROM priority",
                   "does not let it write a priority");
    record_refuses(&record,
                   "INSERT INTO priority (space, title, why) VALUES ('" SPACE
                   "', 'T', 'W')",
                   "does not let it write a priority");
    run("INSERT INTO comment (space, on_row, text) VALUES ('" SPACE
        "', '" OURS("1") "', 'Can we help?')");
    assert_string_equal(noted(), "1:3:14");
}

static void test_a_carried_space_takes_nothing(void **state)
{
    set_role(ROLE_CARRIER, SPACE_CLUSTER, true);
    record_refuses(&record,
                   "INSERT INTO comment (space, on_row, text) VALUES ('" SPACE
                   "', '" OURS("1") "', 'T')",
                   "carries that space without its key");
}

static void test_only_its_writer_changes_a_comment(void **state)
{
    run("INSERT INTO comment (id, space, on_row, text) VALUES ('" OURS(
        "2") "', '" SPACE "', '" OURS("1") "', 'Mine')");
    run("UPDATE comment SET text = 'Still mine'");
    forget();
    hand_over();
    record_refuses(&record, "UPDATE comment SET text = 'Theirs'",
                   "only by the member that wrote it");
    record_refuses(&record, "DELETE FROM comment",
                   "only by the member that wrote it");
    record_refuses(&record,
                   "REPLACE INTO comment (id, space, on_row, text) VALUES"
                   " ('" OURS("2") "', '" SPACE "', '" OURS("1") "', 'T')",
                   "another member's tag");
}

/* ---- the shell, while the daemon is stopped ---- */

static const char *outside(const char *sql)
{
    return outside_sql(record.dir, sql);
}

static void test_the_shell_writes_the_same_notes(void **state)
{
    store_close(record.st);
    record.st = NULL;
    assert_string_equal(
        outside("INSERT INTO priority (id, space, title, why) VALUES ('" OURS(
            "1") "', '" SPACE "', 'Reading', 'It fell');"
                 "UPDATE priority SET title = 'Writing';"
                 "REPLACE INTO priority (id, space, title, why) VALUES ('" OURS(
                     "1") "', '" SPACE "', 'Arithmetic', 'It fell');"
                          "BEGIN; DELETE FROM priority; ROLLBACK;"
                          "DELETE FROM priority;"),
        "");
    record_reopen(&record);
    assert_string_equal(noted(), "1:1:510 2:1:2 4:1:2 1:1:510 3:1:1");
}

static void test_the_shell_is_refused_in_the_same_words(void **state)
{
    const char *words =
        outside("INSERT INTO action (title, due) VALUES ('T', '2026-02-30');");

    assert_non_null(strstr(words, "action.due is not a day"));
    words = outside("INSERT INTO priority (space, title, why) VALUES ('" OTHER
                    "', 'T', 'W');");
    assert_non_null(strstr(words, "no space of this school"));
    words = outside("PRAGMA trusted_schema = OFF; INSERT INTO priority (title,"
                    " why, phases) VALUES ('T', 'W', '[\"KS2\",\"KS1\"]');");
    assert_non_null(strstr(words, "is not a JSON array, sorted"));
    assert_string_equal(noted(), "");
}

static void
test_recursive_triggers_note_a_delete_before_the_insert(void **state)
{
    given_priority();
    assert_string_equal(
        outside("PRAGMA recursive_triggers = ON; REPLACE INTO priority (id,"
                " space, title, why) VALUES ('" OURS(
                    "1") "', '" SPACE "', 'Writing', 'It fell');"),
        "");
    assert_string_equal(noted(), "4:1:2 3:1:1 1:1:510");
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        EACH(test_a_new_row_gets_an_id_of_time_and_tag),
        EACH(test_a_private_row_is_not_noted),
        EACH(test_a_shared_row_is_noted_with_its_space),
        EACH(test_an_update_notes_the_columns_that_changed),
        EACH(test_an_update_that_changes_nothing_is_not_noted),
        EACH(test_a_delete_notes_what_the_row_held),
        EACH(test_a_delete_of_all_notes_each_row),
        EACH(test_one_statement_notes_many_rows),
        EACH(test_a_transaction_over_several_tables_is_whole),
        EACH(test_a_replacement_notes_the_columns_that_differ),
        EACH(test_a_replacement_of_nothing_is_an_insert),
        EACH(test_a_replacement_stays_in_its_space),
        EACH(test_a_replacement_keeps_what_is_set_once),
        EACH(test_another_members_row_is_changed_and_never_made),
        EACH(test_an_insert_that_is_ignored_is_no_write),
        EACH(test_an_ignored_insert_of_a_private_row_leaves_no_trap),
        EACH(test_an_upsert_notes_its_update),
        EACH(test_an_upsert_may_name_what_it_does_not_touch),
        EACH(test_an_upsert_of_a_new_row_is_an_insert),
        EACH(test_what_breaks_a_rule_is_refused_in_words),
        EACH(test_a_refusal_undoes_the_whole_statement),
        EACH(test_values_at_their_limits_pass),
        EACH(test_a_council_comments_and_writes_no_priority),
        EACH(test_a_carried_space_takes_nothing),
        EACH(test_only_its_writer_changes_a_comment),
        EACH(test_the_shell_writes_the_same_notes),
        EACH(test_the_shell_is_refused_in_the_same_words),
        EACH(test_recursive_triggers_note_a_delete_before_the_insert),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
