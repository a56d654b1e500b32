/* The vectors of what writes add up to: rows that grow step by step, the hash
 * after each, and the digest of a space. */
#include <sodium.h>

#include "store/cell.h"
#include "store/row.h"
#include "tests/vectors/cells.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* One write, as it comes to a row: its stamp, and its part's cells. */
#define STEPS_MAX 8u
#define ROWS_MAX 16u

struct step {
    const char *text;
    uint64_t clock;
    uint8_t author;
    struct stamp_name name;
    struct stamp_name names[3];
    size_t name_count;
    struct cell cells[3];
    size_t cell_count;
};

/* `bytes` takes the part, and must outlive `state`: its values lie in it. */
static void apply(struct cell_row *state, uint32_t table, const struct step *s,
                  struct covey_buf *bytes, uint8_t hash[16])
{
    static struct sign_key authors[256]; /* stamps point to them */
    const struct cell_source source = {0, 0};
    struct covey_buf scratch = heap_buf();
    struct row_part part;

    authors[s->author] = author_of(s->author).key;
    write_part(bytes, table, s->names, s->name_count, s->cells, s->cell_count);
    need(row_part_read(buf_bytes(bytes), &part));

    const struct cell_stamp stamp = {s->clock, s->author, &authors[s->author],
                                     s->name};

    need(cell_apply(state, &part, &stamp, &source));
    need(cell_hash(state, &scratch, hash));
    emit_begin(NULL, '{');
    emit_text("text", s->text);
    emit_number("clock", s->clock);
    emit_hex("author", authors[s->author].b, 32);
    emit_hex("name", s->name.b, STAMP_NAME);
    emit_bytes("part", buf_bytes(bytes));
    emit_hex("hash", hash, 16);
    emit_number("alive", state->alive);
    emit_end('}');
    buf_clear(&scratch);
}

/* The rows so far: their names and hashes, for the digest of a space. */
static struct {
    const char *name;
    uint8_t hash[16];
} rows[ROWS_MAX];
static size_t row_count;

static void emit_row(const char *name, uint32_t table, const struct step *steps,
                     size_t count)
{
    struct covey_buf parts[STEPS_MAX];
    struct cell_row state;

    memset(&state, 0, sizeof state);
    cell_arena_init(&state.arena, &heap);
    cell_row_begin(&state, rule_table_by_id(table), &row);
    emit_begin(name, '{');
    emit_number("table", table);
    emit_hex("row", row.b, sizeof row.b);
    emit_begin("steps", '[');
    for (size_t i = 0; i < count; i++) {
        parts[i] = heap_buf();
        apply(&state, table, &steps[i], &parts[i], rows[row_count].hash);
    }
    rows[row_count++].name = name;
    emit_end(']');
    emit_end('}');
    cell_arena_clear(&state.arena);
    for (size_t i = 0; i < count; i++)
        buf_clear(&parts[i]);
}

static void emit_priority(void)
{
    const struct step steps[] = {
        {.text = "made",
         .clock = 1,
         .author = 0x17,
         .name = NAME(1),
         .cells = {{0, truth(true), {0}, 0},
                   {1, words("Reading"), {0}, 0},
                   {2, words("behind at 11"), {0}, 0}},
         .cell_count = 3},
        {.text = "edited",
         .clock = 2,
         .author = 0x17,
         .name = NAME(2),
         .names = {NAME(1)},
         .name_count = 1,
         .cells = {{1, words("Reading at 11"), {0}, 1}},
         .cell_count = 1},
        {.text = "edited at the same time by another: kept beside",
         .clock = 2,
         .author = 0x27,
         .name = NAME(3),
         .names = {NAME(1)},
         .name_count = 1,
         .cells = {{1, words("Reading early"), {0}, 1}},
         .cell_count = 1},
        {.text = "deleted, having seen the first edit alone: stays",
         .clock = 3,
         .author = 0x17,
         .name = NAME(4),
         .names = {NAME(1), NAME(2)},
         .name_count = 2,
         .cells = {{0, truth(false), {0}, 1}},
         .cell_count = 1},
        {.text = "names a write that comes later",
         .clock = 9,
         .author = 0x27,
         .name = NAME(6),
         .names = {NAME(5)},
         .name_count = 1,
         .cells = {{2, words("level at 5"), {0}, 1}},
         .cell_count = 1},
        {.text = "the write that was named: no effect",
         .clock = 8,
         .author = 0x17,
         .name = NAME(5),
         .names = {NAME(1)},
         .name_count = 1,
         .cells = {{2, words("far behind"), {0}, 1}},
         .cell_count = 1},
    };

    emit_row("conflict", 1, steps, COUNT_OF(steps));
}

static void emit_comment(void)
{
    const char *first = "019b778dac0065f8c63d64ec0101010101010101";
    const char *second = "019b778dac0065f8c63d64ec0202020202020202";
    const struct step steps[] = {
        {.text = "made",
         .clock = 5,
         .author = 0x17,
         .name = NAME(2),
         .cells = {{0, truth(true), {0}, 0},
                   {1, words(second), {0}, 0},
                   {2, words("Yes."), {0}, 0}},
         .cell_count = 3},
        {.text = "made twice: the lower stamp sets what never changes",
         .clock = 4,
         .author = 0x17,
         .name = NAME(1),
         .cells = {{0, truth(true), {0}, 0}, {1, words(first), {0}, 0}},
         .cell_count = 2},
        {.text = "deleted, having seen all",
         .clock = 6,
         .author = 0x17,
         .name = NAME(3),
         .names = {NAME(1), NAME(2)},
         .name_count = 2,
         .cells = {{0, truth(false), {0, 1}, 2}},
         .cell_count = 1},
    };

    emit_row("deleted", 3, steps, COUNT_OF(steps));
}

/* An insert that replaces something makes no row, nor does an edit. */
static void emit_unmade(void)
{
    const struct step steps[] = {
        {.text = "edited, never made",
         .clock = 2,
         .author = 0x17,
         .name = NAME(2),
         .cells = {{1, words("Reading"), {0}, 0}},
         .cell_count = 1},
        {.text = "brought back, never made",
         .clock = 3,
         .author = 0x17,
         .name = NAME(3),
         .names = {NAME(1)},
         .name_count = 1,
         .cells = {{0, truth(true), {0}, 1}},
         .cell_count = 1},
    };

    emit_row("unmade", 1, steps, COUNT_OF(steps));
}

static void emit_edited_and_deleted(void)
{
    const struct step steps[] = {
        {.text = "made",
         .clock = 1,
         .author = 0x17,
         .name = NAME(1),
         .cells = {{0, truth(true), {0}, 0}, {1, words("Reading"), {0}, 0}},
         .cell_count = 2},
        {.text = "edited and deleted in one go: the delete has seen its own",
         .clock = 2,
         .author = 0x17,
         .name = NAME(2),
         .names = {NAME(1)},
         .name_count = 1,
         .cells = {{0, truth(false), {0}, 1}, {1, words("Sums"), {0}, 1}},
         .cell_count = 2},
        {.text = "made once more, with nothing in it: alive",
         .clock = 2,
         .author = 0x27,
         .name = NAME(3),
         .cells = {{0, truth(true), {0}, 0}},
         .cell_count = 1},
    };

    emit_row("in_one_go", 1, steps, COUNT_OF(steps));
}

static void emit_two_deletes(void)
{
    const struct step steps[] = {
        {.text = "made",
         .clock = 1,
         .author = 0x17,
         .name = NAME(1),
         .cells = {{0, truth(true), {0}, 0}, {1, words("Reading"), {0}, 0}},
         .cell_count = 2},
        {.text = "edited",
         .clock = 2,
         .author = 0x17,
         .name = NAME(2),
         .names = {NAME(1)},
         .name_count = 1,
         .cells = {{1, words("Reading at 11"), {0}, 1}},
         .cell_count = 1},
        {.text = "deleted without having seen the edit: stays",
         .clock = 2,
         .author = 0x27,
         .name = NAME(3),
         .names = {NAME(1)},
         .name_count = 1,
         .cells = {{0, truth(false), {0}, 1}},
         .cell_count = 1},
        {.text = "deleted by another that has: one is enough",
         .clock = 3,
         .author = 0x17,
         .name = NAME(4),
         .names = {NAME(1), NAME(2)},
         .name_count = 2,
         .cells = {{0, truth(false), {0}, 1}},
         .cell_count = 1},
    };

    emit_row("two_deletes", 1, steps, COUNT_OF(steps));
}

/* What never changes brings nothing back: the delete has not seen the insert
 * that set it, but the one that took that one's place. */
static void emit_fixed(void)
{
    const char *first = "019b778dac0065f8c63d64ec0101010101010101";
    const char *second = "019b778dac0065f8c63d64ec0202020202020202";
    const struct step steps[] = {
        {.text = "made",
         .clock = 5,
         .author = 0x17,
         .name = NAME(1),
         .cells = {{0, truth(true), {0}, 0},
                   {1, words(second), {0}, 0},
                   {2, words("Yes."), {0}, 0}},
         .cell_count = 3},
        {.text = "made twice: the lower stamp sets what never changes",
         .clock = 4,
         .author = 0x17,
         .name = NAME(2),
         .cells = {{0, truth(true), {0}, 0}, {1, words(first), {0}, 0}},
         .cell_count = 2},
        {.text = "brought back, in place of both inserts",
         .clock = 6,
         .author = 0x17,
         .name = NAME(3),
         .names = {NAME(1), NAME(2)},
         .name_count = 2,
         .cells = {{0, truth(true), {0, 1}, 2}},
         .cell_count = 1},
        {.text = "deleted, having seen all but what never changes",
         .clock = 7,
         .author = 0x17,
         .name = NAME(4),
         .names = {NAME(1), NAME(3)},
         .name_count = 2,
         .cells = {{0, truth(false), {1}, 1}},
         .cell_count = 1},
    };

    emit_row("fixed", 3, steps, COUNT_OF(steps));
}

/* ---- the digest of a space that has these rows ---- */

static void emit_digest(void)
{
    uint64_t sum[2] = {0, 0};
    uint8_t digest[16];

    emit_begin("digest", '{');
    emit_begin("rows", '{');
    for (size_t i = 0; i < row_count; i++) {
        emit_hex(rows[i].name, rows[i].hash, sizeof rows[i].hash);
        row_digest_add(sum, rows[i].hash);
    }
    emit_end('}');
    put_u64(digest, sum[0]);
    put_u64(digest + 8, sum[1]);
    emit_hex("digest", digest, sizeof digest);
    emit_end('}');
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    emit_begin(NULL, '{');
    emit_begin("rows", '{');
    emit_priority();
    emit_comment();
    emit_unmade();
    emit_edited_and_deleted();
    emit_two_deletes();
    emit_fixed();
    emit_end('}');
    emit_digest();
    emit_end('}');
    putchar('\n');
    return 0;
}
