#include "proto/session_core.h"

#include <string.h>

const char *session_close_text(uint32_t code)
{
    static const char *const text[] = {
#define X(name, number, sentence) [number] = (sentence),
        SESSION_CLOSE_TABLE(X)
#undef X
    };

    return code < sizeof text / sizeof text[0]
               ? text[code]
               : "for a reason that this version does not know";
}

enum clock {
    CLOCK_OPENING, /* SESSION_HELLO_WAIT from the start, for all of them */
    CLOCK_TALK,    /* pings, silence, renewal */
    CLOCK_NONE,
};

#define TO(state) (1u << (state))

static const struct {
    unsigned next; /* states that this one may move to */
    enum clock clock;
    size_t frame_max; /* bytes; 0: takes nothing */
    bool talks;       /* there are keys, and a peer who may be told why */
} states[SESSION_STATE_COUNT] = {
    [SESSION_FIRST] = {TO(SESSION_ASK) | TO(SESSION_THIRD) | TO(SESSION_DOWN),
                       CLOCK_OPENING, SESSION_STRANGER_FRAME, false},
    [SESSION_ASK] = {TO(SESSION_THIRD) | TO(SESSION_DOWN), CLOCK_OPENING, 0,
                     false},
    [SESSION_SECOND] = {TO(SESSION_HELLO) | TO(SESSION_DOWN), CLOCK_OPENING,
                        SESSION_STRANGER_FRAME, false},
    [SESSION_THIRD] = {TO(SESSION_JUDGE) | TO(SESSION_DOWN), CLOCK_OPENING,
                       SESSION_STRANGER_FRAME, false},
    [SESSION_JUDGE] = {TO(SESSION_HELLO) | TO(SESSION_DOWN), CLOCK_OPENING, 0,
                       false},
    [SESSION_HELLO] = {TO(SESSION_UP) | TO(SESSION_DOWN), CLOCK_OPENING,
                       SESSION_FRAME_MAX, true},
    [SESSION_UP] = {TO(SESSION_DOWN), CLOCK_TALK, SESSION_FRAME_MAX, true},
    [SESSION_DOWN] = {0, CLOCK_NONE, 0, false},
};

covey_time session_deadline_of(const struct session *s)
{
    switch (states[s->state].clock) {
    case CLOCK_OPENING:
        return s->opened + SESSION_HELLO_WAIT;
    case CLOCK_TALK:
        return alive_deadline(&s->alive);
    case CLOCK_NONE:
        break;
    }
    return COVEY_TIME_NEVER;
}

void session_rearm(struct session *s)
{
    s->alive.is_spent = s->link.bytes >= SESSION_RENEW_BYTES;
    s->deadline = session_deadline_of(s);
}

void session_move(struct session *s, enum session_state next)
{
    CHECK(states[s->state].next & TO(next));
    s->state = next;
    session_rearm(s);
}

size_t session_frame_max(const struct session *s)
{
    return states[s->state].frame_max;
}

bool session_is_opening(const struct session *s)
{
    return states[s->state].clock == CLOCK_OPENING;
}

bool session_talks(const struct session *s)
{
    return states[s->state].talks;
}

void session_emit(struct session_effects *fx, const struct session_effect *e)
{
    CHECK(fx->count < SESSION_EFFECT_MAX);
    fx->item[fx->count++] = *e;
}

/* ---- what the session says ---- */

struct covey_buf session_body(uint8_t room[SESSION_BODY_MAX])
{
    return (struct covey_buf){
        .p = room, .cap = SESSION_BODY_MAX, .max = SESSION_BODY_MAX};
}

enum covey_rc session_queue(struct session *s, enum message_kind kind,
                            struct covey_bytes body)
{
    if (s->link.waiting + frame_size(body.len) > SESSION_QUEUE_MAX)
        return COVEY_EBUSY;
    if (!frame_send(&s->link, (uint8_t)kind, body))
        return COVEY_ENOMEM;
    session_rearm(s);
    return COVEY_OK;
}

/* The last message has room beyond the queue's limit; without memory it goes
 * untold. */
static void say_close(struct session *s, enum session_close_code code,
                      const char *text)
{
    uint8_t room[SESSION_BODY_MAX];
    struct covey_buf body = session_body(room);

    close_write(&body, code, text);
    CHECK(buf_rc(&body) == COVEY_OK);
    (void)frame_send(&s->link, MESSAGE_CLOSE, buf_bytes(&body));
}

/* ---- the end ---- */

void session_end(struct session *s, enum session_ended_by by,
                 enum session_close_code code, const char *text,
                 struct session_effects *fx)
{
    struct session_effect e = {.kind = SESSION_FX_DOWN};

    if (text == NULL || close_text_len(text) == 0)
        text = session_close_text(code);
    if (by == SESSION_BY_US && session_talks(s))
        say_close(s, code, text);
    else
        frame_drop(&s->link);
    opening_clear(&s->opening);
    session_move(s, SESSION_DOWN);
    e.down.code = code;
    e.down.by_peer = by == SESSION_BY_PEER;
    memcpy(e.down.text, text, close_text_len(text));
    session_emit(fx, &e);
}

void session_shut(struct session *s, enum session_close_code code,
                  struct session_effects *fx)
{
    session_end(s, SESSION_BY_US, code, NULL, fx);
}

void session_shut_unproven(struct session *s, struct session_effects *fx)
{
    session_shut(s,
                 s->role == NOISE_INITIATOR ? SESSION_CLOSE_FORGED
                                            : SESSION_CLOSE_STRANGER,
                 fx);
}
