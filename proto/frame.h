/* frame.h - the frames of one connection, under session.c.
 *
 * Out: a queue of bytes, framed and encrypted when a message is queued, so that
 * their order is the order of nonces and of rekeys.  In: one frame at a time,
 * decrypted straight to where the message is put together.
 *
 * A message's buffer starts with its first frame, grows to its kind's limit and
 * no further, and is given back after a large message. */
#ifndef COVEY_PROTO_FRAME_H
#define COVEY_PROTO_FRAME_H

#include "proto/base.h"
#include "proto/noise.h"

#define FRAME_HEAD 2u     /* bytes of a frame's length */
#define FRAME_CHUNK 4096u /* bytes that the queue asks for at the least */
#define FRAME_KEEP 4096u  /* bytes of buffer kept between two messages */

struct frame_chunk; /* some of the bytes that wait */

struct frame_link {
    const struct covey_mem *mem;
    struct frame_chunk *first, *last;
    size_t waiting;           /* bytes not yet taken */
    uint64_t bytes;           /* all that went through, both ways */
    struct noise_cipher send; /* both set by frame_start() */
    struct noise_cipher receive;
    uint32_t sent, received; /* transport messages since the last rekey */
    struct covey_buf in;     /* flags | kind | body, as far as it is here */
    bool is_partial;         /* more of that message follows */
};

struct frame_message {
    uint8_t kind; /* 0: not whole yet */
    struct covey_bytes body;
};

void frame_init(struct frame_link *l, const struct covey_mem *mem);
void frame_clear(struct frame_link *l);

/* ---- out ---- */

/* Queue one frame of len bytes as they are; false when there is no memory. */
COVEY_MUST_USE bool frame_put(struct frame_link *l, const uint8_t *p,
                              size_t len);
/* From now on messages: the handshake is done. */
void frame_start(struct frame_link *l, struct noise_handshake *hs);
/* Bytes on the wire of a message. */
size_t frame_size(size_t body_len);
/* Queue a message in as many frames as it takes, or nothing of it and return
 * false, when there is no memory. */
bool frame_send(struct frame_link *l, uint8_t kind, struct covey_bytes body);
/* Copy at most cap of the bytes that wait; returns how many. */
size_t frame_take(struct frame_link *l, uint8_t *dst, size_t cap);
/* Forget what waits. */
void frame_drop(struct frame_link *l);

/* ---- in ---- */

/* Take a transport frame, its length left out.  The message points into the
 * link until frame_release().  After any code but COVEY_OK nothing more can be
 * received: COVEY_EFORGED does not open, COVEY_EBAD broken form or unknown
 * kind, COVEY_ELIMIT longer than its kind may be, COVEY_ENOMEM. */
COVEY_MUST_USE enum covey_rc frame_receive(struct frame_link *l,
                                           struct covey_bytes frame,
                                           struct frame_message *out);
/* The last message is done with.  One that is not whole yet stays. */
void frame_release(struct frame_link *l);

/* CHECKs what always holds. */
void frame_check(const struct frame_link *l);

#endif
