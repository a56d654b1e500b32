/* Spaces: make, list, show; who is in, who asks, who carries. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/handlers.h"
#include "cli/lookup.h"
#include "cli/table.h"

#define COLUMNS(array)                                                         \
    .columns = (array), .count = sizeof(array) / sizeof *(array)

static const struct column space_columns[] = {
    {.head = "Name", .field = "name", .empty = "(only carried)"},
    {.head = "Kind", .field = "kind"},
    {.head = "Role here", .field = "role"},
    {.head = "Members", .field = "members", .render = RENDER_NUMBER},
    {.head = "Rows", .field = "rows", .render = RENDER_NUMBER},
    {.head = "Id", .field = "id"},
};

static const struct column request_columns[] = {
    {.head = "Request",
     .field = "request",
     .instead = "id",
     .render = RENDER_NUMBER},
    {.head = "Name", .field = "name", .empty = "(not opened yet)"},
    {.head = "Fingerprint", .field = "fingerprint"},
};

static const struct column member_columns[] = {
    {.head = "Name", .field = "name"},
    {.head = "Role", .field = "role"},
    {.head = "Kind", .field = "kind"},
    {.head = "URN", .field = "urn", .render = RENDER_URN},
    {.head = "Still in", .field = "present"},
    {.head = "Id", .field = "id"},
};

int run_space_create(struct cli *cli)
{
    const char *kind = cli_arg(cli, "kind");
    const char *admit = cli_arg(cli, "admit");
    json_t *answer = NULL;
    int exit = client_call(
        cli,
        &(struct client_call){
            .method = "POST",
            .path = "/api/spaces",
            .body = json_pack("{s:s,s:s,s:s}", "name", cli_arg(cli, "NAME"),
                              "kind", kind == NULL ? "cluster" : kind, "admit",
                              admit == NULL ? "ask" : admit)},
        &answer);

    if (exit == CLI_DONE)
        exit = cli_answer(cli, answer, "id");
    json_decref(answer);
    return exit;
}

int run_space_list(struct cli *cli)
{
    static const struct table_view view = {
        COLUMNS(space_columns),
        .none = "This node is in no space yet: make one with covey space "
                "create, or join one with a ticket."};
    json_t *spaces = NULL;
    int exit = lookup_spaces(cli, &spaces);

    if (exit == CLI_DONE)
        exit = table_show(cli, &view, spaces, NULL);
    json_decref(spaces);
    return exit;
}

/* GET /api/spaces/SPACE and what follows it. */
static int get_of_space(struct cli *cli, const char *tail, json_t **out)
{
    char id[SPACE_DIGITS + 1];
    int exit = lookup_space(cli, cli_arg(cli, "SPACE"), id);

    if (exit != CLI_DONE)
        return exit;
    return client_get(cli, out, "/api/spaces/%s%s", id, tail);
}

/* A list under a space, as a table. */
static int list_of_space(struct cli *cli, const char *tail,
                         const struct table_view *view)
{
    json_t *list = NULL;
    int exit = get_of_space(cli, tail, &list);

    if (exit == CLI_DONE)
        exit = json_is_array(list) ? table_show(cli, view, list, NULL)
                                   : cli_odd_answer(cli);
    json_decref(list);
    return exit;
}

int run_space_show(struct cli *cli)
{
    json_t *space = NULL;
    int exit = get_of_space(cli, "", &space);

    if (exit == CLI_DONE && !cli_json(cli, space)) {
        char *text = details_write(space);

        fputs(text, stdout);
        free(text);
    }
    json_decref(space);
    return exit;
}

int run_space_requests(struct cli *cli)
{
    static const struct table_view view = {COLUMNS(request_columns),
                                           .none = "Nobody asks to be let in."};

    return list_of_space(cli, "/requests", &view);
}

int run_member_list(struct cli *cli)
{
    static const struct table_view view = {
        COLUMNS(member_columns),
        .none = "Who is in this space cannot be read here."};

    return list_of_space(cli, "/members", &view);
}

/* POST to /api/spaces/SPACE and what follows it; takes body. */
static int post_to_space(struct cli *cli, const char *tail, json_t *body,
                         json_t **out)
{
    char id[SPACE_DIGITS + 1];
    int exit = lookup_space(cli, cli_arg(cli, "SPACE"), id);

    if (exit != CLI_DONE) {
        json_decref(body);
        return exit;
    }

    char *path = text_make("/api/spaces/%s%s", id, tail);

    exit = client_call(
        cli,
        &(struct client_call){.method = "POST", .path = path, .body = body},
        out);
    free(path);
    return exit;
}

int run_space_admit(struct cli *cli)
{
    json_t *answer = NULL;
    int exit =
        post_to_space(cli, "/admissions",
                      json_pack("{s:I}", "request",
                                (json_int_t)cli_number(cli, "REQUEST", 0)),
                      &answer);

    if (exit == CLI_DONE)
        exit = cli_answer(cli, answer, "member");
    json_decref(answer);
    return exit;
}

int run_space_carrier(struct cli *cli)
{
    static const char *const said[][2] = {
        {"carried", "The relay carries the space."},
        {"waiting", "The relay holds the request for whoever keeps it to "
                    "accept (there: covey carry allow); this node goes on "
                    "asking by itself."},
        {"asked", "The relay has not answered yet; this node goes on asking "
                  "by itself."},
    };
    json_t *answer = NULL;
    int exit = post_to_space(
        cli, "/carriers",
        json_pack("{s:s}", "address", cli_arg(cli, "KEY@HOST:PORT")), &answer);

    if (exit != CLI_DONE || cli_json(cli, answer))
        goto end;
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        if (strcmp(field_text(answer, "state"), said[i][0]) != 0)
            continue;
        cli_say("%s", said[i][1]);
        goto end;
    }
    exit = cli_odd_answer(cli);
end:
    json_decref(answer);
    return exit;
}

int run_invite(struct cli *cli)
{
    const char *role = cli_arg(cli, "role");
    json_t *answer = NULL;
    int exit = post_to_space(
        cli, "/invites",
        json_pack("{s:s}", "role", role == NULL ? "school" : role), &answer);

    if (exit == CLI_DONE)
        exit = cli_answer(cli, answer, "ticket");
    json_decref(answer);
    return exit;
}
