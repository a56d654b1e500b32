/* test_merge_record.c - where merged values are kept, and what is gathered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support_bytes.h"
#include "support_writes.h"

#define US 0xa1 /* every byte of our member's id */

static struct record record;

static int setup(void **state)
{
    record_init(&record, US);
    return 0;
}

static int teardown(void **state)
{
    record_clear(&record);
    return 0;
}

/* An insert of row 0 by author 0, with title "t" and why "w": name 1. */
static void first_insert(struct writes *set)
{
    set->count = 0;
    struct test_write *w = writes_add(set, 0, 0, 1);

    writes_cell(w, 0, "1");
    writes_cell(w, 1, "t");
    writes_cell(w, 2, "w");
    writes_cell(w, 8, "s");
}

static void edit(struct writes *set, uint8_t author, uint64_t clock,
                 const char *title, uint32_t replaces)
{
    struct test_cell *cell =
        writes_cell(writes_add(set, 0, author, clock), 1, title);

    if (replaces != 0)
        writes_replaces(cell, replaces);
}

static void remove_row(struct writes *set, uint8_t author, uint64_t clock,
                       uint32_t replaces)
{
    writes_replaces(writes_cell(writes_add(set, 0, author, clock), 0, "0"),
                    replaces);
}

static void merge_all(const struct writes *set)
{
    record_begin(&record);
    for (size_t i = 0; i < set->count; i++)
        writes_merge(&record, record.n, set, i);
    record_commit(&record);
    record_check(&record);
}

static const char *sql(const char *text)
{
    return record_sql(&record, text);
}

/* ---- where values are ---- */

static void test_a_deleted_row_comes_back_with_all_that_it_held(void **state)
{
    static struct writes set;

    first_insert(&set);
    remove_row(&set, 1, 2, 1);
    record_begin(&record);
    writes_merge(&record, record.n, &set, 0);
    writes_merge(&record, record.n, &set, 1);
    record_commit(&record);
    assert_string_equal(sql("SELECT count(*) FROM priority"), "0");
    assert_string_equal(sql("SELECT count(*) FROM aside"), "1");
    record_reopen(&record);
    edit(&set, 2, 2, "late", 1);
    record_begin(&record);
    writes_merge(&record, record.n, &set, 2);
    record_commit(&record);
    record_check(&record);
    assert_string_equal(sql("SELECT title || why || source FROM priority"),
                        "latews");
    assert_string_equal(sql("SELECT count(*) FROM aside"), "0");
}

static void test_a_row_whose_id_another_space_has_is_kept_beside(void **state)
{
    static struct writes set;
    char alone[128];
    int64_t other = record_space(&record, 0x77);

    first_insert(&set);
    record_begin(&record);
    writes_merge(&record, other, &set, 0);
    record_commit(&record);
    snprintf(alone, sizeof alone, "%s",
             sql("SELECT hex(digest) || rows FROM space WHERE n = 2"));

    edit(&set, 1, 2, "edited", 1);
    record_begin(&record);
    writes_merge(&record, record.n, &set, 0);
    writes_merge(&record, record.n, &set, 1);
    record_commit(&record);
    record_check(&record);
    assert_string_equal(sql("SELECT title FROM priority"), "t");
    assert_string_equal(sql("SELECT count(*) FROM aside"), "1");
    assert_string_equal(
        sql("SELECT hex(digest) || rows FROM space WHERE n = 2"), alone);
    assert_string_equal(sql("SELECT rows FROM space WHERE n = 1"), "1");
}

/* The digest does not tell which of the two stands in the table. */
static void test_the_digest_does_not_depend_on_who_has_the_id(void **state)
{
    static struct writes set;
    char beside[128];
    int64_t other = record_space(&record, 0x77);

    first_insert(&set);
    edit(&set, 1, 2, "edited", 1);
    record_begin(&record);
    writes_merge(&record, other, &set, 0);
    writes_merge(&record, record.n, &set, 0);
    writes_merge(&record, record.n, &set, 1);
    assert_int_equal(merge_flush(record.st), COVEY_OK);
    snprintf(beside, sizeof beside, "%s",
             sql("SELECT hex(digest) FROM space WHERE n = 1"));
    store_rollback(record.st);
    merge_all(&set);
    assert_string_equal(sql("SELECT hex(digest) FROM space WHERE n = 1"),
                        beside);
}

static void test_a_cell_of_192_kib_is_merged(void **state)
{
    static char text[RULES_CELL_MAX + 1];
    static struct writes set;

    memset(text, 'x', RULES_CELL_MAX);
    first_insert(&set);
    set.items[0].cells[1].text = text;
    edit(&set, 1, 2, "short", 1);
    edit(&set, 2, 3, text, 2);
    merge_all(&set);
    assert_string_equal(sql("SELECT length(title) FROM priority"), "196608");
}

/* ---- what is gathered ---- */

static void test_merging_captures_nothing_and_leaves_triggers_on(void **state)
{
    static struct writes set;

    first_insert(&set);
    merge_all(&set);
    assert_string_equal(sql("SELECT count(*) FROM outbox"), "0");
    sql("UPDATE priority SET title = 'mine'");
    assert_string_equal(sql("SELECT count(*) FROM outbox"), "1");
}

static void test_a_rollback_forgets_what_was_gathered(void **state)
{
    static struct writes set;
    struct covey_buf events = bytes_buf();

    first_insert(&set);
    record_begin(&record);
    writes_merge(&record, record.n, &set, 0);
    store_rollback(record.st);
    assert_string_equal(
        sql("SELECT rows || hex(digest) FROM space WHERE n = 1"),
        "000000000000000000000000000000000");
    record_check(&record);
    sql("INSERT INTO priority (space, title, why)"
        " SELECT id, 'a', 'b' FROM space");
    assert_string_equal(sql("SELECT count(*) FROM outbox"), "1");
    buf_clear(&events);
}

static const char *events(void)
{
    static struct covey_buf out;

    buf_clear(&out);
    out = bytes_buf();
    assert_int_equal(merge_events(record.st, &out), COVEY_OK);
    buf_append(&out, "", 1);
    return (const char *)out.p;
}

static void test_events_tell_what_changed(void **state)
{
    static struct writes set;
    const char *text;

    first_insert(&set);
    edit(&set, 1, 2, "edited", 1);
    edit(&set, 2, 2, "at once", 1);
    remove_row(&set, 1, 4, 1);
    writes_saw(&set.items[3], 2);
    writes_saw(&set.items[3], 3);
    merge_all(&set);
    text = events();
    assert_non_null(strstr(text, "\"table\":\"priority\""));
    static const char *const order[] = {"insert", "update", "conflict",
                                        "delete"};
    for (size_t i = 0; i < 4; i++) {
        text = strstr(text, order[i]);
        assert_non_null(text);
    }
    assert_string_equal(events(), "");
}

static void test_a_thousand_events_and_one_are_many(void **state)
{
    static struct writes set;

    first_insert(&set);
    edit(&set, 1, 2, "edited", 1);
    record_begin(&record);
    writes_merge(&record, record.n, &set, 0);
    for (size_t i = 0; i < 1000; i++)
        writes_merge(&record, record.n, &set, 1);
    record_commit(&record);
    assert_string_equal(events(), "{\"many\":true}\n");
}

static void test_what_the_rules_refuse_is_not_merged(void **state)
{
    struct merge_source source = {.n = record.n};
    struct cell_value number = {.type = CELL_INT, .integer = 7};
    struct row_id id = record_row(US, 1);
    struct covey_buf bytes = bytes_buf();
    struct row_part part;

    row_part_begin(&bytes, 1, &id, NULL, 0, 1);
    row_part_cell(&bytes, 1, &number, NULL, 0);
    assert_int_equal(row_part_read(buf_bytes(&bytes), &part), COVEY_OK);
    record_begin(&record);
    assert_int_equal(merge_row(record.st, &source, &part), COVEY_EBAD);
    part.table = 999;
    assert_int_equal(merge_row(record.st, &source, &part), COVEY_EBAD);
    store_rollback(record.st);
    buf_clear(&bytes);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_deleted_row_comes_back_with_all_that_it_held),
        CASE(test_a_row_whose_id_another_space_has_is_kept_beside),
        CASE(test_the_digest_does_not_depend_on_who_has_the_id),
        CASE(test_a_cell_of_192_kib_is_merged),
        CASE(test_merging_captures_nothing_and_leaves_triggers_on),
        CASE(test_a_rollback_forgets_what_was_gathered),
        CASE(test_events_tell_what_changed),
        CASE(test_a_thousand_events_and_one_are_many),
        CASE(test_what_the_rules_refuse_is_not_merged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
