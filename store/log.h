/* log.h - logs and their change sets, as signed, in the order of arrival.
 *
 * A log is one author's change sets in one space and one incarnation.  `seq`
 * counts the change sets of a space over all its logs as they were stored
 * (above the space's n * 2^32); it is a causal order, since nothing is stored
 * before all that it cites.  Headers are stored without what other rows hold,
 * and put back whole.
 *
 * The frontier of a space: the heads of its logs, but a log only while its head
 * is not what a later log of its author names as the one before it.  A log that
 * forked has a head for each branch. */
#ifndef COVEY_STORE_LOG_H
#define COVEY_STORE_LOG_H

#include "proto/changeset.h"
#include "proto/header.h"
#include "store/store.h"

enum entry_state {
    ENTRY_APPLIED, /* merged; or empty */
    ENTRY_VOID,    /* kept and forwarded, without effect; see verdict */
    ENTRY_WAITING, /* for an epoch, a key, a certificate or an upgrade */
    ENTRY_CARRIED, /* this node has no key to the space */
};

/* Why an entry waits. */
enum entry_wait {
    WAIT_NONE,
    WAIT_KEY,
    WAIT_CERTIFICATE,
    WAIT_UPGRADE,
    WAIT_CITED /* what it cites waits */
};

struct entry {
    int64_t seq;
    int64_t n;            /* space */
    struct header header; /* whole */
    struct hash hash;
    bool has_signature;
    struct signature signature;
    bool forked; /* its log has other branches */
    enum entry_state state;
    enum entry_wait wait;
    enum verdict verdict;
    uint64_t wall_ms;           /* as its author claims; 0: not read */
    struct covey_bytes payload; /* lives until the next call on the store */
};

/* What a header can be placed by, without reading a payload. */
struct entry_brief {
    int64_t seq;
    struct sign_key author;
    struct incarnation incarnation;
    uint64_t number;
    uint64_t clock;
    struct hash epoch;
    enum entry_state state;
    bool forked; /* its log has other branches */
};

/* Find a change set by its hash.  COVEY_ENONE. */
COVEY_MUST_USE enum covey_rc log_find(struct store *st, int64_t n,
                                      const struct hash *hash,
                                      struct entry_brief *out);
/* A place in a space: a log's number. */
struct log_place {
    struct sign_key author;
    struct incarnation incarnation;
    uint64_t number;
};
/* The change set (or, where it forked, the first stored) at a place. */
COVEY_MUST_USE enum covey_rc log_at(struct store *st, int64_t n,
                                    const struct log_place *place,
                                    struct hash *hash, struct entry_brief *out);
/* Read one whole entry by seq.  COVEY_ENONE. */
COVEY_MUST_USE enum covey_rc log_read(struct store *st, int64_t seq,
                                      struct entry *out);
/* The next entry of a space after `seq` (start with 0).  COVEY_ENONE. */
COVEY_MUST_USE enum covey_rc log_next(struct store *st, int64_t n, int64_t seq,
                                      struct entry *out);
/* The greatest seq stored in a space; 0: none.  Cheap (kept in memory). */
COVEY_MUST_USE enum covey_rc log_newest(struct store *st, int64_t n,
                                        int64_t *seq);
/* The next that waits.  COVEY_ENONE. */
COVEY_MUST_USE enum covey_rc log_next_waiting(struct store *st, int64_t n,
                                              int64_t seq, struct entry *out);
/* The next own entry without a signature, over all spaces; to sign again after
 * a kill.  COVEY_ENONE. */
COVEY_MUST_USE enum covey_rc log_next_unsigned(struct store *st, int64_t seq,
                                               struct entry *out);

/* Store a change set.  Everything that entry.header cites and its previous must
 * be here (CHECKed by who verified it).  Moves its log's head and the tips;
 * sets entry->seq, entry->forked.  The pointer fields are borrowed. */
COVEY_MUST_USE enum covey_rc log_append(struct store *st, struct entry *e);
COVEY_MUST_USE enum covey_rc log_sign(struct store *st, int64_t seq,
                                      const struct signature *sig);
COVEY_MUST_USE enum covey_rc log_settle(struct store *st, int64_t seq,
                                        enum entry_state state,
                                        enum entry_wait wait,
                                        enum verdict verdict);
/* The newest wall time that an author claims in a space; 0: it never wrote. */
COVEY_MUST_USE enum covey_rc log_heard(struct store *st, int64_t n,
                                       const struct sign_key *author,
                                       uint64_t *wall_ms);
/* Note the wall time of one that waited; merged siblings show it. */
COVEY_MUST_USE enum covey_rc log_wall(struct store *st, int64_t seq,
                                      uint64_t wall_ms);

struct log_head_row {
    struct sign_key author;
    struct incarnation incarnation;
    uint64_t number;
    struct hash hash;
    uint64_t clock;
};
/* The frontier of a space, sorted by author and incarnation: appends
 * struct log_head_row items to out (count = out->len / sizeof). */
COVEY_MUST_USE enum covey_rc log_frontier(struct store *st, int64_t n,
                                          struct covey_buf *out);
/* All logs of a space, superseded ones too, in the same form. */
COVEY_MUST_USE enum covey_rc log_heads(struct store *st, int64_t n,
                                       struct covey_buf *out);
/* What the first change set of a log names as its previous (zero: nothing). */
COVEY_MUST_USE enum covey_rc log_before(struct store *st, int64_t n,
                                        const struct sign_key *author,
                                        const struct incarnation *incarnation,
                                        struct hash *out);
/* The newest head of an author in a space by clock (for a new incarnation's
 * previous).  COVEY_ENONE: it never wrote here. */
COVEY_MUST_USE enum covey_rc log_last_of(struct store *st, int64_t n,
                                         const struct sign_key *author,
                                         struct log_head_row *out);
/* Hashes that no other change set here cites or follows, oldest first, at most
 * `cap`; *count is how many there are in all.  What waits is none, and what it
 * cites may be one: who cites what waits waits too. */
struct tip {
    struct hash hash;
    uint64_t clock;
    struct sign_key author;
};
COVEY_MUST_USE enum covey_rc log_tips(struct store *st, int64_t n,
                                      struct tip *out, size_t cap,
                                      size_t *count);
/* Change sets held in a space, and how many of them wait, wait for an upgrade
 * (among those that wait) or are void. */
struct log_counts {
    int64_t change_sets, waiting, newer, voided;
};
COVEY_MUST_USE enum covey_rc log_counts(struct store *st, int64_t n,
                                        struct log_counts *out);

#endif
