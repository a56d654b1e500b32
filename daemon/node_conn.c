/* node_conn.c - connections: their sessions, and who is let in.
 *
 *   accepted --AUTH--> let_in() --UP--> links_open()   (node_sync.c)
 *   target --dial--> connected --UP--> links_open()
 *
 * A connection that is down stays in the list, without its session, until
 * conn_reap(): nothing here frees what a caller further up still holds. */
#include "daemon/node_internal.h"

#include <stdlib.h>
#include <string.h>

struct conn *conn_by_id(struct node *node, uint64_t id)
{
    for (struct conn *c = node->conns; c != NULL; c = c->next)
        if (c->id == id)
            return c;
    return NULL;
}

struct conn *conn_new(struct node *node, uint64_t id)
{
    struct conn *c = calloc(1, sizeof *c);

    if (c == NULL)
        return NULL;
    c->id = id;
    c->since = node->clock.now;
    buf_init(&c->in, &node->mem, 4u << 20);
    buf_init(&c->parked.body, &node->mem, 2u << 20);
    c->next = node->conns;
    node->conns = c;
    node->conn_count++;
    return c;
}

static void drop_later(struct conn *c)
{
    while (c->later != NULL) {
        struct later *l = c->later;

        c->later = l->next;
        buf_clear(&l->body);
        free(l);
    }
}

static void conn_free(struct node *node, struct conn *c)
{
    while (c->links != NULL) {
        struct link *l = c->links;

        c->links = l->next;
        link_free(node, l);
    }
    if (c->target != NULL && c->target->conn == c)
        c->target->conn = NULL;
    drop_later(c);
    session_free(c->session);
    buf_clear(&c->in);
    buf_clear(&c->parked.body);
    free(c);
    node->conn_count--;
}

void conn_free_all(struct node *node)
{
    while (node->conns != NULL) {
        struct conn *c = node->conns;

        node->conns = c->next;
        conn_free(node, c);
    }
}

void conn_note_output(struct node *node, struct conn *c)
{
    if (c->output_noted || c->session == NULL ||
        session_waiting(c->session) == 0)
        return;
    struct queued *q = node_emit(node, NODE_FX_OUTPUT);
    q->fx.conn = c->id;
    c->output_noted = true;
}

static void went_down(struct node *node, struct conn *c)
{
    if (c->closing)
        return;
    c->closing = true;
    struct target *t = c->target;
    if (t != NULL && t->conn == c) {
        t->conn = NULL;
        c->target = NULL;
        if (c->up && node->clock.now - c->since > 5 * COVEY_SECOND)
            t->failures = 0;
        target_back_off(node, t);
    }
}

static void on_down(struct node *node, struct conn *c)
{
    went_down(node, c);
    conn_note_output(node, c);
    struct queued *q = node_emit(node, NODE_FX_CLOSE);
    q->fx.conn = c->id;
}

void conn_shut(struct node *node, struct conn *c, enum session_close_code code,
               const char *text)
{
    struct session_effects fx = {.count = 0};

    if (c->closing)
        return;
    if (c->session != NULL)
        session_close(c->session, code, text, &fx);
    on_down(node, c);
}

void conn_drop(struct node *node, struct conn *c)
{
    went_down(node, c);
    session_free(c->session);
    c->session = NULL;
    struct queued *q = node_emit(node, NODE_FX_CLOSE);
    q->fx.conn = c->id;
}

void conn_reap(struct node *node)
{
    struct conn **at = &node->conns;

    while (*at != NULL) {
        struct conn *c = *at;
        bool done = c->closing &&
                    (c->session == NULL || session_waiting(c->session) == 0);

        if (!done) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        conn_free(node, c);
    }
}

void conn_send(struct node *node, struct conn *c, enum message_kind kind,
               struct covey_buf *body)
{
    enum covey_rc rc = buf_rc(body);

    if (c->closing || !c->up) {
        buf_clear(body);
        return;
    }
    if (rc == COVEY_OK)
        rc = session_send(c->session, kind, buf_bytes(body));
    buf_clear(body);
    if (rc == COVEY_OK)
        conn_note_output(node, c);
    else
        conn_shut(node, c, SESSION_CLOSE_FULL, NULL);
}

void conn_send_later(struct node *node, struct conn *c, enum message_kind kind,
                     struct covey_buf *body)
{
    struct later **at = &c->later;
    struct later *l = calloc(1, sizeof *l);

    if (l == NULL || !node->in_group) {
        free(l);
        conn_send(node, c, kind, body);
        return;
    }
    while (*at != NULL)
        at = &(*at)->next;
    l->kind = kind;
    l->body = *body;
    memset(body, 0, sizeof *body);
    *at = l;
}

void conn_say_later(struct node *node)
{
    for (struct conn *c = node->conns; c != NULL; c = c->next)
        while (c->later != NULL) {
            struct later *l = c->later;

            c->later = l->next;
            conn_send(node, c, l->kind, &l->body);
            free(l);
        }
}

/* ---- who is let in ---- */

static struct link *grant(struct node *node, struct conn *c,
                          struct node_space *s, const struct sign_key *author)
{
    const struct seat_author *a = membership_author(&s->m, author);

    return a == NULL || a->cut ? NULL : link_open(node, c, s, a->rights);
}

static bool known_key(struct node *node, const struct noise_key *key)
{
    for (const struct target *t = node->targets; t != NULL; t = t->next)
        if (t->pinned && memcmp(&t->address.key, key, sizeof *key) == 0)
            return true;
    for (struct node_space *s = node->spaces; s != NULL; s = s->next) {
        const struct seat_carrier *k = membership_carrier(&s->m, key);
        const struct seat_node *n = membership_node_by_noise(&s->m, key);

        if ((k != NULL && k->present) || (n != NULL && n->present))
            return true;
    }
    return false;
}

static struct node_space *space_by_blind(struct node *node,
                                         const uint8_t *handshake,
                                         const struct blind *blind,
                                         enum noise_role namer)
{
    for (struct node_space *s = node->spaces; s != NULL; s = s->next) {
        struct blind b = blind_space(handshake, &s->row.id, namer);

        if (sodium_memcmp(&b, blind, sizeof b) == 0)
            return s;
    }
    return NULL;
}

static bool proves_space(struct node *node, struct conn *c,
                         const struct session_effect *fx)
{
    struct node_space *s = space_by_blind(node, session_hash(c->session),
                                          &fx->auth.blind, NOISE_INITIATOR);
    const struct seat_author *a =
        s == NULL ? NULL : membership_author(&s->m, &fx->auth.author);

    return a != NULL && grant(node, c, s, &fx->auth.author) != NULL;
}

static void let_in(struct node *node, struct conn *c,
                   const struct session_effect *fx,
                   struct session_effects *more)
{
    bool ok = false;

    if (session_is_door(c->session)) {
        c->kind = CONN_DOOR;
        ok = true;
    } else if (fx->auth.kind == SESSION_PROOF_SPACE) {
        ok = proves_space(node, c, fx) || known_key(node, &fx->auth.peer);
    } else if (fx->auth.kind == SESSION_PROOF_CARRY) {
        c->kind = CONN_CARRY;
        c->carry_space = fx->auth.space;
        c->carry_author = fx->auth.author;
        ok = true;
    } else {
        ok = known_key(node, &fx->auth.peer);
    }
    c->peer = fx->auth.peer;
    if (!ok || session_accept(c->session, node->clock.now) != COVEY_OK) {
        session_refuse(c->session, more);
        return;
    }
    if (c->kind == CONN_CARRY && !join_may_carry(node, c))
        return; /* it is told to wait, and stays a stranger */
    struct queued *q = node_emit(node, NODE_FX_KNOWN);
    q->fx.conn = c->id;
}

/* A new session of a node key replaces the old one; where two crossed, the
 * one that the lower key dialled stays. */
static void replace_older(struct node *node, struct conn *c)
{
    for (struct conn *o = node->conns; o != NULL; o = o->next) {
        if (o == c || o->closing || !o->up || o->kind != CONN_PLAIN ||
            c->kind != CONN_PLAIN ||
            memcmp(&o->peer, &c->peer, sizeof o->peer) != 0)
            continue;
        bool ours_lower =
            memcmp(&node->noise_key, &c->peer, sizeof c->peer) < 0;
        bool crossed = o->dialled != c->dialled &&
                       node->clock.now - o->since < 10 * COVEY_SECOND;
        struct conn *loser = crossed && o->dialled == ours_lower ? c : o;

        SOMETIMES("a session replaces another with the same node");
        conn_shut(node, loser, SESSION_CLOSE_REPLACED, NULL);
        if (loser == c)
            return;
    }
}

static void on_up(struct node *node, struct conn *c,
                  const struct session_effect *fx)
{
    c->up = true;
    c->peer = session_peer(c->session);
    node->clock_offset_ms =
        (int64_t)fx->hello->wall_ms - (int64_t)node->clock.wall_ms;
    replace_older(node, c);
    if (c->closing)
        return;
    if (c->kind == CONN_DOOR) {
        if (c->dialled)
            join_up(node, c);
        return;
    }
    if (c->kind == CONN_CARRY && !c->dialled) {
        join_carry_asked(node, c);
        return;
    }
    links_open(node, c);
    links_offer(node, c);
}

void conn_make_plain(struct node *node, struct conn *c)
{
    c->kind = CONN_PLAIN;
    replace_older(node, c);
    if (c->closing)
        return;
    links_open(node, c);
    links_offer(node, c);
}

static void park(struct conn *c, enum message_kind kind,
                 struct covey_bytes body)
{
    c->parked.full = true;
    c->parked.kind = kind;
    buf_reset(&c->parked.body);
    buf_append(&c->parked.body, body.p, body.len);
}

static bool needs_disk(enum message_kind kind)
{
    return kind == MESSAGE_BATCH || kind == MESSAGE_EPOCHS ||
           kind == MESSAGE_REQUESTS || kind == MESSAGE_DOOR_LEAVE ||
           kind == MESSAGE_CARRY_ANSWER;
}

/* May what the message brings be written?  false: it waits for the lock, or the
 * group failed, which closed every session. */
static bool may_write(struct node *node, struct conn *c, enum message_kind kind,
                      struct covey_bytes body)
{
    enum covey_rc rc = node_group(node);

    if (rc == COVEY_EBUSY) {
        SOMETIMES("a message waits for the write lock");
        park(c, kind, body);
        node->parked = true;
    }
    if (rc != COVEY_OK)
        return false;
    if (node->group_bytes > 0)
        SOMETIMES("a group commit takes in many messages");
    node->group_bytes += body.len;
    return true;
}

static void on_message(struct node *node, struct conn *c,
                       enum message_kind kind, struct covey_bytes body)
{
    if (needs_disk(kind) && !may_write(node, c, kind, body))
        return;
    if (c->kind == CONN_DOOR)
        join_door_message(node, c, kind, body);
    else
        sync_message(node, c, kind, body);
}

static void on_effect(struct node *node, struct conn *c,
                      const struct session_effect *fx,
                      struct session_effects *more)
{
    struct seed psk;

    switch (fx->kind) {
    case SESSION_FX_NEED_PSK:
        if (join_psk(node, &fx->invite, &psk)) {
            c->door_invite = fx->invite;
            if (session_psk(c->session, &psk, more) != COVEY_OK)
                on_down(node, c);
        } else {
            session_refuse(c->session, more);
        }
        sodium_memzero(&psk, sizeof psk);
        return;
    case SESSION_FX_AUTH:
        let_in(node, c, fx, more);
        return;
    case SESSION_FX_UP:
        on_up(node, c, fx);
        return;
    case SESSION_FX_MESSAGE:
        on_message(node, c, fx->message.kind, fx->message.body);
        return;
    case SESSION_FX_DOWN:
        if (!c->up && !c->dialled)
            node->strangers++;
        on_down(node, c);
        return;
    }
}

static void act(struct node *node, struct conn *c, struct session_effects *fx)
{
    for (size_t i = 0; i < fx->count && !c->closing; i++) {
        struct session_effects more = {.count = 0};

        on_effect(node, c, &fx->item[i], &more);
        for (size_t k = 0; k < more.count && !c->closing; k++) {
            struct session_effects none = {.count = 0};
            on_effect(node, c, &more.item[k], &none);
        }
    }
}

/* Take frames off the buffer until one is not whole, or one must wait. */
static void feed(struct node *node, struct conn *c)
{
    while (!c->closing && !c->parked.full && c->session != NULL) {
        struct session_effects fx = {.count = 0};
        struct covey_bytes rest = {c->in.p + c->in_used,
                                   c->in.len - c->in_used};
        size_t used = 0;

        if (session_receive(c->session, rest, node->clock.now, &used, &fx) !=
            COVEY_OK) {
            conn_shut(node, c, SESSION_CLOSE_FULL, NULL);
            return;
        }
        c->in_used += used;
        act(node, c, &fx);
        if (used == 0)
            break;
    }
    if (c->in_used > 0) {
        memmove(c->in.p, c->in.p + c->in_used, c->in.len - c->in_used);
        c->in.len -= c->in_used;
        c->in_used = 0;
    }
    if (!c->closing)
        conn_note_output(node, c);
}

void conn_bytes(struct node *node, uint64_t id, struct covey_bytes bytes)
{
    struct conn *c = conn_by_id(node, id);

    if (c == NULL || c->closing)
        return;
    c->received_bytes += bytes.len;
    buf_append(&c->in, bytes.p, bytes.len);
    if (buf_rc(&c->in) != COVEY_OK) {
        conn_shut(node, c, SESSION_CLOSE_FULL, NULL);
        return;
    }
    feed(node, c);
}

void conn_resume(struct node *node, struct conn *c)
{
    if (!c->parked.full || c->closing)
        return;
    c->parked.full = false;
    struct covey_buf body = c->parked.body;
    buf_init(&c->parked.body, &node->mem, 2u << 20);
    on_message(node, c, c->parked.kind, buf_bytes(&body));
    buf_clear(&body);
    feed(node, c);
}

static void start(struct node *node, struct conn *c,
                  struct session_config *config)
{
    config->mem = &node->mem;
    config->static_secret = node->secrets.noise;
    config->static_key = node->noise_key;
    config->ephemeral = rng_seed(&node->rng);
    config->wall_ms = node->clock.wall_ms;
    config->software = SOFTWARE;
    if (session_new(config, node->clock.now, &c->session) != COVEY_OK)
        on_down(node, c);
    sodium_memzero(config, sizeof *config);
    if (!c->closing)
        conn_note_output(node, c);
}

void conn_accepted(struct node *node, uint64_t id)
{
    struct session_config config = {.role = NOISE_RESPONDER};
    struct conn *c =
        node->conn_count < NODE_CONNECTIONS_MAX ? conn_new(node, id) : NULL;

    if (c != NULL) {
        start(node, c, &config);
        return;
    }
    struct queued *q = node_emit(node, NODE_FX_CLOSE);
    q->fx.conn = id;
}

/* What message 3 proves to the node that we dial. */
static void choose_proof(struct node *node, const struct target *t,
                         struct session_config *config)
{
    const struct joining *j =
        t->kind == TARGET_DOOR ? joining_of(node, &t->space->row.id) : NULL;

    if (t->kind == TARGET_DOOR && j != NULL) {
        config->door = true;
        config->invite = j->keys.id;
        config->psk = j->keys.door;
        return;
    }
    if (t->space == NULL)
        return;
    config->proof =
        t->kind == TARGET_WISH ? SESSION_PROOF_CARRY : SESSION_PROOF_SPACE;
    config->space = t->space->row.id;
    config->author = &t->space->author;
}

void conn_connected(struct node *node, uint64_t id)
{
    struct session_config config = {.role = NOISE_INITIATOR};
    struct conn *c = conn_by_id(node, id);

    if (c == NULL || c->closing || c->session != NULL)
        return;
    if (c->target == NULL) {
        on_down(node, c);
        return;
    }
    config.remote = c->target->address.key;
    choose_proof(node, c->target, &config);
    c->kind = c->target->kind == TARGET_DOOR   ? CONN_DOOR
              : c->target->kind == TARGET_WISH ? CONN_CARRY
                                               : CONN_PLAIN;
    c->since = node->clock.now;
    start(node, c, &config);
}

void conn_lost(struct node *node, uint64_t id)
{
    struct conn *c = conn_by_id(node, id);

    if (c == NULL)
        return;
    went_down(node, c);
    session_free(c->session);
    c->session = NULL;
}

void conn_expire_all(struct node *node)
{
    for (struct conn *c = node->conns; c != NULL; c = c->next) {
        struct session_effects fx = {.count = 0};

        if (c->session == NULL || c->closing ||
            session_deadline(c->session) > node->clock.now)
            continue;
        session_expire(c->session, node->clock.now, &fx);
        act(node, c, &fx);
        if (!c->closing)
            conn_note_output(node, c);
    }
}
