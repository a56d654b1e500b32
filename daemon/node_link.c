/* node_link.c - one space with one peer: links, offers, frontiers. */
#include "daemon/node_internal.h"

#include <stdlib.h>
#include <string.h>

struct link *link_of(const struct conn *c, const struct node_space *s)
{
    for (struct link *l = c->links; l != NULL; l = l->next)
        if (l->space == s)
            return l;
    return NULL;
}

struct link *link_open(struct node *node, struct conn *c, struct node_space *s,
                       uint32_t rights)
{
    struct link *l = link_of(c, s);

    if (l == NULL) {
        l = calloc(1, sizeof *l);
        if (l == NULL)
            return NULL;
        l->space = s;
        buf_init(&l->wanted, &node->mem, 16u << 20);
        l->next = c->links;
        c->links = l;
    }
    l->rights |= rights;
    return l;
}

void link_free(struct node *node, struct link *l)
{
    (void)node;
    buf_clear(&l->wanted);
    holds_clear(l);
    free(l);
}

struct blind link_blind(const struct conn *c, const struct node_space *s)
{
    return blind_space(session_hash(c->session), &s->row.id,
                       session_role(c->session));
}

enum noise_role conn_their_role(const struct conn *c)
{
    return session_role(c->session) == NOISE_INITIATOR ? NOISE_RESPONDER
                                                       : NOISE_INITIATOR;
}

/* Prove to a carrier, which knows no node keys, who this node is in a space. */
static void prove(struct node *node, struct conn *c, struct node_space *s)
{
    struct prove p = {.proof_count = 1};
    struct blind blind = link_blind(c, s);
    struct covey_buf body;

    buf_init(&body, &node->mem, message_max(MESSAGE_PROVE));
    proof_make(session_hash(c->session), &node->noise_key, &blind, &s->author,
               &p.proofs[0]);
    prove_write(&body, &p);
    conn_send(node, c, MESSAGE_PROVE, &body);
}

void links_open(struct node *node, struct conn *c)
{
    for (struct node_space *s = node->spaces; s != NULL; s = s->next) {
        const struct seat_carrier *k = membership_carrier(&s->m, &c->peer);
        const struct seat_node *n = membership_node_by_noise(&s->m, &c->peer);
        bool carrier = k != NULL && k->present;
        bool member = n != NULL && n->present;
        bool joining = s->row.n == 0 && c->target != NULL &&
                       c->target->space == s && c->kind == CONN_PLAIN;

        if (link_of(c, s) != NULL || (!carrier && !member && !joining))
            continue;
        if (carrier || joining)
            prove(node, c, s);
        const struct seat_author *a =
            member ? membership_author(&s->m, &n->author) : NULL;
        link_open(node, c, s, a == NULL ? 0 : a->rights);
    }
}

void links_offer(struct node *node, struct conn *c)
{
    for (struct link *l = c->links; l != NULL && !c->closing; l = l->next)
        if (!l->offered)
            sync_offer(node, c, l, false);
}

void links_join(struct node *node, struct conn *c, struct node_space *s)
{
    if (link_of(c, s) != NULL || link_open(node, c, s, 0) == NULL)
        return;
    prove(node, c, s);
    links_offer(node, c);
}

/* ---- frontiers ---- */

/* The frontier of a space as struct log_head items, sorted. */
enum covey_rc link_own_frontier(struct node *node, const struct node_space *s,
                                struct covey_buf *heads)
{
    struct covey_buf rows;

    buf_init(&rows, &node->mem, 16u << 20);
    enum covey_rc rc =
        s->row.n == 0 ? COVEY_OK : log_frontier(node->store, s->row.n, &rows);
    const struct log_head_row *r = (const struct log_head_row *)rows.p;
    for (size_t i = 0; rc == COVEY_OK && i < rows.len / sizeof *r; i++) {
        struct log_head h = {r[i].author, r[i].incarnation, r[i].number,
                             r[i].hash};
        buf_append(heads, &h, sizeof h);
        rc = buf_rc(heads);
    }
    buf_clear(&rows);
    return rc;
}

enum covey_rc link_own_digest(struct node *node, const struct node_space *s,
                              struct hash *out)
{
    struct covey_buf heads;

    buf_init(&heads, &node->mem, 16u << 20);
    enum covey_rc rc = link_own_frontier(node, s, &heads);
    if (rc == COVEY_OK)
        *out = frontier_digest((struct log_head *)heads.p,
                               heads.len / sizeof(struct log_head));
    buf_clear(&heads);
    return rc;
}

bool frontier_held(struct node *node, const struct node_space *s,
                   const struct covey_buf *wanted)
{
    const struct log_head *w = (const struct log_head *)wanted->p;

    for (size_t i = 0; i < wanted->len / sizeof *w; i++) {
        struct entry_brief brief;

        if (s->row.n == 0 ||
            log_find(node->store, s->row.n, &w[i].hash, &brief) != COVEY_OK)
            return false;
    }
    return true;
}

void sync_offer(struct node *node, struct conn *c, struct link *l, bool ask)
{
    const struct node_space *s = l->space;
    struct offer o = {.blind = link_blind(c, s), .ask = ask};
    struct covey_buf body;

    if (s->epoch_count > 0) {
        o.epoch_number = s->m.number;
        o.epoch_head = s->m.head;
    }
    if (link_own_digest(node, s, &o.frontier) != COVEY_OK)
        return;
    l->offered = true;
    buf_init(&body, &node->mem, message_max(MESSAGE_OFFER));
    offer_write(&body, &o);
    conn_send_later(node, c, MESSAGE_OFFER, &body);
}

void link_send_frontier(struct node *node, struct conn *c, struct link *l)
{
    struct covey_buf heads, body;

    l->frontier_sent = true;
    buf_init(&heads, &node->mem, 16u << 20);
    if (link_own_frontier(node, l->space, &heads) != COVEY_OK) {
        buf_clear(&heads);
        return;
    }
    const struct log_head *h = (const struct log_head *)heads.p;
    size_t count = heads.len / sizeof *h, done = 0;
    struct blind blind = link_blind(c, l->space);
    do {
        size_t take = count - done < FRONTIER_ENTRIES_MAX
                          ? count - done
                          : FRONTIER_ENTRIES_MAX;
        buf_init(&body, &node->mem, message_max(MESSAGE_FRONTIER));
        frontier_begin(&body, &blind, done + take == count);
        for (size_t i = 0; i < take; i++)
            frontier_add(&body, &h[done + i]);
        conn_send_later(node, c, MESSAGE_FRONTIER, &body);
        done += take;
    } while (done < count);
    buf_clear(&heads);
}
