/* node_internal.h - what the files of the node know of each other.
 *
 *   node.c         events, flush, effects, time
 *   node_conn.c    connections: sessions, who is let in
 *   node_dial.c    whom to dial, and when again
 *   node_space.c   spaces in memory: epochs, keys, roles
 *   node_sync.c    one space with one peer: offers, frontiers, batches
 *   node_push.c    after a commit: acknowledgements, live change sets
 *   node_apply.c   a batch that came: checked whole, then stored and merged
 *   node_seal.c    what was written here: sealed, signed after the commit
 *   node_join.c    tickets and doors
 *   node_admit.c   a chair's invites and admissions; relays asked to carry
 *   node_api.c     requests of the API
 *   node_wait.c    requests that wait for something to happen */
#ifndef COVEY_DAEMON_NODE_INTERNAL_H
#define COVEY_DAEMON_NODE_INTERNAL_H

#include <jansson.h>

#include "daemon/node_join.h"
#include "daemon/node_peer.h"
#include "daemon/node_space.h"
#include "store/capture.h"
#include "store/merge.h"

#define SOFTWARE "covey 0.1"
#define BUSY_RETRY (5 * COVEY_MILLISECOND)    /* another program writes */
#define BUSY_GIVE_UP (10 * COVEY_SECOND)      /* ... and a request gives up */
#define OUTSIDE_RETRY (1 * COVEY_MILLISECOND) /* the watch fires too early */
#define OUTSIDE_TRIES 8
#define IDLE_TICK (1 * COVEY_SECOND)
#define SLEPT_MS                                                               \
    30000u /* the clocks parted by more: it slept or was restored */
#define DIAL_FIRST (1 * COVEY_SECOND)
#define DIAL_SLOWEST (300 * COVEY_SECOND)
#define DIAL_SLOWEST_ASKING (4 * COVEY_SECOND) /* somebody waits for it */

struct reply { /* ready, sent after the commit */
    struct reply *next;
    uint64_t request;
    int status;
    struct covey_buf text;
};

struct queued { /* an effect that waits to be taken */
    struct queued *next;
    struct node_effect fx;
    struct covey_buf text;
    char at[ADDRESS_MAX + 1];
};

struct parked_request {
    struct parked_request *next;
    uint64_t id;
    const struct api_route *route;
    struct query_param *params; /* owned copies */
    size_t param_count;
    covey_time give_up;
};

struct own_entry { /* own, appended in this transaction or just after */
    int64_t seq;
    struct hash hash;
    struct header header;
    struct signature signature;
    bool is_signed;
    bool stored; /* its signature, in this group */
};

/* Nobody's mistake: the disk or the memory. */
static inline bool is_fault(enum covey_rc rc)
{
    return rc == COVEY_EIO || rc == COVEY_ECORRUPT || rc == COVEY_EFULL ||
           rc == COVEY_ENOMEM;
}

struct node {
    struct covey_mem mem;
    struct store *store;
    struct covey_rng rng;
    struct seed run; /* incarnations of this run come from it */
    struct node_secrets secrets;
    struct noise_key noise_key;
    struct sign_key sign_key;
    struct reading_key reading_key;
    bool carry_all;
    char advertise[ADDRESS_MAX + 1];
    struct ticket_address dials[NODE_DIALS_MAX];
    size_t dial_count;
    struct node_clock clock;
    struct node_space *spaces;
    struct conn *conns;
    size_t conn_count;
    uint64_t next_dial; /* odd conn ids */
    struct target *targets;
    struct joining *joinings;
    struct waiter *waiters;
    struct reply *replies;
    struct parked_request *parked_requests;
    struct queued *effects, **effects_end, *taken;
    bool outbox_dirty, in_group;
    bool resumed;      /* space_resume_all() is done */
    bool parked;       /* messages or requests wait for the write lock */
    char altered[240]; /* why sealing has stopped; empty: it has not */
    size_t group_bytes;
    covey_time busy_since; /* 0: nobody else holds the write lock */
    covey_time busy_retry;
    int outside_tries;
    bool outside_pending; /* another program wrote; not sealed yet */
    covey_time outside_next, tick_next;
    struct own_entry *own;
    size_t own_count, own_cap;
    struct intake *intake;   /* node_apply.c */
    struct filling *filling; /* node_push.c */
    bool fatal, stopping, targets_stale;
    bool unsaid;          /* the group holds what cannot be answered: undo it */
    enum covey_rc failed; /* a group did: the record is to be read anew */
    uint64_t strangers;
    int64_t clock_offset_ms; /* peer's wall clock less ours, newest hello */
};

/* node.c */
void node_fatal(struct node *node, enum covey_rc rc, const char *text);
/* Open the group's transaction if it is not.  COVEY_EBUSY: try later (a timer
 * is set). Any other failure has been made fatal or is COVEY_EFULL. */
COVEY_MUST_USE enum covey_rc node_group(struct node *node);
/* A store call failed: fatal for EIO and ECORRUPT; else the group is rolled
 * back, every session closed, and at the end of the event every space read anew
 * from the record; until then there is no group. */
void node_failed(struct node *node, enum covey_rc rc);
void node_reply(struct node *node, uint64_t request, int status,
                const char *text, size_t len);
void node_reply_json(struct node *node, uint64_t request, int status,
                     json_t *json); /* takes json */
void node_reply_error(struct node *node, uint64_t request, enum covey_rc rc,
                      const char *text);
/* Never NULL: without memory for it the process ends. */
struct queued *node_emit(struct node *node, enum node_effect_kind kind);
/* Grow an array of items; false when out of memory. */
bool node_grow(void **items, size_t *cap, size_t count, size_t size);

/* node_seal.c */
COVEY_MUST_USE enum covey_rc seal_all(struct node *node);
void seal_sign(struct node *node); /* after the commit */
COVEY_MUST_USE enum covey_rc seal_store_signatures(struct node *node);
COVEY_MUST_USE enum covey_rc seal_sign_again(struct node *node); /* at start */
/* The signature of an own entry that the log does not have yet. */
bool seal_signature(const struct node *node, int64_t seq,
                    struct signature *out);
void seal_forget(struct node *node); /* after a rollback */
/* From here on this node's logs are new ones: a new incarnation. */
void seal_new_run(struct node *node);
/* The day's heartbeat of each space, when it is due. */
COVEY_MUST_USE enum covey_rc seal_heartbeats(struct node *node);

/* node_api.c */
void api_request(struct node *node, const struct node_request *request);
void api_retry_parked(struct node *node);
void api_expire_parked(struct node *node); /* those that waited too long */
void api_gone(struct node *node, uint64_t request);
void api_free_parked(struct node *node);

/* node_status.c */
json_t *status_json(struct node *node);
json_t *peers_json(struct node *node);
json_t *log_json(struct node *node, struct node_space *s, const char *row);

#endif
