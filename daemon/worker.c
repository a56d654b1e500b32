#include "daemon/worker.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/heap.h"
#include "daemon/idmap.h"

enum item_kind {
    ITEM_EVENT,     /* .event, for the node */
    ITEM_SENT,      /* .id .count */
    ITEM_STRANGERS, /* .count */
    ITEM_STOP,
};

struct item {
    struct item *next;
    enum item_kind kind;
    enum node_event_kind event;
    uint64_t id;
    uint64_t count;
    struct route_match *match;
    size_t len;
    uint8_t bytes[];
};

struct item_list {
    struct item *first;
    struct item **end;
};
struct note_list {
    struct worker_note *first;
    struct worker_note **end;
};

/* A connection as the worker sees it: its bytes on their way. */
struct flow {
    uint64_t id;
    size_t sending; /* handed to the loop, not yet sent */
    bool more;      /* the node may have more */
};

struct worker {
    uv_thread_t thread;
    uv_async_t wake_loop;
    worker_note_fn fn;
    void *ctx;

    uv_mutex_t mutex; /* guards what follows */
    uv_cond_t wake_worker;
    struct item_list in;
    struct note_list out;
    size_t out_bytes;

    /* The worker's own. */
    struct node *node;
    struct idmap flows;
    struct note_list made; /* not yet handed over */
    size_t made_bytes;
    bool stop, fatal;
    uint8_t chunk[WORKER_CHUNK_MAX];
};

struct node_clock worker_clock(void)
{
    struct timespec mono;
    struct timespec wall;

    clock_gettime(CLOCK_MONOTONIC, &mono);
    clock_gettime(CLOCK_REALTIME, &wall);
    return (struct node_clock){
        .now = mono.tv_sec * COVEY_SECOND + mono.tv_nsec / 1000,
        .wall_ms =
            (uint64_t)wall.tv_sec * 1000 + (uint64_t)wall.tv_nsec / 1000000,
    };
}

/* ---- on the loop: what goes in ---- */

static struct item *item_new(enum item_kind kind, uint64_t id, size_t len)
{
    struct item *item = heap_new(sizeof *item + len);

    item->kind = kind;
    item->id = id;
    item->len = len;
    return item;
}

static void put(struct worker *w, struct item *item)
{
    uv_mutex_lock(&w->mutex);
    *w->in.end = item;
    w->in.end = &item->next;
    uv_mutex_unlock(&w->mutex);
    uv_cond_signal(&w->wake_worker);
}

static void put_event(struct worker *w, enum node_event_kind event, uint64_t id)
{
    struct item *item = item_new(ITEM_EVENT, id, 0);

    item->event = event;
    put(w, item);
}

void worker_accepted(struct worker *w, uint64_t id)
{
    put_event(w, NODE_EV_ACCEPTED, id);
}

void worker_connected(struct worker *w, uint64_t id)
{
    put_event(w, NODE_EV_CONNECTED, id);
}

void worker_lost(struct worker *w, uint64_t id)
{
    put_event(w, NODE_EV_LOST, id);
}

void worker_gone(struct worker *w, uint64_t id)
{
    put_event(w, NODE_EV_GONE, id);
}

void worker_outside(struct worker *w)
{
    put_event(w, NODE_EV_OUTSIDE, 0);
}

void worker_bytes(struct worker *w, uint64_t id, struct covey_bytes bytes)
{
    struct item *item = item_new(ITEM_EVENT, id, bytes.len);

    item->event = NODE_EV_BYTES;
    memcpy(item->bytes, bytes.p, bytes.len);
    put(w, item);
}

void worker_request(struct worker *w, uint64_t id, struct route_match *match)
{
    struct item *item = item_new(ITEM_EVENT, id, 0);

    item->event = NODE_EV_REQUEST;
    item->match = match;
    put(w, item);
}

static void put_count(struct worker *w, enum item_kind kind, uint64_t id,
                      uint64_t count)
{
    struct item *item = item_new(kind, id, 0);

    item->count = count;
    put(w, item);
}

void worker_sent(struct worker *w, uint64_t id, size_t len)
{
    put_count(w, ITEM_SENT, id, len);
}

void worker_strangers(struct worker *w, uint64_t refused)
{
    put_count(w, ITEM_STRANGERS, 0, refused);
}

void worker_stop(struct worker *w)
{
    put(w, item_new(ITEM_STOP, 0, 0));
}

/* ---- on the worker: what goes out ---- */

static struct worker_note *note_new(enum worker_note_kind kind, uint64_t id,
                                    struct covey_bytes bytes)
{
    struct worker_note *note = heap_new(sizeof *note + bytes.len + 1);

    note->kind = kind;
    note->id = id;
    note->len = bytes.len;
    if (bytes.len > 0)
        memcpy(note->bytes, bytes.p, bytes.len);
    return note;
}

static struct worker_note *tell(struct worker *w, enum worker_note_kind kind,
                                uint64_t id, struct covey_bytes bytes)
{
    struct worker_note *note = note_new(kind, id, bytes);

    *w->made.end = note;
    w->made.end = &note->next;
    w->made_bytes += bytes.len;
    return note;
}

static const struct covey_bytes nothing = {NULL, 0};

static void made_clear(struct worker *w)
{
    w->made = (struct note_list){NULL, &w->made.first};
    w->made_bytes = 0;
}

/* Hand over what was made.  Waits while the loop has too much to read: it reads
 * whatever we do, so that ends. */
static void hand_over(struct worker *w)
{
    if (w->made.first == NULL)
        return;
    uv_mutex_lock(&w->mutex);
    while (w->out_bytes > WORKER_NOTES_MAX)
        uv_cond_wait(&w->wake_worker, &w->mutex);
    *w->out.end = w->made.first;
    w->out.end = w->made.end;
    w->out_bytes += w->made_bytes;
    uv_mutex_unlock(&w->mutex);
    made_clear(w);
    uv_async_send(&w->wake_loop);
}

static struct flow *flow_open(struct worker *w, uint64_t id)
{
    struct flow *flow = heap_new(sizeof *flow);

    flow->id = id;
    idmap_add(&w->flows, id, flow);
    return flow;
}

static void flow_drop(struct worker *w, uint64_t id)
{
    free(idmap_take(&w->flows, id));
}

/* One chunk from the node to the loop; false if there was none. */
static bool pull_chunk(struct worker *w, struct flow *flow)
{
    size_t len = node_output(w->node, flow->id, w->chunk, sizeof w->chunk);

    if (len == 0)
        return false;
    tell(w, WORKER_SEND, flow->id, (struct covey_bytes){w->chunk, len});
    flow->sending += len;
    return true;
}

static void pull(struct worker *w, struct flow *flow)
{
    while (flow->more && flow->sending < WORKER_SENDING_MAX)
        flow->more = pull_chunk(w, flow);
}

/* The node forgets the connection with its next event, so what it still has is
 * taken at once, however much: a session holds a bounded queue. */
static void close_flow(struct worker *w, uint64_t id)
{
    struct flow *flow = idmap_get(&w->flows, id);

    if (flow == NULL)
        return;
    while (pull_chunk(w, flow))
        continue;
    flow_drop(w, id);
    tell(w, WORKER_CLOSE, id, nothing);
}

static void on_output(struct worker *w, uint64_t id)
{
    struct flow *flow = idmap_get(&w->flows, id);

    if (flow == NULL)
        return;
    flow->more = true;
    pull(w, flow);
}

static void on_effect(struct worker *w, const struct node_effect *fx)
{
    struct worker_note *note = NULL;

    switch (fx->kind) {
    case NODE_FX_DIAL:
        flow_open(w, fx->conn);
        tell(w, WORKER_DIAL, fx->conn,
             (struct covey_bytes){(const uint8_t *)fx->at, strlen(fx->at)});
        return;
    case NODE_FX_OUTPUT:
        on_output(w, fx->conn);
        return;
    case NODE_FX_KNOWN:
        tell(w, WORKER_KNOWN, fx->conn, nothing);
        return;
    case NODE_FX_CLOSE:
        close_flow(w, fx->conn);
        return;
    case NODE_FX_REPLY:
        note = tell(w, WORKER_REPLY, fx->request_id, fx->text);
        note->status = fx->status;
        return;
    case NODE_FX_CHANGES:
        tell(w, WORKER_CHANGES, 0, fx->text);
        return;
    case NODE_FX_FATAL:
        if (w->fatal)
            return;
        note = tell(w, WORKER_FATAL, 0, fx->text);
        note->rc = fx->rc;
        w->fatal = true;
        return;
    }
}

static void flush(struct worker *w)
{
    struct node_effect fx = {0};

    node_flush(w->node, worker_clock());
    while (node_effect(w->node, &fx))
        on_effect(w, &fx);
}

/* ---- on the worker: what came in ---- */

static void on_sent(struct worker *w, const struct item *item)
{
    struct flow *flow = idmap_get(&w->flows, item->id);

    if (flow == NULL)
        return;
    CHECK(flow->sending >= item->count);
    flow->sending -= (size_t)item->count;
    pull(w, flow);
}

/* Is this event for a connection that the node has given up? */
static bool is_late(const struct worker *w, const struct item *item)
{
    return (item->event == NODE_EV_CONNECTED || item->event == NODE_EV_BYTES ||
            item->event == NODE_EV_LOST) &&
           idmap_get(&w->flows, item->id) == NULL;
}

static void on_event(struct worker *w, const struct item *item)
{
    struct node_request request = {.id = item->id};
    struct node_event event = {
        .kind = item->event,
        .conn = item->id,
        .request_id = item->id,
        .bytes = {item->bytes, item->len},
    };

    if (item->event == NODE_EV_ACCEPTED)
        flow_open(w, item->id);
    if (is_late(w, item))
        return;
    if (item->event == NODE_EV_REQUEST) {
        request.route = item->match->route;
        request.params = item->match->params;
        request.param_count = item->match->param_count;
        event.request = &request;
    }
    node_event(w->node, &event, worker_clock());
    if (item->event == NODE_EV_BYTES)
        tell(w, WORKER_TAKEN, item->id, nothing)->count = item->len;
    else if (item->event == NODE_EV_OUTSIDE)
        tell(w, WORKER_LOOKED, 0, nothing);
    else if (item->event == NODE_EV_LOST)
        flow_drop(w, item->id);
}

static void on_item(struct worker *w, const struct item *item)
{
    switch (item->kind) {
    case ITEM_EVENT:
        on_event(w, item);
        return;
    case ITEM_SENT:
        on_sent(w, item);
        return;
    case ITEM_STRANGERS:
        node_note_strangers(w->node, item->count);
        return;
    case ITEM_STOP:
        w->stop = true;
        return;
    }
}

static void item_free(struct item *item)
{
    free(item->match);
    free(item);
}

/* All that waits, in order, with a flush at the end and wherever one is due.
 * After a fatal effect the rest is only freed. */
static void run(struct worker *w, struct item *items)
{
    while (items != NULL) {
        struct item *item = items;

        items = item->next;
        if (!w->fatal)
            on_item(w, item);
        item_free(item);
        if (!w->fatal && node_flush_due(w->node)) {
            flush(w);
            hand_over(w);
        }
    }
}

static void tick(struct worker *w)
{
    static const struct node_event event = {.kind = NODE_EV_TICK};
    struct node_clock clock = worker_clock();

    if (clock.now >= node_deadline(w->node))
        node_event(w->node, &event, clock);
}

/* Wait until something is there or the node's time has come; take it all. */
static struct item *take_all(struct worker *w)
{
    covey_time deadline = node_deadline(w->node);
    covey_time now = worker_clock().now;

    uv_mutex_lock(&w->mutex);
    while (w->in.first == NULL && now < deadline) {
        if (deadline == COVEY_TIME_NEVER)
            uv_cond_wait(&w->wake_worker, &w->mutex);
        else
            uv_cond_timedwait(&w->wake_worker, &w->mutex,
                              (uint64_t)(deadline - now) * 1000);
        now = worker_clock().now;
    }

    struct item *items = w->in.first;

    w->in = (struct item_list){NULL, &w->in.first};
    uv_mutex_unlock(&w->mutex);
    return items;
}

static void main_of_worker(void *arg)
{
    struct worker *w = arg;

    flush(w); /* what opening it has brought */
    hand_over(w);
    while (!w->stop && !w->fatal) {
        run(w, take_all(w));
        if (w->fatal)
            break;
        tick(w);
        flush(w);
        hand_over(w);
    }
    if (!w->fatal) {
        node_stop(w->node, worker_clock());
        flush(w);
    }
    node_free(w->node);
    tell(w, WORKER_STOPPED, 0, nothing);
    hand_over(w);
}

/* ---- on the loop: what came out ---- */

static void on_wake(uv_async_t *handle)
{
    struct worker *w = handle->data;

    uv_mutex_lock(&w->mutex);

    struct worker_note *notes = w->out.first;

    w->out = (struct note_list){NULL, &w->out.first};
    w->out_bytes = 0;
    uv_mutex_unlock(&w->mutex);
    uv_cond_signal(&w->wake_worker);
    while (notes != NULL) {
        struct worker_note *note = notes;

        notes = note->next;
        w->fn(w->ctx, note); /* with the last note it may free us */
    }
}

enum covey_rc worker_start(uv_loop_t *loop, struct node *node,
                           worker_note_fn fn, void *ctx, struct worker **out)
{
    struct worker *w = heap_new(sizeof *w);

    w->fn = fn;
    w->ctx = ctx;
    w->node = node;
    w->in.end = &w->in.first;
    w->out.end = &w->out.first;
    made_clear(w);
    if (uv_mutex_init(&w->mutex) != 0 || uv_cond_init(&w->wake_worker) != 0 ||
        uv_async_init(loop, &w->wake_loop, on_wake) != 0)
        return COVEY_EREFUSED; /* at start: the process ends */
    w->wake_loop.data = w;
    if (uv_thread_create(&w->thread, main_of_worker, w) != 0)
        return COVEY_EREFUSED;
    *out = w;
    return COVEY_OK;
}

static void on_closed(uv_handle_t *handle)
{
    struct worker *w = handle->data;

    while (w->in.first != NULL) { /* came after it had stopped */
        struct item *item = w->in.first;

        w->in.first = item->next;
        item_free(item);
    }

    size_t at = 0;

    for (void *flow = idmap_next(&w->flows, &at); flow != NULL;
         flow = idmap_next(&w->flows, &at))
        free(flow);
    idmap_clear(&w->flows);
    uv_cond_destroy(&w->wake_worker);
    uv_mutex_destroy(&w->mutex);
    free(w);
}

void worker_free(struct worker *w)
{
    uv_thread_join(&w->thread);
    uv_close((uv_handle_t *)&w->wake_loop, on_closed);
}
