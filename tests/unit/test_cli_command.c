/* The table of commands: the forms that scripts rely on, help, columns. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/check.h"
#include "cli/columns.h"
#include "cli/command.h"
#include "cli/text.h"

#define ROW "018f3a5b7c2de91f0044aa6b0c1d2e3f40516273"
#define WORDS_MAX 32

/* Every form that issue 2 fixes, as one would type it; '|' parts words. */
static const char *const forms[] = {
    "init|--name|Sandy Upper|--urn|900004|--kind|school",
    "address",
    "space|create|North|--kind|cluster|--admit|at-once",
    "space|list",
    "space|show|North",
    "space|requests|North",
    "space|admit|North|3",
    "space|carrier|North|ab@relay.example.org:7443",
    "carry|allow|9f86d081884c7d659a2feaa0c55ad015",
    "carry|list",
    "invite|North|--role|board",
    "join|covey1abc|--wait|60",
    "priority|add|--space|North|--title|T|--why|W|--outcome|O|--principle|P5|"
    "--principle|P1|--phase|KS2|--phase|post-16|--lead|900004",
    "action|add|--space|North|--priority|" ROW "|--title|T|--owner|Sandy|--due|"
    "2026-12-18|--note|N",
    "priority|list|--space|North",
    "priority|show|" ROW,
    "priority|set|" ROW "|--title|T|--why|W|--outcome||--principle|P1|--phase|"
    "EY|--lead||--status|proposed",
    "priority|delete|" ROW,
    "action|list",
    "action|show|" ROW,
    "action|set|" ROW "|--priority|" ROW "|--title|T|--owner|x|--due||--status|"
    "in progress|--note|N",
    "action|delete|" ROW,
    "comment|add|" ROW "|We can host this.",
    "comment|list|" ROW,
    "sql|SELECT 1",
    "member|list|North",
    "peer|list",
    "peer|add|ab@relay.example.org:7443",
    "log|North",
    "log|North|--row|" ROW,
    "status",
    "watch",
    "wait|North|--frontier|[]|--timeout|5",
    "share|" ROW "|North",
};

struct typed {
    char *text;
    char *words[WORDS_MAX];
    int count;
};

static void type(struct typed *t, const char *form)
{
    char *rest;

    t->text = text_copy(form);
    t->count = 0;
    rest = t->text;
    while (rest != NULL) {
        assert_true(t->count < WORDS_MAX);
        t->words[t->count++] = strsep(&rest, "|");
    }
}

static void test_every_fixed_form_is_taken(void **state)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct param params[PARAMS_MAX];
        struct args args = {.params = params};
        struct trouble t = {.text = NULL};
        struct typed typed;
        int words = 0;

        type(&typed, forms[i]);

        const struct command *command =
            command_find(typed.count, typed.words, &words);

        assert_non_null(command);
        args.param_count = command_params(command, params);
        assert_int_equal(
            args_parse(&args, typed.count - words, typed.words + words, &t),
            CLI_DONE);
        assert_int_equal(check_args(&args, &t), CLI_DONE);
        assert_null(t.text);
        args_clear(&args);
        free(typed.text);
    }
}

static void test_every_command_is_found_by_its_words(void **state)
{
    for (size_t i = 0; i < command_count; i++) {
        struct typed typed;
        int words = 0;

        type(&typed, commands[i].words);
        for (char *p = typed.text; *p != '\0'; p++)
            if (*p == ' ')
                *p = '|';

        struct typed split;

        type(&split, typed.text);
        assert_ptr_equal(command_find(split.count, split.words, &words),
                         &commands[i]);
        assert_int_equal(words, split.count);
        free(split.text);
        free(typed.text);
    }
}

static void test_what_is_no_command_is_not_found(void **state)
{
    char space[] = "space", frob[] = "frob", spaces[] = "spaces";
    int words;

    assert_null(command_find(1, (char *[]){space}, &words));
    assert_null(command_find(2, (char *[]){space, frob}, &words));
    assert_null(command_find(1, (char *[]){spaces}, &words));
    assert_true(command_is_group("space"));
    assert_false(command_is_group("spac"));
    assert_false(command_is_group("status"));
}

static void test_every_command_has_help_with_an_example(void **state)
{
    char *all = help_all();

    for (size_t i = 0; i < command_count; i++) {
        const struct command *command = &commands[i];
        char *help = help_command(command);

        assert_non_null(strstr(all, command->words));
        assert_int_equal(strncmp(help, "usage: covey ", 13), 0);
        assert_non_null(strstr(help, command->examples[0]));
        assert_non_null(command->run);
        free(help);
    }
    free(all);
}

static void test_every_parameter_has_a_word_and_help(void **state)
{
    for (size_t i = 0; i < command_count; i++) {
        struct param params[PARAMS_MAX];
        size_t count = command_params(&commands[i], params);

        for (size_t j = 0; j < count; j++) {
            assert_true(params[j].name != NULL || params[j].value != NULL);
            assert_true(params[j].kind == PARAM_FLAG ||
                        params[j].value != NULL);
            assert_non_null(params[j].help);
            assert_true((params[j].kind == PARAM_CHOICE) ==
                        (params[j].choices != NULL));
        }
    }
}

/* ---- columns ---- */

static const struct rule_column *column_of(const char *table, const char *name)
{
    const struct rule_table *t = rule_table_by_name(table);

    for (size_t i = 0; i < t->column_count; i++) {
        if (strcmp(t->columns[i].name, name) == 0)
            return &t->columns[i];
    }
    fail();
    return NULL;
}

static void test_a_column_of_several_values_has_a_singular_option(void **state)
{
    for (size_t i = 0; i < rule_table_count; i++) {
        for (size_t j = 0; j < rule_tables[i].column_count; j++) {
            const struct rule_column *c = &rule_tables[i].columns[j];
            bool same = strcmp(column_option(c), c->name) == 0;

            assert_true(same == (c->type != COLUMN_TAGS));
        }
    }
}

static void test_add_asks_for_what_is_required_and_set_for_nothing(void **state)
{
    assert_true(column_param(column_of("priority", "why"), true).required);
    assert_false(column_param(column_of("priority", "status"), true).required);
    assert_false(column_param(column_of("priority", "why"), false).required);
}

/* What the options of one verb come to for one column. */
static void expect_json(const char *form, const char *table, const char *name,
                        const char *wanted)
{
    struct param params[PARAMS_MAX];
    struct args args = {.params = params};
    struct trouble t = {.text = NULL};
    struct typed typed;
    int words = 0;

    type(&typed, form);
    args.param_count =
        command_params(command_find(typed.count, typed.words, &words), params);
    assert_int_equal(
        args_parse(&args, typed.count - words, typed.words + words, &t),
        CLI_DONE);

    json_t *value = column_value(column_of(table, name), &args);
    char *text = value == NULL ? NULL : json_dumps(value, JSON_ENCODE_ANY);

    if (wanted == NULL)
        assert_null(text);
    else
        assert_string_equal(text, wanted);
    free(text);
    json_decref(value);
    free(typed.text);
}

static void test_values_become_what_the_api_takes(void **state)
{
    const char *set = "priority|set|" ROW "|--title||--outcome||--phase|KS2|"
                      "--phase|EY|--phase|KS2|--principle|";

    expect_json(set, "priority", "title", "\"\"");
    expect_json(set, "priority", "outcome", "null");
    expect_json(set, "priority", "phases", "[\"EY\", \"KS2\"]");
    expect_json(set, "priority", "principles", "[]");
    expect_json(set, "priority", "why", NULL);
    expect_json("action|set|" ROW "|--priority|018F3A5B7C2DE91F0044AA6B0C1D2E"
                "3F40516273",
                "action", "priority", "\"" ROW "\"");
}

static void test_paths_are_in_the_plural(void **state)
{
    char *priorities = table_path("priority");
    char *actions = table_path("action");

    assert_string_equal(priorities, "/api/priorities");
    assert_string_equal(actions, "/api/actions");
    free(priorities);
    free(actions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_fixed_form_is_taken),
        cmocka_unit_test(test_every_command_is_found_by_its_words),
        cmocka_unit_test(test_what_is_no_command_is_not_found),
        cmocka_unit_test(test_every_command_has_help_with_an_example),
        cmocka_unit_test(test_every_parameter_has_a_word_and_help),
        cmocka_unit_test(test_a_column_of_several_values_has_a_singular_option),
        cmocka_unit_test(
            test_add_asks_for_what_is_required_and_set_for_nothing),
        cmocka_unit_test(test_values_become_what_the_api_takes),
        cmocka_unit_test(test_paths_are_in_the_plural),
    };

    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
