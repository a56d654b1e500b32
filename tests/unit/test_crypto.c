/* The primitives against published vectors, and what each must refuse.
 *
 * What has no published vector was computed with Python's hashlib and
 * cryptography, which share no code with libsodium. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/crypto.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct covey_bytes text_bytes(const char *text)
{
    return (struct covey_bytes){(const uint8_t *)text, strlen(text)};
}

static void unhex(const char *text, uint8_t *out, size_t len)
{
    assert_true(hex_decode(text, out, len));
}

static void assert_hex(const uint8_t *p, size_t len, const char *hex)
{
    char text[600];

    assert_true(2 * len < sizeof text);
    hex_encode(p, len, text);
    assert_string_equal(text, hex);
}

static struct seed seed_of(uint8_t byte)
{
    struct seed s;

    memset(s.b, byte, sizeof s.b);
    return s;
}

/* 00 01 02 ... 1f */
static struct seed counting_seed(void)
{
    struct seed s;

    for (size_t i = 0; i < sizeof s.b; i++)
        s.b[i] = (uint8_t)i;
    return s;
}

/* ---- hashes ---- */

static void test_a_hash_is_blake2b_of_length_domain_and_data(void **state)
{
    struct hash h = hash_of("covey/1 test", "abc", 3);

    assert_hex(h.b, sizeof h.b,
               "e7ad07facf97f7bd88c139f84549e3cbefee0e130c751ffaa20932d73ca729"
               "e3");
    h = hash_of("", NULL, 0);
    assert_hex(h.b, sizeof h.b,
               "03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c1113"
               "14");
}

static void test_a_keyed_hash_is_blake2b_with_that_key(void **state)
{
    struct seed key = counting_seed();
    struct hash h = hash_keyed(&key, "covey/1 test", "abc", 3);

    assert_hex(h.b, sizeof h.b,
               "1a1a902450b68844066a62f360fc626868d74c61fe86dd4c4aac9ee538d7d5"
               "1c");
}

static void test_a_hash_in_pieces_is_the_hash_of_the_whole(void **state)
{
    uint8_t data[1000];
    struct hash whole;

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7);
    whole = hash_of("d", data, sizeof data);
    for (size_t piece = 1; piece < 300; piece += 13) {
        struct hasher h;

        hasher_init(&h, "d");
        for (size_t i = 0; i < sizeof data; i += piece)
            hasher_add(&h, data + i,
                       sizeof data - i < piece ? sizeof data - i : piece);

        struct hash pieces = hasher_end(&h);

        assert_true(hash_equal(&whole, &pieces));
    }
}

static void test_a_domain_is_not_the_beginning_of_another(void **state)
{
    struct hash a = hash_of("ab", "c", 1);
    struct hash b = hash_of("a", "bc", 2);
    struct hash c = hash_of("", "abc", 3);

    assert_false(hash_equal(&a, &b));
    assert_false(hash_equal(&a, &c));
    assert_false(hash_equal(&b, &c));
}

static void test_hashes_that_differ_in_one_bit_are_not_equal(void **state)
{
    struct hash a = hash_of("d", "x", 1);
    struct hash b = a;

    assert_true(hash_equal(&a, &b));
    for (size_t i = 0; i < 8 * sizeof b.b; i++) {
        b.b[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_false(hash_equal(&a, &b));
        b.b[i / 8] ^= (uint8_t)(1u << i % 8);
    }
}

static void test_only_the_zero_hash_is_zero(void **state)
{
    struct hash h = {{0}};

    assert_true(hash_is_zero(&h));
    for (size_t i = 0; i < sizeof h.b; i++) {
        h.b[i] = 1;
        assert_false(hash_is_zero(&h));
        h.b[i] = 0;
    }
}

static jmp_buf panicked;

static void on_panic(const char *expr, const char *file, int line)
{
    longjmp(panicked, 1);
}

static void test_a_domain_beyond_255_bytes_is_our_fault(void **state)
{
    char domain[257] = {0};
    volatile bool caught = false;

    memset(domain, 'd', 255);
    (void)hash_of(domain, "x", 1);
    domain[255] = 'd';
    covey_panic_set(on_panic);
    if (setjmp(panicked) == 0)
        (void)hash_of(domain, "x", 1);
    else
        caught = true;
    covey_panic_set(NULL);
    assert_true(caught);
}

/* ---- the generator ---- */

static void test_draws_are_the_key_stream_under_changing_keys(void **state)
{
    struct seed start = counting_seed();
    struct covey_rng rng;
    uint8_t out[100];

    rng_init(&rng, &start);
    rng_draw(&rng, out, 16);
    assert_hex(out, 16, "2b23cce7a26023ab3f0eef693ac87f64");
    rng_draw(&rng, out, 32);
    assert_hex(out, 32,
               "2d41a59c90e41a8e7a4dccaa1c46069983b1a333ce25719ec3437768ab57fa"
               "42");
    rng_draw(&rng, out, 100);
    assert_hex(out, 100,
               "5fd844af20c38ddcd79cb934b6ac59c970ec0eea9efc46491e2da0e663d74b"
               "b585988a4476723a94ed84636dcd709055b9ebada581a4e207b9af5774e77e"
               "2ad295ac60db109b3f39aaa240eceb7002f40d6f2101565b1d9556ca898c68"
               "314ae5de94f1a7");

    struct seed s = rng_seed(&rng);

    assert_hex(s.b, sizeof s.b,
               "64eba20f8e3a41800ad3d3979baba9b4476707c9f9ed5cb7766a9dfd1b7bcc"
               "ba");
}

static void test_a_draw_of_nothing_still_moves_the_generator(void **state)
{
    struct seed start = seed_of(1);
    struct covey_rng rng;
    struct covey_rng other;

    rng_init(&rng, &start);
    rng_init(&other, &start);
    rng_draw(&rng, NULL, 0);

    struct seed a = rng_seed(&rng);
    struct seed b = rng_seed(&other);

    assert_memory_not_equal(a.b, b.b, sizeof a.b);
}

static void test_a_draw_fills_its_room_and_no_byte_more(void **state)
{
    struct seed start = seed_of(2);
    struct covey_rng rng;

    rng_init(&rng, &start);
    for (size_t len = 0; len < 200; len++) {
        uint8_t *exact = calloc(1, len + 1);
        size_t zeros = 0;

        assert_non_null(exact);
        rng_draw(&rng, exact, len);
        assert_int_equal(exact[len], 0);
        for (size_t i = 0; i < len; i++)
            zeros += exact[i] == 0;
        assert_true(zeros <= 1 + len / 20);
        free(exact);
    }
}

/* ---- Ed25519, RFC 8032 section 7.1 ---- */

static const struct {
    const char *secret;
    const char *key;
    const char *message;
    const char *signature;
} ed25519[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb882159"
     "0a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43"
     "e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
};

static void test_signatures_are_those_of_rfc_8032(void **state)
{
    for (size_t i = 0; i < COUNT(ed25519); i++) {
        struct seed secret;
        struct sign_pair pair;
        uint8_t message[1];
        size_t len = strlen(ed25519[i].message) / 2;

        unhex(ed25519[i].secret, secret.b, sizeof secret.b);
        unhex(ed25519[i].message, message, len);
        sign_pair_from(&secret, &pair);
        assert_hex(pair.key.b, sizeof pair.key.b, ed25519[i].key);

        struct signature sig = sign_bytes(&pair, message, len);

        assert_hex(sig.b, sizeof sig.b, ed25519[i].signature);
        assert_true(sign_verify(&pair.key, message, len, &sig));
        sign_pair_clear(&pair);
        assert_true(sodium_is_zero(pair.secret, sizeof pair.secret) == 1);
    }
}

static void test_a_signature_holds_for_its_key_and_bytes_alone(void **state)
{
    struct seed secret = seed_of(3);
    struct seed other_secret = seed_of(4);
    struct sign_pair pair;
    struct sign_pair other;
    uint8_t message[] = "one school's words";

    sign_pair_from(&secret, &pair);
    sign_pair_from(&other_secret, &other);

    struct signature sig = sign_bytes(&pair, message, sizeof message);

    assert_false(sign_verify(&other.key, message, sizeof message, &sig));
    assert_false(sign_verify(&pair.key, message, sizeof message - 1, &sig));
    for (size_t i = 0; i < sizeof message; i++) {
        message[i] ^= 1;
        assert_false(sign_verify(&pair.key, message, sizeof message, &sig));
        message[i] ^= 1;
    }
    for (size_t i = 0; i < sizeof sig.b; i++) {
        sig.b[i] ^= 0x10;
        assert_false(sign_verify(&pair.key, message, sizeof message, &sig));
        sig.b[i] ^= 0x10;
    }
    assert_true(sign_verify(&pair.key, message, sizeof message, &sig));
}

/* Of order one or two, so that anything could be signed by nobody. */
static void test_small_order_keys_sign_nothing(void **state)
{
    static const char *const keys[] = {
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
    };

    for (size_t i = 0; i < COUNT(keys); i++) {
        struct sign_key key;
        struct signature sig = {{0}};

        unhex(keys[i], key.b, sizeof key.b);
        sig.b[0] = 1; /* R is the identity, S is 0 */
        assert_false(sign_verify(&key, "x", 1, &sig));
    }
}

/* ---- X25519, RFC 7748 section 6.1 ---- */

static void test_agreement_is_that_of_rfc_7748(void **state)
{
    struct seed alice;
    struct seed bob;
    uint8_t alice_key[32];
    uint8_t bob_key[32];
    uint8_t shared[32];

    unhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
          alice.b, sizeof alice.b);
    unhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
          bob.b, sizeof bob.b);
    dh_public(&alice, alice_key);
    dh_public(&bob, bob_key);
    assert_hex(
        alice_key, sizeof alice_key,
        "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    assert_hex(
        bob_key, sizeof bob_key,
        "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    assert_true(dh_shared(&alice, bob_key, shared));
    assert_hex(
        shared, sizeof shared,
        "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    assert_true(dh_shared(&bob, alice_key, shared));
    assert_hex(
        shared, sizeof shared,
        "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
}

static const char *const low_order[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

static void test_low_order_points_agree_on_nothing(void **state)
{
    static const uint8_t zeros[32];
    struct seed secret = seed_of(5);

    for (size_t i = 0; i < COUNT(low_order); i++) {
        uint8_t key[32];
        uint8_t shared[32];

        memset(shared, 0xaa, sizeof shared);
        unhex(low_order[i], key, sizeof key);
        assert_false(dh_shared(&secret, key, shared));
        assert_memory_equal(shared, zeros, sizeof shared);
        key[31] |= 0x80; /* the top bit is ignored */
        assert_false(dh_shared(&secret, key, shared));
    }
}

/* ---- XChaCha20-Poly1305, draft-irtf-cfrg-xchacha-03 section A.3.1 ---- */

static const char sunscreen[] =
    "Ladies and Gentlemen of the class of '99: If I could offer you only one "
    "tip for the future, sunscreen would be it.";

struct sealed {
    struct seed key;
    uint8_t nonce[24];
    uint8_t ad[12];
    uint8_t bytes[sizeof sunscreen - 1 + SEAL_OVERHEAD];
};

static struct sealed seal_sunscreen(void)
{
    struct sealed s;

    for (size_t i = 0; i < sizeof s.key.b; i++)
        s.key.b[i] = (uint8_t)(0x80 + i);
    for (size_t i = 0; i < sizeof s.nonce; i++)
        s.nonce[i] = (uint8_t)(0x40 + i);
    unhex("50515253c0c1c2c3c4c5c6c7", s.ad, sizeof s.ad);
    aead_seal(&s.key, s.nonce, (struct covey_bytes){s.ad, sizeof s.ad},
              text_bytes(sunscreen), s.bytes);
    return s;
}

static enum covey_rc open_sealed(const struct sealed *s, size_t len,
                                 uint8_t *out)
{
    return aead_open(&s->key, s->nonce,
                     (struct covey_bytes){s->ad, sizeof s->ad},
                     (struct covey_bytes){s->bytes, len}, out);
}

static void test_sealing_is_that_of_the_draft(void **state)
{
    struct sealed s = seal_sunscreen();
    uint8_t out[sizeof sunscreen];

    assert_hex(s.bytes, sizeof s.bytes,
               "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396c"
               "bb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213"
               "b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565"
               "d3fff921f9664c97637da9768812f615c68b13b52ec0875924c1c7987947de"
               "afd8780acf49");
    assert_int_equal(open_sealed(&s, sizeof s.bytes, out), COVEY_OK);
    assert_memory_equal(out, sunscreen, sizeof sunscreen - 1);
}

static void test_a_seal_opens_only_untouched_and_whole(void **state)
{
    struct sealed s = seal_sunscreen();
    uint8_t out[sizeof s.bytes];

    for (size_t len = 0; len < sizeof s.bytes; len++)
        assert_int_equal(open_sealed(&s, len, out), COVEY_EFORGED);
    for (size_t i = 0; i < sizeof s.bytes; i++) {
        s.bytes[i] ^= 1;
        assert_int_equal(open_sealed(&s, sizeof s.bytes, out), COVEY_EFORGED);
        s.bytes[i] ^= 1;
    }
    s.ad[3] ^= 1;
    assert_int_equal(open_sealed(&s, sizeof s.bytes, out), COVEY_EFORGED);
    s.ad[3] ^= 1;
    s.nonce[23] ^= 1;
    assert_int_equal(open_sealed(&s, sizeof s.bytes, out), COVEY_EFORGED);
    s.nonce[23] ^= 1;
    s.key.b[31] ^= 1;
    assert_int_equal(open_sealed(&s, sizeof s.bytes, out), COVEY_EFORGED);
    s.key.b[31] ^= 1;
    assert_int_equal(open_sealed(&s, sizeof s.bytes, out), COVEY_OK);
}

static void test_nothing_can_be_sealed_too(void **state)
{
    static const uint8_t nonce[24];
    const struct covey_bytes none = {NULL, 0};
    struct seed key = seed_of(6);
    uint8_t out[SEAL_OVERHEAD];
    uint8_t rest[1];

    aead_seal(&key, nonce, none, none, out);
    assert_int_equal(aead_open(&key, nonce, none,
                               (struct covey_bytes){out, sizeof out}, rest),
                     COVEY_OK);
}

/* ---- sealed boxes ---- */

#define BOX_TEXT "space key"
#define BOX_SIZE (BOX_OVERHEAD + sizeof BOX_TEXT - 1)

struct box {
    struct seed secret;
    struct reading_key key;
    struct seed fresh;
    uint8_t bytes[BOX_SIZE];
};

static struct box make_box(void)
{
    struct box box = {.secret = seed_of(0x22), .fresh = seed_of(0x11)};

    dh_public(&box.secret, box.key.b);
    assert_int_equal(box_seal(&box.key, &box.fresh, text_bytes("ad"),
                              text_bytes(BOX_TEXT), box.bytes),
                     COVEY_OK);
    return box;
}

static enum covey_rc open_box(const struct box *box, const char *ad, size_t len,
                              uint8_t *out)
{
    return box_open(&box->secret, text_bytes(ad),
                    (struct covey_bytes){box->bytes, len}, out);
}

static void test_a_box_is_what_its_comment_says(void **state)
{
    struct box box = make_box();
    uint8_t out[BOX_SIZE];

    assert_hex(box.bytes, sizeof box.bytes,
               "7b4e909bbe7ffe44c465a220037d608ee35897d31ef972f07f74892cb0f73f"
               "130605aa852ed5f6212b9c56633ee8578da52e98b3c9cd19b58c");
    assert_int_equal(open_box(&box, "ad", BOX_SIZE, out), COVEY_OK);
    assert_memory_equal(out, BOX_TEXT, sizeof BOX_TEXT - 1);
}

static void test_a_box_opens_only_untouched_and_for_its_reader(void **state)
{
    struct box box = make_box();
    uint8_t out[BOX_SIZE];

    for (size_t len = 0; len < BOX_SIZE; len++)
        assert_int_equal(open_box(&box, "ad", len, out), COVEY_EFORGED);
    for (size_t i = 0; i < BOX_SIZE; i++) {
        box.bytes[i] ^= 1;
        assert_int_equal(open_box(&box, "ad", BOX_SIZE, out), COVEY_EFORGED);
        box.bytes[i] ^= 1;
    }
    assert_int_equal(open_box(&box, "da", BOX_SIZE, out), COVEY_EFORGED);
    box.secret = seed_of(0x23);
    assert_int_equal(open_box(&box, "ad", BOX_SIZE, out), COVEY_EFORGED);
}

/* The same point written with its top bit set agrees on the same secret; the
 * box holds the bytes it was made with, or one box would have two forms. */
static void test_a_box_has_one_form_of_its_ephemeral_key(void **state)
{
    struct box box = make_box();
    uint8_t out[BOX_SIZE];

    box.bytes[31] ^= 0x80;
    assert_int_equal(open_box(&box, "ad", BOX_SIZE, out), COVEY_EFORGED);
}

static void test_low_order_points_neither_read_nor_write_boxes(void **state)
{
    struct box box = make_box();
    uint8_t out[BOX_SIZE];

    for (size_t i = 0; i < COUNT(low_order); i++) {
        struct reading_key key;

        unhex(low_order[i], key.b, sizeof key.b);
        assert_int_equal(box_seal(&key, &box.fresh, text_bytes("ad"),
                                  text_bytes(BOX_TEXT), out),
                         COVEY_EBAD);
        memcpy(box.bytes, key.b, sizeof key.b);
        assert_int_equal(open_box(&box, "ad", BOX_SIZE, out), COVEY_EFORGED);
    }
}

static int setup(void **state)
{
    return sodium_init() < 0 ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_hash_is_blake2b_of_length_domain_and_data),
        cmocka_unit_test(test_a_keyed_hash_is_blake2b_with_that_key),
        cmocka_unit_test(test_a_hash_in_pieces_is_the_hash_of_the_whole),
        cmocka_unit_test(test_a_domain_is_not_the_beginning_of_another),
        cmocka_unit_test(test_hashes_that_differ_in_one_bit_are_not_equal),
        cmocka_unit_test(test_only_the_zero_hash_is_zero),
        cmocka_unit_test(test_a_domain_beyond_255_bytes_is_our_fault),
        cmocka_unit_test(test_draws_are_the_key_stream_under_changing_keys),
        cmocka_unit_test(test_a_draw_of_nothing_still_moves_the_generator),
        cmocka_unit_test(test_a_draw_fills_its_room_and_no_byte_more),
        cmocka_unit_test(test_signatures_are_those_of_rfc_8032),
        cmocka_unit_test(test_a_signature_holds_for_its_key_and_bytes_alone),
        cmocka_unit_test(test_small_order_keys_sign_nothing),
        cmocka_unit_test(test_agreement_is_that_of_rfc_7748),
        cmocka_unit_test(test_low_order_points_agree_on_nothing),
        cmocka_unit_test(test_sealing_is_that_of_the_draft),
        cmocka_unit_test(test_a_seal_opens_only_untouched_and_whole),
        cmocka_unit_test(test_nothing_can_be_sealed_too),
        cmocka_unit_test(test_a_box_is_what_its_comment_says),
        cmocka_unit_test(test_a_box_opens_only_untouched_and_for_its_reader),
        cmocka_unit_test(test_a_box_has_one_form_of_its_ephemeral_key),
        cmocka_unit_test(test_low_order_points_neither_read_nor_write_boxes),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
