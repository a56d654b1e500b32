/* work.h - one thing that somebody at a host is about to do. */
#ifndef COVEY_TESTS_SIM_WORK_H
#define COVEY_TESTS_SIM_WORK_H

#include "tests/sim/run.h"

#define WORK_TEXT_MAX 60000u

struct work {
    struct run *r;
    size_t host, space;
    struct world_request request;
    uint64_t promise; /* 0: none is made */
    char id[41], table[16], text[WORK_TEXT_MAX];
};

uint64_t work_some(struct work *k, uint64_t sides);
/* A number that no other text of this world has. */
unsigned long long work_word(struct work *k);
const char *work_space(const struct work *k); /* its id */
/* Some row that this host shows, as .table and .id; false: it shows none. */
bool work_row(struct work *k);

/* ---- outside.c: another program on the same computer */

/* Write, as any program does.  Asks nothing of the node: always false. */
bool outside_work(struct work *k);
/* It ends the transaction that it has kept open. */
void outside_on_event(struct run *r, size_t i);
/* It ends, with what it has open. */
void outside_down(struct run *r, size_t i);

#endif
