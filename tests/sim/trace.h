/* trace.h - what happened, as records: printed, remembered, and hashed.
 *
 * The hash is over everything that happened in a world, bytes on the wire
 * included: two runs of one seed, in whatever build, have the same. */
#ifndef COVEY_TESTS_SIM_TRACE_H
#define COVEY_TESTS_SIM_TRACE_H

#include <stdio.h>

#include "proto/base.h"

/* Name, and what its two numbers are. */
#define TRACE_TABLE(X)                                                         \
    X(BOOT, "boot", "run", "wall_ms")                                          \
    X(DOWN, "down", "how", "run")                                              \
    X(SLEEP, "sleep", "for_us", "wake")                                        \
    X(CLOCK, "clock", "offset_ms", "was_ms")                                   \
    X(UPGRADE, "upgrade", "run", "down")                                       \
    X(COPY, "copy", "of", "how")                                               \
    X(FATAL, "fatal", "rc", "run")                                             \
    X(DIAL, "dial", "to", "wire")                                              \
    X(OPEN, "open", "wire", "conn")                                            \
    X(SEND, "send", "wire", "bytes")                                           \
    X(BYTES, "bytes", "wire", "bytes")                                         \
    X(SPOIL, "spoil", "wire", "at")                                            \
    X(LOST, "lost", "wire", "conn")                                            \
    X(CLOSE, "close", "wire", "bytes")                                         \
    X(ASK, "ask", "request", "route")                                          \
    X(REPLY, "reply", "request", "status")                                     \
    X(OUTSIDE, "outside", "sqlite", "what")                                    \
    X(CHANGES, "changes", "bytes", "commits")                                  \
    X(FAULT, "fault", "kind", "other")                                         \
    X(MEND, "mend", "kind", "other")                                           \
    X(LIE, "lie", "kind", "to")                                                \
    X(ANSWER, "answer", "kind", "code")                                        \
    X(LOOK, "look", "change_sets", "phase")

enum trace_kind {
#define X(kind, name, a, b) TRACE_##kind,
    TRACE_TABLE(X)
#undef X
        TRACE_KIND_COUNT
};

#define TRACE_KEPT 64u /* records, told when something fails */
#define TRACE_NOBODY SIZE_MAX

struct trace_record {
    covey_time at;
    size_t host;
    enum trace_kind kind;
    uint64_t a, b;
};

struct trace { /* zero-filled is an empty one */
    uint64_t hash;
    uint64_t count;
    bool print; /* each record as it comes, to stderr */
    struct trace_record kept[TRACE_KEPT];
};

void trace_note(struct trace *t, const struct trace_record *record);
/* What a record's numbers stand for. */
void trace_bytes(struct trace *t, const void *p, size_t len);
/* The last records, oldest first. */
void trace_tell(const struct trace *t, FILE *to);

#endif
