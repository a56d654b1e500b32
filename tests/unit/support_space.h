/* support_space.h - a space that grows epoch by epoch, and its people.
 *
 * Party 0 founds it.  What each step writes is kept, so that a test can fold
 * the chain again as anybody else would. */
#ifndef COVEY_TESTS_SUPPORT_SPACE_H
#define COVEY_TESTS_SUPPORT_SPACE_H

#include "proto/epoch.h"
#include "support_mem.h"

#define PARTIES 10u
#define CHAIN_MAX 24u

/* A member with one node, and what that node shows to a space. */
struct party {
    struct node_secrets secrets;
    struct seed recovery;
    struct identity id;
    struct sign_pair author;
    uint8_t author_cert[AUTHOR_CERT_SIZE];
    uint32_t slot;
};

struct chain {
    struct test_mem counter;
    struct covey_mem mem;
    struct covey_rng rng;
    struct party party[PARTIES];
    uint8_t salt[16];
    struct space_keys keys; /* in force */
    struct membership now;
    struct covey_buf epochs[CHAIN_MAX];
    struct space_keys keys_at[CHAIN_MAX];
    size_t count;
};

/* The changes of one epoch while they are gathered, and whom it gives keys. */
struct plan {
    struct epoch_change changes[64];
    size_t count;
    struct epoch_box_for boxes[PARTIES];
    size_t box_count;
};

/* A party without a space yet; number makes its secrets. */
void party_make(struct party *p, uint8_t number);
/* Another node of the same member. */
void party_second_node(const struct party *p, uint8_t number,
                       struct party *out);
/* The node's certificate as its member would sign it after a renewal: under
 * that certificate, by that identity key, for that name. */
void party_certify(struct party *p, struct covey_bytes member_cert,
                   const struct seed *identity, const struct member_id *member);
/* Make its author key and certificate for a space. */
void party_enter(struct party *p, const struct space_id *space);

/* A chain with its genesis written: party 0 is chair, the others are ready. */
void chain_init(struct chain *w);
/* Frees, and fails if anything of the chain's memory is still in use. */
void chain_clear(struct chain *w);

struct covey_bytes member_cert_of(const struct party *p);
struct covey_bytes node_cert_of(const struct party *p);
struct covey_bytes author_cert_of(const struct party *p);
struct invite_id invite_of(uint8_t number);
struct noise_key carrier_of(uint8_t number);

/* Add to a plan.  The returned change may be bent before it is written. */
struct epoch_change *plan_add(struct plan *plan, enum epoch_op op);
struct epoch_change *plan_author(struct plan *plan, const struct party *p,
                                 enum role role);
struct epoch_change *plan_seat(struct plan *plan, const struct party *p,
                               enum role role);
struct epoch_change *plan_node(struct plan *plan, const struct party *p);
struct epoch_change *plan_cut(struct plan *plan, const struct party *p);
void plan_invite(struct plan *plan, uint8_t number, enum role role);
struct epoch_change *plan_used(struct plan *plan, uint8_t number);
struct epoch_change *plan_terms(struct plan *plan);
void plan_box(struct plan *plan, const struct party *p, bool history);
/* All four of an admission, in the order author, used, seat, node. */
void plan_admit(struct plan *plan, const struct party *p, uint8_t invite,
                enum role role);
void plan_genesis(struct plan *plan, struct chain *w);

/* The keys that follow those in force. */
struct space_keys chain_next_keys(struct chain *w);
/* Write an epoch on `now`, signed by party 0, without keeping it.  retired
 * NULL: under the keys in force.  next is initialised here. */
enum covey_rc chain_try(struct chain *w, const struct plan *plan,
                        const struct space_keys *keys,
                        const struct space_keys *retired,
                        struct membership *next, struct covey_buf *out);
/* What the last chain_try() that was refused said. */
extern struct covey_why chain_why;
/* The same, and keep it; fails the test when it is refused. */
void chain_grow(struct chain *w, const struct plan *plan);
void chain_rotate(struct chain *w, const struct plan *plan);

/* Steps that tests begin from. */
void chain_invite(struct chain *w, uint8_t number, enum role role);
void chain_admit(struct chain *w, uint8_t number, enum role role);
/* Remove a party: seat ended, author cut, a new key for the others. */
void plan_remove(struct plan *plan, const struct chain *w,
                 const struct party *p);

/* Fold the first `count` epochs of the chain anew, each verified.  keys NULL:
 * as a carrier.  out is initialised here. */
void chain_fold(struct chain *w, size_t count, const struct space_keys *keys,
                struct membership *out);

/* A buffer in the chain's memory. */
struct covey_buf chain_buf(struct chain *w);

#endif
