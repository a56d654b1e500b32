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

#include "daemon/node.h"
#include "proto/batch.h"
#include "proto/epoch.h"
#include "proto/message.h"
#include "proto/session.h"
#include "proto/ticket.h"
#include "store/capture.h"
#include "store/contact.h"
#include "store/log.h"
#include "store/merge.h"
#include "store/space.h"

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

/* One epoch of a space, as verdicts need it. */
struct epoch_mark {
    struct hash hash;
    uint32_t key_number;
};

/* The role of a member from one epoch on. */
struct role_mark {
    uint64_t since;
    uint32_t slot;
    enum role role;
    bool present;
};

/* A space as this node holds it. */
struct node_space {
    struct node_space *next;
    struct space_row row; /* n == 0: joining, no epoch here yet */
    struct membership m;
    struct epoch_mark *epochs; /* by number */
    size_t epoch_count, epoch_cap;
    struct role_mark *roles;
    size_t role_count, role_cap;
    bool has_key;
    struct space_keys keys;  /* the newest */
    struct seed author_seed; /* of this node here */
    struct sign_pair author;
    bool head_heard; /* a member or carrier told its epoch head in this run */
    bool newer;      /* an epoch says what this version does not know */
    bool changed;    /* new epochs in this group, to be told after commit */
    bool log_open;   /* this run has sealed here */
    struct incarnation incarnation;
    uint64_t number; /* of the newest own change set in this incarnation */
    struct hash last;
    uint64_t last_clock;
    covey_time sealed_at; /* last seal in this run; at start: the start */
};

/* What a peer holds of one log. */
struct peer_log {
    struct sign_key author;
    struct incarnation incarnation;
    uint64_t number;
};

/* One space with one peer. */
struct link {
    struct link *next;
    struct node_space *space;
    uint32_t rights;       /* of the peer's author key; 0 for a carrier */
    bool offered, heard;   /* our offer was sent; the peer's came */
    struct hash peer_head; /* its newest epoch */
    bool peer_empty;       /* it holds no epoch yet */
    bool frontier_sent;
    bool live; /* what the peer lacks is known: push */
    struct peer_log *logs;
    size_t log_count, log_cap;
    int64_t known_seq; /* what is stored up to here the peer holds ... */
    int64_t cursor;    /* ... but for what `logs` says; looked at up to here */
    uint32_t sent, acked; /* batches out */
    uint32_t taken;       /* newest batch in; to be acknowledged */
    bool ack_due;
    bool requests_sent;
    struct covey_buf wanted; /* struct log_head items of the peer's frontier */
};

enum conn_kind {
    CONN_PLAIN, /* two nodes */
    CONN_DOOR,  /* a ticket holder and a door */
    CONN_CARRY, /* a member and a relay that does not carry the space yet */
};

struct parked { /* a message that waits for the write lock */
    bool full;
    enum message_kind kind;
    struct covey_buf body;
};

/* What may be said only once this group is on the disk. */
struct later {
    struct later *next;
    enum message_kind kind;
    struct covey_buf body;
};

struct conn {
    struct conn *next;
    uint64_t id;
    enum conn_kind kind;
    struct session *session; /* NULL until connected, or once down */
    bool dialled, up, closing, output_noted;
    struct noise_key peer;
    struct target *target; /* what it was dialled for, or NULL */
    struct covey_buf in;   /* bytes that are not a whole frame yet */
    size_t in_used;
    struct parked parked;
    struct later *later;
    struct link *links;
    struct space_id carry_space; /* CONN_CARRY at the relay */
    struct sign_key carry_author;
    struct invite_id door_invite; /* CONN_DOOR */
    bool door_left;
    covey_time since;
    uint64_t sent_bytes, received_bytes;
};

enum target_kind { TARGET_PEER, TARGET_WISH, TARGET_DOOR };

struct target {
    struct target *next;
    enum target_kind kind;
    struct ticket_address address;
    bool pinned;              /* by --dial or `peer add` */
    struct node_space *space; /* WISH: to carry; DOOR: to join; else a hint */
    bool keep;                /* mark of a refresh */
    struct conn *conn;        /* dialled, not down yet */
    uint32_t failures;
    covey_time next_try;
};

enum waiter_kind { WAITER_FRONTIER, WAITER_JOIN, WAITER_CARRY };

struct waiter {
    struct waiter *next;
    enum waiter_kind kind;
    uint64_t request;
    covey_time deadline;
    struct space_id space;
    bool caught_up;           /* WAITER_JOIN: not just left, all of it here */
    struct noise_key carrier; /* WAITER_CARRY */
    struct covey_buf wanted;  /* WAITER_FRONTIER: struct log_head items */
};

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

struct joining {
    struct joining *next;
    struct joining_row row;
    struct ticket ticket;
    struct ticket_keys keys;
    char refused[200]; /* why a door said no for good; empty: go on */
};

struct own_entry { /* own, appended in this transaction or just after */
    int64_t seq;
    struct hash hash;
    struct header header;
    struct signature signature;
    bool is_signed;
    bool stored; /* its signature, in this group */
};

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
    char altered[240]; /* why sealing has stopped; empty: it has not */
    size_t group_bytes;
    covey_time busy_since; /* 0: nobody else holds the write lock */
    covey_time busy_retry;
    int outside_tries;
    bool outside_pending; /* another program wrote; not sealed yet */
    covey_time outside_next, tick_next;
    struct own_entry *own;
    size_t own_count, own_cap;
    bool fatal, stopping, targets_stale;
    uint64_t strangers;
    int64_t clock_offset_ms; /* peer's wall clock less ours, newest hello */
};

/* node.c */
void node_fatal(struct node *node, enum covey_rc rc, const char *text);
/* Open the group's transaction if it is not.  COVEY_EBUSY: try later (a timer
 * is set). Any other failure has been made fatal or is COVEY_EFULL. */
COVEY_MUST_USE enum covey_rc node_group(struct node *node);
/* A store call failed: fatal for EIO and ECORRUPT; else the group is rolled
 * back, every session closed and every space read anew from the record. */
void node_failed(struct node *node, enum covey_rc rc);
void node_reply(struct node *node, uint64_t request, int status,
                const char *text, size_t len);
void node_reply_json(struct node *node, uint64_t request, int status,
                     json_t *json); /* takes json */
void node_reply_error(struct node *node, uint64_t request, enum covey_rc rc,
                      const char *text);
struct queued *node_emit(struct node *node, enum node_effect_kind kind);
int node_status_of(enum covey_rc rc); /* HTTP status */
/* Grow an array of items; false when out of memory. */
bool node_grow(void **items, size_t *cap, size_t count, size_t size);

/* node_space.c */
COVEY_MUST_USE enum covey_rc space_load_all(struct node *node);
struct node_space *space_by_id(struct node *node, const struct space_id *id);
struct node_space *space_by_text(struct node *node, const char *text);
struct node_space *space_new(struct node *node, const struct space_id *id);
void space_free(struct node *node, struct node_space *s);
/* Free one that nothing was stored of, with the links that name it. */
void space_retire(struct node *node, struct node_space *s);
/* A change made by this node's hand: draft on top of what stands, verified,
 * stored, projected, told to all.  COVEY_ENOTYET with why: no head heard yet.
 */
COVEY_MUST_USE enum covey_rc
space_extend(struct node *node, struct node_space *s,
             const struct epoch_change *changes, size_t count,
             const struct epoch_box_for *boxes, size_t box_count,
             struct covey_why *why);
COVEY_MUST_USE enum covey_rc space_create(struct node *node, const char *name,
                                          enum space_kind kind,
                                          enum admit_mode admit,
                                          struct node_space **out,
                                          struct covey_why *why);
/* Epochs that came from a peer.  COVEY_EFORGED, COVEY_EBAD: the peer's fault.
 */
COVEY_MUST_USE enum covey_rc space_take_epochs(struct node *node,
                                               struct node_space *s,
                                               const struct epochs *epochs,
                                               bool *advanced);
const struct epoch_mark *space_epoch(const struct node_space *s,
                                     const struct hash *hash, uint64_t *number);
/* The role that an author's member had in an epoch; false: none. */
bool space_role_at(const struct node_space *s, const struct sign_key *author,
                   uint64_t number, enum role *role, struct member_tag *tag);
bool space_is_chair(const struct node_space *s);
/* May this node sign an epoch now?  (DESIGN section 6.) */
bool space_may_sign(const struct node *node, const struct node_space *s);
/* Is this node in: a reader of it, or listed as its carrier? */
bool space_arrived(const struct node *node, const struct node_space *s);
/* After the commit: tell all what changed in the epochs. */
void space_announce(struct node *node);

/* node_conn.c */
struct conn *conn_by_id(struct node *node, uint64_t id);
void conn_accepted(struct node *node, uint64_t id);
void conn_connected(struct node *node, uint64_t id);
void conn_lost(struct node *node, uint64_t id);
void conn_bytes(struct node *node, uint64_t id, struct covey_bytes bytes);
void conn_resume(struct node *node, struct conn *c); /* after the lock came */
void conn_expire_all(struct node *node);
void conn_shut(struct node *node, struct conn *c, enum session_close_code code,
               const char *text);
/* Close without one more byte: its keys may be known to a copy. */
void conn_drop(struct node *node, struct conn *c);
void conn_note_output(struct node *node, struct conn *c);
void conn_send(struct node *node, struct conn *c, enum message_kind kind,
               struct covey_buf *body); /* clears body */
/* The same, but only after this group's commit. */
void conn_send_later(struct node *node, struct conn *c, enum message_kind kind,
                     struct covey_buf *body);
void conn_say_later(struct node *node); /* after the commit */
/* A relay has agreed to carry: from here on two nodes like any others. */
void conn_make_plain(struct node *node, struct conn *c);
void conn_reap(struct node *node);      /* frees what is down */
void conn_free_all(struct node *node);
struct conn *conn_new(struct node *node, uint64_t id);

/* node_dial.c */
void targets_refresh(struct node *node);
void targets_free(struct node *node);
void target_back_off(struct node *node, struct target *t);
void conn_dial_due(struct node *node);
covey_time conn_deadline(const struct node *node);

/* node_sync.c */
struct link *link_of(const struct conn *c, const struct node_space *s);
/* Make the links that this peer's keys allow, as far as they are missing. */
void links_open(struct node *node, struct conn *c);
void links_offer(struct node *node, struct conn *c); /* where none was sent */
/* Ask a peer that may know of our admission for a space we are joining. */
void links_join(struct node *node, struct conn *c, struct node_space *s);
struct link *link_open(struct node *node, struct conn *c, struct node_space *s,
                       uint32_t rights);
void link_free(struct node *node, struct link *l);
void sync_offer(struct node *node, struct conn *c, struct link *l, bool ask);
void sync_message(struct node *node, struct conn *c, enum message_kind kind,
                  struct covey_bytes body);
/* Send the epochs that the peer is known to lack. */
void sync_epochs_to(struct node *node, struct conn *c, struct link *l);

/* node_push.c */
/* After a commit: acknowledge, push what is new. */
void sync_pump_all(struct node *node);
/* A space has a new epoch: links, offers, epochs to who lacks them. */
void sync_epoch_changed(struct node *node, struct node_space *s);
void link_note_held(struct link *l, const struct sign_key *author,
                    const struct incarnation *incarnation, uint64_t number);
/* Does this node hold at least these heads?  items: struct log_head. */
bool frontier_held(struct node *node, const struct node_space *s,
                   const struct covey_buf *wanted);

/* node_apply.c */
/* Check and store a batch.  COVEY_OK; COVEY_EBUSY (nothing happened);
 * COVEY_EFORGED, COVEY_EBAD, COVEY_ENOTYET: the peer's fault, nothing stored.
 */
COVEY_MUST_USE enum covey_rc apply_batch(struct node *node, struct link *l,
                                         struct covey_bytes records,
                                         struct covey_why *why);
/* Look again at what waits in a space, after an epoch came. */
COVEY_MUST_USE enum covey_rc apply_waiting(struct node *node,
                                           struct node_space *s);

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

/* node_join.c */
COVEY_MUST_USE enum covey_rc join_load(struct node *node);
void join_door_message(struct node *node, struct conn *c,
                       enum message_kind kind, struct covey_bytes body);
void join_up(struct node *node, struct conn *c); /* a door opened to us */
bool join_psk(struct node *node, const struct invite_id *id, struct seed *psk);
void join_epoch_changed(struct node *node, struct node_space *s);
COVEY_MUST_USE enum covey_rc join_start(struct node *node, const char *text,
                                        struct space_id *space,
                                        struct covey_why *why);
void join_forget(struct node *node, struct joining *gone);

/* node_admit.c */
void join_take_requests(struct node *node, struct node_space *s,
                        struct requests *r);
/* Requests are stored: the chair reads them, others pass them on. */
void join_requests_came(struct node *node, struct node_space *s);
void join_send_requests(struct node *node, struct node_space *s);
COVEY_MUST_USE enum covey_rc join_invite(struct node *node,
                                         struct node_space *s, enum role role,
                                         char *ticket_text,
                                         struct covey_why *why);
COVEY_MUST_USE enum covey_rc join_admit(struct node *node, struct node_space *s,
                                        int64_t request, struct covey_why *why);
/* Has the keeper of this relay allowed what a peer asks it to carry? */
bool join_may_carry(struct node *node, const struct conn *c);
void join_carry_asked(struct node *node, struct conn *c);
void join_carry_answer(struct node *node, struct conn *c, uint32_t code);

/* node_join.c */
struct joining *joining_of(struct node *node, const struct space_id *id);
void join_free_all(struct node *node);

/* node_wait.c */
/* Answer later; false (and an error is answered) when too many wait. */
struct waiter *wait_add(struct node *node, uint64_t request,
                        enum waiter_kind kind, const struct space_id *space,
                        covey_time wait);
void wait_check(struct node *node); /* after each flush and tick */
void wait_gone(struct node *node, uint64_t request);
void wait_free_all(struct node *node);

/* node_api.c */
void api_request(struct node *node, const struct node_request *request);
void api_retry_parked(struct node *node);
void api_gone(struct node *node, uint64_t request);
void api_free_parked(struct node *node);

/* node_status.c */
json_t *status_json(struct node *node);
json_t *peers_json(struct node *node);
json_t *log_json(struct node *node, struct node_space *s, const char *row);

#endif
