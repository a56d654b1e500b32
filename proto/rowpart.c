/* The row parts of changeset.h: one row's msgpack, written and read. */
#include "proto/changeset.h"

#include <string.h>

#include "proto/wire.h"

/* ---- writing ---- */

void row_part_begin(struct covey_buf *out, uint32_t table,
                    const struct row_id *id, const struct stamp_name *names,
                    size_t name_count, size_t cell_count)
{
    CHECK(cell_count >= 1 && cell_count <= COLUMN_MAX + 1);
    wire_array(out, 4);
    wire_uint(out, table);
    wire_bin(out, id->b, sizeof id->b);
    wire_bin(out, names, name_count * sizeof names[0]);
    wire_array(out, cell_count * 3);
}

void cell_value_write(struct covey_buf *out, const struct cell_value *value)
{
    switch (value->type) {
    case CELL_NULL:
        wire_nil(out);
        return;
    case CELL_INT:
        wire_int(out, value->integer);
        return;
    case CELL_REAL:
        wire_real(out, value->real);
        return;
    case CELL_TEXT:
        wire_text(out, (const char *)value->text.p, value->text.len);
        return;
    case CELL_BOOL:
        wire_bool(out, value->integer != 0);
        return;
    }
    CHECK(value->type <= CELL_BOOL);
}

void row_part_cell(struct covey_buf *out, uint32_t column,
                   const struct cell_value *value, const uint16_t *replaced,
                   size_t replaced_count)
{
    CHECK(column <= COLUMN_MAX);
    CHECK(column != COLUMN_EXISTS || value->type == CELL_BOOL);
    wire_uint(out, column);
    cell_value_write(out, value);
    if (replaced_count == 0)
        wire_nil(out);
    if (replaced_count > 1)
        wire_array(out, replaced_count);
    for (size_t i = 0; i < replaced_count; i++) {
        CHECK(i == 0 || replaced[i - 1] < replaced[i]);
        wire_uint(out, replaced[i]);
    }
}

/* ---- reading ---- */

static bool read_value(struct wire_cursor *c, struct cell_value *out)
{
    *out = (struct cell_value){.type = CELL_NULL};
    switch (wire_peek(c)) {
    case WIRE_NIL:
        wire_read_nil(c);
        return true;
    case WIRE_BOOL:
        out->type = CELL_BOOL;
        out->integer = wire_read_bool(c);
        return true;
    case WIRE_INT:
        out->type = CELL_INT;
        out->integer = wire_read_int(c);
        return true;
    case WIRE_REAL:
        out->type = CELL_REAL;
        out->real = wire_read_real(c);
        return true;
    case WIRE_TEXT:
        out->type = CELL_TEXT;
        out->text = wire_read_text(c);
        return true;
    case WIRE_UINT: /* no SQLite integer */
    case WIRE_BIN:
    case WIRE_ARRAY:
    case WIRE_END:
        return false;
    }
    return false;
}

/* Several indexes, ascending, after the head of their array. */
static bool read_indexes(struct wire_cursor *c, size_t name_count, size_t count)
{
    uint64_t least = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t index = wire_read_uint(c);

        if (index < least || index >= name_count)
            return false;
        least = index + 1;
    }
    return true;
}

static bool read_replaced(struct wire_cursor *c, size_t name_count,
                          struct row_cell *out)
{
    enum wire_type type = wire_peek(c);

    out->replaced_count = 0;
    if (type == WIRE_NIL) {
        wire_read_nil(c);
        out->replaced = (struct covey_bytes){NULL, 0};
        return true;
    }
    if (type != WIRE_INT && type != WIRE_ARRAY)
        return false;

    size_t count = type == WIRE_INT ? 1 : wire_read_array(c);
    const uint8_t *start = c->p;

    /* One index stands alone: there is one way to write each list. */
    if ((type == WIRE_ARRAY && count < 2) ||
        !read_indexes(c, name_count, count))
        return false;
    out->replaced_count = count;
    out->replaced = (struct covey_bytes){start, (size_t)(c->p - start)};
    return wire_ok(c);
}

static bool read_cell(struct wire_cursor *c, size_t name_count,
                      struct row_cell *out)
{
    out->column = (uint32_t)wire_read_uint_max(c, COLUMN_MAX);
    return read_value(c, &out->value) && read_replaced(c, name_count, out);
}

static size_t name_count_of(const struct row_part *part)
{
    return part->names.len / STAMP_NAME;
}

static bool check_cells(const struct row_part *part)
{
    struct wire_cursor c = wire_cursor(part->cells);
    uint32_t least = 0;

    for (size_t i = 0; i < part->cell_count; i++) {
        struct row_cell cell;

        if (!read_cell(&c, name_count_of(part), &cell) || cell.column < least)
            return false;
        if (cell.column == COLUMN_EXISTS && cell.value.type != CELL_BOOL)
            return false;
        least = cell.column + 1;
    }
    return wire_done(&c);
}

enum covey_rc row_part_read(struct covey_bytes plain, struct row_part *out)
{
    if (wire_validate(plain) != COVEY_OK)
        return COVEY_EBAD;

    struct wire_cursor c = wire_cursor(plain);

    wire_expect_array(&c, 4);
    out->table = (uint32_t)wire_read_uint_max(&c, UINT32_MAX);
    wire_read_fixed(&c, out->id.b, sizeof out->id.b);
    out->names = wire_read_bin(&c);

    size_t count = wire_read_array(&c);

    out->cell_count = count / 3;
    out->cells = (struct covey_bytes){c.p, (size_t)(c.end - c.p)};
    if (!wire_ok(&c) || out->names.len % STAMP_NAME != 0 || count == 0 ||
        count % 3 != 0 || !check_cells(out))
        return COVEY_EBAD;
    return COVEY_OK;
}

bool row_part_next(const struct row_part *part, size_t *at,
                   struct row_cell *out)
{
    if (*at == part->cells.len)
        return false;

    struct wire_cursor c = {part->cells.p + *at,
                            part->cells.p + part->cells.len, false};

    CHECK(read_cell(&c, name_count_of(part), out));
    *at = (size_t)(c.p - part->cells.p);
    return true;
}

struct stamp_name row_cell_name(const struct row_part *part,
                                const struct row_cell *cell, size_t index)
{
    struct wire_cursor c = wire_cursor(cell->replaced);
    struct stamp_name out;
    uint64_t name = 0;

    CHECK(index < cell->replaced_count);
    for (size_t i = 0; i <= index; i++)
        name = wire_read_uint(&c);
    CHECK(wire_ok(&c) && name < name_count_of(part));
    memcpy(out.b, part->names.p + name * STAMP_NAME, STAMP_NAME);
    return out;
}
