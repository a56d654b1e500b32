/* network.h - byte streams between hosts, as TCP gives them: in order, or not
 * at all.
 *
 * A wire is one connection.  Each of its two ways holds what was sent and has
 * not arrived.  A way that leads nowhere for now (a partition, a sleeping
 * host) keeps its bytes, and they arrive when it leads somewhere again, as
 * TCP's resending would have it; a host that died without a word leaves the
 * other end open until that finds out. */
#ifndef COVEY_TESTS_SIM_NETWORK_H
#define COVEY_TESTS_SIM_NETWORK_H

#include "proto/base.h"
#include "tests/sim/dice.h"

#define NETWORK_HOSTS_MAX 220u
#define NETWORK_WINDOW 4194304u /* bytes of a way that may be under way */
#define NETWORK_DIAL_WAIT (20 * COVEY_SECOND)

struct world;
struct node_effect;

struct segment {
    struct segment *next;
    covey_time at;
    size_t len;
    uint8_t bytes[];
};

/* One direction: from ends[k] to ends[1 - k] for ways[k]. */
struct way {
    struct segment *first, **last;
    size_t under_way;   /* bytes */
    covey_time last_at; /* nothing overtakes */
    bool more;          /* the node may have more for it */
    bool fin;           /* what is under way is the last of it */
    bool waiting;       /* an arrival is in the queue */
    bool dead;          /* whatever is sent vanishes */
    bool spoil;         /* flip a bit of the next bytes */
    covey_time spoilt;  /* when one was flipped; 0: never */
    covey_time stalled; /* nothing arrives before */
};

struct end {
    size_t host;
    uint64_t conn;
    uint64_t run; /* of the host, that it belongs to */
    bool open;    /* the node there thinks that it is */
};

struct wire {
    uint64_t id;
    bool answered; /* the dial got through */
    struct end ends[2];
    struct way ways[2];
};

struct network {
    struct dice dice;
    struct wire **wires; /* those there are, by number */
    size_t wire_count, wire_cap;
    uint64_t next_wire;
    bool blocked[NETWORK_HOSTS_MAX][NETWORK_HOSTS_MAX]; /* from, to */
    uint32_t cut_in_thousand; /* how often what is sent arrives in pieces */
    covey_time jitter;
};

/* How a connection breaks. */
enum network_break {
    BREAK_RESET, /* both hear of it; of what was under way some arrives */
    BREAK_HALF,  /* one hears of it, the other never */
    BREAK_MUTE,  /* nobody hears of it, and nothing arrives any more */
};

void network_clear(struct world *w);

/* What a node wants of it. */
void network_dial(struct world *w, size_t i, const struct node_effect *fx);
void network_pull(struct world *w, size_t i, uint64_t conn);
void network_close(struct world *w, size_t i, uint64_t conn);

/* Events. */
void network_on_open(struct world *w, uint64_t wire);
void network_on_arrive(struct world *w, uint64_t wire, uint64_t way);
void network_on_lost(struct world *w, uint64_t wire, uint64_t end);

/* The host has gone: with a last word from its system to the other ends
 * (killed), or without one (no power). */
void network_host_gone(struct world *w, size_t i, bool told);
/* Something leads somewhere again. */
void network_resume(struct world *w);

/* Faults.  wire: of network_some(). */
struct wire *network_some(struct world *w, struct dice *d); /* NULL: none */
void network_break(struct world *w, struct wire *wire, enum network_break how);
void network_spoil(struct world *w, struct wire *wire, size_t way);
void network_stall(struct world *w, struct wire *wire, covey_time until);

#endif
