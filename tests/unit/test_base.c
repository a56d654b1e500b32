/* What every part shares: result codes, buffers, numbers, hex, UTF-8, CHECK. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/base.h"

/* Memory that fails at the allocation number `fail_at`, counted from 1. */
struct meter {
    int calls;
    int fail_at;
    int live;
    size_t most; /* bytes of the largest one asked for */
};

static void *meter_alloc(void *ctx, size_t size)
{
    struct meter *m = ctx;

    if (++m->calls == m->fail_at)
        return NULL;

    void *p = malloc(size);

    assert_non_null(p);
    memset(p, 0xaa, size); /* so that nobody counts on zeros */
    m->live++;
    if (size > m->most)
        m->most = size;
    return p;
}

static void meter_free(void *ctx, void *p)
{
    struct meter *m = ctx;

    if (p != NULL)
        m->live--;
    free(p);
}

static struct covey_mem meter_mem(struct meter *m)
{
    return (struct covey_mem){m, meter_alloc, meter_free};
}

/* ---- result codes ---- */

static void test_every_code_has_a_name_and_a_sentence(void **state)
{
    static const enum covey_rc codes[] = {
#define X(name, number, id, text) COVEY_##name,
        COVEY_RC_TABLE(X)
#undef X
    };
    const size_t count = sizeof codes / sizeof codes[0];

    for (size_t i = 0; i < count; i++) {
        assert_int_equal(codes[i], -(int)i);
        assert_true(strlen(covey_rc_id(codes[i])) > 0);
        assert_true(strlen(covey_rc_text(codes[i])) > 0);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(covey_rc_id(codes[i]),
                                    covey_rc_id(codes[j]));
    }
    assert_string_equal(covey_rc_id(COVEY_OK), "ok");
    assert_string_equal(covey_rc_id(COVEY_EFULL), "disk-full");
    assert_string_equal(covey_rc_text(COVEY_EUSAGE),
                        "the call is not of the expected form");
}

static void test_a_number_that_is_no_code_still_has_words(void **state)
{
    static const int numbers[] = {1, 17, INT32_MAX, -17, -1000, INT32_MIN};

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        enum covey_rc rc;

        memcpy(&rc, &numbers[i], sizeof rc);
        assert_string_equal(covey_rc_id(rc), "unknown");
        assert_string_equal(covey_rc_text(rc), "an unknown result");
    }
}

/* ---- memory and buffers ---- */

static void test_new_memory_is_zeroed(void **state)
{
    static const uint8_t zeros[100];
    struct meter m = {0};
    struct covey_mem mem = meter_mem(&m);
    void *p = covey_new(&mem, sizeof zeros);

    assert_memory_equal(p, zeros, sizeof zeros);
    covey_free(&mem, p);
    covey_free(&mem, NULL);
    assert_int_equal(m.live, 0);
    m.fail_at = m.calls + 1;
    assert_null(covey_new(&mem, 1));
}

static void test_buffer_keeps_its_bytes_while_it_grows(void **state)
{
    struct meter m = {0};
    struct covey_mem mem = meter_mem(&m);
    struct covey_buf b;

    buf_init(&b, &mem, 1000000);
    for (uint32_t i = 0; i < 100000; i++) {
        uint8_t number[4];

        put_u32(number, i);
        buf_append(&b, number, sizeof number);
    }
    assert_int_equal(buf_rc(&b), COVEY_OK);
    assert_int_equal(buf_bytes(&b).len, 400000);
    for (uint32_t i = 0; i < 100000; i++)
        assert_int_equal(get_u32(buf_bytes(&b).p + 4 * (size_t)i), i);
    /* By doubling: linear in all, so few allocations. */
    assert_true(m.calls < 20);
    buf_clear(&b);
    assert_int_equal(m.live, 0);
}

static void test_buffer_takes_its_limit_and_not_a_byte_more(void **state)
{
    struct meter m = {0};
    struct covey_mem mem = meter_mem(&m);
    struct covey_buf b;

    buf_init(&b, &mem, 100);
    for (int i = 0; i < 100; i++)
        buf_append(&b, "x", 1);
    assert_int_equal(buf_rc(&b), COVEY_OK);
    assert_int_equal(buf_bytes(&b).len, 100);
    buf_append(&b, "", 0);
    assert_int_equal(buf_rc(&b), COVEY_OK);
    buf_append(&b, "y", 1);
    assert_int_equal(buf_rc(&b), COVEY_ELIMIT);
    assert_int_equal(buf_bytes(&b).len, 100);
    assert_int_equal(m.most, 100);
    buf_clear(&b);
}

static void test_a_length_near_the_end_of_size_t_is_too_much(void **state)
{
    struct meter m = {0};
    struct covey_mem mem = meter_mem(&m);
    struct covey_buf b;

    buf_init(&b, &mem, SIZE_MAX);
    buf_append(&b, "abc", 3);
    assert_null(buf_extend(&b, SIZE_MAX - 2));
    assert_int_equal(buf_rc(&b), COVEY_ELIMIT);
    assert_int_equal(m.calls, 1);
    buf_clear(&b);
}

static void test_after_a_failure_appends_do_nothing(void **state)
{
    struct meter m = {.fail_at = 2};
    struct covey_mem mem = meter_mem(&m);
    struct covey_buf b;
    uint8_t big[500] = {0};

    buf_init(&b, &mem, 1000);
    buf_append(&b, "abc", 3);
    buf_append(&b, big, sizeof big);
    assert_int_equal(buf_rc(&b), COVEY_ENOMEM);
    buf_append(&b, "d", 1); /* would have fitted */
    assert_null(buf_extend(&b, 1));
    assert_int_equal(buf_rc(&b), COVEY_ENOMEM);
    assert_int_equal(buf_bytes(&b).len, 3);
    assert_memory_equal(buf_bytes(&b).p, "abc", 3);

    buf_reset(&b);
    buf_append(&b, big, sizeof big);
    assert_int_equal(buf_rc(&b), COVEY_OK);
    assert_int_equal(buf_bytes(&b).len, sizeof big);
    buf_clear(&b);
    assert_int_equal(m.live, 0);
}

static void test_every_failing_allocation_is_told_until_none_fails(void **state)
{
    for (int fail_at = 1;; fail_at++) {
        struct meter m = {.fail_at = fail_at};
        struct covey_mem mem = meter_mem(&m);
        struct covey_buf b;

        buf_init(&b, &mem, 10000);
        for (int i = 0; i < 1000; i++)
            buf_append(&b, "0123456789", 10);

        enum covey_rc rc = buf_rc(&b);

        buf_clear(&b);
        assert_int_equal(m.live, 0);
        if (m.calls < fail_at) {
            assert_int_equal(rc, COVEY_OK);
            assert_true(fail_at > 3);
            return;
        }
        assert_int_equal(rc, COVEY_ENOMEM);
    }
}

static void test_reset_keeps_the_memory(void **state)
{
    struct meter m = {0};
    struct covey_mem mem = meter_mem(&m);
    struct covey_buf b;

    buf_init(&b, &mem, 1000);
    for (int i = 0; i < 50; i++) {
        buf_append(&b, "some words", 10);
        buf_reset(&b);
        assert_int_equal(buf_bytes(&b).len, 0);
    }
    assert_int_equal(m.calls, 1);
    buf_clear(&b);
}

static void test_extend_gives_room_to_write_into(void **state)
{
    struct meter m = {0};
    struct covey_mem mem = meter_mem(&m);
    struct covey_buf b;

    buf_init(&b, &mem, 1000);
    assert_non_null(buf_extend(&b, 0)); /* nothing is no failure */
    buf_append(&b, "ab", 2);
    memcpy(buf_extend(&b, 300), (uint8_t[300]){'c'}, 300);
    assert_int_equal(buf_bytes(&b).len, 302);
    assert_memory_equal(buf_bytes(&b).p, "abc", 4);
    buf_clear(&b);
}

static void test_clear_is_safe_on_zeros_and_twice(void **state)
{
    struct meter m = {0};
    struct covey_mem mem = meter_mem(&m);
    struct covey_buf zeros = {0};
    struct covey_buf b;

    buf_clear(&zeros);
    buf_init(&b, &mem, 50);
    buf_clear(&b);
    buf_append(&b, "again", 5);
    assert_memory_equal(buf_bytes(&b).p, "again", 5);
    assert_int_equal(m.most, 50);
    buf_clear(&b);
    buf_clear(&b);
    assert_int_equal(m.live, 0);
}

/* ---- numbers ---- */

static void test_numbers_are_big_endian(void **state)
{
    static const uint8_t bytes[] = {0xf1, 0xf2, 0xf3, 0xf4,
                                    0xf5, 0xf6, 0xf7, 0xf8};
    uint8_t out[8];

    assert_int_equal(get_u16(bytes), 0xf1f2);
    assert_int_equal(get_u32(bytes), 0xf1f2f3f4);
    assert_true(get_u64(bytes) == UINT64_C(0xf1f2f3f4f5f6f7f8));
    put_u16(out, 0xf1f2);
    assert_memory_equal(out, bytes, 2);
    put_u32(out, 0xf1f2f3f4);
    assert_memory_equal(out, bytes, 4);
    put_u64(out, UINT64_C(0xf1f2f3f4f5f6f7f8));
    assert_memory_equal(out, bytes, 8);
}

/* ---- hex ---- */

static void test_hex_goes_there_and_back(void **state)
{
    uint8_t all[256];
    uint8_t back[256];
    char text[513];

    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (uint8_t)i;
    hex_encode(all, sizeof all, text);
    assert_int_equal(strlen(text), 512);
    assert_memory_equal(text, "000102030405060708090a0b0c0d0e0f1011", 36);
    assert_true(hex_decode(text, back, sizeof back));
    assert_memory_equal(all, back, sizeof all);
    hex_encode(all, 0, text);
    assert_string_equal(text, "");
    assert_true(hex_decode("", back, 0));
}

static void test_hex_has_one_spelling(void **state)
{
    static const char *const bad[] = {
        "",       "0",      "00ff0",  "00ff0A",       "00FF00",  "00ff000",
        "00ff0g", "0x00ff", "00ff0 ", " 00ff00",      "00ff00 ", "00ff/:",
        "00ff0`", "00ff@0", "00:f00", "00\303\251ff",
    };
    uint8_t out[3];

    assert_true(hex_decode("00ff0a", out, sizeof out));
    assert_memory_equal(out, "\x00\xff\x0a", 3);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        /* A copy of its own size: reading past it ends the test. */
        char *text = strdup(bad[i]);

        assert_false(hex_decode(text, out, sizeof out));
        free(text);
    }
}

/* ---- UTF-8 ---- */

static size_t encode(uint32_t c, uint8_t out[4])
{
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }

    size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    for (size_t i = len - 1; i > 0; i--) {
        out[i] = (uint8_t)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    out[0] = (uint8_t)(0xf0u << (4 - len) | c);
    return len;
}

static void test_every_code_point_but_surrogates_is_text(void **state)
{
    for (uint32_t c = 0; c < 0x120000; c++) {
        uint8_t bytes[4];
        size_t len = encode(c, bytes);
        bool valid = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);

        if (text_is_utf8(bytes, len) != valid)
            fail_msg("U+%04X", c);
        if (len > 1 && text_is_utf8(bytes, len - 1))
            fail_msg("U+%04X cut short", c);
    }
}

/* How many texts of `len` bytes there are is arithmetic: 128, 1,920, 61,440
 * and 1,048,576 code points take 1, 2, 3 and 4 bytes.  What is found must be
 * that many, so no overlong form is among them. */
static void test_no_other_bytes_are_text(void **state)
{
    size_t two = 0;
    size_t three = 0;
    size_t four = 0;

    for (uint32_t v = 0; v < 0x10000; v++) {
        uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};

        two += text_is_utf8(b, 2);
    }
    for (uint32_t v = 0x800000; v < 0x1000000; v++) {
        uint8_t b[3] = {(uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};

        three += text_is_utf8(b, 3);
    }
    for (uint32_t v = 0; v < 0x100000; v++) {
        uint8_t b[4] = {(uint8_t)(0xf0 | v >> 16), (uint8_t)(v >> 8),
                        (uint8_t)v, 0xbf};

        four += text_is_utf8(b, 4);
    }
    assert_int_equal(two, 128 * 128 + 1920);
    assert_int_equal(three, 1920 * 128 + 61440);
    assert_int_equal(four, 1048576 / 64);
}

static void test_one_bad_byte_spoils_a_text_wherever_it_stands(void **state)
{
    for (size_t len = 1; len < 40; len++) {
        uint8_t *text = malloc(len);

        assert_non_null(text);
        memset(text, 'a', len);
        assert_true(text_is_utf8(text, len));
        for (size_t i = 0; i < len; i++) {
            text[i] = 0xff;
            assert_false(text_is_utf8(text, len));
            text[i] = 0xc3; /* wants another after it */
            assert_false(text_is_utf8(text, len));
            text[i] = 'a';
        }
        free(text);
    }
    assert_true(text_is_utf8(NULL, 0));
    assert_true(
        text_is_utf8((const uint8_t *)"Zo\xc3\xab \xe2\x80\x93 ok", 10));
}

/* ---- CHECK ---- */

static jmp_buf panicked;
static const char *panic_expr;

static void on_panic(const char *expr, const char *file, int line)
{
    panic_expr = expr;
    assert_non_null(strstr(file, "test_base.c"));
    assert_true(line > 0);
    longjmp(panicked, 1);
}

static void test_a_failed_check_calls_the_hook_and_does_not_go_on(void **state)
{
    volatile bool went_on = false;

    covey_panic_set(on_panic);
    if (setjmp(panicked) == 0) {
        CHECK(1 + 1 == 2);
        CHECK(1 + 1 == 3);
        went_on = true;
    }
    covey_panic_set(NULL);
    assert_false(went_on);
    assert_string_equal(panic_expr, "1 + 1 == 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_has_a_name_and_a_sentence),
        cmocka_unit_test(test_a_number_that_is_no_code_still_has_words),
        cmocka_unit_test(test_new_memory_is_zeroed),
        cmocka_unit_test(test_buffer_keeps_its_bytes_while_it_grows),
        cmocka_unit_test(test_buffer_takes_its_limit_and_not_a_byte_more),
        cmocka_unit_test(test_a_length_near_the_end_of_size_t_is_too_much),
        cmocka_unit_test(test_after_a_failure_appends_do_nothing),
        cmocka_unit_test(
            test_every_failing_allocation_is_told_until_none_fails),
        cmocka_unit_test(test_reset_keeps_the_memory),
        cmocka_unit_test(test_extend_gives_room_to_write_into),
        cmocka_unit_test(test_clear_is_safe_on_zeros_and_twice),
        cmocka_unit_test(test_numbers_are_big_endian),
        cmocka_unit_test(test_hex_goes_there_and_back),
        cmocka_unit_test(test_hex_has_one_spelling),
        cmocka_unit_test(test_every_code_point_but_surrogates_is_text),
        cmocka_unit_test(test_no_other_bytes_are_text),
        cmocka_unit_test(test_one_bad_byte_spoils_a_text_wherever_it_stands),
        cmocka_unit_test(test_a_failed_check_calls_the_hook_and_does_not_go_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
