#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/internal.h"
#include "store/merge.h"
#include "store/schema.h"

#define NEW_FILE STORE_FILE ".new"
#define SCRATCH_MAX (64u << 20)
#define CERTS_MAX 65536u
#define PAGE_SIZE 4096u
#define WAL_FRAME (PAGE_SIZE + 24u)

/* ---- reading who keeps the record ---- */

static struct member_tag tag_of(const struct member_id *member)
{
    struct member_tag tag;

    memcpy(tag.b, member->b, sizeof tag.b);
    return tag;
}

static enum covey_rc self_columns(struct store *st, sqlite3_stmt *stmt)
{
    char member[65];
    char kind[16];
    struct store_self *self = &st->self;

    sql_column_text(stmt, 0, member, sizeof member);
    sql_column_text(stmt, 2, kind, sizeof kind);
    if (!hex_decode(member, self->member.b, sizeof self->member.b) ||
        !member_kind_from(kind, &self->kind))
        return COVEY_ECORRUPT;
    self->urn = (uint32_t)sqlite3_column_int64(stmt, 3);
    sql_column_text(stmt, 4, self->name, sizeof self->name);

    struct covey_bytes member_cert = sql_column_bytes(stmt, 5);
    struct covey_bytes node_cert = sql_column_bytes(stmt, 6);

    buf_append(&st->self_certs, member_cert.p, member_cert.len);
    buf_append(&st->self_certs, node_cert.p, node_cert.len);
    if (buf_rc(&st->self_certs) != COVEY_OK)
        return buf_rc(&st->self_certs);
    self->member_cert = (struct covey_bytes){st->self_certs.p, member_cert.len};
    self->node_cert =
        (struct covey_bytes){st->self_certs.p + member_cert.len, node_cert.len};
    return sql_column_fixed(stmt, 1, self->node.b, sizeof self->node.b);
}

static enum covey_rc self_load(struct store *st)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_SELF_GET);
    enum covey_rc rc = sql_row(st, stmt);

    if (rc == COVEY_OK)
        rc = self_columns(st, stmt);
    if (rc == COVEY_ENONE || (rc == COVEY_ECORRUPT && st->why.text[0] == '\0'))
        rc = why_say(&st->why, COVEY_ECORRUPT,
                     "the record does not say whose it is");
    sql_end(stmt);
    st->tag = tag_of(&st->self.member);
    return rc;
}

static enum covey_rc self_save(struct store *st, const struct store_self *self)
{
    char member[65];
    sqlite3_stmt *stmt = sql_begin(st, SQL_SELF_PUT);

    hex_encode(self->member.b, sizeof self->member.b, member);
    sql_bind_text(stmt, 1, member);
    sql_bind_blob(stmt, 2, self->node.b, sizeof self->node.b);
    sql_bind_text(stmt, 3, member_kind_name(self->kind));
    sql_bind_int(stmt, 4, self->urn);
    sql_bind_text(stmt, 5, self->name);
    sql_bind_blob(stmt, 6, self->member_cert.p, self->member_cert.len);
    sql_bind_blob(stmt, 7, self->node_cert.p, self->node_cert.len);
    return sql_run(st, stmt);
}

/* ---- opening and closing ---- */

/* How much of the WAL waits is told with each commit of ours. */
static int on_commit(void *ctx, sqlite3 *db, const char *name, int pages)
{
    struct store *st = ctx;

    (void)db;
    (void)name;
    st->wal_pages = pages;
    return SQLITE_OK;
}

static enum covey_rc new_store(const char *dir, struct store **out)
{
    struct store *st = covey_new(&store_heap, sizeof *st);

    if (st == NULL)
        return COVEY_ENOMEM;
    st->mem = store_heap;
    buf_init(&st->self_certs, &st->mem, CERTS_MAX);
    buf_init(&st->scratch, &st->mem, SCRATCH_MAX);
    st->dir = strdup(dir);
    if (st->dir == NULL) {
        store_close(st);
        return COVEY_ENOMEM;
    }
    *out = st;
    return COVEY_OK;
}

void store_close(struct store *st)
{
    if (st == NULL)
        return;
    if (st->db != NULL)
        store_rollback(st);
    log_cache_free(st);
    merge_gather_free(st);
    for (size_t i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize(st->stmt[i]);

    /* The last to close takes the WAL into the file: let it be the writer. */
    int code = sqlite3_close(st->checkpointer);

    CHECK(code == SQLITE_OK);
    code = sqlite3_close(st->db);
    CHECK(code == SQLITE_OK);
    buf_clear(&st->self_certs);
    buf_clear(&st->scratch);
    free(st->dir);
    covey_free(&store_heap, st);
}

/* Is it a record of ours, and one that this version can read? */
static enum covey_rc know_file(struct store *st)
{
    int64_t application = 0;
    enum covey_rc rc =
        connect_ask(st->db, "PRAGMA application_id", &application, &st->why);

    if (rc == COVEY_OK && application != SCHEMA_APPLICATION_ID)
        return why_say(&st->why, COVEY_ECORRUPT,
                       "this file is not a record of covey");
    return rc;
}

static enum covey_rc quick_check(struct store *st)
{
    int64_t bad = 0;
    enum covey_rc rc = connect_ask(st->db,
                                   "SELECT count(*) FROM pragma_quick_check(1) "
                                   "WHERE quick_check <> 'ok'",
                                   &bad, &st->why);

    if (rc == COVEY_OK && bad != 0)
        return why_say(&st->why, COVEY_ECORRUPT,
                       "the record is damaged; restore a backup with "
                       "`covey restore`");
    return rc;
}

static enum covey_rc use_wal(struct store *st)
{
    int64_t is_wal = 0;
    enum covey_rc rc =
        connect_run(st->db, "PRAGMA journal_mode = WAL", &st->why);

    if (rc == COVEY_OK)
        rc = connect_ask(st->db,
                         "SELECT count(*) FROM pragma_journal_mode"
                         " WHERE journal_mode = 'wal'",
                         &is_wal, &st->why);
    if (rc == COVEY_OK && is_wal == 0)
        return why_say(&st->why, COVEY_EREFUSED,
                       "it cannot be kept with a write-ahead log here: put it "
                       "on a local disk");
    return rc;
}

static uint64_t size_of(const char *dir, const char *name)
{
    char *path = path_join(dir, name);
    struct stat info;
    uint64_t size = 0;

    if (path != NULL && stat(path, &info) == 0)
        size = (uint64_t)info.st_size;
    free(path);
    return size;
}

/* Of a run that did not end well the WAL may be whole in memory and not on the
 * disk: a sync that failed marks as saved what it did not save.  What is
 * committed after that would be lost with it when the power fails.  So it is
 * taken into the record, which is synced, and then written from its beginning;
 * where another program is in the way, after the next commit. */
static enum covey_rc doubt_wal(struct store *st)
{
    st->wal_doubted = true;

    enum covey_rc rc = store_checkpoint(st);

    return rc == COVEY_EBUSY ? COVEY_OK : rc;
}

static enum covey_rc open_parts(struct store *st, const char *path)
{
    /* A WAL that is still there was not closed: the last run was killed. */
    bool killed = size_of(st->dir, STORE_FILE "-wal") > 0;
    enum covey_rc rc =
        connect_open(path, SQLITE_OPEN_READWRITE, &st->db, &st->why);

    if (rc == COVEY_OK)
        rc = know_file(st);
    if (rc == COVEY_OK && killed)
        rc = quick_check(st);
    if (rc == COVEY_OK)
        rc = use_wal(st);
    if (rc == COVEY_OK)
        rc = schema_steps_run(st);
    if (rc == COVEY_OK)
        rc = self_load(st);
    if (rc == COVEY_OK)
        rc = schema_migrate(st);
    if (rc == COVEY_OK)
        rc = connect_open(path, SQLITE_OPEN_READWRITE, &st->checkpointer,
                          &st->why);
    if (rc != COVEY_OK)
        return rc;
    sqlite3_wal_hook(st->db, on_commit, st);

    bool changed;

    rc = store_outside(st, &changed);
    st->wal_pages = (int)(size_of(st->dir, STORE_FILE "-wal") / WAL_FRAME);
    return rc == COVEY_OK && killed ? doubt_wal(st) : rc;
}

enum covey_rc store_open(const char *dir, struct store **out,
                         struct covey_why *why)
{
    struct store *st = NULL;
    enum covey_rc rc = new_store(dir, &st);
    char *path = path_join(dir, STORE_FILE);

    if (rc == COVEY_OK && path == NULL)
        rc = COVEY_ENOMEM;
    if (rc == COVEY_OK && access(path, F_OK) != 0 && errno == ENOENT)
        rc = why_say(&st->why, COVEY_ENONE,
                     "there is no record here; make one with `covey init`");
    if (rc == COVEY_OK)
        rc = open_parts(st, path);
    if (rc == COVEY_OK)
        *out = st;
    else
        (void)why_say(why, rc, "%s/%s: %s", dir, STORE_FILE,
                      st != NULL && st->why.text[0] != '\0'
                          ? st->why.text
                          : covey_rc_text(rc));
    if (rc != COVEY_OK)
        store_close(st);
    free(path);
    return rc;
}

/* ---- making a new record ---- */

static const char *const leftovers[] = {"", "-journal", "-wal", "-shm"};

/* What an init that was killed left behind. */
static void sweep(const char *path)
{
    char name[4096];

    for (size_t i = 0; i < sizeof leftovers / sizeof leftovers[0]; i++) {
        snprintf(name, sizeof name, "%s%s", path, leftovers[i]);
        (void)unlink(name);
    }
}

static enum covey_rc failed_on(const char *what, struct covey_why *why)
{
    bool full = errno == ENOSPC || errno == EDQUOT;
    bool fault = errno == EIO;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): a text for each thread in glibc */
    const char *reason = strerror(errno);

    return why_say(why,
                   full    ? COVEY_EFULL
                   : fault ? COVEY_EIO
                           : COVEY_EREFUSED,
                   "%s: %s", what, reason);
}

static enum covey_rc sync_path(const char *path, struct covey_why *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return failed_on(path, why);

    enum covey_rc rc = COVEY_OK;

    if (fsync(fd) != 0)
        rc = failed_on(path, why);
    (void)close(fd);
    return rc;
}

/* For its keeper's eyes: it holds keys. */
static enum covey_rc create_file(const char *path, struct covey_why *why)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return failed_on(path, why);
    (void)close(fd);
    return COVEY_OK;
}

/* Into the file, which alone is renamed: the close would do it too, and say
 * nothing where it fails. */
static enum covey_rc settle(struct store *st)
{
    int code = sqlite3_wal_checkpoint_v2(
        st->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

    return code == SQLITE_OK ? COVEY_OK : store_failed(st, code);
}

static enum covey_rc fill(const char *dir, const char *path,
                          const struct store_self *self, struct covey_why *why)
{
    struct store *st = NULL;
    enum covey_rc rc = new_store(dir, &st);

    if (rc != COVEY_OK)
        return rc;
    st->tag = tag_of(&self->member);
    rc = connect_open(path, SQLITE_OPEN_READWRITE, &st->db, &st->why);
    if (rc == COVEY_OK)
        rc = use_wal(st);
    if (rc == COVEY_OK)
        rc = schema_steps_run(st);
    if (rc == COVEY_OK)
        rc = schema_migrate(st);
    if (rc == COVEY_OK)
        rc = self_save(st, self);
    if (rc == COVEY_OK)
        rc = settle(st);
    if (rc != COVEY_OK)
        *why = st->why;
    store_close(st);
    return rc;
}

/* Nothing half made is ever seen under the record's name. */
static enum covey_rc make(const char *dir, const char *path, const char *final,
                          const struct store_self *self, struct covey_why *why)
{
    sweep(path);

    enum covey_rc rc = create_file(path, why);

    if (rc == COVEY_OK)
        rc = fill(dir, path, self, why);
    if (rc == COVEY_OK)
        rc = sync_path(path, why);
    if (rc == COVEY_OK && rename(path, final) != 0)
        rc = failed_on(final, why);
    if (rc != COVEY_OK) {
        sweep(path);
        return rc;
    }
    rc = sync_path(dir, why);
    if (rc != COVEY_OK)
        sweep(final); /* else the next try finds a record */
    return rc;
}

enum covey_rc store_init(const char *dir, const struct store_self *self,
                         struct covey_why *why)
{
    char *path = path_join(dir, NEW_FILE);
    char *final = path_join(dir, STORE_FILE);
    enum covey_rc rc;

    if (path == NULL || final == NULL)
        rc = why_say(why, COVEY_ENOMEM, "%s", covey_rc_text(COVEY_ENOMEM));
    else if (access(final, F_OK) == 0)
        rc = why_say(why, COVEY_EEXISTS,
                     "%s is there already; another record needs another "
                     "directory (--data DIR)",
                     final);
    else
        rc = make(dir, path, final, self, why);
    free(path);
    free(final);
    return rc;
}

/* ---- transactions ---- */

const struct store_self *store_self(const struct store *st)
{
    return &st->self;
}

static enum covey_rc run(struct store *st, enum sql_id id)
{
    return sql_run(st, sql_begin(st, id));
}

enum covey_rc store_begin(struct store *st)
{
    CHECK(!store_in_transaction(st));
    st->why.text[0] = '\0';

    enum covey_rc rc = run(st, SQL_BEGIN);

    st->begun = rc == COVEY_OK;
    return rc;
}

enum covey_rc store_commit(struct store *st)
{
    CHECK(store_in_transaction(st));

    enum covey_rc rc = merge_flush(st);

    if (rc == COVEY_OK)
        rc = log_cache_flush(st);
    if (rc == COVEY_OK)
        rc = run(st, SQL_COMMIT);
    if (rc != COVEY_OK)
        store_rollback(st);
    st->begun = false;
    return rc;
}

/* SQLite may have rolled back by itself, at a full disk for one. */
static bool is_open(const struct store *st)
{
    return sqlite3_get_autocommit(st->db) == 0;
}

void store_rollback(struct store *st)
{
    log_cache_forget(st);
    merge_forget(st);
    st->begun = false;
    st->spoilt = COVEY_OK;
    if (!is_open(st))
        return;

    struct covey_why kept = st->why;
    enum covey_rc rc = run(st, SQL_ROLLBACK);

    if (rc == COVEY_OK)
        st->why = kept;
}

bool store_in_transaction(const struct store *st)
{
    return st->begun;
}

enum covey_rc store_mark(struct store *st)
{
    CHECK(store_in_transaction(st));
    return run(st, SQL_MARK);
}

enum covey_rc store_release(struct store *st)
{
    return run(st, SQL_RELEASE);
}

/* Where SQLite rolled all back by itself, there is no mark to go back to; nor
 * will what is spoilt be committed. */
void store_revert(struct store *st)
{
    if (!is_open(st) || st->spoilt != COVEY_OK)
        return;

    struct covey_why kept = st->why;
    enum covey_rc rc = run(st, SQL_REVERT);

    if (rc == COVEY_OK)
        rc = run(st, SQL_RELEASE);
    if (rc == COVEY_OK)
        st->why = kept;
}

/* ---- other programs, and the WAL ---- */

enum covey_rc store_outside(struct store *st, bool *changed)
{
    CHECK(!store_in_transaction(st));

    sqlite3_stmt *stmt = sql_begin(st, SQL_DATA_VERSION);
    enum covey_rc rc = sql_row(st, stmt);

    if (rc == COVEY_OK) {
        int64_t version = sqlite3_column_int64(stmt, 0);

        *changed = version != st->data_version;
        st->data_version = version;
    }
    sql_end(stmt);
    if (rc == COVEY_OK && *changed)
        st->wal_pages = (int)(size_of(st->dir, STORE_FILE "-wal") / WAL_FRAME);
    return rc;
}

/* "SQLite before 3.51.3 can corrupt" where a commit resets the log under a
 * checkpoint (DESIGN.md section 15): so it runs while we hold the write lock,
 * and nobody can commit. */
enum covey_rc store_checkpoint(struct store *st)
{
    int left = 0;
    int done = 0;

    if (st->wal_pages < (int)STORE_CHECKPOINT_PAGES && !st->wal_doubted)
        return COVEY_OK;

    enum covey_rc rc = store_begin(st);

    if (rc != COVEY_OK)
        return rc;

    int code = sqlite3_wal_checkpoint_v2(
        st->checkpointer, NULL, SQLITE_CHECKPOINT_PASSIVE, &left, &done);

    if (code != SQLITE_OK && code != SQLITE_BUSY)
        rc = why_say(&st->why, sql_rc(code), "checkpoint: %s",
                     sqlite3_errmsg(st->checkpointer));
    store_rollback(st);
    SOMETIMES("the WAL is taken into the record");

    /* What a reader holds back is tried again after the next commit. */
    if (rc == COVEY_OK)
        st->wal_pages = 0;
    if (code == SQLITE_OK && left == done)
        st->wal_doubted = false;
    return rc;
}

enum covey_rc store_broken(const struct store *st)
{
    return st->broken;
}

void store_why(const struct store *st, struct covey_why *why)
{
    *why = st->why;
}

uint64_t store_size_bytes(const struct store *st)
{
    return size_of(st->dir, STORE_FILE) + size_of(st->dir, STORE_FILE "-wal");
}
