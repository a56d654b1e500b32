/* Rows of the shared tables: priorities, actions, comments. */
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/columns.h"
#include "cli/command.h"
#include "cli/handlers.h"
#include "cli/lookup.h"
#include "cli/rowview.h"

/* ---- what is written ---- */

/* A member named by a person becomes its id. */
static int add_member(struct cli *cli, json_t *body, const char *column,
                      const char *space)
{
    char id[MEMBER_DIGITS + 1];
    const char *text = json_string_value(json_object_get(body, column));

    if (text == NULL)
        return CLI_DONE;

    int exit = lookup_member(cli, space, text, id);

    if (exit == CLI_DONE)
        json_object_set_new(body, column, json_string(id));
    return exit;
}

/* What was given for each column, into body.  space: whose members may be
 * named, or NULL. */
static int add_values(struct cli *cli, json_t *body, const char *space)
{
    const struct rule_table *table = rule_table_by_name(cli->command->table);
    int exit = CLI_DONE;

    for (size_t i = 0; i < table->column_count && exit == CLI_DONE; i++) {
        const struct rule_column *column = &table->columns[i];
        json_t *value = column->fixed ? NULL : column_value(column, &cli->args);

        if (value == NULL)
            continue;
        json_object_set_new(body, column->name, value);
        if (column->type == COLUMN_MEMBER)
            exit = add_member(cli, body, column->name, space);
    }
    return exit;
}

/* Does any option name a member? */
static bool names_member(const struct cli *cli)
{
    const struct rule_table *table = rule_table_by_name(cli->command->table);

    for (size_t i = 0; i < table->column_count; i++) {
        const char *text = cli_arg(cli, column_option(&table->columns[i]));

        if (table->columns[i].type == COLUMN_MEMBER && text != NULL &&
            *text != '\0')
            return true;
    }
    return false;
}

/* Make a call on a table, or on one row of it where id is given; takes body. */
static int call_table(struct cli *cli, const char *method, const char *id,
                      json_t *body, json_t **out)
{
    char *table = table_path(cli->command->table);
    char *path = id == NULL ? text_copy(table) : text_make("%s/%s", table, id);
    int exit = client_call(
        cli,
        &(struct client_call){.method = method, .path = path, .body = body},
        out);

    free(path);
    free(table);
    return exit;
}

int run_row_add(struct cli *cli)
{
    const char *space = cli_arg(cli, "space");
    char id[SPACE_DIGITS + 1];
    json_t *body = text_memory(json_object());
    json_t *answer = NULL;
    int exit = CLI_DONE;

    if (space != NULL)
        exit = lookup_space(cli, space, id);
    json_object_set_new(body, "space",
                        space == NULL || exit != CLI_DONE ? json_null()
                                                          : json_string(id));
    if (exit == CLI_DONE)
        exit = add_values(cli, body, space == NULL ? NULL : id);
    if (exit != CLI_DONE) {
        json_decref(body);
        return exit;
    }
    exit = call_table(cli, "POST", NULL, body, &answer);
    if (exit == CLI_DONE)
        exit = cli_answer(cli, answer, "id");
    json_decref(answer);
    return exit;
}

/* The space of the row that "ID" names; an empty one for a private row. */
static int space_of_row(struct cli *cli, const char *row,
                        char id[SPACE_DIGITS + 1])
{
    json_t *answer = NULL;
    int exit = call_table(cli, "GET", row, NULL, &answer);
    const char *space = field_text(answer, "space");

    id[0] = '\0';
    if (exit == CLI_DONE && strlen(space) == SPACE_DIGITS)
        memcpy(id, space, SPACE_DIGITS + 1);
    json_decref(answer);
    return exit;
}

int run_row_set(struct cli *cli)
{
    char row[ROW_DIGITS + 1];
    char space[SPACE_DIGITS + 1] = "";
    json_t *body = text_memory(json_object());
    json_t *answer = NULL;
    int exit = CLI_DONE;

    lookup_row(cli, row);
    if (names_member(cli))
        exit = space_of_row(cli, row, space);
    if (exit == CLI_DONE)
        exit = add_values(cli, body, *space == '\0' ? NULL : space);
    if (exit == CLI_DONE && json_object_size(body) == 0)
        exit = trouble_misused(&cli->trouble,
                               "say what to set: covey %s --help lists what "
                               "there is",
                               cli->command->words);
    if (exit != CLI_DONE) {
        json_decref(body);
        return exit;
    }
    exit = call_table(cli, "PATCH", row, body, &answer);
    if (exit == CLI_DONE)
        cli_json(cli, answer);
    json_decref(answer);
    return exit;
}

int run_row_delete(struct cli *cli)
{
    char row[ROW_DIGITS + 1];
    json_t *answer = NULL;

    lookup_row(cli, row);

    int exit = call_table(cli, "DELETE", row, NULL, &answer);

    if (exit == CLI_DONE)
        cli_json(cli, answer);
    json_decref(answer);
    return exit;
}

/* ---- what is read ---- */

/* "?space=ID&priority=ID", as far as they were given.  Caller frees. */
static int list_query(struct cli *cli, struct text *out)
{
    const char *space = cli_arg(cli, "space");
    const char *priority = cli_arg(cli, "priority");
    char id[SPACE_DIGITS + 1];

    if (space != NULL) {
        int exit = lookup_space(cli, space, id);

        if (exit != CLI_DONE)
            return exit;
        text_addf(out, "?space=%s", id);
    }
    if (priority != NULL) {
        char *lower = text_fold(priority);

        text_addf(out, "%spriority=%s", space == NULL ? "?" : "&", lower);
        free(lower);
    }
    return CLI_DONE;
}

int run_row_list(struct cli *cli)
{
    char *path = table_path(cli->command->table);
    struct text query = {.p = NULL};
    json_t *spaces = NULL;
    json_t *rows = NULL;
    int exit = list_query(cli, &query);

    if (exit == CLI_DONE)
        exit = client_list(cli, &rows, "%s%s", path,
                           query.p == NULL ? "" : query.p);
    if (exit == CLI_DONE && !cli->json)
        exit = lookup_spaces(cli, &spaces);
    if (exit == CLI_DONE)
        exit =
            table_show(cli, rowview_table(cli->command->table), rows, spaces);
    json_decref(rows);
    json_decref(spaces);
    text_clear(&query);
    free(path);
    return exit;
}

int run_row_show(struct cli *cli)
{
    char row[ROW_DIGITS + 1];
    struct rowview view = {.table = rule_table_by_name(cli->command->table)};
    json_t *answer = NULL;
    json_t *spaces = NULL;

    lookup_row(cli, row);

    int exit = call_table(cli, "GET", row, NULL, &answer);

    if (exit != CLI_DONE || cli_json(cli, answer))
        goto end;
    exit = lookup_spaces(cli, &spaces);
    if (exit != CLI_DONE)
        goto end;
    view.row = answer;
    view.spaces = spaces;
    rowview_print(&view);
end:
    json_decref(answer);
    json_decref(spaces);
    return exit;
}

/* ---- comments and copies ---- */

int run_comment_add(struct cli *cli)
{
    char row[ROW_DIGITS + 1];
    json_t *answer = NULL;

    lookup_row(cli, row);

    int exit = client_call(
        cli,
        &(struct client_call){.method = "POST",
                              .path = "/api/comments",
                              .body = json_pack("{s:s,s:s}", "on_row", row,
                                                "text", cli_arg(cli, "TEXT"))},
        &answer);

    if (exit == CLI_DONE)
        exit = cli_answer(cli, answer, "id");
    json_decref(answer);
    return exit;
}

int run_comment_list(struct cli *cli)
{
    char row[ROW_DIGITS + 1];
    json_t *comments = NULL;

    lookup_row(cli, row);

    int exit = client_list(cli, &comments, "/api/rows/%s/comments", row);

    if (exit == CLI_DONE && !cli_json(cli, comments))
        rowview_print_comments(comments);
    json_decref(comments);
    return exit;
}

int run_share(struct cli *cli)
{
    char row[ROW_DIGITS + 1];
    char space[SPACE_DIGITS + 1];
    json_t *answer = NULL;
    int exit = lookup_space(cli, cli_arg(cli, "SPACE"), space);

    if (exit != CLI_DONE)
        return exit;
    lookup_row(cli, row);
    exit = client_call(
        cli,
        &(struct client_call){
            .method = "POST",
            .path = "/api/share",
            .body = json_pack("{s:s,s:s}", "id", row, "space", space)},
        &answer);
    if (exit == CLI_DONE)
        exit = cli_answer(cli, answer, "id");
    json_decref(answer);
    return exit;
}
