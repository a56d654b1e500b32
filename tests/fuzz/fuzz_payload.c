/* A payload (changeset.h, payload.h), as whoever holds the space's key can make
 * one.
 *
 * Raw: any bytes.  What has a framing has a hash; erasing any part leaves the
 * hash, the header and the other parts as they are.  Sealed: the frames are
 * sealed with the right key around plaintexts of the input, so that what is
 * inside them is read too. */
#include <string.h>

#include "proto/changeset.h"
#include "proto/payload.h"
#include "proto/wire.h"
#include "tests/fuzz/fuzz.h"

static const struct seed space_key = {{0xa0}};
static const uint8_t nonce[PAYLOAD_NONCE] = {7};

static struct header head(void)
{
    struct header h = {.number = 1, .clock = 1};

    return h;
}

/* ---- any bytes ---- */

static bool frames_of(struct covey_bytes in, struct header *h)
{
    struct payload_walk w;
    struct payload_frame frame;
    struct hash whole;
    bool erased = false;

    if (changeset_hash(in, &h->payload_hash) != COVEY_OK)
        return false;
    CHECK(payload_begin(&w, in));
    for (size_t i = 0; i < w.part_count; i++) {
        CHECK(payload_next(&w, &frame));
        erased |= frame.erased;
    }
    CHECK(payload_done(&w));
    CHECK((changeset_hash_whole(in, &whole) == COVEY_OK) == !erased);
    h->payload_len = (uint32_t)w.full_len;
    CHECK(changeset_check(h, in) == COVEY_OK);
    return true;
}

static void erase(struct covey_bytes in, const struct header *h, size_t part)
{
    struct covey_buf out = fuzz_buf();
    struct covey_buf twice = fuzz_buf();
    size_t count = get_u16(in.p + PAYLOAD_NONCE);
    enum covey_rc rc = changeset_erase(in, part, &out);

    CHECK(rc == (part > 0 && part < count ? COVEY_OK : COVEY_ENONE));
    if (rc == COVEY_OK) {
        CHECK(changeset_check(h, buf_bytes(&out)) == COVEY_OK);
        CHECK(changeset_erase(buf_bytes(&out), part, &twice) == COVEY_OK);
        CHECK(fuzz_same(buf_bytes(&out), buf_bytes(&twice)));
    }
    buf_clear(&out);
    buf_clear(&twice);
}

/* ---- sealed ---- */

/* Append a frame as payload number `part` of the key has it. */
static void seal(struct covey_buf *out, const struct header *h, size_t part,
                 struct covey_bytes plain)
{
    struct hash derived =
        hash_keyed(&space_key, "covey/1 payload key", nonce, sizeof nonce);
    struct covey_buf salted = fuzz_buf();
    struct seed key;
    uint8_t at[PAYLOAD_NONCE] = {0};
    uint8_t ad[HEADER_MAX];
    uint8_t word[PAYLOAD_FRAME];

    memcpy(key.b, derived.b, sizeof key.b);
    put_u64(at + PAYLOAD_NONCE - 8, part);
    header_write(h, ad);
    memset(buf_extend(&salted, PART_SALT), 5, PART_SALT);
    buf_append(&salted, plain.p, plain.len);
    put_u32(word, (uint32_t)(salted.len + SEAL_OVERHEAD));
    buf_append(out, word, sizeof word);

    uint8_t *to = buf_extend(out, salted.len + SEAL_OVERHEAD);

    CHECK(to != NULL);
    aead_seal(&key, at, (struct covey_bytes){ad, header_ad_len(h)},
              buf_bytes(&salted), to);
    buf_clear(&salted);
}

#define PARTS 8u

/* Pieces of the input, each sealed as a part; part 0 is the first. */
static size_t seal_all(struct fuzz_in *parts, const struct header *h,
                       struct covey_bytes plain[PARTS], struct covey_buf *out)
{
    size_t count = 1 + fuzz_u8(parts) % PARTS;
    uint8_t number[2];

    put_u16(number, (uint16_t)count);
    buf_append(out, nonce, sizeof nonce);
    buf_append(out, number, sizeof number);
    for (size_t i = 0; i < count; i++) {
        plain[i] = fuzz_piece(parts);
        seal(out, h, i, plain[i]);
    }
    return count;
}

/* Part 0 has one encoding; what a newer kind says behind it is not read. */
static void check_first(const struct changeset *cs, struct covey_bytes plain)
{
    if (cs->kind > CHANGESET_EMPTY) {
        CHECK(wire_validate(plain) == COVEY_OK && cs->wall_ms == 0);
        return;
    }

    static const uint8_t zeros[65536];
    struct covey_buf out = fuzz_buf();
    struct wire_cursor c = wire_cursor(plain);

    wire_expect_array(&c, 3);
    (void)wire_read_uint(&c);
    (void)wire_read_uint(&c);

    struct covey_bytes padding = wire_read_bin(&c);

    wire_array(&out, 3);
    wire_uint(&out, cs->kind);
    wire_uint(&out, cs->wall_ms);
    wire_bin(&out, zeros, padding.len);
    CHECK(fuzz_same(buf_bytes(&out), plain));
    buf_clear(&out);
}

static void sealed(struct fuzz_in *parts, struct changeset *cs)
{
    struct covey_bytes plain[PARTS];
    struct header h = head();
    struct covey_buf out = fuzz_buf();
    size_t count = seal_all(parts, &h, plain, &out);
    enum covey_rc rc = changeset_open(&h, buf_bytes(&out), &space_key, cs);

    CHECK(rc == COVEY_OK || rc == COVEY_EBAD);
    CHECK(cs->part_count == (rc == COVEY_OK ? count - 1 : 0));
    for (size_t i = 0; i < cs->part_count; i++)
        CHECK(fuzz_same(cs->parts[i], plain[i + 1]));
    if (rc == COVEY_OK) {
        check_first(cs, plain[0]);
        CHECK(frames_of(buf_bytes(&out), &h));
        erase(buf_bytes(&out), &h, 1);
    }
    buf_clear(&out);
}

static void one(struct covey_bytes in)
{
    static struct changeset cs;
    struct fuzz_in parts = fuzz_in(in);
    struct header h = head();
    uint8_t mode = fuzz_u8(&parts);

    changeset_init(&cs, &fuzz_mem);
    if (mode % 2 == 1) {
        sealed(&parts, &cs);
    } else {
        in = fuzz_rest(&parts);
        CHECK(changeset_open(&h, in, &space_key, &cs) != COVEY_OK);
        CHECK(cs.part_count == 0);
        if (frames_of(in, &h))
            erase(in, &h, mode / 2);
    }
    changeset_clear(&cs);
}

const struct fuzz_target fuzz_target = {.one = one, .heap_max = 256u << 10};
