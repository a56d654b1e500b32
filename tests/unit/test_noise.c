/* The handshake and the transport: against the published vectors, and between
 * two of us whom nobody disturbs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "proto/crypto.h"
#include "proto/noise.h"
#include "tests/unit/support_noise.h"

#define ROOM NOISE_TEST_ROOM

/* ---- the published vectors ---- */

static json_t *load_vectors(void)
{
    const char *data = getenv("COVEY_SHARED_DATA");
    char path[1000];
    int len = snprintf(path, sizeof path, "%s/noise/noise-vectors.txt",
                       data != NULL ? data : "../shared/data");
    json_error_t error;
    json_t *root;

    assert_true(len > 0 && (size_t)len < sizeof path);
    root = json_load_file(path, 0, &error);
    if (root == NULL)
        print_message("%s is not there (%s); COVEY_SHARED_DATA names the "
                      "folder above noise/\n",
                      path, error.text);
    return root;
}

static size_t unhex(const json_t *vector, const char *field, uint8_t *out)
{
    const char *text = json_string_value(json_object_get(vector, field));

    assert_non_null(text);

    size_t len = strlen(text) / 2;

    assert_true(len <= ROOM);
    assert_true(hex_decode(text, out, len));
    return len;
}

static void begin_vector(struct noise_handshake *hs, const json_t *vector,
                         bool initiator, bool psk_mode)
{
    struct party self;
    struct noise_key remote;
    uint8_t prologue[ROOM];
    size_t len =
        unhex(vector, initiator ? "init_prologue" : "resp_prologue", prologue);

    (void)unhex(vector, initiator ? "init_static" : "resp_static",
                self.secret.b);
    (void)unhex(vector, initiator ? "init_ephemeral" : "resp_ephemeral",
                self.ephemeral.b);
    dh_public(&self.secret, self.key.b);
    if (initiator)
        (void)unhex(vector, "init_remote_static", remote.b);
    noise_init(hs, &(struct noise_setup){
                       .role = initiator ? NOISE_INITIATOR : NOISE_RESPONDER,
                       .psk_mode = psk_mode,
                       .prologue = {prologue, len},
                       .static_secret = &self.secret,
                       .static_key = &self.key,
                       .remote = initiator ? &remote : NULL,
                       .ephemeral = &self.ephemeral,
                   });
    if (!psk_mode)
        return;

    const json_t *psks =
        json_object_get(vector, initiator ? "init_psks" : "resp_psks");
    uint8_t psk[32];

    assert_true(hex_decode(json_string_value(json_array_get(psks, 0)), psk,
                           sizeof psk));
    noise_set_psk(hs, psk);
}

/* One message of a vector: what it says, and how that looks on the wire. */
struct vector_message {
    uint8_t payload[ROOM];
    size_t payload_len;
    struct noise_message wire;
};

static struct vector_message vector_message(const json_t *vector, size_t i)
{
    const json_t *m = json_array_get(json_object_get(vector, "messages"), i);
    struct vector_message v;

    v.payload_len = unhex(m, "payload", v.payload);
    v.wire.len = unhex(m, "ciphertext", v.wire.bytes);
    return v;
}

static void check_handshake_message(struct noise_handshake *from,
                                    struct noise_handshake *to,
                                    const struct vector_message *v)
{
    struct noise_message m;
    uint8_t out[ROOM];
    size_t len;

    assert_int_equal(
        noise_write(from, (struct covey_bytes){v->payload, v->payload_len},
                    m.bytes, &m.len),
        COVEY_OK);
    assert_int_equal(m.len, v->wire.len);
    assert_memory_equal(m.bytes, v->wire.bytes, m.len);
    assert_int_equal(noise_read(to, message_bytes(&v->wire), out, &len),
                     COVEY_OK);
    assert_int_equal(len, v->payload_len);
    assert_memory_equal(out, v->payload, len);
}

static void check_transport_message(struct noise_cipher *from,
                                    struct noise_cipher *to,
                                    const struct vector_message *v)
{
    uint8_t out[ROOM];

    noise_encrypt(from, (struct covey_bytes){v->payload, v->payload_len}, out);
    assert_int_equal(v->payload_len + NOISE_TAG, v->wire.len);
    assert_memory_equal(out, v->wire.bytes, v->wire.len);
    assert_int_equal(noise_decrypt(to, message_bytes(&v->wire), out), COVEY_OK);
    assert_memory_equal(out, v->payload, v->payload_len);
}

static void check_vector(const json_t *vector, bool psk_mode)
{
    size_t count = json_array_size(json_object_get(vector, "messages"));
    struct noise_handshake hs[2];
    struct noise_link w;
    uint8_t hash[ROOM];

    begin_vector(&hs[0], vector, true, psk_mode);
    begin_vector(&hs[1], vector, false, psk_mode);
    for (size_t i = 0; i < 3; i++) {
        struct vector_message v = vector_message(vector, i);

        check_handshake_message(&hs[i % 2], &hs[1 - i % 2], &v);
    }
    assert_int_equal(unhex(vector, "handshake_hash", hash), NOISE_HASH);
    assert_memory_equal(noise_hash(&hs[0]), hash, NOISE_HASH);
    assert_memory_equal(noise_hash(&hs[1]), hash, NOISE_HASH);
    noise_split(&hs[0], &w.i_send, &w.i_receive);
    noise_split(&hs[1], &w.r_send, &w.r_receive);
    assert_true(count > 4); /* so that both directions come up */
    for (size_t i = 3; i < count; i++) {
        struct vector_message v = vector_message(vector, i);

        if (i % 2 == 0)
            check_transport_message(&w.i_send, &w.r_receive, &v);
        else
            check_transport_message(&w.r_send, &w.i_receive, &v);
    }
}

static void check_vectors_of(const char *name, bool psk_mode)
{
    json_t *root = load_vectors();
    int checked = 0;
    size_t i;
    json_t *vector;

    if (root == NULL)
        skip();
    json_array_foreach(json_object_get(root, "vectors"), i, vector)
    {
        const char *its =
            json_string_value(json_object_get(vector, "protocol_name"));

        if (its == NULL || strcmp(its, name) != 0)
            continue;
        check_vector(vector, psk_mode);
        checked++;
    }
    json_decref(root);
    assert_true(checked > 0);
}

static void test_xk_is_that_of_the_published_vectors(void **state)
{
    check_vectors_of("Noise_XK_25519_ChaChaPoly_BLAKE2b", false);
}

static void test_xkpsk3_is_that_of_the_published_vectors(void **state)
{
    check_vectors_of("Noise_XKpsk3_25519_ChaChaPoly_BLAKE2b", true);
}

/* ---- a handshake that nobody disturbs ---- */

static void test_both_sides_end_with_one_hash_and_talk(void **state)
{
    for (int psk_mode = 0; psk_mode < 2; psk_mode++) {
        struct pair p = pair_new(psk_mode != 0);
        struct noise_link w = link_up(&p);

        assert_memory_equal(noise_hash(&p.init), noise_hash(&p.resp),
                            NOISE_HASH);
        for (int i = 0; i < 20; i++) {
            link_talk(&w.i_send, &w.r_receive);
            link_talk(&w.r_send, &w.i_receive);
        }
        assert_int_equal(w.i_send.n, 20);
        assert_memory_not_equal(w.i_send.key, w.r_send.key, 32);
    }
}

static void test_the_responder_learns_the_initiators_key(void **state)
{
    struct pair p = pair_new(false);
    struct noise_key key;

    (void)link_up(&p);
    key = noise_remote(&p.resp);
    assert_memory_equal(key.b, p.i.key.b, sizeof key.b);
    key = noise_remote(&p.init);
    assert_memory_equal(key.b, p.r.key.b, sizeof key.b);
}

static void test_messages_grow_by_their_overhead_alone(void **state)
{
    static const size_t overhead[] = {NOISE_OVERHEAD_1, NOISE_OVERHEAD_2,
                                      NOISE_OVERHEAD_3};
    struct pair p = pair_new(false);

    for (int i = 0; i < 3; i++) {
        struct noise_message m = pair_say(&p, "seven b");

        assert_int_equal(m.len, overhead[i] + 7);
        assert_int_equal(pair_hear(pair_listener(&p, i + 1), message_bytes(&m)),
                         COVEY_OK);
    }
}

static void test_clearing_leaves_nothing(void **state)
{
    static const struct noise_handshake zeros;
    struct pair p = pair_new(true);

    pair_step(&p);
    noise_clear(&p.init);
    assert_memory_equal(&p.init, &zeros, sizeof zeros);
}

/* ---- the transport ---- */

static void test_the_longest_message_has_65535_bytes(void **state)
{
    struct pair p = pair_new(false);
    struct noise_link w = link_up(&p);
    size_t len = NOISE_MESSAGE_MAX - NOISE_TAG;
    uint8_t *plain = calloc(1, len);
    uint8_t *sealed = malloc(NOISE_MESSAGE_MAX);
    uint8_t *out = malloc(len);

    noise_encrypt(&w.i_send, (struct covey_bytes){plain, len}, sealed);
    assert_int_equal(
        noise_decrypt(&w.r_receive,
                      (struct covey_bytes){sealed, NOISE_MESSAGE_MAX}, out),
        COVEY_OK);
    assert_memory_equal(plain, out, len);
    free(plain);
    free(sealed);
    free(out);
}

static void test_an_empty_message_is_its_tag(void **state)
{
    struct pair p = pair_new(false);
    struct noise_link w = link_up(&p);
    uint8_t sealed[NOISE_TAG];
    uint8_t out[1];

    noise_encrypt(&w.i_send, (struct covey_bytes){NULL, 0}, sealed);
    assert_int_equal(noise_decrypt(&w.r_receive,
                                   (struct covey_bytes){sealed, sizeof sealed},
                                   out),
                     COVEY_OK);
}

static void test_both_rekey_and_keep_talking(void **state)
{
    struct pair p = pair_new(false);
    struct noise_link w = link_up(&p);

    for (int i = 0; i < 5; i++) {
        struct noise_cipher before = w.i_send;

        link_talk(&w.i_send, &w.r_receive);
        noise_rekey(&w.i_send);
        noise_rekey(&w.r_receive);
        assert_memory_not_equal(before.key, w.i_send.key, 32);
        assert_int_equal(w.i_send.n, before.n + 1); /* n goes on */
        link_talk(&w.i_send, &w.r_receive);
        link_talk(&w.r_send, &w.i_receive); /* the other direction is its own */
    }
}

/* ENCRYPT(k, 2^64-1, "", 0^32): the key stream of block 1, since block 0 makes
 * the tag's key.  Computed with Python's cryptography from this key. */
static void test_rekey_is_that_of_the_specification(void **state)
{
    struct noise_cipher c = {.n = 7};
    uint8_t key[32];

    for (size_t i = 0; i < sizeof c.key; i++)
        c.key[i] = (uint8_t)i;
    noise_rekey(&c);
    assert_true(hex_decode(
        "50835543a205b22c9323f2022bc4f67d838f90e61d5ccf33c4513e01f85b5042", key,
        sizeof key));
    assert_memory_equal(c.key, key, sizeof key);
    assert_int_equal(c.n, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_xk_is_that_of_the_published_vectors),
        cmocka_unit_test(test_xkpsk3_is_that_of_the_published_vectors),
        cmocka_unit_test(test_both_sides_end_with_one_hash_and_talk),
        cmocka_unit_test(test_the_responder_learns_the_initiators_key),
        cmocka_unit_test(test_messages_grow_by_their_overhead_alone),
        cmocka_unit_test(test_clearing_leaves_nothing),
        cmocka_unit_test(test_the_longest_message_has_65535_bytes),
        cmocka_unit_test(test_an_empty_message_is_its_tag),
        cmocka_unit_test(test_both_rekey_and_keep_talking),
        cmocka_unit_test(test_rekey_is_that_of_the_specification),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
