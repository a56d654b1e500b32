/* machine.h - the computers that the nodes run on: a disk each, and what SQLite
 * takes from its computer: the time and chance.
 *
 * A machine is a number.  Its record lies in machine_dir().  Everything that
 * touches a record runs between machine_enter() of its machine and the next. */
#ifndef COVEY_TESTS_SIM_MACHINE_H
#define COVEY_TESTS_SIM_MACHINE_H

#include "tests/sim/disk.h"

#define MACHINES_MAX 512u
#define MACHINE_COPIES 256u /* from this number on: copies kept for later */
#define MACHINE_DIR_MAX DISK_NAME_MAX + 8u

/* How a node ends that does not say goodbye. */
enum machine_end {
    MACHINE_KILL,  /* kill -9: what was written stays written */
    MACHINE_POWER, /* power loss: what was not synced may be lost */
};

/* New, empty machines, all chance on them from the seed. */
void machines_begin(uint64_t seed);
void machines_end(void);

/* Its disk; empty when it is first asked for. */
struct disk *machine_disk(size_t m);
/* The folder of a machine's record. */
const char *machine_dir(size_t m);
/* From here on SQLite's clock and chance are this machine's. */
void machine_enter(size_t m, uint64_t wall_ms);

/* From here on nothing reaches the disk; everything on it is then closed, and
 * machine_settle() makes of it what is found at the next start. */
void machine_halt(size_t m, enum machine_end how);
void machine_settle(size_t m);

/* Make a machine's disk, where nothing is open, a copy of another's as it is.
 */
void machine_copy(size_t from, size_t to);
/* Do these bytes stand anywhere on its disk? */
bool machine_holds(size_t m, const void *p, size_t len);
/* Bytes of its WAL. */
uint64_t machine_wal_bytes(size_t m);

#endif
