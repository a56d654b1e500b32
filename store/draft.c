#include "store/draft.h"

#include <stdlib.h>
#include <string.h>

#define HEAD_BYTES 64u    /* table, id, and what heads the lists */
#define CELL_BYTES 16u    /* column, head of the value, head of the list */
#define REPLACED_BYTES 3u /* an index */

_Static_assert(DRAFT_NAMES_MAX <= UINT16_MAX, "an index has 16 bits");

void draft_init(struct draft *d, const struct covey_mem *mem)
{
    d->cell_count = 0;
    d->replaced_count = 0;
    buf_init(&d->names, mem, DRAFT_NAMES_MAX * sizeof(struct stamp_name));
    buf_init(&d->sorted, mem, DRAFT_NAMES_MAX * sizeof(struct stamp_name));
}

void draft_clear(struct draft *d)
{
    buf_clear(&d->names);
    buf_clear(&d->sorted);
}

void draft_begin(struct draft *d)
{
    d->cell_count = 0;
    d->replaced_count = 0;
    buf_reset(&d->names);
}

static size_t name_count(const struct covey_buf *names)
{
    return names->len / sizeof(struct stamp_name);
}

void draft_cell(struct draft *d, uint32_t column,
                const struct cell_value *value)
{
    CHECK(d->cell_count < CELL_COLUMNS);
    d->cells[d->cell_count++] =
        (struct draft_cell){column, *value, name_count(&d->names), 0};
}

void draft_replaces(struct draft *d, const struct stamp_name *name)
{
    CHECK(d->cell_count > 0);
    if (d->replaced_count == DRAFT_REPLACED_MAX)
        return;
    d->replaced_count++;
    d->cells[d->cell_count - 1].count++;
    buf_append(&d->names, name, sizeof *name);
}

void draft_saw(struct draft *d, const struct stamp_name *name)
{
    if (name_count(&d->names) < DRAFT_NAMES_MAX)
        buf_append(&d->names, name, sizeof *name);
}

size_t draft_value_size(const struct cell_value *value)
{
    return CELL_BYTES + (value->type == CELL_TEXT ? value->text.len : 0);
}

size_t draft_size(const struct draft *d)
{
    size_t size =
        HEAD_BYTES + d->names.len + d->replaced_count * REPLACED_BYTES;

    for (size_t i = 0; i < d->cell_count; i++)
        size += draft_value_size(&d->cells[i].value);
    return size;
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct stamp_name));
}

static struct stamp_name *items(const struct covey_buf *names)
{
    return (struct stamp_name *)(void *)names->p;
}

/* Each name once, in order, so that indexes that ascend are easily had. */
static enum covey_rc sort_names(struct draft *d)
{
    size_t count = name_count(&d->names);
    size_t kept = 0;

    buf_reset(&d->sorted);
    buf_append(&d->sorted, d->names.p, d->names.len);
    if (buf_rc(&d->names) != COVEY_OK || buf_rc(&d->sorted) != COVEY_OK)
        return COVEY_ENOMEM;
    if (count == 0)
        return COVEY_OK;

    struct stamp_name *sorted = items(&d->sorted);

    qsort(sorted, count, sizeof *sorted, by_bytes);
    for (size_t i = 1; i < count; i++) {
        if (by_bytes(&sorted[kept], &sorted[i]) != 0)
            sorted[++kept] = sorted[i];
    }
    d->sorted.len = (kept + 1) * sizeof *sorted;
    return COVEY_OK;
}

static int by_number(const void *a, const void *b)
{
    const uint16_t *x = a;
    const uint16_t *y = b;

    return (int)*x - (int)*y;
}

static void write_cell(const struct draft *d, const struct draft_cell *cell,
                       struct covey_buf *out)
{
    uint16_t replaced[DRAFT_REPLACED_MAX];
    const struct stamp_name *sorted = items(&d->sorted);
    size_t count = 0;

    for (size_t i = 0; i < cell->count; i++) {
        const struct stamp_name *at =
            bsearch(items(&d->names) + cell->first + i, sorted,
                    name_count(&d->sorted), sizeof *sorted, by_bytes);

        CHECK(at != NULL);
        replaced[count++] = (uint16_t)(at - sorted);
    }
    if (count > 1)
        qsort(replaced, count, sizeof replaced[0], by_number);
    row_part_cell(out, cell->column, &cell->value, replaced, count);
}

enum covey_rc draft_write(struct draft *d, uint32_t table,
                          const struct row_id *id, struct covey_buf *out)
{
    enum covey_rc rc = sort_names(d);

    if (rc != COVEY_OK)
        return rc;
    row_part_begin(out, table, id, items(&d->sorted), name_count(&d->sorted),
                   d->cell_count);
    for (size_t i = 0; i < d->cell_count; i++)
        write_cell(d, &d->cells[i], out);
    return buf_rc(out);
}
