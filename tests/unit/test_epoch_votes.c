/* Who may sign an epoch: the chair, or more than half of those who vote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/epoch.h"
#include "support_forge.h"

static struct chain w;

static int found(void **state)
{
    chain_init(&w);
    return 0;
}

static int end(void **state)
{
    chain_clear(&w);
    return 0;
}

/* An epoch that does nothing, under the signatures given. */
static enum covey_rc verify_signed(const struct party *const signers[],
                                   size_t count)
{
    static const struct plan nothing;
    struct covey_buf plain = chain_buf(&w);
    struct covey_buf out = chain_buf(&w);
    struct membership next;
    struct epoch e;

    assert_int_equal(chain_try(&w, &nothing, &w.keys, NULL, &next, &plain),
                     COVEY_OK);
    forge_signatures(&w, buf_bytes(&plain), signers, count, &out);

    enum covey_rc rc = epoch_read(buf_bytes(&out), &e);

    if (rc == COVEY_OK)
        rc = epoch_verify(&w.now, &e);
    membership_clear(&next);
    buf_clear(&plain);
    buf_clear(&out);
    return rc;
}

static enum covey_rc verify_by(const struct party *signer)
{
    return verify_signed(&signer, 1);
}

static void test_the_chair_signs_alone(void **state)
{
    chain_admit(&w, 1, ROLE_SCHOOL);
    chain_admit(&w, 2, ROLE_SCHOOL);
    chain_admit(&w, 3, ROLE_SCHOOL);
    assert_int_equal(verify_by(&w.party[0]), COVEY_OK);
}

static void test_nobody_else_signs_alone(void **state)
{
    chain_admit(&w, 1, ROLE_SCHOOL);
    chain_admit(&w, 2, ROLE_COUNCIL);
    assert_int_equal(verify_by(&w.party[1]), COVEY_EFORGED);
    assert_int_equal(verify_by(&w.party[2]), COVEY_EFORGED);
    assert_int_equal(verify_by(&w.party[3]), COVEY_EFORGED); /* a stranger */
}

static void test_an_epoch_without_signatures_is_refused(void **state)
{
    assert_int_equal(verify_signed(NULL, 0), COVEY_EBAD);
}

/* With 1 to 7 voters, the chair among them, each number of schools: accepted
 * from more than half on, so never by a school of a space of two. */
static void test_more_than_half_of_the_voters_need_no_chair(void **state)
{
    static const size_t needed[] = {0, 1, 2, 2, 3, 3, 4, 4};

    chain_admit(&w, 1, ROLE_COUNCIL); /* neither counts nor is counted */
    for (size_t voters = 1; voters <= 7; voters++) {
        const struct party *signers[8];

        if (voters > 1)
            chain_admit(&w, (uint8_t)voters, ROLE_SCHOOL);
        for (size_t schools = 1; schools < voters; schools++) {
            for (size_t i = 0; i < schools; i++)
                signers[i] = &w.party[voters - i];
            assert_int_equal(verify_signed(signers, schools),
                             schools >= needed[voters] ? COVEY_OK
                                                       : COVEY_EFORGED);
        }
    }
    assert_int_equal(membership_voters(&w.now), 7);
}

static void test_a_member_counts_once_however_many_nodes_sign(void **state)
{
    struct party second;
    struct plan plan = {.count = 0};

    chain_admit(&w, 1, ROLE_SCHOOL);
    chain_admit(&w, 2, ROLE_SCHOOL);
    party_second_node(&w.party[1], 50, &second);
    party_enter(&second, &w.now.space);
    plan_author(&plan, &second, ROLE_SCHOOL);
    plan_node(&plan, &second);
    chain_grow(&w, &plan);
    assert_int_equal(membership_voters(&w.now), 3);

    const struct party *one_twice[] = {&w.party[1], &second};
    const struct party *one_again[] = {&w.party[1], &w.party[1]};
    const struct party *both[] = {&second, &w.party[2]};

    assert_int_equal(verify_signed(one_twice, 2), COVEY_EFORGED);
    assert_int_equal(verify_signed(one_again, 2), COVEY_EFORGED);
    assert_int_equal(verify_signed(both, 2), COVEY_OK);
}

static void test_one_bad_signature_spoils_the_others(void **state)
{
    chain_admit(&w, 1, ROLE_SCHOOL);
    chain_admit(&w, 2, ROLE_COUNCIL);

    struct party liar = w.party[1]; /* its key, another's signature */

    memcpy(liar.author.secret, w.party[3].author.secret,
           sizeof liar.author.secret);

    const struct party *good[] = {&w.party[0], &w.party[1]};
    const struct party *voteless[] = {&w.party[0], &w.party[2]};
    const struct party *stranger[] = {&w.party[0], &w.party[4]};
    const struct party *forged[] = {&w.party[0], &liar};

    assert_int_equal(verify_signed(good, 2), COVEY_OK);
    assert_int_equal(verify_signed(voteless, 2), COVEY_EFORGED);
    assert_int_equal(verify_signed(stranger, 2), COVEY_EFORGED);
    assert_int_equal(verify_signed(forged, 2), COVEY_EFORGED);
}

/* Each is checked, so there cannot be more than there are keys. */
static void test_an_epoch_has_no_more_signatures_than_authors(void **state)
{
    const struct party *chair[] = {&w.party[0], &w.party[0]};

    assert_int_equal(verify_signed(chair, 1), COVEY_OK);
    assert_int_equal(verify_signed(chair, 2), COVEY_EFORGED);
}

static void test_who_was_removed_signs_and_counts_no_more(void **state)
{
    struct plan plan = {.count = 0};

    chain_admit(&w, 1, ROLE_SCHOOL);
    chain_admit(&w, 2, ROLE_SCHOOL);
    chain_admit(&w, 3, ROLE_SCHOOL);

    const struct party *two[] = {&w.party[1], &w.party[2]};
    const struct party *with_removed[] = {&w.party[1], &w.party[3]};

    assert_int_equal(verify_signed(two, 2), COVEY_EFORGED); /* half of four */
    plan_remove(&plan, &w, &w.party[3]);
    chain_rotate(&w, &plan);
    assert_int_equal(verify_signed(two, 2), COVEY_OK); /* of three */
    assert_int_equal(verify_signed(with_removed, 2), COVEY_EFORGED);
    assert_int_equal(verify_by(&w.party[3]), COVEY_EFORGED);
}

static void test_the_chair_passes_to_another_with_its_rights(void **state)
{
    struct plan plan = {.count = 0};
    struct epoch_change *role;

    chain_admit(&w, 1, ROLE_SCHOOL);
    chain_admit(&w, 2, ROLE_SCHOOL);
    plan_author(&plan, &w.party[0], ROLE_SCHOOL);
    plan_author(&plan, &w.party[1], ROLE_CHAIR);
    role = plan_add(&plan, EPOCH_ROLE);
    role->slot = 0;
    role->role = ROLE_SCHOOL;
    role = plan_add(&plan, EPOCH_ROLE);
    role->slot = 1;
    role->role = ROLE_CHAIR;
    chain_grow(&w, &plan);
    assert_int_equal(membership_seat(&w.now, 1)->role, ROLE_CHAIR);
    assert_int_equal(verify_by(&w.party[1]), COVEY_OK);
    assert_int_equal(verify_by(&w.party[0]), COVEY_EFORGED);
}

/* A majority takes the chair from who holds it: it needs nobody's leave. */
static void test_a_majority_replaces_the_chair(void **state)
{
    struct plan plan = {.count = 0};
    struct space_keys retired = w.keys;
    struct space_keys keys = chain_next_keys(&w);
    struct epoch_change *role;
    struct covey_buf alone = chain_buf(&w);
    struct covey_buf signed_by_two = chain_buf(&w);
    struct membership next;
    struct membership seen;
    struct epoch e;

    chain_admit(&w, 1, ROLE_SCHOOL);
    chain_admit(&w, 2, ROLE_SCHOOL);
    plan_remove(&plan, &w, &w.party[0]);
    plan_author(&plan, &w.party[1], ROLE_CHAIR);
    role = plan_add(&plan, EPOCH_ROLE);
    role->slot = 1;
    role->role = ROLE_CHAIR;

    struct epoch_draft draft = {
        .changes = plan.changes,
        .change_count = plan.count,
        .signer = &w.party[1].author,
        .boxes = plan.boxes,
        .box_count = plan.box_count,
        .keys = &keys,
        .retired = &retired,
    };
    const struct party *two[] = {&w.party[1], &w.party[2]};

    membership_init(&next, &w.mem);
    membership_init(&seen, &w.mem);
    assert_int_equal(
        epoch_write(&w.now, &draft, &w.rng, &next, &alone, &chain_why),
        COVEY_OK);
    assert_int_equal(epoch_read(buf_bytes(&alone), &e), COVEY_OK);
    assert_int_equal(epoch_verify(&w.now, &e), COVEY_EFORGED);
    forge_signatures(&w, buf_bytes(&alone), two, 2, &signed_by_two);
    assert_int_equal(epoch_read(buf_bytes(&signed_by_two), &e), COVEY_OK);
    assert_int_equal(epoch_verify(&w.now, &e), COVEY_OK);
    assert_int_equal(epoch_apply(&w.now, &e, &keys, &seen), COVEY_OK);
    assert_int_equal(membership_seat(&seen, 1)->role, ROLE_CHAIR);
    assert_false(membership_seat(&seen, 0)->present);
    assert_true(hash_equal(&seen.head, &next.head)); /* whoever signs */
    membership_clear(&next);
    membership_clear(&seen);
    buf_clear(&alone);
    buf_clear(&signed_by_two);
}

/* ---- the first epoch ---- */

static enum covey_rc verify_first(const struct chain *world,
                                  struct covey_bytes in,
                                  const struct space_id *space)
{
    struct membership parent;
    struct epoch e;
    enum covey_rc rc = epoch_read(in, &e);

    membership_init(&parent, &world->mem);
    parent.space = *space;
    return rc == COVEY_OK ? epoch_verify(&parent, &e) : rc;
}

static void test_a_genesis_belongs_to_its_space_only(void **state)
{
    struct space_id other = w.now.space;

    other.b[15] ^= 1;
    assert_int_equal(verify_first(&w, buf_bytes(&w.epochs[0]), &w.now.space),
                     COVEY_OK);
    assert_int_equal(verify_first(&w, buf_bytes(&w.epochs[0]), &other),
                     COVEY_EFORGED);
}

static void test_a_genesis_has_its_founders_signature_alone(void **state)
{
    const struct party *other[] = {&w.party[1]};
    const struct party *both[] = {&w.party[0], &w.party[1]};
    const struct party *twice[] = {&w.party[0], &w.party[0]};
    const struct {
        const struct party *const *signers;
        size_t count;
    } cases[] = {{other, 1}, {both, 2}, {twice, 2}};

    for (size_t i = 0; i < 3; i++) {
        struct covey_buf out = chain_buf(&w);

        forge_signatures(&w, buf_bytes(&w.epochs[0]), cases[i].signers,
                         cases[i].count, &out);
        assert_int_equal(verify_first(&w, buf_bytes(&out), &w.now.space),
                         COVEY_EFORGED);
        buf_clear(&out);
    }
}

/* Forge a genesis by party 0 of what the plan says. */
static enum covey_rc verify_forged_first(const struct plan *plan)
{
    struct covey_buf out = chain_buf(&w);
    struct membership now = w.now;

    membership_init(&w.now, &w.mem);
    w.now.space = now.space;
    forge(&w, &(struct forgery){.plan = plan}, &out);

    enum covey_rc rc = verify_first(&w, buf_bytes(&out), &now.space);

    w.now = now;
    buf_clear(&out);
    return rc;
}

static void test_a_genesis_names_its_signer_as_chair_after_its_salt(void **s)
{
    struct plan good = {.count = 0};
    struct plan other_salt = {.count = 0};
    struct plan no_chair = {.count = 0};
    struct plan another_chair = {.count = 0};
    struct plan salt_second = {.count = 0};
    struct plan no_salt = {.count = 0};
    static const struct plan nothing;

    plan_genesis(&good, &w);
    assert_int_equal(verify_forged_first(&good), COVEY_OK);

    plan_genesis(&other_salt, &w);
    other_salt.changes[0].salt[0] ^= 1;
    assert_int_equal(verify_forged_first(&other_salt), COVEY_EFORGED);

    plan_genesis(&no_chair, &w);
    no_chair.changes[1].rights = RIGHT_VOTES;
    assert_int_equal(verify_forged_first(&no_chair), COVEY_EFORGED);

    plan_genesis(&another_chair, &w);
    another_chair.changes[1].author = w.party[1].author.key;
    assert_int_equal(verify_forged_first(&another_chair), COVEY_EFORGED);

    plan_author(&salt_second, &w.party[0], ROLE_CHAIR);
    plan_genesis(&salt_second, &w);
    assert_int_equal(verify_forged_first(&salt_second), COVEY_EFORGED);

    plan_genesis(&no_salt, &w);
    no_salt.changes[0].op = EPOCH_CARRIER;
    assert_int_equal(verify_forged_first(&no_salt), COVEY_EFORGED);
    assert_int_equal(verify_forged_first(&nothing), COVEY_EFORGED);
}

static void test_a_space_id_is_made_of_salt_and_founder(void **state)
{
    struct space_id id = epoch_space_id(w.salt, &w.party[0].author.key);
    struct space_id other_key = epoch_space_id(w.salt, &w.party[1].author.key);
    uint8_t salt[16] = {1};
    struct space_id other_salt = epoch_space_id(salt, &w.party[0].author.key);

    assert_memory_equal(&id, &w.now.space, sizeof id);
    assert_memory_not_equal(&id, &other_key, sizeof id);
    assert_memory_not_equal(&id, &other_salt, sizeof id);
}

#define world_test(f) cmocka_unit_test_setup_teardown(f, found, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_the_chair_signs_alone),
        world_test(test_nobody_else_signs_alone),
        world_test(test_an_epoch_without_signatures_is_refused),
        world_test(test_more_than_half_of_the_voters_need_no_chair),
        world_test(test_a_member_counts_once_however_many_nodes_sign),
        world_test(test_one_bad_signature_spoils_the_others),
        world_test(test_an_epoch_has_no_more_signatures_than_authors),
        world_test(test_who_was_removed_signs_and_counts_no_more),
        world_test(test_the_chair_passes_to_another_with_its_rights),
        world_test(test_a_majority_replaces_the_chair),
        world_test(test_a_genesis_belongs_to_its_space_only),
        world_test(test_a_genesis_has_its_founders_signature_alone),
        world_test(test_a_genesis_names_its_signer_as_chair_after_its_salt),
        world_test(test_a_space_id_is_made_of_salt_and_founder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
