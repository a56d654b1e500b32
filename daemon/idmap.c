#include "daemon/idmap.h"

#include <stdlib.h>

#include "daemon/heap.h"

#define CAP_FIRST 16u

void idmap_clear(struct idmap *map)
{
    free(map->slots);
    *map = (struct idmap){0};
}

/* Fibonacci hashing: ids count up by two, which this spreads. */
static size_t home(const struct idmap *map, uint64_t id)
{
    return (size_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (map->cap - 1);
}

/* The slot that holds id, or the empty one where it belongs. */
static struct idmap_slot *find(const struct idmap *map, uint64_t id)
{
    size_t i = home(map, id);

    while (map->slots[i].id != 0 && map->slots[i].id != id)
        i = (i + 1) & (map->cap - 1);
    return &map->slots[i];
}

static void grow(struct idmap *map)
{
    struct idmap bigger = {.cap = map->cap == 0 ? CAP_FIRST : map->cap * 2,
                           .count = map->count};

    bigger.slots = heap_new(bigger.cap * sizeof *bigger.slots);
    for (size_t i = 0; i < map->cap; i++) {
        if (map->slots[i].id != 0)
            *find(&bigger, map->slots[i].id) = map->slots[i];
    }
    free(map->slots);
    *map = bigger;
}

void idmap_add(struct idmap *map, uint64_t id, void *p)
{
    CHECK(id != 0);
    CHECK(p != NULL);
    if (map->count * 4 >= map->cap * 3)
        grow(map);

    struct idmap_slot *slot = find(map, id);

    CHECK(slot->id == 0);
    *slot = (struct idmap_slot){id, p};
    map->count++;
}

void *idmap_get(const struct idmap *map, uint64_t id)
{
    return map->count == 0 ? NULL : find(map, id)->p;
}

/* Move back what had to step over the slot that is empty now. */
static void close_gap(struct idmap *map, size_t gap)
{
    size_t mask = map->cap - 1;

    for (size_t i = (gap + 1) & mask; map->slots[i].id != 0;
         i = (i + 1) & mask) {
        size_t from_home = (i - home(map, map->slots[i].id)) & mask;

        if (from_home < ((i - gap) & mask))
            continue;
        map->slots[gap] = map->slots[i];
        map->slots[i] = (struct idmap_slot){0};
        gap = i;
    }
}

void *idmap_take(struct idmap *map, uint64_t id)
{
    if (map->count == 0)
        return NULL;

    struct idmap_slot *slot = find(map, id);
    void *p = slot->p;

    if (p == NULL)
        return NULL;
    *slot = (struct idmap_slot){0};
    map->count--;
    close_gap(map, (size_t)(slot - map->slots));
    return p;
}

void *idmap_next(const struct idmap *map, size_t *at)
{
    while (*at < map->cap) {
        void *p = map->slots[(*at)++].p;

        if (p != NULL)
            return p;
    }
    return NULL;
}
