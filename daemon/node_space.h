/* node_space.h - spaces in memory: epochs folded, keys, roles. */
#ifndef COVEY_DAEMON_NODE_SPACE_H
#define COVEY_DAEMON_NODE_SPACE_H

#include "daemon/node.h"
#include "proto/epoch.h"
#include "proto/message.h"
#include "store/space.h"

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

/* Whether an author is cut, from one epoch on. */
struct author_mark {
    uint64_t since;
    size_t author; /* its place in the membership, which never changes */
    bool cut;
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
    struct author_mark *authors;
    size_t author_count, author_cap;
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

/* Changes that this node, as chair, wants to make to a space. */
struct space_edit {
    const struct epoch_change *changes;
    size_t count;
    const struct epoch_box_for *boxes;
    size_t box_count;
};

/* node_space.c */
COVEY_MUST_USE enum covey_rc space_load_all(struct node *node);
struct node_space *space_by_id(struct node *node, const struct space_id *id);
struct node_space *space_by_text(struct node *node, const char *text);
struct node_space *space_new(struct node *node, const struct space_id *id);
void space_free(struct node *node, struct node_space *s);
/* Free one that nothing was stored of, with the links that name it. */
void space_retire(struct node *node, struct node_space *s);
/* The author key here, from the label. */
void space_derive_author(struct node *node, struct node_space *s);
/* Put the state after one more epoch in place of the one before it. */
COVEY_MUST_USE enum covey_rc space_advance(struct node_space *s,
                                           struct membership *next);
/* Verify one epoch and apply it to what stands. */
COVEY_MUST_USE enum covey_rc space_take_one(struct node *node,
                                            struct node_space *s,
                                            const struct epoch *e,
                                            const struct space_keys *keys);
/* Store the newest epoch's bytes and what it makes of the space. */
COVEY_MUST_USE enum covey_rc space_keep(struct node *node, struct node_space *s,
                                        struct covey_bytes bytes);
/* Write what the record shows of a space: its row, members and nodes. */
COVEY_MUST_USE enum covey_rc space_project(struct node *node,
                                           struct node_space *s);
/* Fold the whole chain of the record anew, with keys where there are any. */
COVEY_MUST_USE enum covey_rc space_refold(struct node *node,
                                          struct node_space *s);

/* node_epoch.c */
/* A change made by this node's hand: draft on top of what stands, verified,
 * stored, projected, told to all.  COVEY_ENOTYET with why: no head heard yet.
 */
COVEY_MUST_USE enum covey_rc space_extend(struct node *node,
                                          struct node_space *s,
                                          const struct space_edit *edit,
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
/* What the last run left undone: signatures that a kill lost, change sets that
 * waited for what this version of the program can do. */
COVEY_MUST_USE enum covey_rc space_resume_all(struct node *node);
const struct epoch_mark *space_epoch(const struct node_space *s,
                                     const struct hash *hash, uint64_t *number);
/* The role that an author's member had after an epoch; false: none, or the
 * author was not listed then, or cut.  What came later changes nothing in it.
 */
bool space_role_at(const struct node_space *s, const struct sign_key *author,
                   uint64_t number, enum role *role, struct member_tag *tag);
/* The key that a change set citing this epoch is sealed under. */
struct seed space_key_of(struct node *node, const struct node_space *s,
                         uint64_t epoch_number, bool *found);
bool space_is_chair(const struct node_space *s);
/* May this node sign an epoch now?  (DESIGN section 6.) */
bool space_may_sign(const struct node *node, const struct node_space *s);
/* Is this node in: a reader of it, or listed as its carrier? */
bool space_arrived(const struct node *node, const struct node_space *s);
/* After the commit: tell all what changed in the epochs. */
void space_announce(struct node *node);

#endif
