/* payload.h - the framing of a payload, for changeset.c and payload.c alone.
 *
 * The bytes are described in changeset.h. */
#ifndef COVEY_PROTO_PAYLOAD_H
#define COVEY_PROTO_PAYLOAD_H

#include "proto/base.h"
#include "proto/crypto.h"

#define PAYLOAD_NONCE 24u
#define PAYLOAD_HEAD (PAYLOAD_NONCE + 2u) /* nonce, part count */
#define PAYLOAD_FRAME 4u                  /* a part's length */

struct payload_frame {
    uint32_t len; /* of the sealed bytes, also where they are gone */
    bool erased;
    const uint8_t *p; /* the sealed bytes, or their hash */
};

/* Goes over the frames of a payload: begin, next part_count times, done.  Each
 * is false where the framing is broken. */
struct payload_walk {
    const uint8_t *p;
    const uint8_t *end;
    size_t part_count;
    size_t full_len; /* so far, of the payload before anything was erased */
};
bool payload_begin(struct payload_walk *w, struct covey_bytes payload);
bool payload_next(struct payload_walk *w, struct payload_frame *out);
bool payload_done(const struct payload_walk *w);

/* The hash of one part, and what it adds to the payload's. */
struct hash payload_part_hash(const uint8_t *sealed, size_t len);
void payload_add_part(struct hasher *payload, uint32_t len,
                      const uint8_t hash[32]);

#endif
