#include "daemon/http.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

#include "daemon/door.h"
#include "daemon/heap.h"
#include "daemon/routes.h"

#define SWEEP_MS 500u
#define BLOCK_SIZE 32768u /* bytes of a stream that are asked for at a time */
#define WEB_SHARE(max) ((max)*3 / 4) /* the rest is for the Unix socket */

enum visit_state {
    VISIT_ASKING,    /* a request is on its way, or will be */
    VISIT_ANSWERING, /* it is here whole */
    VISIT_SENDING,   /* its answer is known */
};

struct visit { /* a connection */
    struct visit *next, **link;
    struct http *http;
    int fd;
    bool web;
    enum visit_state state;
    bool suspended;
    uint64_t since_ms;            /* of this state */
    struct http_request *request; /* NULL before its first line */
};

struct http_request {
    struct http *http;
    struct visit *visit;
    struct MHD_Connection *connection;
    char *target;
    bool begun;        /* its headers were seen */
    bool handed;       /* to whoever takes requests */
    bool cut;          /* to be ended without an answer */
    uint64_t body_len; /* counted also past what is kept */
    struct covey_buf body;
    struct MHD_Response *response; /* not queued yet */
    int status;
    void (*gone)(void *ctx);
    void *gone_ctx;
    struct http_source source; /* .end NULL: no stream */
};

struct http {
    uv_loop_t *loop;
    struct http_config config;
    struct MHD_Daemon *daemon;
    uv_poll_t poll;
    uv_timer_t timer; /* what MHD_get_timeout() asks for */
    uv_timer_t sweep;
    int open_handles;
    struct door *local_door, *web_door;
    struct visit *visits;
    size_t visit_count, web_count;
    bool stopping;
};

/* ---- driving libmicrohttpd ---- */

static void on_timer(uv_timer_t *timer);

static void run(struct http *http)
{
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;

    MHD_run(http->daemon);
    uv_timer_stop(&http->timer);
    if (MHD_get_timeout(http->daemon, &wait_ms) == MHD_YES)
        uv_timer_start(&http->timer, on_timer, wait_ms, 0);
}

static void on_timer(uv_timer_t *timer)
{
    run(timer->data);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    run(poll->data);
}

static void suspend(struct visit *v)
{
    if (!v->suspended)
        MHD_suspend_connection(v->request->connection);
    v->suspended = true;
}

/* libmicrohttpd takes note only when it is run next, and does not ask for it.
 */
static void resume(struct visit *v)
{
    if (!v->suspended)
        return;
    v->suspended = false;
    CHECK(v->request != NULL); /* it waits for an answer */
    MHD_resume_connection(v->request->connection);
    uv_timer_start(&v->http->timer, on_timer, 0, 0);
}

static void enter(struct visit *v, enum visit_state state)
{
    v->state = state;
    v->since_ms = uv_now(v->http->loop);
}

/* ---- answers ---- */

static void respond(struct http_request *r, int status,
                    struct MHD_Response *response)
{
    CHECK(r->response == NULL);
    r->response = response;
    r->status = status;
    r->gone = NULL;
    enter(r->visit, VISIT_SENDING);
    resume(r->visit);
}

static struct MHD_Response *with_headers(struct MHD_Response *response,
                                         const char *type)
{
    heap_need(response);
    MHD_add_response_header(response, "Content-Type", type);
    for (size_t i = 0; i < guard_header_count; i++)
        MHD_add_response_header(response, guard_headers[i].name,
                                guard_headers[i].value);
    return response;
}

void http_answer(struct http_request *r, const struct http_answer *answer)
{
    struct MHD_Response *response =
        with_headers(MHD_create_response_from_buffer(
                         answer->body.len, (void *)(uintptr_t)answer->body.p,
                         MHD_RESPMEM_MUST_COPY),
                     "application/json; charset=utf-8");

    if (answer->allow != NULL)
        MHD_add_response_header(response, "Allow", answer->allow);
    if (r->http->stopping)
        MHD_add_response_header(response, "Connection", "close");
    respond(r, answer->status, response);
}

void http_error(struct http_request *r, int status, enum covey_rc rc,
                const char *text)
{
    struct covey_buf body;

    buf_init(&body, &heap_mem, 4096);
    route_error(rc, text, &body);
    http_answer(
        r, &(struct http_answer){.status = status, .body = buf_bytes(&body)});
    buf_clear(&body);
}

void http_hold(struct http_request *r, void (*gone)(void *ctx), void *ctx)
{
    CHECK(r->gone == NULL);
    r->gone = gone;
    r->gone_ctx = ctx;
}

static ssize_t on_fill(void *cls, uint64_t pos, char *dst, size_t cap)
{
    struct http_request *r = cls;
    size_t len = 0;

    (void)pos;
    if (r->cut)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    switch (r->source.fill(r->source.ctx, (uint8_t *)dst, cap, &len)) {
    case HTTP_FILL_SOME:
        return (ssize_t)len;
    case HTTP_FILL_LATER:
        suspend(r->visit);
        return 0;
    case HTTP_FILL_END:
        return MHD_CONTENT_READER_END_OF_STREAM;
    case HTTP_FILL_BROKEN:
        break;
    }
    return MHD_CONTENT_READER_END_WITH_ERROR;
}

void http_stream(struct http_request *r, const struct http_source *source)
{
    r->source = *source;
    respond(r, MHD_HTTP_OK,
            with_headers(MHD_create_response_from_callback(
                             MHD_SIZE_UNKNOWN, BLOCK_SIZE, on_fill, r, NULL),
                         source->type));
}

void http_wake(struct http_request *r)
{
    resume(r->visit);
}

/* End it without an answer. */
static void cut(struct visit *v)
{
    if (v->request != NULL)
        v->request->cut = true;
    shutdown(v->fd, SHUT_RDWR);
    resume(v);
}

/* ---- a request, from its first line to its end ---- */

/* The first that is heard of a request: its target, before anything has
 * decoded it.  What is returned comes back as *con_cls. */
static void *on_target(void *cls, const char *target,
                       struct MHD_Connection *connection)
{
    struct http *http = cls;
    struct http_request *r = heap_new(sizeof *r);
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    r->http = http;
    r->connection = connection;
    r->visit = info->socket_context;
    r->visit->request = r;
    r->target = heap_text(target);
    buf_init(&r->body, &heap_mem, ROUTE_BODY_MAX);
    return r;
}

struct heard { /* what the headers say that matters here */
    struct guard_ask ask;
    const char *length;
    bool chunked;
};

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind,
                                 const char *key, const char *value)
{
    struct heard *h = cls;

    (void)kind;
    if (strcasecmp(key, "Host") == 0) {
        h->ask.host = value;
        h->ask.host_count++;
    } else if (strcasecmp(key, "Origin") == 0) {
        h->ask.origin = value == NULL ? "" : value;
        h->ask.origin_count++;
    } else if (strcasecmp(key, "Authorization") == 0) {
        h->ask.authorization = value;
    } else if (strcasecmp(key, "X-Covey-Token") == 0) {
        h->ask.token = value;
    } else if (strcasecmp(key, "Content-Length") == 0) {
        h->length = value;
    } else if (strcasecmp(key, "Transfer-Encoding") == 0) {
        h->chunked = true;
    }
    return MHD_YES;
}

/* The headers are here, the body is not.  Answers where there is no point in
 * waiting for it. */
static void on_headers(struct http_request *r)
{
    struct heard h = {.ask = {.path = r->target}};
    struct covey_why why;
    int status;

    MHD_get_connection_values(r->connection, MHD_HEADER_KIND, on_header, &h);
    if (r->http->stopping)
        http_error(r, 503, COVEY_EBUSY, "the daemon is stopping");
    else if (h.length != NULL && h.chunked)
        http_error(r, 400, COVEY_EBAD, "a length and chunks are one too many");
    else if (h.length != NULL && strtoull(h.length, NULL, 10) > HTTP_DRAIN_MAX)
        http_error(r, 413, COVEY_ELIMIT, "the body is larger than 1 MiB");
    else if (r->visit->web &&
             (status = guard_judge(r->http->config.guard, &h.ask, &why)) != 0)
        http_error(r, status, COVEY_EREFUSED, why.text);
}

/* False: more than we are willing to read. */
static bool on_body(struct http_request *r, const char *p, size_t len)
{
    r->body_len += len;
    if (r->body_len <= ROUTE_BODY_MAX)
        buf_append(&r->body, p, len);
    return r->body_len <= HTTP_DRAIN_MAX;
}

static void hand_on(struct http_request *r, const char *method)
{
    struct http_ask ask = {method, r->target, buf_bytes(&r->body)};

    r->handed = true;
    enter(r->visit, VISIT_ANSWERING);
    if (r->body_len > ROUTE_BODY_MAX)
        http_error(r, 413, COVEY_ELIMIT, "the body is larger than 1 MiB");
    else if (buf_rc(&r->body) != COVEY_OK)
        http_error(r, 503, COVEY_ENOMEM, covey_rc_text(COVEY_ENOMEM));
    else
        r->http->config.fn(r->http->config.ctx, r, &ask);
    buf_clear(&r->body);
}

static enum MHD_Result queue(struct http_request *r)
{
    enum MHD_Result done =
        MHD_queue_response(r->connection, (unsigned)r->status, r->response);

    MHD_destroy_response(r->response);
    r->response = NULL;
    return done;
}

/* libmicrohttpd calls this with the headers, with each piece of the body, with
 * its end, and again after each resume until a response is queued. */
/* NOLINTNEXTLINE(readability-function-size): libmicrohttpd's own form */
static enum MHD_Result on_access(void *cls, struct MHD_Connection *connection,
                                 const char *url, const char *method,
                                 const char *version, const char *data,
                                 size_t *data_len, void **con_cls)
{
    struct http_request *r = *con_cls;

    (void)cls;
    (void)connection;
    (void)url;
    (void)version;
    if (r->cut)
        return MHD_NO;
    if (!r->begun) {
        r->begun = true;
        on_headers(r);
        return r->response == NULL ? MHD_YES : queue(r);
    }
    if (*data_len > 0) {
        bool more = on_body(r, data, *data_len);

        *data_len = 0;
        return more ? MHD_YES : MHD_NO;
    }
    if (!r->handed)
        hand_on(r, method);
    if (r->response != NULL)
        return queue(r);
    suspend(r->visit);
    return MHD_YES;
}

static void on_completed(void *cls, struct MHD_Connection *connection,
                         void **con_cls, enum MHD_RequestTerminationCode toe)
{
    struct http_request *r = *con_cls;

    (void)cls;
    (void)connection;
    (void)toe;
    if (r == NULL)
        return;
    *con_cls = NULL;
    r->visit->request = NULL;
    enter(r->visit, VISIT_ASKING);
    if (r->gone != NULL)
        r->gone(r->gone_ctx);
    if (r->source.end != NULL)
        r->source.end(r->source.ctx);
    if (r->response != NULL)
        MHD_destroy_response(r->response);
    buf_clear(&r->body);
    free(r->target);
    free(r);
}

/* ---- connections ---- */

static void visit_begin(struct http *http, struct MHD_Connection *connection,
                        void **context)
{
    struct visit *v = heap_new(sizeof *v);

    v->http = http;
    v->fd =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)
            ->connect_fd;
    v->web =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)
            ->client_addr->sa_family != AF_UNIX;
    v->next = http->visits;
    v->link = &http->visits;
    if (v->next != NULL)
        v->next->link = &v->next;
    http->visits = v;
    http->visit_count++;
    http->web_count += v->web;
    enter(v, VISIT_ASKING);
    *context = v;
}

static void visit_end(struct http *http, struct visit *v)
{
    *v->link = v->next;
    if (v->next != NULL)
        v->next->link = v->link;
    http->visit_count--;
    http->web_count -= v->web;
    free(v);
}

static void on_connection(void *cls, struct MHD_Connection *connection,
                          void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        visit_begin(cls, connection, context);
    else if (*context != NULL)
        visit_end(cls, *context);
}

/* While a connection is suspended, nobody else looks whether it still is. */
static bool has_hung_up(const struct visit *v)
{
    struct pollfd p = {.fd = v->fd, .events = POLLRDHUP};

    return poll(&p, 1, 0) > 0;
}

static bool is_overdue(const struct visit *v, uint64_t now)
{
    if (v->suspended && has_hung_up(v))
        return true;
    switch (v->state) {
    case VISIT_ASKING:
        return now - v->since_ms >= HTTP_ASK_MS;
    case VISIT_ANSWERING:
        return false;
    case VISIT_SENDING:
        return !v->request->source.endless && now - v->since_ms >= HTTP_SEND_MS;
    }
    return false;
}

static void on_sweep(uv_timer_t *timer)
{
    struct http *http = timer->data;
    uint64_t now = uv_now(http->loop);

    for (struct visit *v = http->visits; v != NULL; v = v->next) {
        if (is_overdue(v, now))
            cut(v);
    }
    if (http->visits == NULL)
        uv_timer_stop(timer);
}

static void take_in(struct http *http, int fd, const struct endpoint *from)
{
    if (!uv_is_active((uv_handle_t *)&http->sweep))
        uv_timer_start(&http->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
    /* It closes the socket itself where it fails. */
    MHD_add_connection(http->daemon, fd, (const struct sockaddr *)&from->addr,
                       from->len);
    run(http);
}

static void on_local(void *ctx, int fd, const struct endpoint *from)
{
    struct http *http = ctx;

    if (!local_admits(http->config.local, fd))
        door_refuse(fd, "403 Forbidden", COVEY_EREFUSED,
                    "this socket is its owner's: ask to be let into its group");
    else if (http->visit_count >= http->config.connection_max)
        door_refuse(fd, "503 Service Unavailable", COVEY_EBUSY,
                    "too many connections at once: try again");
    else
        take_in(http, fd, from);
}

static void on_web(void *ctx, int fd, const struct endpoint *from)
{
    struct http *http = ctx;
    size_t max = http->config.connection_max;

    if (http->visit_count >= max || http->web_count >= WEB_SHARE(max))
        door_refuse(fd, "503 Service Unavailable", COVEY_EBUSY,
                    "too many connections at once: try again");
    else
        take_in(http, fd, from);
}

/* ---- start and end ---- */

static void on_mhd_panic(void *cls, const char *file, unsigned line,
                         const char *reason)
{
    (void)cls;
    covey_panic(reason, file, (int)line);
}

static struct MHD_Daemon *start_daemon(struct http *http)
{
    MHD_set_panic_func(on_mhd_panic, NULL);
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0,
        NULL, NULL, on_access, http, MHD_OPTION_URI_LOG_CALLBACK, on_target,
        http, MHD_OPTION_NOTIFY_COMPLETED, on_completed, http,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, http,
        MHD_OPTION_CONNECTION_LIMIT, HTTP_CONNECTIONS_MAX + 1,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_MEMORY_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, HTTP_ASK_MS / 1000,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
        MHD_OPTION_END);
}

static void start_handles(struct http *http)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);

    http->poll.data = http;
    http->timer.data = http;
    http->sweep.data = http;
    http->open_handles = 3;
    uv_timer_init(http->loop, &http->timer);
    uv_timer_init(http->loop, &http->sweep);
    if (uv_poll_init(http->loop, &http->poll, info->epoll_fd) != 0)
        covey_panic("an epoll descriptor can be polled", __FILE__, __LINE__);
    uv_poll_start(&http->poll, UV_READABLE, on_poll);
}

enum covey_rc http_start(uv_loop_t *loop, const struct http_config *config,
                         struct http **out)
{
    struct http *http = heap_new(sizeof *http);
    enum covey_rc rc = COVEY_OK;

    http->loop = loop;
    http->config = *config;
    http->daemon = start_daemon(http);
    if (http->daemon == NULL) {
        free(http);
        return COVEY_EREFUSED;
    }
    start_handles(http);
    *out = http;
    rc = door_open(loop, config->local->fd, on_local, http, &http->local_door);
    if (rc == COVEY_OK && config->web_fd >= 0)
        rc = door_open(loop, config->web_fd, on_web, http, &http->web_door);
    return rc;
}

void http_shut(struct http *http)
{
    http->stopping = true;
    door_close(http->local_door);
    door_close(http->web_door);
    http->local_door = NULL;
    http->web_door = NULL;
}

bool http_is_busy(const struct http *http)
{
    for (const struct visit *v = http->visits; v != NULL; v = v->next) {
        if (v->state != VISIT_ASKING)
            return true;
    }
    return false;
}

static void on_closed(uv_handle_t *handle)
{
    struct http *http = handle->data;

    if (--http->open_handles == 0)
        free(http);
}

void http_free(struct http *http)
{
    http_shut(http);
    for (struct visit *v = http->visits; v != NULL; v = v->next)
        cut(v);
    uv_close((uv_handle_t *)&http->poll, on_closed);
    uv_close((uv_handle_t *)&http->timer, on_closed);
    uv_close((uv_handle_t *)&http->sweep, on_closed);
    MHD_stop_daemon(http->daemon);
}
