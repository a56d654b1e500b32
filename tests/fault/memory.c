/* memory.c - see memory.h. */
#include "tests/fault/memory.h"

#include <jansson.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *text);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *text);

static sqlite3_mem_methods sqlites;
static _Thread_local bool inside;
static bool all_fail;
static uint64_t until, struck, spared; /* until: 0, none is to fail */

static bool refused(void)
{
    if (!inside || until == 0)
        return false;
    if (until > 1) {
        until--;
        spared++;
        return false;
    }
    struck++;
    if (!all_fail)
        until = 0;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refused() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return refused() ? NULL : __real_realloc(p, size);
}

char *__wrap_strdup(const char *text)
{
    return refused() ? NULL : __real_strdup(text);
}

static void *sqlite_malloc(int size)
{
    return refused() ? NULL : sqlites.xMalloc(size);
}

static void *sqlite_realloc(void *p, int size)
{
    return refused() ? NULL : sqlites.xRealloc(p, size);
}

void memory_install(void)
{
    sqlite3_mem_methods ours;

    CHECK(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlites) == SQLITE_OK);
    ours = sqlites;
    ours.xMalloc = sqlite_malloc;
    ours.xRealloc = sqlite_realloc;
    CHECK(sqlite3_config(SQLITE_CONFIG_MALLOC, &ours) == SQLITE_OK);
    json_set_alloc_funcs(__wrap_malloc, free);
}

void memory_enter(void)
{
    inside = true;
}

void memory_leave(void)
{
    inside = false;
}

void memory_fail(uint64_t nth, bool all)
{
    CHECK(nth > 0);
    until = nth;
    all_fail = all;
    struck = spared = 0;
}

void memory_mend(void)
{
    until = 0;
}

uint64_t memory_struck(void)
{
    return struck;
}

uint64_t memory_spared(void)
{
    return spared;
}
