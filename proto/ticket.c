#include "proto/ticket.h"

#include <string.h>

#include "proto/crypto.h"

#define TICKET_VERSION 1u
#define CHECK_SIZE 4u
#define MINUTE_MS 60000u
#define BASE64 sodium_base64_VARIANT_URLSAFE_NO_PADDING

/* version | space | secret | chair | minutes | count, before the addresses */
#define FIXED_SIZE (1u + 16u + 32u + 32u + 4u + 1u)
#define ADDRESS_SIZE_MAX (32u + 1u + ADDRESS_MAX)
#define BINARY_MAX                                                             \
    (FIXED_SIZE + TICKET_ADDRESSES_MAX * ADDRESS_SIZE_MAX + CHECK_SIZE)

static const char prefix[] = "covey1";
#define PREFIX_LEN (sizeof prefix - 1)

_Static_assert(PREFIX_LEN +
                       sodium_base64_ENCODED_LEN((size_t)BINARY_MAX, BASE64) <=
                   TICKET_TEXT_MAX,
               "a ticket with every address fits its text");

static void make_check(const uint8_t *p, size_t len, uint8_t out[CHECK_SIZE])
{
    struct hash h = hash_of("covey/1 ticket", p, len);

    memcpy(out, h.b, CHECK_SIZE);
}

static uint8_t *put(uint8_t *p, const void *from, size_t len)
{
    memcpy(p, from, len);
    return p + len;
}

void ticket_write(const struct ticket *t, char *text)
{
    uint8_t binary[BINARY_MAX];
    uint8_t *p = binary;

    CHECK(t->address_count <= TICKET_ADDRESSES_MAX);
    CHECK(t->expires_ms / MINUTE_MS <= UINT32_MAX);
    *p++ = TICKET_VERSION;
    p = put(p, t->space.b, sizeof t->space.b);
    p = put(p, t->secret.b, sizeof t->secret.b);
    p = put(p, t->chair.b, sizeof t->chair.b);
    put_u32(p, (uint32_t)(t->expires_ms / MINUTE_MS));
    p += 4;
    *p++ = (uint8_t)t->address_count;
    for (size_t i = 0; i < t->address_count; i++) {
        const struct ticket_address *a = &t->addresses[i];
        size_t len = strlen(a->at);

        CHECK(len <= ADDRESS_MAX);
        p = put(p, a->key.b, sizeof a->key.b);
        *p++ = (uint8_t)len;
        p = put(p, a->at, len);
    }
    make_check(binary, (size_t)(p - binary), p);
    p += CHECK_SIZE;
    memcpy(text, prefix, PREFIX_LEN);
    sodium_bin2base64(text + PREFIX_LEN, TICKET_TEXT_MAX - PREFIX_LEN, binary,
                      (size_t)(p - binary), BASE64);
    sodium_memzero(binary, sizeof binary);
}

/* What is left of a ticket's bytes.  A take that does not fit spoils it. */
struct source {
    const uint8_t *p;
    size_t left;
    bool bad;
};

static void take(struct source *s, void *out, size_t len)
{
    if (s->bad || len > s->left) {
        s->bad = true;
        memset(out, 0, len);
        return;
    }
    memcpy(out, s->p, len);
    s->p += len;
    s->left -= len;
}

static uint8_t take_byte(struct source *s)
{
    uint8_t byte;

    take(s, &byte, 1);
    return byte;
}

static void take_address(struct source *s, struct ticket_address *out)
{
    take(s, out->key.b, sizeof out->key.b);

    size_t len = take_byte(s);

    if (len > ADDRESS_MAX) {
        s->bad = true;
        return;
    }
    take(s, out->at, len);
    out->at[len] = '\0';
    if (!address_at_fits((struct covey_bytes){(const uint8_t *)out->at, len}))
        s->bad = true;
}

/* The bytes between version and check. */
static bool take_ticket(struct source s, struct ticket *out)
{
    uint8_t minutes[4];

    take(&s, out->space.b, sizeof out->space.b);
    take(&s, out->secret.b, sizeof out->secret.b);
    take(&s, out->chair.b, sizeof out->chair.b);
    take(&s, minutes, sizeof minutes);
    out->expires_ms = (uint64_t)get_u32(minutes) * MINUTE_MS;
    out->address_count = take_byte(&s);
    if (out->address_count > TICKET_ADDRESSES_MAX)
        return false;
    for (size_t i = 0; i < out->address_count; i++)
        take_address(&s, &out->addresses[i]);
    return !s.bad && s.left == 0;
}

static enum covey_rc fail(struct covey_why *why, enum covey_rc rc,
                          const char *text)
{
    covey_why_set(why, text);
    return rc;
}

static enum covey_rc read_binary(const uint8_t *binary, size_t len,
                                 struct ticket *out, struct covey_why *why)
{
    uint8_t check[CHECK_SIZE];
    size_t body = len - CHECK_SIZE;

    make_check(binary, body, check);
    if (sodium_memcmp(check, binary + body, CHECK_SIZE) != 0)
        return fail(why, COVEY_EBAD,
                    "the ticket is cut short or mistyped: copy the whole line "
                    "again");
    if (binary[0] > TICKET_VERSION)
        return fail(why, COVEY_ENEWER,
                    "the ticket was made by a newer version of covey: upgrade "
                    "covey here, then try again");
    if (binary[0] != TICKET_VERSION ||
        !take_ticket((struct source){binary + 1, body - 1, false}, out))
        return fail(why, COVEY_EBAD,
                    "the ticket was not made by covey: ask whoever sent it for "
                    "another");
    return COVEY_OK;
}

/* Mail programs break long lines and people copy what surrounds them. */
static const char blanks[] = " \t\r\n";

static bool is_blank(char c)
{
    return c != '\0' && memchr(blanks, c, sizeof blanks - 1) != NULL;
}

enum covey_rc ticket_read(const char *text, struct ticket *out,
                          struct covey_why *why)
{
    uint8_t binary[BINARY_MAX];
    size_t len;

    *out = (struct ticket){.address_count = 0};
    while (is_blank(*text))
        text++;
    if (strnlen(text, PREFIX_LEN) < PREFIX_LEN ||
        memcmp(text, prefix, PREFIX_LEN) != 0)
        return fail(why, COVEY_EBAD,
                    "this is not a covey ticket: it must begin with covey1");
    text += PREFIX_LEN;
    if (sodium_base642bin(binary, sizeof binary, text, strlen(text), blanks,
                          &len, NULL, BASE64) != 0 ||
        len <= CHECK_SIZE)
        return fail(why, COVEY_EBAD,
                    "the ticket is cut short or mistyped: copy the whole line "
                    "again");

    enum covey_rc rc = read_binary(binary, len, out, why);

    sodium_memzero(binary, sizeof binary);
    if (rc != COVEY_OK)
        sodium_memzero(out, sizeof *out);
    return rc;
}

void ticket_derive(const struct seed *secret, struct ticket_keys *out)
{
    struct hash id = hash_keyed(secret, "covey/1 invite id", NULL, 0);
    struct hash door = hash_keyed(secret, "covey/1 invite door", NULL, 0);
    struct hash join = hash_keyed(secret, "covey/1 invite join", NULL, 0);

    memcpy(out->id.b, id.b, sizeof out->id.b);
    memcpy(out->door.b, door.b, sizeof out->door.b);
    memcpy(out->join.b, join.b, sizeof out->join.b);
    sodium_memzero(&door, sizeof door);
    sodium_memzero(&join, sizeof join);
}
