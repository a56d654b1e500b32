/* Change sets on the wire: what is left out is put back, one batch has one
 * encoding, and a reader takes nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/batch.h"
#include "tests/unit/support_bytes.h"

static struct batch_state writer, reader;
static uint64_t seed = 7;

static struct hash hash_of_byte(uint8_t b)
{
    struct hash h;

    memset(h.b, b, sizeof h.b);
    return h;
}

/* The header of log `log`, its hashes made of single bytes. */
static struct header header_of(uint8_t log, uint64_t number)
{
    struct header h = {.number = number};

    memset(h.author.b, log, sizeof h.author.b);
    memset(h.incarnation.b, log, sizeof h.incarnation.b);
    h.epoch = hash_of_byte(0xee);
    h.previous = hash_of_byte(0xbb);
    return h;
}

static void add(struct covey_buf *out, const struct header *h,
                struct hash own_hash, bool chained, const char *payload)
{
    struct batch_item item = {
        .header = h,
        .hash = own_hash,
        .chained = chained,
        .payload = {(const uint8_t *)payload, strlen(payload)},
    };

    memset(item.signature.b, 0x55, sizeof item.signature.b);
    batch_add(&writer, out, &item);
    assert_int_equal(buf_rc(out), COVEY_OK);
}

/* Read one record from memory of the batch's own size. */
static enum covey_rc next(struct covey_bytes in, bool *found,
                          struct batch_record *out)
{
    struct covey_bytes copy = bytes_exact(in);
    struct covey_bytes rest = copy;
    enum covey_rc rc = batch_next(&reader, &rest, found, out);

    bytes_free(copy);
    return rc;
}

/* ---- bytes ---- */

static void expect(struct covey_buf *want, const char *hex)
{
    size_t len = strlen(hex) / 2;

    assert_true(hex_decode(hex, buf_extend(want, len), len));
}

static void expect_hash(struct covey_buf *want, uint8_t b, size_t len)
{
    memset(buf_extend(want, len), b, len);
}

static void assert_same(const struct covey_buf *a, const struct covey_buf *b)
{
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->p, b->p, a->len);
}

static void test_a_first_record_says_everything(void **state)
{
    struct covey_buf out = bytes_buf();
    struct covey_buf want = bytes_buf();
    struct header h = header_of(0xaa, 300);

    h.cite_count = 1;
    h.cites[0] = hash_of_byte(0xcc);
    batch_begin(&writer);
    add(&out, &h, hash_of_byte(1), false, "payload");
    expect(&want, "0f");
    expect_hash(&want, 0xaa, 32 + 8);
    expect(&want, "ac02"); /* 300 */
    expect_hash(&want, 0xbb, 32);
    expect_hash(&want, 0xee, 32);
    expect(&want, "0100");
    expect_hash(&want, 0xcc, 32);
    expect(&want, "07"
                  "7061796c6f6164");
    expect_hash(&want, 0x55, 64);
    assert_same(&out, &want);
    buf_clear(&out);
    buf_clear(&want);
}

static void test_the_next_record_says_what_is_new(void **state)
{
    struct covey_buf out = bytes_buf();
    struct covey_buf want = bytes_buf();
    struct header one = header_of(1, 1);
    struct header two = header_of(1, 2);
    struct header gap = header_of(1, 9);
    struct header other = header_of(2, 4);

    two.cite_count = 1;
    two.cites[0] = hash_of_byte(1);
    other.cite_count = 2;
    other.cites[0] = hash_of_byte(1);
    other.cites[1] = hash_of_byte(2);
    gap.epoch = hash_of_byte(0xef);
    batch_begin(&writer);
    add(&out, &one, hash_of_byte(1), true, "");
    buf_reset(&out);

    add(&out, &two, hash_of_byte(2), true, "x");
    expect(&want, "00"   /* nothing is new */
                  "00"   /* log 0 */
                  "0101" /* one cite, one back */
                  "0178");
    expect_hash(&want, 0x55, 64);
    add(&out, &other, hash_of_byte(3), true, "");
    expect(&want, "03");
    expect_hash(&want, 2, 40);
    expect(&want, "04"     /* number */
                  "020201" /* two cites, two back and one back */
                  "00");
    expect_hash(&want, 0x55, 64);
    add(&out, &gap, hash_of_byte(4), false, "");
    expect(&want, "0e00"
                  "09");
    expect_hash(&want, 0xbb, 32);
    expect_hash(&want, 0xef, 32);
    expect(&want, "0000");
    expect_hash(&want, 0x55, 64);
    assert_same(&out, &want);
    buf_clear(&out);
    buf_clear(&want);
}

static void test_a_head_is_blind_and_sequence(void **state)
{
    struct covey_buf out = bytes_buf();
    struct covey_buf want = bytes_buf();
    struct blind blind, back;
    struct covey_bytes records;
    uint32_t sequence;

    memset(blind.b, 0xb1, sizeof blind.b);
    batch_head_write(&out, &blind, 0x01020304);
    expect_hash(&want, 0xb1, 16);
    expect(&want, "01020304");
    assert_same(&out, &want);
    assert_int_equal(out.len, BATCH_HEAD);
    assert_int_equal(
        batch_head_read(buf_bytes(&out), &back, &sequence, &records), COVEY_OK);
    assert_memory_equal(&back, &blind, sizeof blind);
    assert_int_equal(sequence, 0x01020304);
    assert_int_equal(records.len, 0);
    out.len--;
    assert_int_equal(
        batch_head_read(buf_bytes(&out), &back, &sequence, &records),
        COVEY_EBAD);
    buf_clear(&out);
    buf_clear(&want);
}

/* ---- there and back ---- */

struct story {
    struct header headers[BATCH_CHANGESETS];
    struct hash hashes[BATCH_CHANGESETS];
    bool chained[BATCH_CHANGESETS];
    uint8_t payloads[BATCH_CHANGESETS][64];
    size_t lens[BATCH_CHANGESETS];
};

/* A thousand change sets of a few logs, with forks, gaps and new epochs. */
static void draw_story(struct story *s)
{
    uint64_t last[7] = {0};

    for (size_t i = 0; i < BATCH_CHANGESETS; i++) {
        size_t log = bytes_below(&seed, 7);
        struct header *h = &s->headers[i];
        bool jump = bytes_below(&seed, 10) == 0;

        last[log] = jump ? 1 + bytes_draw(&seed) % 100000 : last[log] + 1;
        *h = header_of((uint8_t)log, last[log]);
        bytes_fill(&seed, h->previous.b, sizeof h->previous.b);
        h->epoch = hash_of_byte((uint8_t)(i / 200));
        h->cite_count = bytes_below(&seed, 4);
        for (size_t c = 0; c < h->cite_count; c++) {
            bytes_fill(&seed, h->cites[c].b, 32);
            if (i >= 4 && bytes_below(&seed, 3) > 0)
                h->cites[c] = s->hashes[i - 1 - c * (i / 4)];
        }
        s->chained[i] = bytes_below(&seed, 8) > 0;
        bytes_fill(&seed, s->hashes[i].b, 32);
        s->lens[i] = bytes_below(&seed, 64);
        bytes_fill(&seed, s->payloads[i], s->lens[i]);
    }
}

static void write_story(const struct story *s, struct covey_buf *out)
{
    batch_begin(&writer);
    for (size_t i = 0; i < BATCH_CHANGESETS; i++) {
        struct batch_item item = {
            .header = &s->headers[i],
            .hash = s->hashes[i],
            .chained = s->chained[i],
            .payload = {s->payloads[i], s->lens[i]},
        };
        size_t before = out->len;

        memcpy(item.signature.b, s->hashes[i].b, 32);
        batch_add(&writer, out, &item);
        assert_true(out->len - before <=
                    batch_room(&s->headers[i], s->lens[i]));
    }
    assert_int_equal(buf_rc(out), COVEY_OK);
}

static void assert_record(const struct story *s, size_t i,
                          const struct batch_record *r)
{
    const struct header *h = &s->headers[i];

    assert_memory_equal(&r->author, &h->author, 32);
    assert_memory_equal(&r->incarnation, &h->incarnation, 8);
    assert_int_equal(r->number, h->number);
    assert_int_equal(r->has_previous, h->number == 1 || !s->chained[i]);
    if (r->has_previous)
        assert_memory_equal(&r->previous, &h->previous, 32);
    assert_memory_equal(&r->epoch, &h->epoch, 32);
    assert_int_equal(r->cite_count, h->cite_count);
    for (size_t c = 0; c < r->cite_count; c++) {
        const struct batch_cite *cite = &r->cites[c];

        assert_memory_equal(cite->back == 0 ? &cite->hash
                                            : &s->hashes[i - cite->back],
                            &h->cites[c], 32);
    }
    assert_int_equal(r->payload.len, s->lens[i]);
    assert_memory_equal(r->payload.p, s->payloads[i], s->lens[i]);
    assert_memory_equal(r->signature.b, s->hashes[i].b, 32);
}

static void test_a_thousand_change_sets_come_back(void **state)
{
    struct story *s = calloc(1, sizeof *s);
    struct covey_buf out = bytes_buf();
    struct batch_record r;
    bool found;

    assert_non_null(s);
    draw_story(s);
    write_story(s, &out);

    struct covey_bytes in = buf_bytes(&out);

    batch_begin(&reader);
    for (size_t i = 0; i < BATCH_CHANGESETS; i++) {
        assert_int_equal(batch_next(&reader, &in, &found, &r), COVEY_OK);
        assert_true(found);
        assert_record(s, i, &r);
    }
    assert_int_equal(in.len, 0);
    assert_int_equal(batch_next(&reader, &in, &found, &r), COVEY_OK);
    assert_false(found);
    /* One more than a batch may hold. */
    in = (struct covey_bytes){out.p, 1};
    assert_int_equal(batch_next(&reader, &in, &found, &r), COVEY_ELIMIT);
    assert_false(found);
    buf_clear(&out);
    free(s);
}

/* A cite of the record 256 back is a number, of the one before it a hash. */
static void test_a_writer_looks_back_256_records(void **state)
{
    for (size_t back = 255; back <= 257; back++) {
        struct covey_buf out = bytes_buf();
        struct header h;

        batch_begin(&writer);
        for (size_t i = 0; i < back; i++) {
            h = header_of(1, i + 1);
            add(&out, &h, hash_of_byte(i == 0 ? 0xc0 : 0), true, "");
        }
        h = header_of(1, back + 1);
        h.cite_count = 1;
        h.cites[0] = hash_of_byte(0xc0);
        buf_reset(&out);
        add(&out, &h, hash_of_byte(9), true, "");
        /* flags, log, count, cite, length, signature */
        assert_int_equal(out.len, 1 + 1 + 1 + (back <= 256 ? 2 : 33) + 1 + 64);
        buf_clear(&out);
    }
}

static void test_a_batch_that_outgrows_its_buffer_says_so(void **state)
{
    struct covey_buf out = bytes_buf();
    struct header h = header_of(1, 1);
    struct batch_item item = {.header = &h};

    out.max = 100;
    batch_begin(&writer);
    batch_add(&writer, &out, &item);
    assert_int_equal(buf_rc(&out), COVEY_ELIMIT);
    buf_clear(&out);
}

/* ---- refused ---- */

/* Two records: one says everything, one leaves out all that it can. */
static void two_records(struct covey_buf *out, size_t *second)
{
    struct header one = header_of(1, 5);
    struct header two = header_of(1, 6);

    two.cite_count = 2;
    two.cites[0] = hash_of_byte(1);
    two.cites[1] = hash_of_byte(7);
    batch_begin(&writer);
    add(out, &one, hash_of_byte(1), true, "first");
    *second = out->len;
    add(out, &two, hash_of_byte(2), true, "second");
}

static void test_a_batch_cut_short_is_refused(void **state)
{
    struct covey_buf out = bytes_buf();
    size_t second;
    struct batch_record r;
    bool found;

    two_records(&out, &second);
    for (size_t len = 0; len < out.len; len++) {
        struct covey_bytes in = {out.p, len};

        batch_begin(&reader);
        if (len < second) {
            assert_int_equal(next(in, &found, &r),
                             len == 0 ? COVEY_OK : COVEY_EBAD);
            assert_false(found);
            continue;
        }
        assert_int_equal(batch_next(&reader, &in, &found, &r), COVEY_OK);
        assert_true(found);
        assert_int_equal(next(in, &found, &r),
                         in.len == 0 ? COVEY_OK : COVEY_EBAD);
        assert_false(found);
    }
    buf_clear(&out);
}

#define AUTHOR_1                                                               \
    "0101010101010101010101010101010101010101010101010101010101010101"         \
    "0101010101010101"
#define HASH_B                                                                 \
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HASH_E                                                                 \
    "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"

/* What follows a first record of log 1, number 5, epoch ee..., up to the
 * signature, which is put behind each. */
static const struct {
    const char *what;
    const char *hex;
    enum covey_rc rc;
} seconds[] = {
    {"the shortest", "00000000", COVEY_OK},
    {"a flag of no meaning", "10000000", COVEY_EBAD},
    {"the top flag", "80000000", COVEY_EBAD},
    {"a log that is not there", "00010000", COVEY_EBAD},
    {"a log number in a longer form", "0080000000", COVEY_EBAD},
    {"a log said to be new", "03" AUTHOR_1 "070000", COVEY_EBAD},
    {"a new log without a number", "01" AUTHOR_1 "0000", COVEY_EBAD},
    {"the next number, said", "0200060000", COVEY_EBAD},
    {"another number", "0200070000", COVEY_OK},
    {"the same number, of a fork",
     "0600"
     "05" HASH_B "0000",
     COVEY_OK},
    {"number 0", "0200000000", COVEY_EBAD},
    {"number 0 with a previous", "060000" HASH_B "0000", COVEY_EBAD},
    {"number 1 without a previous", "0200010000", COVEY_EBAD},
    {"number 1", "060001" HASH_B "0000", COVEY_OK},
    {"a number in a longer form", "020087000000", COVEY_EBAD},
    {"a number of 65 bits", "0200ffffffffffffffffff020000", COVEY_EBAD},
    {"the greatest number", "0200ffffffffffffffffff010000", COVEY_OK},
    {"the same epoch, said", "0800" HASH_E "0000", COVEY_EBAD},
    {"another epoch", "0800" HASH_B "0000", COVEY_OK},
    {"one back", "0000010100", COVEY_OK},
    {"two back", "0000010200", COVEY_EBAD},
    {"a cite in a longer form", "000001810000", COVEY_EBAD},
    {"one back, twice", "000002010100", COVEY_EBAD},
    {"one hash twice", "00000200" HASH_B "00" HASH_B "00", COVEY_EBAD},
    {"two hashes", "00000200" HASH_B "00" HASH_E "00", COVEY_OK},
    {"65 cites", "00004100", COVEY_ELIMIT},
    {"255 cites", "0000ff00", COVEY_ELIMIT},
    {"a payload over the limit", "000000818010", COVEY_ELIMIT},
    {"a payload that is not there", "000000808010", COVEY_EBAD},
    {"a length in a longer form", "0000008000", COVEY_EBAD},
    {"a length of 64 bits", "000000ffffffffffffffffff01", COVEY_ELIMIT},
};

static void test_a_second_record_has_one_form(void **state)
{
    struct header one = header_of(1, 5);
    struct batch_record r;
    bool found;

    for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
        struct covey_buf out = bytes_buf();

        batch_begin(&writer);
        add(&out, &one, hash_of_byte(1), true, "");
        expect(&out, seconds[i].hex);
        expect_hash(&out, 0x55, 64);

        struct covey_bytes in = buf_bytes(&out);

        batch_begin(&reader);
        assert_int_equal(batch_next(&reader, &in, &found, &r), COVEY_OK);

        enum covey_rc rc = next(in, &found, &r);

        if (rc != seconds[i].rc)
            print_error("%s\n", seconds[i].what);
        assert_int_equal(rc, seconds[i].rc);
        assert_int_equal(found, rc == COVEY_OK);
        buf_clear(&out);
    }
}

static void assert_first(const char *hex, enum covey_rc rc)
{
    struct covey_buf out = bytes_buf();
    struct batch_record r;
    bool found;

    expect(&out, hex);
    expect_hash(&out, 0x55, 64);
    batch_begin(&reader);
    assert_int_equal(next(buf_bytes(&out), &found, &r), rc);
    assert_int_equal(found, rc == COVEY_OK);
    buf_clear(&out);
}

static void test_a_first_record_leaves_out_little(void **state)
{
    assert_first("0f" AUTHOR_1 "05" HASH_B HASH_E "0000", COVEY_OK);
    assert_first("0b" AUTHOR_1 "05" HASH_E "0000", COVEY_OK);
    assert_first("0b" AUTHOR_1 "01" HASH_E "0000", COVEY_EBAD);
    assert_first("07" AUTHOR_1 "05" HASH_B "0000", COVEY_EBAD); /* no epoch */
    assert_first("0d" AUTHOR_1 HASH_B HASH_E "0000", COVEY_EBAD);
    assert_first("0e0005" HASH_B HASH_E "0000", COVEY_EBAD); /* no log */
    assert_first("0f" AUTHOR_1 "05" HASH_B HASH_E "010100", COVEY_EBAD);
}

/* After the last number that there is comes none. */
static void test_no_number_follows_the_greatest(void **state)
{
    struct covey_buf out = bytes_buf();
    struct header h = header_of(1, UINT64_MAX);
    struct batch_record r;
    bool found;

    batch_begin(&writer);
    add(&out, &h, hash_of_byte(1), true, "");
    expect(&out, "00000000");
    expect_hash(&out, 0x55, 64);

    struct covey_bytes in = buf_bytes(&out);

    batch_begin(&reader);
    assert_int_equal(batch_next(&reader, &in, &found, &r), COVEY_OK);
    assert_true(r.number == UINT64_MAX);
    assert_int_equal(next(in, &found, &r), COVEY_EBAD);
    buf_clear(&out);
}

/* Whatever a reader takes, a writer makes the same bytes of. */
static void rewrite(const struct batch_record *r, struct covey_buf *out,
                    uint8_t own)
{
    struct header h = {.author = r->author,
                       .incarnation = r->incarnation,
                       .number = r->number,
                       .previous = r->previous,
                       .epoch = r->epoch,
                       .cite_count = r->cite_count};
    struct batch_item item = {.header = &h,
                              .hash = hash_of_byte(own),
                              .chained = !r->has_previous,
                              .payload = r->payload,
                              .signature = r->signature};

    for (size_t i = 0; i < r->cite_count; i++)
        h.cites[i] =
            r->cites[i].back == 0
                ? r->cites[i].hash
                : writer.hashes[writer.record_count - r->cites[i].back];
    batch_add(&writer, out, &item);
}

static void test_what_a_mutated_batch_says_has_one_form(void **state)
{
    struct covey_buf out = bytes_buf();
    struct covey_buf mutated = bytes_buf();
    struct covey_buf again = bytes_buf();
    size_t second;
    int taken = 0;

    two_records(&out, &second);
    for (int i = 0; i < 10000; i++) {
        struct batch_record r;
        bool found = true;
        uint8_t own = 0xf0;

        bytes_mutate(&seed, buf_bytes(&out), &mutated);

        struct covey_bytes copy = bytes_exact(buf_bytes(&mutated));
        struct covey_bytes in = copy;

        batch_begin(&reader);
        batch_begin(&writer);
        buf_reset(&again);
        while (found) {
            if (batch_next(&reader, &in, &found, &r) != COVEY_OK)
                assert_false(found);
            if (found)
                rewrite(&r, &again, own++);
        }
        assert_true(again.len <= copy.len);
        assert_memory_equal(again.p, copy.p, again.len);
        taken += again.len > second;
        bytes_free(copy);
    }
    assert_true(taken > 1000);
    buf_clear(&out);
    buf_clear(&mutated);
    buf_clear(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_first_record_says_everything),
        cmocka_unit_test(test_the_next_record_says_what_is_new),
        cmocka_unit_test(test_a_head_is_blind_and_sequence),
        cmocka_unit_test(test_a_thousand_change_sets_come_back),
        cmocka_unit_test(test_a_writer_looks_back_256_records),
        cmocka_unit_test(test_a_batch_that_outgrows_its_buffer_says_so),
        cmocka_unit_test(test_a_batch_cut_short_is_refused),
        cmocka_unit_test(test_a_second_record_has_one_form),
        cmocka_unit_test(test_a_first_record_leaves_out_little),
        cmocka_unit_test(test_no_number_follows_the_greatest),
        cmocka_unit_test(test_what_a_mutated_batch_says_has_one_form),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
