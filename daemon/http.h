/* http.h - HTTP/1.1 on the loop, by libmicrohttpd.
 *
 * Two doors into one server: the Unix socket, and for browsers a loopback port
 * that guard.h watches.  A request is handed on once it is here whole; whoever
 * takes it answers at once, or holds it and answers later, or streams.
 *
 * A request, idle time before it included, must be here within HTTP_ASK_MS,
 * however its bytes are dealt out. */
#ifndef COVEY_DAEMON_HTTP_H
#define COVEY_DAEMON_HTTP_H

#include <uv.h>

#include "daemon/guard.h"
#include "daemon/local.h"

/* Until a request is here whole; seen to each half second, so below 10 s. */
#define HTTP_ASK_MS 9000u
#define HTTP_SEND_MS 60000u      /* until an answer that ends is sent */
#define HTTP_CONNECTIONS_MAX 64u /* on both doors */
#define HTTP_MEMORY_MAX 65536u   /* bytes a connection: headers, buffers */
#define HTTP_DRAIN_MAX 16777216u /* bytes of a body read only to refuse it */

struct http;
struct http_request;

struct http_ask {
    const char *method;
    const char *target;      /* path and query, as sent */
    struct covey_bytes body; /* at most ROUTE_BODY_MAX */
};
/* A request is here; borrowed is all but r, which lives until it is answered
 * or, where it was held or streams, until its end was told. */
typedef void (*http_fn)(void *ctx, struct http_request *r,
                        const struct http_ask *ask);

struct http_answer {
    int status;
    const char *allow;       /* of a 405, else NULL */
    struct covey_bytes body; /* JSON; copied */
};

enum http_fill {
    HTTP_FILL_SOME,   /* *len bytes, not 0 */
    HTTP_FILL_LATER,  /* nothing yet: http_wake() will tell */
    HTTP_FILL_END,    /* that was all */
    HTTP_FILL_BROKEN, /* it cannot be ended well: cut the connection */
};
struct http_source {
    void *ctx;
    const char *type; /* Content-Type */
    bool endless;     /* not bound to HTTP_SEND_MS */
    enum http_fill (*fill)(void *ctx, uint8_t *dst, size_t cap, size_t *len);
    void (*end)(void *ctx); /* once, however it ends */
};

/* web_fd: a loopback port that listens, and guard its rules; or -1.  Takes both
 * sockets.  connection_max is at most HTTP_CONNECTIONS_MAX. */
struct http_config {
    const struct local *local;
    int web_fd;
    const struct guard *guard;
    size_t connection_max;
    http_fn fn;
    void *ctx;
};
COVEY_MUST_USE enum covey_rc http_start(uv_loop_t *loop,
                                        const struct http_config *config,
                                        struct http **out);

void http_answer(struct http_request *r, const struct http_answer *answer);
void http_error(struct http_request *r, int status, enum covey_rc rc,
                const char *text);
/* The answer comes later.  gone(ctx) is called if whoever asked hangs up first,
 * and then r is no more; never after http_answer(). */
void http_hold(struct http_request *r, void (*gone)(void *ctx), void *ctx);
/* 200, and what the source gives. */
void http_stream(struct http_request *r, const struct http_source *source);
void http_wake(struct http_request *r); /* its source has more, or has ended */

/* Nobody new: doors shut, further requests get 503. */
void http_shut(struct http *http);
bool http_is_busy(const struct http *http); /* an answer is due, or going out */
/* Cut all, telling every end; frees itself once its handles are closed. */
void http_free(struct http *http);

#endif
