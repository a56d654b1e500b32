/* support_mem.h - memory that counts, and that fails when told to. */
#ifndef COVEY_TESTS_SUPPORT_MEM_H
#define COVEY_TESTS_SUPPORT_MEM_H

#include "proto/base.h"

struct test_mem {
    int calls;   /* allocations asked for */
    int fail_at; /* the number of the one that fails, from 1; 0: none */
    int live;    /* not yet freed */
};

/* Points to m, which must outlive it. */
struct covey_mem test_mem_of(struct test_mem *m);

#endif
