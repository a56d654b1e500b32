/* merge.h - other people's writes, cell by cell (DESIGN.md section 8).
 *
 * A write names the stamps that it replaces.  Values that no write names stand
 * side by side: the greatest stamp is shown in the table, the others are kept
 * in `sibling`.  The outcome depends on the set of change sets alone: a name
 * that arrives before what it names is remembered until that comes.
 *
 * Column 0 is a row's existence.  A row whose existence is deleted and of which
 * no edit stands is out of its table; an edit that a delete had not seen brings
 * it back, and both are shown as a conflict.
 *
 * The clock record of a row packs its stamps (a base, then exceptions by column
 * id) and holds its hash; the sum of a space's hashes is its digest.  See
 * cell.h for what exactly stands, shows and is hashed. */
#ifndef COVEY_STORE_MERGE_H
#define COVEY_STORE_MERGE_H

#include "proto/changeset.h"
#include "store/capture.h"
#include "store/store.h"

struct merge_source {
    int64_t n; /* space */
    struct space_id space;
    struct stamp stamp;
    int64_t seq; /* of the change set in the log */
    uint64_t wall_ms;
};

/* Merge one row of a change set that counts.  Inside a transaction, with
 * nothing of that row in the outbox.  Each change set is merged once, and the
 * change sets that write one row in the order of seq; it holds a row once (the
 * caller judges one that does not VERDICT_VOID_SEAL).  From the first row until
 * merge_flush() triggers are off: nothing else is written meanwhile.
 * COVEY_EBAD: not what rules_judge_row() lets count.  After any failure the
 * transaction is rolled back. */
COVEY_MUST_USE enum covey_rc merge_row(struct store *st,
                                       const struct merge_source *source,
                                       const struct row_part *part);
/* Write what was gathered (digests, row counts); before commit. */
COVEY_MUST_USE enum covey_rc merge_flush(struct store *st);
/* Forget what was gathered; store_rollback() does it. */
void merge_forget(struct store *st);

/* Compute a space's digest anew from its tables and clock records; for tests
 * and `covey status --check`.  It must equal the running one, unless something
 * waits in the outbox. */
COVEY_MUST_USE enum covey_rc merge_digest_anew(struct store *st, int64_t n,
                                               uint8_t digest[16]);

/* How many values stand beside what a space's rows show. */
COVEY_MUST_USE enum covey_rc merge_conflicts(struct store *st, int64_t n,
                                             int64_t *count);

/* What changed since this was last called: appends JSON objects, one a line:
 * {"space":..,"table":..,"id":..,"change":"insert|update|delete|conflict"};
 * for change events.  Bounded: past 1,000 rows one line {"many":true}. */
COVEY_MUST_USE enum covey_rc merge_events(struct store *st,
                                          struct covey_buf *out);

#endif
