/* store.h - the school's record: one SQLite file, opened with care.
 *
 * One writer connection, owned by one thread.  Readers are connections of their
 * own (query.h).  Every change happens between store_begin() and
 * store_commit(); what a call says it saved is on the disk when commit returns.
 *
 * Opened as DESIGN.md section 15 says: WAL, synchronous=FULL, defensive,
 * automatic checkpoints off; checkpoints run only here, on a second connection
 * while the writer holds the write lock, because SQLite before 3.51.3 can
 * corrupt where a commit resets the log under a checkpoint.
 *
 * EIO, corruption or a failed fsync are final (COVEY_EIO, COVEY_ECORRUPT): the
 * caller ends the process and never retries.  COVEY_EFULL and COVEY_EBUSY roll
 * back and may be tried again later. */
#ifndef COVEY_STORE_STORE_H
#define COVEY_STORE_STORE_H

#include "proto/base.h"
#include "proto/rules.h"

#define STORE_FILE "record.db"
#define STORE_CHECKPOINT_PAGES 500u /* pages in the WAL that call for one */

struct store;

/* Who keeps this record; one row, written at init. */
struct store_self {
    struct member_id member;
    struct sign_key node; /* this installation */
    enum member_kind kind;
    uint32_t urn; /* 0: none */
    char name[121];
    struct covey_bytes member_cert; /* borrowed at init; owned by the store */
    struct covey_bytes node_cert;
};

/* Make dir/record.db: under a temporary name, migrated, fsynced, renamed, the
 * directory fsynced.  COVEY_EEXISTS, COVEY_EFULL, COVEY_EIO; why is filled. */
COVEY_MUST_USE enum covey_rc store_init(const char *dir,
                                        const struct store_self *self,
                                        struct covey_why *why);
/* COVEY_ENONE (no record), COVEY_ENEWER, COVEY_ECORRUPT, COVEY_EREFUSED. */
COVEY_MUST_USE enum covey_rc store_open(const char *dir, struct store **out,
                                        struct covey_why *why);
void store_close(struct store *st); /* NULL allowed; rolls back what is open */

const struct store_self *store_self(const struct store *st);

/* BEGIN IMMEDIATE.  COVEY_EBUSY: another program holds the write lock. */
COVEY_MUST_USE enum covey_rc store_begin(struct store *st);
COVEY_MUST_USE enum covey_rc store_commit(struct store *st);
void store_rollback(struct store *st); /* harmless outside a transaction */
bool store_in_transaction(const struct store *st);

/* A second level inside a transaction, for one API write among several. */
COVEY_MUST_USE enum covey_rc store_mark(struct store *st);    /* SAVEPOINT */
COVEY_MUST_USE enum covey_rc store_release(struct store *st); /* keep it */
void store_revert(struct store *st);                          /* undo it */

/* Did another program commit since this was last asked?  (data_version.)
 * Not inside a transaction. */
COVEY_MUST_USE enum covey_rc store_outside(struct store *st, bool *changed);
/* Checkpoint if the WAL has grown past the limit.  Not inside a transaction. */
COVEY_MUST_USE enum covey_rc store_checkpoint(struct store *st);
/* COVEY_EIO or COVEY_ECORRUPT if a statement has ever met that, whoever heard
 * of it; else COVEY_OK.  Then the process is to end. */
enum covey_rc store_broken(const struct store *st);
/* What went wrong last, for a person (SQLite's own words where it has any). */
void store_why(const struct store *st, struct covey_why *why);
/* Bytes of the record and its WAL; for status and messages. */
uint64_t store_size_bytes(const struct store *st);

#endif
