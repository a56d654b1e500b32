/* epoch_fold.h - how one epoch's changes turn a membership into the next.
 *
 * One table of changes serves both ways: a draft is written through it, and
 * what was written is folded through it, by its writer just as by everybody
 * who reads it.  Only for the epoch's own files. */
#ifndef COVEY_PROTO_EPOCH_FOLD_H
#define COVEY_PROTO_EPOCH_FOLD_H

#include "proto/base.h"
#include "proto/epoch.h"
#include "proto/membership.h"
#include "proto/wire.h"

#define EPOCH_FORMAT 1u /* of the clear part */

/* op, in the clear?, values with the op itself, name */
#define EPOCH_OP_TABLE(X)                                                      \
    X(EPOCH_SALT, true, 2, salt)                                               \
    X(EPOCH_AUTHOR, true, 4, author)                                           \
    X(EPOCH_CUT, true, 3, cut)                                                 \
    X(EPOCH_CARRIER, true, 2, carrier)                                         \
    X(EPOCH_CARRIER_END, true, 2, carrier_end)                                 \
    X(EPOCH_INVITE, true, 4, invite)                                           \
    X(EPOCH_INVITE_END, true, 3, invite_end)                                   \
    X(EPOCH_ERASE, true, 3, erase)                                             \
    X(EPOCH_TERMS, false, 4, terms)                                            \
    X(EPOCH_SEAT, false, 7, seat)                                              \
    X(EPOCH_NODE, false, 6, node)                                              \
    X(EPOCH_ROLE, false, 3, role)                                              \
    X(EPOCH_SEAT_END, false, 2, seat_end)                                      \
    X(EPOCH_CARRIER_NAME, false, 4, carrier_name)                              \
    X(EPOCH_INVITE_ROLE, false, 3, invite_role)

/* A fold under way: the state so far, and what its end has to add up. */
struct epoch_fold {
    struct membership *m;
    const struct membership *parent;
    bool first;          /* this is a genesis */
    bool has_terms;      /* it set the terms */
    size_t done;         /* changes of the part under way */
    size_t slots_opened; /* members that the clear part lists first */
    size_t admitted;     /* members that the sealed part lets in, or back in */
    size_t invites_used;
    struct covey_why *why;
};

/* Write the values of a change after its op; read and apply them. */
#define X(op, clear, values, name)                                             \
    void epoch_put_##name(const struct epoch_change *change,                   \
                          struct covey_buf *out);                              \
    COVEY_MUST_USE enum covey_rc epoch_take_##name(struct epoch_fold *f,       \
                                                   struct wire_cursor *c);
EPOCH_OP_TABLE(X)
#undef X

/* Say why a change does not fit; COVEY_EBAD. */
COVEY_MUST_USE enum covey_rc epoch_refuse(struct epoch_fold *f,
                                          const char *text);
COVEY_MUST_USE enum covey_rc epoch_malformed(struct epoch_fold *f);

/* Values that several changes have. */
void epoch_put_text(struct covey_buf *out, const char *text); /* NULL: "" */
/* Into an array of cap bytes, the rest of it zero; CHECKs that it fits. */
void epoch_keep(char *out, size_t cap, struct covey_bytes text);
enum role epoch_read_role(struct wire_cursor *c); /* a carrier has no seat */
bool epoch_address_fits(struct covey_bytes at);   /* HOST:PORT, or empty */
COVEY_MUST_USE enum covey_rc epoch_bad_name(struct epoch_fold *f);
COVEY_MUST_USE enum covey_rc epoch_bad_address(struct epoch_fold *f);

enum epoch_part { EPOCH_PART_CLEAR, EPOCH_PART_SEALED };

/* Append the changes of a draft that belong to one part, as a msgpack array. */
void epoch_put_changes(const struct epoch_draft *draft, enum epoch_part part,
                       struct covey_buf *out);

/* Begin a fold: `next` becomes a copy of parent, numbered one further (a
 * genesis: numbered 0).  COVEY_ENOMEM. */
COVEY_MUST_USE enum covey_rc epoch_fold_begin(struct epoch_fold *f,
                                              const struct membership *parent,
                                              struct membership *next,
                                              struct covey_why *why);
/* Fold one part: the clear one first.  COVEY_EBAD, COVEY_EFORGED (a
 * certificate), COVEY_ENEWER (a change that this version does not know),
 * COVEY_ELIMIT (MEMBERSHIP_MAX), COVEY_ENOMEM. */
COVEY_MUST_USE enum covey_rc epoch_fold_changes(struct epoch_fold *f,
                                                enum epoch_part part,
                                                struct covey_bytes changes);
/* What must hold of the state as a whole, once all parts are folded that will
 * be; m->key_number, m->readable are set before.  COVEY_EBAD. */
COVEY_MUST_USE enum covey_rc epoch_fold_end(struct epoch_fold *f);

/* ---- shared by reading and writing an epoch (epoch.c) ---- */

/* Is the epoch that follows this state a genesis? */
bool epoch_is_first(const struct membership *parent);
bool epoch_follows(const struct membership *parent, const struct epoch *e);
struct hash epoch_hash(const struct epoch *e);
/* Append a signature's entry over e->hash. */
void epoch_sign(const struct epoch *e, const struct sign_pair *signer,
                struct covey_buf *out);

#endif
