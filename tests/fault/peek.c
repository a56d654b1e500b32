/* peek.c - see peek.h. */
#include "tests/fault/peek.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/merge.h"
#include "store/store.h"

static char text[65536];

sqlite3 *peek_open(const struct disk *d)
{
    char path[128];
    sqlite3 *db = NULL;

    snprintf(path, sizeof path, "%s/%s", disk_dir(d), STORE_FILE);
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK)
        (void)peek_run(db, "PRAGMA synchronous = FULL");
    return db;
}

/* Not even a checkpoint at the close. */
void peek_close(sqlite3 *db)
{
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_close(db);
}

bool peek_run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static void say(const char *words)
{
    size_t len = strlen(text);

    snprintf(text + len, sizeof text - len, "%s", words);
}

static int say_row(void *ctx, int count, char **values, char **names)
{
    (void)ctx;
    (void)names;
    if (text[0] != '\0')
        say(";");
    for (int i = 0; i < count; i++) {
        say(i == 0 ? "" : "|");
        say(values[i] == NULL ? "-" : values[i]);
    }
    return 0;
}

const char *peek_text(sqlite3 *db, const char *sql)
{
    text[0] = '\0';
    if (sqlite3_exec(db, sql, say_row, NULL, NULL) != SQLITE_OK)
        snprintf(text, sizeof text, "%s", sqlite3_errmsg(db));
    return text;
}

int64_t peek_number(sqlite3 *db, const char *sql)
{
    const char *out = peek_text(db, sql);
    char *end;
    long long number = strtoll(out, &end, 10);

    return end == out || *end != '\0' ? -1 : number;
}

/* ---- change sets ---- */

#define HEADERS                                                                \
    "SELECT c.seq, c.hash, a.key, l.incarnation, c.number FROM change_set AS"  \
    " c JOIN log AS l ON l.n = c.log JOIN author AS a ON a.n = l.author"       \
    " WHERE c.seq > ?1 AND (?2 IS NULL OR a.key = ?2) ORDER BY c.seq"

static void take_header(sqlite3_stmt *stmt, struct peek_headers *out)
{
    if (out->count == out->cap) {
        out->cap = out->cap == 0 ? 64 : 2 * out->cap;
        out->items = realloc(out->items, out->cap * sizeof *out->items);
        CHECK(out->items != NULL);
    }

    struct peek_header *h = &out->items[out->count++];

    memcpy(h->hash, sqlite3_column_blob(stmt, 1), sizeof h->hash);
    memcpy(h->author, sqlite3_column_blob(stmt, 2), sizeof h->author);
    memcpy(h->incarnation, sqlite3_column_blob(stmt, 3), sizeof h->incarnation);
    h->number = sqlite3_column_int64(stmt, 4);
}

void peek_headers(sqlite3 *db, const struct sign_key *author, int64_t *after,
                  struct peek_headers *out)
{
    sqlite3_stmt *stmt = NULL;

    if (sqlite3_prepare_v2(db, HEADERS, -1, &stmt, NULL) == SQLITE_OK) {
        sqlite3_bind_int64(stmt, 1, *after);
        if (author != NULL)
            sqlite3_bind_blob(stmt, 2, author->b, sizeof author->b,
                              SQLITE_STATIC);
    }
    while (stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW) {
        take_header(stmt, out);
        *after = sqlite3_column_int64(stmt, 0);
    }
    sqlite3_finalize(stmt);
}

static int by_hash(const void *a, const void *b)
{
    return memcmp(a, b, sizeof((struct peek_header *)NULL)->hash);
}

void peek_sort(struct peek_headers *list)
{
    if (list->count > 0)
        qsort(list->items, list->count, sizeof *list->items, by_hash);
}

bool peek_has(const struct peek_headers *sorted, const struct peek_header *h)
{
    return sorted->count > 0 &&
           bsearch(h, sorted->items, sorted->count, sizeof *h, by_hash) != NULL;
}

/* ---- is it whole? ---- */

const char *peek_damage(sqlite3 *db)
{
    const char *out =
        peek_text(db, "SELECT integrity_check FROM pragma_integrity_check"
                      " WHERE integrity_check <> 'ok' LIMIT 3");

    return out[0] == '\0' ? NULL : out;
}

static const char *digest_trouble(struct store *st, sqlite3 *db, int64_t n)
{
    char ask[128];
    char hex[33];
    uint8_t digest[16];

    if (merge_digest_anew(st, n, digest) != COVEY_OK)
        return "a digest cannot be computed";
    hex_encode(digest, sizeof digest, hex);
    snprintf(ask, sizeof ask,
             "SELECT lower(hex(digest)) FROM space WHERE n = %d", (int)n);
    return strcmp(peek_text(db, ask), hex) == 0
               ? NULL
               : "a digest is not what the rows add up to";
}

static const char *store_trouble(struct store *st, sqlite3 *db)
{
    int64_t spaces = peek_number(db, "SELECT max(n) FROM space");
    const char *trouble = NULL;
    char ask[128];

    if (peek_number(db, "SELECT count(*) FROM log WHERE forked") > 0)
        return "a log forked";
    if (peek_number(db, "SELECT count(*) FROM outbox WHERE op <> 4") != 0)
        return NULL;
    for (int64_t n = 1; n <= spaces && trouble == NULL; n++) {
        snprintf(ask, sizeof ask,
                 "SELECT count(*) FROM space WHERE n = %d AND NOT carried",
                 (int)n);
        if (peek_number(db, ask) == 1)
            trouble = digest_trouble(st, db, n);
    }
    return trouble;
}

const char *peek_trouble(const struct disk *d)
{
    static struct covey_why why;
    struct store *st = NULL;
    sqlite3 *db;
    const char *trouble;

    if (store_open(disk_dir(d), &st, &why) != COVEY_OK)
        return why.text;
    db = peek_open(d);
    trouble = store_trouble(st, db);
    peek_close(db);
    store_close(st);
    return trouble;
}

static const char without[] =
    "DELETE FROM shape; DELETE FROM door;"
    " DROP VIEW spaces; DROP VIEW members; DROP VIEW conflicts;";

void peek_make_old(const struct disk *d)
{
    sqlite3 *db = peek_open(d);
    char sql[8192];

    snprintf(sql, sizeof sql,
             "%s %s;"
             " ALTER TABLE priority DROP COLUMN lead;"
             " ALTER TABLE priority DROP COLUMN status",
             without,
             peek_text(db, "SELECT 'DROP TRIGGER ' || name FROM sqlite_schema"
                           " WHERE type = 'trigger'"));
    CHECK(peek_run(db, sql));
    peek_close(db);
}
