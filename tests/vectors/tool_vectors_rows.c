/* The vectors of one change set: header, row parts, payload with one part
 * erased, and padding. */
#include <sodium.h>

#include "proto/changeset.h"
#include "proto/pad.h"
#include "tests/vectors/cells.h"

#define WALL_MS 1767225600000u /* 2026-01-01 */

/* ---- headers ---- */

static void emit_one_header(const char *name, const struct header *h,
                            const struct seed *secret)
{
    uint8_t bytes[HEADER_MAX];
    size_t len = header_write(h, bytes);
    struct hash hash = header_hash(h);
    struct sign_pair author;

    sign_pair_from(secret, &author);

    struct signature sig = header_sign(h, &author);

    emit_begin(name, '{');
    emit_hex("author_secret", secret->b, sizeof secret->b);
    emit_hex("header", bytes, len);
    emit_hex("hash", hash.b, sizeof hash.b);
    emit_hex("signature", sig.b, sizeof sig.b);
    emit_end('}');
}

static void emit_headers(void)
{
    const struct seed secret = filled(0x17);
    struct header h = sealed_header();

    h.payload_len = 88;
    h.payload_hash = (struct hash){{0x9a}};
    emit_begin("header", '{');
    emit_one_header("no_cites", &h, &secret);
    h.number = 1000;
    h.previous = (struct hash){{0x77}};
    h.clock = 70000;
    h.payload_len = 262144;
    h.cite_count = 2;
    h.cites[0] = (struct hash){{0x0c, 2}};
    h.cites[1] = (struct hash){{0x0c, 3}};
    emit_one_header("two_cites", &h, &secret);
    emit_end('}');
}

/* ---- row parts ---- */

static void emit_value(const struct cell_value *v)
{
    emit_name("value");
    switch (v->type) {
    case CELL_NULL:
        printf("null");
        return;
    case CELL_INT:
        printf("%" PRId64, v->integer);
        return;
    case CELL_REAL:
        printf("%g", v->real);
        return;
    case CELL_TEXT:
        printf("\"%.*s\"", (int)v->text.len, (const char *)v->text.p);
        return;
    case CELL_BOOL:
        printf(v->integer != 0 ? "true" : "false");
        return;
    }
}

static void emit_cell(const struct cell *cell, const struct stamp_name *names)
{
    emit_begin(NULL, '{');
    emit_number("column", cell->column);
    emit_value(&cell->value);
    emit_begin("replaced", '[');
    for (size_t i = 0; i < cell->replaced_count; i++)
        emit_hex(NULL, names[cell->replaced[i]].b, STAMP_NAME);
    emit_end(']');
    emit_end('}');
}

static void emit_part(const char *name, const struct stamp_name *names,
                      size_t name_count, const struct cell *cells, size_t count)
{
    struct covey_buf bytes = heap_buf();
    struct row_part part;

    write_part(&bytes, 1, names, name_count, cells, count);
    need(row_part_read(buf_bytes(&bytes), &part));
    emit_begin(name, '{');
    emit_bytes("bytes", buf_bytes(&bytes));
    emit_number("table", 1);
    emit_hex("row", row.b, sizeof row.b);
    emit_begin("cells", '[');
    for (size_t i = 0; i < count; i++)
        emit_cell(&cells[i], names);
    emit_end(']');
    emit_end('}');
    buf_clear(&bytes);
}

static void emit_parts(void)
{
    const struct stamp_name names[] = {NAME(1), NAME(2), NAME(3), NAME(4)};
    const struct cell insert[] = {
        {.column = 0, .value = truth(true)},
        {.column = 1, .value = words("Reading at eleven")},
        {.column = 6, .value = {.type = CELL_NULL}},
    };
    const struct cell update[] = {
        {1, words("Reading"), {0}, 1},
        {2, words("level at 5, behind at 11"), {1, 2, 3}, 3},
        {3, {.type = CELL_NULL}, {0}, 0},
    };
    const struct cell delete[] = {{0, truth(false), {0}, 1}};
    /* What a newer version may write: it is read, and held. */
    const struct cell newer[] = {
        {40, {.type = CELL_INT, .integer = -70000}, {0}, 0},
        {41, {.type = CELL_REAL, .real = 0.25}, {0}, 0},
        {63, truth(true), {0}, 0},
    };

    emit_begin("rowpart", '{');
    emit_part("insert", NULL, 0, insert, 3);
    emit_part("update", names, 4, update, 3);
    emit_part("delete", names, 3, delete, 1);
    emit_part("newer", NULL, 0, newer, 3);
    emit_end('}');
}

/* ---- payload ---- */

static void emit_erased(const struct header *h, struct covey_bytes payload)
{
    struct covey_buf erased = heap_buf();

    need(changeset_erase(payload, 1, &erased));
    need(changeset_check(h, buf_bytes(&erased)));
    emit_bytes("erased", buf_bytes(&erased));
    emit_number("erased_part", 1);
    buf_clear(&erased);
}

static void emit_payload(void)
{
    const struct cell cells[2][1] = {
        {{1, words("The first of two rows"), {0}, 0}},
        {{2, words("and the second"), {0}, 0}},
    };
    const struct seed key = filled(0xa0);
    const struct seed nonce_secret = filled(0x15);
    const struct seed fresh = filled(0xd0);
    struct covey_buf rows[2] = {heap_buf(), heap_buf()};
    struct covey_buf payload = heap_buf();
    struct covey_bytes parts[2];
    uint8_t header[HEADER_MAX];
    struct header h = sealed_header();
    struct changeset_plain plain = {CHANGESET_ROWS, WALL_MS, 2, parts};

    for (size_t i = 0; i < 2; i++) {
        write_part(&rows[i], 1, NULL, 0, cells[i], 1);
        parts[i] = buf_bytes(&rows[i]);
    }
    need(changeset_seal(&h, &plain, &key, &nonce_secret, &fresh, &payload));

    size_t len = header_write(&h, header);

    emit_begin("payload", '{');
    emit_hex("space_key", key.b, sizeof key.b);
    emit_hex("header", header, len);
    emit_bytes("payload", buf_bytes(&payload));
    emit_number("wall_ms", WALL_MS);
    emit_begin("parts", '[');
    emit_bytes(NULL, parts[0]);
    emit_bytes(NULL, parts[1]);
    emit_end(']');
    emit_erased(&h, buf_bytes(&payload));
    emit_end('}');
    buf_clear(&rows[0]);
    buf_clear(&rows[1]);
    buf_clear(&payload);
}

/* ---- padding ---- */

static void emit_padding(void)
{
    static const size_t lengths[] = {
        0,    1,    2,    9,    100,   255,   256,    258,    1000,   7900,
        8446, 8447, 8958, 9214, 65535, 65537, 261000, 261885, 261887, 262142};

    emit_begin("padding", '[');
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        emit_begin(NULL, '{');
        size_t pad = pad_bin(lengths[i]);

        emit_number("length", lengths[i]);
        emit_number("bucket", pad_bucket(lengths[i]));
        emit_number("padding", pad);
        emit_number("filled", lengths[i] + (pad < 256 ? 2 : 3) + pad);
        emit_end('}');
    }
    emit_end(']');
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    emit_begin(NULL, '{');
    emit_headers();
    emit_parts();
    emit_payload();
    emit_padding();
    emit_end('}');
    putchar('\n');
    return 0;
}
