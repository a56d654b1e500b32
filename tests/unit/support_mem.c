#include "support_mem.h"

#include <stdlib.h>
#include <string.h>

static void *counted_alloc(void *ctx, size_t size_bytes)
{
    struct test_mem *m = ctx;

    m->calls++;
    if (m->calls == m->fail_at)
        return NULL;

    void *p = malloc(size_bytes);

    if (p == NULL)
        abort();
    memset(p, 0xa5, size_bytes); /* nobody may count on zeros */
    m->live++;
    return p;
}

static void counted_free(void *ctx, void *p)
{
    struct test_mem *m = ctx;

    if (p != NULL)
        m->live--;
    free(p);
}

struct covey_mem test_mem_of(struct test_mem *m)
{
    return (struct covey_mem){m, counted_alloc, counted_free};
}
