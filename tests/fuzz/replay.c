/* Runs a fuzz target over files and folders of files, one after the other, so
 * that a corpus can be replayed under any compiler, sanitizer or Valgrind.
 *
 * usage: replay_NAME PATH...     prints "N inputs" at the end */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

static size_t inputs;

static void die(const char *path)
{
    perror(path);
    exit(2);
}

static void replay_file(const char *path)
{
    struct stat st;
    FILE *file = fopen(path, "rb");

    if (file == NULL || fstat(fileno(file), &st) != 0)
        die(path);

    /* Of its own size, so that reading past either end is seen. */
    size_t size = (size_t)st.st_size;
    uint8_t *bytes = malloc(size > 0 ? size : 1);

    if (bytes == NULL || fread(bytes, 1, size, file) != size)
        die(path);
    fclose(file);
    (void)LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
    inputs++;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* In the order of the names, so that every run is the same. */
static void replay_dir(const char *path)
{
    struct dirent **list;
    int count = scandir(path, &list, is_visible, alphasort);

    if (count < 0)
        die(path);
    for (int i = 0; i < count; i++) {
        size_t size = strlen(path) + strlen(list[i]->d_name) + 2;
        char *inner = malloc(size);

        if (inner == NULL)
            abort();
        snprintf(inner, size, "%s/%s", path, list[i]->d_name);
        replay_file(inner);
        free(inner);
        free(list[i]);
    }
    free(list);
}

static void replay(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0)
        die(path);
    if (S_ISDIR(st.st_mode))
        replay_dir(path);
    else
        replay_file(path);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s FILE_OR_FOLDER...\n", argv[0]);
        return 2;
    }
    (void)LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++)
        replay(argv[i]);
    dprintf(2, "%zu inputs\n", inputs);
    return 0;
}
