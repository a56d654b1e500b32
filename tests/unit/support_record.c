#include "support_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/query.h"
#include "store/space.h"
#include "support_bytes.h"
#include "support_dir.h"

static void told(enum covey_rc rc, const struct covey_why *why)
{
    if (rc != COVEY_OK)
        print_error("%s: %s\n", covey_rc_id(rc), why->text);
    assert_int_equal(rc, COVEY_OK);
}

int64_t record_space(struct record *r, uint8_t id)
{
    struct space_row row = {
        .kind = SPACE_CLUSTER, .role = ROLE_SCHOOL, .name = "Cluster"};
    struct covey_why why;

    memset(row.id.b, id, sizeof row.id.b);
    record_begin(r);
    enum covey_rc rc = space_add(r->st, &row);
    store_why(r->st, &why);
    told(rc, &why);
    record_commit(r);
    return row.n;
}

static void open_it(struct record *r)
{
    struct covey_why why = {{0}};

    told(store_open(r->dir, &r->st, &why), &why);
}

void record_init(struct record *r, uint8_t member)
{
    static const uint8_t cert[4] = "cert";
    struct store_self self = {.kind = MEMBER_SCHOOL,
                              .name = "School",
                              .member_cert = {cert, sizeof cert},
                              .node_cert = {cert, sizeof cert}};
    struct covey_why why = {{0}};

    memset(r, 0, sizeof *r);
    r->member = member;
    dir_make(r->dir, sizeof r->dir);
    memset(self.member.b, member, sizeof self.member.b);
    told(store_init(r->dir, &self, &why), &why);
    open_it(r);
    r->n = record_space(r, 0x5a);
    memset(r->space.b, 0x5a, sizeof r->space.b);
}

void record_clear(struct record *r)
{
    store_close(r->st);
    r->st = NULL;
    dir_remove(r->dir);
}

void record_reopen(struct record *r)
{
    store_close(r->st);
    open_it(r);
}

void record_begin(struct record *r)
{
    assert_int_equal(store_begin(r->st), COVEY_OK);
}

void record_commit(struct record *r)
{
    struct covey_why why;
    enum covey_rc rc = store_commit(r->st);

    store_why(r->st, &why);
    told(rc, &why);
}

static struct covey_buf answer;

static enum covey_rc run(struct record *r, const char *sql,
                         struct covey_why *why)
{
    buf_clear(&answer);
    answer = bytes_buf();
    enum covey_rc rc = query_write(r->st, sql, NULL, 0, &answer, why);
    buf_append(&answer, "", 1);
    return rc == COVEY_ENONE ? COVEY_OK : rc;
}

const char *record_sql(struct record *r, const char *sql)
{
    struct covey_why why = {{0}};
    bool open = store_in_transaction(r->st);

    if (!open)
        record_begin(r);
    enum covey_rc rc = run(r, sql, &why);
    if (rc != COVEY_OK)
        print_error("%s\n", sql);
    told(rc, &why);
    if (!open)
        record_commit(r);
    return (const char *)answer.p;
}

void record_refuses(struct record *r, const char *sql, const char *words)
{
    struct covey_why why = {{0}};
    bool open = store_in_transaction(r->st);

    if (!open)
        record_begin(r);
    assert_int_equal(run(r, sql, &why), COVEY_EREFUSED);
    assert_non_null(strstr(why.text, words));
    if (!open)
        store_rollback(r->st);
}

struct row_id record_row(uint8_t member, uint8_t number)
{
    struct row_id id;

    memset(id.b, 0, sizeof id.b);
    id.b[0] = 1;
    memset(id.b + ROW_ID_TAG_OFFSET, member, sizeof(struct member_tag));
    id.b[sizeof id.b - 1] = number;
    return id;
}

struct stamp_name record_name(uint64_t number)
{
    struct hash hash = hash_of("name", &number, sizeof number);
    struct stamp_name name;

    memcpy(name.b, hash.b, sizeof name.b);
    return name;
}

struct sign_key record_author(uint8_t number)
{
    struct hash hash = hash_of("author", &number, 1);
    struct sign_key key;

    memcpy(key.b, hash.b, sizeof key.b);
    return key;
}

/* One line a row and a sibling; NULL is "-". */
#define OF_SPACE " WHERE space = (SELECT id FROM space WHERE n = %lld)"
static const char rows_sql[] =
    "SELECT coalesce(group_concat(line, char(10)), '') FROM ("
    "SELECT id || ' priority ' || concat_ws || '' AS line FROM ("
    "SELECT id, coalesce(title, '-') || '|' || coalesce(why, '-') || '|' ||"
    " coalesce(outcome, '-') || '|' || coalesce(lead, '-') || '|' ||"
    " coalesce(status, '-') || '|' || coalesce(source, '-') AS concat_ws"
    " FROM priority" OF_SPACE " ORDER BY id)"
    " UNION ALL SELECT * FROM (SELECT id || ' comment ' ||"
    " coalesce(on_row, '-') || '|' || coalesce(text, '-') FROM comment" OF_SPACE
    " ORDER BY id)"
    " UNION ALL SELECT * FROM (SELECT s.id || ' sibling ' || s.col || ' ' ||"
    " s.clock || ' ' || hex(a.key) || ' ' || hex(s.name) || ' ' ||"
    " coalesce(s.value, '-') FROM sibling AS s JOIN author AS a"
    " ON a.n = s.author WHERE s.space = %lld"
    " ORDER BY s.id, s.tbl, s.col, s.clock, a.key, s.name))";

const char *record_rows(struct record *r, int64_t n)
{
    char sql[2048];
    long long of = (long long)n;

    snprintf(sql, sizeof sql, rows_sql, of, of, of);
    return record_sql(r, sql);
}

const char *record_state(struct record *r)
{
    static char state[1 << 20];
    char sql[256];
    size_t len;

    snprintf(state, sizeof state, "%s\n", record_rows(r, r->n));
    len = strlen(state);
    snprintf(sql, sizeof sql,
             "SELECT rows || ' rows, digest ' || hex(digest) FROM space"
             " WHERE n = %lld",
             (long long)r->n);
    snprintf(state + len, sizeof state - len, "%s\n", record_sql(r, sql));
    return state;
}

void record_check(struct record *r)
{
    uint8_t digest[16];
    char hex[33];
    char sql[128];
    struct covey_why why;
    enum covey_rc rc = merge_digest_anew(r->st, r->n, digest);

    store_why(r->st, &why);
    told(rc, &why);
    hex_encode(digest, sizeof digest, hex);
    snprintf(sql, sizeof sql,
             "SELECT lower(hex(digest)) FROM space WHERE n = %lld",
             (long long)r->n);
    assert_string_equal(record_sql(r, sql), hex);
}
