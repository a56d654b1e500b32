#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support_bytes.h"
#include "tests/unit/support_session.h"

/* ---- memory ---- */

static void *byte_alloc(void *ctx, size_t size)
{
    struct byte_mem *m = ctx;

    if (++m->calls == m->fail_at)
        return NULL;

    size_t *p = malloc(sizeof(max_align_t) + size);

    assert_non_null(p);
    *p = size;
    memset((uint8_t *)p + sizeof(max_align_t), 0xa5, size);
    m->live++;
    m->bytes += size;
    if (m->bytes > m->peak)
        m->peak = m->bytes;
    return (uint8_t *)p + sizeof(max_align_t);
}

static void byte_free(void *ctx, void *p)
{
    struct byte_mem *m = ctx;

    if (p == NULL)
        return;

    uint8_t *start = (uint8_t *)p - sizeof(max_align_t);
    size_t size;

    memcpy(&size, start, sizeof size);
    m->live--;
    m->bytes -= size;
    free(start);
}

/* ---- a side ---- */

static void side_init(struct side *d)
{
    *d = (struct side){.rc = COVEY_OK};
    d->mem = (struct covey_mem){&d->count, byte_alloc, byte_free};
    d->inbox = bytes_buf();
    d->body = bytes_buf();
}

static void side_clear(struct side *d)
{
    session_free(d->s);
    buf_clear(&d->inbox);
    buf_clear(&d->body);
    assert_int_equal(d->count.live, 0);
    assert_int_equal(d->count.bytes, 0);
}

void side_forget(struct side *d)
{
    d->asks = d->auths = d->ups = d->downs = d->messages = 0;
    memset(d->by_kind, 0, sizeof d->by_kind);
}

struct hash side_told(const struct hash *before, enum message_kind kind,
                      struct covey_bytes body)
{
    uint8_t head = (uint8_t)kind;
    struct hasher h;

    hasher_init(&h, "told");
    hasher_add(&h, before->b, sizeof before->b);
    hasher_add(&h, &head, sizeof head);
    hasher_add(&h, body.p, body.len);
    return hasher_end(&h);
}

static void on_message(struct side *d, enum message_kind kind,
                       struct covey_bytes body)
{
    d->messages++;
    d->by_kind[kind]++;
    d->kind = kind;
    buf_reset(&d->body);
    buf_append(&d->body, body.p, body.len);
    if (kind == MESSAGE_PONG)
        return;
    d->heard = side_told(&d->heard, kind, body);
    d->heard_count++;
}

static void on_effect(struct side *d, const struct session_effect *e)
{
    switch (e->kind) {
    case SESSION_FX_NEED_PSK:
        d->asks++;
        d->invite = e->invite;
        return;
    case SESSION_FX_AUTH:
        d->auths++;
        d->auth = *e;
        memcpy(d->auth_hash, session_hash(d->s), sizeof d->auth_hash);
        return;
    case SESSION_FX_UP:
        d->ups++;
        d->hello = *e->hello;
        return;
    case SESSION_FX_MESSAGE:
        on_message(d, e->message.kind, e->message.body);
        return;
    case SESSION_FX_DOWN:
        d->downs++;
        d->down = *e;
        return;
    }
}

static void on_effects(struct side *d, const struct session_effects *fx)
{
    for (size_t i = 0; i < fx->count; i++) {
        assert_int_equal(d->downs, 0); /* DOWN is the last effect */
        on_effect(d, &fx->item[i]);
    }
    session_check(d->s);
}

/* true when there was a question, so that more may now be consumed. */
static bool answer(struct side *d, covey_time now, const struct world *w,
                   const struct session_effects *asked)
{
    struct session_effects fx = {.count = 0};
    bool asks = asked->count > 0 && asked->item[0].kind == SESSION_FX_NEED_PSK;
    bool auths = asked->count > 0 && asked->item[0].kind == SESSION_FX_AUTH;

    if (d->holds || (!asks && !auths))
        return false;
    if (d->refuses)
        session_refuse(d->s, &fx);
    else if (asks)
        d->rc = session_psk(d->s, &w->psk, &fx);
    else
        d->rc = session_accept(d->s, now);
    if (d->rc == COVEY_OK)
        on_effects(d, &fx);
    return true;
}

void side_feed(struct side *d, struct covey_bytes in, covey_time now,
               const struct world *w)
{
    size_t done = 0;

    buf_append(&d->inbox, in.p, in.len);
    while (d->rc == COVEY_OK) {
        /* Of its own size, so that a byte read too far ends the test. */
        struct covey_bytes rest = bytes_exact(
            (struct covey_bytes){d->inbox.p + done, d->inbox.len - done});
        struct session_effects fx;
        size_t used = 0;

        d->rc = session_receive(d->s, rest, now, &used, &fx);
        if (d->rc == COVEY_OK)
            on_effects(d, &fx);
        bytes_free(rest);
        done += used;
        if (d->rc == COVEY_OK && !answer(d, now, w, &fx) && used == 0)
            break;
    }
    memmove(d->inbox.p, d->inbox.p + done, d->inbox.len - done);
    d->inbox.len -= done;
}

void assert_shut(const struct side *d, enum session_close_code code)
{
    assert_int_equal(d->rc, COVEY_OK);
    assert_int_equal(d->downs, 1);
    assert_int_equal(d->down.down.code, code);
    assert_false(d->down.down.by_peer);
    assert_int_equal(session_deadline(d->s), COVEY_TIME_NEVER);
}

void side_expire(struct side *d, covey_time now)
{
    struct session_effects fx;

    session_expire(d->s, now, &fx);
    on_effects(d, &fx);
}

void side_close(struct side *d, enum session_close_code code, const char *text)
{
    struct session_effects fx;

    session_close(d->s, code, text, &fx);
    on_effects(d, &fx);
}

void side_drain(struct side *d, covey_time now, struct covey_buf *out)
{
    uint8_t room[4096];
    size_t n;

    while ((n = session_output(d->s, now, room, sizeof room)) > 0) {
        d->out_bytes += n;
        buf_append(out, room, n);
    }
    assert_int_equal(session_waiting(d->s), 0);
    assert_int_equal(buf_rc(out), COVEY_OK);
}

void side_send(struct side *d, enum message_kind kind, const void *p,
               size_t len)
{
    struct covey_bytes body = {p, len};

    assert_int_equal(session_send(d->s, kind, body), COVEY_OK);
    session_check(d->s);
}

/* ---- two sides ---- */

static struct seed seed_of(uint8_t b)
{
    struct seed s;

    memset(s.b, b, sizeof s.b);
    return s;
}

void world_init(struct world *w)
{
    struct seed author = seed_of(5);

    assert_true(sodium_init() >= 0); /* picks what the processor does best */
    memset(w, 0, sizeof *w);
    side_init(&w->a);
    side_init(&w->b);
    sign_pair_from(&author, &w->author);
    w->psk = seed_of(6);
    memset(w->space.b, 7, sizeof w->space.b);
    w->a_config = (struct session_config){
        .mem = &w->a.mem,
        .role = NOISE_INITIATOR,
        .static_secret = seed_of(1),
        .ephemeral = seed_of(2),
        .space = w->space,
        .author = &w->author,
        .wall_ms = 1700000000123,
        .software = "covey a",
    };
    w->b_config = (struct session_config){
        .mem = &w->b.mem,
        .role = NOISE_RESPONDER,
        .static_secret = seed_of(3),
        .ephemeral = seed_of(4),
        .wall_ms = 1700000000456,
        .software = "covey b",
    };
    dh_public(&w->a_config.static_secret, w->a_config.static_key.b);
    dh_public(&w->b_config.static_secret, w->b_config.static_key.b);
    w->a_config.remote = w->b_config.static_key;
    w->a_config.psk = w->psk;
    memset(w->a_config.invite.b, 8, sizeof w->a_config.invite.b);
}

void world_open(struct world *w, covey_time now)
{
    w->a.rc = session_new(&w->a_config, now, &w->a.s);
    if (w->a.rc == COVEY_OK)
        w->b.rc = session_new(&w->b_config, now, &w->b.s);
}

void world_clear(struct world *w)
{
    side_clear(&w->a);
    side_clear(&w->b);
}

/* Carry one piece; false when none waits. */
static bool carry(struct side *from, struct side *to, covey_time now,
                  size_t piece, const struct world *w)
{
    uint8_t room[65536];
    size_t cap = piece < sizeof room ? piece : sizeof room;
    size_t n = session_output(from->s, now, room, cap);

    from->out_bytes += n;
    if (n > 0)
        side_feed(to, (struct covey_bytes){room, n}, now, w);
    return n > 0;
}

void world_pump(struct world *w, covey_time now, size_t piece)
{
    bool moved = true;

    while (moved && w->a.rc == COVEY_OK && w->b.rc == COVEY_OK) {
        moved = carry(&w->a, &w->b, now, piece, w);
        if (w->b.rc == COVEY_OK && carry(&w->b, &w->a, now, piece, w))
            moved = true;
    }
}

void world_up(struct world *w, covey_time now)
{
    world_init(w);
    world_open(w, now);
    world_pump(w, now, 65536);
    assert_true(session_is_up(w->a.s));
    assert_true(session_is_up(w->b.s));
}

/* ---- a peer by hand ---- */

void raw_init(struct raw *r)
{
    memset(r, 0, sizeof *r);
    r->frame = bytes_buf();
}

void raw_clear(struct raw *r)
{
    buf_clear(&r->frame);
}

static void raw_frame(struct raw *r, const uint8_t *p, size_t len)
{
    uint8_t head[2];

    put_u16(head, (uint16_t)len);
    buf_reset(&r->frame);
    buf_append(&r->frame, head, sizeof head);
    buf_append(&r->frame, p, len);
}

void raw_first_with(struct raw *r, const struct world *w, bool door,
                    struct covey_bytes payload)
{
    uint8_t prologue[] = {'c', 'o', 'v', 'e', 'y', '/', '1', door ? 2 : 1};
    uint8_t message[256];
    size_t len;
    struct noise_setup setup = {
        .role = NOISE_INITIATOR,
        .psk_mode = door,
        .prologue = {prologue, sizeof prologue},
        .static_secret = &w->a_config.static_secret,
        .static_key = &w->a_config.static_key,
        .remote = &w->b_config.static_key,
        .ephemeral = &w->a_config.ephemeral,
    };

    noise_init(&r->hs, &setup);
    if (door)
        noise_set_psk(&r->hs, w->psk.b);
    message[0] = door ? 2 : 1;
    assert_int_equal(noise_write(&r->hs, payload, message + 1, &len), COVEY_OK);
    raw_frame(r, message, len + 1);
}

void raw_first(struct raw *r, const struct world *w, bool door)
{
    struct covey_bytes invite = {w->a_config.invite.b,
                                 door ? sizeof w->a_config.invite.b : 0};

    raw_first_with(r, w, door, invite);
}

void raw_second(struct raw *r, struct covey_bytes message)
{
    uint8_t payload[64];
    size_t len;

    assert_int_equal(message.len, 2 + 48);
    assert_int_equal(get_u16(message.p), 48);
    assert_int_equal(noise_read(&r->hs, (struct covey_bytes){message.p + 2, 48},
                                payload, &len),
                     COVEY_OK);
    assert_int_equal(len, 0);
}

void raw_third(struct raw *r, struct covey_bytes payload)
{
    uint8_t message[512];
    size_t len;

    assert_int_equal(noise_write(&r->hs, payload, message, &len), COVEY_OK);
    raw_frame(r, message, len);
    noise_split(&r->hs, &r->send, &r->receive);
}

void raw_seal(struct raw *r, struct covey_bytes plain)
{
    uint8_t *sealed = malloc(plain.len + NOISE_TAG);

    assert_non_null(sealed);
    noise_encrypt(&r->send, plain, sealed);
    if (++r->sent % SESSION_REKEY == 0)
        noise_rekey(&r->send);
    raw_frame(r, sealed, plain.len + NOISE_TAG);
    free(sealed);
}

void raw_message(struct raw *r, uint8_t flags, uint8_t kind,
                 struct covey_bytes body)
{
    struct covey_buf plain = bytes_buf();
    uint8_t head[] = {flags, kind};

    buf_append(&plain, head, sizeof head);
    buf_append(&plain, body.p, body.len);
    raw_seal(r, buf_bytes(&plain));
    buf_clear(&plain);
}

void raw_open(struct raw *r, struct covey_bytes *in, struct covey_buf *plain)
{
    assert_true(in->len >= 2);

    size_t len = get_u16(in->p);

    assert_true(in->len >= 2 + len && len >= NOISE_TAG);
    buf_reset(plain);
    assert_int_equal(noise_decrypt(&r->receive,
                                   (struct covey_bytes){in->p + 2, len},
                                   buf_extend(plain, len - NOISE_TAG)),
                     COVEY_OK);
    if (++r->received % SESSION_REKEY == 0)
        noise_rekey(&r->receive);
    *in = (struct covey_bytes){in->p + 2 + len, in->len - 2 - len};
}

void raw_feed(struct raw *r, struct world *w, covey_time now)
{
    side_feed(&w->b, buf_bytes(&r->frame), now, w);
}

void raw_greet(struct raw *r, struct world *w, bool door, covey_time now)
{
    struct covey_buf got = bytes_buf();

    raw_init(r);
    world_init(w);
    world_open(w, now);
    raw_first(r, w, door);
    raw_feed(r, w, now);
    side_drain(&w->b, now, &got);
    raw_second(r, buf_bytes(&got));
    buf_clear(&got);
}

void raw_up(struct raw *r, struct world *w, covey_time now)
{
    struct covey_buf got = bytes_buf();
    struct covey_buf body = bytes_buf();
    struct hello hello = {.version_min = 1, .version_max = 1};

    raw_greet(r, w, false, now);
    raw_third(r, (struct covey_bytes){NULL, 0});
    raw_feed(r, w, now);
    hello_write(&body, &hello);
    raw_message(r, 0, MESSAGE_HELLO, buf_bytes(&body));
    raw_feed(r, w, now);
    assert_true(session_is_up(w->b.s));
    side_drain(&w->b, now, &got);

    struct covey_bytes frames = buf_bytes(&got);

    raw_open(r, &frames, &body);
    assert_int_equal(frames.len, 0);
    assert_int_equal(body.p[0], 0);
    assert_int_equal(body.p[1], MESSAGE_HELLO);
    buf_clear(&got);
    buf_clear(&body);
    side_forget(&w->b);
}
