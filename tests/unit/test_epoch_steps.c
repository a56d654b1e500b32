/* What epochs may do after the first admissions. */
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

/* Everybody who reads must come to what the writer has. */
static void assert_folds(void)
{
    struct membership seen;
    struct hash ours;
    struct hash theirs;

    chain_fold(&w, w.count, w.keys_at, &seen);
    assert_int_equal(membership_hash(&w.now, &ours), COVEY_OK);
    assert_int_equal(membership_hash(&seen, &theirs), COVEY_OK);
    assert_true(hash_equal(&ours, &theirs));
    membership_clear(&seen);
    chain_fold(&w, w.count, NULL, &seen);
    membership_clear(&seen);
}

/* ---- members ---- */

static void test_a_member_comes_back_to_its_seat(void **state)
{
    struct plan removed = {.count = 0};
    struct plan back = {.count = 0};
    const struct party *p = &w.party[1];

    plan_remove(&removed, &w, p);
    chain_rotate(&w, &removed);
    assert_int_equal(membership_present(&w.now), 1);

    plan_admit(&back, p, 2, ROLE_COUNCIL);
    chain_grow(&w, &back);
    assert_int_equal(membership_present(&w.now), 2);
    assert_int_equal(w.now.seat_count, 2);
    assert_int_equal(membership_seat(&w.now, 1)->role, ROLE_COUNCIL);
    assert_true(membership_node_by_author(&w.now, &p->author.key)->present);

    const struct seat_author *a = membership_author(&w.now, &p->author.key);

    assert_false(a->cut);
    assert_int_equal(a->since, w.now.number); /* the time away stays void */
    assert_int_equal(a->cut_count, 2);
    assert_folds();
}

static void test_two_may_come_at_once_in_any_order(void **state)
{
    struct plan plan = {.count = 0};

    chain_invite(&w, 4, ROLE_COUNCIL);
    plan_author(&plan, &w.party[2], ROLE_SCHOOL);
    plan_author(&plan, &w.party[3], ROLE_COUNCIL);
    plan_used(&plan, 4);
    plan_used(&plan, 2);
    plan_seat(&plan, &w.party[2], ROLE_SCHOOL);
    plan_seat(&plan, &w.party[3], ROLE_COUNCIL);
    plan_node(&plan, &w.party[3]);
    plan_node(&plan, &w.party[2]);
    chain_grow(&w, &plan);
    assert_int_equal(w.now.nodes[2].slot, 3);
    assert_int_equal(w.now.nodes[3].slot, 2);
    assert_int_equal(membership_present(&w.now), 4);
    assert_folds();
}

static void test_coming_back_takes_an_invite_too(void **state)
{
    struct plan removed = {.count = 0};
    struct plan back = {.count = 0};

    plan_remove(&removed, &w, &w.party[1]);
    chain_rotate(&w, &removed);
    plan_author(&back, &w.party[1], ROLE_SCHOOL);
    plan_seat(&back, &w.party[1], ROLE_SCHOOL);
    plan_node(&back, &w.party[1]);
    refused(&w, &back, "without using an invite");
}

static void test_a_right_is_lost_by_a_cut_and_a_new_listing(void **state)
{
    struct plan plan = {.count = 0};
    const struct seat_author *a;

    plan_cut(&plan, &w.party[1]);
    plan_author(&plan, &w.party[1], ROLE_BOARD);
    plan_add(&plan, EPOCH_ROLE)->slot = 1;
    plan.changes[2].role = ROLE_BOARD;
    chain_grow(&w, &plan); /* it goes on reading: the key stays */
    a = membership_author(&w.now, &w.party[1].author.key);
    assert_false(a->cut);
    assert_int_equal(a->rights, 0);
    assert_int_equal(a->since, w.now.number);
    assert_int_equal(membership_voters(&w.now), 1);
    assert_folds();
}

static void test_new_rights_alone_leave_what_was_written_before(void **state)
{
    struct plan plan = {.count = 0};
    const struct seat_author *a =
        membership_author(&w.now, &w.party[1].author.key);
    uint64_t since = a->since;

    plan_author(&plan, &w.party[1], ROLE_BOARD);
    plan_add(&plan, EPOCH_ROLE)->slot = 1;
    plan.changes[1].role = ROLE_BOARD;
    chain_grow(&w, &plan);
    a = membership_author(&w.now, &w.party[1].author.key);
    assert_int_equal(a->rights, 0);
    assert_int_equal(a->since, since);
    assert_folds();
}

static void test_a_school_changes_its_name_and_number(void **state)
{
    struct plan plan = {.count = 0};
    struct epoch_change *seat = plan_seat(&plan, &w.party[1], ROLE_SCHOOL);

    seat->name = "Sandy Lane Academy";
    seat->urn = 140000;
    chain_grow(&w, &plan); /* no admission, so no invite */
    assert_string_equal(membership_seat(&w.now, 1)->name, "Sandy Lane Academy");
    assert_int_equal(membership_seat(&w.now, 1)->urn, 140000);
    assert_folds();
}

static void test_a_node_changes_its_address(void **state)
{
    struct plan plan = {.count = 0};

    plan_node(&plan, &w.party[1])->address = "[2001:db8::1]:4747";
    chain_grow(&w, &plan);
    assert_int_equal(w.now.node_count, 2);
    assert_string_equal(w.now.nodes[1].address, "[2001:db8::1]:4747");
    plan.changes[0].address = NULL;
    chain_grow(&w, &plan);
    assert_string_equal(w.now.nodes[1].address, "");
    assert_folds();
}

/* Party 1 lost its node: with its recovery seed it names another identity key
 * and revokes that node. */
struct renewed {
    uint8_t cert[MEMBER_CERT_MAX];
    size_t len;
};

static const struct seed new_identity = {{99}};

static struct renewed renew(void)
{
    const struct party *p = &w.party[1];
    struct member_renewal renewal = {
        .recovery = &p->recovery,
        .next_recovery = &w.party[9].recovery,
        .identity = &new_identity,
        .revoked = &p->id.node.sign,
        .revoked_count = 1,
    };
    struct renewed out;

    assert_int_equal(
        member_cert_renew(member_cert_of(p), &renewal, out.cert, &out.len),
        COVEY_OK);
    return out;
}

static void test_a_revocation_is_taken_up_with_a_cut(void **state)
{
    const struct party *p = &w.party[1];
    struct renewed renewed = renew();
    struct plan plan = {.count = 0};
    struct epoch_change *seat = plan_seat(&plan, p, ROLE_SCHOOL);

    seat->cert = (struct covey_bytes){renewed.cert, renewed.len};
    refused(&w, &plan, "must be cut");

    plan_box(&plan, &w.party[0], true);
    plan_cut(&plan, p);
    chain_rotate(&w, &plan);
    assert_true(membership_seat(&w.now, 1)->present);
    assert_int_equal(membership_seat(&w.now, 1)->cert.len, renewed.len);
    assert_false(w.now.nodes[1].present);
    assert_folds();

    /* It stays out, listed again or shown again. */
    plan = (struct plan){.count = 0};
    plan_author(&plan, p, ROLE_SCHOOL);
    refused(&w, &plan, "revoked");
    plan_node(&plan, p);
    forged(&w, &plan, "belong together");

    /* The certificate before is not taken back. */
    plan = (struct plan){.count = 0};
    plan_seat(&plan, p, ROLE_SCHOOL);
    forged(&w, &plan, "does not follow");
}

static void test_a_node_under_the_newest_certificate_comes_in(void **state)
{
    struct renewed renewed = renew();
    struct covey_bytes cert = {renewed.cert, renewed.len};
    struct plan plan = {.count = 0};
    struct party node;

    plan_box(&plan, &w.party[0], true);
    plan_cut(&plan, &w.party[1]);
    plan_seat(&plan, &w.party[1], ROLE_SCHOOL)->cert = cert;
    chain_rotate(&w, &plan);

    party_second_node(&w.party[1], 60, &node);
    party_enter(&node, &w.now.space);
    plan = (struct plan){.count = 0};
    plan_author(&plan, &node, ROLE_SCHOOL);
    plan_node(&plan, &node);
    plan_box(&plan, &node, true);
    forged(&w, &plan, "belong together"); /* under the first one */
    party_certify(&node, cert, &w.party[1].secrets.identity,
                  &w.party[1].id.member);
    forged(&w, &plan, "belong together"); /* by the identity key before */
    party_certify(&node, cert, &new_identity, &w.party[2].id.member);
    forged(&w, &plan, "belong together"); /* for another member */
    party_certify(&node, cert, &new_identity, &w.party[1].id.member);
    chain_grow(&w, &plan); /* of a member that is present: no invite */
    assert_true(w.now.nodes[2].present);
    assert_int_equal(w.now.nodes[2].slot, 1);
    assert_folds();
}

static void test_nobody_revokes_the_nodes_of_others(void **state)
{
    struct member_renewal renewal = {
        .recovery = &w.party[1].recovery,
        .next_recovery = &w.party[9].recovery,
        .identity = &new_identity,
        .revoked = &w.party[0].id.node.sign,
        .revoked_count = 1,
    };
    struct plan plan = {.count = 0};
    uint8_t cert[MEMBER_CERT_MAX];
    size_t len;

    assert_int_equal(
        member_cert_renew(member_cert_of(&w.party[1]), &renewal, cert, &len),
        COVEY_OK);
    plan_seat(&plan, &w.party[1], ROLE_SCHOOL)->cert =
        (struct covey_bytes){cert, len};
    chain_grow(&w, &plan);
    assert_true(w.now.nodes[0].present);
    assert_true(w.now.nodes[1].present); /* nor its own by keeping silent */
    assert_folds();
}

static void test_an_author_key_belongs_to_one_node(void **state)
{
    struct party *p = &w.party[1];
    struct seed seed = author_seed(&p->secrets.sign, w.now.space.b);
    struct plan plan = {.count = 0};
    struct party thief;

    party_second_node(p, 60, &thief);
    author_cert_make(&thief.secrets.sign, &seed, &w.now.space,
                     thief.author_cert);
    plan_node(&plan, &thief);
    refused(&w, &plan, "another node's");
}

static void test_a_carrier_that_ended_may_begin_again(void **state)
{
    struct plan plan = {.count = 0};
    struct epoch_change *change = plan_add(&plan, EPOCH_CARRIER_END);

    change->carrier = carrier_of(1);
    chain_grow(&w, &plan);
    assert_false(w.now.carriers[0].present);
    refused_by_all(&w, &plan, "does not carry");
    change->op = EPOCH_CARRIER_NAME;
    change->name = "Relay";
    refused(&w, &plan, "does not carry");
    change->op = EPOCH_CARRIER;
    chain_grow(&w, &plan);
    assert_true(w.now.carriers[0].present);
    assert_int_equal(w.now.carrier_count, 1);
    assert_folds();
}

static void test_an_invite_may_bring_a_carrier(void **state)
{
    struct plan plan = {.count = 0};

    chain_invite(&w, 4, ROLE_CARRIER);
    assert_int_equal(w.now.invites[3].role, ROLE_CARRIER);
    plan_used(&plan, 4);
    plan_add(&plan, EPOCH_CARRIER)->carrier = carrier_of(4);
    chain_grow(&w, &plan);
    assert_int_equal(membership_present(&w.now), 2); /* it has no seat */
    assert_true(w.now.carriers[1].present);
    assert_folds();
}

static void test_an_erasure_leaves_the_membership_as_it_is(void **state)
{
    static const uint32_t parts[] = {1, 5, 1023};
    struct plan plan = {.count = 0};
    struct epoch_change *change = plan_add(&plan, EPOCH_ERASE);
    size_t members = membership_present(&w.now);

    change->header = (struct hash){{1, 2, 3}};
    change->parts = parts;
    change->part_count = 3;
    chain_grow(&w, &plan);
    assert_int_equal(membership_present(&w.now), members);
    assert_folds();
}

static void test_the_terms_may_change(void **state)
{
    struct plan plan = {.count = 0};
    struct epoch_change *terms = plan_terms(&plan);

    terms->name = "North and east cluster";
    terms->admit = ADMIT_ASK;
    chain_grow(&w, &plan);
    assert_string_equal(w.now.name, "North and east cluster");
    assert_int_equal(w.now.admit, ADMIT_ASK);
    assert_folds();
}

static void test_the_first_epoch_must_set_the_terms(void **state)
{
    struct plan plan = {.count = 0};
    struct membership now = w.now;
    struct space_keys keys = w.keys_at[0];

    membership_init(&w.now, &w.mem);
    w.now.space = now.space;
    plan_genesis(&plan, &w);
    for (size_t i = 2; i + 1 < plan.count; i++) /* without the terms */
        plan.changes[i] = plan.changes[i + 1];
    plan.count--;
    assert_unwritten(&w, &plan, &keys, NULL, "needs its terms");
    plan.changes[0].salt[0] ^= 1;
    assert_unwritten(&w, &plan, &keys, NULL, "needs its terms");
    plan_terms(&plan);
    assert_unwritten(&w, &plan, &keys, NULL, "not named after");
    plan.changes[0].op = EPOCH_CARRIER;
    assert_unwritten(&w, &plan, &keys, NULL, "begins with its salt");
    w.now = now;
}

/* ---- what readers check of the whole ---- */

static void test_a_result_that_does_not_follow_is_forged(void **state)
{
    struct plan plan = {.count = 0};

    plan_invite(&plan, 7, ROLE_SCHOOL); /* good, but for its zero result */
    assert_meets(&w, &(struct forgery){.plan = &plan}, COVEY_EFORGED, COVEY_OK);
}

/* epoch_verify() of a forged epoch. */
static enum covey_rc verify(const struct forgery *f)
{
    struct covey_buf out = chain_buf(&w);
    struct epoch e;

    forge(&w, f, &out);

    enum covey_rc rc = epoch_read(buf_bytes(&out), &e);

    if (rc == COVEY_OK)
        rc = epoch_verify(&w.now, &e);
    buf_clear(&out);
    return rc;
}

static void test_a_new_key_comes_with_the_old_one_and_with_boxes(void **state)
{
    struct space_keys next = chain_next_keys(&w);
    struct plan boxes = {.count = 0};
    struct forgery f = {.plan = &boxes, .keys = &next, .retired = &w.keys};

    plan_box(&boxes, &w.party[0], true);
    assert_int_equal(verify(&f), COVEY_OK);
    f.retired = NULL;
    assert_int_equal(verify(&f), COVEY_EBAD);
    f.retired = &w.keys;
    boxes.box_count = 0;
    assert_int_equal(verify(&f), COVEY_EBAD);
    boxes.box_count = 1;
    f.key_number_more = 1; /* one skipped */
    assert_int_equal(verify(&f), COVEY_EBAD);
    f.key_number_more = UINT32_MAX - 1; /* far from any */
    assert_int_equal(verify(&f), COVEY_EBAD);
    f.key_number_more = UINT32_MAX; /* none new, but one retired */
    assert_int_equal(verify(&f), COVEY_EBAD);
    f.retired = NULL;
    assert_int_equal(verify(&f), COVEY_OK);
}

static void test_the_version_of_the_rules_never_goes_back(void **state)
{
    assert_int_equal(verify(&(struct forgery){.rules_version = 7}), COVEY_OK);
    w.now.rules_version = 8;
    assert_int_equal(verify(&(struct forgery){.rules_version = 7}), COVEY_EBAD);
    w.now.rules_version = RULES_VERSION;
}

/* Who cannot judge by them holds it; a carrier judges nothing. */
static void test_rules_of_a_newer_version_are_held_by_who_reads(void **state)
{
    assert_meets(&w, &(struct forgery){.rules_version = RULES_VERSION + 1},
                 COVEY_ENEWER, COVEY_OK);
}

static void test_a_box_holds_the_key_that_its_epoch_counts(void **state)
{
    struct plan boxes = {.count = 0};
    struct space_keys found;
    struct covey_buf out = chain_buf(&w);
    struct epoch e;

    plan_box(&boxes, &w.party[0], true);
    forge(&w, &(struct forgery){.plan = &boxes, .key_number_more = 1}, &out);
    assert_int_equal(epoch_read(buf_bytes(&out), &e), COVEY_OK);
    assert_int_equal(epoch_open_box(&e, &w.party[0].secrets.reading, &found),
                     COVEY_ENONE);
    buf_clear(&out);
}

static void test_history_holds_the_key_before(void **state)
{
    struct plan boxes = {.count = 0};
    struct space_keys next = chain_next_keys(&w);
    struct space_keys wrong = w.keys;
    struct space_keys found;
    struct covey_buf out = chain_buf(&w);
    struct epoch e;

    wrong.number += 5;
    plan_box(&boxes, &w.party[0], true);
    forge(&w,
          &(struct forgery){.plan = &boxes, .keys = &next, .retired = &wrong},
          &out);
    assert_int_equal(epoch_read(buf_bytes(&out), &e), COVEY_OK);
    assert_int_equal(epoch_open_history(&e, &next.history, &found),
                     COVEY_EFORGED);
    assert_int_equal(epoch_open_history(&e, &w.keys.history, &found),
                     COVEY_EFORGED);
    buf_clear(&out);
}

#define world_test(f) cmocka_unit_test_setup_teardown(f, settle, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_a_member_comes_back_to_its_seat),
        world_test(test_two_may_come_at_once_in_any_order),
        world_test(test_coming_back_takes_an_invite_too),
        world_test(test_a_right_is_lost_by_a_cut_and_a_new_listing),
        world_test(test_new_rights_alone_leave_what_was_written_before),
        world_test(test_a_school_changes_its_name_and_number),
        world_test(test_a_node_changes_its_address),
        world_test(test_a_revocation_is_taken_up_with_a_cut),
        world_test(test_a_node_under_the_newest_certificate_comes_in),
        world_test(test_nobody_revokes_the_nodes_of_others),
        world_test(test_an_author_key_belongs_to_one_node),
        world_test(test_a_carrier_that_ended_may_begin_again),
        world_test(test_an_invite_may_bring_a_carrier),
        world_test(test_an_erasure_leaves_the_membership_as_it_is),
        world_test(test_the_terms_may_change),
        world_test(test_the_first_epoch_must_set_the_terms),
        world_test(test_a_result_that_does_not_follow_is_forged),
        world_test(test_a_new_key_comes_with_the_old_one_and_with_boxes),
        world_test(test_the_version_of_the_rules_never_goes_back),
        world_test(test_rules_of_a_newer_version_are_held_by_who_reads),
        world_test(test_a_box_holds_the_key_that_its_epoch_counts),
        world_test(test_history_holds_the_key_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
