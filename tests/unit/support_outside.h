/* support_outside.h - another program: Debian's sqlite3 shell on a record. */
#ifndef COVEY_TESTS_SUPPORT_OUTSIDE_H
#define COVEY_TESTS_SUPPORT_OUTSIDE_H

/* What the shell prints for these statements, trouble included and a line end
 * at the end left out.  Lives until the next call. */
const char *outside_sql(const char *dir, const char *sql);

#endif
