/* lock.h - DIR/lock: one daemon a record.
 *
 * Held by flock(), so it goes with the process however that ends; the number
 * in the file is for people.  The file stays: to remove it would let two hold
 * two files of one name. */
#ifndef COVEY_DAEMON_LOCK_H
#define COVEY_DAEMON_LOCK_H

#include "proto/base.h"

#define LOCK_FILE "lock"

struct lock {
    int fd; /* -1: not held */
};

/* COVEY_EBUSY, which names the process that holds it; COVEY_EREFUSED and
 * others when the file cannot be had. */
COVEY_MUST_USE enum covey_rc lock_take(const char *dir, struct lock *out,
                                       struct covey_why *why);
void lock_drop(struct lock *lock); /* harmless when not held */

#endif
