/* strangers.h - who may stand at the door without having said who they are.
 *
 * "Before authentication: 64 connections in all, 4 per /24 or /64 (addresses
 * that authenticated lately are exempt: many schools share one)" (DESIGN.md
 * section 14).  The exempt are counted apart, so that a flood from elsewhere
 * leaves them their places.
 *
 * Where all places are taken, a newcomer takes the place of the one that has
 * stood there longest, if that is a second or more: who only stands there
 * cannot keep others out.  Otherwise the newcomer is refused. */
#ifndef COVEY_DAEMON_STRANGERS_H
#define COVEY_DAEMON_STRANGERS_H

#include "daemon/endpoint.h"

#define STRANGERS_MAX 64u        /* of those not known from lately */
#define STRANGERS_PER_PREFIX 4u  /* of them from one /24 or /64 */
#define STRANGERS_LATELY_MAX 64u /* of those known from lately */
#define STRANGERS_PATIENCE COVEY_SECOND
#define STRANGERS_RECENT 256u /* addresses remembered */
#define STRANGERS_RECENT_WAIT (3600 * COVEY_SECOND)

struct stranger {
    uint64_t id; /* the connection */
    struct endpoint_origin from;
    covey_time since;
    bool lately;
};

struct strangers { /* zero-filled is an empty one */
    struct stranger item[STRANGERS_MAX + STRANGERS_LATELY_MAX];
    size_t count;
    struct {
        uint8_t address[16];
        covey_time at;
    } recent[STRANGERS_RECENT];
    size_t recent_count;
    uint64_t refused; /* ever, put out included */
};

/* May this connection come in?  If so it is counted, and where somebody had to
 * go for it, *evicted is that one's id (already taken off), else 0. */
bool strangers_admit(struct strangers *s, uint64_t id,
                     const struct endpoint *from, covey_time now,
                     uint64_t *evicted);
/* It said who it is: not a stranger any more, and its address remembered. */
void strangers_known(struct strangers *s, uint64_t id, covey_time now);
void strangers_gone(struct strangers *s, uint64_t id); /* harmless if unknown */

#endif
