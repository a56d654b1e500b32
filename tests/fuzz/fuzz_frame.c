/* Frames and messages (frame.h), from a peer that has the keys and may break
 * every other rule.
 *
 * Its plaintexts are the input's, sealed one by one.  What comes out is what a
 * plain reading of them says: the message, or the refusal.  What we send, in
 * frames cut anywhere, comes out whole. */
#include <string.h>

#include "proto/frame.h"
#include "proto/message.h"
#include "proto/session.h"
#include "tests/fuzz/fuzz.h"

static const struct noise_cipher start = {{0x42}, 0};

/* What a plain reading has of the message under way. */
struct model {
    struct covey_buf body;
    bool partial;
    uint8_t kind;
};

static enum covey_rc expect(struct model *m, struct covey_bytes plain)
{
    size_t head = m->partial ? 1 : 2;

    if (plain.len == 0 || (m->partial && plain.len == 1) || plain.len < head)
        return COVEY_EBAD;
    if (!m->partial) {
        buf_reset(&m->body);
        m->kind = plain.p[1];
        if (message_max(m->kind) == 0)
            return COVEY_EBAD;
    }
    if (m->body.len + plain.len - head > message_max(m->kind))
        return COVEY_ELIMIT;
    buf_append(&m->body, plain.p + head, plain.len - head);
    m->partial = plain.p[0] == 1;
    return plain.p[0] > 1 ? COVEY_EBAD : COVEY_OK;
}

static enum covey_rc receive(struct frame_link *l, struct model *m,
                             struct covey_bytes frame, enum covey_rc due)
{
    struct frame_message out;
    enum covey_rc rc = frame_receive(l, frame, &out);

    CHECK(rc == due);
    frame_check(l);
    CHECK((out.kind != 0) == (rc == COVEY_OK && !m->partial));
    if (out.kind != 0) {
        CHECK(out.kind == m->kind);
        CHECK(fuzz_same(out.body, buf_bytes(&m->body)));
        frame_release(l);
        CHECK(l->in.cap <= FRAME_KEEP);
    }
    return rc;
}

/* Seal a plaintext as the next of the peer's frames. */
static enum covey_rc sealed(struct frame_link *l, struct model *m,
                            struct noise_cipher *peer, uint32_t *sent,
                            struct covey_bytes plain)
{
    struct covey_buf frame = fuzz_buf();
    uint8_t *to = buf_extend(&frame, plain.len + NOISE_TAG);

    CHECK(to != NULL);
    noise_encrypt(peer, plain, to);
    if (++*sent == SESSION_REKEY) {
        noise_rekey(peer);
        *sent = 0;
    }

    enum covey_rc rc = receive(l, m, buf_bytes(&frame), expect(m, plain));

    buf_clear(&frame);
    return rc;
}

/* A frame that nobody sealed: too short, too long for its message, or forged.
 */
static enum covey_rc expect_raw(const struct model *m, size_t len)
{
    if (len <= NOISE_TAG + m->partial)
        return COVEY_EBAD;
    if (m->partial && m->body.len + len - NOISE_TAG - 1 > message_max(m->kind))
        return COVEY_ELIMIT;
    return COVEY_EFORGED;
}

static void hear(struct frame_link *l, struct fuzz_in *in)
{
    struct noise_cipher peer = start;
    struct model m = {.body = fuzz_buf()};
    uint32_t sent = l->received = fuzz_u8(in) % 2 ? SESSION_REKEY - 2 : 0;
    enum covey_rc rc = COVEY_OK;

    while (in->left > 0 && rc == COVEY_OK) {
        uint8_t how = fuzz_u8(in);
        struct covey_bytes piece = fuzz_piece(in);

        rc = how != 0xff ? sealed(l, &m, &peer, &sent, piece)
                         : receive(l, &m, piece, expect_raw(&m, piece.len));
    }
    buf_clear(&m.body);
}

/* Ours, taken in pieces and heard by another link. */
static void say(struct frame_link *l, struct frame_link *other,
                struct fuzz_in *in)
{
    uint8_t kind = (uint8_t)(1 + fuzz_u8(in) % MESSAGE_CLOSE);
    size_t piece = 1 + fuzz_u16(in);
    struct covey_bytes body = fuzz_take(in, message_max(kind));
    struct covey_buf wire = fuzz_buf();
    struct frame_message out = {0};
    size_t n, at = 0;

    CHECK(frame_send(l, kind, body));
    frame_check(l);
    CHECK(l->waiting == frame_size(body.len));
    do {
        uint8_t *to = buf_extend(&wire, piece);

        n = frame_take(l, to, piece);
        wire.len -= piece - n;
        frame_check(l);
    } while (n > 0);
    while (at < wire.len) {
        size_t len = get_u16(wire.p + at);

        CHECK(out.kind == 0);
        CHECK(frame_receive(other,
                            (struct covey_bytes){wire.p + at + FRAME_HEAD, len},
                            &out) == COVEY_OK);
        at += FRAME_HEAD + len;
    }
    CHECK(out.kind == kind && fuzz_same(out.body, body));
    frame_release(other);
    buf_clear(&wire);
}

static void one(struct covey_bytes in)
{
    struct fuzz_in parts = fuzz_in(in);
    struct frame_link l, other;
    bool hears = fuzz_u8(&parts) % 2 == 0;

    frame_init(&l, &fuzz_mem);
    frame_init(&other, &fuzz_mem);
    l.send = l.receive = other.send = other.receive = start;
    if (hears)
        hear(&l, &parts);
    else
        say(&l, &other, &parts);
    frame_clear(&l);
    frame_clear(&other);
}

const struct fuzz_target fuzz_target = {.one = one, .heap_max = 256u << 10};
