/* local.h - DIR/covey.sock: the door for programs on this machine.
 *
 * Mode 0660 in the directory's own care, and whoever connects is looked at
 * again (SO_PEERCRED): the same user, root, or a member of the group that the
 * configuration names.  To be called with the lock held: what lies there from a
 * run that was killed is then nobody's, and replaced. */
#ifndef COVEY_DAEMON_LOCAL_H
#define COVEY_DAEMON_LOCAL_H

#include <sys/types.h>

#include "proto/base.h"

#define LOCAL_FILE "covey.sock"
#define LOCAL_PATH_MAX 107u /* bytes that the system takes, NUL not counted */

struct local {
    int fd;     /* listens */
    bool bound; /* the path is ours */
    char path[LOCAL_PATH_MAX + 1];
    bool has_group;
    gid_t group;
};

/* group: name, or NULL.  COVEY_EREFUSED with why: path too long, no such group,
 * something else is there. */
COVEY_MUST_USE enum covey_rc local_listen(const char *dir, const char *group,
                                          struct local *out,
                                          struct covey_why *why);
/* May the process at the other end of fd talk to us? */
bool local_admits(const struct local *local, int fd);
/* Remove the path, if it is ours.  The descriptor belongs to whoever took it.
 */
void local_remove(const struct local *local);

#endif
