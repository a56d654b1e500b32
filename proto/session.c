#include "proto/session.h"

#include <string.h>

#include <sodium.h>

#include "proto/session_core.h"

/* ---- lifetime ---- */

static void fill(struct session *s, const struct session_config *config,
                 covey_time now)
{
    size_t len = strlen(config->software);

    CHECK(len <= SOFTWARE_MAX);
    s->mem = config->mem;
    s->role = config->role;
    s->opened = now;
    s->ours = (struct hello){.version_min = PROTOCOL_VERSION,
                             .version_max = PROTOCOL_VERSION,
                             .wall_ms = config->wall_ms};
    memcpy(s->ours.software, config->software, len);
    alive_begin(&s->alive, now);
    frame_init(&s->link, s->mem);
    opening_begin(&s->opening, config);
}

/* An initiator speaks first. */
static enum covey_rc dial(struct session *s)
{
    uint8_t message[OPENING_1_MAX];
    size_t len;
    enum covey_rc rc = opening_create_1(&s->opening, message, &len);

    if (rc != COVEY_OK)
        return rc;
    return frame_put(&s->link, message, len) ? COVEY_OK : COVEY_ENOMEM;
}

enum covey_rc session_new(const struct session_config *config, covey_time now,
                          struct session **out)
{
    struct session *s = covey_new(config->mem, sizeof *s);

    if (s == NULL)
        return COVEY_ENOMEM;
    fill(s, config, now);
    s->state = SESSION_FIRST;
    if (s->role == NOISE_INITIATOR) {
        s->state = SESSION_SECOND;
        s->is_door = config->door;
        s->peer = config->remote;

        enum covey_rc rc = dial(s);

        if (rc != COVEY_OK) {
            session_free(s);
            return rc;
        }
    }
    session_rearm(s);
    *out = s;
    return COVEY_OK;
}

void session_free(struct session *s)
{
    if (s == NULL)
        return;

    const struct covey_mem *mem = s->mem;

    frame_clear(&s->link);
    sodium_memzero(s, sizeof *s);
    covey_free(mem, s);
}

/* ---- bytes in ---- */

static enum covey_rc on_frame(struct session *s, struct covey_bytes frame,
                              covey_time now, struct session_effects *fx)
{
    switch (s->state) {
    case SESSION_FIRST:
        return session_on_first(s, frame, fx);
    case SESSION_SECOND:
        return session_on_second(s, frame, now, fx);
    case SESSION_THIRD:
        session_on_third(s, frame, fx);
        return COVEY_OK;
    case SESSION_HELLO:
    case SESSION_UP:
        return session_on_transport(s, frame, now, fx);
    case SESSION_ASK:
    case SESSION_JUDGE:
    case SESSION_DOWN:
    case SESSION_STATE_COUNT:
        break;
    }
    CHECK(session_frame_max(s) > 0);
    return COVEY_OK;
}

enum covey_rc session_receive(struct session *s, struct covey_bytes in,
                              covey_time now, size_t *used,
                              struct session_effects *fx)
{
    size_t max = session_frame_max(s);

    fx->count = 0;
    *used = 0;
    if (max == 0 || in.len < FRAME_HEAD)
        return COVEY_OK;

    size_t len = get_u16(in.p);

    if (len > max) { /* in an opening: none passes SESSION_FRAME_MAX */
        session_shut_unproven(s, fx);
        return COVEY_OK;
    }
    if (in.len - FRAME_HEAD < len)
        return COVEY_OK;
    *used = FRAME_HEAD + len;
    frame_release(&s->link);
    return on_frame(s, (struct covey_bytes){in.p + FRAME_HEAD, len}, now, fx);
}

/* ---- time ---- */

/* Bytes that wait to be sent do as well as a ping, and without memory the next
 * one will do. */
static void say_ping(struct session *s, covey_time now)
{
    uint8_t room[SESSION_BODY_MAX];
    struct covey_buf body = session_body(room);

    ping_write(&body, 0);
    CHECK(buf_rc(&body) == COVEY_OK);
    if (s->link.waiting == 0)
        (void)frame_send(&s->link, MESSAGE_PING, buf_bytes(&body));
    s->alive.pinged = now;
    session_rearm(s);
}

void session_expire(struct session *s, covey_time now,
                    struct session_effects *fx)
{
    fx->count = 0;
    frame_release(&s->link);
    if (now < s->deadline)
        return;
    if (session_is_opening(s)) {
        session_shut(s, SESSION_CLOSE_SILENT, fx);
        return;
    }
    switch (alive_check(&s->alive, now)) {
    case ALIVE_NOTHING:
        return;
    case ALIVE_PING:
        say_ping(s, now);
        return;
    case ALIVE_SILENT:
        SOMETIMES("a peer falls silent");
        session_shut(s, SESSION_CLOSE_SILENT, fx);
        return;
    case ALIVE_RENEW:
        SOMETIMES("a session is renewed");
        session_shut(s, SESSION_CLOSE_RENEW, fx);
        return;
    }
}

covey_time session_deadline(const struct session *s)
{
    return s->deadline;
}

/* ---- what the node says ---- */

enum covey_rc session_send(struct session *s, enum message_kind kind,
                           struct covey_bytes body)
{
    CHECK(kind != MESSAGE_HELLO && kind != MESSAGE_PONG &&
          kind != MESSAGE_CLOSE);
    if (s->state != SESSION_UP)
        return COVEY_ENOTYET;
    if (body.len > message_max((uint8_t)kind))
        return COVEY_ELIMIT;
    return session_queue(s, kind, body);
}

void session_close(struct session *s, enum session_close_code code,
                   const char *text, struct session_effects *fx)
{
    fx->count = 0;
    if (s->state != SESSION_DOWN)
        session_end(s, SESSION_BY_US, code, text, fx);
}

size_t session_output(struct session *s, covey_time now, uint8_t *dst,
                      size_t cap)
{
    size_t n = frame_take(&s->link, dst, cap);

    if (n > 0) {
        s->alive.sent = now;
        session_rearm(s);
    }
    return n;
}

/* ---- queries ---- */

size_t session_waiting(const struct session *s)
{
    return s->link.waiting;
}

bool session_is_up(const struct session *s)
{
    return s->state == SESSION_UP;
}

enum noise_role session_role(const struct session *s)
{
    return s->role;
}

const uint8_t *session_hash(const struct session *s)
{
    return s->hash;
}

struct noise_key session_peer(const struct session *s)
{
    return s->peer;
}

bool session_is_door(const struct session *s)
{
    return s->is_door;
}

covey_time session_last_heard(const struct session *s)
{
    return s->alive.heard;
}

void session_check(const struct session *s)
{
    CHECK(s->state < SESSION_STATE_COUNT);
    CHECK(s->deadline == session_deadline_of(s));
    CHECK(s->alive.heard >= s->opened);
    CHECK(s->alive.sent >= s->opened);
    /* A stranger was told message 2 at the most. */
    CHECK(session_talks(s) || s->state == SESSION_DOWN ||
          s->link.waiting <= FRAME_HEAD + OPENING_1_MAX);
    frame_check(&s->link);
}
