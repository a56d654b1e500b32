/* support_world.c - see support_world.h. */
#include "tests/unit/support_world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "proto/crypto.h"
#include "store/store.h"
#include "tests/unit/support_dir.h"
#include "tests/unit/support_wire.h"

/* Around each call into a node. */
static struct node *enter(struct world *w, size_t i)
{
    if (w->nodes[i].disk != NULL)
        disk_turn(w->nodes[i].disk, w->clock.wall_ms);
    if (w->enter != NULL)
        w->enter(w, i);
    return w->nodes[i].node;
}

static void leave(struct world *w, size_t i)
{
    if (w->leave != NULL)
        w->leave(w, i);
}

static bool is_up(const struct nodes_node *n)
{
    return n->node != NULL && n->fatal_rc == COVEY_OK;
}

static struct seed draw(struct world *w)
{
    struct hash h = hash_of("world", &w->draws, sizeof w->draws);
    struct seed s;

    w->draws++;
    memcpy(s.b, h.b, sizeof s.b);
    return s;
}

static void begin(struct world *w, enum nodes_place place)
{
    memset(w, 0, sizeof *w);
    CHECK(sodium_init() >= 0);
    w->place = place;
    w->clock.now = 1000 * COVEY_SECOND;
    w->clock.wall_ms = 1790000000000u;
    w->step = 10 * COVEY_MILLISECOND;
    buf_init(&w->visitor.heard, &support_heap, 64u << 20);
}

void nodes_init(struct world *w)
{
    begin(w, NODES_IN_FOLDERS);
    dir_make(w->dir, sizeof w->dir);
}

void nodes_init_on_disks(struct world *w)
{
    begin(w, NODES_ON_DISKS);
    snprintf(w->dir, sizeof w->dir, "/sim");
}

void nodes_init_own_disks(struct world *w, uint64_t seed)
{
    begin(w, NODES_OWN_DISKS);
    snprintf(w->dir, sizeof w->dir, "/sim");
    disk_install();
    w->draws = seed;
}

void nodes_clear(struct world *w)
{
    for (size_t i = 0; i < w->count; i++) {
        node_free(w->nodes[i].node);
        json_decref(w->nodes[i].reply);
        disk_free(w->nodes[i].disk);
    }
    buf_clear(&w->visitor.heard);
    if (w->place == NODES_IN_FOLDERS)
        dir_remove(w->dir);
}

static void make_place(struct world *w, struct nodes_node *n, const char *name)
{
    char base[sizeof w->dir];

    memcpy(base, w->dir, sizeof base);
    snprintf(n->dir, sizeof n->dir, "%.60s/%.60s", base, name);
    if (w->place == NODES_OWN_DISKS)
        n->disk = disk_new(name, w->draws);
    CHECK(w->place != NODES_IN_FOLDERS || mkdir(n->dir, 0700) == 0);
}

size_t nodes_plan(struct world *w, const char *name, bool listens)
{
    struct nodes_node *n = &w->nodes[w->count];
    struct seed recovery = draw(w);

    CHECK(w->count < WORLD_NODES_MAX);
    snprintf(n->name, sizeof n->name, "%s", name);
    make_place(w, n, name);
    n->listens = listens;
    n->next_accept = 2;
    n->secrets =
        (struct node_secrets){draw(w), draw(w), draw(w), draw(w), draw(w)};
    identity_make(&n->secrets, &recovery, w->clock.wall_ms, &n->identity);
    return w->count++;
}

enum covey_rc nodes_make(struct world *w, size_t i, struct covey_why *why)
{
    struct nodes_node *n = &w->nodes[i];
    const struct identity *id = &n->identity;
    struct store_self self = {
        .member = id->member,
        .node = id->node.sign,
        .kind = MEMBER_SCHOOL,
        .member_cert = {id->member_cert, id->member_cert_len},
        .node_cert = {id->node_cert, sizeof id->node_cert},
    };

    snprintf(self.name, sizeof self.name, "%s", n->name);
    (void)enter(w, i);

    enum covey_rc rc = store_init(n->dir, &self, why);

    leave(w, i);
    return rc;
}

size_t nodes_add(struct world *w, const char *name, bool listens)
{
    struct covey_why why = {{0}};
    size_t i = nodes_plan(w, name, listens);
    enum covey_rc rc = nodes_make(w, i, &why);

    if (rc != COVEY_OK)
        fprintf(stderr, "store_init: %s\n", why.text);
    CHECK(rc == COVEY_OK);
    return i;
}

enum covey_rc nodes_open(struct world *w, size_t i, struct covey_why *why)
{
    struct nodes_node *n = &w->nodes[i];
    char at[64];
    struct node_config config = {.dir = n->dir,
                                 .secrets = n->secrets,
                                 .seed = draw(w),
                                 .carry_all = n->carry_all};

    snprintf(at, sizeof at, "%s:1", n->name);
    config.advertise = n->listens ? at : NULL;
    n->fatal_rc = COVEY_OK;
    n->fatal[0] = '\0';
    (void)enter(w, i);

    enum covey_rc rc = node_open(&config, w->clock, &n->node, why);

    leave(w, i);
    return rc;
}

void nodes_start(struct world *w, size_t i)
{
    struct covey_why why = {{0}};
    enum covey_rc rc = nodes_open(w, i, &why);

    if (rc != COVEY_OK)
        fprintf(stderr, "node_open: %s\n", why.text);
    CHECK(rc == COVEY_OK);
}

static void send_event(struct world *w, size_t i, struct node_event *event)
{
    if (!is_up(&w->nodes[i]))
        return;
    node_event(enter(w, i), event, w->clock);
    leave(w, i);
}

static void hang_up(struct world *w, struct nodes_pipe *p, int side)
{
    struct node_event lost = {.kind = NODE_EV_LOST, .conn = p->conn[side]};

    p->open = false;
    send_event(w, p->node[side], &lost);
}

void nodes_kill(struct world *w, size_t i)
{
    node_free(enter(w, i));
    leave(w, i);
    w->nodes[i].node = NULL;
    if (w->visitor.node == i)
        w->visitor.open = false;
    for (size_t k = 0; k < WORLD_PIPES_MAX; k++) {
        struct nodes_pipe *p = &w->pipes[k];

        if (p->open && p->node[0] == i)
            hang_up(w, p, 1);
        else if (p->open && p->node[1] == i)
            hang_up(w, p, 0);
    }
}

void nodes_cut(struct world *w, size_t i, bool cut)
{
    w->nodes[i].cut = cut;
    for (size_t k = 0; cut && k < WORLD_PIPES_MAX; k++) {
        struct nodes_pipe *p = &w->pipes[k];

        if (!p->open || (p->node[0] != i && p->node[1] != i))
            continue;
        hang_up(w, p, 0);
        hang_up(w, p, 1);
    }
}

static struct nodes_pipe *pipe_of(struct world *w, size_t i, uint64_t conn,
                                  int *side)
{
    for (size_t k = 0; k < WORLD_PIPES_MAX; k++)
        for (*side = 0; *side < 2; (*side)++)
            if (w->pipes[k].open && w->pipes[k].node[*side] == i &&
                w->pipes[k].conn[*side] == conn)
                return &w->pipes[k];
    return NULL;
}

static void dial(struct world *w, size_t i, const struct node_effect *fx)
{
    struct node_event event = {.kind = NODE_EV_LOST, .conn = fx->conn};
    size_t to = 0, k = 0;
    char at[64];

    for (; to < w->count; to++) {
        snprintf(at, sizeof at, "%s:1", w->nodes[to].name);
        if (strcmp(at, fx->at) == 0)
            break;
    }
    while (k < WORLD_PIPES_MAX && w->pipes[k].open)
        k++;
    if (to == w->count || !is_up(&w->nodes[to]) || w->nodes[to].cut ||
        w->nodes[i].cut || k == WORLD_PIPES_MAX) {
        send_event(w, i, &event);
        return;
    }
    uint64_t accepted = w->nodes[to].next_accept;
    w->nodes[to].next_accept += 2;
    w->pipes[k] = (struct nodes_pipe){true, {i, to}, {fx->conn, accepted}};
    event.kind = NODE_EV_CONNECTED;
    send_event(w, i, &event);
    event.kind = NODE_EV_ACCEPTED;
    event.conn = accepted;
    send_event(w, to, &event);
}

static bool is_visitor(const struct world *w, size_t i, uint64_t conn)
{
    return w->visitor.open && w->visitor.node == i && w->visitor.conn == conn;
}

static size_t output(struct world *w, size_t i, uint64_t conn, uint8_t *dst,
                     size_t cap)
{
    size_t n = 0;

    if (is_up(&w->nodes[i])) {
        n = node_output(enter(w, i), conn, dst, cap);
        leave(w, i);
    }
    return n;
}

static void carry(struct world *w, size_t i, uint64_t conn)
{
    static uint8_t bytes[70000];
    size_t n;
    int side;

    while ((n = output(w, i, conn, bytes, sizeof bytes)) > 0) {
        struct nodes_pipe *p = pipe_of(w, i, conn, &side);

        if (is_visitor(w, i, conn))
            buf_append(&w->visitor.heard, bytes, n);
        if (p == NULL)
            continue;
        struct node_event event = {.kind = NODE_EV_BYTES,
                                   .conn = p->conn[1 - side],
                                   .bytes = {bytes, n}};
        w->bytes += n;
        send_event(w, p->node[1 - side], &event);
    }
}

static void visitor_gone(struct world *w)
{
    struct node_event lost = {.kind = NODE_EV_LOST, .conn = w->visitor.conn};

    w->visitor.open = false;
    send_event(w, w->visitor.node, &lost);
}

static void take_reply(struct nodes_node *n, const struct node_effect *fx)
{
    json_decref(n->reply);
    n->reply = json_loadb((const char *)fx->text.p, fx->text.len,
                          JSON_DECODE_ANY, NULL);
    n->status = fx->status;
    n->reply_id = fx->request_id;
}

static void act(struct world *w, size_t i, const struct node_effect *fx)
{
    struct nodes_node *n = &w->nodes[i];
    struct nodes_pipe *p;
    int side;

    switch (fx->kind) {
    case NODE_FX_DIAL:
        dial(w, i, fx);
        return;
    case NODE_FX_OUTPUT:
        carry(w, i, fx->conn);
        return;
    case NODE_FX_CLOSE:
        carry(w, i, fx->conn);
        if (is_visitor(w, i, fx->conn))
            visitor_gone(w);
        p = pipe_of(w, i, fx->conn, &side);
        if (p != NULL) {
            hang_up(w, p, 1 - side);
            struct node_event lost = {.kind = NODE_EV_LOST, .conn = fx->conn};
            send_event(w, i, &lost);
        }
        return;
    case NODE_FX_REPLY:
        take_reply(n, fx);
        return;
    case NODE_FX_FATAL:
        n->fatal_rc = fx->rc;
        snprintf(n->fatal, sizeof n->fatal, "%.*s", (int)fx->text.len,
                 (const char *)fx->text.p);
        return;
    case NODE_FX_KNOWN:
    case NODE_FX_CHANGES:
        return;
    }
}

static bool effect(struct world *w, size_t i, struct node_effect *fx)
{
    bool any = node_effect(enter(w, i), fx);

    leave(w, i);
    return any;
}

static bool turn(struct world *w, size_t i)
{
    struct node_effect fx;
    bool any = false;

    if (!is_up(&w->nodes[i]))
        return false;
    node_flush(enter(w, i), w->clock);
    leave(w, i);
    while (effect(w, i, &fx)) {
        any = true;
        act(w, i, &fx);
    }
    return any;
}

static void settle(struct world *w)
{
    bool any = true;

    for (int rounds = 0; any && rounds < 10000; rounds++) {
        any = false;
        for (size_t i = 0; i < w->count; i++)
            any |= turn(w, i);
    }
}

/* To where the next deadline is, in whole steps, and not past the end. */
static void pass_time(struct world *w, covey_time end)
{
    covey_time next = end;

    for (size_t i = 0; i < w->count; i++) {
        if (is_up(&w->nodes[i]) && node_deadline(w->nodes[i].node) < next)
            next = node_deadline(w->nodes[i].node);
    }

    covey_time steps = (next - w->clock.now + w->step - 1) / w->step;

    if (steps < 1)
        steps = 1;
    w->clock.now += steps * w->step;
    w->clock.wall_ms += (uint64_t)(steps * w->step / COVEY_MILLISECOND);
}

static void tick(struct world *w, covey_time end)
{
    settle(w);
    pass_time(w, end);
    for (size_t i = 0; i < w->count; i++) {
        struct node_event event = {.kind = NODE_EV_TICK};

        if (is_up(&w->nodes[i]) &&
            node_deadline(w->nodes[i].node) <= w->clock.now)
            send_event(w, i, &event);
    }
    settle(w);
}

void nodes_visit(struct world *w, size_t i)
{
    struct node_event event = {.kind = NODE_EV_ACCEPTED};

    if (w->visitor.open)
        visitor_gone(w);
    buf_reset(&w->visitor.heard);
    w->visitor.open = true;
    w->visitor.node = i;
    w->visitor.conn = event.conn = w->nodes[i].next_accept;
    w->nodes[i].next_accept += 2;
    send_event(w, i, &event);
}

void nodes_visitor_says(struct world *w, const void *p, size_t len)
{
    struct node_event event = {
        .kind = NODE_EV_BYTES, .conn = w->visitor.conn, .bytes = {p, len}};

    if (!w->visitor.open)
        return;
    send_event(w, w->visitor.node, &event);
    settle(w);
}

void nodes_run(struct world *w, int seconds)
{
    covey_time end = w->clock.now + seconds * COVEY_SECOND;

    while (w->clock.now < end)
        tick(w, end);
}

static json_t *ask(struct world *w, size_t i, const struct api_route *route,
                   const char *space, const char *body)
{
    struct query_param params[2] = {{":space", space}, {":body", body}};
    struct node_request request = {.id = ++w->nodes[i].next_request,
                                   .route = route,
                                   .params = params,
                                   .param_count = body == NULL ? 1 : 2};
    struct node_event event = {.kind = NODE_EV_REQUEST, .request = &request};
    covey_time end = w->clock.now + 60 * COVEY_SECOND;

    CHECK(w->nodes[i].node != NULL);
    w->nodes[i].status = 0;
    send_event(w, i, &event);
    settle(w);
    while (w->nodes[i].reply_id != request.id && is_up(&w->nodes[i]) &&
           w->clock.now < end)
        tick(w, end);
    return w->nodes[i].reply_id == request.id ? w->nodes[i].reply : NULL;
}

json_t *nodes_ask(struct world *w, size_t i, const char *action,
                  const char *space, const char *body)
{
    struct api_route route = {.run = API_ACTION, .what = action};

    return ask(w, i, &route, space, body);
}

json_t *nodes_ask_route(struct world *w, size_t i, const char *method,
                        const char *path, const char *body)
{
    size_t count, k = 0;
    const struct api_route *routes = api_routes(&count);

    while (k < count && (strcmp(routes[k].method, method) != 0 ||
                         strcmp(routes[k].path, path) != 0))
        k++;
    CHECK(k < count);
    return ask(w, i, &routes[k], NULL, body);
}

json_t *nodes_call(struct world *w, size_t i, const char *action,
                   const char *space, const char *body)
{
    json_t *reply = nodes_ask(w, i, action, space, body);

    CHECK(w->nodes[i].reply_id == w->nodes[i].next_request);
    return reply;
}

json_t *nodes_do(struct world *w, size_t i, const char *action,
                 const char *space, const char *body)
{
    json_t *reply = nodes_call(w, i, action, space, body);

    if (w->nodes[i].status != 200)
        fprintf(stderr, "%s at %s: %s\n", action, w->nodes[i].name,
                json_dumps(reply, 0));
    CHECK(w->nodes[i].status == 200);
    return reply;
}

json_t *nodes_sql(struct world *w, size_t i, const char *statement)
{
    json_t *body = json_pack("{s:s}", "statement", statement);
    char *text = json_dumps(body, 0);
    json_t *reply = nodes_do(w, i, "sql", NULL, text);

    free(text);
    json_decref(body);
    return reply;
}

json_t *nodes_space(struct world *w, size_t i, const char *space)
{
    json_t *list =
        json_object_get(nodes_do(w, i, "status", NULL, NULL), "spaces");
    json_t *item;
    size_t at;

    json_array_foreach(list, at, item)
    {
        const char *id = json_string_value(json_object_get(item, "id"));

        if (strcmp(id, space) == 0)
            return item;
    }
    return NULL;
}

bool nodes_equal(struct world *w, const char *space, const size_t *nodes,
                 size_t count)
{
    json_t *frontier = NULL, *digest = NULL;
    bool equal = true;

    for (size_t i = 0; i < count && equal; i++) {
        json_t *s = nodes_space(w, nodes[i], space);
        json_t *d = s == NULL ? NULL : json_object_get(s, "digest");

        if (s == NULL)
            return false;
        if (frontier == NULL)
            frontier = json_incref(json_object_get(s, "frontier"));
        equal = json_equal(frontier, json_object_get(s, "frontier"));
        if (json_is_null(d))
            continue;
        if (digest == NULL)
            digest = json_incref(d);
        equal = equal && json_equal(digest, d);
    }
    json_decref(frontier);
    json_decref(digest);
    return equal;
}
