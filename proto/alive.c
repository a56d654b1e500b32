#include "proto/alive.h"

#include "proto/session.h"

void alive_begin(struct alive *a, covey_time now)
{
    *a = (struct alive){.heard = now, .sent = now, .pinged = now};
    alive_renew(a, now);
}

void alive_renew(struct alive *a, covey_time now)
{
    a->renew_at = now + SESSION_RENEW_WAIT;
}

static covey_time earlier(covey_time a, covey_time b)
{
    return a < b ? a : b;
}

static covey_time silent_at(const struct alive *a)
{
    return a->heard + SESSION_IDLE_WAIT;
}

static covey_time renew_at(const struct alive *a)
{
    return a->is_spent ? a->heard : a->renew_at;
}

static covey_time ping_at(const struct alive *a)
{
    covey_time quiet = earlier(a->heard, a->sent);

    return (quiet > a->pinged ? quiet : a->pinged) + SESSION_PING_WAIT;
}

covey_time alive_deadline(const struct alive *a)
{
    return earlier(earlier(silent_at(a), renew_at(a)), ping_at(a));
}

enum alive_due alive_check(const struct alive *a, covey_time now)
{
    if (now >= silent_at(a))
        return ALIVE_SILENT;
    if (now >= renew_at(a))
        return ALIVE_RENEW;
    return now >= ping_at(a) ? ALIVE_PING : ALIVE_NOTHING;
}
