/* Saving a row: the other half of row.h. */
#include <string.h>

#include "proto/wire.h"
#include "store/log_cache.h"
#include "store/row.h"
#include "store/row_sql.h"

/* ---- the table ---- */

static struct cell_value shown(const struct cell_row *row,
                               const struct rule_column *column)
{
    if ((row->have & CELL_BIT(column->id)) == 0)
        return row_initial(column);
    return row->value[column->id];
}

static void bind_columns(sqlite3_stmt *stmt, const struct row_work *work)
{
    const struct rule_table *rules = work->row->rules;

    for (size_t i = 0; i < rules->column_count; i++) {
        const struct cell_value value = shown(work->row, &rules->columns[i]);

        row_sql_bind(stmt, (int)i + 3, &value);
    }
}

static enum covey_rc set_one(struct store *st, const struct row_work *work)
{
    uint32_t id = (uint32_t)__builtin_ctzll(work->row->changed);
    const struct rule_column *column = rule_column_by_id(work->row->rules, id);
    const struct cell_value value = shown(work->row, column);
    sqlite3_stmt *stmt = row_sql_begin_one(st, work->row->rules, column);

    sql_bind_text(stmt, 1, work->hex);
    row_sql_bind(stmt, 3, &value);
    return sql_run(st, stmt);
}

static enum covey_rc update_table(struct store *st, const struct row_work *work)
{
    uint64_t changed = work->row->changed;

    if (changed == 0)
        return COVEY_OK;

    enum covey_rc rc = merge_triggers(st, false);

    if (rc != COVEY_OK)
        return rc;
    if ((changed & (changed - 1)) == 0)
        return set_one(st, work);

    sqlite3_stmt *stmt = row_sql_begin(st, work->row->rules, ROW_SET);

    sql_bind_text(stmt, 1, work->hex);
    bind_columns(stmt, work);
    return sql_run(st, stmt);
}

/* ---- aside ---- */

static void bind_row(sqlite3_stmt *stmt, const struct row_work *work)
{
    sql_bind_int(stmt, 1, work->space->n);
    sql_bind_int(stmt, 2, work->row->table);
    sql_bind_blob(stmt, 3, work->row->id.b, sizeof work->row->id.b);
}

static enum covey_rc aside_put(struct store *st, const struct row_work *work)
{
    const struct cell_row *row = work->row;
    size_t columns = (size_t)__builtin_popcountll(row->have);

    buf_reset(work->scratch);
    wire_array(work->scratch, 2 * columns);
    for (uint64_t left = row->have; left != 0; left &= left - 1) {
        uint32_t column = (uint32_t)__builtin_ctzll(left);

        wire_uint(work->scratch, column);
        cell_value_write(work->scratch, &row->value[column]);
    }
    if (buf_rc(work->scratch) != COVEY_OK)
        return buf_rc(work->scratch);

    sqlite3_stmt *stmt = sql_begin(st, SQL_ASIDE_PUT);

    bind_row(stmt, work);
    sql_bind_blob(stmt, 4, work->scratch->p, work->scratch->len);
    return sql_run(st, stmt);
}

static enum covey_rc aside_drop(struct store *st, const struct row_work *work)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_ASIDE_DROP);

    bind_row(stmt, work);
    return sql_run(st, stmt);
}

/* ---- in the table, or aside ---- */

/* The key of a shared table is the id alone.  Where another space's row, or a
 * private one, has it, which only a lying owner can bring about, this one is
 * kept beside. */
static enum covey_rc enter_table(struct store *st, struct row_work *work)
{
    enum covey_rc rc = merge_triggers(st, false);

    if (rc != COVEY_OK)
        return rc;

    sqlite3_stmt *stmt = row_sql_begin(st, work->row->rules, ROW_INSERT);

    sql_bind_text(stmt, 1, work->hex);
    sql_bind_text(stmt, 2, work->space->id);
    bind_columns(stmt, work);
    rc = sql_run(st, stmt);
    if (rc != COVEY_OK)
        return rc;
    work->row->aside = sqlite3_changes(st->db) == 0;
    if (work->row->aside)
        return aside_put(st, work);
    return work->row->known ? aside_drop(st, work) : COVEY_OK;
}

static enum covey_rc leave_table(struct store *st, const struct row_work *work)
{
    enum covey_rc rc = merge_triggers(st, false);

    if (rc != COVEY_OK)
        return rc;

    sqlite3_stmt *stmt = row_sql_begin(st, work->row->rules, ROW_DELETE);

    sql_bind_text(stmt, 1, work->hex);
    return sql_run(st, stmt);
}

static enum covey_rc place(struct store *st, struct row_work *work)
{
    struct cell_row *row = work->row;
    enum covey_rc rc = COVEY_OK;

    if (row->alive && work->before.present) {
        /* Written here by its own people while the record had it aside. */
        if (row->known && (!work->before.alive || row->aside))
            rc = aside_drop(st, work);
        row->aside = false;
        return rc == COVEY_OK ? update_table(st, work) : rc;
    }
    if (row->alive && row->known)
        SOMETIMES("an edit brings a deleted row back");
    if (row->alive)
        return enter_table(st, work);
    if (work->before.present)
        rc = leave_table(st, work);
    row->aside = false;
    if (rc != COVEY_OK || row->have == 0 ||
        (row->changed == 0 && !work->before.alive))
        return rc;
    return aside_put(st, work);
}

/* ---- siblings ---- */

/* Deletes of a row that is alive all the same are listed like siblings. */
static void list_deletes(struct cell_row *row)
{
    for (size_t i = 0; i < row->sibling_count; i++) {
        struct cell_sibling *it = &row->siblings[i];

        if (it->column == COLUMN_EXISTS)
            it->gone = !row->alive ||
                       !cell_stands(row, COLUMN_EXISTS, &it->stamp.name);
    }
    for (size_t i = 0; row->alive && i < row->exists_count; i++) {
        const struct cell_exists *it = &row->exists[i];
        bool listed = it->value;

        for (size_t k = 0; k < row->sibling_count && !listed; k++)
            listed =
                row->siblings[k].column == COLUMN_EXISTS &&
                cell_name_equal(&row->siblings[k].stamp.name, &it->stamp.name);
        if (!listed)
            cell_add_sibling(row,
                             &(struct cell_sibling){.column = COLUMN_EXISTS,
                                                    .stamp = it->stamp,
                                                    .value.type = CELL_BOOL,
                                                    .source = it->source});
    }
}

static void bind_sibling(sqlite3_stmt *stmt, const struct row_work *work,
                         const struct cell_sibling *it)
{
    sql_bind_text(stmt, 1, work->hex);
    sql_bind_int(stmt, 2, work->row->table);
    sql_bind_int(stmt, 3, work->space->n);
    sql_bind_int(stmt, 4, it->column);
    sql_bind_int(stmt, 5, (int64_t)it->stamp.clock);
    sql_bind_int(stmt, 6, it->stamp.number);
    sql_bind_blob(stmt, 7, it->stamp.name.b, STAMP_NAME);
}

static enum covey_rc sibling_put(struct store *st, const struct row_work *work,
                                 const struct cell_sibling *it)
{
    struct cell_source source = it->source;
    struct log_named named;
    enum covey_rc rc = COVEY_OK;

    if (source.seq == 0)
        rc = log_named(st, work->space->n, &it->stamp.name, &named);
    if (source.seq == 0 && rc == COVEY_OK)
        source = (struct cell_source){named.seq, named.wall_ms};
    if (rc != COVEY_OK && rc != COVEY_ENONE)
        return rc;

    sqlite3_stmt *stmt = sql_begin(st, SQL_SIBLING_PUT);

    bind_sibling(stmt, work, it);
    row_sql_bind(stmt, 8, &it->value);
    if (source.wall_ms != 0)
        sql_bind_int(stmt, 9, source.wall_ms);
    if (source.seq != 0)
        sql_bind_int(stmt, 10, source.seq);
    return sql_run(st, stmt);
}

static enum covey_rc sibling_drop(struct store *st, const struct row_work *work,
                                  const struct cell_sibling *it)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_SIBLING_DROP);

    bind_sibling(stmt, work, it);
    return sql_run(st, stmt);
}

static enum covey_rc save_siblings(struct store *st, struct row_work *work)
{
    struct cell_row *row = work->row;
    enum covey_rc rc = COVEY_OK;

    for (size_t i = 0; i < row->sibling_count && rc == COVEY_OK; i++) {
        const struct cell_sibling *it = &row->siblings[i];

        if (it->gone && it->stored)
            rc = sibling_drop(st, work, it);
        if (!it->gone && !it->stored)
            rc = sibling_put(st, work, it);
    }
    return rc;
}

/* ---- what is ahead ---- */

/* A name that stands nowhere: has its change set come and been replaced since,
 * as with any two edits made at once?  Then there is nothing to wait for. */
static enum covey_rc has_come(struct store *st, const struct row_work *work,
                              int64_t seq, const struct cell_ahead *it,
                              bool *come)
{
    struct log_named named;
    enum covey_rc rc = log_named(st, work->space->n, &it->name, &named);

    *come = rc == COVEY_OK && named.applied && (seq == 0 || named.seq < seq);
    return rc == COVEY_ENONE ? COVEY_OK : rc;
}

static enum covey_rc ahead_write(struct store *st, enum sql_id id,
                                 const struct row_work *work,
                                 const struct cell_ahead *it)
{
    sqlite3_stmt *stmt = sql_begin(st, id);

    bind_row(stmt, work);
    sql_bind_int(stmt, 4, it->column);
    sql_bind_blob(stmt, 5, it->name.b, STAMP_NAME);
    return sql_run(st, stmt);
}

static enum covey_rc save_ahead(struct store *st, struct row_work *work,
                                int64_t seq)
{
    struct cell_row *row = work->row;
    enum covey_rc rc = COVEY_OK;

    for (size_t i = 0; i < row->ahead_count && rc == COVEY_OK; i++) {
        struct cell_ahead *it = &row->ahead[i];

        if (!it->stored && !it->gone)
            rc = has_come(st, work, seq, it, &it->gone);
        if (rc == COVEY_OK && it->stored == it->gone)
            rc = ahead_write(st, it->gone ? SQL_AHEAD_DROP : SQL_AHEAD_PUT,
                             work, it);
    }
    return rc;
}

/* ---- the clock record and the totals ---- */

static void digest_sum(uint64_t digest[2], uint64_t high, uint64_t low)
{
    digest[1] += low;
    digest[0] += high + (digest[1] < low ? 1u : 0u);
}

void row_digest_add(uint64_t digest[2], const uint8_t hash[16])
{
    digest_sum(digest, get_u64(hash), get_u64(hash + 8));
}

/* By adding what it lacks to 2^128. */
void row_digest_take(uint64_t digest[2], const uint8_t hash[16])
{
    uint64_t high = ~get_u64(hash);
    uint64_t low = ~get_u64(hash + 8) + 1u;

    digest_sum(digest, high + (low == 0 ? 1u : 0u), low);
}

static enum covey_rc clock_write(struct store *st, enum sql_id id,
                                 struct row_work *work, const uint8_t hash[16])
{
    buf_reset(work->scratch);
    cell_pack(work->row, work->scratch);
    if (buf_rc(work->scratch) != COVEY_OK)
        return buf_rc(work->scratch);

    sqlite3_stmt *stmt = sql_begin(st, id);

    bind_row(stmt, work);
    sql_bind_blob(stmt, 4, work->scratch->p, work->scratch->len);
    sql_bind_blob(stmt, 5, hash, 16);
    return sql_run(st, stmt);
}

static void count(struct row_work *work, const uint8_t hash[16])
{
    struct cell_row *row = work->row;
    struct row_space *space = work->space;

    row_digest_take(space->digest, row->hash);
    row_digest_add(space->digest, hash);
    space->rows += (int64_t)row->alive - (int64_t)work->before.alive;
    space->changed = true;
    memcpy(row->hash, hash, sizeof row->hash);
    row->known = true;
}

static enum covey_rc save_clock(struct store *st, struct row_work *work)
{
    uint8_t hash[16];
    enum covey_rc rc = cell_hash(work->row, work->scratch, hash);

    if (rc == COVEY_OK)
        rc = clock_write(st, work->row->known ? SQL_CLOCK_SET : SQL_CLOCK_ADD,
                         work, hash);
    if (rc == COVEY_OK)
        count(work, hash);
    return rc;
}

enum covey_rc row_save(struct store *st, struct row_work *work, int64_t seq)
{
    struct cell_row *row = work->row;
    enum covey_rc rc = COVEY_OK;

    if (row->ahead_count > 0)
        rc = save_ahead(st, work, seq);
    if (rc == COVEY_OK)
        rc = place(st, work);
    list_deletes(row);
    if (rc == COVEY_OK && row->arena.failed)
        rc = COVEY_ENOMEM;
    if (rc == COVEY_OK && row->sibling_count > 0)
        rc = save_siblings(st, work);
    return rc == COVEY_OK ? save_clock(st, work) : rc;
}

enum covey_rc row_add(struct store *st, struct row_work *work, bool *added)
{
    struct cell_row *row = work->row;
    uint8_t hash[16];
    enum covey_rc rc = cell_hash(row, work->scratch, hash);

    CHECK(row->sibling_count == 0 && row->ahead_count == 0);
    if (rc == COVEY_OK)
        rc = clock_write(st, SQL_CLOCK_TRY, work, hash);
    *added = rc == COVEY_OK && sqlite3_changes(st->db) == 1;
    if (!*added)
        return rc;
    rc = place(st, work);
    if (rc == COVEY_OK && row->aside)
        rc = clock_write(st, SQL_CLOCK_SET, work, hash);
    if (rc == COVEY_OK)
        count(work, hash);
    return rc;
}
