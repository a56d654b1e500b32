#include "store/merge.h"

#include <stdio.h>
#include <string.h>

#include "store/gather.h"
#include "store/log_cache.h"
#include "store/row_sql.h"

#define SCRATCH_MAX (64u << 20)
#define EVENT_BYTES 256u

/* ---- what is gathered ---- */

static enum covey_rc gather_of(struct store *st, struct merge_gather **out)
{
    *out = st->gather;
    if (*out != NULL)
        return COVEY_OK;

    struct merge_gather *g = covey_new(&st->mem, sizeof *g);

    if (g == NULL)
        return COVEY_ENOMEM;
    cell_arena_init(&g->row.arena, &st->mem);
    buf_init(&g->scratch, &st->mem, SCRATCH_MAX);
    buf_init(&g->events, &st->mem, (size_t)GATHER_EVENTS_MAX * EVENT_BYTES);
    st->gather = g;
    *out = g;
    return COVEY_OK;
}

static void drop_spaces(struct store *st, struct merge_gather *g)
{
    while (g->spaces != NULL) {
        struct row_space *next = g->spaces->next;

        covey_free(&st->mem, g->spaces);
        g->spaces = next;
    }
}

void merge_gather_free(struct store *st)
{
    struct merge_gather *g = st->gather;

    row_sql_free(st);
    if (g == NULL)
        return;
    drop_spaces(st, g);
    cell_arena_clear(&g->row.arena);
    buf_clear(&g->scratch);
    buf_clear(&g->events);
    covey_free(&st->mem, g);
    st->gather = NULL;
}

static enum covey_rc read_totals(struct store *st, struct row_space *space)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_TOTALS_GET);
    uint8_t digest[16];

    sql_bind_int(stmt, 1, space->n);

    enum covey_rc rc = sql_row(st, stmt);

    if (rc == COVEY_OK) {
        sql_column_text(stmt, 0, space->id, sizeof space->id);
        rc = sql_column_fixed(stmt, 1, digest, sizeof digest);
        space->rows = sqlite3_column_int64(stmt, 2);
    }
    sql_end(stmt);
    if (rc == COVEY_OK)
        row_digest_add(space->digest, digest);
    return rc;
}

static enum covey_rc find_space(struct store *st, struct merge_gather *g,
                                int64_t n, struct row_space **out)
{
    for (*out = g->spaces; *out != NULL; *out = (*out)->next) {
        if ((*out)->n == n)
            return COVEY_OK;
    }

    struct row_space *space = covey_new(&st->mem, sizeof *space);

    if (space == NULL)
        return COVEY_ENOMEM;
    space->n = n;

    enum covey_rc rc = read_totals(st, space);

    if (rc != COVEY_OK) {
        covey_free(&st->mem, space);
        return rc;
    }
    space->next = g->spaces;
    g->spaces = space;
    *out = space;
    return COVEY_OK;
}

enum covey_rc gather_work(struct store *st, int64_t n, struct row_work *out)
{
    struct merge_gather *g;
    enum covey_rc rc = gather_of(st, &g);

    if (rc != COVEY_OK)
        return rc;
    *out = (struct row_work){.row = &g->row, .scratch = &g->scratch};
    return find_space(st, g, n, &out->space);
}

/* Triggers guard and capture what people write; what comes from peers has been
 * judged and is not ours to seal. */
enum covey_rc merge_triggers(struct store *st, bool on)
{
    struct merge_gather *g;
    enum covey_rc rc = gather_of(st, &g);

    if (rc != COVEY_OK || g->triggers_off != on)
        return rc;

    int code = sqlite3_db_config(st->db, SQLITE_DBCONFIG_ENABLE_TRIGGER,
                                 on ? 1 : 0, NULL);

    if (code != SQLITE_OK)
        return store_failed(st, code);
    g->triggers_off = !on;
    return COVEY_OK;
}

/* ---- events ---- */

static const char *change_of(const struct row_work *work)
{
    if (work->row->alive != work->before.alive)
        return work->row->alive ? "insert" : "delete";
    if (!work->row->alive)
        return NULL;
    return cell_conflicts(work->row) > work->before.conflicts ? "conflict"
                                                              : "update";
}

void gather_event(struct store *st, const struct row_work *work)
{
    struct merge_gather *g = st->gather;
    const char *change = change_of(work);
    char line[EVENT_BYTES];

    if (change == NULL || ++g->event_count > GATHER_EVENTS_MAX)
        return;

    int len =
        snprintf(line, sizeof line,
                 "{\"space\":\"%s\",\"table\":\"%s\",\"id\":\"%s\","
                 "\"change\":\"%s\"}\n",
                 work->space->id, work->row->rules->name, work->hex, change);

    CHECK(len > 0 && (size_t)len < sizeof line);
    buf_append(&g->events, line, (size_t)len);
}

enum covey_rc merge_events(struct store *st, struct covey_buf *out)
{
    static const char many[] = "{\"many\":true}\n";
    struct merge_gather *g = st->gather;

    if (g == NULL || g->event_count == 0)
        return COVEY_OK;
    if (g->event_count > GATHER_EVENTS_MAX || buf_rc(&g->events) != COVEY_OK)
        buf_append(out, many, sizeof many - 1);
    else
        buf_append(out, g->events.p, g->events.len);
    buf_reset(&g->events);
    g->event_count = 0;
    return buf_rc(out);
}

/* ---- merging ---- */

/* A part, and what it is taken in as. */
struct intake {
    const struct row_part *part;
    const struct rule_table *rules;
    struct cell_stamp stamp;
    struct cell_source source;
};

static bool is_insert(const struct row_part *part)
{
    struct row_cell cell;
    size_t at = 0;

    return row_part_next(part, &at, &cell) && cell.column == COLUMN_EXISTS &&
           cell.value.integer != 0 && cell.replaced_count == 0;
}

/* An insert is nearly always of a row that is not here: no need to look. */
static enum covey_rc merge_new(struct store *st, struct row_work *work,
                               const struct intake *in, bool *done)
{
    *done = false;
    if (!is_insert(in->part))
        return COVEY_OK;
    row_fresh(work, in->rules, &in->part->id);

    enum covey_rc rc = cell_apply(work->row, in->part, &in->stamp, &in->source);

    if (rc != COVEY_OK || work->row->ahead_count > 0)
        return rc;
    return row_add(st, work, done);
}

static enum covey_rc merge_into(struct store *st, struct row_work *work,
                                const struct intake *in)
{
    enum covey_rc rc = row_load(st, work, in->rules, &in->part->id);

    if (rc == COVEY_OK && work->row->known)
        rc = row_values(st, work);
    if (rc == COVEY_OK)
        rc = cell_apply(work->row, in->part, &in->stamp, &in->source);
    if (rc == COVEY_OK)
        rc = row_save(st, work, in->source.seq);
    return rc;
}

enum covey_rc merge_row(struct store *st, const struct merge_source *source,
                        const struct row_part *part)
{
    struct intake in = {
        .part = part,
        .rules = rule_table_by_id(part->table),
        .stamp = {.clock = source->stamp.clock, .name = source->stamp.name},
        .source = {source->seq, (int64_t)source->wall_ms},
    };
    struct row_work work;
    bool done;

    if (in.rules == NULL)
        return why_say(&st->why, COVEY_EBAD, "no table has the number %u",
                       (unsigned)part->table);

    enum covey_rc rc = gather_work(st, source->n, &work);

    if (rc == COVEY_OK)
        rc = log_author(st, &source->stamp.author, &in.stamp.number,
                        &in.stamp.author);
    if (rc == COVEY_OK)
        rc = merge_new(st, &work, &in, &done);
    if (rc == COVEY_OK && !done)
        rc = merge_into(st, &work, &in);
    if (rc == COVEY_OK)
        gather_event(st, &work);
    return rc;
}

static enum covey_rc write_totals(struct store *st,
                                  const struct row_space *space)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_TOTALS_SET);
    uint8_t digest[16];

    put_u64(digest, space->digest[0]);
    put_u64(digest + 8, space->digest[1]);
    sql_bind_int(stmt, 1, space->n);
    sql_bind_blob(stmt, 2, digest, sizeof digest);
    sql_bind_int(stmt, 3, space->rows);
    return sql_run(st, stmt);
}

enum covey_rc merge_flush(struct store *st)
{
    struct merge_gather *g = st->gather;
    enum covey_rc rc = COVEY_OK;

    if (g == NULL)
        return COVEY_OK;
    for (const struct row_space *it = g->spaces; it != NULL && rc == COVEY_OK;
         it = it->next) {
        if (it->changed)
            rc = write_totals(st, it);
    }
    if (rc == COVEY_OK)
        rc = merge_triggers(st, true);
    drop_spaces(st, g);
    return rc;
}

/* Events of before that nobody has asked for yet are not lost: "many" makes
 * whoever listens look at everything. */
void merge_forget(struct store *st)
{
    struct merge_gather *g = st->gather;

    if (g == NULL)
        return;
    drop_spaces(st, g);
    if (g->event_count > 0)
        g->event_count = GATHER_EVENTS_MAX + 1;

    enum covey_rc rc = merge_triggers(st, true);

    CHECK(rc == COVEY_OK); /* a flag in memory */
}

enum covey_rc merge_conflicts(struct store *st, int64_t n, int64_t *count)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_SIBLING_COUNT);

    sql_bind_int(stmt, 1, n);

    enum covey_rc rc = sql_row(st, stmt);

    *count = rc == COVEY_OK ? sqlite3_column_int64(stmt, 0) : 0;
    sql_end(stmt);
    return rc;
}

/* ---- checking ---- */

static enum covey_rc hash_anew(struct store *st, struct row_work *work,
                               const struct rule_table *rules,
                               const struct row_id *id, uint64_t digest[2])
{
    uint8_t hash[16];
    enum covey_rc rc = row_load(st, work, rules, id);

    if (rc == COVEY_OK)
        rc = row_values(st, work);
    work->row->alive = cell_is_alive(work->row);
    if (rc == COVEY_OK)
        rc = cell_hash(work->row, work->scratch, hash);
    if (rc == COVEY_OK)
        row_digest_add(digest, hash);
    return rc;
}

static enum covey_rc next_row(struct store *st, int64_t n, int64_t *table,
                              struct row_id *id)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_CLOCK_NEXT);
    struct row_id after = *id;

    sql_bind_int(stmt, 1, n);
    sql_bind_int(stmt, 2, *table);
    sql_bind_blob(stmt, 3, after.b, sizeof after.b);

    enum covey_rc rc = sql_row(st, stmt);

    if (rc == COVEY_OK) {
        *table = sqlite3_column_int64(stmt, 0);
        rc = sql_column_fixed(stmt, 1, id->b, sizeof id->b);
    }
    sql_end(stmt);
    return rc;
}

enum covey_rc merge_digest_anew(struct store *st, int64_t n, uint8_t digest[16])
{
    struct row_work work;
    struct row_id id = {{0}};
    uint64_t sum[2] = {0, 0};
    int64_t table = 0;
    enum covey_rc rc = gather_work(st, n, &work);

    while (rc == COVEY_OK) {
        rc = next_row(st, n, &table, &id);
        if (rc != COVEY_OK)
            break;

        const struct rule_table *rules = rule_table_by_id((uint32_t)table);

        if (rules == NULL)
            return why_say(&st->why, COVEY_ECORRUPT,
                           "the record holds rows of a table that this version "
                           "does not know");
        rc = hash_anew(st, &work, rules, &id, sum);
    }
    put_u64(digest, sum[0]);
    put_u64(digest + 8, sum[1]);
    if (!store_in_transaction(st))
        drop_spaces(st, st->gather);
    return rc == COVEY_ENONE ? COVEY_OK : rc;
}
