/* Change sets: sealed so that nothing can be guessed or told apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/changeset.h"
#include "proto/pad.h"
#include "proto/wire.h"
#include "support_payload.h"

/* ---- sealing and opening ---- */

static void test_what_was_sealed_opens(void **state)
{
    fix_seal_three();
    assert_int_equal(fix.h.payload_len, fix.out.len);
    assert_int_equal(changeset_check(&fix.h, buf_bytes(&fix.out)), COVEY_OK);
    assert_int_equal(fix_open(), COVEY_OK);
    assert_true(fix.cs.kind == CHANGESET_ROWS);
    assert_true(fix.cs.wall_ms == 1700000000000);
    assert_int_equal(fix.cs.part_count, 3);
    for (size_t i = 0; i < 3; i++)
        fix_assert_row(i);
}

static void test_random_change_sets_open(void **state)
{
    struct covey_rng rng;

    rng_init(&rng, &(struct seed){{5}});
    for (int round = 0; round < 500; round++) {
        size_t lens[20];
        uint16_t draw[21];
        size_t count;

        rng_draw(&rng, draw, sizeof draw);
        count = draw[20] % 21;
        for (size_t i = 0; i < count; i++)
            lens[i] = 1u + draw[i] % (draw[i] % 7 == 0 ? 5000u : 200u);
        fix.h.cite_count = draw[20] % 3;
        fix_seal_rows(lens, count);
        assert_int_equal(changeset_check(&fix.h, buf_bytes(&fix.out)),
                         COVEY_OK);
        assert_int_equal(fix_open(), COVEY_OK);
        assert_int_equal(fix.cs.part_count, count);
        for (size_t i = 0; i < count; i++)
            fix_assert_row(i);
    }
}

static void test_an_empty_change_set_opens(void **state)
{
    struct changeset_plain plain = {.kind = CHANGESET_EMPTY, .wall_ms = 7};

    assert_int_equal(fix_seal(&plain), COVEY_OK);
    assert_int_equal(changeset_check(&fix.h, buf_bytes(&fix.out)), COVEY_OK);
    assert_int_equal(fix_open(), COVEY_OK);
    assert_true(fix.cs.kind == CHANGESET_EMPTY);
    assert_true(fix.cs.wall_ms == 7);
    assert_int_equal(fix.cs.part_count, 0);
}

static void test_sealing_appends(void **state)
{
    struct covey_bytes tail;

    buf_append(&fix.out, "before", 6);

    struct changeset_plain plain = fix_plain((const size_t[]){10}, 1);

    assert_int_equal(changeset_seal(&fix.h, &plain, &fix.space_key,
                                    &fix.nonce_secret, &fix.fresh, &fix.out),
                     COVEY_OK);
    assert_memory_equal(fix.out.p, "before", 6);
    tail = (struct covey_bytes){fix.out.p + 6, fix.out.len - 6};
    assert_int_equal(fix.h.payload_len, tail.len);
    assert_int_equal(pad_bucket(tail.len), tail.len);
    assert_int_equal(fix_open_bytes(tail), COVEY_OK);
    fix_assert_row(0);
}

static void test_one_buffer_serves_many_openings(void **state)
{
    static const size_t big[] = {200000};

    fix_seal_rows(big, 1);
    assert_int_equal(fix_open(), COVEY_OK);
    fix_seal_three();

    int calls = fix.memory.calls;

    for (int i = 0; i < 100; i++)
        assert_int_equal(fix_open(), COVEY_OK);
    assert_int_equal(fix.memory.calls, calls);
    fix_assert_row(0);
}

/* ---- nonces and salts ---- */

struct drawn {
    uint8_t nonce[24];
    uint8_t salt[PART_SALT]; /* of part 1 */
};

static struct drawn drawn_by(const struct changeset_plain *plain,
                             const struct seed *secret, const struct seed *draw)
{
    struct drawn d;

    buf_reset(&fix.out);
    assert_int_equal(
        changeset_seal(&fix.h, plain, &fix.space_key, secret, draw, &fix.out),
        COVEY_OK);
    assert_int_equal(fix_open(), COVEY_OK);
    memcpy(d.nonce, fix.out.p, sizeof d.nonce);
    memcpy(d.salt, fix.cs.parts[0].p - PART_SALT, sizeof d.salt);
    return d;
}

static void assert_all_differ(const struct drawn *d, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++) {
            assert_memory_not_equal(d[i].nonce, d[k].nonce, sizeof d[i].nonce);
            assert_memory_not_equal(d[i].salt, d[k].salt, sizeof d[i].salt);
        }
    }
}

/* A machine cloned with its memory draws the same `fresh` twice. */
static void test_a_cloned_generator_repeats_no_nonce(void **state)
{
    struct changeset_plain plain = fix_plain((const size_t[]){20, 20}, 2);
    struct changeset_plain later = plain;
    struct drawn d[7];

    later.wall_ms++;
    d[0] = drawn_by(&plain, &fix.nonce_secret, &fix.fresh);
    d[1] = drawn_by(&later, &fix.nonce_secret, &fix.fresh);
    fix.h.number++;
    d[2] = drawn_by(&plain, &fix.nonce_secret, &fix.fresh);
    fix.h.epoch.b[0]++;
    d[3] = drawn_by(&plain, &fix.nonce_secret, &fix.fresh);
    fix.words[0] ^= 1;
    d[4] = drawn_by(&plain, &fix.nonce_secret, &fix.fresh);
    d[5] = drawn_by(&plain, &fix.space_key, &fix.fresh);
    d[6] = drawn_by(&plain, &fix.nonce_secret, &fix.space_key);
    assert_all_differ(d, 7);
}

/* The same bytes cut into rows in another place are other plaintext. */
static void test_where_a_row_ends_is_part_of_the_nonce(void **state)
{
    struct drawn d[2];
    struct changeset_plain plain = fix_plain((const size_t[]){20, 21}, 2);

    d[0] = drawn_by(&plain, &fix.nonce_secret, &fix.fresh);
    plain = fix_plain((const size_t[]){21, 20}, 2);
    d[1] = drawn_by(&plain, &fix.nonce_secret, &fix.fresh);
    assert_all_differ(d, 2);
}

static void test_the_same_everything_seals_to_the_same_bytes(void **state)
{
    struct covey_buf first;

    fix_seal_three();
    first = fix.out;
    buf_init(&fix.out, &fix.mem, OUT_MAX);
    fix_seal_three();
    assert_int_equal(first.len, fix.out.len);
    assert_memory_equal(first.p, fix.out.p, fix.out.len);
    buf_clear(&first);
}

static void test_each_row_has_a_salt_of_its_own(void **state)
{
    struct drawn d[10] = {0};
    size_t lens[10];

    for (size_t i = 0; i < 10; i++)
        lens[i] = 8;
    fix_seal_rows(lens, 10);
    assert_int_equal(fix_open(), COVEY_OK);
    for (size_t i = 0; i < 10; i++) {
        put_u64(d[i].nonce, i);
        memcpy(d[i].salt, fix.cs.parts[i].p - PART_SALT, PART_SALT);
    }
    assert_all_differ(d, 10);
}

/* ---- sizes ---- */

/* The shortest payload that these rows could have. */
static size_t bare_len(const struct changeset_plain *plain)
{
    size_t len = 26 + 4 + 16 + 13 + 16;

    for (size_t i = 0; i < plain->part_count; i++)
        len += plain->parts[i].len + CHANGESET_PART_COST;
    return len;
}

static void test_payloads_fall_into_buckets(void **state)
{
    for (size_t len = 1; len < 200000; len += 1 + len / 40) {
        struct changeset_plain plain = fix_plain(&len, 1);

        assert_int_equal(fix_seal(&plain), COVEY_OK);
        assert_int_equal(pad_bucket(fix.out.len), fix.out.len);
        assert_true(fix.out.len >= bare_len(&plain));
        assert_true((fix.out.len - bare_len(&plain)) * 100 <=
                    bare_len(&plain) * 12);
    }
}

/* Where the padding's own head changes its length, too. */
static void test_every_length_near_a_bucket_falls_into_one(void **state)
{
    size_t bucket = pad_bucket(20000);

    for (size_t total = bucket - 1100; total < bucket + 10; total++) {
        size_t len = total - 200;
        struct changeset_plain plain = fix_plain(&len, 1);

        assert_int_equal(fix_seal(&plain), COVEY_OK);
        assert_int_equal(pad_bucket(fix.out.len), fix.out.len);
        assert_int_equal(fix_open(), COVEY_OK);
        fix_assert_row(0);
    }
}

static void test_rows_of_like_length_make_payloads_of_one_length(void **state)
{
    size_t least;

    fix_seal_rows((const size_t[]){500}, 1);
    least = fix.out.len;
    fix_seal_rows((const size_t[]){510}, 1);
    assert_int_equal(fix.out.len, least);
}

/* ---- limits ---- */

static void test_rows_that_keep_to_the_room_always_fit(void **state)
{
    static size_t lens[ROWS_MAX];
    static const size_t counts[] = {1, 2, 100, ROWS_MAX};

    for (size_t c = 0; c < 4; c++) {
        size_t room = CHANGESET_ROOM - counts[c] * CHANGESET_PART_COST;

        for (size_t i = 0; i < counts[c]; i++)
            lens[i] = room / counts[c];
        lens[0] += room % counts[c];
        fix_seal_rows(lens, counts[c]);
        assert_true(fix.out.len <= HEADER_PAYLOAD_MAX);
        assert_int_equal(fix_open(), COVEY_OK);
        assert_int_equal(fix.cs.part_count, counts[c]);
        fix_assert_row(counts[c] - 1);
    }
}

static void test_a_payload_fills_the_limit_and_not_a_byte_more(void **state)
{
    enum { HEAD = 26 + 4 + 16 + 13 + 16 }; /* part 0 with no padding */
    size_t longest = HEADER_PAYLOAD_MAX - HEAD - CHANGESET_PART_COST;
    size_t len = longest;

    fix_seal_rows(&len, 1);
    assert_int_equal(fix.out.len, HEADER_PAYLOAD_MAX);
    assert_int_equal(fix_open(), COVEY_OK);
    for (len = longest + 1; len <= HEADER_PAYLOAD_MAX + 1; len += 5) {
        struct changeset_plain plain = fix_plain(&len, 1);

        assert_int_equal(fix_seal(&plain), COVEY_ELIMIT);
    }
}

static void test_more_parts_than_the_limit_are_refused(void **state)
{
    static size_t lens[ROWS_MAX + 1];

    for (size_t i = 0; i <= ROWS_MAX; i++)
        lens[i] = 10;
    fix_seal_rows(lens, ROWS_MAX);
    assert_int_equal(fix_open(), COVEY_OK);
    assert_int_equal(fix.cs.part_count, ROWS_MAX);

    struct changeset_plain plain = fix_plain(lens, ROWS_MAX + 1);

    assert_int_equal(fix_seal(&plain), COVEY_ELIMIT);
}

static void test_a_count_of_no_part_or_too_many_is_refused(void **state)
{
    static const uint16_t counts[] = {0, CHANGESET_PARTS_MAX + 1, UINT16_MAX};
    struct hash hash;

    fix_seal_three();
    for (size_t i = 0; i < 3; i++) {
        put_u16(fix.out.p + 24, counts[i]);
        assert_int_equal(changeset_hash(buf_bytes(&fix.out), &hash),
                         COVEY_EBAD);
        assert_int_equal(fix_open(), COVEY_EBAD);
    }
}

static void test_sealing_survives_each_failed_allocation(void **state)
{
    enum covey_rc rc = COVEY_ENOMEM;

    for (int fail_at = 1; rc != COVEY_OK; fail_at++) {
        struct changeset_plain plain =
            fix_plain((const size_t[]){500, 3000, 100}, 3);

        assert_true(fail_at < 100);
        fix.h.payload_len = 0;
        buf_clear(&fix.out);
        fix.memory.calls = 0;
        fix.memory.fail_at = fail_at;
        rc = fix_seal(&plain);
        assert_true(rc == COVEY_OK || rc == COVEY_ENOMEM);
        assert_true((rc == COVEY_OK) == (fix.h.payload_len > 0));
    }
    fix.memory.fail_at = 0;
    assert_int_equal(fix_open(), COVEY_OK);
}

static void test_opening_survives_each_failed_allocation(void **state)
{
    enum covey_rc rc = COVEY_ENOMEM;

    fix_seal_three();
    for (int fail_at = 1; rc != COVEY_OK; fail_at++) {
        assert_true(fail_at < 100);
        fix.memory.calls = 0;
        fix.memory.fail_at = fail_at;
        rc = fix_open();
        assert_true(rc == COVEY_OK || rc == COVEY_ENOMEM);
    }
    assert_int_equal(fix.cs.part_count, 3);
}

#define PAYLOAD_TEST(name)                                                     \
    cmocka_unit_test_setup_teardown(name, fix_begin, fix_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAYLOAD_TEST(test_what_was_sealed_opens),
        PAYLOAD_TEST(test_random_change_sets_open),
        PAYLOAD_TEST(test_an_empty_change_set_opens),
        PAYLOAD_TEST(test_sealing_appends),
        PAYLOAD_TEST(test_one_buffer_serves_many_openings),
        PAYLOAD_TEST(test_a_cloned_generator_repeats_no_nonce),
        PAYLOAD_TEST(test_where_a_row_ends_is_part_of_the_nonce),
        PAYLOAD_TEST(test_the_same_everything_seals_to_the_same_bytes),
        PAYLOAD_TEST(test_each_row_has_a_salt_of_its_own),
        PAYLOAD_TEST(test_payloads_fall_into_buckets),
        PAYLOAD_TEST(test_every_length_near_a_bucket_falls_into_one),
        PAYLOAD_TEST(test_rows_of_like_length_make_payloads_of_one_length),
        PAYLOAD_TEST(test_rows_that_keep_to_the_room_always_fit),
        PAYLOAD_TEST(test_a_payload_fills_the_limit_and_not_a_byte_more),
        PAYLOAD_TEST(test_more_parts_than_the_limit_are_refused),
        PAYLOAD_TEST(test_a_count_of_no_part_or_too_many_is_refused),
        PAYLOAD_TEST(test_sealing_survives_each_failed_allocation),
        PAYLOAD_TEST(test_opening_survives_each_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
