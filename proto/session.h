/* session.h - one conversation with one peer, from first byte to close.
 *
 * A state machine: bytes and deadlines go in, bytes and effects come out.  It
 * opens no socket, reads no clock and draws no randomness, so a thousand of
 * them run in one simulated world exactly as one runs in a daemon.
 *
 * Bytes: frames of length 2 (big-endian) | so many bytes.  The first frame of
 * an initiator is mode 1 | Noise message 1, where mode is 1 for XK and 2 for
 * XKpsk3; then Noise messages 2 and 3, then transport messages.  The prologue
 * is "covey/1" | mode.  In mode 2 the payload of message 1 is an invite's id.
 * Message 3 carries nothing (a pinned key or a psk is the proof), or kind 1 | a
 * proof, or kind 2 | a request to carry (proof.h); both, and the blind in the
 * proof, are made with the handshake hash as it stands after message 2.
 *
 * The plaintext of a transport message: flags 1 (bit 0: more of the same
 * message follows) | in a message's first: kind 1 | body.  Rekey after each
 * 1,024 of them in each direction.  Both sides say HELLO first: the initiator
 * right behind message 3, the responder when it accepts.  The session itself
 * says and hears HELLO, PING, PONG and CLOSE.
 *
 * Before authentication a peer gets no byte but Noise message 2, and no
 * reason: a frame of more than SESSION_STRANGER_FRAME bytes, a message that
 * does not open or SESSION_HELLO_WAIT ends it in silence.  A door session
 * (mode 2) carries DOOR_LEAVE and DOOR_ANSWER only.
 *
 * Not reentrant and never calls back: act on the effects after the call. */
#ifndef COVEY_PROTO_SESSION_H
#define COVEY_PROTO_SESSION_H

#include "proto/base.h"
#include "proto/message.h"
#include "proto/noise.h"
#include "proto/proof.h"

#define SESSION_FRAME_MAX 65535u    /* bytes, length excluded */
#define SESSION_PLAIN_MAX 65519u    /* bytes of a transport plaintext */
#define SESSION_STRANGER_FRAME 256u /* bytes of a frame before it is proven */
#define SESSION_QUEUE_MAX 4194304u  /* bytes that wait to be sent */
#define SESSION_REKEY 1024u         /* messages a direction */
#define SESSION_EFFECT_MAX 4u       /* most effects one call can emit */
#define SESSION_HELLO_WAIT (5 * COVEY_SECOND) /* in all, up to HELLO */
#define SESSION_PING_WAIT (15 * COVEY_SECOND) /* nothing sent or heard */
#define SESSION_IDLE_WAIT (45 * COVEY_SECOND) /* nothing heard */
#define SESSION_RENEW_WAIT (3600 * COVEY_SECOND)
#define SESSION_RENEW_BYTES (1ull << 30) /* both directions together */

enum session_proof_kind {
    SESSION_PROOF_NONE,  /* the static key, or the psk, is known */
    SESSION_PROOF_SPACE, /* a member's proof of one space */
    SESSION_PROOF_CARRY, /* a request to carry a space */
};

/* Codes of CLOSE, and why a session went down.  Each has a sentence. */
#define SESSION_CLOSE_TABLE(X)                                                 \
    X(BYE, 0, "it was stopped")                                                \
    X(RENEW, 1, "time for a fresh handshake")                                  \
    X(REPLACED, 2, "a newer connection of the same node took its place")       \
    X(PROTOCOL, 3, "it broke the protocol")                                    \
    X(VERSION, 4, "the two versions of covey do not understand each other")    \
    X(SILENT, 5, "it fell silent")                                             \
    X(FORGED, 6, "it sent what does not verify")                               \
    X(INCOMPLETE, 7, "it sent an answer without its question")                 \
    X(STRANGER, 8, "it is not known here")                                     \
    X(FULL, 9, "too much is waiting")                                          \
    X(LOST, 10, "the connection broke")                                        \
    X(DONE, 11, "all is said")

enum session_close_code {
#define X(name, number, text) SESSION_CLOSE_##name = (number),
    SESSION_CLOSE_TABLE(X)
#undef X
};
const char *session_close_text(uint32_t code); /* never NULL */

enum session_effect_kind {
    /* Responder, mode 2: answer with session_psk() or session_refuse(). */
    SESSION_FX_NEED_PSK, /* .invite */
    /* Responder, message 3 opened: answer with session_accept() or
     * session_refuse().  A proof's signature has been checked. */
    SESSION_FX_AUTH, /* .auth */
    SESSION_FX_UP,   /* .hello: the peer said hello; talk */
    /* .message: valid until the next session_receive() or session_expire() */
    SESSION_FX_MESSAGE,
    SESSION_FX_DOWN, /* .down: the last effect; send what is left, close */
};

struct session_effect {
    enum session_effect_kind kind;
    union {
        struct invite_id invite;
        struct {
            struct noise_key peer;
            enum session_proof_kind kind;
            struct blind blind;    /* SESSION_PROOF_SPACE */
            struct space_id space; /* SESSION_PROOF_CARRY */
            struct sign_key author;
        } auth;
        const struct hello *hello; /* valid until session_free() */
        struct {
            enum message_kind kind;
            struct covey_bytes body;
        } message;
        struct {
            enum session_close_code code;
            bool by_peer;                  /* the peer said so */
            char text[CLOSE_TEXT_MAX + 1]; /* a sentence for people */
        } down;
    };
};

/* Set anew by each call that takes one. */
struct session_effects {
    struct session_effect item[SESSION_EFFECT_MAX];
    size_t count;
};

struct session_config {
    const struct covey_mem *mem; /* outlives the session */
    enum noise_role role;
    struct seed static_secret;
    struct noise_key static_key; /* its public half */
    struct seed ephemeral;       /* fresh */
    struct noise_key remote;     /* initiator: whom it dials */
    bool door;                   /* initiator: mode 2, with invite and psk */
    struct invite_id invite;
    struct seed psk;
    /* initiator: what message 3 proves; the author pair is copied, and wiped
     * once message 3 is made */
    enum session_proof_kind proof;
    struct space_id space;
    const struct sign_pair *author;
    uint64_t wall_ms;     /* for HELLO */
    const char *software; /* "covey 0.1"; SOFTWARE_MAX bytes */
};

struct session; /* opaque */

/* An initiator has its first frame to send.  COVEY_ENOMEM, or COVEY_EFORGED
 * when `remote` is no usable key. */
COVEY_MUST_USE enum covey_rc session_new(const struct session_config *config,
                                         covey_time now, struct session **out);
void session_free(struct session *s); /* NULL allowed; wipes keys */

/* Take bytes from the peer.  Consumes at most one frame; *used says how many
 * bytes (0: the frame is not whole yet; give the same bytes and more), and the
 * caller calls again while it is not 0.  Nothing is consumed while an answer
 * to NEED_PSK or AUTH is due (call again after it), nor once the session is
 * down.  A hostile peer is not an error: it ends in SESSION_FX_DOWN.  COVEY_OK
 * or COVEY_ENOMEM (then only session_free()). */
COVEY_MUST_USE enum covey_rc session_receive(struct session *s,
                                             struct covey_bytes in,
                                             covey_time now, size_t *used,
                                             struct session_effects *fx);
/* `now` has reached session_deadline(): pings, timeouts, renewal. */
void session_expire(struct session *s, covey_time now,
                    struct session_effects *fx);
covey_time session_deadline(const struct session *s);

/* The node's answers, without effect on a session that went down meanwhile.  A
 * refusal is silent.  COVEY_ENOMEM as above. */
COVEY_MUST_USE enum covey_rc session_psk(struct session *s,
                                         const struct seed *psk,
                                         struct session_effects *fx);
COVEY_MUST_USE enum covey_rc session_accept(struct session *s, covey_time now);
void session_refuse(struct session *s, struct session_effects *fx);

/* Queue one message, of any kind but HELLO, PONG and CLOSE.  A PING needs a
 * nonce above 0; its PONG comes back as a message.  COVEY_ENOTYET: it is not
 * up; COVEY_ELIMIT: the body is over its kind's limit; COVEY_EBUSY:
 * SESSION_QUEUE_MAX would be passed, nothing was queued, try when output has
 * been taken; COVEY_ENOMEM: nothing was queued. */
COVEY_MUST_USE enum covey_rc session_send(struct session *s,
                                          enum message_kind kind,
                                          struct covey_bytes body);
/* Say CLOSE with a sentence (NULL: the code's), behind what is queued, and go
 * down; before authentication in silence.  No effect on one that is down. */
void session_close(struct session *s, enum session_close_code code,
                   const char *text, struct session_effects *fx);

/* Copy at most cap waiting bytes to dst; returns how many.  `now` is when they
 * count as sent, which moves session_deadline(). */
size_t session_output(struct session *s, covey_time now, uint8_t *dst,
                      size_t cap);
size_t session_waiting(const struct session *s); /* bytes not yet taken */

bool session_is_up(const struct session *s);
enum noise_role session_role(const struct session *s);
/* The handshake hash (64 bytes) and the peer's static key: valid for an
 * initiator once it is up, for a responder from SESSION_FX_AUTH on.  Until
 * session_accept() the hash is that after message 2, with which the proof in
 * message 3 was made: compare its blind with blind_space(session_hash(s),
 * space, NOISE_INITIATOR).  After that it is the final one. */
const uint8_t *session_hash(const struct session *s);
struct noise_key session_peer(const struct session *s);
bool session_is_door(const struct session *s);
covey_time session_last_heard(const struct session *s);
/* ASSERTs its invariants; for tests and the simulator. */
void session_check(const struct session *s);

#endif
