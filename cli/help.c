/* What --help prints, made from the table of commands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check.h"
#include "cli/command.h"
#include "cli/text.h"

#define HELP_COLUMN 26u /* where explanations begin */

/* "[--phase EY|KS1]..." */
static char *param_usage(const struct param *param)
{
    bool spaced = param->value != NULL && strchr(param->value, ' ') != NULL;
    const char *quote = spaced ? "\"" : "";
    char *bare;

    if (param->name == NULL)
        bare = text_copy(param->value);
    else if (param->value == NULL)
        bare = text_make("--%s", param->name);
    else
        bare =
            text_make("--%s %s%s%s", param->name, quote, param->value, quote);

    char *usage =
        text_make("%s%s%s%s", param->required ? "" : "[", bare,
                  param->required ? "" : "]", param->repeat ? "..." : "");

    free(bare);
    return usage;
}

/* Add words, on a new line indented by `indent` where they do not fit. */
static void add_word(struct text *out, size_t *width, const char *word,
                     size_t indent)
{
    if (*width + 1 + text_width(word) > TEXT_LINE && *width > indent) {
        text_addf(out, "\n%*s", (int)indent, "");
        *width = indent;
    } else if (*width > indent) {
        text_add(out, " ");
        *width += 1;
    }
    text_add(out, word);
    *width += text_width(word);
}

static char *usage_wrapped(const struct command *command, size_t begin)
{
    struct param params[PARAMS_MAX];
    size_t count = command_params(command, params);
    struct text out = {.p = NULL};

    text_addf(&out, "covey %s", command->words);

    size_t width = begin + out.len;

    for (size_t i = 0; i < count; i++) {
        char *usage = param_usage(&params[i]);

        add_word(&out, &width, usage, begin + 4);
        free(usage);
    }
    return text_take(&out);
}

char *help_usage(const struct command *command)
{
    return usage_wrapped(command, strlen("usage: "));
}

/* "  term        explanation", wrapped, begun on a line of its own where the
 * term is too long. */
static void add_term(struct text *out, const char *term, const char *help)
{
    size_t width = 2 + text_width(term);
    char *words = text_wrap(help, HELP_COLUMN);

    text_addf(out, "  %s", term);
    if (width + 2 > HELP_COLUMN)
        text_addf(out, "\n%*s", (int)HELP_COLUMN, "");
    else
        text_addf(out, "%*s", (int)(HELP_COLUMN - width), "");
    text_addf(out, "%s\n", words);
    free(words);
}

static void add_everywhere(struct text *out)
{
    add_term(out, "--data DIR",
             "the folder of the record; else COVEY_DATA, else "
             "~/.local/share/covey");
    add_term(out, "--json", "print JSON, also for errors");
    add_term(out, "--help", "show this, and behind a verb what it takes");
}

char *help_all(void)
{
    struct text out = {.p = NULL};

    text_add(&out, "usage: covey [--data DIR] [--json] VERB ...\n\n"
                   "covey talks to the daemon, coveyd, that keeps this "
                   "school's record.\n\nVerbs:\n");
    for (size_t i = 0; i < command_count; i++)
        add_term(&out, commands[i].words, commands[i].help);
    text_add(&out, "\nOptions:\n");
    add_everywhere(&out);
    add_term(&out, "--version", "print the version");
    text_add(&out, "\nA SPACE is its name or its id.  Exit code: 0 done, 1 "
                   "failed, 2 misused.\n\nExamples:\n");
    text_add(&out, "  covey --data /srv/covey init --name \"Sandy Upper "
                   "School\" --urn 900004\n"
                   "  covey space create \"North cluster\"\n"
                   "  covey priority add --help\n");
    return text_take(&out);
}

char *help_group(const char *word)
{
    struct text out = {.p = NULL};
    size_t len = strlen(word);

    for (size_t i = 0; i < command_count; i++) {
        const char *words = commands[i].words;

        if (strncmp(words, word, len) == 0 && words[len] == ' ')
            add_term(&out, words, commands[i].help);
    }
    return text_take(&out);
}

char *help_names(const char *word)
{
    size_t len = strlen(word);
    struct text choices = {.p = NULL};

    for (size_t i = 0; i < command_count; i++) {
        const char *words = commands[i].words;

        if (strncmp(words, word, len) == 0 && words[len] == ' ')
            text_addf(&choices, "%s%s", choices.len == 0 ? "" : "|",
                      words + len + 1);
    }

    char *bars = text_take(&choices);
    char *names = choices_write(bars);

    free(bars);
    return names;
}

static void add_params(struct text *out, const struct command *command)
{
    struct param params[PARAMS_MAX];
    size_t count = command_params(command, params);

    for (size_t i = 0; i < count; i++) {
        char *term =
            params[i].name == NULL || params[i].value == NULL
                ? param_title(&params[i])
                : text_make("--%s %s", params[i].name, params[i].value);

        add_term(out, term, params[i].help);
        free(term);
    }
}

char *help_command(const struct command *command)
{
    struct text out = {.p = NULL};
    char *usage = help_usage(command);

    text_addf(&out, "usage: %s\n\n", usage);
    free(usage);
    text_addf(&out, "covey %s: %s.\n", command->words, command->help);
    if (command->more != NULL) {
        char *more = text_wrap(command->more, 0);

        text_addf(&out, "\n%s\n", more);
        free(more);
    }
    text_add(&out, "\n");
    add_params(&out, command);
    add_everywhere(&out);
    text_add(&out, "\nExamples:\n");
    for (size_t i = 0; command->examples[i] != NULL; i++)
        text_addf(&out, "  %s\n", command->examples[i]);
    return text_take(&out);
}
