#include "tests/sim/jobs.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- in a job's process ---- */

static struct run *running; /* for the panic hook */

/* "Prints expression, place and the node's last 64 trace records." */
static void on_panic(const char *expr, const char *file, int line)
{
    fprintf(stderr, "CHECK(%s) at %s:%d\n", expr, file, line);
    if (running != NULL)
        trace_tell(&running->w.trace, stderr);
    abort();
}

static void tell(int to, const struct result *r)
{
    const char *p = (const char *)r;
    size_t left = sizeof *r;

    while (left > 0) {
        ssize_t n = write(to, p, left);

        if (n <= 0)
            _exit(3);
        p += n;
        left -= (size_t)n;
    }
}

static void one_seed(const struct jobs_plan *plan, uint64_t seed, int to)
{
    struct run_plan world = run_plan_of(seed, plan->nodes, plan->hours);
    struct result r = {.kind = RESULT_BEGUN, .seed = seed};

    tell(to, &r);
    running = calloc(1, sizeof *running);
    CHECK(running != NULL);
    run_seed(running, &world, plan->trace);
    r.kind = RESULT_DONE;
    r.hash = running->w.trace.hash;
    r.hosts = world.hosts;
    r.tally = running->tally;
    snprintf(r.failed, sizeof r.failed, "%s", running->w.failed);
    if (r.failed[0] != '\0' && !plan->trace)
        trace_tell(&running->w.trace, stderr);
    run_clear(running);
    free(running);
    running = NULL;
    tell(to, &r);
}

static void work(const struct jobs_plan *plan, uint64_t from, int to)
{
    struct place_count places[PLACES_MAX];
    struct result r = {.kind = RESULT_PLACES};
    double end_s = report_now_s() + (double)plan->seconds;

    covey_panic_set(on_panic);
    for (uint64_t seed = from; seed < plan->first + plan->seeds;
         seed += plan->jobs) {
        if (plan->seconds > 0 && report_now_s() > end_s)
            break;
        one_seed(plan, seed, to);
    }

    size_t count = places_count(places);

    for (size_t k = 0; k < count; k++)
        r.places[k] = places[k].passed;
    tell(to, &r);
    exit(0); /* the leak sanitizer has its say */
}

/* ---- in the first process ---- */

struct job {
    pid_t pid;
    int from;
    uint64_t seed;  /* the one it is at */
    bool at_a_seed; /* ... and has not told the end of */
    struct result in;
    size_t got;
};

static void begin(const struct jobs_plan *plan, struct job *job, uint64_t from)
{
    int ends[2];

    fflush(NULL);
    if (pipe(ends) != 0 || (job->pid = fork()) < 0) {
        perror("a job");
        exit(2);
    }
    if (job->pid == 0) {
        (void)close(ends[0]);
        work(plan, from, ends[1]);
    }
    (void)close(ends[1]);
    job->from = ends[0];
    job->got = 0;
    job->at_a_seed = false;
}

static void take(struct job *job, struct report *report)
{
    job->at_a_seed = job->in.kind == RESULT_BEGUN;
    job->seed = job->in.seed;
    report_take(report, &job->in);
}

/* Its end: the last word was said, or it died at a seed. */
static void end(const struct jobs_plan *plan, struct job *job,
                struct report *report)
{
    int status = 0;
    char why[80];

    (void)close(job->from);
    job->from = -1;
    (void)waitpid(job->pid, &status, 0);
    if (status == 0)
        return;
    snprintf(why, sizeof why, "its process ended with %s %d",
             WIFSIGNALED(status) ? "signal" : "status",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    report_failure(report, job->seed, why);
    if (job->at_a_seed && job->seed + plan->jobs < plan->first + plan->seeds)
        begin(plan, job, job->seed + plan->jobs);
}

static void hear(const struct jobs_plan *plan, struct job *job,
                 struct report *report)
{
    ssize_t n =
        read(job->from, (char *)&job->in + job->got, sizeof job->in - job->got);

    if (n < 0 && errno == EINTR)
        return;
    if (n <= 0) {
        end(plan, job, report);
        return;
    }
    job->got += (size_t)n;
    if (job->got < sizeof job->in)
        return;
    job->got = 0;
    take(job, report);
}

void jobs_run(const struct jobs_plan *plan, struct report *report)
{
    struct job jobs[JOBS_MAX] = {{0}};
    struct pollfd ends[JOBS_MAX];
    size_t open;

    for (size_t k = 0; k < plan->jobs; k++)
        begin(plan, &jobs[k], plan->first + k);
    do {
        open = 0;
        for (size_t k = 0; k < plan->jobs; k++) {
            ends[k] = (struct pollfd){.fd = jobs[k].from, .events = POLLIN};
            open += jobs[k].from >= 0;
        }
        if (open == 0 || poll(ends, plan->jobs, 500) < 0)
            break;
        for (size_t k = 0; k < plan->jobs; k++)
            if (jobs[k].from >= 0 && ends[k].revents != 0)
                hear(plan, &jobs[k], report);
        report_progress(report);
    } while (open > 0);
}
