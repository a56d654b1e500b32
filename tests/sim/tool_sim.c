/* tool_sim.c - run seeds.
 *
 * usage: tool_sim [--seeds N] [--first SEED] [--nodes N] [--hours N] [--trace]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/sim/oracle.h"
#include "tests/sim/run.h"

int main(int argc, char **argv)
{
    uint64_t seeds = 1, first = 1, nodes = 0, hours = 0;
    bool print = false;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0) {
            print = true;
            continue;
        }
        uint64_t v = strtoull(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--seeds") == 0)
            seeds = v;
        if (strcmp(argv[i], "--first") == 0)
            first = v;
        if (strcmp(argv[i], "--nodes") == 0)
            nodes = v;
        if (strcmp(argv[i], "--hours") == 0)
            hours = v;
        i++;
    }
    int bad = 0;
    for (uint64_t s = first; s < first + seeds; s++) {
        struct run *r = calloc(1, sizeof *r);
        struct run_plan plan = run_plan_of(s, nodes, hours);
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        run_seed(r, &plan, print);
        clock_gettime(CLOCK_MONOTONIC, &b);
        uint64_t faults = 0;
        for (int k = 0; k < FAULT_KIND_COUNT; k++)
            faults += r->tally.fault[k];
        double nh = (double)r->tally.node_us / 3.6e9;
        printf("seed %lu hosts %zu hash %016lx %.1f nh, %lu events %lu edits "
               "(%.1f/nh) %lu faults (%.2f/nh) %lu cs refused %lu, converged "
               "%.0fs, %.2f s %s\n",
               s, plan.hosts, r->w.trace.hash, nh, r->tally.events,
               r->tally.edits, (double)r->tally.edits / nh, faults,
               (double)faults / nh, r->tally.change_sets, r->tally.refused,
               (double)r->tally.converged / 1e6,
               (double)(b.tv_sec - a.tv_sec) +
                   (double)(b.tv_nsec - a.tv_nsec) / 1e9,
               r->w.failed);
        fflush(stdout);
        bad += r->w.failed[0] != 0;
        run_clear(r);
        free(r);
    }
    return bad > 0;
}
