/* node_sync.c - one space with one peer.
 *
 *   link opened -> OFFER out, OFFER in
 *     epoch heads differ: who is ahead sends EPOCHS, the other offers again
 *     frontiers equal: live at once
 *     else FRONTIER out, FRONTIER in: what the peer lacks is known: live
 *   live: after each commit push what the peer lacks, oldest first, while it
 *   has credit left; acknowledge what came once it is on the disk.
 *
 * What the peer lacks: node_holds.c. */
#include "daemon/node_internal.h"

#include <stdlib.h>
#include <string.h>

#include "proto/wire.h"

/* ---- what comes ---- */

static void send_epochs(struct node *node, struct conn *c, struct link *l,
                        uint64_t from)
{
    const struct node_space *s = l->space;
    struct covey_buf body, one;
    uint64_t number = from;

    buf_init(&one, &node->mem, EPOCH_MAX);
    while (number < s->epoch_count && !c->closing) {
        struct covey_buf items;
        size_t count = 0;

        buf_init(&items, &node->mem, message_max(MESSAGE_EPOCHS));
        while (number < s->epoch_count && count < 512 &&
               items.len < BATCH_BYTES - EPOCH_MAX) {
            buf_reset(&one);
            if (epoch_get(node->store, s->row.n, number, &one) != COVEY_OK)
                break;
            wire_bin(&items, one.p, one.len);
            count++;
            number++;
        }
        if (count == 0) {
            buf_clear(&items);
            break;
        }
        struct blind blind = link_blind(c, s);
        buf_init(&body, &node->mem, message_max(MESSAGE_EPOCHS));
        epochs_begin(&body, &blind, count);
        buf_append(&body, items.p, items.len);
        buf_clear(&items);
        conn_send_later(node, c, MESSAGE_EPOCHS, &body);
    }
    buf_clear(&one);
    l->peer_head = s->m.head;
    l->peer_empty = false;
}

/* Compare epochs with what the peer is known to have; true when equal. */
static bool same_epoch(struct node *node, struct conn *c, struct link *l)
{
    const struct node_space *s = l->space;
    uint64_t number;

    if (s->epoch_count == 0)
        return false; /* the peer sends what we lack */
    if (l->peer_empty) {
        send_epochs(node, c, l, 0);
        return false;
    }
    if (memcmp(&l->peer_head, &s->m.head, sizeof l->peer_head) == 0)
        return true;
    if (space_epoch(s, &l->peer_head, &number) != NULL)
        send_epochs(node, c, l, number + 1);
    return false;
}

void sync_epochs_to(struct node *node, struct conn *c, struct link *l)
{
    if (l->heard)
        (void)same_epoch(node, c, l);
}

static void on_offer(struct node *node, struct conn *c, struct link *l,
                     const struct offer *o)
{
    struct hash mine;

    l->heard = true;
    l->peer_head = o->epoch_head;
    l->peer_empty = hash_is_zero(&o->epoch_head);
    if (!l->peer_empty)
        l->space->head_heard = true;
    if (o->ask || !l->offered)
        sync_offer(node, c, l, false);
    if (!same_epoch(node, c, l) || l->live)
        return;
    if (link_own_digest(node, l->space, &mine) != COVEY_OK)
        return;
    if (hash_equal(&mine, &o->frontier) && !l->frontier_sent) {
        if (link_own_frontier(node, l->space, &l->wanted) == COVEY_OK)
            holds_compare(node, l);
    } else if (!l->frontier_sent) {
        link_send_frontier(node, c, l);
    }
}

static void on_frontier(struct node *node, struct conn *c, struct link *l,
                        const struct frontier *f)
{
    for (size_t i = 0; i < f->count; i++) {
        struct log_head h;

        frontier_entry(f, i, &h);
        buf_append(&l->wanted, &h, sizeof h);
    }
    if (buf_rc(&l->wanted) != COVEY_OK) {
        conn_shut(node, c, SESSION_CLOSE_FULL, NULL);
        return;
    }
    if (!f->last)
        return;
    if (!l->frontier_sent)
        link_send_frontier(node, c, l);
    holds_compare(node, l);
}

static enum session_close_code blame(enum covey_rc rc)
{
    return rc == COVEY_EFORGED   ? SESSION_CLOSE_FORGED
           : rc == COVEY_ENOTYET ? SESSION_CLOSE_INCOMPLETE
                                 : SESSION_CLOSE_PROTOCOL;
}

static bool peers_fault(enum covey_rc rc)
{
    return rc == COVEY_EFORGED || rc == COVEY_ENOTYET || rc == COVEY_EBAD ||
           rc == COVEY_ELIMIT;
}

static void on_batch(struct node *node, struct conn *c, struct link *l,
                     struct covey_bytes body)
{
    struct covey_bytes records = {body.p + BATCH_HEAD, body.len - BATCH_HEAD};
    uint32_t sequence = get_u32(body.p + 16);
    struct covey_why why = {{0}};
    enum covey_rc rc = apply_batch(node, l, records, &why);

    if (peers_fault(rc)) {
        conn_shut(node, c, blame(rc), why.text[0] != '\0' ? why.text : NULL);
        return;
    }
    if (rc != COVEY_OK) {
        node_failed(node, rc);
        return;
    }
    l->taken = sequence;
    l->ack_due = true;
}

static void on_epochs(struct node *node, struct conn *c, struct node_space *s,
                      struct covey_bytes body)
{
    struct epochs epochs;
    bool advanced = false;
    enum covey_rc rc = epochs_read(body, &epochs);

    if (rc == COVEY_OK)
        rc = space_take_epochs(node, s, &epochs, &advanced);
    if (rc == COVEY_ENEWER) { /* kept at whoever has it; held here */
        s->newer = true;
        return;
    }
    if (peers_fault(rc)) {
        conn_shut(node, c, blame(rc), "its membership records do not verify");
        return;
    }
    if (rc != COVEY_OK) {
        node_failed(node, rc);
        return;
    }
    struct link *l = link_of(c, s);
    if (l == NULL || !advanced)
        return;
    l->peer_head = s->m.head; /* it has what it sent */
    l->peer_empty = false;
}

static void on_prove(struct node *node, struct conn *c, struct covey_bytes body)
{
    const uint8_t *handshake = session_hash(c->session);
    struct prove p;

    if (prove_read(body, &p) != COVEY_OK) {
        conn_shut(node, c, SESSION_CLOSE_PROTOCOL, NULL);
        return;
    }
    for (size_t i = 0; i < p.proof_count; i++) {
        struct node_space *s = node->spaces;

        for (; s != NULL; s = s->next) {
            struct blind b =
                blind_space(handshake, &s->row.id, conn_their_role(c));
            if (sodium_memcmp(&b, &p.proofs[i].blind, sizeof b) == 0)
                break;
        }
        const struct seat_author *a =
            s == NULL ? NULL : membership_author(&s->m, &p.proofs[i].author);
        if (a == NULL || a->cut ||
            !proof_check(handshake, &c->peer, &p.proofs[i]))
            continue;
        struct link *l = link_of(c, s);
        bool fresh = l == NULL;
        l = link_open(node, c, s, a->rights);
        if (l != NULL && fresh)
            sync_offer(node, c, l, false);
        if (l != NULL)
            join_send_requests(node, s);
    }
}

/* The link that a message's first 16 bytes of blind name. */
static struct link *link_by_blind(const struct conn *c,
                                  const struct blind *blind)
{
    for (struct link *l = c->links; l != NULL; l = l->next) {
        struct blind b = blind_space(session_hash(c->session),
                                     &l->space->row.id, conn_their_role(c));

        if (sodium_memcmp(&b, blind, sizeof b) == 0)
            return l;
    }
    return NULL;
}

/* A relay takes in the chain of a space that it agreed to carry. */
static void carry_epochs(struct node *node, struct conn *c,
                         struct covey_bytes body)
{
    struct node_space *s = space_by_id(node, &c->carry_space);

    if (s == NULL)
        s = space_new(node, &c->carry_space);
    if (s == NULL)
        return;
    on_epochs(node, c, s, body);
    s = space_by_id(node, &c->carry_space);
    if (s != NULL && s->row.n == 0) /* nothing of it was good */
        space_retire(node, s);
    if (s == NULL || c->closing)
        return;
    const struct seat_author *a = membership_author(&s->m, &c->carry_author);
    if (a != NULL && link_open(node, c, s, a->rights) != NULL)
        conn_make_plain(node, c);
}

static void on_ack(struct node *node, struct conn *c, struct covey_bytes body)
{
    struct ack a;

    if (ack_read(body, &a) != COVEY_OK) {
        conn_shut(node, c, SESSION_CLOSE_PROTOCOL, NULL);
        return;
    }
    struct link *l = link_by_blind(c, &a.blind);
    if (l != NULL && a.sequence <= l->sent && a.sequence > l->acked)
        l->acked = a.sequence;
}

static void on_space_message(struct node *node, struct conn *c,
                             enum message_kind kind, struct covey_bytes body)
{
    struct blind blind;
    struct offer offer;
    struct frontier frontier;
    struct requests requests;

    if (!message_blind(kind, body, &blind)) {
        conn_shut(node, c, SESSION_CLOSE_PROTOCOL, NULL);
        return;
    }

    struct link *l = link_by_blind(c, &blind);

    if (l == NULL)
        return; /* not a member here as far as this node knows, yet */
    if (kind == MESSAGE_OFFER && offer_read(body, &offer) == COVEY_OK)
        on_offer(node, c, l, &offer);
    else if (kind == MESSAGE_FRONTIER &&
             frontier_read(body, &frontier) == COVEY_OK)
        on_frontier(node, c, l, &frontier);
    else if (kind == MESSAGE_EPOCHS)
        on_epochs(node, c, l->space, body);
    else if (kind == MESSAGE_BATCH)
        on_batch(node, c, l, body);
    else if (kind == MESSAGE_REQUESTS &&
             requests_read(body, &requests) == COVEY_OK)
        join_take_requests(node, l->space, &requests);
    else
        conn_shut(node, c, SESSION_CLOSE_PROTOCOL, NULL);
}

void sync_message(struct node *node, struct conn *c, enum message_kind kind,
                  struct covey_bytes body)
{
    uint32_t code;

    switch (kind) {
    case MESSAGE_PROVE:
        on_prove(node, c, body);
        return;
    case MESSAGE_ACK:
        on_ack(node, c, body);
        return;
    case MESSAGE_CARRY_ANSWER:
        if (c->kind == CONN_CARRY && answer_read(body, &code) == COVEY_OK)
            join_carry_answer(node, c, code);
        return;
    case MESSAGE_EPOCHS:
        if (c->kind == CONN_CARRY && !c->dialled)
            carry_epochs(node, c, body);
        else
            on_space_message(node, c, kind, body);
        return;
    case MESSAGE_OFFER:
    case MESSAGE_FRONTIER:
    case MESSAGE_BATCH:
    case MESSAGE_REQUESTS:
        on_space_message(node, c, kind, body);
        return;
    case MESSAGE_PING:
    case MESSAGE_PONG:
        return;
    case MESSAGE_HELLO:
    case MESSAGE_DOOR_LEAVE:
    case MESSAGE_DOOR_ANSWER:
    case MESSAGE_CLOSE:
        conn_shut(node, c, SESSION_CLOSE_PROTOCOL, NULL);
        return;
    }
}
