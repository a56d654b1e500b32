#include "store/cell.h"

#include <string.h>

#include "proto/wire.h"
#include "store/varint.h"

/* ---- memory ---- */

#define CHUNK_BYTES 16384u

struct cell_chunk {
    struct cell_chunk *next;
    size_t cap;
    size_t used;
    _Alignas(max_align_t) uint8_t bytes[];
};

void cell_arena_init(struct cell_arena *a, const struct covey_mem *mem)
{
    *a = (struct cell_arena){.mem = mem};
}

void cell_arena_clear(struct cell_arena *a)
{
    while (a->first != NULL) {
        struct cell_chunk *next = a->first->next;

        covey_free(a->mem, a->first);
        a->first = next;
    }
}

/* The oldest chunk is of the usual size, and enough for the next row. */
void cell_arena_reset(struct cell_arena *a)
{
    while (a->first != NULL && a->first->next != NULL) {
        struct cell_chunk *next = a->first->next;

        covey_free(a->mem, a->first);
        a->first = next;
    }
    if (a->first != NULL)
        a->first->used = 0;
    a->failed = false;
}

static struct cell_chunk *grow(struct cell_arena *a, size_t size)
{
    size_t cap = a->first == NULL || size < CHUNK_BYTES ? CHUNK_BYTES : size;
    struct cell_chunk *chunk = NULL;

    if (size <= cap)
        chunk = a->mem->alloc(a->mem->ctx, sizeof *chunk + cap);
    if (chunk == NULL)
        return NULL;
    *chunk = (struct cell_chunk){.next = a->first, .cap = cap};
    a->first = chunk;
    return chunk;
}

void *cell_arena_take(struct cell_arena *a, size_t size_bytes)
{
    const size_t align = _Alignof(max_align_t);
    size_t size = (size_bytes + align - 1) / align * align;
    struct cell_chunk *chunk = a->first;

    if (chunk == NULL)
        chunk = grow(a, CHUNK_BYTES);
    if (chunk != NULL && chunk->cap - chunk->used < size)
        chunk = grow(a, size);
    if (chunk == NULL) {
        a->failed = true;
        return NULL;
    }

    void *p = chunk->bytes + chunk->used;

    chunk->used += size;
    return p;
}

/* Not NULL even where there are no bytes: NULL says that it failed. */
struct covey_bytes cell_arena_copy(struct cell_arena *a,
                                   struct covey_bytes bytes)
{
    uint8_t *p = cell_arena_take(a, bytes.len + 1);

    if (p == NULL)
        return (struct covey_bytes){NULL, 0};
    if (bytes.len > 0)
        memcpy(p, bytes.p, bytes.len);
    return (struct covey_bytes){p, bytes.len};
}

/* Room for one more item after `count` of them: a new place of twice the room
 * at each power of two. */
static void *more(struct cell_arena *a, void *items, size_t count,
                  size_t item_size)
{
    if (count > 0 && (count & (count - 1)) != 0)
        return items;

    void *wider = cell_arena_take(a, (count == 0 ? 1 : count * 2) * item_size);

    if (wider != NULL && count > 0)
        memcpy(wider, items, count * item_size);
    return wider;
}

/* ---- small things ---- */

bool cell_name_equal(const struct stamp_name *a, const struct stamp_name *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

int cell_stamp_compare(const struct cell_stamp *a, const struct cell_stamp *b)
{
    if (a->clock != b->clock)
        return a->clock < b->clock ? -1 : 1;
    if (a->number != b->number)
        return memcmp(a->author, b->author, sizeof *a->author);
    return memcmp(a->name.b, b->name.b, sizeof a->name.b);
}

void cell_row_begin(struct cell_row *row, const struct rule_table *rules,
                    const struct row_id *id)
{
    cell_arena_reset(&row->arena);
    row->table = rules->id;
    row->id = *id;
    row->rules = rules;
    row->known = false;
    row->made = false;
    row->alive = false;
    row->aside = false;
    row->have = 0;
    row->changed = 0;
    row->exists_count = 0;
    row->sibling_count = 0;
    row->ahead_count = 0;
    memset(row->hash, 0, sizeof row->hash);
}

void cell_add_exists(struct cell_row *row, const struct cell_exists *exists)
{
    struct cell_exists *items =
        more(&row->arena, row->exists, row->exists_count, sizeof *exists);

    if (items == NULL)
        return;
    items[row->exists_count++] = *exists;
    row->exists = items;
}

void cell_add_sibling(struct cell_row *row, const struct cell_sibling *sibling)
{
    struct cell_sibling *items =
        more(&row->arena, row->siblings, row->sibling_count, sizeof *sibling);

    if (items == NULL)
        return;
    items[row->sibling_count++] = *sibling;
    row->siblings = items;
}

void cell_add_ahead(struct cell_row *row, const struct cell_ahead *ahead)
{
    struct cell_ahead *items =
        more(&row->arena, row->ahead, row->ahead_count, sizeof *ahead);

    if (items == NULL)
        return;
    items[row->ahead_count++] = *ahead;
    row->ahead = items;
}

static struct cell_sibling *find_sibling(const struct cell_row *row,
                                         uint32_t column,
                                         const struct stamp_name *name)
{
    for (size_t i = 0; i < row->sibling_count; i++) {
        struct cell_sibling *it = &row->siblings[i];

        if (!it->gone && it->column == column &&
            cell_name_equal(&it->stamp.name, name))
            return it;
    }
    return NULL;
}

static struct cell_exists *find_exists(const struct cell_row *row,
                                       const struct stamp_name *name)
{
    for (size_t i = 0; i < row->exists_count; i++) {
        if (cell_name_equal(&row->exists[i].stamp.name, name))
            return &row->exists[i];
    }
    return NULL;
}

static bool has(const struct cell_row *row, uint32_t column)
{
    return (row->have & CELL_BIT(column)) != 0;
}

bool cell_stands(const struct cell_row *row, uint32_t column,
                 const struct stamp_name *name)
{
    if (column == COLUMN_EXISTS)
        return find_exists(row, name) != NULL;
    if (has(row, column) && cell_name_equal(&row->stamp[column].name, name))
        return true;
    return row->sibling_count > 0 && find_sibling(row, column, name) != NULL;
}

/* ---- taking in a write ---- */

/* One write as it is taken in. */
struct write {
    uint32_t column;
    struct cell_value value;
    struct cell_stamp stamp;
    struct cell_source source;
};

static void show(struct cell_row *row, const struct write *w)
{
    row->value[w->column] = w->value;
    row->stamp[w->column] = w->stamp;
    row->have |= CELL_BIT(w->column);
    row->changed |= CELL_BIT(w->column);
}

/* Whence the shown value came is found out where it is needed. */
static void put_beside(struct cell_row *row, uint32_t column)
{
    cell_add_sibling(row, &(struct cell_sibling){.column = column,
                                                 .stamp = row->stamp[column],
                                                 .value = row->value[column]});
    row->have &= ~CELL_BIT(column);
}

static void add_write(struct cell_row *row, const struct write *w)
{
    if (!has(row, w->column)) {
        show(row, w);
        return;
    }
    SOMETIMES("a conflict is kept");
    if (cell_stamp_compare(&w->stamp, &row->stamp[w->column]) > 0) {
        put_beside(row, w->column);
        show(row, w);
        return;
    }
    cell_add_sibling(row, &(struct cell_sibling){.column = w->column,
                                                 .stamp = w->stamp,
                                                 .value = w->value,
                                                 .source = w->source});
}

/* Show the greatest of what stands. */
static void promote(struct cell_row *row, uint32_t column)
{
    struct cell_sibling *best = NULL;

    for (size_t i = 0; i < row->sibling_count; i++) {
        struct cell_sibling *it = &row->siblings[i];

        if (it->gone || it->column != column)
            continue;
        if (best == NULL || cell_stamp_compare(&it->stamp, &best->stamp) > 0)
            best = it;
    }
    if (best == NULL ||
        (has(row, column) &&
         cell_stamp_compare(&best->stamp, &row->stamp[column]) < 0))
        return;

    const struct write w = {column, best->value, best->stamp, best->source};

    best->gone = true;
    if (has(row, column))
        put_beside(row, column);
    show(row, &w);
}

static void strike_exists(struct cell_row *row, struct cell_exists *it)
{
    size_t after = (size_t)(row->exists + row->exists_count - it) - 1;

    memmove(it, it + 1, after * sizeof *it);
    row->exists_count--;
}

/* A write that is named goes; if it is not here, it may be still to come. */
static void strike(struct cell_row *row, uint32_t column,
                   const struct stamp_name *name)
{
    if (column == COLUMN_EXISTS) {
        struct cell_exists *it = find_exists(row, name);

        if (it != NULL) {
            strike_exists(row, it);
            return;
        }
    } else if (has(row, column) &&
               cell_name_equal(&row->stamp[column].name, name)) {
        row->have &= ~CELL_BIT(column);
        row->changed |= CELL_BIT(column);
        return;
    } else {
        struct cell_sibling *it = find_sibling(row, column, name);

        if (it != NULL) {
            it->gone = true;
            return;
        }
    }
    cell_add_ahead(row, &(struct cell_ahead){.column = column, .name = *name});
}

static void strike_replaced(struct cell_row *row, const struct row_part *part,
                            const struct row_cell *cell)
{
    struct wire_cursor c = wire_cursor(cell->replaced);

    for (size_t i = 0; i < cell->replaced_count; i++) {
        uint64_t index = wire_read_uint(&c);
        struct stamp_name name;

        CHECK(index < part->names.len / STAMP_NAME);
        memcpy(name.b, part->names.p + index * STAMP_NAME, STAMP_NAME);
        strike(row, cell->column, &name);
    }
}

/* Was it named before it came?  Then the memory of that has served. */
static bool was_named(struct cell_row *row, uint32_t column,
                      const struct stamp_name *name)
{
    for (size_t i = 0; i < row->ahead_count; i++) {
        struct cell_ahead *it = &row->ahead[i];

        if (it->gone || it->column != column ||
            !cell_name_equal(&it->name, name))
            continue;
        it->gone = true;
        SOMETIMES("a write comes after the one that replaced it");
        return true;
    }
    return false;
}

static void apply_exists(struct cell_row *row, const struct row_part *part,
                         const struct row_cell *cell,
                         const struct cell_exists *exists)
{
    if (exists->value && cell->replaced_count == 0)
        row->made = true;
    strike_replaced(row, part, cell);
    if (!was_named(row, COLUMN_EXISTS, &exists->stamp.name) &&
        find_exists(row, &exists->stamp.name) == NULL)
        cell_add_exists(row, exists);
}

/* "Of two inserts of one id by its owner, the lower stamp sets the columns that
 * never change" (DESIGN.md section 9). */
static void apply_fixed(struct cell_row *row, const struct write *w)
{
    if (!has(row, w->column) ||
        cell_stamp_compare(&w->stamp, &row->stamp[w->column]) < 0)
        show(row, w);
}

static void apply_cell(struct cell_row *row, const struct row_part *part,
                       const struct row_cell *cell, const struct write *w)
{
    strike_replaced(row, part, cell);
    if (!was_named(row, w->column, &w->stamp.name) &&
        !cell_stands(row, w->column, &w->stamp.name))
        add_write(row, w);
    if (row->sibling_count > 0)
        promote(row, w->column);
}

enum covey_rc cell_apply(struct cell_row *row, const struct row_part *part,
                         const struct cell_stamp *stamp,
                         const struct cell_source *source)
{
    struct row_cell cell;
    size_t at = 0;

    while (row_part_next(part, &at, &cell)) {
        struct write w = {cell.column, cell.value, *stamp, *source};

        if (cell.column == COLUMN_EXISTS) {
            const struct cell_exists exists = {
                *stamp, cell.value.integer != 0,
                cell.value.integer != 0 ? (struct covey_bytes){NULL, 0}
                                        : part->names,
                *source};

            apply_exists(row, part, &cell, &exists);
            continue;
        }

        const struct rule_column *column =
            rule_column_by_id(row->rules, cell.column);

        if (column == NULL ||
            (cell.value.type != CELL_NULL && cell.value.type != CELL_TEXT))
            return COVEY_EBAD;
        if (column->fixed)
            apply_fixed(row, &w);
        else
            apply_cell(row, part, &cell, &w);
    }
    row->alive = cell_is_alive(row);
    return row->arena.failed ? COVEY_ENOMEM : COVEY_OK;
}

/* ---- alive ---- */

static bool names_contain(struct covey_bytes names,
                          const struct stamp_name *name)
{
    for (size_t i = 0; i + STAMP_NAME <= names.len; i += STAMP_NAME) {
        if (memcmp(names.p + i, name->b, STAMP_NAME) == 0)
            return true;
    }
    return false;
}

/* Has a delete that stands seen this write?  It saw its own, too: what was
 * edited and deleted in one go. */
static bool is_seen(const struct cell_row *row, const struct stamp_name *name)
{
    for (size_t i = 0; i < row->exists_count; i++) {
        const struct cell_exists *it = &row->exists[i];

        if (!it->value && (cell_name_equal(&it->stamp.name, name) ||
                           names_contain(it->seen, name)))
            return true;
    }
    return false;
}

static bool is_deleted(const struct cell_row *row)
{
    for (size_t i = 0; i < row->exists_count; i++) {
        if (!row->exists[i].value)
            return true;
    }
    return false;
}

static bool has_unseen_cell(const struct cell_row *row)
{
    for (size_t i = 0; i < row->rules->column_count; i++) {
        const struct rule_column *column = &row->rules->columns[i];

        if (!column->fixed && has(row, column->id) &&
            !is_seen(row, &row->stamp[column->id].name))
            return true;
    }
    for (size_t i = 0; i < row->sibling_count; i++) {
        const struct cell_sibling *it = &row->siblings[i];

        if (!it->gone && it->column != COLUMN_EXISTS &&
            !is_seen(row, &it->stamp.name))
            return true;
    }
    return false;
}

bool cell_is_alive(const struct cell_row *row)
{
    if (!row->made)
        return false;
    if (!is_deleted(row))
        return true;
    for (size_t i = 0; i < row->exists_count; i++) {
        const struct cell_exists *it = &row->exists[i];

        if (it->value && !is_seen(row, &it->stamp.name))
            return true;
    }
    return has_unseen_cell(row);
}

size_t cell_conflicts(const struct cell_row *row)
{
    size_t count = 0;

    for (size_t i = 0; i < row->sibling_count; i++) {
        if (!row->siblings[i].gone && row->siblings[i].column != COLUMN_EXISTS)
            count++;
    }
    for (size_t i = 0; row->alive && i < row->exists_count; i++) {
        if (!row->exists[i].value)
            count++;
    }
    return count;
}
