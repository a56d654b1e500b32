/* FRONTIER of message.h: a fixed layout, read without msgpack. */
#include "proto/message.h"

#include <string.h>

#define FRONTIER_HEAD (sizeof(struct blind) + 1u)

static void entry_write(const struct log_head *head,
                        uint8_t out[FRONTIER_ENTRY])
{
    memcpy(out, head->author.b, 32);
    memcpy(out + 32, head->incarnation.b, 8);
    put_u64(out + 40, head->number);
    memcpy(out + 48, head->hash.b, 32);
}

static void entry_read(const uint8_t in[FRONTIER_ENTRY], struct log_head *out)
{
    memcpy(out->author.b, in, 32);
    memcpy(out->incarnation.b, in + 32, 8);
    out->number = get_u64(in + 40);
    memcpy(out->hash.b, in + 48, 32);
}

void frontier_begin(struct covey_buf *out, const struct blind *blind, bool last)
{
    uint8_t flag = last ? 1 : 0;

    buf_append(out, blind->b, sizeof blind->b);
    buf_append(out, &flag, sizeof flag);
}

void frontier_add(struct covey_buf *out, const struct log_head *head)
{
    uint8_t entry[FRONTIER_ENTRY];

    entry_write(head, entry);
    buf_append(out, entry, sizeof entry);
}

enum covey_rc frontier_read(struct covey_bytes in, struct frontier *out)
{
    if (in.len < FRONTIER_HEAD || in.p[FRONTIER_HEAD - 1] > 1)
        return COVEY_EBAD;
    memcpy(out->blind.b, in.p, sizeof out->blind.b);
    out->last = in.p[FRONTIER_HEAD - 1] == 1;
    out->entries =
        (struct covey_bytes){in.p + FRONTIER_HEAD, in.len - FRONTIER_HEAD};
    out->count = out->entries.len / FRONTIER_ENTRY;
    if (out->entries.len % FRONTIER_ENTRY != 0)
        return COVEY_EBAD;
    if (out->count > FRONTIER_ENTRIES_MAX)
        return COVEY_ELIMIT;
    for (size_t i = 0; i < out->count; i++) {
        /* A log is numbered 1, 2, 3, ...: an empty one has no head. */
        if (get_u64(out->entries.p + i * FRONTIER_ENTRY + 40) == 0)
            return COVEY_EBAD;
    }
    return COVEY_OK;
}

void frontier_entry(const struct frontier *f, size_t index,
                    struct log_head *out)
{
    CHECK(index < f->count);
    entry_read(f->entries.p + index * FRONTIER_ENTRY, out);
}

/* The order of their bytes on the wire, so that two heads of one log, which a
 * fork makes, have an order as well. */
static int order(const struct log_head *a, const struct log_head *b)
{
    int d = memcmp(a->author.b, b->author.b, sizeof a->author.b);

    if (d == 0)
        d = memcmp(a->incarnation.b, b->incarnation.b, sizeof a->incarnation.b);
    if (d == 0)
        d = (a->number > b->number) - (a->number < b->number);
    if (d == 0)
        d = memcmp(a->hash.b, b->hash.b, sizeof a->hash.b);
    return d;
}

static void swap(struct log_head *a, struct log_head *b)
{
    struct log_head kept = *a;

    *a = *b;
    *b = kept;
}

/* Let the head at `root` fall to its place in a heap of `count` heads. */
static void sift(struct log_head *heads, size_t root, size_t count)
{
    for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
        if (child + 1 < count && order(&heads[child], &heads[child + 1]) < 0)
            child++;
        if (order(&heads[root], &heads[child]) >= 0)
            return;
        swap(&heads[root], &heads[child]);
        root = child;
    }
}

/* Heapsort: in place, and no order of a peer's makes it slow. */
static void sort(struct log_head *heads, size_t count)
{
    for (size_t i = count / 2; i > 0; i--)
        sift(heads, i - 1, count);
    for (size_t i = count; i > 1; i--) {
        swap(&heads[0], &heads[i - 1]);
        sift(heads, 0, i - 1);
    }
}

struct hash frontier_digest(struct log_head *heads, size_t count)
{
    struct hasher h;

    sort(heads, count);
    hasher_init(&h, "covey/1 frontier");
    for (size_t i = 0; i < count; i++) {
        uint8_t entry[FRONTIER_ENTRY];

        entry_write(&heads[i], entry);
        hasher_add(&h, entry, sizeof entry);
    }
    return hasher_end(&h);
}
