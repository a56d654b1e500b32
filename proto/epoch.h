/* epoch.h - one version of a space's membership, in a signed chain.
 *
 * Bytes: msgpack [clear bin, sealed bin, boxes bin, history bin, signatures
 * bin].
 *   clear:  [1, space bin 16, number, parent bin 32, result bin 32, key
 *            number, commitment bin 32, rules version, [changes in the clear]]
 *   sealed: nonce 24 | XChaCha20-Poly1305 of [changes that carriers must not
 *            read], key = keyed hash of "covey/1 sealed part" with the space
 *            key, associated data = the clear bytes
 *   boxes:  [[hint bin 8, box bin], ...]: key number 4 | key 32 | history key
 *            32 (zero for who may not read back), sealed to a node's reading
 *            key, bound to space | number 8; hint = first 8 of
 *            H("covey/1 hint", reading key | space | number 8)
 *   history: empty, or with a new key: nonce 24 | XChaCha20-Poly1305 of (old
 *            history key 32 | old key number 4 | old key 32), key = keyed hash
 *            of "covey/1 history" with the new history key, associated data =
 *            the clear bytes
 *   signatures: author key 32 | signature 64, each
 * hash = H("covey/1 epoch", P(clear) | P(sealed) | P(boxes) | P(history)), P =
 * H with the tag "covey/1 epoch part"; a signature covers "covey/1 epoch sig" |
 * hash.  The signatures are not in it.
 *
 * commitment = H("covey-epoch-key", space | number 8 | key): a member checks
 * it before it uses a key, so that nobody can hand out different ones.
 *
 * Genesis: number 0, parent zero, key number 0; its first clear change holds 16
 * bytes of salt, and space id = first 16 of H("covey/1 space", salt | author
 * key of its one signer), so that only that signer can have made it.
 *
 * After each epoch, or it is refused: one member is chair; every author key
 * that is not cut has a node, certified by its member, and the rights of that
 * member's role; who left is cut; who is cut and not listed anew in the same
 * epoch leaves a new key behind; each member let in used up an invite, and no
 * invite does so twice (a genesis needs none); every open invite has a role. */
#ifndef COVEY_PROTO_EPOCH_H
#define COVEY_PROTO_EPOCH_H

#include "proto/base.h"
#include "proto/identity.h"
#include "proto/membership.h"

#define EPOCH_MAX 196608u /* bytes of one epoch: it goes as one binary */
#define EPOCH_CHANGES_MAX 512u

/* Changes.  Numbers are on the wire and never change.  Each part is folded in
 * its order, the clear one first. */
enum epoch_op {
    /* in the clear */
    EPOCH_SALT = 0,        /* [0, salt bin 16] */
    EPOCH_AUTHOR = 1,      /* [1, key bin 32, slot, rights]; again: new rights,
                            * and after a cut the right to write on */
    EPOCH_CUT = 2,         /* [2, key bin 32, [[incarnation, number, hash]]],
                            * ascending; replaces an earlier cut */
    EPOCH_CARRIER = 3,     /* [3, noise key bin 32] */
    EPOCH_CARRIER_END = 4, /* [4, noise key bin 32] */
    EPOCH_INVITE = 5,      /* [5, id bin 16, door bin 32, expires ms] */
    EPOCH_INVITE_END = 6,  /* [6, id bin 16, 1 used | 2 withdrawn] */
    EPOCH_ERASE = 7,       /* [7, header hash bin 32, [part numbers]] */
    /* sealed */
    EPOCH_TERMS = 32,        /* [32, name, kind, admit] */
    EPOCH_SEAT = 33,         /* [33, slot, role, kind, urn, name, cert bin]; a
                              * slot that was given: the same member, back or
                              * with a new name or its next certificate */
    EPOCH_NODE = 34,         /* [34, slot, node cert, author cert, address,
                              * from now on: it may not read back] */
    EPOCH_ROLE = 35,         /* [35, slot, role] */
    EPOCH_SEAT_END = 36,     /* [36, slot] */
    EPOCH_CARRIER_NAME = 37, /* [37, noise key, name, address] */
    EPOCH_INVITE_ROLE = 38,  /* [38, invite id, role] */
};

/* One change to make.  Only the fields that its op names are read; pointers
 * are borrowed for the call. */
struct epoch_change {
    enum epoch_op op;
    uint32_t slot;
    uint32_t rights;
    enum role role;
    enum member_kind member_kind;
    enum space_kind space_kind;
    enum admit_mode admit;
    enum invite_state invite_end;
    uint32_t urn;
    uint64_t expires_ms;
    uint8_t salt[16];
    struct sign_key author;
    struct noise_key carrier;
    struct invite_id invite;
    struct seed door;
    const char *name;
    const char *address; /* NULL or "": none */
    bool from_now_on;
    struct covey_bytes cert; /* member or node certificate */
    struct covey_bytes author_cert;
    const struct log_cut *cuts;
    size_t cut_count;
    struct hash header; /* EPOCH_ERASE */
    const uint32_t *parts;
    size_t part_count;
};

/* The keys of a space at one key number.  history is zero where a node was
 * admitted "from now on". */
struct space_keys {
    uint32_t number;
    struct seed key;
    struct seed history;
};

/* Whom to seal keys to. */
struct epoch_box_for {
    struct reading_key reading;
    bool history;
};

struct epoch_draft {
    const struct epoch_change *changes;
    size_t change_count;
    const struct sign_pair *signer; /* its author key in this space */
    const struct epoch_box_for *boxes;
    size_t box_count;
    const struct space_keys *keys;    /* that this epoch is under */
    const struct space_keys *retired; /* NULL: the key stays */
};

struct space_id epoch_space_id(const uint8_t salt[16],
                               const struct sign_key *author);

/* Write the epoch that follows `parent` (for a genesis: a membership just
 * initialised, with .space set; its key number is 0).  `next` receives the
 * state that results (initialise it; cleared by the caller in every case).
 * Where the signer is not the chair, others must sign too before it verifies.
 * COVEY_ENOMEM, COVEY_ELIMIT, COVEY_EREFUSED with why: a change that does not
 * fit the state (a tag that two members would share, an unknown slot ...). */
COVEY_MUST_USE enum covey_rc
epoch_write(const struct membership *parent, const struct epoch_draft *draft,
            struct covey_rng *rng, struct membership *next,
            struct covey_buf *out, struct covey_why *why);

/* An epoch as read: views into its bytes. */
struct epoch {
    struct space_id space;
    uint64_t number;
    struct hash parent;
    struct hash result;
    uint32_t key_number;
    struct hash commitment;
    uint32_t rules_version;
    struct hash hash;
    struct covey_bytes clear;
    struct covey_bytes clear_changes; /* msgpack array */
    struct covey_bytes sealed;
    struct covey_bytes boxes;
    struct covey_bytes history;
    struct covey_bytes signatures;
};

/* Layout and limits only.  COVEY_EBAD, COVEY_ENEWER (a later layout: out has
 * the five parts and the hash; ask epoch_signed_here() before believing it). */
COVEY_MUST_USE enum covey_rc epoch_read(struct covey_bytes in,
                                        struct epoch *out);
/* Is an epoch, of whatever layout, signed by who may sign the next one of m:
 * the chair, or more than half of the voting members?  Of a space without any
 * epoch yet nothing is known: true. */
bool epoch_signed_here(const struct membership *m, const struct epoch *e);
/* Does it follow `parent` (number, parent's hash; the salt, for a genesis) and
 * is it signed by the parent's chair or by more than half of its voting
 * members?  COVEY_ENOTYET (its parent is not this), COVEY_EFORGED, COVEY_EBAD
 * (its key or rules' version does not follow the parent's). */
COVEY_MUST_USE enum covey_rc epoch_verify(const struct membership *parent,
                                          const struct epoch *e);
/* The state after a verified epoch.  keys NULL: the clear part alone (next is
 * not readable; what sealed parts said until then stays as it was); otherwise
 * the commitment, the sealed part, every certificate and the result are checked
 * too.  `next` is initialised, and cleared by the caller in every case.
 * COVEY_EFORGED, COVEY_EBAD (a change breaks a rule), COVEY_ENEWER (a change,
 * or with keys rules, that only a newer version knows: hold it), COVEY_ENOTYET
 * (not the parent, or keys for one that is not readable), COVEY_ELIMIT,
 * COVEY_ENOMEM. */
COVEY_MUST_USE enum covey_rc epoch_apply(const struct membership *parent,
                                         const struct epoch *e,
                                         const struct space_keys *keys,
                                         struct membership *next);
/* The keys that an epoch seals to this node.  COVEY_ENONE: it seals none.
 * Check epoch_key_matches() before use. */
COVEY_MUST_USE enum covey_rc epoch_open_box(const struct epoch *e,
                                            const struct seed *reading_secret,
                                            struct space_keys *out);
bool epoch_key_matches(const struct epoch *e, const struct seed *key);
/* The retired key under a newer history key.  COVEY_ENONE (nothing retired),
 * COVEY_EFORGED. */
COVEY_MUST_USE enum covey_rc epoch_open_history(const struct epoch *e,
                                                const struct seed *history,
                                                struct space_keys *retired);

#endif
