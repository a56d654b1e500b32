/* The hash that an epoch signs as its result. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/membership.h"
#include "proto/wire.h"
#include "support_state.h"

enum list { STATE, SEATS, NODES, AUTHORS, CARRIERS, INVITES };

static const struct {
    enum list list;
    size_t offset;
} fields[] = {
    {STATE, offsetof(struct membership, space)},
    {STATE, offsetof(struct membership, number)},
    {STATE, offsetof(struct membership, key_number)},
    {STATE, offsetof(struct membership, rules_version)},
    {STATE, offsetof(struct membership, name)},
    {STATE, offsetof(struct membership, kind)},
    {STATE, offsetof(struct membership, admit)},
    {SEATS, offsetof(struct seat, slot)},
    {SEATS, offsetof(struct seat, id)},
    {SEATS, offsetof(struct seat, role)},
    {SEATS, offsetof(struct seat, kind)},
    {SEATS, offsetof(struct seat, urn)},
    {SEATS, offsetof(struct seat, present)},
    {SEATS, offsetof(struct seat, name)},
    {NODES, offsetof(struct seat_node, slot)},
    {NODES, offsetof(struct seat_node, cert.member)},
    {NODES, offsetof(struct seat_node, cert.member_cert)},
    {NODES, offsetof(struct seat_node, cert.sign)},
    {NODES, offsetof(struct seat_node, cert.noise)},
    {NODES, offsetof(struct seat_node, cert.reading)},
    {NODES, offsetof(struct seat_node, cert.issued_ms)},
    {NODES, offsetof(struct seat_node, author)},
    {NODES, offsetof(struct seat_node, present)},
    {NODES, offsetof(struct seat_node, address)},
    {NODES, offsetof(struct seat_node, from_now_on)},
    {AUTHORS, offsetof(struct seat_author, key)},
    {AUTHORS, offsetof(struct seat_author, slot)},
    {AUTHORS, offsetof(struct seat_author, rights)},
    {AUTHORS, offsetof(struct seat_author, since)},
    {AUTHORS, offsetof(struct seat_author, cut)},
    {AUTHORS, offsetof(struct seat_author, cut_count)},
    {AUTHORS, offsetof(struct seat_author, cuts[0].incarnation)},
    {AUTHORS, offsetof(struct seat_author, cuts[0].number)},
    {AUTHORS, offsetof(struct seat_author, cuts[0].hash)},
    {CARRIERS, offsetof(struct seat_carrier, key)},
    {CARRIERS, offsetof(struct seat_carrier, present)},
    {CARRIERS, offsetof(struct seat_carrier, name)},
    {CARRIERS, offsetof(struct seat_carrier, address)},
    {INVITES, offsetof(struct seat_invite, id)},
    {INVITES, offsetof(struct seat_invite, door)},
    {INVITES, offsetof(struct seat_invite, expires_ms)},
    {INVITES, offsetof(struct seat_invite, role)},
    {INVITES, offsetof(struct seat_invite, state)},
};
#define FIELDS (sizeof fields / sizeof fields[0])

static uint8_t *place_of(struct membership *m, size_t field)
{
    void *const starts[] = {
        [STATE] = m,
        [SEATS] = &m->seats[1],
        [NODES] = &m->nodes[1],
        [AUTHORS] = &m->authors[1],
        [CARRIERS] = &m->carriers[0],
        [INVITES] = &m->invites[0],
    };

    return (uint8_t *)starts[fields[field].list] + fields[field].offset;
}

/* ---- what the hash is of, written once more ---- */

static void put_members(struct covey_buf *b, const struct membership *m)
{
    wire_array(b, m->seat_count);
    for (size_t i = 0; i < m->seat_count; i++) {
        const struct seat *s = &m->seats[i];

        wire_array(b, 8);
        wire_uint(b, s->slot);
        wire_bin(b, s->id.b, 32);
        wire_uint(b, s->role);
        wire_uint(b, s->kind);
        wire_uint(b, s->urn);
        wire_bool(b, s->present);
        wire_text(b, s->name, strlen(s->name));
        wire_bin(b, s->cert.p, s->cert.len);
    }
    wire_array(b, m->node_count);
    for (size_t i = 0; i < m->node_count; i++) {
        const struct seat_node *n = &m->nodes[i];

        wire_array(b, 6);
        wire_uint(b, n->slot);
        wire_array(b, 6);
        wire_bin(b, n->cert.member.b, 32);
        wire_bin(b, n->cert.member_cert.b, 32);
        wire_bin(b, n->cert.sign.b, 32);
        wire_bin(b, n->cert.noise.b, 32);
        wire_bin(b, n->cert.reading.b, 32);
        wire_uint(b, n->cert.issued_ms);
        wire_bin(b, n->author.b, 32);
        wire_bool(b, n->present);
        wire_text(b, n->address, strlen(n->address));
        wire_bool(b, n->from_now_on);
    }
}

static void put_authors(struct covey_buf *b, const struct membership *m)
{
    wire_array(b, m->author_count);
    for (size_t i = 0; i < m->author_count; i++) {
        const struct seat_author *a = &m->authors[i];

        wire_array(b, 6);
        wire_bin(b, a->key.b, 32);
        wire_uint(b, a->slot);
        wire_uint(b, a->rights);
        wire_uint(b, a->since);
        wire_bool(b, a->cut);
        wire_array(b, a->cut_count);
        for (size_t c = 0; c < a->cut_count; c++) {
            wire_array(b, 3);
            wire_bin(b, a->cuts[c].incarnation.b, 8);
            wire_uint(b, a->cuts[c].number);
            wire_bin(b, a->cuts[c].hash.b, 32);
        }
    }
}

static void put_others(struct covey_buf *b, const struct membership *m)
{
    wire_array(b, m->carrier_count);
    for (size_t i = 0; i < m->carrier_count; i++) {
        const struct seat_carrier *c = &m->carriers[i];

        wire_array(b, 4);
        wire_bin(b, c->key.b, 32);
        wire_bool(b, c->present);
        wire_text(b, c->name, strlen(c->name));
        wire_text(b, c->address, strlen(c->address));
    }
    wire_array(b, m->invite_count);
    for (size_t i = 0; i < m->invite_count; i++) {
        const struct seat_invite *v = &m->invites[i];

        wire_array(b, 5);
        wire_bin(b, v->id.b, 16);
        wire_bin(b, v->door.b, 32);
        wire_uint(b, v->expires_ms);
        wire_uint(b, v->role);
        wire_uint(b, v->state);
    }
}

static void assert_hash_of_msgpack(const struct membership *m)
{
    struct covey_buf b;
    struct hash ours = state_hash(m);

    buf_init(&b, &state_mem, 1u << 20);
    wire_array(&b, 12);
    wire_bin(&b, m->space.b, 16);
    wire_uint(&b, m->number);
    wire_uint(&b, m->key_number);
    wire_uint(&b, m->rules_version);
    wire_text(&b, m->name, strlen(m->name));
    wire_uint(&b, m->kind);
    wire_uint(&b, m->admit);
    put_members(&b, m);
    put_authors(&b, m);
    put_others(&b, m);
    assert_int_equal(buf_rc(&b), COVEY_OK);

    struct hash expected = hash_of("covey/1 membership", b.p, b.len);

    assert_true(hash_equal(&ours, &expected));
    buf_clear(&b);
}

static void test_the_hash_is_of_one_msgpack_value(void **state)
{
    struct membership m = state_make();

    assert_hash_of_msgpack(&m);
    membership_clear(&m);
    m.readable = true; /* and with every list empty */
    assert_hash_of_msgpack(&m);
}

static void test_a_large_state_is_hashed_piece_by_piece(void **state)
{
    struct membership m = state_make();

    for (uint32_t i = 2; i < 100; i++) {
        struct seat_carrier *carrier;
        struct seat_invite *invite;

        state_add_seat(&m, ROLE_SCHOOL);
        state_add_node(&m, i);
        m.authors[i].cut_count = CUTS_MAX;
        assert_int_equal(membership_add_carrier(&m, &carrier), COVEY_OK);
        assert_int_equal(membership_add_invite(&m, &invite), COVEY_OK);
    }
    assert_hash_of_msgpack(&m);
    membership_clear(&m);
    assert_int_equal(state_counter.live, 0);
}

static void test_the_hash_covers_every_field(void **state)
{
    struct hash seen[FIELDS + 2];
    struct membership m = state_make();

    for (size_t i = 0; i < FIELDS; i++) {
        *place_of(&m, i) ^= 1;
        seen[i] = state_hash(&m);
        *place_of(&m, i) ^= 1;
    }
    seen[FIELDS] = state_hash(&m);
    m.seats[1].cert.p[10] ^= 1;
    seen[FIELDS + 1] = state_hash(&m);
    for (size_t i = 0; i < FIELDS + 2; i++) {
        for (size_t j = 0; j < i; j++)
            assert_false(hash_equal(&seen[i], &seen[j]));
    }
    membership_clear(&m);
}

static void test_the_hash_covers_how_many_there_are(void **state)
{
    struct membership m = state_make();
    size_t *const counts[] = {&m.seat_count, &m.node_count, &m.author_count,
                              &m.carrier_count, &m.invite_count};
    struct hash all = state_hash(&m);

    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        --*counts[i];

        struct hash fewer = state_hash(&m);

        assert_false(hash_equal(&all, &fewer));
        ++*counts[i];
    }
    membership_clear(&m);
}

static void test_the_hash_leaves_out_the_head(void **state)
{
    struct membership m = state_make();
    struct hash before = state_hash(&m);

    m.head.b[0]++;

    struct hash after = state_hash(&m);

    assert_true(hash_equal(&before, &after));
    membership_clear(&m);
}

static void test_a_hash_without_memory_says_so(void **state)
{
    struct membership m = state_make();
    struct hash out;

    state_counter.calls = 0;
    state_counter.fail_at = 1;
    assert_int_equal(membership_hash(&m, &out), COVEY_ENOMEM);
    state_counter.fail_at = 0;
    membership_clear(&m);
    assert_int_equal(state_counter.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_hash_is_of_one_msgpack_value),
        cmocka_unit_test(test_a_large_state_is_hashed_piece_by_piece),
        cmocka_unit_test(test_the_hash_covers_every_field),
        cmocka_unit_test(test_the_hash_covers_how_many_there_are),
        cmocka_unit_test(test_the_hash_leaves_out_the_head),
        cmocka_unit_test(test_a_hash_without_memory_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
