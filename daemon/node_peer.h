/* node_peer.h - peers: connections, whom to dial, one space with one peer. */
#ifndef COVEY_DAEMON_NODE_PEER_H
#define COVEY_DAEMON_NODE_PEER_H

#include "daemon/node_space.h"
#include "proto/batch.h"
#include "proto/session.h"
#include "proto/ticket.h"
#include "store/log.h"

/* What a peer holds of one log: all up to a number; or, where the log forked
 * and numbers say nothing, the change sets with these seqs. */
struct peer_log {
    struct sign_key author;
    struct incarnation incarnation;
    uint64_t number;
    bool forked;
    int64_t *held; /* ascending */
    size_t held_count, held_cap;
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
void conn_reap(struct node *node); /* frees what is down */
void conn_free_all(struct node *node);
struct conn *conn_new(struct node *node, uint64_t id);

/* node_dial.c */
void targets_refresh(struct node *node);
void targets_free(struct node *node);
void target_back_off(struct node *node, struct target *t);
void conn_dial_due(struct node *node);
covey_time conn_deadline(const struct node *node);

/* node_link.c */
/* How this node names the space to the peer. */
struct blind link_blind(const struct conn *c, const struct node_space *s);
enum noise_role conn_their_role(const struct conn *c);
/* The frontier of a space as struct log_head items, sorted; its digest. */
COVEY_MUST_USE enum covey_rc link_own_frontier(struct node *node,
                                               const struct node_space *s,
                                               struct covey_buf *heads);
COVEY_MUST_USE enum covey_rc link_own_digest(struct node *node,
                                             const struct node_space *s,
                                             struct hash *out);
void link_send_frontier(struct node *node, struct conn *c, struct link *l);
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

/* node_sync.c */
void sync_message(struct node *node, struct conn *c, enum message_kind kind,
                  struct covey_bytes body);
/* Send the epochs that the peer is known to lack. */
void sync_epochs_to(struct node *node, struct conn *c, struct link *l);

/* node_holds.c */
/* The peer's whole frontier is in `wanted`: find what it lacks, go live. */
void holds_compare(struct node *node, struct link *l);
bool holds(const struct link *l, const struct entry *e);
/* Will the peer find by itself what this change set follows? */
bool holds_chained(const struct link *l, const struct entry *e);
/* It was sent to the peer; it came from the peer. */
void holds_note(struct link *l, const struct log_place *place, int64_t seq);
COVEY_MUST_USE enum covey_rc holds_heard(struct node *node, struct link *l,
                                         const struct header *h,
                                         const struct hash *hash);
/* A log was found to have forked: what was known of it by number is void. */
void holds_forked(struct node *node, const struct node_space *s,
                  const struct header *h);
void holds_clear(struct link *l);

/* node_push.c */
/* After a commit: acknowledge, push what is new. */
void sync_pump_all(struct node *node);
/* A space has a new epoch: links, offers, epochs to who lacks them. */
void sync_epoch_changed(struct node *node, struct node_space *s);
/* Does this node hold at least these heads?  items: struct log_head. */
bool frontier_held(struct node *node, const struct node_space *s,
                   const struct covey_buf *wanted);

/* node_apply.c */
struct intake;
void intake_free(struct intake *in); /* NULL allowed */
/* Check and store a batch.  COVEY_OK; COVEY_EBUSY (nothing happened);
 * COVEY_EFORGED, COVEY_EBAD, COVEY_ENOTYET: the peer's fault, nothing stored.
 */
COVEY_MUST_USE enum covey_rc apply_batch(struct node *node, struct link *l,
                                         struct covey_bytes records,
                                         struct covey_why *why);
/* Look again at what waits in a space, after an epoch came. */
COVEY_MUST_USE enum covey_rc apply_waiting(struct node *node,
                                           struct node_space *s);

#endif
