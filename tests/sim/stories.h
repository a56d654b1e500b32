/* stories.h - worlds with a name, told like prose. */
#ifndef COVEY_TESTS_SIM_STORIES_H
#define COVEY_TESTS_SIM_STORIES_H

#include <stdbool.h>
#include <stddef.h>

struct run;

struct story {
    const char *name;
    void (*tell)(struct run *r);
};

extern const struct story stories[];
extern const size_t story_count;

/* Tell all of them, or the one of that name (NULL: all); prints "ok NAME" or
 * "FAIL NAME: why", and "N passed, N failed".  False where one failed.  print:
 * what happens, as a trace on stderr. */
bool stories_tell(const char *name, bool print);

#endif
