/* disk.c - disks: their names, their power and their faults. */
#include "tests/sim/disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/disk_internal.h"

#define ROOT "/sim/"

static struct disk *disks;

/* SplitMix64. */
uint64_t dice_next(uint64_t *dice)
{
    uint64_t z = *dice += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* ---- names ---- */

static struct name *folder_find(struct folder *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++) {
        if (strcmp(f->names[i].text, name) == 0)
            return &f->names[i];
    }
    return NULL;
}

static void folder_drop(struct folder *f, const char *name)
{
    struct name *n = folder_find(f, name);

    if (n == NULL)
        return;
    inode_unref(n->inode);
    *n = f->names[--f->count];
}

static void folder_put(struct folder *f, const char *name, struct inode *inode)
{
    inode_ref(inode);
    folder_drop(f, name);
    CHECK(f->count < DISK_FILES_MAX);
    snprintf(f->names[f->count].text, DISK_NAME_MAX, "%s", name);
    f->names[f->count++].inode = inode;
}

static void folder_clear(struct folder *f)
{
    while (f->count > 0)
        folder_drop(f, f->names[0].text);
}

static void folder_apply(struct folder *f, const struct naming *n)
{
    struct name *taken = folder_find(f, n->taken);

    /* Not where the name was another file's in the meantime. */
    if (taken != NULL && (n->inode == NULL || taken->inode == n->inode))
        folder_drop(f, n->taken);
    if (n->given[0] != '\0')
        folder_put(f, n->given, n->inode);
}

static void forget_namings(struct tree *t)
{
    for (size_t i = 0; i < t->naming_count; i++)
        inode_unref(t->namings[i].inode);
    free(t->namings);
    t->namings = NULL;
    t->naming_count = 0;
}

static void tree_clear(struct tree *t)
{
    folder_clear(&t->now);
    folder_clear(&t->synced);
    forget_namings(t);
}

static void name_it(struct tree *t, const char *given, struct inode *inode,
                    const char *taken)
{
    struct naming *n;

    t->namings = disk_alloc(t->namings, t->naming_count + 1, sizeof *n);
    n = &t->namings[t->naming_count++];
    memset(n, 0, sizeof *n);
    snprintf(n->given, sizeof n->given, "%s", given);
    snprintf(n->taken, sizeof n->taken, "%s", taken);
    n->inode = inode;
    if (inode != NULL)
        inode_ref(inode);
    folder_apply(&t->now, n);
}

struct inode *tree_find(const struct tree *t, const char *name)
{
    for (size_t i = 0; i < t->now.count; i++) {
        if (strcmp(t->now.names[i].text, name) == 0)
            return t->now.names[i].inode;
    }
    return NULL;
}

struct inode *tree_create(struct tree *t, const char *name)
{
    struct inode *inode;

    if (t->now.count == DISK_FILES_MAX || strlen(name) >= DISK_NAME_MAX)
        return NULL;
    inode = inode_new();
    name_it(t, name, inode, "");
    inode_unref(inode); /* the folder's now */
    return inode;
}

bool tree_rename(struct tree *t, const char *from, const char *to)
{
    struct inode *inode = tree_find(t, from);

    if (inode != NULL)
        name_it(t, to, inode, from);
    return inode != NULL;
}

bool tree_unlink(struct tree *t, const char *name)
{
    bool found = tree_find(t, name) != NULL;

    if (found)
        name_it(t, "", NULL, name);
    return found;
}

void tree_sync(struct tree *t)
{
    for (size_t i = 0; i < t->naming_count; i++)
        folder_apply(&t->synced, &t->namings[i]);
    forget_namings(t);
}

void tree_sync_names_of(struct tree *t, const struct inode *inode)
{
    size_t kept = 0;

    for (size_t i = 0; i < t->naming_count; i++) {
        struct naming *n = &t->namings[i];

        if (n->inode != inode) {
            t->namings[kept++] = *n;
            continue;
        }
        folder_apply(&t->synced, n);
        inode_unref(n->inode);
    }
    t->naming_count = kept;
}

/* ---- disks ---- */

struct disk *disk_new(const char *name, uint64_t seed)
{
    struct disk *d = disk_alloc(NULL, 1, sizeof *d);

    memset(d, 0, sizeof *d);
    CHECK(strlen(name) > 0 && strlen(name) < DISK_NAME_MAX);
    snprintf(d->dir, sizeof d->dir, ROOT "%s", name);
    d->dice = seed;
    d->next = disks;
    disks = d;
    return d;
}

void disk_free(struct disk *d)
{
    struct disk **at = &disks;

    if (d == NULL)
        return;
    CHECK(d->open == 0);
    while (*at != d)
        at = &(*at)->next;
    *at = d->next;
    if (disk_now == d)
        disk_now = NULL;
    tree_clear(&d->tree);
    tree_clear(&d->left);
    free(d);
}

void disk_lone_names(struct disk *d)
{
    d->lone_names = true;
}

const char *disk_dir(const struct disk *d)
{
    return d->dir;
}

bool disk_is_path(const char *path)
{
    return path != NULL && strncmp(path, ROOT, strlen(ROOT)) == 0;
}

struct disk *disk_of(const char *path, const char **name)
{
    for (struct disk *d = disks; d != NULL; d = d->next) {
        size_t len = strlen(d->dir);

        if (strncmp(path, d->dir, len) != 0 ||
            (path[len] != '/' && path[len] != '\0'))
            continue;
        *name = path[len] == '/' ? path + len + 1 : path + len;
        return d;
    }
    return NULL;
}

/* ---- power ---- */

/* A file that has several names, or a past one, is one file still. */
struct twins {
    const struct inode *old[4 * DISK_FILES_MAX];
    struct inode *left[4 * DISK_FILES_MAX];
    size_t count;
    enum disk_loss loss;
    unsigned kept_in_16;
    uint64_t *dice;
};

static struct inode *twin_of(struct twins *t, struct inode *f)
{
    if (f == NULL)
        return NULL;
    for (size_t i = 0; i < t->count; i++) {
        if (t->old[i] == f)
            return t->left[i];
    }
    CHECK(t->count < 4 * DISK_FILES_MAX);
    t->old[t->count] = f;
    t->left[t->count] = inode_left(f, t->loss, t->dice, t->kept_in_16);
    return t->left[t->count++];
}

static void folder_twin(struct twins *t, const struct folder *from,
                        struct folder *to)
{
    for (size_t i = 0; i < from->count; i++)
        folder_put(to, from->names[i].text, twin_of(t, from->names[i].inode));
}

static void namings_left(struct twins *t, const struct tree *from,
                         struct tree *to)
{
    for (size_t i = 0; i < from->naming_count; i++) {
        struct naming n = from->namings[i];
        bool kept = dice_next(t->dice) % 16 < t->kept_in_16;

        if (t->loss != DISK_KEEP && (t->loss == DISK_NOTHING || !kept))
            continue;
        n.inode = twin_of(t, n.inode);
        if (t->loss == DISK_KEEP)
            name_it(to, n.given, n.inode, n.taken);
        else
            folder_apply(&to->synced, &n);
    }
}

static void tree_left(const struct tree *from, enum disk_loss loss,
                      uint64_t *dice, struct tree *to)
{
    struct twins t = {.loss = loss, .dice = dice};

    t.kept_in_16 = (unsigned)(dice_next(dice) % 17);
    tree_clear(to);
    folder_twin(&t, &from->synced, &to->synced);
    if (loss == DISK_KEEP)
        folder_twin(&t, &from->synced, &to->now);
    namings_left(&t, from, to);
    if (loss != DISK_KEEP)
        for (size_t i = 0; i < to->synced.count; i++)
            folder_put(&to->now, to->synced.names[i].text,
                       to->synced.names[i].inode);
    for (size_t i = 0; i < t.count; i++)
        inode_unref(t.left[i]); /* the folders hold them */
}

void disk_cut(struct disk *d, enum disk_loss loss)
{
    CHECK(!d->cut);
    tree_left(&d->tree, loss, &d->dice, &d->left);
    d->cut = true;
    d->cut_at = 0;
}

void disk_cut_at(struct disk *d, enum disk_loss loss, uint64_t nth)
{
    CHECK(nth > 0);
    d->cut_at = d->changes + nth;
    d->cut_loss = loss;
}

bool disk_is_cut(const struct disk *d)
{
    return d->cut;
}

void disk_start(struct disk *d)
{
    CHECK(d->cut && d->open == 0);
    tree_clear(&d->tree);
    d->tree = d->left;
    memset(&d->left, 0, sizeof d->left);
    d->cut = false;
    disk_mend(d);
}

void disk_leave(struct disk *from, enum disk_loss loss, struct disk *to)
{
    CHECK(from != to && to->open == 0 && !to->cut);
    tree_left(from->cut ? &from->left : &from->tree, loss, &from->dice,
              &to->tree);
}

/* ---- faults ---- */

static const struct {
    bool full;  /* needs room */
    bool cut;   /* can end short */
    bool write; /* changes what a power loss leaves */
} kinds[OP_COUNT] = {
    [OP_LOOK] = {false, false, false}, [OP_READ] = {false, true, false},
    [OP_WRITE] = {true, true, true},   [OP_CUT] = {false, false, true},
    [OP_SYNC] = {false, false, true},  [OP_CREATE] = {true, false, true},
    [OP_NAME] = {false, false, true},  [OP_SHM] = {true, false, false},
};

static bool can_strike(enum disk_fault fault, enum disk_op op)
{
    switch (fault) {
    case DISK_SOUND:
        return false;
    case DISK_EIO:
        return true;
    case DISK_FULL:
        return kinds[op].full;
    case DISK_SHORT:
        return kinds[op].cut;
    }
    return false;
}

static void before_change(struct disk *d)
{
    d->changes++;
    if (d->watch != NULL)
        d->watch(d->watch_ctx);
    if (d->changes == d->cut_at)
        disk_cut(d, d->cut_loss);
}

enum disk_fault disk_op(struct disk *d, enum disk_op op)
{
    enum disk_fault fault = d->fault;

    d->ops++;
    if (kinds[op].write && !d->cut)
        before_change(d);
    if (!can_strike(fault, op))
        return DISK_SOUND;
    if (--d->until_fault > 0) {
        d->spared++;
        return DISK_SOUND;
    }
    d->struck++;
    d->struck_op = op;
    if (fault == DISK_FULL)
        d->until_fault = 1;
    else
        d->fault = DISK_SOUND;
    return fault;
}

void disk_fail(struct disk *d, enum disk_fault fault, uint64_t nth)
{
    CHECK(nth > 0);
    d->fault = fault;
    d->until_fault = nth;
    d->spared = d->struck = 0;
}

void disk_mend(struct disk *d)
{
    d->fault = DISK_SOUND;
}

uint64_t disk_struck(const struct disk *d)
{
    return d->struck;
}

uint64_t disk_spared(const struct disk *d)
{
    return d->spared;
}

const char *disk_struck_what(const struct disk *d)
{
    static const char *const names[OP_COUNT] = {
        [OP_LOOK] = "look", [OP_READ] = "read",     [OP_WRITE] = "write",
        [OP_CUT] = "cut",   [OP_SYNC] = "sync",     [OP_CREATE] = "create",
        [OP_NAME] = "name", [OP_SHM] = "map memory"};

    return d->struck == 0 ? "nothing" : names[d->struck_op];
}

/* ---- looking ---- */

uint64_t disk_ops(const struct disk *d)
{
    return d->ops;
}

uint64_t disk_changes(const struct disk *d)
{
    return d->changes;
}

void disk_watch(struct disk *d, void (*fn)(void *ctx), void *ctx)
{
    d->watch = fn;
    d->watch_ctx = ctx;
}

static bool inode_holds(const struct inode *f, const void *p, size_t len)
{
    size_t size = (size_t)f->now.size;
    uint8_t *all = disk_alloc(NULL, size + 1, 1);
    bool found;

    found = memmem(all, inode_read(f, all, size, 0), p, len) != NULL;
    free(all);
    return found;
}

bool disk_holds(const struct disk *d, const void *p, size_t len)
{
    const struct tree *t = d->cut ? &d->left : &d->tree;

    for (size_t i = 0; i < t->now.count; i++) {
        if (inode_holds(t->now.names[i].inode, p, len))
            return true;
    }
    return false;
}

uint64_t disk_file_bytes(const struct disk *d, const char *name)
{
    const struct inode *f = tree_find(d->cut ? &d->left : &d->tree, name);

    return f == NULL ? 0 : f->now.size;
}

bool disk_rot(struct disk *d, const char *name, uint64_t at_bit)
{
    struct inode *f = tree_find(&d->tree, name);
    uint8_t byte;

    if (f == NULL || inode_read(f, &byte, 1, at_bit / 8) != 1)
        return false;
    byte = (uint8_t)(byte ^ (1u << (at_bit % 8)));
    inode_write(f, &byte, 1, at_bit / 8);
    return true;
}
