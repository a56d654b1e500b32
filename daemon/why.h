/* why.h - a failure put into words where it is understood.
 *
 * `return why_fail(why, COVEY_EREFUSED, "%s: ...", path)` is the idiom. */
#ifndef COVEY_DAEMON_WHY_H
#define COVEY_DAEMON_WHY_H

#include "proto/base.h"

/* Fill why (cut to its size) and return rc. */
enum covey_rc why_fail(struct covey_why *why, enum covey_rc rc,
                       const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for a failed system call: the code that stands for errno, and
 * "WHAT: the system's words". */
enum covey_rc why_errno(struct covey_why *why, int error, const char *format,
                        ...) __attribute__((format(printf, 3, 4)));
/* COVEY_EIO, COVEY_EFULL, COVEY_ENONE, COVEY_EEXISTS, COVEY_ENOMEM; all others
 * are COVEY_EREFUSED: the system does not let us. */
enum covey_rc why_rc(int error);

#endif
