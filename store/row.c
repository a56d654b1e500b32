#include "store/row.h"

#include <string.h>

#include "proto/wire.h"
#include "store/log_cache.h"
#include "store/row_sql.h"

/* ---- loading ---- */

static enum covey_rc damaged(struct store *st, const struct row_work *work)
{
    return why_say(&st->why, COVEY_ECORRUPT,
                   "the record is damaged at row %s of %s", work->hex,
                   work->row->rules->name);
}

static void bind_row(sqlite3_stmt *stmt, const struct row_work *work)
{
    sql_bind_int(stmt, 1, work->space->n);
    sql_bind_int(stmt, 2, work->row->table);
    sql_bind_blob(stmt, 3, work->row->id.b, sizeof work->row->id.b);
}

static enum covey_rc load_clock(struct store *st, struct row_work *work,
                                struct cell_flags *flags)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_CLOCK_GET);

    bind_row(stmt, work);

    enum covey_rc rc = sql_row(st, stmt);

    if (rc == COVEY_OK)
        rc = cell_unpack(work->row, sql_column_bytes(stmt, 0), flags);
    if (rc == COVEY_OK)
        rc = sql_column_fixed(stmt, 1, work->row->hash, sizeof work->row->hash);
    sql_end(stmt);
    if (rc == COVEY_ECORRUPT)
        return damaged(st, work);
    return rc == COVEY_ENONE ? COVEY_OK : rc;
}

/* Stamps are packed with numbers; to compare them, the keys are needed. */
static enum covey_rc load_authors(struct store *st, struct cell_row *row)
{
    enum covey_rc rc = COVEY_OK;

    for (uint64_t left = row->have; left != 0 && rc == COVEY_OK;
         left &= left - 1) {
        struct cell_stamp *stamp = &row->stamp[__builtin_ctzll(left)];

        rc = log_author_key(st, stamp->number, &stamp->author);
    }
    for (size_t i = 0; i < row->exists_count && rc == COVEY_OK; i++) {
        struct cell_stamp *stamp = &row->exists[i].stamp;

        rc = log_author_key(st, stamp->number, &stamp->author);
    }
    return rc;
}

static enum covey_rc sibling_columns(struct store *st, sqlite3_stmt *stmt,
                                     struct cell_row *row)
{
    struct cell_sibling it = {
        .column = (uint32_t)sqlite3_column_int64(stmt, 0),
        .stamp.clock = (uint64_t)sqlite3_column_int64(stmt, 1),
        .stamp.number = sqlite3_column_int64(stmt, 2),
        .source = {sqlite3_column_int64(stmt, 6),
                   sqlite3_column_int64(stmt, 5)},
        .stored = true,
    };
    enum covey_rc rc = sql_column_fixed(stmt, 3, it.stamp.name.b, STAMP_NAME);

    if (rc == COVEY_OK)
        rc = log_author_key(st, it.stamp.number, &it.stamp.author);
    if (rc != COVEY_OK)
        return rc;
    if (it.column == COLUMN_EXISTS)
        it.value = (struct cell_value){.type = CELL_BOOL};
    else if (sqlite3_column_type(stmt, 4) == SQLITE_TEXT)
        it.value = (struct cell_value){
            .type = CELL_TEXT,
            .text = cell_arena_copy(&row->arena, sql_column_bytes(stmt, 4))};
    cell_add_sibling(row, &it);
    return COVEY_OK;
}

static enum covey_rc load_siblings(struct store *st, struct row_work *work)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_SIBLING_LIST);
    enum covey_rc rc;

    sql_bind_text(stmt, 1, work->hex);
    sql_bind_int(stmt, 2, work->row->table);
    sql_bind_int(stmt, 3, work->space->n);
    do {
        rc = sql_row(st, stmt);
        if (rc == COVEY_OK)
            rc = sibling_columns(st, stmt, work->row);
    } while (rc == COVEY_OK);
    sql_end(stmt);
    return rc == COVEY_ENONE ? COVEY_OK : rc;
}

static enum covey_rc load_ahead(struct store *st, struct row_work *work)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_AHEAD_LIST);
    enum covey_rc rc;

    bind_row(stmt, work);
    do {
        struct cell_ahead it = {.stored = true};

        rc = sql_row(st, stmt);
        if (rc != COVEY_OK)
            break;
        it.column = (uint32_t)sqlite3_column_int64(stmt, 0);
        rc = sql_column_fixed(stmt, 1, it.name.b, STAMP_NAME);
        cell_add_ahead(work->row, &it);
    } while (rc == COVEY_OK);
    sql_end(stmt);
    return rc == COVEY_ENONE ? COVEY_OK : rc;
}

void row_fresh(struct row_work *work, const struct rule_table *rules,
               const struct row_id *id)
{
    hex_encode(id->b, sizeof id->b, work->hex);
    cell_row_begin(work->row, rules, id);
    work->before = (struct row_before){.alive = false};
}

enum covey_rc row_load(struct store *st, struct row_work *work,
                       const struct rule_table *rules, const struct row_id *id)
{
    struct cell_row *row = work->row;
    struct cell_flags flags = {.siblings = false};

    row_fresh(work, rules, id);

    enum covey_rc rc = load_clock(st, work, &flags);

    if (rc == COVEY_OK && row->known)
        rc = load_authors(st, row);
    if (rc == COVEY_OK && flags.siblings)
        rc = load_siblings(st, work);
    if (rc == COVEY_OK && flags.ahead)
        rc = load_ahead(st, work);
    work->before = (struct row_before){
        .alive = row->alive,
        .present = row->alive && !row->aside,
        .conflicts = cell_conflicts(row),
    };
    return rc == COVEY_OK && row->arena.failed ? COVEY_ENOMEM : rc;
}

struct cell_value row_initial(const struct rule_column *column)
{
    if (column->initial == NULL)
        return (struct cell_value){.type = CELL_NULL};
    return (struct cell_value){
        .type = CELL_TEXT,
        .text = {(const uint8_t *)column->initial, strlen(column->initial)}};
}

static void table_columns(sqlite3_stmt *stmt, struct cell_row *row,
                          uint64_t columns)
{
    for (size_t i = 0; i < row->rules->column_count; i++) {
        uint32_t column = row->rules->columns[i].id;
        struct cell_value *value = &row->value[column];

        if ((columns & CELL_BIT(column)) == 0)
            continue;
        *value = (struct cell_value){.type = CELL_NULL};
        if (sqlite3_column_type(stmt, (int)i) == SQLITE_NULL)
            continue;
        value->type = CELL_TEXT;
        value->text =
            cell_arena_copy(&row->arena, sql_column_bytes(stmt, (int)i));
    }
}

enum covey_rc row_read(struct store *st, struct row_work *work,
                       uint64_t columns, bool *present)
{
    sqlite3_stmt *stmt = row_sql_begin(st, work->row->rules, ROW_GET);

    sql_bind_text(stmt, 1, work->hex);
    sql_bind_text(stmt, 2, work->space->id);

    enum covey_rc rc = sql_row(st, stmt);

    *present = rc == COVEY_OK;
    if (*present)
        table_columns(stmt, work->row, columns);
    sql_end(stmt);
    if (rc != COVEY_OK && rc != COVEY_ENONE)
        return rc;
    return work->row->arena.failed ? COVEY_ENOMEM : COVEY_OK;
}

/* ---- what is kept aside ---- */

static bool aside_read(struct cell_row *row, struct covey_bytes cells)
{
    struct wire_cursor c = wire_cursor(cells);
    size_t count = wire_read_array(&c) / 2;

    for (size_t i = 0; i < count; i++) {
        uint64_t column = wire_read_uint_max(&c, COLUMN_MAX);
        struct cell_value *value = &row->value[column];

        *value = (struct cell_value){.type = CELL_NULL};
        if (wire_peek(&c) == WIRE_NIL) {
            wire_read_nil(&c);
            continue;
        }
        value->type = CELL_TEXT;
        value->text = cell_arena_copy(&row->arena, wire_read_text(&c));
    }
    return wire_done(&c);
}

static void no_values(struct cell_row *row)
{
    for (uint64_t left = row->have; left != 0; left &= left - 1)
        row->value[__builtin_ctzll(left)] =
            (struct cell_value){.type = CELL_NULL};
}

static enum covey_rc aside_load(struct store *st, struct row_work *work)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_ASIDE_GET);

    no_values(work->row);
    bind_row(stmt, work);

    enum covey_rc rc = sql_row(st, stmt);

    if (rc == COVEY_OK && !aside_read(work->row, sql_column_bytes(stmt, 0)))
        rc = damaged(st, work);
    sql_end(stmt);
    if (rc != COVEY_OK && rc != COVEY_ENONE)
        return rc;
    return work->row->arena.failed ? COVEY_ENOMEM : COVEY_OK;
}

enum covey_rc row_values(struct store *st, struct row_work *work)
{
    if (!work->before.present)
        return aside_load(st, work);

    enum covey_rc rc =
        row_read(st, work, work->row->have, &work->before.present);

    if (rc == COVEY_OK && !work->before.present)
        no_values(work->row);
    return rc;
}
