/* oracle.c - see oracle.h. */
#include "tests/sim/oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/crypto.h"

#define WAL_MOST (16u << 20) /* bytes; it is cut back at 2 MiB when it can */
#define SPOILT_MOST                                                            \
    WORLD_MINUTE /* a connection that was tampered with lives                  \
                  */

static bool reads(const struct run *r, size_t space, size_t i)
{
    const struct ledger_view *v = &r->ledger.hosts[i].views[space];

    return ledger_sees(r, i) && v->n != 0 && !v->carried;
}

static bool has(const struct run *r, size_t space, size_t i)
{
    return ledger_sees(r, i) && r->ledger.hosts[i].views[space].n != 0;
}

/* The hash of all that a statement gives, of the space ?1 (its id) or ?2 (its
 * number in that record). */
static struct hash hash_rows(struct run *r, size_t i, size_t space,
                             const char *sql)
{
    const struct ledger_host *h = &r->ledger.hosts[i];
    sqlite3_stmt *stmt = NULL;
    struct hasher hasher;

    host_enter(&r->w, i);
    hasher_init(&hasher, "sim/rows");
    if (sqlite3_prepare_v2(h->db, sql, -1, &stmt, NULL) != SQLITE_OK)
        world_fail(&r->w, "%s: %s", sql, sqlite3_errmsg(h->db));
    (void)sqlite3_bind_text(stmt, 1, r->spaces[space].id, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(stmt, 2, h->views[space].n);
    while (stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW)
        for (int c = 0; c < sqlite3_column_count(stmt); c++) {
            int len = sqlite3_column_bytes(stmt, c);

            hasher_add(&hasher, &len, sizeof len);
            hasher_add(&hasher, sqlite3_column_blob(stmt, c), (size_t)len);
        }
    sqlite3_finalize(stmt);
    return hasher_end(&hasher);
}

/* ---- 1 converge */

/* The first host whose rows are not those of the first asked; host_count: all
 * are the same. */
static size_t who_differs(struct run *r, size_t space, const char *sql,
                          bool (*who)(const struct run *, size_t, size_t))
{
    struct hash first = {{0}};
    bool any = false;

    for (size_t i = 0; i < r->w.host_count; i++) {
        if (!who(r, space, i))
            continue;

        struct hash here = hash_rows(r, i, space, sql);

        if (any && memcmp(&here, &first, sizeof here) != 0)
            return i;
        first = here;
        any = true;
    }
    return r->w.host_count;
}

/* When all of these are the same everywhere, a world is equal. */
static const struct level {
    const char *what;
    bool (*who)(const struct run *, size_t, size_t);
    const char *sql;
} levels[] = {
    {"log", has,
     "SELECT hash FROM log WHERE space = ?2 AND superseded = 0 AND ?1 <> ''"
     " ORDER BY hash"},
    /* One made just now, a late joiner's, say, is still on its way. */
    {"membership record", has,
     "SELECT number, hash FROM epoch WHERE space = ?2 AND ?1 <> ''"
     " ORDER BY number"},
    {"digest", reads,
     "SELECT digest, rows FROM space WHERE id = ?1 AND n = ?2"},
};

/* A row that another program wrote is shown at once, and counts in the digest
 * only when it is sealed, within a second: until then nothing is equal. */
static const char unsealed_sql[] =
    "SELECT 1 FROM outbox WHERE space = ?2 AND ?1 <> ''";

static size_t who_has_unsealed(struct run *r, size_t space)
{
    struct hash none = hash_of("sim/rows", "", 0);

    for (size_t i = 0; i < r->w.host_count; i++) {
        if (!reads(r, space, i))
            continue;

        struct hash here = hash_rows(r, i, space, unsealed_sql);

        if (memcmp(&here, &none, sizeof here) != 0)
            return i;
    }
    return r->w.host_count;
}

struct apart { /* what is not equal, and where */
    const char *what;
    size_t space, host;
};

/* Whoever wrote last is not answered yet: what is on its way into the record
 * counts nowhere.  Who asked to join may wait for long. */
static bool any_unanswered(const struct run *r, struct apart *out)
{
    for (size_t k = 0; k < r->asked_count; k++)
        if (r->asked[k].kind != WORK_JOIN) {
            *out =
                (struct apart){"answer", r->asked[k].space, r->asked[k].host};
            return true;
        }
    return false;
}

static bool any_apart(struct run *r, struct apart *out)
{
    if (any_unanswered(r, out))
        return true;
    for (size_t s = 0; s < r->space_count; s++) {
        *out = (struct apart){"unsealed rows", s, who_has_unsealed(r, s)};
        for (size_t k = 0; k < sizeof levels / sizeof levels[0] &&
                           out->host == r->w.host_count;
             k++)
            *out =
                (struct apart){levels[k].what, s,
                               who_differs(r, s, levels[k].sql, levels[k].who)};
        if (out->host < r->w.host_count)
            return true;
    }
    return false;
}

bool oracle_equal(struct run *r)
{
    struct apart apart;

    return !any_apart(r, &apart);
}

/* What people see, not only what the digest says of it. */
static const char *const shown_sql[] = {
    "SELECT * FROM priority WHERE space = ?1 AND ?2 <> 0 ORDER BY id",
    "SELECT * FROM action WHERE space = ?1 AND ?2 <> 0 ORDER BY id",
    "SELECT * FROM comment WHERE space = ?1 AND ?2 <> 0 ORDER BY id",
    "SELECT s.id, s.tbl, s.col, s.clock, a.key, s.name, s.value FROM sibling AS"
    " s JOIN author AS a ON a.n = s.author WHERE s.space = ?2 AND ?1 <> ''"
    " ORDER BY 1, 2, 3, 4, 5, 6",
};

static void check_converged(struct run *r)
{
    for (size_t s = 0; s < r->space_count; s++)
        for (size_t k = 0; k < sizeof shown_sql / sizeof shown_sql[0]; k++)
            if (who_differs(r, s, shown_sql[k], reads) < r->w.host_count)
                world_fail(&r->w, "[1 converge] digests are equal, but not: %s",
                           shown_sql[k]);
}

/* ---- 2 causal */

static void check_view(struct run *r, size_t i, struct ledger_view *v)
{
    for (; v->checked < v->count; v->checked++) {
        const struct ledger_seen *seen = &v->seen[v->checked];

        if (!seen->complete)
            world_fail(&r->w,
                       "[2 causal] n%zu holds change set %zu without all that "
                       "it cites",
                       i, v->checked + 1);
        if (seen->clock != seen->below + 1)
            world_fail(&r->w,
                       "[2 causal] at n%zu change set %zu has clock %llu on "
                       "top of %llu",
                       i, v->checked + 1, (unsigned long long)seen->clock,
                       (unsigned long long)seen->below);
    }
}

/* "Nobody ever sees an answer before its question": what a comment is on is in
 * its table, or has a clock record where it was deleted. */
static bool is_there(sqlite3_stmt *stmt, int64_t n, const char *on_row)
{
    uint8_t id[20] = {0};

    (void)hex_decode(on_row, id, sizeof id);
    (void)sqlite3_bind_int64(stmt, 1, n);
    (void)sqlite3_bind_blob(stmt, 2, id, sizeof id, SQLITE_TRANSIENT);
    (void)sqlite3_bind_text(stmt, 3, on_row, -1, SQLITE_TRANSIENT);

    bool found = sqlite3_step(stmt) == SQLITE_ROW;

    (void)sqlite3_reset(stmt);
    return found;
}

/* The comments that are new there since the last look. */
static void check_questions(struct run *r, size_t i, size_t space)
{
    struct ledger_host *h = &r->ledger.hosts[i];
    struct ledger_view *v = &h->views[space];

    host_enter(&r->w, i);
    (void)sqlite3_bind_text(h->comments, 1, r->spaces[space].id, -1,
                            SQLITE_STATIC);
    (void)sqlite3_bind_int64(h->comments, 2, v->comment);
    while (sqlite3_step(h->comments) == SQLITE_ROW) {
        v->comment = sqlite3_column_int64(h->comments, 0);
        if (r->w.hosts[i].older)
            world_fail(&r->w,
                       "[9 forward] n%zu shows a comment, which its version "
                       "does not know",
                       i);
        if (!is_there(h->question, v->n,
                      (const char *)sqlite3_column_text(h->comments, 1)))
            world_fail(&r->w,
                       "[2 causal] n%zu shows a comment on a row that it does "
                       "not have",
                       i);
    }
    (void)sqlite3_reset(h->comments);
}

static void check_causal(struct run *r)
{
    for (size_t i = 0; i < r->w.host_count; i++)
        for (size_t s = 0; s < r->space_count; s++) {
            if (!has(r, s, i))
                continue;
            check_view(r, i, &r->ledger.hosts[i].views[s]);
            if (reads(r, s, i))
                check_questions(r, i, s);
        }
}

/* ---- 3 durable before told */

/* Was it signed by a node of ours, and not by a guest? */
static bool honest(const struct run *r, const struct ledger_entry *e)
{
    return e->home < LEDGER_HOSTS_MAX && !r->w.hosts[e->home].lies;
}

/* "Nothing a peer has ever seen from us is missing here afterwards", nor
 * anything that our own record held. */
static void check_durable(struct run *r)
{
    for (size_t k = 0; k < r->ledger.count; k++) {
        const struct ledger_entry *e = r->ledger.entries[k];

        if (!honest(r, e) || e->excused || !ledger_sees(r, e->home) ||
            ledger_holds(e, e->home))
            continue;
        world_fail(&r->w,
                   "[3 durable] n%zu lost its change set %llu of space %zu, "
                   "which had been committed or sent",
                   e->home, (unsigned long long)e->number, e->space);
        return;
    }
}

/* Mark the promises that a record keeps. */
static void find_promises(struct run *r, size_t i, size_t space, bool *kept)
{
    const struct ledger_host *h = &r->ledger.hosts[i];
    sqlite3_stmt *stmt = NULL;
    unsigned long long number;

    host_enter(&r->w, i);
    if (sqlite3_prepare_v2(h->db, "SELECT text FROM comment WHERE space = ?1",
                           -1, &stmt, NULL) != SQLITE_OK)
        world_fail(&r->w, "n%zu: %s", i, sqlite3_errmsg(h->db));
    (void)sqlite3_bind_text(stmt, 1, r->spaces[space].id, -1, SQLITE_STATIC);
    while (stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);

        if (sscanf(text, RUN_MARK " p%llu", &number) == 1 && number > 0 &&
            number <= r->ledger.promise_count)
            kept[number - 1] = true;
    }
    sqlite3_finalize(stmt);
}

/* Every promise made at `home` (LEDGER_HOSTS_MAX: anywhere) in the space. */
static void check_promises(struct run *r, size_t i, size_t space, size_t home)
{
    bool *kept = calloc(r->ledger.promise_count + 1, sizeof *kept);

    CHECK(kept != NULL);
    find_promises(r, i, space, kept);
    for (size_t k = 0; k < r->ledger.promise_count; k++) {
        const struct ledger_promise *p = &r->ledger.promises[k];

        if (p->told && !p->excused && !kept[k] && p->space == space &&
            (p->host == home || home == LEDGER_HOSTS_MAX))
            world_fail(&r->w,
                       "[3 durable] n%zu does not hold comment %zu, which its "
                       "writer at n%zu was told is saved",
                       i, k + 1, p->host);
    }
    free(kept);
}

/* Only a start can show that something is missing. */
static void check_told_here(struct run *r)
{
    for (size_t i = 0; i < r->w.host_count; i++) {
        if (!r->ledger.hosts[i].fresh)
            continue;
        for (size_t s = 0; s < r->space_count; s++)
            if (reads(r, s, i))
                check_promises(r, i, s, i);
        r->ledger.hosts[i].fresh = false;
    }
}

static void check_told_everywhere(struct run *r)
{
    for (size_t i = 0; i < r->w.host_count; i++)
        for (size_t s = 0; s < r->space_count; s++)
            if (reads(r, s, i))
                check_promises(r, i, s, LEDGER_HOSTS_MAX);
}

/* ---- 4 never twice */

static bool same_place(const struct ledger_entry *a,
                       const struct ledger_entry *b)
{
    return a->number == b->number &&
           memcmp(&a->author, &b->author, sizeof a->author) == 0 &&
           memcmp(&a->incarnation, &b->incarnation, sizeof a->incarnation) == 0;
}

static void check_never_twice(struct run *r)
{
    struct ledger *l = &r->ledger;

    for (; l->checked < l->count; l->checked++) {
        const struct ledger_entry *e = l->entries[l->checked];

        for (const struct ledger_entry *o = e->next_place; o != NULL;
             o = o->next_place)
            if (honest(r, e) && same_place(e, o))
                world_fail(&r->w,
                           "[4 never twice] n%zu signed two change sets with "
                           "number %llu",
                           e->home, (unsigned long long)e->number);
    }
}

/* ---- 5 confidential */

static void check_confidential(struct run *r)
{
    for (size_t i = 0; i < r->w.host_count; i++)
        if (r->w.hosts[i].carries &&
            machine_holds(i, RUN_MARK, strlen(RUN_MARK)))
            world_fail(&r->w,
                       "[5 confidential] carrier n%zu's disk holds words of "
                       "the space",
                       i);
}

/* ---- 6 same verdict */

static void check_verdicts(struct run *r)
{
    for (size_t k = 0; k < r->ledger.count; k++)
        r->ledger.entries[k]->state = r->ledger.entries[k]->verdict = -1;
    ledger_reread(r);
}

/* ---- 8 bounded */

static void check_bounded(struct run *r)
{
    for (size_t i = 0; i < r->w.host_count; i++) {
        if (machine_wal_bytes(i) > WAL_MOST)
            world_fail(&r->w, "[8 bounded] n%zu's WAL has %llu bytes", i,
                       (unsigned long long)machine_wal_bytes(i));
        if (r->w.hosts[i].wires.count > 2 * r->w.host_count + 8)
            world_fail(&r->w, "[8 bounded] n%zu has %zu connections", i,
                       r->w.hosts[i].wires.count);
    }
}

/* A connection whose bytes were tampered with ends. */
static void check_spoilt(struct run *r)
{
    for (size_t k = 0; k < r->w.net.wire_count; k++) {
        const struct wire *wire = r->w.net.wires[k];

        for (size_t way = 0; way < 2; way++) {
            const struct end *end = &wire->ends[1 - way];
            covey_time when = wire->ways[way].spoilt;

            if (when != 0 && when + SPOILT_MOST < r->w.now && end->open &&
                host_awake(&r->w, end->host))
                world_fail(&r->w,
                           "[8 bounded] n%zu holds on to a connection that was "
                           "tampered with",
                           end->host);
        }
    }
}

/* ---- 10 told */

static int64_t count_of(struct run *r, size_t i, size_t space, const char *sql)
{
    const struct ledger_host *h = &r->ledger.hosts[i];
    sqlite3_stmt *stmt = NULL;
    int64_t count = -1;

    host_enter(&r->w, i);
    if (sqlite3_prepare_v2(h->db, sql, -1, &stmt, NULL) == SQLITE_OK) {
        (void)sqlite3_bind_text(stmt, 1, r->spaces[space].id, -1,
                                SQLITE_STATIC);
        if (sqlite3_step(stmt) == SQLITE_ROW)
            count = sqlite3_column_int64(stmt, 0);
    }
    sqlite3_finalize(stmt);
    if (count < 0)
        world_fail(&r->w, "%s: %s", sql, sqlite3_errmsg(h->db));
    return count;
}

static int64_t said(json_t *space, const char *key)
{
    return json_integer_value(json_object_get(space, key));
}

static void check_status_of(struct run *r, size_t i, size_t s, json_t *space)
{
    static const char siblings[] =
        "SELECT count(*) FROM sibling AS s JOIN space AS p ON p.n = s.space"
        " WHERE p.id = ?1";
    static const char voids[] =
        "SELECT count(*) FROM change_set AS c JOIN space AS p ON c.seq >> 32 ="
        " p.n WHERE p.id = ?1 AND c.state = 1";
    int64_t conflicts = said(space, "conflicts");
    int64_t voided = said(space, "void");

    if ((conflicts > 0) != (count_of(r, i, s, siblings) > 0))
        world_fail(&r->w, "[10 told] n%zu tells of %lld conflicts and has %lld",
                   i, (long long)conflicts,
                   (long long)count_of(r, i, s, siblings));
    if (voided != count_of(r, i, s, voids))
        world_fail(&r->w, "[10 told] n%zu tells of %lld void change sets", i,
                   (long long)voided);
    if (said(space, "unsealed") != 0 || said(space, "waiting") != 0)
        world_fail(&r->w, "[10 told] n%zu: %lld unsealed, %lld waiting", i,
                   (long long)said(space, "unsealed"),
                   (long long)said(space, "waiting"));
}

static void check_status(struct run *r)
{
    for (size_t i = 0; i < r->w.host_count; i++) {
        if (r->w.hosts[i].node == NULL)
            continue; /* a guest */

        json_t *list =
            json_object_get(world_do(&r->w, i, "status", NULL, NULL), "spaces");
        json_t *space;
        size_t at;

        json_array_foreach(list, at, space)
        {
            const char *id = json_string_value(json_object_get(space, "id"));

            for (size_t s = 0; s < r->space_count; s++)
                if (reads(r, s, i) && strcmp(id, r->spaces[s].id) == 0)
                    check_status_of(r, i, s, space);
        }
    }
}

/* ---- the table */

const struct oracle oracles[] = {
    {1, "converge: all equal in time, and what is shown too", ORACLE_END,
     check_converged, NULL},
    {2, "causal: nothing without all that it cites", ORACLE_LOOK, check_causal,
     NULL},
    {3, "durable: nothing sent or committed is missing", ORACLE_LOOK,
     check_durable, NULL},
    {3, "durable: what a writer was told is in the record", ORACLE_LOOK,
     check_told_here, NULL},
    {3, "durable: ... and in the end in every record", ORACLE_END,
     check_told_everywhere, NULL},
    {4, "never twice: no two headers with one number", ORACLE_LOOK,
     check_never_twice, NULL},
    {5, "confidential: no words on a carrier's disk", ORACLE_END,
     check_confidential, NULL},
    {5, "confidential: no words on the wire", ORACLE_LOOK, NULL, "network.c"},
    {6, "same verdict everywhere", ORACLE_END, check_verdicts, NULL},
    {6, "... and all that a member lied about came to what it must", ORACLE_END,
     liar_check, NULL},
    {7, "erasable", ORACLE_LATER, NULL, "erasure is not built yet"},
    {8, "bounded: files and connections", ORACLE_LOOK, check_bounded, NULL},
    {8, "bounded: what was tampered with ends", ORACLE_LOOK, check_spoilt,
     NULL},
    {9, "forward: what a version does not know waits there", ORACLE_LOOK, NULL,
     "ledger.c"},
    {10, "told: status says what is in the record", ORACLE_END, check_status,
     NULL},
    {4, "never twice, by two running copies", ORACLE_LATER, NULL,
     "clones: the issue that shows and ends them"},
    {1, "a chair that came back without an epoch it signed", ORACLE_LATER, NULL,
     "return from backup: the issue of membership"},
    {1, "roles and cuts in the middle of faults", ORACLE_LATER, NULL,
     "removal, rulings: the issue of membership"},
};
const size_t oracle_count = sizeof oracles / sizeof oracles[0];

static void ask_all(struct run *r, enum oracle_when when)
{
    for (size_t k = 0; k < oracle_count && r->w.failed[0] == '\0'; k++)
        if (oracles[k].when == when && oracles[k].check != NULL)
            oracles[k].check(r);
}

void oracle_look(struct run *r)
{
    ledger_look(r);
    ask_all(r, ORACLE_LOOK);
    world_note(&r->w, TRACE_NOBODY, TRACE_LOOK, r->ledger.count, r->calm);
}

void oracle_end(struct run *r)
{
    covey_time start = r->w.now;
    covey_time until = start + ORACLE_CONVERGE_WITHIN;

    oracle_look(r);
    while (r->w.failed[0] == '\0' && !oracle_equal(r) && r->w.now < until) {
        world_run(&r->w, 5 * COVEY_SECOND);
        ledger_look(r);
    }
    r->tally.converged = r->w.now - start;

    struct apart apart;

    if (any_apart(r, &apart))
        world_fail(&r->w,
                   "[1 converge] not equal %d minutes after the last fault: "
                   "n%zu's %s of space %zu",
                   (int)(ORACLE_CONVERGE_WITHIN / WORLD_MINUTE), apart.host,
                   apart.what, apart.space);
    oracle_look(r);
    ask_all(r, ORACLE_END);
}
