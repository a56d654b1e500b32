#include "proto/opening.h"

#include <string.h>

#include <sodium.h>

/* The first byte of message 1. */
enum { MODE_XK = 1, MODE_XKPSK3 = 2 };

/* The first byte of what message 3 carries, if it carries anything. */
enum { CLAIM_PROOF = 1, CLAIM_CARRY = 2 };

/* NOLINTNEXTLINE(misc-redundant-expression): they are equal, and must be */
_Static_assert(PROOF_SIZE == CARRY_SIZE, "message 3 has two lengths only");
_Static_assert(OPENING_1_MAX <= SESSION_STRANGER_FRAME &&
                   OPENING_3_MAX <= SESSION_STRANGER_FRAME,
               "a stranger's frame holds each message");

void opening_begin(struct opening *o, const struct session_config *config)
{
    *o = (struct opening){
        .role = config->role,
        .static_secret = config->static_secret,
        .static_key = config->static_key,
        .ephemeral = config->ephemeral,
    };
    if (config->role == NOISE_RESPONDER)
        return;
    CHECK(!config->door || config->proof == SESSION_PROOF_NONE);
    o->is_door = config->door;
    o->remote = config->remote;
    o->invite = config->invite;
    o->psk = config->psk;
    o->proof = config->proof;
    o->space = config->space;
    if (config->proof != SESSION_PROOF_NONE)
        o->author = *config->author;
}

void opening_clear(struct opening *o)
{
    sodium_memzero(o, sizeof *o);
}

/* ---- message 1: mode | Noise, with the invite's id ---- */

/* The mode is known: by the initiator from the start, by the responder from
 * the first byte that came. */
static void start(struct opening *o)
{
    uint8_t prologue[8] = {'c', 'o', 'v', 'e', 'y', '/', '1', 0};

    prologue[7] = o->is_door ? MODE_XKPSK3 : MODE_XK;
    noise_init(&o->hs,
               &(struct noise_setup){
                   .role = o->role,
                   .psk_mode = o->is_door,
                   .prologue = {prologue, sizeof prologue},
                   .static_secret = &o->static_secret,
                   .static_key = &o->static_key,
                   .remote = o->role == NOISE_INITIATOR ? &o->remote : NULL,
                   .ephemeral = &o->ephemeral,
               });
}

static size_t invite_len(const struct opening *o)
{
    return o->is_door ? sizeof o->invite.b : 0;
}

enum covey_rc opening_create_1(struct opening *o, uint8_t out[OPENING_1_MAX],
                               size_t *len)
{
    start(o);
    if (o->is_door)
        noise_set_psk(&o->hs, o->psk.b);
    out[0] = o->is_door ? MODE_XKPSK3 : MODE_XK;

    struct covey_bytes payload = {o->invite.b, invite_len(o)};
    enum covey_rc rc = noise_write(&o->hs, payload, out + 1, len);

    *len += 1;
    return rc;
}

enum covey_rc opening_consume_1(struct opening *o, struct covey_bytes in)
{
    uint8_t payload[OPENING_1_MAX];
    size_t len;

    if (in.len == 0 || (in.p[0] != MODE_XK && in.p[0] != MODE_XKPSK3))
        return COVEY_EBAD;
    o->is_door = in.p[0] == MODE_XKPSK3;
    /* Before anything is computed: it costs a stranger more than us. */
    if (in.len != 1 + NOISE_OVERHEAD_1 + invite_len(o))
        return COVEY_EBAD;
    start(o);

    enum covey_rc rc = noise_read(
        &o->hs, (struct covey_bytes){in.p + 1, in.len - 1}, payload, &len);

    if (rc == COVEY_OK)
        memcpy(o->invite.b, payload, invite_len(o));
    return rc;
}

void opening_psk(struct opening *o, const struct seed *psk)
{
    CHECK(o->is_door);
    noise_set_psk(&o->hs, psk->b);
}

/* ---- message 2: Noise, with nothing ---- */

static void keep_hash(struct opening *o)
{
    memcpy(o->hash_2, noise_hash(&o->hs), sizeof o->hash_2);
}

enum covey_rc opening_create_2(struct opening *o, uint8_t out[OPENING_2_MAX])
{
    size_t len;
    enum covey_rc rc =
        noise_write(&o->hs, (struct covey_bytes){NULL, 0}, out, &len);

    keep_hash(o);
    return rc;
}

enum covey_rc opening_consume_2(struct opening *o, struct covey_bytes in)
{
    uint8_t payload[OPENING_2_MAX];
    size_t len;

    if (in.len != OPENING_2_MAX)
        return COVEY_EBAD;

    enum covey_rc rc = noise_read(&o->hs, in, payload, &len);

    keep_hash(o);
    return rc;
}

/* ---- message 3: Noise, with nothing or kind | proof ---- */

static size_t write_claim(const struct opening *o, uint8_t out[1 + PROOF_SIZE])
{
    struct blind blind;
    struct proof proof;
    struct carry carry;

    switch (o->proof) {
    case SESSION_PROOF_NONE:
        break;
    case SESSION_PROOF_SPACE:
        blind = blind_space(o->hash_2, &o->space, NOISE_INITIATOR);
        proof_make(o->hash_2, &o->static_key, &blind, &o->author, &proof);
        out[0] = CLAIM_PROOF;
        proof_write(&proof, out + 1);
        return 1 + PROOF_SIZE;
    case SESSION_PROOF_CARRY:
        carry_make(o->hash_2, &o->space, &o->author, &carry);
        out[0] = CLAIM_CARRY;
        carry_write(&carry, out + 1);
        return 1 + CARRY_SIZE;
    }
    return 0;
}

enum covey_rc opening_create_3(struct opening *o, uint8_t out[OPENING_3_MAX],
                               size_t *len)
{
    uint8_t claim[1 + PROOF_SIZE];
    struct covey_bytes payload = {claim, write_claim(o, claim)};

    return noise_write(&o->hs, payload, out, len);
}

static bool read_claim(const struct opening *o, struct covey_bytes in,
                       struct opening_claim *claim)
{
    struct noise_key peer = noise_remote(&o->hs);
    struct proof proof;
    struct carry carry;

    switch (in.p[0]) {
    case CLAIM_PROOF:
        proof_read(in.p + 1, &proof);
        *claim = (struct opening_claim){.kind = SESSION_PROOF_SPACE,
                                        .blind = proof.blind,
                                        .author = proof.author};
        return proof_check(o->hash_2, &peer, &proof);
    case CLAIM_CARRY:
        carry_read(in.p + 1, &carry);
        *claim = (struct opening_claim){.kind = SESSION_PROOF_CARRY,
                                        .space = carry.space,
                                        .author = carry.author};
        return carry_check(o->hash_2, &carry);
    default:
        return false;
    }
}

enum covey_rc opening_consume_3(struct opening *o, struct covey_bytes in,
                                struct opening_claim *claim)
{
    uint8_t payload[OPENING_3_MAX];
    size_t len;
    bool has_claim = in.len == OPENING_3_MAX && !o->is_door;

    if (in.len != NOISE_OVERHEAD_3 && !has_claim)
        return COVEY_EBAD;

    enum covey_rc rc = noise_read(&o->hs, in, payload, &len);

    if (rc != COVEY_OK)
        return rc;
    *claim = (struct opening_claim){.kind = SESSION_PROOF_NONE};
    if (has_claim && !read_claim(o, (struct covey_bytes){payload, len}, claim))
        return COVEY_EFORGED;
    return COVEY_OK;
}
