/* A frontier on the wire, and its digest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/message.h"
#include "tests/unit/support_bytes.h"

static uint64_t seed = 1;

static struct blind a_blind(void)
{
    struct blind b;

    bytes_fill(&seed, b.b, sizeof b.b);
    return b;
}

static struct log_head head_of(uint8_t author, uint8_t incarnation,
                               uint64_t number, uint8_t hash)
{
    struct log_head h = {.number = number};

    memset(h.author.b, author, sizeof h.author.b);
    memset(h.incarnation.b, incarnation, sizeof h.incarnation.b);
    memset(h.hash.b, hash, sizeof h.hash.b);
    return h;
}

static void test_a_full_frontier_comes_back(void **state)
{
    struct covey_buf body = bytes_buf();
    struct blind blind = a_blind();
    struct frontier f;
    struct log_head head;

    frontier_begin(&body, &blind, false);
    for (uint64_t i = 1; i <= FRONTIER_ENTRIES_MAX; i++) {
        head = head_of((uint8_t)i, (uint8_t)(i >> 8), i << 40, 3);
        frontier_add(&body, &head);
    }
    assert_true(body.len <= message_max(MESSAGE_FRONTIER));
    assert_int_equal(frontier_read(buf_bytes(&body), &f), COVEY_OK);
    assert_false(f.last);
    assert_int_equal(f.count, FRONTIER_ENTRIES_MAX);
    assert_memory_equal(&f.blind, &blind, sizeof blind);
    for (uint64_t i = 1; i <= FRONTIER_ENTRIES_MAX; i++) {
        struct log_head want =
            head_of((uint8_t)i, (uint8_t)(i >> 8), i << 40, 3);

        frontier_entry(&f, (size_t)i - 1, &head);
        assert_memory_equal(&head, &want, sizeof head);
    }
    frontier_add(&body, &head);
    assert_int_equal(frontier_read(buf_bytes(&body), &f), COVEY_ELIMIT);
    buf_clear(&body);
}

static void test_a_frontier_is_read_with_care(void **state)
{
    struct covey_buf body = bytes_buf();
    struct blind blind = a_blind();
    struct log_head head = head_of(1, 2, 0, 3);
    struct frontier f;

    frontier_begin(&body, &blind, true);
    assert_int_equal(frontier_read(buf_bytes(&body), &f), COVEY_OK);
    assert_true(f.last);
    assert_int_equal(f.count, 0);
    body.p[16] = 2;
    assert_int_equal(frontier_read(buf_bytes(&body), &f), COVEY_EBAD);
    body.p[16] = 1;
    frontier_add(&body, &head); /* of an empty log */
    assert_int_equal(frontier_read(buf_bytes(&body), &f), COVEY_EBAD);
    buf_clear(&body);
}

static void assert_digest(struct log_head *heads, size_t count, const char *hex)
{
    struct hash digest = frontier_digest(heads, count);
    char text[65];

    hex_encode(digest.b, sizeof digest.b, text);
    assert_string_equal(text, hex);
}

/* Values of another BLAKE2b, Python's. */
static void test_a_digest_is_what_the_protocol_says(void **state)
{
    struct log_head heads[3] = {head_of(2, 1, 5, 9), head_of(1, 9, 300, 7),
                                head_of(1, 2, 1, 8)};

    assert_digest(heads, 3,
                  "8ee19fbc0921570bf9401e6bf69833350c3e8fbe6271a0e7d1269671051f"
                  "4444");
    assert_digest(heads, 0,
                  "921f32a0921757b810285699e7661054275f824896045219f3726229d19c"
                  "6b6b");
    assert_int_equal(heads[0].incarnation.b[0], 2); /* sorted in place */
    assert_int_equal(heads[2].author.b[0], 2);
}

static void test_a_digest_does_not_depend_on_the_order(void **state)
{
    struct log_head heads[200];

    for (size_t count = 0; count <= 200; count += 1 + count / 3) {
        for (size_t i = 0; i < count; i++)
            heads[i] = head_of(
                (uint8_t)bytes_below(&seed, 5), (uint8_t)bytes_below(&seed, 5),
                1 + bytes_below(&seed, 1000), (uint8_t)bytes_below(&seed, 256));

        struct hash one = frontier_digest(heads, count);

        for (size_t i = 0; i < count; i++) {
            size_t j = bytes_below(&seed, count);
            struct log_head kept = heads[i];

            heads[i] = heads[j];
            heads[j] = kept;
        }

        struct hash two = frontier_digest(heads, count);

        assert_memory_equal(&one, &two, sizeof one);
        for (size_t i = 1; i < count; i++) {
            int d = memcmp(&heads[i - 1], &heads[i], 40);

            assert_true(d <= 0);
            assert_true(d < 0 || heads[i - 1].number <= heads[i].number);
        }
        if (count > 0) {
            heads[count / 2].number++;
            two = frontier_digest(heads, count);
            assert_memory_not_equal(&one, &two, sizeof one);
        }
    }
}

/* Two heads of one log, at one number: a fork's. */
static void test_the_heads_of_a_fork_have_an_order(void **state)
{
    struct log_head heads[2] = {head_of(1, 2, 3, 9), head_of(1, 2, 3, 4)};
    struct log_head turned[2] = {heads[1], heads[0]};
    struct hash one = frontier_digest(heads, 2);
    struct hash two = frontier_digest(turned, 2);

    assert_memory_equal(&one, &two, sizeof one);
    assert_int_equal(heads[0].hash.b[0], 4);
}

static void test_a_piece_of_an_entry_is_refused(void **state)
{
    struct covey_buf body = bytes_buf();
    struct blind blind = a_blind();
    struct log_head head = head_of(1, 2, 3, 4);
    struct frontier f;

    frontier_begin(&body, &blind, true);
    frontier_add(&body, &head);
    for (body.len--; body.len > 17; body.len--)
        assert_int_equal(frontier_read(buf_bytes(&body), &f), COVEY_EBAD);
    buf_clear(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_full_frontier_comes_back),
        cmocka_unit_test(test_a_frontier_is_read_with_care),
        cmocka_unit_test(test_a_digest_is_what_the_protocol_says),
        cmocka_unit_test(test_a_digest_does_not_depend_on_the_order),
        cmocka_unit_test(test_the_heads_of_a_fork_have_an_order),
        cmocka_unit_test(test_a_piece_of_an_entry_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
