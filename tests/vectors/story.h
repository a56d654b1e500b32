/* story.h - how the space of the vectors grows, epoch by epoch.
 *
 * Ash founds the space, lists a relay, admits Birch and then Cedar, who may not
 * read back, and removes Cedar under a new key.  Cedar comes back; both sign
 * without Ash; Birch renews its certificate and loses a second node.
 *
 * For tools of one file: hence inline. */
#ifndef COVEY_TESTS_VECTORS_STORY_H
#define COVEY_TESTS_VECTORS_STORY_H

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

/* ---- the story ---- */

static inline void found_space(void)
{
    struct plan plan = {.count = 0};
    const struct seed chance = filled(0x99);

    rng_init(&rng, &chance);
    keys = (struct space_keys){0, filled(0xa0), filled(0xb0)};
    membership_init(&now, &heap);
    now.space = space;
    memcpy(change(&plan, EPOCH_SALT)->salt, salt, sizeof salt);
    plan_terms(&plan, "North cluster", ADMIT_ASK);
    plan_member(&plan, &ash, ROLE_CHAIR, true);
    grow(&plan, NULL);
}

static inline void list_relay_and_invite(void)
{
    struct plan plan = {.count = 0};
    struct epoch_change *c = change(&plan, EPOCH_CARRIER);

    c->carrier = relay;
    c = change(&plan, EPOCH_CARRIER_NAME);
    c->carrier = relay;
    c->name = "relay";
    c->address = "relay.example:4747";
    plan_invite(&plan, 1, ROLE_SCHOOL);
    plan_invite(&plan, 2, ROLE_SCHOOL);
    plan_invite(&plan, 3, ROLE_BOARD);
    grow(&plan, NULL);
}

static inline void admit(const struct party *p, uint8_t invite, bool history)
{
    struct plan plan = {.count = 0};

    plan_invite_end(&plan, invite, INVITE_USED);
    plan_member(&plan, p, ROLE_SCHOOL, history);
    grow(&plan, NULL);
}

static inline void change_terms(void)
{
    struct plan plan = {.count = 0};
    struct epoch_change *c;

    plan_invite_end(&plan, 3, INVITE_WITHDRAWN);
    plan_terms(&plan, "North cluster of schools", ADMIT_AT_ONCE);
    c = change(&plan, EPOCH_AUTHOR);
    c->author = cedar.author.key;
    c->slot = cedar.slot;
    c = change(&plan, EPOCH_ROLE);
    c->slot = cedar.slot;
    c->role = ROLE_COUNCIL;
    grow(&plan, NULL);
}

/* Cut what Cedar wrote, end its seat, and give the others a new key. */
static inline void remove_cedar(void)
{
    static const struct log_cut cuts[] = {
        {{{0x0c, 1}}, 57, {{0x77}}},
        {{{0x0c, 2}}, 3, {{0x78}}},
    };
    struct plan plan = {.count = 0};
    const struct space_keys retired = keys;
    struct epoch_change *c = change(&plan, EPOCH_CUT);

    c->author = cedar.author.key;
    c->cuts = cuts;
    c->cut_count = 2;
    change(&plan, EPOCH_SEAT_END)->slot = cedar.slot;
    plan_box(&plan, &ash, true);
    plan_box(&plan, &birch, true);
    keys = (struct space_keys){1, filled(0xa1), filled(0xb1)};
    grow(&plan, &retired);
}

/* An order to erase, and the relay carries no more. */
static inline void erase_and_end(void)
{
    static const uint32_t parts[] = {1, 4};
    struct plan plan = {.count = 0};
    struct epoch_change *c = change(&plan, EPOCH_ERASE);

    c->header = (struct hash){{0xe4, 0xa5}};
    c->parts = parts;
    c->part_count = 2;
    change(&plan, EPOCH_CARRIER_END)->carrier = relay;
    grow(&plan, NULL);
}

/* Cedar may come again; another invite ends as soon as it begins. */
static inline void invite_again(void)
{
    struct plan plan = {.count = 0};
    struct ticket_keys derived = invite_keys(5);
    struct epoch_change *c = change(&plan, EPOCH_INVITE);

    c->invite = derived.id;
    c->door = derived.door;
    c->expires_ms = ISSUED_MS;
    plan_invite_end(&plan, 5, INVITE_WITHDRAWN);
    plan_invite(&plan, 4, ROLE_SCHOOL);
    grow(&plan, NULL);
}

static inline void rename_without_chair(void)
{
    struct plan plan = {.count = 0};

    plan_terms(&plan, "Schools of the north", ADMIT_ASK);
    grow_by(&plan, NULL, &birch, &cedar);
}

static const struct seed birch_identity = {{0x27, 0x27}};

/* Birch has a new certificate and name, its node one under that. */
static inline void renew_birch(void)
{
    const struct seed next_recovery = filled(0x28);
    const struct member_renewal renewal = {
        .recovery = &birch.recovery,
        .next_recovery = &next_recovery,
        .identity = &birch_identity,
    };
    struct plan plan = {.count = 0};
    uint8_t cert[MEMBER_CERT_MAX];
    size_t len;

    need(member_cert_renew(member_cert_of(&birch), &renewal, cert, &len));
    memcpy(birch.id.member_cert, cert, len);
    birch.id.member_cert_len = len;
    certify(&birch, member_cert_of(&birch), &birch_identity);
    birch.name = "Birch Upper School and College";
    plan_seat(&plan, &birch, ROLE_SCHOOL);
    plan_node(&plan, &birch, false)->address = "birch.example:4747";
    grow(&plan, NULL);
}

static inline void list_second(void)
{
    struct plan plan = {.count = 0};

    make_party(&second, birch.name, 4);
    second.slot = birch.slot;
    memcpy(second.id.node_cert + 16, birch.id.member.b, 32);
    certify(&second, member_cert_of(&birch), &birch_identity);
    enter(&second, space.b);
    author_cert_make(&second.secrets.sign, &second.author_seed, &space,
                     second.author_cert);
    plan_author(&plan, &second, ROLE_SCHOOL);
    plan_node(&plan, &second, false);
    plan_box(&plan, &second, true);
    grow(&plan, NULL);
}

/* Its member stays; Cedar gets the new key and no way back. */
static inline void cut_second(void)
{
    static const struct log_cut cut = {{{0x0d, 1}}, 300, {{0x79}}};
    struct plan plan = {.count = 0};
    const struct space_keys retired = keys;
    struct epoch_change *c = change(&plan, EPOCH_CUT);

    c->author = second.author.key;
    c->cuts = &cut;
    c->cut_count = 1;
    plan_box(&plan, &ash, true);
    plan_box(&plan, &birch, true);
    plan_box(&plan, &cedar, false);
    keys = (struct space_keys){2, filled(0xa2), filled(0xb2)};
    grow(&plan, &retired);
}

static inline void make_chain(void)
{
    found_space();
    list_relay_and_invite();
    admit(&birch, 1, true);
    admit(&cedar, 2, false);
    change_terms();
    remove_cedar();
    erase_and_end();
    invite_again();
    admit(&cedar, 4, false);
    rename_without_chair();
    renew_birch();
    list_second();
    cut_second();
}

static inline void clear_chain(void)
{
    membership_clear(&now);
    for (size_t i = 0; i < epoch_count; i++)
        buf_clear(&epoch_bytes[i]);
}

#endif
