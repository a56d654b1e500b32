#include "daemon/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "daemon/why.h"

/* The number in the file, 0 if there is none yet. */
static long holder(int fd)
{
    char text[32];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);

    if (n <= 0)
        return 0;
    text[n] = '\0';
    return strtol(text, NULL, 10);
}

static enum covey_rc refuse(int fd, int error, const char *dir,
                            struct covey_why *why)
{
    long pid = holder(fd);

    if (error != EWOULDBLOCK)
        return why_errno(why, error, "cannot lock %s/%s", dir, LOCK_FILE);
    if (pid <= 0)
        return why_fail(why, COVEY_EBUSY,
                        "another coveyd runs on %s: stop it first", dir);
    return why_fail(why, COVEY_EBUSY,
                    "another coveyd runs on %s, as process %ld: stop it first",
                    dir, pid);
}

enum covey_rc lock_take(const char *dir, struct lock *out,
                        struct covey_why *why)
{
    char path[4096];
    char pid[32];

    out->fd = -1;
    if (snprintf(path, sizeof path, "%s/%s", dir, LOCK_FILE) >=
        (int)sizeof path)
        return why_fail(why, COVEY_EBAD, "%s: the path is too long", dir);

    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return why_errno(why, errno, "cannot open %s", path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        enum covey_rc rc = refuse(fd, errno, dir, why);

        close(fd);
        return rc;
    }

    int len = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());

    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)len, 0) != len) {
        enum covey_rc rc = why_errno(why, errno, "cannot write to %s", path);

        close(fd);
        return rc;
    }
    out->fd = fd;
    return COVEY_OK;
}

void lock_drop(struct lock *lock)
{
    if (lock->fd < 0)
        return;

    /* So that nobody is told of a process that is gone. */
    int ignored = ftruncate(lock->fd, 0);

    (void)ignored;
    close(lock->fd);
    lock->fd = -1;
}
