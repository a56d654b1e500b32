/* disk.h - disks in memory, for SQLite and for the record's own calls.
 *
 * disk_install() makes SQLite's default VFS one that keeps whatever lies under
 * /sim/NAME/ on the disk NAME; all other paths stay where they are.  The calls
 * that store/ makes itself (open, stat, rename ...) come here too, where the
 * program is linked with the --wrap options that the Makefile lists.
 *
 * A disk remembers what was synced.  A file's bytes are safe once the file is
 * synced, its name once the directory is: a file that is new, renamed or
 * removed may be found otherwise after a power loss until then.  A sync that
 * failed saves nothing, and a later one does not make up for it.
 *
 * One process, one thread.  Connections to one file see each other's locks and
 * WAL index as different programs would. */
#ifndef COVEY_TESTS_SIM_DISK_H
#define COVEY_TESTS_SIM_DISK_H

#include "proto/base.h"

#define DISK_SECTOR 512u
#define DISK_NAME_MAX 64u  /* of a disk or of a file, the NUL included */
#define DISK_FILES_MAX 16u /* on one disk; more is a full one */

struct disk;

/* Become SQLite's default VFS; once, before any connection. */
void disk_install(void);

/* A new, empty disk; all its chance comes from the seed. */
struct disk *disk_new(const char *name, uint64_t seed);
/* Everything on it must be closed.  NULL allowed. */
void disk_free(struct disk *d);
const char *disk_dir(const struct disk *d); /* "/sim/NAME" */

/* From here on SQLite does not sync the directory with a new journal or WAL, as
 * where it is built without that: the new file's own name is safe, others' are
 * not. */
void disk_lone_names(struct disk *d);

/* From here on SQLite's clock is this one, and its chance the disk's own.
 * NULL: no disk's in particular. */
void disk_turn(struct disk *d, uint64_t wall_ms);

/* ---- power ---- */

/* What becomes of that which was not synced. */
enum disk_loss {
    DISK_KEEP,    /* nothing is lost: a program was killed, not the machine */
    DISK_NOTHING, /* none of it is kept */
    DISK_SOME,    /* of the writes and names a random part is kept */
    DISK_TORN, /* as DISK_SOME, and of a write a random part of its sectors */
};

/* The power fails now.  What is open goes on in a world of its own that nobody
 * will see: close it all, then disk_start() gives what was left. */
void disk_cut(struct disk *d, enum disk_loss loss);
/* The same before the nth change (disk_changes()) from now; 1 is the next. */
void disk_cut_at(struct disk *d, enum disk_loss loss, uint64_t nth);
bool disk_is_cut(const struct disk *d);
void disk_start(struct disk *d);

/* Make the disk `to`, where nothing may be open, what would be left of `from`
 * if its power failed now.  With DISK_KEEP: a copy of its files, synced or not
 * as they are. */
void disk_leave(struct disk *from, enum disk_loss loss, struct disk *to);

/* ---- faults ---- */

enum disk_fault {
    DISK_SOUND,
    DISK_EIO,   /* the operation fails; half of a write may be done */
    DISK_FULL,  /* no room, from then on until disk_mend() */
    DISK_SHORT, /* a read finds the file ended, a write ends half way */
};

/* The nth operation from now, of those that can fail like this, does. */
void disk_fail(struct disk *d, enum disk_fault fault, uint64_t nth);
/* No fault any more, or room again. */
void disk_mend(struct disk *d);
/* How many operations failed since disk_fail(). */
uint64_t disk_struck(const struct disk *d);
/* How many that could have failed did not, before the first that did. */
uint64_t disk_spared(const struct disk *d);
/* What the last was: "look", "read", "write", "cut", "sync", "create", "name",
 * "map memory"; "nothing". */
const char *disk_struck_what(const struct disk *d);

/* ---- looking ---- */

/* Operations so far, and those of them that change what a power loss leaves:
 * writes, syncs, new names. */
uint64_t disk_ops(const struct disk *d);
uint64_t disk_changes(const struct disk *d);
/* Called before each such change, when not NULL; may call disk_leave(). */
void disk_watch(struct disk *d, void (*fn)(void *ctx), void *ctx);
/* Do these bytes stand anywhere in its files, as they are now? */
bool disk_holds(const struct disk *d, const void *p, size_t len);
/* Bytes of a file; 0 where there is none. */
uint64_t disk_file_bytes(const struct disk *d, const char *name);
/* Turn a bit of a file over, behind everybody's back.  false: no such byte. */
bool disk_rot(struct disk *d, const char *name, uint64_t at_bit);

#endif
