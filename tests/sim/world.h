/* world.h - many hosts, the network between them, and one clock for all.
 *
 * A host is a computer with a node on it.  Everything happens as an event of
 * one queue; nothing reads a clock or draws chance but from the world's seed.
 * One world at a time: SQLite and libsodium are the process's. */
#ifndef COVEY_TESTS_SIM_WORLD_H
#define COVEY_TESTS_SIM_WORLD_H

#include <jansson.h>

#include "daemon/idmap.h"
#include "daemon/node.h"
#include "tests/sim/dice.h"
#include "tests/sim/machine.h"
#include "tests/sim/network.h"
#include "tests/sim/queue.h"
#include "tests/sim/trace.h"

#define WORLD_HOSTS_MAX NETWORK_HOSTS_MAX
#define WORLD_MINUTE (60 * COVEY_SECOND)
#define WORLD_HOUR (60 * WORLD_MINUTE)
#define WORLD_DAY (24 * WORLD_HOUR)

struct world;

/* Software of somebody's own, in the place of a node: a member that lies.  It
 * has what a node has, events and bytes to send, and dials by network_dial(),
 * sends by network_pull() and hangs up by network_close().  Its keys are the
 * host's secrets; its record, which the host's node made before, is its own to
 * write. */
struct host_guest {
    void *ctx;
    void (*event)(void *ctx, struct world *w, size_t i,
                  const struct node_event *event);
    size_t (*output)(void *ctx, uint64_t conn, uint8_t *dst, size_t cap);
};

struct host {
    char name[24];
    struct node_secrets secrets;
    bool listens;  /* can be dialled; else it only dials out */
    bool carries;  /* a relay: it carries whatever it is asked to */
    bool off;      /* without power, or about to go down */
    bool gone;     /* for good: it never starts again */
    bool bad_disk; /* its disk was made to fail: it may end itself */
    bool doomed;   /* it goes down with its next commit ... */
    enum machine_end doom;
    covey_time boot_wait; /* ... and comes back after this; 0: it stays down */
    struct dice dice;

    bool older; /* its covey is of a version that does not know comments */
    bool lies;  /* what it signs proves nothing about honest nodes: a guest's,
                 * or one of two copies */
    const struct host_guest *guest; /* NULL: none; else there is no node */
    struct node *node;              /* NULL: down */
    uint64_t run;                   /* starts so far */
    uint64_t next_conn, next_request;
    struct idmap wires; /* of this run, by the node's number for them */
    covey_time tick_at;
    uint64_t tick; /* the newest tick asked for; older ones are nothing */
    bool turn_due;

    covey_time slept;        /* in all: its monotonic clock stood still */
    covey_time asleep_until; /* 0: awake */
    int64_t offset_ms;       /* how wrong its wall clock is */

    covey_time commit_wait; /* from an event to the commit of it */
    covey_time delay;       /* of its line, one way */
    uint32_t line_bytes_s;  /* 0: as fast as one likes */
};

struct world {
    uint64_t seed;
    covey_time now; /* true time */
    struct queue queue;
    struct trace trace;
    struct dice dice;
    struct host hosts[WORLD_HOSTS_MAX];
    size_t host_count;
    struct network net;

    /* Who acts upon events of the kinds that are not the world's own. */
    void (*on_event)(struct world *w, const struct event *e);
    /* A node answered a request (not one of world_call()'s). */
    void (*on_reply)(struct world *w, size_t i, uint64_t request, int status,
                     struct covey_bytes text);
    /* A host has started; it is about to go down. */
    void (*on_up)(struct world *w, size_t i);
    void (*on_down)(struct world *w, size_t i);
    void *user;
    const char *secret; /* words that must never be on a wire; NULL */

    /* The request that world_call() waits for. */
    size_t call_host;
    uint64_t call_request;
    bool call_answered;
    int status;
    json_t *reply;

    char failed[400]; /* what is wrong with this world; empty: nothing */
    uint64_t events, commits, wire_bytes;
};

struct host_plan {
    const char *name;
    bool listens, carries;
};

void world_init(struct world *w, uint64_t seed);
void world_clear(struct world *w);
/* The first failure stays; what comes after it says nothing. */
void world_fail(struct world *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void world_note(struct world *w, size_t i, enum trace_kind kind, uint64_t a,
                uint64_t b);
void world_after(struct world *w, covey_time wait, enum event_kind kind,
                 uint64_t a, uint64_t b);

/* Let `how_long` pass, or until it has failed. */
void world_run(struct world *w, covey_time how_long);
/* One event, if one is due by `until`; false when there is none. */
bool world_step(struct world *w, covey_time until);

/* A new member with keys and a record; not started yet.  Its number. */
size_t world_add(struct world *w, const struct host_plan *plan);

/* ---- host.c */

struct node_clock host_clock(const struct world *w, size_t i);
/* From here on SQLite's clock and chance are this host's. */
void host_enter(struct world *w, size_t i);
bool host_awake(const struct world *w, size_t i);
void host_boot(struct world *w, size_t i);
/* It goes down by itself, now: its power failed, or its disk. */
void host_doom(struct world *w, size_t i, enum machine_end how);
/* Has its power failed in the middle of what it did?  Then it is doomed. */
bool host_is_cut(struct world *w, size_t i);
void host_on_down(struct world *w, size_t i, enum machine_end how);
/* Without a goodbye. */
void host_down(struct world *w, size_t i, enum machine_end how);
void host_stop(struct world *w, size_t i); /* with one */
/* Is whose turn it is of an older version? */
bool host_is_older(void);
/* It gets the present version, with a restart if it runs. */
void host_upgrade(struct world *w, size_t i);
void host_sleep(struct world *w, size_t i, covey_time how_long);
void host_wake(struct world *w, size_t i); /* before its time */
void host_set_clock(struct world *w, size_t i, int64_t offset_ms);
/* From here on a guest runs there, in place of the node, which is down. */
void host_invite(struct world *w, size_t i, const struct host_guest *guest);
bool host_up(const struct world *w, size_t i); /* a node or a guest runs */
void host_event(struct world *w, size_t i, const struct node_event *event);
size_t host_output(struct world *w, size_t i, uint64_t conn, uint8_t *dst,
                   size_t cap);
void host_on_tick(struct world *w, size_t i, uint64_t tick);
void host_on_turn(struct world *w, size_t i, uint64_t run);
void host_on_wake(struct world *w, size_t i, uint64_t run);

/* ---- call.c */

/* A request as the daemon's door makes one of it: method and path of a route of
 * store/api.h ("PATCH", "/api/priorities/:id"), what the path's names stand
 * for, the body.  NULL: not given. */
struct world_request {
    const char *method, *path;
    const char *space, *id;
    const char *body;
};
/* Ask a node's API; the request's number, to be answered through on_reply. */
uint64_t world_request(struct world *w, size_t i,
                       const struct world_request *what);
/* Likewise for an action by its name ("join").  space and body (JSON) may be
 * NULL. */
uint64_t world_ask(struct world *w, size_t i, const char *action,
                   const char *space, const char *body);
/* The same, and let time pass until it is answered, a minute at most.  The
 * reply is borrowed until the next call; w->status is its status, 0 if none
 * came. */
json_t *world_call(struct world *w, size_t i, const char *action,
                   const char *space, const char *body);
/* The same; anything but success is a failure of the world. */
json_t *world_do(struct world *w, size_t i, const char *action,
                 const char *space, const char *body);
/* One SQL statement through the console. */
json_t *world_sql(struct world *w, size_t i, const char *statement);
uint64_t world_ask_sql(struct world *w, size_t i, const char *statement);

#endif
