#include "proto/message.h"

#include <string.h>

#include "proto/ticket.h"
#include "proto/wire.h"

size_t message_max(uint8_t kind)
{
    static const uint32_t longest[] = {
#define X(name, number, max) [number] = (max),
        MESSAGE_TABLE(X)
#undef X
    };

    return kind < sizeof longest / sizeof longest[0] ? longest[kind] : 0;
}

/* ---- what the readers share ---- */

/* Every msgpack body is validated before a cursor walks it. */
static enum covey_rc begin(struct covey_bytes in, struct wire_cursor *c)
{
    *c = wire_cursor(in);
    return wire_validate(in);
}

static enum covey_rc end(const struct wire_cursor *c)
{
    return wire_done(c) ? COVEY_OK : COVEY_EBAD;
}

/* No control character, of ASCII or of Latin-1: what a peer says is shown to
 * people, on terminals too. */
static bool is_printable(const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (p[i] < 0x20 || p[i] == 0x7f)
            return false;
        if (p[i] == 0xc2 && i + 1 < len && p[i + 1] < 0xa0)
            return false;
    }
    return true;
}

/* Copy UTF-8 that is fit to be shown; out holds max + 1 bytes. */
static bool copy_text(struct covey_bytes text, char *out, size_t max)
{
    if (text.len > max || !is_printable(text.p, text.len))
        return false;
    if (text.len > 0)
        memcpy(out, text.p, text.len);
    out[text.len] = '\0';
    return true;
}

/* ---- HELLO, PROVE ---- */

void hello_write(struct covey_buf *out, const struct hello *h)
{
    wire_array(out, 4);
    wire_uint(out, h->version_min);
    wire_uint(out, h->version_max);
    wire_text(out, h->software, strlen(h->software));
    wire_uint(out, h->wall_ms);
}

enum covey_rc hello_read(struct covey_bytes in, struct hello *out)
{
    struct wire_cursor c;
    enum covey_rc rc = begin(in, &c);

    if (rc != COVEY_OK)
        return rc;

    (void)wire_read_array(&c); /* of more than 4, from a newer version */
    out->version_min = (uint32_t)wire_read_uint_max(&c, UINT32_MAX);
    out->version_max = (uint32_t)wire_read_uint_max(&c, UINT32_MAX);
    if (!copy_text(wire_read_text(&c), out->software, SOFTWARE_MAX))
        return COVEY_EBAD;
    out->wall_ms = wire_read_uint(&c);
    if (!wire_ok(&c) || out->version_min > out->version_max)
        return COVEY_EBAD;
    return COVEY_OK;
}

void prove_write(struct covey_buf *out, const struct prove *p)
{
    CHECK(p->proof_count <= PROVE_PROOFS_MAX);
    wire_array(out, p->proof_count);
    for (size_t i = 0; i < p->proof_count; i++) {
        uint8_t bytes[PROOF_SIZE];

        proof_write(&p->proofs[i], bytes);
        wire_bin(out, bytes, sizeof bytes);
    }
}

enum covey_rc prove_read(struct covey_bytes in, struct prove *out)
{
    struct wire_cursor c;
    enum covey_rc rc = begin(in, &c);

    if (rc != COVEY_OK)
        return rc;
    out->proof_count = wire_read_array(&c);
    if (out->proof_count > PROVE_PROOFS_MAX)
        return COVEY_ELIMIT;
    for (size_t i = 0; i < out->proof_count; i++) {
        uint8_t bytes[PROOF_SIZE];

        wire_read_fixed(&c, bytes, sizeof bytes);
        proof_read(bytes, &out->proofs[i]);
    }
    return end(&c);
}

/* ---- OFFER, EPOCHS ---- */

bool message_blind(enum message_kind kind, struct covey_bytes body,
                   struct blind *out)
{
    if (kind == MESSAGE_FRONTIER || kind == MESSAGE_BATCH) {
        if (body.len < BATCH_HEAD && kind == MESSAGE_BATCH)
            return false;
        if (body.len <= sizeof *out)
            return false;
        memcpy(out->b, body.p, sizeof out->b);
        return true;
    }
    struct wire_cursor c = wire_cursor(body);
    (void)wire_read_array(&c);
    wire_read_fixed(&c, out->b, sizeof out->b);
    return wire_ok(&c);
}

void offer_write(struct covey_buf *out, const struct offer *o)
{
    wire_array(out, 5);
    wire_bin(out, o->blind.b, sizeof o->blind.b);
    wire_uint(out, o->epoch_number);
    wire_bin(out, o->epoch_head.b, sizeof o->epoch_head.b);
    wire_bin(out, o->frontier.b, sizeof o->frontier.b);
    wire_bool(out, o->ask);
}

enum covey_rc offer_read(struct covey_bytes in, struct offer *out)
{
    struct wire_cursor c;
    enum covey_rc rc = begin(in, &c);

    if (rc != COVEY_OK)
        return rc;
    wire_expect_array(&c, 5);
    wire_read_fixed(&c, out->blind.b, sizeof out->blind.b);
    out->epoch_number = wire_read_uint(&c);
    wire_read_fixed(&c, out->epoch_head.b, sizeof out->epoch_head.b);
    wire_read_fixed(&c, out->frontier.b, sizeof out->frontier.b);
    out->ask = wire_read_bool(&c);
    return end(&c);
}

void epochs_begin(struct covey_buf *out, const struct blind *blind,
                  size_t count)
{
    wire_array(out, 2);
    wire_bin(out, blind->b, sizeof blind->b);
    wire_array(out, count);
}

enum covey_rc epochs_read(struct covey_bytes in, struct epochs *out)
{
    struct wire_cursor c;
    enum covey_rc rc = begin(in, &c);

    if (rc != COVEY_OK)
        return rc;
    wire_expect_array(&c, 2);
    wire_read_fixed(&c, out->blind.b, sizeof out->blind.b);
    out->count = wire_read_array(&c);
    out->items = (struct covey_bytes){c.p, (size_t)(c.end - c.p)};
    for (size_t i = 0; i < out->count; i++)
        (void)wire_read_bin(&c);
    return end(&c);
}

/* ---- ACK ---- */

void ack_write(struct covey_buf *out, const struct ack *a)
{
    wire_array(out, 2);
    wire_bin(out, a->blind.b, sizeof a->blind.b);
    wire_uint(out, a->sequence);
}

enum covey_rc ack_read(struct covey_bytes in, struct ack *out)
{
    struct wire_cursor c;
    enum covey_rc rc = begin(in, &c);

    if (rc != COVEY_OK)
        return rc;
    wire_expect_array(&c, 2);
    wire_read_fixed(&c, out->blind.b, sizeof out->blind.b);
    out->sequence = (uint32_t)wire_read_uint_max(&c, UINT32_MAX);
    return end(&c);
}

/* ---- REQUESTS, DOOR_LEAVE ---- */

/* [invite, sealed request], in both messages. */
static void request_write(struct covey_buf *out, const struct invite_id *invite,
                          struct covey_bytes sealed)
{
    wire_array(out, 2);
    wire_bin(out, invite->b, sizeof invite->b);
    wire_bin(out, sealed.p, sealed.len);
}

/* false when it is over the limit; a bad cursor is the caller's to find. */
static bool request_read(struct wire_cursor *c, struct invite_id *invite,
                         struct covey_bytes *sealed)
{
    wire_expect_array(c, 2);
    wire_read_fixed(c, invite->b, sizeof invite->b);
    *sealed = wire_read_bin(c);
    return sealed->len <= JOIN_REQUEST_MAX;
}

void requests_begin(struct covey_buf *out, const struct blind *blind,
                    size_t count)
{
    wire_array(out, 2);
    wire_bin(out, blind->b, sizeof blind->b);
    wire_array(out, count);
}

void requests_add(struct covey_buf *out, const struct invite_id *invite,
                  struct covey_bytes sealed)
{
    request_write(out, invite, sealed);
}

enum covey_rc requests_read(struct covey_bytes in, struct requests *out)
{
    struct wire_cursor c;
    enum covey_rc rc = begin(in, &c);

    if (rc != COVEY_OK)
        return rc;
    wire_expect_array(&c, 2);
    wire_read_fixed(&c, out->blind.b, sizeof out->blind.b);
    out->count = wire_read_array(&c);
    out->items = (struct covey_bytes){c.p, (size_t)(c.end - c.p)};
    for (size_t i = 0; i < out->count; i++) {
        struct invite_id invite;
        struct covey_bytes sealed;

        if (!request_read(&c, &invite, &sealed))
            return COVEY_ELIMIT;
    }
    return end(&c);
}

bool requests_next(struct requests *r, struct invite_id *invite,
                   struct covey_bytes *sealed)
{
    struct wire_cursor c = wire_cursor(r->items);

    if (r->count == 0)
        return false;
    CHECK(request_read(&c, invite, sealed)); /* requests_read() saw to it */
    CHECK(wire_ok(&c));
    r->count--;
    r->items = (struct covey_bytes){c.p, (size_t)(c.end - c.p)};
    return true;
}

void door_leave_write(struct covey_buf *out, const struct door_leave *d)
{
    request_write(out, &d->invite, d->sealed);
}

enum covey_rc door_leave_read(struct covey_bytes in, struct door_leave *out)
{
    struct wire_cursor c;
    enum covey_rc rc = begin(in, &c);

    if (rc != COVEY_OK)
        return rc;
    if (!request_read(&c, &out->invite, &out->sealed))
        return COVEY_ELIMIT;
    return end(&c);
}

/* ---- DOOR_ANSWER, CARRY_ANSWER, PING, PONG, CLOSE ---- */

void answer_write(struct covey_buf *out, uint32_t code)
{
    wire_array(out, 1);
    wire_uint(out, code);
}

enum covey_rc answer_read(struct covey_bytes in, uint32_t *code)
{
    struct wire_cursor c;
    enum covey_rc rc = begin(in, &c);

    if (rc != COVEY_OK)
        return rc;
    wire_expect_array(&c, 1);
    *code = (uint32_t)wire_read_uint_max(&c, UINT32_MAX);
    return end(&c);
}

void ping_write(struct covey_buf *out, uint64_t nonce)
{
    wire_array(out, 1);
    wire_uint(out, nonce);
}

enum covey_rc ping_read(struct covey_bytes in, uint64_t *nonce)
{
    struct wire_cursor c;
    enum covey_rc rc = begin(in, &c);

    if (rc != COVEY_OK)
        return rc;
    wire_expect_array(&c, 1);
    *nonce = wire_read_uint(&c);
    return end(&c);
}

size_t close_text_len(const char *text)
{
    const uint8_t *p = (const uint8_t *)text;
    size_t len = strlen(text);

    if (len > CLOSE_TEXT_MAX) {
        len = CLOSE_TEXT_MAX;
        while (len > 0 && (p[len] & 0xc0) == 0x80)
            len--;
    }
    return text_is_utf8(p, len) && is_printable(p, len) ? len : 0;
}

void close_write(struct covey_buf *out, uint32_t code, const char *text)
{
    wire_array(out, 2);
    wire_uint(out, code);
    wire_text(out, text, close_text_len(text));
}

enum covey_rc close_read(struct covey_bytes in, uint32_t *code,
                         char text[CLOSE_TEXT_MAX + 1])
{
    struct wire_cursor c;
    enum covey_rc rc = begin(in, &c);

    if (rc != COVEY_OK)
        return rc;
    wire_expect_array(&c, 2);
    *code = (uint32_t)wire_read_uint_max(&c, UINT32_MAX);
    if (!copy_text(wire_read_text(&c), text, CLOSE_TEXT_MAX))
        return COVEY_EBAD;
    return end(&c);
}
