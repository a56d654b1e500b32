/* capture_row.h - one row of the outbox, made into a part and settled. */
#ifndef COVEY_STORE_CAPTURE_ROW_H
#define COVEY_STORE_CAPTURE_ROW_H

#include "store/capture.h"
#include "store/draft.h"
#include "store/outbox.h"
#include "store/row.h"

/* Most bytes of one part: a cell of 192 KiB and the names that it replaces fit
 * into it, and it fits into one change set. */
#define CAPTURE_PART_MAX (CHANGESET_ROOM - CHANGESET_PART_COST)

/* An answer to a capture_want; lost: there is none. */
struct capture_gift {
    struct capture_want want;
    bool lost;
    struct cell_value value;
};

struct capture_rows {
    struct outbox outbox;
    struct draft draft;
    struct covey_buf gifts;                /* struct capture_gift */
    struct cell_arena given;               /* what their values point into */
    size_t part_rows[CHANGESET_PARTS_MAX]; /* the outbox row of each part */
};

/* Note an answer; the value is copied. */
COVEY_MUST_USE enum covey_rc capture_gift_add(struct capture_rows *rows,
                                              const struct capture_want *want,
                                              const struct cell_value *value);
const struct capture_gift *capture_gift_find(const struct capture_rows *rows,
                                             const struct capture_want *want);

/* Draft a row's part in c->rows->draft.  *drafted false: it came to nothing
 * (row->fate says so), or wants something first (then it is left). */
COVEY_MUST_USE enum covey_rc capture_row_draft(struct store *st, int64_t n,
                                               struct capture *c,
                                               struct outbox_row *row,
                                               bool *drafted);
/* The record takes in a part of its own people's. */
COVEY_MUST_USE enum covey_rc capture_row_settle(struct store *st, int64_t n,
                                                const struct capture_rows *rows,
                                                const struct outbox_row *row,
                                                struct covey_bytes part,
                                                const struct cell_stamp *stamp);

#endif
