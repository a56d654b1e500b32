#include "tests/sim/report.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/oracle.h"

#define TELL_EACH_S 5.0

static const char *const work_names[WORK_KIND_COUNT] = {
#define X(kind, name, most) [WORK_##kind] = name,
    WORK_TABLE(X)
#undef X
};
static const char *const fault_names[FAULT_KIND_COUNT] = {
#define X(kind, name, most, seconds) [FAULT_##kind] = name,
    FAULT_TABLE(X)
#undef X
};

static const char *const lie_names[LIE_KIND_COUNT] = {
#define X(kind, name, becomes) [LIE_##kind] = name,
    LIE_TABLE(X)
#undef X
};

double report_now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void report_begin(struct report *p)
{
    p->began_s = p->told_s = report_now_s();
}

static double node_hours(const struct run_tally *t)
{
    return (double)t->node_us / 3.6e9;
}

static uint64_t faults_of(const struct run_tally *t)
{
    uint64_t sum = 0;

    for (size_t k = 0; k < FAULT_KIND_COUNT; k++)
        sum += t->fault[k];
    return sum;
}

/* A tally is nothing but counts. */
static void add(struct run_tally *sum, const struct run_tally *t)
{
    uint64_t *to = (uint64_t *)(void *)sum;
    const uint64_t *from = (const uint64_t *)(const void *)t;

    for (size_t i = 0; i < sizeof *sum / sizeof *to; i++)
        to[i] += from[i];
}

void report_failure(struct report *p, uint64_t seed, const char *why)
{
    p->failures++;
    printf("FAIL seed %llu: %s\n     again, with a trace: make sim SEED=%llu"
           " SEEDS=1%s TRACE=1\n",
           (unsigned long long)seed, why, (unsigned long long)seed, p->replay);
    fflush(stdout);
}

void report_take(struct report *p, const struct result *r)
{
    if (r->kind == RESULT_PLACES)
        for (size_t k = 0; k < PLACES_MAX; k++)
            p->places[k] += r->places[k];
    if (r->kind != RESULT_DONE)
        return;
    p->seeds++;
    add(&p->sum, &r->tally);
    if (r->tally.converged > p->slowest)
        p->slowest = r->tally.converged;
    if (p->each)
        printf("seed %llu trace %016llx hosts %zu node-hours %.1f edits %llu"
               " faults %llu converged %llds\n",
               (unsigned long long)r->seed, (unsigned long long)r->hash,
               r->hosts, node_hours(&r->tally),
               (unsigned long long)r->tally.edits,
               (unsigned long long)faults_of(&r->tally),
               (long long)(r->tally.converged / COVEY_SECOND));
    if (r->failed[0] != '\0')
        report_failure(p, r->seed, r->failed);
    fflush(stdout);
}

void report_progress(struct report *p)
{
    double now = report_now_s();
    double rate = node_hours(&p->sum) / (now - p->began_s);
    bool terminal = isatty(STDOUT_FILENO) != 0;

    if (now - p->told_s < (terminal ? 0.5 : TELL_EACH_S))
        return;
    p->told_s = now;
    printf("%s%llu of %llu seeds, %.0f node-hours, %.1f a second, %llu"
           " failed%s",
           terminal ? "\r" : "", (unsigned long long)p->seeds,
           (unsigned long long)p->wanted, node_hours(&p->sum), rate,
           (unsigned long long)p->failures, terminal ? "\033[K" : "\n");
    fflush(stdout);
}

/* ---- the summary ---- */

static void tell_counts(const char *what, const uint64_t *counts,
                        const char *const *names, size_t count)
{
    const char *comma = "";

    printf("%s: ", what);
    for (size_t k = 0; k < count; k++) {
        printf("%s%s %llu", comma, names[k], (unsigned long long)counts[k]);
        comma = ", ";
    }
    printf("\n");
}

static void tell_oracles(void)
{
    printf("oracles:\n");
    for (size_t k = 0; k < oracle_count; k++)
        printf("  %2u %-58s %s\n", oracles[k].number, oracles[k].name,
               oracles[k].when == ORACLE_LATER ? oracles[k].where : "asked");
    for (size_t k = 0; k < oracle_count; k++)
        if (oracles[k].when == ORACLE_LATER)
            printf("  waiting: %u %s\n", oracles[k].number, oracles[k].name);
}

static void tell_places(struct report *p)
{
    struct place_count places[PLACES_MAX];
    size_t count = places_count(places);

    printf("rare paths, and how often they were passed:\n");
    for (size_t k = 0; k < count; k++) {
        bool missing = p->places[k] == 0 && places[k].waiting == NULL;

        printf("  %10llu  %s%s%s\n", (unsigned long long)p->places[k],
               places[k].name, p->places[k] > 0 || missing ? "" : "; waiting: ",
               p->places[k] > 0 || missing ? "" : places[k].waiting);
        if (!missing || p->cut_short || p->seeds < REPORT_SEEDS_ENOUGH)
            continue;
        printf("FAIL in %llu seeds nothing came by \"%s\"\n",
               (unsigned long long)p->seeds, places[k].name);
        p->failures++;
    }
}

/* The members that lie, too, are to try everything. */
static void tell_lies(struct report *p)
{
    tell_counts("lies", p->sum.lie, lie_names, LIE_KIND_COUNT);
    for (size_t k = 0; k < LIE_KIND_COUNT; k++) {
        if (p->sum.lie[k] > 0 || p->seeds < REPORT_SEEDS_ENOUGH)
            continue;
        printf("FAIL in %llu seeds nobody told \"%s\"\n",
               (unsigned long long)p->seeds, lie_names[k]);
        p->failures++;
    }
}

/* What the jobs took of the processors. */
static double processor_s(void)
{
    struct rusage use;

    CHECK(getrusage(RUSAGE_CHILDREN, &use) == 0);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static void tell_sums(const struct report *p)
{
    const struct run_tally *t = &p->sum;
    double hours = node_hours(t), took = report_now_s() - p->began_s;

    if (isatty(STDOUT_FILENO))
        printf("\r\033[K");
    printf("%llu seeds, %.0f node-hours in %.0f s: %.1f a second, %.1f a second"
           " of a processor\n",
           (unsigned long long)p->seeds, hours, took, hours / took,
           hours / processor_s());
    printf("%.1f edits and %.2f faults to a node-hour (%llu and %llu);"
           " the slowest world was equal after %lld s\n",
           (double)t->edits / hours, (double)faults_of(t) / hours,
           (unsigned long long)t->edits, (unsigned long long)faults_of(t),
           (long long)(p->slowest / COVEY_SECOND));
    printf("%llu events, %llu commits with changes, %llu change sets, %.1f MB"
           " on wires, %llu requests refused, %llu never answered\n",
           (unsigned long long)t->events, (unsigned long long)t->commits,
           (unsigned long long)t->change_sets, (double)t->wire_bytes / 1e6,
           (unsigned long long)t->refused, (unsigned long long)t->unanswered);
}

bool report_end(struct report *p)
{
    tell_sums(p);
    tell_counts("work", p->sum.work, work_names, WORK_KIND_COUNT);
    tell_counts("faults", p->sum.fault, fault_names, FAULT_KIND_COUNT);
    tell_lies(p);
    printf("hosts of an older version: %llu\n",
           (unsigned long long)p->sum.older);
    tell_oracles();
    tell_places(p);
    if (p->failures > 0)
        printf("%llu failed\n", (unsigned long long)p->failures);
    return p->failures == 0;
}
