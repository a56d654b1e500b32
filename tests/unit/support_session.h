/* support_session.h - two sessions with a wire between them, and a peer made
 * by hand that can break every rule. */
#ifndef COVEY_TESTS_SUPPORT_SESSION_H
#define COVEY_TESTS_SUPPORT_SESSION_H

#include "proto/crypto.h"
#include "proto/session.h"

/* Memory that counts bytes, and that fails when told to. */
struct byte_mem {
    int calls;   /* allocations asked for */
    int fail_at; /* the number of the one that fails, from 1; 0: none */
    int live;    /* not yet freed */
    size_t bytes;
    size_t peak;
};

/* One end of the wire, and all that its session told. */
struct side {
    struct byte_mem count;
    struct covey_mem mem;
    struct session *s;
    struct covey_buf inbox; /* bytes that came and were not consumed */
    size_t out_bytes;       /* that the session gave, in all */
    enum covey_rc rc;       /* the first failure, or COVEY_OK */
    bool holds;             /* questions are not answered by themselves */
    bool refuses;
    int asks, auths, ups, downs, messages;
    struct session_effect auth; /* the last of each */
    struct session_effect down;
    struct invite_id invite;
    uint8_t auth_hash[64];
    struct hello hello;
    enum message_kind kind;
    struct covey_buf body;
    int by_kind[16];
    struct hash heard; /* side_told() of all messages but PONGs, in order */
    int heard_count;
};

struct world {
    struct side a; /* initiator */
    struct side b; /* responder */
    struct session_config a_config, b_config;
    struct seed psk; /* what b answers to NEED_PSK */
    struct sign_pair author;
    struct space_id space;
};

/* Sets the configs of a world whose sessions are still to be opened. */
void world_init(struct world *w);
void world_open(struct world *w, covey_time now);
void world_clear(struct world *w);
/* Carry bytes both ways, `piece` at a time, until none are left. */
void world_pump(struct world *w, covey_time now, size_t piece);
/* init, open, pump: both are up. */
void world_up(struct world *w, covey_time now);

/* Bytes came: consume what can be. */
void side_feed(struct side *d, struct covey_bytes in, covey_time now,
               const struct world *w);
/* session_expire() and its effects. */
void side_expire(struct side *d, covey_time now);
void side_close(struct side *d, enum session_close_code code, const char *text);
/* All that waits, onto `out`. */
void side_drain(struct side *d, covey_time now, struct covey_buf *out);
/* session_send() with a body of its own, which must be queued. */
void side_send(struct side *d, enum message_kind kind, const void *p,
               size_t len);
/* What is told by one more message after what was told before. */
struct hash side_told(const struct hash *before, enum message_kind kind,
                      struct covey_bytes body);
/* It is down by its own decision, with this code. */
void assert_shut(const struct side *d, enum session_close_code code);
void side_forget(struct side *d); /* counts of effects to zero */

/* A peer by hand, on Noise alone.  It has a's keys and dials b. */
struct raw {
    struct noise_handshake hs;
    struct noise_cipher send, receive;
    uint32_t sent, received;
    struct covey_buf frame; /* the last one made */
};

void raw_init(struct raw *r);
void raw_clear(struct raw *r);
/* Message 1 and, after what b answers, message 3 with this payload. */
void raw_first(struct raw *r, const struct world *w, bool door);
/* Message 1 with a payload of any length, of at most 100 bytes. */
void raw_first_with(struct raw *r, const struct world *w, bool door,
                    struct covey_bytes payload);
void raw_second(struct raw *r, struct covey_bytes message);
void raw_third(struct raw *r, struct covey_bytes payload);
/* A transport frame of this plaintext. */
void raw_seal(struct raw *r, struct covey_bytes plain);
/* flags | kind | body as a frame. */
void raw_message(struct raw *r, uint8_t flags, uint8_t kind,
                 struct covey_bytes body);
/* Open the frame at *in and step over it; its plaintext goes to `plain`. */
void raw_open(struct raw *r, struct covey_bytes *in, struct covey_buf *plain);
/* Dial b and hear its answer: message 3 is due. */
void raw_greet(struct raw *r, struct world *w, bool door, covey_time now);
/* Dial b, authenticate as a's key does, say a HELLO, hear b's: b is up. */
void raw_up(struct raw *r, struct world *w, covey_time now);
/* Feed b the last frame. */
void raw_feed(struct raw *r, struct world *w, covey_time now);

#endif
