#include "store/schema.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "store/internal.h"

#define SHAPE_HASH 16u
#define STATEMENT_MAX 512u

struct shape_hash {
    uint8_t b[SHAPE_HASH];
};

static struct shape_hash shape_of(const void *p, size_t len)
{
    struct shape_hash hash;

    crypto_generichash(hash.b, sizeof hash.b, p, len, NULL, 0);
    return hash;
}

/* ---- steps ---- */

static enum covey_rc step_number(struct store *st, int *out)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_STEP_NUMBER);
    enum covey_rc rc = sql_row(st, stmt);

    if (rc == COVEY_OK)
        *out = sqlite3_column_int(stmt, 0);
    sql_end(stmt);
    return rc;
}

static enum covey_rc step_run(struct store *st, const struct schema_step *step)
{
    char text[STATEMENT_MAX];
    enum covey_rc rc = store_begin(st);

    if (rc != COVEY_OK)
        return rc;
    snprintf(text, sizeof text,
             "PRAGMA application_id = %d; PRAGMA user_version = %d",
             SCHEMA_APPLICATION_ID, step->number);
    rc = connect_run(st->db, step->sql, &st->why);
    if (rc == COVEY_OK)
        rc = connect_run(st->db, text, &st->why);
    if (rc == COVEY_OK)
        return store_commit(st);
    store_rollback(st);
    return rc;
}

enum covey_rc schema_steps_run(struct store *st)
{
    int number = 0;
    enum covey_rc rc = step_number(st, &number);

    if (rc == COVEY_OK && number > (int)schema_step_count)
        return why_say(&st->why, COVEY_ENEWER,
                       "it was made by a newer version of covey (its tables "
                       "have version %d, this covey knows %d): install the "
                       "newer version",
                       number, (int)schema_step_count);
    for (size_t i = 0; rc == COVEY_OK && i < schema_step_count; i++) {
        if (schema_steps[i].number > number)
            rc = step_run(st, &schema_steps[i]);
    }
    return rc;
}

/* ---- has someone altered it? ---- */

static enum covey_rc altered(struct store *st, const char *name,
                             const char *what)
{
    return why_say(&st->why, COVEY_EREFUSED,
                   "\"%s\" was %s by hand, so nothing can be shared any more: "
                   "undo that, or restore a backup",
                   name, what);
}

static const char *text_column(sqlite3_stmt *stmt, int at)
{
    const unsigned char *text = sqlite3_column_text(stmt, at);

    return text == NULL ? "" : (const char *)text;
}

/* An index speeds up and is welcome; a unique one would refuse what others
 * wrote. */
static enum covey_rc index_judge(struct store *st, const char *name,
                                 const char *sql)
{
    static const char unique[] = "CREATE UNIQUE";

    if (strncmp(sql, unique, sizeof unique - 1) == 0)
        return altered(st, name, "added");
    return COVEY_OK;
}

/* One row of SHAPE_OBJECTS. */
static enum covey_rc object_judge(struct store *st, sqlite3_stmt *stmt)
{
    const char *type = text_column(stmt, 0);
    const char *name = text_column(stmt, 1);
    const char *table = text_column(stmt, 2);
    struct covey_bytes sql = sql_column_bytes(stmt, 3);
    bool known = sqlite3_column_type(stmt, 4) != SQLITE_NULL;

    if (!known && rule_table_by_name(table) == NULL)
        return COVEY_OK;
    if (strcmp(type, "index") == 0)
        return index_judge(st, name, text_column(stmt, 3));
    if (!known)
        return altered(st, name, "added");

    struct shape_hash hash = shape_of(sql.p, sql.len);
    struct covey_bytes made = sql_column_bytes(stmt, 4);

    if (made.len != sizeof hash.b || memcmp(made.p, hash.b, made.len) != 0)
        return altered(st, name, "changed");
    return COVEY_OK;
}

static enum covey_rc missing_judge(struct store *st)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_SHAPE_MISSING);
    enum covey_rc rc = sql_row(st, stmt);

    if (rc == COVEY_OK)
        rc = altered(st, text_column(stmt, 0), "dropped");
    sql_end(stmt);
    return rc == COVEY_ENONE ? COVEY_OK : rc;
}

static enum covey_rc judge(struct store *st)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_SHAPE_OBJECTS);
    enum covey_rc rc = sql_row(st, stmt);

    while (rc == COVEY_OK) {
        rc = object_judge(st, stmt);
        if (rc == COVEY_OK)
            rc = sql_row(st, stmt);
    }
    sql_end(stmt);
    return rc == COVEY_ENONE ? missing_judge(st) : rc;
}

static enum covey_rc schema_version(struct store *st, int64_t *out)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_SCHEMA_VERSION);
    enum covey_rc rc = sql_row(st, stmt);

    if (rc == COVEY_OK)
        *out = sqlite3_column_int64(stmt, 0);
    sql_end(stmt);
    return rc;
}

enum covey_rc schema_intact(struct store *st)
{
    int64_t version = 0;
    enum covey_rc rc = schema_version(st, &version);

    if (rc != COVEY_OK || version == st->schema_version)
        return rc;
    rc = judge(st);
    if (rc == COVEY_OK)
        st->schema_version = version;
    return rc;
}

/* ---- making it ---- */

static enum covey_rc shape_put(struct store *st, const char *name,
                               const struct shape_hash *hash)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_SHAPE_PUT);

    sql_bind_text(stmt, 1, name);
    sql_bind_blob(stmt, 2, hash->b, sizeof hash->b);
    sql_bind_int(stmt, 3, RULES_VERSION);
    return sql_run(st, stmt);
}

/* Run the text that was made, and forget it. */
static enum covey_rc run_text(struct store *st, struct covey_buf *text)
{
    enum covey_rc rc;

    buf_append(text, "", 1);
    rc = buf_rc(text);
    if (rc == COVEY_OK)
        rc = connect_run(st->db, (const char *)text->p, &st->why);
    buf_reset(text);
    return rc;
}

static enum covey_rc column_exists(struct store *st, const char *table,
                                   const char *column)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_SHAPE_COLUMN);

    sql_bind_text(stmt, 1, table);
    sql_bind_text(stmt, 2, column);

    enum covey_rc rc = sql_row(st, stmt);

    sql_end(stmt);
    return rc;
}

static enum covey_rc column_make(struct store *st,
                                 const struct rule_table *table,
                                 const struct rule_column *column,
                                 struct covey_buf *text)
{
    char start[STATEMENT_MAX];
    enum covey_rc rc = column_exists(st, table->name, column->name);

    if (rc != COVEY_ENONE)
        return rc;
    snprintf(start, sizeof start, "ALTER TABLE \"%s\" ADD COLUMN ",
             table->name);
    buf_append(text, start, strlen(start));
    schema_column_text(column, text);
    return run_text(st, text);
}

static enum covey_rc table_make(struct store *st,
                                const struct rule_table *table,
                                struct covey_buf *text)
{
    enum covey_rc rc = column_exists(st, table->name, "id");

    if (rc == COVEY_ENONE) {
        schema_table_text(table, &st->tag, text);
        return run_text(st, text);
    }
    for (size_t i = 0; rc == COVEY_OK && i < table->column_count; i++)
        rc = column_make(st, table, &table->columns[i], text);
    return rc;
}

static enum covey_rc drop_one(struct store *st)
{
    char text[STATEMENT_MAX];
    sqlite3_stmt *stmt = sql_begin(st, SQL_SHAPE_MADE);
    enum covey_rc rc = sql_row(st, stmt);

    if (rc == COVEY_OK)
        snprintf(text, sizeof text, "DROP %s \"%s\"", text_column(stmt, 0),
                 text_column(stmt, 1));
    sql_end(stmt);
    return rc == COVEY_OK ? connect_run(st->db, text, &st->why) : rc;
}

static enum covey_rc drop_made(struct store *st)
{
    enum covey_rc rc = COVEY_OK;

    while (rc == COVEY_OK)
        rc = drop_one(st);
    return rc == COVEY_ENONE ? COVEY_OK : rc;
}

/* What was wanted, as the next start compares it. */
static void wanted_text(struct store *st, struct covey_buf *text)
{
    for (size_t i = 0; i < rule_table_count; i++) {
        schema_table_text(&rule_tables[i], &st->tag, text);
        schema_trigger_text(&rule_tables[i], &st->tag, text);
    }
    schema_view_text(text);
}

static enum covey_rc object_note(struct store *st, sqlite3_stmt *stmt)
{
    const char *type = text_column(stmt, 0);
    struct covey_bytes sql = sql_column_bytes(stmt, 3);
    struct shape_hash hash = shape_of(sql.p, sql.len);

    if (strcmp(type, "index") == 0)
        return COVEY_OK;
    if (strcmp(type, "view") != 0 &&
        rule_table_by_name(text_column(stmt, 2)) == NULL)
        return COVEY_OK;
    return shape_put(st, text_column(stmt, 1), &hash);
}

static enum covey_rc note_objects(struct store *st)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_SHAPE_OBJECTS);
    enum covey_rc rc = sql_row(st, stmt);

    while (rc == COVEY_OK) {
        rc = object_note(st, stmt);
        if (rc == COVEY_OK)
            rc = sql_row(st, stmt);
    }
    sql_end(stmt);
    return rc == COVEY_ENONE ? COVEY_OK : rc;
}

static enum covey_rc make_all(struct store *st, struct covey_buf *text,
                              const struct shape_hash *wanted)
{
    enum covey_rc rc = drop_made(st);

    for (size_t i = 0; rc == COVEY_OK && i < rule_table_count; i++)
        rc = table_make(st, &rule_tables[i], text);
    if (rc != COVEY_OK)
        return rc;
    for (size_t i = 0; i < rule_table_count; i++)
        schema_trigger_text(&rule_tables[i], &st->tag, text);
    schema_view_text(text);
    rc = run_text(st, text);
    if (rc == COVEY_OK)
        rc = sql_run(st, sql_begin(st, SQL_SHAPE_FORGET));
    if (rc == COVEY_OK)
        rc = shape_put(st, "", wanted);
    if (rc == COVEY_OK)
        rc = note_objects(st);
    return rc == COVEY_OK ? space_doors(st) : rc;
}

static enum covey_rc remake(struct store *st, struct covey_buf *text,
                            const struct shape_hash *wanted)
{
    enum covey_rc rc = store_begin(st);

    if (rc != COVEY_OK)
        return rc;
    buf_reset(text);
    rc = make_all(st, text, wanted);
    if (rc == COVEY_OK)
        return store_commit(st);
    store_rollback(st);
    return rc;
}

/* COVEY_OK: made before, and as wanted now.  COVEY_ENONE: to be made. */
static enum covey_rc as_wanted(struct store *st,
                               const struct shape_hash *wanted)
{
    struct shape_hash made;
    sqlite3_stmt *stmt = sql_begin(st, SQL_SHAPE_WANTED);
    enum covey_rc rc = sql_row(st, stmt);
    int64_t rules = 0;

    if (rc == COVEY_OK) {
        rules = sqlite3_column_int64(stmt, 1);
        rc = sql_column_fixed(stmt, 0, made.b, sizeof made.b);
    }
    sql_end(stmt);
    if (rc != COVEY_OK)
        return rc;
    if (rules > RULES_VERSION)
        return why_say(&st->why, COVEY_ENEWER,
                       "it was made by a newer version of covey (rules %d, "
                       "this covey knows %u): install the newer version",
                       (int)rules, RULES_VERSION);
    rc = schema_intact(st);
    if (rc != COVEY_OK)
        return rc;
    return memcmp(made.b, wanted->b, sizeof made.b) == 0 ? COVEY_OK
                                                         : COVEY_ENONE;
}

enum covey_rc schema_migrate(struct store *st)
{
    struct covey_buf text;
    enum covey_rc rc;

    buf_init(&text, &st->mem, SCHEMA_TEXT_MAX);
    wanted_text(st, &text);
    rc = buf_rc(&text);
    if (rc == COVEY_OK) {
        struct shape_hash wanted = shape_of(text.p, text.len);

        rc = as_wanted(st, &wanted);
        if (rc == COVEY_ENONE)
            rc = remake(st, &text, &wanted);
    }
    buf_clear(&text);
    return rc;
}
