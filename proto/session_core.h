/* session_core.h - what the session*.c files share: the states, how they are
 * moved between, and how a session ends.  Not for others.
 *
 *                            initiator            responder
 *
 *                             SECOND               FIRST ---mode 2--> ASK
 *            message 2 came,    |                    | message 1 came,  |
 *            message 3 and      |                    | message 2 sent   |
 *            HELLO sent         |                  THIRD <--session_psk-+
 *                               |                    | message 3 came
 *                               |                  JUDGE
 *                               |                    | session_accept,
 *                               v                    v HELLO sent
 *                               +-----> HELLO <------+
 *                                         | HELLO came
 *                                         v
 *                                         UP
 *
 * From each of them to DOWN, where what is queued can still be taken. */
#ifndef COVEY_PROTO_SESSION_CORE_H
#define COVEY_PROTO_SESSION_CORE_H

#include "proto/alive.h"
#include "proto/frame.h"
#include "proto/opening.h"
#include "proto/session.h"

enum session_state {
    SESSION_FIRST,  /* message 1 must come */
    SESSION_ASK,    /* the node must give the psk */
    SESSION_SECOND, /* message 2 must come */
    SESSION_THIRD,  /* message 3 must come */
    SESSION_JUDGE,  /* the node must accept or refuse */
    SESSION_HELLO,  /* the peer is who it says; HELLO must come */
    SESSION_UP,
    SESSION_DOWN,
    SESSION_STATE_COUNT,
};

struct session {
    const struct covey_mem *mem;
    enum session_state state; /* from session_new() on session_move()'s */
    covey_time deadline;      /* session_rearm()'s */
    enum noise_role role;
    bool is_door;
    covey_time opened;
    struct alive alive;
    struct opening opening; /* wiped once there are keys */
    struct frame_link link;
    uint8_t hash[NOISE_HASH];
    struct noise_key peer;
    struct hello ours, theirs;
};

void session_move(struct session *s, enum session_state next);
/* After whatever the deadline follows from. */
void session_rearm(struct session *s);
covey_time session_deadline_of(const struct session *s);
/* Longest frame that may come now, in bytes; 0: none is taken. */
size_t session_frame_max(const struct session *s);
bool session_is_opening(const struct session *s);
/* There are keys, and a peer who may be told why. */
bool session_talks(const struct session *s);

void session_emit(struct session_effects *fx, const struct session_effect *e);

/* The one way to die.  Who closes sends what is queued and CLOSE behind it; who
 * was told CLOSE, or faces a stranger, sends nothing. */
enum session_ended_by { SESSION_BY_US, SESSION_BY_PEER };
void session_end(struct session *s, enum session_ended_by by,
                 enum session_close_code code, const char *text,
                 struct session_effects *fx); /* text NULL: the code's */
/* By us, with the code's own sentence. */
void session_shut(struct session *s, enum session_close_code code,
                  struct session_effects *fx);
/* In an opening: from a stranger, or from who is not the one dialled. */
void session_shut_unproven(struct session *s, struct session_effects *fx);

/* COVEY_EBUSY over SESSION_QUEUE_MAX, COVEY_ENOMEM; nothing was queued. */
COVEY_MUST_USE enum covey_rc session_queue(struct session *s,
                                           enum message_kind kind,
                                           struct covey_bytes body);
/* A buffer for a small body that lies in `room` and never grows. */
#define SESSION_BODY_MAX 256u
struct covey_buf session_body(uint8_t room[SESSION_BODY_MAX]);

/* ---- session_open.c: one frame of the opening ---- */
COVEY_MUST_USE enum covey_rc session_on_first(struct session *s,
                                              struct covey_bytes frame,
                                              struct session_effects *fx);
COVEY_MUST_USE enum covey_rc session_on_second(struct session *s,
                                               struct covey_bytes frame,
                                               covey_time now,
                                               struct session_effects *fx);
void session_on_third(struct session *s, struct covey_bytes frame,
                      struct session_effects *fx);

/* ---- session_talk.c: one frame after it ---- */
COVEY_MUST_USE enum covey_rc session_on_transport(struct session *s,
                                                  struct covey_bytes frame,
                                                  covey_time now,
                                                  struct session_effects *fx);

#endif
