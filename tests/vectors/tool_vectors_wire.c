/* The vectors of what goes over a connection: a whole session with its
 * handshake, a session at a ticket's door, proofs, a message of several frames,
 * and the change of keys. */
#include <sodium.h>

#include "proto/frame.h"
#include "proto/noise.h"
#include "proto/session.h"
#include "tests/vectors/emit.h"

#define WALL_MS 1767225600000u /* 2026-01-01 */
#define SAID_MAX 32u

static const struct space_id space = {{0x5b, 0x5b, 0x5b, 0x5b}};
static const struct invite_id invite = {{0x1d, 0x1d}};

/* ---- two sides, and what one says to the other ---- */

struct side {
    struct session *s;
    struct session_config config;
};

static struct side initiator, responder;

struct said {
    bool by_initiator;
    struct covey_buf frame; /* its length in front */
};

static struct said said[SAID_MAX];
static size_t said_count;

static void begin_side(struct side *side, enum noise_role role, uint8_t byte)
{
    side->config = (struct session_config){
        .mem = &heap,
        .role = role,
        .static_secret = filled(byte),
        .ephemeral = filled((uint8_t)(byte + 1)),
        .wall_ms = WALL_MS + byte,
        .software = role == NOISE_INITIATOR ? "covey 0.1" : "covey 0.2",
    };
    dh_public(&side->config.static_secret, side->config.static_key.b);
}

static struct sign_pair author_of(uint8_t byte)
{
    const struct seed secret = filled(byte);
    struct sign_pair pair;

    sign_pair_from(&secret, &pair);
    return pair;
}

/* What the node would do: know the psk, accept. */
static void answer(struct session *s, const struct session_effects *asked)
{
    const struct seed psk = filled(0xd0);
    struct session_effects fx = {.count = 0};

    for (size_t i = 0; i < asked->count; i++) {
        if (asked->item[i].kind == SESSION_FX_NEED_PSK)
            need(session_psk(s, &psk, &fx));
        if (asked->item[i].kind == SESSION_FX_AUTH)
            need(session_accept(s, 0));
    }
}

/* Everything that waits goes over, frame by frame, and is kept. */
static bool pass(struct side *from, struct side *to)
{
    bool any = false;
    uint8_t head[2];

    while (session_output(from->s, 0, head, sizeof head) == sizeof head) {
        struct said *it = &said[said_count++];
        size_t len = get_u16(head);
        struct session_effects fx;
        size_t used;

        it->by_initiator = from == &initiator;
        it->frame = heap_buf();
        buf_append(&it->frame, head, sizeof head);
        session_output(from->s, 0, buf_extend(&it->frame, len), len);
        need(session_receive(to->s, buf_bytes(&it->frame), 0, &used, &fx));
        answer(to->s, &fx);
        any = true;
    }
    return any;
}

static void pass_all(void)
{
    bool any = true;

    while (any) {
        any = pass(&initiator, &responder);
        any = pass(&responder, &initiator) || any;
    }
}

static void say(struct side *side, enum message_kind kind,
                struct covey_buf *body)
{
    need(session_send(side->s, kind, buf_bytes(body)));
    buf_clear(body);
    pass_all();
}

static void start(void)
{
    said_count = 0;
    initiator.config.remote = responder.config.static_key;
    need(session_new(&responder.config, 0, &responder.s));
    need(session_new(&initiator.config, 0, &initiator.s));
    pass_all();
}

static void finish(void)
{
    struct session_effects fx;

    session_close(initiator.s, SESSION_CLOSE_DONE, NULL, &fx);
    pass_all();
}

static void emit_side(const char *name, const struct side *side)
{
    emit_begin(name, '{');
    emit_hex("static_secret", side->config.static_secret.b, 32);
    emit_hex("ephemeral_secret", side->config.ephemeral.b, 32);
    emit_end('}');
}

static void emit_said(void)
{
    emit_side("initiator", &initiator);
    emit_side("responder", &responder);
    emit_hex("handshake_hash", session_hash(initiator.s), NOISE_HASH);
    emit_begin("frames", '[');
    for (size_t i = 0; i < said_count; i++) {
        emit_begin(NULL, '{');
        emit_text("from", said[i].by_initiator ? "initiator" : "responder");
        emit_bytes("frame", buf_bytes(&said[i].frame));
        emit_end('}');
        buf_clear(&said[i].frame);
    }
    emit_end(']');
    session_free(initiator.s);
    session_free(responder.s);
}

/* ---- a session of two members, of which one is no more than a carrier ---- */

static struct covey_buf prove_body(const struct sign_pair *author)
{
    struct covey_buf body = heap_buf();
    struct prove p = {.proof_count = 1};
    const uint8_t *hash = session_hash(initiator.s);
    struct blind blind = blind_space(hash, &space, NOISE_INITIATOR);

    proof_make(hash, &initiator.config.static_key, &blind, author,
               &p.proofs[0]);
    prove_write(&body, &p);
    return body;
}

static struct covey_buf offer_body(const struct side *side, bool ask)
{
    struct covey_buf body = heap_buf();
    struct offer o = {
        .blind = blind_space(session_hash(side->s), &space, side->config.role),
        .epoch_number = 4,
        .epoch_head = {{0xe4}},
        .frontier = {{0xf0}},
        .ask = ask,
    };

    offer_write(&body, &o);
    return body;
}

static void emit_session(void)
{
    struct sign_pair author = author_of(0x17);
    struct covey_buf body;

    begin_side(&initiator, NOISE_INITIATOR, 0x30);
    begin_side(&responder, NOISE_RESPONDER, 0x40);
    initiator.config.proof = SESSION_PROOF_SPACE;
    initiator.config.space = space;
    initiator.config.author = &author;
    start();
    body = prove_body(&author);
    say(&initiator, MESSAGE_PROVE, &body);
    body = offer_body(&initiator, false);
    say(&initiator, MESSAGE_OFFER, &body);
    body = offer_body(&responder, true);
    say(&responder, MESSAGE_OFFER, &body);
    body = heap_buf();
    ping_write(&body, 7);
    say(&responder, MESSAGE_PING, &body);
    finish();
    emit_begin("session", '{');
    emit_hex("space", space.b, sizeof space.b);
    emit_hex("author", author.key.b, sizeof author.key.b);
    emit_said();
    emit_end('}');
}

/* ---- a session at a ticket's door ---- */

static void emit_door(void)
{
    static const uint8_t sealed[] = "a request, sealed to the chair";
    const struct door_leave leave = {invite, {sealed, sizeof sealed - 1}};
    struct covey_buf body = heap_buf();

    begin_side(&initiator, NOISE_INITIATOR, 0x50);
    begin_side(&responder, NOISE_RESPONDER, 0x60);
    initiator.config.door = true;
    initiator.config.invite = invite;
    initiator.config.psk = filled(0xd0);
    start();
    door_leave_write(&body, &leave);
    say(&initiator, MESSAGE_DOOR_LEAVE, &body);
    body = heap_buf();
    answer_write(&body, DOOR_LEFT);
    say(&responder, MESSAGE_DOOR_ANSWER, &body);
    finish();
    emit_begin("door", '{');
    emit_hex("invite", invite.b, sizeof invite.b);
    emit_hex("door", initiator.config.psk.b, 32);
    emit_said();
    emit_end('}');
}

/* ---- proofs ---- */

static void emit_blind(const char *name, const uint8_t hash[NOISE_HASH],
                       enum noise_role namer)
{
    struct blind blind = blind_space(hash, &space, namer);

    emit_hex(name, blind.b, sizeof blind.b);
}

static void emit_proof(void)
{
    const struct noise_key prover = {{0x90, 0x91}};
    const struct sign_pair author = author_of(0x17);
    uint8_t hash[NOISE_HASH];
    uint8_t bytes[PROOF_SIZE];
    struct proof proof;
    struct carry carry;

    memset(hash, 0x4a, sizeof hash);

    struct blind blind = blind_space(hash, &space, NOISE_INITIATOR);

    proof_make(hash, &prover, &blind, &author, &proof);
    carry_make(hash, &space, &author, &carry);
    emit_begin("proof", '{');
    emit_hex("handshake_hash", hash, sizeof hash);
    emit_hex("space", space.b, sizeof space.b);
    emit_hex("prover", prover.b, sizeof prover.b);
    emit_blind("blind_by_initiator", hash, NOISE_INITIATOR);
    emit_blind("blind_by_responder", hash, NOISE_RESPONDER);
    proof_write(&proof, bytes);
    emit_hex("proof", bytes, sizeof bytes);
    carry_write(&carry, bytes);
    emit_hex("carry", bytes, sizeof bytes);
    emit_end('}');
}

/* ---- frames ---- */

/* A body that takes three frames, told by the hash of what goes over: its byte
 * i is i mod 251. */
static void emit_long(void)
{
    const struct seed key = filled(0x42);
    const size_t len = 140000;
    struct covey_buf body = heap_buf();
    struct covey_buf wire = heap_buf();
    struct frame_link link;
    uint8_t digest[32];

    uint8_t *p = buf_extend(&body, len);

    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(i % 251);
    frame_init(&link, &heap);
    memcpy(link.send.key, key.b, sizeof key.b);
    if (!frame_send(&link, MESSAGE_BATCH, buf_bytes(&body)))
        need(COVEY_ENOMEM);

    size_t size = frame_size(len);

    frame_take(&link, buf_extend(&wire, size), size);
    crypto_hash_sha256(digest, wire.p, wire.len);
    emit_begin("fragments", '{');
    emit_hex("key", key.b, sizeof key.b);
    emit_number("kind", MESSAGE_BATCH);
    emit_number("body_length", len);
    emit_number("wire_length", wire.len);
    emit_hex("sha256", digest, sizeof digest);
    emit_end('}');
    frame_clear(&link);
    buf_clear(&body);
    buf_clear(&wire);
}

/* The last message under a key, and the first under the next. */
static void emit_rekey(void)
{
    const struct seed key = filled(0x42);
    struct covey_buf body = heap_buf();
    struct frame_link link;
    uint8_t wire[64];

    ping_write(&body, 1);
    frame_init(&link, &heap);
    memcpy(link.send.key, key.b, sizeof key.b);
    emit_begin("rekey", '{');
    emit_hex("key", key.b, sizeof key.b);
    emit_number("kind", MESSAGE_PING);
    emit_bytes("body", buf_bytes(&body));
    for (uint32_t i = 1; i <= SESSION_REKEY + 1; i++) {
        if (!frame_send(&link, MESSAGE_PING, buf_bytes(&body)))
            need(COVEY_ENOMEM);

        size_t len = frame_take(&link, wire, sizeof wire);

        if (i == SESSION_REKEY)
            emit_hex("message_1024", wire, len);
        if (i == SESSION_REKEY + 1)
            emit_hex("message_1025", wire, len);
    }
    emit_hex("next_key", link.send.key, sizeof link.send.key);
    emit_end('}');
    frame_clear(&link);
    buf_clear(&body);
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    emit_begin(NULL, '{');
    emit_session();
    emit_door();
    emit_proof();
    emit_long();
    emit_rekey();
    emit_end('}');
    putchar('\n');
    return 0;
}
