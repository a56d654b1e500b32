/* message.h - what two nodes say to each other once a session is up.
 *
 * A message is a kind (1 byte) and a body.  Bodies are msgpack arrays, but for
 * FRONTIER and BATCH, which are fixed layouts.  Spaces are named blinded by
 * their sender (proof.h).  Writers append the body alone; session_send() adds
 * the kind.  Readers check everything; views point into the body. */
#ifndef COVEY_PROTO_MESSAGE_H
#define COVEY_PROTO_MESSAGE_H

#include "proto/base.h"
#include "proto/proof.h"

#define MESSAGE_TABLE(X)                                                       \
    /*  name, number, longest body in bytes */                                 \
    X(HELLO, 1, 1024)                                                          \
    X(PROVE, 2, 1024)                                                          \
    X(OFFER, 3, 1024)                                                          \
    X(EPOCHS, 4, 1310720)                                                      \
    X(FRONTIER, 5, 196608)                                                     \
    X(BATCH, 6, 1310720)                                                       \
    X(ACK, 7, 64)                                                              \
    X(PING, 8, 64)                                                             \
    X(PONG, 9, 64)                                                             \
    X(REQUESTS, 10, 196608)                                                    \
    X(DOOR_LEAVE, 11, 8192)                                                    \
    X(DOOR_ANSWER, 12, 1024)                                                   \
    X(CARRY_ANSWER, 13, 1024)                                                  \
    X(CLOSE, 14, 1024)

enum message_kind {
#define X(name, number, max) MESSAGE_##name = (number),
    MESSAGE_TABLE(X)
#undef X
};
/* Longest body of a kind in bytes; 0 for a kind that does not exist. */
size_t message_max(uint8_t kind);

#define PROTOCOL_VERSION 1u
#define SOFTWARE_MAX 32u    /* bytes of a program's name and version */
#define CLOSE_TEXT_MAX 159u /* bytes of a sentence in CLOSE */
#define PROVE_PROOFS_MAX 7u
#define BATCH_BYTES 1048576u   /* a batch ends before it passes this ... */
#define BATCH_CHANGESETS 1000u /* ... or this many change sets */
#define BATCH_HEAD 20u         /* blind 16 | sequence 4 */
#define SYNC_CREDIT 4u         /* batches under way, not yet acknowledged */

/* The blind that a body about one space begins with; false: it has none. */
bool message_blind(enum message_kind kind, struct covey_bytes body,
                   struct blind *out);

/* [version min, version max, software text, wall ms].  A newer version may add
 * values behind them, which are passed over, so that the two ranges can be
 * compared whatever else is new.  The session itself says and hears HELLO. */
struct hello {
    uint32_t version_min, version_max;
    char software[SOFTWARE_MAX + 1];
    uint64_t wall_ms;
};
void hello_write(struct covey_buf *out, const struct hello *h);
COVEY_MUST_USE enum covey_rc hello_read(struct covey_bytes in,
                                        struct hello *out);
/* [proof bins] */
struct prove {
    size_t proof_count;
    struct proof proofs[PROVE_PROOFS_MAX];
};
void prove_write(struct covey_buf *out, const struct prove *p);
COVEY_MUST_USE enum covey_rc prove_read(struct covey_bytes in,
                                        struct prove *out);

/* [blind, epoch number, epoch head, frontier digest, ask].  Sent when a session
 * finds that both hold a space, and again when the epoch head changed.  Equal
 * heads and digests: nothing to do. */
struct offer {
    struct blind blind;
    uint64_t epoch_number;
    struct hash epoch_head; /* zero: this side holds no epoch yet */
    struct hash frontier;
    bool ask; /* the sender has not had the other's offer: say it again */
};
void offer_write(struct covey_buf *out, const struct offer *o);
COVEY_MUST_USE enum covey_rc offer_read(struct covey_bytes in,
                                        struct offer *out);

/* [blind, [epoch bins]], oldest first. */
struct epochs {
    struct blind blind;
    size_t count;
    struct covey_bytes items; /* msgpack: the bins, read with wire_read_bin */
};
void epochs_begin(struct covey_buf *out, const struct blind *blind,
                  size_t count); /* then wire_bin() for each */
COVEY_MUST_USE enum covey_rc epochs_read(struct covey_bytes in,
                                         struct epochs *out);

/* blind 16 | last 1 | entries 80 each: author 32 | incarnation 8 | number 8 |
 * hash 32.  A long frontier goes as several messages; the last says so. */
#define FRONTIER_ENTRY 80u
#define FRONTIER_ENTRIES_MAX 2400u
struct log_head {
    struct sign_key author;
    struct incarnation incarnation;
    uint64_t number;
    struct hash hash;
};
struct frontier {
    struct blind blind;
    bool last;
    size_t count;
    struct covey_bytes entries;
};
void frontier_begin(struct covey_buf *out, const struct blind *blind,
                    bool last);
void frontier_add(struct covey_buf *out, const struct log_head *head);
COVEY_MUST_USE enum covey_rc frontier_read(struct covey_bytes in,
                                           struct frontier *out);
void frontier_entry(const struct frontier *f, size_t index,
                    struct log_head *out);
/* The digest of a frontier: H("covey/1 frontier", entries in ascending order
 * of author, incarnation).  `heads` is sorted in place. */
struct hash frontier_digest(struct log_head *heads, size_t count);

/* [blind, sequence]: all up to that batch is on this side's disk. */
struct ack {
    struct blind blind;
    uint32_t sequence;
};
void ack_write(struct covey_buf *out, const struct ack *a);
COVEY_MUST_USE enum covey_rc ack_read(struct covey_bytes in, struct ack *out);

/* [blind, [[invite, sealed request] ...]] */
struct requests {
    struct blind blind;
    size_t count;
    struct covey_bytes items; /* msgpack; walk with requests_next() */
};
void requests_begin(struct covey_buf *out, const struct blind *blind,
                    size_t count);
void requests_add(struct covey_buf *out, const struct invite_id *invite,
                  struct covey_bytes sealed);
COVEY_MUST_USE enum covey_rc requests_read(struct covey_bytes in,
                                           struct requests *out);
bool requests_next(struct requests *r, struct invite_id *invite,
                   struct covey_bytes *sealed);

/* [invite, sealed request] */
struct door_leave {
    struct invite_id invite;
    struct covey_bytes sealed;
};
void door_leave_write(struct covey_buf *out, const struct door_leave *d);
COVEY_MUST_USE enum covey_rc door_leave_read(struct covey_bytes in,
                                             struct door_leave *out);

enum door_code {
    DOOR_LEFT = 0,     /* stored; the chair will see it */
    DOOR_ADMITTED = 1, /* dial again as a member */
    DOOR_USED = 2,     /* that ticket has let somebody else in */
    DOOR_EXPIRED = 3,  /* or withdrawn */
    DOOR_FULL = 4,
};
enum carry_code {
    CARRY_YES = 0,     /* accepted: send the chain */
    CARRY_WAITING = 1, /* the relay's keeper has not allowed it yet */
    CARRY_FULL = 2,
};
/* [code] for both answers */
void answer_write(struct covey_buf *out, uint32_t code);
COVEY_MUST_USE enum covey_rc answer_read(struct covey_bytes in, uint32_t *code);

/* PING and PONG: [nonce].  Nonce 0 is the session's own. */
void ping_write(struct covey_buf *out, uint64_t nonce);
COVEY_MUST_USE enum covey_rc ping_read(struct covey_bytes in, uint64_t *nonce);
/* CLOSE: [code, text].  Readers refuse control characters in the text: it is
 * shown to people.  Writers cut it to CLOSE_TEXT_MAX bytes, between two
 * characters, or leave it out if it would be refused: to close_text_len(). */
void close_write(struct covey_buf *out, uint32_t code, const char *text);
COVEY_MUST_USE enum covey_rc close_read(struct covey_bytes in, uint32_t *code,
                                        char text[CLOSE_TEXT_MAX + 1]);
size_t close_text_len(const char *text);

#endif
