/* What a row's outbox entries come to, beside what the record holds of it:
 *
 *   the record has it   it stands in    what is sealed
 *   in its table        its table now
 *   yes                 yes             the columns that were written; all,
 *                                       where it was deleted and made again
 *   yes                 no              a delete, with what was written before
 *   no                  yes             an insert (again, after a delete)
 *   no                  no              nothing */
#include "store/capture_row.h"

#include <string.h>

#include "store/gather.h"
#include "store/log_cache.h"
#include "store/mend.h"
#include "store/row_sql.h"

#define NAME_COST (STAMP_NAME + 3u) /* a name, and an index to it */
#define PART_COST 64u               /* what is not cells and names */

struct taking {
    struct store *st;
    struct capture *c;
    struct outbox_row *row;
    struct outbox_sum sum;
    struct row_work work;
    uint64_t columns; /* to be sealed */
    bool exists;      /* so is column 0 ... */
    bool value;       /* ... as this */
};

static uint64_t columns_where(const struct rule_table *rules, bool fixed)
{
    uint64_t columns = 0;

    for (size_t i = 0; i < rules->column_count; i++) {
        if (rules->columns[i].fixed == fixed)
            columns |= CELL_BIT(rules->columns[i].id);
    }
    return columns;
}

/* ---- what is to be sealed ---- */

/* A column of a new row that holds nothing, and would hold nothing anyway,
 * needs no write.  What is set once and stands, stands. */
static bool insert_tells(const struct cell_row *row,
                         const struct rule_column *column)
{
    if ((row->have & CELL_BIT(column->id)) != 0)
        return !column->fixed;
    return row->value[column->id].type != CELL_NULL || column->initial != NULL;
}

static void decide_insert(struct taking *t)
{
    const struct cell_row *row = t->work.row;

    t->exists = true;
    t->value = true;
    for (size_t i = 0; i < row->rules->column_count; i++) {
        if (insert_tells(row, &row->rules->columns[i]))
            t->columns |= CELL_BIT(row->rules->columns[i].id);
    }
}

static bool is_own(const struct taking *t)
{
    return memcmp(t->work.row->id.b + ROW_ID_TAG_OFFSET, t->st->tag.b,
                  sizeof t->st->tag.b) == 0;
}

static bool is_contested(const struct cell_row *row)
{
    for (size_t i = 0; i < row->exists_count; i++) {
        if (!row->exists[i].value)
            return true;
    }
    return false;
}

/* What is set once and was not set yet: only an insert sets it. */
static uint64_t unset(const struct cell_row *row)
{
    uint64_t columns = 0;

    for (size_t i = 0; i < row->rules->column_count; i++) {
        const struct rule_column *column = &row->rules->columns[i];

        if (column->fixed && insert_tells(row, column))
            columns |= CELL_BIT(column->id);
    }
    return columns;
}

/* A row that was deleted and made again, and neither was sealed yet: for
 * others it never went.  An owner who replaces a row that somebody deleted says
 * that it stays. */
static void decide_update(struct taking *t)
{
    uint64_t loose = columns_where(t->work.row->rules, false);
    bool again = t->sum.inserted || t->sum.last_delete != NULL;

    t->columns = again ? loose : t->sum.columns & loose;
    t->value = true;
    if (!is_own(t))
        return;
    if (again)
        t->columns |= unset(t->work.row);
    t->exists = (t->columns & ~loose) != 0 ||
                (t->sum.replaced && is_contested(t->work.row));
}

static void decide(struct taking *t)
{
    const struct row_work *work = &t->work;
    uint64_t loose = columns_where(work->row->rules, false);

    if (t->row->present && work->before.alive) {
        decide_update(t);
        if (!work->before.present) /* the id was another's, and is ours now */
            t->columns = loose;
    } else if (t->row->present) {
        decide_insert(t);
    } else if (work->before.present && t->row->old.p != NULL) {
        /* Behind this window there may be more that was written before. */
        t->exists = true;
        t->value = false;
        t->columns =
            t->sum.last_delete != NULL ? t->sum.columns & loose : loose;
    }
}

/* ---- values ---- */

static enum covey_rc write_back(struct taking *t,
                                const struct rule_column *column)
{
    enum covey_rc rc = merge_triggers(t->st, false);

    if (rc != COVEY_OK)
        return rc;

    sqlite3_stmt *stmt = row_sql_begin_one(t->st, t->work.row->rules, column);

    sql_bind_text(stmt, 1, t->work.hex);
    row_sql_bind(stmt, 3, &t->work.row->value[column->id]);
    return sql_run(t->st, stmt);
}

static bool same_value(const struct cell_value *a, const struct cell_value *b)
{
    if (a->type != b->type || a->type == CELL_NULL)
        return a->type == b->type;
    return a->text.len == b->text.len &&
           memcmp(a->text.p, b->text.p, a->text.len) == 0;
}

/* What is set once stays, also where the row was deleted and made again with
 * something else: plain SQL can do that, and no guard sees it. */
static enum covey_rc restore_fixed(struct taking *t,
                                   const struct cell_value *sealed)
{
    struct cell_row *row = t->work.row;

    for (size_t i = 0; i < row->rules->column_count; i++) {
        const struct rule_column *column = &row->rules->columns[i];

        if (!column->fixed || (row->have & CELL_BIT(column->id)) == 0 ||
            same_value(&row->value[column->id], &sealed[column->id]))
            continue;
        row->value[column->id] = sealed[column->id];

        enum covey_rc rc = write_back(t, column);

        if (rc != COVEY_OK)
            return rc;
    }
    return COVEY_OK;
}

/* The values of the table, after what the record has of the fixed columns. */
static enum covey_rc read_present(struct taking *t)
{
    struct cell_row *row = t->work.row;
    struct cell_value sealed[CELL_COLUMNS];
    uint64_t fixed = columns_where(row->rules, true) & row->have;
    bool know = false;
    enum covey_rc rc = COVEY_OK;

    if (fixed != 0 && t->work.before.present && t->sum.first_delete != NULL)
        know = outbox_old(t->sum.first_delete->old, row->rules, fixed, sealed);
    if (fixed != 0 && !t->work.before.present) {
        rc = row_values(t->st, &t->work);
        memcpy(sealed, row->value, sizeof sealed);
        know = true;
    }
    if (rc == COVEY_OK)
        rc = row_read(t->st, &t->work, UINT64_MAX, &t->row->present);
    if (rc == COVEY_OK && know && t->row->present)
        rc = restore_fixed(t, sealed);
    return rc;
}

/* A row that the record has and that is gone: what it held at the end. */
static enum covey_rc read_deleted(struct taking *t)
{
    enum covey_rc rc = outbox_find_deletes(t->st, t->work.space->n,
                                           &t->c->rows->outbox, t->row);

    outbox_gone(t->row, t->work.row->rules, UINT64_MAX, t->work.row->value);
    return rc == COVEY_ENONE ? COVEY_OK : rc;
}

/* "At sealing, text that is not UTF-8 is mended and written back" (DESIGN.md
 * section 4). */
static enum covey_rc mend(struct taking *t)
{
    struct cell_row *row = t->work.row;

    for (uint64_t left = t->columns; left != 0; left &= left - 1) {
        uint32_t column = (uint32_t)__builtin_ctzll(left);
        bool mended;
        enum covey_rc rc =
            mend_value(&row->arena, &row->value[column], &mended);

        if (rc == COVEY_OK && mended && t->row->present)
            rc = write_back(t, rule_column_by_id(row->rules, column));
        if (rc != COVEY_OK)
            return rc;
    }
    return COVEY_OK;
}

/* ---- what a form had not seen ---- */

static struct capture_want want_of(const struct taking *t, uint32_t column)
{
    return (struct capture_want){.table = t->work.row->table,
                                 .id = t->work.row->id,
                                 .column = column,
                                 .name = t->work.row->stamp[column].name};
}

static enum covey_rc ask(struct taking *t, struct capture_want *want)
{
    struct log_named named;
    enum covey_rc rc = log_named(t->st, t->work.space->n, &want->name, &named);

    if (rc == COVEY_ENONE)
        return capture_gift_add(t->c->rows, want, NULL);
    if (rc != COVEY_OK || t->c->want_count == CAPTURE_WANTS_MAX)
        return rc;
    want->seq = named.seq;
    t->c->wants[t->c->want_count++] = *want;
    return COVEY_OK;
}

/* Is a value to be kept beside, and not here any more, since the writer put
 * its own in its place?  Only where a form told what it had seen. */
static enum covey_rc find_wants(struct taking *t, bool *wanting)
{
    const struct cell_row *row = t->work.row;

    *wanting = false;
    for (uint64_t left = t->columns & row->have; left != 0; left &= left - 1) {
        uint32_t column = (uint32_t)__builtin_ctzll(left);
        struct capture_want want = want_of(t, column);

        if (outbox_saw(&t->c->rows->outbox, t->row, column, &want.name) ||
            capture_gift_find(t->c->rows, &want) != NULL)
            continue;

        enum covey_rc rc = ask(t, &want);

        if (rc != COVEY_OK)
            return rc;
        *wanting = *wanting || capture_gift_find(t->c->rows, &want) == NULL;
    }
    return COVEY_OK;
}

/* ---- the draft ---- */

static bool replaces(const struct taking *t, uint32_t column,
                     const struct stamp_name *name)
{
    struct capture_want want = want_of(t, column);
    const struct capture_gift *gift;

    if (outbox_saw(&t->c->rows->outbox, t->row, column, name))
        return true;
    want.name = *name;
    gift = capture_gift_find(t->c->rows, &want);
    return gift != NULL && gift->lost;
}

static void draft_column(struct taking *t, uint32_t column)
{
    struct draft *d = &t->c->rows->draft;
    const struct cell_row *row = t->work.row;

    draft_cell(d, column, &row->value[column]);
    if (rule_column_by_id(row->rules, column)->fixed)
        return;
    if ((row->have & CELL_BIT(column)) != 0 &&
        replaces(t, column, &row->stamp[column].name))
        draft_replaces(d, &row->stamp[column].name);
    for (size_t i = 0; i < row->sibling_count; i++) {
        const struct cell_sibling *it = &row->siblings[i];

        if (it->column == column && replaces(t, column, &it->stamp.name))
            draft_replaces(d, &it->stamp.name);
    }
}

/* The first insert replaces nothing: that is how one knows it (cell.h). */
static void draft_existence(struct taking *t)
{
    struct draft *d = &t->c->rows->draft;
    const struct cell_row *row = t->work.row;
    const struct cell_value value = {.type = CELL_BOOL, .integer = t->value};

    draft_cell(d, COLUMN_EXISTS, &value);
    for (size_t i = 0; row->made && i < row->exists_count; i++)
        draft_replaces(d, &row->exists[i].stamp.name);
}

/* A delete has seen every write of the row that its writer saw. */
static void draft_seen(struct taking *t)
{
    struct draft *d = &t->c->rows->draft;
    const struct cell_row *row = t->work.row;

    for (uint64_t left = row->have; left != 0; left &= left - 1) {
        const struct stamp_name *name = &row->stamp[__builtin_ctzll(left)].name;

        if (outbox_saw(&t->c->rows->outbox, t->row, COLUMN_EXISTS, name))
            draft_saw(d, name);
    }
    for (size_t i = 0; i < row->sibling_count; i++) {
        const struct stamp_name *name = &row->siblings[i].stamp.name;

        if (row->siblings[i].column != COLUMN_EXISTS &&
            outbox_saw(&t->c->rows->outbox, t->row, COLUMN_EXISTS, name))
            draft_saw(d, name);
    }
}

static size_t name_cost(const struct cell_row *row, uint32_t column)
{
    size_t count = 1;

    for (size_t i = 0; i < row->sibling_count; i++)
        count += row->siblings[i].column == column ? 1 : 0;
    return count * NAME_COST;
}

/* Of `some` columns, take those that fit; what is set once comes first, since
 * it counts only beside the insert. */
static void fit_some(struct taking *t, uint64_t some, size_t *size)
{
    struct cell_row *row = t->work.row;

    for (uint64_t left = t->columns & some; left != 0; left &= left - 1) {
        uint32_t column = (uint32_t)__builtin_ctzll(left);
        size_t cost =
            draft_value_size(&row->value[column]) + name_cost(row, column);

        if (*size + cost <= CAPTURE_PART_MAX) {
            *size += cost;
            continue;
        }
        if (t->exists && !t->value) {
            /* Nobody will see it again: no second change set for it. */
            row->value[column] = (struct cell_value){.type = CELL_NULL};
            continue;
        }
        t->row->rest |= CELL_BIT(column);
    }
}

static void fit(struct taking *t)
{
    const struct cell_row *row = t->work.row;
    size_t size = PART_COST + row->exists_count * NAME_COST;

    if (t->exists && !t->value)
        size += (row->sibling_count + CELL_COLUMNS) * NAME_COST;
    t->row->rest = 0;
    fit_some(t, columns_where(row->rules, true), &size);
    fit_some(t, columns_where(row->rules, false), &size);
    t->columns &= ~t->row->rest;
}

static void draft(struct taking *t)
{
    draft_begin(&t->c->rows->draft);
    fit(t);
    if (t->exists)
        draft_existence(t);
    for (uint64_t left = t->columns; left != 0; left &= left - 1)
        draft_column(t, (uint32_t)__builtin_ctzll(left));
    if (t->exists && !t->value)
        draft_seen(t);
}

static enum covey_rc load(struct taking *t, const struct rule_table *rules,
                          int64_t n)
{
    enum covey_rc rc = gather_work(t->st, n, &t->work);

    if (rc == COVEY_OK)
        rc = row_load(t->st, &t->work, rules, &t->row->id);
    if (rc == COVEY_OK)
        rc = read_present(t);
    t->row->fresh = !t->work.row->known;
    if (rc == COVEY_OK && !t->row->present && t->work.before.present)
        rc = read_deleted(t);
    return rc;
}

enum covey_rc capture_row_draft(struct store *st, int64_t n, struct capture *c,
                                struct outbox_row *row, bool *drafted)
{
    struct taking t = {.st = st, .c = c, .row = row};
    const struct rule_table *rules = rule_table_by_id(row->table);
    bool wanting = false;

    *drafted = false;
    row->fate = OUTBOX_NOTHING;
    if (rules == NULL)
        return COVEY_OK;
    t.sum = outbox_sum(&c->rows->outbox, row);

    enum covey_rc rc = load(&t, rules, n);

    if (rc != COVEY_OK)
        return rc;
    decide(&t);
    if (t.columns == 0 && !t.exists)
        return COVEY_OK;
    rc = mend(&t);
    if (rc == COVEY_OK)
        rc = find_wants(&t, &wanting);
    row->fate = OUTBOX_LEFT;
    if (rc != COVEY_OK || wanting)
        return rc;
    draft(&t);
    *drafted = true;
    return COVEY_OK;
}
