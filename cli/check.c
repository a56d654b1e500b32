#include "cli/check.h"

#include <stdlib.h>
#include <string.h>

#include "cli/text.h"
#include "proto/membership.h"

#define NUMBER_DIGITS_MAX 9u
#define LONG_MAX_BYTES 1000000u /* what fits into a request of 1 MiB */

int check_utf8(int argc, char *const *argv, struct trouble *t)
{
    for (int i = 1; i < argc; i++) {
        if (text_is_utf8((const uint8_t *)argv[i], strlen(argv[i])))
            continue;
        return trouble_misused(t,
                               "word %d of what was typed is not UTF-8 text: "
                               "set the terminal to UTF-8, or convert what was "
                               "pasted",
                               i);
    }
    return CLI_DONE;
}

bool choice_is(const char *choices, const char *text)
{
    size_t len = strlen(text);

    while (choices != NULL) {
        if (strcspn(choices, "|") == len && strncmp(choices, text, len) == 0)
            return len > 0;
        choices = strchr(choices, '|');
        if (choices != NULL)
            choices++;
    }
    return false;
}

char *choices_write(const char *choices)
{
    struct text out = {.p = NULL};

    for (;;) {
        size_t len = strcspn(choices, "|");

        text_add_part(&out, choices, len);
        choices += len;
        if (*choices == '\0')
            return text_take(&out);
        choices++;
        text_add(&out, strchr(choices, '|') == NULL ? " or " : ", ");
    }
}

/* ---- by kind ---- */

static size_t chars_of(const char *text)
{
    size_t count = 0;

    for (; *text != '\0'; text++)
        count += ((unsigned char)*text & 0xc0u) != 0x80u;
    return count;
}

static int check_text(const struct param *param, const char *text,
                      struct trouble *t)
{
    bool cell = param->kind != PARAM_LONG;
    size_t max = cell ? RULES_CELL_MAX : LONG_MAX_BYTES;
    char *title = param_title(param);
    int exit = CLI_DONE;

    if (!text_is_utf8((const uint8_t *)text, strlen(text)))
        exit = trouble_misused(t, "%s is not UTF-8 text", title);
    else if (strlen(text) > max)
        exit = trouble_set(t, CLI_FAILED, "too-large",
                           "%s has %zu bytes and may have at most %zu%s", title,
                           strlen(text), max, cell ? " (192 KiB)" : "");
    else if (param->max_chars != 0 && chars_of(text) > param->max_chars)
        exit = trouble_set(t, CLI_FAILED, "too-large",
                           "%s has %zu characters and may have at most %u",
                           title, chars_of(text), param->max_chars);
    free(title);
    return exit;
}

static int check_name(const char *title, const char *text, struct trouble *t)
{
    const struct covey_bytes bytes = {(const uint8_t *)text, strlen(text)};

    if (membership_name_fits(bytes))
        return CLI_DONE;
    return trouble_misused(t,
                           "%s must have 1 to %u bytes on one line, without "
                           "control characters",
                           title, MEMBER_NAME_MAX);
}

static int check_number(const char *title, const char *text, struct trouble *t)
{
    if (text_is_digits(text) && strlen(text) <= NUMBER_DIGITS_MAX)
        return CLI_DONE;
    return trouble_misused(t, "%s must be a whole number, not \"%.60s\"", title,
                           text);
}

static int check_choice(const struct param *param, const char *title,
                        const char *text, struct trouble *t)
{
    if (choice_is(param->choices, text))
        return CLI_DONE;

    char *choices = choices_write(param->choices);
    int exit =
        trouble_misused(t, "%s takes %s, not \"%.60s\"", title, choices, text);

    free(choices);
    return exit;
}

static int check_date(const char *title, const char *text, struct trouble *t)
{
    struct date d;

    if (!date_read(text, &d))
        return trouble_misused(t,
                               "%s must be a date written YYYY-MM-DD, like "
                               "2026-11-24, not \"%.60s\"",
                               title, text);
    if (date_exists(&d))
        return CLI_DONE;
    if (d.month < 1 || d.month > 12)
        return trouble_set(t, CLI_FAILED, "bad-input",
                           "%s: there is no month %d in %s", title, d.month,
                           text);

    char *british = date_write(&d);
    int exit = trouble_set(t, CLI_FAILED, "bad-input", "%s: %s does not exist",
                           title, british);

    free(british);
    return exit;
}

static int check_row(const char *title, const char *text, struct trouble *t)
{
    if (text_is_hex(text, 40))
        return CLI_DONE;
    return trouble_misused(
        t, "%s must be an id of 40 hex digits (list shows them), not \"%.60s\"",
        title, text);
}

static int check_key(const char *title, const char *text, struct trouble *t)
{
    if (text_is_hex(text, 32) || text_is_hex(text, 64))
        return CLI_DONE;
    return trouble_misused(t,
                           "%s must be a space's id of 32 hex digits or a "
                           "node's key of 64, not \"%.70s\"",
                           title, text);
}

static int check_kind(const struct param *param, const char *title,
                      const char *text, struct trouble *t)
{
    switch (param->kind) {
    case PARAM_FLAG:
    case PARAM_TEXT:
    case PARAM_LONG:
    case PARAM_WORD:
        return CLI_DONE;
    case PARAM_NAME:
        return check_name(title, text, t);
    case PARAM_NUMBER:
        return check_number(title, text, t);
    case PARAM_CHOICE:
        return check_choice(param, title, text, t);
    case PARAM_DATE:
        return check_date(title, text, t);
    case PARAM_ROW:
        return check_row(title, text, t);
    case PARAM_KEY:
        return check_key(title, text, t);
    }
    return CLI_DONE;
}

int check_value(const struct param *param, const char *text, struct trouble *t)
{
    if (*text == '\0' && param->clears)
        return CLI_DONE;

    char *title = param_title(param);
    int exit = check_kind(param, title, text, t);

    free(title);
    return exit != CLI_DONE ? exit : check_text(param, text, t);
}

int check_args(const struct args *args, struct trouble *t)
{
    for (size_t i = 0; i < args->count; i++) {
        int exit = check_value(args->given[i].param, args->given[i].text, t);

        if (exit != CLI_DONE)
            return exit;
    }
    return CLI_DONE;
}
