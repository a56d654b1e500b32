/* support_log.h - logs of several authors, appended to a record, for tests. */
#ifndef COVEY_TESTS_SUPPORT_LOG_H
#define COVEY_TESTS_SUPPORT_LOG_H

#include "store/log.h"
#include "support_record.h"

/* A writer: one author in one incarnation, and where its log has got to. */
struct writer {
    uint8_t author;
    uint8_t incarnation;
    uint64_t number;
    struct hash last; /* zero: nothing before */
    uint64_t clock;
};

/* A header that follows the writer's last and cites `cites`; its payload has
 * `len` bytes that `seed` draws.  Nothing is stored. */
void log_make(struct record *r, const struct writer *w,
              const struct hash *cites, size_t cite_count, uint64_t clock,
              struct entry *out);
/* Give it that payload, borrowed until the next call. */
void log_payload(struct entry *e, size_t len, uint8_t fill);
/* Append it in space n, in a transaction of its own where none is open. */
void log_store(struct record *r, int64_t n, struct entry *e);
/* All of it: make, give a small payload, store, and move the writer on. */
struct hash log_write(struct record *r, struct writer *w,
                      const struct hash *cites, size_t cite_count);
/* The writer's next incarnation, whose first names the last head. */
void log_restart(struct writer *w);

#endif
