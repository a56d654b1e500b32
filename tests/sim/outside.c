/* outside.c - another program that writes to a host's record: transactions of
 * ordinary statements, on a connection of its own. */
#include <stdio.h>
#include <string.h>

#include "store/store.h"
#include "tests/sim/work.h"

#define HELD_MOST (3 * COVEY_SECOND)
#define WATCH_MOST 3000 /* microseconds until the node's watch fires */

static bool open_it(struct run *r, size_t i)
{
    char path[MACHINE_DIR_MAX + 16];

    if (r->outside[i] != NULL)
        return true;
    snprintf(path, sizeof path, "%s/" STORE_FILE, machine_dir(i));
    if (sqlite3_open_v2(path, &r->outside[i], SQLITE_OPEN_READWRITE, NULL) ==
            SQLITE_OK &&
        sqlite3_exec(r->outside[i], "PRAGMA wal_autocheckpoint = 0", NULL, NULL,
                     NULL) == SQLITE_OK)
        return true;
    outside_down(r, i);
    return false;
}

void outside_down(struct run *r, size_t i)
{
    if (r->outside[i] == NULL)
        return;
    host_enter(&r->w, i);
    CHECK(sqlite3_close(r->outside[i]) == SQLITE_OK);
    r->outside[i] = NULL;
    r->outside_promise[i] = 0;
}

/* ---- what it writes ---- */

static void rows(struct work *k)
{
    snprintf(k->text, sizeof k->text,
             "INSERT INTO priority(space, title, why) VALUES('%s', '" RUN_MARK
             " x%llu', 'outside');"
             "UPDATE %s SET title = '" RUN_MARK " y%llu' WHERE id = '%s'",
             work_space(k), work_word(k), k->table, work_word(k), k->id);
}

/* More than one change set can hold. */
static void many_rows(struct work *k)
{
    snprintf(k->text, sizeof k->text,
             "INSERT INTO action(space, title, note) WITH RECURSIVE n(i) AS"
             " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 90) SELECT"
             " '%s', '" RUN_MARK " z%llu', printf('%%.4000c', 'x') FROM n",
             work_space(k), work_word(k));
}

/* Text that is none: it is mended at sealing. */
static void bad_text(struct work *k)
{
    snprintf(k->text, sizeof k->text,
             "UPDATE %s SET title = CAST(x'7aff41fe' AS TEXT) || '%llu' WHERE"
             " id = '%s'",
             k->table, work_word(k), k->id);
}

static void fill(struct work *k)
{
    size_t at;

    switch (work_some(k, 40)) {
    case 0:
        many_rows(k);
        break;
    case 1:
    case 2:
        bad_text(k);
        break;
    default:
        rows(k);
        break;
    }
    k->promise = ledger_promise(k->r, k->host, k->space);
    at = strlen(k->text);
    snprintf(k->text + at, sizeof k->text - at,
             "; INSERT INTO comment(space, on_row, text) VALUES('%s', '%s',"
             " '" RUN_MARK " p%llu')",
             work_space(k), k->id, (unsigned long long)k->promise);
}

/* ---- when ---- */

static int run(struct run *r, size_t i, const char *sql)
{
    host_enter(&r->w, i);
    return sqlite3_exec(r->outside[i], sql, NULL, NULL, NULL);
}

static void commit(struct run *r, size_t i)
{
    int code = run(r, i, "COMMIT");

    world_note(&r->w, i, TRACE_OUTSIDE, (uint64_t)code, r->outside_promise[i]);
    if (host_is_cut(&r->w, i))
        return; /* the power failed in the middle of it */
    if (code == SQLITE_OK) {
        r->tally.edits++;
        r->ledger.promises[r->outside_promise[i] - 1].told = true;
        if (!dice_chance(&r->work_dice, 250)) /* else the watch saw nothing */
            world_after(&r->w, dice_between(&r->work_dice, 1, WATCH_MOST),
                        EVENT_OUTSIDE, i, 0);
    } else {
        (void)run(r, i, "ROLLBACK");
    }
    r->outside_promise[i] = 0;
}

void outside_on_event(struct run *r, size_t i)
{
    if (r->outside[i] != NULL && r->outside_promise[i] != 0)
        commit(r, i);
}

/* Now and then it sits on the write lock for a while. */
bool outside_work(struct work *k)
{
    struct run *r = k->r;
    size_t i = k->host;

    host_enter(&r->w, i);
    if (!work_row(k) || !open_it(r, i) || r->outside_promise[i] != 0 ||
        run(r, i, "BEGIN IMMEDIATE") != SQLITE_OK)
        return false;
    fill(k);
    if (run(r, i, k->text) != SQLITE_OK) {
        (void)run(r, i, "ROLLBACK"); /* a guard refused it */
        return false;
    }
    r->outside_promise[i] = k->promise;
    if (work_some(k, 8) == 0)
        world_after(&r->w, (covey_time)work_some(k, HELD_MOST), EVENT_HELD, i,
                    0);
    else
        commit(r, i);
    return false;
}
