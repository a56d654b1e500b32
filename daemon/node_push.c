/* node_push.c - after a commit: acknowledge, push what peers lack. */
#include "daemon/node_internal.h"

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

static bool peer_holds(const struct link *l, const struct entry *e)
{
    for (size_t i = l->log_count; i > 0; i--) {
        const struct peer_log *p = &l->logs[i - 1];

        if (memcmp(&p->incarnation, &e->header.incarnation,
                   sizeof p->incarnation) == 0 &&
            memcmp(&p->author, &e->header.author, sizeof p->author) == 0)
            return e->header.number <= p->number;
    }
    return e->seq <= l->known_seq;
}

/* Fill one batch from the cursor on.  False when there is nothing to send. */
static bool fill(struct node *node, struct link *l, struct batch_state *st,
                 struct covey_buf *out)
{
    struct entry e;

    batch_begin(st);
    while (st->record_count < BATCH_CHANGESETS &&
           log_next(node->store, l->space->row.n, l->cursor, &e) == COVEY_OK) {
        if (peer_holds(l, &e)) {
            l->cursor = e.seq;
            continue;
        }
        if (!e.has_signature && !seal_signature(node, e.seq, &e.signature))
            break; /* not signed yet: not to be seen by anybody */
        if (st->record_count > 0 &&
            out->len + batch_room(&e.header, e.payload.len) > BATCH_BYTES)
            break;
        struct batch_item item = {&e.header, e.hash, !e.forked, e.payload,
                                  e.signature};
        batch_add(st, out, &item);
        l->cursor = e.seq;
        link_note_held(l, &e.header.author, &e.header.incarnation,
                       e.header.number);
    }
    return st->record_count > 0;
}

static bool push_one(struct node *node, struct conn *c, struct link *l,
                     struct batch_state *st)
{
    struct blind blind = link_blind(c, l->space);
    struct covey_buf body;
    uint8_t sequence[4];

    buf_init(&body, &node->mem, message_max(MESSAGE_BATCH));
    put_u32(sequence, l->sent + 1);
    buf_append(&body, &blind, sizeof blind);
    buf_append(&body, sequence, sizeof sequence);
    if (!fill(node, l, st, &body)) {
        buf_clear(&body);
        return false;
    }
    l->sent++;
    conn_send(node, c, MESSAGE_BATCH, &body);
    return !c->closing;
}

static void push(struct node *node, struct conn *c, struct link *l,
                 struct batch_state *st)
{
    int64_t newest = 0;

    if (!l->live || l->space->row.n == 0 ||
        log_newest(node->store, l->space->row.n, &newest) != COVEY_OK)
        return;
    while (l->cursor < newest && l->sent - l->acked < SYNC_CREDIT &&
           session_waiting(c->session) < SESSION_QUEUE_MAX / 2)
        if (!push_one(node, c, l, st))
            break;
}

void sync_pump_all(struct node *node)
{
    struct batch_state *st = covey_new(&node->mem, sizeof *st);

    if (st == NULL)
        return;
    for (struct conn *c = node->conns; c != NULL; c = c->next) {
        if (!c->up || c->closing)
            continue;
        for (struct link *l = c->links; l != NULL && !c->closing; l = l->next) {
            if (l->ack_due)
                acknowledge(node, c, l);
            if (!c->closing)
                push(node, c, l, st);
        }
    }
    covey_free(&node->mem, st);
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
