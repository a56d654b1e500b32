/* A row's part (changeset.h) and its verdict (rules.h): what is read is walked
 * and written again byte for byte, and every role's verdict is one. */
#include "proto/changeset.h"
#include "proto/rules.h"
#include "proto/wire.h"
#include "tests/fuzz/fuzz.h"

static void rewrite_cell(const struct row_cell *cell, struct covey_buf *out)
{
    static uint16_t replaced[WIRE_ITEMS_MAX];
    struct wire_cursor c = wire_cursor(cell->replaced);

    CHECK(cell->replaced_count <= WIRE_ITEMS_MAX);
    for (size_t i = 0; i < cell->replaced_count; i++)
        replaced[i] = (uint16_t)wire_read_uint_max(&c, UINT16_MAX);
    CHECK(wire_done(&c));
    row_part_cell(out, cell->column, &cell->value, replaced,
                  cell->replaced_count);
}

static void rewrite(const struct row_part *part, struct covey_bytes in)
{
    struct covey_buf out = fuzz_buf();
    struct row_cell cell;
    size_t at = 0;
    size_t cells = 0;

    row_part_begin(&out, part->table, &part->id,
                   (const struct stamp_name *)(const void *)part->names.p,
                   part->names.len / STAMP_NAME, part->cell_count);
    for (; row_part_next(part, &at, &cell); cells++) {
        rewrite_cell(&cell, &out);
        if (cell.replaced_count > 0)
            (void)row_cell_name(part, &cell, cell.replaced_count - 1);
    }
    CHECK(cells == part->cell_count);
    CHECK(fuzz_same(buf_bytes(&out), in));
    buf_clear(&out);
}

static void judge(const struct row_part *part)
{
    for (unsigned i = 0; i < SPACE_KIND_COUNT * ROLE_COUNT; i++) {
        struct verdict_context context = {
            .kind = (enum space_kind)(i % SPACE_KIND_COUNT),
            .role = (enum role)(i / SPACE_KIND_COUNT),
            .tag = {{0xb1, 0xb1, 0xb1, 0xb1, 0xb1, 0xb1}},
        };
        enum verdict v = rules_judge_row(&context, part);

        CHECK(v <= VERDICT_HOLD && verdict_text(v) != NULL);
    }
}

static void one(struct covey_bytes in)
{
    struct row_part part;

    if (row_part_read(in, &part) != COVEY_OK)
        return;
    CHECK(wire_validate(in) == COVEY_OK);
    rewrite(&part, in);
    judge(&part);
}

const struct fuzz_target fuzz_target = {.one = one};
