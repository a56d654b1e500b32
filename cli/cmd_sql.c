/* One statement, typed by a person. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/client.h"
#include "cli/handlers.h"
#include "cli/table.h"

/* The words of one value; NULL is shown as nothing. */
static char *value_write(const json_t *value)
{
    if (json_is_string(value))
        return text_safe(json_string_value(value), false);
    if (value == NULL || json_is_null(value))
        return text_copy("");
    return text_memory(json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT));
}

static void print_rows(const json_t *columns, const json_t *rows)
{
    size_t width = json_array_size(columns);
    size_t count = json_array_size(rows);
    const char **heads = text_memory(calloc(width, sizeof *heads));
    char **cells = text_memory(calloc(count * width + 1, sizeof *cells));

    for (size_t i = 0; i < width; i++) {
        const char *head = json_string_value(json_array_get(columns, i));

        heads[i] = head == NULL ? "" : head;
    }
    for (size_t i = 0; i < count * width; i++)
        cells[i] = value_write(
            json_array_get(json_array_get(rows, i / width), i % width));

    char *text = grid_write(&(struct grid){
        .heads = heads, .columns = width, .cells = cells, .rows = count});

    fputs(text, stdout);
    free(text);
    for (size_t i = 0; i < count * width; i++)
        free(cells[i]);
    free(cells);
    free(heads);
}

static int show(struct cli *cli, const json_t *answer)
{
    const json_t *columns = json_object_get(answer, "columns");

    if (cli_json(cli, answer))
        return CLI_DONE;
    if (!json_is_object(answer))
        return cli_odd_answer(cli);
    if (json_array_size(columns) != 0) {
        print_rows(columns, json_object_get(answer, "rows"));
        return CLI_DONE;
    }

    char *changed = count_write(field_number(answer, "changed"), "row", "rows");

    cli_say("%s changed", changed);
    free(changed);
    return CLI_DONE;
}

int run_sql(struct cli *cli)
{
    json_t *answer = NULL;
    int exit = client_call(
        cli,
        &(struct client_call){
            .method = "POST",
            .path = "/api/sql",
            .body = json_pack("{s:s}", "statement", cli_arg(cli, "STATEMENT"))},
        &answer);

    if (exit == CLI_DONE)
        exit = show(cli, answer);
    json_decref(answer);
    return exit;
}
