/* msgpack in its one encoding: what is written and what is valid. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/wire.h"
#include "tests/unit/support_wire.h"

static struct covey_bytes hex_bytes(const char *text, uint8_t *room)
{
    size_t len = strlen(text) / 2;

    assert_true(hex_decode(text, room, len));
    return (struct covey_bytes){room, len};
}

static void assert_bytes(struct covey_buf *b, const char *hex)
{
    char text[200];

    assert_int_equal(buf_rc(b), COVEY_OK);
    assert_true(2 * b->len < sizeof text);
    hex_encode(b->p, b->len, text);
    assert_string_equal(text, hex);
    buf_reset(b);
}

/* ---- writing ---- */

static void test_integers_take_their_shortest_form(void **state)
{
    static const struct {
        int64_t v;
        const char *hex;
    } cases[] = {
        {0, "00"},
        {127, "7f"},
        {128, "cc80"},
        {255, "ccff"},
        {256, "cd0100"},
        {65535, "cdffff"},
        {65536, "ce00010000"},
        {UINT32_MAX, "ceffffffff"},
        {INT64_C(4294967296), "cf0000000100000000"},
        {INT64_MAX, "cf7fffffffffffffff"},
        {-1, "ff"},
        {-32, "e0"},
        {-33, "d0df"},
        {-128, "d080"},
        {-129, "d1ff7f"},
        {-32768, "d18000"},
        {-32769, "d2ffff7fff"},
        {INT32_MIN, "d280000000"},
        {INT64_C(-2147483649), "d3ffffffff7fffffff"},
        {INT64_MIN, "d38000000000000000"},
    };
    struct covey_buf b = heap_buf();

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        wire_int(&b, cases[i].v);
        assert_bytes(&b, cases[i].hex);
        if (cases[i].v < 0)
            continue;
        wire_uint(&b, (uint64_t)cases[i].v);
        assert_bytes(&b, cases[i].hex);
    }
    wire_uint(&b, UINT64_MAX);
    assert_bytes(&b, "cfffffffffffffffff");
    buf_clear(&b);
}

static void test_other_values_take_their_one_form(void **state)
{
    struct covey_buf b = heap_buf();

    wire_nil(&b);
    assert_bytes(&b, "c0");
    wire_bool(&b, false);
    assert_bytes(&b, "c2");
    wire_bool(&b, true);
    assert_bytes(&b, "c3");
    wire_real(&b, 0.0);
    assert_bytes(&b, "cb0000000000000000");
    wire_real(&b, -1.5);
    assert_bytes(&b, "cbbff8000000000000");
    wire_text(&b, "", 0);
    assert_bytes(&b, "a0");
    wire_text(&b, "abc", 3);
    assert_bytes(&b, "a3616263");
    wire_bin(&b, NULL, 0);
    assert_bytes(&b, "c400");
    wire_bin(&b, "\xff\x00", 2);
    assert_bytes(&b, "c402ff00");
    wire_array(&b, 15);
    assert_bytes(&b, "9f");
    wire_array(&b, 16);
    assert_bytes(&b, "dc0010");
    wire_array(&b, 4096);
    assert_bytes(&b, "dc1000");
    buf_clear(&b);
}

static void test_lengths_take_their_shortest_form(void **state)
{
    static const struct {
        size_t len;
        const char *text_head;
        const char *bin_head;
    } cases[] = {
        {31, "bf", "c41f"},
        {32, "d920", "c420"},
        {255, "d9ff", "c4ff"},
        {256, "da0100", "c50100"},
        {65535, "daffff", "c5ffff"},
        {65536, "db00010000", "c600010000"},
        {WIRE_TEXT_MAX, "db00030000", "c600030000"},
    };
    char *body = calloc(1, WIRE_TEXT_MAX);
    struct covey_buf b = heap_buf();

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        wire_text(&b, body, cases[i].len);
        assert_int_equal(b.len, strlen(cases[i].text_head) / 2 + cases[i].len);
        b.len -= cases[i].len;
        assert_bytes(&b, cases[i].text_head);
        wire_bin(&b, body, cases[i].len);
        b.len -= cases[i].len;
        assert_bytes(&b, cases[i].bin_head);
    }
    free(body);
    buf_clear(&b);
}

static void test_what_is_beyond_the_limits_is_not_written(void **state)
{
    char *body = calloc(1, WIRE_TEXT_MAX + 1);
    struct covey_buf b = heap_buf();

    wire_text(&b, body, WIRE_TEXT_MAX + 1);
    assert_int_equal(buf_rc(&b), COVEY_ELIMIT);
    assert_int_equal(b.len, 0);
    buf_reset(&b);
    wire_bin(&b, body, WIRE_TEXT_MAX + 1);
    assert_int_equal(buf_rc(&b), COVEY_ELIMIT);
    buf_reset(&b);
    wire_array(&b, WIRE_ITEMS_MAX + 1);
    assert_int_equal(buf_rc(&b), COVEY_ELIMIT);
    wire_nil(&b); /* and after it nothing */
    wire_array(&b, WIRE_ITEMS_MAX + 1);
    assert_int_equal(buf_rc(&b), COVEY_ELIMIT);
    assert_int_equal(b.len, 0);
    free(body);
    buf_clear(&b);
}

static void test_a_full_buffer_is_told_at_the_end(void **state)
{
    struct covey_buf b;

    buf_init(&b, &support_heap, 10);
    wire_array(&b, 2);
    wire_text(&b, "0123456789", 10);
    wire_nil(&b); /* would fit */
    assert_int_equal(buf_rc(&b), COVEY_ELIMIT);
    assert_int_equal(b.len, 2);
    buf_clear(&b);
}

static jmp_buf panicked;

static void on_panic(const char *expr, const char *file, int line)
{
    longjmp(panicked, 1);
}

static bool panics_on_real(struct covey_buf *b, double v)
{
    if (setjmp(panicked) != 0)
        return true;
    wire_real(b, v);
    return false;
}

static void test_writing_nan_or_minus_zero_is_our_fault(void **state)
{
    struct covey_buf b = heap_buf();

    covey_panic_set(on_panic);
    assert_true(panics_on_real(&b, (double)NAN));
    assert_true(panics_on_real(&b, -(double)NAN));
    assert_true(panics_on_real(&b, -0.0));
    assert_false(panics_on_real(&b, 0.0));
    assert_false(panics_on_real(&b, (double)INFINITY));
    assert_false(panics_on_real(&b, -(double)INFINITY));
    covey_panic_set(NULL);
    buf_clear(&b);
}

/* ---- validating ---- */

static enum covey_rc validate_hex(const char *text)
{
    uint8_t room[100];
    struct covey_bytes in = exact_copy(hex_bytes(text, room));
    enum covey_rc rc = wire_validate(in);

    free((void *)(uintptr_t)in.p);
    return rc;
}

static void test_each_form_we_write_is_valid(void **state)
{
    static const char *const good[] = {
        "90",
        "9100",
        "917f",
        "91cc80",
        "91cd0100",
        "91ce00010000",
        "91cf0000000100000000",
        "91cfffffffffffffffff",
        "91e0",
        "91ff",
        "91d0df",
        "91d080",
        "91d1ff7f",
        "91d2ffff7fff",
        "91d3ffffffff7fffffff",
        "91d38000000000000000",
        "91c0",
        "92c2c3",
        "91cb0000000000000000",
        "91cb7ff0000000000000", /* infinity is a number to SQLite */
        "91cbfff0000000000000",
        "91cb0000000000000001",
        "91a0",
        "91a3616263",
        "91a2c3ab",
        "91c400",
        "91c402ff00",
        "9290c0",
        "939091c09200c2",
        "dc001000000000000000000000000000000000",
    };

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (validate_hex(good[i]) != COVEY_OK)
            fail_msg("refused: %s", good[i]);
}

static const struct {
    const char *hex;
    const char *why;
} refused[] = {
    {"", "nothing"},
    {"00", "an integer alone"},
    {"c0", "nil alone"},
    {"a161", "a text alone"},
    {"cb0000000000000000", "a real alone"},
    {"9000", "a value after it"},
    {"910000", "a value after it"},
    {"9090", "an array after it"},
    {"91", "one value missing"},
    {"9200", "one value missing"},
    {"9191", "an inner value missing"},
    {"919200", "an inner value missing"},
    {"80", "a map alone"},
    {"9180", "an empty map"},
    {"918100c0", "a map"},
    {"91de0000", "map 16"},
    {"91df00000000", "map 32"},
    {"91c1", "c1, never used"},
    {"91c70001", "ext 8"},
    {"91c8000001", "ext 16"},
    {"91c90000000001", "ext 32"},
    {"91d40100", "fixext 1"},
    {"91d5010000", "fixext 2"},
    {"91d6ff00000000", "a timestamp"},
    {"91d7010000000000000000", "fixext 8"},
    {"91d80100000000000000000000000000000000", "fixext 16"},
    {"91ca00000000", "float32"},
    {"91ca3fc00000", "float32"},
    {"91cb7ff8000000000000", "NaN"},
    {"91cbfff8000000000000", "NaN with a sign"},
    {"91cb7ff0000000000001", "a signalling NaN"},
    {"91cb8000000000000000", "-0.0"},
    {"91cc00", "0 in two bytes"},
    {"91cc7f", "127 in two bytes"},
    {"91cd00ff", "255 in three"},
    {"91ce0000ffff", "65535 in five"},
    {"91cf00000000ffffffff", "2^32-1 in nine"},
    {"91d000", "0 as signed"},
    {"91d07f", "127 as signed"},
    {"91d0ff", "-1 in two bytes"},
    {"91d0e0", "-32 in two bytes"},
    {"91d1ff80", "-128 in three"},
    {"91d10100", "256 as signed"},
    {"91d17fff", "32767 as signed"},
    {"91d2ffff8000", "-32768 in five"},
    {"91d200010000", "65536 as signed"},
    {"91d27fffffff", "2^31-1 as signed"},
    {"91d3ffffffff80000000", "-2^31 in nine"},
    {"91d30000000100000000", "2^32 as signed"},
    {"91d37fffffffffffffff", "2^63-1 as signed"},
    {"91d903616263", "a short text with length 8"},
    {"91da0003616263", "a short text with length 16"},
    {"91db00000003616263", "a short text with length 32"},
    {"91c5000100", "a short binary with length 16"},
    {"91c60000000100", "a short binary with length 32"},
    {"dc000100", "a short array with length 16"},
    {"dc000f000000000000000000000000000000", "15 with length 16"},
    {"dd0000000100", "a short array with length 32"},
    {"91a36162", "a text cut short"},
    {"91d9", "a length missing"},
    {"91da00", "half a length"},
    {"91c4", "a length missing"},
    {"91c40200", "a binary cut short"},
    {"91cb00000000000000", "a real cut short"},
    {"91cf00000001000000", "an integer cut short"},
    {"91a1ff", "no UTF-8"},
    {"91a2c080", "NUL overlong"},
    {"91a3e08080", "overlong"},
    {"91a3eda080", "a surrogate"},
    {"91a4f4908080", "above U+10FFFF"},
    {"91a1c3", "half a letter"},
    {"92a1c3a1ab", "a letter across two texts"},
};

static void test_every_other_form_is_refused(void **state)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (validate_hex(refused[i].hex) != COVEY_EBAD)
            fail_msg("not refused: %s: %s", refused[i].why, refused[i].hex);
}

/* TRUST.md section 2: what msgpack-c allocates gigabytes for. */
static void test_a_count_beyond_the_bytes_is_refused_at_once(void **state)
{
    static const char *const bad[] = {
        "dd0fffffff",     "df0fffffff",       "dcffff",         "ddffffffff",
        "91ddffffffff",   "91dcffff",         "91dbffffffff",   "91c6ffffffff",
        "91c9ffffffff00", "9fdd0fffffff0000", "9191919f000000",
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (validate_hex(bad[i]) == COVEY_OK)
            fail_msg("not refused: %s", bad[i]);

    /* Not after looking at 4,096 of the 5,000 that there are. */
    struct covey_buf b = heap_buf();

    buf_append(&b, "\xdd\x0f\xff\xff\xff", 5);
    memset(buf_extend(&b, 5000), 0xc0, 5000);
    assert_int_equal(wire_validate(buf_bytes(&b)), COVEY_EBAD);
    buf_clear(&b);
}

static void test_a_null_input_is_refused(void **state)
{
    assert_int_equal(wire_validate((struct covey_bytes){NULL, 0}), COVEY_EBAD);
}

static void test_arrays_nest_eight_deep_and_not_nine(void **state)
{
    assert_int_equal(validate_hex("9191919191919190"), COVEY_OK);
    assert_int_equal(validate_hex("9191919191919191c0"), COVEY_OK);
    assert_int_equal(validate_hex("9291919191919190c0"), COVEY_OK);
    assert_int_equal(validate_hex("919191919191919190"), COVEY_ELIMIT);
    assert_int_equal(validate_hex("919191919191919191c0"), COVEY_ELIMIT);
    /* Twice down to the eighth, one after the other. */
    assert_int_equal(validate_hex("929191919191919091919191919190"), COVEY_OK);
}

/* An array of `width` bytes of count or a text of so many of length, with a
 * body of that length. */
static enum covey_rc validate_form(uint8_t first, size_t width, size_t len)
{
    struct covey_buf b = heap_buf();
    uint8_t number[4];

    put_u32(number, (uint32_t)len);
    if (first < 0xdc)
        wire_array(&b, 1);
    buf_append(&b, &first, 1);
    buf_append(&b, number + 4 - width, width);
    memset(buf_extend(&b, len), 'a', len);

    enum covey_rc rc = wire_validate(buf_bytes(&b));

    buf_clear(&b);
    return rc;
}

static void test_each_longer_form_begins_where_the_shorter_ends(void **state)
{
    static const struct {
        uint8_t first;
        size_t width;
        size_t least;
    } forms[] = {
        {0xd9, 1, 32},  {0xda, 2, 256},   {0xdb, 4, 65536},
        {0xc5, 2, 256}, {0xc6, 4, 65536}, {0xdc, 2, 16},
    };

    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        uint8_t first = forms[i].first;
        size_t width = forms[i].width;
        size_t least = forms[i].least;

        assert_int_equal(validate_form(first, width, least), COVEY_OK);
        assert_int_equal(validate_form(first, width, least - 1), COVEY_EBAD);
        assert_int_equal(validate_form(first, width, 0), COVEY_EBAD);
    }
    assert_int_equal(validate_form(0xdd, 4, 65535), COVEY_EBAD);
    assert_int_equal(validate_form(0xdd, 4, 65536), COVEY_ELIMIT);
}

static void test_a_message_holds_4096_values_with_its_array(void **state)
{
    assert_int_equal(validate_form(0xdc, 2, WIRE_ITEMS_MAX - 1), COVEY_OK);
    assert_int_equal(validate_form(0xdc, 2, WIRE_ITEMS_MAX), COVEY_ELIMIT);
    assert_int_equal(validate_form(0xdc, 2, 65535), COVEY_ELIMIT);
}

static void test_a_text_or_binary_holds_192_kib_and_no_more(void **state)
{
    assert_int_equal(validate_form(0xdb, 4, WIRE_TEXT_MAX), COVEY_OK);
    assert_int_equal(validate_form(0xdb, 4, WIRE_TEXT_MAX + 1), COVEY_ELIMIT);
    assert_int_equal(validate_form(0xc6, 4, WIRE_TEXT_MAX), COVEY_OK);
    assert_int_equal(validate_form(0xc6, 4, WIRE_TEXT_MAX + 1), COVEY_ELIMIT);
}

/* ---- writer and validator together ---- */

static void test_what_is_written_is_valid(void **state)
{
    static struct message m;
    struct covey_buf b = heap_buf();
    uint64_t seed = 1;

    for (int i = 0; i < 20000; i++) {
        buf_reset(&b);
        draw_message(&seed, &m);
        write_message(&m, &b);
        assert_int_equal(buf_rc(&b), COVEY_OK);
        assert_int_equal(wire_validate(buf_bytes(&b)), COVEY_OK);
    }
    buf_clear(&b);
}

static void test_a_message_cut_or_with_a_byte_more_is_refused(void **state)
{
    static struct message m;
    struct covey_buf b = heap_buf();
    uint64_t seed = 2;

    for (int i = 0; i < 2000; i++) {
        buf_reset(&b);
        draw_message(&seed, &m);
        write_message(&m, &b);

        struct covey_bytes in = exact_copy(buf_bytes(&b));
        size_t step = in.len / 50 + 1;

        for (size_t len = 0; len < in.len; len += step)
            assert_int_equal(wire_validate((struct covey_bytes){in.p, len}),
                             COVEY_EBAD);
        free((void *)(uintptr_t)in.p);
        wire_uint(&b, draw_below(&seed, 128));
        assert_int_equal(wire_validate(buf_bytes(&b)), COVEY_EBAD);
    }
    buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers_take_their_shortest_form),
        cmocka_unit_test(test_other_values_take_their_one_form),
        cmocka_unit_test(test_lengths_take_their_shortest_form),
        cmocka_unit_test(test_what_is_beyond_the_limits_is_not_written),
        cmocka_unit_test(test_a_full_buffer_is_told_at_the_end),
        cmocka_unit_test(test_writing_nan_or_minus_zero_is_our_fault),
        cmocka_unit_test(test_each_form_we_write_is_valid),
        cmocka_unit_test(test_every_other_form_is_refused),
        cmocka_unit_test(test_a_count_beyond_the_bytes_is_refused_at_once),
        cmocka_unit_test(test_a_null_input_is_refused),
        cmocka_unit_test(test_arrays_nest_eight_deep_and_not_nine),
        cmocka_unit_test(test_each_longer_form_begins_where_the_shorter_ends),
        cmocka_unit_test(test_a_message_holds_4096_values_with_its_array),
        cmocka_unit_test(test_a_text_or_binary_holds_192_kib_and_no_more),
        cmocka_unit_test(test_what_is_written_is_valid),
        cmocka_unit_test(test_a_message_cut_or_with_a_byte_more_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
