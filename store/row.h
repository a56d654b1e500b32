/* row.h - a row as the record holds it: clock record, values, siblings.
 *
 * Loads what cell.h works on and saves what changed: at most the row and its
 * clock record, where nothing stands beside what is shown.  Values stand in the
 * shared table while the row is alive; else, and where another row has taken
 * the id there, in `aside`. */
#ifndef COVEY_STORE_ROW_H
#define COVEY_STORE_ROW_H

#include "store/cell.h"
#include "store/internal.h"

#define ROW_HEX (2u * sizeof(struct row_id) + 1u)

/* A space's totals as they change in one transaction. */
struct row_space {
    int64_t n;
    char id[33];        /* hex */
    uint64_t digest[2]; /* a sum modulo 2^128: high, low */
    int64_t rows;       /* alive */
    bool changed;
    struct row_space *next;
};

/* How a row stood before it was changed. */
struct row_before {
    bool alive;
    bool present; /* in its table, under its space */
    size_t conflicts;
};

/* A row being changed. */
struct row_work {
    struct row_space *space;
    struct cell_row *row;
    struct row_before before;
    struct covey_buf *scratch;
    char hex[ROW_HEX];
};

/* Begin with a row and read its clock record, siblings and what is ahead.
 * before.present is what the record says. */
COVEY_MUST_USE enum covey_rc row_load(struct store *st, struct row_work *work,
                                      const struct rule_table *rules,
                                      const struct row_id *id);
/* The same for a row that is known to have no record. */
void row_fresh(struct row_work *work, const struct rule_table *rules,
               const struct row_id *id);
/* The row in its table, under its space: values for the columns in `columns`
 * and whether it is there. */
COVEY_MUST_USE enum covey_rc row_read(struct store *st, struct row_work *work,
                                      uint64_t columns, bool *present);
/* The values that stand, from wherever the record says that they are.  A row
 * that is not in its table though it should be is put back by row_save(). */
COVEY_MUST_USE enum covey_rc row_values(struct store *st,
                                        struct row_work *work);

/* Write what changed, count the row and its hash in its space.  `seq` is that
 * of the change set being taken in, 0 for one of our own.  Triggers are off
 * where a table is written. */
COVEY_MUST_USE enum covey_rc row_save(struct store *st, struct row_work *work,
                                      int64_t seq);

/* Save a row begun with row_fresh(), of which one guesses that there is no
 * record.  *added false: there is one, and nothing was written. */
COVEY_MUST_USE enum covey_rc row_add(struct store *st, struct row_work *work,
                                     bool *added);

/* Add to, or take from, a digest. */
void row_digest_add(uint64_t digest[2], const uint8_t hash[16]);
void row_digest_take(uint64_t digest[2], const uint8_t hash[16]);

/* What a column holds that no write has set: its DEFAULT. */
struct cell_value row_initial(const struct rule_column *column);

#endif
