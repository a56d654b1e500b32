#include "proto/wire.h"

#include <string.h>

#include <msgpack/pack.h>

/* ---- writing ---- */

/* msgpack-c hands over each head and each body here.  The first branch is
 * buf_append() for the usual case, where there is room.  Inlined, heads are
 * copied as constants of their size, and writing takes less than half. */
__attribute__((always_inline)) static inline int
append(void *ctx, const char *p, size_t len)
{
    struct covey_buf *b = ctx;

    if (b->rc == COVEY_OK && len <= b->cap - b->len && len > 0) {
        memcpy(b->p + b->len, p, len);
        b->len += len;
        return 0;
    }
    buf_append(b, p, len);
    return 0; /* the buffer remembers; buf_rc() tells */
}

static inline msgpack_packer packer(struct covey_buf *out)
{
    msgpack_packer pk;

    msgpack_packer_init(&pk, out, append);
    return pk;
}

/* What wire_validate() would refuse is not written either. */
static bool fits(struct covey_buf *out, size_t count, size_t max)
{
    if (count <= max)
        return true;
    if (out->rc == COVEY_OK)
        out->rc = COVEY_ELIMIT;
    return false;
}

void wire_array(struct covey_buf *out, size_t count)
{
    msgpack_packer pk = packer(out);

    if (fits(out, count, WIRE_ITEMS_MAX))
        (void)msgpack_pack_array(&pk, count);
}

void wire_uint(struct covey_buf *out, uint64_t v)
{
    msgpack_packer pk = packer(out);

    (void)msgpack_pack_uint64(&pk, v);
}

void wire_int(struct covey_buf *out, int64_t v)
{
    msgpack_packer pk = packer(out);

    (void)msgpack_pack_int64(&pk, v);
}

static uint64_t bits_of(double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof bits);
    return bits;
}

/* NaN has many encodings and 0.0 would have two; SQLite keeps neither. */
static bool is_refused_real(uint64_t bits)
{
    const uint64_t sign = UINT64_C(1) << 63;
    const uint64_t infinity = UINT64_C(0x7ff0000000000000);

    return bits == sign || (bits & ~sign) > infinity;
}

void wire_real(struct covey_buf *out, double v)
{
    msgpack_packer pk = packer(out);

    CHECK(!is_refused_real(bits_of(v)));
    (void)msgpack_pack_double(&pk, v);
}

void wire_bool(struct covey_buf *out, bool v)
{
    msgpack_packer pk = packer(out);

    if (v)
        (void)msgpack_pack_true(&pk);
    else
        (void)msgpack_pack_false(&pk);
}

void wire_nil(struct covey_buf *out)
{
    msgpack_packer pk = packer(out);

    (void)msgpack_pack_nil(&pk);
}

void wire_text(struct covey_buf *out, const char *p, size_t len)
{
    msgpack_packer pk = packer(out);

    if (fits(out, len, WIRE_TEXT_MAX))
        (void)msgpack_pack_str_with_body(&pk, p, len);
}

void wire_bin(struct covey_buf *out, const void *p, size_t len)
{
    msgpack_packer pk = packer(out);

    if (fits(out, len, WIRE_TEXT_MAX))
        (void)msgpack_pack_bin_with_body(&pk, p, len);
}

/* ---- one head ---- */

enum head_kind {
    HEAD_NONE, /* no form of ours: maps, ext, float32, the byte c1 */
    HEAD_NIL,
    HEAD_FALSE,
    HEAD_TRUE,
    HEAD_UINT,
    HEAD_NEGATIVE, /* value is the two's complement, sign-extended */
    HEAD_REAL,     /* value is the bits */
    HEAD_TEXT,     /* value is the length of what follows */
    HEAD_BIN,
    HEAD_ARRAY, /* value is the count */
};

struct head {
    enum head_kind kind;
    uint64_t value;
};

/* The first bytes c0 to df.  `least` is the smallest value (for negative ones,
 * how far below zero) that has no shorter form. */
static const struct form {
    uint8_t kind;
    uint8_t width; /* bytes of the number after the first */
    uint64_t least;
} forms[32] = {
    [0x00] = {HEAD_NIL, 0, 0},
    [0x02] = {HEAD_FALSE, 0, 0},
    [0x03] = {HEAD_TRUE, 0, 0},
    [0x04] = {HEAD_BIN, 1, 0},
    [0x05] = {HEAD_BIN, 2, 0x100},
    [0x06] = {HEAD_BIN, 4, 0x10000},
    [0x0b] = {HEAD_REAL, 8, 0},
    [0x0c] = {HEAD_UINT, 1, 0x80},
    [0x0d] = {HEAD_UINT, 2, 0x100},
    [0x0e] = {HEAD_UINT, 4, 0x10000},
    [0x0f] = {HEAD_UINT, 8, UINT64_C(0x100000000)},
    [0x10] = {HEAD_NEGATIVE, 1, 0x21},
    [0x11] = {HEAD_NEGATIVE, 2, 0x81},
    [0x12] = {HEAD_NEGATIVE, 4, 0x8001},
    [0x13] = {HEAD_NEGATIVE, 8, UINT64_C(0x80000001)},
    [0x19] = {HEAD_TEXT, 1, 0x20},
    [0x1a] = {HEAD_TEXT, 2, 0x100},
    [0x1b] = {HEAD_TEXT, 4, 0x10000},
    [0x1c] = {HEAD_ARRAY, 2, 0x10},
    [0x1d] = {HEAD_ARRAY, 4, 0x10000},
};

static inline uint64_t big_endian(const uint8_t *p, size_t width)
{
    uint64_t v = 0;

    for (size_t i = 0; i < width; i++)
        v = v << 8 | p[i];
    return v;
}

/* Sign-extend a number of `width` bytes. */
static inline uint64_t extend(uint64_t v, size_t width)
{
    /* No form of HEAD_NEGATIVE has a width of 0, so none shifts by too much. */
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): above */
    uint64_t sign = UINT64_C(1) << (8 * width - 1);

    return (v ^ sign) - sign;
}

/* A head of the forms c0 to df whose first byte is already taken. */
static struct head long_head(const struct form *form, const uint8_t **p,
                             const uint8_t *end)
{
    const struct head none = {HEAD_NONE, 0};
    enum head_kind kind = (enum head_kind)form->kind;

    if ((size_t)(end - *p) < form->width)
        return none;

    uint64_t v = big_endian(*p, form->width);

    if (kind == HEAD_NEGATIVE) {
        v = extend(v, form->width);
        /* 0 - v of the form's positive half is huge, hence the sign first. */
        if (v >> 63 == 0 || 0 - v < form->least)
            return none;
    } else if (v < form->least) {
        return none;
    }
    *p += form->width;
    return (struct head){kind, v};
}

/* Take the next head; HEAD_NONE where no shortest form of ours stands.  *p
 * goes past the head only when there is one.  Bodies are not looked at. */
static inline struct head take(const uint8_t **p, const uint8_t *end)
{
    const uint8_t *at = *p;
    struct head head = {HEAD_NONE, 0};

    if (at == end)
        return head;

    uint8_t first = *at++;

    if (first < 0x80)
        head = (struct head){HEAD_UINT, first};
    else if (first >= 0xe0)
        head = (struct head){HEAD_NEGATIVE, extend(first, 1)};
    else if (first >= 0xc0)
        head = long_head(&forms[first - 0xc0], &at, end);
    else if (first >= 0xa0)
        head = (struct head){HEAD_TEXT, first & 0x1f};
    else if (first >= 0x90)
        head = (struct head){HEAD_ARRAY, first & 0x0f};
    if (head.kind != HEAD_NONE)
        *p = at;
    return head;
}

/* ---- validating ---- */

/* Check the body of a text or binary at *p and step over it. */
static enum covey_rc check_body(const struct head *head, const uint8_t **p,
                                const uint8_t *end)
{
    if (head->value > WIRE_TEXT_MAX)
        return COVEY_ELIMIT;
    if (head->value > (size_t)(end - *p))
        return COVEY_EBAD;
    if (head->kind == HEAD_TEXT && !text_is_utf8(*p, head->value))
        return COVEY_EBAD;
    *p += head->value;
    return COVEY_OK;
}

/* Check one value; of an array only its head.  *p goes past it. */
static inline enum covey_rc check_value(const struct head *head,
                                        const uint8_t **p, const uint8_t *end)
{
    switch (head->kind) {
    case HEAD_NONE:
        return COVEY_EBAD;
    case HEAD_NIL:
    case HEAD_FALSE:
    case HEAD_TRUE:
    case HEAD_UINT:
    case HEAD_NEGATIVE:
        return COVEY_OK;
    case HEAD_REAL:
        return is_refused_real(head->value) ? COVEY_EBAD : COVEY_OK;
    case HEAD_TEXT:
    case HEAD_BIN:
        return check_body(head, p, end);
    case HEAD_ARRAY:
        /* A value takes a byte at least. */
        return head->value > (size_t)(end - *p) ? COVEY_EBAD : COVEY_OK;
    }
    return COVEY_EBAD;
}

enum covey_rc wire_validate(struct covey_bytes in)
{
    const uint8_t *p = in.p;
    const uint8_t *end = in.len == 0 ? in.p : in.p + in.len;
    uint64_t due[WIRE_DEPTH_MAX]; /* values to come in each open array */
    size_t depth = 0;

    for (size_t items = 0; items < WIRE_ITEMS_MAX; items++) {
        struct head head = take(&p, end);
        enum covey_rc rc = check_value(&head, &p, end);

        if (rc != COVEY_OK)
            return rc;
        if (head.kind == HEAD_ARRAY && depth == WIRE_DEPTH_MAX)
            return COVEY_ELIMIT;
        if (head.kind == HEAD_ARRAY)
            due[depth++] = head.value + 1; /* itself, counted off below */
        else if (depth == 0)
            return COVEY_EBAD; /* the one value must be an array */
        /* Count off this value, then every array that it completes. */
        while (depth > 0 && --due[depth - 1] == 0)
            depth--;
        if (depth == 0)
            return p == end ? COVEY_OK : COVEY_EBAD;
    }
    return COVEY_ELIMIT;
}

/* ---- reading ---- */

struct wire_cursor wire_cursor(struct covey_bytes in)
{
    /* NULL + 0 is not defined in C. */
    const uint8_t *end = in.len == 0 ? in.p : in.p + in.len;

    return (struct wire_cursor){in.p, end, false};
}

/* Bad, and at the end: each later read fails by finding nothing. */
static void spoil(struct wire_cursor *c)
{
    c->p = c->end;
    c->bad = true;
}

static inline size_t left(const struct wire_cursor *c)
{
    return (size_t)(c->end - c->p);
}

enum wire_type wire_peek(const struct wire_cursor *c)
{
    const uint8_t *p = c->p;
    struct head head = take(&p, c->end);

    switch (head.kind) {
    case HEAD_NONE:
        return WIRE_END;
    case HEAD_NIL:
        return WIRE_NIL;
    case HEAD_FALSE:
    case HEAD_TRUE:
        return WIRE_BOOL;
    case HEAD_UINT:
        return head.value > INT64_MAX ? WIRE_UINT : WIRE_INT;
    case HEAD_NEGATIVE:
        return WIRE_INT;
    case HEAD_REAL:
        return WIRE_REAL;
    case HEAD_TEXT:
        return WIRE_TEXT;
    case HEAD_BIN:
        return WIRE_BIN;
    case HEAD_ARRAY:
        return WIRE_ARRAY;
    }
    return WIRE_END;
}

/* The value of a head that must be of this kind; 0 when bad. */
static inline uint64_t read_kind(struct wire_cursor *c, enum head_kind kind)
{
    struct head head = take(&c->p, c->end);

    if (head.kind == kind)
        return head.value;
    spoil(c);
    return 0;
}

size_t wire_read_array(struct wire_cursor *c)
{
    uint64_t count = read_kind(c, HEAD_ARRAY);

    /* Callers loop over the count, so it never exceeds what is there. */
    if (count <= left(c))
        return count;
    spoil(c);
    return 0;
}

void wire_expect_array(struct wire_cursor *c, size_t count)
{
    if (wire_read_array(c) != count)
        spoil(c);
}

uint64_t wire_read_uint(struct wire_cursor *c)
{
    return read_kind(c, HEAD_UINT);
}

uint64_t wire_read_uint_max(struct wire_cursor *c, uint64_t max)
{
    uint64_t v = read_kind(c, HEAD_UINT);

    if (v <= max)
        return v;
    spoil(c);
    return 0;
}

int64_t wire_read_int(struct wire_cursor *c)
{
    struct head head = take(&c->p, c->end);

    if (head.kind == HEAD_NEGATIVE ||
        (head.kind == HEAD_UINT && head.value <= INT64_MAX))
        return (int64_t)head.value;
    spoil(c);
    return 0;
}

double wire_read_real(struct wire_cursor *c)
{
    uint64_t bits = read_kind(c, HEAD_REAL);
    double v;

    if (is_refused_real(bits)) {
        spoil(c);
        bits = 0;
    }
    memcpy(&v, &bits, sizeof v);
    return v;
}

bool wire_read_bool(struct wire_cursor *c)
{
    struct head head = take(&c->p, c->end);

    if (head.kind != HEAD_TRUE && head.kind != HEAD_FALSE)
        spoil(c);
    return head.kind == HEAD_TRUE;
}

void wire_read_nil(struct wire_cursor *c)
{
    (void)read_kind(c, HEAD_NIL);
}

static inline struct covey_bytes read_body(struct wire_cursor *c,
                                           enum head_kind kind)
{
    uint64_t len = read_kind(c, kind);

    if (len > left(c)) {
        spoil(c);
        return (struct covey_bytes){NULL, 0};
    }

    struct covey_bytes body = {c->p, len};

    c->p += len;
    return body;
}

struct covey_bytes wire_read_text(struct wire_cursor *c)
{
    return read_body(c, HEAD_TEXT);
}

struct covey_bytes wire_read_bin(struct wire_cursor *c)
{
    return read_body(c, HEAD_BIN);
}

void wire_read_fixed(struct wire_cursor *c, void *out, size_t len)
{
    struct covey_bytes body = read_body(c, HEAD_BIN);

    if (!c->bad && body.len == len) {
        if (len > 0)
            memcpy(out, body.p, len);
        return;
    }
    spoil(c);
    memset(out, 0, len);
}

struct covey_bytes wire_skip(struct wire_cursor *c)
{
    const uint8_t *start = c->p;

    /* Values to come: a sum of counts below 2^32, each of which took bytes. */
    for (uint64_t open = 1; open > 0;) {
        struct head head = take(&c->p, c->end);
        bool has_body = head.kind == HEAD_TEXT || head.kind == HEAD_BIN;

        if (head.kind == HEAD_NONE || (has_body && head.value > left(c)))
            break;
        open--;
        if (has_body)
            c->p += head.value;
        if (head.kind == HEAD_ARRAY)
            open += head.value;
        if (open == 0)
            return (struct covey_bytes){start, (size_t)(c->p - start)};
    }
    spoil(c);
    return (struct covey_bytes){NULL, 0};
}

bool wire_done(const struct wire_cursor *c)
{
    return !c->bad && c->p == c->end;
}

bool wire_ok(const struct wire_cursor *c)
{
    return !c->bad;
}
