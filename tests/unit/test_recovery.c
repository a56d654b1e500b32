/* The recovery code: a seed that people copy to paper and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/identity.h"

static struct seed counting_seed(void)
{
    struct seed seed;

    for (size_t i = 0; i < sizeof seed.b; i++)
        seed.b[i] = (uint8_t)i;
    return seed;
}

/* Computed apart from this code. */
static void test_the_recovery_code_is_that_of_the_vector(void **state)
{
    struct seed seed = counting_seed();
    char text[RECOVERY_TEXT_SIZE];

    recovery_code_write(&seed, text);
    assert_string_equal(text, "000G40R-40M30E2-09185GR-38E1W81-24GK2GA-"
                              "HC5RR34-D1P70X3-RFWZQAG");
}

static void test_random_recovery_codes_come_back(void **state)
{
    struct covey_rng rng;

    rng_init(&rng, &(struct seed){{1}});
    for (int i = 0; i < 1000; i++) {
        struct seed seed = rng_seed(&rng);
        struct seed back;
        char text[RECOVERY_TEXT_SIZE];

        recovery_code_write(&seed, text);
        assert_int_equal(strlen(text), RECOVERY_TEXT_SIZE - 1);
        assert_int_equal(recovery_code_read(text, &back), COVEY_OK);
        assert_memory_equal(&seed, &back, sizeof seed);
    }
}

static void test_a_recovery_code_may_be_typed_as_people_type(void **state)
{
    static const char *const typed[] = {
        "000g40r-40m30e2-09185gr-38e1w81-24gk2ga-hc5rr34-d1p70x3-rfwzqag",
        "OOOG4OR-4OM3OE2-O9I85GR-38ELW8I-24GK2GA-HC5RR34-DIP7OX3-RFWZQAG",
        "oo0g40r 40m30e2 09l85gr 38eiw81 24gk2ga hc5rr34 d1p70x3 rfwzqag",
        "  000G40R40M30E2\t09185GR38E1W81\r\n24GK2GAHC5RR34 D1P70X3RFWZQAG\n",
        "0-0-0-G40R 40M30E209185GR38E1W8124GK2GAHC5RR34D1P70X3RFWZQA-G",
    };
    struct seed seed = counting_seed();

    for (size_t i = 0; i < sizeof typed / sizeof typed[0]; i++) {
        struct seed back;

        assert_int_equal(recovery_code_read(typed[i], &back), COVEY_OK);
        assert_memory_equal(&seed, &back, sizeof seed);
    }
}

static void assert_mistyped(const char *text)
{
    static const struct seed zero;
    struct seed back = {{1}};

    assert_int_equal(recovery_code_read(text, &back), COVEY_EBAD);
    assert_memory_equal(&back, &zero, sizeof zero);
}

static void test_every_mistyped_digit_is_noticed(void **state)
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    struct seed seed = counting_seed();
    char text[RECOVERY_TEXT_SIZE];

    recovery_code_write(&seed, text);
    for (size_t i = 0; text[i] != '\0'; i++) {
        char right = text[i];

        for (size_t d = 0; right != '-' && digits[d] != '\0'; d++) {
            text[i] = digits[d];
            if (digits[d] != right)
                assert_mistyped(text);
        }
        text[i] = right;
    }
}

static void test_every_two_digits_swapped_are_noticed(void **state)
{
    struct seed seed = counting_seed();
    char text[RECOVERY_TEXT_SIZE];

    recovery_code_write(&seed, text);
    for (size_t i = 0; text[i + 1] != '\0'; i++) {
        char first = text[i];

        if (first == '-' || text[i + 1] == '-' || first == text[i + 1])
            continue;
        text[i] = text[i + 1];
        text[i + 1] = first;
        assert_mistyped(text);
        text[i + 1] = text[i];
        text[i] = first;
    }
}

static void test_a_code_too_short_or_too_long_is_refused(void **state)
{
    struct seed seed = counting_seed();
    char text[RECOVERY_TEXT_SIZE + 4];
    char many[200];

    recovery_code_write(&seed, text);
    for (size_t len = 0; len < RECOVERY_TEXT_SIZE - 1; len++) {
        char kept = text[len];

        text[len] = '\0';
        assert_mistyped(text);
        text[len] = kept;
    }
    strcat(text, "0");
    assert_mistyped(text);
    for (size_t digits = 57; digits < sizeof many; digits++) {
        memset(many, '0', digits);
        many[digits] = '\0';
        assert_mistyped(many);
    }
    assert_mistyped("");
    assert_mistyped("-------");
}

static void test_what_is_no_digit_is_refused(void **state)
{
    static const char strange[] = "Uu_.,!*=+/\x7f\x80\xc3\xff";
    struct seed seed = counting_seed();
    char text[RECOVERY_TEXT_SIZE];

    recovery_code_write(&seed, text);
    for (size_t i = 0; strange[i] != '\0'; i++) {
        text[3] = strange[i];
        assert_mistyped(text);
    }
}

/* Computed apart from this code: keyed BLAKE2b of the domains. */
static void test_derived_secrets_are_those_of_the_vector(void **state)
{
    struct seed seed = counting_seed();
    struct recovery_secrets from;
    uint8_t label[16];
    char text[65];

    memset(label, 0x11, sizeof label);
    recovery_derive(&seed, &from);
    hex_encode(from.sign.b, 32, text);
    assert_string_equal(
        text,
        "ea9c136bf8a5518d5a8ab915f476d295800dae5010d868105ddadabccc776b91");
    hex_encode(from.backup.b, 32, text);
    assert_string_equal(
        text,
        "ce7caab5840718e19764d926cb9e156363adc3f5edd29179c8e68ec665d2159e");
    hex_encode(author_seed(&seed, label).b, 32, text);
    assert_string_equal(
        text,
        "8f0624fe7cb9e7850b3fa2848a7fd51fad074880ca112f8e431396c8835f9cc8");
}

static void test_the_recovery_seed_opens_the_backup_key(void **state)
{
    static const struct node_secrets secrets = {.identity = {{1}}};
    struct seed seed = counting_seed();
    struct identity id;
    struct member_cert member;
    struct recovery_secrets from;
    uint8_t key[32];

    identity_make(&secrets, &seed, 1, &id);
    assert_int_equal(
        member_cert_read(
            (struct covey_bytes){id.member_cert, id.member_cert_len}, &member),
        COVEY_OK);
    recovery_derive(&seed, &from);
    assert_memory_not_equal(&from.sign, &from.backup, sizeof from.sign);
    dh_public(&from.backup, key);
    assert_memory_equal(member.backup.b, key, sizeof key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_recovery_code_is_that_of_the_vector),
        cmocka_unit_test(test_random_recovery_codes_come_back),
        cmocka_unit_test(test_a_recovery_code_may_be_typed_as_people_type),
        cmocka_unit_test(test_every_mistyped_digit_is_noticed),
        cmocka_unit_test(test_every_two_digits_swapped_are_noticed),
        cmocka_unit_test(test_a_code_too_short_or_too_long_is_refused),
        cmocka_unit_test(test_what_is_no_digit_is_refused),
        cmocka_unit_test(test_derived_secrets_are_those_of_the_vector),
        cmocka_unit_test(test_the_recovery_seed_opens_the_backup_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
