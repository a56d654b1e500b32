/* node_dial.c - whom this node dials: pinned peers, the carriers and members
 * of its spaces, relays asked to carry, and the doors of tickets. */
#include "daemon/node_internal.h"

#include <stdlib.h>
#include <string.h>

/* A dial that came to nothing: back off, doubling, jittered by up to half. */
void target_back_off(struct node *node, struct target *t)
{
    bool soon =
        t->kind != TARGET_PEER || (t->space != NULL && t->space->row.n == 0);
    covey_time slowest = soon ? DIAL_SLOWEST_ASKING : DIAL_SLOWEST;
    covey_time wait = DIAL_FIRST;
    uint32_t r;

    for (uint32_t i = 0; i < t->failures && wait < slowest; i++)
        wait *= 2;
    if (wait > slowest)
        wait = slowest;
    rng_draw(&node->rng, &r, sizeof r);
    wait -= wait / 2 * (covey_time)(r % 1000) / 1000;
    if (t->failures < 20)
        t->failures++;
    t->next_try = node->clock.now + wait;
}

static struct target *find(struct node *node, enum target_kind kind,
                           const struct ticket_address *a,
                           const struct node_space *space)
{
    for (struct target *t = node->targets; t != NULL; t = t->next)
        if (t->kind == kind &&
            memcmp(&t->address.key, &a->key, sizeof a->key) == 0 &&
            strcmp(t->address.at, a->at) == 0 &&
            (kind == TARGET_PEER || t->space == space))
            return t;
    return NULL;
}

static struct target *want(struct node *node, enum target_kind kind,
                           const struct noise_key *key, const char *at,
                           struct node_space *space)
{
    struct ticket_address a = {.key = *key};
    struct target *t;

    if (at[0] == '\0' || memcmp(key, &node->noise_key, sizeof *key) == 0)
        return NULL;
    snprintf(a.at, sizeof a.at, "%s", at);
    t = find(node, kind, &a, space);
    if (t == NULL) {
        t = calloc(1, sizeof *t);
        if (t == NULL)
            return NULL;
        t->kind = kind;
        t->address = a;
        t->next_try = node->clock.now;
        t->next = node->targets;
        node->targets = t;
    }
    t->keep = true;
    if (space != NULL)
        t->space = space;
    return t;
}

static void want_pinned(struct node *node)
{
    struct noise_key after = {{0}};
    struct peer_row row;

    for (size_t i = 0; i < node->dial_count; i++) {
        struct target *t = want(node, TARGET_PEER, &node->dials[i].key,
                                node->dials[i].at, NULL);
        if (t != NULL)
            t->pinned = true;
    }
    while (peer_next(node->store, &after, &row) == COVEY_OK) {
        struct target *t = want(node, TARGET_PEER, &row.key, row.at, NULL);

        if (t != NULL)
            t->pinned = true;
        after = row.key;
    }
}

static void want_members(struct node *node, struct node_space *s)
{
    for (size_t i = 0; i < s->m.carrier_count; i++)
        if (s->m.carriers[i].present)
            want(node, TARGET_PEER, &s->m.carriers[i].key,
                 s->m.carriers[i].address, s);
    for (size_t i = 0; i < s->m.node_count; i++)
        if (s->m.nodes[i].present)
            want(node, TARGET_PEER, &s->m.nodes[i].cert.noise,
                 s->m.nodes[i].address, s);
}

static void want_wishes(struct node *node, struct node_space *s)
{
    struct noise_key after = {{0}};
    struct wish_row row;

    while (wish_next(node->store, s->row.n, &after, &row) == COVEY_OK) {
        want(node, TARGET_WISH, &row.key, row.at, s);
        after = row.key;
    }
}

/* A ticket's addresses are doors while a request is not left, and places to
 * ask "am I in?" afterwards. */
static void want_doors(struct node *node, struct joining *j)
{
    struct node_space *s = space_by_id(node, &j->row.space);

    if (s == NULL || j->refused[0] != '\0')
        return;
    for (size_t i = 0; i < j->ticket.address_count; i++) {
        const struct ticket_address *a = &j->ticket.addresses[i];

        want(node, TARGET_DOOR, &a->key, a->at, s);
        if (j->row.left || j->used_at != 0)
            want(node, TARGET_PEER, &a->key, a->at, s);
    }
}

static void drop_unwanted(struct node *node)
{
    struct target **at = &node->targets;

    while (*at != NULL) {
        struct target *t = *at;

        if (t->keep) {
            at = &t->next;
            continue;
        }
        *at = t->next;
        if (t->conn != NULL)
            t->conn->target = NULL;
        free(t);
    }
}

void targets_refresh(struct node *node)
{
    node->targets_stale = false;
    for (struct target *t = node->targets; t != NULL; t = t->next) {
        t->keep = false;
        t->pinned = false;
        t->space = t->kind == TARGET_PEER ? NULL : t->space;
    }
    want_pinned(node);
    for (struct node_space *s = node->spaces; s != NULL; s = s->next) {
        want_members(node, s);
        if (s->row.n != 0)
            want_wishes(node, s);
    }
    for (struct joining *j = node->joinings; j != NULL; j = j->next)
        want_doors(node, j);
    drop_unwanted(node);
}

void targets_free(struct node *node)
{
    while (node->targets != NULL) {
        struct target *t = node->targets;

        node->targets = t->next;
        free(t);
    }
}

static bool has_session(const struct node *node, const struct noise_key *key)
{
    for (const struct conn *c = node->conns; c != NULL; c = c->next)
        if (!c->closing && c->up && c->kind != CONN_DOOR &&
            memcmp(&c->peer, key, sizeof *key) == 0)
            return true;
    return false;
}

static void dial(struct node *node, struct target *t)
{
    struct conn *c = conn_new(node, node->next_dial);

    if (c == NULL)
        return;
    struct queued *q = node_emit(node, NODE_FX_DIAL);
    node->next_dial += 2;
    c->dialled = true;
    c->peer = t->address.key;
    c->target = t;
    t->conn = c;
    q->fx.conn = c->id;
    memcpy(q->at, t->address.at, sizeof q->at);
    q->fx.at = q->at;
}

void conn_dial_due(struct node *node)
{
    for (struct target *t = node->targets; t != NULL; t = t->next) {
        if (t->conn != NULL || t->next_try > node->clock.now || node->stopping)
            continue;
        if (t->kind == TARGET_PEER && has_session(node, &t->address.key)) {
            t->next_try = node->clock.now + DIAL_FIRST;
            continue;
        }
        dial(node, t);
    }
}

covey_time conn_deadline(const struct node *node)
{
    covey_time soonest = COVEY_TIME_NEVER;

    for (const struct conn *c = node->conns; c != NULL; c = c->next)
        if (c->session != NULL && !c->closing &&
            session_deadline(c->session) < soonest)
            soonest = session_deadline(c->session);
    for (const struct target *t = node->targets; t != NULL; t = t->next)
        if (t->conn == NULL && t->next_try < soonest)
            soonest = t->next_try;
    return soonest;
}
