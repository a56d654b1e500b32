/* Nodes: how others reach this one, whom it dials, for whom it carries. */
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/handlers.h"
#include "cli/lookup.h"
#include "cli/peers.h"
#include "cli/table.h"

int run_address(struct cli *cli)
{
    json_t *answer = NULL;
    int exit = client_get(cli, &answer, "/api/address");

    if (exit == CLI_DONE && !cli->json && !field_is_set(answer, "address"))
        exit = trouble_set(
            &cli->trouble, CLI_FAILED, "not-found",
            "nobody can dial this node: start coveyd with --listen ADDR:PORT, "
            "and with --advertise HOST:PORT where others see it under another "
            "address (a school behind NAT needs neither, if it has a relay); "
            "its key is %s",
            field_text(answer, "key"));
    else if (exit == CLI_DONE)
        exit = cli_answer(cli, answer, "address");
    json_decref(answer);
    return exit;
}

int run_peer_list(struct cli *cli)
{
    json_t *peers = NULL;
    int exit = client_list(cli, &peers, "/api/peers");

    if (exit == CLI_DONE)
        exit = table_show(cli, &peer_view, peers, NULL);
    json_decref(peers);
    return exit;
}

int run_peer_add(struct cli *cli)
{
    json_t *answer = NULL;
    int exit = client_call(
        cli,
        &(struct client_call){.method = "POST",
                              .path = "/api/peers",
                              .body = json_pack("{s:s}", "address",
                                                cli_arg(cli, "KEY@HOST:PORT"))},
        &answer);

    if (exit == CLI_DONE)
        exit = cli_answer(cli, answer, "key");
    json_decref(answer);
    return exit;
}

/* ---- at a relay ---- */

static const struct column carry_columns[] = {
    {.head = "State", .field = "state"},
    {.head = "Space", .field = "space"},
    {.head = "Node's key", .field = "key"},
};

int run_carry_list(struct cli *cli)
{
    static const struct table_view view = {
        carry_columns, sizeof carry_columns / sizeof carry_columns[0],
        "Nothing was allowed one by one, and nobody waits for it."};
    json_t *carries = NULL;
    int exit = client_list(cli, &carries, "/api/carries");

    if (exit == CLI_DONE)
        exit = table_show(cli, &view, carries, NULL);
    json_decref(carries);
    return exit;
}

int run_carry_allow(struct cli *cli)
{
    char *allow = text_fold(cli_arg(cli, "SPACE-OR-KEY"));
    json_t *answer = NULL;
    int exit = client_call(
        cli,
        &(struct client_call){.method = "POST",
                              .path = "/api/carries",
                              .body = json_pack("{s:s}", "allow", allow)},
        &answer);

    free(allow);
    if (exit == CLI_DONE && !cli_json(cli, answer))
        cli_say("This node now carries %s.",
                strlen(field_text(answer, "allowed")) == SPACE_DIGITS
                    ? "that space"
                    : "whatever that node asks it to");
    json_decref(answer);
    return exit;
}
