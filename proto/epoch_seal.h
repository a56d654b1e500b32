/* epoch_seal.h - what an epoch keeps from carriers: its sealed part, the boxes
 * that hand out the space's keys, and the retired keys.
 *
 * Only for the epoch's own files; epoch.h says what the bytes are. */
#ifndef COVEY_PROTO_EPOCH_SEAL_H
#define COVEY_PROTO_EPOCH_SEAL_H

#include "proto/base.h"
#include "proto/crypto.h"
#include "proto/epoch.h"

#define EPOCH_NONCE 24u
#define EPOCH_HINT 8u
#define EPOCH_BOX_PLAIN (4u + 32u + 32u) /* key number, key, history */
#define EPOCH_BOX (EPOCH_BOX_PLAIN + BOX_OVERHEAD)
#define EPOCH_HISTORY (EPOCH_NONCE + EPOCH_BOX_PLAIN + SEAL_OVERHEAD)

struct hash epoch_commitment(const struct space_id *space, uint64_t number,
                             const struct seed *key);

/* Append nonce | sealed changes.  ad is the clear part. */
void epoch_seal_changes(const struct seed *key, struct covey_bytes ad,
                        struct covey_bytes changes, struct covey_rng *rng,
                        struct covey_buf *out);
/* Append the changes.  COVEY_EFORGED, COVEY_ENOMEM. */
COVEY_MUST_USE enum covey_rc epoch_open_changes(const struct epoch *e,
                                                const struct seed *key,
                                                struct covey_buf *out);

/* Append the boxes of a draft for the epoch e (its space and number are read).
 * COVEY_EBAD: a reading key that nothing can be sealed to. */
COVEY_MUST_USE enum covey_rc epoch_seal_boxes(const struct epoch *e,
                                              const struct epoch_draft *draft,
                                              struct covey_rng *rng,
                                              struct covey_buf *out);

/* Append the retired keys, under the newer history key. */
void epoch_seal_history(const struct seed *history,
                        const struct space_keys *retired, struct covey_bytes ad,
                        struct covey_rng *rng, struct covey_buf *out);

#endif
