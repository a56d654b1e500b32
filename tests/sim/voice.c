/* voice.c - see voice.h. */
#include "tests/sim/voice.h"

#include <string.h>

#include "daemon/heap.h"
#include "proto/batch.h"
#include "store/space.h"
#include "store/store.h"

#define BODY_MAX (4u << 20)
#define INBOX_MAX (8u << 20)

/* ---- what it learns ---- */

void voice_learn(struct voice *v, const char *dir,
                 const struct node_secrets *secrets,
                 const struct space_id *space)
{
    struct covey_why why = {{0}};
    struct space_row row = {.n = 0};
    struct store *st;
    struct seed history;

    CHECK(store_open(dir, &st, &why) == COVEY_OK);
    do
        CHECK(space_next(st, row.n, &row) == COVEY_OK);
    while (memcmp(&row.id, space, sizeof row.id) != 0);
    v->secrets = *secrets;
    v->space = *space;
    CHECK(space_key_get(st, row.n, 0, &v->key, &history) == COVEY_OK);
    v->tag = member_tag_of(&store_self(st)->member);
    store_close(st);

    struct seed author = author_seed(&v->secrets.sign, row.label);
    sign_pair_from(&author, &v->author);
}

/* ---- a session ---- */

void voice_begin(struct voice *v, const struct noise_key *remote,
                 const struct seed *ephemeral, struct node_clock clock)
{
    struct session_config config = {.mem = &heap_mem,
                                    .role = NOISE_INITIATOR,
                                    .static_secret = v->secrets.noise,
                                    .ephemeral = *ephemeral,
                                    .remote = *remote,
                                    .proof = SESSION_PROOF_SPACE,
                                    .space = v->space,
                                    .author = &v->author,
                                    .wall_ms = clock.wall_ms,
                                    .software = "liar"};

    CHECK(v->session == NULL);
    dh_public(&v->secrets.noise, config.static_key.b);
    v->now = clock.now;
    v->wall_ms = clock.wall_ms;
    v->frontiers = v->batches = v->sent = v->acked = 0;
    v->head_count = 0;
    v->down = false;
    buf_init(&v->inbox, &heap_mem, INBOX_MAX);
    CHECK(session_new(&config, v->now, &v->session) == COVEY_OK);
}

void voice_end(struct voice *v)
{
    session_free(v->session);
    v->session = NULL;
    buf_clear(&v->inbox);
}

struct blind voice_blind(const struct voice *v)
{
    return blind_space(session_hash(v->session), &v->space, NOISE_INITIATOR);
}

static bool ours(const struct voice *v, const struct blind *blind)
{
    struct blind its =
        blind_space(session_hash(v->session), &v->space, NOISE_RESPONDER);

    return memcmp(&its, blind, sizeof its) == 0;
}

static struct covey_buf new_body(void)
{
    struct covey_buf body;

    buf_init(&body, &heap_mem, BODY_MAX);
    return body;
}

static bool say(struct voice *v, enum message_kind kind, struct covey_buf *body)
{
    CHECK(buf_rc(body) == COVEY_OK);

    enum covey_rc rc = session_send(v->session, kind, buf_bytes(body));

    buf_clear(body);
    return rc == COVEY_OK;
}

/* The epoch is the node's, and of the rest the liar has nothing. */
static void on_offer(struct voice *v, struct covey_bytes in)
{
    struct covey_buf body = new_body();
    struct offer o;

    CHECK(offer_read(in, &o) == COVEY_OK);
    if (!ours(v, &o.blind)) /* another space that both know */
        return;
    v->epoch = o.epoch_head;
    v->epoch_number = o.epoch_number;
    o.blind = voice_blind(v);
    memset(&o.frontier, 0, sizeof o.frontier);
    o.ask = false;
    offer_write(&body, &o);
    (void)say(v, MESSAGE_OFFER, &body);
}

static void on_frontier(struct voice *v, struct covey_bytes in)
{
    struct covey_buf body = new_body();
    struct blind blind = voice_blind(v);
    struct frontier f;

    CHECK(frontier_read(in, &f) == COVEY_OK);
    if (!ours(v, &f.blind))
        return;
    v->head_count = f.count < VOICE_HEADS_MAX ? f.count : VOICE_HEADS_MAX;
    for (size_t i = 0; i < v->head_count; i++)
        frontier_entry(&f, i, &v->heads[i]);
    if (!f.last)
        return;
    v->frontiers++;
    frontier_begin(&body, &blind, true);
    (void)say(v, MESSAGE_FRONTIER, &body);
}

static void on_effect(struct voice *v, const struct session_effect *fx)
{
    if (fx->kind == SESSION_FX_DOWN) {
        v->down = true;
        v->by_peer = fx->down.by_peer;
        v->code = fx->down.code;
        memcpy(v->text, fx->down.text, sizeof v->text);
    }
    if (fx->kind != SESSION_FX_MESSAGE)
        return;
    if (fx->message.kind == MESSAGE_OFFER)
        on_offer(v, fx->message.body);
    else if (fx->message.kind == MESSAGE_FRONTIER)
        on_frontier(v, fx->message.body);
    else if (fx->message.kind == MESSAGE_ACK)
        v->acked++;
    else if (fx->message.kind == MESSAGE_BATCH)
        v->batches++;
}

void voice_hear(struct voice *v, struct covey_bytes in, struct node_clock now)
{
    size_t at = 0, used = 1;
    struct session_effects fx;

    v->now = now.now;
    buf_append(&v->inbox, in.p, in.len);
    CHECK(buf_rc(&v->inbox) == COVEY_OK);
    while (used > 0) {
        struct covey_bytes left = {v->inbox.p + at, v->inbox.len - at};

        CHECK(session_receive(v->session, left, v->now, &used, &fx) ==
              COVEY_OK);
        at += used;
        for (size_t i = 0; i < fx.count; i++)
            on_effect(v, &fx.item[i]);
    }
    if (at > 0)
        memmove(v->inbox.p, v->inbox.p + at, v->inbox.len - at);
    v->inbox.len -= at;
    if (v->now >= session_deadline(v->session)) {
        session_expire(v->session, v->now, &fx);
        for (size_t i = 0; i < fx.count; i++)
            on_effect(v, &fx.item[i]);
    }
}

size_t voice_output(struct voice *v, uint8_t *dst, size_t cap)
{
    return session_output(v->session, v->now, dst, cap);
}

/* ---- change sets ---- */

struct header voice_header(const struct voice *v, uint32_t run)
{
    struct header h = {.space = v->space,
                       .author = v->author.key,
                       .incarnation = {{0, 0xfa, 0x15, 0xe}},
                       .number = 1,
                       .epoch = v->epoch,
                       .clock = 1};

    h.incarnation.b[0] = (uint8_t)run;
    put_u32(h.incarnation.b + 4, run);
    return h;
}

void voice_row(struct covey_buf *out, const struct member_tag *tag,
               uint32_t number, const char *words,
               const struct stamp_name *over)
{
    static const uint16_t first = 0;
    struct cell_value exists = {.type = CELL_BOOL, .integer = 1};
    struct cell_value text = {.type = CELL_TEXT,
                              .text = {(const uint8_t *)words, strlen(words)}};
    struct row_id id = {{0}};

    memcpy(id.b + ROW_ID_TAG_OFFSET, tag->b, sizeof tag->b);
    put_u32(id.b + sizeof id.b - 4, number);
    row_part_begin(out, 1, &id, over, over != NULL, 3);
    row_part_cell(out, 0, &exists, NULL, 0);
    row_part_cell(out, 1, &text, &first, over != NULL);
    row_part_cell(out, 2, &text, NULL, 0);
    CHECK(buf_rc(out) == COVEY_OK);
}

void voice_seal(const struct voice *v, struct header *h,
                const struct covey_bytes *rows, size_t count,
                struct covey_buf *payload)
{
    struct changeset_plain plain = {.kind = v->kind,
                                    .wall_ms = v->wall_ms,
                                    .part_count = count,
                                    .parts = rows};
    struct seed fresh = {{(uint8_t)h->number}};

    memcpy(fresh.b + 1, h->incarnation.b, sizeof h->incarnation.b);
    buf_init(payload, &heap_mem, HEADER_PAYLOAD_MAX);
    CHECK(changeset_seal(h, &plain, &v->key, &v->secrets.nonce, &fresh,
                         payload) == COVEY_OK);
}

static void add(const struct voice *v, struct batch_state *state,
                struct covey_buf *body, const struct voice_set *set)
{
    struct header own = *set->header;
    struct batch_item item = {.header = set->header,
                              .hash = header_hash(set->header),
                              .chained = v->chained,
                              .payload = set->payload};

    own.author = v->author.key; /* it has no other's key */
    item.signature = set->signature == NULL ? header_sign(&own, &v->author)
                                            : *set->signature;
    batch_add(state, body, &item);
}

bool voice_say_batch(struct voice *v, const struct voice_set *sets,
                     size_t count)
{
    static struct batch_state state;
    struct covey_buf body = new_body();
    struct blind blind = voice_blind(v);

    batch_head_write(&body, &blind, ++v->sent);
    batch_begin(&state);
    for (size_t i = 0; i < count; i++)
        add(v, &state, &body, &sets[i]);
    return say(v, MESSAGE_BATCH, &body);
}
