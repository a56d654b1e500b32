#include "proto/ticket.h"

#include <string.h>

#define KEY_DIGITS (2 * sizeof(struct noise_key))
#define LABEL_MAX 63u /* characters between two dots, RFC 1035 */

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(uint8_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_word(uint8_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           c == '-' || c == '_';
}

/* How many bytes at the beginning are of a class. */
static size_t run(struct covey_bytes text, bool (*is)(uint8_t c))
{
    size_t n = 0;

    while (n < text.len && is(text.p[n]))
        n++;
    return n;
}

static struct covey_bytes after(struct covey_bytes text, size_t n)
{
    return (struct covey_bytes){text.p + n, text.len - n};
}

/* A number as people write it, without a leading zero, 0 to max. */
static bool number_fits(struct covey_bytes text, uint32_t max, uint32_t *out)
{
    uint32_t v = 0;

    if (text.len == 0 || text.len > 5 || run(text, is_digit) != text.len ||
        (text.len > 1 && text.p[0] == '0'))
        return false;
    for (size_t i = 0; i < text.len; i++)
        v = v * 10 + (uint32_t)(text.p[i] - '0');
    *out = v;
    return v <= max;
}

static bool ipv4_fits(struct covey_bytes host)
{
    for (int i = 0; i < 4; i++) {
        size_t n = run(host, is_digit);
        uint32_t part;

        if (!number_fits((struct covey_bytes){host.p, n}, 255, &part))
            return false;
        host = after(host, n);
        if (i < 3 && (host.len == 0 || host.p[0] != '.'))
            return false;
        if (i < 3)
            host = after(host, 1);
    }
    return host.len == 0;
}

/* Eight groups of up to four hex digits, or fewer around one "::". */
static bool ipv6_fits(struct covey_bytes host)
{
    size_t groups = 0;
    bool gap = false;

    while (host.len > 0) {
        size_t n = run(host, is_hex);

        if (n > 4)
            return false;
        groups += n > 0;
        host = after(host, n);
        if (host.len == 0)
            break;

        bool twice = host.len > 1 && host.p[0] == ':' && host.p[1] == ':';

        if (host.p[0] != ':' || (twice && gap) ||
            (!twice && (n == 0 || host.len == 1)))
            return false;
        gap = gap || twice;
        host = after(host, twice ? 2 : 1);
    }
    return gap ? groups < 8 : groups == 8;
}

static bool name_fits(struct covey_bytes host)
{
    for (;;) {
        size_t n = run(host, is_word);

        if (n == 0 || n > LABEL_MAX || host.p[0] == '-' || host.p[n - 1] == '-')
            return false;
        host = after(host, n);
        if (host.len == 0)
            return true;
        if (host.p[0] != '.')
            return false;
        host = after(host, 1);
    }
}

static bool is_digit_or_dot(uint8_t c)
{
    return is_digit(c) || c == '.';
}

static bool host_fits(struct covey_bytes host)
{
    if (host.len > 2 && host.p[0] == '[' && host.p[host.len - 1] == ']')
        return ipv6_fits((struct covey_bytes){host.p + 1, host.len - 2});
    /* No name ends in a number, so these can only be meant as addresses. */
    if (run(host, is_digit_or_dot) == host.len)
        return ipv4_fits(host);
    return name_fits(host);
}

/* NULL when it is HOST:PORT, else what is wrong with it. */
static const char *at_fault(struct covey_bytes at)
{
    size_t colon = at.len;
    uint32_t port = 0;

    if (at.len > ADDRESS_MAX)
        return "the address is longer than 160 characters";
    while (colon > 0 && at.p[colon - 1] != ':')
        colon--;
    if (colon == 0)
        return "the address has no port: it is written KEY@HOST:PORT";
    if (!number_fits(after(at, colon), UINT16_MAX, &port) || port == 0)
        return "the port after the last colon must be a number from 1 to "
               "65535";
    if (!host_fits((struct covey_bytes){at.p, colon - 1}))
        return "the host is not a name, an IPv4 address or an IPv6 address in "
               "brackets";
    return NULL;
}

bool address_at_fits(struct covey_bytes at)
{
    return at_fault(at) == NULL;
}

static bool key_decode(const char *text, struct noise_key *out)
{
    char lower[KEY_DIGITS + 1];

    for (size_t i = 0; i < KEY_DIGITS; i++) {
        char c = text[i];

        lower[i] = (char)(c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
    }
    lower[KEY_DIGITS] = '\0';
    return hex_decode(lower, out->b, sizeof out->b);
}

enum covey_rc address_read(const char *text, struct ticket_address *out,
                           struct covey_why *why)
{
    size_t len = strlen(text);
    const char *at = memchr(text, '@', len);
    const char *fault = NULL;

    *out = (struct ticket_address){.at = ""};
    if (at == NULL)
        fault = "the address has no @: it is written KEY@HOST:PORT";
    else if ((size_t)(at - text) != KEY_DIGITS || !key_decode(text, &out->key))
        fault = "the key before the @ must be 64 hex digits";
    if (at != NULL && fault == NULL) {
        size_t at_len = len - KEY_DIGITS - 1;

        fault = at_fault((struct covey_bytes){(const uint8_t *)at + 1, at_len});
        if (fault == NULL)
            memcpy(out->at, at + 1, at_len);
    }
    if (fault == NULL)
        return COVEY_OK;
    covey_why_set(why, fault);
    return COVEY_EBAD;
}

void address_write(const struct ticket_address *a, char text[ADDRESS_TEXT_MAX])
{
    size_t len = strlen(a->at);

    CHECK(len <= ADDRESS_MAX);
    hex_encode(a->key.b, sizeof a->key.b, text);
    text[KEY_DIGITS] = '@';
    memcpy(text + KEY_DIGITS + 1, a->at, len + 1);
}
