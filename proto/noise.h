/* noise.h - Noise_XK_25519_ChaChaPoly_BLAKE2b and its XKpsk3 form.
 *
 * Noise Protocol Framework, revision 34.  The initiator knows the responder's
 * static key.  Messages: -> e, es ; <- e, ee ; -> s, se [, psk].  On libsodium
 * alone; bytes in, bytes out; randomness is a seed. */
#ifndef COVEY_PROTO_NOISE_H
#define COVEY_PROTO_NOISE_H

#include "proto/base.h"

#define NOISE_MESSAGE_MAX 65535u /* bytes, Noise spec section 3 */
#define NOISE_TAG 16u
#define NOISE_HASH 64u       /* BLAKE2b-512 */
#define NOISE_OVERHEAD_1 48u /* e + tag */
#define NOISE_OVERHEAD_2 48u
#define NOISE_OVERHEAD_3 64u /* s + tag + tag */

enum noise_role { NOISE_INITIATOR, NOISE_RESPONDER };

struct noise_cipher {
    uint8_t key[32];
    uint64_t n;
};

struct noise_handshake {
    enum noise_role role;
    bool psk_mode;
    int next; /* message to come: 1, 2, 3; 4 when done, 0 failed */
    uint8_t ck[64];
    uint8_t h[64];
    struct noise_cipher cipher;
    bool has_key;
    struct seed s_secret;
    uint8_t s_public[32];
    struct seed e_secret;
    uint8_t e_public[32];
    uint8_t rs[32];
    uint8_t re[32];
    uint8_t psk[32];
    bool has_psk;
};

/* What a handshake starts from; borrowed for the call of noise_init(). */
struct noise_setup {
    enum noise_role role;
    bool psk_mode; /* XKpsk3 */
    struct covey_bytes prologue;
    const struct seed *static_secret;
    /* The public half, which the caller keeps, so that a stranger's first
     * message costs a responder one multiplication and no more. */
    const struct noise_key *static_key;
    const struct noise_key *remote; /* responder's static; NULL for itself */
    const struct seed *ephemeral;   /* a fresh secret, never used again */
};

/* With psk_mode the psk must be set by noise_set_psk() before message 3 is
 * written or read. */
void noise_init(struct noise_handshake *hs, const struct noise_setup *setup);
void noise_set_psk(struct noise_handshake *hs, const uint8_t psk[32]);
void noise_clear(struct noise_handshake *hs);

/* Write the next message: payload.len + its overhead bytes into out, whose
 * room the caller made sure of.  It must be this side's turn (CHECKed).
 * COVEY_EFORGED when the other's key is a low-order point. */
COVEY_MUST_USE enum covey_rc noise_write(struct noise_handshake *hs,
                                         struct covey_bytes payload,
                                         uint8_t *out, size_t *out_len);
/* Read the next message; its payload goes to out (in.len bytes suffice).
 * COVEY_EBAD when too short, COVEY_EFORGED when it does not open; after either
 * only noise_clear() may be called. */
COVEY_MUST_USE enum covey_rc noise_read(struct noise_handshake *hs,
                                        struct covey_bytes in, uint8_t *out,
                                        size_t *out_len);

/* The handshake hash as it stands; final once next == 4. */
const uint8_t *noise_hash(const struct noise_handshake *hs);
/* The other's static key, known to a responder after message 3. */
struct noise_key noise_remote(const struct noise_handshake *hs);
/* After message 3: the two transport ciphers. */
void noise_split(struct noise_handshake *hs, struct noise_cipher *send,
                 struct noise_cipher *receive);

/* Transport: out holds len + NOISE_TAG / len - NOISE_TAG. */
void noise_encrypt(struct noise_cipher *c, struct covey_bytes plain,
                   uint8_t *out);
COVEY_MUST_USE enum covey_rc
noise_decrypt(struct noise_cipher *c, struct covey_bytes sealed, uint8_t *out);
/* REKEY of Noise spec section 11.3; n goes on. */
void noise_rekey(struct noise_cipher *c);

#endif
