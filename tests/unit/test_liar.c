/* test_liar.c - what a member's own software may send, and what a node makes of
 * it: taken in and void, or refused with a reason; never a difference between
 * two nodes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/node_internal.h"
#include "support_trio.h"
#include "support_wire.h"

static void assert_refused(const struct header *h, struct covey_bytes payload,
                           const struct signature *signature,
                           enum session_close_code code)
{
    assert_false(trio_send_one(h, payload, signature));
    assert_true(trio.liar.v.down);
    assert_int_equal(trio.liar.v.code, code);
    assert_string_not_equal(trio.liar.v.text, "");
    trio_assert_both(0, 0, 0);
}

static void test_what_is_honest_counts(void **state)
{
    struct header h = voice_header(&trio.liar.v, 1);
    struct covey_bytes payload = trio_honest(&h);

    assert_true(trio_send_one(&h, payload, NULL));
    trio_assert_both(1, 0, 1);
}

static void test_a_row_told_of_twice_is_void(void **state)
{
    struct header h = voice_header(&trio.liar.v, 1);
    struct covey_bytes rows[3] = {
        trio_priority(&trio.liar.v.tag, 1, "one"),
        trio_priority(&trio.liar.v.tag, 2, "another"),
        trio_priority(&trio.liar.v.tag, 1, "one, told again")};
    struct covey_buf payload;

    voice_seal(&trio.liar.v, &h, rows, 3, &payload);
    assert_true(trio_send_one(&h, buf_bytes(&payload), NULL));
    trio_assert_both(1, 1, 0);
    buf_clear(&payload);
}

static void test_a_row_in_another_members_name_is_void(void **state)
{
    struct member_tag tag = trio.liar.v.tag;
    struct header h = voice_header(&trio.liar.v, 1);
    struct covey_buf payload;

    tag.b[0] ^= 1;
    struct covey_bytes rows[2] = {trio_priority(&tag, 1, "not mine"),
                                  trio_priority(&tag, 2, "nor this")};
    voice_seal(&trio.liar.v, &h, rows, 2, &payload);
    assert_true(trio_send_one(&h, buf_bytes(&payload), NULL));
    trio_assert_both(1, 1, 0);
    buf_clear(&payload);
}

static void test_a_row_of_no_form_is_void(void **state)
{
    struct header h = voice_header(&trio.liar.v, 1);
    struct covey_bytes row = {(const uint8_t *)"\x93\x01\x02\x03", 4};
    struct covey_buf payload;

    voice_seal(&trio.liar.v, &h, &row, 1, &payload);
    assert_true(trio_send_one(&h, buf_bytes(&payload), NULL));
    trio_assert_both(1, 1, 0);
    buf_clear(&payload);
}

static void test_a_payload_under_another_key_is_void(void **state)
{
    struct header h = voice_header(&trio.liar.v, 1);
    struct seed key = trio.liar.v.key;

    trio.liar.v.key.b[0] ^= 1;
    struct covey_bytes payload = trio_honest(&h);
    trio.liar.v.key = key;
    assert_true(trio_send_one(&h, payload, NULL));
    trio_assert_both(1, 1, 0);
}

/* Only an order to erase takes a part out: nobody's copy on the way is short of
 * one, though its author signed it so. */
static void test_a_payload_short_of_a_part_is_refused(void **state)
{
    struct header h = voice_header(&trio.liar.v, 1);
    struct covey_buf erased;

    buf_init(&erased, &support_heap, HEADER_PAYLOAD_MAX);
    assert_int_equal(changeset_erase(trio_honest(&h), 1, &erased), COVEY_OK);
    h.payload_len = (uint32_t)erased.len;
    assert_refused(&h, buf_bytes(&erased), NULL, SESSION_CLOSE_PROTOCOL);
    buf_clear(&erased);
}

static void test_a_clock_that_is_not_due_is_refused(void **state)
{
    struct header h = voice_header(&trio.liar.v, 1);

    h.clock = 1u << 20;
    assert_refused(&h, trio_honest(&h), NULL, SESSION_CLOSE_FORGED);
}

static void test_a_citation_of_nothing_is_refused(void **state)
{
    struct header h = voice_header(&trio.liar.v, 1);

    h.cite_count = 1;
    h.cites[0].b[0] = 7;
    assert_refused(&h, trio_honest(&h), NULL, SESSION_CLOSE_INCOMPLETE);
}

static void test_a_log_with_a_gap_is_refused(void **state)
{
    struct header h = voice_header(&trio.liar.v, 1);

    h.number = 2;
    h.previous.b[0] = 7;
    assert_refused(&h, trio_honest(&h), NULL, SESSION_CLOSE_INCOMPLETE);
}

static void test_a_log_that_begins_in_the_middle_is_refused(void **state)
{
    struct header h = voice_header(&trio.liar.v, 1);

    h.number = 2;
    assert_refused(&h, trio_honest(&h), NULL, SESSION_CLOSE_FORGED);
}

/* Its first change set knows the newest membership, the next one does not. */
/* The next in a log need not say what it follows: that is known, from this
 * batch or from before, or it cannot be taken in. */
static void test_what_a_set_follows_is_found_or_it_is_refused(void **state)
{
    struct header h[4];
    struct covey_buf payload[4];
    struct voice_set sets[4];
    struct voice *v = &trio.liar.v;

    for (uint8_t i = 0; i < 4; i++) {
        struct covey_bytes row = trio_priority(&v->tag, i, "in a row");

        h[i] = voice_header(v, 1);
        h[i].number = h[i].clock = i + 1u;
        if (i > 0)
            h[i].previous = header_hash(&h[i - 1]);
        voice_seal(v, &h[i], &row, 1, &payload[i]);
        sets[i] = (struct voice_set){&h[i], buf_bytes(&payload[i]), NULL};
    }
    v->chained = true;
    assert_true(liar_send(&trio.liar, &sets[0], 2));
    assert_true(liar_send(&trio.liar, &sets[2], 1));
    trio_assert_both(3, 0, 3);
    h[3].number = 5;
    assert_false(liar_send(&trio.liar, &sets[3], 1));
    assert_int_equal(v->code, SESSION_CLOSE_INCOMPLETE);
    trio_assert_both(3, 0, 3);
    for (size_t i = 0; i < 4; i++)
        buf_clear(&payload[i]);
}

static void test_going_back_to_an_older_membership_is_refused(void **state)
{
    struct header first = voice_header(&trio.liar.v, 1);
    struct header h = voice_header(&trio.liar.v, 1);

    assert_true(trio_send_one(&first, trio_honest(&first), NULL));
    h.number = 2;
    h.clock = 2;
    h.previous = header_hash(&first);
    h.epoch = trio.world.nodes[trio.alder].node->spaces->epochs[1].hash;
    assert_false(hash_equal(&h.epoch, &first.epoch));
    assert_false(trio_send_one(&h, trio_honest(&h), NULL));
    assert_int_equal(trio.liar.v.code, SESSION_CLOSE_FORGED);
    assert_string_equal(trio.liar.v.text,
                        "a log went back to an older membership");
    trio_assert_both(1, 0, 1);
}

static void test_another_spaces_change_set_is_refused(void **state)
{
    struct header h = voice_header(&trio.liar.v, 1);

    h.space.b[0] ^= 1;
    assert_refused(&h, trio_honest(&h), NULL, SESSION_CLOSE_FORGED);
}

static void test_another_authors_name_is_refused(void **state)
{
    struct seed seed = author_seed(&trio.world.nodes[trio.cedar].secrets.sign,
                                   trio.liar.v.space.b);
    struct header h = voice_header(&trio.liar.v, 1);
    struct sign_pair pair;

    sign_pair_from(&seed, &pair);
    struct covey_bytes payload = trio_honest(&h);
    struct signature own = header_sign(&h, &trio.liar.v.author);
    h.author = pair.key;
    assert_refused(&h, payload, &own, SESSION_CLOSE_FORGED);
}

/* The last of a log vouches for those before it, not the first for what comes
 * after. */
static void test_a_log_whose_last_signature_is_wrong_is_refused(void **state)
{
    struct header h[2] = {voice_header(&trio.liar.v, 1),
                          voice_header(&trio.liar.v, 1)};
    struct covey_bytes rows[2] = {trio_priority(&trio.liar.v.tag, 1, "one"),
                                  trio_priority(&trio.liar.v.tag, 2, "two")};
    struct covey_buf payloads[2];
    struct signature wrong;

    voice_seal(&trio.liar.v, &h[0], &rows[0], 1, &payloads[0]);
    h[1].number = 2;
    h[1].clock = 2;
    h[1].previous = header_hash(&h[0]);
    voice_seal(&trio.liar.v, &h[1], &rows[1], 1, &payloads[1]);
    wrong = header_sign(&h[0], &trio.liar.v.author);

    struct voice_set sets[2] = {{&h[0], buf_bytes(&payloads[0]), NULL},
                                {&h[1], buf_bytes(&payloads[1]), &wrong}};

    assert_false(liar_send(&trio.liar, sets, 2));
    assert_int_equal(trio.liar.v.code, SESSION_CLOSE_FORGED);
    trio_assert_both(0, 0, 0);
    buf_clear(&payloads[0]);
    buf_clear(&payloads[1]);
}

static void test_an_author_that_is_no_member_is_refused(void **state)
{
    struct seed seed = {{3}};
    struct header h = voice_header(&trio.liar.v, 1);
    struct sign_pair pair;

    sign_pair_from(&seed, &pair);
    h.author = pair.key;
    struct covey_bytes payload = trio_honest(&h);
    struct signature its = header_sign(&h, &pair);
    assert_refused(&h, payload, &its, SESSION_CLOSE_FORGED);
}

static void test_an_epoch_that_is_unknown_is_refused(void **state)
{
    struct header h = voice_header(&trio.liar.v, 1);

    h.epoch.b[0] ^= 1;
    assert_refused(&h, trio_honest(&h), NULL, SESSION_CLOSE_INCOMPLETE);
}

/* Number 1 of a log of the liar's that follows a log of somebody else's. */
static void test_following_anothers_log_is_refused(void **state)
{
    struct header h = voice_header(&trio.liar.v, 1);

    liar_leave(&trio.liar);
    nodes_sql(&trio.world, trio.cedar,
              "INSERT INTO priority(space, title, why)"
              " SELECT id, 'of cedar', 'b' FROM spaces");
    nodes_run(&trio.world, 3);
    liar_meet(&trio.liar, &trio.world, trio.birch, trio.alder, trio.space);
    assert_int_equal(trio.liar.v.head_count, 1);
    h.previous = trio.liar.v.heads[0].hash;
    h.clock = 2;
    assert_false(trio_send_one(&h, trio_honest(&h), NULL));
    assert_int_equal(trio.liar.v.code, SESSION_CLOSE_FORGED);
    assert_string_equal(trio.liar.v.text, "a log follows what is not its own");
    trio_assert_both(1, 0, 1);
}

static void test_a_log_that_follows_itself_is_refused(void **state)
{
    struct header first = voice_header(&trio.liar.v, 1);
    struct header h = voice_header(&trio.liar.v, 1);

    assert_true(trio_send_one(&first, trio_honest(&first), NULL));
    h.previous = header_hash(&first);
    h.clock = 2;
    assert_false(trio_send_one(&h, trio_honest(&h), NULL));
    assert_int_equal(trio.liar.v.code, SESSION_CLOSE_FORGED);
    trio_assert_both(1, 0, 1);
}

/* Two change sets with one number: neither is lost where they come. */
static void test_two_of_one_number_are_both_kept(void **state)
{
    for (size_t together = 1; together <= 2; together++) {
        struct header h[2] = {voice_header(&trio.liar.v, (uint8_t)together),
                              voice_header(&trio.liar.v, (uint8_t)together)};
        struct covey_bytes row[2] = {
            trio_priority(&trio.liar.v.tag, (uint8_t)(10 * together),
                          "one branch"),
            trio_priority(&trio.liar.v.tag, (uint8_t)(10 * together + 1),
                          "the other")};
        struct voice_set sets[2];
        struct covey_buf payload[2];

        for (size_t i = 0; i < 2; i++) {
            voice_seal(&trio.liar.v, &h[i], &row[i], 1, &payload[i]);
            sets[i] = (struct voice_set){&h[i], buf_bytes(&payload[i]), NULL};
        }
        for (size_t i = 0; i < 2; i += together)
            assert_true(liar_send(&trio.liar, &sets[i], together));
        for (size_t i = 0; i < 2; i++)
            buf_clear(&payload[i]);
        assert_int_equal(trio_count_of(trio.alder, "change_sets"),
                         2 * together);
        assert_int_equal(trio_count_of(trio.alder, "rows"), 2 * together);
    }
}

/* What was refused stands in nobody's way: the honest go on. */
static void test_after_a_lie_the_others_go_on(void **state)
{
    struct header h = voice_header(&trio.liar.v, 1);

    h.clock = 9;
    assert_refused(&h, trio_honest(&h), NULL, SESSION_CLOSE_FORGED);
    liar_leave(&trio.liar);
    nodes_start(&trio.world, trio.birch);
    nodes_sql(&trio.world, trio.birch,
              "INSERT INTO priority(space, title, why)"
              " SELECT id, 'of birch itself', 'b' FROM spaces");
    trio_assert_both(1, 0, 1);
}

#define T(test) cmocka_unit_test_setup_teardown(test, trio_setup, trio_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_what_is_honest_counts),
        T(test_a_row_told_of_twice_is_void),
        T(test_a_row_in_another_members_name_is_void),
        T(test_a_row_of_no_form_is_void),
        T(test_a_payload_under_another_key_is_void),
        T(test_a_payload_short_of_a_part_is_refused),
        T(test_a_clock_that_is_not_due_is_refused),
        T(test_a_citation_of_nothing_is_refused),
        T(test_a_log_with_a_gap_is_refused),
        T(test_a_log_that_begins_in_the_middle_is_refused),
        T(test_what_a_set_follows_is_found_or_it_is_refused),
        T(test_going_back_to_an_older_membership_is_refused),
        T(test_another_spaces_change_set_is_refused),
        T(test_another_authors_name_is_refused),
        T(test_a_log_whose_last_signature_is_wrong_is_refused),
        T(test_an_author_that_is_no_member_is_refused),
        T(test_an_epoch_that_is_unknown_is_refused),
        T(test_following_anothers_log_is_refused),
        T(test_a_log_that_follows_itself_is_refused),
        T(test_two_of_one_number_are_both_kept),
        T(test_after_a_lie_the_others_go_on),
    };

    return cmocka_run_group_tests_name("liar", tests, NULL, NULL);
}
