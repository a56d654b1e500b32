#include "daemon/reads.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/heap.h"
#include "daemon/node.h"

struct slot {              /* a connection to the record */
    struct reader *reader; /* opened at first use */
    bool busy;
};

struct reads {
    uv_loop_t *loop;
    const char *dir;
    struct slot slots[QUERY_READERS_MAX];
    struct read *first, **end; /* those that wait for a slot */
    bool freeing;
};

struct read {
    uv_work_t work;
    struct read *next;
    struct reads *reads;
    struct slot *slot;            /* NULL: waits for one */
    struct http_request *request; /* NULL: whoever asked has gone */
    struct route_match *match;
    bool streaming;
    bool working; /* in the pool: out, done, rc and why are not ours */
    bool started; /* the statement is open */
    bool done;
    enum covey_rc rc;
    struct covey_why why;
    struct covey_buf out;
    size_t at; /* of out, given to HTTP */
};

/* ---- in the pool ---- */

static enum covey_rc open_and_start(struct read *read)
{
    const struct route_match *match = read->match;
    struct slot *slot = read->slot;
    enum covey_rc rc = COVEY_OK;

    if (slot->reader == NULL)
        rc = reader_open(read->reads->dir, &slot->reader, &read->why);
    if (rc != COVEY_OK)
        return rc;
    rc = reader_start(slot->reader, match->route->what,
                      match->route->run == API_READ_LIST, match->params,
                      match->param_count, &read->why);
    read->started = rc == COVEY_OK;
    return rc;
}

/* One chunk; the statement is ended with the last, or on failure, or when
 * nobody wants more. */
static void on_work(uv_work_t *work)
{
    struct read *read = work->data;

    if (read->request != NULL && !read->started)
        read->rc = open_and_start(read);
    if (read->request != NULL && read->rc == COVEY_OK)
        read->rc = reader_fill(read->slot->reader, READS_CHUNK, &read->out,
                               &read->done, &read->why);
    if (read->started &&
        (read->done || read->rc != COVEY_OK || read->request == NULL)) {
        reader_end(read->slot->reader);
        read->started = false;
    }
}

/* ---- on the loop ---- */

static void on_worked(uv_work_t *work, int status);

static void submit(struct read *read)
{
    read->working = true;
    read->work.data = read;
    if (uv_queue_work(read->reads->loop, &read->work, on_work, on_worked) != 0)
        covey_panic("work can be queued", __FILE__, __LINE__);
}

static void reads_drop(struct reads *reads)
{
    for (size_t i = 0; i < QUERY_READERS_MAX; i++) {
        if (reads->slots[i].busy)
            return;
    }
    for (size_t i = 0; i < QUERY_READERS_MAX; i++)
        reader_close(reads->slots[i].reader);
    free(reads);
}

static void read_free(struct read *read)
{
    buf_clear(&read->out);
    free(read->match);
    free(read);
}

static void start_next(struct reads *reads, struct slot *slot)
{
    struct read *next = reads->first;

    slot->busy = next != NULL;
    if (next == NULL)
        return;
    reads->first = next->next;
    if (reads->first == NULL)
        reads->end = &reads->first;
    next->slot = slot;
    submit(next);
}

/* It is through: the slot is the next one's. */
static void leave(struct read *read)
{
    struct reads *reads = read->reads;

    start_next(reads, read->slot);
    read_free(read);
    if (reads->freeing)
        reads_drop(reads);
}

static void take_off(struct reads *reads, struct read *gone)
{
    struct read **at = &reads->first;

    while (*at != gone)
        at = &(*at)->next;
    *at = gone->next;
    if (gone->next == NULL)
        reads->end = at;
    read_free(gone);
}

/* Nobody wants it any more, or it is all sent. */
static void on_end(void *ctx)
{
    struct read *read = ctx;

    if (read->slot == NULL) {
        take_off(read->reads, read);
        return;
    }
    if (read->working) { /* on_worked() sees to it */
        read->request = NULL;
        return;
    }
    read->request = NULL;
    if (read->started)
        submit(read); /* to end it */
    else
        leave(read);
}

static enum http_fill on_fill(void *ctx, uint8_t *dst, size_t cap, size_t *len)
{
    struct read *read = ctx;

    if (read->working)
        return HTTP_FILL_LATER;
    if (read->at == read->out.len)
        return read->rc != COVEY_OK ? HTTP_FILL_BROKEN : HTTP_FILL_END;
    *len = read->out.len - read->at < cap ? read->out.len - read->at : cap;
    memcpy(dst, read->out.p + read->at, *len);
    read->at += *len;
    if (read->at == read->out.len && read->rc == COVEY_OK && !read->done) {
        buf_reset(&read->out);
        read->at = 0;
        submit(read);
    }
    return HTTP_FILL_SOME;
}

static void fail(struct read *read)
{
    const char *text =
        read->why.text[0] != '\0' ? read->why.text : covey_rc_text(read->rc);

    http_error(read->request, node_status_of(read->rc), read->rc, text);
}

/* The first chunk is here. */
static void answer(struct read *read)
{
    struct http_request *r = read->request;

    if (read->rc == COVEY_OK && !read->done) {
        read->streaming = true;
        http_stream(r, &(struct http_source){
                           .ctx = read,
                           .type = "application/json; charset=utf-8",
                           .fill = on_fill,
                           .end = on_end,
                       });
        return;
    }
    if (read->rc == COVEY_OK)
        http_answer(r, &(struct http_answer){.status = 200,
                                             .body = buf_bytes(&read->out)});
    else
        fail(read);
    leave(read);
}

static void on_worked(uv_work_t *work, int status)
{
    struct read *read = work->data;

    (void)status; /* never cancelled */
    read->working = false;
    if (read->request == NULL && read->started)
        submit(read); /* went while a chunk was filled */
    else if (read->request == NULL)
        leave(read);
    else if (read->streaming)
        http_wake(read->request);
    else
        answer(read);
}

void reads_take(struct reads *reads, struct http_request *r,
                struct route_match *match)
{
    struct read *read = heap_new(sizeof *read);

    read->reads = reads;
    read->request = r;
    read->match = match;
    buf_init(&read->out, &heap_mem, READS_CHUNK_MAX);
    http_hold(r, on_end, read);
    for (size_t i = 0; i < QUERY_READERS_MAX; i++) {
        if (!reads->slots[i].busy) {
            reads->slots[i].busy = true;
            read->slot = &reads->slots[i];
            submit(read);
            return;
        }
    }
    *reads->end = read;
    reads->end = &read->next;
}

struct reads *reads_new(uv_loop_t *loop, const char *dir)
{
    struct reads *reads = heap_new(sizeof *reads);

    reads->loop = loop;
    reads->dir = dir;
    reads->end = &reads->first;
    return reads;
}

void reads_free(struct reads *reads)
{
    CHECK(reads->first == NULL);
    reads->freeing = true;
    reads_drop(reads);
}
