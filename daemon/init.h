/* init.h - a new record: keys, identity, database; once for a directory.
 *
 * Whole or not at all.  A mark is made first and removed last; what a killed
 * init left behind is recognised by it, and cleared away by the next one.  That
 * is safe: until the mark is gone nobody was told of the member. */
#ifndef COVEY_DAEMON_INIT_H
#define COVEY_DAEMON_INIT_H

#include "proto/base.h"
#include "proto/rules.h"

#define INIT_MARK "init.unfinished"

struct init_wish {
    const char *dir;
    const char *name;
    uint32_t urn; /* 0: none */
    enum member_kind kind;
};

/* Urn and kind from what was typed, NULL where nothing was, and the name
 * checked.  COVEY_EUSAGE with why. */
COVEY_MUST_USE enum covey_rc init_wish_read(struct init_wish *out,
                                            const char *name, const char *urn,
                                            const char *kind,
                                            struct covey_why *why);
/* Do it: the recovery code on stderr, then the member's id on stdout.
 * COVEY_EEXISTS (a record is there), COVEY_EBUSY (a daemon runs on it),
 * COVEY_EREFUSED, COVEY_EFULL, COVEY_EIO; nothing is left behind. */
COVEY_MUST_USE enum covey_rc init_run(const struct init_wish *wish,
                                      struct covey_why *why);
/* May a daemon start on dir?  COVEY_OK; COVEY_ENONE: no record yet, or only
 * half of what belongs together; why says which, and what to do. */
COVEY_MUST_USE enum covey_rc init_check(const char *dir, struct covey_why *why);

#endif
