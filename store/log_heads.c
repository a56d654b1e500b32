/* The half of log.h that places headers and tells heads: no payload is read. */
#include <string.h>

#include "store/log.h"
#include "store/log_cache.h"

/* ---- one change set ---- */

static enum covey_rc brief_columns(struct store *st, sqlite3_stmt *stmt,
                                   struct entry_brief *out, struct hash *hash,
                                   int64_t *log)
{
    *log = sqlite3_column_int64(stmt, 0);
    out->number = (uint64_t)sqlite3_column_int64(stmt, 1);
    out->clock = (uint64_t)sqlite3_column_int64(stmt, 2);
    out->state = (enum entry_state)sqlite3_column_int(stmt, 4);

    enum covey_rc rc = sql_column_fixed(stmt, 5, hash->b, sizeof hash->b);

    if (rc == COVEY_OK)
        rc = log_epoch_hash(st, sqlite3_column_int64(stmt, 3), &out->epoch);
    return rc;
}

static enum covey_rc read_brief(struct store *st, int64_t seq,
                                struct entry_brief *out, struct hash *hash)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_CHANGE_SET_BRIEF);
    struct log_row *row;
    const struct sign_key *author;
    int64_t log = 0;

    sql_bind_int(stmt, 1, seq);

    enum covey_rc rc = sql_row(st, stmt);

    if (rc == COVEY_OK)
        rc = brief_columns(st, stmt, out, hash, &log);
    sql_end(stmt);
    if (rc == COVEY_OK)
        rc = log_by_number(st, log, &row);
    if (rc == COVEY_OK)
        rc = log_author_key(st, row->author, &author);
    if (rc != COVEY_OK)
        return rc;
    out->seq = seq;
    out->author = *author;
    out->incarnation = row->incarnation;
    out->forked = row->forked;
    return COVEY_OK;
}

enum covey_rc log_find(struct store *st, int64_t n, const struct hash *hash,
                       struct entry_brief *out)
{
    struct log_recent found;
    struct hash same;
    enum covey_rc rc = log_find_hash(st, n, hash, &found);

    return rc == COVEY_OK ? read_brief(st, found.seq, out, &same) : rc;
}

static enum covey_rc seq_at(struct store *st, int64_t log, uint64_t number,
                            int64_t *seq)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_CHANGE_SET_AT);

    sql_bind_int(stmt, 1, log);
    sql_bind_int(stmt, 2, (int64_t)number);

    enum covey_rc rc = sql_row(st, stmt);

    if (rc == COVEY_OK)
        *seq = sqlite3_column_int64(stmt, 0);
    sql_end(stmt);
    return rc;
}

/* The branches of a log; COVEY_ENONE when there is no such log. */
static enum covey_rc branches_of(struct store *st, int64_t n,
                                 const struct sign_key *author,
                                 const struct incarnation *incarnation,
                                 struct log_row **out)
{
    int64_t number;
    enum covey_rc rc = log_author_known(st, author, &number);

    if (rc == COVEY_OK)
        rc = log_branches(st, n, number, incarnation, out);
    return rc == COVEY_OK && *out == NULL ? COVEY_ENONE : rc;
}

enum covey_rc log_at(struct store *st, int64_t n, const struct log_place *place,
                     struct hash *hash, struct entry_brief *out)
{
    struct log_row *row;
    int64_t first = INT64_MAX;
    enum covey_rc rc =
        branches_of(st, n, &place->author, &place->incarnation, &row);

    for (; rc == COVEY_OK && row != NULL; row = log_branch_next(row)) {
        int64_t seq = INT64_MAX;

        rc = seq_at(st, row->n, place->number, &seq);
        if (rc == COVEY_ENONE)
            rc = COVEY_OK;
        if (seq < first)
            first = seq;
    }
    if (rc != COVEY_OK)
        return rc;
    return first == INT64_MAX ? COVEY_ENONE : read_brief(st, first, out, hash);
}

enum covey_rc log_newest(struct store *st, int64_t n, int64_t *seq)
{
    struct log_space *space;
    enum covey_rc rc = log_space(st, n, &space);

    if (rc == COVEY_OK)
        *seq = space->last;
    return rc;
}

/* ---- heads ---- */

static enum covey_rc head_columns(sqlite3_stmt *stmt, struct log_head_row *out)
{
    enum covey_rc rc =
        sql_column_fixed(stmt, 0, out->author.b, sizeof out->author.b);

    if (rc == COVEY_OK)
        rc = sql_column_fixed(stmt, 1, out->incarnation.b,
                              sizeof out->incarnation.b);
    if (rc == COVEY_OK)
        rc = sql_column_fixed(stmt, 3, out->hash.b, sizeof out->hash.b);
    out->number = (uint64_t)sqlite3_column_int64(stmt, 2);
    out->clock = (uint64_t)sqlite3_column_int64(stmt, 4);
    return rc;
}

static enum covey_rc append_heads(struct store *st, sqlite3_stmt *stmt,
                                  struct covey_buf *out)
{
    enum covey_rc rc;

    do {
        struct log_head_row head;

        memset(&head, 0, sizeof head); /* callers may compare the bytes */
        rc = sql_row(st, stmt);
        if (rc == COVEY_OK)
            rc = head_columns(stmt, &head);
        if (rc == COVEY_OK) {
            buf_append(out, &head, sizeof head);
            rc = buf_rc(out);
        }
    } while (rc == COVEY_OK);
    sql_end(stmt);
    return rc == COVEY_ENONE ? COVEY_OK : rc;
}

static enum covey_rc heads(struct store *st, enum sql_id id, int64_t n,
                           struct covey_buf *out)
{
    enum covey_rc rc = log_cache_flush(st);

    if (rc != COVEY_OK)
        return rc;

    sqlite3_stmt *stmt = sql_begin(st, id);

    sql_bind_int(stmt, 1, n);
    return append_heads(st, stmt, out);
}

enum covey_rc log_frontier(struct store *st, int64_t n, struct covey_buf *out)
{
    return heads(st, SQL_LOG_FRONTIER, n, out);
}

enum covey_rc log_heads(struct store *st, int64_t n, struct covey_buf *out)
{
    return heads(st, SQL_LOG_HEADS, n, out);
}

enum covey_rc log_before(struct store *st, int64_t n,
                         const struct sign_key *author,
                         const struct incarnation *incarnation,
                         struct hash *out)
{
    struct log_row *row;
    enum covey_rc rc = branches_of(st, n, author, incarnation, &row);

    if (rc == COVEY_OK)
        *out = row->before;
    return rc;
}

enum covey_rc log_last_of(struct store *st, int64_t n,
                          const struct sign_key *author,
                          struct log_head_row *out)
{
    int64_t number;
    enum covey_rc rc = log_cache_flush(st);

    if (rc == COVEY_OK)
        rc = log_author_known(st, author, &number);
    if (rc != COVEY_OK)
        return rc;

    sqlite3_stmt *stmt = sql_begin(st, SQL_LOG_LAST_OF);

    sql_bind_int(stmt, 1, n);
    sql_bind_int(stmt, 2, number);
    rc = sql_row(st, stmt);
    if (rc == COVEY_OK)
        rc = head_columns(stmt, out);
    sql_end(stmt);
    return rc;
}

static enum covey_rc tip_columns(sqlite3_stmt *stmt, struct tip *out)
{
    enum covey_rc rc =
        sql_column_fixed(stmt, 0, out->hash.b, sizeof out->hash.b);

    out->clock = (uint64_t)sqlite3_column_int64(stmt, 1);
    if (rc == COVEY_OK)
        rc = sql_column_fixed(stmt, 2, out->author.b, sizeof out->author.b);
    return rc;
}

enum covey_rc log_tips(struct store *st, int64_t n, struct tip *out, size_t cap,
                       size_t *count)
{
    enum covey_rc rc = log_cache_flush(st);

    *count = 0;
    if (rc != COVEY_OK)
        return rc;

    sqlite3_stmt *stmt = sql_begin(st, SQL_LOG_TIPS);

    sql_bind_int(stmt, 1, n);
    for (rc = sql_row(st, stmt); rc == COVEY_OK; rc = sql_row(st, stmt)) {
        if (*count < cap)
            rc = tip_columns(stmt, &out[*count]);
        if (rc != COVEY_OK)
            break;
        ++*count;
    }
    sql_end(stmt);
    return rc == COVEY_ENONE ? COVEY_OK : rc;
}

static enum covey_rc count_of(struct store *st, enum sql_id id, int64_t n,
                              int64_t *out)
{
    sqlite3_stmt *stmt = sql_begin(st, id);

    sql_bind_int(stmt, 1, log_seq_first(n));
    sql_bind_int(stmt, 2, log_seq_last(n));

    enum covey_rc rc = sql_row(st, stmt);

    if (rc == COVEY_OK)
        *out = sqlite3_column_int64(stmt, 0);
    sql_end(stmt);
    return rc;
}

enum covey_rc log_counts(struct store *st, int64_t n, struct log_counts *out)
{
    struct log_space *space;
    enum covey_rc rc = log_space(st, n, &space);

    if (rc != COVEY_OK)
        return rc;
    /* None is ever taken out, so the last one's count is how many there are. */
    out->change_sets = space->last == 0 ? 0 : space->last - log_seq_first(n);
    rc = count_of(st, SQL_CHANGE_SET_WAITING, n, &out->waiting);
    if (rc == COVEY_OK)
        rc = count_of(st, SQL_CHANGE_SET_NEWER, n, &out->newer);
    if (rc == COVEY_OK)
        rc = count_of(st, SQL_CHANGE_SET_VOID, n, &out->voided);
    return rc;
}

enum covey_rc log_heard(struct store *st, int64_t n,
                        const struct sign_key *author, uint64_t *wall_ms)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_LOG_HEARD);

    sql_bind_int(stmt, 1, n);
    sql_bind_blob(stmt, 2, author->b, sizeof author->b);

    enum covey_rc rc = sql_row(st, stmt);

    *wall_ms = rc == COVEY_OK ? (uint64_t)sqlite3_column_int64(stmt, 0) : 0;
    sql_end(stmt);
    return rc;
}
