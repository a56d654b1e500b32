/* story.h - how the space of the vectors grows, epoch by epoch.
 *
 * Ash founds the space, lists a relay, admits Birch and then Cedar, who may not
 * read back, and removes Cedar under a new key.  Cedar comes back; both sign
 * without Ash; Birch renews its certificate and loses a second node.
 *
 * For tools of one file: hence inline. */
#ifndef COVEY_TESTS_VECTORS_STORY_H
#define COVEY_TESTS_VECTORS_STORY_H

#include "tests/vectors/chain.h"

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
