#include "tests/unit/support_wire.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

const struct covey_mem support_heap = {NULL, heap_alloc, heap_free};

struct covey_buf heap_buf(void)
{
    struct covey_buf b;

    buf_init(&b, &support_heap, 1u << 20);
    return b;
}

struct covey_bytes exact_copy(struct covey_bytes in)
{
    /* malloc(0) may be NULL, and then nothing would stand guard. */
    uint8_t *p = malloc(in.len > 0 ? in.len : 1);

    if (p == NULL)
        abort();
    if (in.len > 0)
        memcpy(p, in.p, in.len);
    return (struct covey_bytes){p, in.len};
}

uint64_t draw_u64(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t draw_below(uint64_t *seed, uint64_t limit)
{
    return draw_u64(seed) % limit;
}

uint64_t draw_number(uint64_t *seed)
{
    uint64_t bits = draw_below(seed, 65);
    uint64_t v = bits == 0 ? 0 : draw_u64(seed) >> (64 - bits);

    /* Near a power of two, where forms meet. */
    if (bits > 0 && draw_below(seed, 4) == 0)
        v = (UINT64_C(1) << (bits - 1)) + draw_below(seed, 3) - 1;
    return v;
}

static double draw_real(uint64_t *seed)
{
    double v;

    do {
        uint64_t bits = draw_u64(seed);

        memcpy(&v, &bits, sizeof v);
    } while (isnan(v));
    return draw_below(seed, 8) == 0 ? 0.0 : v;
}

/* Letters of one to four bytes. */
static void draw_text(uint64_t *seed, struct value *v)
{
    static const char *const letters[] = {"a", "Z", "\xc3\xab", "\xe2\x82\xac",
                                          "\xf0\x9f\x8f\xab"};
    uint64_t wanted =
        draw_below(seed, 4) == 0 ? draw_below(seed, 290) : draw_below(seed, 40);

    v->len = 0;
    while (v->len < wanted) {
        const char *letter = letters[draw_below(seed, 5)];

        memcpy(v->body + v->len, letter, strlen(letter));
        v->len += strlen(letter);
    }
}

static void draw_bin(uint64_t *seed, struct value *v)
{
    v->len =
        draw_below(seed, 4) == 0 ? draw_below(seed, 300) : draw_below(seed, 40);
    for (size_t i = 0; i < v->len; i++)
        v->body[i] = (uint8_t)draw_u64(seed);
}

/* A value that is no array. */
static void draw_leaf(uint64_t *seed, struct value *v)
{
    static const enum wire_type types[] = {WIRE_NIL,  WIRE_BOOL, WIRE_INT,
                                           WIRE_INT,  WIRE_UINT, WIRE_REAL,
                                           WIRE_TEXT, WIRE_BIN};

    v->type = types[draw_below(seed, sizeof types / sizeof types[0])];
    v->number = 0;
    if (v->type == WIRE_BOOL)
        v->number = draw_below(seed, 2);
    if (v->type == WIRE_INT)
        v->number = draw_number(seed) >> 1;
    if (v->type == WIRE_INT && draw_below(seed, 2) == 0)
        v->number = ~v->number;
    if (v->type == WIRE_UINT)
        v->number = draw_number(seed) | UINT64_C(1) << 63;
    if (v->type == WIRE_REAL)
        v->real = draw_real(seed);
    if (v->type == WIRE_TEXT)
        draw_text(seed, v);
    if (v->type == WIRE_BIN)
        draw_bin(seed, v);
}

void draw_message(uint64_t *seed, struct message *out)
{
    uint64_t due[WIRE_DEPTH_MAX]; /* values to come in each open array */
    size_t depth = 0;

    out->count = 0;
    do {
        struct value *v = &out->value[out->count++];
        bool may_nest = depth < WIRE_DEPTH_MAX && out->count < 300;

        if (depth > 0)
            due[depth - 1]--;
        if (depth == 0 || (may_nest && draw_below(seed, 5) == 0)) {
            v->type = WIRE_ARRAY;
            v->number = draw_below(seed, 8) == 0 ? draw_below(seed, 40)
                                                 : draw_below(seed, 5);
            due[depth++] = v->number;
        } else {
            draw_leaf(seed, v);
        }
        while (depth > 0 && due[depth - 1] == 0)
            depth--;
    } while (depth > 0);
}

static void write_value(const struct value *v, struct covey_buf *out)
{
    switch (v->type) {
    case WIRE_NIL:
        wire_nil(out);
        return;
    case WIRE_BOOL:
        wire_bool(out, v->number != 0);
        return;
    case WIRE_INT:
        wire_int(out, (int64_t)v->number);
        return;
    case WIRE_UINT:
        wire_uint(out, v->number);
        return;
    case WIRE_REAL:
        wire_real(out, v->real);
        return;
    case WIRE_TEXT:
        wire_text(out, (const char *)v->body, v->len);
        return;
    case WIRE_BIN:
        wire_bin(out, v->body, v->len);
        return;
    case WIRE_ARRAY:
        wire_array(out, v->number);
        return;
    case WIRE_END:
        abort();
    }
}

void write_message(const struct message *m, struct covey_buf *out)
{
    for (size_t i = 0; i < m->count; i++)
        write_value(&m->value[i], out);
}
