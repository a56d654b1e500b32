/* gather.h - what merging and capture gather in memory in one transaction:
 * spaces' totals, change events, and the row being worked on. */
#ifndef COVEY_STORE_GATHER_H
#define COVEY_STORE_GATHER_H

#include "store/row.h"

#define GATHER_EVENTS_MAX 1000u

struct merge_gather {
    bool triggers_off;
    struct row_space *spaces;
    struct cell_row row;
    struct covey_buf scratch;
    struct covey_buf events; /* JSON, a line each */
    size_t event_count;
};

/* A work with the space of number n, its totals read where they are not yet. */
COVEY_MUST_USE enum covey_rc gather_work(struct store *st, int64_t n,
                                         struct row_work *out);
/* Tell of a row that was saved. */
void gather_event(struct store *st, const struct row_work *work);

#endif
