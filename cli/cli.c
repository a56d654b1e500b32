#include "cli/cli.h"

#include <curl/curl.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check.h"
#include "cli/command.h"
#include "cli/text.h"

/* ---- results and trouble ---- */

const char *cli_arg(const struct cli *cli, const char *name)
{
    return args_get(&cli->args, name);
}

long cli_number(const struct cli *cli, const char *name, long otherwise)
{
    const char *text = cli_arg(cli, name);

    return text == NULL ? otherwise : strtol(text, NULL, 10);
}

bool cli_json(const struct cli *cli, const json_t *value)
{
    if (!cli->json)
        return false;
    json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
    putchar('\n');
    return true;
}

void cli_say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

void cli_progress(const struct cli *cli, const char *format, ...)
{
    va_list args;

    if (cli->json)
        return;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

int cli_answer(struct cli *cli, const json_t *answer, const char *field)
{
    if (cli_json(cli, answer))
        return CLI_DONE;
    if (*field_text(answer, field) == '\0')
        return cli_odd_answer(cli);
    cli_say("%s", field_text(answer, field));
    return CLI_DONE;
}

int cli_odd_answer(struct cli *cli)
{
    return trouble_set(&cli->trouble, CLI_FAILED, "failed",
                       "the daemon's answer is not of the form that this "
                       "covey (%s) knows: use the covey and coveyd of one "
                       "version",
                       COVEY_VERSION);
}

static void report(const struct cli *cli)
{
    char *text = text_safe(cli->trouble.text, true);

    if (cli->json) {
        json_t *error = json_pack("{s:{s:s,s:s}}", "error", "code",
                                  cli->trouble.code, "text", text);

        json_dumpf(text_memory(error), stderr, JSON_COMPACT);
        fputc('\n', stderr);
        json_decref(error);
    } else {
        fprintf(stderr, "covey: %s\n", text);
    }
    free(text);
}

/* ---- fields ---- */

const char *field_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text == NULL ? "" : text;
}

/* The nearest integer that there is: beyond them C leaves it open. */
static int64_t to_integer(double real)
{
    if (real >= 0x1p63)
        return INT64_MAX;
    return real <= -0x1p63 ? INT64_MIN : (int64_t)real;
}

int64_t field_number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return json_is_real(value) ? to_integer(json_real_value(value))
                               : json_integer_value(value);
}

bool field_is_set(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return value != NULL && !json_is_null(value);
}

bool field_is_true(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return json_is_true(value) || json_integer_value(value) != 0;
}

/* ---- before the verb ---- */

struct before {
    int argc;
    char **argv;
    int at;
    bool help, version;
};

/* One option before the verb; false where the verb begins. */
static bool take_option(struct cli *cli, struct before *b, int *exit)
{
    const char *word = b->argv[b->at];
    const char *value;

    if (!option_like(word))
        return false;
    b->at++;
    if (option_is(word, "data", &value)) {
        if (value == NULL && b->at < b->argc)
            value = b->argv[b->at++];
        cli->data = value;
        if (value == NULL || *value == '\0')
            *exit = trouble_misused(&cli->trouble,
                                    "--data needs a folder: --data DIR");
    } else if (strcmp(word, "--json") == 0) {
        return true; /* cli_run() has seen it */
    } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        b->help = true;
    } else if (strcmp(word, "--version") == 0) {
        b->version = true;
    } else {
        *exit = trouble_misused(&cli->trouble,
                                "%.60s is no option before a verb: covey "
                                "--help lists what there is",
                                word);
    }
    return *exit == CLI_DONE;
}

/* The folder of the record: --data, COVEY_DATA, or the usual place. */
static int find_data(struct cli *cli)
{
    const char *from = getenv("COVEY_DATA");

    if (cli->data == NULL && from != NULL && *from != '\0')
        cli->data = from;
    if (cli->data != NULL)
        return CLI_DONE;

    const char *share = getenv("XDG_DATA_HOME");
    const char *home = getenv("HOME");

    if (share != NULL && *share == '/')
        cli->data_made = text_make("%s/covey", share);
    else if (home != NULL && *home != '\0')
        cli->data_made = text_make("%s/.local/share/covey", home);
    else
        return trouble_misused(&cli->trouble,
                               "nothing says where the record is: name its "
                               "folder with --data DIR or COVEY_DATA");
    cli->data = cli->data_made;
    return CLI_DONE;
}

/* ---- the verb ---- */

static int print_help(char *text)
{
    fputs(text, stdout);
    free(text);
    return CLI_DONE;
}

static int no_command(struct cli *cli, const struct before *b)
{
    const char *word = b->argv[b->at];
    const char *next = b->at + 1 < b->argc ? b->argv[b->at + 1] : "";

    if (!command_is_group(word))
        return trouble_misused(&cli->trouble,
                               "there is no verb \"%.60s\": covey --help lists "
                               "them",
                               word);

    char *names = help_names(word);
    int exit =
        *next == '\0' || option_like(next)
            ? trouble_misused(&cli->trouble,
                              "say which: covey %s %s (covey %s --help)", word,
                              names, word)
            : trouble_misused(&cli->trouble,
                              "there is no verb \"%s %.60s\": after %s comes "
                              "%s (covey %s --help)",
                              word, next, word, names, word);

    free(names);
    return exit;
}

/* What was typed wrongly, and how it should be typed. */
static int add_usage(struct cli *cli, int exit)
{
    if (cli->json)
        return exit;

    char *usage = help_usage(cli->command);

    exit = trouble_misused(&cli->trouble, "%s\nusage: %s", cli->trouble.text,
                           usage);
    free(usage);
    return exit;
}

static int run_command(struct cli *cli, int argc, char **argv)
{
    cli->args.params = cli->params;
    cli->args.param_count = command_params(cli->command, cli->params);

    int exit = args_parse(&cli->args, argc, argv, &cli->trouble);

    if (cli->args.help)
        return print_help(help_command(cli->command));
    if (exit != CLI_DONE)
        return add_usage(cli, exit);
    if (cli->args.data != NULL)
        cli->data = cli->args.data;
    exit = args_read_input(&cli->args, &cli->trouble);
    if (exit == CLI_DONE)
        exit = check_args(&cli->args, &cli->trouble);
    if (exit == CLI_DONE)
        exit = find_data(cli);
    return exit != CLI_DONE ? exit : cli->command->run(cli);
}

static int run(struct cli *cli, struct before *b)
{
    int exit = CLI_DONE;
    int words = 0;

    while (b->at < b->argc && take_option(cli, b, &exit))
        continue;
    if (exit != CLI_DONE)
        return exit;
    if (b->version) {
        cli_say("covey %s", COVEY_VERSION);
        return CLI_DONE;
    }
    if (b->at < b->argc && strcmp(b->argv[b->at], "help") == 0) {
        b->help = true;
        b->at++;
    }
    if (b->at == b->argc) {
        if (b->help)
            return print_help(help_all());
        return trouble_misused(&cli->trouble,
                               "say what to do: covey --help lists the verbs");
    }
    cli->command = command_find(b->argc - b->at, b->argv + b->at, &words);
    if (cli->command != NULL && b->help)
        return print_help(help_command(cli->command));
    if (cli->command != NULL)
        return run_command(cli, b->argc - b->at - words,
                           b->argv + b->at + words);
    if (!command_is_group(b->argv[b->at]))
        return no_command(cli, b);

    bool help = b->help;

    for (int i = b->at + 1; i < b->argc; i++)
        help = help || strcmp(b->argv[i], "--help") == 0 ||
               strcmp(b->argv[i], "-h") == 0;
    return help ? print_help(help_group(b->argv[b->at])) : no_command(cli, b);
}

/* A full disk or a closed pipe behind standard output is a failure too. */
static int finish(struct cli *cli, int exit)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return exit;
    return exit != CLI_DONE
               ? exit
               : trouble_set(&cli->trouble, CLI_FAILED, "failed",
                             "the result could not be written to standard "
                             "output");
}

/* Errors are JSON wherever --json stands, so it is looked for first. */
static bool asks_for_json(int argc, char *const *argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0)
            return true;
    }
    return false;
}

int cli_run(int argc, char **argv)
{
    struct cli cli = {.json = asks_for_json(argc, argv)};
    struct before before = {.argc = argc, .argv = argv, .at = 1};

    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
        setlocale(LC_CTYPE, "");
    curl_global_init(CURL_GLOBAL_DEFAULT);

    int exit = check_utf8(argc, argv, &cli.trouble);

    if (exit == CLI_DONE)
        exit = run(&cli, &before);
    exit = finish(&cli, exit);
    if (cli.trouble.text != NULL && exit != CLI_DONE)
        report(&cli);
    args_clear(&cli.args);
    trouble_clear(&cli.trouble);
    free(cli.data_made);
    curl_global_cleanup();
    return exit;
}
