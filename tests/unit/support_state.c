#include "support_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct test_mem state_counter;
struct covey_mem state_mem;

struct seat *state_add_seat(struct membership *m, enum role role)
{
    uint32_t slot = (uint32_t)m->seat_count;
    struct seat *seat;

    assert_int_equal(membership_add_seat(m, &seat), COVEY_OK);
    seat->slot = slot;
    seat->id = (struct member_id){{1, (uint8_t)slot}};
    seat->role = role;
    seat->present = true;
    memcpy(seat->name, "Mill Lane", sizeof "Mill Lane");
    buf_append(&seat->cert, "certificate", 11);
    return seat;
}

void state_add_node(struct membership *m, uint32_t slot)
{
    struct seat_node *node;
    struct seat_author *author;

    assert_int_equal(membership_add_node(m, &node), COVEY_OK);
    *node = (struct seat_node){
        .slot = slot,
        .cert = {.noise = {{2, (uint8_t)slot}}, .issued_ms = 5},
        .author = {{3, (uint8_t)slot}},
        .present = true,
        .address = "mill.example:4747",
    };
    assert_int_equal(membership_add_author(m, &author), COVEY_OK);
    *author = (struct seat_author){
        .key = {{3, (uint8_t)slot}},
        .slot = slot,
        .rights = RIGHT_VOTES,
        .cut_count = 1,
        .cuts = {{.number = 7}},
    };
}

/* Two members, one of them the chair, a carrier and an invite. */
struct membership state_make(void)
{
    struct membership m;
    struct seat_carrier *carrier;
    struct seat_invite *invite;

    state_counter = (struct test_mem){.calls = 0};
    state_mem = test_mem_of(&state_counter);
    membership_init(&m, &state_mem);
    m.readable = true;
    m.space = (struct space_id){{9}};
    m.number = 11;
    m.head = (struct hash){{12}};
    m.key_number = 13;
    m.rules_version = 14;
    m.kind = SPACE_NAMED;
    m.admit = ADMIT_AT_ONCE;
    memcpy(m.name, "North", sizeof "North");
    state_add_seat(&m, ROLE_CHAIR);
    state_add_node(&m, 0);
    state_add_seat(&m, ROLE_COUNCIL);
    state_add_node(&m, 1);
    assert_int_equal(membership_add_carrier(&m, &carrier), COVEY_OK);
    carrier->key = (struct noise_key){{4}};
    assert_int_equal(membership_add_invite(&m, &invite), COVEY_OK);
    invite->id = (struct invite_id){{5}};
    return m;
}

struct hash state_hash(const struct membership *m)
{
    struct hash out;

    assert_int_equal(membership_hash(m, &out), COVEY_OK);
    return out;
}
