/* test_capture.c - a plain SQL write is a write: what each comes to, sealed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support_bytes.h"
#include "support_schools.h"

static struct schools *schools;

static int setup(void **state)
{
    schools = calloc(1, sizeof *schools);
    assert_non_null(schools);
    schools_init(schools, 2);
    return 0;
}

static int teardown(void **state)
{
    schools_clear(schools);
    free(schools);
    return 0;
}

/* Statements of the first school; ROW stands for its row 1 there. */
static char *with_row(const char *sql)
{
    static char out[2048];
    const char *row = strstr(sql, "ROW");
    size_t before = row == NULL ? strlen(sql) : (size_t)(row - sql);

    snprintf(out, sizeof out, "%.*s'%s'%s", (int)before, sql,
             schools_row(schools, 0, 1), row == NULL ? "" : row + 3);
    return row == NULL ? strcpy(out, sql) : out;
}

static void write(const char *sql)
{
    assert_true(schools_write(schools, 0, with_row(sql)));
}

static void write_other(const char *sql)
{
    assert_true(schools_write(schools, 1, with_row(sql)));
}

static const char *ask(size_t i, const char *sql)
{
    return record_sql(&schools->records[i], sql);
}

#define INSERT                                                                 \
    "INSERT INTO priority (space, title, why, id)"                             \
    " SELECT id, 't', 'w', ROW FROM space"

/* One change set with one part, and these cells. */
static void assert_sealed(const char *cells)
{
    size_t count = schools_seal(schools, 0);

    assert_int_equal(count, cells == NULL ? 0 : 1);
    assert_string_equal(ask(0, "SELECT count(*) FROM outbox"), "0");
    if (cells == NULL)
        return;
    assert_int_equal(schools_last(schools)->part_count, 1);
    struct row_part part = schools_part(schools_last(schools), 0);
    assert_string_equal(schools_cells(&part), cells);
}

static void assert_agreed(void)
{
    schools_meet(schools);
    schools_agree(schools);
}

/* The row is there and sealed. */
static void begin_with_row(void)
{
    write(INSERT);
    schools_meet(schools);
}

/* ---- each kind of write ---- */

static void test_an_insert_tells_what_the_row_holds(void **state)
{
    write(INSERT);
    assert_sealed("0=true 1='t' 2='w' 7='draft'");
    assert_agreed();
    assert_string_equal(ask(1, "SELECT title || why || status FROM priority"),
                        "twdraft");
}

static void test_an_update_tells_the_columns_that_changed(void **state)
{
    begin_with_row();
    write("UPDATE priority SET title = 'u', why = why");
    assert_sealed("1='u'<1");
    write("UPDATE priority SET outcome = 'o'");
    assert_sealed("3='o'");
    write("UPDATE priority SET outcome = NULL");
    assert_sealed("3=nil<1");
    assert_agreed();
}

static void test_writes_of_one_row_are_sealed_together(void **state)
{
    write(INSERT);
    write("UPDATE priority SET title = 'u'");
    assert_sealed("0=true 1='u' 2='w' 7='draft'");
    write("UPDATE priority SET title = 'v'");
    write("UPDATE priority SET why = 'x'");
    write("UPDATE priority SET title = 'y'");
    assert_sealed("1='y'<1 2='x'<1");
    assert_agreed();
}

static void test_a_row_made_and_deleted_again_comes_to_nothing(void **state)
{
    write(INSERT);
    write("UPDATE priority SET title = 'u'");
    write("DELETE FROM priority");
    assert_sealed(NULL);
    assert_string_equal(ask(0, "SELECT count(*) FROM clock"), "0");
}

static void test_a_delete_names_all_that_stands(void **state)
{
    begin_with_row();
    write("UPDATE priority SET title = 'u'");
    schools_meet(schools);
    write("DELETE FROM priority");
    assert_sealed("0=false<1");
    struct row_part part = schools_part(schools_last(schools), 0);
    assert_int_equal(part.names.len, 2 * STAMP_NAME);
    assert_agreed();
    assert_string_equal(ask(1, "SELECT count(*) FROM priority"), "0");
}

/* Else the words would be on no other machine, and come back wrong there. */
static void test_what_was_written_before_a_delete_is_told(void **state)
{
    begin_with_row();
    write("UPDATE priority SET title = 'last words'");
    write("DELETE FROM priority");
    assert_sealed("0=false<1 1='last words'<1");
    write_other("UPDATE priority SET why = 'kept'");
    assert_agreed();
    assert_string_equal(ask(0, "SELECT title || why FROM priority"),
                        "last wordskept");
}

static void test_a_row_deleted_and_made_again_is_an_update(void **state)
{
    begin_with_row();
    write("DELETE FROM priority");
    write(INSERT);
    assert_sealed("1='t'<1 2='w'<1 3=nil 4=nil 5=nil 6=nil 7='draft'<1");
    assert_agreed();
}

static void test_a_row_made_again_later_is_an_insert(void **state)
{
    begin_with_row();
    write("DELETE FROM priority");
    schools_meet(schools);
    write(INSERT);
    assert_sealed("0=true<1 1='t'<1 2='w'<1 7='draft'<1");
    assert_agreed();
    assert_string_equal(ask(1, "SELECT count(*) FROM priority"), "1");
    assert_string_equal(ask(1, "SELECT count(*) FROM aside"), "0");
}

static void test_a_replacement_is_an_update_of_what_differs(void **state)
{
    begin_with_row();
    write("INSERT OR REPLACE INTO priority (space, title, why, outcome, id)"
          " SELECT id, 't', 'x', 'o', ROW FROM space");
    assert_sealed("2='x'<1 3='o'");
    write("REPLACE INTO priority SELECT * FROM priority");
    assert_sealed(NULL);
    assert_agreed();
}

/* REPLACE would also delete the row whose rowid is asked for, and no trigger
 * tells of that one. */
static void test_a_replacement_takes_no_other_row_away(void **state)
{
    static const char *const refused[] = {
        "REPLACE INTO priority (rowid, title, why) SELECT rowid, 'x', 'y'"
        " FROM priority",
        "INSERT OR REPLACE INTO priority (oid, space, title, why)"
        " SELECT p.rowid, s.id, 'x', 'y' FROM priority AS p, space AS s",
        "INSERT INTO priority (rowid, title, why) VALUES (-1, 'x', 'y')",
        "INSERT INTO priority (rowid, title, why) VALUES (0, 'x', 'y')",
        "UPDATE OR REPLACE priority SET rowid = rowid + 1",
        "UPDATE OR REPLACE priority SET (\"_ROWID_\", why) = (77, 'x')",
    };

    begin_with_row();
    write("INSERT INTO priority (title, why) VALUES ('private', 'w')");
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_false(schools_write(schools, 0, refused[i]));
    assert_string_equal(ask(0, "SELECT group_concat(title) FROM priority"),
                        "t,private");
    write("UPDATE priority SET rowid = rowid, why = 'x' WHERE title = 't'");
    write("REPLACE INTO priority (rowid, id, space, title, why)"
          " SELECT rowid, id, space, title, 'z' FROM priority");
    assert_sealed("2='z'<1");
    assert_agreed();
}

static void test_an_upsert_is_an_update_or_nothing(void **state)
{
    begin_with_row();
    write("INSERT INTO priority (space, title, why, id)"
          " SELECT id, 'x', 'y', ROW FROM space WHERE true"
          " ON CONFLICT (id) DO UPDATE SET title = excluded.title");
    assert_sealed("1='x'<1");
    write("INSERT INTO priority (space, title, why, id)"
          " SELECT id, 'z', 'z', ROW FROM space WHERE true"
          " ON CONFLICT (id) DO NOTHING");
    assert_sealed(NULL);
    write("INSERT OR IGNORE INTO priority (space, title, why, id)"
          " SELECT id, 'z', 'z', ROW FROM space");
    write("UPDATE priority SET why = 'a'");
    assert_sealed("2='a'<1");
    assert_agreed();
}

static void test_a_private_row_is_not_captured(void **state)
{
    write("INSERT INTO priority (title, why) VALUES ('secret', 'w')");
    write("UPDATE priority SET title = 'more secret'");
    write("DELETE FROM priority");
    assert_sealed(NULL);
}

static void test_several_tables_and_rows_go_into_one_change_set(void **state)
{
    struct record *r = &schools->records[0];

    record_begin(r);
    for (size_t i = 0; i < 5; i++)
        write("INSERT INTO priority (space, title, why)"
              " SELECT id, 't', 'w' FROM space");
    write("INSERT INTO action (space, title) SELECT id, 'a' FROM space");
    write("INSERT INTO comment (space, on_row, text)"
          " SELECT space, id, 'c' FROM priority LIMIT 1");
    record_commit(r);
    int64_t waiting;
    assert_int_equal(capture_count(r->st, r->n, &waiting), COVEY_OK);
    assert_int_equal(waiting, 7);
    assert_int_equal(schools_seal(schools, 0), 1);
    assert_int_equal(schools_last(schools)->part_count, 7);
    assert_agreed();
    write("DELETE FROM priority");
    assert_int_equal(schools_seal(schools, 0), 1);
    assert_int_equal(schools_last(schools)->part_count, 5);
    assert_agreed();
}

static void test_the_next_space_with_something_waiting_is_told(void **state)
{
    struct record *r = &schools->records[0];
    int64_t other = record_space(r, 0x77);
    int64_t n;

    assert_int_equal(capture_next_space(r->st, 0, &n), COVEY_ENONE);
    write("INSERT INTO priority (space, title, why)"
          " SELECT id, 't', 'w' FROM space");
    assert_int_equal(capture_next_space(r->st, 0, &n), COVEY_OK);
    assert_int_equal(n, r->n);
    assert_int_equal(capture_next_space(r->st, n, &n), COVEY_OK);
    assert_int_equal(n, other);
    assert_int_equal(capture_next_space(r->st, n, &n), COVEY_ENONE);
    schools_seal(schools, 0);
    assert_string_equal(ask(0, "SELECT group_concat(space) FROM outbox"), "2");
}

/* ---- words that do not go as they are ---- */

static void test_text_that_is_not_utf8_is_mended_and_written_back(void **state)
{
    begin_with_row();
    write("UPDATE priority SET title = CAST(x'61ff62c3' AS TEXT)");
    assert_sealed("1='a\xef\xbf\xbd"
                  "b\xef\xbf\xbd'<1");
    assert_string_equal(ask(0, "SELECT hex(title) FROM priority"),
                        "61EFBFBD62EFBFBD");
    write("UPDATE priority SET title = CAST(x'80' AS TEXT)");
    write("DELETE FROM priority");
    assert_sealed("0=false<1 1='\xef\xbf\xbd'<1");
    write_other("UPDATE priority SET why = 'kept'");
    assert_agreed();
}

static void test_a_nul_in_a_text_survives(void **state)
{
    begin_with_row();
    write("UPDATE priority SET outcome = CAST(x'610062' AS TEXT)");
    schools_meet(schools);
    assert_string_equal(ask(1, "SELECT hex(outcome) FROM priority"), "610062");
    write("DELETE FROM priority");
    schools_seal(schools, 0);
    write_other("UPDATE priority SET why = 'kept'");
    assert_agreed();
    assert_string_equal(ask(0, "SELECT hex(outcome) FROM priority"), "610062");
}

/* ---- much at once ---- */

static void test_a_cell_of_192_kib_travels(void **state)
{
    write("INSERT INTO priority (space, title, why, outcome, id)"
          " SELECT id, 't', 'w', printf('%.*c', 196608, 'x'), ROW FROM space");
    assert_int_equal(schools_seal(schools, 0), 1);
    assert_agreed();
    assert_string_equal(ask(1, "SELECT length(outcome) FROM priority"),
                        "196608");
}

/* Only columns without a limit of their own can be as large as that. */
static void test_a_row_too_large_for_one_change_set_takes_two(void **state)
{
    write("INSERT INTO priority (space, title, why, outcome, source, id)"
          " SELECT id, 't', printf('%.*c', 20000, '\xf0\x9f\x90\xa6'),"
          " printf('%.*c', 190000, 'x'), lower(hex(zeroblob(20))), ROW"
          " FROM space");
    write("UPDATE priority SET why = replace(why, 'x', 'x')");
    write("UPDATE priority SET why ="
          " replace(printf('%.*c', 19999, 'x'), 'x', char(128038))");
    assert_int_equal(schools_seal(schools, 0), 2);
    assert_string_equal(ask(0, "SELECT count(*) FROM outbox"), "0");
    assert_agreed();
    write("UPDATE priority SET why ="
          " replace(printf('%.*c', 19998, 'x'), 'x', char(128038)),"
          " outcome = printf('%.*c', 190001, 'y'), title = 'u'");
    assert_int_equal(schools_seal(schools, 0), 2);
    assert_agreed();
}

/* What an ignored insert noted is no write, also where the rest is left. */
static void test_what_is_left_of_a_large_row_is_what_was_written(void **state)
{
    begin_with_row();
    write("INSERT OR IGNORE INTO priority (space, title, why, id)"
          " SELECT id, 'not written', 'y', ROW FROM space");
    write("UPDATE priority SET why ="
          " replace(printf('%.*c', 19998, 'x'), 'x', char(128038)),"
          " outcome = printf('%.*c', 190001, 'y')");
    assert_int_equal(schools_seal(schools, 0), 2);
    struct row_part part = schools_part(schools_last(schools), 0);
    assert_int_equal(part.cell_count, 1);
    assert_agreed();
}

static void test_a_large_row_edited_and_deleted_is_one_delete(void **state)
{
    begin_with_row();
    write("UPDATE priority SET why ="
          " replace(printf('%.*c', 19998, 'x'), 'x', char(128038)),"
          " outcome = printf('%.*c', 190001, 'y'), title = 'u'");
    write("DELETE FROM priority");
    assert_int_equal(schools_seal(schools, 0), 1);
    write_other("UPDATE priority SET lead = NULL, status = 'proposed'");
    assert_agreed();
    assert_string_equal(ask(0, "SELECT title || coalesce(outcome, '-')"
                               " FROM priority"),
                        "u-");
}

static void test_many_rows_take_many_change_sets(void **state)
{
    struct record *r = &schools->records[0];

    write("INSERT INTO priority (space, title, why)"
          " WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
          " WHERE i < 5000)"
          " SELECT (SELECT id FROM space), 't' || i, 'w' FROM n");
    assert_int_equal(schools_seal(schools, 0), 5);
    assert_agreed();
    assert_string_equal(ask(1, "SELECT count(*) FROM priority"), "5000");

    /* Entries of one row that lie further apart than one looks at a time. */
    record_begin(r);
    write("UPDATE priority SET title = 'u'");
    write("UPDATE priority SET why = 'x'");
    write("DELETE FROM priority WHERE rowid % 3 = 0");
    record_commit(r);
    schools_seal(schools, 0);
    assert_string_equal(ask(0, "SELECT count(*) FROM outbox"), "0");
    assert_agreed();
    assert_string_equal(ask(1, "SELECT count(*) FROM priority"), "3334");
}

/* keep_parts() in support_schools.c weighs each change set. */
static void test_a_change_set_is_filled_and_no_fuller(void **state)
{
    write("INSERT INTO priority (space, title, why, outcome)"
          " WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
          " WHERE i < 2000)"
          " SELECT (SELECT id FROM space), 't', 'w', printf('%.*c', 250, 'o')"
          " FROM n");
    assert_in_range(schools_seal(schools, 0), 3, 4);
    assert_agreed();
}

static void test_entries_left_for_the_next_change_set_are_not_lost(void **state)
{
    struct record *r = &schools->records[0];

    record_begin(r);
    for (size_t i = 0; i < 4; i++) {
        write("INSERT INTO priority (space, title, why, outcome)"
              " SELECT id, 't', 'w', printf('%.*c', 100000, 'x') FROM space");
        write("UPDATE priority SET title = title || 'u'");
    }
    record_commit(r);
    assert_int_equal(schools_seal(schools, 0), 2);
    assert_agreed();
    assert_string_equal(ask(1, "SELECT group_concat(length(title)) FROM"
                               " (SELECT title FROM priority ORDER BY 1)"),
                        "2,3,4,5");
}

/* ---- what never changes ---- */

static void test_what_is_set_once_stays_when_a_row_is_made_again(void **state)
{
    write("INSERT INTO comment (space, on_row, text, id)"
          " SELECT id, lower(hex(zeroblob(20))), 'c', ROW FROM space");
    schools_meet(schools);
    write("DELETE FROM comment");
    write("INSERT INTO comment (space, on_row, text, id)"
          " SELECT id, replace(hex(zeroblob(20)), '0', '1'), 'd', ROW"
          " FROM space");
    assert_sealed("2='d'<1");
    assert_string_equal(ask(0, "SELECT DISTINCT replace(on_row, '0', '')"
                               " FROM comment"),
                        "");
    write("DELETE FROM comment");
    schools_meet(schools);
    write("INSERT INTO comment (space, on_row, text, id)"
          " SELECT id, replace(hex(zeroblob(20)), '0', '1'), 'e', ROW"
          " FROM space");
    assert_sealed("0=true<1 2='e'<1");
    assert_agreed();
    assert_string_equal(ask(0, "SELECT DISTINCT replace(on_row, '0', '')"
                               " FROM comment"),
                        "");
}

static void test_what_is_set_once_comes_back_as_it_was(void **state)
{
    write("INSERT INTO priority (space, title, why, source, id)"
          " SELECT id, 't', 'w', lower(hex(zeroblob(20))), ROW FROM space");
    schools_meet(schools);
    write("DELETE FROM priority");
    write("INSERT INTO priority (space, title, why, source, id)"
          " SELECT id, 'u', 'w', replace(hex(zeroblob(20)), '0', '1'), ROW"
          " FROM space");
    write("DELETE FROM priority");
    schools_seal(schools, 0);
    write_other("UPDATE priority SET why = 'kept'");
    assert_agreed();
    assert_string_equal(ask(0, "SELECT replace(source, '0', '') || title"
                               " FROM priority"),
                        "u");
}

static void
test_what_was_not_set_may_be_set_by_making_the_row_again(void **state)
{
    begin_with_row();
    write("DELETE FROM priority");
    write("INSERT INTO priority (space, title, why, source, id)"
          " SELECT id, 't', 'w', lower(hex(zeroblob(20))), ROW FROM space");
    schools_seal(schools, 0);
    assert_agreed();
    assert_string_equal(ask(1, "SELECT replace(source, '0', '') FROM priority"),
                        "");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_an_insert_tells_what_the_row_holds),
        CASE(test_an_update_tells_the_columns_that_changed),
        CASE(test_writes_of_one_row_are_sealed_together),
        CASE(test_a_row_made_and_deleted_again_comes_to_nothing),
        CASE(test_a_delete_names_all_that_stands),
        CASE(test_what_was_written_before_a_delete_is_told),
        CASE(test_a_row_deleted_and_made_again_is_an_update),
        CASE(test_a_row_made_again_later_is_an_insert),
        CASE(test_a_replacement_is_an_update_of_what_differs),
        CASE(test_a_replacement_takes_no_other_row_away),
        CASE(test_an_upsert_is_an_update_or_nothing),
        CASE(test_a_private_row_is_not_captured),
        CASE(test_several_tables_and_rows_go_into_one_change_set),
        CASE(test_the_next_space_with_something_waiting_is_told),
        CASE(test_text_that_is_not_utf8_is_mended_and_written_back),
        CASE(test_a_nul_in_a_text_survives),
        CASE(test_a_cell_of_192_kib_travels),
        CASE(test_a_row_too_large_for_one_change_set_takes_two),
        CASE(test_what_is_left_of_a_large_row_is_what_was_written),
        CASE(test_a_large_row_edited_and_deleted_is_one_delete),
        CASE(test_many_rows_take_many_change_sets),
        CASE(test_a_change_set_is_filled_and_no_fuller),
        CASE(test_entries_left_for_the_next_change_set_are_not_lost),
        CASE(test_what_is_set_once_stays_when_a_row_is_made_again),
        CASE(test_what_is_set_once_comes_back_as_it_was),
        CASE(test_what_was_not_set_may_be_set_by_making_the_row_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
