/* sql.h - every statement that the store runs, prepared once, used by one
 * caller each.
 *
 * The texts stand in one table a noun (sql_schema.h, sql_space.h,
 * sql_contact.h, sql_log.h, sql_cell.h, sql_capture.h), each an X-macro of (ID,
 * "text").  A caller begins, binds, steps, reads columns in the order written,
 * and ends. */
#ifndef COVEY_STORE_SQL_H
#define COVEY_STORE_SQL_H

#include <sqlite3.h>

#include "proto/base.h"
#include "store/sql_capture.h"
#include "store/sql_cell.h"
#include "store/sql_contact.h"
#include "store/sql_log.h"
#include "store/sql_query.h"
#include "store/sql_schema.h"
#include "store/sql_space.h"

#define SQL_TABLE(X)                                                           \
    X(BEGIN, "BEGIN IMMEDIATE")                                                \
    X(COMMIT, "COMMIT")                                                        \
    X(ROLLBACK, "ROLLBACK")                                                    \
    X(MARK, "SAVEPOINT api")                                                   \
    X(RELEASE, "RELEASE api")                                                  \
    X(REVERT, "ROLLBACK TO api")                                               \
    X(DATA_VERSION, "PRAGMA data_version")                                     \
    SQL_SCHEMA(X)                                                              \
    SQL_QUERY(X)                                                               \
    SQL_SPACE(X)                                                               \
    SQL_CONTACT(X)                                                             \
    SQL_LOG(X)                                                                 \
    SQL_CELL(X)                                                                \
    SQL_CAPTURE(X)

enum sql_id {
#define X(id, text) SQL_##id,
    SQL_TABLE(X)
#undef X
        SQL_COUNT
};

struct store;

extern const char *const sql_text[SQL_COUNT]; /* for tests */

/* The prepared statement, ready to bind; NULL when it cannot be prepared. */
sqlite3_stmt *sql_begin(struct store *st, enum sql_id id);
/* Reset and clear; NULL allowed. */
void sql_end(sqlite3_stmt *stmt);
/* Step a statement that returns no row, then end it. */
COVEY_MUST_USE enum covey_rc sql_run(struct store *st, sqlite3_stmt *stmt);
/* Step one that returns rows: COVEY_OK with a row, COVEY_ENONE at the end (not
 * ended yet: call sql_end()). */
COVEY_MUST_USE enum covey_rc sql_row(struct store *st, sqlite3_stmt *stmt);
/* SQLite's code as one of ours. */
enum covey_rc sql_rc(int sqlite_code);
/* What went wrong, in words for people; borrowed, until the next call on db. */
const char *sql_words(sqlite3 *db, int sqlite_code);

/* All of these do nothing on NULL: what could not be prepared fails when it is
 * run.  p and text are not copied: they live until the statement ends.  A text
 * of NULL is SQL's NULL, and so is what was not bound. */
void sql_bind_blob(sqlite3_stmt *stmt, int at, const void *p, size_t len);
void sql_bind_text(sqlite3_stmt *stmt, int at, const char *text);
void sql_bind_int(sqlite3_stmt *stmt, int at, int64_t value);
/* Copy a blob column of exactly len bytes; COVEY_ECORRUPT if it is not. */
COVEY_MUST_USE enum covey_rc sql_column_fixed(sqlite3_stmt *stmt, int at,
                                              void *out, size_t len);
struct covey_bytes sql_column_bytes(sqlite3_stmt *stmt, int at);
/* Copy a text column into room of `size` bytes, cut to fit; NULL is "". */
void sql_column_text(sqlite3_stmt *stmt, int at, char *out, size_t size);

#endif
