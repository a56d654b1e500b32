/* Messages on a session that is up: whole, in order, within bounds, and how it
 * is closed. */
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

static struct covey_buf random_body(uint64_t seed, size_t len)
{
    struct covey_buf body = bytes_buf();

    bytes_fill(&seed, buf_extend(&body, len), len);
    return body;
}

/* The last message that d was given is this one. */
static void assert_got(const struct side *d, enum message_kind kind,
                       const struct covey_buf *body)
{
    assert_int_equal(d->kind, kind);
    assert_int_equal(d->body.len, body->len);
    assert_memory_equal(d->body.p, body->p, body->len);
}

/* ---- whole and in order ---- */

static void test_five_thousand_messages_cross_each_rekey(void **state)
{
    struct world w;

    world_up(&w, T0);
    for (uint32_t i = 1; i <= 5000; i++) {
        struct covey_buf body = random_body(i, 1 + i % 40);

        side_send(&w.a, MESSAGE_ACK, body.p, body.len);
        side_send(&w.b, MESSAGE_OFFER, body.p, body.len);
        world_pump(&w, T0, 65536);
        assert_int_equal(w.b.messages, i);
        assert_int_equal(w.a.messages, i);
        assert_got(&w.b, MESSAGE_ACK, &body);
        assert_got(&w.a, MESSAGE_OFFER, &body);
        buf_clear(&body);
    }
    world_clear(&w);
}

/* The peer by hand counts for itself, so that the place of the rekey is what
 * the protocol says and not what both sides happen to do. */
static void test_the_rekey_is_after_each_1024_frames(void **state)
{
    struct world w;
    struct raw r;
    struct covey_buf out = bytes_buf();
    struct covey_buf plain = bytes_buf();

    raw_up(&r, &w, T0);
    for (int i = 0; i < 2100; i++) {
        raw_message(&r, 0, MESSAGE_ACK, nothing);
        raw_feed(&r, &w, T0);
        side_send(&w.b, MESSAGE_ACK, "x", 1);
        buf_reset(&out);
        side_drain(&w.b, T0, &out);

        struct covey_bytes frames = buf_bytes(&out);

        raw_open(&r, &frames, &plain);
        assert_int_equal(plain.len, 3);
    }
    assert_int_equal(w.b.by_kind[MESSAGE_ACK], 2100);
    assert_int_equal(w.b.downs, 0);
    buf_clear(&out);
    buf_clear(&plain);
    raw_clear(&r);
    world_clear(&w);
}

static void test_a_batch_of_a_mebibyte_is_put_together(void **state)
{
    static const size_t pieces[] = {65536, 1000, 7919};
    struct covey_buf body = random_body(1, BATCH_BYTES);

    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct world w;

        world_up(&w, T0);
        side_send(&w.a, MESSAGE_BATCH, body.p, body.len);
        world_pump(&w, T0, pieces[i]);
        assert_int_equal(w.b.messages, 1);
        assert_got(&w.b, MESSAGE_BATCH, &body);
        world_clear(&w);
    }
    buf_clear(&body);
}

/* Around the places where one frame more is needed. */
static void test_each_length_near_a_frame_s_end_goes_through(void **state)
{
    static const size_t full[] = {SESSION_PLAIN_MAX - 2,
                                  2 * SESSION_PLAIN_MAX - 3};
    struct world w;
    int sent = 0;

    world_up(&w, T0);
    for (size_t i = 0; i < 2; i++) {
        for (size_t len = full[i] - 2; len <= full[i] + 2; len++) {
            struct covey_buf body = random_body(len, len);
            size_t frames =
                (len + 1 + SESSION_PLAIN_MAX - 2) / (SESSION_PLAIN_MAX - 1);

            side_send(&w.a, MESSAGE_FRONTIER, body.p, body.len);
            assert_int_equal(session_waiting(w.a.s), len + 1 + frames * 19);
            world_pump(&w, T0, 65536);
            assert_int_equal(w.b.messages, ++sent);
            assert_got(&w.b, MESSAGE_FRONTIER, &body);
            buf_clear(&body);
        }
    }
    side_send(&w.a, MESSAGE_ACK, NULL, 0);
    world_pump(&w, T0, 65536);
    assert_int_equal(w.b.messages, ++sent);
    assert_int_equal(w.b.body.len, 0);
    world_clear(&w);
}

static void test_each_kind_goes_up_to_its_limit_and_no_further(void **state)
{
    struct covey_buf body = random_body(2, 1310721);

    for (uint8_t kind = MESSAGE_PROVE; kind < (uint8_t)MESSAGE_CLOSE; kind++) {
        struct world w;
        struct covey_bytes over = {body.p, message_max(kind) + 1};
        struct covey_bytes most = {body.p, message_max(kind)};

        if (kind == MESSAGE_PING || kind == MESSAGE_PONG)
            continue; /* the session reads them itself */
        world_init(&w);
        w.a_config.door =
            kind == MESSAGE_DOOR_LEAVE || kind == MESSAGE_DOOR_ANSWER;
        world_open(&w, T0);
        world_pump(&w, T0, 65536);
        assert_int_equal(session_send(w.a.s, kind, over), COVEY_ELIMIT);
        assert_int_equal(session_waiting(w.a.s), 0);
        assert_int_equal(session_send(w.a.s, kind, most), COVEY_OK);
        world_pump(&w, T0, 65536);
        assert_int_equal(w.b.by_kind[kind], 1);
        assert_int_equal(w.b.body.len, most.len);
        world_clear(&w);
    }
    buf_clear(&body);
}

static void test_a_door_is_for_requests_only(void **state)
{
    struct world w;

    world_init(&w);
    w.a_config.door = true;
    world_open(&w, T0);
    world_pump(&w, T0, 65536);
    side_send(&w.a, MESSAGE_DOOR_LEAVE, "request", 7);
    side_send(&w.b, MESSAGE_DOOR_ANSWER, "\x91\x00", 2);
    world_pump(&w, T0, 65536);
    assert_int_equal(w.b.by_kind[MESSAGE_DOOR_LEAVE], 1);
    assert_int_equal(w.a.by_kind[MESSAGE_DOOR_ANSWER], 1);
    side_send(&w.a, MESSAGE_OFFER, "offer", 5);
    world_pump(&w, T0, 65536);
    assert_shut(&w.b, SESSION_CLOSE_PROTOCOL);
    assert_int_equal(w.b.by_kind[MESSAGE_OFFER], 0);
    world_clear(&w);
}

/* ---- bounds ---- */

static void test_a_full_queue_is_busy_and_later_has_room(void **state)
{
    struct world w;
    struct covey_buf body = random_body(3, BATCH_BYTES);
    struct covey_bytes batch = buf_bytes(&body);
    uint8_t room[65536];
    int queued = 0;

    world_up(&w, T0);
    while (session_send(w.a.s, MESSAGE_BATCH, batch) == COVEY_OK)
        queued++;
    assert_int_equal(queued, 3);
    assert_int_equal(session_send(w.a.s, MESSAGE_BATCH, batch), COVEY_EBUSY);

    size_t waiting = session_waiting(w.a.s);

    assert_true(waiting + BATCH_BYTES < SESSION_QUEUE_MAX + 1024);
    /* What still fits is taken, to the last byte. */
    batch.len = SESSION_QUEUE_MAX - waiting - 1 - 16 * 19;
    assert_int_equal(session_send(w.a.s, MESSAGE_BATCH, batch), COVEY_OK);
    assert_int_equal(session_waiting(w.a.s), SESSION_QUEUE_MAX);
    assert_int_equal(session_send(w.a.s, MESSAGE_ACK, nothing), COVEY_EBUSY);
    assert_int_equal(session_output(w.a.s, T0, room, 20), 20);
    side_feed(&w.b, (struct covey_bytes){room, 20}, T0, &w);
    assert_int_equal(session_send(w.a.s, MESSAGE_ACK, nothing), COVEY_OK);
    assert_int_equal(session_waiting(w.a.s), SESSION_QUEUE_MAX);
    world_pump(&w, T0, 65536);
    assert_int_equal(w.b.by_kind[MESSAGE_BATCH], 4);
    assert_int_equal(w.b.by_kind[MESSAGE_ACK], 1);
    assert_true(w.a.count.peak < SESSION_QUEUE_MAX + 16384);
    buf_clear(&body);
    world_clear(&w);
}

static void test_an_idle_session_holds_no_buffers(void **state)
{
    struct world w;
    struct covey_buf body = random_body(4, BATCH_BYTES);

    world_up(&w, T0);

    size_t idle = w.b.count.bytes;

    side_send(&w.a, MESSAGE_BATCH, body.p, body.len);
    world_pump(&w, T0, 65536);
    assert_true(w.b.count.bytes > BATCH_BYTES);
    side_expire(&w.b, T0 + 1);
    assert_true(w.b.count.bytes <= idle);
    assert_true(w.b.count.peak < 3 * BATCH_BYTES);
    assert_true(w.a.count.bytes < 8192);
    buf_clear(&body);
    world_clear(&w);
}

static void test_many_small_messages_share_their_memory(void **state)
{
    struct world w;

    world_up(&w, T0);

    int live = w.a.count.live;

    for (int i = 0; i < 1000; i++)
        side_send(&w.a, MESSAGE_ACK, "0123456789", 10);
    assert_true(w.a.count.live - live < 10);
    world_pump(&w, T0, 777);
    assert_int_equal(w.b.messages, 1000);
    world_clear(&w);
}

/* A flood of pings by one who does not read what is answered. */
static void test_pongs_nobody_reads_do_not_pile_up(void **state)
{
    struct world w;
    struct raw r;
    struct covey_buf body = random_body(5, BATCH_BYTES);
    struct covey_buf ping = bytes_buf();

    raw_up(&r, &w, T0);
    ping_write(&ping, 7);
    for (int i = 0; i < 3; i++)
        side_send(&w.b, MESSAGE_BATCH, body.p, body.len);
    side_send(&w.b, MESSAGE_BATCH, body.p,
              SESSION_QUEUE_MAX - session_waiting(w.b.s) - 5000);
    for (int i = 0; i < 1000; i++) {
        raw_message(&r, 0, MESSAGE_PING, buf_bytes(&ping));
        raw_feed(&r, &w, T0);
        assert_int_equal(w.b.rc, COVEY_OK);
        assert_true(session_waiting(w.b.s) <= SESSION_QUEUE_MAX);
    }
    assert_int_equal(w.b.downs, 0);
    assert_true(session_waiting(w.b.s) > SESSION_QUEUE_MAX - 64);
    buf_clear(&body);
    buf_clear(&ping);
    raw_clear(&r);
    world_clear(&w);
}

/* ---- closing ---- */

static void test_each_reason_arrives_with_its_sentence(void **state)
{
    static const enum session_close_code codes[] = {
#define X(name, number, text) SESSION_CLOSE_##name,
        SESSION_CLOSE_TABLE(X)
#undef X
    };

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct world w;
        const char *text = session_close_text(codes[i]);

        world_up(&w, T0);
        side_close(&w.a, codes[i], NULL);
        assert_shut(&w.a, codes[i]);
        assert_string_equal(w.a.down.down.text, text);
        world_pump(&w, T0, 65536);
        assert_int_equal(w.b.downs, 1);
        assert_int_equal(w.b.down.down.code, codes[i]);
        assert_true(w.b.down.down.by_peer);
        assert_string_equal(w.b.down.down.text, text);
        assert_int_equal(session_waiting(w.b.s), 0);
        world_clear(&w);
    }
    assert_string_equal(session_close_text(12),
                        "for a reason that this version does not know");
}

static void test_a_sentence_of_ours_arrives_as_said(void **state)
{
    struct world w;

    world_up(&w, T0);
    side_close(&w.b, SESSION_CLOSE_FULL,
               "der Speicher ist voll: 5\xe2\x82\xac");
    world_pump(&w, T0, 65536);
    assert_int_equal(w.a.down.down.code, SESSION_CLOSE_FULL);
    assert_string_equal(w.a.down.down.text,
                        "der Speicher ist voll: 5\xe2\x82\xac");
    world_clear(&w);
}

static void test_a_long_sentence_is_cut_between_two_characters(void **state)
{
    struct world w;
    char text[400];

    memset(text, 'a', sizeof text);
    memcpy(text + CLOSE_TEXT_MAX - 1, "\xc3\xa9", 2); /* over the end */
    text[sizeof text - 1] = '\0';
    world_up(&w, T0);
    side_close(&w.a, SESSION_CLOSE_DONE, text);
    world_pump(&w, T0, 65536);
    assert_true(w.b.down.down.by_peer);
    assert_int_equal(strlen(w.b.down.down.text), CLOSE_TEXT_MAX - 1);
    assert_string_equal(w.a.down.down.text, w.b.down.down.text);
    world_clear(&w);
}

static void test_what_is_queued_goes_before_close(void **state)
{
    struct world w;
    struct covey_buf body = random_body(6, BATCH_BYTES);

    world_up(&w, T0);
    while (session_send(w.a.s, MESSAGE_BATCH, buf_bytes(&body)) == COVEY_OK)
        ;
    side_close(&w.a, SESSION_CLOSE_DONE, NULL);
    assert_int_equal(session_send(w.a.s, MESSAGE_ACK, nothing), COVEY_ENOTYET);
    world_pump(&w, T0, 65536);
    assert_int_equal(w.b.messages, 3);
    assert_true(w.b.down.down.by_peer);
    buf_clear(&body);
    world_clear(&w);
}

static void test_one_that_is_down_takes_and_says_nothing(void **state)
{
    struct world w;
    struct session_effects fx;

    world_up(&w, T0);
    side_send(&w.b, MESSAGE_ACK, "late", 4);
    side_close(&w.a, SESSION_CLOSE_BYE, NULL);
    world_pump(&w, T0, 65536);
    assert_int_equal(w.a.messages, 0);
    assert_int_equal(w.a.downs, 1);
    assert_int_equal(w.b.downs, 1);
    session_close(w.a.s, SESSION_CLOSE_DONE, NULL, &fx);
    assert_int_equal(fx.count, 0);
    session_expire(w.a.s, 9999 * COVEY_SECOND, &fx);
    assert_int_equal(fx.count, 0);
    assert_int_equal(session_waiting(w.a.s), 0);
    world_clear(&w);
}

static void test_who_is_told_close_drops_what_it_would_say(void **state)
{
    struct world w;
    struct covey_buf out = bytes_buf();

    world_up(&w, T0);
    side_send(&w.b, MESSAGE_ACK, "late", 4);
    side_close(&w.a, SESSION_CLOSE_BYE, NULL);
    side_drain(&w.a, T0, &out);
    side_feed(&w.b, buf_bytes(&out), T0, &w);
    assert_true(w.b.down.down.by_peer);
    assert_int_equal(session_waiting(w.b.s), 0);
    buf_clear(&out);
    world_clear(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_five_thousand_messages_cross_each_rekey),
        cmocka_unit_test(test_the_rekey_is_after_each_1024_frames),
        cmocka_unit_test(test_a_batch_of_a_mebibyte_is_put_together),
        cmocka_unit_test(test_each_length_near_a_frame_s_end_goes_through),
        cmocka_unit_test(test_each_kind_goes_up_to_its_limit_and_no_further),
        cmocka_unit_test(test_a_door_is_for_requests_only),
        cmocka_unit_test(test_a_full_queue_is_busy_and_later_has_room),
        cmocka_unit_test(test_an_idle_session_holds_no_buffers),
        cmocka_unit_test(test_many_small_messages_share_their_memory),
        cmocka_unit_test(test_pongs_nobody_reads_do_not_pile_up),
        cmocka_unit_test(test_each_reason_arrives_with_its_sentence),
        cmocka_unit_test(test_a_sentence_of_ours_arrives_as_said),
        cmocka_unit_test(test_a_long_sentence_is_cut_between_two_characters),
        cmocka_unit_test(test_what_is_queued_goes_before_close),
        cmocka_unit_test(test_one_that_is_down_takes_and_says_nothing),
        cmocka_unit_test(test_who_is_told_close_drops_what_it_would_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
