/* tool_sim.c - the simulator's command line.
 *
 * usage: tool_sim [--seeds N] [--first SEED] [--nodes N] [--hours N]
 *                 [--seconds N] [--jobs N] [--each] [--trace]
 *        tool_sim [--trace] --stories [NAME]
 *
 * --seconds N  begin no seed after so many seconds
 * --each       a line for each seed, with its trace hash
 * --trace      everything that happens, on stderr
 *
 * Without --first the first seed is a fresh one.  Exits 0 when nothing failed,
 * 1 when something did, 2 when misused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "tests/sim/jobs.h"
#include "tests/sim/stories.h"

static const struct {
    const char *name, *variable;
    size_t offset;
    uint64_t most;
} numbers[] = {
    {"--seeds", NULL, offsetof(struct jobs_plan, seeds), UINT32_MAX},
    {"--first", NULL, offsetof(struct jobs_plan, first), UINT32_MAX},
    {"--nodes", "NODES", offsetof(struct jobs_plan, nodes), 200},
    {"--hours", "HOURS", offsetof(struct jobs_plan, hours), 100000},
    {"--seconds", NULL, offsetof(struct jobs_plan, seconds), UINT32_MAX},
    {"--jobs", NULL, offsetof(struct jobs_plan, jobs), JOBS_MAX},
};

#define NUMBER_COUNT (sizeof numbers / sizeof numbers[0])

static bool take_number(struct jobs_plan *plan, const char *name,
                        const char *text)
{
    char *end = NULL;
    uint64_t value = text == NULL ? 0 : strtoull(text, &end, 10);

    for (size_t k = 0; k < NUMBER_COUNT; k++) {
        if (strcmp(numbers[k].name, name) != 0)
            continue;
        if (text == NULL || *text == '\0' || *end != '\0' ||
            value > numbers[k].most)
            return false;
        memcpy((char *)plan + numbers[k].offset, &value, sizeof value);
        return true;
    }
    return false;
}

/* What a replay must be given besides the seed. */
static void say_replay(const struct jobs_plan *plan, struct report *report)
{
    size_t at = 0;

    for (size_t k = 0; k < NUMBER_COUNT; k++) {
        uint64_t value;

        memcpy(&value, (const char *)plan + numbers[k].offset, sizeof value);
        if (numbers[k].variable != NULL && value != 0)
            at += (size_t)snprintf(
                report->replay + at, sizeof report->replay - at, " %s=%llu",
                numbers[k].variable, (unsigned long long)value);
    }
}

static uint64_t fresh_seed(void)
{
    uint32_t seed = 0;

    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        exit(2);
    return seed;
}

int main(int argc, char **argv)
{
    struct jobs_plan plan = {.first = fresh_seed(), .seeds = 1, .jobs = 1};
    struct report report = {0};

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--stories") == 0)
            return stories_tell(argv[i + 1], plan.trace) ? 0 : 1;
        if (strcmp(argv[i], "--trace") == 0) {
            plan.trace = true;
        } else if (strcmp(argv[i], "--each") == 0) {
            report.each = true;
        } else if (take_number(&plan, argv[i], argv[i + 1])) {
            i++;
        } else {
            fprintf(stderr, "%s: not understood; see tests/README.md\n",
                    argv[i]);
            return 2;
        }
    }
    if (plan.jobs == 0 || (plan.nodes > 0 && plan.nodes < 3)) {
        fprintf(stderr, "at least one job, and three nodes\n");
        return 2;
    }
    printf("seeds %llu to %llu\n", (unsigned long long)plan.first,
           (unsigned long long)(plan.first + plan.seeds - 1));
    say_replay(&plan, &report);
    report.wanted = plan.seeds;
    report.cut_short = plan.hours > 0;
    report_begin(&report);
    jobs_run(&plan, &report);
    return report_end(&report) ? 0 : 1;
}
