/* cells.h - row parts as the tools of this folder write them.
 *
 * For tools of one file: hence inline. */
#ifndef COVEY_TESTS_VECTORS_CELLS_H
#define COVEY_TESTS_VECTORS_CELLS_H

#include "proto/changeset.h"
#include "tests/vectors/emit.h"

static const struct row_id row = {{0x01, 0x9b, 0x77, 0x8d, 0xac, 0x00, 0x65,
                                   0xf8, 0xc6, 0x3d, 0x64, 0xec, 1,    2,
                                   3,    4,    5,    6,    7,    8}};

/* The name of a change set, easy to tell. */
#define NAME(k)                                                                \
    {                                                                          \
        .b = { 0xa0 + (k), k, [STAMP_NAME - 1] = 0xf0 + (k) }                  \
    }

static inline struct cell_value words(const char *text)
{
    return (struct cell_value){
        .type = CELL_TEXT,
        .text = {(const uint8_t *)text, strlen(text)},
    };
}

static inline struct cell_value truth(bool v)
{
    return (struct cell_value){.type = CELL_BOOL, .integer = v};
}

static inline struct sign_pair author_of(uint8_t byte)
{
    const struct seed secret = filled(byte);
    struct sign_pair pair;

    sign_pair_from(&secret, &pair);
    return pair;
}

/* The header of the one payload of header.json and payload.json. */
static inline struct header sealed_header(void)
{
    return (struct header){
        .space = {{0x5b, 0x5b}},
        .author = author_of(0x17).key,
        .incarnation = {{0x1c, 0xa2}},
        .number = 1,
        .epoch = {{0xe0}},
        .clock = 1,
    };
}

struct cell {
    uint32_t column;
    struct cell_value value;
    uint16_t replaced[3];
    size_t replaced_count;
};

static inline void write_part(struct covey_buf *out, uint32_t table,
                              const struct stamp_name *names, size_t name_count,
                              const struct cell *cells, size_t count)
{
    row_part_begin(out, table, &row, names, name_count, count);
    for (size_t i = 0; i < count; i++)
        row_part_cell(out, cells[i].column, &cells[i].value, cells[i].replaced,
                      cells[i].replaced_count);
    need(buf_rc(out));
}

#endif
