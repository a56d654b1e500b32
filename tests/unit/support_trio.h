/* support_trio.h - three schools in a cluster, alder its chair; birch has
 * fallen into the wrong hands. */
#ifndef COVEY_TESTS_SUPPORT_TRIO_H
#define COVEY_TESTS_SUPPORT_TRIO_H

#include "support_liar.h"

extern struct trio {
    struct world world;
    struct liar liar; /* has birch's keys, and has met alder */
    char space[33];
    size_t alder, birch, cedar;
} trio;

int trio_setup(void **state);
int trio_teardown(void **state);
void trio_join(size_t who);
/* A number of the space's status at a node. */
json_int_t trio_count_of(size_t who, const char *what);
/* Both honest nodes hold so many change sets, void ones and rows, and the same.
 */
void trio_assert_both(json_int_t sets, json_int_t voids, json_int_t rows);
bool trio_send_one(const struct header *h, struct covey_bytes payload,
                   const struct signature *signature);
/* The msgpack of a new priority, of the member with this tag. */
struct covey_bytes trio_priority(const struct member_tag *tag, uint8_t number,
                                 const char *title);
/* A good change set with one new row: what the lies begin with. */
struct covey_bytes trio_honest(struct header *h);

#endif
