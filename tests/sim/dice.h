/* dice.h - all the chance in a simulated world, from one seed.
 *
 * Whole numbers only, so that every build draws the same.  Each part of the
 * world, and each host in it, draws from dice of its own: one more host, or one
 * more draw in one part, disturbs no other. */
#ifndef COVEY_TESTS_SIM_DICE_H
#define COVEY_TESTS_SIM_DICE_H

#include "proto/base.h"

struct dice {
    uint64_t state;
};

/* The dice of a part ("network") and of its nth instance. */
struct dice dice_of(uint64_t seed, const char *part, uint64_t n);
uint64_t dice_roll(struct dice *d);
/* 0 .. sides - 1; 0 for no sides. */
uint64_t dice_below(struct dice *d, uint64_t sides);
/* from .. to, both included. */
int64_t dice_between(struct dice *d, int64_t from, int64_t to);
/* True `in_thousand` times out of a thousand. */
bool dice_chance(struct dice *d, uint32_t in_thousand);
/* A wait whose average is `mean`, never more than four times that. */
covey_time dice_wait(struct dice *d, covey_time mean);
/* Place of one of `count` weights, by its weight; their sum is not 0. */
size_t dice_pick(struct dice *d, const uint32_t *weights, size_t count);
void dice_fill(struct dice *d, void *out, size_t len);
struct seed dice_seed(struct dice *d);

#endif
