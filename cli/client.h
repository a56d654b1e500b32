/* client.h - talks to the daemon's API over the Unix socket DIR/covey.sock. */
#ifndef COVEY_CLI_CLIENT_H
#define COVEY_CLI_CLIENT_H

#include "cli/cli.h"
#include "cli/text.h"

#define CLIENT_SOCKET "covey.sock"
#define CLIENT_PATH_MAX 107u         /* bytes of a Unix socket's path */
#define CLIENT_WAIT_S 60             /* an answer is there by then, or none */
#define CLIENT_ANSWER_MAX 268435456u /* bytes: 256 MiB */
#define CLIENT_REFUSED 400           /* and above: the answer says why not */

struct client_call {
    const char *method; /* "GET", "POST", "PATCH", "DELETE" */
    const char *path;   /* "/api/..." */
    json_t *body;       /* taken; NULL: none */
    long wait_s;        /* that the daemon may wait; the call waits longer */
    const char *during; /* a word on how it goes each 10 s of it; NULL: none */
};

/* Make one call.  *out is the caller's on CLI_DONE, and a JSON null where the
 * daemon answered nothing. */
int client_call(struct cli *cli, const struct client_call *call, json_t **out);
/* GET a path made like printf. */
int client_get(struct cli *cli, json_t **out, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for what is a list; anything else is an odd answer. */
int client_list(struct cli *cli, json_t **out, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Read server-sent events until the stream ends: each event's data, which is
 * borrowed.  Returns only on trouble. */
typedef void (*client_event_fn)(void *ctx, const char *data);
int client_events(struct cli *cli, const char *path, client_event_fn event,
                  void *ctx);

/* The pure parts of it.  What came with this HTTP status, read: *out as in
 * client_call(). */
int client_answer(struct cli *cli, long status, const char *p, size_t len,
                  json_t **out);
/* The outcome of a call whose answer must be a list. */
int client_as_list(struct cli *cli, int exit, json_t **out);
/* Feed bytes of a stream as they come. */
struct event_reader {
    client_event_fn event;
    void *ctx;
    struct text line; /* begun, not ended yet */
    struct text data; /* of the event so far */
};
void event_reader_feed(struct event_reader *r, const char *p, size_t len);
void event_reader_clear(struct event_reader *r);

#endif
