/* The chain of epochs: what each reader makes of it, and with which keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/epoch.h"
#include "support_space.h"

static struct chain w;

/* Epochs of the story, by what they do. */
enum {
    FOUNDED,
    INVITED_1,
    ADMITTED_1,
    CARRIED,
    INVITED_2,
    ADMITTED_2,
    REMOVED_1, /* with a new key */
    INVITED_3,
    ADMITTED_3,
    STORY,
};

static void carry(struct plan *plan, uint8_t number)
{
    struct epoch_change *change = plan_add(plan, EPOCH_CARRIER);

    change->carrier = carrier_of(number);
    change = plan_add(plan, EPOCH_CARRIER_NAME);
    change->carrier = carrier_of(number);
    change->name = "County relay";
    change->address = "relay.example:4747";
}

static int tell_story(void **state)
{
    struct plan carried = {.count = 0};
    struct plan removed = {.count = 0};

    chain_init(&w);
    chain_admit(&w, 1, ROLE_SCHOOL);
    carry(&carried, 1);
    chain_grow(&w, &carried);
    chain_admit(&w, 2, ROLE_COUNCIL);
    plan_remove(&removed, &w, &w.party[1]);
    chain_rotate(&w, &removed);
    chain_admit(&w, 3, ROLE_SCHOOL);
    assert_int_equal(w.count, STORY);
    return 0;
}

static int end_story(void **state)
{
    chain_clear(&w);
    return 0;
}

static struct epoch epoch_at(size_t index)
{
    struct epoch e;

    assert_int_equal(epoch_read(buf_bytes(&w.epochs[index]), &e), COVEY_OK);
    return e;
}

static void assert_same_state(const struct membership *a,
                              const struct membership *b)
{
    struct hash of_a;
    struct hash of_b;

    assert_int_equal(membership_hash(a, &of_a), COVEY_OK);
    assert_int_equal(membership_hash(b, &of_b), COVEY_OK);
    assert_true(hash_equal(&of_a, &of_b));
    assert_true(hash_equal(&a->head, &b->head));
}

/* The keys that a party finds in an epoch; they must be the epoch's. */
static struct space_keys open_box(size_t index, const struct party *p)
{
    struct epoch e = epoch_at(index);
    struct space_keys keys;

    assert_int_equal(epoch_open_box(&e, &p->secrets.reading, &keys), COVEY_OK);
    assert_true(epoch_key_matches(&e, &keys.key));
    return keys;
}

/* ---- who reads what ---- */

static void test_the_chain_says_who_belongs(void **state)
{
    assert_string_equal(w.now.name, "North cluster");
    assert_int_equal(w.now.kind, SPACE_NETWORK);
    assert_int_equal(w.now.admit, ADMIT_AT_ONCE);
    assert_int_equal(w.now.number, STORY - 1);
    assert_int_equal(w.now.key_number, 1);
    assert_int_equal(w.now.rules_version, RULES_VERSION);
    assert_int_equal(membership_present(&w.now), 3);
    assert_int_equal(membership_voters(&w.now), 2);

    const struct seat *seat = membership_seat_of(&w.now, &w.party[3].id.member);

    assert_non_null(seat);
    assert_int_equal(seat->slot, 3);
    assert_int_equal(seat->role, ROLE_SCHOOL);
    assert_int_equal(seat->kind, MEMBER_SCHOOL);
    assert_int_equal(seat->urn, 100003);
    assert_string_equal(seat->name, "Sandy Lane");

    const struct seat_node *node =
        membership_node_by_noise(&w.now, &w.party[3].id.node.noise);

    assert_non_null(node);
    assert_true(node->present);
    assert_string_equal(node->address, "sandy.example:4747");
    assert_memory_equal(&node->author, &w.party[3].author.key, 32);

    const struct seat_carrier *carrier =
        membership_carrier(&w.now, &(struct noise_key){{8, 1}});

    assert_non_null(carrier);
    assert_string_equal(carrier->name, "County relay");
    assert_string_equal(carrier->address, "relay.example:4747");
}

static void test_who_was_removed_is_cut_where_the_epoch_says(void **state)
{
    const struct seat *seat = membership_seat(&w.now, 1);
    const struct seat_author *author =
        membership_author(&w.now, &w.party[1].author.key);
    const struct seat_node *node =
        membership_node_by_author(&w.now, &w.party[1].author.key);

    assert_false(seat->present);
    assert_false(node->present);
    assert_true(author->cut);
    assert_int_equal(author->since, ADMITTED_1);
    assert_int_equal(author->cut_count, 2);
    assert_int_equal(author->cuts[0].number, 57);
    assert_int_equal(author->cuts[0].hash.b[1], 9);
    assert_int_equal(author->cuts[1].number, 3);
}

static void test_an_invite_ends_when_it_is_used(void **state)
{
    const struct seat_invite *invite =
        membership_invite(&w.now, &(struct invite_id){{7, 3}});
    struct membership before;

    assert_non_null(invite);
    assert_int_equal(invite->state, INVITE_USED);
    assert_int_equal(invite->role, ROLE_SCHOOL);
    assert_int_equal(invite->expires_ms, 1700000000003);
    assert_int_equal(invite->door.b[1], 3);

    chain_fold(&w, ADMITTED_3, w.keys_at, &before);
    invite = membership_invite(&before, &(struct invite_id){{7, 3}});
    assert_int_equal(invite->state, INVITE_OPEN);
    membership_clear(&before);
}

static void test_a_member_folds_what_the_chair_has(void **state)
{
    struct space_keys keys[STORY];
    struct membership seen;

    for (size_t i = 0; i < STORY; i++)
        keys[i] = open_box(i < REMOVED_1 ? ADMITTED_2 : REMOVED_1, &w.party[2]);
    chain_fold(&w, STORY, keys, &seen);
    assert_same_state(&seen, &w.now);
    membership_clear(&seen);
}

static void test_a_newcomer_with_its_one_box_folds_the_same(void **state)
{
    struct space_keys keys[STORY];
    struct space_keys newest = open_box(ADMITTED_3, &w.party[3]);
    struct space_keys retired;
    struct epoch rotation = epoch_at(REMOVED_1);
    struct membership seen;

    assert_int_equal(newest.number, 1);
    assert_int_equal(epoch_open_history(&rotation, &newest.history, &retired),
                     COVEY_OK);
    assert_int_equal(retired.number, 0);
    for (size_t i = 0; i < STORY; i++) {
        struct epoch e = epoch_at(i);

        keys[i] = i < REMOVED_1 ? retired : newest;
        assert_true(epoch_key_matches(&e, &keys[i].key));
    }
    chain_fold(&w, STORY, keys, &seen);
    assert_same_state(&seen, &w.now);
    membership_clear(&seen);
}

static void test_every_node_finds_its_own_box_and_no_other(void **state)
{
    struct epoch e = epoch_at(REMOVED_1);
    struct space_keys keys;

    for (size_t i = 0; i < PARTIES; i++) {
        enum covey_rc rc =
            epoch_open_box(&e, &w.party[i].secrets.reading, &keys);

        assert_int_equal(rc, i == 0 || i == 2 ? COVEY_OK : COVEY_ENONE);
    }
}

static void test_who_was_removed_reads_no_further(void **state)
{
    struct epoch e = epoch_at(REMOVED_1);
    struct space_keys old = w.keys_at[ADMITTED_1];
    struct membership before;
    struct membership next;

    chain_fold(&w, REMOVED_1, w.keys_at, &before);
    membership_init(&next, &w.mem);
    assert_false(epoch_key_matches(&e, &old.key));
    assert_int_equal(epoch_apply(&before, &e, &old, &next), COVEY_EFORGED);
    membership_clear(&next);

    /* The clear part still tells it that it is out. */
    assert_int_equal(epoch_apply(&before, &e, NULL, &next), COVEY_OK);
    assert_false(next.readable);
    assert_true(membership_author(&next, &w.party[1].author.key)->cut);
    membership_clear(&next);
    membership_clear(&before);
}

/* So the chair does not forget it, whoever that is then. */
static void test_from_now_on_holds_at_every_later_key(void **state)
{
    struct plan node = {.count = 0}, boxes = {.count = 0};
    struct space_keys keys = chain_next_keys(&w);
    struct covey_buf out = chain_buf(&w);
    struct membership next;

    plan_node(&node, &w.party[3])->from_now_on = true;
    chain_grow(&w, &node);
    plan_box(&boxes, &w.party[0], true);
    plan_box(&boxes, &w.party[3], true);
    assert_int_equal(chain_try(&w, &boxes, &keys, &w.keys, &next, &out),
                     COVEY_EREFUSED);
    assert_non_null(strstr(chain_why.text, "read back"));
    membership_clear(&next);
    boxes.boxes[1].history = false;
    assert_int_equal(chain_try(&w, &boxes, &keys, &w.keys, &next, &out),
                     COVEY_OK);
    membership_clear(&next);
    buf_clear(&out);
}

static void test_from_now_on_means_no_way_back(void **state)
{
    struct plan plan = {.count = 0};
    struct space_keys keys = chain_next_keys(&w);
    struct space_keys found;
    struct space_keys retired;
    struct membership next;
    struct covey_buf out = chain_buf(&w);
    struct epoch e;

    plan_node(&plan, &w.party[3])->from_now_on = true;
    plan_box(&plan, &w.party[0], true);
    plan_box(&plan, &w.party[3], false);
    assert_int_equal(chain_try(&w, &plan, &keys, &w.keys, &next, &out),
                     COVEY_OK);
    assert_int_equal(epoch_read(buf_bytes(&out), &e), COVEY_OK);

    assert_int_equal(epoch_open_box(&e, &w.party[3].secrets.reading, &found),
                     COVEY_OK);
    assert_memory_equal(&found.key, &keys.key, 32);
    assert_true(sodium_is_zero(found.history.b, sizeof found.history.b));
    assert_int_equal(epoch_open_history(&e, &found.history, &retired),
                     COVEY_EFORGED);

    assert_int_equal(epoch_open_box(&e, &w.party[0].secrets.reading, &found),
                     COVEY_OK);
    assert_int_equal(epoch_open_history(&e, &found.history, &retired),
                     COVEY_OK);
    assert_memory_equal(&retired, &w.keys, sizeof retired);
    membership_clear(&next);
    buf_clear(&out);
}

static void test_an_epoch_that_keeps_its_key_retires_none(void **state)
{
    struct epoch e = epoch_at(ADMITTED_3);
    struct space_keys retired;

    assert_int_equal(epoch_open_history(&e, &w.keys.history, &retired),
                     COVEY_ENONE);
}

/* ---- carriers ---- */

static void test_a_carrier_folds_the_clear_part_alone(void **state)
{
    struct membership seen;

    chain_fold(&w, STORY, NULL, &seen);
    assert_false(seen.readable);
    assert_true(hash_equal(&seen.head, &w.now.head));
    assert_int_equal(seen.number, w.now.number);
    assert_int_equal(seen.key_number, w.now.key_number);
    assert_int_equal(membership_next_slot(&seen), 4);
    assert_int_equal(seen.author_count, w.now.author_count);
    for (size_t i = 0; i < seen.author_count; i++)
        assert_memory_equal(&seen.authors[i], &w.now.authors[i],
                            sizeof seen.authors[i]);
    assert_int_equal(seen.carrier_count, 1);
    assert_memory_equal(&seen.carriers[0].key, &w.now.carriers[0].key, 32);
    assert_true(seen.carriers[0].present);
    assert_int_equal(seen.invite_count, w.now.invite_count);
    for (size_t i = 0; i < seen.invite_count; i++) {
        assert_memory_equal(&seen.invites[i].id, &w.now.invites[i].id, 16);
        assert_memory_equal(&seen.invites[i].door, &w.now.invites[i].door, 32);
        assert_int_equal(seen.invites[i].state, w.now.invites[i].state);
        assert_int_equal(seen.invites[i].role, ROLE_COUNT);
    }
    membership_clear(&seen);
}

static void test_a_carrier_learns_no_name(void **state)
{
    struct membership seen;

    chain_fold(&w, STORY, NULL, &seen);
    assert_string_equal(seen.name, "");
    assert_int_equal(seen.seat_count, 0);
    assert_int_equal(seen.node_count, 0);
    assert_string_equal(seen.carriers[0].name, "");
    assert_string_equal(seen.carriers[0].address, "");
    membership_clear(&seen);

    static const char *const words[] = {"Sandy", "North", "County", "4747"};

    for (size_t i = 0; i < STORY; i++) {
        for (size_t word = 0; word < 4; word++)
            assert_null(memmem(w.epochs[i].p, w.epochs[i].len, words[word],
                               strlen(words[word])));
        for (size_t p = 0; p < PARTIES; p++)
            assert_null(memmem(w.epochs[i].p, w.epochs[i].len,
                               w.party[p].id.member.b, 32));
    }
}

static void test_keys_on_a_clear_fold_wait_for_the_rest(void **state)
{
    struct epoch e = epoch_at(INVITED_1);
    struct membership seen;
    struct membership next;

    chain_fold(&w, INVITED_1, NULL, &seen);
    membership_init(&next, &w.mem);
    assert_int_equal(epoch_apply(&seen, &e, &w.keys_at[INVITED_1], &next),
                     COVEY_ENOTYET);
    membership_clear(&next);
    membership_clear(&seen);
}

/* ---- keys and commitments ---- */

static void test_a_key_must_be_the_one_committed_to(void **state)
{
    struct epoch e = epoch_at(INVITED_2);
    struct space_keys keys = w.keys_at[INVITED_2];
    struct membership before;
    struct membership next;

    chain_fold(&w, INVITED_2, w.keys_at, &before);
    membership_init(&next, &w.mem);
    for (size_t i = 0; i < sizeof keys.key.b; i++) {
        keys.key.b[i] ^= 1;
        assert_false(epoch_key_matches(&e, &keys.key));
        assert_int_equal(epoch_apply(&before, &e, &keys, &next), COVEY_EFORGED);
        membership_clear(&next);
        keys.key.b[i] ^= 1;
    }
    assert_int_equal(epoch_apply(&before, &e, &keys, &next), COVEY_OK);
    membership_clear(&next);
    membership_clear(&before);
}

static void test_one_key_is_committed_to_anew_in_each_epoch(void **state)
{
    struct epoch a = epoch_at(INVITED_1);
    struct epoch b = epoch_at(ADMITTED_1);

    assert_true(epoch_key_matches(&a, &w.keys_at[0].key));
    assert_true(epoch_key_matches(&b, &w.keys_at[0].key));
    assert_false(hash_equal(&a.commitment, &b.commitment));
}

/* ---- order ---- */

static void test_an_epoch_follows_one_parent_only(void **state)
{
    for (size_t at = 0; at < STORY; at++) {
        struct membership before;

        chain_fold(&w, at, w.keys_at, &before);
        for (size_t i = 0; i < STORY; i++) {
            struct epoch e = epoch_at(i);
            struct membership next;

            assert_int_equal(epoch_verify(&before, &e),
                             i == at ? COVEY_OK : COVEY_ENOTYET);
            if (i == at)
                continue;
            membership_init(&next, &w.mem);
            assert_int_equal(epoch_apply(&before, &e, NULL, &next),
                             COVEY_ENOTYET);
            membership_clear(&next);
        }
        membership_clear(&before);
    }
}

static void test_a_rival_of_the_same_parent_has_other_children(void **state)
{
    struct plan plan = {.count = 0};
    struct covey_buf rival_bytes = chain_buf(&w);
    struct covey_buf child_bytes = chain_buf(&w);
    struct membership before;
    struct membership rival;
    struct membership child;
    struct membership now = w.now;
    struct epoch e;

    chain_fold(&w, ADMITTED_3, w.keys_at, &before);
    plan_invite(&plan, 9, ROLE_BOARD);
    assert_int_equal(chain_try(&w, &plan, &w.keys, NULL, &child, &child_bytes),
                     COVEY_OK);
    w.now = before;
    assert_int_equal(chain_try(&w, &plan, &w.keys, NULL, &rival, &rival_bytes),
                     COVEY_OK);
    w.now = now;
    assert_int_equal(rival.number, w.now.number);

    assert_int_equal(epoch_read(buf_bytes(&rival_bytes), &e), COVEY_OK);
    assert_int_equal(epoch_verify(&before, &e), COVEY_OK);
    assert_int_equal(epoch_read(buf_bytes(&child_bytes), &e), COVEY_OK);
    assert_int_equal(epoch_verify(&w.now, &e), COVEY_OK);
    assert_int_equal(epoch_verify(&rival, &e), COVEY_ENOTYET);
    e.number++; /* the parent's hash alone does not do either */
    assert_int_equal(epoch_verify(&w.now, &e), COVEY_ENOTYET);
    membership_clear(&rival);
    membership_clear(&child);
    membership_clear(&before);
    buf_clear(&rival_bytes);
    buf_clear(&child_bytes);
}

/* ---- tampering ---- */

/* Does anything of these bytes get past all three steps? */
static enum covey_rc take(const struct membership *parent,
                          struct covey_bytes in, const struct space_keys *keys)
{
    struct membership next;
    struct epoch e;
    enum covey_rc rc = epoch_read(in, &e);

    if (rc == COVEY_OK)
        rc = epoch_verify(parent, &e);
    if (rc != COVEY_OK)
        return rc;
    membership_init(&next, &w.mem);
    rc = epoch_apply(parent, &e, keys, &next);
    membership_clear(&next);
    return rc;
}

static void test_no_byte_of_an_epoch_can_be_changed(void **state)
{
    for (size_t at = 0; at < STORY; at++) {
        struct covey_bytes bytes = buf_bytes(&w.epochs[at]);
        struct membership before;

        chain_fold(&w, at, w.keys_at, &before);
        assert_int_equal(take(&before, bytes, &w.keys_at[at]), COVEY_OK);
        for (size_t i = 0; i < bytes.len; i++) {
            uint8_t *p = w.epochs[at].p + i;
            uint8_t was = *p;

            *p ^= (uint8_t)(1u << i % 8);
            assert_int_not_equal(take(&before, bytes, &w.keys_at[at]),
                                 COVEY_OK);
            assert_int_not_equal(take(&before, bytes, NULL), COVEY_OK);
            *p = was;
        }
        membership_clear(&before);
    }
}

/* ---- memory ---- */

static void test_writing_without_memory_leaves_nothing_behind(void **state)
{
    struct plan plan = {.count = 0};
    struct space_keys keys = chain_next_keys(&w);
    enum covey_rc rc = COVEY_ENOMEM;
    int live = w.counter.live;
    int n = 0;

    plan_remove(&plan, &w, &w.party[3]);
    plan_invite(&plan, 4, ROLE_SCHOOL);
    while (rc == COVEY_ENOMEM) {
        struct covey_buf out = chain_buf(&w);
        struct membership next;

        w.counter.calls = 0;
        w.counter.fail_at = ++n;
        rc = chain_try(&w, &plan, &keys, &w.keys, &next, &out);
        w.counter.fail_at = 0;
        membership_clear(&next);
        buf_clear(&out);
        assert_int_equal(w.counter.live, live);
    }
    assert_int_equal(rc, COVEY_OK);
    assert_true(w.counter.calls < n); /* it had all it asked for */
    assert_in_range(n, 20, 200);
}

static void test_applying_without_memory_leaves_nothing_behind(void **state)
{
    int live = w.counter.live;

    for (size_t at = 0; at < 2 * STORY; at++) {
        struct epoch e = epoch_at(at / 2);
        const struct space_keys *keys = at % 2 ? &w.keys_at[at / 2] : NULL;
        struct membership before;
        enum covey_rc rc = COVEY_ENOMEM;
        int n = 0;

        chain_fold(&w, at / 2, w.keys_at, &before);
        while (rc == COVEY_ENOMEM) {
            struct membership next;

            membership_init(&next, &w.mem);
            w.counter.calls = 0;
            w.counter.fail_at = ++n;
            rc = epoch_apply(&before, &e, keys, &next);
            w.counter.fail_at = 0;
            membership_clear(&next);
        }
        assert_int_equal(rc, COVEY_OK);
        assert_true(w.counter.calls < n); /* it had all it asked for */
        assert_true(n > 1);
        membership_clear(&before);
        assert_int_equal(w.counter.live, live);
    }
}

#define story_test(f) cmocka_unit_test_setup_teardown(f, tell_story, end_story)

int main(void)
{
    const struct CMUnitTest tests[] = {
        story_test(test_the_chain_says_who_belongs),
        story_test(test_who_was_removed_is_cut_where_the_epoch_says),
        story_test(test_an_invite_ends_when_it_is_used),
        story_test(test_a_member_folds_what_the_chair_has),
        story_test(test_a_newcomer_with_its_one_box_folds_the_same),
        story_test(test_every_node_finds_its_own_box_and_no_other),
        story_test(test_who_was_removed_reads_no_further),
        story_test(test_from_now_on_means_no_way_back),
        story_test(test_from_now_on_holds_at_every_later_key),
        story_test(test_an_epoch_that_keeps_its_key_retires_none),
        story_test(test_a_carrier_folds_the_clear_part_alone),
        story_test(test_a_carrier_learns_no_name),
        story_test(test_keys_on_a_clear_fold_wait_for_the_rest),
        story_test(test_a_key_must_be_the_one_committed_to),
        story_test(test_one_key_is_committed_to_anew_in_each_epoch),
        story_test(test_an_epoch_follows_one_parent_only),
        story_test(test_a_rival_of_the_same_parent_has_other_children),
        story_test(test_no_byte_of_an_epoch_can_be_changed),
        story_test(test_writing_without_memory_leaves_nothing_behind),
        story_test(test_applying_without_memory_leaves_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
