/* support_liar.c - see support_liar.h. */
#include "tests/unit/support_liar.h"

#include <string.h>

#include "proto/batch.h"
#include "store/space.h"
#include "store/store.h"
#include "tests/unit/support_wire.h"

static struct covey_buf body;

static void say(struct liar *l, enum message_kind kind)
{
    CHECK(buf_rc(&body) == COVEY_OK);
    CHECK(session_send(l->session, kind, buf_bytes(&body)) == COVEY_OK);
    buf_clear(&body);
}

static void new_body(void)
{
    buf_clear(&body);
    buf_init(&body, &support_heap, 4u << 20);
}

struct blind liar_blind(const struct liar *l)
{
    return blind_space(session_hash(l->session), &l->space, NOISE_INITIATOR);
}

/* The epoch is the node's, and of the rest the liar has nothing. */
static void on_offer(struct liar *l, struct covey_bytes in)
{
    struct offer o;

    CHECK(offer_read(in, &o) == COVEY_OK);
    l->epoch = o.epoch_head;
    l->epoch_number = o.epoch_number;
    o.blind = liar_blind(l);
    memset(&o.frontier, 0, sizeof o.frontier);
    o.ask = false;
    new_body();
    offer_write(&body, &o);
    say(l, MESSAGE_OFFER);
}

static void on_frontier(struct liar *l, struct covey_bytes in)
{
    struct blind blind = liar_blind(l);
    struct frontier f;

    CHECK(frontier_read(in, &f) == COVEY_OK && f.last);
    CHECK(f.count <= LIAR_HEADS_MAX);
    for (size_t i = 0; i < f.count; i++)
        frontier_entry(&f, i, &l->heads[i]);
    l->head_count = f.count;
    l->frontiers++;
    new_body();
    frontier_begin(&body, &blind, true);
    say(l, MESSAGE_FRONTIER);
}

static void on_effect(struct liar *l, const struct session_effect *fx)
{
    if (fx->kind == SESSION_FX_DOWN) {
        l->down = true;
        l->code = fx->down.code;
        memcpy(l->text, fx->down.text, sizeof l->text);
    }
    if (fx->kind != SESSION_FX_MESSAGE)
        return;
    if (fx->message.kind == MESSAGE_OFFER)
        on_offer(l, fx->message.body);
    else if (fx->message.kind == MESSAGE_FRONTIER)
        on_frontier(l, fx->message.body);
    else if (fx->message.kind == MESSAGE_ACK)
        l->acked++;
    else if (fx->message.kind == MESSAGE_BATCH)
        l->batches++;
}

static void speak(struct liar *l)
{
    static uint8_t bytes[SESSION_FRAME_MAX];
    size_t n;

    while ((n = session_output(l->session, l->w->clock.now, bytes,
                               sizeof bytes)) > 0)
        nodes_visitor_says(l->w, bytes, n);
}

static void listen(struct liar *l)
{
    struct covey_buf *heard = &l->w->visitor.heard;
    size_t at = 0, used = 1;

    while (used > 0) {
        struct covey_bytes in = {heard->p + at, heard->len - at};
        struct session_effects fx;

        CHECK(session_receive(l->session, in, l->w->clock.now, &used, &fx) ==
              COVEY_OK);
        at += used;
        for (size_t i = 0; i < fx.count; i++)
            on_effect(l, &fx.item[i]);
    }
    memmove(heard->p, heard->p + at, heard->len - at);
    heard->len -= at;
}

void liar_hear(struct liar *l)
{
    nodes_run(l->w, 1);
    listen(l);
    speak(l);
}

/* Talk until `*until` has another value, the node closed, or 20 s are over. */
static void talk(struct liar *l, const uint32_t *until)
{
    const uint32_t now = *until;

    for (int i = 0; i < 20 && !l->down && *until == now; i++) {
        speak(l);
        listen(l);
        speak(l);
        nodes_run(l->w, 1);
        listen(l);
    }
}

/* What its record says of the space. */
static void read_record(struct liar *l, const char *dir)
{
    struct covey_why why = {{0}};
    struct space_row row = {.n = 0};
    struct store *st;
    struct seed history;

    CHECK(store_open(dir, &st, &why) == COVEY_OK);
    do
        CHECK(space_next(st, row.n, &row) == COVEY_OK);
    while (memcmp(&row.id, &l->space, sizeof row.id) != 0);
    CHECK(space_key_get(st, row.n, 0, &l->key, &history) == COVEY_OK);
    l->tag = member_tag_of(&store_self(st)->member);
    store_close(st);

    struct seed author = author_seed(&l->secrets.sign, row.label);
    sign_pair_from(&author, &l->author);
}

void liar_become(struct liar *l, struct world *w, size_t as, const char *space)
{
    memset(l, 0, sizeof *l);
    l->w = w;
    l->secrets = w->nodes[as].secrets;
    CHECK(w->nodes[as].node == NULL);
    CHECK(hex_decode(space, l->space.b, sizeof l->space.b));
    read_record(l, w->nodes[as].dir);
}

bool liar_dial(struct liar *l, size_t to)
{
    struct session_config config = {.mem = &support_heap,
                                    .role = NOISE_INITIATOR,
                                    .ephemeral = {{7}},
                                    .wall_ms = l->w->clock.wall_ms,
                                    .software = "liar"};

    l->to = to;
    config.static_secret = l->secrets.noise;
    dh_public(&l->secrets.noise, config.static_key.b);
    dh_public(&l->w->nodes[to].secrets.noise, config.remote.b);
    CHECK(session_new(&config, l->w->clock.now, &l->session) == COVEY_OK);
    nodes_visit(l->w, to);
    talk(l, &l->frontiers);
    return l->frontiers > 0;
}

void liar_meet(struct liar *l, struct world *w, size_t as, size_t to,
               const char *space)
{
    liar_become(l, w, as, space);
    CHECK(liar_dial(l, to));
}

void liar_leave(struct liar *l)
{
    session_free(l->session);
    buf_clear(&body);
    memset(l, 0, sizeof *l);
}

struct header liar_header(const struct liar *l, uint8_t run)
{
    struct header h = {.space = l->space,
                       .author = l->author.key,
                       .incarnation = {{run, 0xfa, 0x15, 0xe}},
                       .number = 1,
                       .epoch = l->epoch,
                       .clock = 1};

    return h;
}

void liar_seal(const struct liar *l, struct header *h,
               const struct covey_bytes *rows, size_t count,
               struct covey_buf *payload)
{
    struct changeset_plain plain = {.kind = l->kind,
                                    .wall_ms = l->w->clock.wall_ms,
                                    .part_count = count,
                                    .parts = rows};
    struct seed fresh = {{h->incarnation.b[0], (uint8_t)h->number}};

    buf_init(payload, &support_heap, HEADER_PAYLOAD_MAX);
    CHECK(changeset_seal(h, &plain, &l->key, &l->secrets.nonce, &fresh,
                         payload) == COVEY_OK);
}

static void add(const struct liar *l, struct batch_state *state,
                const struct liar_set *set)
{
    const struct header *h = set->header;
    struct batch_item item = {
        .header = h, .hash = header_hash(h), .payload = set->payload};

    item.signature =
        set->signature == NULL ? header_sign(h, &l->author) : *set->signature;
    batch_add(state, &body, &item);
}

void liar_say(struct liar *l, enum message_kind kind, struct covey_bytes in)
{
    if (session_send(l->session, kind, in) != COVEY_OK)
        return;
    speak(l);
    liar_hear(l);
}

bool liar_send(struct liar *l, const struct liar_set *sets, size_t count)
{
    static struct batch_state state;
    struct blind blind = liar_blind(l);
    uint32_t acked = l->acked;

    new_body();
    batch_head_write(&body, &blind, ++l->sent);
    batch_begin(&state);
    for (size_t i = 0; i < count; i++)
        add(l, &state, &sets[i]);
    say(l, MESSAGE_BATCH);
    talk(l, &l->acked);
    return l->acked > acked;
}
