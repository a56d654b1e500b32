/* proof.h - naming a space without saying which, and proving a place in it.
 *
 * A space is named on the wire by a hash of the handshake's hash, the space's
 * id and the role of whoever names it, so that who does not know the id learns
 * nothing, and an echo of it proves nothing.
 *
 * "The handshake hash" is the one that stands when the proof is made: after
 * message 2 for what message 3 carries, the final one for all that comes
 * later. */
#ifndef COVEY_PROTO_PROOF_H
#define COVEY_PROTO_PROOF_H

#include "proto/base.h"
#include "proto/crypto.h"
#include "proto/noise.h"

struct blind {
    uint8_t b[16];
};

/* first 16 of H("covey/1 blind", handshake hash 64 | space 16 | 0 or 1 for
 * initiator or responder). */
struct blind blind_space(const uint8_t handshake_hash[NOISE_HASH],
                         const struct space_id *space, enum noise_role namer);

/* "I am this author": a signature by the author key over "covey/1 proof" |
 * handshake hash 64 | the prover's Noise static key 32 | blind 16.
 * Bytes: blind 16 | author 32 | signature 64. */
struct proof {
    struct blind blind;
    struct sign_key author;
    struct signature signature;
};
#define PROOF_SIZE (16u + 32u + 64u)

void proof_make(const uint8_t handshake_hash[NOISE_HASH],
                const struct noise_key *prover, const struct blind *blind,
                const struct sign_pair *author, struct proof *out);
COVEY_MUST_USE bool proof_check(const uint8_t handshake_hash[NOISE_HASH],
                                const struct noise_key *prover,
                                const struct proof *p);
void proof_write(const struct proof *p, uint8_t out[PROOF_SIZE]);
void proof_read(const uint8_t in[PROOF_SIZE], struct proof *out);

/* "Carry this space": signed by its author key over "covey/1 carry" |
 * handshake hash 64 | space 16.  Bytes: space 16 | author 32 | signature 64. */
struct carry {
    struct space_id space;
    struct sign_key author;
    struct signature signature;
};
#define CARRY_SIZE (16u + 32u + 64u)

void carry_make(const uint8_t handshake_hash[NOISE_HASH],
                const struct space_id *space, const struct sign_pair *author,
                struct carry *out);
COVEY_MUST_USE bool carry_check(const uint8_t handshake_hash[NOISE_HASH],
                                const struct carry *c);
void carry_write(const struct carry *c, uint8_t out[CARRY_SIZE]);
void carry_read(const uint8_t in[CARRY_SIZE], struct carry *out);

#endif
