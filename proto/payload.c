/* What changeset.h says of a payload that takes no key: its framing, its hash,
 * and leaving a part out. */
#include "proto/payload.h"

#include <string.h>

#include "proto/changeset.h"

#define ERASED_BIT 0x80000000u
#define SEALED_MIN (PART_SALT + 1u + SEAL_OVERHEAD)

/* ---- framing ---- */

bool payload_begin(struct payload_walk *w, struct covey_bytes payload)
{
    if (payload.len < PAYLOAD_HEAD || payload.len > HEADER_PAYLOAD_MAX)
        return false;
    w->p = payload.p + PAYLOAD_HEAD;
    w->end = payload.p + payload.len;
    w->part_count = get_u16(payload.p + PAYLOAD_NONCE);
    w->full_len = PAYLOAD_HEAD;
    return w->part_count >= 1 && w->part_count <= CHANGESET_PARTS_MAX;
}

bool payload_next(struct payload_walk *w, struct payload_frame *out)
{
    if ((size_t)(w->end - w->p) < PAYLOAD_FRAME)
        return false;

    uint32_t word = get_u32(w->p);

    w->p += PAYLOAD_FRAME;
    out->len = word & ~ERASED_BIT;
    out->erased = (word & ERASED_BIT) != 0;
    out->p = w->p;

    size_t stored = out->erased ? sizeof(struct hash) : out->len;

    if (out->len < SEALED_MIN || out->len > HEADER_PAYLOAD_MAX ||
        stored > (size_t)(w->end - w->p))
        return false;
    w->p += stored;
    w->full_len += PAYLOAD_FRAME + out->len;
    return true;
}

/* All frames read, nothing after them, and no more than a payload holds. */
bool payload_done(const struct payload_walk *w)
{
    return w->p == w->end && w->full_len <= HEADER_PAYLOAD_MAX;
}

/* ---- the payload's hash ---- */

struct hash payload_part_hash(const uint8_t *sealed, size_t len)
{
    return hash_of("covey/1 part", sealed, len);
}

void payload_add_part(struct hasher *payload, uint32_t len,
                      const uint8_t hash[32])
{
    uint8_t entry[PAYLOAD_FRAME + sizeof(struct hash)];

    put_u32(entry, len);
    memcpy(entry + PAYLOAD_FRAME, hash, sizeof(struct hash));
    hasher_add(payload, entry, sizeof entry);
}

/* The hash of a payload and its length with nothing erased. */
static enum covey_rc measure(struct covey_bytes payload, struct hash *hash,
                             size_t *full_len)
{
    struct payload_walk w;
    struct hasher hasher;

    if (!payload_begin(&w, payload))
        return COVEY_EBAD;
    hasher_init(&hasher, "covey/1 payload");
    hasher_add(&hasher, payload.p, PAYLOAD_HEAD);
    for (size_t i = 0; i < w.part_count; i++) {
        struct payload_frame frame;

        if (!payload_next(&w, &frame) || (frame.erased && i == 0))
            return COVEY_EBAD;
        if (frame.erased) {
            payload_add_part(&hasher, frame.len, frame.p);
        } else {
            struct hash part = payload_part_hash(frame.p, frame.len);

            payload_add_part(&hasher, frame.len, part.b);
        }
    }
    if (!payload_done(&w))
        return COVEY_EBAD;
    *hash = hasher_end(&hasher);
    *full_len = w.full_len;
    return COVEY_OK;
}

enum covey_rc changeset_hash(struct covey_bytes payload, struct hash *out)
{
    size_t ignored;

    return measure(payload, out, &ignored);
}

/* An erased part leaves less of itself than its length tells. */
enum covey_rc changeset_hash_whole(struct covey_bytes payload, struct hash *out)
{
    size_t full_len;
    enum covey_rc rc = measure(payload, out, &full_len);

    return rc == COVEY_OK && full_len != payload.len ? COVEY_EBAD : rc;
}

enum covey_rc changeset_check(const struct header *h,
                              struct covey_bytes payload)
{
    struct hash hash;
    size_t full_len;
    enum covey_rc rc = measure(payload, &hash, &full_len);

    if (rc != COVEY_OK)
        return rc;
    if (full_len != h->payload_len || !hash_equal(&hash, &h->payload_hash))
        return COVEY_EFORGED;
    return COVEY_OK;
}

/* Find the frame of one part in a payload that is sound to its end; p is NULL
 * where there is no such part. */
static enum covey_rc find_part(struct covey_bytes payload, size_t part,
                               struct payload_frame *out)
{
    struct payload_walk w;

    out->p = NULL;
    if (!payload_begin(&w, payload))
        return COVEY_EBAD;
    for (size_t i = 0; i < w.part_count; i++) {
        struct payload_frame frame;

        if (!payload_next(&w, &frame))
            return COVEY_EBAD;
        if (i == part)
            *out = frame;
    }
    return payload_done(&w) ? COVEY_OK : COVEY_EBAD;
}

enum covey_rc changeset_erase(struct covey_bytes payload, size_t part,
                              struct covey_buf *out)
{
    struct payload_frame frame;
    enum covey_rc rc = find_part(payload, part, &frame);

    if (rc != COVEY_OK)
        return rc;
    if (part == 0 || frame.p == NULL)
        return COVEY_ENONE;
    if (frame.erased) {
        buf_append(out, payload.p, payload.len);
        return buf_rc(out);
    }

    struct hash hash = payload_part_hash(frame.p, frame.len);
    size_t before = (size_t)(frame.p - payload.p) - PAYLOAD_FRAME;
    size_t after = before + PAYLOAD_FRAME + frame.len;
    uint8_t word[PAYLOAD_FRAME];

    put_u32(word, frame.len | ERASED_BIT);
    buf_append(out, payload.p, before);
    buf_append(out, word, sizeof word);
    buf_append(out, hash.b, sizeof hash.b);
    buf_append(out, payload.p + after, payload.len - after);
    return buf_rc(out);
}
