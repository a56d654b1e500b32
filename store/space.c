/* space.c - spaces, their epochs, keys and members. */
#include "store/space.h"

#include <string.h>

#include "store/internal.h"

#define SPACE_HEX (2u * sizeof(struct space_id) + 1u)
#define KEY_HEX (2u * sizeof(struct hash) + 1u)

/* What this member may write in a space, for the triggers. */
static enum covey_rc put_door(struct store *st, const struct space_row *row)
{
    char hex[SPACE_HEX];
    int64_t inserts = 0, updates = 0;

    hex_encode(row->id.b, sizeof row->id, hex);
    for (size_t i = 0; i < rule_table_count; i++) {
        const struct rule_table *t = &rule_tables[i];

        if (row->carried || (t->kinds & KIND_BIT(row->kind)) == 0)
            continue;
        if (t->insert & ROLE_BIT(row->role))
            inserts |= INT64_C(1) << t->id;
        if (t->update & ROLE_BIT(row->role))
            updates |= INT64_C(1) << t->id;
    }
    sqlite3_stmt *stmt = sql_begin(st, SQL_DOOR_DROP);
    sql_bind_text(stmt, 1, hex);
    enum covey_rc rc = sql_run(st, stmt);
    if (rc != COVEY_OK || row->carried)
        return rc;
    stmt = sql_begin(st, SQL_DOOR_PUT);
    sql_bind_text(stmt, 1, hex);
    sql_bind_int(stmt, 2, row->n);
    sql_bind_int(stmt, 3, inserts);
    sql_bind_int(stmt, 4, updates);
    return sql_run(st, stmt);
}

enum covey_rc space_doors(struct store *st)
{
    struct space_row row = {.n = 0};
    enum covey_rc rc = space_next(st, 0, &row);

    while (rc == COVEY_OK) {
        rc = put_door(st, &row);
        if (rc == COVEY_OK)
            rc = space_next(st, row.n, &row);
    }
    return rc == COVEY_ENONE ? COVEY_OK : rc;
}

enum covey_rc space_add(struct store *st, struct space_row *row)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_SPACE_ADD);
    char hex[SPACE_HEX];

    hex_encode(row->id.b, sizeof row->id, hex);
    sql_bind_text(stmt, 1, hex);
    sql_bind_text(stmt, 2, space_kind_name(row->kind));
    sql_bind_text(stmt, 3, role_name(row->role));
    sql_bind_int(stmt, 4, row->carried ? 1 : 0);
    sql_bind_text(stmt, 5, row->name);
    sql_bind_blob(stmt, 6, row->label, sizeof row->label);
    enum covey_rc rc = sql_row(st, stmt);
    if (rc == COVEY_OK)
        row->n = sqlite3_column_int64(stmt, 0);
    sql_end(stmt);
    if (rc == COVEY_ENONE)
        return COVEY_EEXISTS;
    return rc == COVEY_OK ? put_door(st, row) : rc;
}

enum covey_rc space_set(struct store *st, const struct space_row *row)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_SPACE_SET);

    sql_bind_int(stmt, 1, row->n);
    sql_bind_text(stmt, 2, space_kind_name(row->kind));
    sql_bind_text(stmt, 3, role_name(row->role));
    sql_bind_int(stmt, 4, row->carried ? 1 : 0);
    sql_bind_text(stmt, 5, row->name);
    enum covey_rc rc = sql_run(st, stmt);
    return rc == COVEY_OK ? put_door(st, row) : rc;
}

static enum covey_rc row_columns(sqlite3_stmt *stmt, struct space_row *out)
{
    char hex[SPACE_HEX], kind[16], role[16];
    enum covey_rc rc;

    memset(out, 0, sizeof *out);
    out->n = sqlite3_column_int64(stmt, 0);
    sql_column_text(stmt, 1, hex, sizeof hex);
    sql_column_text(stmt, 2, kind, sizeof kind);
    sql_column_text(stmt, 3, role, sizeof role);
    out->carried = sqlite3_column_int(stmt, 4) != 0;
    sql_column_text(stmt, 5, out->name, sizeof out->name);
    out->rows = sqlite3_column_int64(stmt, 8);
    rc = sql_column_fixed(stmt, 6, out->label, sizeof out->label);
    if (rc == COVEY_OK)
        rc = sql_column_fixed(stmt, 7, out->digest, sizeof out->digest);
    if (!hex_decode(hex, out->id.b, sizeof out->id) ||
        !space_kind_from(kind, &out->kind) || !role_from(role, &out->role))
        return COVEY_ECORRUPT;
    return rc;
}

static enum covey_rc one_space(struct store *st, sqlite3_stmt *stmt, int64_t n,
                               struct space_row *out)
{
    sql_bind_int(stmt, 1, n);
    enum covey_rc rc = sql_row(st, stmt);
    if (rc == COVEY_OK)
        rc = row_columns(stmt, out);
    sql_end(stmt);
    return rc;
}

enum covey_rc space_next(struct store *st, int64_t after_n,
                         struct space_row *out)
{
    return one_space(st, sql_begin(st, SQL_SPACE_NEXT), after_n, out);
}

enum covey_rc space_get(struct store *st, int64_t n, struct space_row *out)
{
    return one_space(st, sql_begin(st, SQL_SPACE_GET), n, out);
}

enum covey_rc epoch_add(struct store *st, int64_t n, uint64_t number,
                        const struct hash *hash, struct covey_bytes bytes)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_EPOCH_ADD);

    sql_bind_int(stmt, 1, n);
    sql_bind_int(stmt, 2, (int64_t)number);
    sql_bind_blob(stmt, 3, hash, sizeof *hash);
    sql_bind_blob(stmt, 4, bytes.p, bytes.len);
    return sql_run(st, stmt);
}

enum covey_rc epoch_get(struct store *st, int64_t n, uint64_t number,
                        struct covey_buf *out)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_EPOCH_GET);

    sql_bind_int(stmt, 1, n);
    sql_bind_int(stmt, 2, (int64_t)number);
    enum covey_rc rc = sql_row(st, stmt);
    if (rc == COVEY_OK) {
        struct covey_bytes bytes = sql_column_bytes(stmt, 0);

        buf_append(out, bytes.p, bytes.len);
        rc = buf_rc(out);
    }
    sql_end(stmt);
    return rc;
}

enum covey_rc space_key_put(struct store *st, int64_t n, uint32_t number,
                            const struct seed *key, const struct seed *history)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_KEY_PUT);

    sql_bind_int(stmt, 1, n);
    sql_bind_int(stmt, 2, number);
    sql_bind_blob(stmt, 3, key, sizeof *key);
    sql_bind_blob(stmt, 4, history, sizeof *history);
    return sql_run(st, stmt);
}

enum covey_rc space_key_get(struct store *st, int64_t n, uint32_t number,
                            struct seed *key, struct seed *history)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_KEY_GET);

    sql_bind_int(stmt, 1, n);
    sql_bind_int(stmt, 2, number);
    enum covey_rc rc = sql_row(st, stmt);
    if (rc == COVEY_OK)
        rc = sql_column_fixed(stmt, 0, key, sizeof *key);
    if (rc == COVEY_OK)
        rc = sql_column_fixed(stmt, 1, history, sizeof *history);
    sql_end(stmt);
    return rc;
}

enum covey_rc space_project_begin(struct store *st, int64_t n)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_MEMBERS_DROP);

    sql_bind_int(stmt, 1, n);
    enum covey_rc rc = sql_run(st, stmt);
    if (rc != COVEY_OK)
        return rc;
    stmt = sql_begin(st, SQL_NODES_DROP);
    sql_bind_int(stmt, 1, n);
    return sql_run(st, stmt);
}

enum covey_rc space_project_member(struct store *st, int64_t n,
                                   const struct member_row *m)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_MEMBER_PUT);
    char hex[KEY_HEX];

    hex_encode(m->id.b, sizeof m->id, hex);
    sql_bind_int(stmt, 1, n);
    sql_bind_int(stmt, 2, m->slot);
    sql_bind_text(stmt, 3, hex);
    sql_bind_text(stmt, 4, m->name);
    sql_bind_text(stmt, 5, role_name(m->role));
    sql_bind_text(stmt, 6, member_kind_name(m->kind));
    sql_bind_int(stmt, 7, m->urn);
    sql_bind_int(stmt, 8, m->present ? 1 : 0);
    return sql_run(st, stmt);
}

enum covey_rc space_project_node(struct store *st, int64_t n,
                                 const struct node_row *node)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_NODE_PUT);

    sql_bind_int(stmt, 1, n);
    if (node->slot != UINT32_MAX) {
        sql_bind_int(stmt, 2, node->slot);
        sql_bind_blob(stmt, 4, &node->author, sizeof node->author);
    }
    sql_bind_blob(stmt, 3, &node->noise, sizeof node->noise);
    if (node->name != NULL)
        sql_bind_text(stmt, 5, node->name);
    sql_bind_text(stmt, 6, node->address);
    sql_bind_int(stmt, 7, node->present ? 1 : 0);
    return sql_run(st, stmt);
}
