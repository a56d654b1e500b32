/* queue.h - what is going to happen, in order of (time, sequence). */
#ifndef COVEY_TESTS_SIM_QUEUE_H
#define COVEY_TESTS_SIM_QUEUE_H

#include "proto/base.h"

enum event_kind {
    EVENT_TICK,    /* .a host .b which of its ticks */
    EVENT_TURN,    /* .a host .b run: commit what came in */
    EVENT_BOOT,    /* .a host .b the run before */
    EVENT_WAKE,    /* .a host .b run */
    EVENT_OUTSIDE, /* .a host: its watch on the WAL fires */
    EVENT_ARRIVE,  /* .a wire .b way: bytes are at the other end */
    EVENT_OPEN,    /* .a wire: the dial reaches the other end, or does not */
    EVENT_LOST,    /* .a wire .b end: it hears that the connection is gone */
    EVENT_WORK,    /* .a host: somebody there writes */
    EVENT_HELD,    /* .a host: another program ends its transaction */
    EVENT_DOWN,    /* .a host .b how, of enum machine_end */
    EVENT_FAULT,   /* one more fault */
    EVENT_MEND,    /* .a which fault is over */
    EVENT_LOOK,    /* the oracles look at all */
    EVENT_LIE,     /* a member begins to lie */
    EVENT_UPGRADE, /* .a host: it gets the present version */
    EVENT_KIND_COUNT,
};

struct event {
    covey_time at;
    uint64_t sequence;
    enum event_kind kind;
    uint64_t a, b;
};

struct queue { /* zero-filled is an empty one */
    struct event *items;
    size_t count, cap;
    uint64_t next_sequence;
};

void queue_clear(struct queue *q);
void queue_add(struct queue *q, covey_time at, enum event_kind kind, uint64_t a,
               uint64_t b);
/* When the next one is due; COVEY_TIME_NEVER. */
covey_time queue_next(const struct queue *q);
/* Take the first; the queue is not empty. */
struct event queue_take(struct queue *q);

#endif
