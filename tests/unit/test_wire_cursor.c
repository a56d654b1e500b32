/* The cursor gives back what was written, and no bytes, however wrong, lead it
 * out of its input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/wire.h"
#include "tests/unit/support_wire.h"

static struct wire_cursor cursor_at(const void *p, size_t len)
{
    return wire_cursor((struct covey_bytes){p, len});
}

static void drop(struct covey_bytes copy)
{
    free((void *)(uintptr_t)copy.p);
}

/* ---- what was written comes back ---- */

static void read_value(struct wire_cursor *c, const struct value *v)
{
    struct covey_bytes body = {v->body, v->len};

    assert_int_equal(wire_peek(c), v->type);
    switch (v->type) {
    case WIRE_NIL:
        wire_read_nil(c);
        return;
    case WIRE_BOOL:
        assert_int_equal(wire_read_bool(c), v->number);
        return;
    case WIRE_INT:
        assert_true(wire_read_int(c) == (int64_t)v->number);
        return;
    case WIRE_UINT:
        assert_true(wire_read_uint(c) == v->number);
        return;
    case WIRE_REAL: {
        double real = wire_read_real(c);

        assert_memory_equal(&real, &v->real, sizeof real);
        return;
    }
    case WIRE_TEXT:
    case WIRE_BIN:
        body = v->type == WIRE_TEXT ? wire_read_text(c) : wire_read_bin(c);
        assert_int_equal(body.len, v->len);
        assert_memory_equal(body.p, v->body, v->len);
        return;
    case WIRE_ARRAY:
        assert_int_equal(wire_read_array(c), v->number);
        return;
    case WIRE_END:
        fail();
    }
}

/* Read one value and write it again; false at the end or where none stands. */
static bool copy_value(struct wire_cursor *c, struct covey_buf *out)
{
    struct covey_bytes body;

    switch (wire_peek(c)) {
    case WIRE_NIL:
        wire_read_nil(c);
        wire_nil(out);
        return true;
    case WIRE_BOOL:
        wire_bool(out, wire_read_bool(c));
        return true;
    case WIRE_INT:
        wire_int(out, wire_read_int(c));
        return true;
    case WIRE_UINT:
        wire_uint(out, wire_read_uint(c));
        return true;
    case WIRE_REAL:
        wire_real(out, wire_read_real(c));
        return true;
    case WIRE_TEXT:
        body = wire_read_text(c);
        wire_text(out, (const char *)body.p, body.len);
        return true;
    case WIRE_BIN:
        body = wire_read_bin(c);
        wire_bin(out, body.p, body.len);
        return true;
    case WIRE_ARRAY:
        wire_array(out, wire_read_array(c));
        return true;
    case WIRE_END:
        return false;
    }
    return false;
}

/* Whatever is valid has one encoding: copied value by value it is the same. */
static void assert_copies_to_itself(struct covey_bytes in)
{
    struct wire_cursor c = wire_cursor(in);
    struct wire_cursor skipper = wire_cursor(in);
    struct covey_buf out = heap_buf();
    struct covey_bytes skipped = wire_skip(&skipper);

    while (copy_value(&c, &out))
        ;
    assert_true(wire_done(&c));
    assert_int_equal(buf_rc(&out), COVEY_OK);
    assert_int_equal(out.len, in.len);
    assert_memory_equal(out.p, in.p, in.len);
    assert_true(wire_done(&skipper));
    assert_ptr_equal(skipped.p, in.p);
    assert_int_equal(skipped.len, in.len);
    buf_clear(&out);
}

static void test_what_was_written_is_read_back(void **state)
{
    static struct message m;
    struct covey_buf b = heap_buf();
    uint64_t seed = 3;

    for (int i = 0; i < 10000; i++) {
        buf_reset(&b);
        draw_message(&seed, &m);
        write_message(&m, &b);

        struct covey_bytes in = exact_copy(buf_bytes(&b));
        struct wire_cursor c = wire_cursor(in);

        for (size_t j = 0; j < m.count; j++)
            read_value(&c, &m.value[j]);
        assert_true(wire_done(&c));
        assert_int_equal(wire_peek(&c), WIRE_END);
        assert_copies_to_itself(in);
        drop(in);
    }
    buf_clear(&b);
}

static void mutate(uint64_t *seed, struct covey_buf *b)
{
    for (uint64_t n = 1 + draw_below(seed, 3); n > 0 && b->len > 0; n--) {
        size_t at = draw_below(seed, b->len);

        if (draw_below(seed, 2) == 0)
            b->p[at] = (uint8_t)draw_u64(seed);
        else if (draw_below(seed, 2) == 0)
            b->p[at] ^= (uint8_t)(1u << draw_below(seed, 8));
        else
            b->len--, memmove(b->p + at, b->p + at + 1, b->len - at);
    }
}

static void test_a_mutated_message_is_refused_or_copies_to_itself(void **state)
{
    static struct message m;
    struct covey_buf b = heap_buf();
    uint64_t seed = 4;
    int valid = 0;
    int refused = 0;

    for (int i = 0; i < 50000; i++) {
        buf_reset(&b);
        draw_message(&seed, &m);
        write_message(&m, &b);
        mutate(&seed, &b);

        struct covey_bytes in = exact_copy(buf_bytes(&b));

        if (wire_validate(in) == COVEY_OK) {
            assert_copies_to_itself(in);
            valid++;
        } else {
            refused++;
        }
        drop(in);
    }
    /* Both happened, and often. */
    assert_true(valid > 5000);
    assert_true(refused > 5000);
    buf_clear(&b);
}

/* ---- random bytes ---- */

static void check_inside(struct covey_bytes in, struct covey_bytes part)
{
    if (part.len == 0)
        return;
    assert_true(part.p >= in.p && part.len <= in.len);
    assert_true((size_t)(part.p - in.p) <= in.len - part.len);
}

/* A read below that fits what comes, or any other. */
static uint64_t draw_read(uint64_t *seed, const struct wire_cursor *c)
{
    static const uint64_t fitting[] = {
        [WIRE_NIL] = 0,  [WIRE_BOOL] = 1, [WIRE_INT] = 2,
        [WIRE_UINT] = 3, [WIRE_REAL] = 5, [WIRE_ARRAY] = 6,
        [WIRE_TEXT] = 8, [WIRE_BIN] = 9,  [WIRE_END] = 10,
    };

    return draw_below(seed, 8) == 0 ? draw_below(seed, 12)
                                    : fitting[wire_peek(c)];
}

/* One read of any kind; true if it gave something else than zero. */
static bool read_any(uint64_t *seed, struct covey_bytes in,
                     struct wire_cursor *c)
{
    uint8_t fixed[16] = {1};
    struct covey_bytes part = {NULL, 0};
    size_t len;

    switch (draw_read(seed, c)) {
    case 0:
        wire_read_nil(c);
        return false;
    case 1:
        return wire_read_bool(c);
    case 2:
        return wire_read_int(c) != 0;
    case 3:
        return wire_read_uint(c) != 0;
    case 4:
        return wire_read_uint_max(c, draw_number(seed)) != 0;
    case 5:
        return wire_read_real(c) > 0;
    case 6:
        len = wire_read_array(c);
        assert_true(len <= (size_t)(c->end - c->p));
        return len != 0;
    case 7:
        wire_expect_array(c, draw_below(seed, 4));
        return false;
    case 8:
        part = wire_read_text(c);
        break;
    case 9:
        part = wire_read_bin(c);
        break;
    case 10:
        part = wire_skip(c);
        break;
    default:
        len = draw_below(seed, sizeof fixed);
        wire_read_fixed(c, fixed, len);
        return !wire_ok(c) && len > 0 && fixed[0] != 0;
    }
    check_inside(in, part);
    return part.len != 0;
}

/* Bytes that often are heads of what we read. */
static void draw_bytes(uint64_t *seed, uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        p[i] = draw_below(seed, 2) == 0
                   ? (uint8_t)draw_u64(seed)
                   : (uint8_t)(0x90 + draw_below(seed, 0x50));
}

static void test_random_bytes_never_lead_the_cursor_astray(void **state)
{
    uint64_t seed = 5;
    uint64_t spoiled = 0;
    uint64_t reads = 0;

    for (int i = 0; i < 200000; i++) {
        uint8_t bytes[40];
        size_t len = draw_below(&seed, sizeof bytes + 1);

        draw_bytes(&seed, bytes, len);

        struct covey_bytes in = exact_copy((struct covey_bytes){bytes, len});
        struct wire_cursor c = wire_cursor(in);

        while (wire_ok(&c) && !wire_done(&c)) {
            (void)read_any(&seed, in, &c);
            assert_true(c.p >= in.p && c.p <= in.p + in.len);
            reads++;
        }
        spoiled += !wire_ok(&c);
        /* Bad stays bad and gives nothing; at the end a read makes it bad. */
        for (int j = 0; j < 3; j++) {
            assert_int_equal(wire_peek(&c), WIRE_END);
            assert_false(read_any(&seed, in, &c));
            assert_false(wire_ok(&c));
            assert_false(wire_done(&c));
        }
        drop(in);
    }
    assert_true(spoiled > 50000);
    assert_true(reads > 300000);
}

static void test_random_bytes_never_lead_the_validator_astray(void **state)
{
    uint64_t seed = 6;
    int valid = 0;

    for (int i = 0; i < 200000; i++) {
        uint8_t bytes[40];
        size_t len = draw_below(&seed, sizeof bytes + 1);

        draw_bytes(&seed, bytes, len);
        if (len > 0 && draw_below(&seed, 4) != 0)
            bytes[0] = (uint8_t)(0x90 | (len - 1) % 16);

        struct covey_bytes in = exact_copy((struct covey_bytes){bytes, len});

        if (wire_validate(in) == COVEY_OK) {
            assert_copies_to_itself(in);
            valid++;
        }
        drop(in);
    }
    assert_true(valid > 1000);
}

/* ---- single reads ---- */

static void test_a_null_input_gives_nothing(void **state)
{
    struct wire_cursor c = wire_cursor((struct covey_bytes){NULL, 0});

    assert_int_equal(wire_peek(&c), WIRE_END);
    assert_true(wire_done(&c));
    assert_int_equal(wire_read_uint(&c), 0);
    assert_false(wire_ok(&c));
}

static void test_the_first_read_that_does_not_fit_spoils_the_rest(void **state)
{
    struct wire_cursor c = cursor_at("\x93\x01\xa1x\x02", 5);

    wire_expect_array(&c, 3);
    assert_int_equal(wire_read_uint(&c), 1);
    assert_int_equal(wire_read_uint(&c), 0); /* it is a text */
    assert_false(wire_ok(&c));
    assert_int_equal(wire_peek(&c), WIRE_END);
    assert_int_equal(wire_read_text(&c).len, 0);
    assert_int_equal(wire_read_uint(&c), 0);
    assert_false(wire_done(&c));
}

static void test_integers_are_bad_beyond_their_type(void **state)
{
    static const char big[] = "\xcf\x80\x00\x00\x00\x00\x00\x00\x00";
    struct wire_cursor c = cursor_at(big, 9);

    assert_int_equal(wire_peek(&c), WIRE_UINT);
    assert_int_equal(wire_read_int(&c), 0);
    assert_false(wire_ok(&c));
    c = cursor_at(big, 9);
    assert_true(wire_read_uint(&c) == UINT64_C(1) << 63);
    assert_true(wire_done(&c));
    c = cursor_at("\xff", 1);
    assert_int_equal(wire_read_uint(&c), 0);
    assert_false(wire_ok(&c));
    c = cursor_at("\xff", 1);
    assert_int_equal(wire_read_int(&c), -1);
    assert_true(wire_done(&c));
}

static void test_the_largest_signed_integer_is_signed(void **state)
{
    struct wire_cursor c = cursor_at("\xcf\x7f\xff\xff\xff\xff\xff\xff\xff", 9);

    assert_int_equal(wire_peek(&c), WIRE_INT);
    assert_true(wire_read_int(&c) == INT64_MAX);
    assert_true(wire_done(&c));
}

static void test_nan_and_minus_zero_are_bad(void **state)
{
    static const char *const bad[] = {
        "\xcb\x7f\xf8\0\0\0\0\0\0",
        "\xcb\xff\xf0\0\0\0\0\0\1",
        "\xcb\x80\0\0\0\0\0\0\0",
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct wire_cursor c = cursor_at(bad[i], 9);

        assert_true(wire_read_real(&c) == 0.0);
        assert_false(wire_ok(&c));
    }
}

static void test_an_integer_above_its_maximum_is_bad(void **state)
{
    struct wire_cursor c = cursor_at("\x07\x08", 2);

    assert_int_equal(wire_read_uint_max(&c, 7), 7);
    assert_true(wire_ok(&c));
    assert_int_equal(wire_read_uint_max(&c, 7), 0);
    assert_false(wire_ok(&c));
}

static void test_a_fixed_binary_has_its_exact_length(void **state)
{
    static const uint8_t zeros[3];
    uint8_t out[3];

    for (size_t len = 2; len <= 4; len++) {
        struct wire_cursor c = cursor_at("\xc4\x03"
                                         "abc",
                                         5);

        memset(out, 0xaa, sizeof out);
        wire_read_fixed(&c, out, len < 4 ? len : 0);
        assert_int_equal(wire_ok(&c), len == 3);
        assert_memory_equal(out, len == 3 ? (const void *)"abc" : zeros,
                            len < 4 ? len : 0);
    }

    struct wire_cursor c = cursor_at("\xa3"
                                     "abc",
                                     4); /* a text is none */

    wire_read_fixed(&c, out, sizeof out);
    assert_false(wire_ok(&c));
    assert_memory_equal(out, zeros, sizeof out);
}

static void test_text_and_binary_are_not_each_other(void **state)
{
    struct wire_cursor c = cursor_at("\xc4\x01"
                                     "a",
                                     3);

    assert_int_equal(wire_read_text(&c).len, 0);
    assert_false(wire_ok(&c));
    c = cursor_at("\xa1"
                  "a",
                  2);
    assert_int_equal(wire_read_bin(&c).len, 0);
    assert_false(wire_ok(&c));
}

static void test_an_empty_text_is_not_a_bad_one(void **state)
{
    struct wire_cursor c = cursor_at("\xa0\xc4\x00", 3);

    assert_int_equal(wire_read_text(&c).len, 0);
    wire_read_fixed(&c, NULL, 0);
    assert_true(wire_done(&c));
}

static void test_skip_steps_over_one_value_with_all_that_it_holds(void **state)
{
    static const char bytes[] = "\x93\x01\x92\xa1x\x90\xc0\x02";
    struct wire_cursor c = cursor_at(bytes, 8);

    wire_expect_array(&c, 3);
    assert_int_equal(wire_skip(&c).len, 1);

    struct covey_bytes inner = wire_skip(&c);

    assert_ptr_equal(inner.p, bytes + 2);
    assert_int_equal(inner.len, 4);
    wire_read_nil(&c);
    assert_int_equal(wire_read_uint(&c), 2);
    assert_true(wire_done(&c));
}

static void test_skip_ends_on_what_promises_more_than_there_is(void **state)
{
    static const char *const bad[] = {
        "\x91",
        "\x92\xc0",
        "\x91\x91\x91",
        "\xdd\xff\xff\xff\xff\xc0",
        "\xa2x",
        "\xc4\x05xx",
        "\x93\xc0\xa5xx\xc0",
        "\xc1",
        "\x81\xa1x",
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct wire_cursor c = cursor_at(bad[i], strlen(bad[i]));

        assert_null(wire_skip(&c).p);
        assert_false(wire_ok(&c));
    }
}

static void test_an_array_of_another_count_is_bad(void **state)
{
    struct wire_cursor c = cursor_at("\x92\x01\x02", 3);

    wire_expect_array(&c, 3);
    assert_false(wire_ok(&c));
    c = cursor_at("\x01", 1); /* none at all, though none was wanted */
    wire_expect_array(&c, 0);
    assert_false(wire_ok(&c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_written_is_read_back),
        cmocka_unit_test(test_a_mutated_message_is_refused_or_copies_to_itself),
        cmocka_unit_test(test_random_bytes_never_lead_the_cursor_astray),
        cmocka_unit_test(test_random_bytes_never_lead_the_validator_astray),
        cmocka_unit_test(test_a_null_input_gives_nothing),
        cmocka_unit_test(test_the_first_read_that_does_not_fit_spoils_the_rest),
        cmocka_unit_test(test_integers_are_bad_beyond_their_type),
        cmocka_unit_test(test_the_largest_signed_integer_is_signed),
        cmocka_unit_test(test_nan_and_minus_zero_are_bad),
        cmocka_unit_test(test_an_integer_above_its_maximum_is_bad),
        cmocka_unit_test(test_a_fixed_binary_has_its_exact_length),
        cmocka_unit_test(test_text_and_binary_are_not_each_other),
        cmocka_unit_test(test_an_empty_text_is_not_a_bad_one),
        cmocka_unit_test(test_skip_steps_over_one_value_with_all_that_it_holds),
        cmocka_unit_test(test_skip_ends_on_what_promises_more_than_there_is),
        cmocka_unit_test(test_an_array_of_another_count_is_bad),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
