#include "proto/header.h"

#include <string.h>

/* What a signature of an author key covers begins with this: no signature of a
 * header can stand for one of anything else. */
static const uint8_t tag[16] = "covey/1 header";

#define BEFORE_CITES (16u + 16u + 32u + 8u + 8u + 32u + 32u + 1u)
#define AFTER_CITES (8u + 4u + 32u)
#define AT_COUNT (BEFORE_CITES - 1u)

static uint8_t *put(uint8_t *p, const void *from, size_t len)
{
    memcpy(p, from, len);
    return p + len;
}

static const uint8_t *get(const uint8_t *p, void *to, size_t len)
{
    memcpy(to, p, len);
    return p + len;
}

/* Ascending, none twice. */
static bool in_order(const struct hash *cites, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (memcmp(cites[i - 1].b, cites[i].b, sizeof cites[i].b) >= 0)
            return false;
    }
    return true;
}

size_t header_write(const struct header *h, uint8_t out[HEADER_MAX])
{
    uint8_t *p = out;

    CHECK(h->cite_count <= HEADER_CITES_MAX);
    CHECK(in_order(h->cites, h->cite_count));
    p = put(p, tag, sizeof tag);
    p = put(p, h->space.b, sizeof h->space.b);
    p = put(p, h->author.b, sizeof h->author.b);
    p = put(p, h->incarnation.b, sizeof h->incarnation.b);
    put_u64(p, h->number);
    p = put(p + 8, h->previous.b, sizeof h->previous.b);
    p = put(p, h->epoch.b, sizeof h->epoch.b);
    *p++ = (uint8_t)h->cite_count;
    p = put(p, h->cites, h->cite_count * sizeof h->cites[0]);
    put_u64(p, h->clock);
    put_u32(p + 8, h->payload_len);
    p = put(p + 12, h->payload_hash.b, sizeof h->payload_hash.b);
    return (size_t)(p - out);
}

size_t header_ad_len(const struct header *h)
{
    return BEFORE_CITES + h->cite_count * sizeof h->cites[0] + 8;
}

/* By insertion: 64 at most, and nearly always one or two. */
void header_sort_cites(struct header *h)
{
    size_t count = 0;

    CHECK(h->cite_count <= HEADER_CITES_MAX);
    for (size_t i = 0; i < h->cite_count; i++) {
        struct hash cite = h->cites[i];
        size_t at = count;
        int order = -1; /* of the cite before `at` against this one */

        while (at > 0) {
            order = memcmp(h->cites[at - 1].b, cite.b, sizeof cite.b);
            if (order <= 0)
                break;
            at--;
        }
        if (at > 0 && order == 0)
            continue;
        memmove(&h->cites[at + 1], &h->cites[at],
                (count - at) * sizeof h->cites[0]);
        h->cites[at] = cite;
        count++;
    }
    h->cite_count = count;
}

enum covey_rc header_read(struct covey_bytes in, struct header *out)
{
    const uint8_t *p = in.p;

    if (in.len < BEFORE_CITES + AFTER_CITES ||
        memcmp(p, tag, sizeof tag) != 0 || p[AT_COUNT] > HEADER_CITES_MAX)
        return COVEY_EBAD;
    out->cite_count = p[AT_COUNT];
    if (in.len !=
        BEFORE_CITES + out->cite_count * sizeof out->cites[0] + AFTER_CITES)
        return COVEY_EBAD;

    p = get(p + sizeof tag, out->space.b, sizeof out->space.b);
    p = get(p, out->author.b, sizeof out->author.b);
    p = get(p, out->incarnation.b, sizeof out->incarnation.b);
    out->number = get_u64(p);
    p = get(p + 8, out->previous.b, sizeof out->previous.b);
    p = get(p, out->epoch.b, sizeof out->epoch.b);
    p = get(p + 1, out->cites, out->cite_count * sizeof out->cites[0]);
    out->clock = get_u64(p);
    out->payload_len = get_u32(p + 8);
    memcpy(out->payload_hash.b, p + 12, sizeof out->payload_hash.b);

    if (out->number == 0 || out->clock == 0 ||
        out->payload_len > HEADER_PAYLOAD_MAX ||
        !in_order(out->cites, out->cite_count))
        return COVEY_EBAD;
    return COVEY_OK;
}

struct hash header_hash(const struct header *h)
{
    uint8_t bytes[HEADER_MAX];
    size_t len = header_write(h, bytes);

    return hash_of("covey/1 header", bytes, len);
}

struct signature header_sign(const struct header *h,
                             const struct sign_pair *author)
{
    uint8_t bytes[HEADER_MAX];
    size_t len = header_write(h, bytes);

    CHECK(memcmp(h->author.b, author->key.b, sizeof h->author.b) == 0);
    return sign_bytes(author, bytes, len);
}

bool header_verify(const struct header *h, const struct signature *sig)
{
    uint8_t bytes[HEADER_MAX];
    size_t len = header_write(h, bytes);

    return sign_verify(&h->author, bytes, len, sig);
}
