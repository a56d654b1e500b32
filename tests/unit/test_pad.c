/* Padme buckets: few lengths, little waste, and always hit exactly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/pad.h"

#define LENGTHS 300000u /* past the longest payload */

static void test_buckets_are_those_of_the_paper(void **state)
{
    static const struct {
        size_t len;
        size_t bucket;
    } known[] = {{0, 0},           {1, 1},           {2, 2},
                 {8, 8},           {9, 10},          {10, 10},
                 {63, 64},         {64, 64},         {65, 72},
                 {100, 104},       {1000, 1024},     {1025, 1088},
                 {65536, 65536},   {65537, 67584},   {131073, 135168},
                 {262144, 262144}, {262145, 270336}, {1000000, 1015808}};

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        assert_int_equal(pad_bucket(known[i].len), known[i].bucket);
}

static void test_a_bucket_adds_twelve_percent_at_most(void **state)
{
    for (size_t len = 0; len <= LENGTHS; len++) {
        size_t bucket = pad_bucket(len);

        assert_true(bucket >= len);
        assert_true((bucket - len) * 100 <= len * 12);
    }
}

static void test_a_bucket_is_its_own_bucket(void **state)
{
    size_t buckets = 0;

    for (size_t len = 1; len <= LENGTHS; len++) {
        size_t bucket = pad_bucket(len);

        assert_int_equal(pad_bucket(bucket), bucket);
        assert_true(bucket >= pad_bucket(len - 1));
        buckets += bucket == len;
    }
    assert_true(buckets < 300); /* so few lengths can be told apart */
}

static size_t head_of(size_t bin)
{
    if (bin < 256)
        return 2;
    return bin < 65536 ? 3 : 5;
}

static void test_a_padding_fills_its_bucket_exactly(void **state)
{
    for (size_t len = 0; len <= LENGTHS; len++) {
        size_t bin = pad_bin(len);
        size_t full = len + head_of(bin) + bin;

        assert_int_equal(pad_bucket(full), full);
        /* From the shortest payload that there is. */
        assert_true(len < 75 || (full - len - 2) * 100 <= (len + 2) * 12);
    }
}

/* A gap of 258 bytes is filled by no binary: 2 + 255 or 3 + 256. */
static void
test_a_gap_that_no_padding_fills_goes_to_the_next_bucket(void **state)
{
    size_t bucket = pad_bucket(10000);
    size_t next = pad_bucket(bucket + 1);
    size_t len = bucket - 258;

    assert_int_equal(pad_bucket(len + 2), bucket);
    assert_int_equal(len + 3 + pad_bin(len), next);
    assert_int_equal(pad_bin(len - 1), 256);
    assert_int_equal(pad_bin(len + 1), 255);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buckets_are_those_of_the_paper),
        cmocka_unit_test(test_a_bucket_adds_twelve_percent_at_most),
        cmocka_unit_test(test_a_bucket_is_its_own_bucket),
        cmocka_unit_test(test_a_padding_fills_its_bucket_exactly),
        cmocka_unit_test(
            test_a_gap_that_no_padding_fills_goes_to_the_next_bucket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
