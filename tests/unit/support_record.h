/* support_record.h - a school's record in a folder of its own, for tests. */
#ifndef COVEY_TESTS_SUPPORT_RECORD_H
#define COVEY_TESTS_SUPPORT_RECORD_H

#include "proto/changeset.h"
#include "store/capture.h"
#include "store/merge.h"
#include "store/store.h"

/* What one change set holds of rows, as it travels. */
#define RECORD_PARTS_MAX 64u

struct record {
    char dir[64];
    struct store *st;
    struct space_id space;
    int64_t n;      /* its local number */
    uint8_t member; /* every byte of the member's id */
};

/* A new record of the member whose id is `member` 32 times, with one space, in
 * which it is a school. */
void record_init(struct record *r, uint8_t member);
void record_clear(struct record *r);
/* Close it and open it again. */
void record_reopen(struct record *r);
/* One more space; returns its local number. */
int64_t record_space(struct record *r, uint8_t id);

/* Run one statement, in a transaction of its own where none is open.  The first
 * column of each row is appended to a text that lives until the next call. */
const char *record_sql(struct record *r, const char *sql);
/* The same, but a statement that is refused, with these words in the reason. */
void record_refuses(struct record *r, const char *sql, const char *words);
void record_begin(struct record *r);
void record_commit(struct record *r);

/* A row's id: `member` as its tag, `number` at its end. */
struct row_id record_row(uint8_t member, uint8_t number);
/* The name and key that stand for a number. */
struct stamp_name record_name(uint64_t number);
struct sign_key record_author(uint8_t number);

/* All that people and digests see of the space: rows, siblings by author's key,
 * number of rows, digest.  Lives until the next call on any record. */
const char *record_state(struct record *r);
/* The same of one space only, and without the digest. */
const char *record_rows(struct record *r, int64_t n);
/* The running digest is the digest computed anew. */
void record_check(struct record *r);

#endif
