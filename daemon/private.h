/* private.h - small files that nobody else may read.
 *
 * Made with O_EXCL and mode 0600, fsynced with their directory.  Opened with
 * O_NOFOLLOW, and refused when they are not a regular file, not ours, or open
 * to others: whoever could read them may have. */
#ifndef COVEY_DAEMON_PRIVATE_H
#define COVEY_DAEMON_PRIVATE_H

#include "proto/base.h"

#define PRIVATE_FILE_MAX 4096u /* bytes */

/* Nothing is left behind on failure.  COVEY_EEXISTS, COVEY_EFULL, COVEY_EIO,
 * COVEY_EREFUSED; why is filled. */
COVEY_MUST_USE enum covey_rc private_create(const char *dir, const char *name,
                                            struct covey_bytes bytes,
                                            struct covey_why *why);
/* Up to PRIVATE_FILE_MAX bytes and a NUL behind.  COVEY_ENONE; COVEY_EREFUSED
 * (mode, owner, link); COVEY_EBAD (too large, or a NUL in it); COVEY_EIO. */
COVEY_MUST_USE enum covey_rc private_read(const char *dir, const char *name,
                                          char text[PRIVATE_FILE_MAX + 1],
                                          struct covey_why *why);
/* Is there anything of that name, whatever it is? */
bool private_exists(const char *dir, const char *name);
/* Remove, and fsync the directory; absent is well. */
COVEY_MUST_USE enum covey_rc private_remove(const char *dir, const char *name,
                                            struct covey_why *why);

#endif
