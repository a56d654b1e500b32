/* node.h - proto and store joined: one member's node, stepped.
 *
 * Events go in (bytes, connections, requests, time), effects come out.  It
 * opens no socket and reads no clock, so the daemon and the simulator drive the
 * same code.  It owns the record and may wait for the disk: the daemon runs it
 * on a thread of its own.
 *
 * What one or many events wrote is committed by node_flush(), and only then
 * are acknowledgements, answers and live change sets to be had as effects: a
 * group commit is whatever came in between two flushes. */
#ifndef COVEY_DAEMON_NODE_H
#define COVEY_DAEMON_NODE_H

#include "proto/base.h"
#include "proto/identity.h"
#include "store/api.h"
#include "store/query.h"

#define NODE_DIALS_MAX 64u         /* --dial options */
#define NODE_CONNECTIONS_MAX 4096u /* sessions in all */
#define NODE_STRANGERS_MAX 64u     /* of them before authentication */
#define NODE_WAITERS_MAX 256u      /* requests that wait for something */
#define NODE_GROUP_BYTES 2097152u  /* a group commit takes in no more */

struct node;

/* Both clocks, read once per event by whoever drives. */
struct node_clock {
    covey_time now;   /* monotonic, stands still while the machine sleeps */
    uint64_t wall_ms; /* since 1970 UTC, as the machine believes */
};

struct node_config {
    const char *dir;
    struct node_secrets secrets;
    struct seed seed;         /* all its randomness comes from this */
    bool carry_all;           /* accept every request to carry */
    const char *advertise;    /* HOST:PORT that others dial; NULL: none */
    const char *const *dials; /* KEY@HOST:PORT */
    size_t dial_count;
};

/* A parsed request of the API. */
struct node_request {
    uint64_t id; /* the driver's; comes back with the reply */
    const struct api_route *route;
    const struct query_param *params; /* path, query and ":body" */
    size_t param_count;
};

enum node_event_kind {
    NODE_EV_TICK,      /* node_deadline() was reached */
    NODE_EV_ACCEPTED,  /* .conn: a peer dialled us; the driver chose the id,
                        * an even number never used before */
    NODE_EV_CONNECTED, /* .conn: what NODE_FX_DIAL asked for is there */
    NODE_EV_LOST,      /* .conn: gone, or the dial failed */
    NODE_EV_BYTES,     /* .conn .bytes: arrived, in order */
    NODE_EV_REQUEST,   /* .request */
    NODE_EV_GONE,      /* .request_id: whoever asked has hung up */
    NODE_EV_OUTSIDE,   /* the WAL file changed: perhaps another program wrote */
};

struct node_event {
    enum node_event_kind kind;
    uint64_t conn;
    struct covey_bytes bytes;
    const struct node_request *request;
    uint64_t request_id;
};

enum node_effect_kind {
    NODE_FX_DIAL,    /* .conn (odd) .at (HOST:PORT) */
    NODE_FX_OUTPUT,  /* .conn: has bytes for node_output() */
    NODE_FX_KNOWN,   /* .conn: authenticated; once, and no stranger any more */
    NODE_FX_CLOSE,   /* .conn: send what node_output() still gives, close */
    NODE_FX_REPLY,   /* .request_id .status (HTTP) .text (JSON) */
    NODE_FX_CHANGES, /* .text: change events, JSON, one a line */
    NODE_FX_FATAL, /* .rc .text: stop the process; the disk or we are broken */
};

struct node_effect {
    enum node_effect_kind kind;
    uint64_t conn;
    uint64_t request_id;
    int status;
    enum covey_rc rc;
    const char *at;
    struct covey_bytes text; /* valid until the next call but node_output() */
};

/* Open the record in config->dir.  why is filled on failure. */
COVEY_MUST_USE enum covey_rc node_open(const struct node_config *config,
                                       struct node_clock clock,
                                       struct node **out,
                                       struct covey_why *why);
/* Say goodbye on every session (NODE_FX_OUTPUT and NODE_FX_CLOSE follow). */
void node_stop(struct node *node, struct node_clock clock);
void node_free(struct node *node); /* NULL allowed */

/* One event.  Never fails: what goes wrong becomes a reply, a closed session or
 * NODE_FX_FATAL. */
void node_event(struct node *node, const struct node_event *event,
                struct node_clock clock);
/* True when this much has been taken in that a flush is due now. */
bool node_flush_due(const struct node *node);
/* Commit, sign, acknowledge, push.  To be called after each run of events. */
void node_flush(struct node *node, struct node_clock clock);
/* The next effect, false when there is none.  Take all after each flush. */
bool node_effect(struct node *node, struct node_effect *out);
/* Bytes to send on a connection: at most cap, returns how many. */
size_t node_output(struct node *node, uint64_t conn, uint8_t *dst, size_t cap);
/* When to send NODE_EV_TICK; COVEY_TIME_NEVER. */
covey_time node_deadline(const struct node *node);

/* The port that the driver listens on is known now (port 0 picked one): sets
 * what others are told to dial where config had no advertise. */
void node_listening(struct node *node, const char *host_port);

/* The HTTP status that stands for a result code: in replies and at the door. */
int node_status_of(enum covey_rc rc);

/* Counters for status that the driver keeps: strangers refused at the door,
 * since it last told. */
void node_note_strangers(struct node *node, uint64_t refused);

#endif
