/* Start: lock, keys, sockets, record; then the loop.  Whatever may be refused
 * is asked for before the record is opened, since opening it begins a run.
 *
 * Stop: nobody new is let in, the worker does what waits and says goodbye, and
 * the loop goes on until that is sent, or DAEMON_STOP_MS are over. */
#include "daemon/daemon.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <sodium.h>
#include <uv.h>

#include "daemon/events.h"
#include "daemon/heap.h"
#include "daemon/http.h"
#include "daemon/idmap.h"
#include "daemon/init.h"
#include "daemon/keys.h"
#include "daemon/lock.h"
#include "daemon/log.h"
#include "daemon/net.h"
#include "daemon/reads.h"
#include "daemon/watch.h"
#include "daemon/why.h"

#define STOP_LOOK_MS 20u   /* how often to look whether all is sent */
#define FILES_WANTED 8192u /* descriptors, if the system lets us */
#define FILES_RESERVED 32u /* for the record, the sockets, libuv */
#define FILES_LEAST 64u
_Static_assert(FILES_LEAST - FILES_LEAST / 4 - FILES_RESERVED == 16,
               "the least leaves room for 16 peers");

struct daemon {
    const struct config *config;
    const char *dir;
    struct route_table routes;
    struct lock lock;
    struct local local;
    int listen_fd, web_fd; /* -1: not asked for, or given away */
    struct endpoint listen, web;
    size_t peers_max, http_max; /* connections */
    char listen_text[ENDPOINT_TEXT_MAX], web_text[ENDPOINT_TEXT_MAX];
    struct guard guard;
    struct node *node; /* until the worker takes it */

    uv_loop_t loop;
    uv_signal_t signals[3];
    uv_timer_t stopper;
    struct worker *worker;
    struct net *net;
    struct http *http;
    struct reads *reads;
    struct events *events;
    struct watch *watch;
    struct idmap asks; /* of requests that the node has */
    uint64_t next_ask;
    uint64_t stop_by_ms;
    bool stopping, worker_stopped;
    int exit_code;
};

struct ask { /* a request that the node has */
    struct daemon *daemon;
    uint64_t id;
    struct http_request *request;
};

static const int stop_signals[] = {SIGTERM, SIGINT, SIGHUP};
#define SIGNAL_COUNT (sizeof stop_signals / sizeof stop_signals[0])

int daemon_exit_code(enum covey_rc rc)
{
    if (rc == COVEY_OK)
        return DAEMON_EXIT_OK;
    if (rc == COVEY_EIO || rc == COVEY_ECORRUPT)
        return DAEMON_EXIT_DISK;
    return rc == COVEY_EUSAGE ? DAEMON_EXIT_MISUSED : DAEMON_EXIT_FAILED;
}

/* ---- requests ---- */

static void on_ask_gone(void *ctx)
{
    struct ask *ask = ctx;

    idmap_take(&ask->daemon->asks, ask->id);
    worker_gone(ask->daemon->worker, ask->id);
    free(ask);
}

static void ask_node(struct daemon *d, struct http_request *r,
                     struct route_match *match)
{
    struct ask *ask = heap_new(sizeof *ask);

    ask->daemon = d;
    ask->id = ++d->next_ask;
    ask->request = r;
    idmap_add(&d->asks, ask->id, ask);
    http_hold(r, on_ask_gone, ask);
    worker_request(d->worker, ask->id, match);
}

static void refuse(struct http_request *r, const struct route_refusal *refusal)
{
    struct http_answer answer = {.status = refusal->status};
    struct covey_buf body;

    buf_init(&body, &heap_mem, 4096);
    route_error(refusal->rc, refusal->why.text, &body);
    answer.body = buf_bytes(&body);
    if (refusal->allow[0] != '\0')
        answer.allow = refusal->allow;
    http_answer(r, &answer);
    buf_clear(&body);
}

static void on_request(void *ctx, struct http_request *r,
                       const struct http_ask *http_ask)
{
    struct daemon *d = ctx;
    struct route_refusal refusal;
    struct route_match *match = route_find(
        &d->routes,
        &(struct route_ask){http_ask->method, http_ask->target, http_ask->body},
        &refusal);

    if (match == NULL) {
        refuse(r, &refusal);
        return;
    }
    switch (match->route->run) {
    case API_READ_LIST:
    case API_READ_ONE:
        reads_take(d->reads, r, match);
        return;
    case API_WRITE:
    case API_ACTION:
        ask_node(d, r, match);
        return;
    case API_STREAM:
        free(match);
        events_subscribe(d->events, r);
        return;
    }
}

static void on_reply(struct daemon *d, const struct worker_note *note)
{
    struct ask *ask = idmap_take(&d->asks, note->id);

    if (ask == NULL)
        return; /* gone meanwhile */
    http_answer(ask->request,
                &(struct http_answer){.status = note->status,
                                      .body = {note->bytes, note->len}});
    free(ask);
}

/* The node is no more, and with it every answer. */
static void answer_all(struct daemon *d)
{
    size_t at = 0;

    for (struct ask *ask = idmap_next(&d->asks, &at); ask != NULL;
         at = 0, ask = idmap_next(&d->asks, &at)) {
        idmap_take(&d->asks, ask->id);
        http_error(ask->request, 503, COVEY_EBUSY, "the daemon is stopping");
        free(ask);
    }
}

/* ---- the end ---- */

static void finish(struct daemon *d)
{
    net_cut(d->net);
    net_free(d->net);
    http_free(d->http);
    reads_free(d->reads);
    events_free(d->events);
    watch_stop(d->watch);
    worker_free(d->worker);
    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        uv_close((uv_handle_t *)&d->signals[i], NULL);
    uv_close((uv_handle_t *)&d->stopper, NULL);
}

static void on_stopper(uv_timer_t *timer)
{
    struct daemon *d = timer->data;
    bool busy = net_count(d->net) > 0 || http_is_busy(d->http);

    if (d->worker_stopped && (!busy || uv_now(&d->loop) >= d->stop_by_ms))
        finish(d);
}

static void begin_stop(struct daemon *d)
{
    if (d->stopping)
        return;
    d->stopping = true;
    d->stop_by_ms = uv_now(&d->loop) + DAEMON_STOP_MS;
    net_shut(d->net);
    http_shut(d->http);
    events_shut(d->events);
    worker_stop(d->worker);
    uv_timer_start(&d->stopper, on_stopper, STOP_LOOK_MS, STOP_LOOK_MS);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct daemon *d = handle->data;

    /* NOLINTNEXTLINE(concurrency-mt-unsafe): a text for each thread in glibc */
    const char *name = strsignal(number);

    if (!d->stopping)
        log_because(LOG_LEVEL_INFO, "stopping", name);
    begin_stop(d);
}

static void on_fatal(struct daemon *d, const struct worker_note *note)
{
    struct log_line line;
    bool disk = daemon_exit_code(note->rc) == DAEMON_EXIT_DISK;

    log_begin(&line, LOG_LEVEL_ERROR, "cannot go on");
    log_text(&line, "code", covey_rc_id(note->rc));
    log_text(&line, "why", (const char *)note->bytes);
    log_end(&line);
    d->exit_code = disk ? DAEMON_EXIT_DISK : DAEMON_EXIT_FAILED;
    begin_stop(d);
}

/* ---- what the node wants done ---- */

static void on_note(void *ctx, struct worker_note *note)
{
    struct daemon *d = ctx;

    switch (note->kind) {
    case WORKER_SEND:
        net_send(d->net, note);
        return; /* it has taken the note */
    case WORKER_DIAL:
        net_dial(d->net, note->id, (const char *)note->bytes);
        break;
    case WORKER_KNOWN:
        net_known(d->net, note->id);
        break;
    case WORKER_CLOSE:
        net_close(d->net, note->id);
        break;
    case WORKER_TAKEN:
        net_taken(d->net, note->id, note->count);
        break;
    case WORKER_REPLY:
        on_reply(d, note);
        break;
    case WORKER_CHANGES:
        events_publish(d->events, (struct covey_bytes){note->bytes, note->len});
        break;
    case WORKER_LOOKED:
        watch_looked(d->watch);
        break;
    case WORKER_FATAL:
        on_fatal(d, note);
        break;
    case WORKER_STOPPED:
        d->worker_stopped = true;
        answer_all(d);
        begin_stop(d);
        break;
    }
    free(note);
}

/* ---- the beginning ---- */

static enum covey_rc open_sockets(struct daemon *d, struct covey_why *why)
{
    const struct config *c = d->config;
    enum covey_rc rc = local_listen(d->dir, c->group, &d->local, why);

    if (rc == COVEY_OK && c->listen != NULL) {
        rc = endpoint_read(c->listen, &d->listen, why);
        if (rc == COVEY_OK)
            rc = endpoint_listen(&d->listen, &d->listen_fd, why);
        if (rc == COVEY_OK)
            endpoint_write(&d->listen, d->listen_text);
    }
    if (rc == COVEY_OK && c->web != NULL) {
        rc = endpoint_read(c->web, &d->web, why);
        if (rc == COVEY_OK)
            rc = endpoint_listen(&d->web, &d->web_fd, why);
        if (rc == COVEY_OK)
            endpoint_write(&d->web, d->web_text);
    }
    return rc;
}

static enum covey_rc open_guard(struct daemon *d, struct covey_why *why)
{
    char token[TOKEN_HEX + 1];
    enum covey_rc rc = COVEY_OK;

    if (d->web_fd < 0)
        return COVEY_OK;
    rc = token_ensure(d->dir, token, why);
    if (rc == COVEY_OK)
        guard_init(&d->guard, d->web_text, endpoint_port(&d->web), token);
    sodium_memzero(token, sizeof token);
    return rc;
}

static enum covey_rc open_node(struct daemon *d, struct covey_why *why)
{
    struct node_config *c = heap_need(sodium_malloc(sizeof *c));
    enum covey_rc rc = COVEY_OK;

    *c = (struct node_config){
        .dir = d->dir,
        .carry_all = d->config->carry_all,
        .advertise = d->config->advertise,
        .dials = d->config->dials,
        .dial_count = d->config->dial_count,
    };
    randombytes_buf(&c->seed, sizeof c->seed);
    rc = keys_load(d->dir, &c->secrets, why);
    if (rc == COVEY_OK)
        rc = node_open(c, worker_clock(), &d->node, why);
    sodium_free(c);
    if (rc == COVEY_OK && d->listen_fd >= 0 &&
        !endpoint_is_wildcard(&d->listen))
        node_listening(d->node, d->listen_text);
    return rc;
}

/* How many connections there may be: descriptors are shared with the record.
 * Too few are refused here, since libuv aborts where it gets none. */
static enum covey_rc count_files(struct daemon *d, struct covey_why *why)
{
    struct rlimit files = {FILES_WANTED, FILES_WANTED};

    getrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < FILES_WANTED) {
        files.rlim_cur =
            files.rlim_max < FILES_WANTED ? files.rlim_max : FILES_WANTED;
        setrlimit(RLIMIT_NOFILE, &files);
        getrlimit(RLIMIT_NOFILE, &files);
    }

    size_t count =
        files.rlim_cur > FILES_WANTED ? FILES_WANTED : (size_t)files.rlim_cur;

    if (count < FILES_LEAST)
        return why_fail(why, COVEY_EREFUSED,
                        "this process may have %zu files and connections open, "
                        "and needs at least %u: raise the limit (ulimit -n)",
                        count, FILES_LEAST);
    d->http_max =
        count / 4 < HTTP_CONNECTIONS_MAX ? count / 4 : HTTP_CONNECTIONS_MAX;
    d->peers_max = count - d->http_max - FILES_RESERVED;
    if (d->peers_max > NODE_CONNECTIONS_MAX)
        d->peers_max = NODE_CONNECTIONS_MAX;
    return COVEY_OK;
}

static enum covey_rc start_parts(struct daemon *d)
{
    struct http_config http = {.local = &d->local,
                               .connection_max = d->http_max,
                               .web_fd = d->web_fd,
                               .guard = &d->guard,
                               .fn = on_request,
                               .ctx = d};
    enum covey_rc rc = COVEY_OK;

    d->net = net_new(&d->loop, d->peers_max);
    d->reads = reads_new(&d->loop, d->dir);
    d->events = events_new(&d->loop);
    rc = worker_start(&d->loop, d->node, on_note, d, &d->worker);
    if (rc != COVEY_OK)
        return rc;
    d->node = NULL;
    d->watch = watch_start(&d->loop, d->dir, d->worker);
    net_connect(d->net, d->worker);
    rc = http_start(&d->loop, &http, &d->http);
    if (rc == COVEY_OK && d->listen_fd >= 0)
        rc = net_listen(d->net, d->listen_fd);
    d->local.fd = d->web_fd = d->listen_fd = -1;
    return rc;
}

/* Without memory libuv aborts in some places: like all of the shell's it is
 * there, or the process ends with a word (heap.h). */
static void *uv_new(size_t size)
{
    return heap_need(malloc(size));
}

static void *uv_more(void *p, size_t size)
{
    return heap_need(realloc(p, size));
}

static void *uv_many(size_t count, size_t size)
{
    return heap_need(calloc(count, size));
}

static enum covey_rc start_loop(struct daemon *d, struct covey_why *why)
{
    if (uv_replace_allocator(uv_new, uv_more, uv_many, free) != 0 ||
        uv_loop_init(&d->loop) != 0)
        return why_fail(why, COVEY_EREFUSED, "the event loop does not start");
    d->stopper.data = d;
    uv_timer_init(&d->loop, &d->stopper);
    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        d->signals[i].data = d;
        uv_signal_init(&d->loop, &d->signals[i]);
        uv_signal_start(&d->signals[i], on_signal, stop_signals[i]);
    }
    if (start_parts(d) != COVEY_OK)
        return why_fail(why, COVEY_EREFUSED,
                        "the system gives no thread or descriptor");
    return COVEY_OK;
}

static void say_ready(const struct daemon *d)
{
    const char *listen = d->config->listen == NULL ? "-" : d->listen_text;
    const char *web = d->config->web == NULL ? "-" : d->web_text;
    struct log_line line;

    printf("ready socket=%s listen=%s web=%s\n", d->local.path, listen, web);
    (void)fflush(stdout); /* nobody need be listening */
    log_begin(&line, LOG_LEVEL_INFO, "serving");
    log_text(&line, "data", d->dir);
    log_text(&line, "listen", listen);
    log_text(&line, "web", web);
    log_end(&line);
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Safe on a daemon that has started half. */
static void clear(struct daemon *d)
{
    node_free(d->node);
    local_remove(&d->local);
    close_fd(&d->local.fd);
    close_fd(&d->listen_fd);
    close_fd(&d->web_fd);
    sodium_memzero(&d->guard, sizeof d->guard);
    idmap_clear(&d->asks);
    lock_drop(&d->lock);
}

enum covey_rc daemon_run(const struct config *config,
                         const struct route_table *routes, int *exit_code,
                         struct covey_why *why)
{
    struct daemon d = {
        .config = config,
        .dir = config->data,
        .routes = *routes,
        .lock = {-1},
        .local = {.fd = -1},
        .listen_fd = -1,
        .web_fd = -1,
    };
    enum covey_rc rc = init_check(d.dir, why);

    if (rc == COVEY_OK)
        rc = count_files(&d, why);
    if (rc == COVEY_OK)
        rc = lock_take(d.dir, &d.lock, why);
    if (rc == COVEY_OK)
        rc = open_sockets(&d, why);
    if (rc == COVEY_OK)
        rc = open_guard(&d, why);
    if (rc == COVEY_OK)
        rc = open_node(&d, why);
    if (rc != COVEY_OK) {
        clear(&d);
        return rc;
    }
    rc = start_loop(&d, why);
    if (rc != COVEY_OK)
        return rc; /* half of it runs already: only exit() ends that */
    say_ready(&d);
    uv_run(&d.loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&d.loop) == 0);
    clear(&d);
    log_plain(LOG_LEVEL_INFO, "stopped");
    *exit_code = d.exit_code;
    return COVEY_OK;
}
