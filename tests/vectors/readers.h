/* readers.h - does a reader of ours take these bytes?  One for each format.
 *
 * For tools of one file: hence inline. */
#ifndef COVEY_TESTS_VECTORS_READERS_H
#define COVEY_TESTS_VECTORS_READERS_H

#include "proto/batch.h"
#include "proto/frame.h"
#include "proto/leb.h"
#include "proto/session.h"
#include "proto/ticket.h"
#include "proto/wire.h"
#include "tests/vectors/cells.h"

static inline bool takes_msgpack(struct covey_bytes in)
{
    return wire_validate(in) == COVEY_OK;
}

static inline bool takes_leb(struct covey_bytes in)
{
    uint64_t v;

    return leb_read(in, &v) == in.len && in.len > 0;
}

static inline bool takes_header(struct covey_bytes in)
{
    struct header h;

    return header_read(in, &h) == COVEY_OK;
}

static inline bool takes_payload(struct covey_bytes in)
{
    struct hash hash;

    return changeset_hash(in, &hash) == COVEY_OK;
}

static inline bool takes_sealed(struct covey_bytes in)
{
    static struct changeset cs;
    const struct seed key = filled(0xa0);
    struct header h = sealed_header();

    changeset_init(&cs, &heap);

    enum covey_rc rc = changeset_open(&h, in, &key, &cs);

    changeset_clear(&cs);
    return rc == COVEY_OK;
}

static inline bool takes_rowpart(struct covey_bytes in)
{
    struct row_part part;

    return row_part_read(in, &part) == COVEY_OK;
}

static inline bool takes_address(struct covey_bytes in)
{
    return address_at_fits(in);
}

static inline bool takes_ticket(struct covey_bytes in)
{
    char text[2 * TICKET_TEXT_MAX + 1];
    struct covey_why why;
    struct ticket t;

    memcpy(text, in.p, in.len);
    text[in.len] = '\0';
    return ticket_read(text, &t, &why) == COVEY_OK;
}

/* key 32 | signature 64 | what is signed */
static inline bool takes_signature(struct covey_bytes in)
{
    struct sign_key key;
    struct signature signature;

    memcpy(key.b, in.p, sizeof key.b);
    memcpy(signature.b, in.p + sizeof key.b, sizeof signature.b);
    return sign_verify(&key, in.p + 96, in.len - 96, &signature);
}

static inline bool takes_point(struct covey_bytes in)
{
    const struct seed any = filled(0x42);
    uint8_t shared[32];

    return dh_shared(&any, in.p, shared);
}

static inline bool takes_batch(struct covey_bytes in)
{
    static struct batch_state state;
    struct batch_record record;
    struct covey_bytes records;
    struct blind blind;
    uint32_t sequence;
    bool found = true;

    if (batch_head_read(in, &blind, &sequence, &records) != COVEY_OK)
        return false;
    batch_begin(&state);
    while (found)
        if (batch_next(&state, &records, &found, &record) != COVEY_OK)
            return false;
    return true;
}

static inline bool takes_frontier(struct covey_bytes in)
{
    struct frontier f;

    return frontier_read(in, &f) == COVEY_OK;
}

static inline bool takes_hello(struct covey_bytes in)
{
    struct hello h;

    return hello_read(in, &h) == COVEY_OK;
}

static inline bool takes_prove(struct covey_bytes in)
{
    struct prove p;

    return prove_read(in, &p) == COVEY_OK;
}

static inline bool takes_offer(struct covey_bytes in)
{
    struct offer o;

    return offer_read(in, &o) == COVEY_OK;
}

static inline bool takes_epochs(struct covey_bytes in)
{
    struct epochs e;

    return epochs_read(in, &e) == COVEY_OK;
}

static inline bool takes_ack(struct covey_bytes in)
{
    struct ack a;

    return ack_read(in, &a) == COVEY_OK;
}

static inline bool takes_ping(struct covey_bytes in)
{
    uint64_t nonce;

    return ping_read(in, &nonce) == COVEY_OK;
}

static inline bool takes_leave(struct covey_bytes in)
{
    struct door_leave d;

    return door_leave_read(in, &d) == COVEY_OK;
}

static inline bool takes_close(struct covey_bytes in)
{
    char text[CLOSE_TEXT_MAX + 1];
    uint32_t code;

    return close_read(in, &code, text) == COVEY_OK;
}

/* Frames with their lengths, under a key of 32 times 42, from n = 0: one whole
 * message. */
static inline bool takes_frames(struct covey_bytes in)
{
    const struct seed key = filled(0x42);
    struct frame_message m = {0};
    struct frame_link link;
    bool good = true;

    frame_init(&link, &heap);
    memcpy(link.receive.key, key.b, sizeof key.b);
    while (in.len > 0 && good) {
        size_t len = get_u16(in.p);

        good = frame_receive(&link, (struct covey_bytes){in.p + 2, len}, &m) ==
               COVEY_OK;
        in = (struct covey_bytes){in.p + 2 + len, in.len - 2 - len};
    }
    frame_clear(&link);
    return good && m.kind != 0;
}

#endif
