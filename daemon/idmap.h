/* idmap.h - from a number that is never 0 to a pointer.
 *
 * Connections and requests are spoken of by number between threads and across
 * the core; this finds them again.  Owns no pointer that it holds. */
#ifndef COVEY_DAEMON_IDMAP_H
#define COVEY_DAEMON_IDMAP_H

#include <stddef.h>
#include <stdint.h>

struct idmap_slot {
    uint64_t id; /* 0: empty */
    void *p;
};

struct idmap { /* zero-filled is an empty one */
    struct idmap_slot *slots;
    size_t cap; /* a power of two, or 0 */
    size_t count;
};

void idmap_clear(struct idmap *map);
/* The id must not be in it yet. */
void idmap_add(struct idmap *map, uint64_t id, void *p);
void *idmap_get(const struct idmap *map, uint64_t id); /* NULL: not there */
void *idmap_take(struct idmap *map, uint64_t id); /* the same, and removes */
/* Walk: start with *at = 0; NULL at the end.  Add and take nothing meanwhile,
 * except by starting again from 0. */
void *idmap_next(const struct idmap *map, size_t *at);

#endif
