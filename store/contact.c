/* contact.c - whom this node dials, asks and carries for. */
#include "store/contact.h"

#include <string.h>

#include "store/internal.h"

#define SPACE_HEX (2u * sizeof(struct space_id) + 1u)
#define KEY_HEX (2u * sizeof(struct noise_key) + 1u)

enum covey_rc peer_put(struct store *st, const struct peer_row *row)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_PEER_PUT);

    sql_bind_blob(stmt, 1, &row->key, sizeof row->key);
    sql_bind_text(stmt, 2, row->at);
    return sql_run(st, stmt);
}

enum covey_rc peer_next(struct store *st, const struct noise_key *after,
                        struct peer_row *out)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_PEER_NEXT);

    sql_bind_blob(stmt, 1, after, sizeof *after);
    enum covey_rc rc = sql_row(st, stmt);
    if (rc == COVEY_OK) {
        rc = sql_column_fixed(stmt, 0, &out->key, sizeof out->key);
        sql_column_text(stmt, 1, out->at, sizeof out->at);
    }
    sql_end(stmt);
    return rc;
}

enum covey_rc joining_put(struct store *st, const struct joining_row *row)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_JOINING_PUT);
    char hex[SPACE_HEX];

    hex_encode(row->space.b, sizeof row->space, hex);
    sql_bind_text(stmt, 1, hex);
    sql_bind_text(stmt, 2, row->ticket);
    sql_bind_int(stmt, 3, row->left ? 1 : 0);
    return sql_run(st, stmt);
}

enum covey_rc joining_next(struct store *st, const struct space_id *after,
                           struct joining_row *out)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_JOINING_NEXT);
    char hex[SPACE_HEX];

    hex_encode(after->b, sizeof *after, hex);
    sql_bind_text(stmt, 1, hex);
    enum covey_rc rc = sql_row(st, stmt);
    if (rc == COVEY_OK) {
        sql_column_text(stmt, 0, hex, sizeof hex);
        sql_column_text(stmt, 1, out->ticket, sizeof out->ticket);
        out->left = sqlite3_column_int(stmt, 2) != 0;
        if (!hex_decode(hex, out->space.b, sizeof out->space))
            rc = COVEY_ECORRUPT;
    }
    sql_end(stmt);
    return rc;
}

enum covey_rc joining_drop(struct store *st, const struct space_id *space)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_JOINING_DROP);
    char hex[SPACE_HEX];

    hex_encode(space->b, sizeof *space, hex);
    sql_bind_text(stmt, 1, hex);
    return sql_run(st, stmt);
}

enum covey_rc wish_put(struct store *st, const struct wish_row *row)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_WISH_PUT);

    sql_bind_int(stmt, 1, row->n);
    sql_bind_blob(stmt, 2, &row->key, sizeof row->key);
    sql_bind_text(stmt, 3, row->at);
    return sql_run(st, stmt);
}

enum covey_rc wish_next(struct store *st, int64_t n,
                        const struct noise_key *after, struct wish_row *out)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_WISH_NEXT);

    sql_bind_int(stmt, 1, n);
    sql_bind_blob(stmt, 2, after, sizeof *after);
    enum covey_rc rc = sql_row(st, stmt);
    if (rc == COVEY_OK) {
        out->n = n;
        rc = sql_column_fixed(stmt, 0, &out->key, sizeof out->key);
        sql_column_text(stmt, 1, out->at, sizeof out->at);
    }
    sql_end(stmt);
    return rc;
}

enum covey_rc wish_drop(struct store *st, int64_t n,
                        const struct noise_key *key)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_WISH_DROP);

    sql_bind_int(stmt, 1, n);
    sql_bind_blob(stmt, 2, key, sizeof *key);
    return sql_run(st, stmt);
}

enum covey_rc carry_allow(struct store *st, struct covey_bytes space_or_key)
{
    char hex[KEY_HEX];

    CHECK(space_or_key.len <= sizeof(struct noise_key));
    hex_encode(space_or_key.p, space_or_key.len, hex);
    sqlite3_stmt *stmt = sql_begin(st, SQL_CARRY_ALLOW);
    sql_bind_text(stmt, 1, hex);
    enum covey_rc rc = sql_run(st, stmt);
    if (rc != COVEY_OK)
        return rc;
    stmt = sql_begin(st, SQL_CARRY_DONE);
    sql_bind_text(stmt, 1, hex);
    return sql_run(st, stmt);
}

enum covey_rc carry_allowed(struct store *st, const struct space_id *space,
                            const struct noise_key *key, bool *allowed)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_CARRY_ALLOWED);
    char space_hex[SPACE_HEX], key_hex[KEY_HEX];

    hex_encode(space->b, sizeof *space, space_hex);
    hex_encode(key->b, sizeof *key, key_hex);
    sql_bind_text(stmt, 1, space_hex);
    sql_bind_text(stmt, 2, key_hex);
    enum covey_rc rc = sql_row(st, stmt);
    *allowed = rc == COVEY_OK;
    sql_end(stmt);
    return rc == COVEY_ENONE ? COVEY_OK : rc;
}

enum covey_rc carry_ask(struct store *st, const struct space_id *space,
                        const struct noise_key *key, uint64_t wall_ms)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_CARRY_ASK);
    char space_hex[SPACE_HEX], key_hex[KEY_HEX];

    hex_encode(space->b, sizeof *space, space_hex);
    hex_encode(key->b, sizeof *key, key_hex);
    sql_bind_text(stmt, 1, space_hex);
    sql_bind_text(stmt, 2, key_hex);
    sql_bind_int(stmt, 3, (int64_t)wall_ms);
    enum covey_rc rc = sql_run(st, stmt);
    if (rc != COVEY_OK)
        return rc;
    stmt = sql_begin(st, SQL_CARRY_TRIM);
    sql_bind_int(stmt, 1, CARRY_WAITING_MAX);
    return sql_run(st, stmt);
}
