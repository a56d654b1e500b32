/* chain.h - epochs of a space as the tools of this folder plan and write them.
 *
 * For tools of one file: hence inline. */
#ifndef COVEY_TESTS_VECTORS_CHAIN_H
#define COVEY_TESTS_VECTORS_CHAIN_H

#include "proto/epoch_fold.h"
#include "tests/vectors/space.h"

#define EPOCHS 13u

static struct party second; /* Birch's second node */
static struct membership now;
static struct covey_rng rng;
static struct space_keys keys;
static struct hash epoch_hashes[EPOCHS];
static struct space_keys epoch_keys[EPOCHS];
static struct covey_buf epoch_bytes[EPOCHS];
static size_t epoch_count;

/* ---- plans ---- */

struct plan {
    struct epoch_change changes[16];
    size_t count;
    struct epoch_box_for boxes[4];
    size_t box_count;
};

static inline struct epoch_change *change(struct plan *plan, enum epoch_op op)
{
    struct epoch_change *c = &plan->changes[plan->count++];

    c->op = op;
    return c;
}

static inline struct ticket_keys invite_keys(uint8_t number)
{
    const struct seed secret = filled((uint8_t)(0x70 + number));
    struct ticket_keys out;

    ticket_derive(&secret, &out);
    return out;
}

static inline void plan_invite(struct plan *plan, uint8_t number,
                               enum role role)
{
    struct ticket_keys derived = invite_keys(number);
    struct epoch_change *c = change(plan, EPOCH_INVITE);

    c->invite = derived.id;
    c->door = derived.door;
    c->expires_ms = ISSUED_MS + 14u * 86400000u;
    c = change(plan, EPOCH_INVITE_ROLE);
    c->invite = derived.id;
    c->role = role;
}

static inline void plan_invite_end(struct plan *plan, uint8_t number,
                                   enum invite_state end)
{
    struct epoch_change *c = change(plan, EPOCH_INVITE_END);

    c->invite = invite_keys(number).id;
    c->invite_end = end;
}

static inline void plan_box(struct plan *plan, const struct party *p,
                            bool history)
{
    plan->boxes[plan->box_count++] =
        (struct epoch_box_for){p->id.node.reading, history};
}

static inline void plan_author(struct plan *plan, const struct party *p,
                               enum role role)
{
    struct epoch_change *c = change(plan, EPOCH_AUTHOR);

    c->author = p->author.key;
    c->slot = p->slot;
    c->rights = membership_rights(role);
}

static inline void plan_seat(struct plan *plan, const struct party *p,
                             enum role role)
{
    struct epoch_change *c = change(plan, EPOCH_SEAT);

    c->slot = p->slot;
    c->role = role;
    c->member_kind = MEMBER_SCHOOL;
    c->urn = 900001 + p->slot;
    c->name = p->name;
    c->cert = member_cert_of(p);
}

static inline struct epoch_change *
plan_node(struct plan *plan, const struct party *p, bool from_now_on)
{
    struct epoch_change *c = change(plan, EPOCH_NODE);

    c->slot = p->slot;
    c->cert = (struct covey_bytes){p->id.node_cert, sizeof p->id.node_cert};
    c->author_cert =
        (struct covey_bytes){p->author_cert, sizeof p->author_cert};
    c->address = p->slot == 0 ? "ash.example:4747" : "";
    c->from_now_on = from_now_on;
    return c;
}

static inline void plan_member(struct plan *plan, const struct party *p,
                               enum role role, bool history)
{
    plan_author(plan, p, role);
    plan_seat(plan, p, role);
    plan_node(plan, p, !history);
    plan_box(plan, p, history);
}

static inline void plan_terms(struct plan *plan, const char *name,
                              enum admit_mode admit)
{
    struct epoch_change *c = change(plan, EPOCH_TERMS);

    c->name = name;
    c->space_kind = SPACE_CLUSTER;
    c->admit = admit;
}

/* ---- writing ---- */

static inline void epoch_put(const struct epoch *e, struct covey_buf *out)
{
    const struct covey_bytes parts[] = {e->clear, e->sealed, e->boxes,
                                        e->history, e->signatures};

    wire_array(out, 5);
    for (size_t i = 0; i < 5; i++)
        wire_bin(out, parts[i].p, parts[i].len);
}

/* One signature more. */
static inline void sign_too(struct covey_buf *bytes, const struct party *p)
{
    struct covey_buf signatures = heap_buf();
    struct covey_buf out = heap_buf();
    struct epoch e;

    need(epoch_read(buf_bytes(bytes), &e));
    buf_append(&signatures, e.signatures.p, e.signatures.len);
    epoch_sign(&e, &p->author, &signatures);
    e.signatures = buf_bytes(&signatures);
    epoch_put(&e, &out);
    need(buf_rc(&out));
    buf_clear(bytes);
    buf_clear(&signatures);
    *bytes = out;
}

/* The next epoch, signed by one, or by two that are not the chair. */
static inline void grow_by(const struct plan *plan,
                           const struct space_keys *retired,
                           const struct party *first, const struct party *other)
{
    struct covey_buf *bytes = &epoch_bytes[epoch_count];
    struct covey_why why = {""};
    struct membership next;
    struct epoch_draft draft = {
        .changes = plan->changes,
        .change_count = plan->count,
        .signer = &first->author,
        .boxes = plan->boxes,
        .box_count = plan->box_count,
        .keys = &keys,
        .retired = retired,
    };

    membership_init(&next, &heap);
    *bytes = heap_buf();

    enum covey_rc rc = epoch_write(&now, &draft, &rng, &next, bytes, &why);

    if (rc != COVEY_OK)
        fprintf(stderr, "epoch %zu: %s\n", epoch_count, why.text);
    need(rc);
    if (other != NULL)
        sign_too(bytes, other);
    membership_clear(&now);
    now = next;
    epoch_hashes[epoch_count] = now.head;
    epoch_keys[epoch_count++] = keys;
}

static inline void grow(const struct plan *plan,
                        const struct space_keys *retired)
{
    grow_by(plan, retired, &ash, NULL);
}

#endif
