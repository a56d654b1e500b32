#include "store/numbers.h"

#include <string.h>

static size_t bucket(uint64_t v)
{
    return (size_t)(v ^ v >> 32) & (NUMBERS_BUCKETS - 1);
}

void numbers_clear(struct store *st, struct numbers *numbers)
{
    for (size_t i = 0; i < NUMBERS_BUCKETS; i++) {
        struct numbered *next;

        for (struct numbered *it = numbers->by_n[i]; it != NULL; it = next) {
            next = it->next_n;
            covey_free(&st->mem, it);
        }
    }
    memset(numbers, 0, sizeof *numbers);
}

static enum covey_rc keep_number(struct store *st, struct numbers *numbers,
                                 int64_t n, const struct hash *value,
                                 const struct numbered **out)
{
    struct numbered *it = covey_new(&st->mem, sizeof *it);

    if (it == NULL)
        return COVEY_ENOMEM;

    size_t at = bucket(get_u64(value->b));
    size_t at_n = bucket((uint64_t)n);

    *it = (struct numbered){
        n, {.hash = *value}, numbers->by_value[at], numbers->by_n[at_n]};
    numbers->by_value[at] = it;
    numbers->by_n[at_n] = it;
    *out = it;
    return COVEY_OK;
}

static enum covey_rc search(struct store *st, const struct number_sql *sql,
                            const struct hash *value, int64_t *n)
{
    sqlite3_stmt *stmt = sql_begin(st, sql->find);

    sql_bind_blob(stmt, 1, value->b, sizeof value->b);

    enum covey_rc rc = sql_row(st, stmt);

    if (rc == COVEY_OK)
        *n = sqlite3_column_int64(stmt, 0);
    sql_end(stmt);
    return rc;
}

enum covey_rc numbers_known(struct store *st, struct numbers *numbers,
                            const struct number_sql *sql,
                            const struct hash *value,
                            const struct numbered **out)
{
    const struct numbered *it = numbers->by_value[bucket(get_u64(value->b))];
    int64_t n = 0;

    while (it != NULL && memcmp(&it->value.hash, value, sizeof *value) != 0)
        it = it->next_value;
    *out = it;
    if (it != NULL)
        return COVEY_OK;

    enum covey_rc rc = search(st, sql, value, &n);

    return rc == COVEY_OK ? keep_number(st, numbers, n, value, out) : rc;
}

enum covey_rc numbers_find(struct store *st, struct numbers *numbers,
                           const struct number_sql *sql,
                           const struct hash *value,
                           const struct numbered **out)
{
    enum covey_rc rc = numbers_known(st, numbers, sql, value, out);

    if (rc != COVEY_ENONE)
        return rc;

    sqlite3_stmt *stmt = sql_begin(st, sql->add);

    sql_bind_blob(stmt, 1, value->b, sizeof value->b);
    rc = sql_run(st, stmt);
    if (rc != COVEY_OK)
        return rc;
    return keep_number(st, numbers, sqlite3_last_insert_rowid(st->db), value,
                       out);
}

enum covey_rc numbers_value(struct store *st, struct numbers *numbers,
                            const struct number_sql *sql, int64_t n,
                            const struct numbered **out)
{
    const struct numbered *it = numbers->by_n[bucket((uint64_t)n)];
    struct hash value;

    while (it != NULL && it->n != n)
        it = it->next_n;
    *out = it;
    if (it != NULL)
        return COVEY_OK;

    sqlite3_stmt *stmt = sql_begin(st, sql->value);

    sql_bind_int(stmt, 1, n);

    enum covey_rc rc = sql_row(st, stmt);

    if (rc == COVEY_OK)
        rc = sql_column_fixed(stmt, 0, value.b, sizeof value.b);
    sql_end(stmt);
    if (rc == COVEY_ENONE)
        return why_say(&st->why, COVEY_ECORRUPT,
                       "the record names a key that it does not hold");
    return rc == COVEY_OK ? keep_number(st, numbers, n, &value, out) : rc;
}
