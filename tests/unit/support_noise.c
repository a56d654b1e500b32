#include "tests/unit/support_noise.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/crypto.h"

static struct seed filled(uint8_t byte)
{
    struct seed s;

    memset(s.b, byte, sizeof s.b);
    return s;
}

struct party party_of(uint8_t byte)
{
    struct party p = {.secret = filled(byte),
                      .ephemeral = filled((uint8_t)(byte + 1))};

    dh_public(&p.secret, p.key.b);
    return p;
}

struct covey_bytes text_bytes(const char *text)
{
    return (struct covey_bytes){(const uint8_t *)text, strlen(text)};
}

struct covey_bytes message_bytes(const struct noise_message *m)
{
    return (struct covey_bytes){m->bytes, m->len};
}

void party_begin(struct noise_handshake *hs, const struct party *self,
                 const struct noise_key *remote, bool psk_mode,
                 const char *prologue)
{
    struct noise_setup setup = {
        .role = remote == NULL ? NOISE_RESPONDER : NOISE_INITIATOR,
        .psk_mode = psk_mode,
        .prologue = text_bytes(prologue),
        .static_secret = &self->secret,
        .static_key = &self->key,
        .remote = remote,
        .ephemeral = &self->ephemeral,
    };

    noise_init(hs, &setup);
}

struct pair pair_new(bool psk_mode)
{
    static const uint8_t psk[32] = "a ticket's psk, as both know it";
    struct pair p = {.i = party_of(0x10), .r = party_of(0x20)};

    party_begin(&p.init, &p.i, &p.r.key, psk_mode, "covey/1");
    party_begin(&p.resp, &p.r, NULL, psk_mode, "covey/1");
    if (psk_mode) {
        noise_set_psk(&p.init, psk);
        noise_set_psk(&p.resp, psk);
    }
    return p;
}

struct noise_message pair_say(struct pair *p, const char *payload)
{
    struct noise_message m;
    struct noise_handshake *hs = p->init.next == 2 ? &p->resp : &p->init;

    assert_int_equal(noise_write(hs, text_bytes(payload), m.bytes, &m.len),
                     COVEY_OK);
    return m;
}

struct noise_handshake *pair_listener(struct pair *p, int number)
{
    return number == 2 ? &p->init : &p->resp;
}

enum covey_rc pair_hear(struct noise_handshake *hs, struct covey_bytes in)
{
    uint8_t *exact = malloc(in.len + 1);
    uint8_t *out = malloc(in.len + 1);
    size_t out_len = 0;

    assert_non_null(exact);
    assert_non_null(out);
    memcpy(exact + 1, in.p, in.len);

    enum covey_rc rc = noise_read(hs, (struct covey_bytes){exact + 1, in.len},
                                  out + 1, &out_len);

    if (rc == COVEY_OK)
        assert_true(out_len < in.len);
    free(exact);
    free(out);
    return rc;
}

void pair_step(struct pair *p)
{
    int number = p->init.next;
    struct noise_message m = pair_say(p, "payload");

    assert_int_equal(pair_hear(pair_listener(p, number), message_bytes(&m)),
                     COVEY_OK);
}

struct noise_message pair_come_to(struct pair *p, int number)
{
    while (p->init.next < number)
        pair_step(p);
    return pair_say(p, "payload");
}

struct noise_link link_up(struct pair *p)
{
    struct noise_link link;

    while (p->init.next < 4)
        pair_step(p);
    noise_split(&p->init, &link.i_send, &link.i_receive);
    noise_split(&p->resp, &link.r_send, &link.r_receive);
    return link;
}

void link_talk(struct noise_cipher *from, struct noise_cipher *to)
{
    static const uint8_t words[] = "what one says the other hears";
    uint8_t sealed[sizeof words + NOISE_TAG];
    uint8_t out[sizeof words];

    noise_encrypt(from, (struct covey_bytes){words, sizeof words}, sealed);
    assert_int_equal(
        noise_decrypt(to, (struct covey_bytes){sealed, sizeof sealed}, out),
        COVEY_OK);
    assert_memory_equal(out, words, sizeof words);
}
