/* Naming a space without saying which, and proving a place in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/proof.h"

static uint8_t handshake_hash[NOISE_HASH];
static struct space_id space;
static struct noise_key prover;
static struct sign_pair author;

static int set_up(void **state)
{
    struct seed seed;

    for (size_t i = 0; i < sizeof handshake_hash; i++)
        handshake_hash[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof space.b; i++)
        space.b[i] = (uint8_t)(100 + i);
    memset(prover.b, 3, sizeof prover.b);
    memset(seed.b, 4, sizeof seed.b);
    sign_pair_from(&seed, &author);
    return 0;
}

static void assert_blind(const struct blind *blind, const char *hex)
{
    char text[33];

    hex_encode(blind->b, sizeof blind->b, text);
    assert_string_equal(text, hex);
}

/* Values of another BLAKE2b, Python's. */
static void test_a_blind_is_what_the_protocol_says(void **state)
{
    struct blind i = blind_space(handshake_hash, &space, NOISE_INITIATOR);
    struct blind r = blind_space(handshake_hash, &space, NOISE_RESPONDER);

    assert_blind(&i, "bc5c6428d2bc90fc37b4e2199736eae2");
    assert_blind(&r, "ef9aa1117d8b163f91db1a12a4f48099");
}

static void test_a_blind_is_another_in_each_session_and_space(void **state)
{
    struct blind one = blind_space(handshake_hash, &space, NOISE_INITIATOR);
    uint8_t other_hash[NOISE_HASH];
    struct space_id other_space = space;

    memcpy(other_hash, handshake_hash, sizeof other_hash);
    other_hash[63] ^= 1;
    other_space.b[15] ^= 1;

    struct blind in_other = blind_space(other_hash, &space, NOISE_INITIATOR);
    struct blind of_other =
        blind_space(handshake_hash, &other_space, NOISE_INITIATOR);

    assert_memory_not_equal(&one, &in_other, sizeof one);
    assert_memory_not_equal(&one, &of_other, sizeof one);
}

static struct proof good_proof(void)
{
    struct blind blind = blind_space(handshake_hash, &space, NOISE_INITIATOR);
    struct proof p;

    proof_make(handshake_hash, &prover, &blind, &author, &p);
    return p;
}

static void test_a_proof_holds(void **state)
{
    struct proof p = good_proof();

    assert_true(proof_check(handshake_hash, &prover, &p));
    assert_memory_equal(&p.author, &author.key, sizeof p.author);
}

static void test_a_proof_signs_what_the_protocol_says(void **state)
{
    struct proof p = good_proof();
    uint8_t said[13 + 64 + 32 + 16];

    memcpy(said, "covey/1 proof", 13);
    memcpy(said + 13, handshake_hash, 64);
    memcpy(said + 77, prover.b, 32);
    memcpy(said + 109, p.blind.b, 16);
    assert_true(sign_verify(&author.key, said, sizeof said, &p.signature));
}

static void test_each_bit_of_a_proof_counts(void **state)
{
    uint8_t bytes[PROOF_SIZE];
    struct proof p = good_proof();

    proof_write(&p, bytes);
    for (size_t bit = 0; bit < 8 * PROOF_SIZE; bit++) {
        struct proof other;

        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        proof_read(bytes, &other);
        assert_false(proof_check(handshake_hash, &prover, &other));
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void test_a_proof_is_of_one_session_and_one_prover(void **state)
{
    struct proof p = good_proof();
    struct noise_key other = prover;
    uint8_t other_hash[NOISE_HASH];

    memcpy(other_hash, handshake_hash, sizeof other_hash);
    other_hash[0] ^= 0x80;
    other.b[31] ^= 1;
    assert_false(proof_check(other_hash, &prover, &p));
    assert_false(proof_check(handshake_hash, &other, &p));
}

static void test_a_proof_s_bytes_are_blind_author_signature(void **state)
{
    struct proof p = good_proof();
    struct proof back;
    uint8_t bytes[PROOF_SIZE];

    proof_write(&p, bytes);
    assert_memory_equal(bytes, p.blind.b, 16);
    assert_memory_equal(bytes + 16, p.author.b, 32);
    assert_memory_equal(bytes + 48, p.signature.b, 64);
    proof_read(bytes, &back);
    assert_memory_equal(&back, &p, sizeof p);
}

static void test_a_request_to_carry_holds_in_its_session_only(void **state)
{
    struct carry c;
    struct carry back;
    uint8_t bytes[CARRY_SIZE];
    uint8_t said[13 + 64 + 16];

    carry_make(handshake_hash, &space, &author, &c);
    assert_true(carry_check(handshake_hash, &c));
    memcpy(said, "covey/1 carry", 13);
    memcpy(said + 13, handshake_hash, 64);
    memcpy(said + 77, space.b, 16);
    assert_true(sign_verify(&author.key, said, sizeof said, &c.signature));

    carry_write(&c, bytes);
    carry_read(bytes, &back);
    assert_memory_equal(&back, &c, sizeof c);
    for (size_t at = 0; at < CARRY_SIZE; at++) {
        bytes[at] ^= 0x20;
        carry_read(bytes, &back);
        assert_false(carry_check(handshake_hash, &back));
        bytes[at] ^= 0x20;
    }
    handshake_hash[5] ^= 1;
    assert_false(carry_check(handshake_hash, &c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_blind_is_what_the_protocol_says, set_up),
        cmocka_unit_test_setup(
            test_a_blind_is_another_in_each_session_and_space, set_up),
        cmocka_unit_test_setup(test_a_proof_holds, set_up),
        cmocka_unit_test_setup(test_a_proof_signs_what_the_protocol_says,
                               set_up),
        cmocka_unit_test_setup(test_each_bit_of_a_proof_counts, set_up),
        cmocka_unit_test_setup(test_a_proof_is_of_one_session_and_one_prover,
                               set_up),
        cmocka_unit_test_setup(test_a_proof_s_bytes_are_blind_author_signature,
                               set_up),
        cmocka_unit_test_setup(
            test_a_request_to_carry_holds_in_its_session_only, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
