/* support_bytes.h - buffers, copies that stand guard, and draws, for tests. */
#ifndef COVEY_TESTS_SUPPORT_BYTES_H
#define COVEY_TESTS_SUPPORT_BYTES_H

#include "proto/base.h"

#define BYTES_BUF_MAX (16u << 20)

/* An empty buffer on the heap, of at most BYTES_BUF_MAX. */
struct covey_buf bytes_buf(void);
/* A copy of its own size, so that reading past either end ends the test; to be
 * given back with bytes_free(). */
struct covey_bytes bytes_exact(struct covey_bytes in);
void bytes_free(struct covey_bytes copy);

/* splitmix64: the same draws on every run. */
uint64_t bytes_draw(uint64_t *seed);
size_t bytes_below(uint64_t *seed, size_t limit);
void bytes_fill(uint64_t *seed, void *p, size_t len);
/* Change one to four places: flip a bit, set a byte, cut, lengthen or repeat a
 * piece.  in.len > 0. */
void bytes_mutate(uint64_t *seed, struct covey_bytes in, struct covey_buf *out);

#endif
