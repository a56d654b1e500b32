/* node_admit.c - what a chair does: invites, admissions, carriers; and what a
 * relay answers to who asks it to carry. */
#include "daemon/node_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- invites ---- */

static void ticket_add(struct ticket *t, const struct noise_key *key,
                       const char *at)
{
    if (at[0] == '\0' || t->address_count == TICKET_ADDRESSES_MAX)
        return;
    struct ticket_address *a = &t->addresses[t->address_count++];
    a->key = *key;
    snprintf(a->at, sizeof a->at, "%s", at);
}

static void ticket_fill(struct node *node, const struct node_space *s,
                        struct ticket *t)
{
    t->space = s->row.id;
    t->secret = rng_seed(&node->rng);
    t->chair = node->reading_key;
    t->expires_ms =
        node->clock.wall_ms + TICKET_WAIT_DAYS * UINT64_C(24) * 3600 * 1000;
    t->expires_ms -= t->expires_ms % 60000u;
    t->address_count = 0;
    ticket_add(t, &node->noise_key, node->advertise);
    for (size_t i = 0; i < s->m.carrier_count; i++)
        if (s->m.carriers[i].present)
            ticket_add(t, &s->m.carriers[i].key, s->m.carriers[i].address);
}

enum covey_rc join_invite(struct node *node, struct node_space *s,
                          enum role role, char *text, struct covey_why *why)
{
    struct epoch_change changes[2] = {{.op = EPOCH_INVITE},
                                      {.op = EPOCH_INVITE_ROLE, .role = role}};
    struct invite_row row = {.role = role};
    struct ticket_keys keys;
    struct ticket t;

    if (role == ROLE_CHAIR ||
        (role != ROLE_CARRIER && !role_fits(role, s->m.kind))) {
        snprintf(why->text, sizeof why->text,
                 "nobody can be invited as %s to a %s space", role_name(role),
                 space_kind_name(s->m.kind));
        return COVEY_EREFUSED;
    }
    ticket_fill(node, s, &t);
    if (t.address_count == 0) {
        covey_why_set(why, "nobody could reach this space: start coveyd with "
                           "--listen, or add a carrier first with `covey space "
                           "carrier`");
        return COVEY_EREFUSED;
    }
    ticket_derive(&t.secret, &keys);
    row.id = keys.id;
    row.secret = t.secret;
    row.expires_ms = t.expires_ms;
    changes[0].invite = keys.id;
    changes[0].door = keys.door;
    changes[0].expires_ms = t.expires_ms;
    changes[1].invite = keys.id;
    enum covey_rc rc = space_extend(
        node, s, &(struct space_edit){.changes = changes, .count = 2}, why);
    if (rc == COVEY_OK)
        rc = invite_put(node->store, s->row.n, &row);
    if (rc == COVEY_OK)
        ticket_write(&t, text);
    sodium_memzero(&t, sizeof t);
    sodium_memzero(&keys, sizeof keys);
    sodium_memzero(&row, sizeof row);
    return rc;
}

/* ---- admissions ---- */

static uint32_t rights_of(enum role role)
{
    return role_votes(role) ? RIGHT_VOTES : 0;
}

#define ADMIT_CHANGES 4

static size_t seat_changes(const struct node_space *s,
                           const struct join_request *r, enum role role,
                           const struct author_cert *author,
                           struct epoch_change *c)
{
    uint32_t slot = membership_next_slot(&s->m);

    c[0].op = EPOCH_AUTHOR;
    c[0].author = author->author;
    c[0].slot = slot;
    c[0].rights = rights_of(role);
    c[1].op = EPOCH_SEAT;
    c[1].slot = slot;
    c[1].role = role;
    c[1].member_kind = r->kind;
    c[1].urn = r->urn;
    c[1].name = r->name;
    c[1].cert = r->member_cert;
    c[2].op = EPOCH_NODE;
    c[2].slot = slot;
    c[2].cert = r->node_cert;
    c[2].author_cert = r->author_cert;
    c[2].address = r->address;
    return 3;
}

static size_t carrier_changes(const struct join_request *r,
                              const struct noise_key *key,
                              struct epoch_change *c)
{
    c[0].op = EPOCH_CARRIER;
    c[0].carrier = *key;
    c[1].op = EPOCH_CARRIER_NAME;
    c[1].carrier = *key;
    c[1].name = r->name;
    c[1].address = r->address;
    return 2;
}

static enum covey_rc admit(struct node *node, struct node_space *s,
                           const struct join_request *r,
                           const struct invite_row *invite,
                           struct covey_why *why)
{
    struct epoch_change changes[ADMIT_CHANGES];
    struct author_cert author;
    struct member_cert member;
    struct node_cert cert;
    struct epoch_box_for box = {.history = true};

    if (member_cert_read(r->member_cert, &member) != COVEY_OK ||
        node_cert_read(r->node_cert, &member, &cert) != COVEY_OK ||
        author_cert_read(r->author_cert, &author) != COVEY_OK)
        return COVEY_EFORGED;
    memset(changes, 0, sizeof changes);
    changes[0].op = EPOCH_INVITE_END;
    changes[0].invite = r->invite;
    changes[0].invite_end = INVITE_USED;
    bool carrier = invite->role == ROLE_CARRIER;
    size_t count =
        1 + (carrier ? carrier_changes(r, &cert.noise, &changes[1])
                     : seat_changes(s, r, invite->role, &author, &changes[1]));
    box.reading = cert.reading;
    return space_extend(
        node, s, &(struct space_edit){changes, count, &box, carrier ? 0 : 1},
        why);
}

/* Open a request as the chair who invited.  *out points into plain. */
static enum covey_rc open_request(struct node *node, struct node_space *s,
                                  const struct request_row *row,
                                  struct invite_row *invite,
                                  struct covey_buf *plain,
                                  struct join_request *out)
{
    uint8_t copy[JOIN_REQUEST_MAX]; /* the row's lives until the next call */
    struct covey_bytes sealed = {copy, row->sealed.len};
    struct ticket_keys keys;

    if (sealed.len > sizeof copy)
        return COVEY_EBAD;
    memcpy(copy, row->sealed.p, sealed.len);
    enum covey_rc rc = invite_get(node->store, s->row.n, &row->invite, invite);
    if (rc != COVEY_OK)
        return rc;
    ticket_derive(&invite->secret, &keys);
    rc = join_request_read(sealed, &row->invite, &keys.join,
                           &node->secrets.reading, plain, out);
    sodium_memzero(&keys, sizeof keys);
    if (rc == COVEY_OK &&
        memcmp(&out->space, &s->row.id, sizeof out->space) != 0)
        rc = COVEY_EFORGED;
    return rc;
}

static enum covey_rc admit_row(struct node *node, struct node_space *s,
                               struct request_row *row, struct covey_why *why)
{
    struct invite_row invite;
    struct join_request r;
    struct covey_buf plain;

    buf_init(&plain, &node->mem, JOIN_REQUEST_MAX);
    enum covey_rc rc = open_request(node, s, row, &invite, &plain, &r);
    if (rc == COVEY_EFORGED || rc == COVEY_EBAD)
        covey_why_set(why,
                      "this request was not made with the ticket it names; "
                      "it cannot be admitted");
    if (rc == COVEY_OK)
        rc = admit(node, s, &r, &invite, why);
    buf_clear(&plain);
    if (rc != COVEY_OK)
        return rc;
    rc = invite_drop(node->store, s->row.n, &row->invite);
    if (rc == COVEY_OK)
        rc = request_drop_invite(node->store, s->row.n, &row->invite);
    return rc;
}

enum covey_rc join_admit(struct node *node, struct node_space *s,
                         int64_t request, struct covey_why *why)
{
    struct request_row row;
    enum covey_rc rc = request_next(node->store, s->row.n, request - 1, &row);

    if (rc == COVEY_ENONE || (rc == COVEY_OK && row.id != request)) {
        covey_why_set(why,
                      "there is no such request; `covey space requests` lists "
                      "those that wait");
        return COVEY_ENONE;
    }
    return rc == COVEY_OK ? admit_row(node, s, &row, why) : rc;
}

/* The member's id in groups, for two people to compare on the telephone. */
static void fingerprint(const struct member_id *id, char out[80])
{
    char hex[33];
    size_t at = 0;

    hex_encode(id->b, 16, hex);
    for (size_t i = 0; i < 32; i++) {
        if (i > 0 && i % 4 == 0)
            out[at++] = ' ';
        out[at++] = hex[i];
    }
    out[at] = '\0';
}

/* The chair reads what came: for people to judge, or to admit at once. */
static void look_at(struct node *node, struct node_space *s,
                    struct request_row *row)
{
    struct invite_row invite;
    struct join_request r;
    struct covey_buf plain;
    struct covey_why why;
    char print[80];
    enum covey_rc rc = COVEY_OK;

    buf_init(&plain, &node->mem, JOIN_REQUEST_MAX);
    if (open_request(node, s, row, &invite, &plain, &r) == COVEY_OK) {
        struct member_id id = member_cert_id(r.member_cert);

        fingerprint(&id, print);
        rc = request_opened(node->store, row->id, r.name, print);
        if (rc == COVEY_OK && s->m.admit == ADMIT_AT_ONCE &&
            space_may_sign(node, s))
            rc = join_admit(node, s, row->id, &why);
    }
    buf_clear(&plain);
    if (is_fault(rc))
        node_failed(node, rc); /* else it stays listed, for people to judge */
}

void join_requests_came(struct node *node, struct node_space *s)
{
    struct request_row row;
    int64_t after = 0;

    if (!space_is_chair(s) || !s->m.readable) {
        join_send_requests(node, s);
        return;
    }
    while (request_next(node->store, s->row.n, after, &row) == COVEY_OK) {
        after = row.id;
        if (!row.opened || s->m.admit == ADMIT_AT_ONCE)
            look_at(node, s, &row);
    }
}

void join_send_requests(struct node *node, struct node_space *s)
{
    struct covey_buf items;
    struct request_row row;
    int64_t after = 0;
    size_t count = 0;

    if (space_is_chair(s) || s->row.n == 0)
        return;
    buf_init(&items, &node->mem, message_max(MESSAGE_REQUESTS) - 64);
    while (count < 40 &&
           request_next(node->store, s->row.n, after, &row) == COVEY_OK) {
        after = row.id;
        requests_add(&items, &row.invite, row.sealed);
        count++;
    }
    for (struct conn *c = node->conns; c != NULL && count > 0; c = c->next) {
        struct link *l = c->up && !c->closing ? link_of(c, s) : NULL;

        if (l == NULL || (l->rights & RIGHT_CHAIR) == 0)
            continue;
        struct blind blind = blind_space(session_hash(c->session), &s->row.id,
                                         session_role(c->session));
        struct covey_buf body;
        buf_init(&body, &node->mem, message_max(MESSAGE_REQUESTS));
        requests_begin(&body, &blind, count);
        buf_append(&body, items.p, items.len);
        conn_send_later(node, c, MESSAGE_REQUESTS, &body);
    }
    buf_clear(&items);
}

void join_take_requests(struct node *node, struct node_space *s,
                        struct requests *r)
{
    struct covey_bytes sealed;
    struct invite_id invite;
    int64_t id;

    while (requests_next(r, &invite, &sealed)) {
        const struct seat_invite *i = membership_invite(&s->m, &invite);

        if (i == NULL || i->state != INVITE_OPEN)
            continue;
        enum covey_rc rc =
            request_add(node->store, s->row.n, &invite, sealed, &id);
        if (rc != COVEY_OK && rc != COVEY_ELIMIT) {
            node_failed(node, rc);
            return;
        }
    }
    join_requests_came(node, s);
}

/* ---- relays ---- */

bool join_may_carry(struct node *node, const struct conn *c)
{
    bool allowed = false;

    return node->carry_all || (carry_allowed(node->store, &c->carry_space,
                                             &c->peer, &allowed) == COVEY_OK &&
                               allowed);
}

void join_carry_asked(struct node *node, struct conn *c)
{
    struct covey_buf body;
    bool allowed = join_may_carry(node, c);
    enum covey_rc rc = node_group(node);

    if (rc == COVEY_OK && !allowed)
        rc = carry_ask(node->store, &c->carry_space, &c->peer,
                       node->clock.wall_ms);
    if (rc == COVEY_EBUSY) { /* it asks again by itself */
        conn_shut(node, c, SESSION_CLOSE_DONE, NULL);
        return;
    }
    if (rc != COVEY_OK) {
        node_failed(node, rc);
        return;
    }
    buf_init(&body, &node->mem, message_max(MESSAGE_CARRY_ANSWER));
    answer_write(&body, allowed ? CARRY_YES : CARRY_WAITING);
    conn_send(node, c, MESSAGE_CARRY_ANSWER, &body);
    if (!allowed)
        conn_shut(node, c, SESSION_CLOSE_DONE, NULL);
}

static enum covey_rc list_carrier(struct node *node, struct node_space *s,
                                  const struct ticket_address *a)
{
    struct epoch_change changes[2];
    struct covey_why why;
    const struct seat_carrier *k = membership_carrier(&s->m, &a->key);

    if (k != NULL && k->present)
        return COVEY_OK;
    memset(changes, 0, sizeof changes);
    changes[0].op = EPOCH_CARRIER;
    changes[0].carrier = a->key;
    changes[1].op = EPOCH_CARRIER_NAME;
    changes[1].carrier = a->key;
    changes[1].name = "relay";
    changes[1].address = a->at;
    return space_extend(
        node, s, &(struct space_edit){.changes = changes, .count = 2}, &why);
}

static void reply_carry(struct node *node, const struct node_space *s,
                        const struct noise_key *key, const char *state)
{
    for (struct waiter *w = node->waiters; w != NULL; w = w->next) {
        if (w->kind != WAITER_CARRY || w->request == 0 ||
            memcmp(&w->space, &s->row.id, sizeof w->space) != 0 ||
            memcmp(&w->carrier, key, sizeof *key) != 0)
            continue;
        node_reply_json(node, w->request, 200,
                        json_pack("{s:s}", "state", state));
        w->request = 0;
    }
}

void join_carry_answer(struct node *node, struct conn *c, uint32_t code)
{
    struct target *t = c->target;

    if (t == NULL || t->kind != TARGET_WISH)
        return;
    struct node_space *s = t->space;
    struct ticket_address address = t->address;
    if (code != CARRY_YES) {
        reply_carry(node, s, &address.key, "waiting");
        return; /* the relay closes; the target tries again */
    }
    enum covey_rc rc = list_carrier(node, s, &address);
    if (rc == COVEY_ENOTYET) {
        conn_shut(node, c, SESSION_CLOSE_DONE, NULL);
        return;
    }
    if (rc == COVEY_OK)
        rc = wish_drop(node->store, s->row.n, &address.key);
    if (rc != COVEY_OK) {
        node_failed(node, rc);
        return;
    }
    struct link *l = link_open(node, c, s, 0);
    if (l != NULL) {
        l->heard = true; /* it holds nothing of this space: send all */
        l->peer_empty = true;
    }
    s->changed = true;
    conn_make_plain(node, c);
    node->targets_stale = true;
    reply_carry(node, s, &address.key, "carried");
}
