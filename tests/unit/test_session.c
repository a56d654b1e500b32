/* How a session opens: who is let in, and how long it may take. */
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

static const struct covey_bytes nothing = {NULL, 0};

static void assert_both_up(const struct world *w)
{
    assert_int_equal(w->a.rc, COVEY_OK);
    assert_int_equal(w->b.rc, COVEY_OK);
    assert_int_equal(w->a.ups, 1);
    assert_int_equal(w->b.ups, 1);
    assert_int_equal(w->a.downs + w->b.downs, 0);
    assert_true(session_is_up(w->a.s));
    assert_true(session_is_up(w->b.s));
    assert_memory_equal(session_hash(w->a.s), session_hash(w->b.s), 64);
}

/* The initiator's bytes so far, as they would go over the wire. */
static struct covey_buf dialled(struct world *w)
{
    struct covey_buf out = bytes_buf();

    side_drain(&w->a, T0, &out);
    return out;
}

/* ---- who is let in ---- */

static void test_a_pinned_key_opens(void **state)
{
    struct world w;

    world_init(&w);
    world_open(&w, T0);
    assert_false(session_is_up(w.a.s));
    world_pump(&w, T0, 65536);
    assert_both_up(&w);
    assert_int_equal(w.b.auths, 1);
    assert_int_equal(w.b.auth.auth.kind, SESSION_PROOF_NONE);
    assert_memory_equal(&w.b.auth.auth.peer, &w.a_config.static_key, 32);

    struct noise_key peer_of_a = session_peer(w.a.s);
    struct noise_key peer_of_b = session_peer(w.b.s);

    assert_memory_equal(&peer_of_a, &w.b_config.static_key, 32);
    assert_memory_equal(&peer_of_b, &w.a_config.static_key, 32);
    assert_int_equal(session_role(w.a.s), NOISE_INITIATOR);
    assert_int_equal(session_role(w.b.s), NOISE_RESPONDER);
    assert_false(session_is_door(w.a.s));
    assert_false(session_is_door(w.b.s));
    world_clear(&w);
}

static void test_each_hears_the_other_s_hello(void **state)
{
    struct world w;

    world_up(&w, T0);
    assert_string_equal(w.a.hello.software, "covey b");
    assert_string_equal(w.b.hello.software, "covey a");
    assert_int_equal(w.a.hello.wall_ms, 1700000000456);
    assert_int_equal(w.b.hello.wall_ms, 1700000000123);
    assert_int_equal(w.a.hello.version_min, 1);
    assert_int_equal(w.a.hello.version_max, 1);
    world_clear(&w);
}

static void test_a_space_is_proven_with_the_hash_after_message_2(void **state)
{
    struct world w;

    world_init(&w);
    w.a_config.proof = SESSION_PROOF_SPACE;
    world_open(&w, T0);
    world_pump(&w, T0, 65536);
    assert_both_up(&w);
    assert_int_equal(w.b.auth.auth.kind, SESSION_PROOF_SPACE);
    assert_memory_equal(&w.b.auth.auth.author, &w.author.key, 32);

    struct blind blind = blind_space(w.b.auth_hash, &w.space, NOISE_INITIATOR);

    assert_memory_equal(&w.b.auth.auth.blind, &blind, sizeof blind);
    assert_memory_not_equal(w.b.auth_hash, session_hash(w.b.s), 64);
    world_clear(&w);
}

static void test_a_request_to_carry_names_space_and_author(void **state)
{
    struct world w;

    world_init(&w);
    w.a_config.proof = SESSION_PROOF_CARRY;
    world_open(&w, T0);
    world_pump(&w, T0, 65536);
    assert_both_up(&w);
    assert_int_equal(w.b.auth.auth.kind, SESSION_PROOF_CARRY);
    assert_memory_equal(&w.b.auth.auth.space, &w.space, sizeof w.space);
    assert_memory_equal(&w.b.auth.auth.author, &w.author.key, 32);
    world_clear(&w);
}

static void test_a_ticket_opens_the_door(void **state)
{
    struct world w;

    world_init(&w);
    w.a_config.door = true;
    world_open(&w, T0);
    world_pump(&w, T0, 65536);
    assert_both_up(&w);
    assert_int_equal(w.b.asks, 1);
    assert_memory_equal(&w.b.invite, &w.a_config.invite, 16);
    assert_int_equal(w.b.auths, 1);
    assert_int_equal(w.b.auth.auth.kind, SESSION_PROOF_NONE);
    assert_true(session_is_door(w.a.s));
    assert_true(session_is_door(w.b.s));
    world_clear(&w);
}

static void test_it_opens_byte_by_byte(void **state)
{
    static const enum session_proof_kind kinds[] = {
        SESSION_PROOF_NONE, SESSION_PROOF_SPACE, SESSION_PROOF_CARRY};

    for (size_t i = 0; i < 4; i++) {
        struct world w;

        world_init(&w);
        w.a_config.door = i == 3;
        w.a_config.proof = kinds[i % 3];
        world_open(&w, T0);
        world_pump(&w, T0, 1);
        assert_both_up(&w);
        world_clear(&w);
    }
}

/* HELLO is right behind message 3, and may come in the same read. */
static void test_frames_glued_together_are_taken_apart(void **state)
{
    struct world w;

    world_init(&w);
    world_open(&w, T0);

    struct covey_buf first = dialled(&w);

    side_feed(&w.b, buf_bytes(&first), T0, &w);

    struct covey_buf second = bytes_buf();

    side_drain(&w.b, T0, &second);
    assert_int_equal(second.len, MESSAGE_2);
    side_feed(&w.a, buf_bytes(&second), T0, &w);

    struct covey_buf third = dialled(&w);

    assert_true(third.len > 66);
    side_feed(&w.b, buf_bytes(&third), T0, &w);
    assert_int_equal(w.b.auths, 1);
    assert_int_equal(w.b.ups, 1);
    world_pump(&w, T0, 65536);
    assert_both_up(&w);
    buf_clear(&first);
    buf_clear(&second);
    buf_clear(&third);
    world_clear(&w);
}

static void test_nothing_is_consumed_while_an_answer_is_due(void **state)
{
    struct world w;
    struct session_effects fx;
    size_t used;

    world_init(&w);
    w.a_config.door = true;
    w.b.holds = true;
    world_open(&w, T0);
    world_pump(&w, T0, 65536);
    assert_int_equal(w.b.asks, 1);

    uint8_t byte[2] = {0, 0};

    assert_int_equal(
        session_receive(w.b.s, (struct covey_bytes){byte, 2}, T0, &used, &fx),
        COVEY_OK);
    assert_int_equal(used, 0);
    assert_int_equal(fx.count, 0);
    assert_int_equal(session_psk(w.b.s, &w.psk, &fx), COVEY_OK);
    assert_int_equal(fx.count, 0);
    world_pump(&w, T0, 65536);
    assert_int_equal(w.b.auths, 1);
    assert_true(w.b.inbox.len > 0); /* the HELLO behind message 3 */
    assert_int_equal(w.b.ups, 0);
    assert_int_equal(session_accept(w.b.s, T0), COVEY_OK);
    side_feed(&w.b, nothing, T0, &w);
    world_pump(&w, T0, 65536);
    assert_both_up(&w);
    world_clear(&w);
}

/* ---- how long it may take ---- */

static void test_the_opening_takes_five_seconds_in_all(void **state)
{
    struct world w;

    world_init(&w);
    w.b.holds = true;
    world_open(&w, T0);
    assert_int_equal(session_deadline(w.a.s), 105 * COVEY_SECOND);
    assert_int_equal(session_deadline(w.b.s), 105 * COVEY_SECOND);
    /* Progress in the last moment wins no time. */
    world_pump(&w, T0 + 4900 * COVEY_MILLISECOND, 65536);
    assert_int_equal(w.b.auths, 1);
    assert_int_equal(session_deadline(w.a.s), 105 * COVEY_SECOND);
    assert_int_equal(session_deadline(w.b.s), 105 * COVEY_SECOND);
    side_expire(&w.a, 105 * COVEY_SECOND - 1);
    side_expire(&w.b, 105 * COVEY_SECOND - 1);
    assert_int_equal(w.a.downs + w.b.downs, 0);
    side_expire(&w.a, 105 * COVEY_SECOND);
    side_expire(&w.b, 105 * COVEY_SECOND);
    assert_shut(&w.a, SESSION_CLOSE_SILENT);
    assert_shut(&w.b, SESSION_CLOSE_SILENT);
    assert_int_equal(w.b.out_bytes, MESSAGE_2);
    assert_int_equal(session_waiting(w.b.s), 0);
    world_clear(&w);
}

static void test_a_peer_that_says_no_hello_runs_out_of_time(void **state)
{
    struct world w;
    struct raw r;

    raw_greet(&r, &w, false, T0);
    raw_third(&r, nothing);
    raw_feed(&r, &w, T0 + COVEY_SECOND);
    assert_int_equal(session_deadline(w.b.s), 105 * COVEY_SECOND);
    side_expire(&w.b, 105 * COVEY_SECOND);
    assert_shut(&w.b, SESSION_CLOSE_SILENT);
    raw_clear(&r);
    world_clear(&w);
}

static void test_an_answer_that_comes_too_late_does_nothing(void **state)
{
    for (int door = 0; door < 2; door++) {
        struct world w;
        struct session_effects fx;

        world_init(&w);
        w.a_config.door = door;
        w.b.holds = true;
        world_open(&w, T0);
        world_pump(&w, T0, 65536);
        side_expire(&w.b, 105 * COVEY_SECOND);
        assert_shut(&w.b, SESSION_CLOSE_SILENT);
        if (door)
            assert_int_equal(session_psk(w.b.s, &w.psk, &fx), COVEY_OK);
        else
            assert_int_equal(session_accept(w.b.s, T0), COVEY_OK);
        session_refuse(w.b.s, &fx);
        assert_int_equal(fx.count, 0);
        assert_int_equal(session_waiting(w.b.s), 0);
        world_clear(&w);
    }
}

static void test_closing_before_it_is_open_is_silent(void **state)
{
    struct world w;

    world_init(&w);
    w.b.holds = true;
    world_open(&w, T0);
    side_close(&w.a, SESSION_CLOSE_BYE, NULL);
    assert_shut(&w.a, SESSION_CLOSE_BYE);
    assert_int_equal(session_waiting(w.a.s), 0);
    assert_int_equal(session_send(w.a.s, MESSAGE_ACK, nothing), COVEY_ENOTYET);
    world_clear(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pinned_key_opens),
        cmocka_unit_test(test_each_hears_the_other_s_hello),
        cmocka_unit_test(test_a_space_is_proven_with_the_hash_after_message_2),
        cmocka_unit_test(test_a_request_to_carry_names_space_and_author),
        cmocka_unit_test(test_a_ticket_opens_the_door),
        cmocka_unit_test(test_it_opens_byte_by_byte),
        cmocka_unit_test(test_frames_glued_together_are_taken_apart),
        cmocka_unit_test(test_nothing_is_consumed_while_an_answer_is_due),
        cmocka_unit_test(test_the_opening_takes_five_seconds_in_all),
        cmocka_unit_test(test_a_peer_that_says_no_hello_runs_out_of_time),
        cmocka_unit_test(test_an_answer_that_comes_too_late_does_nothing),
        cmocka_unit_test(test_closing_before_it_is_open_is_silent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
