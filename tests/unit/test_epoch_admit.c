/* Whom an epoch may let in, and with what: refused by its writer in words, and
 * by its readers when a chair writes it all the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/epoch.h"
#include "support_forge.h"

static struct chain w;

static int settle(void **state)
{
    chain_settle(&w);
    return 0;
}

static int end(void **state)
{
    chain_clear(&w);
    return 0;
}

/* An admission of party 2, to be bent. */
enum { AUTHOR, USED, SEAT, NODE };

static struct plan admission(void)
{
    struct plan plan = {.count = 0};

    plan_admit(&plan, &w.party[2], 2, ROLE_SCHOOL);
    return plan;
}

static void test_the_admission_that_the_others_bend_is_good(void **state)
{
    struct plan plan = admission();

    chain_grow(&w, &plan);
    assert_int_equal(membership_present(&w.now), 3);
}

/* ---- invites ---- */

static void test_nobody_is_admitted_without_an_invite(void **state)
{
    struct plan plan = {.count = 0};

    plan_author(&plan, &w.party[2], ROLE_SCHOOL);
    plan_seat(&plan, &w.party[2], ROLE_SCHOOL);
    plan_node(&plan, &w.party[2]);
    refused_by_all(&w, &plan, "without using an invite");
}

static void test_an_invite_lets_in_one_and_only_once(void **state)
{
    struct plan twice = admission();
    struct plan again = {.count = 0};
    struct plan in_one_epoch = admission();

    plan_author(&twice, &w.party[3], ROLE_SCHOOL);
    plan_seat(&twice, &w.party[3], ROLE_SCHOOL);
    plan_node(&twice, &w.party[3]);
    refused_by_all(&w, &twice, "without using an invite");

    plan_used(&in_one_epoch, 2);
    refused_by_all(&w, &in_one_epoch, "let somebody in before");

    plan_admit(&again, &w.party[2], 1, ROLE_SCHOOL);
    refused_by_all(&w, &again, "let somebody in before");
}

static void test_a_withdrawn_or_unknown_invite_lets_nobody_in(void **state)
{
    struct plan plan = admission();

    plan.changes[USED].invite = invite_of(3);
    refused_by_all(&w, &plan, "withdrawn");
    plan.changes[USED].invite = invite_of(9);
    refused_by_all(&w, &plan, "no such invite");
    plan.changes[USED].invite = invite_of(2);
    plan.changes[USED].invite_end = INVITE_WITHDRAWN;
    refused_by_all(&w, &plan, "without using an invite");
    plan.changes[USED].invite_end = INVITE_OPEN;
    refused_by_all(&w, &plan, "wrong kind");
}

static void test_an_invites_id_is_issued_once(void **state)
{
    for (uint8_t i = 1; i <= 3; i++) { /* used, open, withdrawn */
        struct plan plan = {.count = 0};

        plan_invite(&plan, i, ROLE_SCHOOL);
        refused_by_all(&w, &plan, "issued before");
    }
}

static void test_an_invite_says_for_which_role(void **state)
{
    struct plan plan = {.count = 0};

    plan_invite(&plan, 4, ROLE_PARTNER); /* in named spaces only */
    refused(&w, &plan, "no such role");
    plan.changes[1].role = ROLE_COUNT;
    refused(&w, &plan, "wrong kind");
    plan.changes[1].role = ROLE_SCHOOL;
    for (uint8_t number = 1; number < 100; number += 98) {
        plan.changes[1].invite = invite_of(number); /* used; never issued */
        refused(&w, &plan, "no such invite");
    }
    plan.count = 1;
    refused(&w, &plan, "without a role");
}

/* ---- certificates ---- */

static void test_a_node_comes_with_its_own_members_certificate(void **state)
{
    struct plan plan = admission();
    uint8_t bent[NODE_CERT_SIZE];

    plan.changes[NODE].cert = node_cert_of(&w.party[3]);
    forged(&w, &plan, "belong together");

    memcpy(bent, w.party[2].id.node_cert, sizeof bent);
    bent[sizeof bent - 1] ^= 1;
    plan.changes[NODE].cert = (struct covey_bytes){bent, sizeof bent};
    forged(&w, &plan, "belong together");

    plan.changes[NODE].cert = (struct covey_bytes){bent, sizeof bent - 1};
    refused(&w, &plan, "belong together");
}

/* Certified by the right key, for a member of another name. */
static void test_a_node_is_certified_for_the_member_of_its_seat(void **state)
{
    struct plan plan = admission();
    struct party twin = w.party[2]; /* the same identity key, another name */

    twin.recovery.b[5] ^= 1;
    identity_make(&twin.secrets, &twin.recovery, 1700000000000, &twin.id);
    plan.changes[NODE].cert = node_cert_of(&twin);
    forged(&w, &plan, "belong together");
}

static void test_an_author_key_is_the_nodes_and_the_spaces(void **state)
{
    struct plan plan = admission();
    struct party elsewhere = w.party[2];

    plan.changes[NODE].author_cert = author_cert_of(&w.party[3]);
    forged(&w, &plan, "belong together");

    party_enter(&elsewhere, &(struct space_id){{1}});
    plan.changes[NODE].author_cert = author_cert_of(&elsewhere);
    forged(&w, &plan, "belong together");

    w.party[2].author_cert[100] ^= 1;
    plan.changes[NODE].author_cert = author_cert_of(&w.party[2]);
    forged(&w, &plan, "belong together");
}

static void test_an_author_key_and_its_node_come_together(void **state)
{
    struct plan no_author = admission();
    struct plan no_node = admission();
    struct plan other_slot = admission();
    struct plan no_seat = admission();
    struct plan seat_alone = {.count = 0};

    no_author.changes[AUTHOR].author = w.party[3].author.key;
    refused(&w, &no_author, "not listed");

    no_node.count = NODE;
    refused(&w, &no_node, "without its node");

    other_slot.changes[AUTHOR].slot = 1;
    refused(&w, &other_slot, "not listed");

    no_seat.changes[SEAT] = no_seat.changes[NODE];
    no_seat.count = NODE;
    refused(&w, &no_seat, "no member holds");
    no_seat.count = SEAT; /* neither seat nor node */
    refused(&w, &no_seat, "do not match");

    plan_used(&seat_alone, 2);
    plan_seat(&seat_alone, &w.party[2], ROLE_SCHOOL);
    refused(&w, &seat_alone, "do not match");
}

static void test_a_members_certificate_is_its_first_and_good(void **state)
{
    struct plan plan = admission();
    struct party *p = &w.party[2];
    uint8_t renewed[MEMBER_CERT_MAX];
    struct member_renewal renewal = {
        .recovery = &p->recovery,
        .next_recovery = &w.party[3].recovery,
        .identity = &w.party[3].secrets.identity,
    };
    size_t len;

    p->id.member_cert[60] ^= 1;
    forged(&w, &plan, "does not hold");
    p->id.member_cert[60] ^= 1;
    assert_int_equal(
        member_cert_renew(member_cert_of(p), &renewal, renewed, &len),
        COVEY_OK);
    plan.changes[SEAT].cert = (struct covey_bytes){renewed, len};
    refused(&w, &plan, "first certificate");
    plan.changes[SEAT].cert = (struct covey_bytes){NULL, 0};
    refused(&w, &plan, "does not hold");
}

static void test_no_two_nodes_share_a_key(void **state)
{
    /* Another node of party 1 with a key of its first. */
    for (int shared = 0; shared < 2; shared++) {
        const struct node_secrets *first = &w.party[1].secrets;
        struct plan plan = {.count = 0};
        struct party twin;

        party_second_node(&w.party[1], 50, &twin);
        if (shared == 0)
            twin.secrets.noise = first->noise;
        else
            twin.secrets.reading = first->reading;
        identity_make(&twin.secrets, &twin.recovery, 1700000000000, &twin.id);
        party_enter(&twin, &w.now.space);
        plan_author(&plan, &twin, ROLE_SCHOOL);
        plan_node(&plan, &twin);
        refused(&w, &plan, "another node's");
    }
}

/* ---- seats ---- */

/* Nobody can make two members of one tag on purpose yet (2^24 tries would
 * begin to), so the one who is there is bent. */
static void test_no_two_members_share_a_tag(void **state)
{
    struct plan plan = admission();
    struct member_id *id = &w.now.seats[1].id;
    struct member_id was = *id;

    memcpy(id->b, w.party[2].id.member.b, sizeof(struct member_tag));
    refused(&w, &plan, "same tag");
    id->b[5] ^= 1;

    struct membership next;
    struct covey_buf out = chain_buf(&w);

    assert_int_equal(chain_try(&w, &plan, &w.keys, NULL, &next, &out),
                     COVEY_OK);
    membership_clear(&next);
    buf_clear(&out);
    *id = was;
}

static void test_a_member_has_one_seat(void **state)
{
    struct plan plan = admission();
    struct party again;

    party_second_node(&w.party[1], 50, &again);
    party_enter(&again, &w.now.space);
    again.slot = 2;
    plan.count = 0;
    plan_admit(&plan, &again, 2, ROLE_SCHOOL);
    refused(&w, &plan, "has a seat already");
}

static void test_slots_are_given_in_order(void **state)
{
    struct plan plan = admission();

    plan.changes[AUTHOR].slot = 3;
    refused_by_all(&w, &plan, "in order");
    plan.changes[AUTHOR].slot = MEMBERSHIP_MAX;
    refused_by_all(&w, &plan, "wrong kind");
    plan.changes[AUTHOR].slot = 2;
    plan.changes[SEAT].slot = 3;
    refused(&w, &plan, "in order");
}

static void test_a_slot_stays_its_members_for_ever(void **state)
{
    struct plan plan = admission();

    plan.changes[AUTHOR].slot = 1;
    plan.changes[SEAT].slot = 1; /* party 1's */
    forged(&w, &plan, "does not follow");
    plan.count = 0;
    w.party[1].slot = 0;
    plan_author(&plan, &w.party[1], ROLE_SCHOOL);
    refused_by_all(&w, &plan, "one member for ever");
}

static void test_names_and_addresses_are_checked(void **state)
{
    struct plan plan = admission();
    struct plan terms = {.count = 0};
    char long_name[MEMBER_NAME_MAX + 2];

    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';

    static const char *const bad[] = {"", "a\nb",
                                      "a\xe2\x80\xae"
                                      "b",
                                      NULL};

    for (size_t i = 0; i < 4; i++) {
        plan.changes[SEAT].name = bad[i];
        refused(&w, &plan, "control characters");
    }
    plan.changes[SEAT].name = long_name;
    refused(&w, &plan, "120 bytes");
    plan.changes[SEAT].name = "\xff";
    refused(&w, &plan, "UTF-8");
    plan.changes[SEAT].name = "Mill Lane";
    plan.changes[NODE].address = "no port";
    refused(&w, &plan, "HOST:PORT");
    plan_terms(&terms)->name = "";
    refused(&w, &terms, "UTF-8");
    terms.changes[0].name = "North";
    terms.changes[0].space_kind = SPACE_KIND_COUNT;
    refused(&w, &terms, "wrong kind");
    terms.changes[0].space_kind = SPACE_NETWORK;
    terms.changes[0].admit = (enum admit_mode)(ADMIT_AT_ONCE + 1);
    refused(&w, &terms, "wrong kind");
}

static void test_rights_in_the_clear_are_those_of_the_role(void **state)
{
    struct plan plan = admission();

    plan.changes[AUTHOR].rights = 0;
    refused(&w, &plan, "not those of");
    plan.changes[AUTHOR].rights = RIGHT_CHAIR;
    refused_by_all(&w, &plan, "a chair votes");
    plan.changes[AUTHOR].rights = RIGHT_CHAIR | RIGHT_VOTES;
    refused_by_all(&w, &plan, "one chair");
    plan.changes[AUTHOR].rights = 4;
    refused_by_all(&w, &plan, "wrong kind");
    plan.changes[AUTHOR].rights = RIGHT_VOTES;
    plan.changes[SEAT].role = ROLE_COUNCIL; /* would vote, and may not */
    refused(&w, &plan, "not those of");
    plan.changes[SEAT].role = ROLE_CARRIER;
    refused(&w, &plan, "wrong kind");
    plan.changes[SEAT].role = ROLE_PARTNER;
    refused(&w, &plan, "no such role");
    plan.changes[SEAT].role = ROLE_SCHOOL;
    plan.changes[SEAT].member_kind = MEMBER_KIND_COUNT;
    refused(&w, &plan, "wrong kind");
    plan.changes[SEAT].member_kind = MEMBER_PARTNER;
    chain_grow(&w, &plan);
    assert_int_equal(membership_seat(&w.now, 2)->kind, MEMBER_PARTNER);
}

#define world_test(f) cmocka_unit_test_setup_teardown(f, settle, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_the_admission_that_the_others_bend_is_good),
        world_test(test_nobody_is_admitted_without_an_invite),
        world_test(test_an_invite_lets_in_one_and_only_once),
        world_test(test_a_withdrawn_or_unknown_invite_lets_nobody_in),
        world_test(test_an_invites_id_is_issued_once),
        world_test(test_an_invite_says_for_which_role),
        world_test(test_a_node_comes_with_its_own_members_certificate),
        world_test(test_a_node_is_certified_for_the_member_of_its_seat),
        world_test(test_an_author_key_is_the_nodes_and_the_spaces),
        world_test(test_an_author_key_and_its_node_come_together),
        world_test(test_a_members_certificate_is_its_first_and_good),
        world_test(test_no_two_nodes_share_a_key),
        world_test(test_no_two_members_share_a_tag),
        world_test(test_a_member_has_one_seat),
        world_test(test_slots_are_given_in_order),
        world_test(test_a_slot_stays_its_members_for_ever),
        world_test(test_names_and_addresses_are_checked),
        world_test(test_rights_in_the_clear_are_those_of_the_role),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
