/* acts.h - what a node does that matters most, one act at a time, for sweeps
 * that have the nth thing fail in it. */
#ifndef COVEY_TESTS_FAULT_ACTS_H
#define COVEY_TESTS_FAULT_ACTS_H

#include "tests/unit/support_world.h"

/* The nodes of the stage: a chair, a school and a relay in one space, a school
 * that has a ticket, one that has no record yet. */
enum stage_node {
    STAGE_CHAIR,
    STAGE_SCHOOL,
    STAGE_RELAY,
    STAGE_NEWCOMER,
    STAGE_BLANK,
    STAGE_NODES
};

enum told {
    TOLD_NOTHING, /* nobody asked, or the node ended before it answered */
    TOLD_DONE,
    TOLD_FAILED, /* in words: said */
    TOLD_LATER,  /* that it goes on by itself */
};

struct stage {
    struct world w;
    struct disk *spare; /* a disk of nobody's */
    char space[40];
    char ticket[2600];
    enum told told;
    char said[300];
};

struct act {
    const char *name;
    enum stage_node who; /* where things fail */
    void (*prepare)(struct stage *s);
    void (*run)(struct stage *s);
    const char *probe; /* its record before and after differ in this */
    bool asked;        /* somebody waits for an answer */
};

extern const struct act acts[];
extern const size_t act_count;

void stage_set(struct stage *s, uint64_t seed);
void stage_clear(struct stage *s);
/* Let time pass until all members agree; false: they do not within minutes. */
bool stage_agrees(struct stage *s);
/* What the probe gives on the record of who, "" where there is none; static. */
const char *stage_probe(const struct stage *s, const struct act *act);

#endif
