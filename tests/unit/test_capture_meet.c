/* test_capture_meet.c - what is written at the same time as others write, and
 * what a form had not seen. */
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

/* ---- at the same time as others ---- */

static void test_a_write_replaces_all_that_stands_beside(void **state)
{
    begin_with_row();
    write("UPDATE priority SET title = 'ours'");
    write_other("UPDATE priority SET title = 'theirs'");
    assert_agreed();
    assert_string_equal(ask(0, "SELECT count(*) FROM sibling"), "1");
    assert_string_equal(ask(0, "SELECT count(*) FROM sibling"
                               " WHERE wall > 0 AND seq > 0"),
                        "1");
    write("UPDATE priority SET title = 'agreed'");
    assert_sealed("1='agreed'<2");
    assert_agreed();
    assert_string_equal(ask(1, "SELECT count(*) FROM sibling"), "0");
}

static void test_an_edit_that_meets_a_delete_is_kept_by_both(void **state)
{
    begin_with_row();
    write("DELETE FROM priority");
    write_other("UPDATE priority SET title = 'edited'");
    assert_agreed();
    assert_string_equal(ask(0, "SELECT title FROM priority"), "edited");
    assert_string_equal(ask(0, "SELECT col || value FROM sibling"), "00");
    write("DELETE FROM priority");
    assert_agreed();
    assert_string_equal(ask(1, "SELECT count(*) FROM priority"), "0");
    assert_string_equal(ask(1, "SELECT count(*) FROM sibling"), "0");
}

static void test_an_owner_who_replaces_a_contested_row_keeps_it(void **state)
{
    begin_with_row();
    write("UPDATE priority SET title = 'edited'");
    write_other("DELETE FROM priority");
    assert_agreed();
    assert_string_equal(ask(0, "SELECT col || value FROM sibling"), "00");
    write("REPLACE INTO priority SELECT * FROM priority");
    assert_sealed("0=true<1");
    assert_agreed();
    assert_string_equal(ask(1, "SELECT count(*) FROM sibling"), "0");
    assert_string_equal(ask(1, "SELECT title FROM priority"), "edited");
}

/* The form was opened on the row as it was first. */
static void see_first(const char *where)
{
    char sql[256];
    char hex[2 * STAMP_NAME + 1];

    hex_encode(schools->sealed[0].entry.hash.b, STAMP_NAME, hex);
    snprintf(sql, sizeof sql, "UPDATE outbox SET seen = x'%s' %s", hex, where);
    write(sql);
}

static void test_a_form_keeps_beside_what_it_had_not_seen(void **state)
{
    begin_with_row();
    write_other("UPDATE priority SET title = 'theirs'");
    schools_meet(schools);
    write("UPDATE priority SET title = 'from the form', why = 'x'");
    see_first("");
    assert_sealed("1='from the form' 2='x'<1");
    assert_agreed();
    assert_string_equal(ask(0, "SELECT title FROM priority"), "from the form");
    assert_string_equal(ask(0, "SELECT group_concat(value) FROM sibling"),
                        "theirs");
}

static void test_what_cannot_be_had_any_more_is_replaced_after_all(void **state)
{
    begin_with_row();
    write_other("UPDATE priority SET title = 'theirs'");
    schools_meet(schools);
    write("UPDATE priority SET title = 'from the form'");
    see_first("");
    schools->withhold = true;
    assert_sealed("1='from the form'<1");
    assert_agreed();
    assert_string_equal(ask(0, "SELECT count(*) FROM sibling"), "0");
}

static void test_a_form_deletes_nothing_that_it_had_not_seen(void **state)
{
    begin_with_row();
    write_other("UPDATE priority SET title = 'theirs'");
    schools_meet(schools);
    write("DELETE FROM priority");
    see_first("");
    assert_sealed("0=false<1");
    assert_agreed();
    assert_string_equal(ask(0, "SELECT title || why FROM priority"), "theirsw");
    assert_string_equal(ask(0, "SELECT col || value FROM sibling"), "00");
    write("UPDATE priority SET why = 'still captured'");
    assert_sealed("2='still captured'<1");
    assert_agreed();
}

static void test_own_writes_are_events_too(void **state)
{
    struct record *r = &schools->records[0];
    struct covey_buf out = bytes_buf();

    begin_with_row();
    write("UPDATE priority SET title = 'u'");
    schools_seal(schools, 0);
    write("DELETE FROM priority");
    schools_seal(schools, 0);
    assert_int_equal(merge_events(r->st, &out), COVEY_OK);
    buf_append(&out, "", 1);
    const char *text = (const char *)out.p;
    static const char *const order[] = {"insert", "update", "delete"};
    for (size_t i = 0; i < 3; i++) {
        text = strstr(text, order[i]);
        assert_non_null(text);
    }
    buf_clear(&out);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_write_replaces_all_that_stands_beside),
        CASE(test_an_edit_that_meets_a_delete_is_kept_by_both),
        CASE(test_an_owner_who_replaces_a_contested_row_keeps_it),
        CASE(test_a_form_keeps_beside_what_it_had_not_seen),
        CASE(test_what_cannot_be_had_any_more_is_replaced_after_all),
        CASE(test_a_form_deletes_nothing_that_it_had_not_seen),
        CASE(test_own_writes_are_events_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
