/* capture.h - the outbox: which rows were written and not yet sealed.
 *
 * Plain triggers note, in the writer's own transaction, the row, the columns
 * that changed and the space.  To seal is to take what is noted, as the tables
 * hold it now, turn it into parts, and settle it under the new change set's
 * stamp.  Take and settle belong in one transaction. */
#ifndef COVEY_STORE_CAPTURE_H
#define COVEY_STORE_CAPTURE_H

#include "proto/changeset.h"
#include "store/store.h"

/* The stamp of a change set, as cells keep it. */
struct stamp {
    uint64_t clock;
    struct sign_key author;
    struct stamp_name name; /* first bytes of the header's hash */
};

/* A value that a form, which had not seen it, has put out of sight: to be kept
 * beside what the form wrote, it is taken from the log. */
#define CAPTURE_WANTS_MAX 16u
struct capture_want {
    int64_t seq; /* of the change set that wrote it */
    uint32_t table;
    struct row_id id;
    uint32_t column;
    struct stamp_name name;
};

/* What one change set takes from the outbox. */
struct capture {
    size_t part_count;
    struct covey_bytes parts[CHANGESET_PARTS_MAX]; /* msgpack, in .bytes */
    struct covey_buf bytes;
    size_t want_count; /* rows left in the outbox until this is given */
    struct capture_want wants[CAPTURE_WANTS_MAX];
    struct capture_rows *rows; /* opaque: what capture_settle() needs */
    bool more;                 /* the outbox holds more for this space */
};
/* One may serve many takes, one after the other. */
void capture_init(struct capture *c, const struct covey_mem *mem);
void capture_clear(struct capture *c);

/* The next space with something in the outbox, by n.  COVEY_ENONE.  What was
 * written to a space that this node is not a member of any more stays, and is
 * counted in status. */
COVEY_MUST_USE enum covey_rc capture_next_space(struct store *st,
                                                int64_t after_n, int64_t *n);
/* How many rows wait to be sealed in a space. */
COVEY_MUST_USE enum covey_rc capture_count(struct store *st, int64_t n,
                                           int64_t *count);
/* Fill `c` with at most CHANGESET_ROOM bytes of parts.  What was noted and came
 * to nothing (a row made and deleted again) is taken off: part_count may be 0,
 * then there is nothing to seal or settle.  Text that is not UTF-8 is mended
 * and written back.  While `more` is set: seal and settle the parts if there
 * are any, give what is wanted, take again. COVEY_EREFUSED with store_why():
 * the schema was altered by hand. */
COVEY_MUST_USE enum covey_rc capture_take(struct store *st, int64_t n,
                                          struct capture *c);
/* Give what a take wanted, before the next take on the same `c`.  value NULL:
 * it cannot be had (erased); then the write replaces it after all. */
COVEY_MUST_USE enum covey_rc capture_give(struct capture *c,
                                          const struct capture_want *want,
                                          const struct cell_value *value);
/* Write the stamp to the rows' clock records and take them off the outbox. */
COVEY_MUST_USE enum covey_rc capture_settle(struct store *st, int64_t n,
                                            struct capture *c,
                                            const struct stamp *stamp);

#endif
