#include "daemon/watch.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/heap.h"
#include "daemon/log.h"
#include "store/store.h"

struct watch {
    uv_fs_event_t event;
    uv_timer_t poll;
    struct worker *worker;
    int open_handles;
    bool looking; /* asked, not answered */
    bool again;   /* fired since */
};

static void look(struct watch *watch)
{
    if (watch->looking) {
        watch->again = true;
        return;
    }
    watch->looking = true;
    watch->again = false;
    worker_outside(watch->worker);
}

void watch_looked(struct watch *watch)
{
    watch->looking = false;
    if (watch->again)
        look(watch);
}

static void on_event(uv_fs_event_t *event, const char *name, int events,
                     int status)
{
    (void)events;
    if (status == 0 && name != NULL && strcmp(name, STORE_FILE "-wal") == 0)
        look(event->data);
}

static void on_poll(uv_timer_t *timer)
{
    look(timer->data);
}

struct watch *watch_start(uv_loop_t *loop, const char *dir,
                          struct worker *worker)
{
    struct watch *watch = heap_new(sizeof *watch);

    watch->worker = worker;
    watch->event.data = watch;
    watch->poll.data = watch;
    watch->open_handles = 2;
    uv_timer_init(loop, &watch->poll);
    uv_fs_event_init(loop, &watch->event);

    int error = uv_fs_event_start(&watch->event, on_event, dir, 0);

    if (error != 0) {
        log_because(LOG_LEVEL_WARN,
                    "no watch on the directory: looking by time",
                    uv_strerror(error));
        uv_timer_start(&watch->poll, on_poll, WATCH_POLL_MS, WATCH_POLL_MS);
    }
    return watch;
}

static void on_closed(uv_handle_t *handle)
{
    struct watch *watch = handle->data;

    if (--watch->open_handles == 0)
        free(watch);
}

void watch_stop(struct watch *watch)
{
    uv_close((uv_handle_t *)&watch->event, on_closed);
    uv_close((uv_handle_t *)&watch->poll, on_closed);
}
