#include "daemon/door.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/heap.h"
#include "daemon/log.h"
#include "daemon/routes.h"

struct door {
    uv_poll_t poll;
    uv_timer_t rest;
    int fd;
    door_fn fn;
    void *ctx;
    int open_handles;
    bool short_told; /* once until nobody waits any more, lest a crowd that
                      * comes and goes fill the log */
};

static void on_knock(uv_poll_t *poll, int status, int events);

static void on_rested(uv_timer_t *timer)
{
    struct door *door = timer->data;

    uv_poll_start(&door->poll, UV_READABLE, on_knock);
}

static void rest(struct door *door)
{
    uv_poll_stop(&door->poll);
    uv_timer_start(&door->rest, on_rested, DOOR_REST_MS, 0);
}

static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS ||
           error == ENOMEM;
}

/* One visitor; false when there is none, or none can be let in now. */
static bool let_in(struct door *door)
{
    struct endpoint from = {.len = sizeof from.addr};
    int fd = accept4(door->fd, (struct sockaddr *)&from.addr, &from.len,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0) {
        door->fn(door->ctx, fd, &from);
        return true;
    }
    if (is_shortage(errno)) {
        if (!door->short_told)
            log_plain(LOG_LEVEL_WARN, "out of descriptors: nobody is let in");
        door->short_told = true;
        rest(door);
        return false;
    }
    if (errno == EAGAIN)
        door->short_told = false;
    /* Who hung up while waiting, or the network's troubles (accept(2)). */
    return errno != EAGAIN && errno != EBADF && errno != EINVAL;
}

static void on_knock(uv_poll_t *poll, int status, int events)
{
    struct door *door = poll->data;

    (void)status;
    (void)events;
    for (unsigned i = 0; i < DOOR_RUN_MAX && door->fd >= 0; i++) {
        if (!let_in(door))
            return;
    }
}

enum covey_rc door_open(uv_loop_t *loop, int listen_fd, door_fn fn, void *ctx,
                        struct door **out)
{
    struct door *door = heap_new(sizeof *door);

    door->fd = listen_fd;
    door->fn = fn;
    door->ctx = ctx;
    door->open_handles = 2;
    door->poll.data = door;
    door->rest.data = door;
    uv_timer_init(loop, &door->rest);
    if (uv_poll_init(loop, &door->poll, listen_fd) != 0)
        return COVEY_EREFUSED; /* at start: the process ends */
    uv_poll_start(&door->poll, UV_READABLE, on_knock);
    *out = door;
    return COVEY_OK;
}

static void on_closed(uv_handle_t *handle)
{
    struct door *door = handle->data;

    if (--door->open_handles == 0)
        free(door);
}

void door_close(struct door *door)
{
    if (door == NULL)
        return;
    uv_close((uv_handle_t *)&door->poll, on_closed);
    uv_close((uv_handle_t *)&door->rest, on_closed);
    close(door->fd); /* after uv_close() has taken it off the loop */
    door->fd = -1;
}

void door_refuse(int fd, const char *status, enum covey_rc rc, const char *text)
{
    struct covey_buf body;
    char unread[4096];

    buf_init(&body, &heap_mem, 1024);
    route_error(rc, text, &body);

    char *answer = heap_print(
        "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: "
        "%zu\r\nConnection: close\r\n\r\n%.*s",
        status, body.len, (int)body.len, (const char *)body.p);

    send(fd, answer, strlen(answer), MSG_NOSIGNAL | MSG_DONTWAIT);
    /* What lies unread would turn the answer into a reset. */
    recv(fd, unread, sizeof unread, MSG_DONTWAIT);
    close(fd);
    free(answer);
    buf_clear(&body);
}
