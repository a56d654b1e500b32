#include "support_writes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support_bytes.h"

#define ROWS 3u
#define AUTHORS 3u
#define TITLE 1u
#define WHY 2u
#define LEAD 6u
#define STATUS 7u
#define SOURCE 8u /* set once */

/* ---- making them up ---- */

struct test_write *writes_add(struct writes *set, uint8_t row, uint8_t author,
                              uint64_t clock)
{
    assert_true(set->count < WRITES_MAX);
    struct test_write *w = &set->items[set->count++];

    memset(w, 0, sizeof *w);
    w->row = row;
    w->author = author;
    w->clock = clock;
    return w;
}

struct test_cell *writes_cell(struct test_write *w, uint32_t column,
                              const char *text)
{
    assert_true(w->cell_count < WRITES_CELLS);
    struct test_cell *cell = &w->cells[w->cell_count++];

    cell->column = column;
    cell->text = text;
    return cell;
}

void writes_replaces(struct test_cell *cell, uint32_t name)
{
    assert_true(cell->replaced_count < WRITES_NAMES);
    cell->replaced[cell->replaced_count++] = name;
}

void writes_saw(struct test_write *w, uint32_t name)
{
    assert_true(w->saw_count < WRITES_NAMES);
    w->saw[w->saw_count++] = name;
}

static const struct test_cell *cell_of(const struct test_write *w,
                                       uint32_t column)
{
    for (size_t i = 0; i < w->cell_count; i++) {
        if (w->cells[i].column == column)
            return &w->cells[i];
    }
    return NULL;
}

static bool has_name(const uint32_t *names, size_t count, uint32_t name)
{
    for (size_t i = 0; i < count; i++) {
        if (names[i] == name)
            return true;
    }
    return false;
}

/* ---- drawing them ---- */

struct drawing {
    struct writes *set;
    uint64_t seed;
    uint32_t seen[AUTHORS]; /* a bit each write */
    struct test_write *w;
};

/* Does write i stand in a column, of the writes in `seen`? */
static bool stands_among(const struct writes *set, uint32_t seen, size_t i,
                         uint32_t column)
{
    for (size_t k = 0; k < set->count; k++) {
        const struct test_cell *cell = cell_of(&set->items[k], column);

        if ((seen >> k & 1) != 0 && cell != NULL &&
            set->items[k].row == set->items[i].row &&
            has_name(cell->replaced, cell->replaced_count, (uint32_t)i + 1))
            return false;
    }
    return (seen >> i & 1) != 0 && cell_of(&set->items[i], column) != NULL;
}

static void draw_replaced(struct drawing *d, struct test_cell *cell)
{
    uint32_t seen = d->seen[d->w->author];
    bool careless = bytes_below(&d->seed, 4) == 0;

    for (size_t i = 0; i + 1 < d->set->count; i++) {
        if (d->set->items[i].row != d->w->row ||
            !stands_among(d->set, seen, i, cell->column) ||
            (careless && bytes_below(&d->seed, 2) == 0))
            continue;
        writes_replaces(cell, (uint32_t)i + 1);
    }
    if (bytes_below(&d->seed, 8) == 0) {
        uint32_t name = 1 + (uint32_t)bytes_below(&d->seed, WRITES_MAX + 4);

        if (name != d->set->count &&
            !has_name(cell->replaced, cell->replaced_count, name))
            writes_replaces(cell, name);
    }
}

static struct test_cell *draw_cell(struct drawing *d, uint32_t column)
{
    static const char *const texts[] = {NULL, "", "a", "b", "c", "d", "e"};
    struct test_cell *cell =
        writes_cell(d->w, column, texts[bytes_below(&d->seed, 7)]);

    if (column != SOURCE)
        draw_replaced(d, cell);
    return cell;
}

static void draw_insert(struct drawing *d)
{
    struct test_cell *exists = writes_cell(d->w, 0, "1");

    if (bytes_below(&d->seed, 3) == 0)
        draw_replaced(d, exists);
    draw_cell(d, TITLE);
    draw_cell(d, WHY);
    if (bytes_below(&d->seed, 2) == 0)
        draw_cell(d, STATUS);
    draw_cell(d, SOURCE);
}

static void draw_edit(struct drawing *d)
{
    static const uint32_t columns[] = {TITLE, WHY, LEAD, STATUS};
    size_t first = bytes_below(&d->seed, 4);

    draw_cell(d, columns[first]);
    if (first < 3 && bytes_below(&d->seed, 3) == 0)
        draw_cell(d, columns[first + 1]);
}

static void draw_delete(struct drawing *d)
{
    uint32_t seen = d->seen[d->w->author];

    draw_replaced(d, writes_cell(d->w, 0, "0"));
    if (bytes_below(&d->seed, 4) == 0)
        draw_cell(d, TITLE);
    for (uint32_t i = 0; i + 1 < d->set->count; i++) {
        if ((seen >> i & 1) != 0 && d->set->items[i].row == d->w->row &&
            bytes_below(&d->seed, 12) != 0)
            writes_saw(d->w, i + 1);
    }
}

void writes_draw(struct writes *set, size_t count, uint64_t seed)
{
    struct drawing d = {.set = set, .seed = seed};

    set->count = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t author = (uint8_t)bytes_below(&d.seed, AUTHORS);
        uint64_t clock = 0;

        for (size_t k = 0; k < i; k++) {
            if ((d.seen[author] >> k & 1) != 0 && set->items[k].clock > clock)
                clock = set->items[k].clock;
        }
        if (bytes_below(&d.seed, 6) == 0)
            clock = bytes_below(&d.seed, i + 1); /* a lie */
        d.w = writes_add(set, (uint8_t)bytes_below(&d.seed, ROWS), author,
                         clock + 1);
        size_t kind = bytes_below(&d.seed, 8);
        if (i < ROWS || kind == 0)
            draw_insert(&d);
        else if (kind < 3)
            draw_delete(&d);
        else
            draw_edit(&d);
        d.seen[author] |= 1u << i;
        if (bytes_below(&d.seed, 2) == 0)
            d.seen[bytes_below(&d.seed, AUTHORS)] |= d.seen[author];
    }
}

/* ---- merging them ---- */

static void collect_names(const struct test_write *w, uint32_t *names,
                          size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < w->cell_count; i++) {
        for (size_t k = 0; k < w->cells[i].replaced_count; k++) {
            if (!has_name(names, *count, w->cells[i].replaced[k]))
                names[(*count)++] = w->cells[i].replaced[k];
        }
    }
    for (size_t k = 0; k < w->saw_count; k++) {
        if (!has_name(names, *count, w->saw[k]))
            names[(*count)++] = w->saw[k];
    }
}

static void put_cell(struct covey_buf *out, const struct test_cell *cell,
                     const uint32_t *names, size_t count)
{
    uint16_t replaced[WRITES_NAMES];
    size_t replaced_count = 0;
    struct cell_value value = {.type = CELL_NULL};

    if (cell->column == COLUMN_EXISTS) {
        value.type = CELL_BOOL;
        value.integer = cell->text[0] == '1';
    } else if (cell->text != NULL) {
        value.type = CELL_TEXT;
        value.text = (struct covey_bytes){(const uint8_t *)cell->text,
                                          strlen(cell->text)};
    }
    for (size_t i = 0; i < count; i++) {
        if (has_name(cell->replaced, cell->replaced_count, names[i]))
            replaced[replaced_count++] = (uint16_t)i;
    }
    row_part_cell(out, cell->column, &value, replaced, replaced_count);
}

static void put_part(struct covey_buf *out, const struct test_write *w,
                     uint8_t member)
{
    uint32_t numbers[WRITES_NAMES * (WRITES_CELLS + 1)];
    struct stamp_name names[WRITES_NAMES * (WRITES_CELLS + 1)];
    struct row_id id = record_row(member, w->row);
    size_t count;

    collect_names(w, numbers, &count);
    for (size_t i = 0; i < count; i++)
        names[i] = record_name(numbers[i]);
    row_part_begin(out, 1, &id, names, count, w->cell_count);
    for (size_t i = 0; i < w->cell_count; i++)
        put_cell(out, &w->cells[i], numbers, count);
}

void writes_merge(struct record *r, int64_t n, const struct writes *set,
                  size_t i)
{
    const struct test_write *w = &set->items[i];
    struct merge_source source = {.n = n, .seq = 0, .wall_ms = 1};
    struct covey_buf bytes = bytes_buf();
    struct row_part part;

    source.stamp =
        (struct stamp){w->clock, record_author(w->author), record_name(i + 1)};
    put_part(&bytes, w, r->member);
    assert_int_equal(row_part_read(buf_bytes(&bytes), &part), COVEY_OK);
    assert_int_equal(merge_row(r->st, &source, &part), COVEY_OK);
    buf_clear(&bytes);
}

/* ---- what they must come to ---- */

/* A row's writes, as the rules of cell.h say, with nothing remembered. */
struct judged {
    const struct writes *set;
    uint8_t row;
};

static bool less(const struct writes *set, size_t a, size_t b)
{
    const struct test_write *x = &set->items[a];
    const struct test_write *y = &set->items[b];
    struct sign_key xk = record_author(x->author);
    struct sign_key yk = record_author(y->author);
    struct stamp_name xn = record_name(a + 1);
    struct stamp_name yn = record_name(b + 1);
    int keys = memcmp(&xk, &yk, sizeof xk);

    if (x->clock != y->clock)
        return x->clock < y->clock;
    return keys != 0 ? keys < 0 : memcmp(&xn, &yn, sizeof xn) < 0;
}

static bool stands(const struct judged *j, size_t i, uint32_t column)
{
    return j->set->items[i].row == j->row &&
           stands_among(j->set, UINT32_MAX, i, column);
}

static bool is_seen(const struct judged *j, size_t i)
{
    uint32_t numbers[WRITES_NAMES * (WRITES_CELLS + 1)];
    size_t count;

    for (size_t k = 0; k < j->set->count; k++) {
        const struct test_cell *cell = cell_of(&j->set->items[k], 0);

        if (!stands(j, k, 0) || cell->text[0] == '1')
            continue;
        collect_names(&j->set->items[k], numbers, &count);
        if (k == i || has_name(numbers, count, (uint32_t)i + 1))
            return true;
    }
    return false;
}

static bool has_unseen(const struct judged *j, size_t i)
{
    static const uint32_t columns[] = {TITLE, WHY, LEAD, STATUS};
    const struct test_cell *exists = cell_of(&j->set->items[i], 0);
    bool any = exists != NULL && exists->text[0] == '1' && stands(j, i, 0);

    for (size_t c = 0; c < 4; c++)
        any = any || stands(j, i, columns[c]);
    return any && !is_seen(j, i);
}

static bool is_alive(const struct judged *j)
{
    bool made = false;
    bool unseen = false;

    for (size_t i = 0; i < j->set->count; i++) {
        const struct test_cell *exists = cell_of(&j->set->items[i], 0);

        if (j->set->items[i].row != j->row)
            continue;
        made = made || (exists != NULL && exists->text[0] == '1' &&
                        exists->replaced_count == 0);
        unseen = unseen || has_unseen(j, i);
    }
    return made && unseen;
}

/* The write that is shown: of a fixed column the lowest that ever came. */
static bool shown(const struct judged *j, uint32_t column, size_t *out)
{
    bool found = false;

    for (size_t i = 0; i < j->set->count; i++) {
        if (column == SOURCE ? j->set->items[i].row != j->row ||
                                   cell_of(&j->set->items[i], column) == NULL
                             : !stands(j, i, column))
            continue;
        if (!found ||
            (column == SOURCE ? less(j->set, i, *out) : less(j->set, *out, i)))
            *out = i;
        found = true;
    }
    return found;
}

static const char *value(const struct judged *j, uint32_t column)
{
    size_t at;

    if (!shown(j, column, &at))
        return column == STATUS ? "draft" : "-";
    const char *text = cell_of(&j->set->items[at], column)->text;
    return text == NULL ? "-" : text;
}

static void say(struct covey_buf *out, const char *text)
{
    if (out->len > 0)
        buf_append(out, "\n", 1);
    buf_append(out, text, strlen(text));
}

static void say_row(struct covey_buf *out, const struct judged *j,
                    const char *id)
{
    char line[512];

    if (!is_alive(j))
        return;
    snprintf(line, sizeof line, "%s priority %s|%s|-|%s|%s|%s", id,
             value(j, TITLE), value(j, WHY), value(j, LEAD), value(j, STATUS),
             value(j, SOURCE));
    say(out, line);
}

static void upper_hex(const uint8_t *p, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++)
        sprintf(out + 2 * i, "%02X", p[i]);
}

static void say_sibling(struct covey_buf *out, const struct judged *j,
                        const char *id, uint32_t column, size_t i)
{
    const struct test_cell *cell = cell_of(&j->set->items[i], column);
    struct sign_key key = record_author(j->set->items[i].author);
    struct stamp_name name = record_name(i + 1);
    char author[65];
    char called[2 * sizeof name.b + 1];
    char line[512];

    upper_hex(key.b, sizeof key.b, author);
    upper_hex(name.b, sizeof name.b, called);
    snprintf(line, sizeof line, "%s sibling %u %llu %s %s %s", id, column,
             (unsigned long long)j->set->items[i].clock, author, called,
             cell->text == NULL ? "-" : cell->text);
    say(out, line);
}

static bool is_sibling(const struct judged *j, uint32_t column, size_t i)
{
    size_t top;

    if (!stands(j, i, column))
        return false;
    if (column == 0)
        return is_alive(j) && cell_of(&j->set->items[i], 0)->text[0] == '0';
    return shown(j, column, &top) && top != i;
}

/* In the order of stamps: pick the least that was not picked yet. */
static void say_siblings(struct covey_buf *out, const struct judged *j,
                         const char *id, uint32_t column)
{
    uint32_t done = 0;

    for (;;) {
        size_t best = SIZE_MAX;

        for (size_t i = 0; i < j->set->count; i++) {
            if ((done >> i & 1) == 0 && is_sibling(j, column, i) &&
                (best == SIZE_MAX || less(j->set, i, best)))
                best = i;
        }
        if (best == SIZE_MAX)
            return;
        done |= 1u << best;
        say_sibling(out, j, id, column, best);
    }
}

const char *writes_expected(const struct writes *set, uint8_t member)
{
    static const uint32_t columns[] = {0, TITLE, WHY, LEAD, STATUS};
    static struct covey_buf out;
    char hex[ROWS][2 * sizeof(struct row_id) + 1];

    buf_clear(&out);
    out = bytes_buf();
    for (uint8_t row = 0; row < ROWS; row++) {
        struct row_id id = record_row(member, row);

        hex_encode(id.b, sizeof id.b, hex[row]);
        say_row(&out, &(struct judged){set, row}, hex[row]);
    }
    for (uint8_t row = 0; row < ROWS; row++) {
        for (size_t c = 0; c < 5; c++)
            say_siblings(&out, &(struct judged){set, row}, hex[row],
                         columns[c]);
    }
    buf_append(&out, "", 1);
    return (const char *)out.p;
}
