/* disk_internal.h - what the files of the simulated disk know of each other. */
#ifndef COVEY_TESTS_SIM_DISK_INTERNAL_H
#define COVEY_TESTS_SIM_DISK_INTERNAL_H

#include <sqlite3.h>

#include "tests/sim/disk.h"

/* ---- disk_file.c: bytes, and which of them are safe ---- */

/* Memory for disks, which is always there: by a call that tests/fault/memory.h
 * does not have fail. */
void *disk_alloc(void *old, size_t count, size_t size);

struct page;

/* A file's bytes; pages are shared until one side writes. */
struct content {
    struct page **pages; /* NULL: zeros */
    size_t count;
    uint64_t size;
};

/* Done and not synced: a write, or a cut to `at` bytes. */
struct change {
    uint64_t at;
    size_t len;
    uint8_t *bytes; /* NULL: cut */
};

struct inode {
    size_t refs;
    struct content now, synced;
    struct change *changes;
    size_t change_count, change_cap;
    bool sick;            /* a sync failed: now may hold what is lost */
    struct handle *first; /* SQLite's open handles, for their locks */
    struct shm *shm;
};

struct inode *inode_new(void);
void inode_ref(struct inode *f);
void inode_unref(struct inode *f); /* NULL allowed */
size_t inode_read(const struct inode *f, void *p, size_t len, uint64_t at);
void inode_write(struct inode *f, const void *p, size_t len, uint64_t at);
void inode_cut(struct inode *f, uint64_t size);
void inode_sync(struct inode *f);
void inode_sync_failed(struct inode *f);
/* What a power loss leaves of it; `kept_in_16` is the chance of a change. */
struct inode *inode_left(const struct inode *f, enum disk_loss loss,
                         uint64_t *dice, unsigned kept_in_16);

/* ---- disk.c: names, power, faults ---- */

struct name {
    char text[DISK_NAME_MAX];
    struct inode *inode;
};

struct folder {
    struct name names[DISK_FILES_MAX];
    size_t count;
};

/* A name given (inode) and a name taken away, in one go; either may be "". */
struct naming {
    char given[DISK_NAME_MAX];
    struct inode *inode;
    char taken[DISK_NAME_MAX];
};

struct tree {
    struct folder now, synced;
    struct naming *namings; /* done and not synced */
    size_t naming_count;
};

/* Kinds of operation: what can strike them, and do they change anything. */
enum disk_op {
    OP_LOOK,
    OP_READ,
    OP_WRITE,
    OP_CUT,
    OP_SYNC,
    OP_CREATE,
    OP_NAME,
    OP_SHM,
    OP_COUNT
};

struct disk {
    struct disk *next;
    char dir[DISK_NAME_MAX + 5];
    uint64_t dice;
    struct tree tree;
    struct tree left; /* what disk_start() finds, when cut */
    bool cut;
    bool lone_names; /* disk_lone_names() */
    size_t open;     /* handles and descriptors */
    uint64_t ops, changes;
    uint64_t cut_at; /* when changes reaches it; 0: never */
    enum disk_loss cut_loss;
    enum disk_fault fault;
    uint64_t until_fault; /* operations; 1: the next */
    uint64_t spared, struck;
    enum disk_op struck_op;
    void (*watch)(void *ctx);
    void *watch_ctx;
};

/* Count an operation that begins now; the fault that it meets. */
enum disk_fault disk_op(struct disk *d, enum disk_op op);
uint64_t dice_next(uint64_t *dice);

/* The disk of a path, and where in the path the file's name begins ("" for the
 * directory itself); NULL: it is not under /sim/. */
struct disk *disk_of(const char *path, const char **name);
bool disk_is_path(const char *path);
struct inode *tree_find(const struct tree *t, const char *name);
/* A new, empty file, not synced; NULL: the folder is full. */
struct inode *tree_create(struct tree *t, const char *name);
/* false: there is no such file. */
bool tree_rename(struct tree *t, const char *from, const char *to);
bool tree_unlink(struct tree *t, const char *name);
void tree_sync(struct tree *t);
/* Only what this file is called. */
void tree_sync_names_of(struct tree *t, const struct inode *inode);

/* ---- disk_vfs.c ---- */

extern uint64_t disk_wall_ms;
extern struct disk *disk_now; /* whose turn it is */

#endif
