/* A peer that has the keys and breaks the rules, and 10,000 frames of noise
 * before and after it has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/wire.h"
#include "tests/unit/support_bytes.h"
#include "tests/unit/support_session.h"

#define T0 (100 * COVEY_SECOND)
#define MORE 1u /* the flag */

static const struct covey_bytes nothing = {NULL, 0};

static struct covey_bytes text(const char *s)
{
    return (struct covey_bytes){(const uint8_t *)s, strlen(s)};
}

/* b closed with this code, and its last frame says so to the peer. */
static void assert_told(struct raw *r, struct world *w,
                        enum session_close_code code)
{
    struct covey_buf out = bytes_buf();
    struct covey_buf plain = bytes_buf();
    char why[CLOSE_TEXT_MAX + 1];
    uint32_t said = 99;

    assert_shut(&w->b, code);
    side_drain(&w->b, T0, &out);

    struct covey_bytes frames = buf_bytes(&out);

    while (frames.len > 0)
        raw_open(r, &frames, &plain);
    assert_true(plain.len > 2);
    assert_int_equal(plain.p[1], MESSAGE_CLOSE);
    assert_int_equal(
        close_read((struct covey_bytes){plain.p + 2, plain.len - 2}, &said,
                   why),
        COVEY_OK);
    assert_int_equal(said, code);
    assert_string_equal(why, w->b.down.down.text);
    buf_clear(&out);
    buf_clear(&plain);
}

static void end(struct raw *r, struct world *w)
{
    raw_clear(r);
    world_clear(w);
}

/* ---- messages of no form ---- */

/* One plaintext on a session that is up, which must end it. */
static void assert_breaks(const void *plain, size_t len)
{
    struct world w;
    struct raw r;

    raw_up(&r, &w, T0);
    raw_seal(&r, (struct covey_bytes){plain, len});
    raw_feed(&r, &w, T0);
    assert_told(&r, &w, SESSION_CLOSE_PROTOCOL);
    assert_int_equal(w.b.messages, 0);
    end(&r, &w);
}

static void test_what_has_no_form_breaks_the_protocol(void **state)
{
    static const struct {
        const char *what;
        size_t len;
        const char *plain;
    } cases[] = {
        {"kind 0", 3, "\x00\x00x"},
        {"kind 15", 3, "\x00\x0fx"},
        {"kind 255", 3, "\x00\xffx"},
        {"a flag of no meaning", 3, "\x02\x07x"},
        {"all flags", 3, "\xff\x07x"},
        {"no kind", 1, "\x00"},
        {"no kind, and more to come", 1, "\x01"},
        {"a second HELLO", 12,
         "\x00\x01\x94\x01\x01\xa5"
         "covey\x00"},
        {"a PING without a nonce", 3, "\x00\x08\x90"},
        {"a PING of two", 5, "\x00\x08\x92\x01\x01"},
        {"a PONG of text", 4, "\x00\x09\x91\xa0"},
        {"a CLOSE without a text", 4, "\x00\x0e\x91\x00"},
        {"a CLOSE that is not UTF-8", 7, "\x00\x0e\x92\x00\xa2\xc3\x28"},
        {"a CLOSE that rings a bell", 6, "\x00\x0e\x92\x00\xa1\x07"},
        {"a CLOSE with a C1 control", 7, "\x00\x0e\x92\x00\xa2\xc2\x9b"},
        {"a CLOSE of nothing", 2, "\x00\x0e"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        print_message("%s\n", cases[i].what);
        assert_breaks(cases[i].plain, cases[i].len);
    }
}

static void test_an_empty_continuation_breaks_the_protocol(void **state)
{
    struct world w;
    struct raw r;
    const uint8_t flags = MORE;

    raw_up(&r, &w, T0);
    raw_message(&r, MORE, MESSAGE_BATCH, text("start"));
    raw_feed(&r, &w, T0);
    assert_int_equal(w.b.downs, 0);
    raw_seal(&r, (struct covey_bytes){&flags, 1});
    raw_feed(&r, &w, T0);
    assert_told(&r, &w, SESSION_CLOSE_PROTOCOL);
    end(&r, &w);
}

static void
test_a_message_over_its_kind_s_limit_breaks_the_protocol(void **state)
{
    uint8_t body[66] = {0};
    struct world w;
    struct raw r;

    raw_up(&r, &w, T0);
    raw_message(&r, 0, MESSAGE_ACK, (struct covey_bytes){body, 64});
    raw_feed(&r, &w, T0);
    assert_int_equal(w.b.messages, 1);
    raw_message(&r, 0, MESSAGE_ACK, (struct covey_bytes){body, 65});
    raw_feed(&r, &w, T0);
    assert_told(&r, &w, SESSION_CLOSE_PROTOCOL);
    assert_int_equal(w.b.messages, 1);
    end(&r, &w);
}

/* By one byte, in the last of many small frames. */
static void
test_a_message_that_grows_over_its_limit_breaks_the_protocol(void **state)
{
    struct world w;
    struct raw r;
    uint8_t more[1001] = {MORE};
    size_t sent = 4;

    raw_up(&r, &w, T0);
    raw_message(&r, MORE, MESSAGE_FRONTIER, text("head"));
    raw_feed(&r, &w, T0);
    while (sent + 1000 <= message_max(MESSAGE_FRONTIER)) {
        raw_seal(&r, (struct covey_bytes){more, sizeof more});
        raw_feed(&r, &w, T0);
        sent += 1000;
        assert_int_equal(w.b.downs, 0);
    }
    raw_seal(&r, (struct covey_bytes){more, 1 + message_max(MESSAGE_FRONTIER) -
                                                sent});
    raw_feed(&r, &w, T0);
    assert_int_equal(w.b.downs, 0);
    raw_seal(&r, (struct covey_bytes){more, 2});
    raw_feed(&r, &w, T0);
    assert_told(&r, &w, SESSION_CLOSE_PROTOCOL);
    assert_true(w.b.count.peak < 3 * message_max(MESSAGE_FRONTIER));
    end(&r, &w);
}

/* Announcing much costs nothing: memory follows what came. */
static void test_a_message_that_only_begins_takes_little_memory(void **state)
{
    struct world w;
    struct raw r;

    raw_up(&r, &w, T0);

    size_t before = w.b.count.bytes;

    raw_message(&r, MORE, MESSAGE_EPOCHS, text("a beginning"));
    raw_feed(&r, &w, T0);
    assert_int_equal(w.b.messages, 0);
    assert_true(w.b.count.bytes < before + 256);
    end(&r, &w);
}

static void test_small_pieces_make_one_message(void **state)
{
    struct world w;
    struct raw r;
    uint8_t piece[3] = {MORE, 'a', 'b'};

    raw_up(&r, &w, T0);
    raw_message(&r, MORE, MESSAGE_OFFER, nothing);
    raw_feed(&r, &w, T0);
    for (int i = 0; i < 20; i++) {
        raw_seal(&r, (struct covey_bytes){piece, i % 2 ? 2 : 3});
        raw_feed(&r, &w, T0);
        assert_int_equal(w.b.messages, 0);
    }
    raw_seal(&r, (struct covey_bytes){(const uint8_t *)"\x00z", 2});
    raw_feed(&r, &w, T0);
    assert_int_equal(w.b.messages, 1);
    assert_int_equal(w.b.kind, MESSAGE_OFFER);
    assert_int_equal(w.b.body.len, 31);
    assert_memory_equal(w.b.body.p, "abaabaabaabaabaabaabaabaabaabaz", 31);
    end(&r, &w);
}

/* ---- frames that do not open ---- */

static void test_a_replayed_frame_is_forged(void **state)
{
    struct world w;
    struct raw r;

    raw_up(&r, &w, T0);
    raw_message(&r, 0, MESSAGE_ACK, text("once"));
    raw_feed(&r, &w, T0);
    assert_int_equal(w.b.messages, 1);
    raw_feed(&r, &w, T0);
    assert_told(&r, &w, SESSION_CLOSE_FORGED);
    assert_int_equal(w.b.messages, 1);
    end(&r, &w);
}

static void test_a_frame_after_a_lost_one_is_forged(void **state)
{
    struct world w;
    struct raw r;

    raw_up(&r, &w, T0);
    raw_message(&r, 0, MESSAGE_ACK, text("lost"));
    raw_message(&r, 0, MESSAGE_ACK, text("next"));
    raw_feed(&r, &w, T0);
    assert_told(&r, &w, SESSION_CLOSE_FORGED);
    end(&r, &w);
}

static void test_each_bit_of_a_frame_counts(void **state)
{
    const size_t len = 2 + 16 + 2 + 3;

    for (size_t bit = 16; bit < 8 * len; bit++) {
        struct world w;
        struct raw r;

        raw_up(&r, &w, T0);
        raw_message(&r, 0, MESSAGE_ACK, text("ack"));
        assert_int_equal(r.frame.len, len);
        r.frame.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        raw_feed(&r, &w, T0);
        assert_shut(&w.b, SESSION_CLOSE_FORGED);
        assert_int_equal(w.b.messages, 0);
        end(&r, &w);
    }
}

static void test_a_frame_too_short_to_open_breaks_the_protocol(void **state)
{
    for (uint8_t len = 0; len <= 16; len++) {
        struct world w;
        struct raw r;
        uint8_t frame[18] = {0, len};

        raw_up(&r, &w, T0);
        side_feed(&w.b, (struct covey_bytes){frame, 2 + (size_t)len}, T0, &w);
        assert_told(&r, &w, SESSION_CLOSE_PROTOCOL);
        end(&r, &w);
    }
}

/* ---- HELLO ---- */

/* Authenticate and send this as the first message. */
static void begin_with(struct raw *r, struct world *w, uint8_t kind,
                       struct covey_bytes body)
{
    struct covey_buf hello = bytes_buf();
    struct covey_buf plain = bytes_buf();

    raw_greet(r, w, false, T0);
    raw_third(r, nothing);
    raw_feed(r, w, T0);
    side_drain(&w->b, T0, &hello);

    struct covey_bytes frames = buf_bytes(&hello);

    raw_open(r, &frames, &plain);
    raw_message(r, 0, kind, body);
    raw_feed(r, w, T0);
    buf_clear(&hello);
    buf_clear(&plain);
}

static void test_versions_that_do_not_meet_part(void **state)
{
    static const uint32_t ranges[][2] = {{2, 2}, {2, 9}, {0, 0}};

    for (size_t i = 0; i < 3; i++) {
        struct world w;
        struct raw r;
        struct covey_buf body = bytes_buf();
        struct hello hello = {.version_min = ranges[i][0],
                              .version_max = ranges[i][1]};

        hello_write(&body, &hello);
        begin_with(&r, &w, MESSAGE_HELLO, buf_bytes(&body));
        assert_told(&r, &w, SESSION_CLOSE_VERSION);
        assert_int_equal(w.b.ups, 0);
        buf_clear(&body);
        end(&r, &w);
    }
}

static void test_versions_that_overlap_meet(void **state)
{
    struct world w;
    struct raw r;
    struct covey_buf body = bytes_buf();

    /* From a newer version, with values that this one does not know. */
    wire_array(&body, 6);
    wire_uint(&body, 1);
    wire_uint(&body, 7);
    wire_text(&body, "covey 9", 7);
    wire_uint(&body, 5);
    wire_array(&body, 1);
    wire_nil(&body);
    wire_text(&body, "more", 4);
    begin_with(&r, &w, MESSAGE_HELLO, buf_bytes(&body));
    assert_int_equal(w.b.ups, 1);
    assert_int_equal(w.b.hello.version_max, 7);
    assert_string_equal(w.b.hello.software, "covey 9");
    buf_clear(&body);
    end(&r, &w);
}

static void test_a_message_before_hello_breaks_the_protocol(void **state)
{
    static const uint8_t kinds[] = {MESSAGE_ACK, MESSAGE_PING, MESSAGE_PONG,
                                    MESSAGE_BATCH};

    for (size_t i = 0; i < sizeof kinds; i++) {
        struct world w;
        struct raw r;

        begin_with(&r, &w, kinds[i], text("\x91\x01"));
        assert_told(&r, &w, SESSION_CLOSE_PROTOCOL);
        assert_int_equal(w.b.ups + w.b.messages, 0);
        end(&r, &w);
    }
}

static void test_a_malformed_hello_breaks_the_protocol(void **state)
{
    struct world w;
    struct raw r;

    begin_with(&r, &w, MESSAGE_HELLO, text("\x93\x01\x01\xa0"));
    assert_told(&r, &w, SESSION_CLOSE_PROTOCOL);
    end(&r, &w);
}

static void test_close_may_come_instead_of_hello(void **state)
{
    struct world w;
    struct raw r;
    struct covey_buf body = bytes_buf();

    close_write(&body, 77, "");
    begin_with(&r, &w, MESSAGE_CLOSE, buf_bytes(&body));
    assert_int_equal(w.b.downs, 1);
    assert_true(w.b.down.down.by_peer);
    assert_int_equal(w.b.down.down.code, 77);
    assert_string_equal(w.b.down.down.text,
                        "for a reason that this version does not know");
    assert_int_equal(session_waiting(w.b.s), 0);
    buf_clear(&body);
    end(&r, &w);
}

/* ---- noise ---- */

/* Whatever strangers send: no byte but message 2, nothing kept. */
static void test_ten_thousand_frames_of_strangers(void **state)
{
    uint64_t seed = 20240901;
    struct covey_buf mutated = bytes_buf();

    for (int i = 0; i < 10000; i++) {
        struct world w;
        struct raw r;
        bool third = i % 4 == 0;
        bool door = i % 3 == 0;

        if (third) {
            raw_greet(&r, &w, door, T0);
            raw_third(&r, nothing);
        } else {
            raw_init(&r);
            world_init(&w);
            world_open(&w, T0);
            raw_first(&r, &w, door);
        }
        do
            bytes_mutate(&seed, buf_bytes(&r.frame), &mutated);
        while (mutated.len >= r.frame.len &&
               memcmp(mutated.p, r.frame.p, r.frame.len) == 0);
        side_feed(&w.b, buf_bytes(&mutated), T0, &w);
        assert_int_equal(w.b.rc, COVEY_OK);
        assert_int_equal(w.b.auths, 0);
        assert_int_equal(session_waiting(w.b.s), 0);
        assert_int_equal(w.b.out_bytes, third ? 50 : 0);
        assert_true(w.b.count.peak < 8192);
        end(&r, &w);
    }
    buf_clear(&mutated);
}

/* A plaintext for the noise to start from. */
static void draw_plain(uint64_t *seed, struct covey_buf *out)
{
    uint8_t head[2] = {bytes_below(seed, 3) == 0,
                       (uint8_t)(1 + bytes_below(seed, 14))};
    size_t len = bytes_below(seed, 10) == 0 ? bytes_below(seed, 60000)
                                            : bytes_below(seed, 60);

    buf_reset(out);
    buf_append(out, head, sizeof head);
    if (head[1] == MESSAGE_PING || head[1] == MESSAGE_PONG)
        ping_write(out, bytes_draw(seed) >> bytes_below(seed, 64));
    else if (head[1] == MESSAGE_CLOSE)
        close_write(out, 0, "bye");
    else
        bytes_fill(seed, buf_extend(out, len), len);
}

/* A peer that seals noise, until it is closed; then another one. */
static void test_ten_thousand_frames_of_a_peer(void **state)
{
    uint64_t seed = 20240902;
    struct covey_buf plain = bytes_buf();
    struct covey_buf mutated = bytes_buf();
    struct covey_buf out = bytes_buf();
    int messages = 0;

    for (int i = 0; i < 10000;) {
        struct world w;
        struct raw r;

        raw_up(&r, &w, T0);
        for (; i < 10000 && w.b.downs == 0; i++) {
            draw_plain(&seed, &plain);
            bytes_mutate(&seed, buf_bytes(&plain), &mutated);
            if (bytes_below(&seed, 2))
                raw_seal(&r, buf_bytes(&plain));
            else
                raw_seal(&r, buf_bytes(&mutated));
            if (bytes_below(&seed, 100) == 0)
                r.frame.p[bytes_below(&seed, r.frame.len)] ^= 0x10;
            raw_feed(&r, &w, T0);
            assert_int_equal(w.b.rc, COVEY_OK);
            assert_true(session_waiting(w.b.s) <= SESSION_QUEUE_MAX);
            assert_true(w.b.count.peak < 4u << 20);
        }
        messages += w.b.messages;
        buf_reset(&out);
        side_drain(&w.b, T0, &out);
        end(&r, &w);
    }
    assert_true(messages > 1000); /* it was not all refused */
    buf_clear(&plain);
    buf_clear(&mutated);
    buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_has_no_form_breaks_the_protocol),
        cmocka_unit_test(test_an_empty_continuation_breaks_the_protocol),
        cmocka_unit_test(
            test_a_message_over_its_kind_s_limit_breaks_the_protocol),
        cmocka_unit_test(
            test_a_message_that_grows_over_its_limit_breaks_the_protocol),
        cmocka_unit_test(test_a_message_that_only_begins_takes_little_memory),
        cmocka_unit_test(test_small_pieces_make_one_message),
        cmocka_unit_test(test_a_replayed_frame_is_forged),
        cmocka_unit_test(test_a_frame_after_a_lost_one_is_forged),
        cmocka_unit_test(test_each_bit_of_a_frame_counts),
        cmocka_unit_test(test_a_frame_too_short_to_open_breaks_the_protocol),
        cmocka_unit_test(test_versions_that_do_not_meet_part),
        cmocka_unit_test(test_versions_that_overlap_meet),
        cmocka_unit_test(test_a_message_before_hello_breaks_the_protocol),
        cmocka_unit_test(test_a_malformed_hello_breaks_the_protocol),
        cmocka_unit_test(test_close_may_come_instead_of_hello),
        cmocka_unit_test(test_ten_thousand_frames_of_strangers),
        cmocka_unit_test(test_ten_thousand_frames_of_a_peer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
