/* queue.c - a binary heap. */
#include "tests/sim/queue.h"

#include <stdlib.h>

void queue_clear(struct queue *q)
{
    free(q->items);
    *q = (struct queue){0};
}

static bool before(const struct event *a, const struct event *b)
{
    return a->at < b->at || (a->at == b->at && a->sequence < b->sequence);
}

static void swap(struct queue *q, size_t i, size_t k)
{
    struct event e = q->items[i];

    q->items[i] = q->items[k];
    q->items[k] = e;
}

void queue_add(struct queue *q, covey_time at, enum event_kind kind, uint64_t a,
               uint64_t b)
{
    if (q->count == q->cap) {
        q->cap = q->cap == 0 ? 256 : q->cap * 2;
        q->items = realloc(q->items, q->cap * sizeof *q->items);
        CHECK(q->items != NULL);
    }

    size_t i = q->count++;

    q->items[i] = (struct event){at, q->next_sequence++, kind, a, b};
    for (; i > 0 && before(&q->items[i], &q->items[(i - 1) / 2]);
         i = (i - 1) / 2)
        swap(q, i, (i - 1) / 2);
}

covey_time queue_next(const struct queue *q)
{
    return q->count == 0 ? COVEY_TIME_NEVER : q->items[0].at;
}

struct event queue_take(struct queue *q)
{
    CHECK(q->count > 0);

    struct event first = q->items[0];

    q->items[0] = q->items[--q->count];
    for (size_t i = 0;;) {
        size_t least = 2 * i + 1;

        if (least + 1 < q->count &&
            before(&q->items[least + 1], &q->items[least]))
            least++;
        if (least >= q->count || !before(&q->items[least], &q->items[i]))
            return first;
        swap(q, i, least);
        i = least;
    }
}
