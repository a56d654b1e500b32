/* What people see: widths, dates, ages, tables, nothing that moves a cursor. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "cli/table.h"
#include "cli/text.h"

/* Compare text that must be freed. */
static void expect(char *text, const char *wanted)
{
    assert_string_equal(text, wanted);
    free(text);
}

static void test_width_counts_columns_not_bytes(void **state)
{
    assert_int_equal(text_width(""), 0);
    assert_int_equal(text_width("Sandy"), 5);
    assert_int_equal(text_width("\u00c9cole"), 5);
    assert_int_equal(text_width("e\u0301"), 1);
    assert_int_equal(text_width("\u5b66\u6821"), 4);
    assert_int_equal(text_width("\xff\xfe"), 2);
}

static void test_long_text_is_cut_with_an_ellipsis(void **state)
{
    expect(text_cut("Reading at 11", 13), "Reading at 11");
    expect(text_cut("Reading at 11", 12), "Reading at\u2026");
    expect(text_cut("\u5b66\u6821\u5b66\u6821", 6), "\u5b66\u6821\u2026");
}

static void test_what_others_wrote_cannot_steer_a_terminal(void **state)
{
    expect(text_safe("a\x1b[31mb", false), "a?[31mb");
    expect(text_safe("a\u202eb\u2066c\u200fd", false), "a?b?c?d");
    expect(text_safe("a\xc2\x9b"
                     "1mb\x7f",
                     false),
           "a?1mb?");
    expect(text_safe("two\nlines\there\r", false), "two lines here ");
    expect(text_safe("two\nlines\there", true), "two\nlines\there");
    expect(text_safe("caf\xe9?", false), "caf??");
    expect(text_safe("\u00c9cole \u5b66\u6821", false),
           "\u00c9cole \u5b66\u6821");
}

static void test_text_wraps_between_words(void **state)
{
    char *words = text_make("%039d %039d %039d", 1, 2, 3);
    char *wrapped = text_wrap(words, 2);

    assert_int_equal(strchr(wrapped, '\n') - wrapped, 39);
    assert_int_equal(strncmp(strchr(wrapped, '\n'), "\n  0", 4), 0);
    free(words);
    free(wrapped);
    expect(text_wrap("one\ntwo  three", 4), "one\n    two three");
}

static void test_dates_are_british(void **state)
{
    expect(date_british("2026-11-24"), "24 November 2026");
    expect(date_british("2026-01-01"), "1 January 2026");
    expect(date_british("2026-02-30"), "2026-02-30");
    expect(date_british("soon"), "soon");
    expect(date_british(""), "");
}

static void test_moments_are_local_time(void **state)
{
    setenv("TZ", "UTC0", 1);
    expect(moment_british("2026-11-24T10:02:07Z"), "24 November 2026, 10:02");
    expect(moment_british("2026-11-24"), "24 November 2026");
    expect(moment_british("99999999-99-99T99:99:99Z"),
           "99999999-99-99T99:99:99Z");
    assert_int_equal(moment_of_row("018f3a5b7c2de91f0044aa6b0c1d2e3f40516273"),
                     0x018f3a5b7c2dll / 1000);
}

static void test_ages_and_sizes_are_words(void **state)
{
    expect(ago_write(-1), "never");
    expect(ago_write(0), "just now");
    expect(ago_write(59), "59 seconds ago");
    expect(ago_write(60), "1 minute ago");
    expect(ago_write(7200), "2 hours ago");
    expect(ago_write(172800), "2 days ago");
    expect(bytes_write(0), "0 bytes");
    expect(bytes_write(1), "1 byte");
    expect(bytes_write(999), "999 bytes");
    expect(bytes_write(1440), "1.4 kB");
    expect(bytes_write(999999), "1.0 MB");
    expect(bytes_write(98765432), "98.8 MB");
}

static void test_columns_are_aligned_and_lines_end_in_no_space(void **state)
{
    static const struct column columns[] = {
        {.head = "Name", .field = "name"},
        {.head = "Rows", .field = "rows", .render = RENDER_NUMBER},
        {.head = "Note", .field = "note", .empty = "none", .width_max = 4},
    };
    json_t *list =
        json_loads("[{\"name\":\"\u00c9cole\",\"rows\":7},"
                   " {\"name\":null,\"rows\":12345,\"note\":\"too long\"}]",
                   0, NULL);

    expect(table_write(columns, 3, list, NULL), "Name    Rows  Note\n"
                                                "\u00c9cole      7  none\n"
                                                "       12345  too\u2026\n");
    json_decref(list);
}

static void test_a_row_without_a_space_is_this_schools(void **state)
{
    static const struct column where = {.field = "space",
                                        .render = RENDER_SPACE};
    json_t *spaces = json_loads("[{\"id\":\"ab\",\"name\":\"North\"},"
                                " {\"id\":\"cd\",\"name\":null}]",
                                0, NULL);
    json_t *rows = json_loads("[{\"space\":\"ab\"},{\"space\":\"cd\"},"
                              "{\"space\":null},{\"space\":\"ef\"}]",
                              0, NULL);

    expect(column_write(&where, json_array_get(rows, 0), spaces), "North");
    expect(column_write(&where, json_array_get(rows, 1), spaces), "cd");
    expect(column_write(&where, json_array_get(rows, 2), spaces),
           "this school only");
    expect(column_write(&where, json_array_get(rows, 3), spaces), "ef");
    json_decref(spaces);
    json_decref(rows);
}

static void test_values_of_every_type_become_words(void **state)
{
    static const struct column text = {.field = "x", .instead = "y"};
    static const struct column tags = {.field = "t", .render = RENDER_TAGS};
    static const struct column urn = {.field = "urn", .render = RENDER_URN};
    json_t *row = json_loads("{\"x\":null,\"y\":true,\"t\":[\"P1\",\"P5\"],"
                             "\"urn\":0}",
                             0, NULL);

    expect(column_write(&text, row, NULL), "yes");
    expect(column_write(&tags, row, NULL), "P1 P5");
    expect(column_write(&urn, row, NULL), "");
    json_decref(row);
}

/* A daemon of another version may answer anything. */
static void test_a_number_that_fits_no_integer_is_the_nearest(void **state)
{
    json_t *row =
        json_pack("{s:f,s:f,s:f,s:f,s:s}", "huge", 1e300, "low", -1e300, "just",
                  9223372036854775808.0, "half", 2.5, "words", "7");

    assert_true(field_number(row, "huge") == INT64_MAX);
    assert_true(field_number(row, "low") == INT64_MIN);
    assert_true(field_number(row, "just") == INT64_MAX);
    assert_true(field_number(row, "half") == 2);
    assert_true(field_number(row, "words") == 0);
    json_decref(row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_width_counts_columns_not_bytes),
        cmocka_unit_test(test_long_text_is_cut_with_an_ellipsis),
        cmocka_unit_test(test_what_others_wrote_cannot_steer_a_terminal),
        cmocka_unit_test(test_text_wraps_between_words),
        cmocka_unit_test(test_dates_are_british),
        cmocka_unit_test(test_moments_are_local_time),
        cmocka_unit_test(test_ages_and_sizes_are_words),
        cmocka_unit_test(test_columns_are_aligned_and_lines_end_in_no_space),
        cmocka_unit_test(test_a_row_without_a_space_is_this_schools),
        cmocka_unit_test(test_values_of_every_type_become_words),
        cmocka_unit_test(test_a_number_that_fits_no_integer_is_the_nearest),
    };

    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
