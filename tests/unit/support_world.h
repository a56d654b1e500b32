/* support_world.h - several nodes in one process, joined by byte pipes.
 *
 * Time is a count that nodes_run() moves on; nothing sleeps.  A node that
 * listens is dialled at "NAME:1", NAME its own. */
#ifndef COVEY_TESTS_WORLD_H
#define COVEY_TESTS_WORLD_H

#include <jansson.h>

#include "daemon/node.h"
#include "tests/sim/disk.h"

#define WORLD_NODES_MAX 8
#define WORLD_PIPES_MAX 64

struct nodes_node {
    char name[32];
    char dir[128];
    struct disk *disk; /* its own; NULL: it has none */
    struct node_secrets secrets;
    struct identity identity;
    bool listens;
    bool cut; /* reaches nobody and is reached by nobody */
    bool carry_all;
    struct node *node; /* NULL while it is down */
    uint64_t next_accept;
    uint64_t next_request;
    int status; /* of the newest reply */
    json_t *reply;
    uint64_t reply_id;
    enum covey_rc fatal_rc; /* COVEY_OK: it did not end itself */
    char fatal[256];
};

struct nodes_pipe {
    bool open;
    size_t node[2];
    uint64_t conn[2];
};

/* Whoever is no node of the world and dialled one all the same. */
struct nodes_visitor {
    bool open;
    size_t node;
    uint64_t conn;
    struct covey_buf heard;
};

/* Where the records lie. */
enum nodes_place {
    NODES_IN_FOLDERS, /* of the machine */
    NODES_ON_DISKS,   /* of tests/sim/disk.h, which the caller makes */
    NODES_OWN_DISKS,  /* the same, made and freed with the nodes */
};

struct world {
    char dir[64];
    enum nodes_place place;
    struct nodes_node nodes[WORLD_NODES_MAX];
    size_t count;
    struct nodes_pipe pipes[WORLD_PIPES_MAX];
    struct nodes_visitor visitor;
    struct node_clock clock;
    covey_time step; /* by which the clock moves; 10 ms unless set */
    uint64_t draws;  /* for seeds: every start has its own */
    uint64_t bytes;
    /* Called before and after the code of node i runs; may be NULL. */
    void (*enter)(struct world *w, size_t i);
    void (*leave)(struct world *w, size_t i);
};

void nodes_init(struct world *w);
/* The same, but node NAME lives on the disk NAME of tests/sim/disk.h, which
 * the caller made. */
void nodes_init_on_disks(struct world *w);
/* The same on disks of their own; other keys for another seed. */
void nodes_init_own_disks(struct world *w, uint64_t seed);
void nodes_clear(struct world *w);
/* A new member with its keys and record; not started yet.  Its index. */
size_t nodes_add(struct world *w, const char *name, bool listens);
/* The same without the record, which nodes_make() makes. */
size_t nodes_plan(struct world *w, const char *name, bool listens);
COVEY_MUST_USE enum covey_rc nodes_make(struct world *w, size_t i,
                                        struct covey_why *why);
void nodes_start(struct world *w, size_t i);
/* The same, where it may fail. */
COVEY_MUST_USE enum covey_rc nodes_open(struct world *w, size_t i,
                                        struct covey_why *why);
void nodes_kill(struct world *w, size_t i); /* without a goodbye */
void nodes_cut(struct world *w, size_t i, bool cut);
/* Dial node i from outside, hanging up what was open before; what it says is in
 * visitor.heard. */
void nodes_visit(struct world *w, size_t i);
void nodes_visitor_says(struct world *w, const void *p, size_t len);
/* Move bytes and time until `seconds` have passed. */
void nodes_run(struct world *w, int seconds);
/* One request by an action's name; runs the world until it is answered (for
 * at most 60 s).  body is JSON text or NULL.  The reply is borrowed. */
json_t *nodes_call(struct world *w, size_t i, const char *action,
                   const char *space, const char *body);
/* The same, where none may come; NULL: it ended itself, or did not answer. */
json_t *nodes_ask(struct world *w, size_t i, const char *action,
                  const char *space, const char *body);
/* The same by a route of the API. */
json_t *nodes_ask_route(struct world *w, size_t i, const char *method,
                        const char *path, const char *body);
/* The same, CHECKing success. */
json_t *nodes_do(struct world *w, size_t i, const char *action,
                 const char *space, const char *body);
/* One SQL statement at a node through the console; must succeed. */
json_t *nodes_sql(struct world *w, size_t i, const char *statement);
/* The status of a space at a node, by id (borrowed until the next call); NULL.
 */
json_t *nodes_space(struct world *w, size_t i, const char *space);
/* Have these nodes equal frontiers, and equal digests where they read it? */
bool nodes_equal(struct world *w, const char *space, const size_t *nodes,
                 size_t count);

#endif
