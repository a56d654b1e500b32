/* What is typed behind a verb: options, places, what is missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/args.h"

static const struct param params[] = {
    {.value = "SPACE", .kind = PARAM_TEXT, .required = true},
    {.value = "REQUEST", .kind = PARAM_NUMBER},
    {.name = "title", .value = "TEXT", .kind = PARAM_TEXT},
    {.name = "phase", .value = "KS1", .kind = PARAM_CHOICE, .repeat = true},
    {.name = "loud", .kind = PARAM_FLAG},
};

struct parsed {
    struct args args;
    struct trouble trouble;
    int exit;
};

/* argv ends with NULL. */
static void parse(struct parsed *p, const char *const *argv)
{
    int argc = 0;

    *p = (struct parsed){
        .args = {.params = params,
                 .param_count = sizeof params / sizeof params[0]}};
    while (argv[argc] != NULL)
        argc++;
    p->exit =
        args_parse(&p->args, argc, (char *const *)(uintptr_t)argv, &p->trouble);
}

static void clear(struct parsed *p)
{
    args_clear(&p->args);
    trouble_clear(&p->trouble);
}

#define PARSE(p, ...) parse(p, (const char *const[]){__VA_ARGS__, NULL})

/* Misused, and the message names what was wrong. */
#define assert_misused(p, word)                                                \
    do {                                                                       \
        assert_int_equal((p)->exit, CLI_MISUSED);                              \
        assert_string_equal((p)->trouble.code, "misused");                     \
        assert_non_null(strstr((p)->trouble.text, word));                      \
        clear(p);                                                              \
    } while (0)

static void test_places_fill_in_order_and_options_stand_anywhere(void **state)
{
    struct parsed p;

    PARSE(&p, "North", "--title", "A title", "3", "--loud");
    assert_int_equal(p.exit, CLI_DONE);
    assert_string_equal(args_get(&p.args, "SPACE"), "North");
    assert_string_equal(args_get(&p.args, "REQUEST"), "3");
    assert_string_equal(args_get(&p.args, "title"), "A title");
    assert_non_null(args_get(&p.args, "loud"));
    assert_null(args_get(&p.args, "phase"));
    clear(&p);
}

static void test_a_value_may_stand_behind_an_equals_sign(void **state)
{
    struct parsed p;

    PARSE(&p, "North", "--title=--loud = yes");
    assert_int_equal(p.exit, CLI_DONE);
    assert_string_equal(args_get(&p.args, "title"), "--loud = yes");
    clear(&p);
    PARSE(&p, "North", "--title=");
    assert_string_equal(args_get(&p.args, "title"), "");
    clear(&p);
}

static void test_an_option_may_be_repeated_where_that_makes_sense(void **state)
{
    struct parsed p;
    size_t at = 0;

    PARSE(&p, "North", "--phase", "KS1", "--phase", "KS2");
    assert_int_equal(p.exit, CLI_DONE);
    assert_string_equal(args_next(&p.args, "phase", &at), "KS1");
    assert_string_equal(args_next(&p.args, "phase", &at), "KS2");
    assert_null(args_next(&p.args, "phase", &at));
    clear(&p);
    PARSE(&p, "North", "--title", "a", "--title", "b");
    assert_misused(&p, "--title");
}

static void test_misuse_names_the_option(void **state)
{
    struct parsed p;

    PARSE(&p, "North", "--frob", "x");
    assert_misused(&p, "--frob");
    PARSE(&p, "North", "--frob=x");
    assert_misused(&p, "--frob");
    PARSE(&p, "North", "--tit", "x");
    assert_misused(&p, "--tit");
    PARSE(&p, "North", "-x");
    assert_misused(&p, "-x");
    PARSE(&p, "North", "--title");
    assert_misused(&p, "--title");
    PARSE(&p, "North", "--title", "--phase", "KS1");
    assert_misused(&p, "--title");
    PARSE(&p, "North", "--loud=yes");
    assert_misused(&p, "--loud");
}

static void test_a_missing_place_or_one_too_many_is_misuse(void **state)
{
    struct parsed p;

    PARSE(&p, "--loud");
    assert_misused(&p, "SPACE");
    PARSE(&p, "North", "3", "surplus");
    assert_misused(&p, "surplus");
}

static void test_too_many_values_are_refused(void **state)
{
    const char *argv[2 * ARGS_MAX + 4] = {"North"};
    struct parsed p;

    for (size_t i = 0; i <= ARGS_MAX; i++) {
        argv[1 + 2 * i] = "--phase";
        argv[2 + 2 * i] = "KS1";
    }
    parse(&p, argv);
    assert_misused(&p, "64");
}

static void test_words_that_begin_with_a_dash_are_words(void **state)
{
    struct parsed p;

    PARSE(&p, "- a point, with a dash");
    assert_int_equal(p.exit, CLI_DONE);
    assert_string_equal(args_get(&p.args, "SPACE"), "- a point, with a dash");
    clear(&p);
    PARSE(&p, "-");
    assert_string_equal(args_get(&p.args, "SPACE"), "-");
    clear(&p);
    PARSE(&p, "--loud", "--", "--title", "--");
    assert_int_equal(p.exit, CLI_DONE);
    assert_string_equal(args_get(&p.args, "SPACE"), "--title");
    assert_string_equal(args_get(&p.args, "REQUEST"), "--");
    clear(&p);
    PARSE(&p, "North", "--title", "-5 degrees");
    assert_string_equal(args_get(&p.args, "title"), "-5 degrees");
    clear(&p);
}

static void test_data_json_and_help_are_taken_behind_every_verb(void **state)
{
    struct parsed p;

    PARSE(&p, "North", "--json", "--data", "/srv/covey");
    assert_int_equal(p.exit, CLI_DONE);
    assert_string_equal(p.args.data, "/srv/covey");
    assert_int_equal(p.args.count, 1);
    clear(&p);
    PARSE(&p, "--help");
    assert_int_equal(p.exit, CLI_DONE);
    assert_true(p.args.help);
    clear(&p);
    PARSE(&p, "-h");
    assert_true(p.args.help);
    clear(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places_fill_in_order_and_options_stand_anywhere),
        cmocka_unit_test(test_a_value_may_stand_behind_an_equals_sign),
        cmocka_unit_test(test_an_option_may_be_repeated_where_that_makes_sense),
        cmocka_unit_test(test_misuse_names_the_option),
        cmocka_unit_test(test_a_missing_place_or_one_too_many_is_misuse),
        cmocka_unit_test(test_too_many_values_are_refused),
        cmocka_unit_test(test_words_that_begin_with_a_dash_are_words),
        cmocka_unit_test(test_data_json_and_help_are_taken_behind_every_verb),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
