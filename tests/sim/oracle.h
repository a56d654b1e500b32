/* oracle.h - what must hold in every world, by its number in DESIGN.md,
 * section 13. */
#ifndef COVEY_TESTS_SIM_ORACLE_H
#define COVEY_TESTS_SIM_ORACLE_H

#include "tests/sim/run.h"

/* Once faults have stopped and every host is up, all are equal within this. */
#define ORACLE_CONVERGE_WITHIN (20 * WORLD_MINUTE)

enum oracle_when {
    ORACLE_LOOK, /* each time that the world is looked at */
    ORACLE_END,  /* once all have converged */
    ORACLE_LATER /* its right outcome is the work of a later issue */
};

struct oracle {
    unsigned number;
    const char *name;
    enum oracle_when when;
    void (*check)(struct run *r); /* NULL: elsewhere, see `where` */
    const char *where;
};

extern const struct oracle oracles[];
extern const size_t oracle_count;

/* Read what is new everywhere, then ask every oracle of that time. */
void oracle_look(struct run *r);
/* Wait until all have converged, then ask all. */
void oracle_end(struct run *r);

/* Have all hosts of every space equal frontiers, and equal digests where they
 * read it? */
bool oracle_equal(struct run *r);

#endif
