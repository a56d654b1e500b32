/* disk_vfs.c - the simulated disk as SQLite sees it.
 *
 * It behaves as SQLite's own VFS for Linux does, so that SQLite takes the same
 * ways: sectors of 4096 bytes that a power loss does not spoil beyond what was
 * being written, a directory sync with the first sync of a new journal or WAL,
 * a file of no bytes that does not "exist". */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/disk_internal.h"

#define JULIAN_1970_MS 210866760000000LL
#define SHM_REGIONS_MAX 64
#define SHM_HELD_ALONE (-1)

struct shm {
    size_t refs;
    void *regions[SHM_REGIONS_MAX];
    int locks[SQLITE_SHM_NLOCK]; /* how many share it; SHM_HELD_ALONE */
};

struct handle {
    sqlite3_file base; /* first: SQLite's view of it */
    struct disk *disk;
    struct inode *inode;
    struct handle *next; /* of the same file */
    char *delete_name;   /* when closed; NULL: stays */
    bool sync_folder;    /* with the first sync */
    int lock;
    struct shm *shm;
    unsigned shm_shared, shm_alone; /* what it holds, a bit a lock */
};

uint64_t disk_wall_ms;
struct disk *disk_now;

static sqlite3_vfs *os; /* SQLite's own, for all other paths */
static uint64_t nobodys_dice;

static struct handle *handle_of(sqlite3_file *file)
{
    return (struct handle *)(void *)file;
}

/* ---- bytes ---- */

static int file_read(sqlite3_file *file, void *p, int len, sqlite3_int64 at)
{
    struct handle *h = handle_of(file);
    enum disk_fault fault = disk_op(h->disk, OP_READ);
    size_t want = (size_t)len;
    size_t n;

    if (fault == DISK_EIO)
        return SQLITE_IOERR_READ;
    n = inode_read(h->inode, p, fault == DISK_SHORT ? want / 2 : want,
                   (uint64_t)at);
    if (n == want)
        return SQLITE_OK;
    memset((uint8_t *)p + n, 0, want - n);
    return SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *file, const void *p, int len,
                      sqlite3_int64 at)
{
    struct handle *h = handle_of(file);
    enum disk_fault fault = disk_op(h->disk, OP_WRITE);
    size_t n = (size_t)len;

    if (fault != DISK_SOUND)
        n = (size_t)(dice_next(&h->disk->dice) % n);
    inode_write(h->inode, p, n, (uint64_t)at);
    if (fault == DISK_SOUND)
        return SQLITE_OK;
    return fault == DISK_EIO ? SQLITE_IOERR_WRITE : SQLITE_FULL;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct handle *h = handle_of(file);

    if (disk_op(h->disk, OP_CUT) != DISK_SOUND)
        return SQLITE_IOERR_TRUNCATE;
    inode_cut(h->inode, (uint64_t)size);
    return SQLITE_OK;
}

static int folder_sync(struct disk *d)
{
    if (disk_op(d, OP_SYNC) != DISK_SOUND)
        return SQLITE_IOERR_DIR_FSYNC;
    tree_sync(&d->tree);
    return SQLITE_OK;
}

static int file_sync(sqlite3_file *file, int flags)
{
    struct handle *h = handle_of(file);
    int code = SQLITE_OK;

    (void)flags;
    if (disk_op(h->disk, OP_SYNC) != DISK_SOUND) {
        inode_sync_failed(h->inode);
        return SQLITE_IOERR_FSYNC;
    }
    inode_sync(h->inode);
    if (h->disk->lone_names)
        tree_sync_names_of(&h->disk->tree, h->inode);
    else if (h->sync_folder)
        code = folder_sync(h->disk);
    h->sync_folder = false;
    return code;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    struct handle *h = handle_of(file);

    if (disk_op(h->disk, OP_LOOK) != DISK_SOUND)
        return SQLITE_IOERR_FSTAT;
    *size = (sqlite3_int64)h->inode->now.size;
    return SQLITE_OK;
}

/* ---- locks on a file ---- */

/* The strongest lock that others hold. */
static int others_lock(const struct handle *h)
{
    int strongest = SQLITE_LOCK_NONE;

    for (const struct handle *o = h->inode->first; o != NULL; o = o->next) {
        if (o != h && o->lock > strongest)
            strongest = o->lock;
    }
    return strongest;
}

static int file_lock(sqlite3_file *file, int want)
{
    struct handle *h = handle_of(file);
    int others = others_lock(h);

    if (h->lock >= want)
        return SQLITE_OK;
    if (want == SQLITE_LOCK_SHARED) {
        if (others >= SQLITE_LOCK_PENDING)
            return SQLITE_BUSY;
    } else if (others >= SQLITE_LOCK_RESERVED) {
        return SQLITE_BUSY;
    }
    if (want == SQLITE_LOCK_EXCLUSIVE && others != SQLITE_LOCK_NONE) {
        h->lock = SQLITE_LOCK_PENDING; /* no new readers */
        return SQLITE_BUSY;
    }
    h->lock = want;
    return SQLITE_OK;
}

static int file_unlock(sqlite3_file *file, int want)
{
    struct handle *h = handle_of(file);

    if (h->lock > want)
        h->lock = want;
    return SQLITE_OK;
}

static int file_reserved(sqlite3_file *file, int *out)
{
    struct handle *h = handle_of(file);

    *out = h->lock >= SQLITE_LOCK_RESERVED ||
           others_lock(h) >= SQLITE_LOCK_RESERVED;
    return SQLITE_OK;
}

/* ---- the WAL's index, which all connections share ---- */

static int shm_map(sqlite3_file *file, int i, int bytes, int extend,
                   void volatile **out)
{
    struct handle *h = handle_of(file);
    struct inode *f = h->inode;

    *out = NULL;
    if (f->shm == NULL) {
        f->shm = disk_alloc(NULL, 1, sizeof *f->shm);
        memset(f->shm, 0, sizeof *f->shm);
    }
    if (h->shm == NULL) {
        h->shm = f->shm;
        h->shm->refs++;
    }
    CHECK(i < SHM_REGIONS_MAX);
    if (h->shm->regions[i] == NULL && extend) {
        enum disk_fault fault = disk_op(h->disk, OP_SHM);

        if (fault != DISK_SOUND)
            return fault == DISK_EIO ? SQLITE_IOERR_SHMMAP
                                     : SQLITE_IOERR_SHMSIZE;
        h->shm->regions[i] = disk_alloc(NULL, 1, (size_t)bytes);
        memset(h->shm->regions[i], 0, (size_t)bytes);
    }
    *out = h->shm->regions[i];
    return SQLITE_OK;
}

static void shm_release(struct handle *h, unsigned mask)
{
    for (int i = 0; i < SQLITE_SHM_NLOCK; i++) {
        unsigned bit = 1u << i;

        if ((mask & h->shm_alone & bit) != 0)
            h->shm->locks[i] = 0;
        if ((mask & h->shm_shared & bit) != 0)
            h->shm->locks[i]--;
    }
    h->shm_alone &= ~mask;
    h->shm_shared &= ~mask;
}

/* Those of the locks in the mask that this handle does not hold already. */
static bool shm_free(const struct handle *h, unsigned mask, bool alone)
{
    for (int i = 0; i < SQLITE_SHM_NLOCK; i++) {
        int held = h->shm->locks[i];

        if ((mask & (1u << i)) != 0 &&
            (held == SHM_HELD_ALONE || (alone && held > 0)))
            return false;
    }
    return true;
}

static int shm_lock(sqlite3_file *file, int from, int n, int flags)
{
    struct handle *h = handle_of(file);
    unsigned mask = ((1u << n) - 1u) << from;
    bool alone = (flags & SQLITE_SHM_EXCLUSIVE) != 0;

    if ((flags & SQLITE_SHM_UNLOCK) != 0) {
        shm_release(h, mask);
        return SQLITE_OK;
    }
    mask &= ~(alone ? h->shm_alone : h->shm_shared);
    if (!shm_free(h, mask, alone))
        return SQLITE_BUSY;
    for (int i = 0; i < SQLITE_SHM_NLOCK; i++) {
        if ((mask & (1u << i)) != 0)
            h->shm->locks[i] = alone ? SHM_HELD_ALONE : h->shm->locks[i] + 1;
    }
    *(alone ? &h->shm_alone : &h->shm_shared) |= mask;
    return SQLITE_OK;
}

static void shm_barrier(sqlite3_file *file)
{
    (void)file; /* one thread */
}

/* The last to leave takes it away; whoever comes next builds it anew. */
static int shm_unmap(sqlite3_file *file, int delete_it)
{
    struct handle *h = handle_of(file);

    (void)delete_it;
    if (h->shm == NULL)
        return SQLITE_OK;
    shm_release(h, ~0u);
    if (--h->shm->refs == 0) {
        for (size_t i = 0; i < SHM_REGIONS_MAX; i++)
            free(h->shm->regions[i]);
        free(h->shm);
        h->inode->shm = NULL;
    }
    h->shm = NULL;
    return SQLITE_OK;
}

/* ---- opening and closing ---- */

static int file_close(sqlite3_file *file)
{
    struct handle *h = handle_of(file);
    struct handle **at = &h->inode->first;

    (void)shm_unmap(file, 0);
    while (*at != h)
        at = &(*at)->next;
    *at = h->next;
    if (h->delete_name != NULL)
        (void)tree_unlink(&h->disk->tree, h->delete_name);
    free(h->delete_name);
    inode_unref(h->inode);
    h->disk->open--;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *file, int op, void *arg)
{
    (void)file;
    (void)op;
    (void)arg;
    return SQLITE_NOTFOUND;
}

static int sector_size(sqlite3_file *file)
{
    (void)file;
    return 4096;
}

static int characteristics(sqlite3_file *file)
{
    (void)file;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_reserved,
    .xFileControl = file_control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
};

#define JOURNALS                                                               \
    (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL)

/* The file as the flags want it; NULL: no. */
static struct inode *find_or_create(struct disk *d, const char *name, int flags)
{
    struct inode *f = tree_find(&d->tree, name);
    bool create = (flags & SQLITE_OPEN_CREATE) != 0;

    if (disk_op(d, f == NULL && create ? OP_CREATE : OP_LOOK) != DISK_SOUND)
        return NULL;
    if (f != NULL)
        return (flags & SQLITE_OPEN_EXCLUSIVE) != 0 ? NULL : f;
    return create ? tree_create(&d->tree, name) : NULL;
}

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file,
                    int flags, int *out_flags)
{
    struct handle *h = handle_of(file);
    const char *name;

    (void)vfs;
    if (!disk_is_path(path))
        return os->xOpen(os, path, file, flags, out_flags);
    memset(h, 0, sizeof *h);
    h->disk = disk_of(path, &name);
    if (h->disk == NULL)
        return SQLITE_CANTOPEN;
    h->inode = find_or_create(h->disk, name, flags);
    if (h->inode == NULL)
        return SQLITE_CANTOPEN;
    if ((flags & SQLITE_OPEN_DELETEONCLOSE) != 0)
        h->delete_name = strcpy(disk_alloc(NULL, strlen(name) + 1, 1), name);
    inode_ref(h->inode);
    h->next = h->inode->first;
    h->inode->first = h;
    h->disk->open++;
    h->sync_folder =
        (flags & SQLITE_OPEN_CREATE) != 0 && (flags & JOURNALS) != 0;
    h->base.pMethods = &methods;
    if (out_flags != NULL)
        *out_flags = flags;
    return SQLITE_OK;
}

/* ---- names ---- */

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync_folder)
{
    const char *name;
    struct disk *d;

    (void)vfs;
    if (!disk_is_path(path))
        return os->xDelete(os, path, sync_folder);
    d = disk_of(path, &name);
    if (d == NULL || tree_find(&d->tree, name) == NULL)
        return SQLITE_IOERR_DELETE_NOENT;
    if (disk_op(d, OP_NAME) != DISK_SOUND)
        return SQLITE_IOERR_DELETE;
    (void)tree_unlink(&d->tree, name);
    return sync_folder ? folder_sync(d) : SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *path, int flags, int *out)
{
    const struct inode *f;
    const char *name;
    struct disk *d;

    (void)vfs;
    if (!disk_is_path(path))
        return os->xAccess(os, path, flags, out);
    d = disk_of(path, &name);
    if (d != NULL && disk_op(d, OP_LOOK) != DISK_SOUND)
        return SQLITE_IOERR_ACCESS;
    f = d == NULL ? NULL : tree_find(&d->tree, name);
    *out = f != NULL && (flags != SQLITE_ACCESS_EXISTS || f->now.size > 0);
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *path, int cap, char *out)
{
    (void)vfs;
    if (!disk_is_path(path))
        return os->xFullPathname(os, path, cap, out);
    if (strlen(path) >= (size_t)cap)
        return SQLITE_CANTOPEN;
    memcpy(out, path, strlen(path) + 1);
    return SQLITE_OK;
}

/* ---- time and chance ---- */

static int vfs_randomness(sqlite3_vfs *vfs, int len, char *out)
{
    uint64_t *dice = disk_now == NULL ? &nobodys_dice : &disk_now->dice;

    (void)vfs;
    for (int i = 0; i < len; i++)
        out[i] = (char)(uint8_t)dice_next(dice);
    return len;
}

static int vfs_sleep(sqlite3_vfs *vfs, int us)
{
    (void)vfs;
    return us; /* nobody else runs meanwhile */
}

static int vfs_time_ms(sqlite3_vfs *vfs, sqlite3_int64 *out)
{
    (void)vfs;
    *out = (sqlite3_int64)disk_wall_ms + JULIAN_1970_MS;
    return SQLITE_OK;
}

static int vfs_time_days(sqlite3_vfs *vfs, double *out)
{
    sqlite3_int64 ms = 0;
    int code = vfs_time_ms(vfs, &ms);

    *out = (double)ms / 86400000.0;
    return code;
}

void disk_turn(struct disk *d, uint64_t wall_ms)
{
    disk_now = d;
    disk_wall_ms = wall_ms;
    sqlite3_randomness(0, NULL); /* draws anew, from this disk's dice */
}

void disk_install(void)
{
    static sqlite3_vfs vfs;

    if (os != NULL)
        return;
    os = sqlite3_vfs_find(NULL);
    CHECK(os != NULL);
    vfs = *os; /* loading of extensions, and what else it knows */
    vfs.iVersion = 2;
    vfs.pNext = NULL;
    vfs.zName = "sim";
    if (vfs.szOsFile < (int)sizeof(struct handle))
        vfs.szOsFile = (int)sizeof(struct handle);
    vfs.xOpen = vfs_open;
    vfs.xDelete = vfs_delete;
    vfs.xAccess = vfs_access;
    vfs.xFullPathname = vfs_full_path;
    vfs.xRandomness = vfs_randomness;
    vfs.xSleep = vfs_sleep;
    vfs.xCurrentTime = vfs_time_days;
    vfs.xCurrentTimeInt64 = vfs_time_ms;
    CHECK(sqlite3_vfs_register(&vfs, 1) == SQLITE_OK);
}
