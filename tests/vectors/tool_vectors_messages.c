/* The vectors of messages: a body of each kind, and the values in it. */
#include <sodium.h>

#include "proto/batch.h"
#include "proto/changeset.h"
#include "proto/session.h"
#include "proto/wire.h"
#include "tests/vectors/emit.h"

#define WALL_MS 1767225600000u /* 2026-01-01 */

static const struct invite_id invite = {{0x1d, 0x1d}};
static const struct blind blind = {{0xb1, 0x1d}};
static struct covey_buf body; /* of the kind at hand */

/* Begin a kind whose body is written; its values follow, in a bracket. */
static void begin(const char *name, char bracket)
{
    need(buf_rc(&body));
    emit_begin(name, '{');
    emit_bytes("body", buf_bytes(&body));
    emit_begin("values", bracket);
    buf_reset(&body);
}

static void end(char bracket)
{
    emit_end(bracket);
    emit_end('}');
}

static void emit_bool(const char *name, bool v)
{
    emit_name(name);
    printf(v ? "true" : "false");
}

/* ---- HELLO, PROVE ---- */

static void emit_hello(void)
{
    const struct hello hello = {1, 2, "covey 0.1", WALL_MS};

    hello_write(&body, &hello);
    begin("HELLO", '[');
    emit_number(NULL, hello.version_min);
    emit_number(NULL, hello.version_max);
    emit_text(NULL, hello.software);
    emit_number(NULL, hello.wall_ms);
    end(']');
}

static void emit_prove(void)
{
    struct prove prove = {.proof_count = 2};

    for (size_t i = 0; i < prove.proof_count; i++) {
        memset(&prove.proofs[i].blind, 0xb0 + (int)i, 16);
        memset(&prove.proofs[i].author, 0xa0 + (int)i, 32);
        memset(&prove.proofs[i].signature, 0x50 + (int)i, 64);
    }
    prove_write(&body, &prove);
    begin("PROVE", '[');
    for (size_t i = 0; i < prove.proof_count; i++) {
        uint8_t bytes[PROOF_SIZE];

        proof_write(&prove.proofs[i], bytes);
        emit_hex(NULL, bytes, sizeof bytes);
    }
    end(']');
}

/* ---- about a space ---- */

static void emit_offer(void)
{
    const struct offer offer = {blind, 4, {{0xe4}}, {{0xf0}}, true};

    offer_write(&body, &offer);
    begin("OFFER", '[');
    emit_hex(NULL, blind.b, sizeof blind.b);
    emit_number(NULL, offer.epoch_number);
    emit_hex(NULL, offer.epoch_head.b, 32);
    emit_hex(NULL, offer.frontier.b, 32);
    emit_bool(NULL, offer.ask);
    end(']');
}

static void emit_epochs(void)
{
    static const uint8_t epochs[2][3] = {{0xe0, 1, 2}, {0xe1, 3, 4}};

    epochs_begin(&body, &blind, 2);
    wire_bin(&body, epochs[0], sizeof epochs[0]);
    wire_bin(&body, epochs[1], sizeof epochs[1]);
    begin("EPOCHS", '[');
    emit_hex(NULL, blind.b, sizeof blind.b);
    emit_begin(NULL, '[');
    emit_hex(NULL, epochs[0], sizeof epochs[0]);
    emit_hex(NULL, epochs[1], sizeof epochs[1]);
    emit_end(']');
    end(']');
}

static void emit_frontier(void)
{
    const struct log_head head = {{{0xa0}}, {{0x1c}}, 57, {{0x77}}};

    frontier_begin(&body, &blind, false);
    frontier_add(&body, &head);

    struct covey_bytes entry = {body.p + body.len - FRONTIER_ENTRY,
                                FRONTIER_ENTRY};

    begin("FRONTIER", '{');
    emit_hex("blind", blind.b, sizeof blind.b);
    emit_number("last", 0);
    emit_begin("entries", '[');
    emit_bytes(NULL, entry);
    emit_end(']');
    end('}');
}

/* An empty change set of nobody's, as far as its form goes. */
static void emit_record(const struct header *h, struct covey_bytes payload,
                        const struct signature *signature)
{
    emit_begin(NULL, '{');
    emit_begin("log", '{');
    emit_hex("author", h->author.b, 32);
    emit_hex("incarnation", h->incarnation.b, 8);
    emit_end('}');
    emit_number("number", h->number);
    emit_hex("previous", h->previous.b, 32);
    emit_hex("epoch", h->epoch.b, 32);
    emit_begin("cites", '[');
    for (size_t i = 0; i < h->cite_count; i++)
        emit_hex(NULL, h->cites[i].b, 32);
    emit_end(']');
    emit_bytes("payload", payload);
    emit_hex("signature", signature->b, 64);
    emit_end('}');
}

static void emit_batch(void)
{
    static struct batch_state state;
    const struct changeset_plain plain = {.kind = CHANGESET_EMPTY,
                                          .wall_ms = WALL_MS};
    const struct seed secret = filled(0x42);
    struct header h = {.author = {{0xa0}},
                       .incarnation = {{0x1c}},
                       .number = 300,
                       .previous = {{0x77}},
                       .epoch = {{0xe4}},
                       .cite_count = 1,
                       .cites = {{{0x0c}}},
                       .clock = 1};
    struct covey_buf payload = heap_buf();

    need(changeset_seal(&h, &plain, &secret, &secret, &secret, &payload));

    struct batch_item item = {.header = &h, .payload = buf_bytes(&payload)};

    memset(&item.signature, 0x51, sizeof item.signature);
    batch_begin(&state);
    batch_head_write(&body, &blind, 3);
    batch_add(&state, &body, &item);
    begin("BATCH", '{');
    emit_hex("blind", blind.b, sizeof blind.b);
    emit_number("sequence", 3);
    emit_begin("records", '[');
    emit_record(&h, buf_bytes(&payload), &item.signature);
    emit_end(']');
    end('}');
    buf_clear(&payload);
}

static void emit_ack(void)
{
    const struct ack ack = {blind, 3};

    ack_write(&body, &ack);
    begin("ACK", '[');
    emit_hex(NULL, blind.b, sizeof blind.b);
    emit_number(NULL, ack.sequence);
    end(']');
}

/* ---- requests ---- */

static const uint8_t sealed[] = "a request, sealed";

static void emit_request(void)
{
    emit_hex(NULL, invite.b, sizeof invite.b);
    emit_hex(NULL, sealed, sizeof sealed);
}

static void emit_requests(void)
{
    requests_begin(&body, &blind, 1);
    requests_add(&body, &invite, (struct covey_bytes){sealed, sizeof sealed});
    begin("REQUESTS", '[');
    emit_hex(NULL, blind.b, sizeof blind.b);
    emit_begin(NULL, '[');
    emit_begin(NULL, '[');
    emit_request();
    emit_end(']');
    emit_end(']');
    end(']');
}

static void emit_door_leave(void)
{
    const struct door_leave leave = {invite, {sealed, sizeof sealed}};

    door_leave_write(&body, &leave);
    begin("DOOR_LEAVE", '[');
    emit_request();
    end(']');
}

/* ---- one number, or a number and a text ---- */

static void emit_ping(const char *name)
{
    ping_write(&body, 7);
    begin(name, '[');
    emit_number(NULL, 7);
    end(']');
}

static void emit_answer(const char *name, uint32_t code)
{
    answer_write(&body, code);
    begin(name, '[');
    emit_number(NULL, code);
    end(']');
}

static void emit_close(void)
{
    const char *text = session_close_text(SESSION_CLOSE_DONE);

    close_write(&body, SESSION_CLOSE_DONE, text);
    begin("CLOSE", '[');
    emit_number(NULL, SESSION_CLOSE_DONE);
    emit_text(NULL, text);
    end(']');
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    body = heap_buf();
    emit_begin(NULL, '{');
    emit_begin("messages", '{');
    emit_hello();
    emit_prove();
    emit_offer();
    emit_epochs();
    emit_frontier();
    emit_batch();
    emit_ack();
    emit_ping("PING");
    emit_ping("PONG");
    emit_requests();
    emit_door_leave();
    emit_answer("DOOR_ANSWER", DOOR_USED);
    emit_answer("CARRY_ANSWER", CARRY_WAITING);
    emit_close();
    emit_end('}');
    emit_end('}');
    putchar('\n');
    buf_clear(&body);
    return 0;
}
