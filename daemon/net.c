/*
 *   accepted -------------------------------+
 *                                           v
 *   dial --> LOOKUP --> DIALLING --------> OPEN --net_close()--> DRAINING
 *                        ^   | failed       |                       |
 *                        |   v              | lost          sent, or too long
 *                       BETWEEN             v                       |
 *                        | none left --> CLOSING <------------------+
 *
 * CLOSING is left by freeing it, once nothing of libuv's holds it. */
#include "daemon/net.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/door.h"
#include "daemon/endpoint.h"
#include "daemon/heap.h"
#include "daemon/idmap.h"
#include "daemon/strangers.h"

#define SWEEP_MS 500u
#define TO(state) (1u << (state))

enum conn_state {
    CONN_LOOKUP,
    CONN_DIALLING,
    CONN_BETWEEN, /* the handle of the address before is closing */
    CONN_OPEN,
    CONN_DRAINING, /* the node is through with it */
    CONN_CLOSING,
    CONN_STATE_COUNT
};

static const unsigned moves[CONN_STATE_COUNT] = {
    [CONN_LOOKUP] = TO(CONN_DIALLING) | TO(CONN_CLOSING),
    [CONN_DIALLING] = TO(CONN_BETWEEN) | TO(CONN_OPEN) | TO(CONN_CLOSING),
    [CONN_BETWEEN] = TO(CONN_DIALLING) | TO(CONN_CLOSING),
    [CONN_OPEN] = TO(CONN_DRAINING) | TO(CONN_CLOSING),
    [CONN_DRAINING] = TO(CONN_CLOSING),
    [CONN_CLOSING] = 0,
};

struct conn {
    uv_tcp_t tcp;
    uv_getaddrinfo_t lookup;
    uv_connect_t connecting;
    uv_shutdown_t shutting;
    struct net *net;
    uint64_t id; /* even: accepted; odd: dialled */
    enum conn_state state;
    bool known;           /* no stranger: dialled, or authenticated */
    bool reading;         /* uv_read_start() holds */
    bool shut;            /* uv_shutdown() was called */
    size_t writes;        /* under way */
    size_t waiting;       /* bytes read that the node does not have yet */
    uint64_t deadline_ms; /* of this state, by uv_now(); 0: none */
    uint64_t give_up_ms;  /* of a dial as a whole */
    struct endpoint_list *addresses;
    size_t next_address; /* to try */
};

struct net {
    uv_loop_t *loop;
    struct worker *worker;
    struct door *door;
    uv_timer_t sweep;
    size_t connection_max;
    struct idmap conns; /* but those CLOSING */
    size_t allocated;   /* those included */
    uint64_t next_id;
    struct strangers strangers;
    uint64_t refused_told;
    size_t waiting_total;
    bool paused; /* nobody is read from: too much waits in all */
    bool freeing;
    char in[NET_READ_MAX];
};

struct sending {
    uv_write_t req;
    struct conn *conn;
    struct worker_note *note;
};

static void move(struct conn *c, enum conn_state next)
{
    CHECK(moves[c->state] & TO(next));
    c->state = next;
    c->deadline_ms = 0;
}

static void on_sweep(uv_timer_t *timer);

static struct conn *conn_new(struct net *net, uint64_t id,
                             enum conn_state state)
{
    struct conn *c = heap_new(sizeof *c);

    c->net = net;
    c->id = id;
    c->state = state;
    c->tcp.data = c;
    c->lookup.data = c;
    c->connecting.data = c;
    c->shutting.data = c;
    idmap_add(&net->conns, id, c);
    net->allocated++;
    if (!uv_is_active((uv_handle_t *)&net->sweep))
        uv_timer_start(&net->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
    return c;
}

static void net_drop(struct net *net)
{
    if (net->freeing && net->allocated == 0) {
        idmap_clear(&net->conns);
        free(net);
    }
}

static void conn_free(struct conn *c)
{
    struct net *net = c->net;

    free(c->addresses);
    free(c);
    net->allocated--;
    net_drop(net);
}

static void on_conn_closed(uv_handle_t *handle)
{
    conn_free(handle->data);
}

/* ---- the one way out ---- */

static void forget_waiting(struct conn *c, size_t len)
{
    c->waiting -= len;
    c->net->waiting_total -= len;
}

static void finish(struct conn *c)
{
    enum conn_state was = c->state;

    idmap_take(&c->net->conns, c->id);
    strangers_gone(&c->net->strangers, c->id);
    forget_waiting(c, c->waiting);
    move(c, CONN_CLOSING);
    if (was == CONN_LOOKUP)
        uv_cancel((uv_req_t *)&c->lookup); /* on_lookup() frees, either way */
    else if (was != CONN_BETWEEN)          /* there the closing is under way */
        uv_close((uv_handle_t *)&c->tcp, on_conn_closed);
}

static void lose(struct conn *c)
{
    if (c->state != CONN_DRAINING)
        worker_lost(c->net->worker, c->id);
    finish(c);
}

/* ---- reading ---- */

static void on_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct conn *c = handle->data;

    (void)suggested;
    /* One for all: on_read() comes before anything else is read. */
    *buf = uv_buf_init(c->net->in, sizeof c->net->in);
}

static void read_less(struct conn *c)
{
    uv_read_stop((uv_stream_t *)&c->tcp);
    c->reading = false;
}

static void pause_all(struct net *net)
{
    size_t at = 0;

    net->paused = true;
    for (struct conn *c = idmap_next(&net->conns, &at); c != NULL;
         c = idmap_next(&net->conns, &at)) {
        if (c->state == CONN_OPEN && c->reading)
            read_less(c);
    }
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct conn *c = stream->data;
    struct net *net = c->net;

    if (n < 0) {
        lose(c);
        return;
    }
    if (n == 0 || c->state == CONN_DRAINING)
        return;
    c->waiting += (size_t)n;
    net->waiting_total += (size_t)n;
    worker_bytes(net->worker, c->id,
                 (struct covey_bytes){(const uint8_t *)buf->base, (size_t)n});
    if (net->waiting_total > NET_WAITING_TOTAL)
        pause_all(net);
    else if (c->waiting > NET_WAITING_MAX)
        read_less(c);
}

static void read_more(struct conn *c)
{
    if (!c->reading)
        c->reading =
            uv_read_start((uv_stream_t *)&c->tcp, on_buffer, on_read) == 0;
}

static void read_if_due(struct conn *c)
{
    if (c->state == CONN_OPEN && !c->net->paused &&
        c->waiting <= NET_WAITING_MAX / 2)
        read_more(c);
}

static void resume_all(struct net *net)
{
    size_t at = 0;

    net->paused = false;
    for (struct conn *c = idmap_next(&net->conns, &at); c != NULL;
         c = idmap_next(&net->conns, &at))
        read_if_due(c);
}

void net_taken(struct net *net, uint64_t id, size_t len)
{
    struct conn *c = idmap_get(&net->conns, id);

    if (c != NULL && c->state == CONN_OPEN) {
        CHECK(c->waiting >= len);
        forget_waiting(c, len);
        read_if_due(c);
    }
    if (net->paused && net->waiting_total < NET_WAITING_TOTAL / 2)
        resume_all(net);
}

static void become_open(struct conn *c)
{
    move(c, CONN_OPEN);
    uv_tcp_nodelay(&c->tcp, 1);
    read_if_due(c);
}

/* ---- writing ---- */

static void on_shut(uv_shutdown_t *req, int status)
{
    (void)req; /* the end of the stream, or the sweep, finishes it */
    (void)status;
}

/* All is sent: say so, and read on until the peer has ended as well, lest a
 * reset overtake our last words. */
static void end_stream(struct conn *c)
{
    if (c->shut)
        return;
    c->shut = true;
    if (uv_shutdown(&c->shutting, (uv_stream_t *)&c->tcp, on_shut) != 0)
        finish(c);
}

static void on_sent(uv_write_t *req, int status)
{
    struct sending *s = req->data;
    struct conn *c = s->conn;
    size_t len = s->note->len;

    free(s->note);
    free(s);
    c->writes--;
    if (c->state == CONN_CLOSING)
        return;
    if (status != 0) {
        lose(c);
        return;
    }
    if (c->state == CONN_OPEN)
        worker_sent(c->net->worker, c->id, len);
    else if (c->state == CONN_DRAINING && c->writes == 0)
        end_stream(c);
}

void net_send(struct net *net, struct worker_note *note)
{
    struct conn *c = idmap_get(&net->conns, note->id);

    if (c == NULL || c->state != CONN_OPEN) {
        free(note); /* lost meanwhile, as the worker will hear */
        return;
    }

    struct sending *s = heap_new(sizeof *s);
    uv_buf_t buf = uv_buf_init((char *)note->bytes, (unsigned)note->len);

    s->req.data = s;
    s->conn = c;
    s->note = note;
    c->writes++;
    if (uv_write(&s->req, (uv_stream_t *)&c->tcp, &buf, 1, on_sent) == 0)
        return;
    c->writes--;
    free(note);
    free(s);
    lose(c);
}

void net_close(struct net *net, uint64_t id)
{
    struct conn *c = idmap_get(&net->conns, id);

    if (c == NULL)
        return;
    if (c->state != CONN_OPEN || !c->known) {
        finish(c);
        return;
    }
    move(c, CONN_DRAINING);
    c->deadline_ms = uv_now(net->loop) + NET_LINGER_MS;
    read_more(c);
    if (c->writes == 0)
        end_stream(c);
}

void net_known(struct net *net, uint64_t id)
{
    struct conn *c = idmap_get(&net->conns, id);

    if (c == NULL)
        return;
    c->known = true;
    strangers_known(&net->strangers, id, worker_clock().now);
}

/* ---- listening ---- */

static void put_out(struct net *net, uint64_t id)
{
    struct conn *c = idmap_get(&net->conns, id);

    if (c != NULL)
        lose(c);
}

static void on_visitor(void *ctx, int fd, const struct endpoint *from)
{
    struct net *net = ctx;
    uint64_t evicted = 0;

    if (net->conns.count >= net->connection_max) {
        net->strangers.refused++;
        close(fd);
        return;
    }
    if (!strangers_admit(&net->strangers, net->next_id, from,
                         worker_clock().now, &evicted)) {
        close(fd);
        return;
    }
    if (evicted != 0)
        put_out(net, evicted);

    struct conn *c = conn_new(net, net->next_id, CONN_DIALLING);

    net->next_id += 2;
    uv_tcp_init(net->loop, &c->tcp);
    if (uv_tcp_open(&c->tcp, fd) != 0) {
        close(fd);
        finish(c);
        return;
    }
    worker_accepted(net->worker, c->id);
    become_open(c);
}

enum covey_rc net_listen(struct net *net, int fd)
{
    return door_open(net->loop, fd, on_visitor, net, &net->door);
}

/* ---- dialling ---- */

static void dial_next(struct conn *c);

static void on_between(uv_handle_t *handle)
{
    struct conn *c = handle->data;

    if (c->state == CONN_CLOSING)
        conn_free(c);
    else
        dial_next(c);
}

static void dial_failed(struct conn *c)
{
    move(c, CONN_BETWEEN);
    uv_close((uv_handle_t *)&c->tcp, on_between);
}

static void on_connected(uv_connect_t *req, int status)
{
    struct conn *c = req->data;

    if (c->state != CONN_DIALLING)
        return; /* given up on; its handle is closing */
    if (status != 0) {
        dial_failed(c);
        return;
    }
    worker_connected(c->net->worker, c->id);
    become_open(c);
}

/* No handle is open here. */
static void dial_next(struct conn *c)
{
    uint64_t now = uv_now(c->net->loop);

    if (c->next_address == c->addresses->count || now >= c->give_up_ms) {
        worker_lost(c->net->worker, c->id);
        idmap_take(&c->net->conns, c->id);
        move(c, CONN_CLOSING);
        conn_free(c);
        return;
    }

    const struct endpoint *to = &c->addresses->item[c->next_address++];

    move(c, CONN_DIALLING);
    c->deadline_ms = now + NET_ADDRESS_WAIT_MS;
    uv_tcp_init(c->net->loop, &c->tcp);
    if (uv_tcp_connect(&c->connecting, &c->tcp,
                       (const struct sockaddr *)&to->addr, on_connected) != 0)
        dial_failed(c);
}

static void on_lookup(uv_getaddrinfo_t *req, int status, struct addrinfo *info)
{
    struct conn *c = req->data;

    if (status == 0)
        endpoint_list_read(info, c->addresses);
    uv_freeaddrinfo(info);
    if (c->state == CONN_CLOSING)
        conn_free(c);
    else
        dial_next(c); /* which gives up where there is none */
}

void net_dial(struct net *net, uint64_t id, const char *host_port)
{
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                          .ai_flags = AI_NUMERICSERV};
    char host[ENDPOINT_HOST_MAX];
    char port[ENDPOINT_PORT_MAX];
    struct covey_why ignored;

    if (net->conns.count >= net->connection_max ||
        endpoint_split(host_port, host, port, &ignored) != COVEY_OK) {
        worker_lost(net->worker, id);
        return;
    }

    struct conn *c = conn_new(net, id, CONN_LOOKUP);

    c->known = true;
    c->addresses = heap_new(sizeof *c->addresses);
    c->deadline_ms = uv_now(net->loop) + NET_DIAL_WAIT_MS;
    c->give_up_ms = c->deadline_ms;
    if (endpoint_read(host_port, &c->addresses->item[0], &ignored) ==
        COVEY_OK) {
        c->addresses->count = 1; /* numbers: nothing to look up */
        dial_next(c);
    } else if (uv_getaddrinfo(net->loop, &c->lookup, on_lookup, host, port,
                              &hints) != 0) {
        dial_next(c);
    }
}

/* ---- time ---- */

static void overdue(struct conn *c)
{
    if (c->state == CONN_DIALLING)
        dial_failed(c);
    else
        lose(c); /* the name did not resolve, or the peer does not take it */
}

static bool sweep_one(struct net *net, uint64_t now)
{
    size_t at = 0;

    for (struct conn *c = idmap_next(&net->conns, &at); c != NULL;
         c = idmap_next(&net->conns, &at)) {
        if (c->deadline_ms != 0 && now >= c->deadline_ms) {
            overdue(c);
            return true; /* the map has changed under us */
        }
    }
    return false;
}

static void on_sweep(uv_timer_t *timer)
{
    struct net *net = timer->data;
    uint64_t now = uv_now(net->loop);

    while (sweep_one(net, now))
        continue;
    if (net->strangers.refused != net->refused_told) {
        worker_strangers(net->worker,
                         net->strangers.refused - net->refused_told);
        net->refused_told = net->strangers.refused;
    }
    if (net->conns.count == 0)
        uv_timer_stop(&net->sweep);
}

/* ---- start and end ---- */

struct net *net_new(uv_loop_t *loop, size_t connection_max)
{
    struct net *net = heap_new(sizeof *net);

    net->loop = loop;
    net->connection_max = connection_max;
    net->next_id = 2;
    net->sweep.data = net;
    uv_timer_init(loop, &net->sweep);
    return net;
}

void net_connect(struct net *net, struct worker *worker)
{
    net->worker = worker;
}

size_t net_count(const struct net *net)
{
    return net->conns.count;
}

void net_shut(struct net *net)
{
    door_close(net->door);
    net->door = NULL;
}

void net_cut(struct net *net)
{
    size_t at = 0;

    for (struct conn *c = idmap_next(&net->conns, &at); c != NULL;
         at = 0, c = idmap_next(&net->conns, &at))
        finish(c);
}

static void on_net_closed(uv_handle_t *handle)
{
    struct net *net = handle->data;

    net->allocated--;
    net_drop(net);
}

void net_free(struct net *net)
{
    net_shut(net);
    CHECK(net->conns.count == 0);
    net->freeing = true;
    net->allocated++; /* the sweep's handle holds it too */
    uv_close((uv_handle_t *)&net->sweep, on_net_closed);
}
