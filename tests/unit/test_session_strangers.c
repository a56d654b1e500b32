/* Who is not let in, and hears no more of a session than message 2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support_bytes.h"
#include "tests/unit/support_session.h"

#define T0 (100 * COVEY_SECOND) /* when a test's sessions are opened */
#define MESSAGE_2 50u           /* bytes of the one frame a stranger may get */

/* The initiator's bytes so far, as they would go over the wire. */
static struct covey_buf dialled(struct world *w)
{
    struct covey_buf out = bytes_buf();

    side_drain(&w->a, T0, &out);
    return out;
}

/* ---- who is not ---- */

static void test_who_dials_the_wrong_key_hears_nothing(void **state)
{
    struct world w;

    world_init(&w);
    w.a_config.remote.b[0] ^= 1;
    world_open(&w, T0);
    world_pump(&w, T0, 65536);
    assert_shut(&w.b, SESSION_CLOSE_STRANGER);
    assert_int_equal(w.b.out_bytes, 0);
    assert_int_equal(w.b.auths + w.a.ups + w.a.downs, 0);
    world_clear(&w);
}

static void test_an_unknown_invite_is_refused_in_silence(void **state)
{
    struct world w;

    world_init(&w);
    w.a_config.door = true;
    w.b.refuses = true;
    world_open(&w, T0);
    world_pump(&w, T0, 65536);
    assert_int_equal(w.b.asks, 1);
    assert_shut(&w.b, SESSION_CLOSE_STRANGER);
    assert_int_equal(w.b.out_bytes, 0);
    world_clear(&w);
}

static void test_a_wrong_psk_ends_after_message_2(void **state)
{
    struct world w;

    world_init(&w);
    w.a_config.door = true;
    w.a_config.psk.b[31] ^= 1;
    world_open(&w, T0);
    world_pump(&w, T0, 65536);
    assert_shut(&w.b, SESSION_CLOSE_STRANGER);
    assert_int_equal(w.b.auths, 0);
    assert_int_equal(w.b.out_bytes, MESSAGE_2);
    world_clear(&w);
}

static void test_a_refused_key_hears_message_2_and_no_more(void **state)
{
    struct world w;

    world_init(&w);
    w.b.refuses = true;
    world_open(&w, T0);
    world_pump(&w, T0, 65536);
    assert_int_equal(w.b.auths, 1);
    assert_shut(&w.b, SESSION_CLOSE_STRANGER);
    assert_int_equal(w.b.out_bytes, MESSAGE_2);
    assert_int_equal(w.a.ups, 0);
    world_clear(&w);
}

static void assert_third_is_refused(struct raw *r, struct world *w,
                                    struct covey_bytes payload)
{
    raw_third(r, payload);
    raw_feed(r, w, T0);
    assert_shut(&w->b, SESSION_CLOSE_STRANGER);
    assert_int_equal(w->b.auths, 0);
    assert_int_equal(session_waiting(w->b.s), 0);
    assert_int_equal(w->b.out_bytes, MESSAGE_2);
    raw_clear(r);
    world_clear(w);
}

/* kind | a proof of the world's space, made with the hash as it stands. */
static void claim_of(struct raw *r, const struct world *w, uint8_t kind,
                     uint8_t out[1 + PROOF_SIZE])
{
    struct blind blind =
        blind_space(noise_hash(&r->hs), &w->space, NOISE_INITIATOR);
    struct proof proof;
    struct carry carry;

    out[0] = kind;
    proof_make(noise_hash(&r->hs), &w->a_config.static_key, &blind, &w->author,
               &proof);
    carry_make(noise_hash(&r->hs), &w->space, &w->author, &carry);
    if (kind == 2)
        carry_write(&carry, out + 1);
    else
        proof_write(&proof, out + 1);
}

static void test_each_byte_of_a_proof_counts(void **state)
{
    for (uint8_t kind = 1; kind <= 2; kind++) {
        for (size_t at = 0; at < 1 + PROOF_SIZE; at++) {
            struct world w;
            struct raw r;
            uint8_t claim[1 + PROOF_SIZE];

            raw_greet(&r, &w, false, T0);
            claim_of(&r, &w, kind, claim);
            claim[at] ^= 0x40;
            assert_third_is_refused(&r, &w,
                                    (struct covey_bytes){claim, sizeof claim});
        }
    }
}

static void test_a_proof_of_another_session_is_refused(void **state)
{
    struct world w;
    struct raw r;
    uint8_t claim[1 + PROOF_SIZE];

    raw_greet(&r, &w, false, T0);
    r.hs.h[0] ^= 1;
    claim_of(&r, &w, 1, claim);
    r.hs.h[0] ^= 1;
    assert_third_is_refused(&r, &w, (struct covey_bytes){claim, sizeof claim});
}

static void test_message_3_has_two_lengths_only(void **state)
{
    static const size_t lengths[] = {1, 112, 114, 150};

    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct world w;
        struct raw r;
        uint8_t claim[150] = {0};

        raw_greet(&r, &w, false, T0);
        claim_of(&r, &w, 1, claim);
        assert_third_is_refused(&r, &w,
                                (struct covey_bytes){claim, lengths[i]});
    }
}

static void test_a_door_takes_no_proof(void **state)
{
    struct world w;
    struct raw r;
    uint8_t claim[1 + PROOF_SIZE];

    raw_greet(&r, &w, true, T0);
    claim_of(&r, &w, 1, claim);
    assert_third_is_refused(&r, &w, (struct covey_bytes){claim, sizeof claim});
}

static void test_who_answers_without_the_key_is_left(void **state)
{
    struct world w;
    uint8_t answer[MESSAGE_2] = {0, 48, 9};

    world_init(&w);
    world_open(&w, T0);

    struct covey_buf first = dialled(&w);

    side_feed(&w.a, (struct covey_bytes){answer, sizeof answer}, T0, &w);
    assert_shut(&w.a, SESSION_CLOSE_FORGED);
    assert_int_equal(session_waiting(w.a.s), 0);
    buf_clear(&first);
    world_clear(&w);
}

static void test_a_key_that_is_none_cannot_be_dialled(void **state)
{
    struct world w;

    world_init(&w);
    memset(w.a_config.remote.b, 0, sizeof w.a_config.remote.b);
    world_open(&w, T0);
    assert_int_equal(w.a.rc, COVEY_EFORGED);
    world_clear(&w);
}

/* ---- what strangers send ---- */

/* Let the session run out of time if it has not ended yet, and see that it
 * said no more than `most` bytes. */
static void assert_silent(struct side *d, size_t most)
{
    struct covey_buf out = bytes_buf();

    side_drain(d, T0, &out);
    assert_int_equal(d->rc, COVEY_OK);
    assert_int_equal(d->ups, 0);
    if (d->downs == 0)
        side_expire(d, T0 + SESSION_HELLO_WAIT);
    assert_int_equal(d->downs, 1);
    side_drain(d, T0, &out);
    assert_true(d->out_bytes <= most);
    buf_clear(&out);
}

static void test_each_byte_of_message_1_counts(void **state)
{
    for (size_t i = 0; i < 2 * (2 + 65); i++) {
        struct world w;
        bool door = i % 2;
        size_t at = i / 2;

        world_init(&w);
        w.a_config.door = door;
        world_open(&w, T0);

        struct covey_buf first = dialled(&w);

        if (at < first.len) {
            first.p[at] ^= 0x04;
            side_feed(&w.b, buf_bytes(&first), T0, &w);
            assert_int_equal(w.b.asks, 0);
            assert_silent(&w.b, 0);
        }
        buf_clear(&first);
        world_clear(&w);
    }
}

static void test_message_1_has_one_length_in_each_mode(void **state)
{
    static const uint8_t payload[100];

    for (size_t len = 0; len <= sizeof payload; len++) {
        for (int door = 0; door < 2; door++) {
            struct world w;
            struct raw r;

            raw_init(&r);
            world_init(&w);
            w.b.holds = true;
            world_open(&w, T0);
            raw_first_with(&r, &w, door, (struct covey_bytes){payload, len});
            raw_feed(&r, &w, T0);
            if (len == (door ? 16 : 0))
                assert_int_equal(w.b.downs, 0);
            else
                assert_silent(&w.b, 0);
            raw_clear(&r);
            world_clear(&w);
        }
    }
}

static void test_each_byte_of_message_2_counts(void **state)
{
    for (size_t at = 0; at < MESSAGE_2; at++) {
        struct world w;

        world_init(&w);
        world_open(&w, T0);

        struct covey_buf first = dialled(&w);
        struct covey_buf second = bytes_buf();

        side_feed(&w.b, buf_bytes(&first), T0, &w);
        side_drain(&w.b, T0, &second);
        second.p[at] ^= 0x80;
        side_feed(&w.a, buf_bytes(&second), T0, &w);
        assert_silent(&w.a, first.len);
        buf_clear(&first);
        buf_clear(&second);
        world_clear(&w);
    }
}

static void test_each_byte_of_message_3_counts(void **state)
{
    for (size_t at = 0; at < 2 + 64 + 1 + PROOF_SIZE; at++) {
        struct world w;
        struct raw r;
        uint8_t claim[1 + PROOF_SIZE];

        raw_greet(&r, &w, false, T0);
        claim_of(&r, &w, 1, claim);
        raw_third(&r, (struct covey_bytes){claim, sizeof claim});
        r.frame.p[at] ^= 0x01;
        raw_feed(&r, &w, T0);
        assert_int_equal(w.b.auths, 0);
        assert_silent(&w.b, MESSAGE_2);
        raw_clear(&r);
        world_clear(&w);
    }
}

static void test_a_stranger_s_frame_over_256_bytes_ends_it(void **state)
{
    for (uint8_t third = 0; third < 2; third++) {
        struct world w;
        struct raw r;
        const uint8_t fits[2] = {1, 0}, over[2] = {1, 1};

        raw_greet(&r, &w, false, T0);
        if (third == 0) { /* the same, as the first frame of all */
            world_clear(&w);
            world_init(&w);
            world_open(&w, T0);
        }
        side_feed(&w.b, (struct covey_bytes){fits, 2}, T0, &w);
        assert_int_equal(w.b.downs, 0);
        w.b.inbox.len = 0;
        side_feed(&w.b, (struct covey_bytes){over, 2}, T0, &w);
        assert_shut(&w.b, SESSION_CLOSE_STRANGER);
        assert_int_equal(w.b.out_bytes, third * MESSAGE_2);
        raw_clear(&r);
        world_clear(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_dials_the_wrong_key_hears_nothing),
        cmocka_unit_test(test_an_unknown_invite_is_refused_in_silence),
        cmocka_unit_test(test_a_wrong_psk_ends_after_message_2),
        cmocka_unit_test(test_a_refused_key_hears_message_2_and_no_more),
        cmocka_unit_test(test_each_byte_of_a_proof_counts),
        cmocka_unit_test(test_a_proof_of_another_session_is_refused),
        cmocka_unit_test(test_message_3_has_two_lengths_only),
        cmocka_unit_test(test_a_door_takes_no_proof),
        cmocka_unit_test(test_who_answers_without_the_key_is_left),
        cmocka_unit_test(test_a_key_that_is_none_cannot_be_dialled),
        cmocka_unit_test(test_each_byte_of_message_1_counts),
        cmocka_unit_test(test_message_1_has_one_length_in_each_mode),
        cmocka_unit_test(test_each_byte_of_message_2_counts),
        cmocka_unit_test(test_each_byte_of_message_3_counts),
        cmocka_unit_test(test_a_stranger_s_frame_over_256_bytes_ends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
