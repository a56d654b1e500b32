/* Noise XK and XKpsk3 (noise.h), as each role, with an editor on the wire.
 *
 * Two who fit each other say three messages, with payloads of the input.  One
 * of the messages is edited, cut or replaced: it must be refused, and nothing
 * is agreed on; unedited all open, both have one hash, and what one encrypts
 * the other reads. */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/support_noise.h"

#define PAYLOAD_MAX 400u

/* Change some bytes of a message, which may leave it as it was. */
static struct covey_bytes edit(struct fuzz_in *in, struct noise_message *m)
{
    uint8_t count = fuzz_u8(in);

    if (count == 0xff) { /* another message altogether */
        struct covey_bytes other = fuzz_take(in, sizeof m->bytes);

        if (other.len > 0)
            memcpy(m->bytes, other.p, other.len);
        m->len = other.len;
    }
    if (count & 0x80)
        m->len = fuzz_u16(in) % (m->len + 1);
    for (count &= 7; count > 0 && m->len > 0; count--) {
        size_t at = fuzz_u16(in) % m->len;

        m->bytes[at] ^= fuzz_u8(in);
    }
    return message_bytes(m);
}

/* The next message, said by whose turn it is and heard by the other. */
static bool step(struct pair *p, int number, bool edited, struct fuzz_in *in)
{
    struct covey_bytes payload = fuzz_take(in, fuzz_u16(in) % PAYLOAD_MAX);
    struct noise_handshake *speaker = number == 2 ? &p->resp : &p->init;
    struct noise_handshake *listener = number == 2 ? &p->init : &p->resp;
    struct noise_message said, heard;
    uint8_t out[sizeof said.bytes];
    size_t len;

    CHECK(noise_write(speaker, payload, said.bytes, &said.len) == COVEY_OK);
    heard = said;

    struct covey_bytes bytes = edited ? edit(in, &heard) : message_bytes(&said);
    bool same = fuzz_same(bytes, message_bytes(&said));
    enum covey_rc rc = noise_read(listener, bytes, out, &len);

    CHECK((rc == COVEY_OK) == same);
    CHECK(listener->next == (same ? number + 1 : 0));
    if (same)
        CHECK(fuzz_same((struct covey_bytes){out, len}, payload));
    return same;
}

static void talk(struct noise_cipher *from, struct noise_cipher *to,
                 struct covey_bytes words)
{
    uint8_t sealed[PAYLOAD_MAX + NOISE_TAG], opened[PAYLOAD_MAX];
    struct covey_bytes frame = {sealed, words.len + NOISE_TAG};

    noise_encrypt(from, words, sealed);
    CHECK(noise_decrypt(to, frame, opened) == COVEY_OK);
    CHECK(fuzz_same((struct covey_bytes){opened, words.len}, words));
    CHECK(noise_decrypt(to, frame, opened) != COVEY_OK); /* once only */
}

static void agree(struct pair *p, struct fuzz_in *in)
{
    struct noise_key key = noise_remote(&p->resp);
    struct noise_cipher a, b, c, d;

    CHECK(memcmp(noise_hash(&p->init), noise_hash(&p->resp), NOISE_HASH) == 0);
    CHECK(memcmp(key.b, p->i.key.b, sizeof key.b) == 0);
    noise_split(&p->init, &a, &b);
    noise_split(&p->resp, &c, &d);
    talk(&a, &d, fuzz_take(in, PAYLOAD_MAX));
    talk(&c, &b, fuzz_take(in, PAYLOAD_MAX));
}

static void one(struct covey_bytes in)
{
    struct fuzz_in parts = fuzz_in(in);
    uint8_t mode = fuzz_u8(&parts);
    int victim = mode / 2 % 4; /* 0: nobody edits */
    struct pair p = pair_new(mode % 2 == 1);
    bool open = true;

    for (int number = 1; number <= 3 && open; number++)
        open = step(&p, number, number == victim, &parts);
    if (open)
        agree(&p, &parts);
    noise_clear(&p.init);
    noise_clear(&p.resp);
}

const struct fuzz_target fuzz_target = {.one = one};
