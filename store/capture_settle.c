/* Settling: a part of our own people's writes, taken into the record. */
#include <string.h>

#include "store/capture_row.h"
#include "store/gather.h"

static uint64_t columns_of(const struct row_part *part)
{
    struct row_cell cell;
    size_t at = 0;
    uint64_t columns = 0;

    while (row_part_next(part, &at, &cell))
        columns |= CELL_BIT(cell.column);
    return columns;
}

/* The values that stand beside those in the part: in the table, or, of a row
 * that is gone from it, what its delete noted. */
static enum covey_rc load_values(struct store *st, struct row_work *work,
                                 const struct outbox_row *row,
                                 const struct row_part *part)
{
    uint64_t needed = work->row->have & ~columns_of(part);
    bool present;

    if (row->present)
        return needed == 0 ? COVEY_OK : row_read(st, work, needed, &present);

    outbox_gone(row, work->row->rules, needed, work->row->value);
    return COVEY_OK;
}

/* What a form had not seen, from the log, in place of what it wrote. */
static void take_gifts(struct cell_row *row, const struct capture_rows *rows)
{
    for (uint64_t left = row->have; left != 0; left &= left - 1) {
        uint32_t column = (uint32_t)__builtin_ctzll(left);
        const struct capture_want want = {.table = row->table,
                                          .id = row->id,
                                          .column = column,
                                          .name = row->stamp[column].name};
        const struct capture_gift *gift = capture_gift_find(rows, &want);

        if (gift != NULL && !gift->lost)
            row->value[column] = gift->value;
    }
}

/* The table holds what its own people wrote: nothing to change there. */
static void leave_own(struct cell_row *row, const struct stamp_name *own)
{
    for (uint64_t left = row->changed & row->have; left != 0;
         left &= left - 1) {
        uint32_t column = (uint32_t)__builtin_ctzll(left);

        if (cell_name_equal(&row->stamp[column].name, own))
            row->changed &= ~CELL_BIT(column);
    }
}

static enum covey_rc load(struct store *st, struct row_work *work,
                          const struct outbox_row *row)
{
    const struct rule_table *rules = rule_table_by_id(row->table);

    if (!row->fresh)
        return row_load(st, work, rules, &row->id);
    row_fresh(work, rules, &row->id);
    return COVEY_OK;
}

enum covey_rc capture_row_settle(struct store *st, int64_t n,
                                 const struct capture_rows *rows,
                                 const struct outbox_row *row,
                                 struct covey_bytes part,
                                 const struct cell_stamp *stamp)
{
    const struct cell_source from = {0, 0};
    struct row_part read;
    struct row_work work;
    enum covey_rc rc = row_part_read(part, &read);

    CHECK(rc == COVEY_OK); /* it was written here */
    rc = gather_work(st, n, &work);
    if (rc == COVEY_OK)
        rc = load(st, &work, row);
    if (rc == COVEY_OK)
        rc = load_values(st, &work, row, &read);
    if (rc != COVEY_OK)
        return rc;
    if (rows->gifts.len > 0)
        take_gifts(work.row, rows);
    work.before.present = row->present;
    rc = cell_apply(work.row, &read, stamp, &from);
    if (row->present)
        leave_own(work.row, &stamp->name);
    if (rc == COVEY_OK)
        rc = row_save(st, &work, 0);
    if (rc == COVEY_OK)
        gather_event(st, &work);
    return rc;
}
