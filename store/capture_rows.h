/* capture_rows.h - what the outbox notes of each row, folded to one wish.
 *
 * The triggers note every statement; the sealer wants to know of each row what
 * is to be told: columns, or that it is gone. */
#ifndef COVEY_STORE_CAPTURE_ROWS_H
#define COVEY_STORE_CAPTURE_ROWS_H

#include "store/capture.h"
#include "store/row.h"

#define CAPTURE_ROWS_MAX (CHANGESET_PARTS_MAX - 1u)
#define CAPTURE_NOTES_MAX                                                      \
    65536u /* outbox entries looked at for one change set */

struct capture_row {
    const struct rule_table *rules;
    struct row_id id;
    uint64_t cols; /* columns that were written */
    uint64_t
        replaced;   /* what an op 4 noted, until the next says if it counts */
    bool replacing; /* the entry before was an op 4 */
    bool taken;     /* it is in the change set */
    uint64_t left;  /* columns that did not fit: to be noted again */
    struct covey_buf old; /* of its newest delete, as the trigger wrote it */
    struct covey_buf seen;
    bool present; /* in its table, at the take */
};

/* One outbox entry: whose it is. */
struct capture_note {
    int64_t seq;
    uint32_t row;
};

struct capture_rows {
    size_t count;
    struct capture_row row[CAPTURE_ROWS_MAX];
    size_t note_count, note_cap;
    struct capture_note *notes;
    bool whole; /* every entry up to the last note belongs to a row here */
    uint32_t part_row[CHANGESET_PARTS_MAX]; /* whose each part is */
    uint16_t slots[2048];                   /* hash of (table, id) to row + 1 */
};

/* Read the outbox of a space, oldest first, into rows.  *more: there was more
 * than fits. */
COVEY_MUST_USE enum covey_rc capture_read(struct store *st, int64_t n,
                                          struct capture_rows *rows,
                                          bool *more);
void capture_rows_reset(struct store *st, struct capture_rows *rows);
/* The values that a delete noted, into row->value. */
COVEY_MUST_USE enum covey_rc capture_old_values(struct cell_row *row,
                                                struct covey_bytes old);

#endif
