/* alive.h - when a session that is up must ping, give up or be renewed.
 *
 * Either side pings when it has sent nothing for SESSION_PING_WAIT, so that the
 * other hears something, or has heard nothing for as long, so that the other
 * answers.  Whoever has bytes waiting needs no ping: they will be heard. */
#ifndef COVEY_PROTO_ALIVE_H
#define COVEY_PROTO_ALIVE_H

#include "proto/base.h"

struct alive {
    covey_time heard;    /* the last frame that opened */
    covey_time sent;     /* the last byte that was taken */
    covey_time pinged;   /* the last time that a ping was due */
    covey_time renew_at; /* by the clock */
    bool is_spent;       /* SESSION_RENEW_BYTES went through: renew at once */
};

enum alive_due { ALIVE_NOTHING, ALIVE_PING, ALIVE_SILENT, ALIVE_RENEW };

void alive_begin(struct alive *a, covey_time now);
/* The keys are new. */
void alive_renew(struct alive *a, covey_time now);
covey_time alive_deadline(const struct alive *a);
enum alive_due alive_check(const struct alive *a, covey_time now);

#endif
