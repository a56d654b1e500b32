/* support_dir.h - folders for records under test. */
#ifndef COVEY_TESTS_SUPPORT_DIR_H
#define COVEY_TESTS_SUPPORT_DIR_H

#include <stddef.h>

/* Make a folder and write its path to dir.  In memory, where the machine has
 * such a place: what is tested is not the disk, which others wait for too. */
void dir_make(char *dir, size_t size);
void dir_remove(const char *dir);

#endif
