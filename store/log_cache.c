#include "store/log_cache.h"

#include <string.h>

#include "store/numbers.h"

struct log_cache {
    struct numbers authors;
    struct numbers epochs;
    struct log_row *rows_same[LOG_CACHE_BUCKETS]; /* by identity */
    struct log_row *rows_n[LOG_CACHE_BUCKETS];
    size_t row_count;
    struct log_space *spaces;
    struct log_recent by_hash[LOG_CACHE_RECENT];
    struct log_recent by_seq[LOG_CACHE_RECENT];
};

static enum covey_rc cache_of(struct store *st, struct log_cache **out)
{
    if (st->logs == NULL)
        st->logs = covey_new(&st->mem, sizeof *st->logs);
    *out = st->logs;
    return st->logs == NULL ? COVEY_ENOMEM : COVEY_OK;
}

static size_t bucket(uint64_t v)
{
    return (size_t)(v ^ v >> 32) & (LOG_CACHE_BUCKETS - 1);
}

/* ---- forgetting and writing back ---- */

static void rows_clear(struct store *st, struct log_cache *c)
{
    for (size_t i = 0; i < LOG_CACHE_BUCKETS; i++) {
        struct log_row *next;

        for (struct log_row *row = c->rows_n[i]; row != NULL; row = next) {
            next = row->next_n;
            covey_free(&st->mem, row);
        }
        c->rows_n[i] = NULL;
        c->rows_same[i] = NULL;
    }
    c->row_count = 0;
}

void log_cache_forget(struct store *st)
{
    struct log_cache *c = st->logs;

    if (c == NULL)
        return;
    numbers_clear(st, &c->authors);
    numbers_clear(st, &c->epochs);
    rows_clear(st, c);
    while (c->spaces != NULL) {
        struct log_space *next = c->spaces->next;

        covey_free(&st->mem, c->spaces);
        c->spaces = next;
    }
    memset(c->by_hash, 0, sizeof c->by_hash);
    memset(c->by_seq, 0, sizeof c->by_seq);
}

void log_cache_free(struct store *st)
{
    log_cache_forget(st);
    covey_free(&st->mem, st->logs);
    st->logs = NULL;
}

static enum covey_rc write_back(struct store *st, struct log_row *row)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_LOG_SET);

    sql_bind_int(stmt, 1, row->n);
    sql_bind_int(stmt, 2, row->forked);
    sql_bind_int(stmt, 3, (int64_t)row->number);
    sql_bind_blob(stmt, 4, row->hash.b, sizeof row->hash.b);
    sql_bind_int(stmt, 5, (int64_t)row->clock);
    sql_bind_int(stmt, 6, row->seq);
    sql_bind_int(stmt, 7, row->cited);
    sql_bind_int(stmt, 8, row->superseded);
    row->dirty = false;
    return sql_run(st, stmt);
}

enum covey_rc log_cache_flush(struct store *st)
{
    struct log_cache *c = st->logs;
    enum covey_rc rc = COVEY_OK;

    if (c == NULL)
        return COVEY_OK;
    for (size_t i = 0; i < LOG_CACHE_BUCKETS; i++) {
        for (struct log_row *row = c->rows_n[i]; row != NULL && rc == COVEY_OK;
             row = row->next_n) {
            if (row->dirty)
                rc = write_back(st, row);
        }
    }
    if (rc == COVEY_OK && c->row_count > LOG_CACHE_LOGS_MAX)
        rows_clear(st, c);
    return rc;
}

/* ---- keys and epochs by number ---- */

static const struct number_sql author_sql = {SQL_AUTHOR_FIND, SQL_AUTHOR_KEY,
                                             SQL_AUTHOR_ADD};
static const struct number_sql epoch_sql = {SQL_EPOCH_FIND, SQL_EPOCH_HASH,
                                            SQL_EPOCH_CITE};

_Static_assert(sizeof(struct sign_key) == sizeof(struct hash),
               "a key is kept where a hash is");

enum covey_rc log_author(struct store *st, const struct sign_key *key,
                         int64_t *number, const struct sign_key **kept)
{
    struct log_cache *c;
    const struct numbered *it;
    struct hash value;
    enum covey_rc rc = cache_of(st, &c);

    memcpy(value.b, key->b, sizeof value.b);
    if (rc == COVEY_OK)
        rc = numbers_find(st, &c->authors, &author_sql, &value, &it);
    if (rc != COVEY_OK)
        return rc;
    *number = it->n;
    *kept = &it->value.key;
    return COVEY_OK;
}

enum covey_rc log_author_known(struct store *st, const struct sign_key *key,
                               int64_t *number)
{
    struct log_cache *c;
    const struct numbered *it;
    struct hash value;
    enum covey_rc rc = cache_of(st, &c);

    memcpy(value.b, key->b, sizeof value.b);
    if (rc == COVEY_OK)
        rc = numbers_known(st, &c->authors, &author_sql, &value, &it);
    if (rc == COVEY_OK)
        *number = it->n;
    return rc;
}

enum covey_rc log_author_key(struct store *st, int64_t number,
                             const struct sign_key **out)
{
    struct log_cache *c;
    const struct numbered *it;
    enum covey_rc rc = cache_of(st, &c);

    if (rc == COVEY_OK)
        rc = numbers_value(st, &c->authors, &author_sql, number, &it);
    if (rc == COVEY_OK)
        *out = &it->value.key;
    return rc;
}

enum covey_rc log_epoch(struct store *st, const struct hash *hash,
                        int64_t *number)
{
    struct log_cache *c;
    const struct numbered *it;
    enum covey_rc rc = cache_of(st, &c);

    if (rc == COVEY_OK)
        rc = numbers_find(st, &c->epochs, &epoch_sql, hash, &it);
    if (rc == COVEY_OK)
        *number = it->n;
    return rc;
}

enum covey_rc log_epoch_hash(struct store *st, int64_t number, struct hash *out)
{
    struct log_cache *c;
    const struct numbered *it;
    enum covey_rc rc = cache_of(st, &c);

    if (rc == COVEY_OK)
        rc = numbers_value(st, &c->epochs, &epoch_sql, number, &it);
    if (rc == COVEY_OK)
        *out = it->value.hash;
    return rc;
}

enum covey_rc author_number(struct store *st, const struct sign_key *author,
                            int64_t *out)
{
    const struct sign_key *kept;

    return log_author(st, author, out, &kept);
}

enum covey_rc author_key(struct store *st, int64_t number, struct sign_key *out)
{
    const struct sign_key *kept;
    enum covey_rc rc = log_author_key(st, number, &kept);

    if (rc == COVEY_OK)
        *out = *kept;
    return rc;
}

/* ---- log rows ---- */

static bool same_log(const struct log_row *row, int64_t n, int64_t author,
                     const struct incarnation *incarnation)
{
    return row->space == n && row->author == author &&
           memcmp(&row->incarnation, incarnation, sizeof *incarnation) == 0;
}

static struct log_row *seek(struct log_row *row, int64_t n, int64_t author,
                            const struct incarnation *incarnation)
{
    while (row != NULL && !same_log(row, n, author, incarnation))
        row = row->next_same;
    return row;
}

/* Behind the rows of its bucket, so that branches stay in order. */
static enum covey_rc keep_row(struct store *st, struct log_cache *c,
                              const struct log_row *from, struct log_row **out)
{
    struct log_row *row = covey_new(&st->mem, sizeof *row);

    if (row == NULL)
        return COVEY_ENOMEM;

    struct log_row **same = &c->rows_same[bucket(get_u64(from->incarnation.b))];
    struct log_row **by_n = &c->rows_n[bucket((uint64_t)from->n)];

    while (*same != NULL)
        same = &(*same)->next_same;
    *row = *from;
    row->next_same = NULL;
    row->next_n = *by_n;
    *by_n = row;
    *same = row;
    c->row_count++;
    *out = row;
    return COVEY_OK;
}

static enum covey_rc row_columns(sqlite3_stmt *stmt, struct log_row *row)
{
    *row = (struct log_row){
        .n = sqlite3_column_int64(stmt, 0),
        .space = sqlite3_column_int64(stmt, 1),
        .author = sqlite3_column_int64(stmt, 2),
        .branch = sqlite3_column_int64(stmt, 4),
        .forked = sqlite3_column_int64(stmt, 5) != 0,
        .number = (uint64_t)sqlite3_column_int64(stmt, 7),
        .clock = (uint64_t)sqlite3_column_int64(stmt, 9),
        .seq = sqlite3_column_int64(stmt, 10),
        .cited = sqlite3_column_int64(stmt, 11) != 0,
        .superseded = sqlite3_column_int64(stmt, 12) != 0,
    };

    enum covey_rc rc = sql_column_fixed(stmt, 3, row->incarnation.b,
                                        sizeof row->incarnation.b);

    if (rc == COVEY_OK)
        rc = sql_column_fixed(stmt, 6, row->before.b, sizeof row->before.b);
    if (rc == COVEY_OK)
        rc = sql_column_fixed(stmt, 8, row->hash.b, sizeof row->hash.b);
    return rc;
}

static enum covey_rc load_branches(struct store *st, struct log_cache *c,
                                   int64_t n, int64_t author,
                                   const struct incarnation *incarnation)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_LOG_BRANCHES);
    struct log_row row;
    struct log_row *kept;
    enum covey_rc rc;

    sql_bind_int(stmt, 1, n);
    sql_bind_int(stmt, 2, author);
    sql_bind_blob(stmt, 3, incarnation->b, sizeof incarnation->b);
    do {
        rc = sql_row(st, stmt);
        if (rc == COVEY_OK)
            rc = row_columns(stmt, &row);
        if (rc == COVEY_OK)
            rc = keep_row(st, c, &row, &kept);
    } while (rc == COVEY_OK);
    sql_end(stmt);
    return rc == COVEY_ENONE ? COVEY_OK : rc;
}

enum covey_rc log_branches(struct store *st, int64_t n, int64_t author,
                           const struct incarnation *incarnation,
                           struct log_row **out)
{
    struct log_cache *c;
    enum covey_rc rc = cache_of(st, &c);

    if (rc != COVEY_OK)
        return rc;

    struct log_row **first = &c->rows_same[bucket(get_u64(incarnation->b))];

    *out = seek(*first, n, author, incarnation);
    if (*out != NULL)
        return COVEY_OK;
    rc = load_branches(st, c, n, author, incarnation);
    *out = seek(*first, n, author, incarnation);
    return rc;
}

struct log_row *log_branch_next(struct log_row *row)
{
    return seek(row->next_same, row->space, row->author, &row->incarnation);
}

static struct log_row *seek_n(const struct log_cache *c, int64_t number)
{
    struct log_row *row = c->rows_n[bucket((uint64_t)number)];

    while (row != NULL && row->n != number)
        row = row->next_n;
    return row;
}

static enum covey_rc load_by_number(struct store *st, struct log_cache *c,
                                    int64_t number)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_LOG_IDENTITY);
    struct incarnation incarnation;
    int64_t n = 0;
    int64_t author = 0;

    sql_bind_int(stmt, 1, number);

    enum covey_rc rc = sql_row(st, stmt);

    if (rc == COVEY_OK) {
        n = sqlite3_column_int64(stmt, 0);
        author = sqlite3_column_int64(stmt, 1);
        rc = sql_column_fixed(stmt, 2, incarnation.b, sizeof incarnation.b);
    }
    sql_end(stmt);
    return rc == COVEY_OK ? load_branches(st, c, n, author, &incarnation) : rc;
}

enum covey_rc log_by_number(struct store *st, int64_t number,
                            struct log_row **out)
{
    struct log_cache *c;
    enum covey_rc rc = cache_of(st, &c);

    if (rc != COVEY_OK)
        return rc;
    *out = seek_n(c, number);
    if (*out != NULL)
        return COVEY_OK;
    rc = load_by_number(st, c, number);
    *out = seek_n(c, number);
    if (rc == COVEY_ENONE || (rc == COVEY_OK && *out == NULL))
        return why_say(&st->why, COVEY_ECORRUPT,
                       "a change set belongs to no log");
    return rc;
}

enum covey_rc log_row_add(struct store *st, const struct log_row *row,
                          struct log_row **out)
{
    struct log_cache *c;
    struct log_row added = *row;
    enum covey_rc rc = cache_of(st, &c);

    if (rc != COVEY_OK)
        return rc;

    sqlite3_stmt *stmt = sql_begin(st, SQL_LOG_ADD);

    sql_bind_int(stmt, 1, row->space);
    sql_bind_int(stmt, 2, row->author);
    sql_bind_blob(stmt, 3, row->incarnation.b, sizeof row->incarnation.b);
    sql_bind_int(stmt, 4, row->branch);
    sql_bind_int(stmt, 5, row->forked);
    sql_bind_blob(stmt, 6, row->before.b, sizeof row->before.b);
    sql_bind_int(stmt, 7, (int64_t)row->number);
    sql_bind_blob(stmt, 8, row->hash.b, sizeof row->hash.b);
    sql_bind_int(stmt, 9, (int64_t)row->clock);
    sql_bind_int(stmt, 10, row->seq);
    sql_bind_int(stmt, 11, row->cited);
    sql_bind_int(stmt, 12, row->superseded);
    rc = sql_run(st, stmt);
    added.n = sqlite3_last_insert_rowid(st->db);
    return rc == COVEY_OK ? keep_row(st, c, &added, out) : rc;
}

/* ---- spaces ---- */

int64_t log_seq_first(int64_t n)
{
    return (int64_t)((uint64_t)n << LOG_SEQ_BITS);
}

int64_t log_seq_last(int64_t n)
{
    return log_seq_first(n + 1) - 1;
}

static enum covey_rc read_newest(struct store *st, struct log_space *space)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_CHANGE_SET_NEWEST);

    sql_bind_int(stmt, 1, log_seq_first(space->n));
    sql_bind_int(stmt, 2, log_seq_last(space->n));

    enum covey_rc rc = sql_row(st, stmt);

    if (rc == COVEY_OK)
        space->last = sqlite3_column_int64(stmt, 0);
    sql_end(stmt);
    return rc == COVEY_ENONE ? COVEY_OK : rc;
}

static enum covey_rc read_space(struct store *st, struct log_space *space)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_LOG_SPACE);
    char id[2 * sizeof space->id.b + 1];

    sql_bind_int(stmt, 1, space->n);

    enum covey_rc rc = sql_row(st, stmt);

    if (rc == COVEY_OK) {
        sql_column_text(stmt, 0, id, sizeof id);
        if (!hex_decode(id, space->id.b, sizeof space->id.b))
            rc = why_say(&st->why, COVEY_ECORRUPT, "a space has no id");
    }
    sql_end(stmt);
    return rc == COVEY_OK ? read_newest(st, space) : rc;
}

enum covey_rc log_space(struct store *st, int64_t n, struct log_space **out)
{
    struct log_cache *c;
    enum covey_rc rc = cache_of(st, &c);

    if (rc != COVEY_OK)
        return rc;
    for (*out = c->spaces; *out != NULL; *out = (*out)->next) {
        if ((*out)->n == n)
            return COVEY_OK;
    }

    struct log_space *space = covey_new(&st->mem, sizeof *space);

    if (space == NULL)
        return COVEY_ENOMEM;
    space->n = n;
    rc = read_space(st, space);
    if (rc != COVEY_OK) {
        covey_free(&st->mem, space);
        return rc;
    }
    space->next = c->spaces;
    c->spaces = space;
    *out = space;
    return COVEY_OK;
}

/* ---- change sets by hash and by seq ---- */

void log_remember(struct store *st, const struct log_recent *entry)
{
    struct log_cache *c = st->logs;

    c->by_hash[get_u64(entry->hash.b) % LOG_CACHE_RECENT] = *entry;
    c->by_seq[(uint64_t)entry->seq % LOG_CACHE_RECENT] = *entry;
}

static enum covey_rc search_hash(struct store *st, int64_t n,
                                 const struct hash *hash,
                                 struct log_recent *out)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_CHANGE_SET_FIND);
    enum covey_rc rc;

    sql_bind_blob(stmt, 1, hash->b, 8);
    do {
        rc = sql_row(st, stmt);
        if (rc != COVEY_OK)
            break;
        out->seq = sqlite3_column_int64(stmt, 0);
        out->log = sqlite3_column_int64(stmt, 1);
        rc = sql_column_fixed(stmt, 2, out->hash.b, sizeof out->hash.b);
    } while (rc == COVEY_OK && (out->seq >> LOG_SEQ_BITS != n ||
                                memcmp(&out->hash, hash, sizeof *hash) != 0));
    sql_end(stmt);
    return rc;
}

enum covey_rc log_find_hash(struct store *st, int64_t n,
                            const struct hash *hash, struct log_recent *out)
{
    struct log_cache *c;
    enum covey_rc rc = cache_of(st, &c);

    if (rc != COVEY_OK)
        return rc;
    *out = c->by_hash[get_u64(hash->b) % LOG_CACHE_RECENT];
    if (out->seq >> LOG_SEQ_BITS == n && out->seq != 0 &&
        memcmp(&out->hash, hash, sizeof *hash) == 0)
        return COVEY_OK;
    rc = search_hash(st, n, hash, out);
    if (rc == COVEY_OK)
        log_remember(st, out);
    return rc;
}

enum covey_rc log_find_seq(struct store *st, int64_t seq,
                           struct log_recent *out)
{
    struct log_cache *c;
    enum covey_rc rc = cache_of(st, &c);

    if (rc != COVEY_OK)
        return rc;
    *out = c->by_seq[(uint64_t)seq % LOG_CACHE_RECENT];
    if (out->seq == seq)
        return COVEY_OK;

    sqlite3_stmt *stmt = sql_begin(st, SQL_CHANGE_SET_LINK);

    out->seq = seq;
    sql_bind_int(stmt, 1, seq);
    rc = sql_row(st, stmt);
    if (rc == COVEY_OK) {
        out->log = sqlite3_column_int64(stmt, 0);
        rc = sql_column_fixed(stmt, 1, out->hash.b, sizeof out->hash.b);
    }
    sql_end(stmt);
    if (rc == COVEY_ENONE)
        return why_say(&st->why, COVEY_ECORRUPT,
                       "a change set that another one cites is missing");
    if (rc == COVEY_OK)
        log_remember(st, out);
    return rc;
}

enum covey_rc log_named(struct store *st, int64_t n,
                        const struct stamp_name *name, struct log_named *out)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_CHANGE_SET_NAMED);
    struct hash hash;
    enum covey_rc rc;

    _Static_assert(STAMP_NAME >= 8, "the index is by the first 8 bytes");
    sql_bind_blob(stmt, 1, name->b, 8);
    do {
        rc = sql_row(st, stmt);
        if (rc != COVEY_OK)
            break;
        out->seq = sqlite3_column_int64(stmt, 0);
        out->applied = sqlite3_column_int64(stmt, 1) == 0;
        out->wall_ms = sqlite3_column_int64(stmt, 2);
        rc = sql_column_fixed(stmt, 3, hash.b, sizeof hash.b);
    } while (rc == COVEY_OK && (out->seq >> LOG_SEQ_BITS != n ||
                                memcmp(hash.b, name->b, STAMP_NAME) != 0));
    sql_end(stmt);
    return rc;
}
