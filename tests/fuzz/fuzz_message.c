/* Every kind of message that has a body of its own form (message.h), and the
 * proofs in them (proof.h): what is read is written again byte for byte.
 *
 * The first byte is the kind.  A BATCH has a target of its own. */
#include <string.h>

#include "proto/message.h"
#include "proto/ticket.h"
#include "proto/wire.h"
#include "tests/fuzz/fuzz.h"

/* Each returns whether the body was taken, and then has written it again. */
typedef bool (*rewrite_fn)(struct covey_bytes in, struct covey_buf *out);

static bool hello(struct covey_bytes in, struct covey_buf *out)
{
    struct hello h;

    if (hello_read(in, &h) != COVEY_OK)
        return false;
    CHECK(h.version_min <= h.version_max);
    CHECK(strlen(h.software) <= SOFTWARE_MAX);
    hello_write(out, &h);
    /* What a newer version adds is not kept. */
    struct covey_bytes known = buf_bytes(out);

    if (in.len > known.len || in.p[0] != known.p[0]) {
        buf_reset(out);
        buf_append(out, in.p, in.len);
    }
    return true;
}

static bool prove(struct covey_bytes in, struct covey_buf *out)
{
    static const uint8_t handshake[NOISE_HASH];
    struct noise_key prover = {{9}};
    struct prove p;

    if (prove_read(in, &p) != COVEY_OK)
        return false;
    for (size_t i = 0; i < p.proof_count; i++)
        CHECK(!proof_check(handshake, &prover, &p.proofs[i]));
    prove_write(out, &p);
    return true;
}

static bool offer(struct covey_bytes in, struct covey_buf *out)
{
    struct offer o;

    if (offer_read(in, &o) != COVEY_OK)
        return false;
    offer_write(out, &o);
    return true;
}

static bool epochs(struct covey_bytes in, struct covey_buf *out)
{
    struct epochs e;

    if (epochs_read(in, &e) != COVEY_OK)
        return false;

    struct wire_cursor c = wire_cursor(e.items);

    epochs_begin(out, &e.blind, e.count);
    for (size_t i = 0; i < e.count; i++) {
        struct covey_bytes item = wire_read_bin(&c);

        wire_bin(out, item.p, item.len);
    }
    CHECK(wire_done(&c));
    return true;
}

static int compare(const void *a, const void *b, size_t len)
{
    return memcmp(a, b, len);
}

static bool frontier(struct covey_bytes in, struct covey_buf *out)
{
    static struct log_head heads[FRONTIER_ENTRIES_MAX];
    struct frontier f;

    if (frontier_read(in, &f) != COVEY_OK)
        return false;
    CHECK(f.count <= FRONTIER_ENTRIES_MAX);
    frontier_begin(out, &f.blind, f.last);
    for (size_t i = 0; i < f.count; i++) {
        frontier_entry(&f, i, &heads[i]);
        frontier_add(out, &heads[i]);
    }

    struct hash once = frontier_digest(heads, f.count);
    struct hash twice = frontier_digest(heads, f.count);

    CHECK(hash_equal(&once, &twice));
    for (size_t i = 1; i < f.count; i++)
        CHECK(compare(&heads[i - 1].author, &heads[i].author, 32) <= 0);
    return true;
}

static bool ack(struct covey_bytes in, struct covey_buf *out)
{
    struct ack a;

    if (ack_read(in, &a) != COVEY_OK)
        return false;
    ack_write(out, &a);
    return true;
}

static bool requests(struct covey_bytes in, struct covey_buf *out)
{
    struct requests r;
    struct invite_id invite;
    struct covey_bytes sealed;

    if (requests_read(in, &r) != COVEY_OK)
        return false;
    requests_begin(out, &r.blind, r.count);
    while (requests_next(&r, &invite, &sealed)) {
        CHECK(sealed.len <= JOIN_REQUEST_MAX);
        requests_add(out, &invite, sealed);
    }
    return true;
}

static bool door_leave(struct covey_bytes in, struct covey_buf *out)
{
    struct door_leave d;

    if (door_leave_read(in, &d) != COVEY_OK)
        return false;
    CHECK(d.sealed.len <= JOIN_REQUEST_MAX);
    door_leave_write(out, &d);
    return true;
}

static bool answer(struct covey_bytes in, struct covey_buf *out)
{
    uint32_t code;

    if (answer_read(in, &code) != COVEY_OK)
        return false;
    answer_write(out, code);
    return true;
}

static bool ping(struct covey_bytes in, struct covey_buf *out)
{
    uint64_t nonce;

    if (ping_read(in, &nonce) != COVEY_OK)
        return false;
    ping_write(out, nonce);
    return true;
}

static bool goodbye(struct covey_bytes in, struct covey_buf *out)
{
    uint32_t code;
    char text[CLOSE_TEXT_MAX + 1];

    if (close_read(in, &code, text) != COVEY_OK)
        return false;
    for (size_t i = 0; text[i] != '\0'; i++)
        CHECK((uint8_t)text[i] >= ' ' && text[i] != 0x7f);
    close_write(out, code, text);
    return true;
}

static const rewrite_fn rewriters[] = {
    [MESSAGE_HELLO] = hello,        [MESSAGE_PROVE] = prove,
    [MESSAGE_OFFER] = offer,        [MESSAGE_EPOCHS] = epochs,
    [MESSAGE_FRONTIER] = frontier,  [MESSAGE_ACK] = ack,
    [MESSAGE_PING] = ping,          [MESSAGE_PONG] = ping,
    [MESSAGE_REQUESTS] = requests,  [MESSAGE_DOOR_LEAVE] = door_leave,
    [MESSAGE_DOOR_ANSWER] = answer, [MESSAGE_CARRY_ANSWER] = answer,
    [MESSAGE_CLOSE] = goodbye,
};

/* A proof and a request to carry are fixed layouts. */
static void proofs(struct covey_bytes in)
{
    static const uint8_t handshake[NOISE_HASH];
    uint8_t again[PROOF_SIZE];
    struct proof p;
    struct carry c;

    if (in.len < PROOF_SIZE)
        return;
    proof_read(in.p, &p);
    proof_write(&p, again);
    CHECK(memcmp(again, in.p, PROOF_SIZE) == 0);
    carry_read(in.p, &c);
    carry_write(&c, again);
    CHECK(memcmp(again, in.p, CARRY_SIZE) == 0);
    CHECK(!carry_check(handshake, &c));
}

static void one(struct covey_bytes in)
{
    struct fuzz_in parts = fuzz_in(in);
    uint8_t kind = fuzz_u8(&parts);
    struct covey_bytes body = fuzz_rest(&parts);
    struct covey_buf out = fuzz_buf();
    struct blind blind;

    (void)message_max(kind);
    (void)message_blind((enum message_kind)kind, body, &blind);
    if (kind == 0)
        proofs(body);
    if (kind < sizeof rewriters / sizeof rewriters[0] &&
        rewriters[kind] != NULL && rewriters[kind](body, &out)) {
        CHECK(buf_rc(&out) == COVEY_OK);
        CHECK(fuzz_same(buf_bytes(&out), body));
    }
    buf_clear(&out);
}

const struct fuzz_target fuzz_target = {.one = one};
