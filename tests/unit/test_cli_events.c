/* Server-sent events, in whatever pieces they arrive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/client.h"

static void collect(void *ctx, const char *data)
{
    struct text *all = ctx;

    text_addf(all, "<%s>", data);
}

/* Feed text in pieces of `step` bytes; what came out must be `wanted`. */
static void expect(const char *text, size_t step, const char *wanted)
{
    struct text all = {.p = NULL};
    struct event_reader reader = {.event = collect, .ctx = &all};
    size_t len = strlen(text);

    for (size_t at = 0; at < len; at += step)
        event_reader_feed(&reader, text + at,
                          len - at < step ? len - at : step);
    event_reader_clear(&reader);

    char *out = text_take(&all);

    assert_string_equal(out, wanted);
    free(out);
}

static void test_an_event_ends_with_an_empty_line(void **state)
{
    static const char text[] = ": hello\n\ndata: {\"a\":1}\n\nid: 4\r\n"
                               "data:two\r\ndata: lines\r\n\r\ndata: cut";

    for (size_t step = 1; step < sizeof text; step++)
        expect(text, step, "<{\"a\":1}><two\nlines>");
}

static void test_comments_and_unknown_fields_are_passed_over(void **state)
{
    expect(": ping\n\n\nretry: 5\n\ndatabase: x\n\n", 7, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_event_ends_with_an_empty_line),
        cmocka_unit_test(test_comments_and_unknown_fields_are_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
