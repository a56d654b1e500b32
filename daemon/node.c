/* node.c - events in, a group of them committed, effects out. */
#include "daemon/node_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- memory ---- */

static void *heap_alloc(void *ctx, size_t size)
{
    (void)ctx;
    return malloc(size);
}

static void heap_free(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

/* ---- effects ---- */

struct queued *node_emit(struct node *node, enum node_effect_kind kind)
{
    struct queued *q = calloc(1, sizeof *q);

    CHECK(q != NULL); /* what cannot even be said cannot be survived */
    q->fx.kind = kind;
    buf_init(&q->text, &node->mem, 64u << 20);
    *node->effects_end = q;
    node->effects_end = &q->next;
    return q;
}

static void drop_taken(struct node *node)
{
    if (node->taken == NULL)
        return;
    buf_clear(&node->taken->text);
    free(node->taken);
    node->taken = NULL;
}

bool node_effect(struct node *node, struct node_effect *out)
{
    drop_taken(node);
    struct queued *q = node->effects;
    if (q == NULL)
        return false;
    node->effects = q->next;
    if (node->effects == NULL)
        node->effects_end = &node->effects;
    q->fx.text = buf_bytes(&q->text);
    node->taken = q;
    *out = q->fx;
    return true;
}

size_t node_output(struct node *node, uint64_t conn, uint8_t *dst, size_t cap)
{
    struct conn *c = conn_by_id(node, conn);

    if (c == NULL || c->session == NULL)
        return 0;
    size_t n = session_output(c->session, node->clock.now, dst, cap);
    c->sent_bytes += n;
    if (session_waiting(c->session) == 0)
        c->output_noted = false;
    return n;
}

void node_fatal(struct node *node, enum covey_rc rc, const char *text)
{
    if (node->fatal)
        return;
    node->fatal = true;
    struct queued *q = node_emit(node, NODE_FX_FATAL);
    q->fx.rc = rc;
    buf_append(&q->text, text, strlen(text));
}

/* ---- replies ---- */

static void emit_reply(struct node *node, uint64_t request, int status,
                       struct covey_buf *text)
{
    struct queued *q = node_emit(node, NODE_FX_REPLY);

    q->fx.request_id = request;
    q->fx.status = status;
    q->text = *text; /* moved: a copy could fail */
    memset(text, 0, sizeof *text);
}

void node_reply(struct node *node, uint64_t request, int status,
                const char *text, size_t len)
{
    struct reply **at = &node->replies;
    struct reply *r = calloc(1, sizeof *r);

    CHECK(r != NULL); /* as in node_emit() */
    r->request = request;
    r->status = status;
    buf_init(&r->text, &node->mem, 64u << 20);
    buf_append(&r->text, text, len);
    if (buf_rc(&r->text) != COVEY_OK) {
        r->status = node_status_of(buf_rc(&r->text));
        node->unsaid = node->in_group;
    }
    if (!node->in_group) {
        emit_reply(node, request, r->status, &r->text);
        free(r);
        return;
    }
    while (*at != NULL)
        at = &(*at)->next;
    *at = r;
}

void node_reply_json(struct node *node, uint64_t request, int status,
                     json_t *json)
{
    char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);

    if (text != NULL) {
        node_reply(node, request, status, text, strlen(text));
    } else {
        node_reply_error(node, request, COVEY_ENOMEM, NULL);
        node->unsaid = node->in_group;
    }
    free(text);
    json_decref(json);
}

void node_reply_error(struct node *node, uint64_t request, enum covey_rc rc,
                      const char *text)
{
    const char *say =
        text == NULL || text[0] == '\0' ? covey_rc_text(rc) : text;
    json_t *json = json_pack("{s:{s:s,s:s%}}", "error", "code", covey_rc_id(rc),
                             "text", say, strlen(say));
    char *dump = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);

    static const char plain[] =
        "{\"error\":{\"code\":\"failed\",\"text\":\"it failed\"}}";
    const char *out = dump != NULL ? dump : plain; /* not UTF-8, or no memory */

    node_reply(node, request, node_status_of(rc), out, strlen(out));
    free(dump);
    json_decref(json);
}

static void release_replies(struct node *node, enum covey_rc rc,
                            const char *text)
{
    while (node->replies != NULL) {
        struct reply *r = node->replies;

        node->replies = r->next;
        if (rc == COVEY_OK)
            emit_reply(node, r->request, r->status, &r->text);
        else
            node_reply_error(node, r->request, rc, text);
        buf_clear(&r->text);
        free(r);
    }
}

/* ---- groups ---- */

enum covey_rc node_group(struct node *node)
{
    if (node->in_group)
        return COVEY_OK;
    if (node->fatal)
        return COVEY_EIO;
    if (node->failed != COVEY_OK)
        return node->failed;
    enum covey_rc rc = store_begin(node->store);
    if (rc == COVEY_EBUSY) {
        if (node->busy_since == 0)
            node->busy_since = node->clock.now;
        node->busy_retry = node->clock.now + BUSY_RETRY;
        SOMETIMES("another program holds the write lock");
        return rc;
    }
    node->busy_since = 0;
    if (rc != COVEY_OK) {
        node_failed(node, rc);
        return rc;
    }
    node->in_group = true;
    node->outbox_dirty = true; /* another program may have written */
    node->group_bytes = 0;
    rc = node->resumed ? seal_store_signatures(node) : space_resume_all(node);
    node->resumed = rc == COVEY_OK;
    if (rc != COVEY_OK)
        node_failed(node, rc);
    return rc;
}

/* What stands in memory may be ahead of the record: read it all anew.  Not at
 * once, since whoever found the failure still holds spaces and links. */
static void start_over(struct node *node)
{
    if (node->failed == COVEY_OK || node->fatal)
        return;
    node->failed = COVEY_OK;
    for (struct conn *c = node->conns; c != NULL; c = c->next) {
        while (c->links != NULL) {
            struct link *l = c->links;

            c->links = l->next;
            link_free(node, l);
        }
        c->target = NULL;
    }
    targets_free(node);
    join_free_all(node);
    while (node->spaces != NULL)
        space_free(node, node->spaces);
    seal_forget(node);
    if (space_load_all(node) != COVEY_OK || join_load(node) != COVEY_OK)
        node_fatal(node, COVEY_ECORRUPT,
                   "the record could not be read again after a failed write");
    targets_refresh(node);
    for (struct target *t = node->targets; t != NULL; t = t->next)
        t->next_try = node->clock.now + DIAL_FIRST;
}

void node_failed(struct node *node, enum covey_rc rc)
{
    struct covey_why why = {{0}};

    store_why(node->store, &why);
    if (rc == COVEY_EIO || rc == COVEY_ECORRUPT) {
        node_fatal(node, rc, why.text);
        node->in_group = false; /* it comes to nothing: replies need not wait */
        release_replies(node, rc, why.text);
        return;
    }
    if (rc == COVEY_EREFUSED)
        snprintf(node->altered, sizeof node->altered, "%s", why.text);
    store_rollback(node->store);
    merge_forget(node->store);
    node->in_group = node->resumed = false;
    node->failed = rc;
    for (struct conn *c = node->conns; c != NULL; c = c->next)
        conn_shut(node, c, SESSION_CLOSE_BYE, NULL);
    release_replies(node, rc, why.text);
}

static void commit(struct node *node)
{
    struct covey_buf events;
    enum covey_rc rc = node->unsaid ? COVEY_ENOMEM : seal_all(node);

    node->unsaid = false;
    buf_init(&events, &node->mem, 4u << 20);
    if (rc == COVEY_OK)
        rc = merge_flush(node->store);
    if (rc == COVEY_OK)
        rc = merge_events(node->store, &events);
    if (rc == COVEY_OK)
        rc = store_commit(node->store);
    if (rc != COVEY_OK) {
        buf_clear(&events);
        node_failed(node, rc);
        return;
    }
    node->in_group = false;
    seal_sign(node);
    release_replies(node, COVEY_OK, NULL);
    if (events.len > 0) {
        struct queued *q = node_emit(node, NODE_FX_CHANGES);
        buf_append(&q->text, events.p, events.len);
    }
    buf_clear(&events);
    conn_say_later(node);
    space_announce(node);
    rc = store_checkpoint(node->store);
    if (rc == COVEY_EIO || rc == COVEY_ECORRUPT)
        node_failed(node, rc);
}

/* The write lock is ours again: go on with what waited for it. */
static void resume_parked(struct node *node)
{
    node->parked = false;
    api_retry_parked(node);
    for (struct conn *c = node->conns; c != NULL; c = c->next)
        conn_resume(node, c);
}

bool node_flush_due(const struct node *node)
{
    return node->in_group && node->group_bytes >= NODE_GROUP_BYTES;
}

#define FLUSH_ROUNDS 4 /* what follows from a commit may need one more */

void node_flush(struct node *node, struct node_clock clock)
{
    node->clock = clock;
    for (int i = 0; i < FLUSH_ROUNDS && !node->fatal; i++) {
        if (node->in_group && node->parked)
            resume_parked(node);
        if (node->in_group)
            commit(node);
        start_over(node);
        sync_pump_all(node);
        wait_check(node);
        if (!node->in_group)
            break;
    }
    if (node->targets_stale)
        targets_refresh(node);
    conn_dial_due(node);
    start_over(node);
    conn_reap(node);

    enum covey_rc rc = store_broken(node->store);

    if (rc != COVEY_OK) /* not everybody who reads can tell */
        node_failed(node, rc);
}

/* ---- time ---- */

/* The wall clock left the monotonic one: the machine slept, or is a copy.
 * Every session has keys that a copy may share; every log one that a copy may
 * go on with. */
static void notice_sleep(struct node *node, struct node_clock clock)
{
    int64_t wall = (int64_t)clock.wall_ms - (int64_t)node->clock.wall_ms;
    int64_t here = (clock.now - node->clock.now) / COVEY_MILLISECOND;

    node->clock = clock;
    if (wall - here < (int64_t)SLEPT_MS && here - wall < (int64_t)SLEPT_MS)
        return;
    SOMETIMES("a sleep is noticed");
    seal_new_run(node);
    for (struct conn *c = node->conns; c != NULL; c = c->next)
        if (!c->closing)
            conn_drop(node, c);
}

static void look_outside(struct node *node)
{
    bool changed = false;

    if (node->in_group)
        return;
    enum covey_rc rc = store_outside(node->store, &changed);
    if (rc == COVEY_EIO || rc == COVEY_ECORRUPT) {
        node_failed(node, rc);
        return;
    }
    if (changed) {
        node->outside_tries = 0;
        node->outside_pending = true;
        SOMETIMES("another program's write is noticed");
    }
    if (node->outside_pending && node_group(node) == COVEY_OK)
        node->outside_pending = false;
    if (node->outside_tries > 0) {
        node->outside_tries--;
        node->outside_next = node->clock.now + OUTSIDE_RETRY;
    }
}

static void on_tick(struct node *node)
{
    conn_expire_all(node);
    if (node->busy_since != 0 && node->busy_retry <= node->clock.now &&
        node_group(node) == COVEY_OK)
        node->outside_pending = false;
    if (node->busy_since != 0)
        api_expire_parked(node);
    if (node->outside_tries > 0 && node->outside_next <= node->clock.now)
        look_outside(node);
    if (node->tick_next > node->clock.now)
        return;
    node->tick_next = node->clock.now + IDLE_TICK;
    look_outside(node);
    enum covey_rc rc = COVEY_OK;
    if (node->own_count > 0)
        rc = node_group(node); /* to store signatures */
    if (rc == COVEY_OK)
        rc = seal_heartbeats(node);
    if (rc != COVEY_OK && rc != COVEY_EBUSY)
        node_failed(node, rc);
}

covey_time node_deadline(const struct node *node)
{
    covey_time soonest = conn_deadline(node);

    if (node->tick_next < soonest)
        soonest = node->tick_next;
    if (node->busy_since != 0 && node->busy_retry < soonest)
        soonest = node->busy_retry;
    if (node->outside_tries > 0 && node->outside_next < soonest)
        soonest = node->outside_next;
    for (const struct waiter *w = node->waiters; w != NULL; w = w->next)
        if (w->deadline < soonest)
            soonest = w->deadline;
    return soonest;
}

static void take_event(struct node *node, const struct node_event *event)
{
    switch (event->kind) {
    case NODE_EV_TICK:
        on_tick(node);
        return;
    case NODE_EV_ACCEPTED:
        conn_accepted(node, event->conn);
        return;
    case NODE_EV_CONNECTED:
        conn_connected(node, event->conn);
        return;
    case NODE_EV_LOST:
        conn_lost(node, event->conn);
        return;
    case NODE_EV_BYTES:
        conn_bytes(node, event->conn, event->bytes);
        return;
    case NODE_EV_REQUEST:
        api_request(node, event->request);
        return;
    case NODE_EV_GONE:
        api_gone(node, event->request_id);
        return;
    case NODE_EV_OUTSIDE:
        node->outside_tries = OUTSIDE_TRIES;
        look_outside(node);
        return;
    }
}

void node_event(struct node *node, const struct node_event *event,
                struct node_clock clock)
{
    notice_sleep(node, clock);
    if (node->fatal)
        return;
    take_event(node, event);
    start_over(node);
}

/* ---- life ---- */

static enum covey_rc take_config(struct node *node,
                                 const struct node_config *config,
                                 struct covey_why *why)
{
    struct sign_pair pair;

    node->secrets = config->secrets;
    rng_init(&node->rng, &config->seed);
    node->run = rng_seed(&node->rng);
    dh_public(&node->secrets.noise, node->noise_key.b);
    dh_public(&node->secrets.reading, node->reading_key.b);
    sign_pair_from(&node->secrets.sign, &pair);
    node->sign_key = pair.key;
    sign_pair_clear(&pair);
    node->carry_all = config->carry_all;
    if (config->advertise != NULL)
        snprintf(node->advertise, sizeof node->advertise, "%s",
                 config->advertise);
    for (size_t i = 0; i < config->dial_count; i++) {
        if (i == NODE_DIALS_MAX) {
            covey_why_set(why, "too many --dial options");
            return COVEY_ELIMIT;
        }
        enum covey_rc rc = address_read(config->dials[i], &node->dials[i], why);
        if (rc != COVEY_OK)
            return rc;
        node->dial_count++;
    }
    return COVEY_OK;
}

static enum covey_rc check_self(struct node *node, struct covey_why *why)
{
    const struct store_self *self = store_self(node->store);

    if (memcmp(&self->node, &node->sign_key, sizeof self->node) == 0)
        return COVEY_OK;
    covey_why_set(why, "the keys and the record in this folder do not belong "
                       "together; put back the two that were made together");
    return COVEY_EREFUSED;
}

static enum covey_rc load(struct node *node, struct covey_why *why)
{
    enum covey_rc rc = check_self(node, why);

    if (rc != COVEY_OK)
        return rc;
    rc = space_load_all(node);
    if (rc == COVEY_OK)
        rc = join_load(node);
    if (rc != COVEY_OK) {
        covey_why_set(why, "the record's spaces cannot be read: it is "
                           "damaged; restore it from a backup");
        return rc;
    }
    targets_refresh(node);
    rc = node_group(node);
    if (rc == COVEY_EBUSY || rc == COVEY_EFULL)
        return COVEY_OK; /* the first group that can be had does it */
    if (rc != COVEY_OK)
        store_why(node->store, why);
    return rc;
}

enum covey_rc node_open(const struct node_config *config,
                        struct node_clock clock, struct node **out,
                        struct covey_why *why)
{
    struct node *node = calloc(1, sizeof *node);

    if (node == NULL)
        return COVEY_ENOMEM;
    node->mem = (struct covey_mem){NULL, heap_alloc, heap_free};
    node->effects_end = &node->effects;
    node->clock = clock;
    node->tick_next = clock.now + IDLE_TICK;
    node->next_dial = 1;
    enum covey_rc rc = take_config(node, config, why);
    if (rc == COVEY_OK)
        rc = store_open(config->dir, &node->store, why);
    if (rc == COVEY_OK)
        rc = load(node, why);
    if (rc != COVEY_OK) {
        node_free(node);
        return rc;
    }
    *out = node;
    return COVEY_OK;
}

void node_stop(struct node *node, struct node_clock clock)
{
    node->stopping = true;
    node->clock = clock;
    if (!node->fatal && node->own_count > 0 && node_group(node) != COVEY_OK)
        node->own_count = 0; /* signed again at the next start */
    node_flush(node, clock);
    for (struct conn *c = node->conns; c != NULL; c = c->next)
        conn_shut(node, c, SESSION_CLOSE_BYE, NULL);
}

void node_free(struct node *node)
{
    struct node_effect fx;

    if (node == NULL)
        return;
    while (node_effect(node, &fx))
        continue;
    release_replies(node, COVEY_OK, NULL);
    while (node_effect(node, &fx))
        continue;
    conn_free_all(node);
    targets_free(node);
    join_free_all(node);
    wait_free_all(node);
    api_free_parked(node);
    while (node->spaces != NULL)
        space_free(node, node->spaces);
    store_close(node->store);
    intake_free(node->intake);
    free(node->filling);
    free(node->own);
    sodium_memzero(node, sizeof *node);
    free(node);
}

void node_listening(struct node *node, const char *host_port)
{
    if (node->advertise[0] == '\0' && host_port != NULL)
        snprintf(node->advertise, sizeof node->advertise, "%s", host_port);
}

void node_note_strangers(struct node *node, uint64_t refused)
{
    node->strangers += refused;
}
