/* crypto.h - the few primitives, each with its result checked.
 *
 * All from libsodium: BLAKE2b, Ed25519, X25519, XChaCha20-Poly1305.  Domain
 * tags keep one use of a key or hash from standing for another. */
#ifndef COVEY_PROTO_CRYPTO_H
#define COVEY_PROTO_CRYPTO_H

#include <sodium.h>

#include "proto/base.h"

#define SEAL_OVERHEAD 16u /* bytes that sealing adds: the Poly1305 tag */

/* BLAKE2b-256 of: length of the domain tag (1 byte), the tag, the data. */
struct hasher {
    crypto_generichash_state state;
};
void hasher_init(struct hasher *h, const char *domain);
void hasher_add(struct hasher *h, const void *p, size_t len);
struct hash hasher_end(struct hasher *h);
struct hash hash_of(const char *domain, const void *p, size_t len);
/* Keyed with a secret: key derivation and authentication codes. */
struct hash hash_keyed(const struct seed *key, const char *domain,
                       const void *p, size_t len);
bool hash_equal(const struct hash *a, const struct hash *b); /* constant time */
bool hash_is_zero(const struct hash *h);

/* A seeded generator: the one door for randomness.  The program seeds it once
 * from the system, the simulator from its seed.  Draws are ChaCha20 output
 * under a key that each draw replaces. */
struct covey_rng {
    struct seed key;
};
void rng_init(struct covey_rng *rng, const struct seed *seed);
void rng_draw(struct covey_rng *rng, void *out, size_t len);
struct seed rng_seed(struct covey_rng *rng);

/* Ed25519.  A secret is its 32-byte seed; the pair is made when needed. */
struct sign_pair {
    struct sign_key key;
    uint8_t secret[64];
};
void sign_pair_from(const struct seed *secret_seed, struct sign_pair *out);
void sign_pair_clear(struct sign_pair *pair);
struct signature sign_bytes(const struct sign_pair *pair, const void *p,
                            size_t len);
COVEY_MUST_USE bool sign_verify(const struct sign_key *key, const void *p,
                                size_t len, const struct signature *sig);

/* X25519.  The secret is its 32-byte seed. */
void dh_public(const struct seed *secret, uint8_t out[32]);
/* false for a low-order point, where the result would be zero. */
COVEY_MUST_USE bool dh_shared(const struct seed *secret,
                              const uint8_t public_key[32], uint8_t out[32]);

/* XChaCha20-Poly1305 (IETF).  out holds len + SEAL_OVERHEAD. */
void aead_seal(const struct seed *key, const uint8_t nonce[24],
               struct covey_bytes ad, struct covey_bytes plain, uint8_t *out);
/* out holds in.len - SEAL_OVERHEAD.  COVEY_EFORGED when it does not open. */
COVEY_MUST_USE enum covey_rc aead_open(const struct seed *key,
                                       const uint8_t nonce[24],
                                       struct covey_bytes ad,
                                       struct covey_bytes sealed, uint8_t *out);

/* Seal to a reading key, anonymously, from a seed instead of a random source:
 * ephemeral X25519 key, then XChaCha20-Poly1305 under
 * BLAKE2b("covey/1 box", shared, ephemeral, reading key), nonce zero.
 * box_seal: COVEY_EBAD when the reading key is a low-order point; out holds
 * plain.len + BOX_OVERHEAD.  box_open: COVEY_EFORGED; out holds the difference.
 */
#define BOX_OVERHEAD (32u + SEAL_OVERHEAD)
COVEY_MUST_USE enum covey_rc box_seal(const struct reading_key *to,
                                      const struct seed *fresh,
                                      struct covey_bytes ad,
                                      struct covey_bytes plain, uint8_t *out);
COVEY_MUST_USE enum covey_rc box_open(const struct seed *reading_secret,
                                      struct covey_bytes ad,
                                      struct covey_bytes box, uint8_t *out);

#endif
