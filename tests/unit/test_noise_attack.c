/* Every way to disturb a handshake or the transport after it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/crypto.h"
#include "proto/noise.h"
#include "tests/unit/support_noise.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- the handshake ---- */

static void test_a_changed_byte_anywhere_is_refused(void **state)
{
    for (int number = 1; number <= 3; number++) {
        struct pair p = pair_new(false);
        struct noise_message m = pair_come_to(&p, number);

        for (size_t i = 0; i < m.len; i++) {
            struct noise_handshake hs = *pair_listener(&p, number);

            m.bytes[i] ^= 1;
            assert_int_equal(pair_hear(&hs, message_bytes(&m)), COVEY_EFORGED);
            m.bytes[i] ^= 1;
        }
        /* Untouched it would have been taken: that was no other fault. */
        assert_int_equal(
            pair_hear(pair_listener(&p, number), message_bytes(&m)), COVEY_OK);
    }
}

static void test_a_message_cut_short_at_any_length_is_refused(void **state)
{
    static const size_t least[] = {0, NOISE_OVERHEAD_1, NOISE_OVERHEAD_2,
                                   NOISE_OVERHEAD_3};

    for (int number = 1; number <= 3; number++) {
        struct pair p = pair_new(false);
        struct noise_message m = pair_come_to(&p, number);

        for (size_t len = 0; len < m.len; len++) {
            struct noise_handshake hs = *pair_listener(&p, number);

            assert_int_equal(pair_hear(&hs, (struct covey_bytes){m.bytes, len}),
                             len < least[number] ? COVEY_EBAD : COVEY_EFORGED);
        }
    }
}

static void test_a_message_longer_than_65535_bytes_is_refused(void **state)
{
    struct pair p = pair_new(false);
    uint8_t *big = calloc(1, NOISE_MESSAGE_MAX + 1);

    assert_non_null(big);
    assert_int_equal(
        pair_hear(&p.resp, (struct covey_bytes){big, NOISE_MESSAGE_MAX + 1}),
        COVEY_EBAD);
    free(big);
}

static void test_who_dials_the_wrong_key_fails_at_message_1(void **state)
{
    struct pair p = pair_new(false);
    struct party other = party_of(0x30);
    struct noise_message m;

    party_begin(&p.init, &p.i, &other.key, false, "covey/1");
    m = pair_say(&p, "payload");
    assert_int_equal(pair_hear(&p.resp, message_bytes(&m)), COVEY_EFORGED);
}

static void test_another_prologue_fails_at_message_1(void **state)
{
    struct pair p = pair_new(false);
    struct noise_message m;

    party_begin(&p.init, &p.i, &p.r.key, false, "covey/2");
    m = pair_say(&p, "payload");
    assert_int_equal(pair_hear(&p.resp, message_bytes(&m)), COVEY_EFORGED);
}

static void test_a_handshake_with_psk_is_not_one_without(void **state)
{
    struct pair with = pair_new(true);
    struct pair without = pair_new(false);
    struct noise_message m = pair_say(&with, "payload");

    assert_int_equal(pair_hear(&without.resp, message_bytes(&m)),
                     COVEY_EFORGED);
}

static void test_another_psk_fails_at_message_3(void **state)
{
    static const uint8_t other[32] = "guessed";
    struct pair p = pair_new(true);
    struct noise_message m;

    pair_step(&p);
    noise_set_psk(&p.resp, other); /* not yet mixed in */
    pair_step(&p);
    m = pair_say(&p, "payload");
    assert_int_equal(pair_hear(&p.resp, message_bytes(&m)), COVEY_EFORGED);
}

static void test_the_psk_may_be_chosen_after_message_1(void **state)
{
    static const uint8_t psk[32] = "found by what message 1 named";
    struct pair p = {.i = party_of(0x10), .r = party_of(0x20)};

    party_begin(&p.init, &p.i, &p.r.key, true, "covey/1");
    party_begin(&p.resp, &p.r, NULL, true, "covey/1");
    pair_step(&p);
    noise_set_psk(&p.resp, psk);
    noise_set_psk(&p.init, psk);
    pair_step(&p);
    pair_step(&p);
    assert_int_equal(p.resp.next, 4);
}

/* ---- low-order points ---- */

static const char *const low_order[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

/* BLAKE2b-512 of a then b. */
static void hash(struct covey_bytes a, struct covey_bytes b, uint8_t out[64])
{
    crypto_generichash_state s;

    assert_int_equal(crypto_generichash_init(&s, NULL, 0, 64), 0);
    assert_int_equal(crypto_generichash_update(&s, a.p, a.len), 0);
    assert_int_equal(crypto_generichash_update(&s, b.p, b.len), 0);
    assert_int_equal(crypto_generichash_final(&s, out, 64), 0);
}

static void hmac(const uint8_t key[64], const void *data, size_t len,
                 uint8_t out[64])
{
    uint8_t inner[128];
    uint8_t outer[128];

    memset(inner, 0x36, sizeof inner);
    memset(outer, 0x5c, sizeof outer);
    for (size_t i = 0; i < 64; i++) {
        inner[i] ^= key[i];
        outer[i] ^= key[i];
    }
    hash((struct covey_bytes){inner, sizeof inner},
         (struct covey_bytes){data, len}, out);
    hash((struct covey_bytes){outer, sizeof outer},
         (struct covey_bytes){out, 64}, out);
}

/* ck and the key after MixKey of a secret of zeros. */
static void mix_zeros(uint8_t ck[64], uint8_t key[65])
{
    static const uint8_t zeros[32];
    uint8_t temp[64];

    hmac(ck, zeros, sizeof zeros, temp);
    hmac(temp, "\x01", 1, key);
    memcpy(ck, key, 64);
    key[64] = 2;
    hmac(temp, key, 65, key);
}

/* A first message whose ephemeral key is a low-order point and whose tag is
 * right for the secret of zeros that it leads to: all but the point is well. */
static struct noise_message forge_first(const uint8_t point[32],
                                        const struct pair *p)
{
    static const uint8_t nonce[12];
    struct covey_bytes h_bytes;
    uint8_t h[64] = "Noise_XK_25519_ChaChaPoly_BLAKE2b";
    uint8_t ck[64];
    uint8_t key[65];
    struct noise_message m = {.len = 48};

    memcpy(ck, h, sizeof ck);
    h_bytes = (struct covey_bytes){h, sizeof h};
    hash(h_bytes, text_bytes("covey/1"), h);
    hash(h_bytes, (struct covey_bytes){p->r.key.b, 32}, h);
    hash(h_bytes, (struct covey_bytes){point, 32}, h);
    mix_zeros(ck, key);
    memcpy(m.bytes, point, 32);
    assert_int_equal(
        crypto_aead_chacha20poly1305_ietf_encrypt(
            m.bytes + 32, NULL, NULL, 0, h, sizeof h, NULL, nonce, key),
        0);
    return m;
}

static void test_a_low_order_ephemeral_key_is_refused_in_message_1(void **state)
{
    for (size_t i = 0; i < COUNT(low_order); i++) {
        struct pair p = pair_new(false);
        uint8_t point[32];

        assert_true(hex_decode(low_order[i], point, sizeof point));

        struct noise_message m = forge_first(point, &p);

        assert_int_equal(pair_hear(&p.resp, message_bytes(&m)), COVEY_EFORGED);
    }
}

static void test_a_low_order_ephemeral_key_is_refused_in_message_2(void **state)
{
    for (size_t i = 0; i < COUNT(low_order); i++) {
        struct pair p = pair_new(false);
        struct noise_message m = pair_come_to(&p, 2);

        assert_true(hex_decode(low_order[i], m.bytes, 32));
        assert_int_equal(pair_hear(&p.init, message_bytes(&m)), COVEY_EFORGED);
    }
}

static void test_a_low_order_key_cannot_be_dialled(void **state)
{
    for (size_t i = 0; i < COUNT(low_order); i++) {
        struct pair p = pair_new(false);
        struct noise_key key;
        uint8_t out[NOISE_TEST_ROOM];
        size_t len;

        assert_true(hex_decode(low_order[i], key.b, sizeof key.b));
        party_begin(&p.init, &p.i, &key, false, "covey/1");
        assert_int_equal(noise_write(&p.init, text_bytes(""), out, &len),
                         COVEY_EFORGED);
    }
}

/* A static key that is a low-order point, and opens: its owner would prove
 * nothing, since the secret is zero for everybody. */
static void test_a_low_order_static_key_is_refused_in_message_3(void **state)
{
    for (size_t i = 0; i < COUNT(low_order); i++) {
        struct pair p = pair_new(false);
        uint8_t point[32];

        assert_true(hex_decode(low_order[i], point, sizeof point));
        pair_step(&p);
        pair_step(&p);
        /* What the initiator holds for its own public key. */
        memcpy(p.init.s_public, point, sizeof point);

        struct noise_message m = pair_say(&p, "payload");

        assert_int_equal(pair_hear(&p.resp, message_bytes(&m)), COVEY_EFORGED);
    }
}

/* ---- our own mistakes ---- */

static jmp_buf panicked;

static void on_panic(const char *expr, const char *file, int line)
{
    longjmp(panicked, 1);
}

static bool panics(void (*attempt)(struct noise_handshake *),
                   struct noise_handshake *hs)
{
    volatile bool panicking = true;

    covey_panic_set(on_panic);
    if (setjmp(panicked) == 0) {
        attempt(hs);
        panicking = false;
    }
    covey_panic_set(NULL);
    return panicking;
}

static void write_some(struct noise_handshake *hs)
{
    uint8_t out[NOISE_TEST_ROOM];
    size_t len;

    (void)!noise_write(hs, text_bytes("some"), out, &len);
}

static void read_some(struct noise_handshake *hs)
{
    static const uint8_t some[100];
    uint8_t out[NOISE_TEST_ROOM];
    size_t len;

    (void)!noise_read(hs, (struct covey_bytes){some, sizeof some}, out, &len);
}

static void write_too_much(struct noise_handshake *hs)
{
    static uint8_t big[NOISE_MESSAGE_MAX];
    static uint8_t out[2 * NOISE_MESSAGE_MAX];
    size_t len;
    size_t most = NOISE_MESSAGE_MAX - NOISE_OVERHEAD_1;

    (void)!noise_write(hs, (struct covey_bytes){big, most + 1}, out, &len);
}

static void split(struct noise_handshake *hs)
{
    struct noise_cipher send;
    struct noise_cipher receive;

    noise_split(hs, &send, &receive);
}

static void send_too_much(struct noise_handshake *hs)
{
    static uint8_t big[NOISE_MESSAGE_MAX];
    static uint8_t out[2 * NOISE_MESSAGE_MAX];
    struct noise_cipher c = {.n = 0};

    (void)hs;
    noise_encrypt(&c, (struct covey_bytes){big, sizeof big - NOISE_TAG + 1},
                  out);
}

/* Nonce 2^64-1 is rekey's. */
static void send_at_the_last_nonce(struct noise_handshake *hs)
{
    uint8_t out[NOISE_TEST_ROOM];
    struct noise_cipher c = {.n = UINT64_MAX};

    (void)hs;
    noise_encrypt(&c, text_bytes("some"), out);
}

static void set_psk(struct noise_handshake *hs)
{
    static const uint8_t psk[32];

    noise_set_psk(hs, psk);
}

static void test_speaking_out_of_turn_is_our_fault(void **state)
{
    for (int number = 1; number <= 4; number++) {
        struct pair p = pair_new(false);

        while (p.init.next < number)
            pair_step(&p);

        bool init_writes = number == 1 || number == 3;
        bool resp_writes = number == 2;

        assert_int_equal(panics(write_some, &p.init), !init_writes);
        assert_int_equal(panics(write_some, &p.resp), !resp_writes);
        p = pair_new(false);
        while (p.init.next < number)
            pair_step(&p);
        assert_int_equal(panics(read_some, &p.init), !resp_writes);
        assert_int_equal(panics(read_some, &p.resp), !init_writes);
    }
}

static void test_going_on_after_a_refusal_is_our_fault(void **state)
{
    struct pair p = pair_new(false);
    struct noise_message m = pair_come_to(&p, 1);

    m.bytes[40] ^= 1;
    assert_int_equal(pair_hear(&p.resp, message_bytes(&m)), COVEY_EFORGED);
    assert_true(panics(read_some, &p.resp));
    assert_true(panics(write_some, &p.resp));
}

static void test_a_psk_that_nobody_set_is_our_fault(void **state)
{
    struct pair p = {.i = party_of(0x10), .r = party_of(0x20)};

    party_begin(&p.init, &p.i, &p.r.key, true, "covey/1");
    party_begin(&p.resp, &p.r, NULL, true, "covey/1");
    pair_step(&p);
    pair_step(&p);
    assert_true(panics(write_some, &p.init));
}

static void test_every_other_misuse_is_our_fault(void **state)
{
    struct pair p = pair_new(false);

    assert_true(panics(split, &p.init));
    assert_true(panics(write_too_much, &p.init));
    assert_true(panics(send_too_much, &p.init));
    assert_true(panics(send_at_the_last_nonce, &p.init));
    assert_true(panics(set_psk, &p.init));
    (void)link_up(&p);
    assert_false(panics(split, &p.init));
}

/* ---- the transport ---- */

struct sealed {
    uint8_t bytes[8 + NOISE_TAG];
};

static struct sealed seal(struct noise_cipher *c, const char text[8])
{
    struct sealed s;

    noise_encrypt(c, (struct covey_bytes){(const uint8_t *)text, 8}, s.bytes);
    return s;
}

static enum covey_rc open_sealed(struct noise_cipher *c, const struct sealed *s,
                                 size_t len)
{
    uint8_t out[sizeof s->bytes];

    return noise_decrypt(c, (struct covey_bytes){s->bytes, len}, out);
}

static void test_messages_out_of_their_order_are_refused(void **state)
{
    struct pair p = pair_new(false);
    struct noise_link w = link_up(&p);
    struct sealed first = seal(&w.i_send, "message1");
    struct sealed second = seal(&w.i_send, "message2");
    size_t len = sizeof first.bytes;

    assert_int_equal(open_sealed(&w.r_receive, &second, len), COVEY_EFORGED);
    assert_int_equal(open_sealed(&w.r_receive, &first, len), COVEY_OK);
    assert_int_equal(open_sealed(&w.r_receive, &first, len), COVEY_EFORGED);
    assert_int_equal(open_sealed(&w.r_receive, &second, len), COVEY_OK);
}

static void test_a_message_sent_back_is_refused(void **state)
{
    struct pair p = pair_new(false);
    struct noise_link w = link_up(&p);
    struct sealed s = seal(&w.i_send, "message1");

    assert_int_equal(open_sealed(&w.i_receive, &s, sizeof s.bytes),
                     COVEY_EFORGED);
}

static void test_a_changed_or_cut_transport_message_is_refused(void **state)
{
    struct pair p = pair_new(false);
    struct noise_link w = link_up(&p);
    struct sealed s = seal(&w.i_send, "message1");

    for (size_t len = 0; len < sizeof s.bytes; len++)
        assert_int_equal(open_sealed(&w.r_receive, &s, len),
                         len < NOISE_TAG ? COVEY_EBAD : COVEY_EFORGED);
    for (size_t i = 0; i < sizeof s.bytes; i++) {
        s.bytes[i] ^= 1;
        assert_int_equal(open_sealed(&w.r_receive, &s, sizeof s.bytes),
                         COVEY_EFORGED);
        s.bytes[i] ^= 1;
    }
    assert_int_equal(open_sealed(&w.r_receive, &s, sizeof s.bytes), COVEY_OK);
}

static void test_an_oversized_transport_message_is_refused(void **state)
{
    struct pair p = pair_new(false);
    struct noise_link w = link_up(&p);
    uint8_t *big = calloc(1, NOISE_MESSAGE_MAX + 1);
    uint8_t *out = malloc(NOISE_MESSAGE_MAX + 1);

    assert_non_null(big);
    assert_int_equal(
        noise_decrypt(&w.r_receive,
                      (struct covey_bytes){big, NOISE_MESSAGE_MAX + 1}, out),
        COVEY_EBAD);
    free(big);
    free(out);
}

static void test_a_rekey_of_one_side_alone_ends_the_talk(void **state)
{
    struct pair p = pair_new(false);
    struct noise_link w = link_up(&p);

    noise_rekey(&w.i_send);

    struct sealed s = seal(&w.i_send, "message1");

    assert_int_equal(open_sealed(&w.r_receive, &s, sizeof s.bytes),
                     COVEY_EFORGED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_changed_byte_anywhere_is_refused),
        cmocka_unit_test(test_a_message_cut_short_at_any_length_is_refused),
        cmocka_unit_test(test_a_message_longer_than_65535_bytes_is_refused),
        cmocka_unit_test(test_who_dials_the_wrong_key_fails_at_message_1),
        cmocka_unit_test(test_another_prologue_fails_at_message_1),
        cmocka_unit_test(test_a_handshake_with_psk_is_not_one_without),
        cmocka_unit_test(test_another_psk_fails_at_message_3),
        cmocka_unit_test(test_the_psk_may_be_chosen_after_message_1),
        cmocka_unit_test(
            test_a_low_order_ephemeral_key_is_refused_in_message_1),
        cmocka_unit_test(
            test_a_low_order_ephemeral_key_is_refused_in_message_2),
        cmocka_unit_test(test_a_low_order_key_cannot_be_dialled),
        cmocka_unit_test(test_a_low_order_static_key_is_refused_in_message_3),
        cmocka_unit_test(test_speaking_out_of_turn_is_our_fault),
        cmocka_unit_test(test_going_on_after_a_refusal_is_our_fault),
        cmocka_unit_test(test_a_psk_that_nobody_set_is_our_fault),
        cmocka_unit_test(test_every_other_misuse_is_our_fault),
        cmocka_unit_test(test_messages_out_of_their_order_are_refused),
        cmocka_unit_test(test_a_message_sent_back_is_refused),
        cmocka_unit_test(test_a_changed_or_cut_transport_message_is_refused),
        cmocka_unit_test(test_an_oversized_transport_message_is_refused),
        cmocka_unit_test(test_a_rekey_of_one_side_alone_ends_the_talk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
