/* lies.h - what a liar says: the change sets of each line of LIE_TABLE.
 *
 * One lie at a time: lies_make(), lies_say(), and then lies_taken() or
 * lies_lost().  Who dials, and what an answer means, is liar.c's. */
#ifndef COVEY_TESTS_SIM_LIES_H
#define COVEY_TESTS_SIM_LIES_H

#include "tests/sim/dice.h"
#include "tests/sim/liar.h"
#include "tests/sim/voice.h"

#define LIES_SETS_MAX 8u
#define LIES_SHARED_MAX 2u /* change sets that both sides of a fork follow */

enum lie_becomes { BECOMES_TAKEN, BECOMES_VOID, BECOMES_REFUSED, BECOMES_CUT };

/* One change set as it is sent. */
struct lie_set {
    struct header header;
    struct covey_buf payload;
};

/* One that was sent. */
struct lie_told {
    struct hash hash;
    enum lie_becomes becomes;
    size_t acked_by; /* a host; SIZE_MAX: nobody */
};

struct lies {
    struct run *r;
    struct voice voice;
    struct dice dice;
    uint32_t weights[LIE_KIND_COUNT];

    size_t to; /* whom this one is for */
    enum lie_kind kind;
    struct lie_set sets[LIES_SETS_MAX];
    size_t count; /* 0: none is under way */

    uint32_t runs, rows; /* so that all are different */
    struct lie_set replay[LIES_SETS_MAX];
    size_t replay_count;
    bool forked; /* one side of a fork was told, and the other is to be */
    uint32_t fork_run;
    size_t fork_to;
    struct lie_set shared[LIES_SHARED_MAX];
    size_t shared_count;

    struct lie_told *told;
    size_t told_count, told_cap;
};

const char *lies_name(enum lie_kind kind);
/* Draw the next one, for that host, with whom a session is up; what must become
 * of it. */
enum lie_becomes lies_make(struct lies *l, size_t to);
/* False: the session takes nothing. */
bool lies_say(struct lies *l);
/* It was acknowledged.  True: so the lie is told; false: its other half is yet
 * to be. */
bool lies_taken(struct lies *l);
/* The session ended before that. */
void lies_lost(struct lies *l);
void lies_free(struct lies *l);
/* What the ledger knows of all that was told is as the table has it, and no row
 * of what is void or refused is on any disk. */
void lies_check(struct lies *l);

#endif
