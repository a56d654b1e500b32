/* request.c - the half of space.h that lets people in: invites, requests. */
#include <string.h>

#include "store/internal.h"
#include "store/space.h"

enum covey_rc invite_put(struct store *st, int64_t n,
                         const struct invite_row *row)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_INVITE_PUT);

    sql_bind_int(stmt, 1, n);
    sql_bind_blob(stmt, 2, &row->id, sizeof row->id);
    sql_bind_blob(stmt, 3, &row->secret, sizeof row->secret);
    sql_bind_text(stmt, 4, role_name(row->role));
    sql_bind_int(stmt, 5, (int64_t)row->expires_ms);
    return sql_run(st, stmt);
}

enum covey_rc invite_get(struct store *st, int64_t n,
                         const struct invite_id *id, struct invite_row *out)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_INVITE_GET);
    char role[16];

    sql_bind_int(stmt, 1, n);
    sql_bind_blob(stmt, 2, id, sizeof *id);
    enum covey_rc rc = sql_row(st, stmt);
    if (rc == COVEY_OK) {
        out->id = *id;
        rc = sql_column_fixed(stmt, 0, &out->secret, sizeof out->secret);
        sql_column_text(stmt, 1, role, sizeof role);
        out->expires_ms = (uint64_t)sqlite3_column_int64(stmt, 2);
        if (!role_from(role, &out->role))
            rc = COVEY_ECORRUPT;
    }
    sql_end(stmt);
    return rc;
}

static enum covey_rc drop(struct store *st, sqlite3_stmt *stmt, int64_t n,
                          const struct invite_id *id)
{
    sql_bind_int(stmt, 1, n);
    sql_bind_blob(stmt, 2, id, sizeof *id);
    return sql_run(st, stmt);
}

enum covey_rc invite_drop(struct store *st, int64_t n,
                          const struct invite_id *id)
{
    return drop(st, sql_begin(st, SQL_INVITE_DROP), n, id);
}

enum covey_rc request_drop_invite(struct store *st, int64_t n,
                                  const struct invite_id *invite)
{
    return drop(st, sql_begin(st, SQL_REQUEST_DROP), n, invite);
}

/* Is it here already?  COVEY_ENONE: no, and there is room for it. */
static enum covey_rc find_same(struct store *st, int64_t n,
                               const struct invite_id *invite,
                               struct covey_bytes sealed, int64_t *id)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_REQUEST_SAME);
    size_t count = 0;
    enum covey_rc rc;

    sql_bind_int(stmt, 1, n);
    sql_bind_blob(stmt, 2, invite, sizeof *invite);
    while ((rc = sql_row(st, stmt)) == COVEY_OK) {
        struct covey_bytes here = sql_column_bytes(stmt, 1);

        count++;
        if (here.len == sealed.len &&
            memcmp(here.p, sealed.p, sealed.len) == 0) {
            *id = sqlite3_column_int64(stmt, 0);
            break;
        }
    }
    sql_end(stmt);
    return rc == COVEY_ENONE && count >= REQUESTS_PER_INVITE ? COVEY_ELIMIT
                                                             : rc;
}

enum covey_rc request_add(struct store *st, int64_t n,
                          const struct invite_id *invite,
                          struct covey_bytes sealed, int64_t *id)
{
    enum covey_rc rc = find_same(st, n, invite, sealed, id);

    if (rc != COVEY_ENONE)
        return rc;
    sqlite3_stmt *stmt = sql_begin(st, SQL_REQUEST_ADD);
    sql_bind_int(stmt, 1, n);
    sql_bind_blob(stmt, 2, invite, sizeof *invite);
    sql_bind_blob(stmt, 3, sealed.p, sealed.len);
    rc = sql_row(st, stmt);
    if (rc == COVEY_OK)
        *id = sqlite3_column_int64(stmt, 0);
    sql_end(stmt);
    return rc;
}

enum covey_rc request_opened(struct store *st, int64_t id, const char *name,
                             const char *fingerprint)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_REQUEST_OPENED);

    sql_bind_int(stmt, 1, id);
    sql_bind_text(stmt, 2, name);
    sql_bind_text(stmt, 3, fingerprint);
    return sql_run(st, stmt);
}

enum covey_rc request_next(struct store *st, int64_t n, int64_t after_id,
                           struct request_row *out)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_REQUEST_NEXT);

    sql_bind_int(stmt, 1, n);
    sql_bind_int(stmt, 2, after_id);
    enum covey_rc rc = sql_row(st, stmt);
    if (rc == COVEY_OK) {
        struct covey_bytes sealed = sql_column_bytes(stmt, 2);

        memset(out, 0, sizeof *out);
        out->id = sqlite3_column_int64(stmt, 0);
        rc = sql_column_fixed(stmt, 1, &out->invite, sizeof out->invite);
        buf_reset(&st->scratch);
        buf_append(&st->scratch, sealed.p, sealed.len);
        if (rc == COVEY_OK)
            rc = buf_rc(&st->scratch);
        out->sealed = buf_bytes(&st->scratch);
        out->opened = sqlite3_column_type(stmt, 3) != SQLITE_NULL;
        sql_column_text(stmt, 3, out->name, sizeof out->name);
        sql_column_text(stmt, 4, out->fingerprint, sizeof out->fingerprint);
    }
    sql_end(stmt);
    return rc;
}
