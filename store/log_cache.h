/* log_cache.h - what log.c and merge.c keep in memory of the logs.
 *
 * Author keys and epochs by number, log rows with their heads, and the change
 * sets last touched.  Heads change here and are written in one go, before the
 * commit or before SQL reads them: log_cache_flush().  A rollback forgets all.
 *
 * Pointers handed out live until the cache is forgotten or flushed. */
#ifndef COVEY_STORE_LOG_CACHE_H
#define COVEY_STORE_LOG_CACHE_H

#include "proto/changeset.h"
#include "store/internal.h"

#define LOG_CACHE_BUCKETS 1024u  /* of each hash table; a power of two */
#define LOG_CACHE_RECENT 1024u   /* change sets; a power of two */
#define LOG_CACHE_LOGS_MAX 4096u /* rows kept beyond a transaction */

/* seq = space.n * 2^32 + a count from 1. */
#define LOG_SEQ_BITS 32u

/* One row of `log`; every branch of one log is in the same chain. */
struct log_row {
    int64_t n;
    int64_t space;
    int64_t author;
    struct incarnation incarnation;
    int64_t branch;
    bool forked;
    struct hash before;
    uint64_t number;
    struct hash hash;
    uint64_t clock;
    int64_t seq;
    bool cited;
    bool superseded;
    bool dirty;
    struct log_row *next_same; /* next in its bucket by identity */
    struct log_row *next_n;    /* next in its bucket by n */
};

/* A change set that was stored or looked up lately. */
struct log_recent {
    struct hash hash;
    int64_t seq; /* 0: empty */
    int64_t log;
};

int64_t log_seq_first(int64_t n); /* one less than the first seq of a space */
int64_t log_seq_last(int64_t n);  /* the last that there may be */

/* The author with this key or number; COVEY_ECORRUPT for an unknown number. */
COVEY_MUST_USE enum covey_rc log_author(struct store *st,
                                        const struct sign_key *key,
                                        int64_t *number,
                                        const struct sign_key **kept);
/* COVEY_ENONE for a key that never wrote: asking makes no number. */
COVEY_MUST_USE enum covey_rc
log_author_known(struct store *st, const struct sign_key *key, int64_t *number);
COVEY_MUST_USE enum covey_rc log_author_key(struct store *st, int64_t number,
                                            const struct sign_key **out);
/* An epoch's local number, and its hash. */
COVEY_MUST_USE enum covey_rc
log_epoch(struct store *st, const struct hash *hash, int64_t *number);
COVEY_MUST_USE enum covey_rc log_epoch_hash(struct store *st, int64_t number,
                                            struct hash *out);

/* The branches of a log, in order: *out is the first, or NULL; go on with
 * log_branch_next(). */
COVEY_MUST_USE enum covey_rc log_branches(struct store *st, int64_t n,
                                          int64_t author,
                                          const struct incarnation *incarnation,
                                          struct log_row **out);
struct log_row *log_branch_next(struct log_row *row);
/* The row with this number; COVEY_ECORRUPT when there is none. */
COVEY_MUST_USE enum covey_rc log_by_number(struct store *st, int64_t number,
                                           struct log_row **out);
/* Store a new row; takes row's fields but n. */
COVEY_MUST_USE enum covey_rc
log_row_add(struct store *st, const struct log_row *row, struct log_row **out);

/* Find a change set of space n by hash, or by seq (COVEY_ECORRUPT when there is
 * none).  COVEY_ENONE. */
COVEY_MUST_USE enum covey_rc log_find_hash(struct store *st, int64_t n,
                                           const struct hash *hash,
                                           struct log_recent *out);
COVEY_MUST_USE enum covey_rc log_find_seq(struct store *st, int64_t seq,
                                          struct log_recent *out);
void log_remember(struct store *st, const struct log_recent *entry);

/* A space as logs see it. */
struct log_space {
    int64_t n;
    struct space_id id;
    int64_t last; /* greatest seq; 0: none; set by log_append() */
    struct log_space *next;
};
/* COVEY_ENONE: no such space. */
COVEY_MUST_USE enum covey_rc log_space(struct store *st, int64_t n,
                                       struct log_space **out);

/* What stands under a stamp's name in a space, for merging: its seq, whether it
 * has been applied, and its wall time (0: not known).  COVEY_ENONE. */
struct log_named {
    int64_t seq;
    bool applied;
    int64_t wall_ms;
};
COVEY_MUST_USE enum covey_rc log_named(struct store *st, int64_t n,
                                       const struct stamp_name *name,
                                       struct log_named *out);

#endif
