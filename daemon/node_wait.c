/* node_wait.c - requests that wait for something to happen. */
#include "daemon/node_internal.h"

#include <stdlib.h>
#include <string.h>

struct waiter *wait_add(struct node *node, uint64_t request,
                        enum waiter_kind kind, const struct space_id *space,
                        covey_time wait)
{
    struct waiter *w = NULL;
    size_t count = 0;

    for (const struct waiter *o = node->waiters; o != NULL; o = o->next)
        count++;
    if (count < NODE_WAITERS_MAX)
        w = calloc(1, sizeof *w);
    if (w == NULL) {
        node_reply_error(node, request, COVEY_EBUSY,
                         "too many requests wait already; try again later");
        return NULL;
    }
    w->kind = kind;
    w->request = request;
    w->deadline = node->clock.now + wait;
    w->space = *space;
    buf_init(&w->wanted, &node->mem, 4u << 20);
    w->next = node->waiters;
    node->waiters = w;
    return w;
}

static void say_joined(struct node *node, struct waiter *w, const char *state)
{
    char hex[33];

    hex_encode(w->space.b, sizeof w->space.b, hex);
    node_reply_json(node, w->request, 200,
                    json_pack("{s:s,s:s}", "space", hex, "state", state));
    w->request = 0;
}

static bool caught_up(struct node *node, const struct node_space *s)
{
    for (const struct conn *c = node->conns; c != NULL; c = c->next) {
        const struct link *l = c->up && !c->closing ? link_of(c, s) : NULL;

        if (l != NULL && l->live && frontier_held(node, s, &l->wanted))
            return true;
    }
    return false;
}

static void check_join(struct node *node, struct waiter *w)
{
    const struct node_space *s = space_by_id(node, &w->space);
    const struct joining *j = joining_of(node, &w->space);
    bool in = s != NULL && space_arrived(node, s);

    if (j != NULL && j->refused[0] != '\0') {
        node_reply_error(node, w->request, COVEY_EREFUSED, j->refused);
        w->request = 0;
    } else if (w->caught_up && in && caught_up(node, s)) {
        say_joined(node, w, "caught-up");
    } else if (!w->caught_up && (in || (j != NULL && j->row.left))) {
        say_joined(node, w, in ? "admitted" : "left");
    }
}

static void check_frontier(struct node *node, struct waiter *w)
{
    const struct node_space *s = space_by_id(node, &w->space);

    if (s == NULL || !frontier_held(node, s, &w->wanted))
        return;
    node_reply_json(node, w->request, 200, json_pack("{s:b}", "held", 1));
    w->request = 0;
}

static void give_up(struct node *node, struct waiter *w)
{
    const struct joining *j = joining_of(node, &w->space);

    switch (w->kind) {
    case WAITER_CARRY:
        node_reply_json(node, w->request, 200,
                        json_pack("{s:s}", "state", "asked"));
        break;
    case WAITER_JOIN:
        node_reply_error(
            node, w->request, COVEY_ETIMEOUT,
            j != NULL && !j->row.left
                ? "no door of this ticket has opened: the ticket may be "
                  "wrong, or whoever it leads to may be off; the request "
                  "goes on being tried"
                : "the request is left, but this school has not been "
                  "admitted and brought up to date yet; it goes on by itself");
        break;
    case WAITER_FRONTIER:
        node_reply_error(node, w->request, COVEY_ETIMEOUT,
                         "not all of that has arrived in time");
        break;
    }
    w->request = 0;
}

static void sweep(struct node *node)
{
    struct waiter **at = &node->waiters;

    while (*at != NULL) {
        struct waiter *w = *at;

        if (w->request != 0) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        buf_clear(&w->wanted);
        free(w);
    }
}

/* A ticket that a door refused for good is forgotten once that was told. */
static void forget_refused(struct node *node)
{
    struct joining *j = node->joinings, *next;

    for (; j != NULL; j = next) {
        struct space_id id = j->row.space;

        next = j->next;
        if (j->refused[0] == '\0' || node_group(node) != COVEY_OK)
            continue;
        struct node_space *s = space_by_id(node, &id);
        if (joining_drop(node->store, &id) != COVEY_OK)
            continue;
        join_forget(node, j);
        if (s != NULL && s->row.n == 0)
            space_retire(node, s);
    }
}

void wait_check(struct node *node)
{
    for (struct waiter *w = node->waiters; w != NULL; w = w->next) {
        if (w->request != 0 && w->kind == WAITER_JOIN)
            check_join(node, w);
        else if (w->request != 0 && w->kind == WAITER_FRONTIER)
            check_frontier(node, w);
        if (w->request != 0 && w->deadline <= node->clock.now)
            give_up(node, w);
    }
    sweep(node);
    forget_refused(node);
}

void wait_gone(struct node *node, uint64_t request)
{
    for (struct waiter *w = node->waiters; w != NULL; w = w->next)
        if (w->request == request)
            w->request = 0;
    sweep(node);
}

void wait_free_all(struct node *node)
{
    for (struct waiter *w = node->waiters; w != NULL; w = w->next)
        w->request = 0;
    sweep(node);
}
