#include "store/capture.h"

#include <string.h>

#include "store/capture_row.h"
#include "store/gather.h"
#include "store/log_cache.h"
#include "store/schema.h"

#define GIFTS_MAX ((size_t)CAPTURE_WANTS_MAX * 64)

void capture_init(struct capture *c, const struct covey_mem *mem)
{
    memset(c, 0, sizeof *c);
    buf_init(&c->bytes, mem, CHANGESET_ROOM);
}

void capture_clear(struct capture *c)
{
    const struct covey_mem *mem = c->bytes.mem;
    struct capture_rows *rows = c->rows;

    buf_clear(&c->bytes);
    c->rows = NULL;
    if (rows == NULL)
        return;
    outbox_clear(&rows->outbox);
    draft_clear(&rows->draft);
    buf_clear(&rows->gifts);
    cell_arena_clear(&rows->given);
    covey_free(mem, rows);
}

static enum covey_rc rows_of(struct capture *c)
{
    const struct covey_mem *mem = c->bytes.mem;

    if (c->rows != NULL)
        return COVEY_OK;
    c->rows = covey_new(mem, sizeof *c->rows);
    if (c->rows == NULL)
        return COVEY_ENOMEM;
    outbox_init(&c->rows->outbox, mem);
    draft_init(&c->rows->draft, mem);
    buf_init(&c->rows->gifts, mem, GIFTS_MAX * sizeof(struct capture_gift));
    cell_arena_init(&c->rows->given, mem);
    return COVEY_OK;
}

/* ---- what waits ---- */

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

/* ---- wants and gifts ---- */

static bool same_want(const struct capture_want *a,
                      const struct capture_want *b)
{
    return a->table == b->table && a->column == b->column &&
           memcmp(&a->id, &b->id, sizeof a->id) == 0 &&
           cell_name_equal(&a->name, &b->name);
}

const struct capture_gift *capture_gift_find(const struct capture_rows *rows,
                                             const struct capture_want *want)
{
    const struct capture_gift *gifts = (const void *)rows->gifts.p;
    size_t count = rows->gifts.len / sizeof *gifts;

    for (size_t i = 0; i < count; i++) {
        if (same_want(&gifts[i].want, want))
            return &gifts[i];
    }
    return NULL;
}

enum covey_rc capture_gift_add(struct capture_rows *rows,
                               const struct capture_want *want,
                               const struct cell_value *value)
{
    struct capture_gift gift;

    memset(&gift, 0, sizeof gift);
    gift.want = *want;
    gift.lost = value == NULL;
    if (value != NULL)
        gift.value = *value;
    if (value != NULL && value->type == CELL_TEXT)
        gift.value.text = cell_arena_copy(&rows->given, value->text);
    buf_append(&rows->gifts, &gift, sizeof gift);
    return rows->given.failed ? COVEY_ENOMEM : buf_rc(&rows->gifts);
}

enum covey_rc capture_give(struct capture *c, const struct capture_want *want,
                           const struct cell_value *value)
{
    CHECK(c->rows != NULL);
    if (capture_gift_find(c->rows, want) != NULL)
        return COVEY_OK;
    return capture_gift_add(c->rows, want, value);
}

/* What was wanted and not given is not to be had. */
static enum covey_rc end_wants(struct capture *c)
{
    enum covey_rc rc = COVEY_OK;

    for (size_t i = 0; i < c->want_count && rc == COVEY_OK; i++)
        rc = capture_give(c, &c->wants[i], NULL);
    c->want_count = 0;
    return rc;
}

/* ---- taking ---- */

static bool has_room(const struct capture *c)
{
    size_t used = c->bytes.len + c->part_count * CHANGESET_PART_COST;
    size_t size = draft_size(&c->rows->draft);

    return c->part_count < CHANGESET_PARTS_MAX - 1 &&
           used + size + CHANGESET_PART_COST <= CHANGESET_ROOM;
}

/* *full: this row, and what comes after it, is for the next change set. */
static enum covey_rc take_row(struct store *st, int64_t n, struct capture *c,
                              size_t i, bool *full)
{
    struct outbox_row *row = outbox_row(&c->rows->outbox, i);
    size_t start = c->bytes.len;
    bool drafted;
    enum covey_rc rc = capture_row_draft(st, n, c, row, &drafted);

    if (rc != COVEY_OK || !drafted)
        return rc;
    if (!has_room(c)) {
        CHECK(c->part_count > 0);
        *full = true;
        return COVEY_OK;
    }
    rc = draft_write(&c->rows->draft, row->table, &row->id, &c->bytes);
    row->fate = row->rest == 0 ? OUTBOX_PART : OUTBOX_SPLIT;
    *full = row->rest != 0;
    c->rows->part_rows[c->part_count] = i;
    c->parts[c->part_count++].len = c->bytes.len - start;
    return rc;
}

static enum covey_rc take_rows(struct store *st, int64_t n, struct capture *c)
{
    bool full = false;
    enum covey_rc rc = outbox_read(st, n, &c->rows->outbox);

    for (size_t i = 0;
         i < outbox_row_count(&c->rows->outbox) && !full && rc == COVEY_OK; i++)
        rc = take_row(st, n, c, i, &full);
    c->more = full || c->rows->outbox.more || c->want_count > 0;

    /* The buffer stands still now. */
    for (size_t i = 0, at = 0; i < c->part_count; at += c->parts[i++].len)
        c->parts[i].p = c->bytes.p + at;
    if (rc == COVEY_OK && c->part_count == 0)
        rc = outbox_settle(st, n, &c->rows->outbox);
    return rc;
}

static bool triggers_off(const struct store *st)
{
    return st->gather != NULL && st->gather->triggers_off;
}

enum covey_rc capture_take(struct store *st, int64_t n, struct capture *c)
{
    bool off = triggers_off(st);
    enum covey_rc rc = schema_intact(st);

    c->part_count = 0;
    c->more = false;
    buf_reset(&c->bytes);
    if (rc == COVEY_OK)
        rc = rows_of(c);
    if (rc == COVEY_OK)
        rc = end_wants(c);
    if (rc == COVEY_OK)
        rc = take_rows(st, n, c);
    if (rc == COVEY_OK && !off)
        rc = merge_triggers(st, true);
    return rc;
}

/* ---- settling ---- */

static void drop_gifts(struct capture *c)
{
    buf_reset(&c->rows->gifts);
    cell_arena_reset(&c->rows->given);
}

enum covey_rc capture_settle(struct store *st, int64_t n, struct capture *c,
                             const struct stamp *stamp)
{
    struct cell_stamp own = {.clock = stamp->clock, .name = stamp->name};
    bool off = triggers_off(st);

    if (c->part_count == 0)
        return COVEY_OK;

    enum covey_rc rc = log_author(st, &stamp->author, &own.number, &own.author);

    for (size_t i = 0; i < c->part_count && rc == COVEY_OK; i++) {
        const struct outbox_row *row =
            outbox_row(&c->rows->outbox, c->rows->part_rows[i]);

        rc = capture_row_settle(st, n, c->rows, row, c->parts[i], &own);
    }
    if (rc == COVEY_OK)
        rc = outbox_settle(st, n, &c->rows->outbox);
    if (c->want_count == 0)
        drop_gifts(c);
    if (rc == COVEY_OK && !off)
        rc = merge_triggers(st, true);
    return rc;
}
