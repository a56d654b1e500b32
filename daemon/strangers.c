#include "daemon/strangers.h"

#include <string.h>

static bool known_lately(const struct strangers *s,
                         const struct endpoint_origin *from, covey_time now)
{
    for (size_t i = 0; i < s->recent_count; i++) {
        if (memcmp(s->recent[i].address, from->address, 16) == 0)
            return now - s->recent[i].at < STRANGERS_RECENT_WAIT;
    }
    return false;
}

/* Whose place a newcomer competes for: those of its own kind, and of its own
 * prefix if near is true.  Returns how many, and the oldest of them. */
static size_t rivals(const struct strangers *s, const struct stranger *n,
                     bool near, size_t *oldest)
{
    size_t count = 0;

    for (size_t i = 0; i < s->count; i++) {
        const struct stranger *other = &s->item[i];

        if (other->lately != n->lately ||
            (near && memcmp(other->from.prefix, n->from.prefix, 16) != 0))
            continue;
        if (count == 0 || other->since < s->item[*oldest].since)
            *oldest = i;
        count++;
    }
    return count;
}

static void take_off(struct strangers *s, size_t i)
{
    s->item[i] = s->item[--s->count];
}

/* Make room among at most `max` rivals; false if nobody may be put out. */
static bool make_room(struct strangers *s, const struct stranger *n, bool near,
                      size_t max, uint64_t *evicted)
{
    size_t oldest = 0;

    if (rivals(s, n, near, &oldest) < max)
        return true;
    s->refused++; /* one of the two */
    if (n->since - s->item[oldest].since < STRANGERS_PATIENCE)
        return false;
    *evicted = s->item[oldest].id;
    take_off(s, oldest);
    return true;
}

bool strangers_admit(struct strangers *s, uint64_t id,
                     const struct endpoint *from, covey_time now,
                     uint64_t *evicted)
{
    struct stranger n = {id, endpoint_origin(from), now, false};

    *evicted = 0;
    n.lately = known_lately(s, &n.from, now);
    if (n.lately) {
        if (!make_room(s, &n, false, STRANGERS_LATELY_MAX, evicted))
            return false;
    } else {
        /* Having made room among the near there is room in all. */
        if (!make_room(s, &n, true, STRANGERS_PER_PREFIX, evicted) ||
            !make_room(s, &n, false, STRANGERS_MAX, evicted))
            return false;
    }
    CHECK(s->count < sizeof s->item / sizeof s->item[0]);
    s->item[s->count++] = n;
    return true;
}

/* The slot of this address, or of the one heard of longest ago. */
static size_t recent_slot(struct strangers *s, const uint8_t address[16])
{
    size_t oldest = 0;

    for (size_t i = 0; i < s->recent_count; i++) {
        if (memcmp(s->recent[i].address, address, 16) == 0)
            return i;
        if (s->recent[i].at < s->recent[oldest].at)
            oldest = i;
    }
    return s->recent_count < STRANGERS_RECENT ? s->recent_count++ : oldest;
}

static bool find(const struct strangers *s, uint64_t id, size_t *at)
{
    for (*at = 0; *at < s->count; (*at)++) {
        if (s->item[*at].id == id)
            return true;
    }
    return false;
}

void strangers_known(struct strangers *s, uint64_t id, covey_time now)
{
    size_t at = 0;

    if (!find(s, id, &at))
        return;

    const uint8_t *address = s->item[at].from.address;
    size_t slot = recent_slot(s, address);

    memcpy(s->recent[slot].address, address, 16);
    s->recent[slot].at = now;
    take_off(s, at);
}

void strangers_gone(struct strangers *s, uint64_t id)
{
    size_t at = 0;

    if (find(s, id, &at))
        take_off(s, at);
}
