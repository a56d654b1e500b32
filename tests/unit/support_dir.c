/* support_dir.c - see support_dir.h. */
#include "support_dir.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/base.h"

void dir_make(char *dir, size_t size)
{
    const char *memory = "/dev/shm";
    int len = snprintf(dir, size, "%s/covey-unit-XXXXXX",
                       access(memory, W_OK) == 0 ? memory : "/tmp");

    CHECK(len > 0 && (size_t)len < size);
    CHECK(mkdtemp(dir) != NULL);
}

static int remove_one(const char *path, const struct stat *info, int kind,
                      struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    return remove(path);
}

void dir_remove(const char *dir)
{
    CHECK(nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
}
