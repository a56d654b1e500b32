#include "proto/changeset.h"

#include <string.h>

#include "proto/pad.h"
#include "proto/payload.h"
#include "proto/wire.h"

/* ---- keys and nonces ---- */

static struct seed payload_key(const struct seed *space_key,
                               const uint8_t nonce[PAYLOAD_NONCE])
{
    struct hash h =
        hash_keyed(space_key, "covey/1 payload key", nonce, PAYLOAD_NONCE);
    struct seed key;

    memcpy(key.b, h.b, sizeof key.b);
    sodium_memzero(&h, sizeof h);
    return key;
}

/* Each payload has a key of its own, so the part's number is nonce enough. */
static void part_nonce(size_t part, uint8_t out[PAYLOAD_NONCE])
{
    memset(out, 0, PAYLOAD_NONCE);
    put_u64(out + PAYLOAD_NONCE - 8, part);
}

/* ---- sealing ---- */

struct sealer {
    struct covey_buf *out;
    struct covey_bytes ad;
    struct seed key;
    struct seed salts; /* the parts' salts are drawn from it */
    struct hasher payload;
    size_t part;    /* number of the part being written */
    size_t part_at; /* where its salt begins in out */
};

static struct hash hash_plain(const struct changeset_plain *plain)
{
    struct hasher h;
    uint8_t head[24];

    hasher_init(&h, "covey/1 plain");
    put_u64(head, (uint64_t)plain->kind);
    put_u64(head + 8, plain->wall_ms);
    put_u64(head + 16, plain->part_count);
    hasher_add(&h, head, sizeof head);
    for (size_t i = 0; i < plain->part_count; i++) {
        put_u64(head, plain->parts[i].len);
        hasher_add(&h, head, 8);
        hasher_add(&h, plain->parts[i].p, plain->parts[i].len);
    }
    return hasher_end(&h);
}

/* TRUST.md, rule 10: "The nonce is derived from fresh randomness, a node secret
 * and the hash of the header fields before the payload and of the plaintext, so
 * a cloned generator cannot repeat one for other plaintext or other associated
 * data."  The salts follow the same rule, so a clone's salt tells nothing of an
 * erased row's. */
static void draw(struct sealer *s, const struct changeset_plain *plain,
                 const struct seed *nonce_secret, const struct seed *fresh,
                 uint8_t nonce[PAYLOAD_NONCE])
{
    struct hash ad = hash_of("covey/1 ad", s->ad.p, s->ad.len);
    struct hash words = hash_plain(plain);
    uint8_t mix[sizeof fresh->b + sizeof ad.b + sizeof words.b];

    memcpy(mix, fresh->b, sizeof fresh->b);
    memcpy(mix + sizeof fresh->b, ad.b, sizeof ad.b);
    memcpy(mix + sizeof fresh->b + sizeof ad.b, words.b, sizeof words.b);

    struct hash drawn =
        hash_keyed(nonce_secret, "covey/1 nonce", mix, sizeof mix);

    memcpy(nonce, drawn.b, PAYLOAD_NONCE);
    drawn = hash_keyed(nonce_secret, "covey/1 salts", mix, sizeof mix);
    memcpy(s->salts.b, drawn.b, sizeof s->salts.b);
    sodium_memzero(&drawn, sizeof drawn);
    sodium_memzero(mix, sizeof mix);
}

/* The frame's head and the salt; the part's plaintext goes right after them. */
static void part_begin(struct sealer *s)
{
    uint8_t *p = buf_extend(s->out, PAYLOAD_FRAME + PART_SALT);
    uint8_t number[8];

    if (p == NULL)
        return;
    put_u64(number, s->part);

    struct hash salt =
        hash_keyed(&s->salts, "covey/1 salt", number, sizeof number);

    memcpy(p + PAYLOAD_FRAME, salt.b, PART_SALT);
    s->part_at = s->out->len - PART_SALT;
}

/* Seal, in place, all that was written since part_begin(). */
static void part_end(struct sealer *s)
{
    size_t plain_len = s->out->len - s->part_at;

    if (buf_extend(s->out, SEAL_OVERHEAD) == NULL)
        return;

    uint8_t *p = s->out->p + s->part_at;
    uint32_t len = (uint32_t)(plain_len + SEAL_OVERHEAD);
    uint8_t nonce[PAYLOAD_NONCE];

    part_nonce(s->part, nonce);
    put_u32(p - PAYLOAD_FRAME, len);
    aead_seal(&s->key, nonce, s->ad, (struct covey_bytes){p, plain_len}, p);

    struct hash hash = payload_part_hash(p, len);

    payload_add_part(&s->payload, len, hash.b);
    s->part++;
}

/* Part 0, of such a length that the payload fills a bucket. */
static void write_first(struct sealer *s, const struct changeset_plain *plain,
                        size_t start, size_t rows_len)
{
    /* Buckets up to HEADER_PAYLOAD_MAX lie 4 KiB apart at most, one is passed
     * over at most, and the first beyond lies 8 KiB on. */
    static const uint8_t zeros[8192];

    part_begin(s);
    wire_array(s->out, 3);
    wire_uint(s->out, (uint64_t)plain->kind);
    wire_uint(s->out, plain->wall_ms);

    size_t pad = pad_bin(s->out->len - start + SEAL_OVERHEAD + rows_len);

    CHECK(pad <= sizeof zeros);
    wire_bin(s->out, zeros, pad);
    part_end(s);
}

/* What the rows add to a payload; COVEY_ELIMIT when that cannot fit. */
static enum covey_rc rows_measure(const struct changeset_plain *plain,
                                  size_t *out)
{
    size_t len = 0;

    if (plain->part_count >= CHANGESET_PARTS_MAX)
        return COVEY_ELIMIT;
    for (size_t i = 0; i < plain->part_count; i++) {
        CHECK(plain->parts[i].len > 0);
        if (plain->parts[i].len > HEADER_PAYLOAD_MAX)
            return COVEY_ELIMIT;
        len += plain->parts[i].len + CHANGESET_PART_COST;
    }
    *out = len;
    return len <= HEADER_PAYLOAD_MAX ? COVEY_OK : COVEY_ELIMIT;
}

static void write_payload(struct sealer *s, const struct changeset_plain *plain,
                          const uint8_t nonce[PAYLOAD_NONCE], size_t rows_len)
{
    size_t start = s->out->len;
    uint8_t head[PAYLOAD_HEAD];

    memcpy(head, nonce, PAYLOAD_NONCE);
    put_u16(head + PAYLOAD_NONCE, (uint16_t)(plain->part_count + 1));
    hasher_init(&s->payload, "covey/1 payload");
    hasher_add(&s->payload, head, sizeof head);
    buf_append(s->out, head, sizeof head);
    write_first(s, plain, start, rows_len);
    for (size_t i = 0; i < plain->part_count; i++) {
        part_begin(s);
        buf_append(s->out, plain->parts[i].p, plain->parts[i].len);
        part_end(s);
    }
}

enum covey_rc changeset_seal(struct header *h,
                             const struct changeset_plain *plain,
                             const struct seed *space_key,
                             const struct seed *nonce_secret,
                             const struct seed *fresh, struct covey_buf *out)
{
    uint8_t ad[HEADER_MAX];
    uint8_t nonce[PAYLOAD_NONCE];
    size_t start = out->len;
    size_t rows_len;
    enum covey_rc rc = rows_measure(plain, &rows_len);

    CHECK(plain->kind != CHANGESET_EMPTY || plain->part_count == 0);
    if (rc != COVEY_OK)
        return rc;
    header_write(h, ad);

    struct sealer s = {.out = out, .ad = {ad, header_ad_len(h)}};

    draw(&s, plain, nonce_secret, fresh, nonce);
    s.key = payload_key(space_key, nonce);
    write_payload(&s, plain, nonce, rows_len);
    rc = buf_rc(out);
    if (rc == COVEY_OK && out->len - start > HEADER_PAYLOAD_MAX)
        rc = COVEY_ELIMIT;
    if (rc == COVEY_OK) {
        h->payload_len = (uint32_t)(out->len - start);
        h->payload_hash = hasher_end(&s.payload);
    }
    sodium_memzero(&s, sizeof s);
    return rc;
}

/* ---- opening ---- */

void changeset_init(struct changeset *cs, const struct covey_mem *mem)
{
    cs->part_count = 0;
    buf_init(&cs->plain, mem, HEADER_PAYLOAD_MAX);
}

void changeset_clear(struct changeset *cs)
{
    cs->part_count = 0;
    buf_clear(&cs->plain);
}

/* Open one part into `to`: its salt, then the plaintext that is returned. */
static enum covey_rc open_part(const struct seed *key, struct covey_bytes ad,
                               size_t part, const struct payload_frame *frame,
                               uint8_t *to, struct covey_bytes *plain)
{
    struct covey_bytes sealed = {frame->p, frame->len};
    uint8_t nonce[PAYLOAD_NONCE];

    part_nonce(part, nonce);
    *plain = (struct covey_bytes){to + PART_SALT,
                                  frame->len - PART_SALT - SEAL_OVERHEAD};
    return aead_open(key, nonce, ad, sealed, to);
}

/* What stands behind a newer kind is a newer version's to say: were it judged
 * here, it would be void here and not there. */
static enum covey_rc read_first(struct covey_bytes plain, size_t row_count,
                                struct changeset *cs)
{
    struct wire_cursor c = wire_cursor(plain);
    size_t count = wire_read_array(&c);

    cs->kind = wire_read_uint(&c);
    cs->wall_ms = 0;
    if (wire_validate(plain) != COVEY_OK || !wire_ok(&c))
        return COVEY_EBAD;
    if (cs->kind > CHANGESET_EMPTY)
        return COVEY_OK;
    cs->wall_ms = wire_read_uint(&c);

    struct covey_bytes padding = wire_read_bin(&c);

    if (count != 3 || !wire_done(&c) ||
        sodium_is_zero(padding.p, padding.len) != 1)
        return COVEY_EBAD;
    if (cs->kind == CHANGESET_EMPTY && row_count > 0)
        return COVEY_EBAD;
    return COVEY_OK;
}

/* Plaintexts are shorter than what they were sealed into, so `to` has room. */
static enum covey_rc open_parts(struct payload_walk *w, const struct seed *key,
                                struct covey_bytes ad, uint8_t *to,
                                struct changeset *cs)
{
    for (size_t i = 0; i < w->part_count; i++) {
        struct payload_frame frame;
        struct covey_bytes plain = {NULL, 0};
        enum covey_rc rc = COVEY_OK;

        if (!payload_next(w, &frame) || (frame.erased && i == 0))
            return COVEY_EBAD;
        if (!frame.erased) {
            rc = open_part(key, ad, i, &frame, to, &plain);
            to += frame.len - SEAL_OVERHEAD;
        }
        if (rc == COVEY_OK && i == 0)
            rc = read_first(plain, w->part_count - 1, cs);
        if (rc != COVEY_OK)
            return rc;
        if (i > 0)
            cs->parts[i - 1] = plain;
    }
    return payload_done(w) ? COVEY_OK : COVEY_EBAD;
}

enum covey_rc changeset_open(const struct header *h, struct covey_bytes payload,
                             const struct seed *space_key, struct changeset *cs)
{
    uint8_t ad_bytes[HEADER_MAX];
    struct payload_walk w;

    cs->part_count = 0;
    if (!payload_begin(&w, payload))
        return COVEY_EBAD;
    buf_reset(&cs->plain);

    uint8_t *to = buf_extend(&cs->plain, payload.len);

    if (to == NULL)
        return buf_rc(&cs->plain);
    header_write(h, ad_bytes);

    struct covey_bytes ad = {ad_bytes, header_ad_len(h)};
    struct seed key = payload_key(space_key, payload.p);
    enum covey_rc rc = open_parts(&w, &key, ad, to, cs);

    sodium_memzero(&key, sizeof key);
    if (rc == COVEY_OK)
        cs->part_count = w.part_count - 1;
    return rc;
}
