#include "proto/membership.h"

#include <string.h>

#include "proto/wire.h"

/* The canonical msgpack is hashed value by value, so that it is never in
 * memory as a whole. */
#define VALUE_MAX 8192u /* bytes of one seat, node, author, carrier, invite */

struct state_hash {
    struct hasher hasher;
    struct covey_buf scratch; /* the value being written */
    enum covey_rc rc;
};

/* Hash what was written since the last call. */
static void flush(struct state_hash *h)
{
    if (h->rc == COVEY_OK)
        h->rc = buf_rc(&h->scratch);
    if (h->rc == COVEY_OK)
        hasher_add(&h->hasher, h->scratch.p, h->scratch.len);
    buf_reset(&h->scratch);
}

static void put_string(struct covey_buf *out, const char *text)
{
    wire_text(out, text, strlen(text));
}

static void put_node_cert(struct covey_buf *out, const struct node_cert *cert)
{
    wire_array(out, 6);
    wire_bin(out, cert->member.b, sizeof cert->member.b);
    wire_bin(out, cert->member_cert.b, sizeof cert->member_cert.b);
    wire_bin(out, cert->sign.b, sizeof cert->sign.b);
    wire_bin(out, cert->noise.b, sizeof cert->noise.b);
    wire_bin(out, cert->reading.b, sizeof cert->reading.b);
    wire_uint(out, cert->issued_ms);
}

static void put_seat(struct covey_buf *out, const struct seat *seat)
{
    wire_array(out, 8);
    wire_uint(out, seat->slot);
    wire_bin(out, seat->id.b, sizeof seat->id.b);
    wire_uint(out, seat->role);
    wire_uint(out, seat->kind);
    wire_uint(out, seat->urn);
    wire_bool(out, seat->present);
    put_string(out, seat->name);
    wire_bin(out, seat->cert.p, seat->cert.len);
}

static void put_node(struct covey_buf *out, const struct seat_node *node)
{
    wire_array(out, 6);
    wire_uint(out, node->slot);
    put_node_cert(out, &node->cert);
    wire_bin(out, node->author.b, sizeof node->author.b);
    wire_bool(out, node->present);
    put_string(out, node->address);
    wire_bool(out, node->from_now_on);
}

static void put_author(struct covey_buf *out, const struct seat_author *author)
{
    wire_array(out, 6);
    wire_bin(out, author->key.b, sizeof author->key.b);
    wire_uint(out, author->slot);
    wire_uint(out, author->rights);
    wire_uint(out, author->since);
    wire_bool(out, author->cut);
    wire_array(out, author->cut_count);
    for (size_t i = 0; i < author->cut_count; i++) {
        const struct log_cut *cut = &author->cuts[i];

        wire_array(out, 3);
        wire_bin(out, cut->incarnation.b, sizeof cut->incarnation.b);
        wire_uint(out, cut->number);
        wire_bin(out, cut->hash.b, sizeof cut->hash.b);
    }
}

static void put_carrier(struct covey_buf *out,
                        const struct seat_carrier *carrier)
{
    wire_array(out, 4);
    wire_bin(out, carrier->key.b, sizeof carrier->key.b);
    wire_bool(out, carrier->present);
    put_string(out, carrier->name);
    put_string(out, carrier->address);
}

static void put_invite(struct covey_buf *out, const struct seat_invite *invite)
{
    wire_array(out, 5);
    wire_bin(out, invite->id.b, sizeof invite->id.b);
    wire_bin(out, invite->door.b, sizeof invite->door.b);
    wire_uint(out, invite->expires_ms);
    wire_uint(out, invite->role);
    wire_uint(out, invite->state);
}

static void put_terms(struct covey_buf *out, const struct membership *m)
{
    wire_array(out, 12);
    wire_bin(out, m->space.b, sizeof m->space.b);
    wire_uint(out, m->number);
    wire_uint(out, m->key_number);
    wire_uint(out, m->rules_version);
    put_string(out, m->name);
    wire_uint(out, m->kind);
    wire_uint(out, m->admit);
}

/* The head is not in it: it is the hash of an epoch that holds this one. */
enum covey_rc membership_hash(const struct membership *m, struct hash *out)
{
    struct state_hash h = {.rc = COVEY_OK};

    CHECK(m->readable);
    hasher_init(&h.hasher, "covey/1 membership");
    buf_init(&h.scratch, m->mem, VALUE_MAX);
    put_terms(&h.scratch, m);
    wire_array(&h.scratch, m->seat_count);
    flush(&h);
    for (size_t i = 0; i < m->seat_count; i++) {
        put_seat(&h.scratch, &m->seats[i]);
        flush(&h);
    }
    wire_array(&h.scratch, m->node_count);
    for (size_t i = 0; i < m->node_count; i++) {
        put_node(&h.scratch, &m->nodes[i]);
        flush(&h);
    }
    wire_array(&h.scratch, m->author_count);
    for (size_t i = 0; i < m->author_count; i++) {
        put_author(&h.scratch, &m->authors[i]);
        flush(&h);
    }
    wire_array(&h.scratch, m->carrier_count);
    for (size_t i = 0; i < m->carrier_count; i++) {
        put_carrier(&h.scratch, &m->carriers[i]);
        flush(&h);
    }
    wire_array(&h.scratch, m->invite_count);
    for (size_t i = 0; i < m->invite_count; i++) {
        put_invite(&h.scratch, &m->invites[i]);
        flush(&h);
    }
    flush(&h);
    buf_clear(&h.scratch);
    if (h.rc == COVEY_OK)
        *out = hasher_end(&h.hasher);
    return h.rc;
}
