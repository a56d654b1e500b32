#include "cli/args.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/text.h"

#define INPUT_MAX 4194304u /* bytes of standard input */

char *param_title(const struct param *param)
{
    if (param->name == NULL)
        return text_copy(param->value);
    return text_make("--%s", param->name);
}

bool param_is_words(const struct param *param)
{
    return param->kind == PARAM_TEXT || param->kind == PARAM_LONG;
}

bool option_like(const char *word)
{
    size_t name = strcspn(word, "=");

    return word[0] == '-' && word[1] != '\0' && strcspn(word, " \t\n") >= name;
}

bool option_is(const char *word, const char *name, const char **inside)
{
    size_t len = strlen(name);

    *inside = NULL;
    if (strncmp(word, "--", 2) != 0 || strncmp(word + 2, name, len) != 0)
        return false;
    if (word[2 + len] == '=')
        *inside = word + 2 + len + 1;
    return word[2 + len] == '\0' || word[2 + len] == '=';
}

/* ---- parsing ---- */

struct parse {
    struct args *args;
    int argc;
    char *const *argv;
    int at;
    bool plain; /* behind "--" */
    struct trouble *trouble;
};

/* What every verb takes. */
static const struct param everywhere[] = {
    {.name = "json", .kind = PARAM_FLAG},
    {.name = "help", .kind = PARAM_FLAG},
    {.name = "data", .value = "DIR", .kind = PARAM_WORD},
};
#define EVERYWHERE_COUNT (sizeof everywhere / sizeof everywhere[0])

static const struct param *find_option(const struct args *args,
                                       const char *word, const char **inside)
{
    for (size_t i = 0; i < args->param_count; i++) {
        const struct param *param = &args->params[i];

        if (param->name != NULL && option_is(word, param->name, inside))
            return param;
    }
    for (size_t i = 0; i < EVERYWHERE_COUNT; i++) {
        if (option_is(word, everywhere[i].name, inside))
            return &everywhere[i];
    }
    if (strcmp(word, "-h") == 0)
        return &everywhere[1];
    return NULL;
}

static bool given(const struct args *args, const struct param *param)
{
    for (size_t i = 0; i < args->count; i++) {
        if (args->given[i].param == param)
            return true;
    }
    return false;
}

/* The first place that is still free. */
static const struct param *find_place(const struct args *args)
{
    for (size_t i = 0; i < args->param_count; i++) {
        const struct param *param = &args->params[i];

        if (param->name == NULL && !given(args, param))
            return param;
    }
    return NULL;
}

static bool is_everywhere(const struct param *param)
{
    return param >= everywhere && param < everywhere + EVERYWHERE_COUNT;
}

static int keep(struct parse *p, const struct param *param, const char *text)
{
    struct args *args = p->args;

    if (is_everywhere(param)) {
        if (strcmp(param->name, "data") == 0)
            args->data = text;
        args->help = args->help || strcmp(param->name, "help") == 0;
        return CLI_DONE;
    }
    if (param->name != NULL && !param->repeat && given(args, param))
        return trouble_misused(p->trouble, "--%s was given twice", param->name);
    if (args->count == ARGS_MAX)
        return trouble_misused(p->trouble,
                               "at most %u values fit into one call", ARGS_MAX);
    args->given[args->count++] = (struct arg){param, text};
    return CLI_DONE;
}

/* The value of an option that has none behind "=": the next word, unless that
 * is an option of this verb. */
static const char *next_value(struct parse *p)
{
    const char *inside;

    if (p->at == p->argc)
        return NULL;
    if (option_like(p->argv[p->at]) &&
        find_option(p->args, p->argv[p->at], &inside) != NULL)
        return NULL;
    return p->argv[p->at++];
}

static int parse_option(struct parse *p, const char *word)
{
    const char *value;
    const struct param *param = find_option(p->args, word, &value);

    if (param == NULL)
        return trouble_misused(p->trouble,
                               "%.*s is no option here (--help lists them; "
                               "words that begin with a dash go behind --)",
                               (int)strcspn(word, "="), word);
    if (param->kind == PARAM_FLAG && value != NULL)
        return trouble_misused(p->trouble, "--%s takes no value", param->name);
    if (param->kind == PARAM_FLAG)
        return keep(p, param, "");
    if (value == NULL)
        value = next_value(p);
    if (value == NULL)
        return trouble_misused(p->trouble, "--%s needs a value: --%s %s",
                               param->name, param->name, param->value);
    return keep(p, param, value);
}

static int parse_word(struct parse *p, const char *word)
{
    if (!p->plain && strcmp(word, "--") == 0) {
        p->plain = true;
        return CLI_DONE;
    }
    if (!p->plain && option_like(word))
        return parse_option(p, word);

    const struct param *place = find_place(p->args);

    if (place == NULL)
        return trouble_misused(
            p->trouble,
            "\"%.60s\" is one word too many (words with spaces need quotes)",
            word);
    return keep(p, place, word);
}

static int check_required(const struct args *args, struct trouble *t)
{
    for (size_t i = 0; i < args->param_count; i++) {
        const struct param *param = &args->params[i];

        if (!param->required || given(args, param))
            continue;
        return param->name == NULL
                   ? trouble_misused(t, "%s is missing", param->value)
                   : trouble_misused(t, "--%s %s is missing", param->name,
                                     param->value);
    }
    return CLI_DONE;
}

int args_parse(struct args *args, int argc, char *const *argv,
               struct trouble *t)
{
    struct parse p = {.args = args, .argc = argc, .argv = argv, .trouble = t};
    int exit = CLI_DONE;

    while (p.at < p.argc && exit == CLI_DONE) {
        const char *word = p.argv[p.at++];

        exit = parse_word(&p, word);
    }
    if (args->help) {
        trouble_clear(t);
        return CLI_DONE;
    }
    return exit != CLI_DONE ? exit : check_required(args, t);
}

/* ---- standard input ---- */

static int read_all(struct text *out, struct trouble *t)
{
    char part[4096];
    size_t len;

    while ((len = fread(part, 1, sizeof part, stdin)) > 0) {
        text_add_part(out, part, len);
        if (out->len > INPUT_MAX)
            return trouble_set(t, CLI_FAILED, "too-large",
                               "standard input holds more than %u MiB",
                               INPUT_MAX / (1024 * 1024));
    }
    if (ferror(stdin))
        return trouble_set(t, CLI_FAILED, "failed",
                           "standard input could not be read: %s",
                           strerror(errno));
    if (out->len != 0 && strlen(out->p) != out->len)
        return trouble_misused(t, "standard input holds a zero byte, so it is "
                                  "not text");
    return CLI_DONE;
}

int args_read_input(struct args *args, struct trouble *t)
{
    for (size_t i = 0; i < args->count; i++) {
        struct arg *arg = &args->given[i];
        struct text input = {.p = NULL};

        if (!param_is_words(arg->param) || strcmp(arg->text, "-") != 0)
            continue;
        if (args->input != NULL)
            return trouble_misused(
                t, "- may stand for standard input only once in a call");

        int exit = read_all(&input, t);

        args->input = text_take(&input);
        if (exit != CLI_DONE)
            return exit;
        arg->text = args->input;
    }
    return CLI_DONE;
}

/* ---- what was given ---- */

const char *args_next(const struct args *args, const char *name, size_t *at)
{
    while (*at < args->count) {
        const struct arg *arg = &args->given[(*at)++];
        const char *called =
            arg->param->name != NULL ? arg->param->name : arg->param->value;

        if (strcmp(called, name) == 0)
            return arg->text;
    }
    return NULL;
}

const char *args_get(const struct args *args, const char *name)
{
    size_t at = 0;

    return args_next(args, name, &at);
}

void args_clear(struct args *args)
{
    free(args->input);
    args->input = NULL;
}
