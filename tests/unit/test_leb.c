/* Numbers of 7 bits a byte: the shortest form and no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/leb.h"
#include "tests/unit/support_bytes.h"

static void assert_form(uint64_t v, const char *hex)
{
    uint8_t bytes[LEB_MAX];
    char text[2 * LEB_MAX + 1];
    uint64_t back = ~v;

    hex_encode(bytes, leb_write(v, bytes), text);
    assert_string_equal(text, hex);

    size_t len = strlen(hex) / 2;
    struct covey_bytes exact = bytes_exact((struct covey_bytes){bytes, len});

    assert_int_equal(leb_read(exact, &back), len);
    assert_true(back == v);
    for (exact.len = 0; exact.len < len; exact.len++)
        assert_int_equal(leb_read(exact, &back), 0);
    bytes_free(exact);
}

static void test_a_number_has_its_shortest_form(void **state)
{
    assert_form(0, "00");
    assert_form(1, "01");
    assert_form(127, "7f");
    assert_form(128, "8001");
    assert_form(300, "ac02");
    assert_form(16383, "ff7f");
    assert_form(16384, "808001");
    assert_form(UINT32_MAX, "ffffffff0f");
    assert_form((UINT64_C(1) << 63) - 1, "ffffffffffffffff7f");
    assert_form(UINT64_C(1) << 63, "80808080808080808001");
    assert_form(UINT64_MAX, "ffffffffffffffffff01");
}

static void test_each_power_of_two_comes_back(void **state)
{
    for (unsigned bit = 0; bit < 64; bit++) {
        uint8_t bytes[LEB_MAX];
        uint64_t v = UINT64_C(1) << bit;
        uint64_t back = 0;
        size_t len = leb_write(v, bytes);

        assert_int_equal(len, bit / 7 + 1);
        assert_int_equal(leb_read((struct covey_bytes){bytes, len}, &back),
                         len);
        assert_true(back == v);
    }
}

static void assert_refused(const char *hex)
{
    uint8_t bytes[16];
    size_t len = strlen(hex) / 2;
    uint64_t v;

    assert_true(hex_decode(hex, bytes, len));

    struct covey_bytes exact = bytes_exact((struct covey_bytes){bytes, len});

    assert_int_equal(leb_read(exact, &v), 0);
    bytes_free(exact);
}

static void test_no_other_form_is_read(void **state)
{
    assert_refused("");
    assert_refused("80");
    assert_refused("8000");
    assert_refused("ff00");
    assert_refused("818000");
    assert_refused("ffffffffffffffffff02");
    assert_refused("ffffffffffffffffff00");
    assert_refused("ffffffffffffffffff7f");
    assert_refused("8080808080808080808001");
}

static void test_what_follows_is_left_alone(void **state)
{
    const uint8_t bytes[] = {0xac, 0x02, 0xff, 0xff};
    uint64_t v;

    assert_int_equal(leb_read((struct covey_bytes){bytes, 4}, &v), 2);
    assert_int_equal(v, 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_number_has_its_shortest_form),
        cmocka_unit_test(test_each_power_of_two_comes_back),
        cmocka_unit_test(test_no_other_form_is_read),
        cmocka_unit_test(test_what_follows_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
