#include "proto/crypto.h"

#include <string.h>

/* ---- BLAKE2b-256 ---- */

/* The tag's length goes first, so that no tag is the beginning of another. */
static void add_domain(struct hasher *h, const char *domain)
{
    size_t len = strlen(domain);
    uint8_t head = (uint8_t)len;

    CHECK(len <= UINT8_MAX);
    hasher_add(h, &head, sizeof head);
    hasher_add(h, domain, len);
}

void hasher_init(struct hasher *h, const char *domain)
{
    CHECK(crypto_generichash_init(&h->state, NULL, 0, sizeof(struct hash)) ==
          0);
    add_domain(h, domain);
}

void hasher_add(struct hasher *h, const void *p, size_t len)
{
    CHECK(crypto_generichash_update(&h->state, p, len) == 0);
}

struct hash hasher_end(struct hasher *h)
{
    struct hash out;

    CHECK(crypto_generichash_final(&h->state, out.b, sizeof out.b) == 0);
    return out;
}

struct hash hash_of(const char *domain, const void *p, size_t len)
{
    struct hasher h;

    hasher_init(&h, domain);
    hasher_add(&h, p, len);
    return hasher_end(&h);
}

struct hash hash_keyed(const struct seed *key, const char *domain,
                       const void *p, size_t len)
{
    struct hasher h;

    CHECK(crypto_generichash_init(&h.state, key->b, sizeof key->b,
                                  sizeof(struct hash)) == 0);
    add_domain(&h, domain);
    hasher_add(&h, p, len);

    struct hash out = hasher_end(&h);

    sodium_memzero(&h, sizeof h);
    return out;
}

bool hash_equal(const struct hash *a, const struct hash *b)
{
    return sodium_memcmp(a->b, b->b, sizeof a->b) == 0;
}

bool hash_is_zero(const struct hash *h)
{
    return sodium_is_zero(h->b, sizeof h->b) == 1;
}

/* ---- randomness from a seed ---- */

void rng_init(struct covey_rng *rng, const struct seed *seed)
{
    rng->key = *seed;
}

/* The key stream's first 32 bytes are the next key, the rest is the draw: who
 * reads the generator later learns nothing of what it drew. */
void rng_draw(struct covey_rng *rng, void *out, size_t len)
{
    static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
    const size_t key_size = sizeof rng->key.b;
    uint8_t block[64];
    size_t head = len < sizeof block - key_size ? len : sizeof block - key_size;

    CHECK(crypto_stream_chacha20(block, sizeof block, nonce, rng->key.b) == 0);
    if (len > 0)
        memcpy(out, block + key_size, head);
    if (len > head) {
        uint8_t *rest = (uint8_t *)out + head;

        memset(rest, 0, len - head);
        CHECK(crypto_stream_chacha20_xor_ic(rest, rest, len - head, nonce, 1,
                                            rng->key.b) == 0);
    }
    memcpy(rng->key.b, block, key_size);
    sodium_memzero(block, sizeof block);
}

struct seed rng_seed(struct covey_rng *rng)
{
    struct seed out;

    rng_draw(rng, out.b, sizeof out.b);
    /* cppcheck-suppress uninitvar ; rng_draw fills it */
    return out;
}

/* ---- Ed25519 ---- */

void sign_pair_from(const struct seed *secret_seed, struct sign_pair *out)
{
    CHECK(crypto_sign_seed_keypair(out->key.b, out->secret, secret_seed->b) ==
          0);
}

void sign_pair_clear(struct sign_pair *pair)
{
    sodium_memzero(pair, sizeof *pair);
}

struct signature sign_bytes(const struct sign_pair *pair, const void *p,
                            size_t len)
{
    struct signature out;

    CHECK(crypto_sign_detached(out.b, NULL, p, len, pair->secret) == 0);
    return out;
}

bool sign_verify(const struct sign_key *key, const void *p, size_t len,
                 const struct signature *sig)
{
    return crypto_sign_verify_detached(sig->b, p, len, key->b) == 0;
}

/* ---- X25519 ---- */

void dh_public(const struct seed *secret, uint8_t out[32])
{
    CHECK(crypto_scalarmult_base(out, secret->b) == 0);
}

bool dh_shared(const struct seed *secret, const uint8_t public_key[32],
               uint8_t out[32])
{
    if (crypto_scalarmult(out, secret->b, public_key) == 0)
        return true;
    sodium_memzero(out, 32);
    return false;
}

/* ---- XChaCha20-Poly1305 ---- */

void aead_seal(const struct seed *key, const uint8_t nonce[24],
               struct covey_bytes ad, struct covey_bytes plain, uint8_t *out)
{
    CHECK(crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, plain.p,
                                                     plain.len, ad.p, ad.len,
                                                     NULL, nonce, key->b) == 0);
}

enum covey_rc aead_open(const struct seed *key, const uint8_t nonce[24],
                        struct covey_bytes ad, struct covey_bytes sealed,
                        uint8_t *out)
{
    /* Refuses what is shorter than its tag, too. */
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed.p,
                                                   sealed.len, ad.p, ad.len,
                                                   nonce, key->b) != 0)
        return COVEY_EFORGED;
    return COVEY_OK;
}

/* ---- sealed boxes ---- */

/* Fresh for each box because the ephemeral key is, hence the zero nonce. */
static const uint8_t box_nonce[24];

static struct seed box_key(const uint8_t shared[32],
                           const uint8_t ephemeral[32],
                           const uint8_t reading[32])
{
    struct hasher h;

    hasher_init(&h, "covey/1 box");
    hasher_add(&h, shared, 32);
    hasher_add(&h, ephemeral, 32);
    hasher_add(&h, reading, 32);

    struct hash digest = hasher_end(&h);
    struct seed key;

    memcpy(key.b, digest.b, sizeof key.b);
    sodium_memzero(&h, sizeof h);
    sodium_memzero(&digest, sizeof digest);
    return key;
}

enum covey_rc box_seal(const struct reading_key *to, const struct seed *fresh,
                       struct covey_bytes ad, struct covey_bytes plain,
                       uint8_t *out)
{
    uint8_t ephemeral[32];
    uint8_t shared[32];

    if (!dh_shared(fresh, to->b, shared))
        return COVEY_EBAD;
    dh_public(fresh, ephemeral);

    struct seed key = box_key(shared, ephemeral, to->b);

    aead_seal(&key, box_nonce, ad, plain, out + sizeof ephemeral);
    memcpy(out, ephemeral, sizeof ephemeral);
    sodium_memzero(shared, sizeof shared);
    sodium_memzero(&key, sizeof key);
    return COVEY_OK;
}

enum covey_rc box_open(const struct seed *reading_secret, struct covey_bytes ad,
                       struct covey_bytes box, uint8_t *out)
{
    uint8_t reading[32];
    uint8_t shared[32];

    if (box.len < BOX_OVERHEAD || !dh_shared(reading_secret, box.p, shared))
        return COVEY_EFORGED;
    dh_public(reading_secret, reading);

    struct seed key = box_key(shared, box.p, reading);
    struct covey_bytes sealed = {box.p + 32, box.len - 32};
    enum covey_rc rc = aead_open(&key, box_nonce, ad, sealed, out);

    sodium_memzero(shared, sizeof shared);
    sodium_memzero(&key, sizeof key);
    return rc;
}
