#include "daemon/token.h"

#include <string.h>

#include <sodium.h>

#include "daemon/private.h"
#include "daemon/why.h"

static enum covey_rc make(const char *dir, char token[TOKEN_HEX + 1],
                          struct covey_why *why)
{
    uint8_t secret[TOKEN_HEX / 2];
    uint8_t line[TOKEN_HEX + 1];

    randombytes_buf(secret, sizeof secret);
    hex_encode(secret, sizeof secret, token);
    memcpy(line, token, TOKEN_HEX);
    line[TOKEN_HEX] = '\n';
    sodium_memzero(secret, sizeof secret);
    return private_create(dir, TOKEN_FILE,
                          (struct covey_bytes){line, sizeof line}, why);
}

enum covey_rc token_ensure(const char *dir, char token[TOKEN_HEX + 1],
                           struct covey_why *why)
{
    char text[PRIVATE_FILE_MAX + 1];
    uint8_t secret[TOKEN_HEX / 2];
    enum covey_rc rc = private_read(dir, TOKEN_FILE, text, why);

    if (rc == COVEY_ENONE)
        return make(dir, token, why);
    if (rc != COVEY_OK)
        return rc;
    if (text[strcspn(text, "\n")] == '\n' && strlen(text) == TOKEN_HEX + 1)
        text[TOKEN_HEX] = '\0';
    if (!hex_decode(text, secret, sizeof secret))
        return why_fail(why, COVEY_EBAD,
                        "%s/%s is not %u hex digits: remove it, and start "
                        "again to have it made anew",
                        dir, TOKEN_FILE, TOKEN_HEX);
    memcpy(token, text, TOKEN_HEX + 1);
    sodium_memzero(secret, sizeof secret);
    return COVEY_OK;
}
