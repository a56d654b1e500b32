/* network.c - see network.h. */
#include "tests/sim/network.h"

#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

#define READ_MAX 65536u /* as much as the daemon reads at once */

/* ---- wires ---- */

static struct wire *wire_new(struct world *w)
{
    struct network *net = &w->net;

    if (net->wire_count == net->wire_cap) {
        net->wire_cap = net->wire_cap == 0 ? 64 : net->wire_cap * 2;
        net->wires = realloc(net->wires, net->wire_cap * sizeof(struct wire *));
        CHECK(net->wires != NULL);
    }

    struct wire *wire = calloc(1, sizeof *wire);

    CHECK(wire != NULL);
    wire->id = net->next_wire++;
    net->wires[net->wire_count++] = wire;
    for (int k = 0; k < 2; k++)
        wire->ways[k].last = &wire->ways[k].first;
    return wire;
}

/* The place of the first wire whose number is not below this one's. */
static size_t place_of(const struct network *net, uint64_t id)
{
    size_t from = 0, to = net->wire_count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (net->wires[middle]->id < id)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static struct wire *wire_of(const struct world *w, uint64_t id)
{
    size_t at = place_of(&w->net, id);

    return at < w->net.wire_count && w->net.wires[at]->id == id
               ? w->net.wires[at]
               : NULL;
}

static void way_empty(struct way *way)
{
    while (way->first != NULL) {
        struct segment *s = way->first;

        way->first = s->next;
        free(s);
    }
    way->last = &way->first;
    way->under_way = 0;
}

static void wire_free(struct world *w, struct wire *wire)
{
    struct network *net = &w->net;
    size_t at = place_of(net, wire->id);

    net->wire_count--;
    memmove(net->wires + at, net->wires + at + 1,
            (net->wire_count - at) * sizeof(struct wire *));
    for (int k = 0; k < 2; k++)
        way_empty(&wire->ways[k]);
    free(wire);
}

void network_clear(struct world *w)
{
    while (w->net.wire_count > 0)
        wire_free(w, w->net.wires[w->net.wire_count - 1]);
    free(w->net.wires);
    w->net.wires = NULL;
    w->net.wire_cap = 0;
}

/* The end of a wire that this node calls `conn`; NULL: it has let go of it. */
static struct wire *wire_at(const struct world *w, size_t i, uint64_t conn,
                            size_t *end)
{
    struct wire *wire = idmap_get(&w->hosts[i].wires, conn);

    if (wire == NULL)
        return NULL;
    *end = wire->ends[0].host == i && wire->ends[0].conn == conn ? 0 : 1;
    return wire;
}

static void end_open(struct world *w, struct wire *wire, size_t k,
                     uint64_t conn)
{
    struct end *end = &wire->ends[k];

    end->conn = conn;
    end->open = true;
    end->run = w->hosts[end->host].run;
    idmap_add(&w->hosts[end->host].wires, conn, wire);
}

static void end_shut(struct world *w, struct wire *wire, size_t k)
{
    struct end *end = &wire->ends[k];

    if (!end->open)
        return;
    end->open = false;
    if (end->run == w->hosts[end->host].run)
        (void)idmap_take(&w->hosts[end->host].wires, end->conn);
}

/* Does anything that is sent this way get there now? */
static bool leads(const struct world *w, const struct wire *wire, size_t k)
{
    size_t from = wire->ends[k].host, to = wire->ends[1 - k].host;

    return !w->net.blocked[from][to] && host_awake(w, to) &&
           wire->ways[k].stalled <= w->now;
}

static covey_time delay(struct world *w, size_t from, size_t to)
{
    return w->hosts[from].delay + w->hosts[to].delay + 1 +
           dice_between(&w->net.dice, 0, w->net.jitter);
}

/* ---- sending ---- */

static uint32_t slower(uint32_t a, uint32_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static void await(struct world *w, struct wire *wire, size_t k)
{
    struct way *way = &wire->ways[k];
    covey_time at = way->first == NULL ? way->last_at : way->first->at;

    if (way->waiting || (way->first == NULL && !way->fin))
        return;
    way->waiting = true;
    world_after(w, at > w->now ? at - w->now : 0, EVENT_ARRIVE, wire->id, k);
}

static void add_segment(struct world *w, struct wire *wire, size_t k,
                        struct covey_bytes bytes)
{
    struct way *way = &wire->ways[k];
    size_t from = wire->ends[k].host, to = wire->ends[1 - k].host;
    uint32_t speed =
        slower(w->hosts[from].line_bytes_s, w->hosts[to].line_bytes_s);
    covey_time at = w->now + delay(w, from, to);
    struct segment *s = malloc(sizeof *s + bytes.len);

    CHECK(s != NULL);
    if (at < way->last_at)
        at = way->last_at;
    if (speed > 0)
        at += (covey_time)bytes.len * COVEY_SECOND / speed;
    *s = (struct segment){NULL, at, bytes.len};
    memcpy(s->bytes, bytes.p, bytes.len);
    way->last_at = at;
    way->under_way += bytes.len;
    *way->last = s;
    way->last = &s->next;
}

/* What one call gives, as it may arrive: whole, or in pieces. */
static void send_pieces(struct world *w, struct wire *wire, size_t k,
                        struct covey_bytes bytes)
{
    while (bytes.len > 0) {
        size_t n = bytes.len;

        if (dice_chance(&w->net.dice, w->net.cut_in_thousand))
            n = 1 + (size_t)dice_below(&w->net.dice, n);
        add_segment(w, wire, k, (struct covey_bytes){bytes.p, n});
        bytes.p += n;
        bytes.len -= n;
    }
}

static bool pull_once(struct world *w, struct wire *wire, size_t k)
{
    static uint8_t bytes[READ_MAX];
    const struct end *end = &wire->ends[k];
    size_t n = host_output(w, end->host, end->conn, bytes, sizeof bytes);

    if (n == 0)
        return false;
    w->wire_bytes += n;
    world_note(w, end->host, TRACE_SEND, wire->id, n);
    trace_bytes(&w->trace, bytes, n);
    if (w->secret != NULL && memmem(bytes, n, w->secret, strlen(w->secret)))
        world_fail(w, "[5 confidential] n%zu sent words in the clear",
                   end->host);
    if (!wire->ways[k].dead)
        send_pieces(w, wire, k, (struct covey_bytes){bytes, n});
    return true;
}

void network_pull(struct world *w, size_t i, uint64_t conn)
{
    size_t k;
    struct wire *wire = wire_at(w, i, conn, &k);

    if (wire == NULL || !wire->answered)
        return;

    struct way *way = &wire->ways[k];

    way->more = true;
    while (way->more && way->under_way < NETWORK_WINDOW)
        way->more = pull_once(w, wire, k);
    await(w, wire, k);
}

/* The node forgets it: what it still has is taken, then nothing follows. */
void network_close(struct world *w, size_t i, uint64_t conn)
{
    size_t k;
    struct wire *wire = wire_at(w, i, conn, &k);

    if (wire == NULL)
        return;
    if (wire->answered)
        while (pull_once(w, wire, k))
            continue;
    world_note(w, i, TRACE_CLOSE, wire->id, wire->ways[k].under_way);
    end_shut(w, wire, k);
    wire->ways[k].fin = true;
    if (!wire->ends[1 - k].open && wire->answered)
        wire_free(w, wire);
    else
        await(w, wire, k);
}

/* ---- dialling ---- */

/* A host that listens is dialled at "NAME:1". */
static size_t host_named(const struct world *w, const char *at)
{
    for (size_t i = 0; i < w->host_count; i++) {
        size_t len = strlen(w->hosts[i].name);

        if (strncmp(w->hosts[i].name, at, len) == 0 &&
            strcmp(at + len, ":1") == 0)
            return i;
    }
    return w->host_count;
}

void network_dial(struct world *w, size_t i, const struct node_effect *fx)
{
    struct wire *wire = wire_new(w);
    size_t to = host_named(w, fx->at);
    bool there = to < w->host_count && w->hosts[to].listens && host_up(w, to);
    bool through = to < w->host_count && !w->net.blocked[i][to] &&
                   !w->net.blocked[to][i] && host_awake(w, to);

    wire->ends[0].host = i;
    wire->ends[1].host = to;
    end_open(w, wire, 0, fx->conn);
    world_note(w, i, TRACE_DIAL, to, wire->id);
    if (there && through)
        world_after(w, 2 * delay(w, i, to), EVENT_OPEN, wire->id, 0);
    else if (through) /* nobody listens there, and its system says so */
        world_after(w, 2 * delay(w, i, to), EVENT_LOST, wire->id, 0);
    else
        world_after(w, NETWORK_DIAL_WAIT, EVENT_LOST, wire->id, 0);
}

void network_on_open(struct world *w, uint64_t id)
{
    struct wire *wire = wire_of(w, id);
    struct node_event event = {.kind = NODE_EV_CONNECTED};

    if (wire == NULL)
        return;

    struct host *to = &w->hosts[wire->ends[1].host];

    if (!wire->ends[0].open) { /* given up meanwhile */
        wire_free(w, wire);
        return;
    }
    if (!host_up(w, wire->ends[1].host) || !host_awake(w, wire->ends[1].host) ||
        !host_awake(w, wire->ends[0].host)) {
        network_on_lost(w, id, 0);
        return;
    }
    wire->answered = true;
    end_open(w, wire, 1, to->next_conn);
    to->next_conn += 2;
    world_note(w, wire->ends[1].host, TRACE_OPEN, id, wire->ends[1].conn);
    event.conn = wire->ends[0].conn;
    host_event(w, wire->ends[0].host, &event);
    event.kind = NODE_EV_ACCEPTED;
    event.conn = wire->ends[1].conn;
    host_event(w, wire->ends[1].host, &event);
}

/* ---- arriving ---- */

static void hear_lost(struct world *w, struct wire *wire, size_t k)
{
    struct node_event event = {.kind = NODE_EV_LOST,
                               .conn = wire->ends[k].conn};
    size_t host = wire->ends[k].host;

    if (!wire->ends[k].open)
        return;
    end_shut(w, wire, k);
    world_note(w, host, TRACE_LOST, wire->id, event.conn);
    host_event(w, host, &event);
}

void network_on_lost(struct world *w, uint64_t id, uint64_t k)
{
    struct wire *wire = wire_of(w, id);

    if (wire == NULL)
        return;
    if (wire->ends[k].open && !host_awake(w, wire->ends[k].host)) {
        /* It will hear. */
        world_after(w, COVEY_SECOND, EVENT_LOST, id, k);
        return;
    }
    hear_lost(w, wire, k);
    way_empty(&wire->ways[1 - k]);
    if (!wire->ends[1 - k].open)
        wire_free(w, wire);
}

static void spoil(struct world *w, struct wire *wire, size_t k,
                  struct segment *s)
{
    struct way *way = &wire->ways[k];
    size_t at = (size_t)dice_below(&w->net.dice, s->len);

    way->spoil = false;
    way->spoilt = w->now;
    s->bytes[at] ^= (uint8_t)(1u << dice_below(&w->net.dice, 8));
    world_note(w, wire->ends[1 - k].host, TRACE_SPOIL, wire->id, at);
}

static void deliver(struct world *w, struct wire *wire, size_t k,
                    struct segment *s)
{
    struct end *end = &wire->ends[1 - k];
    struct node_event event = {
        .kind = NODE_EV_BYTES, .conn = end->conn, .bytes = {s->bytes, s->len}};

    if (!end->open)
        return;
    if (wire->ways[k].spoil && s->len > 0)
        spoil(w, wire, k, s);
    world_note(w, end->host, TRACE_BYTES, wire->id, s->len);
    host_event(w, end->host, &event);
}

/* The other end's system knows nothing of this connection. */
static bool refused(const struct world *w, const struct wire *wire, size_t k)
{
    const struct end *end = &wire->ends[1 - k];

    return !end->open || end->run != w->hosts[end->host].run;
}

static void take_first(struct world *w, struct wire *wire, size_t k)
{
    struct way *way = &wire->ways[k];
    struct segment *s = way->first;

    way->first = s->next;
    if (way->first == NULL)
        way->last = &way->first;
    way->under_way -= s->len;
    deliver(w, wire, k, s);
    free(s);
}

/* There is room again. */
static void pull_more(struct world *w, struct wire *wire, size_t k)
{
    struct end *end = &wire->ends[k];

    if (end->open && wire->ways[k].more && host_awake(w, end->host) &&
        end->run == w->hosts[end->host].run)
        network_pull(w, end->host, end->conn);
}

void network_on_arrive(struct world *w, uint64_t id, uint64_t k)
{
    struct wire *wire = wire_of(w, id);

    if (wire == NULL)
        return;

    struct way *way = &wire->ways[k];

    way->waiting = false;
    if (!leads(w, wire, k) || way->dead)
        return; /* network_resume() goes on */
    if (refused(w, wire, k)) {
        way_empty(way);
        if (wire->ends[k].open)
            world_after(w, delay(w, wire->ends[k].host, wire->ends[1 - k].host),
                        EVENT_LOST, id, k);
        else
            wire_free(w, wire);
        return;
    }
    while (way->first != NULL && way->first->at <= w->now)
        take_first(w, wire, k);
    if (way->first == NULL && way->fin) {
        network_on_lost(w, id, 1 - k);
        return;
    }
    pull_more(w, wire, k);
    await(w, wire, k);
}

void network_resume(struct world *w)
{
    for (size_t i = 0; i < w->net.wire_count; i++)
        for (size_t k = 0; k < 2; k++)
            await(w, w->net.wires[i], k);
}

/* ---- what goes wrong ---- */

void network_host_gone(struct world *w, size_t i, bool told)
{
    for (size_t n = w->net.wire_count; n-- > 0;) {
        struct wire *wire = w->net.wires[n];
        size_t k = wire->ends[0].host == i ? 0 : 1;

        if (wire->ends[k].host != i || !wire->ends[k].open)
            continue;
        end_shut(w, wire, k);
        if (!wire->answered || !wire->ends[1 - k].open) {
            wire_free(w, wire);
            continue;
        }
        way_empty(&wire->ways[1 - k]);
        wire->ways[k].fin = told;
        wire->ways[k].dead = !told;
        await(w, wire, k);
    }
}

struct wire *network_some(struct world *w, struct dice *d)
{
    size_t count = 0;

    for (size_t i = 0; i < w->net.wire_count; i++)
        count += w->net.wires[i]->answered;

    uint64_t at = dice_below(d, count);

    for (size_t i = 0; i < w->net.wire_count; i++)
        if (w->net.wires[i]->answered && at-- == 0)
            return w->net.wires[i];
    return NULL;
}

/* Of what is under way, a part arrives: cut at any byte. */
static void truncate_way(struct world *w, struct way *way)
{
    size_t keep = (size_t)dice_below(&w->net.dice, way->under_way + 1);

    way->last = &way->first;
    way->under_way = 0;
    for (struct segment *s = way->first; s != NULL && keep > 0; s = s->next) {
        if (s->len > keep)
            s->len = keep;
        keep -= s->len;
        way->under_way += s->len;
        way->last = &s->next;
    }

    struct way rest = {.first = *way->last};

    *way->last = NULL;
    way_empty(&rest);
}

void network_break(struct world *w, struct wire *wire, enum network_break how)
{
    for (size_t k = 0; k < 2; k++) {
        struct way *way = &wire->ways[k];

        if (how == BREAK_RESET) {
            truncate_way(w, way);
            way->fin = true;
            way->more = false;
            await(w, wire, k);
        } else {
            way->dead = true;
        }
    }
    if (how == BREAK_HALF)
        world_after(w, 1, EVENT_LOST, wire->id, 0);
}

void network_spoil(struct world *w, struct wire *wire, size_t way)
{
    (void)w;
    wire->ways[way].spoil = true;
}

void network_stall(struct world *w, struct wire *wire, covey_time until)
{
    (void)w;
    for (size_t k = 0; k < 2; k++)
        wire->ways[k].stalled = until;
}
