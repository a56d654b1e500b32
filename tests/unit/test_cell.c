/* test_cell.c - a row's clock record: what it says comes back, what was cut or
 * went on is corrupt, and without memory nothing half done is taken for whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/cell.h"
#include "support_mem.h"
#include "support_wire.h"

#define EDITS 200u

static const struct row_id row_one = {{1}};

static struct cell_stamp stamp_of(uint8_t name)
{
    return (struct cell_stamp){
        .clock = name * UINT64_C(1000), .number = name, .name = {{name}}};
}

static void begin(struct cell_row *row, const struct covey_mem *mem)
{
    memset(row, 0, sizeof *row);
    cell_arena_init(&row->arena, mem);
    cell_row_begin(row, rule_table_by_name("priority"), &row_one);
}

/* Two groups of columns, an insert beside a delete that saw two names. */
static void fill(struct cell_row *row)
{
    static const uint8_t seen[2 * STAMP_NAME] = {1, [STAMP_NAME] = 2};

    row->made = row->alive = row->aside = true;
    row->have = CELL_BIT(1) | CELL_BIT(2) | CELL_BIT(3);
    row->stamp[1] = row->stamp[3] = stamp_of(3);
    row->stamp[2] = stamp_of(4);
    cell_add_exists(row, &(struct cell_exists){stamp_of(3), .value = true});
    cell_add_exists(
        row, &(struct cell_exists){stamp_of(5), .seen = {seen, sizeof seen}});
    cell_add_sibling(row, &(struct cell_sibling){.column = 2});
    cell_add_ahead(row, &(struct cell_ahead){.column = 1, .name = {{9}}});
}

static struct covey_buf packed(void)
{
    struct covey_buf out = heap_buf();
    struct cell_row row;

    begin(&row, &support_heap);
    fill(&row);
    cell_pack(&row, &out);
    assert_int_equal(buf_rc(&out), COVEY_OK);
    cell_arena_clear(&row.arena);
    return out;
}

/* Read a record, in memory of its own size, into a row that is just begun. */
static enum covey_rc unpack(const struct covey_mem *mem, struct covey_bytes in,
                            struct cell_row *row, struct cell_flags *flags)
{
    struct covey_bytes copy = exact_copy(in);

    begin(row, mem);

    enum covey_rc rc = cell_unpack(row, copy, flags);
    free((void *)(uintptr_t)copy.p);
    return rc;
}

static void test_a_record_says_what_was_packed(void **state)
{
    struct covey_buf record = packed(), again = heap_buf();
    struct cell_flags flags;
    struct cell_row row;

    assert_int_equal(unpack(&support_heap, buf_bytes(&record), &row, &flags),
                     COVEY_OK);
    assert_true(row.known && row.made && row.alive && row.aside);
    assert_true(flags.siblings && flags.ahead);
    assert_int_equal(row.have, CELL_BIT(1) | CELL_BIT(2) | CELL_BIT(3));
    assert_int_equal(row.stamp[2].clock, 4000);
    assert_int_equal(row.exists_count, 2);
    assert_int_equal(row.exists[1].seen.len, 2 * STAMP_NAME);

    /* What is beside it is in other tables, and not loaded yet. */
    cell_add_sibling(&row, &(struct cell_sibling){.column = 2});
    cell_add_ahead(&row, &(struct cell_ahead){.column = 1});
    cell_pack(&row, &again);
    assert_int_equal(again.len, record.len);
    assert_memory_equal(again.p, record.p, record.len);
    cell_arena_clear(&row.arena);
    buf_clear(&record);
    buf_clear(&again);
}

static void assert_corrupt(struct covey_bytes in)
{
    struct cell_flags flags;
    struct cell_row row;

    assert_int_equal(unpack(&support_heap, in, &row, &flags), COVEY_ECORRUPT);
    cell_arena_clear(&row.arena);
}

static void test_a_record_cut_or_with_a_byte_more_is_corrupt(void **state)
{
    struct covey_buf record = packed();

    for (size_t len = 0; len < record.len; len++)
        assert_corrupt((struct covey_bytes){record.p, len});
    buf_append(&record, "", 1);
    assert_corrupt(buf_bytes(&record));
    buf_clear(&record);
}

/* The first allocation that fails, the second, ... until none does. */
static void test_a_record_is_read_whole_or_not_at_all(void **state)
{
    struct covey_buf record = packed();
    enum covey_rc rc = COVEY_ENOMEM;
    int failed = 0;

    while (rc != COVEY_OK) {
        struct test_mem counts = {.fail_at = failed + 1};
        struct covey_mem mem = test_mem_of(&counts);
        struct cell_flags flags;
        struct cell_row row;

        rc = unpack(&mem, buf_bytes(&record), &row, &flags);
        if (rc != COVEY_OK)
            assert_int_equal(rc, COVEY_ENOMEM);
        failed += rc != COVEY_OK;
        cell_arena_clear(&row.arena);
        assert_int_equal(counts.live, 0);
    }
    assert_true(failed > 0);
    buf_clear(&record);
}

/* An edit of one cell, that replaces nothing. */
static struct covey_buf edit(void)
{
    static const struct cell_value value = {.type = CELL_TEXT,
                                            .text = {(const uint8_t *)"t", 1}};
    struct covey_buf out = heap_buf();

    row_part_begin(&out, rule_table_by_name("priority")->id, &row_one, NULL, 0,
                   1);
    row_part_cell(&out, 1, &value, NULL, 0);
    assert_int_equal(buf_rc(&out), COVEY_OK);
    return out;
}

/* Edits side by side, until the row needs more than one chunk. */
static enum covey_rc edit_often(struct test_mem *counts)
{
    static struct sign_key authors[EDITS];
    struct covey_mem mem = test_mem_of(counts);
    struct covey_buf bytes = edit();
    enum covey_rc rc = COVEY_OK;
    struct row_part part;
    struct cell_row row;

    assert_int_equal(row_part_read(buf_bytes(&bytes), &part), COVEY_OK);
    begin(&row, &mem);
    for (uint8_t i = 0; rc == COVEY_OK && i < EDITS; i++) {
        struct cell_stamp stamp = stamp_of(i);

        authors[i].b[0] = i;
        stamp.author = &authors[i];
        rc = cell_apply(&row, &part, &stamp, &(struct cell_source){.seq = i});
    }
    if (rc == COVEY_OK)
        assert_int_equal(cell_conflicts(&row), EDITS - 1);
    cell_arena_clear(&row.arena);
    buf_clear(&bytes);
    assert_int_equal(counts->live, 0);
    return rc;
}

static void test_a_write_is_taken_in_whole_or_not_at_all(void **state)
{
    struct test_mem all = {.fail_at = 0};

    assert_int_equal(edit_often(&all), COVEY_OK);
    assert_true(all.calls > 1);
    for (int at = 1; at <= all.calls; at++) {
        struct test_mem counts = {.fail_at = at};

        assert_int_equal(edit_often(&counts), COVEY_ENOMEM);
    }
}

/* A verdict would have refused it before; here it is refused again. */
static void test_what_the_rules_do_not_know_is_not_taken_in(void **state)
{
    static const struct {
        uint32_t column;
        struct cell_value value;
    } odd[] = {
        {COLUMN_MAX, {.type = CELL_TEXT, .text = {(const uint8_t *)"t", 1}}},
        {1, {.type = CELL_INT, .integer = 7}},
    };

    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        struct cell_stamp stamp = stamp_of(1);
        struct covey_buf bytes = heap_buf();
        struct row_part part;
        struct cell_row row;

        begin(&row, &support_heap);
        row_part_begin(&bytes, row.rules->id, &row_one, NULL, 0, 1);
        row_part_cell(&bytes, odd[i].column, &odd[i].value, NULL, 0);
        assert_int_equal(row_part_read(buf_bytes(&bytes), &part), COVEY_OK);
        assert_int_equal(
            cell_apply(&row, &part, &stamp, &(struct cell_source){.seq = 1}),
            COVEY_EBAD);
        cell_arena_clear(&row.arena);
        buf_clear(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_record_says_what_was_packed),
        cmocka_unit_test(test_a_record_cut_or_with_a_byte_more_is_corrupt),
        cmocka_unit_test(test_a_record_is_read_whole_or_not_at_all),
        cmocka_unit_test(test_a_write_is_taken_in_whole_or_not_at_all),
        cmocka_unit_test(test_what_the_rules_do_not_know_is_not_taken_in),
    };

    return cmocka_run_group_tests_name("cell", tests, NULL, NULL);
}
