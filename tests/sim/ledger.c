/* ledger.c - see ledger.h. */
#include "tests/sim/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/crypto.h"
#include "proto/identity.h"
#include "store/log.h"
#include "store/store.h"
#include "store/varint.h"
#include "tests/sim/run.h"

void *ledger_grow(void *items, size_t *cap, size_t count, size_t size)
{
    if (count < *cap)
        return items;
    *cap = *cap == 0 ? 64 : *cap * 2;
    items = realloc(items, *cap * size);
    CHECK(items != NULL);
    return items;
}

void ledger_begin(struct run *r)
{
    r->ledger.hosts = calloc(LEDGER_HOSTS_MAX, sizeof *r->ledger.hosts);
    CHECK(r->ledger.hosts != NULL);
}

static void host_close(struct ledger_host *h)
{
    sqlite3_finalize(h->space);
    sqlite3_finalize(h->news);
    for (size_t t = 0; t < LEDGER_TABLES; t++) {
        sqlite3_finalize(h->row[t]);
        h->row[t] = NULL;
    }
    sqlite3_finalize(h->comments);
    sqlite3_finalize(h->question);
    h->space = h->news = h->comments = h->question = NULL;
    CHECK(sqlite3_close(h->db) == SQLITE_OK);
    h->db = NULL;
}

void ledger_free(struct run *r)
{
    struct ledger *l = &r->ledger;

    for (size_t i = 0; l->hosts != NULL && i < LEDGER_HOSTS_MAX; i++) {
        host_close(&l->hosts[i]);
        for (size_t s = 0; s < LEDGER_SPACES_MAX; s++)
            free(l->hosts[i].views[s].seen);
    }
    for (size_t i = 0; i < l->count; i++)
        free(l->entries[i]);
    free(l->entries);
    free(l->promises);
    free(l->hosts);
    idmap_clear(&l->by_hash);
    idmap_clear(&l->by_place);
    *l = (struct ledger){0};
}

/* ---- entries ---- */

static uint64_t hash_key(const struct hash *hash)
{
    return get_u64(hash->b) | 1;
}

static uint64_t place_key(const struct ledger_entry *e)
{
    uint8_t place[sizeof e->author + sizeof e->incarnation + 8];

    memcpy(place, &e->author, sizeof e->author);
    memcpy(place + sizeof e->author, &e->incarnation, sizeof e->incarnation);
    put_u64(place + sizeof e->author + sizeof e->incarnation, e->number);

    struct hash hash = hash_of("sim/place", place, sizeof place);

    return hash_key(&hash);
}

static struct ledger_entry *entry_of(const struct ledger *l,
                                     const struct hash *hash)
{
    struct ledger_entry *e = idmap_get(&l->by_hash, hash_key(hash));

    while (e != NULL && memcmp(&e->hash, hash, sizeof *hash) != 0)
        e = e->next_hash;
    return e;
}

/* In front of those with the same key. */
static struct ledger_entry *put_first(struct idmap *map, uint64_t key,
                                      struct ledger_entry *e)
{
    struct ledger_entry *next = idmap_take(map, key);

    idmap_add(map, key, e);
    return next;
}

static size_t home_of(const struct run *r, size_t space,
                      const struct sign_key *author)
{
    for (size_t i = 0; i < r->w.host_count; i++)
        if (r->ledger.hosts[i].views[space].n != 0 &&
            memcmp(&r->ledger.hosts[i].views[space].author, author,
                   sizeof *author) == 0)
            return i;
    return LEDGER_HOSTS_MAX;
}

/* It was first seen in the record of host `by`. */
static struct ledger_entry *entry_add(struct run *r, size_t by,
                                      const struct ledger_entry *like)
{
    struct ledger *l = &r->ledger;
    struct ledger_entry *e = malloc(sizeof *e);

    CHECK(e != NULL);
    *e = *like;
    e->home = home_of(r, e->space, &e->author);
    e->excused = e->home < LEDGER_HOSTS_MAX && e->home != by &&
                 r->ledger.hosts[e->home].excused;
    e->state = e->verdict = -1;
    e->next_hash = put_first(&l->by_hash, hash_key(&e->hash), e);
    e->next_place = put_first(&l->by_place, place_key(e), e);
    l->entries = ledger_grow(l->entries, &l->cap, l->count, sizeof(void *));
    l->entries[l->count++] = e;
    return e;
}

const struct ledger_entry *ledger_entry(const struct ledger *l,
                                        const struct hash *hash)
{
    return entry_of(l, hash);
}

bool ledger_holds(const struct ledger_entry *e, size_t host)
{
    return (e->held[host / 64] >> (host % 64) & 1) != 0;
}

bool ledger_held(const struct ledger_entry *e)
{
    bool held = false;

    for (size_t k = 0; k < sizeof e->held / sizeof e->held[0]; k++)
        held = held || e->held[k] != 0;
    return held;
}

/* ---- reading a record ---- */

static sqlite3_stmt *prepare(struct run *r, size_t i, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    sqlite3 *db = r->ledger.hosts[i].db;

    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        world_fail(&r->w, "n%zu's record cannot be read: %s", i,
                   sqlite3_errmsg(db));
    return stmt;
}

static void copy_blob(sqlite3_stmt *stmt, int column, void *out, size_t len)
{
    CHECK((size_t)sqlite3_column_bytes(stmt, column) == len);
    memcpy(out, sqlite3_column_blob(stmt, column), len);
}

static void note_label(struct run *r, size_t i, struct ledger_view *view,
                       sqlite3_stmt *stmt)
{
    uint8_t label[sizeof view->label];
    struct sign_pair pair;

    copy_blob(stmt, 2, label, sizeof label);
    if (view->n != 0 && memcmp(label, view->label, sizeof label) == 0)
        return;
    memcpy(view->label, label, sizeof label);

    struct seed seed = author_seed(&r->w.hosts[i].secrets.sign, label);

    sign_pair_from(&seed, &pair);
    view->author = pair.key;
}

static void look_space(struct run *r, size_t i, size_t space)
{
    struct ledger_host *h = &r->ledger.hosts[i];
    struct ledger_view *view = &h->views[space];

    sqlite3_bind_text(h->space, 1, r->spaces[space].id, -1, SQLITE_STATIC);
    if (sqlite3_step(h->space) == SQLITE_ROW) {
        note_label(r, i, view, h->space);
        view->n = sqlite3_column_int64(h->space, 0);
        view->carried = sqlite3_column_int(h->space, 1) != 0;
        view->epoch = sqlite3_column_int64(h->space, 3);
    }
    sqlite3_reset(h->space);
}

/* What the links of a change set lead to: its clock stands on theirs. */
static struct ledger_seen seen_of(const struct ledger_view *view,
                                  uint64_t clock, struct covey_bytes links)
{
    struct ledger_seen seen = {.clock = clock, .complete = true};
    uint64_t back;

    while (links.len > 0) {
        if (!varint_get(&links, &back) || back > view->count) {
            seen.complete = false;
            return seen;
        }
        if (back == 0) /* nothing before it */
            continue;

        const struct ledger_seen *other = &view->seen[view->count - back];

        if (other->clock > seen.below)
            seen.below = other->clock;
        seen.rests = seen.rests || other->waits;
    }
    return seen;
}

enum {
    NEWS_SEQ,
    NEWS_NUMBER,
    NEWS_CLOCK,
    NEWS_HASH,
    NEWS_LINKS,
    NEWS_INCARNATION,
    NEWS_AUTHOR,
    NEWS_STATE,
    NEWS_VERDICT
};

static void judge(struct run *r, size_t i, struct ledger_entry *e,
                  sqlite3_stmt *stmt)
{
    int state = sqlite3_column_int(stmt, NEWS_STATE);
    int verdict = sqlite3_column_int(stmt, NEWS_VERDICT);

    if (state > 1) /* it waits, or is carried: not judged here */
        return;
    if (e->state == -1) {
        e->state = state;
        e->verdict = verdict;
    } else if (e->state != state || e->verdict != verdict) {
        world_fail(&r->w,
                   "[6 same verdict] a change set has state %d, verdict %d at "
                   "n%zu, and %d, %d elsewhere",
                   state, verdict, i, e->state, e->verdict);
    }
}

static void take(struct run *r, size_t i, size_t space, bool verdicts)
{
    sqlite3_stmt *stmt = r->ledger.hosts[i].news;
    struct ledger_view *view = &r->ledger.hosts[i].views[space];
    uint64_t seq = (uint64_t)sqlite3_column_int64(stmt, NEWS_SEQ);
    struct ledger_entry like = {.space = space};

    like.number = (uint64_t)sqlite3_column_int64(stmt, NEWS_NUMBER);
    like.clock = (uint64_t)sqlite3_column_int64(stmt, NEWS_CLOCK);
    copy_blob(stmt, NEWS_HASH, &like.hash, sizeof like.hash);
    copy_blob(stmt, NEWS_INCARNATION, &like.incarnation,
              sizeof like.incarnation);
    copy_blob(stmt, NEWS_AUTHOR, &like.author, sizeof like.author);

    struct ledger_entry *e = entry_of(&r->ledger, &like.hash);

    if (e == NULL)
        e = entry_add(r, i, &like);
    e->held[i / 64] |= (uint64_t)1 << (i % 64);
    if (verdicts)
        judge(r, i, e, stmt);
    if ((seq & UINT32_MAX) <= view->count)
        return;
    if ((seq & UINT32_MAX) != view->count + 1)
        world_fail(&r->w, "[2 causal] n%zu holds change set %llu after %zu", i,
                   (unsigned long long)(seq & UINT32_MAX), view->count);

    struct covey_bytes links = {sqlite3_column_blob(stmt, NEWS_LINKS),
                                (size_t)sqlite3_column_bytes(stmt, NEWS_LINKS)};
    struct ledger_seen seen = seen_of(view, like.clock, links);

    seen.waits = sqlite3_column_int(stmt, NEWS_STATE) == ENTRY_WAITING;
    if (r->w.hosts[i].older && seen.rests && !seen.waits)
        world_fail(&r->w,
                   "[9 forward] n%zu, of an older version, goes on from what "
                   "it cannot judge: change set %zu",
                   i, view->count + 1);
    view->seen =
        ledger_grow(view->seen, &view->cap, view->count, sizeof *view->seen);
    view->seen[view->count++] = seen;
}

static void look_news(struct run *r, size_t i, size_t space, bool again)
{
    struct ledger_host *h = &r->ledger.hosts[i];
    struct ledger_view *view = &h->views[space];
    int code;

    if (view->n == 0)
        return;
    sqlite3_bind_int64(h->news, 1,
                       (view->n << 32) + (again ? 0 : (int64_t)view->count));
    sqlite3_bind_int64(h->news, 2, (view->n << 32) + UINT32_MAX);
    while ((code = sqlite3_step(h->news)) == SQLITE_ROW)
        take(r, i, space, again);
    if (code != SQLITE_DONE)
        world_fail(&r->w, "n%zu's record cannot be read: %s", i,
                   sqlite3_errmsg(h->db));
    sqlite3_reset(h->news);
}

bool ledger_sees(const struct run *r, size_t i)
{
    return r->ledger.hosts[i].db != NULL && !r->w.hosts[i].bad_disk &&
           !r->w.hosts[i].off;
}

static void look_host(struct run *r, size_t i, bool again)
{
    if (!ledger_sees(r, i) || r->w.failed[0] != '\0')
        return;
    host_enter(&r->w, i);
    for (size_t s = 0; s < r->space_count; s++) {
        look_space(r, i, s);
        look_news(r, i, s, again);
    }
}

static const char *const row_tables[LEDGER_TABLES] = {"priority", "action"};
static const char *const row_sql[LEDGER_TABLES] = {
#define ROW(table)                                                             \
    "SELECT id FROM " table " WHERE space = ?1 ORDER BY id LIMIT 1 OFFSET ?2 " \
    "% max(1, (SELECT count(*) FROM " table " WHERE space = ?1))"
    ROW("priority"), ROW("action")
#undef ROW
};

void ledger_up(struct run *r, size_t i)
{
    struct ledger_host *h = &r->ledger.hosts[i];
    char path[MACHINE_DIR_MAX + 16];

    host_enter(&r->w, i);
    snprintf(path, sizeof path, "%s/" STORE_FILE, machine_dir(i));
    if (sqlite3_open_v2(path, &h->db, SQLITE_OPEN_READWRITE, NULL) !=
        SQLITE_OK) {
        world_fail(&r->w, "n%zu's record does not open", i);
        return;
    }
    sqlite3_exec(h->db, "PRAGMA query_only = ON", NULL, NULL, NULL);
    h->space =
        prepare(r, i,
                "SELECT n, carried, label, (SELECT max(number) FROM epoch"
                " WHERE space = space.n) FROM space WHERE id = ?1");
    h->news = prepare(r, i,
                      "SELECT c.seq, c.number, c.clock, c.hash, c.links,"
                      " l.incarnation, a.key, c.state, c.verdict"
                      " FROM change_set AS c JOIN log AS l ON l.n = c.log"
                      " JOIN author AS a ON a.n = l.author"
                      " WHERE c.seq > ?1 AND c.seq <= ?2 ORDER BY c.seq");
    h->comments = prepare(r, i,
                          "SELECT rowid, on_row FROM comment WHERE space = ?1"
                          " AND rowid > ?2 ORDER BY rowid");
    h->question = prepare(r, i,
                          "SELECT 1 FROM clock WHERE space = ?1 AND tbl IN (1,"
                          " 2) AND id = ?2 UNION ALL SELECT 1 FROM priority"
                          " WHERE id = ?3 UNION ALL SELECT 1 FROM action WHERE"
                          " id = ?3");
    for (size_t t = 0; t < LEDGER_TABLES; t++)
        h->row[t] = prepare(r, i, row_sql[t]);
    for (size_t s = 0; s < LEDGER_SPACES_MAX; s++) {
        struct ledger_view *v = &h->views[s];

        v->n = v->comment = v->epoch = 0;
        v->count = v->checked = 0;
    }
    for (size_t k = 0; k < r->ledger.count; k++)
        r->ledger.entries[k]->held[i / 64] &= ~((uint64_t)1 << (i % 64));
    h->fresh = true;
    look_host(r, i, false);
}

void ledger_down(struct run *r, size_t i)
{
    if (r->ledger.hosts[i].db == NULL)
        return;
    ledger_look(r);
    host_enter(&r->w, i);
    host_close(&r->ledger.hosts[i]);
}

void ledger_look(struct run *r)
{
    for (size_t i = 0; i < r->w.host_count; i++)
        look_host(r, i, false);
}

void ledger_reread(struct run *r)
{
    for (size_t i = 0; i < r->w.host_count; i++)
        look_host(r, i, true);
}

bool ledger_is_abreast(const struct run *r, size_t i, size_t space)
{
    int64_t newest = 0;

    for (size_t k = 0; k < r->w.host_count; k++)
        if (ledger_sees(r, k) && r->ledger.hosts[k].views[space].epoch > newest)
            newest = r->ledger.hosts[k].views[space].epoch;
    return ledger_sees(r, i) && r->ledger.hosts[i].views[space].epoch == newest;
}

bool ledger_row(struct run *r, size_t i, size_t space, uint64_t at,
                char table[16], char id[41])
{
    size_t t = at % LEDGER_TABLES;
    sqlite3_stmt *stmt = r->ledger.hosts[i].row[t];
    bool found;

    host_enter(&r->w, i);
    sqlite3_bind_text(stmt, 1, r->spaces[space].id, -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 2, (int64_t)(at & INT32_MAX));
    found = sqlite3_step(stmt) == SQLITE_ROW;
    if (found)
        snprintf(id, 41, "%s", (const char *)sqlite3_column_text(stmt, 0));
    snprintf(table, 16, "%s", row_tables[t]);
    sqlite3_reset(stmt);
    return found;
}

/* ---- promises ---- */

uint64_t ledger_promise(struct run *r, size_t host, size_t space)
{
    struct ledger *l = &r->ledger;

    l->promises = ledger_grow(l->promises, &l->promise_cap, l->promise_count,
                              sizeof *l->promises);
    l->promises[l->promise_count++] =
        (struct ledger_promise){.host = host, .space = space};
    return l->promise_count;
}

void ledger_excuse(struct run *r, size_t host)
{
    struct ledger *l = &r->ledger;

    l->hosts[host].excused = true;
    for (size_t k = 0; k < l->promise_count; k++)
        if (l->promises[k].host == host)
            l->promises[k].excused = true;
    for (size_t k = 0; k < l->count; k++)
        if (l->entries[k]->home == host)
            l->entries[k]->excused = true;
}
