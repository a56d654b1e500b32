/* The validator and the cursor (wire.h), UTF-8 (base.h) and LEB128 (leb.h).
 *
 * What is valid is written again byte for byte from what the cursor reads.  On
 * anything at all the cursor stays inside, and once bad gives nothing. */
#include "tests/fuzz/fuzz.h"

#include "proto/leb.h"
#include "proto/wire.h"

/* Read one value and write it again; false at the end. */
static bool copy_value(struct wire_cursor *c, struct covey_buf *out)
{
    struct covey_bytes words;

    switch (wire_peek(c)) {
    case WIRE_NIL:
        wire_read_nil(c);
        wire_nil(out);
        break;
    case WIRE_BOOL:
        wire_bool(out, wire_read_bool(c));
        break;
    case WIRE_INT:
        wire_int(out, wire_read_int(c));
        break;
    case WIRE_UINT:
        wire_uint(out, wire_read_uint(c));
        break;
    case WIRE_REAL:
        wire_real(out, wire_read_real(c));
        break;
    case WIRE_TEXT:
        words = wire_read_text(c);
        (void)text_is_utf8(words.p, words.len);
        wire_text(out, (const char *)words.p, words.len);
        break;
    case WIRE_BIN:
        words = wire_read_bin(c);
        wire_bin(out, words.p, words.len);
        break;
    case WIRE_ARRAY:
        wire_array(out, wire_read_array(c));
        break;
    case WIRE_END:
        return false;
    }
    return wire_ok(c);
}

/* A read left the cursor inside, or bad and with nothing to give. */
static void check_cursor(const struct wire_cursor *c, const uint8_t *before,
                         bool gave_nothing)
{
    if (wire_ok(c)) {
        CHECK(c->p > before && c->p <= c->end);
        return;
    }
    CHECK(gave_nothing);
    CHECK(wire_peek(c) == WIRE_END);
}

static void try_numbers(const struct wire_cursor *at)
{
    struct wire_cursor c = *at;
    size_t items = wire_read_array(&c);

    CHECK(items <= WIRE_ITEMS_MAX);
    check_cursor(&c, at->p, items == 0);
    c = *at;
    uint64_t number = wire_read_uint_max(&c, 1000);
    CHECK(number <= 1000);
    check_cursor(&c, at->p, number == 0);
    c = *at;
    int64_t integer = wire_read_int(&c);
    check_cursor(&c, at->p, integer == 0);
    c = *at;
    double real = wire_read_real(&c);
    check_cursor(&c, at->p, real <= 0 && real >= 0);
    c = *at;
    bool yes = wire_read_bool(&c);
    check_cursor(&c, at->p, !yes);
    c = *at;
    wire_read_nil(&c);
    check_cursor(&c, at->p, true);
}

static void try_bytes(const struct wire_cursor *at)
{
    struct wire_cursor c = *at;
    uint8_t fixed[32];
    struct covey_bytes text = wire_read_text(&c);

    check_cursor(&c, at->p, text.len == 0);
    c = *at;
    struct covey_bytes bin = wire_read_bin(&c);
    check_cursor(&c, at->p, bin.len == 0);
    c = *at;
    struct covey_bytes skipped = wire_skip(&c);
    check_cursor(&c, at->p, skipped.len == 0);
    CHECK(skipped.len == 0 || skipped.p == at->p);
    c = *at;
    wire_read_fixed(&c, fixed, sizeof fixed);
    check_cursor(&c, at->p, fixed[0] == 0);
}

static void leb(struct covey_bytes in)
{
    uint8_t again[LEB_MAX];
    uint64_t v;
    size_t used = leb_read(in, &v);

    CHECK(used <= in.len && used <= LEB_MAX);
    if (used > 0)
        CHECK(fuzz_same((struct covey_bytes){again, leb_write(v, again)},
                        (struct covey_bytes){in.p, used}));
}

static void one(struct covey_bytes in)
{
    bool valid = wire_validate(in) == COVEY_OK;
    struct wire_cursor c = wire_cursor(in);
    struct covey_buf out = fuzz_buf();

    leb(in);
    while (wire_peek(&c) != WIRE_END) {
        try_numbers(&c);
        try_bytes(&c);
        if (!copy_value(&c, &out))
            break;
    }
    if (valid) {
        CHECK(wire_done(&c));
        CHECK(buf_rc(&out) == COVEY_OK);
        CHECK(fuzz_same(buf_bytes(&out), in));
        c = wire_cursor(in);
        CHECK(fuzz_same(wire_skip(&c), in) && wire_done(&c));
    }
    buf_clear(&out);
}

const struct fuzz_target fuzz_target = {.one = one};
