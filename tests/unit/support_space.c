#include "support_space.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct covey_why chain_why;

void party_make(struct party *p, uint8_t number)
{
    memset(p, 0, sizeof *p);
    p->secrets = (struct node_secrets){
        .identity = {{1, number}},
        .sign = {{2, number}},
        .noise = {{3, number}},
        .reading = {{4, number}},
        .nonce = {{5, number}},
    };
    p->recovery = (struct seed){{6, number}};
    p->slot = number;
    identity_make(&p->secrets, &p->recovery, 1700000000000, &p->id);
}

void party_second_node(const struct party *p, uint8_t number, struct party *out)
{
    struct seed identity = p->secrets.identity;

    party_make(out, number);
    out->secrets.identity = identity;
    out->recovery = p->recovery;
    out->slot = p->slot;
    identity_make(&out->secrets, &out->recovery, 1700000000000, &out->id);
}

void party_certify(struct party *p, struct covey_bytes member_cert,
                   const struct seed *identity, const struct member_id *member)
{
    enum { AT_MEMBER = 16, AT_MEMBER_CERT = 48, AT_SIGNATURE = 184 };
    struct hash newest = member_cert_hash(member_cert);
    struct sign_pair pair;

    memcpy(p->id.node_cert + AT_MEMBER, member->b, sizeof member->b);
    memcpy(p->id.node_cert + AT_MEMBER_CERT, newest.b, sizeof newest.b);
    sign_pair_from(identity, &pair);

    struct signature sig = sign_bytes(&pair, p->id.node_cert, AT_SIGNATURE);

    memcpy(p->id.node_cert + AT_SIGNATURE, sig.b, sizeof sig.b);
}

static void enter(struct party *p, const struct space_id *space,
                  const uint8_t label[16])
{
    struct seed seed = author_seed(&p->secrets.sign, label);

    sign_pair_from(&seed, &p->author);
    author_cert_make(&p->secrets.sign, &seed, space, p->author_cert);
}

void party_enter(struct party *p, const struct space_id *space)
{
    enter(p, space, space->b);
}

struct covey_bytes member_cert_of(const struct party *p)
{
    return (struct covey_bytes){p->id.member_cert, p->id.member_cert_len};
}

struct covey_bytes node_cert_of(const struct party *p)
{
    return (struct covey_bytes){p->id.node_cert, sizeof p->id.node_cert};
}

struct covey_bytes author_cert_of(const struct party *p)
{
    return (struct covey_bytes){p->author_cert, sizeof p->author_cert};
}

struct invite_id invite_of(uint8_t number)
{
    return (struct invite_id){{7, number}};
}

struct noise_key carrier_of(uint8_t number)
{
    return (struct noise_key){{8, number}};
}

/* ---- plans ---- */

struct epoch_change *plan_add(struct plan *plan, enum epoch_op op)
{
    assert_true(plan->count < sizeof plan->changes / sizeof plan->changes[0]);

    struct epoch_change *change = &plan->changes[plan->count++];

    *change = (struct epoch_change){.op = op};
    return change;
}

struct epoch_change *plan_author(struct plan *plan, const struct party *p,
                                 enum role role)
{
    struct epoch_change *change = plan_add(plan, EPOCH_AUTHOR);

    change->author = p->author.key;
    change->slot = p->slot;
    change->rights = membership_rights(role);
    return change;
}

struct epoch_change *plan_seat(struct plan *plan, const struct party *p,
                               enum role role)
{
    struct epoch_change *change = plan_add(plan, EPOCH_SEAT);

    change->slot = p->slot;
    change->role = role;
    change->member_kind = MEMBER_SCHOOL;
    change->urn = 100000 + p->slot;
    change->name = "Sandy Lane";
    change->cert = member_cert_of(p);
    return change;
}

struct epoch_change *plan_node(struct plan *plan, const struct party *p)
{
    struct epoch_change *change = plan_add(plan, EPOCH_NODE);

    change->slot = p->slot;
    change->cert = node_cert_of(p);
    change->author_cert = author_cert_of(p);
    change->address = "sandy.example:4747";
    return change;
}

struct epoch_change *plan_cut(struct plan *plan, const struct party *p)
{
    static const struct log_cut cuts[] = {
        {.incarnation = {{1}}, .number = 57, .hash = {{9, 9}}},
        {.incarnation = {{2}}, .number = 3, .hash = {{9, 8}}},
    };
    struct epoch_change *change = plan_add(plan, EPOCH_CUT);

    change->author = p->author.key;
    change->cuts = cuts;
    change->cut_count = 2;
    return change;
}

void plan_invite(struct plan *plan, uint8_t number, enum role role)
{
    struct epoch_change *change = plan_add(plan, EPOCH_INVITE);

    change->invite = invite_of(number);
    change->door = (struct seed){{10, number}};
    change->expires_ms = 1700000000000 + number;
    change = plan_add(plan, EPOCH_INVITE_ROLE);
    change->invite = invite_of(number);
    change->role = role;
}

struct epoch_change *plan_used(struct plan *plan, uint8_t number)
{
    struct epoch_change *change = plan_add(plan, EPOCH_INVITE_END);

    change->invite = invite_of(number);
    change->invite_end = INVITE_USED;
    return change;
}

struct epoch_change *plan_terms(struct plan *plan)
{
    struct epoch_change *change = plan_add(plan, EPOCH_TERMS);

    change->name = "North cluster";
    change->space_kind = SPACE_NETWORK;
    change->admit = ADMIT_AT_ONCE;
    return change;
}

void plan_box(struct plan *plan, const struct party *p, bool history)
{
    plan->boxes[plan->box_count++] =
        (struct epoch_box_for){p->id.node.reading, history};
}

void plan_admit(struct plan *plan, const struct party *p, uint8_t invite,
                enum role role)
{
    plan_author(plan, p, role);
    plan_used(plan, invite);
    plan_seat(plan, p, role);
    plan_node(plan, p);
    plan_box(plan, p, true);
}

void plan_genesis(struct plan *plan, struct chain *w)
{
    struct epoch_change *salt = plan_add(plan, EPOCH_SALT);

    memcpy(salt->salt, w->salt, sizeof w->salt);
    plan_author(plan, &w->party[0], ROLE_CHAIR);
    plan_terms(plan);
    plan_seat(plan, &w->party[0], ROLE_CHAIR);
    plan_node(plan, &w->party[0]);
    plan_box(plan, &w->party[0], true);
}

void plan_remove(struct plan *plan, const struct chain *w,
                 const struct party *p)
{
    plan_cut(plan, p);
    plan_add(plan, EPOCH_SEAT_END)->slot = p->slot;
    for (size_t i = 0; i < PARTIES; i++) {
        const struct party *other = &w->party[i];
        const struct seat_node *node =
            membership_node_by_author(&w->now, &other->author.key);

        if (node != NULL && node->present && other != p)
            plan_box(plan, other, true);
    }
}

/* ---- the chain ---- */

struct covey_buf chain_buf(struct chain *w)
{
    struct covey_buf b;

    buf_init(&b, &w->mem, EPOCH_MAX);
    return b;
}

struct space_keys chain_next_keys(struct chain *w)
{
    return (struct space_keys){
        .number = w->keys.number + 1,
        .key = rng_seed(&w->rng),
        .history = rng_seed(&w->rng),
    };
}

enum covey_rc chain_try(struct chain *w, const struct plan *plan,
                        const struct space_keys *keys,
                        const struct space_keys *retired,
                        struct membership *next, struct covey_buf *out)
{
    struct epoch_draft draft = {
        .changes = plan->changes,
        .change_count = plan->count,
        .signer = &w->party[0].author,
        .boxes = plan->boxes,
        .box_count = plan->box_count,
        .keys = keys,
        .retired = retired,
    };

    membership_init(next, &w->mem);
    chain_why.text[0] = '\0';
    return epoch_write(&w->now, &draft, &w->rng, next, out, &chain_why);
}

static void grow(struct chain *w, const struct plan *plan,
                 const struct space_keys *keys,
                 const struct space_keys *retired)
{
    struct membership next;

    assert_true(w->count < CHAIN_MAX);
    w->epochs[w->count] = chain_buf(w);

    enum covey_rc rc =
        chain_try(w, plan, keys, retired, &next, &w->epochs[w->count]);

    if (rc != COVEY_OK)
        fail_msg("epoch %zu: %s: %s", w->count, covey_rc_id(rc),
                 chain_why.text);
    membership_clear(&w->now);
    w->now = next;
    w->keys = *keys;
    w->keys_at[w->count++] = *keys;
}

void chain_grow(struct chain *w, const struct plan *plan)
{
    struct space_keys keys = w->keys;

    grow(w, plan, &keys, NULL);
}

void chain_rotate(struct chain *w, const struct plan *plan)
{
    struct space_keys retired = w->keys;
    struct space_keys keys = chain_next_keys(w);

    grow(w, plan, &keys, &retired);
}

void chain_init(struct chain *w)
{
    struct plan plan = {.count = 0};

    memset(w, 0, sizeof *w);
    w->mem = test_mem_of(&w->counter);
    rng_init(&w->rng, &(struct seed){{42}});
    rng_draw(&w->rng, w->salt, sizeof w->salt);
    for (size_t i = 0; i < PARTIES; i++)
        party_make(&w->party[i], (uint8_t)i);

    struct seed founder = author_seed(&w->party[0].secrets.sign, w->salt);
    struct space_id space;

    sign_pair_from(&founder, &w->party[0].author);
    space = epoch_space_id(w->salt, &w->party[0].author.key);
    enter(&w->party[0], &space, w->salt);
    for (size_t i = 1; i < PARTIES; i++)
        party_enter(&w->party[i], &space);

    membership_init(&w->now, &w->mem);
    w->now.space = space;
    w->keys.key = rng_seed(&w->rng);
    w->keys.history = rng_seed(&w->rng);
    plan_genesis(&plan, w);
    chain_grow(w, &plan);
}

void chain_clear(struct chain *w)
{
    for (size_t i = 0; i < w->count; i++)
        buf_clear(&w->epochs[i]);
    membership_clear(&w->now);
    assert_int_equal(w->counter.live, 0);
}

void chain_invite(struct chain *w, uint8_t number, enum role role)
{
    struct plan plan = {.count = 0};

    plan_invite(&plan, number, role);
    chain_grow(w, &plan);
}

void chain_admit(struct chain *w, uint8_t number, enum role role)
{
    struct plan plan = {.count = 0};

    chain_invite(w, number, role);
    plan_admit(&plan, &w->party[number], number, role);
    chain_grow(w, &plan);
}

void chain_fold(struct chain *w, size_t count, const struct space_keys *keys,
                struct membership *out)
{
    membership_init(out, &w->mem);
    out->space = w->now.space;
    for (size_t i = 0; i < count; i++) {
        struct membership next;
        struct epoch e;

        membership_init(&next, &w->mem);
        assert_int_equal(epoch_read(buf_bytes(&w->epochs[i]), &e), COVEY_OK);
        assert_int_equal(epoch_verify(out, &e), COVEY_OK);
        assert_int_equal(
            epoch_apply(out, &e, keys == NULL ? NULL : &keys[i], &next),
            COVEY_OK);
        membership_clear(out);
        *out = next;
    }
}
