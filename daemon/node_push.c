/* node_push.c - after a commit: acknowledge, push what peers lack. */
#include "daemon/node_internal.h"

#include <stdlib.h>
#include <string.h>

static void acknowledge(struct node *node, struct conn *c, struct link *l)
{
    struct ack a = {link_blind(c, l->space), l->taken};
    struct covey_buf body;

    l->ack_due = false;
    buf_init(&body, &node->mem, message_max(MESSAGE_ACK));
    ack_write(&body, &a);
    conn_send(node, c, MESSAGE_ACK, &body);
}

/* ---- one batch ---- */

/* What is known of a record in the batch being filled. */
struct pick {
    int64_t seq;
    struct log_place place;
    bool verified;
};

/* A batch as it is filled: picks, and where the cursor comes to stand.  Made
 * once a node. */
struct filling {
    struct batch_state state;
    size_t count;
    struct pick picks[BATCH_CHANGESETS];
    int64_t cursor;
};

static bool same_log(const struct pick *a, const struct pick *b)
{
    return memcmp(&a->place.incarnation, &b->place.incarnation,
                  sizeof a->place.incarnation) == 0 &&
           memcmp(&a->place.author, &b->place.author, sizeof a->place.author) ==
               0;
}

static void note_pick(struct filling *f, const struct link *l,
                      const struct entry *e)
{
    f->picks[f->count++] = (struct pick){
        e->seq,
        {e->header.author, e->header.incarnation, e->header.number},
        memcmp(&e->header.author, &l->space->author.key,
               sizeof e->header.author) == 0};
}

/* Append what the peer lacks, from the link's cursor on, at most `most`. */
static void fill(struct node *node, const struct link *l, size_t most,
                 struct filling *f, struct covey_buf *out)
{
    struct entry e;

    batch_begin(&f->state);
    f->count = 0;
    f->cursor = l->cursor;
    while (f->count < most &&
           log_next(node->store, l->space->row.n, f->cursor, &e) == COVEY_OK) {
        if (holds(l, &e)) {
            f->cursor = e.seq;
            continue;
        }
        if (!e.has_signature && !seal_signature(node, e.seq, &e.signature))
            break; /* not signed yet: not to be seen by anybody */
        if (f->count > 0 &&
            out->len + batch_room(&e.header, e.payload.len) > BATCH_BYTES)
            break;
        struct batch_item item = {&e.header, e.hash, holds_chained(l, &e),
                                  e.payload, e.signature};
        batch_add(&f->state, out, &item);
        note_pick(f, l, &e);
        f->cursor = e.seq;
    }
}

static bool verify(struct node *node, struct pick *p)
{
    struct entry e;

    if (!p->verified)
        p->verified = log_read(node->store, p->seq, &e) == COVEY_OK &&
                      e.has_signature && header_verify(&e.header, &e.signature);
    return p->verified;
}

static bool is_last(const struct filling *f, size_t i, size_t count)
{
    for (size_t k = i + 1; k < count; k++)
        if (same_log(&f->picks[i], &f->picks[k]))
            return false;
    return true;
}

/* The receiver verifies the last of each log in a batch.  What was last when it
 * came here was verified here; what stood before it was not, and a liar may
 * have put a wrong signature there.  So end the batch where every last one is
 * good.  0: nowhere, which no batch that came whole can bring about. */
static size_t good_end(struct node *node, struct filling *f)
{
    size_t count = f->count;

    for (size_t i = count; i > 0; i--) {
        if (!is_last(f, i - 1, count) || verify(node, &f->picks[i - 1]))
            continue;
        count = i - 1;
        i = count + 1;
    }
    return count;
}

static void take_note(struct link *l, const struct filling *f)
{
    l->cursor = f->cursor;
    for (size_t i = 0; i < f->count; i++)
        holds_note(l, &f->picks[i].place, f->picks[i].seq);
}

static bool push_one(struct node *node, struct conn *c, struct link *l,
                     struct filling *f)
{
    struct blind blind = link_blind(c, l->space);
    struct covey_buf body;

    buf_init(&body, &node->mem, message_max(MESSAGE_BATCH));
    batch_head_write(&body, &blind, l->sent + 1);
    fill(node, l, BATCH_CHANGESETS, f, &body);
    size_t good = good_end(node, f);
    if (good > 0 && good < f->count) {
        buf_reset(&body);
        batch_head_write(&body, &blind, l->sent + 1);
        fill(node, l, good, f, &body);
    }
    take_note(l, f);
    if (f->count == 0) {
        buf_clear(&body);
        return false;
    }
    l->sent++;
    conn_send(node, c, MESSAGE_BATCH, &body);
    return !c->closing;
}

static void push(struct node *node, struct conn *c, struct link *l)
{
    int64_t newest = 0;

    if (!l->live || l->space->row.n == 0 ||
        log_newest(node->store, l->space->row.n, &newest) != COVEY_OK)
        return;
    while (l->cursor < newest && l->sent - l->acked < SYNC_CREDIT &&
           session_waiting(c->session) < SESSION_QUEUE_MAX / 2) {
        if (node->filling == NULL)
            node->filling = calloc(1, sizeof *node->filling);
        if (node->filling == NULL || !push_one(node, c, l, node->filling))
            break;
    }
}

void sync_pump_all(struct node *node)
{
    for (struct conn *c = node->conns; c != NULL; c = c->next) {
        if (!c->up || c->closing)
            continue;
        for (struct link *l = c->links; l != NULL && !c->closing; l = l->next) {
            if (l->ack_due)
                acknowledge(node, c, l);
            if (!c->closing)
                push(node, c, l);
        }
    }
}

void sync_epoch_changed(struct node *node, struct node_space *s)
{
    for (struct conn *c = node->conns; c != NULL; c = c->next) {
        struct link *l = c->up && !c->closing ? link_of(c, s) : NULL;

        if (l == NULL)
            continue;
        sync_epochs_to(node, c, l);
        if (!c->closing)
            sync_offer(node, c, l, !l->live);
    }
}
