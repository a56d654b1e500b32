/* memory.h - memory that runs out at the nth request.
 *
 * Counts what a thread asks for between memory_enter() and memory_leave(): our
 * own malloc, calloc, realloc and strdup (where the program is linked with the
 * --wrap options that the Makefile lists), SQLite's and jansson's. */
#ifndef COVEY_TESTS_FAULT_MEMORY_H
#define COVEY_TESTS_FAULT_MEMORY_H

#include "proto/base.h"

/* Before SQLite is used. */
void memory_install(void);
void memory_enter(void);
void memory_leave(void);

/* The nth request from now is refused, and with `all` each one after it. */
void memory_fail(uint64_t nth, bool all);
/* There is memory again. */
void memory_mend(void);
/* Requests refused, and granted, since memory_fail(). */
uint64_t memory_struck(void);
uint64_t memory_spared(void);

#endif
