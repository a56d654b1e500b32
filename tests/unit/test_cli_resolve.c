/* From what a person types to the one space or member that is meant. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/resolve.h"

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define ID_C "cccccccccccccccccccccccccccccccc"
#define ID_D "dddddddddddddddddddddddddddddddd"

static const char members_text[] =
    "[{\"id\":\"" ID_A "\",\"name\":\"St Mary's Lower\",\"urn\":900001},"
    " {\"id\":\"" ID_B "\",\"name\":\"St Mary's Lower\",\"urn\":900002},"
    " {\"id\":\"" ID_C "\",\"name\":\"\u00c9cole\",\"urn\":0,\"present\":1},"
    " {\"id\":\"" ID_A "\",\"name\":\"St Mary's Lower\",\"urn\":900001},"
    " {\"id\":\"" ID_D "\",\"name\":\"Gone\",\"urn\":900004,\"present\":0}]";

static const char spaces_text[] =
    "[{\"id\":\"" ID_A "\",\"name\":\"North cluster\"},"
    " {\"id\":\"" ID_B "\",\"name\":\"Review\"},"
    " {\"id\":\"" ID_C "\",\"name\":\"review\"},"
    " {\"id\":\"" ID_D "\",\"name\":null}]";

static const struct resolve member_rules = {.one = "a member",
                                            .many = "members",
                                            .where = "here",
                                            .id_digits = 32,
                                            .urn = true,
                                            .beginning = true};
static const struct resolve space_rules = {
    .one = "a space", .many = "spaces", .where = "here", .id_digits = 32};

struct found {
    int exit;
    char id[40];
    struct trouble trouble;
};

static void resolve(struct found *f, const struct resolve *how,
                    const char *list_text, const char *text)
{
    json_t *list = json_loads(list_text, 0, NULL);
    const char *id = "";

    assert_non_null(list);
    *f = (struct found){.exit = -1};
    f->exit = resolve_id(how, list, text, &id, &f->trouble);
    strncpy(f->id, id, sizeof f->id - 1);
    json_decref(list);
}

static void expect(const struct resolve *how, const char *list_text,
                   const char *text, const char *id)
{
    struct found f;

    resolve(&f, how, list_text, text);
    assert_int_equal(f.exit, CLI_DONE);
    assert_string_equal(f.id, id);
    assert_null(f.trouble.text);
}

static void test_a_member_is_its_id_its_urn_or_its_name(void **state)
{
    expect(&member_rules, members_text, ID_B, ID_B);
    expect(&member_rules, members_text, "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB",
           ID_B);
    expect(&member_rules, members_text, "900002", ID_B);
    expect(&member_rules, members_text, "\u00c9cole", ID_C);
    expect(&member_rules, members_text, "\u00e9COLE", ID_C);
    expect(&member_rules, members_text, "\u00e9co", ID_C);
}

static void test_one_member_in_several_spaces_is_one(void **state)
{
    expect(&member_rules, members_text, "900001", ID_A);
}

static void test_an_ambiguous_name_lists_the_candidates(void **state)
{
    struct found f;

    resolve(&f, &member_rules, members_text, "st mary's lower");
    assert_int_equal(f.exit, CLI_MISUSED);
    assert_string_equal(f.trouble.code, "ambiguous");
    assert_non_null(strstr(f.trouble.text, ID_A));
    assert_non_null(strstr(f.trouble.text, ID_B));
    assert_non_null(strstr(f.trouble.text, "900002"));
    assert_null(strstr(f.trouble.text, ID_C));
    trouble_clear(&f.trouble);
    resolve(&f, &member_rules, members_text, "st");
    assert_int_equal(f.exit, CLI_MISUSED);
    trouble_clear(&f.trouble);
}

static void test_an_unknown_name_says_which_there_are(void **state)
{
    static const char *const texts[] = {"Nobody", "", "900003", "900004",
                                        "Gone"};
    struct found f;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        resolve(&f, &member_rules, members_text, texts[i]);
        assert_int_equal(f.exit, CLI_FAILED);
        assert_string_equal(f.trouble.code, "not-found");
        assert_non_null(strstr(f.trouble.text, "St Mary's Lower, "));
        assert_null(strstr(f.trouble.text, "Lower, Gone"));
        trouble_clear(&f.trouble);
    }
    resolve(&f, &space_rules, "[]", "North");
    assert_int_equal(f.exit, CLI_FAILED);
    trouble_clear(&f.trouble);
}

static void test_the_very_name_wins_over_another_case(void **state)
{
    struct found f;

    expect(&space_rules, spaces_text, "Review", ID_B);
    expect(&space_rules, spaces_text, "review", ID_C);
    expect(&space_rules, spaces_text, "north CLUSTER", ID_A);
    resolve(&f, &space_rules, spaces_text, "REVIEW");
    assert_int_equal(f.exit, CLI_MISUSED);
    trouble_clear(&f.trouble);
}

/* A row must not reach a wider audience because a name was cut short. */
static void test_the_beginning_of_a_name_is_no_space(void **state)
{
    struct found f;

    resolve(&f, &space_rules, spaces_text, "North");
    assert_int_equal(f.exit, CLI_FAILED);
    trouble_clear(&f.trouble);
}

static void test_a_space_without_a_name_is_found_by_its_id(void **state)
{
    expect(&space_rules, spaces_text, ID_D, ID_D);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_member_is_its_id_its_urn_or_its_name),
        cmocka_unit_test(test_one_member_in_several_spaces_is_one),
        cmocka_unit_test(test_an_ambiguous_name_lists_the_candidates),
        cmocka_unit_test(test_an_unknown_name_says_which_there_are),
        cmocka_unit_test(test_the_very_name_wins_over_another_case),
        cmocka_unit_test(test_the_beginning_of_a_name_is_no_space),
        cmocka_unit_test(test_a_space_without_a_name_is_found_by_its_id),
    };

    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
