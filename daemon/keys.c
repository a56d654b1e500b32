/* The file, so that a person can see what it is:
 *
 *     covey keys 1
 *     identity <64 hex digits>
 *     sign     <64 hex digits>      and noise, reading, nonce
 *     check    <32 hex digits>      of all above: bit rot, a cut-off copy
 */
#include "daemon/keys.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "daemon/private.h"
#include "daemon/why.h"
#include "proto/crypto.h"

#define FIRST_LINE "covey keys 1\n"
#define CHECK_WORD "check "
#define CHECK_BYTES 16u

static const struct {
    const char *word;
    size_t offset;
} fields[] = {
    {"identity ", offsetof(struct node_secrets, identity)},
    {"sign ", offsetof(struct node_secrets, sign)},
    {"noise ", offsetof(struct node_secrets, noise)},
    {"reading ", offsetof(struct node_secrets, reading)},
    {"nonce ", offsetof(struct node_secrets, nonce)},
};
#define FIELD_COUNT (sizeof fields / sizeof fields[0])

static void check_of(const char *text, size_t len,
                     char hex[CHECK_BYTES * 2 + 1])
{
    struct hash h = hash_of("covey/1 keys file", text, len);

    hex_encode(h.b, CHECK_BYTES, hex);
}

/* text holds PRIVATE_FILE_MAX + 1 bytes, far more than it takes. */
static size_t compose(const struct node_secrets *secrets, char *text)
{
    size_t len = strlen(FIRST_LINE);
    char check[CHECK_BYTES * 2 + 1];

    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): more follows */
    memcpy(text, FIRST_LINE, len);
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const uint8_t *secret = (const uint8_t *)secrets + fields[i].offset;
        size_t word_len = strlen(fields[i].word);

        memcpy(text + len, fields[i].word, word_len);
        len += word_len;
        hex_encode(secret, sizeof(struct seed), text + len);
        len += sizeof(struct seed) * 2;
        text[len++] = '\n';
    }
    check_of(text, len, check);
    len += (size_t)snprintf(text + len, PRIVATE_FILE_MAX - len, "%s%s\n",
                            CHECK_WORD, check);
    return len;
}

enum covey_rc keys_create(const char *dir, const struct node_secrets *secrets,
                          struct covey_why *why)
{
    char text[PRIVATE_FILE_MAX + 1];
    size_t len = compose(secrets, text);
    enum covey_rc rc = private_create(
        dir, KEYS_FILE, (struct covey_bytes){(const uint8_t *)text, len}, why);

    sodium_memzero(text, sizeof text);
    return rc;
}

/* Step over a word; false if it does not stand there. */
static bool word(const char **at, const char *expected)
{
    size_t len = strlen(expected);

    if (strncmp(*at, expected, len) != 0)
        return false;
    *at += len;
    return true;
}

static bool parse_field(const char **at, size_t i, struct node_secrets *out)
{
    char hex[sizeof(struct seed) * 2 + 1];
    size_t len = sizeof hex - 1;

    if (!word(at, fields[i].word) || strnlen(*at, len) != len)
        return false;
    memcpy(hex, *at, len);
    hex[len] = '\0';
    *at += len;

    bool good =
        hex_decode(hex, (uint8_t *)out + fields[i].offset, sizeof(struct seed));

    sodium_memzero(hex, sizeof hex);
    return good && word(at, "\n");
}

static bool parse(const char *text, struct node_secrets *out)
{
    const char *at = text;
    char check[CHECK_BYTES * 2 + 1];

    if (!word(&at, FIRST_LINE))
        return false;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (!parse_field(&at, i, out))
            return false;
    }
    check_of(text, (size_t)(at - text), check);
    return word(&at, CHECK_WORD) && word(&at, check) && word(&at, "\n") &&
           *at == '\0';
}

enum covey_rc keys_load(const char *dir, struct node_secrets *out,
                        struct covey_why *why)
{
    char text[PRIVATE_FILE_MAX + 1];
    enum covey_rc rc = private_read(dir, KEYS_FILE, text, why);

    if (rc == COVEY_OK && !parse(text, out))
        rc = why_fail(why, COVEY_EBAD,
                      "%s/%s is damaged: put back a copy of it, or issue this "
                      "node anew with the recovery code",
                      dir, KEYS_FILE);
    sodium_memzero(text, sizeof text);
    if (rc != COVEY_OK)
        sodium_memzero(out, sizeof *out);
    return rc;
}

bool keys_exist(const char *dir)
{
    return private_exists(dir, KEYS_FILE);
}
