/* connect.c - how a connection to the record is opened: with every door shut
 * that SQLite leaves open by default. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/internal.h"

#define CACHE_KIB "-16000" /* grows only as it is used */

/* What a checkpoint may leave of the WAL, in bytes: STORE_CHECKPOINT_PAGES. */
#define WAL_KEPT "2097152"

static void *heap_alloc(void *ctx, size_t size_bytes)
{
    (void)ctx;
    return malloc(size_bytes);
}

static void heap_free(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

const struct covey_mem store_heap = {NULL, heap_alloc, heap_free};

/* An extended code says more than its first byte. */
static enum covey_rc rc_of_io(int code)
{
    if (code == SQLITE_IOERR_NOMEM)
        return COVEY_ENOMEM;
    /* The shared-memory file could not grow: a full disk, not a broken one. */
    return code == SQLITE_IOERR_SHMSIZE ? COVEY_EFULL : COVEY_EIO;
}

static const struct {
    int code;
    enum covey_rc rc;
} codes[] = {
    {SQLITE_OK, COVEY_OK},
    {SQLITE_ROW, COVEY_OK},
    {SQLITE_DONE, COVEY_OK},
    {SQLITE_NOMEM, COVEY_ENOMEM},
    {SQLITE_BUSY, COVEY_EBUSY},
    {SQLITE_LOCKED, COVEY_EBUSY},
    {SQLITE_PROTOCOL, COVEY_EBUSY},
    {SQLITE_FULL, COVEY_EFULL},
    {SQLITE_CORRUPT, COVEY_ECORRUPT},
    {SQLITE_NOTADB, COVEY_ECORRUPT},
    {SQLITE_TOOBIG, COVEY_ELIMIT},
    {SQLITE_INTERRUPT, COVEY_ETIMEOUT},
};

enum covey_rc sql_rc(int sqlite_code)
{
    int primary = sqlite_code & 0xff;

    /* The statement or the value bound to it is our mistake. */
    CHECK(primary != SQLITE_MISUSE && primary != SQLITE_RANGE);
    if (primary == SQLITE_IOERR)
        return rc_of_io(sqlite_code);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i].code == primary)
            return codes[i].rc;
    }
    return COVEY_EREFUSED;
}

const char *sql_words(sqlite3 *db, int sqlite_code)
{
    if (sql_rc(sqlite_code) == COVEY_EFULL)
        return "the disk that holds the record is full, and nothing was "
               "written: make room there (10 MB will do) and try again";
    return sqlite3_errmsg(db);
}

/* SQLite has one code for whatever keeps it from opening a file. */
static bool lacks_descriptor(sqlite3 *db, int code)
{
    int error = sqlite3_system_errno(db);

    return (code & 0xff) == SQLITE_CANTOPEN &&
           (error == EMFILE || error == ENFILE);
}

enum covey_rc connect_failed(sqlite3 *db, int code, struct covey_why *why)
{
    if (lacks_descriptor(db, code))
        return why_say(why, COVEY_EBUSY,
                       "too many files and connections are open: try again");
    return why_say(why, sql_rc(code), "%s", sql_words(db, code));
}

enum covey_rc connect_run(sqlite3 *db, const char *sql, struct covey_why *why)
{
    int code = sqlite3_exec(db, sql, NULL, NULL, NULL);

    return code == SQLITE_OK ? COVEY_OK : connect_failed(db, code, why);
}

enum covey_rc connect_ask(sqlite3 *db, const char *sql, int64_t *out,
                          struct covey_why *why)
{
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_step(stmt);
    if (code == SQLITE_ROW)
        *out = sqlite3_column_int64(stmt, 0);

    enum covey_rc rc = COVEY_OK;

    if (code != SQLITE_ROW)
        rc = code == SQLITE_DONE ? COVEY_ENONE : connect_failed(db, code, why);
    sqlite3_finalize(stmt);
    return rc;
}

static const struct {
    int option;
    int value;
} switches[] = {
    {SQLITE_DBCONFIG_DEFENSIVE, 1},
    {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
    {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
    {SQLITE_DBCONFIG_ENABLE_FKEY, 1},
    {SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0},
    {SQLITE_DBCONFIG_DQS_DML, 0},
    {SQLITE_DBCONFIG_DQS_DDL, 0},
};

/* Over the largest payload (256 KiB) and row (all cells at 192 KiB). */
#define LENGTH_MAX 16777216

static const struct {
    int limit;
    int value;
} limits[] = {
    {SQLITE_LIMIT_LENGTH, LENGTH_MAX},
    {SQLITE_LIMIT_SQL_LENGTH, 100000},
    {SQLITE_LIMIT_COLUMN, 100},
    {SQLITE_LIMIT_EXPR_DEPTH, 100},
    {SQLITE_LIMIT_COMPOUND_SELECT, 8},
    {SQLITE_LIMIT_ATTACHED, 0},
    {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 512},
    {SQLITE_LIMIT_VARIABLE_NUMBER, 64},
    {SQLITE_LIMIT_TRIGGER_DEPTH, 10},
    {SQLITE_LIMIT_WORKER_THREADS, 0},
};

static enum covey_rc configure(sqlite3 *db, struct covey_why *why)
{
    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++) {
        int code = sqlite3_db_config(db, switches[i].option, switches[i].value,
                                     (int *)NULL);

        if (code != SQLITE_OK)
            return connect_failed(db, code, why);
    }
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        sqlite3_limit(db, limits[i].limit, limits[i].value);

    return connect_run(db,
                       "PRAGMA cell_size_check = ON;"
                       "PRAGMA mmap_size = 0;"
                       "PRAGMA temp_store = MEMORY;"
                       "PRAGMA cache_size = " CACHE_KIB ";"
                       "PRAGMA wal_autocheckpoint = 0;"
                       "PRAGMA journal_size_limit = " WAL_KEPT ";"
                       "PRAGMA synchronous = FULL;"
                       "PRAGMA secure_delete = ON;",
                       why);
}

enum covey_rc connect_open(const char *path, int flags, sqlite3 **out,
                           struct covey_why *why)
{
    sqlite3 *db = NULL;
    int code = sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    enum covey_rc rc;

    if (db == NULL)
        return why_say(why, COVEY_ENOMEM, "%s", covey_rc_text(COVEY_ENOMEM));
    sqlite3_extended_result_codes(db, 1);
    rc = code == SQLITE_OK ? configure(db, why) : connect_failed(db, code, why);
    if (rc != COVEY_OK) {
        sqlite3_close(db);
        return rc;
    }
    *out = db;
    return COVEY_OK;
}
