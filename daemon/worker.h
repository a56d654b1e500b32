/* worker.h - the node on a thread of its own, and the two queues between.
 *
 *   loop --- bytes, connections, requests ---> worker ---> node
 *   loop <-- notes: what the node wants done -- worker <--- effects
 *
 * The loop never waits: it puts and goes on.  The worker takes all that is
 * there, hands it to the node, flushes once, and puts the effects; what came
 * meanwhile is the next group commit.
 *
 * Both queues are bounded, though neither refuses.  Inward: what a connection
 * sent is told back in WORKER_TAKEN, and whoever reads its socket stops at a
 * limit; of all else there is at most one a connection or request.  Outward:
 * bytes are pulled from the node only while less than WORKER_SENDING_MAX of
 * that connection are unsent; and past WORKER_NOTES_MAX the worker waits. */
#ifndef COVEY_DAEMON_WORKER_H
#define COVEY_DAEMON_WORKER_H

#include <uv.h>

#include "daemon/node.h"
#include "daemon/routes.h"

#define WORKER_SENDING_MAX 4194304u /* bytes of a connection on their way */
#define WORKER_CHUNK_MAX 262144u    /* bytes of one WORKER_SEND */
#define WORKER_NOTES_MAX 67108864u  /* bytes of notes not yet read */

enum worker_note_kind {
    WORKER_DIAL,    /* .id, .bytes: HOST:PORT */
    WORKER_SEND,    /* .id .bytes; worker_sent() when it is gone */
    WORKER_KNOWN,   /* .id: authenticated */
    WORKER_CLOSE,   /* .id: after what was to be sent */
    WORKER_TAKEN,   /* .id .count: bytes of worker_bytes() that the node has */
    WORKER_REPLY,   /* .id (of the request) .status .bytes: JSON */
    WORKER_CHANGES, /* .bytes: change events, one a line */
    WORKER_LOOKED,  /* a worker_outside() was served */
    WORKER_FATAL,   /* .rc .bytes: why; WORKER_STOPPED follows */
    WORKER_STOPPED, /* the last one: the node is freed */
};

struct worker_note {
    struct worker_note *next;
    enum worker_note_kind kind;
    uint64_t id;
    size_t count;
    int status;
    enum covey_rc rc;
    size_t len;
    uint8_t bytes[]; /* a NUL behind */
};

/* Called on the loop for each note, in order; takes it (free() it). */
typedef void (*worker_note_fn)(void *ctx, struct worker_note *note);

struct worker;

/* Start the thread; takes the node.  Notes come while the loop runs. */
COVEY_MUST_USE enum covey_rc worker_start(uv_loop_t *loop, struct node *node,
                                          worker_note_fn fn, void *ctx,
                                          struct worker **out);
/* Ask it to end: what is in the queue is done, every peer told goodbye. */
void worker_stop(struct worker *w);
/* After WORKER_STOPPED.  Closes its handle and frees when that is closed. */
void worker_free(struct worker *w);

/* Connections.  Nothing is passed on for an id after its WORKER_CLOSE or
 * worker_lost(). */
void worker_accepted(struct worker *w, uint64_t id);
void worker_connected(struct worker *w, uint64_t id);
void worker_lost(struct worker *w, uint64_t id);
void worker_bytes(struct worker *w, uint64_t id, struct covey_bytes bytes);
void worker_sent(struct worker *w, uint64_t id, size_t len);

/* Requests; takes the match.  One WORKER_REPLY, unless worker_gone() came
 * first: then perhaps none. */
void worker_request(struct worker *w, uint64_t id, struct route_match *match);
void worker_gone(struct worker *w, uint64_t id);

void worker_outside(struct worker *w);
void worker_strangers(struct worker *w, uint64_t refused);

/* What a node is told: both clocks, now. */
struct node_clock worker_clock(void);

#endif
