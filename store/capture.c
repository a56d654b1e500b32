#include "store/capture.h"

#include <stdlib.h>
#include <string.h>

#include "store/capture_rows.h"
#include "store/gather.h"
#include "store/log_cache.h"
#include "store/row_sql.h"
#include "store/schema.h"

#define NAMES_MAX 1024u
#define CELL_OVERHEAD 16u /* bytes of a cell beside its text, at the most */
#define PART_OVERHEAD 64u

void capture_init(struct capture *c, const struct covey_mem *mem)
{
    memset(c, 0, sizeof *c);
    buf_init(&c->bytes, mem, 8u << 20);
}

void capture_clear(struct capture *c)
{
    const struct covey_mem *mem = c->bytes.mem;

    for (size_t i = 0; c->rows != NULL && i < c->rows->count; i++) {
        buf_clear(&c->rows->row[i].old);
        buf_clear(&c->rows->row[i].seen);
    }
    if (c->rows != NULL)
        covey_free(mem, c->rows->notes);
    covey_free(mem, c->rows);
    buf_clear(&c->bytes);
    c->rows = NULL;
}

enum covey_rc capture_next_space(struct store *st, int64_t after_n, int64_t *n)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_OUTBOX_SPACE);

    sql_bind_int(stmt, 1, after_n);
    enum covey_rc rc = sql_row(st, stmt);
    if (rc == COVEY_OK && sqlite3_column_type(stmt, 0) == SQLITE_NULL)
        rc = COVEY_ENONE;
    if (rc == COVEY_OK)
        *n = sqlite3_column_int64(stmt, 0);
    sql_end(stmt);
    return rc;
}

enum covey_rc capture_count(struct store *st, int64_t n, int64_t *count)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_OUTBOX_COUNT);

    sql_bind_int(stmt, 1, n);
    enum covey_rc rc = sql_row(st, stmt);
    *count = rc == COVEY_OK ? sqlite3_column_int64(stmt, 0) : 0;
    sql_end(stmt);
    return rc;
}

/* ---- one row's part ---- */

/* The part of one row as it is put together. */
struct draft {
    struct capture_row *wish;
    struct cell_row *row;
    uint64_t columns; /* to be told */
    bool insert, remove;
    size_t name_count;
    struct stamp_name names[NAMES_MAX];
};

static uint16_t name_index(struct draft *d, const struct stamp_name *name)
{
    for (size_t i = 0; i < d->name_count; i++)
        if (cell_name_equal(&d->names[i], name))
            return (uint16_t)i;
    if (d->name_count < NAMES_MAX)
        d->names[d->name_count++] = *name;
    return (uint16_t)(d->name_count - 1);
}

static int by_index(const void *a, const void *b)
{
    return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

/* Did the form that wrote the row see this write?  Where no form told, it saw
 * all that stands. */
static bool was_seen(const struct draft *d, const struct stamp_name *name)
{
    const struct covey_buf *seen = &d->wish->seen;

    if (seen->len == 0)
        return true;
    for (size_t i = 0; i + STAMP_NAME <= seen->len; i += STAMP_NAME)
        if (memcmp(seen->p + i, name->b, STAMP_NAME) == 0)
            return true;
    return false;
}

/* The names of all that stands in a column and that this write replaces. */
static size_t standing(struct draft *d, uint32_t column, uint16_t *out,
                       size_t cap)
{
    const struct cell_row *row = d->row;
    size_t count = 0;

    for (size_t i = 0; column == COLUMN_EXISTS && i < row->exists_count; i++)
        if (count < cap)
            out[count++] = name_index(d, &row->exists[i].stamp.name);
    if (column != COLUMN_EXISTS && (row->have & CELL_BIT(column)) != 0)
        out[count++] = name_index(d, &row->stamp[column].name);
    for (size_t i = 0; column != COLUMN_EXISTS && i < row->sibling_count; i++) {
        const struct cell_sibling *it = &row->siblings[i];

        if (!it->gone && it->column == column && count < cap &&
            was_seen(d, &it->stamp.name))
            out[count++] = name_index(d, &it->stamp.name);
    }
    qsort(out, count, sizeof *out, by_index);
    return count;
}

#define STANDING_MAX 256u

static void add_cell(struct draft *d, uint32_t column,
                     const struct cell_value *value, struct covey_buf *out)
{
    const struct rule_column *rule = rule_column_by_id(d->row->rules, column);
    uint16_t replaced[STANDING_MAX];
    size_t count = 0;

    if (rule == NULL || !rule->fixed)
        count = standing(d, column, replaced, STANDING_MAX);
    row_part_cell(out, column, value, replaced, count);
}

/* The names come before the cells, so find them all first. */
static void find_names(struct draft *d)
{
    uint16_t none[STANDING_MAX];

    if (d->insert || d->remove)
        (void)standing(d, COLUMN_EXISTS, none, STANDING_MAX);
    uint64_t columns = d->remove ? ~UINT64_C(1) : d->columns;
    for (size_t i = 0; i < d->row->rules->column_count; i++) {
        const struct rule_column *c = &d->row->rules->columns[i];

        if ((columns & CELL_BIT(c->id)) != 0 && (!c->fixed || d->remove))
            (void)standing(d, c->id, none, STANDING_MAX);
    }
}

static void write_part(struct draft *d, struct covey_buf *out)
{
    struct cell_value exists = {.type = CELL_BOOL,
                                .integer = d->insert ? 1 : 0};
    size_t cells = (size_t)__builtin_popcountll(d->columns) +
                   (d->insert || d->remove ? 1u : 0u);

    find_names(d);
    row_part_begin(out, d->row->table, &d->row->id, d->names, d->name_count,
                   cells);
    if (d->insert || d->remove)
        add_cell(d, COLUMN_EXISTS, &exists, out);
    for (uint64_t left = d->columns; left != 0; left &= left - 1) {
        uint32_t column = (uint32_t)__builtin_ctzll(left);

        add_cell(d, column, &d->row->value[column], out);
    }
}

static bool is_initial(const struct rule_column *column,
                       const struct cell_value *value)
{
    struct cell_value initial = row_initial(column);

    return value->type == initial.type &&
           (value->type == CELL_NULL ||
            (value->text.len == initial.text.len &&
             memcmp(value->text.p, initial.text.p, initial.text.len) == 0));
}

static uint64_t all_columns(const struct rule_table *rules)
{
    uint64_t mask = 0;

    for (size_t i = 0; i < rules->column_count; i++)
        mask |= CELL_BIT(rules->columns[i].id);
    return mask;
}

/* What of the row is to be told. */
static void decide(struct draft *d, bool was_alive)
{
    const struct rule_table *rules = d->row->rules;

    d->remove = was_alive && !d->wish->present;
    d->insert = !was_alive && d->wish->present;
    d->columns = 0;
    if (!d->wish->present)
        return;
    d->columns = d->wish->cols & all_columns(rules);
    if (!d->insert)
        return;
    d->columns = 0;
    for (size_t i = 0; i < rules->column_count; i++) {
        const struct rule_column *c = &rules->columns[i];

        if ((d->row->have & CELL_BIT(c->id)) != 0 ||
            !is_initial(c, &d->row->value[c->id]))
            d->columns |= CELL_BIT(c->id);
    }
}

static uint64_t fixed_columns(const struct rule_table *rules)
{
    uint64_t mask = 0;

    for (size_t i = 0; i < rules->column_count; i++)
        if (rules->columns[i].fixed)
            mask |= CELL_BIT(rules->columns[i].id);
    return mask;
}

/* Of `some` of the columns to be told, as many as fit. */
static void fit_some(struct draft *d, uint64_t some, size_t room, size_t *size)
{
    for (uint64_t rest = d->columns & some; rest != 0; rest &= rest - 1) {
        uint32_t column = (uint32_t)__builtin_ctzll(rest);
        size_t cell =
            CELL_OVERHEAD + STAMP_NAME + d->row->value[column].text.len;

        if (*size + cell > room) {
            d->wish->left |= CELL_BIT(column);
            d->columns &= ~CELL_BIT(column);
        } else {
            *size += cell;
        }
    }
}

/* As many columns as fit; the others are noted again.  Those that are set once
 * come first: they count only beside the insert. */
static size_t fit(struct draft *d, size_t room)
{
    size_t size = PART_OVERHEAD + STAMP_NAME * d->row->sibling_count;
    uint64_t first = fixed_columns(d->row->rules);

    d->wish->left = 0;
    fit_some(d, first, room, &size);
    fit_some(d, ~first, room, &size);
    return size;
}

/* ---- taking ---- */

/* Text that is not UTF-8 is mended, and written back. */
static enum covey_rc mend(struct store *st, struct row_work *work)
{
    for (size_t i = 0; i < work->row->rules->column_count; i++) {
        const struct rule_column *c = &work->row->rules->columns[i];
        struct cell_value *value = &work->row->value[c->id];

        if (value->type != CELL_TEXT ||
            text_is_utf8(value->text.p, value->text.len))
            continue;
        uint8_t *p = cell_arena_take(&work->row->arena, value->text.len);
        if (p == NULL)
            return COVEY_ENOMEM;
        for (size_t k = 0; k < value->text.len; k++)
            p[k] = value->text.p[k] < 0x80 ? value->text.p[k] : '?';
        value->text.p = p;
        enum covey_rc rc = merge_triggers(st, false);
        sqlite3_stmt *stmt = row_sql_begin_one(st, work->row->rules, c);
        sql_bind_text(stmt, 1, work->hex);
        row_sql_bind(stmt, 3, value);
        if (rc == COVEY_OK)
            rc = sql_run(st, stmt);
        else
            sql_end(stmt);
        if (rc != COVEY_OK)
            return rc;
    }
    return COVEY_OK;
}

static enum covey_rc take_row(struct store *st, int64_t n, struct capture *c,
                              struct capture_row *wish, bool *full)
{
    struct draft d = {.wish = wish};
    struct row_work work;
    size_t used = c->bytes.len + c->part_count * CHANGESET_PART_COST;
    size_t room = used + CHANGESET_PART_COST < CHANGESET_ROOM
                      ? CHANGESET_ROOM - used - CHANGESET_PART_COST
                      : 0;
    size_t start = c->bytes.len;
    enum covey_rc rc = gather_work(st, n, &work);

    if (rc == COVEY_OK)
        rc = row_load(st, &work, wish->rules, &wish->id);
    if (rc == COVEY_OK)
        rc = row_read(st, &work, all_columns(wish->rules), &wish->present);
    if (rc == COVEY_OK && wish->present)
        rc = mend(st, &work);
    if (rc != COVEY_OK)
        return rc;
    d.row = work.row;
    decide(&d, work.before.alive);
    wish->taken = true;
    if (!d.insert && !d.remove && d.columns == 0)
        return COVEY_OK;
    size_t size = fit(&d, room);
    if (size > room || (wish->left != 0 && c->part_count > 0)) {
        wish->taken = false;
        *full = true;
        return COVEY_OK;
    }
    write_part(&d, &c->bytes);
    if (buf_rc(&c->bytes) != COVEY_OK)
        return buf_rc(&c->bytes);
    c->rows->part_row[c->part_count] = (uint32_t)(wish - c->rows->row);
    c->parts[c->part_count].len = c->bytes.len - start;
    c->parts[c->part_count++].p = (const uint8_t *)(uintptr_t)start;
    return COVEY_OK;
}

enum covey_rc capture_take(struct store *st, int64_t n, struct capture *c)
{
    enum covey_rc rc = schema_intact(st);
    bool full = false;

    if (rc != COVEY_OK)
        return rc;
    if (c->rows == NULL)
        c->rows = covey_new(c->bytes.mem, sizeof *c->rows);
    if (c->rows == NULL)
        return COVEY_ENOMEM;
    capture_rows_reset(st, c->rows);
    buf_reset(&c->bytes);
    c->part_count = 0;
    rc = capture_read(st, n, c->rows, &c->more);
    for (size_t i = 0; i < c->rows->count && rc == COVEY_OK && !full; i++)
        rc = take_row(st, n, c, &c->rows->row[i], &full);
    for (size_t i = 0; i < c->part_count; i++) /* the buffer stands still now */
        c->parts[i].p = c->bytes.p + (uintptr_t)c->parts[i].p;
    c->rows->whole = !full && !c->more;
    c->more |= full;
    for (size_t i = 0; i < c->rows->count; i++)
        c->more |= c->rows->row[i].left != 0;
    return rc;
}

/* ---- settling ---- */

/* The table holds the row as it is told already: write its clock record. */
static enum covey_rc settle_part(struct store *st, int64_t n,
                                 struct capture_row *wish,
                                 struct covey_bytes plain,
                                 const struct cell_stamp *stamp)
{
    const struct cell_source from = {0, 0};
    struct row_part part;
    struct row_work work;
    bool present;
    enum covey_rc rc = row_part_read(plain, &part);

    CHECK(rc == COVEY_OK); /* it was written here */
    rc = gather_work(st, n, &work);
    if (rc == COVEY_OK)
        rc = row_load(st, &work, wish->rules, &wish->id);
    if (rc == COVEY_OK && work.row->known && wish->present)
        rc = row_read(st, &work, work.row->have, &present);
    else if (rc == COVEY_OK && work.row->known && wish->old.len > 0)
        rc = capture_old_values(work.row, buf_bytes(&wish->old));
    if (rc == COVEY_OK)
        rc = cell_apply(work.row, &part, stamp, &from);
    if (rc != COVEY_OK)
        return rc;
    work.row->changed = 0;
    work.before.present = wish->present;
    rc = row_save(st, &work, 0);
    if (rc == COVEY_OK)
        gather_event(st, &work);
    return rc;
}

static enum covey_rc drop_to(struct store *st, int64_t n, int64_t seq)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_OUTBOX_DROP_TO);

    sql_bind_int(stmt, 1, n);
    sql_bind_int(stmt, 2, seq);
    return sql_run(st, stmt);
}

static enum covey_rc drop_notes(struct store *st, int64_t n,
                                const struct capture_rows *rows)
{
    enum covey_rc rc = COVEY_OK;

    if (rows->note_count == 0)
        return COVEY_OK;
    if (rows->whole)
        return drop_to(st, n, rows->notes[rows->note_count - 1].seq);
    for (size_t i = 0; i < rows->note_count && rc == COVEY_OK; i++) {
        if (!rows->row[rows->notes[i].row].taken)
            continue;
        sqlite3_stmt *stmt = sql_begin(st, SQL_OUTBOX_DROP);
        sql_bind_int(stmt, 1, rows->notes[i].seq);
        rc = sql_run(st, stmt);
    }
    return rc;
}

static enum covey_rc note_again(struct store *st, int64_t n,
                                const struct capture_row *wish)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_OUTBOX_LEAVE);
    char hex[ROW_HEX];

    hex_encode(wish->id.b, sizeof wish->id, hex);
    sql_bind_int(stmt, 1, n);
    sql_bind_int(stmt, 2, wish->rules->id);
    sql_bind_text(stmt, 3, hex);
    sql_bind_int(stmt, 4, (int64_t)wish->left);
    return sql_run(st, stmt);
}

enum covey_rc capture_settle(struct store *st, int64_t n, struct capture *c,
                             const struct stamp *stamp)
{
    struct cell_stamp own = {.clock = stamp->clock, .name = stamp->name};
    enum covey_rc rc = COVEY_OK;

    if (c->part_count > 0)
        rc = log_author(st, &stamp->author, &own.number, &own.author);
    for (size_t i = 0; i < c->part_count && rc == COVEY_OK; i++) {
        rc = settle_part(st, n, &c->rows->row[c->rows->part_row[i]],
                         c->parts[i], &own);
    }
    if (rc == COVEY_OK)
        rc = drop_notes(st, n, c->rows);
    for (size_t i = 0; i < c->rows->count && rc == COVEY_OK; i++)
        if (c->rows->row[i].taken && c->rows->row[i].left != 0)
            rc = note_again(st, n, &c->rows->row[i]);
    return rc;
}
