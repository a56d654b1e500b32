#include "proto/session_core.h"

#include <string.h>

static enum covey_rc answer_first(struct session *s, struct session_effects *fx)
{
    uint8_t message[OPENING_2_MAX];

    if (opening_create_2(&s->opening, message) != COVEY_OK) {
        session_shut_unproven(s, fx);
        return COVEY_OK;
    }
    session_move(s, SESSION_THIRD);
    return frame_put(&s->link, message, sizeof message) ? COVEY_OK
                                                        : COVEY_ENOMEM;
}

enum covey_rc session_on_first(struct session *s, struct covey_bytes frame,
                               struct session_effects *fx)
{
    struct session_effect ask = {.kind = SESSION_FX_NEED_PSK};

    if (opening_consume_1(&s->opening, frame) != COVEY_OK) {
        session_shut_unproven(s, fx);
        return COVEY_OK;
    }
    s->is_door = s->opening.is_door;
    if (!s->is_door)
        return answer_first(s, fx);
    ask.invite = s->opening.invite;
    session_move(s, SESSION_ASK);
    session_emit(fx, &ask);
    return COVEY_OK;
}

enum covey_rc session_psk(struct session *s, const struct seed *psk,
                          struct session_effects *fx)
{
    fx->count = 0;
    if (s->state == SESSION_DOWN)
        return COVEY_OK;
    CHECK(s->state == SESSION_ASK);
    opening_psk(&s->opening, psk);
    return answer_first(s, fx);
}

static enum covey_rc say_hello(struct session *s)
{
    uint8_t room[SESSION_BODY_MAX];
    struct covey_buf body = session_body(room);

    hello_write(&body, &s->ours);
    CHECK(buf_rc(&body) == COVEY_OK);
    return session_queue(s, MESSAGE_HELLO, buf_bytes(&body));
}

/* Both have said all that proves them: on with the transport's keys. */
static enum covey_rc begin_talk(struct session *s, covey_time now)
{
    memcpy(s->hash, noise_hash(&s->opening.hs), sizeof s->hash);
    frame_start(&s->link, &s->opening.hs);
    opening_clear(&s->opening);
    alive_renew(&s->alive, now);
    session_move(s, SESSION_HELLO);
    return say_hello(s);
}

enum covey_rc session_on_second(struct session *s, struct covey_bytes frame,
                                covey_time now, struct session_effects *fx)
{
    uint8_t message[OPENING_3_MAX];
    size_t len;

    if (opening_consume_2(&s->opening, frame) != COVEY_OK ||
        opening_create_3(&s->opening, message, &len) != COVEY_OK) {
        session_shut_unproven(s, fx);
        return COVEY_OK;
    }
    if (!frame_put(&s->link, message, len))
        return COVEY_ENOMEM;
    return begin_talk(s, now);
}

void session_on_third(struct session *s, struct covey_bytes frame,
                      struct session_effects *fx)
{
    struct session_effect auth = {.kind = SESSION_FX_AUTH};
    struct opening_claim claim;

    if (opening_consume_3(&s->opening, frame, &claim) != COVEY_OK) {
        session_shut_unproven(s, fx);
        return;
    }
    memcpy(s->hash, s->opening.hash_2, sizeof s->hash);
    s->peer = noise_remote(&s->opening.hs);
    auth.auth.peer = s->peer;
    auth.auth.kind = claim.kind;
    auth.auth.blind = claim.blind;
    auth.auth.space = claim.space;
    auth.auth.author = claim.author;
    session_move(s, SESSION_JUDGE);
    session_emit(fx, &auth);
}

enum covey_rc session_accept(struct session *s, covey_time now)
{
    if (s->state == SESSION_DOWN)
        return COVEY_OK;
    CHECK(s->state == SESSION_JUDGE);
    return begin_talk(s, now);
}

void session_refuse(struct session *s, struct session_effects *fx)
{
    fx->count = 0;
    if (s->state == SESSION_DOWN)
        return;
    CHECK(s->state == SESSION_ASK || s->state == SESSION_JUDGE);
    session_shut(s, SESSION_CLOSE_STRANGER, fx);
}
