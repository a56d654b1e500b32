#include "tests/sim/machine.h"

#include <stdio.h>
#include <string.h>

#include "store/store.h"
#include "tests/sim/dice.h"

static uint64_t world_seed;
static struct dice losses; /* what a power loss takes */
static struct disk *machines[MACHINES_MAX];

void machines_begin(uint64_t seed)
{
    static bool installed;

    if (!installed)
        disk_install();
    installed = true;
    world_seed = seed;
    losses = dice_of(seed, "losses", 0);
}

void machines_end(void)
{
    disk_turn(NULL, 0);
    for (size_t m = 0; m < MACHINES_MAX; m++) {
        disk_free(machines[m]);
        machines[m] = NULL;
    }
}

struct disk *machine_disk(size_t m)
{
    char name[DISK_NAME_MAX];

    CHECK(m < MACHINES_MAX);
    if (machines[m] == NULL) {
        struct dice d = dice_of(world_seed, "disk", m);

        snprintf(name, sizeof name, "m%zu", m);
        machines[m] = disk_new(name, dice_roll(&d));
    }
    return machines[m];
}

const char *machine_dir(size_t m)
{
    return disk_dir(machine_disk(m));
}

void machine_enter(size_t m, uint64_t wall_ms)
{
    disk_turn(machine_disk(m), wall_ms);
}

void machine_halt(size_t m, enum machine_end how)
{
    static const enum disk_loss kinds[] = {DISK_NOTHING, DISK_SOME, DISK_TORN};

    disk_cut(machine_disk(m),
             how == MACHINE_KILL ? DISK_KEEP : kinds[dice_below(&losses, 3)]);
}

void machine_settle(size_t m)
{
    disk_start(machine_disk(m));
}

void machine_copy(size_t from, size_t to)
{
    disk_leave(machine_disk(from), DISK_KEEP, machine_disk(to));
}

bool machine_holds(size_t m, const void *p, size_t len)
{
    return disk_holds(machine_disk(m), p, len);
}

uint64_t machine_wal_bytes(size_t m)
{
    return disk_file_bytes(machine_disk(m), STORE_FILE "-wal");
}
