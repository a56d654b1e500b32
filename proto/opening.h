/* opening.h - the three messages that open a session, under session.c: the
 * mode, Noise XK or XKpsk3, and what the third one proves. */
#ifndef COVEY_PROTO_OPENING_H
#define COVEY_PROTO_OPENING_H

#include "proto/base.h"
#include "proto/noise.h"
#include "proto/proof.h"
#include "proto/session.h"

#define OPENING_1_MAX (1u + NOISE_OVERHEAD_1 + sizeof(struct invite_id))
#define OPENING_2_MAX NOISE_OVERHEAD_2
#define OPENING_3_MAX (NOISE_OVERHEAD_3 + 1u + PROOF_SIZE)

/* All of it is secret or soon of no use: opening_clear() wipes it. */
struct opening {
    struct noise_handshake hs;
    enum noise_role role;
    bool is_door;
    struct seed static_secret;
    struct noise_key static_key;
    struct seed ephemeral;
    struct noise_key remote;
    struct invite_id invite;
    struct seed psk;
    enum session_proof_kind proof;
    struct space_id space;
    struct sign_pair author;
    uint8_t hash_2[NOISE_HASH]; /* after message 2 */
};

/* What message 3 said of its sender; a signature in it has been checked. */
struct opening_claim {
    enum session_proof_kind kind;
    struct blind blind;    /* SESSION_PROOF_SPACE */
    struct space_id space; /* SESSION_PROOF_CARRY */
    struct sign_key author;
};

void opening_begin(struct opening *o, const struct session_config *config);
void opening_clear(struct opening *o);

/* Write or read one message.  COVEY_EBAD: not of its form; COVEY_EFORGED: it
 * does not open, does not verify, or the other's key is none. */
COVEY_MUST_USE enum covey_rc
opening_create_1(struct opening *o, uint8_t out[OPENING_1_MAX], size_t *len);
/* Sets is_door, and then invite: opening_psk() comes before message 2. */
COVEY_MUST_USE enum covey_rc opening_consume_1(struct opening *o,
                                               struct covey_bytes in);
void opening_psk(struct opening *o, const struct seed *psk);
COVEY_MUST_USE enum covey_rc opening_create_2(struct opening *o,
                                              uint8_t out[OPENING_2_MAX]);
COVEY_MUST_USE enum covey_rc opening_consume_2(struct opening *o,
                                               struct covey_bytes in);
COVEY_MUST_USE enum covey_rc
opening_create_3(struct opening *o, uint8_t out[OPENING_3_MAX], size_t *len);
COVEY_MUST_USE enum covey_rc opening_consume_3(struct opening *o,
                                               struct covey_bytes in,
                                               struct opening_claim *claim);

#endif
