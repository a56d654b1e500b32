#include "store/capture_rows.h"

#include <stdlib.h>
#include <string.h>

enum op { OP_INSERT = 1, OP_UPDATE, OP_DELETE, OP_REPLACE };

void capture_rows_reset(struct store *st, struct capture_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        buf_clear(&rows->row[i].old);
        buf_clear(&rows->row[i].seen);
    }
    covey_free(&st->mem, rows->notes);
    memset(rows, 0, sizeof *rows);
}

static size_t slot_of(uint32_t table, const struct row_id *id)
{
    uint64_t h = get_u64(id->b + sizeof id->b - 8) ^ (table * 0x9e3779b9u);

    return (size_t)(h ^ (h >> 17)) % 2048u;
}

/* The row of an entry, new where it is new; NULL: there is no room. */
static struct capture_row *find_row(struct store *st, struct capture_rows *rows,
                                    const struct rule_table *rules,
                                    const struct row_id *id)
{
    size_t slot = slot_of(rules->id, id);

    for (; rows->slots[slot] != 0; slot = (slot + 1) % 2048u) {
        struct capture_row *r = &rows->row[rows->slots[slot] - 1];

        if (r->rules == rules && memcmp(&r->id, id, sizeof *id) == 0)
            return r;
    }
    if (rows->count == CAPTURE_ROWS_MAX)
        return NULL;
    struct capture_row *r = &rows->row[rows->count++];
    rows->slots[slot] = (uint16_t)rows->count;
    r->rules = rules;
    r->id = *id;
    buf_init(&r->old, &st->mem, 16u << 20);
    buf_init(&r->seen, &st->mem, 65536);
    return r;
}

static void keep(struct covey_buf *out, struct covey_bytes bytes)
{
    buf_reset(out);
    buf_append(out, bytes.p, bytes.len);
    buf_append(out, "", 1); /* strtoul() stops here at the latest */
    if (buf_rc(out) == COVEY_OK)
        out->len--;
}

/* An op 4 says what a REPLACE changed only if the insert comes next. */
static void fold(struct capture_row *r, sqlite3_stmt *stmt)
{
    uint64_t cols = (uint64_t)sqlite3_column_int64(stmt, 3);
    bool replacing = r->replacing;

    r->replacing = false;
    switch ((enum op)sqlite3_column_int(stmt, 4)) {
    case OP_INSERT:
        r->cols |= replacing ? r->replaced : cols;
        break;
    case OP_UPDATE:
        r->cols |= cols;
        break;
    case OP_DELETE:
        r->cols = 0;
        keep(&r->old, sql_column_bytes(stmt, 6));
        break;
    case OP_REPLACE:
        r->replacing = true;
        r->replaced = cols;
        break;
    }
    if (sqlite3_column_type(stmt, 5) != SQLITE_NULL)
        keep(&r->seen, sql_column_bytes(stmt, 5));
}

static enum covey_rc note(struct store *st, struct capture_rows *rows,
                          int64_t seq, const struct capture_row *r)
{
    if (rows->note_count == rows->note_cap) {
        size_t more = rows->note_cap == 0 ? 256 : rows->note_cap * 2;
        struct capture_note *p = covey_new(&st->mem, more * sizeof *p);

        if (p == NULL)
            return COVEY_ENOMEM;
        if (rows->note_count > 0)
            memcpy(p, rows->notes, rows->note_count * sizeof *p);
        covey_free(&st->mem, rows->notes);
        rows->notes = p;
        rows->note_cap = more;
    }
    rows->notes[rows->note_count++] =
        (struct capture_note){seq, (uint32_t)(r - rows->row)};
    return COVEY_OK;
}

static enum covey_rc take_entry(struct store *st, sqlite3_stmt *stmt,
                                struct capture_rows *rows, bool *full)
{
    const struct rule_table *rules =
        rule_table_by_id((uint32_t)sqlite3_column_int64(stmt, 1));
    const char *hex = (const char *)sqlite3_column_text(stmt, 2);
    struct row_id id;

    if (rules == NULL || hex == NULL || !hex_decode(hex, id.b, sizeof id.b))
        return why_say(&st->why, COVEY_ECORRUPT,
                       "the outbox holds an entry that covey did not write");
    struct capture_row *r = find_row(st, rows, rules, &id);
    if (r == NULL) {
        *full = true;
        return COVEY_OK;
    }
    fold(r, stmt);
    return note(st, rows, sqlite3_column_int64(stmt, 0), r);
}

enum covey_rc capture_read(struct store *st, int64_t n,
                           struct capture_rows *rows, bool *more)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_OUTBOX_READ);
    enum covey_rc rc;
    bool full = false;

    sql_bind_int(stmt, 1, n);
    while ((rc = sql_row(st, stmt)) == COVEY_OK) {
        if (rows->note_count == CAPTURE_NOTES_MAX)
            full = true;
        if (!full)
            rc = take_entry(st, stmt, rows, &full);
        if (rc != COVEY_OK || full)
            break;
    }
    sql_end(stmt);
    *more = full;
    rows->whole = true;
    return rc == COVEY_ENONE ? COVEY_OK : rc;
}

enum covey_rc capture_old_values(struct cell_row *row, struct covey_bytes old)
{
    const char *p = (const char *)old.p;
    const char *end = p + old.len;

    for (size_t i = 0; i < row->rules->column_count; i++) {
        struct cell_value *value = &row->value[row->rules->columns[i].id];
        char *after;

        *value = (struct cell_value){.type = CELL_NULL};
        if (p < end && *p == '-') {
            p++;
            continue;
        }
        if (p >= end || *p < '0' || *p > '9')
            return COVEY_ECORRUPT;
        unsigned long len = strtoul(p, &after, 10);
        if (after >= end || *after != ':' || len > (size_t)(end - after) - 1)
            return COVEY_ECORRUPT;
        value->type = CELL_TEXT;
        value->text = cell_arena_copy(
            &row->arena, (struct covey_bytes){(const uint8_t *)after + 1, len});
        p = after + 1 + len;
    }
    return row->arena.failed ? COVEY_ENOMEM : COVEY_OK;
}
