/* support_schools.h - schools that write, seal and merge: whole records, with
 * logs, without keys and wire. */
#ifndef COVEY_TESTS_SUPPORT_SCHOOLS_H
#define COVEY_TESTS_SUPPORT_SCHOOLS_H

#include "support_log.h"

#define SCHOOLS_MAX 3u
#define SCHOOLS_SETS_MAX 2048u

/* A change set on its way. */
struct sealed {
    size_t school; /* who sealed it */
    struct entry entry;
    uint8_t *payload;
    size_t part_count;
    struct covey_bytes *parts; /* msgpack, owned */
};

struct schools {
    size_t count;
    struct record records[SCHOOLS_MAX];
    struct writer writers[SCHOOLS_MAX];
    size_t sealed_count;
    struct sealed sealed[SCHOOLS_SETS_MAX];
    bool has[SCHOOLS_MAX][SCHOOLS_SETS_MAX];
    bool withhold;      /* do not give what a capture wants */
    size_t begun_count; /* what schools_rollback() goes back to */
    struct writer begun[SCHOOLS_MAX];
};

void schools_init(struct schools *s, size_t count);
void schools_clear(struct schools *s);
/* One transaction at each school from here on, until schools_rollback(): then
 * all is as it was, and what was sealed since is forgotten. */
void schools_begin(struct schools *s);
void schools_rollback(struct schools *s);
/* The id of a row of the member of school i, in hex; static. */
const char *schools_row(const struct schools *s, size_t i, uint8_t number);

/* One statement, in a transaction of its own where none is open.  false: it
 * was refused. */
bool schools_write(struct schools *s, size_t i, const char *sql);
/* Seal all that school i has written; each part must count for others.  Returns
 * how many change sets that made. */
size_t schools_seal(struct schools *s, size_t i);
/* School i seals, and takes in the next change set that it lacks and whose
 * cites it has, of any other, the `skip`th that it could.  false: none. */
bool schools_take(struct schools *s, size_t i, size_t skip);
/* Everybody seals and takes in everything. */
void schools_meet(struct schools *s);
/* All have the same rows, siblings, values kept aside, digest; nothing waits.
 */
void schools_agree(struct schools *s);

/* The last change set that was sealed, and one of its parts, read. */
const struct sealed *schools_last(const struct schools *s);
struct row_part schools_part(const struct sealed *set, size_t i);
/* "1=true 2='text' 7=nil" and what each replaces: "1='b'<1" replaces one. */
const char *schools_cells(const struct row_part *part);

#endif
