/* report.h - what many seeds came to. */
#ifndef COVEY_TESTS_SIM_REPORT_H
#define COVEY_TESTS_SIM_REPORT_H

#include "tests/sim/places.h"
#include "tests/sim/run.h"

/* Seeds enough for every rare path to have been passed. */
#define REPORT_SEEDS_ENOUGH 60u

/* What a job tells of one seed, or when it begins or ends. */
struct result {
    enum { RESULT_BEGUN, RESULT_DONE, RESULT_PLACES } kind;
    uint64_t seed;
    uint64_t hash;
    size_t hosts;
    struct run_tally tally;
    uint64_t places[PLACES_MAX];
    char failed[400];
};

struct report {
    uint64_t seeds, wanted, failures;
    struct run_tally sum;
    covey_time slowest; /* to converge */
    uint64_t places[PLACES_MAX];
    double began_s, told_s;
    bool cut_short;   /* HOURS was given: some paths need worlds of a day */
    bool each;        /* a line for each seed */
    char replay[200]; /* "make sim SEED=%llu ...", without the seed */
};

double report_now_s(void);
void report_begin(struct report *p);
void report_take(struct report *p, const struct result *r);
/* That a seed failed, and how to see it again. */
void report_failure(struct report *p, uint64_t seed, const char *why);
/* A line of how far it is, now and then. */
void report_progress(struct report *p);
/* The summary; false where something failed. */
bool report_end(struct report *p);

#endif
