/* node_join.c - tickets, doors and requests.
 *
 *   joiner --psk--> door: DOOR_LEAVE (a sealed request)
 *   door   --REQUESTS--> chair, at once or when the chair next connects
 *   chair  admits: an epoch that ends the invite and seats the newcomer
 *   door   --DOOR_ADMITTED--> joiner, which dials again as a member */
#include "daemon/node_internal.h"

#include <stdlib.h>
#include <string.h>

/* Who is a member is let in so soon after the first knock. */
#define KNOCK_WITHIN (3 * COVEY_SECOND)

struct joining *joining_of(struct node *node, const struct space_id *id)
{
    for (struct joining *j = node->joinings; j != NULL; j = j->next)
        if (memcmp(&j->row.space, id, sizeof *id) == 0)
            return j;
    return NULL;
}

void join_forget(struct node *node, struct joining *gone)
{
    struct joining **at = &node->joinings;

    while (*at != NULL && *at != gone)
        at = &(*at)->next;
    if (*at == gone)
        *at = gone->next;
    sodium_memzero(gone, sizeof *gone);
    free(gone);
    node->targets_stale = true;
}

void join_free_all(struct node *node)
{
    while (node->joinings != NULL)
        join_forget(node, node->joinings);
}

static struct joining *begin(struct node *node, const struct joining_row *row)
{
    struct joining *j = calloc(1, sizeof *j);
    struct covey_why why;

    if (j == NULL)
        return NULL;
    j->row = *row;
    if (ticket_read(row->ticket, &j->ticket, &why) != COVEY_OK) {
        free(j);
        return NULL;
    }
    ticket_derive(&j->ticket.secret, &j->keys);
    j->next = node->joinings;
    node->joinings = j;
    node->targets_stale = true;
    return j;
}

enum covey_rc join_load(struct node *node)
{
    struct space_id after = {{0}};
    struct joining_row row;
    enum covey_rc rc;

    while ((rc = joining_next(node->store, &after, &row)) == COVEY_OK) {
        after = row.space;
        if (begin(node, &row) == NULL)
            continue; /* a ticket that this version cannot read: it waits */
        if (space_by_id(node, &row.space) == NULL &&
            space_new(node, &row.space) == NULL)
            return COVEY_ENOMEM;
    }
    return rc == COVEY_ENONE ? COVEY_OK : rc;
}

enum covey_rc join_start(struct node *node, const char *text,
                         struct space_id *space, struct covey_why *why)
{
    struct joining_row row = {.left = false};
    struct ticket t;
    enum covey_rc rc = ticket_read(text, &t, why);

    if (rc != COVEY_OK)
        return rc;
    if (t.expires_ms < node->clock.wall_ms) {
        covey_why_set(why,
                      "this ticket has expired; ask the chair for a new one");
        return COVEY_EREFUSED;
    }
    const struct node_space *s = space_by_id(node, &t.space);
    if (s != NULL && s->m.readable) {
        covey_why_set(why, "this school is a member of that space already");
        return COVEY_EEXISTS;
    }
    *space = t.space;
    row.space = t.space;
    snprintf(row.ticket, sizeof row.ticket, "%s", text);
    sodium_memzero(&t, sizeof t);
    rc = node_group(node);
    if (rc == COVEY_OK)
        rc = joining_put(node->store, &row);
    if (rc != COVEY_OK)
        return rc;
    struct joining *old = joining_of(node, space);
    if (old != NULL)
        join_forget(node, old);
    if (begin(node, &row) == NULL ||
        (s == NULL && space_new(node, space) == NULL))
        return COVEY_ENOMEM;
    return COVEY_OK;
}

/* ---- the joiner's side of a door ---- */

static enum covey_rc write_request(struct node *node, const struct joining *j,
                                   struct covey_buf *sealed)
{
    const struct store_self *self = store_self(node->store);
    struct seed author = author_seed(&node->secrets.sign, j->row.space.b);
    struct seed fresh = rng_seed(&node->rng);
    uint8_t cert[AUTHOR_CERT_SIZE];
    struct join_request r = {.space = j->row.space,
                             .invite = j->keys.id,
                             .kind = self->kind,
                             .urn = self->urn,
                             .member_cert = self->member_cert,
                             .node_cert = self->node_cert};

    author_cert_make(&node->secrets.sign, &author, &j->row.space, cert);
    r.author_cert = (struct covey_bytes){cert, sizeof cert};
    snprintf(r.name, sizeof r.name, "%s", self->name);
    snprintf(r.address, sizeof r.address, "%s", node->advertise);
    enum covey_rc rc =
        join_request_write(&r, &j->keys.join, &j->ticket.chair, &fresh, sealed);
    sodium_memzero(&author, sizeof author);
    sodium_memzero(&fresh, sizeof fresh);
    return rc;
}

void join_up(struct node *node, struct conn *c)
{
    struct joining *j =
        c->target == NULL ? NULL : joining_of(node, &c->target->space->row.id);
    struct covey_buf sealed, body;

    if (j == NULL) {
        conn_shut(node, c, SESSION_CLOSE_DONE, NULL);
        return;
    }
    c->door_invite = j->keys.id;
    buf_init(&sealed, &node->mem, JOIN_REQUEST_MAX);
    if (write_request(node, j, &sealed) == COVEY_OK) {
        struct door_leave d = {j->keys.id, buf_bytes(&sealed)};

        buf_init(&body, &node->mem, message_max(MESSAGE_DOOR_LEAVE));
        door_leave_write(&body, &d);
        conn_send(node, c, MESSAGE_DOOR_LEAVE, &body);
    }
    buf_clear(&sealed);
}

/* Ask "am I in?" at once wherever this ticket leads. */
static void knock_now(struct node *node, const struct joining *j)
{
    targets_refresh(node);
    for (struct target *t = node->targets; t != NULL; t = t->next)
        if (t->kind == TARGET_PEER && t->space != NULL &&
            memcmp(&t->space->row.id, &j->row.space, sizeof j->row.space) ==
                0) {
            t->failures = 0;
            t->next_try = node->clock.now;
        }
    struct node_space *s = space_by_id(node, &j->row.space);
    for (struct conn *c = node->conns; c != NULL && s != NULL; c = c->next)
        for (size_t i = 0; i < j->ticket.address_count; i++)
            if (c->up && !c->closing && c->kind == CONN_PLAIN &&
                memcmp(&c->peer, &j->ticket.addresses[i].key, sizeof c->peer) ==
                    0)
                links_join(node, c, s);
}

static void refuse(struct joining *j, const char *text)
{
    snprintf(j->refused, sizeof j->refused, "%s", text);
}

static void on_answer(struct node *node, struct conn *c, uint32_t code)
{
    struct joining *j =
        c->target == NULL ? NULL : joining_of(node, &c->target->space->row.id);

    if (j == NULL)
        return;
    switch (code) {
    case DOOR_LEFT:
        j->row.left = true;
        if (node_group(node) == COVEY_OK &&
            joining_put(node->store, &j->row) == COVEY_OK)
            node->targets_stale = true;
        return;
    case DOOR_USED: /* by us, perhaps: what we noted of it may be lost */
        if (j->used_at == 0)
            j->used_at = node->clock.now;
        if (!j->row.left && node->clock.now - j->used_at >= KNOCK_WITHIN)
            refuse(j, "this ticket has let somebody else in already; ask the "
                      "chair for a new one");
        knock_now(node, j);
        break;
    case DOOR_EXPIRED:
        refuse(j, "this ticket has expired or was withdrawn; ask the chair "
                  "for a new one");
        break;
    case DOOR_ADMITTED:
        knock_now(node, j);
        break;
    default: /* full, or a newer version's word: try again later */
        break;
    }
    conn_shut(node, c, SESSION_CLOSE_DONE, NULL);
}

/* ---- the door's side ---- */

static struct node_space *space_of_invite(struct node *node,
                                          const struct invite_id *id,
                                          struct seat_invite **invite)
{
    for (struct node_space *s = node->spaces; s != NULL; s = s->next) {
        *invite = membership_invite(&s->m, id);
        if (*invite != NULL)
            return s;
    }
    return NULL;
}

bool join_psk(struct node *node, const struct invite_id *id, struct seed *psk)
{
    struct seat_invite *invite;

    if (space_of_invite(node, id, &invite) == NULL)
        return false;
    *psk = invite->door;
    return true;
}

static void answer(struct node *node, struct conn *c, enum door_code code)
{
    struct covey_buf body;

    buf_init(&body, &node->mem, message_max(MESSAGE_DOOR_ANSWER));
    answer_write(&body, code);
    conn_send_later(node, c, MESSAGE_DOOR_ANSWER, &body);
}

static void on_leave(struct node *node, struct conn *c, struct covey_bytes body)
{
    struct seat_invite *invite;
    struct door_leave d;
    int64_t id;

    if (door_leave_read(body, &d) != COVEY_OK ||
        memcmp(&d.invite, &c->door_invite, sizeof d.invite) != 0) {
        conn_shut(node, c, SESSION_CLOSE_PROTOCOL, NULL);
        return;
    }
    struct node_space *s = space_of_invite(node, &d.invite, &invite);
    if (s == NULL || invite->state == INVITE_WITHDRAWN ||
        (invite->state == INVITE_OPEN &&
         invite->expires_ms < node->clock.wall_ms)) {
        answer(node, c, DOOR_EXPIRED);
        return;
    }
    if (invite->state == INVITE_USED) {
        answer(node, c, DOOR_USED);
        return;
    }
    enum covey_rc rc =
        request_add(node->store, s->row.n, &d.invite, d.sealed, &id);
    if (rc == COVEY_ELIMIT) {
        answer(node, c, DOOR_FULL);
        return;
    }
    if (rc != COVEY_OK) {
        node_failed(node, rc);
        return;
    }
    if (!s->m.readable)
        SOMETIMES("a join request is left at a carrier");
    c->door_left = true;
    answer(node, c, DOOR_LEFT);
    join_requests_came(node, s);
}

void join_door_message(struct node *node, struct conn *c,
                       enum message_kind kind, struct covey_bytes body)
{
    uint32_t code;

    if (!c->dialled && kind == MESSAGE_DOOR_LEAVE)
        on_leave(node, c, body);
    else if (c->dialled && kind == MESSAGE_DOOR_ANSWER &&
             answer_read(body, &code) == COVEY_OK)
        on_answer(node, c, code);
    else if (kind != MESSAGE_PING && kind != MESSAGE_PONG)
        conn_shut(node, c, SESSION_CLOSE_PROTOCOL, NULL);
}

void join_epoch_changed(struct node *node, struct node_space *s)
{
    if (space_arrived(node, s)) {
        struct joining *j = joining_of(node, &s->row.id);

        if (j != NULL)
            join_forget(node, j);
    }
    for (struct conn *c = node->conns; c != NULL; c = c->next) {
        if (c->kind != CONN_DOOR || c->dialled || !c->up || c->closing)
            continue;
        const struct seat_invite *i = membership_invite(&s->m, &c->door_invite);
        if (i != NULL && i->state != INVITE_OPEN)
            answer(node, c,
                   i->state == INVITE_USED ? DOOR_ADMITTED : DOOR_EXPIRED);
    }
}
