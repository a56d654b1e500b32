#include "store/outbox.h"

#include <string.h>

#define ENTRIES_BYTES (OUTBOX_WINDOW * sizeof(struct outbox_entry))
#define ROWS_BYTES (OUTBOX_WINDOW * sizeof(struct outbox_row))

void outbox_init(struct outbox *o, const struct covey_mem *mem)
{
    buf_init(&o->entries, mem, ENTRIES_BYTES);
    buf_init(&o->rows, mem, ROWS_BYTES);
    cell_arena_init(&o->arena, mem);
    o->more = false;
}

void outbox_clear(struct outbox *o)
{
    buf_clear(&o->entries);
    buf_clear(&o->rows);
    cell_arena_clear(&o->arena);
}

static size_t entry_count(const struct outbox *o)
{
    return o->entries.len / sizeof(struct outbox_entry);
}

static struct outbox_entry *entry_at(const struct outbox *o, size_t i)
{
    CHECK(i < entry_count(o));
    return (struct outbox_entry *)(void *)o->entries.p + i;
}

size_t outbox_row_count(const struct outbox *o)
{
    return o->rows.len / sizeof(struct outbox_row);
}

struct outbox_row *outbox_row(const struct outbox *o, size_t i)
{
    CHECK(i < outbox_row_count(o));
    return (struct outbox_row *)(void *)o->rows.p + i;
}

/* ---- reading ---- */

/* What no trigger of ours wrote counts for nothing. */
static bool is_ours(const struct outbox_entry *e)
{
    return e->op >= OUTBOX_INSERT && e->op <= OUTBOX_REPLACE &&
           rule_table_by_id(e->table) != NULL;
}

static void read_entry(struct outbox *o, sqlite3_stmt *stmt)
{
    char id[2 * sizeof(struct row_id) + 2];
    struct outbox_entry e = {
        .seq = sqlite3_column_int64(stmt, 0),
        .table = (uint32_t)sqlite3_column_int64(stmt, 1),
        .columns = (uint64_t)sqlite3_column_int64(stmt, 3),
        .op = (enum outbox_op)sqlite3_column_int(stmt, 4),
        .has_seen = sqlite3_column_type(stmt, 5) != SQLITE_NULL,
        .next = OUTBOX_NONE,
    };

    sql_column_text(stmt, 2, id, sizeof id);
    if (!is_ours(&e) || !hex_decode(id, e.id.b, sizeof e.id.b))
        e.table = 0;
    if (e.has_seen)
        e.seen = cell_arena_copy(&o->arena, sql_column_bytes(stmt, 5));
    if (e.op == OUTBOX_DELETE)
        e.old = cell_arena_copy(&o->arena, sql_column_bytes(stmt, 6));
    buf_append(&o->entries, &e, sizeof e);
}

static enum covey_rc read_entries(struct store *st, int64_t n, struct outbox *o)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_OUTBOX_READ);
    size_t bytes = 0;
    enum covey_rc rc;

    sql_bind_int(stmt, 1, n);
    sql_bind_int(stmt, 2, OUTBOX_WINDOW + 1);
    for (;;) {
        rc = sql_row(st, stmt);
        o->more = rc == COVEY_OK;
        if (rc != COVEY_OK || entry_count(o) == OUTBOX_WINDOW ||
            bytes > OUTBOX_WINDOW_BYTES)
            break;
        bytes += sql_column_bytes(stmt, 5).len + sql_column_bytes(stmt, 6).len;
        read_entry(o, stmt);
    }
    sql_end(stmt);
    if (rc != COVEY_OK && rc != COVEY_ENONE)
        return rc;
    return o->arena.failed ? COVEY_ENOMEM : buf_rc(&o->entries);
}

/* Where a row's number is, or should be, in a table of `size` places. */
static size_t place_of(const struct outbox *o, const uint32_t *places,
                       size_t size, const struct outbox_entry *e)
{
    uint64_t mixed = get_u64(e->id.b + sizeof e->id.b - 8) ^ e->table;
    size_t at = (size_t)(mixed ^ mixed >> 32) & (size - 1);

    for (; places[at] != 0; at = (at + 1) & (size - 1)) {
        const struct outbox_row *row = outbox_row(o, places[at] - 1);

        if (row->table == e->table &&
            memcmp(&row->id, &e->id, sizeof e->id) == 0)
            break;
    }
    return at;
}

static void join_row(struct outbox *o, uint32_t *place, uint32_t i)
{
    const struct outbox_entry *e = entry_at(o, i);

    if (*place != 0) {
        struct outbox_row *row = outbox_row(o, *place - 1);

        entry_at(o, row->last)->next = i;
        row->last = i;
        return;
    }

    const struct outbox_row row = {
        .table = e->table, .id = e->id, .first = i, .last = i};

    buf_append(&o->rows, &row, sizeof row);
    *place = (uint32_t)outbox_row_count(o);
}

static enum covey_rc group(struct outbox *o)
{
    size_t count = entry_count(o);
    size_t size = 2;

    while (size < 2 * count)
        size *= 2;

    uint32_t *places = cell_arena_take(&o->arena, size * sizeof *places);

    if (places == NULL)
        return COVEY_ENOMEM;
    memset(places, 0, size * sizeof *places);
    for (size_t i = 0; i < count && buf_rc(&o->rows) == COVEY_OK; i++) {
        size_t at = place_of(o, places, size, entry_at(o, i));

        join_row(o, &places[at], (uint32_t)i);
    }
    return buf_rc(&o->rows);
}

enum covey_rc outbox_read(struct store *st, int64_t n, struct outbox *o)
{
    buf_reset(&o->entries);
    buf_reset(&o->rows);
    cell_arena_reset(&o->arena);

    enum covey_rc rc = read_entries(st, n, o);

    return rc == COVEY_OK ? group(o) : rc;
}

/* ---- what entries add up to ---- */

static const struct outbox_entry *next_of(const struct outbox *o,
                                          const struct outbox_entry *e)
{
    return e->next == OUTBOX_NONE ? NULL : entry_at(o, e->next);
}

static void add_insert(struct outbox_sum *sum, const struct outbox_entry *e,
                       const struct outbox_entry *before)
{
    if (before != NULL && before->op == OUTBOX_REPLACE) {
        sum->replaced = true;
        sum->columns |= before->columns;
        return;
    }
    sum->inserted = true;
    sum->columns |= e->columns;
}

struct outbox_sum outbox_sum(const struct outbox *o,
                             const struct outbox_row *row)
{
    struct outbox_sum sum = {.columns = 0};
    const struct outbox_entry *e = entry_at(o, row->first);
    const struct outbox_entry *before = NULL;

    for (; e != NULL; before = e, e = next_of(o, e)) {
        switch (e->op) {
        case OUTBOX_INSERT:
            add_insert(&sum, e, before);
            break;
        case OUTBOX_UPDATE:
            sum.columns |= e->columns;
            break;
        case OUTBOX_DELETE:
            if (sum.first_delete == NULL)
                sum.first_delete = e;
            sum.last_delete = e;
            break;
        case OUTBOX_REPLACE:
            break;
        }
    }
    sum.columns &= ~CELL_BIT(COLUMN_EXISTS);
    return sum;
}

static bool names_contain(struct covey_bytes names,
                          const struct stamp_name *name)
{
    for (size_t i = 0; i + STAMP_NAME <= names.len; i += STAMP_NAME) {
        if (memcmp(names.p + i, name->b, STAMP_NAME) == 0)
            return true;
    }
    return false;
}

static bool writes(const struct outbox_entry *e, uint32_t column)
{
    if (column == COLUMN_EXISTS)
        return e->op == OUTBOX_DELETE;
    return e->op != OUTBOX_REPLACE && (e->columns & CELL_BIT(column)) != 0;
}

bool outbox_saw(const struct outbox *o, const struct outbox_row *row,
                uint32_t column, const struct stamp_name *name)
{
    const struct outbox_entry *e = entry_at(o, row->first);
    bool written = false;

    for (; e != NULL; e = next_of(o, e)) {
        if (!writes(e, column))
            continue;
        if (!e->has_seen || names_contain(e->seen, name))
            return true;
        written = true;
    }
    return !written;
}

/* Take the number before a colon off the front. */
static bool take_length(struct covey_bytes *in, size_t *len)
{
    size_t i = 0;

    *len = 0;
    while (i < in->len && i < 9 && in->p[i] >= '0' && in->p[i] <= '9')
        *len = *len * 10 + (size_t)(in->p[i++] - '0');
    if (i == 0 || i == in->len || in->p[i] != ':' || *len > in->len - i - 1)
        return false;
    in->p += i + 1;
    in->len -= i + 1;
    return true;
}

static bool take_value(struct covey_bytes *in, struct cell_value *out)
{
    size_t len;

    *out = (struct cell_value){.type = CELL_NULL};
    if (in->len > 0 && in->p[0] == '-') {
        in->p++;
        in->len--;
        return true;
    }
    if (!take_length(in, &len))
        return false;
    *out = (struct cell_value){.type = CELL_TEXT, .text = {in->p, len}};
    in->p += len;
    in->len -= len;
    return true;
}

bool outbox_old(struct covey_bytes old, const struct rule_table *rules,
                uint64_t columns, struct cell_value *values)
{
    for (size_t i = 0; i < rules->column_count; i++) {
        uint32_t column = rules->columns[i].id;
        struct cell_value value;

        if (!take_value(&old, &value))
            return false;
        if ((columns & CELL_BIT(column)) != 0)
            values[column] = value;
    }
    return old.len == 0;
}

void outbox_gone(const struct outbox_row *row, const struct rule_table *rules,
                 uint64_t columns, struct cell_value *values)
{
    uint64_t fixed = 0;

    for (size_t i = 0; i < rules->column_count; i++) {
        uint32_t column = rules->columns[i].id;

        if (rules->columns[i].fixed)
            fixed |= CELL_BIT(column);
        if ((columns & CELL_BIT(column)) != 0)
            values[column] = (struct cell_value){.type = CELL_NULL};
    }
    (void)outbox_old(row->old, rules, columns & ~fixed, values);
    (void)outbox_old(row->oldest, rules, columns & fixed, values);
}

static enum covey_rc search_deletes(struct store *st, int64_t n,
                                    struct outbox *o, struct outbox_row *row)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_OUTBOX_DELETES);
    char id[2 * sizeof(struct row_id) + 1];
    enum covey_rc rc;

    hex_encode(row->id.b, sizeof row->id.b, id);
    sql_bind_int(stmt, 1, row->table);
    sql_bind_text(stmt, 2, id);
    sql_bind_int(stmt, 3, n);
    for (;;) {
        rc = sql_row(st, stmt);
        if (rc != COVEY_OK)
            break;
        row->old = cell_arena_copy(&o->arena, sql_column_bytes(stmt, 0));
        if (row->oldest.p == NULL)
            row->oldest = row->old;
    }
    sql_end(stmt);
    return rc;
}

enum covey_rc outbox_find_deletes(struct store *st, int64_t n, struct outbox *o,
                                  struct outbox_row *row)
{
    const struct outbox_sum sum = outbox_sum(o, row);

    if (sum.last_delete != NULL) {
        row->old = sum.last_delete->old;
        row->oldest = sum.first_delete->old;
        return COVEY_OK;
    }

    enum covey_rc rc = search_deletes(st, n, o, row);

    if (rc == COVEY_ENONE && row->old.p != NULL)
        return COVEY_OK;
    return o->arena.failed ? COVEY_ENOMEM : rc;
}

/* ---- taking off ---- */

static enum covey_rc drop_to(struct store *st, int64_t n, int64_t seq)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_OUTBOX_DROP_TO);

    sql_bind_int(stmt, 1, n);
    sql_bind_int(stmt, 2, seq);
    return sql_run(st, stmt);
}

/* Of a row that did not fit, what remains is an update of other columns. */
static enum covey_rc drop_or_trim(struct store *st,
                                  const struct outbox_entry *e, uint64_t rest)
{
    bool trim = (e->columns & rest) != 0;
    sqlite3_stmt *stmt =
        sql_begin(st, trim ? SQL_OUTBOX_TRIM : SQL_OUTBOX_DROP);

    sql_bind_int(stmt, 1, e->seq);
    if (trim)
        sql_bind_int(stmt, 2, (int64_t)rest);
    return sql_run(st, stmt);
}

/* All entries up to this one have served. */
static int64_t settled_to(const struct outbox *o)
{
    size_t count = entry_count(o);

    for (size_t i = 0; i < outbox_row_count(o); i++) {
        const struct outbox_row *row = outbox_row(o, i);

        if (row->fate == OUTBOX_LEFT || row->fate == OUTBOX_SPLIT)
            return entry_at(o, row->first)->seq - 1;
    }
    return count == 0 ? 0 : entry_at(o, count - 1)->seq;
}

static enum covey_rc settle_row(struct store *st, const struct outbox *o,
                                const struct outbox_row *row, int64_t through)
{
    const struct outbox_entry *e = entry_at(o, row->first);
    enum covey_rc rc = COVEY_OK;

    for (; e != NULL && rc == COVEY_OK; e = next_of(o, e)) {
        if (e->seq > through)
            rc = drop_or_trim(st, e, row->rest);
    }
    return rc;
}

enum covey_rc outbox_settle(struct store *st, int64_t n, const struct outbox *o)
{
    int64_t through = settled_to(o);
    enum covey_rc rc = through == 0 ? COVEY_OK : drop_to(st, n, through);

    for (size_t i = 0; i < outbox_row_count(o) && rc == COVEY_OK; i++) {
        const struct outbox_row *row = outbox_row(o, i);

        if (row->fate != OUTBOX_LEFT && entry_at(o, row->last)->seq > through)
            rc = settle_row(st, o, row, through);
    }
    return rc;
}
