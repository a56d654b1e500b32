#include "proto/noise.h"

#include <string.h>

#include <sodium.h>

#include "proto/crypto.h"

/* Names of states and functions follow the Noise Protocol Framework, revision
 * 34, section 5.  Both tokens of a DH go to one function, since either side
 * makes the same secret of its own half. */

#define BLOCK 128u /* BLAKE2b's block, for HMAC */
#define KEY 32u

/* ---- hash functions, section 4.3 ---- */

/* BLAKE2b-512 of two pieces, unkeyed; out may be one of them. */
static void hash(struct covey_bytes a, struct covey_bytes b,
                 uint8_t out[NOISE_HASH])
{
    crypto_generichash_state state;

    CHECK(crypto_generichash_init(&state, NULL, 0, NOISE_HASH) == 0);
    CHECK(crypto_generichash_update(&state, a.p, a.len) == 0);
    CHECK(crypto_generichash_update(&state, b.p, b.len) == 0);
    CHECK(crypto_generichash_final(&state, out, NOISE_HASH) == 0);
    sodium_memzero(&state, sizeof state);
}

/* RFC 2104.  libsodium's keyed BLAKE2b is another function. */
static void hmac(const uint8_t key[NOISE_HASH], struct covey_bytes data,
                 uint8_t out[NOISE_HASH])
{
    uint8_t pad[BLOCK];
    struct covey_bytes block = {pad, sizeof pad};

    memset(pad, 0x36, sizeof pad);
    for (size_t i = 0; i < NOISE_HASH; i++)
        pad[i] ^= key[i];
    hash(block, data, out);
    for (size_t i = 0; i < sizeof pad; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    hash(block, (struct covey_bytes){out, NOISE_HASH}, out);
    sodium_memzero(pad, sizeof pad);
}

/* "HKDF(chaining_key, input_key_material, num_outputs)": as many outputs as
 * count says, each of NOISE_HASH bytes. */
static void hkdf(const uint8_t ck[NOISE_HASH], struct covey_bytes material,
                 size_t count, uint8_t out[][NOISE_HASH])
{
    uint8_t temp[NOISE_HASH];
    uint8_t input[NOISE_HASH + 1];
    size_t before = 0; /* bytes of the output before, which go in first */

    hmac(ck, material, temp);
    for (size_t i = 0; i < count; i++) {
        input[before] = (uint8_t)(i + 1);
        hmac(temp, (struct covey_bytes){input, before + 1}, out[i]);
        memcpy(input, out[i], NOISE_HASH);
        before = NOISE_HASH;
    }
    sodium_memzero(temp, sizeof temp);
    sodium_memzero(input, sizeof input);
}

/* ---- CipherState, section 5.1 ---- */

/* "The 96-bit nonce is formed by encoding 32 bits of zeros followed by
 * little-endian encoding of n" (section 12.3). */
static void nonce_of(uint64_t n, uint8_t out[12])
{
    memset(out, 0, 4);
    for (size_t i = 0; i < 8; i++)
        out[4 + i] = (uint8_t)(n >> (8 * i));
}

static void seal(struct noise_cipher *c, struct covey_bytes ad,
                 struct covey_bytes plain, uint8_t *out)
{
    uint8_t nonce[12];

    CHECK(c->n != UINT64_MAX); /* kept for rekey */
    nonce_of(c->n, nonce);
    CHECK(crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, plain.p,
                                                    plain.len, ad.p, ad.len,
                                                    NULL, nonce, c->key) == 0);
    c->n++;
}

static bool unseal(struct noise_cipher *c, struct covey_bytes ad,
                   struct covey_bytes sealed, uint8_t *out)
{
    uint8_t nonce[12];

    CHECK(c->n != UINT64_MAX);
    nonce_of(c->n, nonce);
    if (crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed.p,
                                                  sealed.len, ad.p, ad.len,
                                                  nonce, c->key) != 0)
        return false;
    c->n++;
    return true;
}

void noise_encrypt(struct noise_cipher *c, struct covey_bytes plain,
                   uint8_t *out)
{
    CHECK(plain.len <= NOISE_MESSAGE_MAX - NOISE_TAG);
    seal(c, (struct covey_bytes){NULL, 0}, plain, out);
}

enum covey_rc noise_decrypt(struct noise_cipher *c, struct covey_bytes sealed,
                            uint8_t *out)
{
    if (sealed.len < NOISE_TAG || sealed.len > NOISE_MESSAGE_MAX)
        return COVEY_EBAD;
    return unseal(c, (struct covey_bytes){NULL, 0}, sealed, out)
               ? COVEY_OK
               : COVEY_EFORGED;
}

/* "REKEY(k): ENCRYPT(k, maxnonce, zerolen, zeros) [...] the first 32 bytes". */
void noise_rekey(struct noise_cipher *c)
{
    static const uint8_t zeros[KEY];
    uint8_t nonce[12];
    uint8_t out[KEY + NOISE_TAG];

    nonce_of(UINT64_MAX, nonce);
    CHECK(crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, zeros,
                                                    sizeof zeros, NULL, 0, NULL,
                                                    nonce, c->key) == 0);
    memcpy(c->key, out, sizeof c->key);
    sodium_memzero(out, sizeof out);
}

/* ---- SymmetricState, section 5.2 ---- */

static void mix_hash(struct noise_handshake *hs, struct covey_bytes data)
{
    hash((struct covey_bytes){hs->h, sizeof hs->h}, data, hs->h);
}

static void set_key(struct noise_handshake *hs, const uint8_t *key)
{
    memcpy(hs->cipher.key, key, sizeof hs->cipher.key);
    hs->cipher.n = 0;
    hs->has_key = true;
}

static void mix_key(struct noise_handshake *hs, struct covey_bytes material)
{
    uint8_t out[2][NOISE_HASH];

    hkdf(hs->ck, material, 2, out);
    memcpy(hs->ck, out[0], sizeof hs->ck);
    set_key(hs, out[1]);
    sodium_memzero(out, sizeof out);
}

static void mix_psk(struct noise_handshake *hs)
{
    uint8_t out[3][NOISE_HASH];

    CHECK(hs->has_psk);
    hkdf(hs->ck, (struct covey_bytes){hs->psk, sizeof hs->psk}, 3, out);
    memcpy(hs->ck, out[0], sizeof hs->ck);
    mix_hash(hs, (struct covey_bytes){out[1], NOISE_HASH});
    set_key(hs, out[2]);
    sodium_memzero(out, sizeof out);
}

static void encrypt_and_hash(struct noise_handshake *hs,
                             struct covey_bytes plain, uint8_t *out)
{
    struct covey_bytes ad = {hs->h, sizeof hs->h};

    CHECK(hs->has_key);
    seal(&hs->cipher, ad, plain, out);
    mix_hash(hs, (struct covey_bytes){out, plain.len + NOISE_TAG});
}

static bool decrypt_and_hash(struct noise_handshake *hs,
                             struct covey_bytes sealed, uint8_t *out)
{
    struct covey_bytes ad = {hs->h, sizeof hs->h};

    CHECK(hs->has_key);
    if (!unseal(&hs->cipher, ad, sealed, out))
        return false;
    mix_hash(hs, sealed);
    return true;
}

/* ---- tokens, section 5.3 and 9.2 ---- */

/* "e": with a psk in the pattern the ephemeral key is mixed in as well, so
 * that no key is ever used twice. */
static void mix_e(struct noise_handshake *hs, const uint8_t key[KEY])
{
    struct covey_bytes e = {key, KEY};

    mix_hash(hs, e);
    if (hs->psk_mode)
        mix_key(hs, e);
}

/* "ee", "es", "se".  A low-order point would make the secret zero for all the
 * world, and the first message's filter of strangers with it: section 14. */
static bool mix_dh(struct noise_handshake *hs, const struct seed *secret,
                   const uint8_t public_key[KEY])
{
    uint8_t shared[KEY];
    bool ok = dh_shared(secret, public_key, shared);

    if (ok)
        mix_key(hs, (struct covey_bytes){shared, sizeof shared});
    sodium_memzero(shared, sizeof shared);
    return ok;
}

/* ---- messages ---- */

static const size_t overhead[] = {0, NOISE_OVERHEAD_1, NOISE_OVERHEAD_2,
                                  NOISE_OVERHEAD_3};

void noise_init(struct noise_handshake *hs, const struct noise_setup *setup)
{
    static const char name[] = "Noise_XK_25519_ChaChaPoly_BLAKE2b";
    static const char psk_name[] = "Noise_XKpsk3_25519_ChaChaPoly_BLAKE2b";
    bool initiator = setup->role == NOISE_INITIATOR;

    CHECK(initiator == (setup->remote != NULL));
    *hs = (struct noise_handshake){.role = setup->role,
                                   .psk_mode = setup->psk_mode,
                                   .next = 1,
                                   .s_secret = *setup->static_secret,
                                   .e_secret = *setup->ephemeral};
    memcpy(hs->s_public, setup->static_key->b, sizeof hs->s_public);
    if (initiator)
        memcpy(hs->rs, setup->remote->b, sizeof hs->rs);
    /* Shorter than the hash, a name stands as it is, padded with zeros. */
    if (setup->psk_mode)
        memcpy(hs->h, psk_name, sizeof psk_name - 1);
    else
        memcpy(hs->h, name, sizeof name - 1);
    memcpy(hs->ck, hs->h, sizeof hs->ck);
    mix_hash(hs, setup->prologue);
    /* The pattern's pre-message: "<- s". */
    mix_hash(hs, (struct covey_bytes){initiator ? hs->rs : hs->s_public, KEY});
}

void noise_set_psk(struct noise_handshake *hs, const uint8_t psk[32])
{
    CHECK(hs->psk_mode);
    memcpy(hs->psk, psk, sizeof hs->psk);
    hs->has_psk = true;
}

void noise_clear(struct noise_handshake *hs)
{
    sodium_memzero(hs, sizeof *hs);
}

/* A responder makes its ephemeral key here and not in noise_init(): the first
 * message of a stranger does not open, and then it was for nothing. */
static void write_e(struct noise_handshake *hs, uint8_t *out)
{
    dh_public(&hs->e_secret, hs->e_public);
    memcpy(out, hs->e_public, KEY);
    mix_e(hs, hs->e_public);
}

/* "-> s, se [, psk]", up to the payload. */
static bool write_s(struct noise_handshake *hs, uint8_t *out)
{
    encrypt_and_hash(hs, (struct covey_bytes){hs->s_public, KEY}, out);
    if (!mix_dh(hs, &hs->s_secret, hs->re))
        return false;
    if (hs->psk_mode)
        mix_psk(hs);
    return true;
}

static bool write_tokens(struct noise_handshake *hs, uint8_t *out)
{
    switch (hs->next) {
    case 1: /* -> e, es */
        write_e(hs, out);
        return mix_dh(hs, &hs->e_secret, hs->rs);
    case 2: /* <- e, ee */
        write_e(hs, out);
        return mix_dh(hs, &hs->e_secret, hs->re);
    case 3:
        return write_s(hs, out);
    default:
        return false;
    }
}

static bool is_writer(const struct noise_handshake *hs)
{
    return (hs->role == NOISE_INITIATOR) == (hs->next != 2);
}

enum covey_rc noise_write(struct noise_handshake *hs,
                          struct covey_bytes payload, uint8_t *out,
                          size_t *out_len)
{
    CHECK(hs->next >= 1 && hs->next <= 3);
    CHECK(is_writer(hs));

    size_t added = overhead[hs->next];

    CHECK(payload.len <= NOISE_MESSAGE_MAX - added);
    if (!write_tokens(hs, out)) {
        hs->next = 0;
        return COVEY_EFORGED;
    }
    encrypt_and_hash(hs, payload, out + added - NOISE_TAG);
    hs->next++;
    *out_len = payload.len + added;
    return COVEY_OK;
}

static void read_e(struct noise_handshake *hs, const uint8_t *in)
{
    memcpy(hs->re, in, sizeof hs->re);
    mix_e(hs, hs->re);
}

static bool read_s(struct noise_handshake *hs, const uint8_t *in)
{
    if (!decrypt_and_hash(hs, (struct covey_bytes){in, KEY + NOISE_TAG},
                          hs->rs))
        return false;
    if (!mix_dh(hs, &hs->e_secret, hs->rs))
        return false;
    if (hs->psk_mode)
        mix_psk(hs);
    return true;
}

static bool read_tokens(struct noise_handshake *hs, const uint8_t *in)
{
    switch (hs->next) {
    case 1: /* -> e, es */
        read_e(hs, in);
        return mix_dh(hs, &hs->s_secret, hs->re);
    case 2: /* <- e, ee */
        read_e(hs, in);
        return mix_dh(hs, &hs->e_secret, hs->re);
    case 3: /* -> s, se [, psk] */
        return read_s(hs, in);
    default:
        return false;
    }
}

/* Takes tokens and payload, and says whether both opened. */
static bool read_all(struct noise_handshake *hs, struct covey_bytes in,
                     uint8_t *out)
{
    size_t before = overhead[hs->next] - NOISE_TAG;

    if (!read_tokens(hs, in.p))
        return false;
    return decrypt_and_hash(
        hs, (struct covey_bytes){in.p + before, in.len - before}, out);
}

enum covey_rc noise_read(struct noise_handshake *hs, struct covey_bytes in,
                         uint8_t *out, size_t *out_len)
{
    CHECK(hs->next >= 1 && hs->next <= 3);
    CHECK(!is_writer(hs));

    size_t added = overhead[hs->next];

    if (in.len < added || in.len > NOISE_MESSAGE_MAX) {
        hs->next = 0;
        return COVEY_EBAD;
    }
    if (!read_all(hs, in, out)) {
        hs->next = 0;
        return COVEY_EFORGED;
    }
    hs->next++;
    *out_len = in.len - added;
    return COVEY_OK;
}

/* ---- after the handshake ---- */

const uint8_t *noise_hash(const struct noise_handshake *hs)
{
    return hs->h;
}

struct noise_key noise_remote(const struct noise_handshake *hs)
{
    struct noise_key key;

    memcpy(key.b, hs->rs, sizeof key.b);
    return key;
}

void noise_split(struct noise_handshake *hs, struct noise_cipher *send,
                 struct noise_cipher *receive)
{
    uint8_t out[2][NOISE_HASH];
    bool first = hs->role == NOISE_INITIATOR;

    CHECK(hs->next == 4);
    hkdf(hs->ck, (struct covey_bytes){NULL, 0}, 2, out);
    memcpy(send->key, out[first ? 0 : 1], sizeof send->key);
    memcpy(receive->key, out[first ? 1 : 0], sizeof receive->key);
    send->n = 0;
    receive->n = 0;
    sodium_memzero(out, sizeof out);
}
