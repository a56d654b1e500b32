/* The command line, as it reads what a daemon answers: this one's, another
 * version's, or whatever listens where a daemon should.
 *
 * client.h's calls are made here, in place of those over the socket: each takes
 * its answer from the input.  The first byte is the verb, the second asks for
 * JSON; then for each call two bytes of HTTP status, two of length, the body.
 *
 * Whatever the answers: the verb ends with one of its three exit codes, has
 * said why where that is not 0, and leaks nothing. */
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "tests/fuzz/fuzz.h"

#define ID "018f3a5b7c2de91f0044aa6b0c1d2e3f40516273"
#define KEY "5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c"

static struct fuzz_in answers;

/* Words with | between. */
static const char *const verbs[] = {
    "status",
    "address",
    "space|list",
    "space|create|North",
    "space|show|North",
    "space|requests|North",
    "space|admit|North|1",
    "space|carrier|North|" KEY "@relay.example:1",
    "member|list|North",
    "invite|North",
    "join|covey1AXO",
    "priority|list",
    "priority|list|--space|North",
    "priority|show|" ID,
    "priority|add|--title|Reading|--lead|Birch",
    "priority|set|" ID "|--status|done|--lead|123456",
    "action|list",
    "action|show|" ID,
    "action|delete|" ID,
    "comment|add|" ID "|words",
    "comment|list|" ID,
    "share|" ID "|North",
    "log|North|--row|" ID,
    "sql|SELECT 1",
    "watch",
    "wait|North|--frontier|[]|--timeout|1",
    "peer|list",
    "peer|add|" KEY "@birch.example:1",
    "carry|allow|" KEY,
    "carry|list",
};
#define VERBS (sizeof verbs / sizeof verbs[0])

/* ---- client.h, without a socket ---- */

static int answer(struct cli *cli, json_t **out)
{
    uint16_t status = fuzz_u16(&answers);
    struct covey_bytes body = fuzz_piece(&answers);

    return client_answer(cli, status, (const char *)body.p, body.len, out);
}

int client_call(struct cli *cli, const struct client_call *call, json_t **out)
{
    json_decref(call->body);
    return answer(cli, out);
}

int client_get(struct cli *cli, json_t **out, const char *format, ...)
{
    (void)format;
    return answer(cli, out);
}

int client_list(struct cli *cli, json_t **out, const char *format, ...)
{
    return client_as_list(cli, client_get(cli, out, "%s", format), out);
}

int client_events(struct cli *cli, const char *path, client_event_fn event,
                  void *ctx)
{
    struct event_reader reader = {.event = event, .ctx = ctx};

    (void)path;
    while (answers.left > 0) {
        struct covey_bytes bytes = fuzz_take(&answers, fuzz_u8(&answers));

        event_reader_feed(&reader, (const char *)bytes.p, bytes.len);
    }
    event_reader_clear(&reader);
    return trouble_set(&cli->trouble, CLI_FAILED, "failed", "it ended");
}

/* ---- a verb ---- */

static void one(struct covey_bytes in)
{
    char words[300];
    char *argv[16], *state = NULL;
    int argc = 0;

    answers = fuzz_in(in);

    const char *verb = verbs[fuzz_u8(&answers) % VERBS];
    const char *json = fuzz_u8(&answers) % 2 ? "|--json" : "";

    snprintf(words, sizeof words, "covey|--data=/nowhere%s|%s", json, verb);
    for (char *word = strtok_r(words, "|", &state); word != NULL;
         word = strtok_r(NULL, "|", &state))
        argv[argc++] = word;
    int exit = cli_run(argc, argv);
    CHECK(exit >= CLI_DONE && exit <= CLI_MISUSED);
}

const struct fuzz_target fuzz_target = {.setup = fuzz_quiet, .one = one};
