/* peek.h - look into a record on a simulated disk, past the node. */
#ifndef COVEY_TESTS_FAULT_PEEK_H
#define COVEY_TESTS_FAULT_PEEK_H

#include "proto/base.h"
#include "tests/sim/disk.h"

struct sqlite3;

/* A change set as everybody knows it. */
struct peek_header {
    uint8_t hash[32]; /* first: sorted by it */
    uint8_t author[32];
    uint8_t incarnation[8];
    int64_t number;
};

struct peek_headers { /* zero-filled is an empty list; free(items) */
    struct peek_header *items;
    size_t count, cap;
};

/* A connection of another program's; it leaves no trace when closed.  It gives
 * nothing where there is no record. */
struct sqlite3 *peek_open(const struct disk *d);
void peek_close(struct sqlite3 *db);

/* Run statements; false: refused. */
bool peek_run(struct sqlite3 *db, const char *sql);
/* All that a statement gives, "a|b" a row, rows apart by ";".  Static; the
 * trouble in words where there is any. */
const char *peek_text(struct sqlite3 *db, const char *sql);
/* The one number that it gives; -1: none. */
int64_t peek_number(struct sqlite3 *db, const char *sql);
/* Append the change sets with a seq over *after of one author (NULL: of all),
 * and move *after on. */
void peek_headers(struct sqlite3 *db, const struct sign_key *author,
                  int64_t *after, struct peek_headers *out);
void peek_sort(struct peek_headers *list);
bool peek_has(const struct peek_headers *sorted, const struct peek_header *h);

/* Is this record's file whole?  NULL, or what is wrong (static). */
const char *peek_damage(struct sqlite3 *db);
/* Is no log forked, and each digest what its rows add up to, where nothing
 * waits to be sealed?  No node may be running there.  As above. */
const char *peek_trouble(const struct disk *d);

/* Make it what a version would have that did not know two columns.  As above.
 */
void peek_make_old(const struct disk *d);

#endif
