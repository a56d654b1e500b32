/* Payloads: nothing in one can be changed, and any row can be erased. */
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

/* ---- tampering ---- */

static void test_every_changed_byte_is_refused(void **state)
{
    fix_seal_three();
    for (size_t i = 0; i < fix.out.len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            fix.out.p[i] ^= (uint8_t)(1u << bit);
            fix_assert_refused(buf_bytes(&fix.out));
            fix.out.p[i] ^= (uint8_t)(1u << bit);
        }
    }
    assert_int_equal(fix_open(), COVEY_OK);
}

static void test_a_payload_cut_short_or_longer_is_refused(void **state)
{
    fix_seal_three();

    size_t len = fix.out.len;

    for (size_t i = 0; i < len; i++) {
        /* A copy of its own size, so that reading on ends the test. */
        uint8_t *copy = malloc(i + 1);

        assert_non_null(copy);
        memcpy(copy, fix.out.p, i);
        fix_assert_refused((struct covey_bytes){copy, i});
        free(copy);
    }
    buf_append(&fix.out, "", 1);
    fix_assert_refused(buf_bytes(&fix.out));
}

static void test_parts_that_changed_places_are_refused(void **state)
{
    fix_seal_rows((const size_t[]){40, 40}, 2);

    enum { FRAME = 4 + 16 + 40 + 16 };
    uint8_t *second = fix.out.p + fix.out.len - FRAME;
    uint8_t *first = second - FRAME;
    uint8_t swap[FRAME];

    memcpy(swap, first, FRAME);
    memcpy(first, second, FRAME);
    memcpy(second, swap, FRAME);
    fix_assert_refused(buf_bytes(&fix.out));
}

static void test_another_key_opens_nothing(void **state)
{
    struct seed other = fix.space_key;

    fix_seal_three();
    other.b[31] ^= 1;
    assert_int_equal(
        changeset_open(&fix.h, buf_bytes(&fix.out), &other, &fix.cs),
        COVEY_EFORGED);
}

static void test_a_payload_under_another_header_is_refused(void **state)
{
    struct header right;

    fix_seal_three();
    right = fix.h;
    for (int field = 0; field < 9; field++) {
        fix.h = right;
        if (field == 0)
            fix.h.space.b[0] ^= 1;
        if (field == 1)
            fix.h.author.b[0] ^= 1;
        if (field == 2)
            fix.h.incarnation.b[0] ^= 1;
        if (field == 3)
            fix.h.number++;
        if (field == 4)
            fix.h.previous.b[0] ^= 1;
        if (field == 5)
            fix.h.epoch.b[0] ^= 1;
        if (field == 6)
            fix.h.cite_count--;
        if (field == 7)
            fix.h.cites[1].b[5] ^= 1;
        if (field == 8)
            fix.h.clock++;
        assert_int_equal(fix_open(), COVEY_EFORGED);
    }
    fix.h = right;
    assert_int_equal(fix_open(), COVEY_OK);
}

static void
test_a_header_that_tells_another_length_or_hash_is_refused(void **state)
{
    fix_seal_three();
    fix.h.payload_len++;
    assert_int_equal(changeset_check(&fix.h, buf_bytes(&fix.out)),
                     COVEY_EFORGED);
    fix.h.payload_len--;
    fix.h.payload_hash.b[31] ^= 1;
    assert_int_equal(changeset_check(&fix.h, buf_bytes(&fix.out)),
                     COVEY_EFORGED);
}

/* ---- erasing ---- */

static void test_an_erased_part_leaves_hash_and_neighbours(void **state)
{
    struct hash before;
    struct hash after;

    fix_seal_three();
    assert_int_equal(changeset_hash(buf_bytes(&fix.out), &before), COVEY_OK);
    for (size_t part = 1; part <= 3; part++) {
        struct covey_buf less;

        buf_init(&less, &fix.mem, OUT_MAX);
        assert_int_equal(changeset_erase(buf_bytes(&fix.out), part, &less),
                         COVEY_OK);
        assert_int_equal(changeset_check(&fix.h, buf_bytes(&less)), COVEY_OK);
        assert_int_equal(changeset_hash(buf_bytes(&less), &after), COVEY_OK);
        assert_memory_equal(&before, &after, sizeof before);
        assert_int_equal(fix_open_bytes(buf_bytes(&less)), COVEY_OK);
        assert_int_equal(fix.cs.part_count, 3);
        for (size_t i = 0; i < 3; i++) {
            if (i == part - 1)
                assert_null(fix.cs.parts[i].p);
            else
                fix_assert_row(i);
        }
        buf_clear(&less);
    }
}

static void test_all_rows_can_be_erased_one_by_one(void **state)
{
    fix_seal_three();
    for (size_t part = 3; part >= 1; part--) {
        struct covey_buf less;

        buf_init(&less, &fix.mem, OUT_MAX);
        assert_int_equal(changeset_erase(buf_bytes(&fix.out), part, &less),
                         COVEY_OK);
        buf_clear(&fix.out);
        fix.out = less;
        assert_int_equal(changeset_check(&fix.h, buf_bytes(&fix.out)),
                         COVEY_OK);
    }
    assert_int_equal(fix_open(), COVEY_OK);
    assert_true(fix.cs.wall_ms == 1700000000000);
    assert_int_equal(fix.cs.part_count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_null(fix.cs.parts[i].p);
}

static void test_what_was_erased_is_no_longer_there(void **state)
{
    struct covey_buf less;
    size_t count = 0;

    fix_seal_three();
    buf_init(&less, &fix.mem, OUT_MAX);
    assert_int_equal(changeset_erase(buf_bytes(&fix.out), 3, &less), COVEY_OK);
    for (size_t i = 0; i + 8 <= less.len; i++)
        count +=
            memmem(fix.out.p + fix.out.len - 82, 82, less.p + i, 8) != NULL;
    assert_int_equal(count, 0);
    buf_clear(&less);
}

static void test_erasing_twice_changes_nothing(void **state)
{
    struct covey_buf once;
    struct covey_buf twice;

    fix_seal_three();
    buf_init(&once, &fix.mem, OUT_MAX);
    buf_init(&twice, &fix.mem, OUT_MAX);
    assert_int_equal(changeset_erase(buf_bytes(&fix.out), 2, &once), COVEY_OK);
    assert_int_equal(changeset_erase(buf_bytes(&once), 2, &twice), COVEY_OK);
    assert_int_equal(once.len, twice.len);
    assert_memory_equal(once.p, twice.p, once.len);
    buf_clear(&once);
    buf_clear(&twice);
}

static void
test_part_0_and_parts_that_are_not_there_cannot_be_erased(void **state)
{
    static const size_t parts[] = {0, 4, 5, SIZE_MAX};
    struct covey_buf less;

    fix_seal_three();
    buf_init(&less, &fix.mem, OUT_MAX);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(changeset_erase(buf_bytes(&fix.out), parts[i], &less),
                         COVEY_ENONE);
    assert_int_equal(less.len, 0);
    buf_clear(&less);
}

static void test_a_broken_payload_cannot_be_erased_from(void **state)
{
    struct covey_buf less;

    fix_seal_three();
    buf_init(&less, &fix.mem, OUT_MAX);
    for (size_t len = 0; len < fix.out.len; len++) {
        struct covey_bytes cut = {fix.out.p, len};

        assert_int_equal(changeset_erase(cut, 1, &less), COVEY_EBAD);
    }
    buf_append(&fix.out, "", 1);
    assert_int_equal(changeset_erase(buf_bytes(&fix.out), 1, &less),
                     COVEY_EBAD);
    assert_int_equal(less.len, 0);
    buf_clear(&less);
}

/* Its kind and wall time always stand. */
static void test_a_payload_whose_part_0_is_gone_is_refused(void **state)
{
    struct covey_buf less;
    uint8_t word[4];

    fix_seal_three();

    uint32_t len = get_u32(fix.out.p + 26);
    struct hash hash = hash_of("covey/1 part", fix.out.p + 30, len);

    put_u32(word, len | 0x80000000u);
    buf_init(&less, &fix.mem, OUT_MAX);
    buf_append(&less, fix.out.p, 26);
    buf_append(&less, word, sizeof word);
    buf_append(&less, hash.b, sizeof hash.b);
    buf_append(&less, fix.out.p + 30 + len, fix.out.len - 30 - len);
    fix_assert_refused(buf_bytes(&less));
    buf_clear(&less);
}

/* Else one erased payload could be spelt in many ways. */
static void test_lengths_of_erased_parts_cannot_be_moved(void **state)
{
    struct covey_buf one;
    struct covey_buf two;

    fix_seal_rows((const size_t[]){40, 40}, 2);
    buf_init(&one, &fix.mem, OUT_MAX);
    buf_init(&two, &fix.mem, OUT_MAX);
    assert_int_equal(changeset_erase(buf_bytes(&fix.out), 1, &one), COVEY_OK);
    assert_int_equal(changeset_erase(buf_bytes(&one), 2, &two), COVEY_OK);
    assert_int_equal(changeset_check(&fix.h, buf_bytes(&two)), COVEY_OK);

    uint8_t *second = two.p + two.len - 36;
    uint8_t *first = second - 36;

    first[3]++;
    second[3]--;
    assert_int_equal(changeset_check(&fix.h, buf_bytes(&two)), COVEY_EFORGED);
    buf_clear(&one);
    buf_clear(&two);
}

static void test_a_hash_in_an_erased_place_is_checked(void **state)
{
    struct covey_buf less;

    fix_seal_three();
    buf_init(&less, &fix.mem, OUT_MAX);
    assert_int_equal(changeset_erase(buf_bytes(&fix.out), 3, &less), COVEY_OK);
    less.p[less.len - 1] ^= 1;
    assert_int_equal(changeset_check(&fix.h, buf_bytes(&less)), COVEY_EFORGED);
    buf_clear(&less);
}

/* ---- made by hand, from the words of changeset.h ---- */

/* Append to `out` one part, sealed from its salt and plaintext, and add it to
 * the hash. */
static void craft_part(const struct seed *key, uint8_t number,
                       struct covey_bytes plain, struct hasher *hasher)
{
    static uint8_t salted[HEADER_PAYLOAD_MAX];
    uint8_t nonce[24] = {[23] = number};
    uint8_t ad[HEADER_MAX];
    uint8_t len[4];

    header_write(&fix.h, ad);
    memset(salted, 0, PART_SALT);
    salted[0] = number;
    memcpy(salted + PART_SALT, plain.p, plain.len);
    put_u32(len, (uint32_t)(PART_SALT + plain.len + 16));
    buf_append(&fix.out, len, sizeof len);

    size_t sealed_len = PART_SALT + plain.len + 16;
    uint8_t *sealed = buf_extend(&fix.out, sealed_len);

    assert_non_null(sealed);
    aead_seal(key, nonce, (struct covey_bytes){ad, header_ad_len(&fix.h)},
              (struct covey_bytes){salted, PART_SALT + plain.len}, sealed);

    struct hash part = hash_of("covey/1 part", sealed, sealed_len);

    hasher_add(hasher, len, sizeof len);
    hasher_add(hasher, part.b, sizeof part.b);
}

/* A payload of the plaintexts given, part 0 first, into `out` and `h`. */
static void craft(const struct covey_bytes *plains, size_t count)
{
    uint8_t head[26] = {1, 2, 3, [25] = (uint8_t)count};
    struct hash drawn =
        hash_keyed(&fix.space_key, "covey/1 payload key", head, 24);
    struct seed key;
    struct hasher hasher;

    memcpy(key.b, drawn.b, sizeof key.b);
    hasher_init(&hasher, "covey/1 payload");
    hasher_add(&hasher, head, sizeof head);
    buf_reset(&fix.out);
    buf_append(&fix.out, head, sizeof head);
    for (size_t i = 0; i < count; i++)
        craft_part(&key, (uint8_t)i, plains[i], &hasher);
    fix.h.payload_len = (uint32_t)fix.out.len;
    fix.h.payload_hash = hasher_end(&hasher);
}

/* [kind, 0x1234, two bytes of padding], and a row or none. */
static void craft_first(uint8_t kind, uint8_t padding, size_t row_count)
{
    const uint8_t first[] = {0x93, kind, 0xcd, 0x12, 0x34, 0xc4, 2, 0, padding};
    const struct covey_bytes plains[2] = {{first, sizeof first},
                                          {(const uint8_t *)"row", 3}};

    craft(plains, 1 + row_count);
    assert_int_equal(changeset_check(&fix.h, buf_bytes(&fix.out)), COVEY_OK);
}

static void test_a_payload_made_by_the_book_opens(void **state)
{
    craft_first(CHANGESET_ROWS, 0, 1);
    assert_int_equal(fix_open(), COVEY_OK);
    assert_true(fix.cs.kind == CHANGESET_ROWS);
    assert_true(fix.cs.wall_ms == 0x1234);
    assert_int_equal(fix.cs.part_count, 1);
    assert_int_equal(fix.cs.parts[0].len, 3);
    assert_memory_equal(fix.cs.parts[0].p, "row", 3);
}

/* What a newer version says is held, so it may say it as it likes. */
static void test_part_0_of_a_newer_kind_is_not_read_further(void **state)
{
    static const char *const firsts[] = {"\x91\x02", "\x94\x02\xa1x\x07\x90",
                                         "\x93\x02\xc0\xc4"};
    static const size_t lens[] = {2, 6, 4};
    const enum covey_rc expected[] = {COVEY_OK, COVEY_OK, COVEY_EBAD};

    for (size_t i = 0; i < 3; i++) {
        const struct covey_bytes plains[2] = {
            {(const uint8_t *)firsts[i], lens[i]}, {(const uint8_t *)"row", 3}};

        craft(plains, 2);
        assert_int_equal(fix_open(), expected[i]);
        if (expected[i] == COVEY_OK)
            assert_true(fix.cs.kind == 2);
    }
}

/* The limits of msgpack are those of part 0, too. */
static void test_padding_keeps_to_the_limit_of_a_binary(void **state)
{
    static uint8_t first[8 + WIRE_TEXT_MAX + 1] = {0x93, 0, 1, 0xc6, 0, 3};
    const struct covey_bytes longest = {first, 8 + WIRE_TEXT_MAX};
    const struct covey_bytes longer = {first, sizeof first};

    craft(&longest, 1);
    assert_int_equal(fix_open(), COVEY_OK);
    first[7] = 1;
    craft(&longer, 1);
    assert_int_equal(fix_open(), COVEY_EBAD);
}

static void test_a_part_with_nothing_in_it_is_refused(void **state)
{
    const uint8_t first[] = {0x93, 0, 1, 0xc4, 0};
    const struct covey_bytes plains[2] = {{first, sizeof first}, {first, 0}};

    craft(plains, 1);
    assert_int_equal(fix_open(), COVEY_OK);
    craft(plains, 2);
    assert_int_equal(changeset_check(&fix.h, buf_bytes(&fix.out)), COVEY_EBAD);
    assert_int_equal(fix_open(), COVEY_EBAD);
}

static void test_a_payload_without_part_0_is_refused(void **state)
{
    struct hash hash;

    craft(NULL, 0);
    assert_int_equal(changeset_hash(buf_bytes(&fix.out), &hash), COVEY_EBAD);
    assert_int_equal(fix_open(), COVEY_EBAD);
}

/* `count` frames of the length given; all but the first are erased. */
static enum covey_rc hash_frames(uint16_t count, uint32_t len)
{
    static const uint8_t sealed[33];
    uint8_t head[26] = {0};
    uint8_t word[4];
    struct hash hash;

    buf_reset(&fix.out);
    put_u16(head + 24, count);
    buf_append(&fix.out, head, sizeof head);
    put_u32(word, sizeof sealed);
    buf_append(&fix.out, word, sizeof word);
    buf_append(&fix.out, sealed, sizeof sealed);
    put_u32(word, len | 0x80000000u);
    for (uint16_t i = 1; i < count; i++) {
        buf_append(&fix.out, word, sizeof word);
        buf_append(&fix.out, sealed, sizeof hash.b);
    }
    return changeset_hash(buf_bytes(&fix.out), &hash);
}

static void test_more_parts_than_the_limit_have_no_hash(void **state)
{
    assert_int_equal(hash_frames(CHANGESET_PARTS_MAX, 33), COVEY_OK);
    assert_int_equal(hash_frames(CHANGESET_PARTS_MAX + 1, 33), COVEY_EBAD);
}

static void
test_erased_parts_cannot_tell_of_more_than_a_payload_holds(void **state)
{
    uint32_t longest = (HEADER_PAYLOAD_MAX - 26 - 4 - 33) / 2 - 4;

    assert_int_equal(hash_frames(3, longest), COVEY_OK);
    assert_int_equal(hash_frames(3, longest + 1), COVEY_EBAD);
    assert_int_equal(hash_frames(2, 0x7fffffff), COVEY_EBAD);
    assert_int_equal(hash_frames(2, 32), COVEY_EBAD);
}

static void test_a_kind_from_a_newer_version_is_given_as_sent(void **state)
{
    craft_first(7, 0, 1);
    assert_int_equal(fix_open(), COVEY_OK);
    assert_true(fix.cs.kind == 7);
    assert_int_equal(fix.cs.part_count, 1);
}

static void test_an_empty_change_set_with_a_row_is_refused(void **state)
{
    craft_first(CHANGESET_EMPTY, 0, 0);
    assert_int_equal(fix_open(), COVEY_OK);
    craft_first(CHANGESET_EMPTY, 0, 1);
    assert_int_equal(fix_open(), COVEY_EBAD);
}

static void test_padding_that_is_not_zero_is_refused(void **state)
{
    craft_first(CHANGESET_ROWS, 1, 1);
    assert_int_equal(fix_open(), COVEY_EBAD);
}

static void test_a_part_0_of_another_form_is_refused(void **state)
{
    static const struct {
        size_t len;
        uint8_t b[12];
    } forms[] = {
        {4, {0x92, 0, 1, 0xc4}},          /* two */
        {6, {0x94, 0, 1, 0xc4, 0, 0xc0}}, /* four */
        {6, {0x93, 0, 1, 0xc4, 0, 0xc0}}, /* one after it */
        {5, {0x93, 0xff, 1, 0xc4, 0}},    /* kind -1 */
        {6, {0x93, 0, 0xcc, 1, 0xc4, 0}}, /* wall, not minimal */
        {4, {0x93, 0, 1, 0xa0}},          /* padding is text */
        {5, {0x93, 0, 1, 0xc4, 1}},       /* padding cut short */
        {1, {0x93}},                      /* cut short */
        {5, {0x93, 0, 0xc0, 0xc4, 0}},    /* no wall */
    };

    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct covey_bytes first = {forms[i].b, forms[i].len};

        craft(&first, 1);
        assert_int_equal(fix_open(), COVEY_EBAD);
    }
}

/* Computed apart from this code. */
static void test_the_hash_of_a_payload_is_that_of_the_vector(void **state)
{
    static const uint8_t lens[2] = {33, 40};
    static const uint8_t bytes[2] = {0, 0xaa};
    uint8_t payload[26 + 4 + 33 + 4 + 40];
    uint8_t *p = payload + 26;
    struct hash hash;
    char text[65];

    memset(payload, 9, 24);
    put_u16(payload + 24, 2);
    for (size_t i = 0; i < 2; i++) {
        put_u32(p, lens[i]);
        memset(p + 4, bytes[i], lens[i]);
        p += 4 + lens[i];
    }
    assert_int_equal(
        changeset_hash((struct covey_bytes){payload, sizeof payload}, &hash),
        COVEY_OK);
    hex_encode(hash.b, sizeof hash.b, text);
    assert_string_equal(
        text,
        "9ba2eb3c4820866d708d28a8db46b8fec5191603819dbd90113932169f4ace03");
}

#define PAYLOAD_TEST(name)                                                     \
    cmocka_unit_test_setup_teardown(name, fix_begin, fix_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAYLOAD_TEST(test_every_changed_byte_is_refused),
        PAYLOAD_TEST(test_a_payload_cut_short_or_longer_is_refused),
        PAYLOAD_TEST(test_parts_that_changed_places_are_refused),
        PAYLOAD_TEST(test_another_key_opens_nothing),
        PAYLOAD_TEST(test_a_payload_under_another_header_is_refused),
        PAYLOAD_TEST(
            test_a_header_that_tells_another_length_or_hash_is_refused),
        PAYLOAD_TEST(test_an_erased_part_leaves_hash_and_neighbours),
        PAYLOAD_TEST(test_all_rows_can_be_erased_one_by_one),
        PAYLOAD_TEST(test_what_was_erased_is_no_longer_there),
        PAYLOAD_TEST(test_erasing_twice_changes_nothing),
        PAYLOAD_TEST(test_part_0_and_parts_that_are_not_there_cannot_be_erased),
        PAYLOAD_TEST(test_a_broken_payload_cannot_be_erased_from),
        PAYLOAD_TEST(test_a_payload_whose_part_0_is_gone_is_refused),
        PAYLOAD_TEST(test_lengths_of_erased_parts_cannot_be_moved),
        PAYLOAD_TEST(test_a_hash_in_an_erased_place_is_checked),
        PAYLOAD_TEST(test_a_payload_made_by_the_book_opens),
        PAYLOAD_TEST(test_part_0_of_a_newer_kind_is_not_read_further),
        PAYLOAD_TEST(test_padding_keeps_to_the_limit_of_a_binary),
        PAYLOAD_TEST(test_a_part_with_nothing_in_it_is_refused),
        PAYLOAD_TEST(test_a_payload_without_part_0_is_refused),
        PAYLOAD_TEST(test_more_parts_than_the_limit_have_no_hash),
        PAYLOAD_TEST(
            test_erased_parts_cannot_tell_of_more_than_a_payload_holds),
        PAYLOAD_TEST(test_a_kind_from_a_newer_version_is_given_as_sent),
        PAYLOAD_TEST(test_an_empty_change_set_with_a_row_is_refused),
        PAYLOAD_TEST(test_padding_that_is_not_zero_is_refused),
        PAYLOAD_TEST(test_a_part_0_of_another_form_is_refused),
        PAYLOAD_TEST(test_the_hash_of_a_payload_is_that_of_the_vector),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
