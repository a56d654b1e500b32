/* jobs.h - seeds, shared out to processes.
 *
 * A world is one process and one thread; several worlds may run side by side.
 * A seed that ends its process (a CHECK, a sanitizer) fails alone: the job goes
 * on with the next one in a new process. */
#ifndef COVEY_TESTS_SIM_JOBS_H
#define COVEY_TESTS_SIM_JOBS_H

#include "tests/sim/report.h"

#define JOBS_MAX 64u

struct jobs_plan {
    uint64_t first, seeds;
    uint64_t nodes, hours; /* 0: drawn */
    uint64_t seconds;      /* begin no seed after so long; 0: no end */
    size_t jobs;
    bool trace;
};

void jobs_run(const struct jobs_plan *plan, struct report *report);

#endif
