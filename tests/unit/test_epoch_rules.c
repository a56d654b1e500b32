/* What no epoch may say, whoever signs it: refused by its writer in words, and
 * by its readers when a chair writes it all the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/epoch.h"
#include "proto/message.h"
#include "proto/wire.h"
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

/* ---- roles ---- */

static void test_a_space_has_exactly_one_chair(void **state)
{
    struct plan two = {.count = 0};
    struct plan none = {.count = 0};
    struct plan gone = {.count = 0};
    struct epoch_change *change = plan_add(&two, EPOCH_ROLE);

    change->slot = 1;
    change->role = ROLE_CHAIR;
    refused(&w, &two, "one chair");

    plan_author(&none, &w.party[0], ROLE_SCHOOL);
    change = plan_add(&none, EPOCH_ROLE);
    change->slot = 0;
    change->role = ROLE_SCHOOL;
    refused_by_all(&w, &none, "without a chair");

    plan_remove(&gone, &w, &w.party[0]);
    refused_rotating(&w, &gone, COVEY_EBAD, "without a chair");
}

static void test_only_who_is_there_changes_its_role(void **state)
{
    struct plan plan = {.count = 0};
    struct epoch_change *change = plan_add(&plan, EPOCH_ROLE);

    change->slot = 2;
    change->role = ROLE_SCHOOL;
    refused(&w, &plan, "no member holds");
}

static void test_the_kind_of_a_space_never_changes(void **state)
{
    struct plan plan = {.count = 0};

    plan_terms(&plan)->space_kind = SPACE_CLUSTER;
    refused(&w, &plan, "never changes");
}

/* ---- leaving ---- */

static void test_a_removal_brings_a_new_key(void **state)
{
    struct plan plan = {.count = 0};

    plan_remove(&plan, &w, &w.party[1]);
    refused_by_all(&w, &plan, "would keep the key");
}

static void test_who_leaves_is_cut_and_who_is_cut_must_be_known(void **state)
{
    struct plan uncut = {.count = 0};
    struct plan unknown = {.count = 0};
    struct plan twice = {.count = 0};

    plan_box(&uncut, &w.party[0], true);
    plan_add(&uncut, EPOCH_SEAT_END)->slot = 1;
    refused_rotating(&w, &uncut, COVEY_OK, "must be cut");

    plan_box(&unknown, &w.party[0], true);
    plan_cut(&unknown, &w.party[4]);
    refused_rotating(&w, &unknown, COVEY_EBAD, "not listed");

    plan_remove(&twice, &w, &w.party[1]);
    plan_add(&twice, EPOCH_SEAT_END)->slot = 1;
    refused_rotating(&w, &twice, COVEY_OK, "no member holds");
}

static void test_a_cut_names_each_log_once_with_a_number(void **state)
{
    static const struct log_cut same[2] = {{.number = 1}, {.number = 2}};
    static const struct log_cut zero[1] = {{.number = 0}};
    struct log_cut many[CUTS_MAX + 1] = {{.number = 0}};
    struct plan plan = {.count = 0};

    plan_remove(&plan, &w, &w.party[1]);
    plan.changes[0].cuts = same;
    refused_rotating(&w, &plan, COVEY_EBAD, "each once");
    plan.changes[0].cuts = zero;
    plan.changes[0].cut_count = 1;
    refused_rotating(&w, &plan, COVEY_EBAD, "wrong kind");
    for (uint8_t i = 0; i <= CUTS_MAX; i++) {
        many[i].incarnation.b[0] = i;
        many[i].number = 1;
    }
    plan.changes[0].cuts = many;
    plan.changes[0].cut_count = CUTS_MAX + 1;
    refused_rotating(&w, &plan, COVEY_EBAD, "more logs");
    plan.changes[0].cut_count = CUTS_MAX;
    chain_rotate(&w, &plan);
    assert_int_equal(w.now.authors[1].cut_count, CUTS_MAX);
}

static void test_the_new_key_does_not_go_to_who_is_removed(void **state)
{
    struct plan plan = {.count = 0};
    struct space_keys keys = chain_next_keys(&w);

    plan_remove(&plan, &w, &w.party[1]);
    plan_box(&plan, &w.party[1], true);
    assert_unwritten(&w, &plan, &keys, &w.keys, "not present");
    plan.box_count = 0;
    plan_box(&plan, &w.party[5], true);
    assert_unwritten(&w, &plan, &keys, &w.keys, "not present");
}

/* ---- carriers, erasures ---- */

static void test_a_carrier_begins_once_and_ends_once(void **state)
{
    struct plan plan = {.count = 0};
    struct epoch_change *change = plan_add(&plan, EPOCH_CARRIER);

    change->carrier = carrier_of(1);
    refused_by_all(&w, &plan, "already");
    change->op = EPOCH_CARRIER_END;
    change->carrier = carrier_of(2);
    refused_by_all(&w, &plan, "does not carry");
    change->op = EPOCH_CARRIER_NAME;
    change->name = "Relay";
    refused(&w, &plan, "does not carry");
    change->name = "";
    refused(&w, &plan, "UTF-8");
    change->name = "Relay";
    change->carrier = carrier_of(1);
    change->address = "relay.example";
    refused(&w, &plan, "HOST:PORT");
}

static void test_an_erasure_names_parts_in_order(void **state)
{
    static const uint32_t parts[] = {2, 2, 0, 1024};
    struct plan plan = {.count = 0};
    struct epoch_change *change = plan_add(&plan, EPOCH_ERASE);

    change->parts = parts;
    refused_by_all(&w, &plan, "wrong kind"); /* none */
    change->part_count = 2;
    refused_by_all(&w, &plan, "wrong kind"); /* one twice */
    change->parts = parts + 2;
    change->part_count = 1;
    refused_by_all(&w, &plan, "wrong kind"); /* part 0 holds no words */
    change->parts = parts + 3;
    refused_by_all(&w, &plan, "wrong kind"); /* no change set has so many */
}

static void test_the_salt_comes_first_and_once(void **state)
{
    struct plan plan = {.count = 0};

    plan_add(&plan, EPOCH_SALT);
    refused_by_all(&w, &plan, "nowhere else");
}

/* ---- what a writer is told ---- */

static void test_a_writer_must_hold_the_keys_in_force(void **state)
{
    struct plan plan = {.count = 0};
    struct space_keys other = w.keys;
    struct space_keys next = chain_next_keys(&w);

    plan_invite(&plan, 4, ROLE_SCHOOL);
    other.number++;
    assert_unwritten(&w, &plan, &other, NULL, "not the one in use");
    assert_unwritten(&w, &plan, &next, &next, "not the one in use");
    assert_unwritten(&w, &plan, &w.keys, &w.keys, "not the one in use");
    assert_unwritten(&w, &plan, &next, &w.keys, "nobody gets");
}

static void test_a_writer_must_be_able_to_read_and_sign(void **state)
{
    struct plan plan = {.count = 0};
    struct party chair = w.party[0];

    plan_invite(&plan, 4, ROLE_SCHOOL);
    w.party[0].author = w.party[5].author;
    assert_unwritten(&w, &plan, &w.keys, NULL, "may not sign");
    w.party[0] = chair;
    w.now.readable = false;
    assert_unwritten(&w, &plan, &w.keys, NULL, "cannot read");
    w.now.readable = true;
    w.now.rules_version = RULES_VERSION + 1;
    assert_unwritten(&w, &plan, &w.keys, NULL, "newer version");
    w.now.rules_version = RULES_VERSION;
}

static void test_who_was_removed_writes_no_epoch(void **state)
{
    struct plan removed = {.count = 0};
    struct plan plan = {.count = 0};
    struct party chair = w.party[0];

    plan_remove(&removed, &w, &w.party[1]);
    chain_rotate(&w, &removed);
    plan_invite(&plan, 4, ROLE_SCHOOL);
    w.party[0].author = w.party[1].author;
    assert_unwritten(&w, &plan, &w.keys, NULL, "may not sign");
    w.party[0] = chair;
}

/* A space named after one member, whose first epoch seats another as chair. */
static void test_a_founder_is_chair(void **state)
{
    struct plan plan = {.count = 0};
    struct membership now = w.now;
    struct space_keys keys = w.keys_at[0];

    membership_init(&w.now, &w.mem);
    w.now.space = now.space;
    plan_genesis(&plan, &w);
    plan.changes[1].rights = RIGHT_VOTES;
    plan.changes[3].role = ROLE_SCHOOL;
    plan_author(&plan, &w.party[1], ROLE_CHAIR);
    plan_seat(&plan, &w.party[1], ROLE_CHAIR);
    plan_node(&plan, &w.party[1]);
    assert_unwritten(&w, &plan, &keys, NULL, "may not sign");
    assert_unwritten(&w, &plan, &keys, &keys, "no key to retire");
    w.now = now;
}

static void test_what_one_epoch_cannot_hold_is_said(void **state)
{
    static struct epoch_change many[EPOCH_CHANGES_MAX + 1];
    struct epoch_draft draft = {
        .changes = many,
        .change_count = EPOCH_CHANGES_MAX + 1,
        .signer = &w.party[0].author,
        .keys = &w.keys,
    };
    struct membership next;
    struct covey_buf out = chain_buf(&w);

    for (size_t i = 0; i <= EPOCH_CHANGES_MAX; i++)
        many[i] = (struct epoch_change){
            .op = EPOCH_CARRIER,
            .carrier = {{9, (uint8_t)(i >> 8), (uint8_t)i}}};
    membership_init(&next, &w.mem);
    assert_int_equal(
        epoch_write(&w.now, &draft, &w.rng, &next, &out, &chain_why),
        COVEY_EREFUSED);
    assert_non_null(strstr(chain_why.text, "one epoch can hold"));
    draft.change_count--;
    assert_int_equal(
        epoch_write(&w.now, &draft, &w.rng, &next, &out, &chain_why), COVEY_OK);
    buf_clear(&out);
    buf_init(&out, &w.mem, 1000);
    assert_int_equal(
        epoch_write(&w.now, &draft, &w.rng, &next, &out, &chain_why),
        COVEY_ELIMIT);
    assert_non_null(strstr(chain_why.text, "one epoch can hold"));
    membership_clear(&next);
    buf_clear(&out);
}

static void test_a_list_that_is_full_is_said_to_be(void **state)
{
    struct plan plan = {.count = 0};
    struct membership next;
    struct covey_buf out = chain_buf(&w);

    for (uint32_t i = 1; i < MEMBERSHIP_MAX; i++) {
        struct seat_carrier *carrier;

        assert_int_equal(membership_add_carrier(&w.now, &carrier), COVEY_OK);
        put_u32(carrier->key.b, i);
    }
    plan_add(&plan, EPOCH_CARRIER)->carrier = carrier_of(9);
    assert_int_equal(chain_try(&w, &plan, &w.keys, NULL, &next, &out),
                     COVEY_ELIMIT);
    assert_non_null(strstr(chain_why.text, "as many"));
    membership_clear(&next);
    buf_clear(&out);
}

/* Each part within its limit, and all of them together not: an epoch goes to
 * others as one binary of a message. */
static void test_what_can_be_written_can_be_sent(void **state)
{
    static struct epoch_change many[500];
    static struct epoch_box_for boxes[700];
    const struct blind blind = {{0}};
    char name[MEMBER_NAME_MAX + 1];
    struct epoch_draft draft = {
        .changes = many,
        .change_count = 500,
        .signer = &w.party[0].author,
        .boxes = boxes,
        .box_count = 700,
        .keys = &w.keys,
    };
    struct plan plan = {.count = 0};
    struct membership next;
    struct covey_buf out, body;
    size_t longest = 0;

    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    plan_seat(&plan, &w.party[1], ROLE_SCHOOL)->name = name;
    plan_box(&plan, &w.party[1], true);
    for (size_t i = 0; i < 500; i++)
        many[i] = plan.changes[0];
    for (size_t i = 0; i < 700; i++)
        boxes[i] = plan.boxes[0];
    buf_init(&out, &w.mem, 2 * EPOCH_MAX);
    buf_init(&body, &w.mem, message_max(MESSAGE_EPOCHS));
    membership_init(&next, &w.mem);
    for (; longest == 0; draft.box_count -= 50) {
        enum covey_rc rc =
            epoch_write(&w.now, &draft, &w.rng, &next, &out, &chain_why);

        longest = out.len;
        if (longest > 0)
            break;
        assert_int_equal(rc, COVEY_ELIMIT);
        assert_non_null(strstr(chain_why.text, "one epoch can hold"));
    }
    assert_in_range(longest, EPOCH_MAX * 3 / 4, EPOCH_MAX);
    epochs_begin(&body, &blind, 1);
    wire_bin(&body, out.p, out.len);
    assert_int_equal(buf_rc(&body), COVEY_OK);
    membership_clear(&next);
    buf_clear(&out);
    buf_clear(&body);
}

#define world_test(f) cmocka_unit_test_setup_teardown(f, settle, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_a_space_has_exactly_one_chair),
        world_test(test_only_who_is_there_changes_its_role),
        world_test(test_the_kind_of_a_space_never_changes),
        world_test(test_a_removal_brings_a_new_key),
        world_test(test_who_leaves_is_cut_and_who_is_cut_must_be_known),
        world_test(test_a_cut_names_each_log_once_with_a_number),
        world_test(test_the_new_key_does_not_go_to_who_is_removed),
        world_test(test_a_carrier_begins_once_and_ends_once),
        world_test(test_an_erasure_names_parts_in_order),
        world_test(test_the_salt_comes_first_and_once),
        world_test(test_a_writer_must_hold_the_keys_in_force),
        world_test(test_a_writer_must_be_able_to_read_and_sign),
        world_test(test_who_was_removed_writes_no_epoch),
        world_test(test_a_founder_is_chair),
        world_test(test_what_one_epoch_cannot_hold_is_said),
        world_test(test_a_list_that_is_full_is_said_to_be),
        world_test(test_what_can_be_written_can_be_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
