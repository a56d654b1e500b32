/* internal.h - what the files of store/ know of each other. */
#ifndef COVEY_STORE_INTERNAL_H
#define COVEY_STORE_INTERNAL_H

#include <sqlite3.h>

#include "store/sql.h"
#include "store/store.h"

struct log_cache;    /* log.c: authors and logs by number */
struct merge_gather; /* merge.c: digests and events of this transaction */
struct row_cache;    /* row_sql.c: statements on the shared tables */

struct store {
    sqlite3 *db;           /* the writer */
    sqlite3 *checkpointer; /* the second connection */
    char *dir;
    struct covey_mem mem;
    sqlite3_stmt *stmt[SQL_COUNT];
    struct store_self self;
    struct covey_buf self_certs; /* what self's certificates point into */
    struct member_tag tag;
    struct covey_buf scratch; /* payloads and rows handed out by pointer */
    struct log_cache *logs;
    struct merge_gather *gather;
    struct row_cache *rows;
    int64_t data_version;
    int64_t schema_version; /* when schema_intact() last looked; 0: never */
    int wal_pages;          /* that wait for a checkpoint, as far as known */
    bool wal_doubted; /* it may not be on the disk as it looks; see store.c */
    struct covey_why why; /* what went wrong last */
    enum covey_rc broken; /* see store_broken() */
    bool begun;           /* a transaction of ours */
    enum covey_rc spoilt; /* what a statement in it met: it cannot commit */
};

/* Open a connection the way every one of ours is (connect.c): flags are
 * SQLITE_OPEN_*; no automatic checkpoints, no extensions, limits, temporary
 * things in memory. */
COVEY_MUST_USE enum covey_rc connect_open(const char *path, int flags,
                                          sqlite3 **out, struct covey_why *why);
/* SQLite's code as ours, with why in words; COVEY_EBUSY where the process has
 * no descriptor free. */
enum covey_rc connect_failed(sqlite3 *db, int code, struct covey_why *why);
/* Run SQL that returns nothing, of many statements; why in SQLite's words. */
COVEY_MUST_USE enum covey_rc connect_run(sqlite3 *db, const char *sql,
                                         struct covey_why *why);
/* The one number that a statement gives. */
COVEY_MUST_USE enum covey_rc connect_ask(sqlite3 *db, const char *sql,
                                         int64_t *out, struct covey_why *why);
/* Fill why and give rc back. */
enum covey_rc why_say(struct covey_why *why, enum covey_rc rc,
                      const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Append words to a text; at most TEXT_SAY_MAX bytes a call. */
#define TEXT_SAY_MAX 4096u
void text_say(struct covey_buf *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* dir/name in the heap's memory; NULL when there is none. */
char *path_join(const char *dir, const char *name);

/* What an API statement failed with: in words for whoever asked (query.c). */
enum covey_rc query_failed(sqlite3 *db, int code, struct covey_why *why);

/* Note SQLite's last words on the writer, and whether the record is broken;
 * give its code as ours. */
enum covey_rc store_failed(struct store *st, int sqlite_code);

/* The heap, as the store uses it. */
extern const struct covey_mem store_heap;

/* Called by store_close(), and the second pair by commit and rollback. */
void log_cache_free(struct store *st);
void merge_gather_free(struct store *st);
void log_cache_forget(struct store *st); /* after a rollback */
/* Write the logs' heads that changed; before a commit. */
COVEY_MUST_USE enum covey_rc log_cache_flush(struct store *st);
/* Triggers on, off as the merge wants them: cheap where they are already. */
COVEY_MUST_USE enum covey_rc merge_triggers(struct store *st, bool on);

/* What this member may write where, for the triggers: anew for every space,
 * because the rules changed (space.c). */
COVEY_MUST_USE enum covey_rc space_doors(struct store *st);

/* An author's local number, made if it is new (log.c). */
COVEY_MUST_USE enum covey_rc
author_number(struct store *st, const struct sign_key *author, int64_t *out);
COVEY_MUST_USE enum covey_rc author_key(struct store *st, int64_t number,
                                        struct sign_key *out);

#endif
