#include "proto/session_core.h"

static void shut_protocol(struct session *s, const char *text,
                          struct session_effects *fx)
{
    session_end(s, SESSION_BY_US, SESSION_CLOSE_PROTOCOL, text, fx);
}

static void on_hello(struct session *s, struct covey_bytes body,
                     struct session_effects *fx)
{
    struct session_effect up = {.kind = SESSION_FX_UP, .hello = &s->theirs};

    if (hello_read(body, &s->theirs) != COVEY_OK) {
        shut_protocol(s, "its HELLO is malformed", fx);
        return;
    }
    if (s->theirs.version_max < s->ours.version_min ||
        s->theirs.version_min > s->ours.version_max) {
        session_shut(s, SESSION_CLOSE_VERSION, fx);
        return;
    }
    session_move(s, SESSION_UP);
    session_emit(fx, &up);
}

static void on_close(struct session *s, struct covey_bytes body,
                     struct session_effects *fx)
{
    char text[CLOSE_TEXT_MAX + 1];
    uint32_t code;

    if (close_read(body, &code, text) != COVEY_OK) {
        shut_protocol(s, "its CLOSE is malformed", fx);
        return;
    }
    session_end(s, SESSION_BY_PEER, (enum session_close_code)code, text, fx);
}

/* The answer is left out while so much waits that it would tell nothing: a
 * peer that pings and does not read gets no more memory than others. */
static enum covey_rc on_ping(struct session *s, struct covey_bytes body,
                             struct session_effects *fx)
{
    uint64_t nonce;

    if (ping_read(body, &nonce) != COVEY_OK) {
        shut_protocol(s, "its PING is malformed", fx);
        return COVEY_OK;
    }

    enum covey_rc rc = session_queue(s, MESSAGE_PONG, body);

    return rc == COVEY_EBUSY ? COVEY_OK : rc;
}

static void pass_on(struct session *s, const struct frame_message *m,
                    struct session_effects *fx)
{
    struct session_effect e = {.kind = SESSION_FX_MESSAGE};
    bool is_door = m->kind == MESSAGE_DOOR_LEAVE ||
                   m->kind == MESSAGE_DOOR_ANSWER || m->kind == MESSAGE_PONG;

    if (s->is_door && !is_door) {
        shut_protocol(s, "a ticket's door is for a request only", fx);
        return;
    }
    e.message.kind = (enum message_kind)m->kind;
    e.message.body = m->body;
    session_emit(fx, &e);
}

/* The answer to a ping of the session's own has done its work by coming. */
static void on_pong(struct session *s, const struct frame_message *m,
                    struct session_effects *fx)
{
    uint64_t nonce;

    if (ping_read(m->body, &nonce) != COVEY_OK)
        shut_protocol(s, "its PONG is malformed", fx);
    else if (nonce > 0)
        pass_on(s, m, fx);
}

static enum covey_rc on_message(struct session *s,
                                const struct frame_message *m,
                                struct session_effects *fx)
{
    bool is_hello = m->kind == MESSAGE_HELLO;

    if (m->kind == MESSAGE_CLOSE)
        on_close(s, m->body, fx);
    else if (is_hello != (s->state == SESSION_HELLO))
        shut_protocol(s, "HELLO comes first and once", fx);
    else if (is_hello)
        on_hello(s, m->body, fx);
    else if (m->kind == MESSAGE_PING)
        return on_ping(s, m->body, fx);
    else if (m->kind == MESSAGE_PONG)
        on_pong(s, m, fx);
    else
        pass_on(s, m, fx);
    return COVEY_OK;
}

static void on_broken(struct session *s, enum covey_rc rc,
                      struct session_effects *fx)
{
    if (rc == COVEY_EFORGED) {
        SOMETIMES("spoilt bytes end a session");
        session_shut(s, SESSION_CLOSE_FORGED, fx);
    } else if (rc == COVEY_ELIMIT) {
        shut_protocol(s, "a message is longer than its kind may be", fx);
    } else {
        shut_protocol(s, "a message has no form that is known here", fx);
    }
}

enum covey_rc session_on_transport(struct session *s, struct covey_bytes frame,
                                   covey_time now, struct session_effects *fx)
{
    struct frame_message m;
    enum covey_rc rc = frame_receive(&s->link, frame, &m);

    if (rc == COVEY_ENOMEM)
        return rc;
    if (rc != COVEY_OK) {
        on_broken(s, rc, fx);
        return COVEY_OK;
    }
    s->alive.heard = now;
    session_rearm(s);
    return m.kind == 0 ? COVEY_OK : on_message(s, &m, fx);
}
