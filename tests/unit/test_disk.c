/* test_disk.c - the simulated disk keeps what was synced, loses what was not,
 * and locks, fails and forgets as a real one does. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store/store.h"
#include "tests/sim/disk.h"

#define WALL_MS 1790000000000u
#define WRITES 40

static struct disk *disk; /* where things are done */
static struct disk *left; /* what a power loss leaves of it */

static int setup(void **state)
{
    disk_install();
    disk = disk_new("one", 7);
    left = disk_new("left", 8);
    disk_turn(disk, WALL_MS);
    return 0;
}

static int teardown(void **state)
{
    disk_free(disk);
    disk_free(left);
    return 0;
}

/* ---- SQLite on it ---- */

static int run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static void must(sqlite3 *db, const char *sql)
{
    if (run(db, sql) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
}

static sqlite3 *open_db(const struct disk *d)
{
    char path[128];
    sqlite3 *db = NULL;

    snprintf(path, sizeof path, "%s/x.db", disk_dir(d));
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_extended_result_codes(db, 1);
    return db;
}

static int64_t ask(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    int64_t value = -1;

    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return value;
}

static sqlite3 *open_wal(const struct disk *d)
{
    sqlite3 *db = open_db(d);

    must(db, "PRAGMA journal_mode = WAL");
    must(db, "PRAGMA wal_autocheckpoint = 0");
    must(db, "PRAGMA synchronous = FULL");
    return db;
}

static void test_two_connections_lock_each_other(void **state)
{
    sqlite3 *a = open_wal(disk);
    sqlite3 *b = open_wal(disk);

    must(a, "CREATE TABLE t (x); INSERT INTO t VALUES (1)");
    must(a, "BEGIN IMMEDIATE; INSERT INTO t VALUES (2)");
    assert_int_equal(run(b, "BEGIN IMMEDIATE"), SQLITE_BUSY);
    assert_int_equal(ask(b, "SELECT count(*) FROM t"), 1);
    must(a, "COMMIT");
    assert_int_equal(ask(b, "SELECT count(*) FROM t"), 2);
    must(b, "BEGIN IMMEDIATE; INSERT INTO t VALUES (3); COMMIT");
    assert_int_equal(ask(a, "SELECT count(*) FROM t"), 3);
    sqlite3_close(a);
    sqlite3_close(b);
}

static void test_a_reader_holds_back_the_checkpoint_of_another(void **state)
{
    sqlite3 *writer = open_wal(disk);
    sqlite3 *reader = open_wal(disk);
    int pages = 0, done = 0;

    must(writer, "CREATE TABLE t (x)");
    must(reader, "BEGIN; SELECT * FROM t");
    must(writer, "INSERT INTO t VALUES (1)");
    assert_int_equal(sqlite3_wal_checkpoint_v2(writer, NULL,
                                               SQLITE_CHECKPOINT_PASSIVE,
                                               &pages, &done),
                     SQLITE_OK);
    assert_true(done < pages);
    assert_int_equal(ask(reader, "SELECT count(*) FROM t"), 0);
    must(reader, "COMMIT");
    assert_int_equal(sqlite3_wal_checkpoint_v2(writer, NULL,
                                               SQLITE_CHECKPOINT_TRUNCATE,
                                               &pages, &done),
                     SQLITE_OK);
    assert_int_equal(disk_file_bytes(disk, "x.db-wal"), 0);
    assert_int_equal(ask(reader, "SELECT count(*) FROM t"), 1);
    sqlite3_close(reader);
    sqlite3_close(writer);
}

/* ---- power loss at each change of a workload ---- */

struct points {
    int acked; /* transactions whose COMMIT has returned */
    unsigned looked, lost, damaged;
};

/* The disk as power loss would leave it now: is all there that was told? */
static void look(void *ctx)
{
    struct points *p = ctx;

    for (int loss = DISK_NOTHING; loss <= DISK_TORN; loss++) {
        disk_leave(disk, (enum disk_loss)loss, left);

        sqlite3 *db = open_db(left);

        p->looked++;
        if (ask(db, "SELECT count(*) FROM pragma_integrity_check"
                    " WHERE integrity_check <> 'ok'") != 0)
            p->damaged++;
        if (p->acked > 0 && ask(db, "SELECT count(*) FROM t") < p->acked)
            p->lost++;
        sqlite3_close(db);
    }
}

static void write_many(sqlite3 *db, struct points *p)
{
    char sql[128];

    for (int i = 0; i < WRITES; i++) {
        snprintf(sql, sizeof sql, "INSERT INTO t VALUES (%d, zeroblob(%d))", i,
                 i * 977 % 9000);
        must(db, sql);
        p->acked++;
        if (i % 10 == 9)
            must(db, "PRAGMA wal_checkpoint(PASSIVE)");
    }
}

static void sync_folder_of(const struct disk *d)
{
    int fd = open(disk_dir(d), O_RDONLY);

    assert_int_equal(fsync(fd), 0);
    assert_int_equal(close(fd), 0);
}

static struct points lose_power(const char *pragma)
{
    struct points p = {0, 0, 0, 0};
    sqlite3 *db = open_db(disk);

    must(db, pragma);
    must(db, "PRAGMA wal_autocheckpoint = 0");
    must(db, "CREATE TABLE t (x, y)");
    sync_folder_of(disk);
    disk_watch(disk, look, &p);
    write_many(db, &p);
    disk_watch(disk, NULL, NULL);
    sqlite3_close(db);
    assert_true(p.looked > 3 * WRITES);
    assert_int_equal(p.damaged, 0);
    return p;
}

#define WAL "PRAGMA journal_mode = WAL; PRAGMA synchronous = "
#define ROLLBACK "PRAGMA journal_mode = DELETE; PRAGMA synchronous = "

static void test_wal_full_loses_nothing(void **state)
{
    assert_int_equal(lose_power(WAL "FULL").lost, 0);
}

static void test_wal_normal_loses_what_was_told(void **state)
{
    assert_true(lose_power(WAL "NORMAL").lost > 50);
}

static void test_a_rollback_journal_loses_nothing_with_extra(void **state)
{
    assert_int_equal(lose_power(ROLLBACK "EXTRA").lost, 0);
}

static void test_no_sync_at_all_damages_the_file(void **state)
{
    struct points p = {0, 0, 0, 0};
    sqlite3 *db = open_db(disk);

    must(db, "PRAGMA synchronous = OFF; CREATE TABLE t (x, y)");
    disk_watch(disk, look, &p);
    write_many(db, &p);
    disk_watch(disk, NULL, NULL);
    sqlite3_close(db);
    assert_true(p.lost > 0);
    assert_true(p.damaged > 0);
}

/* The first session makes the file, with a rollback journal, then turns to WAL
 * and writes.  Where the removal of that journal is not safe, the stale journal
 * takes the file back to nothing, and the WAL goes with it. */
static struct points first_session(bool sync_folder)
{
    struct points p = {0, 0, 0, 0};
    sqlite3 *db;

    disk_lone_names(disk);
    db = open_db(disk);
    must(db, WAL "FULL");
    must(db, "PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (x, y)");
    if (sync_folder)
        sync_folder_of(disk);
    disk_watch(disk, look, &p);
    write_many(db, &p);
    disk_watch(disk, NULL, NULL);
    sqlite3_close(db);
    return p;
}

static void test_a_stale_first_journal_takes_everything(void **state)
{
    struct points p = first_session(false);

    assert_true(p.lost > p.looked / 4);
}

static void test_one_sync_of_the_directory_prevents_that(void **state)
{
    assert_int_equal(first_session(true).lost, 0);
}

/* SQLite on Linux does it by itself. */
static void test_sqlite_syncs_the_directory_with_a_new_wal(void **state)
{
    struct points p = {0, 0, 0, 0};
    sqlite3 *db = open_db(disk);

    must(db, WAL "FULL");
    must(db, "PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (x, y)");
    disk_watch(disk, look, &p);
    write_many(db, &p);
    disk_watch(disk, NULL, NULL);
    sqlite3_close(db);
    assert_int_equal(p.lost, 0);
}

/* ---- the record on it ---- */

static struct store_self self_of(void)
{
    static const uint8_t cert[32];
    struct store_self self = {.kind = MEMBER_SCHOOL, .name = "Ashfield"};

    memset(self.member.b, 0xa1, sizeof self.member.b);
    memset(self.node.b, 0xa2, sizeof self.node.b);
    self.member_cert = self.node_cert = (struct covey_bytes){cert, 32};
    return self;
}

struct inits {
    unsigned looked, whole, none;
    bool told;
};

static void look_at_init(void *ctx)
{
    struct inits *n = ctx;

    for (int loss = DISK_NOTHING; loss <= DISK_TORN; loss++) {
        struct store *st = NULL;
        struct covey_why why = {{0}};

        disk_leave(disk, (enum disk_loss)loss, left);

        enum covey_rc rc = store_open(disk_dir(left), &st, &why);

        n->looked++;
        n->whole += rc == COVEY_OK;
        n->none += rc == COVEY_ENONE;
        if (n->told && rc != COVEY_OK)
            fail_msg("lost after init: %s", why.text);
        store_close(st);
    }
}

static void test_power_loss_in_init_leaves_a_record_or_none(void **state)
{
    struct store_self self = self_of();
    struct covey_why why = {{0}};
    struct inits n = {0};
    struct store *st = NULL;

    disk_watch(disk, look_at_init, &n);
    assert_int_equal(store_init(disk_dir(disk), &self, &why), COVEY_OK);
    n.told = true;
    assert_int_equal(store_open(disk_dir(disk), &st, &why), COVEY_OK);
    store_close(st);
    disk_watch(disk, NULL, NULL);
    assert_true(n.none > 0 && n.whole > 0);
    assert_int_equal(n.whole + n.none, n.looked);
}

/* ---- faults ---- */

static void test_a_fault_strikes_the_nth_operation_once(void **state)
{
    sqlite3 *db = open_wal(disk);

    must(db, "CREATE TABLE t (x)");
    disk_fail(disk, DISK_EIO, 1);
    assert_int_equal(run(db, "INSERT INTO t VALUES (1)") & 0xff, SQLITE_IOERR);
    assert_int_equal(disk_struck(disk), 1);
    must(db, "INSERT INTO t VALUES (2)");
    assert_int_equal(disk_struck(disk), 1);
    sqlite3_close(db);
}

static void test_a_full_disk_stays_full_until_there_is_room(void **state)
{
    sqlite3 *db = open_wal(disk);

    must(db, "CREATE TABLE t (x); INSERT INTO t VALUES (1)");
    disk_fail(disk, DISK_FULL, 1);
    assert_int_equal(run(db, "INSERT INTO t VALUES (2)"), SQLITE_FULL);
    assert_int_equal(run(db, "INSERT INTO t VALUES (2)"), SQLITE_FULL);
    assert_int_equal(ask(db, "SELECT count(*) FROM t"), 1);
    disk_mend(disk);
    must(db, "INSERT INTO t VALUES (2)");
    sqlite3_close(db);
}

static void test_a_write_that_ends_short_is_not_a_write(void **state)
{
    sqlite3 *db = open_wal(disk);

    must(db, "CREATE TABLE t (x); INSERT INTO t VALUES (1)");
    disk_fail(disk, DISK_SHORT, 1);
    assert_int_equal(run(db, "INSERT INTO t VALUES (2)"), SQLITE_FULL);
    assert_int_equal(disk_struck(disk), 1);
    must(db, "INSERT INTO t VALUES (3)");
    sqlite3_close(db);
    db = open_db(disk);
    assert_int_equal(ask(db, "SELECT sum(x) FROM t"), 4);
    sqlite3_close(db);
}

/* One write of a byte and a sync of it; what the sync said. */
static int write_byte(sqlite3_file *file, char byte, int at)
{
    assert_int_equal(file->pMethods->xWrite(file, &byte, 1, at), SQLITE_OK);
    return file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
}

/* What a failed sync left in the page cache looks written, and is on no disk,
 * whatever is synced later. */
static void test_a_later_sync_does_not_make_up_for_a_failed_one(void **state)
{
    static _Alignas(16) char room[4096];
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    sqlite3_file *file = (sqlite3_file *)(void *)room;
    int flags = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_CREATE;

    assert_in_range(vfs->szOsFile, 1, sizeof room);
    assert_int_equal(vfs->xOpen(vfs, "/sim/one/f", file, flags, NULL),
                     SQLITE_OK);
    disk_fail(disk, DISK_EIO, 2);
    assert_int_equal(write_byte(file, 'a', 0), SQLITE_IOERR_FSYNC);
    assert_int_equal(write_byte(file, 'b', 1), SQLITE_OK);
    assert_true(disk_holds(disk, "ab", 2));
    sync_folder_of(disk);
    disk_leave(disk, DISK_NOTHING, left);
    assert_true(disk_holds(left, "\0b", 2));
    assert_int_equal(write_byte(file, 'a', 0), SQLITE_OK);
    disk_leave(disk, DISK_NOTHING, left);
    assert_true(disk_holds(left, "ab", 2));
    assert_int_equal(file->pMethods->xClose(file), SQLITE_OK);
}

/* ---- copies, chance, time ---- */

static void test_a_copy_goes_its_own_way(void **state)
{
    sqlite3 *db = open_wal(disk);

    must(db, "CREATE TABLE t (x); INSERT INTO t VALUES (1)");
    disk_leave(disk, DISK_KEEP, left);
    must(db, "INSERT INTO t VALUES (2)");

    sqlite3 *copy = open_wal(left);

    must(copy, "INSERT INTO t VALUES (10)");
    assert_int_equal(ask(copy, "SELECT sum(x) FROM t"), 11);
    assert_int_equal(ask(db, "SELECT sum(x) FROM t"), 3);
    sqlite3_close(copy);
    sqlite3_close(db);
}

static void test_after_a_cut_nothing_more_is_kept(void **state)
{
    sqlite3 *db;

    db = open_wal(disk);
    must(db, "CREATE TABLE t (x); INSERT INTO t VALUES (1)");
    disk_cut(disk, DISK_NOTHING);
    must(db, "INSERT INTO t VALUES (2)"); /* it goes on, seen by nobody */
    sqlite3_close(db);
    disk_start(disk);
    db = open_wal(disk);
    assert_int_equal(ask(db, "SELECT sum(x) FROM t"), 1);
    sqlite3_close(db);
}

static void test_time_and_chance_are_the_worlds(void **state)
{
    sqlite3 *db = open_db(disk);
    struct disk *same = disk_new("same", 7), *other = disk_new("other", 7);
    int64_t first, again;

    disk_turn(other, WALL_MS);
    first = ask(db, "SELECT random()");
    disk_turn(same, WALL_MS + 1000);
    again = ask(db, "SELECT random()");
    assert_int_equal(first, again);
    assert_int_not_equal(ask(db, "SELECT random()"), again);
    assert_int_equal(ask(db, "SELECT unixepoch()"), WALL_MS / 1000 + 1);
    sqlite3_close(db);
    disk_free(same);
    disk_free(other);
}

static void test_a_bit_that_rots_is_found(void **state)
{
    sqlite3 *db = open_db(disk);

    must(db, "CREATE TABLE t (x); INSERT INTO t VALUES ('planted words')");
    sqlite3_close(db);
    assert_true(disk_holds(disk, "planted words", 13));
    assert_true(disk_rot(disk, "x.db", 8u * 4096u + 3u));
    db = open_db(disk);
    assert_int_not_equal(ask(db, "SELECT count(*) FROM pragma_integrity_check"
                                 " WHERE integrity_check = 'ok'"),
                         1);
    sqlite3_close(db);
    assert_false(disk_rot(disk, "none.db", 0));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_two_connections_lock_each_other),
        TEST(test_a_reader_holds_back_the_checkpoint_of_another),
        TEST(test_wal_full_loses_nothing),
        TEST(test_wal_normal_loses_what_was_told),
        TEST(test_a_rollback_journal_loses_nothing_with_extra),
        TEST(test_no_sync_at_all_damages_the_file),
        TEST(test_a_stale_first_journal_takes_everything),
        TEST(test_one_sync_of_the_directory_prevents_that),
        TEST(test_sqlite_syncs_the_directory_with_a_new_wal),
        TEST(test_power_loss_in_init_leaves_a_record_or_none),
        TEST(test_a_fault_strikes_the_nth_operation_once),
        TEST(test_a_full_disk_stays_full_until_there_is_room),
        TEST(test_a_write_that_ends_short_is_not_a_write),
        TEST(test_a_later_sync_does_not_make_up_for_a_failed_one),
        TEST(test_a_copy_goes_its_own_way),
        TEST(test_after_a_cut_nothing_more_is_kept),
        TEST(test_time_and_chance_are_the_worlds),
        TEST(test_a_bit_that_rots_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
