/* lies.c - see lies.h. */
#include "tests/sim/lies.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/heap.h"
#include "tests/sim/run.h"

#define ROWS_MAX 3u
#define NOBODY SIZE_MAX
#define SHOWN RUN_MARK " of the liar"
#define REPLACED RUN_MARK " replaced"
#define NEVER_SHOWN RUN_MARK " never shown"

/* ---- change sets ---- */

static void drop(struct lie_set *sets, size_t *count)
{
    for (size_t i = 0; i < *count; i++)
        buf_clear(&sets[i].payload);
    *count = 0;
}

static struct lie_set *next_set(struct lies *l, uint32_t run)
{
    struct lie_set *s = &l->sets[l->count];

    CHECK(l->count < LIES_SETS_MAX);
    l->count++;
    *s = (struct lie_set){.header = voice_header(&l->voice, run)};
    return s;
}

/* The first of a new log. */
static struct lie_set *fresh(struct lies *l)
{
    return next_set(l, ++l->runs);
}

static void seal(struct lies *l, struct lie_set *s,
                 const struct member_tag *tag, const char *words,
                 const struct stamp_name *over)
{
    struct covey_buf row;

    buf_init(&row, &heap_mem, 4096);
    voice_row(&row, tag, ++l->rows, words, over);

    struct covey_bytes rows = buf_bytes(&row);
    voice_seal(&l->voice, &s->header, &rows, 1, &s->payload);
    buf_clear(&row);
}

static void seal_lie(struct lies *l, struct lie_set *s)
{
    seal(l, s, &l->voice.tag, NEVER_SHOWN, NULL);
}

/* The log `run` goes on with so many: after the last of the sets, or from
 * nothing. */
static void go_on(struct lies *l, uint32_t run, size_t count)
{
    for (; count > 0; count--) {
        const struct lie_set *last =
            l->count > 0 ? &l->sets[l->count - 1] : NULL;
        struct lie_set *s = next_set(l, run);

        if (last != NULL) {
            s->header.number = last->header.number + 1;
            s->header.previous = header_hash(&last->header);
            s->header.clock = last->header.clock + 1;
        }
        seal(l, s, &l->voice.tag, SHOWN, NULL);
    }
}

static size_t some(struct lies *l, size_t from, size_t to)
{
    return (size_t)dice_between(&l->dice, (int64_t)from, (int64_t)to);
}

/* ---- the lies: each fills the sets; false where it cannot be told now */

static bool honest(struct lies *l)
{
    go_on(l, ++l->runs, some(l, 1, 3));
    return true;
}

/* To one, and next time to another. */
static bool twice(struct lies *l)
{
    if (!l->forked) {
        l->fork_run = ++l->runs;
        l->fork_to = l->to;
        l->shared_count = some(l, 0, LIES_SHARED_MAX);
        go_on(l, l->fork_run, l->shared_count + some(l, 1, 2));
        return true;
    }
    if (l->shared_count > 0 &&
        !hash_equal(&l->shared[0].header.epoch, &l->voice.epoch)) {
        drop(l->shared, &l->shared_count); /* its epoch may be unknown there */
        l->forked = false;
        return false;
    }
    memcpy(l->sets, l->shared, sizeof l->shared);
    l->count = l->shared_count;
    l->shared_count = 0;
    go_on(l, l->fork_run, some(l, 1, 3));
    return true;
}

static bool replay(struct lies *l)
{
    memcpy(l->sets, l->replay, sizeof l->sets);
    l->count = l->replay_count;
    l->replay_count = 0;
    return l->count > 0;
}

/* One write and another that replaces it and cites nothing: the other comes
 * first. */
static bool ahead(struct lies *l)
{
    struct lie_set *first = fresh(l), *second = fresh(l);
    struct stamp_name name;
    struct hash hash;

    seal(l, second, &l->voice.tag, REPLACED, NULL);
    hash = header_hash(&second->header);
    memcpy(name.b, hash.b, sizeof name.b);
    l->rows--; /* the same row */
    seal(l, first, &l->voice.tag, SHOWN, &name);
    return true;
}

/* A new row in the name of whoever owns one that is there. */
static bool row(struct lies *l)
{
    size_t chair = l->r->spaces[0].chair;
    struct member_tag tag = l->voice.tag;
    struct row_id its;
    char table[16], id[41];

    tag.b[0] ^= 1;
    if (ledger_sees(l->r, chair) &&
        ledger_row(l->r, chair, 0, dice_below(&l->dice, 1000), table, id) &&
        hex_decode(id, its.b, sizeof its.b) &&
        memcmp(its.b + ROW_ID_TAG_OFFSET, &l->voice.tag, sizeof tag) != 0)
        memcpy(&tag, its.b + ROW_ID_TAG_OFFSET, sizeof tag);
    seal(l, fresh(l), &tag, NEVER_SHOWN, NULL);
    return true;
}

static bool again(struct lies *l)
{
    struct lie_set *s = fresh(l);
    struct covey_buf bufs[ROWS_MAX];
    struct covey_bytes rows[ROWS_MAX];

    for (uint32_t i = 0; i < ROWS_MAX; i++) {
        buf_init(&bufs[i], &heap_mem, 4096);
        voice_row(&bufs[i], &l->voice.tag, l->rows + 1 + i % (ROWS_MAX - 1),
                  NEVER_SHOWN, NULL);
        rows[i] = buf_bytes(&bufs[i]);
    }
    l->rows += ROWS_MAX;
    voice_seal(&l->voice, &s->header, rows, ROWS_MAX, &s->payload);
    for (size_t i = 0; i < ROWS_MAX; i++)
        buf_clear(&bufs[i]);
    return true;
}

static bool key(struct lies *l)
{
    struct seed right = l->voice.key;

    l->voice.key.b[0] ^= 1;
    seal_lie(l, fresh(l));
    l->voice.key = right;
    return true;
}

static bool clock_not_due(struct lies *l)
{
    struct lie_set *s = fresh(l);

    s->header.clock += 1 + dice_below(&l->dice, 1u << 30);
    seal_lie(l, s);
    return true;
}

static bool cite(struct lies *l)
{
    struct lie_set *s = fresh(l);

    s->header.cite_count = 1;
    dice_fill(&l->dice, &s->header.cites[0], sizeof s->header.cites[0]);
    seal_lie(l, s);
    return true;
}

static bool gap(struct lies *l)
{
    struct lie_set *s = fresh(l);

    s->header.number = 2 + dice_below(&l->dice, 100);
    dice_fill(&l->dice, &s->header.previous, sizeof s->header.previous);
    seal_lie(l, s);
    return true;
}

/* A log of its own that goes on from somebody else's. */
static bool follow(struct lies *l)
{
    const struct voice *v = &l->voice;

    ledger_look(l->r);
    for (size_t i = 0; i < v->head_count; i++) {
        const struct ledger_entry *e =
            ledger_entry(&l->r->ledger, &v->heads[i].hash);
        struct lie_set *s;

        if (e == NULL ||
            memcmp(&e->author, &v->author.key, sizeof e->author) == 0)
            continue;
        s = fresh(l);
        s->header.previous = e->hash;
        s->header.clock = e->clock + 1;
        seal_lie(l, s);
        return true;
    }
    return false;
}

static bool space(struct lies *l)
{
    struct lie_set *s = fresh(l);

    s->header.space.b[0] ^= 1;
    seal_lie(l, s);
    return true;
}

static bool author(struct lies *l)
{
    const struct run_space *where = &l->r->spaces[0];
    struct lie_set *s = fresh(l);

    s->header.author = l->r->ledger.hosts[where->chair].views[0].author;
    seal_lie(l, s);
    return true;
}

/* The end of what is sent now is never sent. */
static bool half(struct lies *l)
{
    go_on(l, ++l->runs, some(l, 1, 3));
    return true;
}

static const struct {
    const char *name;
    enum lie_becomes becomes;
    bool (*tell)(struct lies *l);
} table[LIE_KIND_COUNT] = {
#define TELL_HONEST honest
#define TELL_TWICE twice
#define TELL_REPLAY replay
#define TELL_AHEAD ahead
#define TELL_ROW row
#define TELL_AGAIN again
#define TELL_KEY key
#define TELL_CLOCK clock_not_due
#define TELL_CITE cite
#define TELL_GAP gap
#define TELL_FOLLOW follow
#define TELL_SPACE space
#define TELL_AUTHOR author
#define TELL_HALF half
#define X(kind, name, becomes)                                                 \
    [LIE_##kind] = {name, BECOMES_##becomes, TELL_##kind},
    LIE_TABLE(X)
#undef X
};

/* ---- telling, and the answer ---- */

static void note_told(struct lies *l, const struct lie_set *s)
{
    l->told =
        ledger_grow(l->told, &l->told_cap, l->told_count, sizeof *l->told);
    l->told[l->told_count++] = (struct lie_told){
        header_hash(&s->header), table[l->kind].becomes, NOBODY};
}

enum lie_becomes lies_make(struct lies *l, size_t to)
{
    l->to = to;
    l->kind = (enum lie_kind)dice_pick(&l->dice, l->weights, LIE_KIND_COUNT);
    if (!table[l->kind].tell(l)) {
        l->kind = LIE_HONEST;
        (void)honest(l);
    }
    for (size_t i = 0; i < l->count; i++)
        note_told(l, &l->sets[i]);
    return table[l->kind].becomes;
}

bool lies_say(struct lies *l)
{
    struct voice_set out[LIES_SETS_MAX];

    for (size_t i = 0; i < l->count; i++)
        out[i] = (struct voice_set){&l->sets[i].header,
                                    buf_bytes(&l->sets[i].payload), NULL};
    return voice_say_batch(&l->voice, out, l->count);
}

const char *lies_name(enum lie_kind kind)
{
    return table[kind].name;
}

/* What was told and answered is kept for later, as far as it is of use. */
static void keep(struct lies *l)
{
    if (l->kind == LIE_TWICE && !l->forked) {
        memcpy(l->shared, l->sets, l->shared_count * sizeof *l->shared);
        memmove(l->sets, l->sets + l->shared_count,
                (l->count - l->shared_count) * sizeof *l->sets);
        l->count -= l->shared_count;
        l->forked = true;
        return;
    }
    if (l->kind == LIE_TWICE)
        l->forked = false;
    drop(l->replay, &l->replay_count);
    memcpy(l->replay, l->sets, sizeof l->sets);
    l->replay_count = l->count;
    l->count = 0;
}

bool lies_taken(struct lies *l)
{
    bool whole = l->kind != LIE_TWICE || l->forked;

    for (size_t i = 1; i <= l->count; i++)
        l->told[l->told_count - i].acked_by = l->to;
    if (table[l->kind].becomes == BECOMES_TAKEN)
        keep(l);
    drop(l->sets, &l->count);
    return whole;
}

void lies_lost(struct lies *l)
{
    if (l->kind == LIE_TWICE && l->count > 0) {
        l->shared_count = 0; /* they are among the sets */
        l->forked = false;
    }
    drop(l->sets, &l->count);
}

void lies_free(struct lies *l)
{
    voice_end(&l->voice);
    drop(l->sets, &l->count);
    drop(l->replay, &l->replay_count);
    drop(l->shared, &l->shared_count);
    free(l->told);
}

/* ---- what it came to ---- */

static void check_told(struct run *r, const struct lie_told *t)
{
    const struct ledger_entry *e = ledger_entry(&r->ledger, &t->hash);
    bool is_void = t->becomes == BECOMES_VOID;

    if (e == NULL || !ledger_held(e)) { /* now by nobody: an older copy */
        if (t->acked_by != NOBODY && !r->ledger.hosts[t->acked_by].excused)
            world_fail(&r->w, "[liar] n%zu does not hold what it acknowledged",
                       t->acked_by);
        return;
    }
    if (t->becomes == BECOMES_REFUSED || t->becomes == BECOMES_CUT)
        world_fail(&r->w, "[liar] what was to be refused is held");
    else if (e->state != is_void)
        world_fail(&r->w, "[liar] a change set that is %s has state %d",
                   is_void ? "void" : "good", e->state);
}

/* Does a host show these words: in a row, or as the other side of a conflict?
 */
static bool shows(struct run *r, size_t i, const char *words)
{
    sqlite3 *db = r->ledger.hosts[i].db;
    sqlite3_stmt *stmt = NULL;
    bool found;

    host_enter(&r->w, i);
    CHECK(
        sqlite3_prepare_v2(db,
                           "SELECT 1 FROM (SELECT title AS t FROM priority"
                           " UNION ALL SELECT value FROM sibling WHERE tbl = 1"
                           " AND col = 1)"
                           " WHERE instr(CAST(t AS TEXT), ?1) > 0",
                           -1, &stmt, NULL) == SQLITE_OK);
    (void)sqlite3_bind_text(stmt, 1, words, -1, SQLITE_STATIC);
    found = sqlite3_step(stmt) == SQLITE_ROW;
    sqlite3_finalize(stmt);
    return found;
}

void lies_check(struct lies *l)
{
    struct run *r = l->r;

    for (size_t k = 0; k < l->told_count; k++)
        check_told(r, &l->told[k]);
    for (size_t i = 0; i < r->w.host_count; i++) {
        if (!ledger_sees(r, i))
            continue;
        if (machine_holds(i, NEVER_SHOWN, sizeof NEVER_SHOWN - 1))
            world_fail(&r->w, "[liar] n%zu keeps a row of a void change set",
                       i);
        if (shows(r, i, REPLACED))
            world_fail(&r->w, "[liar] n%zu shows what was replaced", i);
    }
}
