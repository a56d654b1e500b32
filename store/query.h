/* query.h - the API's statements: reads on their own connections, writes in
 * the daemon's transaction, and the console of `covey sql`.
 *
 * A statement has named parameters; a request binds what the route gives it.
 * Every row that comes out is one JSON text in the first column. */
#ifndef COVEY_STORE_QUERY_H
#define COVEY_STORE_QUERY_H

#include "store/store.h"

#define QUERY_READERS_MAX 4u
#define QUERY_STEPS_MAX                                                        \
    200000000 /* of SQLite's machine: some 2 s, then it ends */
#define QUERY_ROWS_BYTES 16777216u /* most bytes of one console answer */

/* A parameter: name with its colon (":id"), text NULL for SQL NULL. */
struct query_param {
    const char *name;
    const char *text;
};

/* A read-only connection, for any one thread at a time. */
struct reader;
COVEY_MUST_USE enum covey_rc reader_open(const char *dir, struct reader **out,
                                         struct covey_why *why);
void reader_close(struct reader *r);
/* Start a statement; then reader_fill() until *done.  Appends to out "[", rows
 * with commas between, "]" for a list, or the one row (COVEY_ENONE when there
 * is none).  Fills at most about `bytes` a call, so that a list streams. */
COVEY_MUST_USE enum covey_rc reader_start(struct reader *r, const char *sql,
                                          bool list,
                                          const struct query_param *params,
                                          size_t count, struct covey_why *why);
COVEY_MUST_USE enum covey_rc reader_fill(struct reader *r, size_t bytes,
                                         struct covey_buf *out, bool *done,
                                         struct covey_why *why);
void reader_end(struct reader *r);

/* Is the parameter ":body" a JSON object of nothing but these fields (names
 * with spaces between; NULL: whatever it is)?  COVEY_EBAD with why. */
COVEY_MUST_USE enum covey_rc query_body(struct store *st, const char *fields,
                                        const struct query_param *params,
                                        size_t count, struct covey_why *why);
/* A write of the API, inside store_begin(): runs it and appends its row, or
 * nothing.  COVEY_EREFUSED with why in a guard's words; COVEY_EEXISTS: the id
 * is taken; COVEY_EBAD: malformed JSON or SQL; COVEY_ENONE: it returned no row
 * though it should (no such thing). */
COVEY_MUST_USE enum covey_rc query_write(struct store *st, const char *sql,
                                         const struct query_param *params,
                                         size_t count, struct covey_buf *out,
                                         struct covey_why *why);

/* Put a copy of a priority or action into a space, linked by `source`.
 * Appends {"id":..}.  COVEY_ENONE: there is no such row; COVEY_EREFUSED. */
COVEY_MUST_USE enum covey_rc query_share(struct store *st, const char *id,
                                         const char *space,
                                         struct covey_buf *out,
                                         struct covey_why *why);

/* One statement typed by a person: may read the shared tables and the views,
 * may write the shared tables, nothing else, and says so.  Inside
 * store_begin(). Appends {"columns":[..],"rows":[[..]],"changed":N}. */
COVEY_MUST_USE enum covey_rc query_console(struct store *st, const char *sql,
                                           struct covey_buf *out,
                                           struct covey_why *why);

#endif
