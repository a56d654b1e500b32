/* One screen: what is wrong first, then the spaces and the peers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/handlers.h"
#include "cli/peers.h"
#include "cli/table.h"

#define CLOCKS_APART_MS 120000 /* two machines' clocks: worth a word */

static const struct column peer_columns[] = {
    {.head = "Name", .field = "name", .empty = "(not known)"},
    {.head = "State", .field = "state"},
    {.head = "Behind", .field = "behind", .render = RENDER_NUMBER},
    {.head = "Last heard", .field = "last_heard_s", .render = RENDER_AGO},
    {.head = "Sent", .field = "sent_bytes", .render = RENDER_BYTES},
    {.head = "Received", .field = "received_bytes", .render = RENDER_BYTES},
    {.head = "Address", .field = "address"},
    {.head = "Key", .field = "key"},
};

const struct table_view peer_view = {
    peer_columns, sizeof peer_columns / sizeof peer_columns[0],
    "This node knows no other: add one with covey peer add, or join a space "
    "with a ticket."};

static const struct column space_columns[] = {
    {.head = "Name", .field = "name", .empty = "(only carried)"},
    {.head = "Kind", .field = "kind"},
    {.head = "Role here", .field = "role"},
    {.head = "Members", .field = "members", .render = RENDER_NUMBER},
    {.head = "Carriers", .field = "carriers", .render = RENDER_NUMBER},
    {.head = "Rows", .field = "rows", .render = RENDER_NUMBER},
    {.head = "Change sets", .field = "change_sets", .render = RENDER_NUMBER},
    {.head = "Id", .field = "id"},
};

/* ---- what is wrong ---- */

/* A number of a space's that should be 0, and what to say when it is not. */
static const struct {
    const char *field;
    const char *one, *many;
    const char *text;
} alarms[] = {
    {"unsealed", "row is", "rows are",
     "written, but not sealed and sent yet: that takes a moment while the "
     "daemon runs"},
    {"waiting", "change set waits", "change sets wait",
     "for an epoch, a certificate or an upgrade of covey here"},
    {"conflicts", "value stands", "values stand",
     "beside another that was written at the same time: covey priority show "
     "and covey action show tell which"},
    {"void", "change set is", "change sets are",
     "kept without effect: covey log says why"},
};

static void add_alarm(struct text *out, const char *words)
{
    char *safe = text_safe(words, false);
    char *wrapped = text_wrap(safe, 4);

    text_addf(out, "  - %s\n", wrapped);
    free(safe);
    free(wrapped);
}

static void add_alarm_taken(struct text *out, char *words)
{
    add_alarm(out, words);
    free(words);
}

static const char *name_of(const json_t *space)
{
    const char *name = field_text(space, "name");

    return *name == '\0' ? field_text(space, "id") : name;
}

static void add_stale(struct text *out, const json_t *space)
{
    const json_t *stale = json_object_get(space, "stale");
    size_t i;
    json_t *item;

    json_array_foreach(stale, i, item)
    {
        const char *who = json_is_string(item) ? json_string_value(item)
                                               : field_text(item, "name");

        add_alarm_taken(out, text_make("%s: no news of %s", name_of(space),
                                       *who == '\0' ? "a member" : who));
    }
}

static void add_of_space(struct text *out, const json_t *space)
{
    for (size_t i = 0; i < sizeof alarms / sizeof alarms[0]; i++) {
        int64_t count = field_number(space, alarms[i].field);

        if (count == 0)
            continue;

        char *counted = count_write(count, alarms[i].one, alarms[i].many);

        add_alarm_taken(out, text_make("%s: %s %s", name_of(space), counted,
                                       alarms[i].text));
        free(counted);
    }
    add_stale(out, space);
}

static bool anyone_connected(const json_t *peers)
{
    size_t i;
    json_t *peer;

    json_array_foreach(peers, i, peer)
    {
        if (strcmp(field_text(peer, "state"), "connected") == 0)
            return true;
    }
    return false;
}

static void add_of_node(struct text *out, const json_t *status)
{
    const json_t *peers = json_object_get(status, "peers");
    int64_t apart_ms = field_number(status, "clock_offset_ms");

    if (field_is_set(status, "altered"))
        add_alarm(out, field_text(status, "altered"));
    if (field_is_set(status, "locked_s"))
        add_alarm_taken(
            out, text_make("another program has kept the record locked for "
                           "%lld s: close it, or end its transaction; until "
                           "then nothing can be written",
                           (long long)field_number(status, "locked_s")));
    if (json_array_size(peers) != 0 && !anyone_connected(peers))
        add_alarm(out, "no other node is connected: what is written here stays "
                       "here until one is");
    if (apart_ms > CLOCKS_APART_MS || apart_ms < -CLOCKS_APART_MS)
        add_alarm_taken(
            out, text_make("this machine's clock and a peer's differ by %lld "
                           "minutes: set this machine's time",
                           (long long)(llabs(apart_ms) / 60000)));
}

static char *alarms_write(const json_t *status)
{
    const json_t *spaces = json_object_get(status, "spaces");
    struct text out = {.p = NULL};
    size_t i;
    json_t *space;

    add_of_node(&out, status);
    json_array_foreach(spaces, i, space)
    {
        add_of_space(&out, space);
    }
    return text_take(&out);
}

/* ---- the screen ---- */

static void print_self(const json_t *status)
{
    char *name = text_safe(field_text(status, "name"), false);
    char *size = bytes_write(field_number(status, "size_bytes"));
    int64_t strangers = field_number(status, "strangers");

    cli_say("%s", name);
    cli_say("  member  %s", field_text(status, "member"));
    cli_say("  node    %s", field_text(status, "node"));
    cli_say("  record  %s", size);
    if (strangers != 0)
        cli_say("  turned away at the door: %lld", (long long)strangers);
    free(name);
    free(size);
}

static void print_table(const char *head, const struct table_view *view,
                        const json_t *list)
{
    cli_say("\n%s", head);
    if (json_array_size(list) == 0) {
        cli_say("%s", view->none);
        return;
    }

    char *text = table_write(view->columns, view->count, list, NULL);

    fputs(text, stdout);
    free(text);
}

int run_status(struct cli *cli)
{
    static const struct table_view space_view = {
        space_columns, sizeof space_columns / sizeof space_columns[0],
        "None yet: make one with covey space create, or join one with a "
        "ticket."};
    json_t *status = NULL;
    int exit = client_get(cli, &status, "/api/status");

    if (exit != CLI_DONE || cli_json(cli, status))
        goto end;

    char *wrong = alarms_write(status);

    print_self(status);
    if (*wrong == '\0')
        cli_say("\nNothing needs attention.");
    else
        cli_say("\nNeeds attention:\n%.*s", (int)strlen(wrong) - 1, wrong);
    free(wrong);
    print_table("Spaces", &space_view, json_object_get(status, "spaces"));
    print_table("Peers", &peer_view, json_object_get(status, "peers"));
end:
    json_decref(status);
    return exit;
}
