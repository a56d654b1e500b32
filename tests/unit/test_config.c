/* The options of coveyd: flags, DIR/covey.conf, and how both are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/config.h"
#include "daemon/heap.h"

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define DIAL KEY "@relay.example:4100"

static enum covey_rc flags(struct config *c, struct covey_why *why,
                           const char *const *argv)
{
    size_t count = 0;

    while (argv[count] != NULL)
        count++;
    return config_flags(c, argv, count, why);
}
#define FLAGS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* What a text is refused with; it must be. */
static void assert_refused(const char *text, const char *expected)
{
    struct config c;
    struct covey_why why = {""};

    config_init(&c);
    assert_int_equal(config_text(&c, text, &why), COVEY_EBAD);
    assert_string_equal(why.text, expected);
    config_clear(&c);
}

static void assert_misused(const char *const *argv, const char *expected)
{
    struct config c;
    struct covey_why why = {""};

    config_init(&c);
    assert_int_equal(flags(&c, &why, argv), COVEY_EUSAGE);
    assert_string_equal(why.text, expected);
    config_clear(&c);
}

/* ---- flags ---- */

static void test_flags_take_their_value_behind_or_after_equals(void **state)
{
    struct config c;
    struct covey_why why = {""};

    config_init(&c);
    assert_int_equal(
        flags(&c, &why,
              FLAGS("--data", "/d", "--listen=127.0.0.1:0", "--carry-all",
                    "--web", "[::1]:80", "--dial", DIAL, "--dial", DIAL)),
        COVEY_OK);
    assert_string_equal(c.data, "/d");
    assert_string_equal(c.listen, "127.0.0.1:0");
    assert_string_equal(c.web, "[::1]:80");
    assert_true(c.carry_all);
    assert_false(c.init);
    assert_null(c.advertise);
    assert_int_equal(c.dial_count, 2);
    assert_string_equal(c.dials[1], DIAL);
    config_clear(&c);
}

static void test_an_unknown_option_is_named(void **state)
{
    assert_misused(FLAGS("--lisen", "x"),
                   "there is no option --lisen (coveyd --help lists them)");
    assert_misused(FLAGS("data"),
                   "there is no option data (coveyd --help lists them)");
    assert_misused(FLAGS("--"),
                   "there is no option -- (coveyd --help lists them)");
}

static void test_a_flag_without_its_value_is_misused(void **state)
{
    assert_misused(FLAGS("--data"), "--data wants DIR behind it");
    assert_misused(FLAGS("--data", ""), "--data: a value is missing");
    assert_misused(FLAGS("--init=yes"), "--init takes no value");
    assert_misused(FLAGS("--data", "a", "--data", "b"), "--data: given twice");
}

static void test_the_page_is_for_this_machine_alone(void **state)
{
    assert_misused(FLAGS("--web", "0.0.0.0:80"),
                   "--web: 0.0.0.0:80 can be reached from other machines, and "
                   "the page is for this one alone: use 127.0.0.1 or [::1]");
    assert_misused(FLAGS("--web", "[::]:80"),
                   "--web: [::]:80 can be reached from other machines, and "
                   "the page is for this one alone: use 127.0.0.1 or [::1]");
}

static void test_addresses_are_numbers_with_a_port(void **state)
{
    assert_misused(FLAGS("--listen", "localhost:1"),
                   "--listen: localhost is not an address: give numbers, as "
                   "127.0.0.1 or [::1], not a name");
    assert_misused(FLAGS("--listen", "127.0.0.1"),
                   "--listen: 127.0.0.1 is not ADDR:PORT, with a port from 0 "
                   "to 65535");
    assert_misused(FLAGS("--listen", "127.0.0.1:65536"),
                   "--listen: 127.0.0.1:65536 is not ADDR:PORT, with a port "
                   "from 0 to 65535");
    assert_misused(FLAGS("--listen", "::1:80"),
                   "--listen: ::1:80 is not ADDR:PORT, with a port from 0 to "
                   "65535");
    assert_misused(FLAGS("--listen", "127.0.0.1:+1"),
                   "--listen: 127.0.0.1:+1 is not ADDR:PORT, with a port from "
                   "0 to 65535");
}

static void test_nobody_can_dial_port_0(void **state)
{
    assert_misused(FLAGS("--advertise", "school.example:0"),
                   "--advertise: school.example:0 is not HOST:PORT, with a "
                   "port from 1 to 65535");
}

static void test_a_dial_needs_a_key(void **state)
{
    struct config c;
    struct covey_why why = {""};

    config_init(&c);
    assert_int_equal(flags(&c, &why, FLAGS("--dial", "relay.example:4100")),
                     COVEY_EUSAGE);
    assert_non_null(strstr(why.text, "--dial: "));
    config_clear(&c);
}

static void test_only_so_many_can_be_dialled(void **state)
{
    struct config c;
    struct covey_why why = {""};

    config_init(&c);
    for (size_t i = 0; i < CONFIG_DIALS_MAX; i++)
        assert_int_equal(flags(&c, &why, FLAGS("--dial", DIAL)), COVEY_OK);
    assert_int_equal(flags(&c, &why, FLAGS("--dial", DIAL)), COVEY_EUSAGE);
    assert_string_equal(why.text, "--dial: more than 64 to dial");
    config_clear(&c);
}

/* ---- the file ---- */

static void test_the_file_says_what_flags_did_not(void **state)
{
    struct config c;
    struct covey_why why = {""};

    config_init(&c);
    assert_int_equal(
        flags(&c, &why, FLAGS("--listen", "127.0.0.1:1", "--dial", DIAL)),
        COVEY_OK);
    assert_int_equal(config_text(&c,
                                 "# ours\n"
                                 "listen = 0.0.0.0:4100\n"
                                 "\n"
                                 "advertise = school.example:4100 ; outside\n"
                                 "carry-all = yes\n"
                                 "dial = " DIAL "\n",
                                 &why),
                     COVEY_OK);
    assert_string_equal(c.listen, "127.0.0.1:1");
    assert_string_equal(c.advertise, "school.example:4100");
    assert_true(c.carry_all);
    assert_int_equal(c.dial_count, 2);
    config_clear(&c);
}

static void test_a_list_goes_on_in_indented_lines(void **state)
{
    struct config c;
    struct covey_why why = {""};

    config_init(&c);
    assert_int_equal(config_text(&c, "dial = " DIAL "\n    " DIAL "\n", &why),
                     COVEY_OK);
    assert_int_equal(c.dial_count, 2);
    config_clear(&c);
}

static void test_an_empty_file_changes_nothing(void **state)
{
    struct config c;
    struct covey_why why = {""};

    config_init(&c);
    assert_int_equal(config_text(&c, "", &why), COVEY_OK);
    assert_int_equal(config_text(&c, "\n\n# nothing", &why), COVEY_OK);
    assert_null(c.listen);
    config_clear(&c);
}

static void test_a_refusal_names_the_first_bad_line(void **state)
{
    assert_refused("\nlisten 4100\n", "line 2: not of the form `key = value`");
    assert_refused("listen = 1.2.3.4:5\nlisten = 1.2.3.4:6\n",
                   "line 2: listen: given twice");
    assert_refused("lisen = x\nfoo = y\n",
                   "line 1: lisen: there is no such key");
    assert_refused("carry-all = perhaps\nnonsense\n",
                   "line 1: carry-all: perhaps is neither yes nor no");
    assert_refused("nonsense\ncarry-all = perhaps\n",
                   "line 1: not of the form `key = value`");
    assert_refused("[peers]\ndial = " DIAL "\n",
                   "line 2: peers: there are no sections in this file");
    assert_refused("web = 10.0.0.1:80\n",
                   "line 1: web: 10.0.0.1:80 can be reached from other "
                   "machines, and the page is for this one alone: use "
                   "127.0.0.1 or [::1]");
}

static void test_errands_do_not_belong_in_the_file(void **state)
{
    assert_refused("data = /d\n", "line 1: data: there is no such key");
    assert_refused("init = yes\n", "line 1: init: there is no such key");
}

static void test_a_line_is_never_torn_in_two(void **state)
{
    char text[CONFIG_LINE_MAX + 40];
    struct config c;
    struct covey_why why = {""};

    memset(text, '#', CONFIG_LINE_MAX + 1);
    strcpy(text + CONFIG_LINE_MAX + 1, "\ncarry-all = yes\n");
    assert_refused(text, "line 1: the line is too long");

    strcpy(text + CONFIG_LINE_MAX, "\ncarry-all = yes\n");
    config_init(&c);
    assert_int_equal(config_text(&c, text, &why), COVEY_OK);
    assert_true(c.carry_all);
    config_clear(&c);
}

static void test_help_names_every_option(void **state)
{
    static const char *const options[] = {
        "--data",      "--listen", "--advertise", "--web",  "--dial",
        "--carry-all", "--init",   "--name",      "--urn",  "--kind",
        "--api-doc",   "--help",   "--version",   "--group"};
    struct covey_buf text;

    buf_init(&text, &heap_mem, 65536);
    config_help(&text);
    buf_append(&text, "", 1);
    assert_int_equal(buf_rc(&text), COVEY_OK);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        assert_non_null(strstr((const char *)text.p, options[i]));
    buf_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flags_take_their_value_behind_or_after_equals),
        cmocka_unit_test(test_an_unknown_option_is_named),
        cmocka_unit_test(test_a_flag_without_its_value_is_misused),
        cmocka_unit_test(test_the_page_is_for_this_machine_alone),
        cmocka_unit_test(test_addresses_are_numbers_with_a_port),
        cmocka_unit_test(test_nobody_can_dial_port_0),
        cmocka_unit_test(test_a_dial_needs_a_key),
        cmocka_unit_test(test_only_so_many_can_be_dialled),
        cmocka_unit_test(test_the_file_says_what_flags_did_not),
        cmocka_unit_test(test_a_list_goes_on_in_indented_lines),
        cmocka_unit_test(test_an_empty_file_changes_nothing),
        cmocka_unit_test(test_a_refusal_names_the_first_bad_line),
        cmocka_unit_test(test_errands_do_not_belong_in_the_file),
        cmocka_unit_test(test_a_line_is_never_torn_in_two),
        cmocka_unit_test(test_help_names_every_option),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
