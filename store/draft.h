/* draft.h - one row's part of a change set, while it is put together.
 *
 * Cells come in ascending order of column, each followed by the names of what
 * it replaces; the names that a delete has seen may follow after all cells. */
#ifndef COVEY_STORE_DRAFT_H
#define COVEY_STORE_DRAFT_H

#include "store/cell.h"

#define DRAFT_REPLACED_MAX 3072u /* names that cells replace, in all */
#define DRAFT_NAMES_MAX 16384u   /* names, those that a delete saw included */

struct draft_cell {
    uint32_t column;
    struct cell_value value; /* borrowed */
    size_t first;            /* its names: from here in draft.names */
    size_t count;
};

struct draft {
    size_t cell_count;
    struct draft_cell cells[CELL_COLUMNS];
    size_t replaced_count;
    struct covey_buf names;  /* struct stamp_name, as they came */
    struct covey_buf sorted; /* the same, each once */
};

void draft_init(struct draft *d, const struct covey_mem *mem);
void draft_clear(struct draft *d);
void draft_begin(struct draft *d);
void draft_cell(struct draft *d, uint32_t column,
                const struct cell_value *value);
/* The cell last begun replaces this.  Beyond the limit it does not: what is
 * not named goes on standing. */
void draft_replaces(struct draft *d, const struct stamp_name *name);
/* After the cells: the delete has seen this. */
void draft_saw(struct draft *d, const struct stamp_name *name);
/* Bytes that it will take, at the most. */
size_t draft_size(const struct draft *d);
size_t draft_value_size(const struct cell_value *value);
/* Append the part's msgpack to out. */
COVEY_MUST_USE enum covey_rc draft_write(struct draft *d, uint32_t table,
                                         const struct row_id *id,
                                         struct covey_buf *out);

#endif
