#include "store/sql.h"

#include <stdio.h>
#include <string.h>

#include "store/internal.h"

const char *const sql_text[SQL_COUNT] = {
#define X(id, text) [SQL_##id] = (text),
    SQL_TABLE(X)
#undef X
};

enum covey_rc store_failed(struct store *st, int sqlite_code)
{
    enum covey_rc rc = sql_rc(sqlite_code);

    bool fault = rc == COVEY_EIO || rc == COVEY_ECORRUPT;

    if (fault)
        st->broken = rc;
    if (st->begun && (fault || rc == COVEY_ENOMEM || rc == COVEY_EFULL))
        st->spoilt = rc;
    return why_say(&st->why, rc, "%s", sql_words(st->db, sqlite_code));
}

sqlite3_stmt *sql_begin(struct store *st, enum sql_id id)
{
    sqlite3_stmt **slot = &st->stmt[id];

    if (*slot == NULL) {
        int code = sqlite3_prepare_v3(st->db, sql_text[id], -1,
                                      SQLITE_PREPARE_PERSISTENT, slot, NULL);

        if (code != SQLITE_OK)
            return NULL;
    }
    CHECK(!sqlite3_stmt_busy(*slot));
    return *slot;
}

/* What a step failed with was told when it failed. */
void sql_end(sqlite3_stmt *stmt)
{
    if (stmt == NULL)
        return;
    (void)sqlite3_reset(stmt);
    (void)sqlite3_clear_bindings(stmt);
}

/* SQLite may have rolled back by itself at a fault: what came after it would be
 * a transaction of its own. */
enum covey_rc sql_row(struct store *st, sqlite3_stmt *stmt)
{
    if (st->spoilt != COVEY_OK)
        return st->spoilt;
    if (stmt == NULL)
        return store_failed(st, sqlite3_extended_errcode(st->db));

    int code = sqlite3_step(stmt);

    if (code == SQLITE_ROW)
        return COVEY_OK;
    return code == SQLITE_DONE ? COVEY_ENONE : store_failed(st, code);
}

enum covey_rc sql_run(struct store *st, sqlite3_stmt *stmt)
{
    enum covey_rc rc = sql_row(st, stmt);

    CHECK(rc != COVEY_OK);
    sql_end(stmt);
    return rc == COVEY_ENONE ? COVEY_OK : rc;
}

/* Nothing is copied, so binding has no memory to run out of. */
void sql_bind_blob(sqlite3_stmt *stmt, int at, const void *p, size_t len)
{
    if (stmt == NULL)
        return;

    /* A NULL pointer would be SQL's NULL, where an empty blob is meant. */
    int code =
        sqlite3_bind_blob64(stmt, at, len == 0 ? "" : p, len, SQLITE_STATIC);

    CHECK(code == SQLITE_OK);
}

void sql_bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
    if (stmt == NULL)
        return;

    int code = sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC);

    CHECK(code == SQLITE_OK);
}

void sql_bind_int(sqlite3_stmt *stmt, int at, int64_t value)
{
    if (stmt == NULL)
        return;

    int code = sqlite3_bind_int64(stmt, at, value);

    CHECK(code == SQLITE_OK);
}

struct covey_bytes sql_column_bytes(sqlite3_stmt *stmt, int at)
{
    const void *p = sqlite3_column_blob(stmt, at);
    int len = sqlite3_column_bytes(stmt, at);

    return (struct covey_bytes){p, len < 0 ? 0 : (size_t)len};
}

enum covey_rc sql_column_fixed(sqlite3_stmt *stmt, int at, void *out,
                               size_t len)
{
    struct covey_bytes bytes = sql_column_bytes(stmt, at);

    if (bytes.len != len)
        return COVEY_ECORRUPT;
    memcpy(out, bytes.p, len);
    return COVEY_OK;
}

void sql_column_text(sqlite3_stmt *stmt, int at, char *out, size_t size)
{
    const unsigned char *text = sqlite3_column_text(stmt, at);

    snprintf(out, size, "%s", text == NULL ? "" : (const char *)text);
}
