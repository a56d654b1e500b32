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

/* Each way to read what stands here gives a value, or nothing. */
static void try_readers(const struct wire_cursor *at)
{
    struct wire_cursor c[10];
    uint8_t fixed[32];

    for (size_t i = 0; i < 10; i++)
        c[i] = *at;

    size_t items = wire_read_array(&c[0]);
    uint64_t number = wire_read_uint_max(&c[1], 1000);
    int64_t integer = wire_read_int(&c[2]);
    double real = wire_read_real(&c[3]);
    bool yes = wire_read_bool(&c[4]);
    struct covey_bytes text = wire_read_text(&c[5]);
    struct covey_bytes bin = wire_read_bin(&c[6]);
    struct covey_bytes skipped = wire_skip(&c[7]);

    wire_read_fixed(&c[8], fixed, sizeof fixed);
    wire_read_nil(&c[9]);
    CHECK(number <= 1000 && items <= WIRE_ITEMS_MAX);
    CHECK(wire_ok(&c[0]) || items == 0);
    CHECK(wire_ok(&c[1]) || number == 0);
    CHECK(wire_ok(&c[2]) || integer == 0);
    CHECK(wire_ok(&c[3]) || (real <= 0 && real >= 0));
    CHECK(wire_ok(&c[4]) || !yes);
    CHECK(wire_ok(&c[5]) || text.len == 0);
    CHECK(wire_ok(&c[6]) || bin.len == 0);
    CHECK(wire_ok(&c[7]) ? skipped.p == at->p : skipped.len == 0);
    CHECK(wire_ok(&c[8]) || fixed[0] == 0);
    for (size_t i = 0; i < 10; i++) {
        CHECK(c[i].end == at->end);
        CHECK(!wire_ok(&c[i]) || (c[i].p > at->p && c[i].p <= c[i].end));
        CHECK(wire_ok(&c[i]) || wire_peek(&c[i]) == WIRE_END);
    }
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
        try_readers(&c);
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
