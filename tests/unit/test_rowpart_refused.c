/* What is no row: each rule of changeset.h, broken by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/changeset.h"
#include "proto/wire.h"
#include "support_mem.h"

#define ROW_MAX 262144u

static const struct row_id some_id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}};

static struct test_mem memory;
static struct covey_mem mem;
static struct covey_buf buf;

static int open_buf(void **state)
{
    memory = (struct test_mem){0};
    mem = test_mem_of(&memory);
    buf_init(&buf, &mem, ROW_MAX);
    return 0;
}

static int close_buf(void **state)
{
    buf_clear(&buf);
    return memory.live;
}

static enum covey_rc read_buf(struct row_part *out)
{
    assert_int_equal(buf_rc(&buf), COVEY_OK);
    return row_part_read(buf_bytes(&buf), out);
}

static void assert_refused(void)
{
    struct row_part part;

    assert_int_equal(read_buf(&part), COVEY_EBAD);
}

static void assert_accepted(void)
{
    struct row_part part;

    assert_int_equal(read_buf(&part), COVEY_OK);
}

/* The head of a row, by hand, so that what follows may be wrong. */
static void begin_raw(size_t values)
{
    static const uint8_t names[2 * STAMP_NAME] = {1};

    wire_array(&buf, 4);
    wire_uint(&buf, 1);
    wire_bin(&buf, some_id.b, sizeof some_id.b);
    wire_bin(&buf, names, sizeof names);
    wire_array(&buf, values);
}

static void raw_cell(uint64_t column)
{
    wire_uint(&buf, column);
    wire_nil(&buf);
    wire_nil(&buf);
}

static void test_a_row_without_cells_is_refused(void **state)
{
    begin_raw(0);
    assert_refused();
}

static void test_cells_that_are_no_triples_are_refused(void **state)
{
    begin_raw(4);
    raw_cell(1);
    wire_uint(&buf, 2);
    assert_refused();
}

static void test_descending_columns_are_refused(void **state)
{
    begin_raw(6);
    raw_cell(2);
    raw_cell(1);
    assert_refused();
}

static void test_a_column_written_twice_is_refused(void **state)
{
    begin_raw(6);
    raw_cell(2);
    raw_cell(2);
    assert_refused();
}

static void test_a_column_over_the_limit_is_refused(void **state)
{
    begin_raw(3);
    raw_cell(COLUMN_MAX);
    assert_accepted();
    buf_reset(&buf);
    begin_raw(3);
    raw_cell(COLUMN_MAX + 1);
    assert_refused();
    buf_reset(&buf);
    begin_raw(3);
    raw_cell((uint64_t)1 << 32 | 1); /* not taken for column 1 */
    assert_refused();
}

static void test_names_cut_short_are_refused(void **state)
{
    static const uint8_t names[2 * STAMP_NAME] = {1};

    for (size_t len = 0; len <= sizeof names; len++) {
        struct row_part part;

        buf_reset(&buf);
        wire_array(&buf, 4);
        wire_uint(&buf, 1);
        wire_bin(&buf, some_id.b, sizeof some_id.b);
        wire_bin(&buf, names, len);
        wire_array(&buf, 3);
        raw_cell(1);
        assert_int_equal(read_buf(&part),
                         len % STAMP_NAME == 0 ? COVEY_OK : COVEY_EBAD);
    }
}

static void test_an_id_of_another_length_is_refused(void **state)
{
    static const uint8_t id[32] = {0};

    for (size_t len = 0; len <= sizeof id; len++) {
        struct row_part part;

        buf_reset(&buf);
        wire_array(&buf, 4);
        wire_uint(&buf, 1);
        wire_bin(&buf, id, len);
        wire_bin(&buf, id, 0);
        wire_array(&buf, 3);
        raw_cell(1);
        assert_int_equal(read_buf(&part), len == 20 ? COVEY_OK : COVEY_EBAD);
    }
}

static void test_a_table_number_over_32_bits_is_refused(void **state)
{
    struct row_part part;

    for (uint64_t extra = 0; extra < 2; extra++) {
        buf_reset(&buf);
        wire_array(&buf, 4);
        wire_uint(&buf, UINT32_MAX + extra);
        wire_bin(&buf, some_id.b, sizeof some_id.b);
        wire_bin(&buf, some_id.b, 0);
        wire_array(&buf, 3);
        raw_cell(1);
        assert_int_equal(read_buf(&part), extra == 0 ? COVEY_OK : COVEY_EBAD);
    }
}

static void test_a_binary_or_array_as_value_is_refused(void **state)
{
    begin_raw(3);
    wire_uint(&buf, 1);
    wire_bin(&buf, "x", 1);
    wire_nil(&buf);
    assert_refused();
    buf_reset(&buf);
    begin_raw(3);
    wire_uint(&buf, 1);
    wire_array(&buf, 0);
    wire_nil(&buf);
    assert_refused();
}

static void test_an_integer_beyond_SQLite_is_refused(void **state)
{
    for (uint64_t extra = 0; extra < 2; extra++) {
        struct row_part part;

        buf_reset(&buf);
        begin_raw(3);
        wire_uint(&buf, 1);
        wire_uint(&buf, (uint64_t)INT64_MAX + extra);
        wire_nil(&buf);
        assert_int_equal(read_buf(&part), extra == 0 ? COVEY_OK : COVEY_EBAD);
    }
}

/* TRUST.md, rule 12: "NaN arrives in SQLite as NULL and -0.0 as 0.0, so a
 * payload that holds either is void". */
static void test_NaN_and_negative_zero_are_refused(void **state)
{
    static const uint8_t reals[][9] = {
        {0xcb, 0x7f, 0xf8},
        {0xcb, 0xff, 0xf0, 1},
        {0xcb, 0x80},
        {0xcb, 0x7f, 0xf0} /* infinity is one */};
    static const enum covey_rc expect[] = {COVEY_EBAD, COVEY_EBAD, COVEY_EBAD,
                                           COVEY_OK};

    for (size_t i = 0; i < 4; i++) {
        struct row_part part;

        buf_reset(&buf);
        begin_raw(3);
        wire_uint(&buf, 1);
        buf_append(&buf, reals[i], sizeof reals[i]);
        wire_nil(&buf);
        assert_int_equal(read_buf(&part), expect[i]);
    }
}

static void test_text_that_is_not_utf8_is_refused(void **state)
{
    begin_raw(3);
    wire_uint(&buf, 1);
    wire_text(&buf, "\xc3\x28", 2);
    wire_nil(&buf);
    assert_refused();
}

static void test_existence_is_yes_or_no(void **state)
{
    static const char *const what[] = {"nil", "int", "text"};

    for (size_t i = 0; i < 3; i++) {
        buf_reset(&buf);
        begin_raw(3);
        wire_uint(&buf, COLUMN_EXISTS);
        if (i == 0)
            wire_nil(&buf);
        else if (i == 1)
            wire_uint(&buf, 1);
        else
            wire_text(&buf, what[i], 4);
        wire_nil(&buf);
        assert_refused();
    }
}

/* A cell that replaces the indexes given, as an array whatever their number. */
static void raw_replaced(const uint64_t *indexes, size_t count)
{
    buf_reset(&buf);
    begin_raw(3);
    wire_uint(&buf, 1);
    wire_nil(&buf);
    wire_array(&buf, count);
    for (size_t i = 0; i < count; i++)
        wire_uint(&buf, indexes[i]);
}

static void test_a_replaced_index_out_of_range_is_refused(void **state)
{
    begin_raw(3);
    wire_uint(&buf, 1);
    wire_nil(&buf);
    wire_uint(&buf, 2); /* there are two names: 0 and 1 */
    assert_refused();
    raw_replaced((const uint64_t[]){0, 2}, 2);
    assert_refused();
    raw_replaced((const uint64_t[]){0, UINT64_MAX}, 2);
    assert_refused();
    raw_replaced((const uint64_t[]){0, 1}, 2);
    assert_accepted();
}

static void test_replaced_indexes_not_ascending_are_refused(void **state)
{
    raw_replaced((const uint64_t[]){1, 0}, 2);
    assert_refused();
    raw_replaced((const uint64_t[]){1, 1}, 2);
    assert_refused();
}

static void test_an_array_of_none_or_one_replaced_is_refused(void **state)
{
    raw_replaced((const uint64_t[]){0}, 1);
    assert_refused();
    raw_replaced((const uint64_t[]){0}, 0);
    assert_refused();
}

static void test_replaced_of_another_type_is_refused(void **state)
{
    begin_raw(3);
    wire_uint(&buf, 1);
    wire_nil(&buf);
    wire_bool(&buf, false);
    assert_refused();
    buf_reset(&buf);
    begin_raw(3);
    wire_uint(&buf, 1);
    wire_nil(&buf);
    wire_int(&buf, -1);
    assert_refused();
}

static void test_a_row_of_another_shape_is_refused(void **state)
{
    static const uint8_t not_minimal[] = {0x93, 0xcc, 0x01, 0xc0, 0xc0};

    wire_array(&buf, 3);
    wire_uint(&buf, 1);
    wire_bin(&buf, some_id.b, sizeof some_id.b);
    wire_bin(&buf, some_id.b, 0);
    assert_refused();
    buf_reset(&buf);
    wire_array(&buf, 5);
    wire_uint(&buf, 1);
    wire_bin(&buf, some_id.b, sizeof some_id.b);
    wire_bin(&buf, some_id.b, 0);
    wire_array(&buf, 3);
    raw_cell(1);
    wire_nil(&buf);
    assert_refused();
    buf_reset(&buf);
    wire_uint(&buf, 1);
    assert_refused();
    buf_reset(&buf);
    begin_raw(3);
    buf.len--; /* the array of cells, now with its column in two bytes */
    buf_append(&buf, not_minimal, sizeof not_minimal);
    assert_refused();
}

#define ROW_TEST(name)                                                         \
    cmocka_unit_test_setup_teardown(name, open_buf, close_buf)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW_TEST(test_a_row_without_cells_is_refused),
        ROW_TEST(test_cells_that_are_no_triples_are_refused),
        ROW_TEST(test_descending_columns_are_refused),
        ROW_TEST(test_a_column_written_twice_is_refused),
        ROW_TEST(test_a_column_over_the_limit_is_refused),
        ROW_TEST(test_names_cut_short_are_refused),
        ROW_TEST(test_an_id_of_another_length_is_refused),
        ROW_TEST(test_a_table_number_over_32_bits_is_refused),
        ROW_TEST(test_a_binary_or_array_as_value_is_refused),
        ROW_TEST(test_an_integer_beyond_SQLite_is_refused),
        ROW_TEST(test_NaN_and_negative_zero_are_refused),
        ROW_TEST(test_text_that_is_not_utf8_is_refused),
        ROW_TEST(test_existence_is_yes_or_no),
        ROW_TEST(test_a_replaced_index_out_of_range_is_refused),
        ROW_TEST(test_replaced_indexes_not_ascending_are_refused),
        ROW_TEST(test_an_array_of_none_or_one_replaced_is_refused),
        ROW_TEST(test_replaced_of_another_type_is_refused),
        ROW_TEST(test_a_row_of_another_shape_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
