/* What two nodes say: each message comes back as it was written, and readers
 * take nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/batch.h"
#include "proto/message.h"
#include "proto/ticket.h"
#include "proto/wire.h"
#include "tests/unit/support_bytes.h"

static uint64_t seed = 1;

static void assert_body(const struct covey_buf *body, const char *hex)
{
    static char text[2048];

    assert_int_equal(buf_rc(body), COVEY_OK);
    assert_true(2 * body->len < sizeof text);
    hex_encode(body->p, body->len, text);
    assert_string_equal(text, hex);
}

/* ---- one reader for each kind, so that all can be tried alike ---- */

static struct read_result {
    struct hello hello;
    struct prove prove;
    struct offer offer;
    struct epochs epochs;
    struct frontier frontier;
    struct ack ack;
    struct requests requests;
    struct door_leave leave;
    uint64_t nonce;
    uint32_t code;
    char text[CLOSE_TEXT_MAX + 1];
} got;

static enum covey_rc read_kind(enum message_kind kind, struct covey_bytes in)
{
    switch (kind) {
    case MESSAGE_HELLO:
        return hello_read(in, &got.hello);
    case MESSAGE_PROVE:
        return prove_read(in, &got.prove);
    case MESSAGE_OFFER:
        return offer_read(in, &got.offer);
    case MESSAGE_EPOCHS:
        return epochs_read(in, &got.epochs);
    case MESSAGE_FRONTIER:
        return frontier_read(in, &got.frontier);
    case MESSAGE_ACK:
        return ack_read(in, &got.ack);
    case MESSAGE_PING:
    case MESSAGE_PONG:
        return ping_read(in, &got.nonce);
    case MESSAGE_REQUESTS:
        return requests_read(in, &got.requests);
    case MESSAGE_DOOR_LEAVE:
        return door_leave_read(in, &got.leave);
    case MESSAGE_DOOR_ANSWER:
    case MESSAGE_CARRY_ANSWER:
        return answer_read(in, &got.code);
    case MESSAGE_CLOSE:
        return close_read(in, &got.code, got.text);
    case MESSAGE_BATCH:
        break;
    }
    return COVEY_EBAD;
}

/* Read from memory of the body's own size. */
static enum covey_rc read_exact(enum message_kind kind, struct covey_bytes in)
{
    struct covey_bytes copy = bytes_exact(in);
    enum covey_rc rc = read_kind(kind, copy);

    bytes_free(copy);
    return rc;
}

static struct blind a_blind(void)
{
    struct blind b;

    bytes_fill(&seed, b.b, sizeof b.b);
    return b;
}

static struct hash a_hash(void)
{
    struct hash h;

    bytes_fill(&seed, h.b, sizeof h.b);
    return h;
}

/* A body that its reader takes, of each kind but BATCH. */
static void write_sample(enum message_kind kind, struct covey_buf *out)
{
    struct blind blind = a_blind();
    struct hello hello = {1, 3, "covey 0.1", 1700000000000};
    struct prove prove = {.proof_count = 2};
    struct offer offer = {blind, 70000, a_hash(), a_hash(), true};
    struct log_head head = {.number = 300};
    struct ack ack = {blind, 1000};
    struct invite_id invite = {{1, 2, 3}};
    struct covey_bytes sealed = {(const uint8_t *)"sealed", 6};
    struct door_leave leave = {invite, sealed};

    bytes_fill(&seed, &prove.proofs, sizeof prove.proofs);
    buf_reset(out);
    if (kind == MESSAGE_HELLO)
        hello_write(out, &hello);
    else if (kind == MESSAGE_PROVE)
        prove_write(out, &prove);
    else if (kind == MESSAGE_OFFER)
        offer_write(out, &offer);
    else if (kind == MESSAGE_ACK)
        ack_write(out, &ack);
    else if (kind == MESSAGE_PING || kind == MESSAGE_PONG)
        ping_write(out, 77);
    else if (kind == MESSAGE_DOOR_LEAVE)
        door_leave_write(out, &leave);
    else if (kind == MESSAGE_DOOR_ANSWER || kind == MESSAGE_CARRY_ANSWER)
        answer_write(out, DOOR_USED);
    else if (kind == MESSAGE_CLOSE)
        close_write(out, 3, "why");
    if (kind == MESSAGE_EPOCHS) {
        epochs_begin(out, &blind, 2);
        wire_bin(out, "first", 5);
        wire_bin(out, "second", 6);
    }
    if (kind == MESSAGE_FRONTIER) {
        frontier_begin(out, &blind, true);
        frontier_add(out, &head);
        frontier_add(out, &head);
    }
    if (kind == MESSAGE_REQUESTS) {
        requests_begin(out, &blind, 2);
        requests_add(out, &invite, sealed);
        requests_add(out, &invite, (struct covey_bytes){NULL, 0});
    }
}

static const enum message_kind read_kinds[] = {
    MESSAGE_HELLO,       MESSAGE_PROVE,        MESSAGE_OFFER,
    MESSAGE_EPOCHS,      MESSAGE_FRONTIER,     MESSAGE_ACK,
    MESSAGE_PING,        MESSAGE_REQUESTS,     MESSAGE_DOOR_LEAVE,
    MESSAGE_DOOR_ANSWER, MESSAGE_CARRY_ANSWER, MESSAGE_CLOSE,
};
#define READ_KINDS (sizeof read_kinds / sizeof read_kinds[0])

/* ---- all kinds alike ---- */

static void test_only_listed_kinds_exist(void **state)
{
    size_t count = 0;

    for (unsigned kind = 0; kind < 256; kind++)
        count += message_max((uint8_t)kind) > 0;
    assert_int_equal(count, 14);
    assert_int_equal(message_max(0), 0);
    assert_int_equal(message_max(15), 0);
    assert_int_equal(message_max(MESSAGE_ACK), 64);
    assert_int_equal(message_max(MESSAGE_EPOCHS), 1310720);
    assert_int_equal(message_max(MESSAGE_CLOSE), 1024);
}

static void test_what_is_cut_short_or_goes_on_is_refused(void **state)
{
    struct covey_buf body = bytes_buf();

    for (size_t k = 0; k < READ_KINDS; k++) {
        struct covey_bytes cut;

        write_sample(read_kinds[k], &body);
        assert_int_equal(buf_rc(&body), COVEY_OK);
        assert_true(body.len <= message_max((uint8_t)read_kinds[k]));
        assert_int_equal(read_exact(read_kinds[k], buf_bytes(&body)), COVEY_OK);
        for (cut = buf_bytes(&body), cut.len = 0; cut.len < body.len;
             cut.len++) {
            bool whole = read_kinds[k] == MESSAGE_FRONTIER && cut.len >= 17 &&
                         (cut.len - 17) % 80 == 0;

            assert_int_equal(read_exact(read_kinds[k], cut),
                             whole ? COVEY_OK : COVEY_EBAD);
        }
        buf_append(&body, "", 1);
        assert_int_equal(read_exact(read_kinds[k], buf_bytes(&body)),
                         COVEY_EBAD);
    }
    buf_clear(&body);
}

/* No value but an array, and none of another length. */
static void test_other_values_are_refused(void **state)
{
    static const char *const values[] = {
        "\xc0",        "\x01", "\x90", "\x91\xc0", "\xa0", "\x93\x01\x01\x01",
        "\x92\xc0\xc0"};

    for (size_t k = 0; k < READ_KINDS; k++) {
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            struct covey_bytes in = {(const uint8_t *)values[i],
                                     strlen(values[i])};

            if (read_kinds[k] == MESSAGE_PROVE && i == 2)
                continue; /* an empty array is no proofs */
            assert_int_equal(read_exact(read_kinds[k], in), COVEY_EBAD);
        }
    }
}

static void test_ten_thousand_mutated_bodies_do_no_harm(void **state)
{
    struct covey_buf body = bytes_buf();
    struct covey_buf mutated = bytes_buf();
    int taken = 0;

    for (int i = 0; i < 10000; i++) {
        enum message_kind kind = read_kinds[bytes_below(&seed, READ_KINDS)];

        write_sample(kind, &body);
        bytes_mutate(&seed, buf_bytes(&body), &mutated);

        enum covey_rc rc = read_exact(kind, buf_bytes(&mutated));

        assert_true(rc == COVEY_OK || rc == COVEY_EBAD || rc == COVEY_ELIMIT);
        taken += rc == COVEY_OK;
    }
    assert_true(taken > 100 && taken < 9000);
    buf_clear(&body);
    buf_clear(&mutated);
}

/* Read before the body is, to find whose it is. */
static void test_a_body_about_a_space_begins_with_its_blind(void **state)
{
    static const enum message_kind kinds[] = {MESSAGE_OFFER, MESSAGE_EPOCHS,
                                              MESSAGE_FRONTIER, MESSAGE_ACK,
                                              MESSAGE_REQUESTS};
    struct covey_buf body = bytes_buf();
    struct blind blind = a_blind();
    struct blind back;

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t at = kinds[i] == MESSAGE_FRONTIER ? 0 : 3;

        write_sample(kinds[i], &body);
        memcpy(body.p + at, blind.b, sizeof blind.b);
        assert_true(message_blind(kinds[i], buf_bytes(&body), &back));
        assert_memory_equal(&back, &blind, sizeof blind);
        body.len = at + sizeof blind.b - (at > 0);
        assert_false(message_blind(kinds[i], buf_bytes(&body), &back));
    }
    buf_reset(&body);
    batch_head_write(&body, &blind, 1);
    assert_true(message_blind(MESSAGE_BATCH, buf_bytes(&body), &back));
    assert_memory_equal(&back, &blind, sizeof blind);
    body.len--;
    assert_false(message_blind(MESSAGE_BATCH, buf_bytes(&body), &back));
    buf_clear(&body);
}

/* ---- each kind ---- */

static void test_hello_comes_back(void **state)
{
    struct covey_buf body = bytes_buf();
    struct hello h = {1, 300, "covey 0.1", 1700000000000};

    hello_write(&body, &h);
    assert_body(&body, "9401cd012ca9636f76657920302e31cf0000018bcfe56800");
    assert_int_equal(read_exact(MESSAGE_HELLO, buf_bytes(&body)), COVEY_OK);
    assert_int_equal(got.hello.version_min, 1);
    assert_int_equal(got.hello.version_max, 300);
    assert_string_equal(got.hello.software, "covey 0.1");
    assert_int_equal(got.hello.wall_ms, 1700000000000);
    buf_clear(&body);
}

static void assert_hello(const char *hex, enum covey_rc rc)
{
    uint8_t bytes[128];
    size_t len = strlen(hex) / 2;

    assert_true(hex_decode(hex, bytes, len));
    assert_int_equal(
        read_exact(MESSAGE_HELLO, (struct covey_bytes){bytes, len}), rc);
}

static void test_hello_is_read_with_care(void **state)
{
    assert_hello("940101a000", COVEY_OK);
    assert_hello("950101a000c0", COVEY_OK); /* a newer version's */
    assert_hello("95010101a000", COVEY_EBAD);
    assert_hello("930101a0", COVEY_EBAD);
    assert_hello("940201a000", COVEY_EBAD);                 /* min over max */
    assert_hello("9401cf0000000100000000a000", COVEY_EBAD); /* 33 bits */
    assert_hello("940101a10a00", COVEY_EBAD);               /* a line feed */
    assert_hello("940101a17f00", COVEY_EBAD);
    assert_hello("940101a2c29b00", COVEY_EBAD); /* CSI, in Latin-1 */
    assert_hello("940101a2c2a000", COVEY_OK);   /* a no-break space */
    assert_hello("940101a1c300", COVEY_EBAD);   /* half a letter */
}

static void test_a_program_s_name_has_32_bytes(void **state)
{
    struct covey_buf body = bytes_buf();
    char name[] = "covey 0.123456789 abcdefghijklmno";

    assert_int_equal(strlen(name), 33);
    for (size_t len = 33; len >= 32; len--) {
        buf_reset(&body);
        wire_array(&body, 4);
        wire_uint(&body, 1);
        wire_uint(&body, 1);
        wire_text(&body, name, len);
        wire_uint(&body, 0);
        assert_int_equal(read_exact(MESSAGE_HELLO, buf_bytes(&body)),
                         len == 32 ? COVEY_OK : COVEY_EBAD);
    }
    name[32] = '\0';
    assert_string_equal(got.hello.software, name);
    buf_clear(&body);
}

static void test_prove_takes_seven_proofs(void **state)
{
    struct covey_buf body = bytes_buf();
    struct prove p = {.proof_count = PROVE_PROOFS_MAX};

    bytes_fill(&seed, p.proofs, sizeof p.proofs);
    prove_write(&body, &p);
    assert_int_equal(buf_rc(&body), COVEY_OK);
    assert_true(body.len <= message_max(MESSAGE_PROVE));
    assert_int_equal(read_exact(MESSAGE_PROVE, buf_bytes(&body)), COVEY_OK);
    assert_int_equal(got.prove.proof_count, PROVE_PROOFS_MAX);
    assert_memory_equal(got.prove.proofs, p.proofs, sizeof p.proofs);

    buf_reset(&body);
    wire_array(&body, 8);
    for (int i = 0; i < 8; i++)
        wire_bin(&body, p.proofs, PROOF_SIZE);
    assert_int_equal(read_exact(MESSAGE_PROVE, buf_bytes(&body)), COVEY_ELIMIT);
    buf_reset(&body);
    wire_array(&body, 1);
    wire_bin(&body, p.proofs, PROOF_SIZE - 1);
    assert_int_equal(read_exact(MESSAGE_PROVE, buf_bytes(&body)), COVEY_EBAD);
    buf_clear(&body);
}

static void test_offer_and_ack_come_back(void **state)
{
    struct covey_buf body = bytes_buf();
    struct offer o = {a_blind(), UINT64_MAX, a_hash(), a_hash(), true};
    struct ack a = {a_blind(), UINT32_MAX};

    offer_write(&body, &o);
    assert_int_equal(read_exact(MESSAGE_OFFER, buf_bytes(&body)), COVEY_OK);
    assert_memory_equal(&got.offer.blind, &o.blind, sizeof o.blind);
    assert_true(got.offer.epoch_number == UINT64_MAX);
    assert_true(hash_equal(&got.offer.epoch_head, &o.epoch_head));
    assert_true(hash_equal(&got.offer.frontier, &o.frontier));
    assert_true(got.offer.ask);
    buf_reset(&body);
    ack_write(&body, &a);
    assert_true(body.len <= message_max(MESSAGE_ACK));
    assert_int_equal(read_exact(MESSAGE_ACK, buf_bytes(&body)), COVEY_OK);
    assert_memory_equal(&got.ack, &a, sizeof a);
    buf_clear(&body);
}

static void test_epochs_are_walked_in_order(void **state)
{
    struct covey_buf body = bytes_buf();
    struct blind blind = a_blind();
    struct epochs e;

    epochs_begin(&body, &blind, 2);
    wire_bin(&body, "genesis", 7);
    wire_bin(&body, "", 0);
    assert_int_equal(epochs_read(buf_bytes(&body), &e), COVEY_OK);
    assert_memory_equal(&e.blind, &blind, sizeof blind);
    assert_int_equal(e.count, 2);

    struct wire_cursor c = wire_cursor(e.items);
    struct covey_bytes first = wire_read_bin(&c);

    assert_int_equal(first.len, 7);
    assert_memory_equal(first.p, "genesis", 7);
    assert_int_equal(wire_read_bin(&c).len, 0);
    assert_true(wire_done(&c));

    buf_reset(&body);
    epochs_begin(&body, &blind, 1);
    wire_text(&body, "text", 4); /* no binary */
    assert_int_equal(epochs_read(buf_bytes(&body), &e), COVEY_EBAD);
    buf_clear(&body);
}

static void test_requests_are_walked_in_order(void **state)
{
    static const uint8_t long_request[JOIN_REQUEST_MAX + 1];
    struct covey_buf body = bytes_buf();
    struct blind blind = a_blind();
    struct invite_id one = {{1}}, two = {{2}}, invite;
    struct covey_bytes sealed = {long_request, JOIN_REQUEST_MAX};
    struct requests r;

    requests_begin(&body, &blind, 2);
    requests_add(&body, &one, (struct covey_bytes){(const uint8_t *)"x", 1});
    requests_add(&body, &two, sealed);
    assert_int_equal(requests_read(buf_bytes(&body), &r), COVEY_OK);
    assert_memory_equal(&r.blind, &blind, sizeof blind);
    assert_int_equal(r.count, 2);
    assert_true(requests_next(&r, &invite, &sealed));
    assert_memory_equal(&invite, &one, sizeof one);
    assert_int_equal(sealed.len, 1);
    assert_true(requests_next(&r, &invite, &sealed));
    assert_memory_equal(&invite, &two, sizeof two);
    assert_int_equal(sealed.len, JOIN_REQUEST_MAX);
    assert_false(requests_next(&r, &invite, &sealed));

    buf_reset(&body);
    requests_begin(&body, &blind, 1);
    requests_add(&body, &one,
                 (struct covey_bytes){long_request, sizeof long_request});
    assert_int_equal(requests_read(buf_bytes(&body), &r), COVEY_ELIMIT);
    buf_clear(&body);
}

static void test_a_request_left_at_the_door_comes_back(void **state)
{
    static const uint8_t long_request[JOIN_REQUEST_MAX + 1];
    struct covey_buf body = bytes_buf();
    struct door_leave d = {{{9}}, {long_request, JOIN_REQUEST_MAX}};
    struct door_leave back;

    door_leave_write(&body, &d);
    assert_true(body.len <= message_max(MESSAGE_DOOR_LEAVE));
    assert_int_equal(door_leave_read(buf_bytes(&body), &back), COVEY_OK);
    assert_memory_equal(&back.invite, &d.invite, sizeof back.invite);
    assert_int_equal(back.sealed.len, JOIN_REQUEST_MAX);
    d.sealed.len++;
    buf_reset(&body);
    door_leave_write(&body, &d);
    assert_int_equal(door_leave_read(buf_bytes(&body), &back), COVEY_ELIMIT);
    buf_clear(&body);
}

static void test_codes_and_nonces_come_back_whole(void **state)
{
    struct covey_buf body = bytes_buf();

    ping_write(&body, UINT64_MAX);
    assert_body(&body, "91cfffffffffffffffff");
    assert_int_equal(read_exact(MESSAGE_PING, buf_bytes(&body)), COVEY_OK);
    assert_true(got.nonce == UINT64_MAX);
    buf_reset(&body);
    answer_write(&body, UINT32_MAX);
    assert_int_equal(read_exact(MESSAGE_DOOR_ANSWER, buf_bytes(&body)),
                     COVEY_OK);
    assert_int_equal(got.code, UINT32_MAX);
    buf_reset(&body);
    ping_write(&body, UINT64_C(1) << 32);
    assert_int_equal(read_exact(MESSAGE_DOOR_ANSWER, buf_bytes(&body)),
                     COVEY_EBAD);
    buf_clear(&body);
}

static void test_close_leaves_out_what_would_be_refused(void **state)
{
    struct covey_buf body = bytes_buf();

    close_write(&body, 5, "bell \a");
    assert_body(&body, "9205a0");
    buf_reset(&body);
    close_write(&body, 5, "half \xc3");
    assert_body(&body, "9205a0");
    buf_reset(&body);
    close_write(&body, 5, "ok");
    assert_body(&body, "9205a26f6b");
    assert_int_equal(read_exact(MESSAGE_CLOSE, buf_bytes(&body)), COVEY_OK);
    assert_int_equal(got.code, 5);
    assert_string_equal(got.text, "ok");
    buf_clear(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_listed_kinds_exist),
        cmocka_unit_test(test_what_is_cut_short_or_goes_on_is_refused),
        cmocka_unit_test(test_other_values_are_refused),
        cmocka_unit_test(test_ten_thousand_mutated_bodies_do_no_harm),
        cmocka_unit_test(test_a_body_about_a_space_begins_with_its_blind),
        cmocka_unit_test(test_hello_comes_back),
        cmocka_unit_test(test_hello_is_read_with_care),
        cmocka_unit_test(test_a_program_s_name_has_32_bytes),
        cmocka_unit_test(test_prove_takes_seven_proofs),
        cmocka_unit_test(test_offer_and_ack_come_back),
        cmocka_unit_test(test_epochs_are_walked_in_order),
        cmocka_unit_test(test_requests_are_walked_in_order),
        cmocka_unit_test(test_a_request_left_at_the_door_comes_back),
        cmocka_unit_test(test_codes_and_nonces_come_back_whole),
        cmocka_unit_test(test_close_leaves_out_what_would_be_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
