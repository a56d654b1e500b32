/* support_world.h - several nodes in one process, joined by byte pipes.
 *
 * Time is a count that nodes_run() moves on; nothing sleeps.  A node that
 * listens is dialled at "NAME:1", NAME its own. */
#ifndef COVEY_TESTS_WORLD_H
#define COVEY_TESTS_WORLD_H

#include <jansson.h>

#include "daemon/node.h"

#define WORLD_NODES_MAX 8
#define WORLD_PIPES_MAX 64

struct nodes_node {
    char name[32];
    char dir[128];
    struct node_secrets secrets;
    bool listens;
    bool cut; /* reaches nobody and is reached by nobody */
    bool carry_all;
    struct node *node; /* NULL while it is down */
    uint64_t next_accept;
    uint64_t next_request;
    int status; /* of the newest reply */
    json_t *reply;
    uint64_t reply_id;
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

struct world {
    char dir[64];
    bool on_disks;
    struct nodes_node nodes[WORLD_NODES_MAX];
    size_t count;
    struct nodes_pipe pipes[WORLD_PIPES_MAX];
    struct nodes_visitor visitor;
    struct node_clock clock;
    covey_time step; /* by which the clock moves; 10 ms unless set */
    uint64_t draws;  /* for seeds: every start has its own */
    uint64_t bytes;
};

void nodes_init(struct world *w);
/* The same, but node NAME lives on the disk NAME of tests/sim/disk.h, which
 * the caller made. */
void nodes_init_on_disks(struct world *w);
void nodes_clear(struct world *w);
/* A new member with its keys and record; not started yet.  Its index. */
size_t nodes_add(struct world *w, const char *name, bool listens);
void nodes_start(struct world *w, size_t i);
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
