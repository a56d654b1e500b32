/* What a session does by itself as time passes: pings, gives up, is renewed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support_bytes.h"
#include "tests/unit/support_session.h"

#define T0 (100 * COVEY_SECOND)

static const struct covey_bytes nothing = {NULL, 0};

static void test_a_quiet_session_pings_every_15_seconds(void **state)
{
    struct world w;
    covey_time at = 115 * COVEY_SECOND;

    world_up(&w, T0);
    for (int i = 0; i < 10; i++, at += 15 * COVEY_SECOND) {
        assert_int_equal(session_deadline(w.a.s), at);
        assert_int_equal(session_deadline(w.b.s), at);
        side_expire(&w.a, at - 1);
        assert_int_equal(session_waiting(w.a.s), 0);
        side_expire(&w.a, at);
        assert_int_equal(session_waiting(w.a.s), 2 + 16 + 2 + 2);
        world_pump(&w, at, 65536); /* the ping, and its pong */
        assert_int_equal(session_last_heard(w.a.s), at);
        assert_int_equal(session_last_heard(w.b.s), at);
    }
    assert_int_equal(w.a.messages + w.b.messages, 0);
    world_clear(&w);
}

static void test_who_hears_nothing_for_45_seconds_is_gone(void **state)
{
    struct world w;
    struct covey_buf lost = bytes_buf();

    world_up(&w, T0);
    /* It pings at 15 and 30 seconds, and nobody answers. */
    for (int i = 1; i <= 2; i++) {
        covey_time at = T0 + i * 15 * COVEY_SECOND;

        assert_int_equal(session_deadline(w.a.s), at);
        side_expire(&w.a, at);
        assert_true(session_waiting(w.a.s) > 0);
        side_drain(&w.a, at, &lost);
    }
    assert_int_equal(session_deadline(w.a.s), 145 * COVEY_SECOND);
    side_expire(&w.a, 145 * COVEY_SECOND - 1);
    assert_int_equal(w.a.downs, 0);
    side_expire(&w.a, 145 * COVEY_SECOND);
    assert_shut(&w.a, SESSION_CLOSE_SILENT);
    assert_string_equal(w.a.down.down.text, "it fell silent");
    buf_clear(&lost);
    world_clear(&w);
}

/* It hears, and says nothing, so that the other would think it gone. */
static void test_who_only_listens_pings(void **state)
{
    struct world w;

    world_up(&w, T0);
    for (int i = 1; i <= 14; i++) {
        side_send(&w.a, MESSAGE_ACK, "x", 1);
        world_pump(&w, T0 + i * COVEY_SECOND, 65536);
    }
    assert_int_equal(session_deadline(w.b.s), 115 * COVEY_SECOND);
    side_expire(&w.b, 115 * COVEY_SECOND);
    assert_true(session_waiting(w.b.s) > 0);
    world_pump(&w, 115 * COVEY_SECOND, 65536);
    assert_int_equal(session_last_heard(w.a.s), 115 * COVEY_SECOND);
    world_clear(&w);
}

/* It talks, and hears nothing, so that it cannot know. */
static void test_who_only_talks_pings(void **state)
{
    struct world w;
    struct covey_buf lost = bytes_buf();

    world_up(&w, T0);
    for (int i = 1; i <= 14; i++) {
        side_send(&w.a, MESSAGE_ACK, "x", 1);
        side_drain(&w.a, T0 + i * COVEY_SECOND, &lost);
    }
    assert_int_equal(session_deadline(w.a.s), 115 * COVEY_SECOND);
    side_expire(&w.a, 115 * COVEY_SECOND);
    assert_true(session_waiting(w.a.s) > 0);
    buf_clear(&lost);
    world_clear(&w);
}

static void test_two_that_talk_need_no_pings(void **state)
{
    struct world w;
    covey_time at = T0;

    world_up(&w, T0);
    for (int i = 0; i < 20; i++) {
        at += 10 * COVEY_SECOND;
        side_expire(&w.a, at);
        side_expire(&w.b, at);
        assert_int_equal(session_waiting(w.a.s) + session_waiting(w.b.s), 0);
        side_send(&w.a, MESSAGE_ACK, "x", 1);
        side_send(&w.b, MESSAGE_ACK, "x", 1);
        world_pump(&w, at, 65536);
        assert_int_equal(session_deadline(w.a.s), at + 15 * COVEY_SECOND);
    }
    world_clear(&w);
}

/* On a slow line: what waits will be heard, and a ping would wait behind it. */
static void test_bytes_that_wait_stand_for_a_ping(void **state)
{
    struct world w;

    world_up(&w, T0);
    side_send(&w.a, MESSAGE_ACK, "x", 1);

    size_t waiting = session_waiting(w.a.s);

    side_expire(&w.a, 115 * COVEY_SECOND);
    assert_int_equal(session_waiting(w.a.s), waiting);
    assert_int_equal(session_deadline(w.a.s), 130 * COVEY_SECOND);
    side_expire(&w.a, 130 * COVEY_SECOND);
    assert_int_equal(session_waiting(w.a.s), waiting);
    world_clear(&w);
}

/* 64 kbit/s, a queue of 3 MiB: 400 s in one direction, and both stay up. */
static void test_a_slow_line_keeps_both_up_while_bytes_flow(void **state)
{
    struct world w;
    struct covey_buf body = bytes_buf();
    uint8_t room[8000];
    covey_time at = T0;

    world_up(&w, T0);
    memset(buf_extend(&body, BATCH_BYTES), 'x', BATCH_BYTES);
    for (int i = 0; i < 3; i++)
        side_send(&w.a, MESSAGE_BATCH, body.p, body.len);
    while (session_waiting(w.a.s) > 0) {
        at += COVEY_SECOND;

        size_t n = session_output(w.a.s, at, room, sizeof room);

        side_feed(&w.b, (struct covey_bytes){room, n}, at, &w);
        side_expire(&w.a, at);
        side_expire(&w.b, at);
        n = session_output(w.b.s, at, room, sizeof room);
        side_feed(&w.a, (struct covey_bytes){room, n}, at, &w);
        assert_int_equal(w.a.downs + w.b.downs, 0);
    }
    assert_true(at > 490 * COVEY_SECOND);
    assert_int_equal(w.b.messages, 3);
    buf_clear(&body);
    world_clear(&w);
}

static void test_a_ping_of_the_node_s_own_comes_back(void **state)
{
    struct world w;
    struct covey_buf ping = bytes_buf();

    world_up(&w, T0);
    ping_write(&ping, 42);
    side_send(&w.a, MESSAGE_PING, ping.p, ping.len);
    world_pump(&w, T0 + COVEY_SECOND, 65536);
    assert_int_equal(w.b.messages, 0);
    assert_int_equal(w.a.messages, 1);
    assert_int_equal(w.a.kind, MESSAGE_PONG);
    assert_int_equal(w.a.body.len, ping.len);
    assert_memory_equal(w.a.body.p, ping.p, ping.len);
    assert_int_equal(session_last_heard(w.a.s), T0 + COVEY_SECOND);
    buf_clear(&ping);
    world_clear(&w);
}

/* ---- renewal ---- */

static void assert_renewed(struct world *w, covey_time at)
{
    side_expire(&w->a, at);
    assert_shut(&w->a, SESSION_CLOSE_RENEW);
    world_pump(w, at, 65536);
    assert_int_equal(w->b.downs, 1);
    assert_true(w->b.down.down.by_peer);
    assert_int_equal(w->b.down.down.code, SESSION_CLOSE_RENEW);
}

static void test_after_an_hour_it_is_renewed(void **state)
{
    struct world w;
    covey_time at;

    world_up(&w, T0);
    for (at = 110 * COVEY_SECOND; at < 3700 * COVEY_SECOND;
         at += 10 * COVEY_SECOND) {
        side_send(&w.a, MESSAGE_ACK, "x", 1);
        side_send(&w.b, MESSAGE_ACK, "x", 1);
        world_pump(&w, at, 65536);
        side_expire(&w.a, at);
        assert_int_equal(w.a.downs, 0);
    }
    assert_int_equal(session_deadline(w.a.s), 3700 * COVEY_SECOND);
    assert_int_equal(session_deadline(w.b.s), 3700 * COVEY_SECOND);
    side_expire(&w.a, 3700 * COVEY_SECOND - 1);
    assert_int_equal(w.a.downs, 0);
    assert_renewed(&w, 3700 * COVEY_SECOND);
    world_clear(&w);
}

/* One message of a's, from output to input without a detour. */
static void carry_fast(struct world *w, struct covey_buf *room,
                       struct covey_bytes batch, covey_time now)
{
    struct session_effects fx;
    size_t at = 0;
    size_t used;

    assert_int_equal(session_send(w->a.s, MESSAGE_BATCH, batch), COVEY_OK);

    size_t len = session_output(w->a.s, now, room->p, room->len);

    do {
        struct covey_bytes rest = {room->p + at, len - at};

        assert_int_equal(session_receive(w->b.s, rest, now, &used, &fx),
                         COVEY_OK);
        at += used;
    } while (used > 0);
    assert_int_equal(at, len);
}

static void test_after_a_gibibyte_it_is_renewed(void **state)
{
    const size_t on_wire = 2 + SESSION_FRAME_MAX; /* of one full frame */
    struct world w;
    struct covey_buf room = bytes_buf();
    uint64_t sent = 0;

    world_up(&w, T0);
    memset(buf_extend(&room, on_wire), 'x', on_wire);

    struct covey_bytes batch = bytes_exact(buf_bytes(&room));

    batch.len = SESSION_PLAIN_MAX - 2;
    /* What the opening took is less than a KiB. */
    while (sent + on_wire < SESSION_RENEW_BYTES - 1024) {
        carry_fast(&w, &room, batch, T0);
        sent += on_wire;
        assert_true(session_deadline(w.a.s) > T0);
        assert_true(session_deadline(w.b.s) > T0);
    }
    /* Both directions count together. */
    side_send(&w.b, MESSAGE_BATCH, batch.p, batch.len);
    assert_true(session_deadline(w.b.s) <= T0);
    world_pump(&w, T0, 65536);
    assert_true(session_deadline(w.a.s) <= T0);
    assert_renewed(&w, T0);
    buf_clear(&room);
    bytes_free(batch);
    world_clear(&w);
}

/* Not from the start: the opening may have taken its time. */
static void test_the_hour_counts_from_the_keys(void **state)
{
    struct world w;

    world_init(&w);
    world_open(&w, T0);
    world_pump(&w, 104 * COVEY_SECOND, 65536);
    for (covey_time at = 110 * COVEY_SECOND; at < 3704 * COVEY_SECOND;
         at += 10 * COVEY_SECOND) {
        side_send(&w.a, MESSAGE_ACK, "x", 1);
        side_send(&w.b, MESSAGE_ACK, "x", 1);
        world_pump(&w, at, 65536);
    }
    assert_int_equal(session_deadline(w.a.s), 3704 * COVEY_SECOND);
    assert_int_equal(session_deadline(w.b.s), 3704 * COVEY_SECOND);
    world_clear(&w);
}

/* ---- without memory ---- */

/* Open, talk both ways, ping and close, all with a's memory or with b's failing
 * at one allocation; returns false once there was no such allocation. */
static bool starve(int fail_a, int fail_b)
{
    struct world w;
    struct covey_buf body = bytes_buf();
    struct covey_bytes batch;

    world_init(&w);
    w.a_config.door = true;
    w.a.count.fail_at = fail_a;
    w.b.count.fail_at = fail_b;
    memset(buf_extend(&body, 200000), 'x', 200000);
    batch = (struct covey_bytes){body.p, body.len};
    world_open(&w, T0);
    if (w.a.rc == COVEY_OK && w.b.rc == COVEY_OK)
        world_pump(&w, T0, 65536);
    if (w.a.ups == 1 && w.b.ups == 1) {
        w.a.rc = session_send(w.a.s, MESSAGE_DOOR_LEAVE,
                              (struct covey_bytes){body.p, 8000});
        w.b.rc = session_send(w.b.s, MESSAGE_EPOCHS, batch);
    }
    if (w.a.rc == COVEY_OK && w.b.rc == COVEY_OK && w.a.ups == 1) {
        side_expire(&w.a, 115 * COVEY_SECOND);
        world_pump(&w, T0, 65536);
    }
    if (w.a.s != NULL && w.a.rc == COVEY_OK && w.a.downs == 0)
        side_close(&w.a, SESSION_CLOSE_BYE, NULL);

    bool failed = (fail_a > 0 && w.a.count.calls >= fail_a) ||
                  (fail_b > 0 && w.b.count.calls >= fail_b);

    assert_true(w.a.rc == COVEY_OK || (failed && w.a.rc == COVEY_ENOMEM));
    assert_true(w.b.rc == COVEY_OK || (failed && w.b.rc == COVEY_ENOMEM));
    buf_clear(&body);
    world_clear(&w); /* which fails when memory was not freed */
    return failed;
}

static void test_each_allocation_may_fail_and_nothing_leaks(void **state)
{
    int a = 1;
    int b = 1;

    while (starve(a, 0))
        a++;
    while (starve(0, b))
        b++;
    assert_true(a > 6);
    assert_true(b > 6);
}

static void test_a_send_without_memory_queues_nothing(void **state)
{
    struct world w;
    uint8_t body[100] = {0};

    world_up(&w, T0);
    w.a.count.fail_at = w.a.count.calls + 1;
    assert_int_equal(session_send(w.a.s, MESSAGE_OFFER,
                                  (struct covey_bytes){body, sizeof body}),
                     COVEY_ENOMEM);
    assert_int_equal(session_waiting(w.a.s), 0);
    session_check(w.a.s);
    /* The nonces of both sides still agree. */
    side_send(&w.a, MESSAGE_OFFER, body, sizeof body);
    world_pump(&w, T0, 65536);
    assert_int_equal(w.b.messages, 1);
    world_clear(&w);
}

static void test_without_memory_it_closes_untold(void **state)
{
    struct world w;

    world_up(&w, T0);
    w.a.count.fail_at = w.a.count.calls + 1;
    side_close(&w.a, SESSION_CLOSE_FULL, NULL);
    assert_shut(&w.a, SESSION_CLOSE_FULL);
    assert_int_equal(session_waiting(w.a.s), 0);
    assert_int_equal(session_send(w.b.s, MESSAGE_ACK, nothing), COVEY_OK);
    world_clear(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_quiet_session_pings_every_15_seconds),
        cmocka_unit_test(test_who_hears_nothing_for_45_seconds_is_gone),
        cmocka_unit_test(test_who_only_listens_pings),
        cmocka_unit_test(test_who_only_talks_pings),
        cmocka_unit_test(test_two_that_talk_need_no_pings),
        cmocka_unit_test(test_bytes_that_wait_stand_for_a_ping),
        cmocka_unit_test(test_a_slow_line_keeps_both_up_while_bytes_flow),
        cmocka_unit_test(test_a_ping_of_the_node_s_own_comes_back),
        cmocka_unit_test(test_after_an_hour_it_is_renewed),
        cmocka_unit_test(test_after_a_gibibyte_it_is_renewed),
        cmocka_unit_test(test_the_hour_counts_from_the_keys),
        cmocka_unit_test(test_each_allocation_may_fail_and_nothing_leaks),
        cmocka_unit_test(test_a_send_without_memory_queues_nothing),
        cmocka_unit_test(test_without_memory_it_closes_untold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
