#include <stdlib.h>
#include <string.h>

#include "tests/unit/support_bytes.h"

static void *heap_alloc(void *ctx, size_t size)
{
    (void)ctx;
    return malloc(size);
}

static void heap_free(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

static const struct covey_mem heap = {NULL, heap_alloc, heap_free};

struct covey_buf bytes_buf(void)
{
    struct covey_buf b;

    buf_init(&b, &heap, BYTES_BUF_MAX);
    return b;
}

struct covey_bytes bytes_exact(struct covey_bytes in)
{
    /* malloc(0) may be NULL, and then nothing would stand guard. */
    uint8_t *p = malloc(in.len > 0 ? in.len : 1);

    if (p == NULL)
        abort();
    if (in.len > 0)
        memcpy(p, in.p, in.len);
    return (struct covey_bytes){p, in.len};
}

void bytes_free(struct covey_bytes copy)
{
    free((void *)(uintptr_t)copy.p);
}

uint64_t bytes_draw(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

size_t bytes_below(uint64_t *seed, size_t limit)
{
    return (size_t)(bytes_draw(seed) % limit);
}

void bytes_fill(uint64_t *seed, void *p, size_t len)
{
    uint8_t *at = p;

    for (size_t i = 0; i < len; i++)
        at[i] = (uint8_t)bytes_draw(seed);
}

static void mutate_once(uint64_t *seed, struct covey_buf *b)
{
    size_t at = bytes_below(seed, b->len);
    uint8_t more[40];

    switch (bytes_below(seed, 6)) {
    case 0:
        b->p[at] ^= (uint8_t)(1u << bytes_below(seed, 8));
        return;
    case 1:
        b->p[at] = (uint8_t)bytes_draw(seed);
        return;
    case 2:
        b->len = at + 1;
        return;
    case 3:
        bytes_fill(seed, more, sizeof more);
        buf_append(b, more, 1 + bytes_below(seed, sizeof more));
        return;
    case 4:
        b->p[at] = (uint8_t)(bytes_below(seed, 2) ? 0xff : 0);
        return;
    default: /* a piece from elsewhere */
        b->p[at] = b->p[bytes_below(seed, b->len)];
        return;
    }
}

void bytes_mutate(uint64_t *seed, struct covey_bytes in, struct covey_buf *out)
{
    size_t times = 1 + bytes_below(seed, 4);

    buf_reset(out);
    buf_append(out, in.p, in.len);
    while (times-- > 0)
        mutate_once(seed, out);
}
