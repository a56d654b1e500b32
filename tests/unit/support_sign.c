#include "support_sign.h"

#include <string.h>

#include <sodium.h>

void malleate(uint8_t sig[64])
{
    /* L = 2^252 + 27742317777372353535851937790883648493, little-endian */
    static const uint8_t order[32] = {
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
        0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
        0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};
    unsigned carry = 0;

    for (size_t i = 0; i < sizeof order; i++) {
        unsigned sum = sig[32 + i] + order[i] + carry;

        sig[32 + i] = (uint8_t)sum;
        carry = sum >> 8;
    }
}

void sign_again(const struct seed *secret, const void *p, size_t len,
                uint8_t sig[64])
{
    uint8_t key[32], pair[64], expanded[64], k[64], scalar[32], product[32];
    static const uint8_t nonce[32] = {5, 4, 3, 2, 1};
    crypto_hash_sha512_state sha;

    crypto_sign_seed_keypair(key, pair, secret->b);
    crypto_hash_sha512(expanded, secret->b, sizeof secret->b);
    expanded[0] &= 248;
    expanded[31] = (uint8_t)((expanded[31] & 63) | 64);

    /* R = r * B, k = H(R | A | M), S = r + k * a */
    crypto_scalarmult_ed25519_base_noclamp(sig, nonce);
    crypto_hash_sha512_init(&sha);
    crypto_hash_sha512_update(&sha, sig, 32);
    crypto_hash_sha512_update(&sha, key, sizeof key);
    crypto_hash_sha512_update(&sha, p, len);
    crypto_hash_sha512_final(&sha, k);
    crypto_core_ed25519_scalar_reduce(scalar, k);
    crypto_core_ed25519_scalar_mul(product, scalar, expanded);
    crypto_core_ed25519_scalar_add(sig + 32, product, nonce);
}
