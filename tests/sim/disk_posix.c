/* disk_posix.c - the calls that store/ makes itself, on paths under /sim/.
 *
 * The linker sends stat, open and the rest here (--wrap, see the Makefile), so
 * that the objects under test are those of the daemon.  Any other path, and any
 * other descriptor, goes on to the real call. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/sim/disk_internal.h"

#define FD_BASE 0x40000000 /* far from any real descriptor */
#define FDS_MAX 64

int __real_stat(const char *path, struct stat *out);
int __real_access(const char *path, int mode);
int __real_open(const char *path, int flags, ...);
int __real_fsync(int fd);
int __real_close(int fd);
int __real_rename(const char *from, const char *to);
int __real_unlink(const char *path);

int __wrap_stat(const char *path, struct stat *out);
int __wrap_access(const char *path, int mode);
int __wrap_open(const char *path, int flags, ...);
int __wrap_fsync(int fd);
int __wrap_close(int fd);
int __wrap_rename(const char *from, const char *to);
int __wrap_unlink(const char *path);

static struct descriptor {
    struct disk *disk;   /* NULL: free */
    struct inode *inode; /* NULL: the directory */
} fds[FDS_MAX];

static int failed(int number)
{
    errno = number;
    return -1;
}

/* Begin an operation; errno is set where it is not to go on. */
static bool begin(struct disk *d, enum disk_op op)
{
    if (d == NULL) {
        errno = ENOENT;
        return false;
    }
    switch (disk_op(d, op)) {
    case DISK_SOUND:
        return true;
    case DISK_FULL:
    case DISK_SHORT:
        errno = ENOSPC;
        return false;
    case DISK_EIO:
        break;
    }
    errno = EIO;
    return false;
}

int __wrap_stat(const char *path, struct stat *out)
{
    const char *name;
    struct inode *f;
    struct disk *d;

    if (!disk_is_path(path))
        return __real_stat(path, out);
    d = disk_of(path, &name);
    if (!begin(d, OP_LOOK))
        return -1;
    memset(out, 0, sizeof *out);
    out->st_mode = S_IFDIR | 0700;
    if (name[0] == '\0')
        return 0;
    f = tree_find(&d->tree, name);
    if (f == NULL)
        return failed(ENOENT);
    out->st_mode = S_IFREG | 0600;
    out->st_size = (off_t)f->now.size;
    return 0;
}

int __wrap_access(const char *path, int mode)
{
    struct stat info;

    if (!disk_is_path(path))
        return __real_access(path, mode);
    return __wrap_stat(path, &info);
}

static struct inode *open_file(struct disk *d, const char *name, int flags)
{
    struct inode *f = tree_find(&d->tree, name);
    bool create = (flags & O_CREAT) != 0;

    if (!begin(d, f == NULL && create ? OP_CREATE : OP_LOOK))
        return NULL;
    errno = f == NULL ? ENOENT : EEXIST;
    if (f != NULL)
        return create && (flags & O_EXCL) != 0 ? NULL : f;
    if (!create)
        return NULL;
    errno = ENOSPC;
    return tree_create(&d->tree, name);
}

int __wrap_open(const char *path, int flags, ...)
{
    struct descriptor *slot = fds;
    mode_t mode = 0;
    const char *name;

    if ((flags & O_CREAT) != 0) {
        va_list args;

        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
    }
    if (!disk_is_path(path))
        return __real_open(path, flags, mode);
    while (slot->disk != NULL)
        slot++;
    CHECK(slot < fds + FDS_MAX - 1);

    struct disk *d = disk_of(path, &name);

    if (d == NULL)
        return failed(ENOENT);
    slot->inode = NULL;
    if (name[0] != '\0') {
        slot->inode = open_file(d, name, flags);
        if (slot->inode == NULL)
            return -1;
        inode_ref(slot->inode);
    } else if (!begin(d, OP_LOOK)) {
        return -1;
    }
    slot->disk = d;
    d->open++;
    return FD_BASE + (int)(slot - fds);
}

int __wrap_fsync(int fd)
{
    if (fd < FD_BASE)
        return __real_fsync(fd);

    struct descriptor *slot = fds + (fd - FD_BASE);

    if (!begin(slot->disk, OP_SYNC)) {
        if (slot->inode != NULL)
            inode_sync_failed(slot->inode);
        return -1;
    }
    if (slot->inode != NULL)
        inode_sync(slot->inode);
    else
        tree_sync(&slot->disk->tree);
    return 0;
}

int __wrap_close(int fd)
{
    if (fd < FD_BASE)
        return __real_close(fd);

    struct descriptor *slot = fds + (fd - FD_BASE);

    slot->disk->open--;
    inode_unref(slot->inode);
    *slot = (struct descriptor){NULL, NULL};
    return 0;
}

int __wrap_rename(const char *from, const char *to)
{
    const char *name, *new_name;
    struct disk *d;

    if (!disk_is_path(from))
        return __real_rename(from, to);
    d = disk_of(from, &name);
    if (d == NULL || disk_of(to, &new_name) != d)
        return failed(EXDEV);
    if (!begin(d, OP_NAME))
        return -1;
    return tree_rename(&d->tree, name, new_name) ? 0 : failed(ENOENT);
}

int __wrap_unlink(const char *path)
{
    const char *name;
    struct disk *d;

    if (!disk_is_path(path))
        return __real_unlink(path);
    d = disk_of(path, &name);
    if (d == NULL || tree_find(&d->tree, name) == NULL)
        return failed(ENOENT);
    if (!begin(d, OP_NAME))
        return -1;
    (void)tree_unlink(&d->tree, name);
    return 0;
}
