/* Values looked at before anything is sent: dates, ids, choices, lengths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/check.h"
#include "proto/rules.h"

/* What a value of one kind comes to; said holds the message. */
static int checked(const struct param *param, const char *text,
                   struct trouble *t)
{
    trouble_clear(t);
    return check_value(param, text, t);
}

static void test_a_day_that_does_not_exist_is_said_in_words(void **state)
{
    const struct param due = {.name = "due", .kind = PARAM_DATE};
    struct trouble t = {.text = NULL};

    assert_int_equal(checked(&due, "2026-02-30", &t), CLI_FAILED);
    assert_non_null(strstr(t.text, "30 February 2026 does not exist"));
    assert_int_equal(checked(&due, "2027-02-29", &t), CLI_FAILED);
    assert_int_equal(checked(&due, "1900-02-29", &t), CLI_FAILED);
    assert_int_equal(checked(&due, "2026-04-31", &t), CLI_FAILED);
    assert_int_equal(checked(&due, "2026-13-01", &t), CLI_FAILED);
    assert_int_equal(checked(&due, "2026-00-10", &t), CLI_FAILED);
    assert_int_equal(checked(&due, "2026-01-00", &t), CLI_FAILED);
    assert_int_equal(checked(&due, "2028-02-29", &t), CLI_DONE);
    assert_int_equal(checked(&due, "2000-02-29", &t), CLI_DONE);
    assert_int_equal(checked(&due, "2026-12-31", &t), CLI_DONE);
    trouble_clear(&t);
}

static void test_a_date_of_another_form_is_misuse(void **state)
{
    static const char *const texts[] = {
        "",           "tomorrow",    "30/11/2026",
        "2026-1-1",   "2026-11-24 ", "2026-11-24T",
        "2026/11/24", "+026-11-24",  "2026-11--4",
        "20261124",   "2026-11-2x"};
    const struct param due = {.name = "due", .kind = PARAM_DATE};
    struct trouble t = {.text = NULL};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(checked(&due, texts[i], &t), CLI_MISUSED);
        assert_non_null(strstr(t.text, "--due"));
    }
    trouble_clear(&t);
}

static void test_an_empty_value_clears_where_that_may_be(void **state)
{
    struct param due = {.name = "due", .kind = PARAM_DATE, .clears = true};
    struct trouble t = {.text = NULL};

    assert_int_equal(checked(&due, "", &t), CLI_DONE);
    due.clears = false;
    assert_int_equal(checked(&due, "", &t), CLI_MISUSED);
    trouble_clear(&t);
}

static void test_a_row_id_has_40_hex_digits(void **state)
{
    const struct param row = {.value = "ID", .kind = PARAM_ROW};
    struct trouble t = {.text = NULL};

    assert_int_equal(
        checked(&row, "018f3a5b7c2de91f0044aa6b0c1d2e3f40516273", &t),
        CLI_DONE);
    assert_int_equal(
        checked(&row, "018F3A5B7C2DE91F0044AA6B0C1D2E3F40516273", &t),
        CLI_DONE);
    assert_int_equal(
        checked(&row, "018f3a5b7c2de91f0044aa6b0c1d2e3f4051627", &t),
        CLI_MISUSED);
    assert_int_equal(
        checked(&row, "018f3a5b7c2de91f0044aa6b0c1d2e3f405162730", &t),
        CLI_MISUSED);
    assert_int_equal(
        checked(&row, "018f3a5b7c2de91f0044aa6b0c1d2e3f4051627g", &t),
        CLI_MISUSED);
    assert_non_null(strstr(t.text, "ID must be an id of 40 hex digits"));
    trouble_clear(&t);
}

static void test_keys_numbers_and_names_have_a_form(void **state)
{
    const struct param key = {.value = "SPACE-OR-KEY", .kind = PARAM_KEY};
    const struct param number = {.name = "wait", .kind = PARAM_NUMBER};
    const struct param name = {.name = "name", .kind = PARAM_NAME};
    struct trouble t = {.text = NULL};

    assert_int_equal(checked(&key, "9f86d081884c7d659a2feaa0c55ad015", &t),
                     CLI_DONE);
    assert_int_equal(checked(&key, "9f86d081884c7d659a2feaa0c55ad0", &t),
                     CLI_MISUSED);
    assert_int_equal(checked(&number, "600", &t), CLI_DONE);
    assert_int_equal(checked(&number, "-1", &t), CLI_MISUSED);
    assert_int_equal(checked(&number, "1.5", &t), CLI_MISUSED);
    assert_int_equal(checked(&number, "9999999999", &t), CLI_MISUSED);
    assert_int_equal(checked(&name, "Sandy Upper School", &t), CLI_DONE);
    assert_int_equal(checked(&name, "", &t), CLI_MISUSED);
    assert_int_equal(checked(&name, "two\nlines", &t), CLI_MISUSED);
    trouble_clear(&t);
}

static void test_a_choice_is_one_of_those_offered(void **state)
{
    const struct param status = {.name = "status",
                                 .kind = PARAM_CHOICE,
                                 .choices = "open|in progress|done"};
    struct trouble t = {.text = NULL};

    assert_int_equal(checked(&status, "in progress", &t), CLI_DONE);
    assert_int_equal(checked(&status, "done", &t), CLI_DONE);
    assert_int_equal(checked(&status, "do", &t), CLI_MISUSED);
    assert_int_equal(checked(&status, "progress", &t), CLI_MISUSED);
    assert_int_equal(checked(&status, "open|in progress", &t), CLI_MISUSED);
    assert_int_equal(checked(&status, "", &t), CLI_MISUSED);
    assert_non_null(strstr(t.text, "open, in progress or done"));
    trouble_clear(&t);
}

static void test_lengths_count_characters_and_bytes(void **state)
{
    const struct param title = {
        .name = "title", .kind = PARAM_TEXT, .max_chars = 3};
    const struct param note = {.name = "note", .kind = PARAM_TEXT};
    const struct param statement = {.value = "STATEMENT", .kind = PARAM_LONG};
    char *large = malloc(RULES_CELL_MAX + 2);
    struct trouble t = {.text = NULL};

    assert_non_null(large);
    assert_int_equal(checked(&title, "\u00e9\u00e9\u00e9", &t), CLI_DONE);
    assert_int_equal(checked(&title, "abcd", &t), CLI_FAILED);
    memset(large, 'x', RULES_CELL_MAX + 1);
    large[RULES_CELL_MAX + 1] = '\0';
    assert_int_equal(checked(&note, large, &t), CLI_FAILED);
    assert_non_null(strstr(t.text, "192 KiB"));
    assert_int_equal(checked(&statement, large, &t), CLI_DONE);
    large[RULES_CELL_MAX] = '\0';
    assert_int_equal(checked(&note, large, &t), CLI_DONE);
    trouble_clear(&t);
    free(large);
}

static void test_bytes_that_are_no_text_are_misuse(void **state)
{
    const struct param note = {.name = "note", .kind = PARAM_TEXT};
    char covey[] = "covey", good[] = "caf\u00e9", bad[] = "caf\xe9";
    struct trouble t = {.text = NULL};

    assert_int_equal(check_utf8(2, (char *[]){covey, good}, &t), CLI_DONE);
    assert_int_equal(check_utf8(3, (char *[]){covey, good, bad}, &t),
                     CLI_MISUSED);
    assert_non_null(strstr(t.text, "word 2"));
    assert_int_equal(checked(&note, bad, &t), CLI_MISUSED);
    trouble_clear(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_day_that_does_not_exist_is_said_in_words),
        cmocka_unit_test(test_a_date_of_another_form_is_misuse),
        cmocka_unit_test(test_an_empty_value_clears_where_that_may_be),
        cmocka_unit_test(test_a_row_id_has_40_hex_digits),
        cmocka_unit_test(test_keys_numbers_and_names_have_a_form),
        cmocka_unit_test(test_a_choice_is_one_of_those_offered),
        cmocka_unit_test(test_lengths_count_characters_and_bytes),
        cmocka_unit_test(test_bytes_that_are_no_text_are_misuse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
