/* story.h - the words that stories are told in.
 *
 * A school is a host; alder is the chair of the one space, and the relay
 * carries it.  What goes wrong is the world's failure, and the rest of the
 * story then changes nothing. */
#ifndef COVEY_TESTS_SIM_STORY_H
#define COVEY_TESTS_SIM_STORY_H

#include "tests/sim/oracle.h"
#include "tests/sim/run.h"

enum { ALDER, BIRCH, CEDAR, RELAY, STORY_HOSTS };

/* The three schools, all in, each behind its own NAT, and the relay. */
void story_cluster(struct run *r);
/* The same, but cedar has not joined yet. */
void story_pair(struct run *r);

/* One statement at a school; $S in it stands for the space's id. */
void story_write(struct run *r, size_t who, const char *statement);
/* How many rows a statement gives there. */
size_t story_rows(struct run *r, size_t who, const char *statement);
/* What a school's status says of the space: a number, how long a list is, or 1
 * for what is so. */
int64_t story_status(struct run *r, size_t who, const char *key);
void story_cut_off(struct run *r, size_t who, bool cut_off);
void story_wait(struct run *r, covey_time how_long);
/* `what` did not come out as the story has it. */
void story_expect(struct run *r, bool so, const char *what);
/* Everybody is up and reached again: all are equal in time, and every oracle is
 * content. */
void story_ends_well(struct run *r);

#endif
