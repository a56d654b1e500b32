/* The recovery code of identity.h: a seed as people copy it from paper. */
#include "proto/identity.h"

#include <string.h>

/* 35 bytes are 280 bits: 56 digits of 5 bits, and no bit is left over. */
#define CODE_CHECK 3u
#define CODE_BYTES (sizeof(struct seed) + CODE_CHECK)
#define CODE_DIGITS 56u
#define CODE_GROUP 7u

/* Crockford's: without I, L, O and U. */
static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
#define NO_DIGIT 32u

static void code_check(const struct seed *recovery, uint8_t out[CODE_CHECK])
{
    struct hash h =
        hash_of("covey/1 recovery code", recovery->b, sizeof recovery->b);

    memcpy(out, h.b, CODE_CHECK);
    sodium_memzero(&h, sizeof h);
}

void recovery_code_write(const struct seed *recovery,
                         char text[RECOVERY_TEXT_SIZE])
{
    uint8_t bytes[CODE_BYTES];
    uint32_t pending = 0; /* bits not yet written, in its low end */
    unsigned bits = 0;
    size_t from = 0;

    memcpy(bytes, recovery->b, sizeof recovery->b);
    code_check(recovery, bytes + sizeof recovery->b);
    for (size_t i = 0; i < CODE_DIGITS; i++) {
        if (i > 0 && i % CODE_GROUP == 0)
            *text++ = '-';
        if (bits < 5) {
            pending = pending << 8 | bytes[from++];
            bits += 8;
        }
        bits -= 5;
        *text++ = digits[pending >> bits & 31];
    }
    *text = '\0';
    sodium_memzero(bytes, sizeof bytes);
}

static uint32_t digit_of(char c)
{
    if (c >= 'a' && c <= 'z')
        c = (char)(c - 'a' + 'A');
    if (c == 'O')
        c = '0';
    if (c == 'I' || c == 'L')
        c = '1';

    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): NUL is no digit */
    const char *found = memchr(digits, c, NO_DIGIT);

    return found == NULL ? NO_DIGIT : (uint32_t)(found - digits);
}

static bool is_gap(char c)
{
    return c == ' ' || c == '-' || c == '\t' || c == '\n' || c == '\r';
}

/* The bytes that a text's digits stand for, if it has exactly CODE_DIGITS. */
static bool code_decode(const char *text, uint8_t out[CODE_BYTES])
{
    uint32_t pending = 0;
    unsigned bits = 0;
    size_t count = 0;
    size_t to = 0;

    for (; *text != '\0'; text++) {
        if (is_gap(*text))
            continue;

        uint32_t digit = digit_of(*text);

        if (digit == NO_DIGIT || count++ == CODE_DIGITS)
            return false;
        pending = pending << 5 | digit;
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            out[to++] = (uint8_t)(pending >> bits);
        }
    }
    return count == CODE_DIGITS;
}

enum covey_rc recovery_code_read(const char *text, struct seed *out)
{
    uint8_t bytes[CODE_BYTES];
    uint8_t check[CODE_CHECK];
    bool found = code_decode(text, bytes);

    if (found) {
        memcpy(out->b, bytes, sizeof out->b);
        code_check(out, check);
        found = sodium_memcmp(check, bytes + sizeof out->b, CODE_CHECK) == 0;
    }
    sodium_memzero(bytes, sizeof bytes);
    if (!found)
        sodium_memzero(out, sizeof *out);
    return found ? COVEY_OK : COVEY_EBAD;
}
