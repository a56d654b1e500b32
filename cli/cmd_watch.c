/* Changes as they happen, until somebody interrupts. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/handlers.h"
#include "cli/lookup.h"
#include "cli/table.h"

struct watch {
    struct cli *cli;
    json_t *spaces;
    char *why; /* the daemon's last word before it ends the stream */
};

/* To be interrupted is how a watch ends; all it knew is printed already. */
static void on_signal(int number)
{
    (void)number;
    _exit(CLI_DONE);
}

static void end_on_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};

    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static const char *done_to(const json_t *event)
{
    static const char *const words[][2] = {{"insert", "written"},
                                           {"update", "changed"},
                                           {"delete", "deleted"},
                                           {"conflict", "in conflict"}};
    const char *change = field_text(event, "change");

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(change, words[i][0]) == 0)
            return words[i][1];
    }
    return change;
}

static void print_event(struct watch *w, const json_t *event)
{
    static const struct column space = {.field = "space",
                                        .render = RENDER_SPACE};
    char *moment = moment_write(time(NULL));
    char *where = column_write(&space, event, w->spaces);
    char *line;

    if (field_is_true(event, "many"))
        line = text_make("%s  many rows changed at once", moment);
    else
        line = text_make("%s  %s %s %s  %s", moment, field_text(event, "table"),
                         done_to(event), field_text(event, "id"), where);

    char *safe = text_safe(line, false);

    cli_say("%s", safe);
    free(moment);
    free(where);
    free(line);
    free(safe);
}

static void on_event(void *ctx, const char *data)
{
    struct watch *w = ctx;
    json_t *event = json_loads(data, 0, NULL);

    if (field_is_set(event, "why")) {
        free(w->why);
        w->why = text_copy(field_text(event, "why"));
    } else if (event != NULL && !cli_json(w->cli, event)) {
        print_event(w, event);
    }
    json_decref(event);
    if (fflush(stdout) != 0)
        _exit(CLI_FAILED); /* whoever read it is gone */
}

int run_watch(struct cli *cli)
{
    struct watch w = {.cli = cli};
    int exit = cli->json ? CLI_DONE : lookup_spaces(cli, &w.spaces);

    end_on_signals();
    if (exit == CLI_DONE)
        exit = client_events(cli, "/api/events", on_event, &w);
    if (w.why != NULL)
        exit = trouble_set(&cli->trouble, CLI_FAILED, "failed",
                           "the daemon ended the stream of changes: %s", w.why);
    json_decref(w.spaces);
    free(w.why);
    return exit;
}
