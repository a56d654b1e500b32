/* heap.h - memory for the shell: it is there, or the process ends.
 *
 * The shell's own memory is bounded (DESIGN.md section 14), so having none left
 * means that the machine has none, and the supervisor starts us again. */
#ifndef COVEY_DAEMON_HEAP_H
#define COVEY_DAEMON_HEAP_H

#include "proto/base.h"

void *heap_need(void *p);                   /* p itself, if it is not NULL */
void *heap_new(size_t size_bytes);          /* zero-filled; free() it */
void *heap_copy(const void *p, size_t len); /* and a NUL behind */
char *heap_text(const char *text);          /* NULL stays NULL */
char *heap_print(const char *format, ...)   /* sprintf to the heap */
    __attribute__((format(printf, 1, 2)));

/* malloc and free for what takes a struct covey_mem; may be NULL there. */
extern const struct covey_mem heap_mem;

#endif
