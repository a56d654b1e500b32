/* What the tests of the wire share: memory, draws and random messages. */
#ifndef COVEY_TESTS_SUPPORT_WIRE_H
#define COVEY_TESTS_SUPPORT_WIRE_H

#include "proto/wire.h"

#define MESSAGE_VALUES_MAX 2000u

extern const struct covey_mem support_heap;

/* An empty buffer on the heap, of at most a MiB. */
struct covey_buf heap_buf(void);
/* A copy of its own size, so that reading past either end ends the test; the
 * caller frees p. */
struct covey_bytes exact_copy(struct covey_bytes in);

/* splitmix64: the same draws on every run. */
uint64_t draw_u64(uint64_t *seed);
uint64_t draw_below(uint64_t *seed, uint64_t limit);
/* A number of 0 to 64 bits, each length alike, so that each form comes up. */
uint64_t draw_number(uint64_t *seed);

/* One value of a message, in the order of the bytes. */
struct value {
    enum wire_type type;
    uint64_t number; /* bool, integers as two's complement, array's count */
    double real;
    uint8_t body[300];
    size_t len;
};

struct message {
    struct value value[MESSAGE_VALUES_MAX];
    size_t count;
};

/* A random array of random values, within all limits. */
void draw_message(uint64_t *seed, struct message *out);
void write_message(const struct message *m, struct covey_buf *out);

#endif
