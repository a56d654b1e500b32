/* tell.c - stories, each in a fresh world and a process of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sim/stories.h"
#include "tests/sim/story.h"

static int tell_one(size_t k, bool print)
{
    struct run *r = calloc(1, sizeof *r);
    struct run_plan plan = {.seed = 1 + k, .hosts = STORY_HOSTS};

    CHECK(r != NULL);
    run_begin(r, &plan);
    r->w.trace.print = print;
    stories[k].tell(r);

    bool well = r->w.failed[0] == '\0';

    if (well)
        printf("ok   %s\n", stories[k].name);
    else
        printf("FAIL %s: %s\n", stories[k].name, r->w.failed);
    run_clear(r);
    free(r);
    return well ? 0 : 1;
}

/* In a process of its own, as a seed. */
static bool tell_apart(size_t k, bool print)
{
    int status = 0;

    fflush(NULL);

    pid_t pid = fork();

    CHECK(pid >= 0);
    if (pid == 0) {
        alarm(60);
        exit(tell_one(k, print));
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    if (WIFSIGNALED(status) || (status != 0 && WEXITSTATUS(status) != 1))
        printf("FAIL %s: its process died\n", stories[k].name);
    return status == 0;
}

bool stories_tell(const char *name, bool print)
{
    size_t passed = 0, failed = 0;

    for (size_t k = 0; k < story_count; k++) {
        if (name != NULL && strcmp(name, stories[k].name) != 0)
            continue;
        if (tell_apart(k, print))
            passed++;
        else
            failed++;
    }
    printf("%zu passed, %zu failed\n", passed, failed);
    return passed > 0 && failed == 0;
}
