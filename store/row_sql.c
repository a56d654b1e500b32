#include "store/row_sql.h"

#include <string.h>

#define TEXT_MAX 16384u /* bytes of one statement */

/* Statements of one table. */
struct table_sql {
    sqlite3_stmt *stmt[ROW_SQL_COUNT];
    sqlite3_stmt *one[COLUMN_MAX + 1u];
};

struct row_cache {
    size_t count;
    struct table_sql tables[]; /* as rule_tables */
};

static struct table_sql *table_sql(struct store *st,
                                   const struct rule_table *rules)
{
    if (st->rows == NULL) {
        st->rows = covey_new(&st->mem,
                             sizeof *st->rows +
                                 rule_table_count * sizeof st->rows->tables[0]);
        if (st->rows == NULL)
            return NULL;
        st->rows->count = rule_table_count;
    }
    return &st->rows->tables[rules - rule_tables];
}

void row_sql_free(struct store *st)
{
    if (st->rows == NULL)
        return;
    for (size_t i = 0; i < st->rows->count; i++) {
        struct table_sql *it = &st->rows->tables[i];

        for (size_t k = 0; k < ROW_SQL_COUNT; k++)
            sqlite3_finalize(it->stmt[k]);
        for (size_t k = 0; k <= COLUMN_MAX; k++)
            sqlite3_finalize(it->one[k]);
    }
    covey_free(&st->mem, st->rows);
    st->rows = NULL;
}

/* ---- texts ---- */

static void say(struct covey_buf *out, const char *text)
{
    buf_append(out, text, strlen(text));
}

static void say_number(struct covey_buf *out, size_t v)
{
    char digits[8];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    buf_append(out, digits + at, sizeof digits - at);
}

static void say_name(struct covey_buf *out, const char *name)
{
    say(out, "\"");
    say(out, name);
    say(out, "\"");
}

static void say_columns(struct covey_buf *out, const struct rule_table *rules,
                        const char *before)
{
    for (size_t i = 0; i < rules->column_count; i++) {
        say(out, i == 0 ? before : ", ");
        say_name(out, rules->columns[i].name);
    }
}

static void say_get(struct covey_buf *out, const struct rule_table *rules)
{
    say(out, "SELECT");
    say_columns(out, rules, " ");
    say(out, " FROM ");
    say_name(out, rules->name);
    say(out, " WHERE id = ?1 AND space = ?2");
}

static void say_insert(struct covey_buf *out, const struct rule_table *rules)
{
    say(out, "INSERT INTO ");
    say_name(out, rules->name);
    say(out, " (id, space");
    say_columns(out, rules, ", ");
    say(out, ") VALUES (?1, ?2");
    for (size_t i = 0; i < rules->column_count; i++) {
        say(out, ", ?");
        say_number(out, i + 3);
    }
    say(out, ") ON CONFLICT (id) DO NOTHING");
}

static void say_set(struct covey_buf *out, const struct rule_table *rules)
{
    say(out, "UPDATE ");
    say_name(out, rules->name);
    for (size_t i = 0; i < rules->column_count; i++) {
        say(out, i == 0 ? " SET " : ", ");
        say_name(out, rules->columns[i].name);
        say(out, " = ?");
        say_number(out, i + 3);
    }
    say(out, " WHERE id = ?1");
}

static void say_delete(struct covey_buf *out, const struct rule_table *rules)
{
    say(out, "DELETE FROM ");
    say_name(out, rules->name);
    say(out, " WHERE id = ?1");
}

static void say_one(struct covey_buf *out, const struct rule_table *rules,
                    const struct rule_column *column)
{
    say(out, "UPDATE ");
    say_name(out, rules->name);
    say(out, " SET ");
    say_name(out, column->name);
    say(out, " = ?3 WHERE id = ?1");
}

/* ---- preparing ---- */

static void prepare(struct store *st, const struct covey_buf *text,
                    sqlite3_stmt **out)
{
    if (buf_rc(text) != COVEY_OK)
        return;

    int code = sqlite3_prepare_v3(st->db, (const char *)text->p, (int)text->len,
                                  SQLITE_PREPARE_PERSISTENT, out, NULL);

    if (code != SQLITE_OK)
        *out = NULL;
}

sqlite3_stmt *row_sql_begin(struct store *st, const struct rule_table *rules,
                            enum row_sql kind)
{
    static void (*const says[ROW_SQL_COUNT])(struct covey_buf *,
                                             const struct rule_table *) = {
        [ROW_GET] = say_get,
        [ROW_INSERT] = say_insert,
        [ROW_SET] = say_set,
        [ROW_DELETE] = say_delete,
    };
    struct table_sql *it = table_sql(st, rules);

    if (it == NULL)
        return NULL;
    if (it->stmt[kind] == NULL) {
        struct covey_buf text;

        buf_init(&text, &st->mem, TEXT_MAX);
        says[kind](&text, rules);
        prepare(st, &text, &it->stmt[kind]);
        buf_clear(&text);
    }
    return it->stmt[kind];
}

sqlite3_stmt *row_sql_begin_one(struct store *st,
                                const struct rule_table *rules,
                                const struct rule_column *column)
{
    struct table_sql *it = table_sql(st, rules);

    if (it == NULL)
        return NULL;
    if (it->one[column->id] == NULL) {
        struct covey_buf text;

        buf_init(&text, &st->mem, TEXT_MAX);
        say_one(&text, rules, column);
        prepare(st, &text, &it->one[column->id]);
        buf_clear(&text);
    }
    return it->one[column->id];
}

void row_sql_bind(sqlite3_stmt *stmt, int at, const struct cell_value *value)
{
    int code = SQLITE_OK;

    if (stmt == NULL)
        return;
    switch (value->type) {
    case CELL_NULL:
        code = sqlite3_bind_null(stmt, at);
        break;
    case CELL_TEXT:
        code = sqlite3_bind_text64(
            stmt, at, value->text.len == 0 ? "" : (const char *)value->text.p,
            value->text.len, SQLITE_STATIC, SQLITE_UTF8);
        break;
    case CELL_INT:
    case CELL_BOOL:
        code = sqlite3_bind_int64(stmt, at, value->integer);
        break;
    case CELL_REAL:
        code = sqlite3_bind_double(stmt, at, value->real);
        break;
    }
    CHECK(code == SQLITE_OK);
}
