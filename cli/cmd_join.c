/* Joining with a ticket, and waiting for what is to come. */
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/handlers.h"
#include "cli/lookup.h"
#include "proto/ticket.h"

/* Mail programs break long lines; a ticket has no space of its own. */
static char *without_spaces(const char *text)
{
    struct text out = {.p = NULL};

    for (; *text != '\0'; text++) {
        if (strchr(" \t\r\n", *text) == NULL)
            text_add_part(&out, text, 1);
    }
    return text_take(&out);
}

static int check_ticket(struct cli *cli, const char *text)
{
    struct ticket ticket;
    struct covey_why why;

    if (ticket_read(text, &ticket, &why) == COVEY_OK)
        return CLI_DONE;
    return trouble_set(&cli->trouble, CLI_FAILED, "bad-input", "%s", why.text);
}

static int post_join(struct cli *cli, const char *ticket, long wait_s,
                     json_t **out)
{
    return client_call(
        cli,
        &(struct client_call){
            .method = "POST",
            .path = "/api/joins",
            .body = json_pack("{s:s,s:I}", "ticket", ticket, "wait_s",
                              (json_int_t)wait_s),
            .wait_s = wait_s,
            .during = wait_s == 0 ? NULL : "Still waiting to be let in"},
        out);
}

static int say_joined(struct cli *cli, const json_t *answer, long wait_s)
{
    bool left = strcmp(field_text(answer, "state"), "left") == 0;

    if (left && wait_s != 0)
        return trouble_set(
            &cli->trouble, CLI_FAILED, "timeout",
            "the request is left, but nobody has let this node into %s within "
            "%ld seconds: it goes on by itself once the chair admits it (covey "
            "status shows it)",
            field_text(answer, "space"), wait_s);
    if (left)
        cli_progress(cli, "The request is left; the chair has to admit it.");
    return cli_answer(cli, answer, "space");
}

int run_join(struct cli *cli)
{
    char *ticket = without_spaces(cli_arg(cli, "TICKET"));
    long wait_s = cli_number(cli, "wait", 0);
    json_t *answer = NULL;
    int exit = check_ticket(cli, ticket);

    if (exit == CLI_DONE && wait_s != 0)
        cli_progress(cli,
                     "Asking to be let in, and waiting at most %ld seconds.",
                     wait_s);
    if (exit == CLI_DONE)
        exit = post_join(cli, ticket, wait_s, &answer);
    if (exit == CLI_DONE)
        exit = say_joined(cli, answer, wait_s);
    json_decref(answer);
    free(ticket);
    return exit;
}

/* ---- waiting for a frontier ---- */

static bool is_head(const json_t *item)
{
    return text_is_hex(field_text(item, "author"), 64) &&
           text_is_hex(field_text(item, "incarnation"), 16) &&
           text_is_hex(field_text(item, "hash"), 64) &&
           field_number(item, "number") > 0;
}

static int read_frontier(struct cli *cli, json_t **out)
{
    json_error_t where;
    json_t *frontier = json_loads(cli_arg(cli, "frontier"), 0, &where);
    size_t i;
    json_t *item;

    if (frontier == NULL)
        return trouble_misused(&cli->trouble,
                               "--frontier is not JSON: %s in line %d",
                               where.text, where.line);
    if (!json_is_array(frontier))
        goto malformed;
    json_array_foreach(frontier, i, item)
    {
        if (!is_head(item))
            goto malformed;
    }
    *out = frontier;
    return CLI_DONE;

malformed:
    json_decref(frontier);
    return trouble_misused(
        &cli->trouble,
        "--frontier must be what covey status --json calls a space's frontier: "
        "[{\"author\": 64 hex digits, \"incarnation\": 16, \"number\": N, "
        "\"hash\": 64}]");
}

/* A space that was just asked for is not in the list yet: its id will do. */
static int find_space(struct cli *cli, char id[SPACE_DIGITS + 1])
{
    const char *text = cli_arg(cli, "SPACE");
    int exit = lookup_space(cli, text, id);

    if (exit != CLI_FAILED || strcmp(cli->trouble.code, "not-found") != 0 ||
        !text_is_hex(text, SPACE_DIGITS))
        return exit;

    char *lower = text_fold(text);

    memcpy(id, lower, SPACE_DIGITS + 1);
    free(lower);
    return CLI_DONE;
}

int run_wait(struct cli *cli)
{
    char id[SPACE_DIGITS + 1];
    long timeout_s = cli_number(cli, "timeout", 0);
    json_t *frontier = NULL;
    json_t *answer = NULL;
    int exit = read_frontier(cli, &frontier);

    if (exit != CLI_DONE)
        return exit;
    exit = find_space(cli, id);
    if (exit != CLI_DONE) {
        json_decref(frontier);
        return exit;
    }

    char *path = text_make("/api/spaces/%s/wait", id);

    exit =
        client_call(cli,
                    &(struct client_call){
                        .method = "POST",
                        .path = path,
                        .body = json_pack("{s:o,s:I}", "frontier", frontier,
                                          "timeout_s", (json_int_t)timeout_s),
                        .wait_s = timeout_s},
                    &answer);
    if (exit == CLI_DONE)
        cli_json(cli, answer);
    json_decref(answer);
    free(path);
    return exit;
}
