/* Who wrote what, when, in which change set. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/handlers.h"
#include "cli/lookup.h"
#include "cli/table.h"

static const char *done_to(const json_t *row)
{
    static const char *const words[][2] = {
        {"insert", "wrote"}, {"update", "changed"}, {"delete", "deleted"}};
    const char *change = field_text(row, "change");

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(change, words[i][0]) == 0)
            return words[i][1];
    }
    return change;
}

/* "due, note".  Caller frees. */
static char *columns_write(const json_t *columns)
{
    struct text out = {.p = NULL};
    size_t i;
    json_t *column;

    json_array_foreach(columns, i, column)
    {
        const char *name = json_string_value(column);

        text_addf(&out, "%s%s", i == 0 ? "" : ", ", name == NULL ? "" : name);
    }
    return text_take(&out);
}

/* "  changed action 018f3a...: due, note" */
static void print_row(const json_t *row)
{
    char *columns = columns_write(json_object_get(row, "columns"));
    char *line =
        text_make("%s %s %s%s%s", done_to(row), field_text(row, "table"),
                  field_text(row, "id"), *columns == '\0' ? "" : ": ", columns);
    char *safe = text_safe(line, false);
    char *wrapped = text_wrap(safe, 4);

    cli_say("  %s", wrapped);
    free(columns);
    free(line);
    free(safe);
    free(wrapped);
}

static void print_entry(const json_t *entry)
{
    static const struct column by = {.field = "name", .instead = "author"};
    static const struct column wall = {.field = "wall",
                                       .render = RENDER_MOMENT};
    const json_t *rows = json_object_get(entry, "rows");
    const char *state = field_text(entry, "state");
    bool counts = strcmp(state, "counts") == 0;
    char *who = column_write(&by, entry, NULL);
    char *when = column_write(&wall, entry, NULL);
    size_t i;
    json_t *row;

    cli_say("%s%s%s  change set %lld  %s", when, *when == '\0' ? "" : "  ", who,
            (long long)field_number(entry, "number"),
            field_text(entry, "hash"));
    if (!counts && *state != '\0')
        cli_say("  %s", state);
    json_array_foreach(rows, i, row)
    {
        print_row(row);
    }
    free(who);
    free(when);
}

int run_log(struct cli *cli)
{
    const char *row = cli_arg(cli, "row");
    char id[SPACE_DIGITS + 1];
    json_t *entries = NULL;
    size_t i;
    json_t *entry;
    int exit = lookup_space(cli, cli_arg(cli, "SPACE"), id);

    if (exit != CLI_DONE)
        return exit;

    char *lower = text_fold(row == NULL ? "" : row);

    exit = client_list(cli, &entries, "/api/spaces/%s/log%s%s", id,
                       row == NULL ? "" : "?row=", lower);
    free(lower);
    if (exit == CLI_DONE && !cli_json(cli, entries)) {
        if (json_array_size(entries) == 0)
            cli_say("Nothing was written yet.");
        json_array_foreach(entries, i, entry)
        {
            print_entry(entry);
        }
    }
    json_decref(entries);
    return exit;
}
