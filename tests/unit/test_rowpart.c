/* One row's msgpack: what is written reads back, and has one encoding. */
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
static const struct cell_value yes = {.type = CELL_BOOL, .integer = 1};
static const struct cell_value null = {.type = CELL_NULL};

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

static struct cell_value text_value(const char *text)
{
    return (struct cell_value){.type = CELL_TEXT,
                               .text = {(const uint8_t *)text, strlen(text)}};
}

static enum covey_rc read_buf(struct row_part *out)
{
    assert_int_equal(buf_rc(&buf), COVEY_OK);
    return row_part_read(buf_bytes(&buf), out);
}

static void assert_accepted(void)
{
    struct row_part part;

    assert_int_equal(read_buf(&part), COVEY_OK);
}

/* ---- random rows ---- */

#define NAMES_MAX 40u

/* Indexes into name_count names, ascending; returns how many. */
static size_t draw_replaced(struct covey_rng *rng, size_t name_count,
                            uint16_t *out)
{
    uint8_t draw[NAMES_MAX + 1];
    size_t count = 0;

    rng_draw(rng, draw, sizeof draw);
    for (size_t i = 0; i < name_count; i++) {
        if (draw[i] % 4 < draw[NAMES_MAX] % 4)
            out[count++] = (uint16_t)i;
    }
    return count;
}

static struct cell_value draw_value(struct covey_rng *rng, uint8_t *text)
{
    struct cell_value value = {.type = CELL_NULL};
    uint64_t draw[3];

    rng_draw(rng, draw, sizeof draw);
    value.type = (enum cell_type)(draw[0] % 5);
    if (value.type == CELL_BOOL)
        value.integer = (int64_t)(draw[1] & 1);
    if (value.type == CELL_INT)
        value.integer =
            (int64_t)(draw[1] >> (draw[2] % 64)) * (draw[2] & 64 ? -1 : 1);
    if (value.type == CELL_REAL)
        value.real = (double)(int64_t)draw[1] / 1024 + 0.5;
    if (value.type == CELL_TEXT) {
        size_t len = draw[1] % 300;

        for (size_t i = 0; i < len; i++)
            text[i] = (uint8_t)('a' + (draw[2] >> (i % 50)) % 26);
        value.text = (struct covey_bytes){text, len};
    }
    return value;
}

static void write_random_row(struct covey_rng *rng)
{
    struct stamp_name names[NAMES_MAX];
    uint16_t replaced[NAMES_MAX];
    uint8_t text[300];
    struct row_id id;
    uint64_t draw[3];
    size_t cell_count = 0;

    rng_draw(rng, names, sizeof names);
    rng_draw(rng, id.b, sizeof id.b);
    rng_draw(rng, draw, sizeof draw);
    draw[0] |= (uint64_t)1 << (draw[1] % 64); /* a cell at least */
    for (uint32_t column = 0; column <= COLUMN_MAX; column++)
        cell_count += draw[0] >> column & 1;

    size_t name_count = draw[1] % (NAMES_MAX + 1);

    row_part_begin(&buf, (uint32_t)draw[2], &id, names, name_count, cell_count);
    for (uint32_t column = 0; column <= COLUMN_MAX; column++) {
        struct cell_value value = draw_value(rng, text);
        size_t count = draw_replaced(rng, name_count, replaced);

        if ((draw[0] >> column & 1) == 0)
            continue;
        if (column == COLUMN_EXISTS)
            value = yes;
        row_part_cell(&buf, column, &value, replaced, count);
    }
}

/* Write again what was read, cell by cell. */
static void rewrite(const struct row_part *part, struct covey_buf *out)
{
    struct stamp_name names[4096];
    uint16_t replaced[4096];
    struct row_cell cell;
    size_t name_count = part->names.len / STAMP_NAME;
    size_t at = 0;
    size_t cells = 0;

    assert_true(name_count <= 4096);
    if (name_count > 0)
        memcpy(names, part->names.p, part->names.len);
    row_part_begin(out, part->table, &part->id, names, name_count,
                   part->cell_count);
    for (; row_part_next(part, &at, &cell); cells++) {
        struct wire_cursor c = wire_cursor(cell.replaced);

        for (size_t i = 0; i < cell.replaced_count; i++) {
            struct stamp_name name = row_cell_name(part, &cell, i);

            replaced[i] = (uint16_t)wire_read_uint(&c);
            assert_memory_equal(&name, &names[replaced[i]], sizeof name);
        }
        assert_true(wire_done(&c));
        row_part_cell(out, cell.column, &cell.value, replaced,
                      cell.replaced_count);
    }
    assert_int_equal(cells, part->cell_count);
}

static void assert_rewrites_the_same(struct covey_bytes in,
                                     const struct row_part *part)
{
    struct covey_buf again;

    buf_init(&again, &mem, ROW_MAX);
    rewrite(part, &again);
    assert_int_equal(again.len, in.len);
    assert_memory_equal(again.p, in.p, in.len);
    buf_clear(&again);
}

static void test_random_rows_come_back_byte_for_byte(void **state)
{
    struct covey_rng rng;

    rng_init(&rng, &(struct seed){{1}});
    for (int i = 0; i < 2000; i++) {
        struct row_part part;

        buf_reset(&buf);
        write_random_row(&rng);
        assert_int_equal(read_buf(&part), COVEY_OK);
        assert_rewrites_the_same(buf_bytes(&buf), &part);
    }
}

/* Whatever is accepted of changed bytes has that one encoding too. */
static void test_changed_rows_are_refused_or_have_one_encoding(void **state)
{
    struct covey_rng rng;
    int accepted = 0;

    rng_init(&rng, &(struct seed){{2}});
    for (int i = 0; i < 20000; i++) {
        struct row_part part;
        uint32_t draw[3];

        if (i % 20 == 0) {
            buf_reset(&buf);
            write_random_row(&rng);
        }
        rng_draw(&rng, draw, sizeof draw);

        size_t at = draw[0] % (buf.len < 64 ? buf.len : 64);
        uint8_t kept = buf.p[at];

        buf.p[at] = (uint8_t)draw[1];
        if (read_buf(&part) == COVEY_OK) {
            accepted++;
            assert_rewrites_the_same(buf_bytes(&buf), &part);
        }
        buf.p[at] = kept;
    }
    assert_true(accepted > 1000);
}

static void test_a_row_cut_short_or_with_more_after_it_is_refused(void **state)
{
    struct cell_value words = text_value("words");
    const uint16_t both[] = {0, 1};
    const struct stamp_name names[2] = {{{1}}, {{2}}};
    struct row_part part;

    row_part_begin(&buf, 1, &some_id, names, 2, 2);
    row_part_cell(&buf, 0, &yes, NULL, 0);
    row_part_cell(&buf, 5, &words, both, 2);
    for (size_t len = 0; len < buf.len; len++)
        assert_int_equal(row_part_read((struct covey_bytes){buf.p, len}, &part),
                         COVEY_EBAD);
    assert_accepted();
    wire_nil(&buf);
    assert_int_equal(read_buf(&part), COVEY_EBAD);
}

/* ---- what a row says ---- */

static void test_every_type_of_value_reads_back(void **state)
{
    static const int64_t integers[] = {0,   1,         -1,        127,
                                       128, INT32_MAX, INT64_MAX, INT64_MIN};
    struct cell_value values[12] = {null, yes, {.type = CELL_BOOL}};
    struct row_part part;
    struct row_cell cell;
    size_t at = 0;

    for (size_t i = 0; i < 8; i++)
        values[3 + i] =
            (struct cell_value){.type = CELL_INT, .integer = integers[i]};
    values[11] = (struct cell_value){.type = CELL_REAL, .real = -2.5};
    row_part_begin(&buf, 9, &some_id, NULL, 0, 12);
    for (uint32_t i = 0; i < 12; i++)
        row_part_cell(&buf, i + 1, &values[i], NULL, 0);

    assert_int_equal(read_buf(&part), COVEY_OK);
    assert_int_equal(part.table, 9);
    assert_memory_equal(&part.id, &some_id, sizeof some_id);
    for (uint32_t i = 0; i < 12; i++) {
        assert_true(row_part_next(&part, &at, &cell));
        assert_int_equal(cell.column, i + 1);
        assert_int_equal(cell.value.type, values[i].type);
        assert_true(cell.value.integer == values[i].integer);
        assert_true(cell.value.real <= values[i].real &&
                    cell.value.real >= values[i].real);
        assert_int_equal(cell.replaced_count, 0);
    }
    assert_false(row_part_next(&part, &at, &cell));
    assert_false(row_part_next(&part, &at, &cell));
}

static void test_text_is_a_view_into_the_plaintext(void **state)
{
    struct cell_value words = text_value("caf\xc3\xa9");
    struct row_part part;
    struct row_cell cell;
    size_t at = 0;

    row_part_begin(&buf, 1, &some_id, NULL, 0, 1);
    row_part_cell(&buf, 1, &words, NULL, 0);
    assert_int_equal(read_buf(&part), COVEY_OK);
    assert_true(row_part_next(&part, &at, &cell));
    assert_int_equal(cell.value.text.len, 5);
    assert_memory_equal(cell.value.text.p, words.text.p, 5);
    assert_in_range((uintptr_t)cell.value.text.p, (uintptr_t)buf.p,
                    (uintptr_t)(buf.p + buf.len));
}

/* More than 128, so that an index takes one byte or two. */
static void test_replaced_names_are_those_that_were_written(void **state)
{
    enum { MANY = 300 };
    struct stamp_name names[MANY] = {{{0}}};
    const uint16_t some[] = {0, 1, 127, 128, 255, 256, 299};
    const uint16_t one[] = {200};
    struct row_part part;
    struct row_cell cell;
    size_t at = 0;

    for (size_t i = 0; i < MANY; i++)
        put_u64(names[i].b, i * 7919);
    row_part_begin(&buf, 1, &some_id, names, MANY, 2);
    row_part_cell(&buf, 1, &null, some, 7);
    row_part_cell(&buf, 2, &null, one, 1);
    assert_int_equal(read_buf(&part), COVEY_OK);

    assert_true(row_part_next(&part, &at, &cell));
    assert_int_equal(cell.replaced_count, 7);
    for (size_t i = 0; i < 7; i++) {
        struct stamp_name name = row_cell_name(&part, &cell, i);

        assert_memory_equal(&name, &names[some[i]], sizeof name);
    }
    assert_true(row_part_next(&part, &at, &cell));
    assert_int_equal(cell.replaced_count, 1);

    struct stamp_name name = row_cell_name(&part, &cell, 0);

    assert_memory_equal(&name, &names[200], sizeof name);
}

static void test_a_row_with_every_column_is_accepted(void **state)
{
    row_part_begin(&buf, 1, &some_id, NULL, 0, COLUMN_MAX + 1);
    for (uint32_t i = 0; i <= COLUMN_MAX; i++)
        row_part_cell(&buf, i, i == 0 ? &yes : &null, NULL, 0);
    assert_accepted();
}

static void test_a_cell_of_192_KiB_is_accepted(void **state)
{
    static uint8_t words[WIRE_TEXT_MAX];
    struct cell_value value = {.type = CELL_TEXT,
                               .text = {words, sizeof words}};

    memset(words, 'x', sizeof words);
    row_part_begin(&buf, 1, &some_id, NULL, 0, 1);
    row_part_cell(&buf, 1, &value, NULL, 0);
    assert_accepted();
}

#define ROW_TEST(name)                                                         \
    cmocka_unit_test_setup_teardown(name, open_buf, close_buf)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW_TEST(test_random_rows_come_back_byte_for_byte),
        ROW_TEST(test_changed_rows_are_refused_or_have_one_encoding),
        ROW_TEST(test_a_row_cut_short_or_with_more_after_it_is_refused),
        ROW_TEST(test_every_type_of_value_reads_back),
        ROW_TEST(test_text_is_a_view_into_the_plaintext),
        ROW_TEST(test_replaced_names_are_those_that_were_written),
        ROW_TEST(test_a_row_with_every_column_is_accepted),
        ROW_TEST(test_a_cell_of_192_KiB_is_accepted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
