/* query.c - reads on connections of their own, and the API's writes. */
#include "store/query.h"

#include <stdlib.h>
#include <string.h>

#include "store/internal.h"

#define STEPS_AT_A_TIME 100000
#define READER_SET_UP "PRAGMA query_only = ON; PRAGMA cache_size = -2000"
#define SHARE_TEXT_MAX 65536u /* bytes of the statement that copies a row */

/* ---- shared by both ---- */

static enum covey_rc bind_all(sqlite3_stmt *stmt,
                              const struct query_param *params, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int at = sqlite3_bind_parameter_index(stmt, params[i].name);

        if (at == 0 || params[i].text == NULL)
            continue; /* not used by this statement, or NULL */
        int code = sqlite3_bind_text64(stmt, at, params[i].text,
                                       strlen(params[i].text), SQLITE_TRANSIENT,
                                       SQLITE_UTF8);

        if (code != SQLITE_OK)
            return sql_rc(code);
    }
    return COVEY_OK;
}

/* A guard's words are for people; SQLite's own are told as they are, but for
 * those that say nothing to who wrote no SQL. */
static const struct {
    int code;         /* extended, or primary where all of them are meant */
    const char *text; /* NULL: SQLite's words */
    enum covey_rc rc;
} failures[] = {
    {SQLITE_CONSTRAINT_PRIMARYKEY, "there is a row with this id already",
     COVEY_EEXISTS},
    {SQLITE_CONSTRAINT, NULL, COVEY_EREFUSED},
    {SQLITE_AUTH, NULL, COVEY_EREFUSED},
    {SQLITE_MISMATCH, NULL, COVEY_EREFUSED},
    {SQLITE_ERROR, NULL, COVEY_EBAD},
    {SQLITE_INTERRUPT, "that takes too long to answer; ask for less",
     COVEY_ETIMEOUT},
    {SQLITE_TOOBIG, "that is too large; make it shorter", COVEY_ELIMIT},
};

enum covey_rc query_failed(sqlite3 *db, int code, struct covey_why *why)
{
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        if (failures[i].code != code && failures[i].code != (code & 0xff))
            continue;
        covey_why_set(why, failures[i].text != NULL ? failures[i].text
                                                    : sqlite3_errmsg(db));
        return failures[i].rc;
    }
    return connect_failed(db, code, why);
}

static void add_text(struct covey_buf *out, sqlite3_stmt *stmt)
{
    struct covey_bytes text = sql_column_bytes(stmt, 0);

    buf_append(out, text.p, text.len);
}

/* ---- readers ---- */

struct reader {
    sqlite3 *db;
    sqlite3_stmt *stmt;
    bool list;
    bool begun; /* the list's bracket is written */
    uint64_t rows;
    int steps_left;
};

static int on_progress(void *ctx)
{
    struct reader *r = ctx;

    r->steps_left -= STEPS_AT_A_TIME;
    return r->steps_left < 0;
}

enum covey_rc reader_open(const char *dir, struct reader **out,
                          struct covey_why *why)
{
    struct reader *r = calloc(1, sizeof *r);
    char *path = path_join(dir, STORE_FILE);
    enum covey_rc rc = r == NULL || path == NULL ? COVEY_ENOMEM : COVEY_OK;

    if (rc == COVEY_OK)
        rc = connect_open(path, SQLITE_OPEN_READONLY, &r->db, why);
    if (rc == COVEY_OK)
        rc = connect_run(r->db, READER_SET_UP, why);
    free(path);
    if (rc != COVEY_OK) {
        reader_close(r);
        return rc;
    }
    sqlite3_progress_handler(r->db, STEPS_AT_A_TIME, on_progress, r);
    *out = r;
    return COVEY_OK;
}

void reader_close(struct reader *r)
{
    if (r == NULL)
        return;
    reader_end(r);
    (void)sqlite3_close(r->db);
    free(r);
}

enum covey_rc reader_start(struct reader *r, const char *sql, bool list,
                           const struct query_param *params, size_t count,
                           struct covey_why *why)
{
    int code = sqlite3_prepare_v2(r->db, sql, -1, &r->stmt, NULL);

    if (code != SQLITE_OK)
        return query_failed(r->db, code, why);
    r->list = list;
    r->begun = false;
    r->rows = 0;
    r->steps_left = QUERY_STEPS_MAX;
    return bind_all(r->stmt, params, count);
}

static enum covey_rc fill_one(struct reader *r, struct covey_buf *out,
                              bool *done, struct covey_why *why)
{
    int code = sqlite3_step(r->stmt);

    if (code == SQLITE_DONE) {
        covey_why_set(why, "there is no such thing here");
        return COVEY_ENONE;
    }
    if (code != SQLITE_ROW)
        return query_failed(r->db, code, why);
    add_text(out, r->stmt);
    *done = true;
    return buf_rc(out);
}

/* The next row of a list, with the comma that it needs. */
static enum covey_rc fill_next(struct reader *r, struct covey_buf *out,
                               bool *done, struct covey_why *why)
{
    int code = sqlite3_step(r->stmt);

    if (code == SQLITE_DONE) {
        buf_append(out, "]", 1);
        *done = true;
        return buf_rc(out);
    }
    if (code != SQLITE_ROW)
        return query_failed(r->db, code, why);
    if (r->rows++ > 0)
        buf_append(out, ",\n", 2);
    add_text(out, r->stmt);
    return buf_rc(out);
}

enum covey_rc reader_fill(struct reader *r, size_t bytes, struct covey_buf *out,
                          bool *done, struct covey_why *why)
{
    size_t start = out->len;
    enum covey_rc rc = COVEY_OK;

    *done = false;
    if (!r->list)
        return fill_one(r, out, done, why);
    if (!r->begun)
        buf_append(out, "[", 1);
    r->begun = true;
    while (rc == COVEY_OK && !*done && out->len - start < bytes)
        rc = fill_next(r, out, done, why);
    return rc;
}

void reader_end(struct reader *r)
{
    (void)sqlite3_finalize(r->stmt);
    r->stmt = NULL;
}

/* ---- writes ---- */

enum covey_rc query_write(struct store *st, const char *sql,
                          const struct query_param *params, size_t count,
                          struct covey_buf *out, struct covey_why *why)
{
    sqlite3_stmt *stmt = NULL;
    enum covey_rc rc = merge_triggers(st, true); /* a merge turned them off */
    bool any = false;
    int code;

    if (rc != COVEY_OK)
        return rc;
    code = sqlite3_prepare_v2(st->db, sql, -1, &stmt, NULL);
    if (code != SQLITE_OK)
        return query_failed(st->db, code, why);
    rc = bind_all(stmt, params, count);
    while (rc == COVEY_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        any = true;
        add_text(out, stmt);
    }
    if (rc == COVEY_OK && code != SQLITE_DONE)
        rc = query_failed(st->db, code, why);
    (void)sqlite3_finalize(stmt);
    if (rc == COVEY_OK && !any) {
        covey_why_set(why, "there is no such row here");
        rc = COVEY_ENONE;
    }
    return rc == COVEY_OK ? buf_rc(out) : rc;
}

/* The text that a parameter has; NULL: it is not there. */
static const char *param_text(const struct query_param *params, size_t count,
                              const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(params[i].name, name) == 0)
            return params[i].text;
    }
    return NULL;
}

/* COVEY_OK: `unknown` is not a field, or is "" for what is no object. */
static enum covey_rc find_unknown(struct store *st, const char *body,
                                  const char *fields, char unknown[64])
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_BODY_UNKNOWN);

    sql_bind_text(stmt, 1, body);
    sql_bind_text(stmt, 2, fields);

    enum covey_rc rc = sql_row(st, stmt);

    if (rc == COVEY_OK)
        sql_column_text(stmt, 0, unknown, 64);
    sql_end(stmt);
    return rc;
}

enum covey_rc query_body(struct store *st, const char *fields,
                         const struct query_param *params, size_t count,
                         struct covey_why *why)
{
    const char *body = param_text(params, count, ":body");
    char unknown[64] = "";
    enum covey_rc rc;

    if (fields == NULL)
        return COVEY_OK;
    rc = body == NULL ? COVEY_OK : find_unknown(st, body, fields, unknown);
    if (rc == COVEY_ENONE)
        return COVEY_OK;
    if (rc == COVEY_OK && unknown[0] != '\0')
        return why_say(why, COVEY_EBAD,
                       "there is no field \"%s\" here; there are: %s", unknown,
                       fields);
    if (rc == COVEY_OK || rc == COVEY_EREFUSED) /* refused: it is no JSON */
        return why_say(why, COVEY_EBAD,
                       "the body must be a JSON object with some of: %s",
                       fields);
    store_why(st, why);
    return rc;
}

/* ---- copies ---- */

static bool is_source(const struct rule_column *c)
{
    return strcmp(c->name, "source") == 0;
}

static bool has_source(const struct rule_table *table)
{
    for (size_t i = 0; i < table->column_count; i++) {
        if (is_source(&table->columns[i]))
            return true;
    }
    return false;
}

/* A copy points to the copies of what its source points to, where the space has
 * them. */
static void share_value(const struct rule_column *c, struct covey_buf *sql)
{
    if (c->type != COLUMN_ROW) {
        text_say(sql, ", t.\"%s\"", c->name);
        return;
    }
    text_say(sql, ", coalesce(");
    for (size_t i = 0; i < rule_table_count; i++) {
        if (!has_source(&rule_tables[i]))
            continue;
        text_say(sql,
                 "(SELECT id FROM \"%s\" WHERE source = t.\"%s\""
                 " AND space = :space), ",
                 rule_tables[i].name, c->name);
    }
    text_say(sql, "t.\"%s\")", c->name);
}

static void share_sql(const struct rule_table *table, struct covey_buf *sql)
{
    text_say(sql, "INSERT INTO \"%s\" (space, source", table->name);
    for (size_t i = 0; i < table->column_count; i++) {
        if (!is_source(&table->columns[i]))
            text_say(sql, ", \"%s\"", table->columns[i].name);
    }
    text_say(sql, ") SELECT :space, t.id");
    for (size_t i = 0; i < table->column_count; i++) {
        if (!is_source(&table->columns[i]))
            share_value(&table->columns[i], sql);
    }
    text_say(sql,
             " FROM \"%s\" AS t WHERE t.id = :id"
             " RETURNING json_object('id', id)",
             table->name);
    buf_append(sql, "", 1);
}

enum covey_rc query_share(struct store *st, const char *id, const char *space,
                          struct covey_buf *out, struct covey_why *why)
{
    const struct query_param params[] = {{":id", id}, {":space", space}};
    enum covey_rc rc = COVEY_ENONE;

    for (size_t i = 0; i < rule_table_count && rc == COVEY_ENONE; i++) {
        struct covey_buf sql;

        if (!has_source(&rule_tables[i]))
            continue;
        buf_init(&sql, &st->mem, SHARE_TEXT_MAX);
        share_sql(&rule_tables[i], &sql);
        rc = buf_rc(&sql);
        if (rc == COVEY_OK)
            rc = query_write(st, (const char *)sql.p, params, 2, out, why);
        buf_clear(&sql);
    }
    return rc;
}
