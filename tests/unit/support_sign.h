/* support_sign.h - Ed25519 signatures as only an attacker makes them. */
#ifndef COVEY_TESTS_SUPPORT_SIGN_H
#define COVEY_TESTS_SUPPORT_SIGN_H

#include "proto/base.h"

/* Add the group's order to S, in place: the same signature, spelt otherwise. */
void malleate(uint8_t sig[64]);

/* A second valid signature of the same bytes by the owner of the key, who drew
 * a nonce instead of deriving it. */
void sign_again(const struct seed *secret, const void *p, size_t len,
                uint8_t sig[64]);

#endif
