/* keys.h - DIR/keys: the secrets of this installation, readable by it alone.
 *
 * A small text file, mode 0600, made with O_EXCL and fsynced.  Opened with
 * O_NOFOLLOW; refused, with the reason, when it is not a regular file, not
 * ours, or readable by others. */
#ifndef COVEY_DAEMON_KEYS_H
#define COVEY_DAEMON_KEYS_H

#include "proto/base.h"
#include "proto/identity.h"

#define KEYS_FILE "keys"

/* COVEY_EEXISTS, COVEY_EIO, COVEY_EFULL. */
COVEY_MUST_USE enum covey_rc keys_create(const char *dir,
                                         const struct node_secrets *secrets,
                                         struct covey_why *why);
/* COVEY_ENONE, COVEY_EREFUSED (mode, owner, link), COVEY_EBAD (damaged). */
COVEY_MUST_USE enum covey_rc
keys_load(const char *dir, struct node_secrets *out, struct covey_why *why);
bool keys_exist(const char *dir);

#endif
