#include "tests/sim/dice.h"

#include <string.h>

/* SplitMix64: small, whole numbers, and any state is a good one. */
uint64_t dice_roll(struct dice *d)
{
    uint64_t z = d->state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

struct dice dice_of(uint64_t seed, const char *part, uint64_t n)
{
    struct dice d = {seed};

    for (const char *c = part; *c != '\0'; c++)
        d.state = dice_roll(&d) ^ (uint8_t)*c;
    d.state = dice_roll(&d) ^ n;
    d.state = dice_roll(&d);
    return d;
}

uint64_t dice_below(struct dice *d, uint64_t sides)
{
    return sides == 0 ? 0 : dice_roll(d) % sides;
}

int64_t dice_between(struct dice *d, int64_t from, int64_t to)
{
    CHECK(from <= to);
    return from + (int64_t)dice_below(d, (uint64_t)(to - from) + 1);
}

bool dice_chance(struct dice *d, uint32_t in_thousand)
{
    return dice_below(d, 1000) < in_thousand;
}

/* The sum of four even draws: uneven enough, and bounded. */
covey_time dice_wait(struct dice *d, covey_time mean)
{
    covey_time wait = 1;

    for (int i = 0; i < 4; i++)
        wait += dice_between(d, 0, mean / 2);
    return dice_chance(d, 125) ? wait * 2 : wait * 6 / 7 + 1;
}

size_t dice_pick(struct dice *d, const uint32_t *weights, size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += weights[i];
    CHECK(sum > 0);

    uint64_t at = dice_below(d, sum);

    for (size_t i = 0; i < count; i++) {
        if (at < weights[i])
            return i;
        at -= weights[i];
    }
    CHECK(!"the weights add up to less than their sum");
    return 0;
}

void dice_fill(struct dice *d, void *out, size_t len)
{
    uint8_t *p = out;

    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(dice_roll(d) >> 56);
}

struct seed dice_seed(struct dice *d)
{
    struct seed s;

    dice_fill(d, s.b, sizeof s.b);
    return s;
}
