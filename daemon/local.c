#include "daemon/local.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/heap.h"
#include "daemon/why.h"

#define BACKLOG 128
#define GROUPS_MAX 4096u /* that one process may be in, as far as we look */

static enum covey_rc find_group(const char *name, struct local *out,
                                struct covey_why *why)
{
    const struct group *group = NULL;

    if (name == NULL)
        return COVEY_OK;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread yet */
    group = getgrnam(name);
    if (group == NULL)
        return why_fail(why, COVEY_EREFUSED, "there is no group %.100s", name);
    out->has_group = true;
    out->group = group->gr_gid;
    return COVEY_OK;
}

static enum covey_rc make_path(const char *dir, struct local *out,
                               struct covey_why *why)
{
    int len = snprintf(out->path, sizeof out->path, "%s/%s", dir, LOCAL_FILE);

    if (len > (int)LOCAL_PATH_MAX)
        return why_fail(why, COVEY_EREFUSED,
                        "the path of the socket, %.60s.../%s, has %d bytes, "
                        "and the system takes %u: choose a directory with a "
                        "shorter path",
                        dir, LOCAL_FILE, len, LOCAL_PATH_MAX);
    return COVEY_OK;
}

static enum covey_rc clear_path(const char *path, struct covey_why *why)
{
    struct stat st;

    if (lstat(path, &st) != 0)
        return errno == ENOENT
                   ? COVEY_OK
                   : why_errno(why, errno, "cannot look at %s", path);
    if (!S_ISSOCK(st.st_mode))
        return why_fail(why, COVEY_EREFUSED,
                        "%s is there and is no socket: move it away", path);
    if (unlink(path) != 0)
        return why_errno(why, errno, "cannot remove %s", path);
    return COVEY_OK;
}

/* The umask keeps the path to this user between bind() and chmod(). */
static bool bind_to(struct local *local)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};

    memcpy(addr.sun_path, local->path, strlen(local->path) + 1);
    local->bound =
        bind(local->fd, (const struct sockaddr *)&addr, sizeof addr) == 0;
    return local->bound &&
           (!local->has_group ||
            chown(local->path, (uid_t)-1, local->group) == 0) &&
           chmod(local->path, 0660) == 0 && listen(local->fd, BACKLOG) == 0;
}

enum covey_rc local_listen(const char *dir, const char *group,
                           struct local *out, struct covey_why *why)
{
    enum covey_rc rc = COVEY_OK;

    *out = (struct local){.fd = -1};
    rc = make_path(dir, out, why);
    if (rc == COVEY_OK)
        rc = find_group(group, out, why);
    if (rc == COVEY_OK)
        rc = clear_path(out->path, why);
    if (rc != COVEY_OK)
        return rc;
    out->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (out->fd >= 0 && bind_to(out))
        return COVEY_OK;
    rc = why_errno(why, errno, "cannot listen on %s", out->path);
    local_remove(out);
    if (out->fd >= 0)
        close(out->fd);
    *out = (struct local){.fd = -1};
    return rc;
}

static bool is_in_group(int fd, gid_t group)
{
    socklen_t size = GROUPS_MAX * sizeof(gid_t);
    gid_t *groups = heap_new(size);
    bool found = false;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == 0) {
        for (size_t i = 0; i < size / sizeof(gid_t); i++)
            found = found || groups[i] == group;
    }
    free(groups);
    return found;
}

bool local_admits(const struct local *local, int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return false;
    if (peer.uid == geteuid() || peer.uid == 0)
        return true;
    return local->has_group &&
           (peer.gid == local->group || is_in_group(fd, local->group));
}

void local_remove(const struct local *local)
{
    if (local->bound)
        unlink(local->path);
}
