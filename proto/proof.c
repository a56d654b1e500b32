#include "proto/proof.h"

#include <string.h>

/* What stands in front of each thing that an author key signs; the same number
 * of bytes each, so that none is the beginning of another. */
#define TAG 13u
static const char proof_tag[TAG + 1] = "covey/1 proof";
static const char carry_tag[TAG + 1] = "covey/1 carry";

#define PROOF_SIGNED (TAG + NOISE_HASH + 32u + 16u)
#define CARRY_SIGNED (TAG + NOISE_HASH + 16u)

/* Copy a piece of a fixed layout and step over it. */
static void put(uint8_t **at, const void *p, size_t len)
{
    memcpy(*at, p, len);
    *at += len;
}

static void take(const uint8_t **at, void *p, size_t len)
{
    memcpy(p, *at, len);
    *at += len;
}

struct blind blind_space(const uint8_t handshake_hash[NOISE_HASH],
                         const struct space_id *space, enum noise_role namer)
{
    uint8_t role = namer == NOISE_INITIATOR ? 0 : 1;
    struct hasher h;

    hasher_init(&h, "covey/1 blind");
    hasher_add(&h, handshake_hash, NOISE_HASH);
    hasher_add(&h, space->b, sizeof space->b);
    hasher_add(&h, &role, sizeof role);

    struct hash full = hasher_end(&h);
    struct blind out;

    memcpy(out.b, full.b, sizeof out.b);
    return out;
}

/* ---- "I am this author" ---- */

static void proof_signed(const uint8_t handshake_hash[NOISE_HASH],
                         const struct noise_key *prover,
                         const struct blind *blind, uint8_t out[PROOF_SIGNED])
{
    uint8_t *at = out;

    put(&at, proof_tag, TAG);
    put(&at, handshake_hash, NOISE_HASH);
    put(&at, prover->b, sizeof prover->b);
    put(&at, blind->b, sizeof blind->b);
}

void proof_make(const uint8_t handshake_hash[NOISE_HASH],
                const struct noise_key *prover, const struct blind *blind,
                const struct sign_pair *author, struct proof *out)
{
    uint8_t said[PROOF_SIGNED];

    proof_signed(handshake_hash, prover, blind, said);
    out->blind = *blind;
    out->author = author->key;
    out->signature = sign_bytes(author, said, sizeof said);
}

bool proof_check(const uint8_t handshake_hash[NOISE_HASH],
                 const struct noise_key *prover, const struct proof *p)
{
    uint8_t said[PROOF_SIGNED];

    proof_signed(handshake_hash, prover, &p->blind, said);
    return sign_verify(&p->author, said, sizeof said, &p->signature);
}

void proof_write(const struct proof *p, uint8_t out[PROOF_SIZE])
{
    uint8_t *at = out;

    put(&at, p->blind.b, sizeof p->blind.b);
    put(&at, p->author.b, sizeof p->author.b);
    put(&at, p->signature.b, sizeof p->signature.b);
}

void proof_read(const uint8_t in[PROOF_SIZE], struct proof *out)
{
    const uint8_t *at = in;

    take(&at, out->blind.b, sizeof out->blind.b);
    take(&at, out->author.b, sizeof out->author.b);
    take(&at, out->signature.b, sizeof out->signature.b);
}

/* ---- "carry this space" ---- */

static void carry_signed(const uint8_t handshake_hash[NOISE_HASH],
                         const struct space_id *space,
                         uint8_t out[CARRY_SIGNED])
{
    uint8_t *at = out;

    put(&at, carry_tag, TAG);
    put(&at, handshake_hash, NOISE_HASH);
    put(&at, space->b, sizeof space->b);
}

void carry_make(const uint8_t handshake_hash[NOISE_HASH],
                const struct space_id *space, const struct sign_pair *author,
                struct carry *out)
{
    uint8_t said[CARRY_SIGNED];

    carry_signed(handshake_hash, space, said);
    out->space = *space;
    out->author = author->key;
    out->signature = sign_bytes(author, said, sizeof said);
}

bool carry_check(const uint8_t handshake_hash[NOISE_HASH],
                 const struct carry *c)
{
    uint8_t said[CARRY_SIGNED];

    carry_signed(handshake_hash, &c->space, said);
    return sign_verify(&c->author, said, sizeof said, &c->signature);
}

void carry_write(const struct carry *c, uint8_t out[CARRY_SIZE])
{
    uint8_t *at = out;

    put(&at, c->space.b, sizeof c->space.b);
    put(&at, c->author.b, sizeof c->author.b);
    put(&at, c->signature.b, sizeof c->signature.b);
}

void carry_read(const uint8_t in[CARRY_SIZE], struct carry *out)
{
    const uint8_t *at = in;

    take(&at, out->space.b, sizeof out->space.b);
    take(&at, out->author.b, sizeof out->author.b);
    take(&at, out->signature.b, sizeof out->signature.b);
}
