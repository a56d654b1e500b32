/* One side of a Noise handshake and transport, driven over stdin and stdout:
 * what noise_interop.js sets against other people's implementations.
 *
 * A request is a length (4 bytes, big-endian), a command byte and its body; the
 * answer a length, a byte that is 0 or a result code's number, and its body.
 *
 *   b  begin: role (i or r), psk mode (0 or 1), static secret, ephemeral
 *      secret, remote key (zeros for a responder), psk: 32 each; prologue
 *   w  payload -> the next handshake message
 *   r  handshake message -> its payload
 *   h  -> the handshake hash
 *   k  -> the other's static key
 *   p  split: from here on transport messages
 *   s  plain -> sealed
 *   o  sealed -> plain
 *   y  rekey both directions */
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "proto/crypto.h"
#include "proto/noise.h"

#define FRAME_MAX 70000u /* bytes; more than any message */
#define BEGIN_SIZE 130u  /* without the prologue */

struct peer {
    struct noise_handshake hs;
    struct noise_cipher send;
    struct noise_cipher receive;
};

static enum covey_rc on_begin(struct peer *peer, struct covey_bytes in,
                              uint8_t *out, size_t *out_len)
{
    struct seed secret;
    struct seed ephemeral;
    struct noise_key key;
    struct noise_key remote;

    (void)out;
    (void)out_len;
    if (in.len < BEGIN_SIZE)
        return COVEY_EBAD;
    memcpy(secret.b, in.p + 2, 32);
    memcpy(ephemeral.b, in.p + 34, 32);
    memcpy(remote.b, in.p + 66, 32);
    dh_public(&secret, key.b);

    bool initiator = in.p[0] == 'i';
    bool psk_mode = in.p[1] != 0;
    struct noise_setup setup = {
        .role = initiator ? NOISE_INITIATOR : NOISE_RESPONDER,
        .psk_mode = psk_mode,
        .prologue = {in.p + BEGIN_SIZE, in.len - BEGIN_SIZE},
        .static_secret = &secret,
        .static_key = &key,
        .remote = initiator ? &remote : NULL,
        .ephemeral = &ephemeral,
    };

    noise_init(&peer->hs, &setup);
    if (psk_mode)
        noise_set_psk(&peer->hs, in.p + 98);
    return COVEY_OK;
}

static enum covey_rc on_write(struct peer *peer, struct covey_bytes in,
                              uint8_t *out, size_t *out_len)
{
    return noise_write(&peer->hs, in, out, out_len);
}

static enum covey_rc on_read(struct peer *peer, struct covey_bytes in,
                             uint8_t *out, size_t *out_len)
{
    return noise_read(&peer->hs, in, out, out_len);
}

static enum covey_rc on_hash(struct peer *peer, struct covey_bytes in,
                             uint8_t *out, size_t *out_len)
{
    (void)in;
    memcpy(out, noise_hash(&peer->hs), NOISE_HASH);
    *out_len = NOISE_HASH;
    return COVEY_OK;
}

static enum covey_rc on_key(struct peer *peer, struct covey_bytes in,
                            uint8_t *out, size_t *out_len)
{
    struct noise_key key = noise_remote(&peer->hs);

    (void)in;
    memcpy(out, key.b, sizeof key.b);
    *out_len = sizeof key.b;
    return COVEY_OK;
}

static enum covey_rc on_split(struct peer *peer, struct covey_bytes in,
                              uint8_t *out, size_t *out_len)
{
    (void)in;
    (void)out;
    (void)out_len;
    noise_split(&peer->hs, &peer->send, &peer->receive);
    return COVEY_OK;
}

static enum covey_rc on_seal(struct peer *peer, struct covey_bytes in,
                             uint8_t *out, size_t *out_len)
{
    noise_encrypt(&peer->send, in, out);
    *out_len = in.len + NOISE_TAG;
    return COVEY_OK;
}

static enum covey_rc on_open(struct peer *peer, struct covey_bytes in,
                             uint8_t *out, size_t *out_len)
{
    enum covey_rc rc = noise_decrypt(&peer->receive, in, out);

    if (rc == COVEY_OK)
        *out_len = in.len - NOISE_TAG;
    return rc;
}

static enum covey_rc on_rekey(struct peer *peer, struct covey_bytes in,
                              uint8_t *out, size_t *out_len)
{
    (void)in;
    (void)out;
    (void)out_len;
    noise_rekey(&peer->send);
    noise_rekey(&peer->receive);
    return COVEY_OK;
}

static const struct {
    uint8_t command;
    enum covey_rc (*run)(struct peer *peer, struct covey_bytes in, uint8_t *out,
                         size_t *out_len);
} commands[] = {
    {'b', on_begin}, {'w', on_write}, {'r', on_read},
    {'h', on_hash},  {'k', on_key},   {'p', on_split},
    {'s', on_seal},  {'o', on_open},  {'y', on_rekey},
};

static enum covey_rc obey(struct peer *peer, struct covey_bytes request,
                          uint8_t *out, size_t *out_len)
{
    struct covey_bytes body = {request.p + 1, request.len - 1};

    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (commands[i].command == request.p[0])
            return commands[i].run(peer, body, out, out_len);
    return COVEY_EUSAGE;
}

/* One request; false at the end of the input, or where it is no request. */
static bool read_request(uint8_t *frame, struct covey_bytes *request)
{
    uint8_t head[4];

    if (fread(head, 1, sizeof head, stdin) != sizeof head)
        return false;
    *request = (struct covey_bytes){frame, get_u32(head)};
    return request->len > 0 && request->len <= FRAME_MAX &&
           fread(frame, 1, request->len, stdin) == request->len;
}

static bool answer(enum covey_rc rc, const uint8_t *body, size_t len)
{
    uint8_t head[5];

    put_u32(head, (uint32_t)(len + 1));
    head[4] = (uint8_t)-rc;
    return fwrite(head, 1, sizeof head, stdout) == sizeof head &&
           fwrite(body, 1, len, stdout) == len && fflush(stdout) == 0;
}

int main(void)
{
    static uint8_t frame[FRAME_MAX];
    static uint8_t out[FRAME_MAX + NOISE_OVERHEAD_3];
    struct peer peer = {.send = {.n = 0}};
    struct covey_bytes request;

    if (sodium_init() < 0)
        return 1;
    while (read_request(frame, &request)) {
        size_t len = 0;
        enum covey_rc rc = obey(&peer, request, out, &len);

        if (!answer(rc, out, len))
            return 1;
    }
    return 0;
}
