#include "proto/frame.h"

#include <string.h>

#include <sodium.h>

#include "proto/message.h"
#include "proto/session.h"

enum { FLAG_MORE = 1 }; /* more of the same message follows */

#define MESSAGE_HEAD 2u /* flags and kind, in the first frame of a message */

struct frame_chunk {
    struct frame_chunk *next;
    size_t cap;
    size_t len;
    size_t taken;
    uint8_t bytes[];
};

void frame_init(struct frame_link *l, const struct covey_mem *mem)
{
    *l = (struct frame_link){.mem = mem};
    buf_init(&l->in, mem, SESSION_PLAIN_MAX);
}

void frame_clear(struct frame_link *l)
{
    frame_drop(l);
    buf_clear(&l->in);
    sodium_memzero(&l->send, sizeof l->send);
    sodium_memzero(&l->receive, sizeof l->receive);
}

/* ---- the queue ---- */

/* Room for len bytes in one piece, which now wait; NULL: no memory. */
static uint8_t *reserve(struct frame_link *l, size_t len)
{
    struct frame_chunk *c = l->last;

    if (c == NULL || c->cap - c->len < len) {
        size_t cap = len < FRAME_CHUNK ? FRAME_CHUNK : len;

        c = l->mem->alloc(l->mem->ctx, sizeof *c + cap);
        if (c == NULL)
            return NULL;
        *c = (struct frame_chunk){.cap = cap};
        if (l->last == NULL)
            l->first = c;
        else
            l->last->next = c;
        l->last = c;
    }

    uint8_t *place = c->bytes + c->len;

    c->len += len;
    l->waiting += len;
    l->bytes += len;
    return place;
}

static void drop_first(struct frame_link *l)
{
    struct frame_chunk *c = l->first;

    l->first = c->next;
    if (l->first == NULL)
        l->last = NULL;
    covey_free(l->mem, c);
}

void frame_drop(struct frame_link *l)
{
    while (l->first != NULL)
        drop_first(l);
    l->waiting = 0;
}

size_t frame_take(struct frame_link *l, uint8_t *dst, size_t cap)
{
    size_t done = 0;

    while (l->first != NULL && done < cap) {
        struct frame_chunk *c = l->first;
        size_t left = c->len - c->taken;
        size_t n = left < cap - done ? left : cap - done;

        memcpy(dst + done, c->bytes + c->taken, n);
        c->taken += n;
        done += n;
        if (c->taken == c->len)
            drop_first(l);
    }
    l->waiting -= done;
    return done;
}

/* ---- out ---- */

bool frame_put(struct frame_link *l, const uint8_t *p, size_t len)
{
    CHECK(len <= SESSION_FRAME_MAX);

    uint8_t *place = reserve(l, FRAME_HEAD + len);

    if (place == NULL)
        return false;
    put_u16(place, (uint16_t)len);
    memcpy(place + FRAME_HEAD, p, len);
    return true;
}

void frame_start(struct frame_link *l, struct noise_handshake *hs)
{
    noise_split(hs, &l->send, &l->receive);
}

/* Each frame has its flags, and the first of a message its kind: so the kind
 * and the body go together over frames of PART bytes. */
#define PART (SESSION_PLAIN_MAX - 1u)

size_t frame_size(size_t body_len)
{
    size_t len = body_len + 1;
    size_t count = (len + PART - 1) / PART;

    return len + count * (FRAME_HEAD + 1 + NOISE_TAG);
}

/* Encrypt in place a plaintext that starts behind the room for its length;
 * returns how long the frame is. */
static size_t seal(struct frame_link *l, uint8_t *frame, size_t plain_len)
{
    struct covey_bytes plain = {frame + FRAME_HEAD, plain_len};

    put_u16(frame, (uint16_t)(plain_len + NOISE_TAG));
    noise_encrypt(&l->send, plain, frame + FRAME_HEAD);
    if (++l->sent == SESSION_REKEY) {
        SOMETIMES("a session changes its keys");
        noise_rekey(&l->send);
        l->sent = 0;
    }
    return FRAME_HEAD + plain_len + NOISE_TAG;
}

bool frame_send(struct frame_link *l, uint8_t kind, struct covey_bytes body)
{
    uint8_t *frame = reserve(l, frame_size(body.len));

    if (frame == NULL)
        return false;

    size_t head = MESSAGE_HEAD; /* bytes in front of this frame's part */
    size_t done = 0;

    do {
        uint8_t *plain = frame + FRAME_HEAD;
        size_t left = body.len - done;
        size_t room = SESSION_PLAIN_MAX - head;
        size_t n = left < room ? left : room;

        plain[0] = n < left ? FLAG_MORE : 0;
        if (head == MESSAGE_HEAD)
            plain[1] = kind;
        if (n > 0)
            memcpy(plain + head, body.p + done, n);
        frame += seal(l, frame, head + n);
        done += n;
        head = 1;
    } while (done < body.len);
    return true;
}

/* ---- in ---- */

static enum covey_rc unseal(struct frame_link *l, struct covey_bytes frame,
                            uint8_t *out)
{
    enum covey_rc rc = noise_decrypt(&l->receive, frame, out);

    if (rc != COVEY_OK)
        return rc;
    if (++l->received == SESSION_REKEY) {
        noise_rekey(&l->receive);
        l->received = 0;
    }
    return COVEY_OK;
}

/* The first frame of a message: flags | kind | body. */
static enum covey_rc receive_first(struct frame_link *l,
                                   struct covey_bytes frame)
{
    size_t len = frame.len - NOISE_TAG;

    buf_reset(&l->in);
    l->in.max = SESSION_PLAIN_MAX;

    uint8_t *place = buf_extend(&l->in, len);

    if (place == NULL)
        return buf_rc(&l->in);

    enum covey_rc rc = unseal(l, frame, place);

    if (rc != COVEY_OK)
        return rc;
    if (len < MESSAGE_HEAD || message_max(place[1]) == 0)
        return COVEY_EBAD;
    if (len - MESSAGE_HEAD > message_max(place[1]))
        return COVEY_ELIMIT;
    l->in.max = MESSAGE_HEAD + message_max(place[1]);
    return COVEY_OK;
}

/* A later frame: flags | more of the body.  It is decrypted one byte early, so
 * that its flags fall on the last byte here, which is then put back. */
static enum covey_rc receive_more(struct frame_link *l,
                                  struct covey_bytes frame)
{
    size_t len = frame.len - NOISE_TAG - 1;

    if (len == 0)
        return COVEY_EBAD; /* else a message might never end */

    uint8_t *place = buf_extend(&l->in, len);

    if (place == NULL)
        return buf_rc(&l->in);

    uint8_t kept = place[-1];
    enum covey_rc rc = unseal(l, frame, place - 1);

    if (rc != COVEY_OK)
        return rc;
    l->in.p[0] = place[-1];
    place[-1] = kept;
    return COVEY_OK;
}

enum covey_rc frame_receive(struct frame_link *l, struct covey_bytes frame,
                            struct frame_message *out)
{
    *out = (struct frame_message){0};
    l->bytes += FRAME_HEAD + frame.len;
    if (frame.len <= NOISE_TAG)
        return COVEY_EBAD;

    enum covey_rc rc =
        l->is_partial ? receive_more(l, frame) : receive_first(l, frame);

    if (rc != COVEY_OK)
        return rc;

    uint8_t flags = l->in.p[0];

    if (flags & ~FLAG_MORE)
        return COVEY_EBAD;
    l->is_partial = flags & FLAG_MORE;
    if (l->is_partial)
        return COVEY_OK;
    out->kind = l->in.p[1];
    out->body =
        (struct covey_bytes){l->in.p + MESSAGE_HEAD, l->in.len - MESSAGE_HEAD};
    return COVEY_OK;
}

void frame_release(struct frame_link *l)
{
    if (l->is_partial)
        return;
    if (l->in.cap > FRAME_KEEP)
        buf_clear(&l->in);
    else
        buf_reset(&l->in);
}

/* ---- what always holds ---- */

void frame_check(const struct frame_link *l)
{
    size_t waiting = 0;

    for (const struct frame_chunk *c = l->first; c != NULL; c = c->next) {
        CHECK(c->taken < c->len);
        CHECK(c->len <= c->cap);
        CHECK(c->next != NULL || c == l->last);
        waiting += c->len - c->taken;
    }
    CHECK(waiting == l->waiting);
    CHECK((l->first == NULL) == (l->last == NULL));
    CHECK(l->in.len <= l->in.max);
    CHECK(l->sent < SESSION_REKEY);
    CHECK(l->received < SESSION_REKEY);
}
