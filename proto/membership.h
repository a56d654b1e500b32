/* membership.h - who belongs to a space: what its epoch chain adds up to.
 *
 * A fold: each epoch's changes are applied to the state that its parent left.
 * A carrier, which lacks the space's key, folds the clear parts alone: authors
 * with their rights and cuts, carriers, invites.  Members fold both.
 *
 * Arrays are in the order of the chain and stay small enough to walk. */
#ifndef COVEY_PROTO_MEMBERSHIP_H
#define COVEY_PROTO_MEMBERSHIP_H

#include "proto/base.h"
#include "proto/identity.h"
#include "proto/rules.h"

#define MEMBER_NAME_MAX 120u /* bytes of UTF-8 */
#define ADDRESS_MAX 160u     /* bytes: HOST:PORT */
#define MEMBERSHIP_MAX 4096u /* members, nodes, authors, carriers, invites */
#define CUTS_MAX 64u         /* logs that one author's cut may name */

enum admit_mode { ADMIT_ASK, ADMIT_AT_ONCE };
const char *admit_name(enum admit_mode mode); /* "ask", "at-once" */
bool admit_from(const char *text, enum admit_mode *out);

struct seat {      /* a member's place in a space */
    uint32_t slot; /* 0, 1, 2 ... in order of admission, never used again */
    struct member_id id;
    enum role role;
    enum member_kind kind;
    uint32_t urn; /* 0: none */
    bool present; /* false after it left or was removed */
    char name[MEMBER_NAME_MAX + 1];
    struct covey_buf cert; /* newest member certificate, as signed */
};

struct seat_node {
    uint32_t slot;
    struct node_cert cert;
    struct sign_key author;
    bool present;
    char address[ADDRESS_MAX + 1]; /* HOST:PORT, empty: it listens nowhere */
    bool from_now_on; /* it may not read what was sealed under older keys */
};

#define RIGHT_CHAIR 1u /* may sign an epoch alone */
#define RIGHT_VOTES 2u /* counts towards more than half */

struct log_cut {
    struct incarnation incarnation;
    uint64_t number;
    struct hash hash;
};

struct seat_author { /* in the clear */
    struct sign_key key;
    uint32_t slot;
    uint32_t rights;
    uint64_t since; /* epoch that listed it, or listed it anew after a cut:
                     * what cites an epoch before it counts up to cuts only */
    bool cut;       /* no rights, and nothing beyond cuts counts */
    size_t cut_count;
    struct log_cut cuts[CUTS_MAX];
};

struct seat_carrier {
    struct noise_key key;
    bool present;
    char name[MEMBER_NAME_MAX + 1]; /* sealed; empty at a carrier */
    char address[ADDRESS_MAX + 1];  /* sealed; empty at a carrier */
};

enum invite_state { INVITE_OPEN, INVITE_USED, INVITE_WITHDRAWN };

struct seat_invite {
    struct invite_id id;
    struct seed door; /* the psk that a door checks */
    uint64_t expires_ms;
    enum role role; /* sealed; ROLE_COUNT at a carrier */
    enum invite_state state;
};

struct membership {
    const struct covey_mem *mem;
    struct space_id space;
    bool readable;   /* the sealed parts are in it */
    uint64_t number; /* of the newest epoch applied */
    struct hash head;
    uint32_t key_number;
    uint32_t rules_version;
    char name[MEMBER_NAME_MAX + 1];
    enum space_kind kind;
    enum admit_mode admit;
    struct seat *seats;
    size_t seat_count, seat_cap;
    struct seat_node *nodes;
    size_t node_count, node_cap;
    struct seat_author *authors;
    size_t author_count, author_cap;
    struct seat_carrier *carriers;
    size_t carrier_count, carrier_cap;
    struct seat_invite *invites;
    size_t invite_count, invite_cap;
};

void membership_init(struct membership *m, const struct covey_mem *mem);
void membership_clear(struct membership *m);

/* Look-ups; NULL where there is none.  They find what is no longer present as
 * well.  Pointers live until the next change. */
struct seat *membership_seat(const struct membership *m, uint32_t slot);
struct seat *membership_seat_of(const struct membership *m,
                                const struct member_id *id);
struct seat_node *membership_node_by_noise(const struct membership *m,
                                           const struct noise_key *key);
struct seat_node *membership_node_by_author(const struct membership *m,
                                            const struct sign_key *author);
struct seat_author *membership_author(const struct membership *m,
                                      const struct sign_key *key);
struct seat_carrier *membership_carrier(const struct membership *m,
                                        const struct noise_key *key);
struct seat_invite *membership_invite(const struct membership *m,
                                      const struct invite_id *id);
/* Members present, and those of them that vote. */
size_t membership_present(const struct membership *m);
size_t membership_voters(const struct membership *m);
uint32_t membership_next_slot(const struct membership *m);

/* 1 to MEMBER_NAME_MAX bytes of UTF-8, no control characters, nothing that
 * turns the direction of what stands beside it. */
bool membership_name_fits(struct covey_bytes name);
uint32_t membership_rights(enum role role); /* RIGHT_ bits of a role */

/* For the fold (epoch_fold.h): a deep copy into an initialised `to`, cleared
 * first, and one more of each, zeroed.  After a failure `to` can be cleared.
 * COVEY_ENOMEM, COVEY_ELIMIT (MEMBERSHIP_MAX). */
COVEY_MUST_USE enum covey_rc membership_copy(const struct membership *from,
                                             struct membership *to);
COVEY_MUST_USE enum covey_rc membership_add_seat(struct membership *m,
                                                 struct seat **out);
COVEY_MUST_USE enum covey_rc membership_add_node(struct membership *m,
                                                 struct seat_node **out);
COVEY_MUST_USE enum covey_rc membership_add_author(struct membership *m,
                                                   struct seat_author **out);
COVEY_MUST_USE enum covey_rc membership_add_carrier(struct membership *m,
                                                    struct seat_carrier **out);
COVEY_MUST_USE enum covey_rc membership_add_invite(struct membership *m,
                                                   struct seat_invite **out);

/* The hash that an epoch signs: over the canonical msgpack of all that both
 * parts say.  Only of a readable one.  COVEY_ENOMEM. */
COVEY_MUST_USE enum covey_rc membership_hash(const struct membership *m,
                                             struct hash *out);

#endif
