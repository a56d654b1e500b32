#include "daemon/events.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/heap.h"

#define ROOM_TO_SAY_SO 512u /* past EVENTS_BUFFER_MAX, for the last event */

static const char hello[] = ": listening\n\n";
static const char beat[] = ":\n\n";
static const char dropped[] =
    "event: dropped\n"
    "data: {\"why\":\"you were too slow: read anew, and listen again\"}\n\n";
static const char ended[] = "event: ended\n"
                            "data: {\"why\":\"the daemon is stopping\"}\n\n";

struct subscriber {
    struct subscriber *next, **link;
    struct events *events;
    struct http_request *request;
    struct covey_buf waiting;
    size_t at;    /* of waiting, given to HTTP */
    bool leaving; /* after what waits */
};

struct events {
    uv_timer_t beat;
    struct subscriber *subscribers;
    size_t count;
};

static void say(struct subscriber *s, const char *text, size_t len)
{
    if (s->leaving)
        return;
    if (s->at == s->waiting.len) {
        buf_reset(&s->waiting);
        s->at = 0;
    }
    if (s->waiting.len + len > EVENTS_BUFFER_MAX) {
        s->leaving = true;
        text = dropped;
        len = strlen(dropped);
    }
    buf_append(&s->waiting, text, len);
    http_wake(s->request);
}

static enum http_fill on_fill(void *ctx, uint8_t *dst, size_t cap, size_t *len)
{
    struct subscriber *s = ctx;

    *len = s->waiting.len - s->at;
    if (*len == 0)
        return s->leaving ? HTTP_FILL_END : HTTP_FILL_LATER;
    if (*len > cap)
        *len = cap;
    memcpy(dst, s->waiting.p + s->at, *len);
    s->at += *len;
    return HTTP_FILL_SOME;
}

static void on_end(void *ctx)
{
    struct subscriber *s = ctx;

    *s->link = s->next;
    if (s->next != NULL)
        s->next->link = s->link;
    if (--s->events->count == 0)
        uv_timer_stop(&s->events->beat);
    buf_clear(&s->waiting);
    free(s);
}

static void on_beat(uv_timer_t *timer)
{
    struct events *events = timer->data;

    for (struct subscriber *s = events->subscribers; s != NULL; s = s->next) {
        if (s->at == s->waiting.len)
            say(s, beat, strlen(beat));
    }
}

void events_subscribe(struct events *events, struct http_request *r)
{
    if (events->count == EVENTS_SUBSCRIBERS_MAX) {
        http_error(r, 503, COVEY_EBUSY, "too many listen for events already");
        return;
    }

    struct subscriber *s = heap_new(sizeof *s);

    s->events = events;
    s->request = r;
    s->next = events->subscribers;
    s->link = &events->subscribers;
    if (s->next != NULL)
        s->next->link = &s->next;
    events->subscribers = s;
    if (events->count++ == 0)
        uv_timer_start(&events->beat, on_beat, EVENTS_BEAT_MS, EVENTS_BEAT_MS);
    buf_init(&s->waiting, &heap_mem, EVENTS_BUFFER_MAX + ROOM_TO_SAY_SO);
    http_stream(r, &(struct http_source){.ctx = s,
                                         .type = "text/event-stream",
                                         .endless = true,
                                         .fill = on_fill,
                                         .end = on_end});
    say(s, hello, strlen(hello));
}

static void frame(struct covey_bytes lines, struct covey_buf *out)
{
    static const char before[] = "data: ";
    static const char after[] = "\n\n";

    while (lines.len > 0) {
        const uint8_t *end = memchr(lines.p, '\n', lines.len);
        size_t len = end == NULL ? lines.len : (size_t)(end - lines.p);
        size_t step = len + (end != NULL);

        if (len > 0) {
            buf_append(out, before, strlen(before));
            buf_append(out, lines.p, len);
            buf_append(out, after, strlen(after));
        }
        lines.p += step;
        lines.len -= step;
    }
}

void events_publish(struct events *events, struct covey_bytes lines)
{
    struct covey_buf text;

    if (events->count == 0)
        return;
    /* A blank line at worst makes nine bytes of two. */
    buf_init(&text, &heap_mem, lines.len * 8 + 16);
    frame(lines, &text);
    heap_need(buf_rc(&text) == COVEY_OK ? &text : NULL);
    for (struct subscriber *s = events->subscribers; s != NULL; s = s->next)
        say(s, (const char *)text.p, text.len);
    buf_clear(&text);
}

void events_shut(struct events *events)
{
    for (struct subscriber *s = events->subscribers; s != NULL; s = s->next) {
        say(s, ended, strlen(ended));
        s->leaving = true;
        http_wake(s->request);
    }
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

struct events *events_new(uv_loop_t *loop)
{
    struct events *events = heap_new(sizeof *events);

    events->beat.data = events;
    uv_timer_init(loop, &events->beat);
    return events;
}

void events_free(struct events *events)
{
    CHECK(events->count == 0);
    uv_close((uv_handle_t *)&events->beat, on_closed);
}
