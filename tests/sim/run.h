/* run.h - one seed: a world drawn from it, its faults, its work, its checks.
 *
 * Swarm style: each seed draws its own sizes, weights and rates, so that some
 * worlds hardly write and break all the time, and others never lose a byte. */
#ifndef COVEY_TESTS_SIM_RUN_H
#define COVEY_TESTS_SIM_RUN_H

#include "tests/sim/ledger.h"
#include "tests/sim/liar.h"
#include "tests/sim/world.h"

#define RUN_SPACES_MAX 3u
#define RUN_MARK "zqSECRETqz" /* stands in all that nobody else may read */

/* What people do: name, and how often beside the others at the most. */
#define WORK_TABLE(X)                                                          \
    X(ADD, "add", 10)                                                          \
    X(EDIT, "edit", 30)                                                        \
    X(EDIT_MANY, "edit many", 4)                                               \
    X(DELETE, "delete", 6)                                                     \
    X(COMMENT, "comment", 12)                                                  \
    X(ACTION, "action", 8)                                                     \
    X(IMPORT, "import", 1)                                                     \
    X(OUTSIDE, "outside", 6)                                                   \
    X(READ, "read", 3)                                                         \
    X(JOIN, "join", 1)

enum work_kind {
#define X(kind, name, most) WORK_##kind,
    WORK_TABLE(X)
#undef X
        WORK_KIND_COUNT
};

/* What goes wrong: name, how often beside the others at the most, how long it
 * lasts at the most (seconds; 0: at once over). */
#define FAULT_TABLE(X)                                                         \
    X(KILL, "kill -9", 10, 600)                                                \
    X(POWER, "power loss", 10, 3600)                                           \
    X(TORN, "power loss in a write", 10, 1200)                                 \
    X(FULL, "disk full", 4, 300)                                               \
    X(EIO, "disk fault", 4, 300)                                               \
    X(STOP, "stopped", 4, 1200)                                                \
    X(SLEEP, "sleep", 6, 3600)                                                 \
    X(PARTITION, "partition", 10, 3600)                                        \
    X(CUT_OFF, "host cut off", 10, 7200)                                       \
    X(ONE_WAY, "one-way cut", 6, 1200)                                         \
    X(RESET, "connection reset", 20, 0)                                        \
    X(HALF, "half-open", 10, 0)                                                \
    X(MUTE, "gone mute", 10, 0)                                                \
    X(STALL, "stalled", 10, 120)                                               \
    X(SPOIL, "spoilt byte", 10, 0)                                             \
    X(SLOW, "slow line", 4, 1800)                                              \
    X(CLOCK, "clock jump", 6, 0)                                               \
    X(BACKUP, "older copy", 8, 600)                                            \
    X(CLONE, "two copies", 4, 1200)

enum fault_kind {
#define X(kind, name, most, seconds) FAULT_##kind,
    FAULT_TABLE(X)
#undef X
        FAULT_KIND_COUNT
};

struct run_space {
    char id[33];
    size_t chair;
    bool member[WORLD_HOSTS_MAX]; /* it was let in, and reads */
    bool carried[WORLD_HOSTS_MAX];
};

struct run_plan {
    uint64_t seed;
    size_t hosts;          /* the relay among them */
    covey_time duration;   /* of work and faults */
    covey_time work_mean;  /* from edit to edit of one host */
    covey_time fault_mean; /* from fault to fault of the world */
    uint64_t hot;          /* edits are of so few rows; 0: of any */
    uint32_t work[WORK_KIND_COUNT];
    uint32_t fault[FAULT_KIND_COUNT];
};

struct run_tally {
    uint64_t node_us; /* simulated time, summed over hosts */
    uint64_t edits;   /* transactions that wrote, and were told so */
    uint64_t refused; /* requests that were answered with trouble */
    uint64_t unanswered;
    uint64_t work[WORK_KIND_COUNT];
    uint64_t fault[FAULT_KIND_COUNT];
    uint64_t lie[LIE_KIND_COUNT];
    uint64_t older; /* hosts of an older version, to begin with */
    uint64_t events, commits, wire_bytes, change_sets;
    covey_time converged; /* how long that took, once faults had stopped */
};

/* A request that is not answered yet. */
struct run_asked {
    size_t host;
    uint64_t request;
    enum work_kind kind;
    uint64_t promise;  /* number of a comment that must never be lost; 0 */
    size_t space, who; /* WORK_JOIN */
};

struct run {
    struct world w;
    struct run_plan plan;
    struct run_tally tally;
    struct run_space spaces[RUN_SPACES_MAX];
    size_t space_count;
    size_t relay;
    struct dice work_dice, fault_dice;
    bool calm; /* faults and work have stopped */
    struct run_asked *asked;
    size_t asked_count, asked_cap;
    struct ledger ledger;
    sqlite3 *outside[WORLD_HOSTS_MAX]; /* another program's connection */
    uint64_t outside_promise[WORLD_HOSTS_MAX]; /* of its open transaction */
    bool quiet[WORLD_HOSTS_MAX];               /* nobody writes there */
    uint64_t words; /* written so far: every text is another one */
    struct fault_state *faults;
    struct liar *liar; /* NULL: nobody lies */
};

/* Draw a plan.  hosts and hours: 0 for drawn. */
struct run_plan run_plan_of(uint64_t seed, size_t hosts, uint64_t hours);
/* A world without hosts, that the oracles look at.  r is zero-filled. */
void run_begin(struct run *r, const struct run_plan *plan);
/* Run one seed to its end.  r is zero-filled; r->w.failed tells.  The caller
 * clears it with run_clear(). */
void run_seed(struct run *r, const struct run_plan *plan, bool print);
void run_clear(struct run *r);

/* ---- cluster.c: worlds made fast */

/* A space at `chair`, and into it by ticket. */
size_t cluster_space(struct run *r, size_t chair);
void cluster_join(struct run *r, size_t space, size_t who);
void cluster_carry(struct run *r, size_t space, size_t relay);
/* Schools 0 .. schools - 1 in one space, and a relay that carries it. */
void cluster_make(struct run *r, size_t schools);

/* ---- work.c */
void work_begin(struct run *r);
void work_later(struct run *r, size_t i); /* somebody there begins to write */
void work_on_event(struct run *r, size_t i);
void work_on_reply(struct run *r, size_t i, uint64_t request, int status,
                   struct covey_bytes text);
void work_forget(struct run *r, size_t i); /* it will not answer any more */

/* ---- fault.c */
void fault_begin(struct run *r);
void fault_later(struct run *r); /* the first of them */
void fault_on_event(struct run *r);
/* Is it a school, up and in order, whose node may be taken for another: no
 * chair, and neither a liar nor a copy yet? */
bool fault_may_take(const struct run *r, size_t i);
/* Perhaps a school's covey is older than the others', until some day. */
void fault_draw_older(struct run *r);
void fault_on_upgrade(struct run *r, size_t i);
void fault_on_mend(struct run *r, uint64_t which);
void fault_end(struct run *r); /* all is mended, every host is up; no lies */
void fault_free(struct run *r);

#endif
