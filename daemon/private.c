#include "daemon/private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/why.h"

static int open_dir(const char *dir)
{
    return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool write_all(int fd, struct covey_bytes bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.p, bytes.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        bytes.p += n;
        bytes.len -= (size_t)n;
    }
    return true;
}

/* 0 or an errno. */
static int create_in(int dir_fd, const char *name, struct covey_bytes bytes)
{
    int error = 0;
    int fd = openat(dir_fd, name,
                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return errno;
    if (!write_all(fd, bytes) || fsync(fd) != 0)
        error = errno;
    if (close(fd) != 0 && error == 0)
        error = errno;
    if (error == 0 && fsync(dir_fd) != 0)
        error = errno;
    if (error != 0)
        unlinkat(dir_fd, name, 0);
    return error;
}

enum covey_rc private_create(const char *dir, const char *name,
                             struct covey_bytes bytes, struct covey_why *why)
{
    int dir_fd = open_dir(dir);

    if (dir_fd < 0)
        return why_errno(why, errno, "cannot open %s", dir);

    int error = create_in(dir_fd, name, bytes);

    close(dir_fd);
    if (error != 0)
        return why_errno(why, error, "cannot make %s/%s", dir, name);
    return COVEY_OK;
}

static enum covey_rc check_kind(int fd, const char *dir, const char *name,
                                struct covey_why *why)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return why_errno(why, errno, "cannot look at %s/%s", dir, name);
    if (!S_ISREG(st.st_mode))
        return why_fail(why, COVEY_EREFUSED, "%s/%s is not a plain file", dir,
                        name);
    if (st.st_uid != geteuid())
        return why_fail(why, COVEY_EREFUSED,
                        "%s/%s belongs to user %u, and this is user %u: run "
                        "as its owner",
                        dir, name, st.st_uid, geteuid());
    if ((st.st_mode & 077) != 0)
        return why_fail(why, COVEY_EREFUSED,
                        "%s/%s can be read by others (mode %04o): make it "
                        "yours alone with chmod 600, and think about who may "
                        "have seen it",
                        dir, name, st.st_mode & 07777);
    if (st.st_size > (off_t)PRIVATE_FILE_MAX)
        return why_fail(why, COVEY_EBAD,
                        "%s/%s is too large to be what its "
                        "name says",
                        dir, name);
    return COVEY_OK;
}

static enum covey_rc read_all(int fd, char text[PRIVATE_FILE_MAX + 1],
                              size_t *len)
{
    *len = 0;
    while (*len <= PRIVATE_FILE_MAX) {
        ssize_t n = read(fd, text + *len, PRIVATE_FILE_MAX + 1 - *len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return why_rc(errno);
        if (n == 0)
            break;
        *len += (size_t)n;
    }
    if (*len > PRIVATE_FILE_MAX || memchr(text, '\0', *len) != NULL)
        return COVEY_EBAD;
    text[*len] = '\0';
    return COVEY_OK;
}

enum covey_rc private_read(const char *dir, const char *name,
                           char text[PRIVATE_FILE_MAX + 1],
                           struct covey_why *why)
{
    enum covey_rc rc = COVEY_OK;
    size_t len = 0;
    int dir_fd = open_dir(dir);

    if (dir_fd < 0)
        return why_errno(why, errno, "cannot open %s", dir);

    /* Without O_NONBLOCK a fifo of that name would hold us here. */
    int fd =
        openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int error = errno;

    close(dir_fd);
    if (fd < 0 && error == ELOOP)
        return why_fail(why, COVEY_EREFUSED,
                        "%s/%s is a link: put the file itself there", dir,
                        name);
    if (fd < 0)
        return why_errno(why, error, "cannot open %s/%s", dir, name);
    rc = check_kind(fd, dir, name, why);
    if (rc == COVEY_OK) {
        rc = read_all(fd, text, &len);
        if (rc != COVEY_OK)
            why_fail(why, rc, "%s/%s: %s", dir, name, covey_rc_text(rc));
    }
    close(fd);
    return rc;
}

bool private_exists(const char *dir, const char *name)
{
    struct stat st;
    int dir_fd = open_dir(dir);

    if (dir_fd < 0)
        return false;

    bool there = fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;

    close(dir_fd);
    return there;
}

enum covey_rc private_remove(const char *dir, const char *name,
                             struct covey_why *why)
{
    int error = 0;
    int dir_fd = open_dir(dir);

    if (dir_fd < 0)
        return why_errno(why, errno, "cannot open %s", dir);
    if (unlinkat(dir_fd, name, 0) != 0 && errno != ENOENT)
        error = errno;
    if (error == 0 && fsync(dir_fd) != 0)
        error = errno;
    close(dir_fd);
    if (error != 0)
        return why_errno(why, error, "cannot remove %s/%s", dir, name);
    return COVEY_OK;
}
