/* support_state.h - a membership made by hand, without epochs. */
#ifndef COVEY_TESTS_SUPPORT_STATE_H
#define COVEY_TESTS_SUPPORT_STATE_H

#include "proto/membership.h"
#include "support_mem.h"

/* What its memory comes from; begun anew by state_make(). */
extern struct test_mem state_counter;
extern struct covey_mem state_mem;

/* Two members with a node each, the chair and a council; a carrier and an
 * invite. */
struct membership state_make(void);
struct seat *state_add_seat(struct membership *m, enum role role);
void state_add_node(struct membership *m, uint32_t slot);
/* Fails the test where there is no memory. */
struct hash state_hash(const struct membership *m);

#endif
