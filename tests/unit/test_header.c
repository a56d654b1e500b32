/* The signed head of a change set: one encoding, one hash, one signature. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/header.h"
#include "support_sign.h"

/* Where fields lie, as header.h says. */
enum { AT_NUMBER = 72, AT_COUNT = 144, AT_CITES = 145 };

static const struct seed author_secret = {{7}};

/* A random header with up to `cites_max` cites. */
static struct header random_header(struct covey_rng *rng, size_t cites_max)
{
    struct header h = {.cite_count = 0};
    uint64_t draw[4];

    rng_draw(rng, draw, sizeof draw);
    rng_draw(rng, h.space.b, sizeof h.space.b);
    rng_draw(rng, h.author.b, sizeof h.author.b);
    rng_draw(rng, h.incarnation.b, sizeof h.incarnation.b);
    rng_draw(rng, h.previous.b, sizeof h.previous.b);
    rng_draw(rng, h.epoch.b, sizeof h.epoch.b);
    rng_draw(rng, h.payload_hash.b, sizeof h.payload_hash.b);
    h.number = draw[0] | 1;
    h.clock = draw[1] | 1;
    h.payload_len = (uint32_t)(draw[2] % (HEADER_PAYLOAD_MAX + 1));
    h.cite_count = (size_t)(draw[3] % (cites_max + 1));
    rng_draw(rng, h.cites, h.cite_count * sizeof h.cites[0]);
    header_sort_cites(&h);
    return h;
}

static struct header seeded_header(uint8_t seed, size_t cites_max)
{
    struct covey_rng rng;

    rng_init(&rng, &(struct seed){{seed}});
    return random_header(&rng, cites_max);
}

static void assert_same_header(const struct header *a, const struct header *b)
{
    assert_memory_equal(&a->space, &b->space, sizeof a->space);
    assert_memory_equal(&a->author, &b->author, sizeof a->author);
    assert_memory_equal(&a->incarnation, &b->incarnation,
                        sizeof a->incarnation);
    assert_true(a->number == b->number);
    assert_memory_equal(&a->previous, &b->previous, sizeof a->previous);
    assert_memory_equal(&a->epoch, &b->epoch, sizeof a->epoch);
    assert_int_equal(a->cite_count, b->cite_count);
    for (size_t i = 0; i < a->cite_count; i++)
        assert_memory_equal(&a->cites[i], &b->cites[i], sizeof a->cites[i]);
    assert_true(a->clock == b->clock);
    assert_int_equal(a->payload_len, b->payload_len);
    assert_memory_equal(&a->payload_hash, &b->payload_hash,
                        sizeof a->payload_hash);
}

/* ---- layout ---- */

/* Bytes and hash computed apart from this code, from the words of header.h. */
static void test_layout_and_hash_are_those_of_the_vector(void **state)
{
    static const char bytes_hex[] =
        "636f7665792f3120686561646572000001010101010101010101010101010101"
        "0202020202020202020202020202020202020202020202020202020202020202"
        "0303030303030303010203040506070804040404040404040404040404040404"
        "0404040404040404040404040404040405050505050505050505050505050505"
        "0505050505050505050505050505050502060606060606060606060606060606"
        "0606060606060606060606060606060606070707070707070707070707070707"
        "0707070707070707070707070707070707111213141516171800020304080808"
        "0808080808080808080808080808080808080808080808080808080808";
    static const char hash_hex[] =
        "33c8eaeb0324c9d2d50d2d2a4fbe4d8f680bb5ec9093d78583d3a0296bca1591";
    struct header h = {.number = 0x0102030405060708,
                       .clock = 0x1112131415161718,
                       .cite_count = 2,
                       .payload_len = 0x020304};
    uint8_t bytes[HEADER_MAX];
    char text[2 * HEADER_MAX + 1];

    memset(h.space.b, 1, sizeof h.space.b);
    memset(h.author.b, 2, sizeof h.author.b);
    memset(h.incarnation.b, 3, sizeof h.incarnation.b);
    memset(h.previous.b, 4, sizeof h.previous.b);
    memset(h.epoch.b, 5, sizeof h.epoch.b);
    memset(h.cites[0].b, 6, sizeof h.cites[0].b);
    memset(h.cites[1].b, 7, sizeof h.cites[1].b);
    memset(h.payload_hash.b, 8, sizeof h.payload_hash.b);

    hex_encode(bytes, header_write(&h, bytes), text);
    assert_string_equal(text, bytes_hex);

    struct hash hash = header_hash(&h);

    hex_encode(hash.b, sizeof hash.b, text);
    assert_string_equal(text, hash_hex);
}

static void test_random_headers_come_back_byte_for_byte(void **state)
{
    struct covey_rng rng;

    rng_init(&rng, &(struct seed){{1}});
    for (int i = 0; i < 2000; i++) {
        struct header h = random_header(&rng, HEADER_CITES_MAX);
        struct header back;
        uint8_t bytes[HEADER_MAX];
        uint8_t again[HEADER_MAX];
        size_t len = header_write(&h, bytes);

        assert_int_equal(header_read((struct covey_bytes){bytes, len}, &back),
                         COVEY_OK);
        assert_same_header(&h, &back);
        assert_int_equal(header_write(&back, again), len);
        assert_memory_equal(bytes, again, len);
    }
}

static void test_a_header_with_most_cites_is_as_long_as_the_limit(void **state)
{
    struct header h = {.number = 1, .clock = 1};
    uint8_t bytes[HEADER_MAX];

    h.cite_count = HEADER_CITES_MAX;
    for (size_t i = 0; i < HEADER_CITES_MAX; i++)
        h.cites[i].b[0] = (uint8_t)i;
    assert_int_equal(header_write(&h, bytes), HEADER_MAX);
}

static void test_associated_data_ends_before_the_payload(void **state)
{
    struct header a = seeded_header(2, 5);
    struct header b = a;
    uint8_t a_bytes[HEADER_MAX];
    uint8_t b_bytes[HEADER_MAX];

    b.payload_len ^= 1;
    b.payload_hash.b[0] ^= 1;

    size_t len = header_write(&a, a_bytes);

    assert_int_equal(header_write(&b, b_bytes), len);
    assert_int_equal(header_ad_len(&a), len - 36);
    assert_memory_equal(a_bytes, b_bytes, header_ad_len(&a));
    b.clock ^= 2;
    header_write(&b, b_bytes);
    assert_memory_not_equal(a_bytes, b_bytes, header_ad_len(&a));
}

/* ---- one encoding ---- */

static enum covey_rc read_bytes(const uint8_t *p, size_t len)
{
    struct header h;

    return header_read((struct covey_bytes){p, len}, &h);
}

static void test_a_header_cut_short_is_refused(void **state)
{
    struct header h = seeded_header(3, 3);
    uint8_t bytes[HEADER_MAX];
    size_t len = header_write(&h, bytes);

    for (size_t i = 0; i < len; i++)
        assert_int_equal(read_bytes(bytes, i), COVEY_EBAD);
    assert_int_equal(read_bytes(NULL, 0), COVEY_EBAD);
}

static void test_trailing_bytes_are_refused(void **state)
{
    struct header h = seeded_header(4, 3);
    uint8_t bytes[HEADER_MAX + 32] = {0};
    size_t len = header_write(&h, bytes);

    assert_int_equal(read_bytes(bytes, len), COVEY_OK);
    assert_int_equal(read_bytes(bytes, len + 1), COVEY_EBAD);
    assert_int_equal(read_bytes(bytes, len + 32), COVEY_EBAD);
}

static void test_unsorted_cites_are_refused(void **state)
{
    struct header h = {.number = 1, .clock = 1, .cite_count = 2};
    uint8_t bytes[HEADER_MAX];
    uint8_t *first = bytes + AT_CITES;

    h.cites[0].b[31] = 1;
    h.cites[1].b[31] = 2;

    size_t len = header_write(&h, bytes);

    assert_int_equal(read_bytes(bytes, len), COVEY_OK);
    first[31] = 3;
    assert_int_equal(read_bytes(bytes, len), COVEY_EBAD);
}

static void test_a_cite_named_twice_is_refused(void **state)
{
    struct header h = {.number = 1, .clock = 1, .cite_count = 2};
    uint8_t bytes[HEADER_MAX];

    h.cites[0].b[31] = 1;
    h.cites[1].b[31] = 2;

    size_t len = header_write(&h, bytes);

    bytes[AT_CITES + 31] = 2;
    assert_int_equal(read_bytes(bytes, len), COVEY_EBAD);
}

static void test_more_cites_than_the_limit_are_refused(void **state)
{
    struct header h = {.number = 1, .clock = 0xff};
    uint8_t bytes[HEADER_MAX + 32] = {0};

    h.cite_count = HEADER_CITES_MAX;
    for (size_t i = 0; i < HEADER_CITES_MAX; i++)
        h.cites[i].b[0] = (uint8_t)i;
    header_write(&h, bytes);

    size_t tail = AT_CITES + 32u * HEADER_CITES_MAX;

    memmove(bytes + tail + 32, bytes + tail, 44);
    memset(bytes + tail, 0xff, 32);
    bytes[AT_COUNT] = HEADER_CITES_MAX + 1;
    assert_int_equal(read_bytes(bytes, sizeof bytes), COVEY_EBAD);
}

static void test_number_and_clock_begin_at_one(void **state)
{
    struct header h = {.number = 0, .clock = 1};
    uint8_t bytes[HEADER_MAX];

    assert_int_equal(read_bytes(bytes, header_write(&h, bytes)), COVEY_EBAD);
    h = (struct header){.number = 1, .clock = 0};
    assert_int_equal(read_bytes(bytes, header_write(&h, bytes)), COVEY_EBAD);
    h = (struct header){.number = 1, .clock = 1};
    assert_int_equal(read_bytes(bytes, header_write(&h, bytes)), COVEY_OK);
}

static void test_a_payload_over_the_limit_is_refused(void **state)
{
    struct header h = {
        .number = 1, .clock = 1, .payload_len = HEADER_PAYLOAD_MAX};
    uint8_t bytes[HEADER_MAX];

    assert_int_equal(read_bytes(bytes, header_write(&h, bytes)), COVEY_OK);
    h.payload_len++;
    assert_int_equal(read_bytes(bytes, header_write(&h, bytes)), COVEY_EBAD);
}

static void test_another_domain_tag_is_refused(void **state)
{
    struct header h = seeded_header(5, 1);
    uint8_t bytes[HEADER_MAX];
    size_t len = header_write(&h, bytes);

    bytes[15] = 1;
    assert_int_equal(read_bytes(bytes, len), COVEY_EBAD);
    memcpy(bytes, "covey/1 author\0", 16);
    assert_int_equal(read_bytes(bytes, len), COVEY_EBAD);
}

/* Whatever is read is written back the same: two encodings of one header there
 * are not, whichever byte one turns. */
static void test_every_changed_byte_makes_another_header_or_none(void **state)
{
    struct header h = seeded_header(6, 4);
    struct hash before = header_hash(&h);
    uint8_t bytes[HEADER_MAX];
    uint8_t again[HEADER_MAX];
    size_t len = header_write(&h, bytes);

    for (size_t i = 0; i < 8 * len; i++) {
        struct header back;
        uint8_t bit = (uint8_t)(1u << (i % 8));

        bytes[i / 8] ^= bit;
        if (header_read((struct covey_bytes){bytes, len}, &back) == COVEY_OK) {
            struct hash after = header_hash(&back);

            assert_int_equal(header_write(&back, again), len);
            assert_memory_equal(bytes, again, len);
            assert_memory_not_equal(&before, &after, sizeof before);
        }
        bytes[i / 8] ^= bit;
    }
}

/* ---- sorting ---- */

static void test_sorting_orders_cites_and_drops_doubles(void **state)
{
    struct covey_rng rng;

    rng_init(&rng, &(struct seed){{8}});
    for (int round = 0; round < 500; round++) {
        struct header h = {.number = 1, .clock = 1};
        bool present[32] = {false};
        size_t distinct = 0;
        uint8_t draw[HEADER_CITES_MAX + 1];

        rng_draw(&rng, draw, sizeof draw);
        h.cite_count = draw[HEADER_CITES_MAX] % (HEADER_CITES_MAX + 1);
        for (size_t i = 0; i < h.cite_count; i++) {
            uint8_t which = draw[i] % 32;

            memset(h.cites[i].b, 0, sizeof h.cites[i].b);
            h.cites[i].b[31] = which;
            distinct += !present[which];
            present[which] = true;
        }
        header_sort_cites(&h);
        assert_int_equal(h.cite_count, distinct);
        for (size_t i = 0; i < h.cite_count; i++) {
            assert_true(present[h.cites[i].b[31]]);
            assert_true(i == 0 || h.cites[i - 1].b[31] < h.cites[i].b[31]);
        }
    }
}

static jmp_buf panicked;

static void jump(const char *expr, const char *file, int line)
{
    (void)expr;
    (void)file;
    (void)line;
    longjmp(panicked, 1);
}

static void test_writing_unsorted_cites_is_our_own_fault(void **state)
{
    static struct header h = {.number = 1, .clock = 1, .cite_count = 2};
    static uint8_t bytes[HEADER_MAX];

    h.cites[0].b[0] = 2;
    h.cites[1].b[0] = 1;
    covey_panic_set(jump);
    if (setjmp(panicked) == 0) {
        header_write(&h, bytes);
        fail_msg("unsorted cites were written");
    }
    header_sort_cites(&h);
    assert_true(header_write(&h, bytes) > 0);
}

/* ---- signatures ---- */

static struct header signed_header(struct signature *sig)
{
    struct header h = seeded_header(9, 3);
    struct sign_pair pair;

    sign_pair_from(&author_secret, &pair);
    h.author = pair.key;
    *sig = header_sign(&h, &pair);
    return h;
}

static void test_what_the_author_signed_verifies(void **state)
{
    struct signature sig;
    struct header h = signed_header(&sig);

    assert_true(header_verify(&h, &sig));
}

static void test_a_signature_made_again_is_the_same(void **state)
{
    struct signature first;
    struct signature second;

    signed_header(&first);
    signed_header(&second);
    assert_memory_equal(&first, &second, sizeof first);
}

static void test_the_signature_covers_every_byte(void **state)
{
    struct signature sig;
    struct header h = signed_header(&sig);
    uint8_t bytes[HEADER_MAX];
    size_t len = header_write(&h, bytes);

    for (size_t i = 0; i < len; i++) {
        struct header back;

        bytes[i] ^= 0x01;
        if (header_read((struct covey_bytes){bytes, len}, &back) == COVEY_OK)
            assert_false(header_verify(&back, &sig));
        bytes[i] ^= 0x01;
    }
}

static void test_every_changed_byte_of_a_signature_is_refused(void **state)
{
    struct signature sig;
    struct header h = signed_header(&sig);

    for (size_t i = 0; i < sizeof sig.b; i++) {
        sig.b[i] ^= 0x01;
        assert_false(header_verify(&h, &sig));
        sig.b[i] ^= 0x01;
    }
    assert_true(header_verify(&h, &sig));
}

static void test_a_malleated_signature_is_refused(void **state)
{
    struct signature sig;
    struct header h = signed_header(&sig);

    malleate(sig.b);
    assert_false(header_verify(&h, &sig));
}

static void test_the_identity_point_is_no_author(void **state)
{
    struct header h = {.number = 1, .clock = 1, .author = {{1}}};
    struct signature sig = {{1}}; /* R = identity, S = 0 */

    assert_false(header_verify(&h, &sig));
}

static void test_two_signatures_of_one_header_make_one_hash(void **state)
{
    struct signature sig;
    struct header h = signed_header(&sig);
    struct hash before = header_hash(&h);
    uint8_t bytes[HEADER_MAX];
    struct signature other;

    sign_again(&author_secret, bytes, header_write(&h, bytes), other.b);
    assert_memory_not_equal(&sig, &other, sizeof sig);
    assert_true(header_verify(&h, &other));

    struct hash after = header_hash(&h);

    assert_memory_equal(&before, &after, sizeof before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout_and_hash_are_those_of_the_vector),
        cmocka_unit_test(test_random_headers_come_back_byte_for_byte),
        cmocka_unit_test(test_a_header_with_most_cites_is_as_long_as_the_limit),
        cmocka_unit_test(test_associated_data_ends_before_the_payload),
        cmocka_unit_test(test_a_header_cut_short_is_refused),
        cmocka_unit_test(test_trailing_bytes_are_refused),
        cmocka_unit_test(test_unsorted_cites_are_refused),
        cmocka_unit_test(test_a_cite_named_twice_is_refused),
        cmocka_unit_test(test_more_cites_than_the_limit_are_refused),
        cmocka_unit_test(test_number_and_clock_begin_at_one),
        cmocka_unit_test(test_a_payload_over_the_limit_is_refused),
        cmocka_unit_test(test_another_domain_tag_is_refused),
        cmocka_unit_test(test_every_changed_byte_makes_another_header_or_none),
        cmocka_unit_test(test_sorting_orders_cites_and_drops_doubles),
        cmocka_unit_test(test_writing_unsorted_cites_is_our_own_fault),
        cmocka_unit_test(test_what_the_author_signed_verifies),
        cmocka_unit_test(test_a_signature_made_again_is_the_same),
        cmocka_unit_test(test_the_signature_covers_every_byte),
        cmocka_unit_test(test_every_changed_byte_of_a_signature_is_refused),
        cmocka_unit_test(test_a_malleated_signature_is_refused),
        cmocka_unit_test(test_the_identity_point_is_no_author),
        cmocka_unit_test(test_two_signatures_of_one_header_make_one_hash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
