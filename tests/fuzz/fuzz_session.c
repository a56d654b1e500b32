/* A session (session.h, opening.h, alive.h) as an interpreter of scripts.
 *
 * Two: an initiator and a responder talk, over a wire on which an editor flips,
 * drops, repeats and puts in bytes; time passes; either side sends and closes.
 * Whatever one hears, the other said, in that order; the responder takes nobody
 * for another; and it answers no first message but the initiator's own.
 *
 * By hand: a peer with keys of its own dials the responder and says frames of
 * the input, encrypted where that is due.
 *
 * In both, a responder that has not let its peer in has given no byte but Noise
 * message 2; and what came from outside takes no more heap than is promised. */
#include <stdlib.h>
#include <string.h>

#include "proto/opening.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/support_session.h"

#define HEAP_MAX (256u << 10)
#define SAID_MAX 256u
#define SECOND_FRAME (2u + OPENING_2_MAX)

static struct world w;
static covey_time now;

/* ---- what always holds ---- */

static void check_side(const struct side *d)
{
    CHECK(d->rc == COVEY_OK);
    CHECK(d->downs <= 1 && d->ups <= 1 && d->auths <= 1 && d->asks <= 1);
    CHECK(d->ups == 1 || d->messages == 0);
    CHECK(d->downs == 1 || d->ups == 0 || session_is_up(d->s));
}

static void check_responder(const struct side *b)
{
    check_side(b);
    if (b->auths > 0 && !b->refuses)
        return;
    CHECK(b->ups == 0);
    CHECK(b->out_bytes + session_waiting(b->s) <= SECOND_FRAME);
}

/* Time passes; who waits for it is told. */
static void wait_for(struct side *d, covey_time until)
{
    while (d->s != NULL && session_deadline(d->s) <= until) {
        covey_time due = session_deadline(d->s);

        side_expire(d, due > now ? due : now);
        CHECK(d->downs > 0 || session_deadline(d->s) > due);
    }
}

static void pass(covey_time how_long)
{
    wait_for(&w.a, now + how_long);
    wait_for(&w.b, now + how_long);
    now += how_long;
}

/* ---- two, with an editor between ---- */

/* One direction. */
struct way {
    struct side *from, *to;
    struct covey_buf wire;    /* given and not yet delivered */
    struct covey_buf arrived; /* the first of what was */
    struct hash said[SAID_MAX];
    int said_count;
};

static struct way ways[2];

/* What one has heard is what the other has said up to some message. */
static void check_way(const struct way *way)
{
    static const struct hash nothing;
    int heard = way->to->heard_count;

    CHECK(heard <= way->said_count);
    CHECK(hash_equal(&way->to->heard,
                     heard == 0 ? &nothing : &way->said[heard - 1]));
}

/* The responder's answer is to the initiator's first frame, unedited. */
static void check_opening(struct covey_bytes first)
{
    if (w.b.out_bytes > 0) {
        CHECK(ways[0].arrived.len >= first.len);
        CHECK(memcmp(ways[0].arrived.p, first.p, first.len) == 0);
    }
    if (w.b.auths > 0) {
        const struct noise_key *peer = &w.b.auth.auth.peer;

        CHECK(memcmp(peer, &w.a_config.static_key, sizeof *peer) == 0);
        CHECK(w.b.auth.auth.kind == w.a_config.proof);
    }
    if (w.a.ups > 0 && w.b.ups > 0)
        CHECK(memcmp(session_hash(w.a.s), session_hash(w.b.s), NOISE_HASH) ==
              0);
}

static void deliver(struct way *way, size_t len)
{
    struct covey_buf *wire = &way->wire;

    side_drain(way->from, now, wire);
    len = len < wire->len ? len : wire->len;
    if (way->arrived.len < SESSION_STRANGER_FRAME)
        buf_append(&way->arrived, wire->p, len);
    if (len > 0)
        side_feed(way->to, (struct covey_bytes){wire->p, len}, now, &w);
    memmove(wire->p, wire->p + len, wire->len - len);
    wire->len -= len;
}

static void put_in(struct covey_buf *wire, size_t at, struct covey_bytes bytes)
{
    struct covey_buf rest = fuzz_buf();

    buf_append(&rest, bytes.p, bytes.len);
    buf_append(&rest, wire->p + at, wire->len - at);
    wire->len = at;
    buf_append(wire, rest.p, rest.len);
    buf_clear(&rest);
}

static void edit(struct way *way, uint8_t how, struct fuzz_in *in)
{
    struct covey_buf *wire = &way->wire;

    side_drain(way->from, now, wire);
    size_t at = fuzz_u16(in) % (wire->len + 1);
    size_t len = fuzz_u8(in) % (wire->len - at + 1);
    struct covey_buf piece = fuzz_buf();

    if (how == 0 && at < wire->len) {
        wire->p[at] ^= (uint8_t)len;
    } else if (how == 1) {
        memmove(wire->p + at, wire->p + at + len, wire->len - at - len);
        wire->len -= len;
    } else if (how == 2) {
        buf_append(&piece, wire->p + at, len);
        put_in(wire, at, buf_bytes(&piece));
    } else if (how == 3) {
        put_in(wire, at, fuzz_piece(in));
    }
    buf_clear(&piece);
}

static void say(struct way *way, struct fuzz_in *in)
{
    static const struct hash nothing;
    enum message_kind kind = (enum message_kind)(2 + fuzz_u8(in) % 12);
    struct covey_bytes body = fuzz_piece(in);
    int n = way->said_count;

    if (kind == MESSAGE_PONG || n == SAID_MAX || body.len > message_max(kind))
        return;
    if (session_send(way->from->s, kind, body) != COVEY_OK ||
        kind == MESSAGE_PING)
        return;
    way->said[n] = side_told(n == 0 ? &nothing : &way->said[n - 1], kind, body);
    way->said_count++;
}

static void act(struct fuzz_in *in)
{
    uint8_t op = fuzz_u8(in);
    struct way *way = &ways[op & 1];

    switch (op / 2 % 8) {
    case 0:
        world_pump(&w, now, 1 + fuzz_u16(in));
        return;
    case 1:
        deliver(way, fuzz_u16(in));
        return;
    case 2:
        edit(way, op / 16 % 4, in);
        return;
    case 3:
        pass(fuzz_u16(in) * 100 * COVEY_MILLISECOND);
        return;
    case 4:
        side_close(way->from, (enum session_close_code)(fuzz_u8(in) % 12),
                   NULL);
        return;
    default:
        say(way, in);
        return;
    }
}

static void way_open(struct way *way, struct side *from, struct side *to)
{
    *way = (struct way){
        .from = from, .to = to, .wire = fuzz_buf(), .arrived = fuzz_buf()};
    (void)buf_extend(&way->wire, 1); /* so that there are bytes to move */
    buf_reset(&way->wire);
}

static void two(struct fuzz_in *in)
{
    struct covey_buf first = fuzz_buf();

    world_open(&w, now);
    way_open(&ways[0], &w.a, &w.b);
    way_open(&ways[1], &w.b, &w.a);
    side_drain(&w.a, now, &first);
    buf_append(&ways[0].wire, first.p, first.len);
    while (in->left > 0) {
        act(in);
        check_side(&w.a);
        check_responder(&w.b);
        check_opening(buf_bytes(&first));
        check_way(&ways[0]);
        check_way(&ways[1]);
    }
    for (size_t i = 0; i < 2; i++) {
        buf_clear(&ways[i].wire);
        buf_clear(&ways[i].arrived);
    }
    buf_clear(&first);
}

/* ---- by hand ---- */

/* Feed b the frame, a byte of it changed or not. */
static void feed(struct raw *r, struct fuzz_in *in)
{
    uint8_t change = fuzz_u8(in);

    if (change > 0)
        r->frame.p[fuzz_u16(in) % r->frame.len] ^= change;
    raw_feed(r, &w, now);
    check_responder(&w.b);
}

static void frame(struct raw *r, struct fuzz_in *in)
{
    uint8_t op = fuzz_u8(in);
    struct covey_bytes piece = fuzz_take(in, fuzz_u16(in) % SESSION_PLAIN_MAX);

    switch (op % 4) {
    case 0:
        raw_seal(r, piece);
        break;
    case 1:
        if (piece.len + 2 > SESSION_PLAIN_MAX)
            return;
        raw_message(r, op / 4 % 4, op / 16, piece);
        break;
    case 2:
        if (piece.len > 0)
            side_feed(&w.b, piece, now, &w);
        return;
    default:
        pass(op * 100 * COVEY_MILLISECOND);
        return;
    }
    feed(r, in);
}

static void by_hand(struct fuzz_in *in, bool door)
{
    struct covey_buf answer = fuzz_buf();
    struct raw r;

    raw_init(&r);
    world_open(&w, now);
    raw_first_with(&r, &w, door, fuzz_take(in, fuzz_u8(in) % 100));
    feed(&r, in);
    side_drain(&w.b, now, &answer);
    if (answer.len == SECOND_FRAME && w.b.downs == 0) {
        raw_second(&r, buf_bytes(&answer));
        raw_third(&r, fuzz_take(in, fuzz_u8(in)));
        feed(&r, in);
        while (in->left > 0)
            frame(&r, in);
        side_drain(&w.b, now, &answer);
        check_responder(&w.b);
    }
    raw_clear(&r);
    buf_clear(&answer);
}

static void one(struct covey_bytes in)
{
    struct fuzz_in parts = fuzz_in(in);
    uint8_t mode = fuzz_u8(&parts);

    now = 1000 * COVEY_SECOND;
    world_init(&w);
    w.a_config.door = mode & 2;
    if (!w.a_config.door)
        w.a_config.proof = (enum session_proof_kind)(mode / 4 % 3);
    w.b.refuses = mode & 16;
    if (mode & 32)
        w.a_config.psk.b[0] ^= 1;
    if (mode & 1)
        by_hand(&parts, w.a_config.door);
    else
        two(&parts);
    if (in.len <= FUZZ_INPUT_MAX)
        CHECK(w.b.count.peak <= HEAP_MAX);
    world_clear(&w);
}

const struct fuzz_target fuzz_target = {.one = one};
