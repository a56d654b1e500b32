/* header.h - the signed head of a change set (DESIGN.md section 7).
 *
 * Fixed layout, big-endian, one encoding:
 *   tag 16 | space 16 | author 32 | incarnation 8 | number 8 | previous 32 |
 *   epoch 32 | cite count 1 | cites 32 each, ascending, none twice | clock 8 |
 *   payload length 4 | payload hash 32
 * The signature covers exactly these bytes; the hash does not cover the
 * signature.  The first header of a log (number 1) names in `previous` the
 * last head of the author's log before it, or zero. */
#ifndef COVEY_PROTO_HEADER_H
#define COVEY_PROTO_HEADER_H

#include "proto/base.h"
#include "proto/crypto.h"

#define HEADER_CITES_MAX 64u
#define HEADER_MAX                                                             \
    (16u + 16u + 32u + 8u + 8u + 32u + 32u + 1u + 32u * HEADER_CITES_MAX +     \
     8u + 4u + 32u)
#define HEADER_PAYLOAD_MAX 262144u /* bytes: 256 KiB a change set */

struct header {
    struct space_id space;
    struct sign_key author;
    struct incarnation incarnation;
    uint64_t number;
    struct hash previous;
    struct hash epoch;
    size_t cite_count;
    struct hash cites[HEADER_CITES_MAX];
    uint64_t clock;
    uint32_t payload_len;
    struct hash payload_hash;
};

/* Writes at most HEADER_MAX bytes, returns how many.  CHECKs the order of the
 * cites; use header_sort_cites() first. */
size_t header_write(const struct header *h, uint8_t out[HEADER_MAX]);
/* The fields before the payload's length and hash: what a payload is bound to
 * as associated data.  The first header_ad_len() bytes of header_write(). */
size_t header_ad_len(const struct header *h);
void header_sort_cites(struct header *h); /* drops what is cited twice */
/* COVEY_EBAD unless `in` is exactly one header in its one encoding, with number
 * and clock from 1 and a payload of at most HEADER_PAYLOAD_MAX. */
COVEY_MUST_USE enum covey_rc header_read(struct covey_bytes in,
                                         struct header *out);
struct hash header_hash(const struct header *h);
struct signature header_sign(const struct header *h,
                             const struct sign_pair *author);
COVEY_MUST_USE bool header_verify(const struct header *h,
                                  const struct signature *sig);

#endif
