/* liar.c - see liar.h. */
#include "tests/sim/liar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/heap.h"
#include "tests/sim/run.h"
#include "tests/sim/voice.h"

#define SETS_MAX 8u
#define SHARED_MAX 2u /* change sets that both sides of a fork follow */
#define ROWS_MAX 3u
#define PATIENCE (2 * WORLD_MINUTE) /* for an answer */
#define WAKE_EACH (5 * COVEY_SECOND)
#define NOBODY SIZE_MAX
#define NEVER_SHOWN RUN_MARK " never shown"

enum becomes { BECOMES_TAKEN, BECOMES_VOID, BECOMES_REFUSED, BECOMES_CUT };

/* One change set as it is sent. */
struct set {
    struct header header;
    struct covey_buf payload;
};

/* One that was sent. */
struct told {
    struct hash hash;
    enum becomes becomes;
    size_t acked_by; /* a host; NOBODY */
};

struct liar {
    struct run *r;
    struct host_guest guest;
    size_t host; /* where it sits */
    struct voice voice;
    struct dice dice;
    uint32_t weights[LIE_KIND_COUNT];
    covey_time mean;            /* from visit to visit */
    covey_time tick_at, act_at; /* the next tick; the next visit */
    bool ended;

    uint64_t conn; /* 0: none */
    size_t to;
    size_t room; /* bytes that it lets out yet */

    bool asked; /* a lie was told and is not answered */
    enum lie_kind kind;
    covey_time asked_at;
    uint32_t acked; /* before that */
    struct set sets[SETS_MAX];
    size_t count;

    uint32_t runs, rows; /* so that all are different */
    struct set replay[SETS_MAX];
    size_t replay_count;
    bool forked; /* one side of a fork was told, and the other is to be */
    uint32_t fork_run;
    size_t fork_to;
    struct set shared[SHARED_MAX];
    size_t shared_count;

    struct told *told;
    size_t told_count, told_cap;
};

/* ---- change sets ---- */

static void drop(struct set *sets, size_t *count)
{
    for (size_t i = 0; i < *count; i++)
        buf_clear(&sets[i].payload);
    *count = 0;
}

static struct set *next_set(struct liar *l, uint32_t run)
{
    struct set *s = &l->sets[l->count];

    CHECK(l->count < SETS_MAX);
    l->count++;
    *s = (struct set){.header = voice_header(&l->voice, run)};
    return s;
}

/* The first of a new log. */
static struct set *fresh(struct liar *l)
{
    return next_set(l, ++l->runs);
}

static void seal(struct liar *l, struct set *s, const struct member_tag *tag,
                 const char *words)
{
    struct covey_buf row;

    buf_init(&row, &heap_mem, 4096);
    voice_row(&row, tag, ++l->rows, words);

    struct covey_bytes rows = buf_bytes(&row);
    voice_seal(&l->voice, &s->header, &rows, 1, &s->payload);
    buf_clear(&row);
}

static void seal_lie(struct liar *l, struct set *s)
{
    seal(l, s, &l->voice.tag, NEVER_SHOWN);
}

/* The log `run` goes on with so many: after the last of the sets, or from
 * nothing. */
static void go_on(struct liar *l, uint32_t run, size_t count)
{
    for (; count > 0; count--) {
        const struct set *last = l->count > 0 ? &l->sets[l->count - 1] : NULL;
        struct set *s = next_set(l, run);

        if (last != NULL) {
            s->header.number = last->header.number + 1;
            s->header.previous = header_hash(&last->header);
            s->header.clock = last->header.clock + 1;
        }
        seal(l, s, &l->voice.tag, RUN_MARK " of the liar");
    }
}

static size_t some(struct liar *l, size_t from, size_t to)
{
    return (size_t)dice_between(&l->dice, (int64_t)from, (int64_t)to);
}

/* ---- the lies: each fills the sets; false where it cannot be told now */

static bool honest(struct liar *l)
{
    go_on(l, ++l->runs, some(l, 1, 3));
    return true;
}

/* To one, and next time to another. */
static bool twice(struct liar *l)
{
    if (!l->forked) {
        l->fork_run = ++l->runs;
        l->fork_to = l->to;
        l->shared_count = some(l, 0, SHARED_MAX);
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

static bool replay(struct liar *l)
{
    memcpy(l->sets, l->replay, sizeof l->sets);
    l->count = l->replay_count;
    l->replay_count = 0;
    return l->count > 0;
}

/* A new row in the name of whoever owns one that is there. */
static bool row(struct liar *l)
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
    seal(l, fresh(l), &tag, NEVER_SHOWN);
    return true;
}

static bool again(struct liar *l)
{
    struct set *s = fresh(l);
    struct covey_buf bufs[ROWS_MAX];
    struct covey_bytes rows[ROWS_MAX];

    for (uint32_t i = 0; i < ROWS_MAX; i++) {
        buf_init(&bufs[i], &heap_mem, 4096);
        voice_row(&bufs[i], &l->voice.tag, l->rows + 1 + i % (ROWS_MAX - 1),
                  NEVER_SHOWN);
        rows[i] = buf_bytes(&bufs[i]);
    }
    l->rows += ROWS_MAX;
    voice_seal(&l->voice, &s->header, rows, ROWS_MAX, &s->payload);
    for (size_t i = 0; i < ROWS_MAX; i++)
        buf_clear(&bufs[i]);
    return true;
}

static bool key(struct liar *l)
{
    struct seed right = l->voice.key;

    l->voice.key.b[0] ^= 1;
    seal_lie(l, fresh(l));
    l->voice.key = right;
    return true;
}

static bool clock_not_due(struct liar *l)
{
    struct set *s = fresh(l);

    s->header.clock += 1 + dice_below(&l->dice, 1u << 30);
    seal_lie(l, s);
    return true;
}

static bool cite(struct liar *l)
{
    struct set *s = fresh(l);

    s->header.cite_count = 1;
    dice_fill(&l->dice, &s->header.cites[0], sizeof s->header.cites[0]);
    seal_lie(l, s);
    return true;
}

static bool gap(struct liar *l)
{
    struct set *s = fresh(l);

    s->header.number = 2 + dice_below(&l->dice, 100);
    dice_fill(&l->dice, &s->header.previous, sizeof s->header.previous);
    seal_lie(l, s);
    return true;
}

static bool space(struct liar *l)
{
    struct set *s = fresh(l);

    s->header.space.b[0] ^= 1;
    seal_lie(l, s);
    return true;
}

static bool author(struct liar *l)
{
    const struct run_space *where = &l->r->spaces[0];
    struct set *s = fresh(l);

    s->header.author = l->r->ledger.hosts[where->chair].views[0].author;
    seal_lie(l, s);
    return true;
}

/* The end of what is sent now is never sent. */
static bool half(struct liar *l)
{
    go_on(l, ++l->runs, some(l, 1, 3));
    return true;
}

static const struct {
    const char *name;
    enum becomes becomes;
    bool (*tell)(struct liar *l);
} lies[LIE_KIND_COUNT] = {
#define TELL_HONEST honest
#define TELL_TWICE twice
#define TELL_REPLAY replay
#define TELL_ROW row
#define TELL_AGAIN again
#define TELL_KEY key
#define TELL_CLOCK clock_not_due
#define TELL_CITE cite
#define TELL_GAP gap
#define TELL_SPACE space
#define TELL_AUTHOR author
#define TELL_HALF half
#define X(kind, name, becomes)                                                 \
    [LIE_##kind] = {name, BECOMES_##becomes, TELL_##kind},
    LIE_TABLE(X)
#undef X
};

/* ---- telling, and the answer ---- */

static void note_told(struct liar *l, const struct set *s)
{
    l->told =
        ledger_grow(l->told, &l->told_cap, l->told_count, sizeof *l->told);
    l->told[l->told_count++] =
        (struct told){header_hash(&s->header), lies[l->kind].becomes, NOBODY};
}

static void tell(struct liar *l)
{
    struct voice_set out[SETS_MAX];

    l->kind = (enum lie_kind)dice_pick(&l->dice, l->weights, LIE_KIND_COUNT);
    if (!lies[l->kind].tell(l)) {
        l->kind = LIE_HONEST;
        (void)honest(l);
    }
    for (size_t i = 0; i < l->count; i++) {
        out[i] = (struct voice_set){&l->sets[i].header,
                                    buf_bytes(&l->sets[i].payload), NULL};
        note_told(l, &l->sets[i]);
    }
    l->acked = l->voice.acked;
    l->asked = voice_say_batch(&l->voice, out, l->count);
    l->asked_at = l->r->w.now;
    if (lies[l->kind].becomes == BECOMES_CUT)
        l->room = some(l, 1, session_waiting(l->voice.session) - 1);
    world_note(&l->r->w, l->host, TRACE_LIE, (uint64_t)l->kind, l->to);
    network_pull(&l->r->w, l->host, l->conn);
}

/* What was told and answered is kept for later, as far as it is of use. */
static void keep(struct liar *l)
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

static void forget(struct liar *l)
{
    if (l->kind == LIE_TWICE && l->asked) {
        if (!l->forked)
            l->shared_count = 0;
        l->forked = false;
    }
    drop(l->sets, &l->count);
    l->asked = false;
}

static void count(struct liar *l)
{
    l->r->tally.lie[l->kind]++;
}

static void on_ack(struct liar *l)
{
    enum becomes becomes = lies[l->kind].becomes;

    if (becomes != BECOMES_TAKEN && becomes != BECOMES_VOID) {
        world_fail(&l->r->w, "[liar] n%zu took in %s", l->to,
                   lies[l->kind].name);
        return;
    }
    for (size_t i = 1; i <= l->count; i++)
        l->told[l->told_count - i].acked_by = l->to;
    if (l->kind != LIE_TWICE || l->forked)
        count(l);
    if (becomes == BECOMES_TAKEN)
        keep(l);
    l->asked = false;
    forget(l);
}

static bool tampered_with(const struct liar *l)
{
    const struct wire *wire = idmap_get(&l->r->w.hosts[l->host].wires, l->conn);

    return wire == NULL || wire->ways[0].spoilt != 0 ||
           wire->ways[1].spoilt != 0;
}

/* The node closed.  Did it do so because of what was said? */
static void on_down(struct liar *l)
{
    const struct voice *v = &l->voice;
    bool refused = v->by_peer && (v->code == SESSION_CLOSE_FORGED ||
                                  v->code == SESSION_CLOSE_INCOMPLETE ||
                                  v->code == SESSION_CLOSE_PROTOCOL);

    world_note(&l->r->w, l->host, TRACE_ANSWER, (uint64_t)l->kind, v->code);
    if (!refused || !l->asked || tampered_with(l))
        return;
    if (lies[l->kind].becomes == BECOMES_REFUSED)
        count(l);
    else
        world_fail(&l->r->w, "[liar] n%zu refused %s: %s", l->to,
                   lies[l->kind].name, v->text);
}

/* ---- its visits ---- */

static void wake_after(struct liar *l, covey_time wait)
{
    covey_time at = l->r->w.now + wait;

    if (at >= l->tick_at)
        return;
    l->tick_at = at;
    world_after(&l->r->w, wait, EVENT_TICK, l->host, 0);
}

static void gone(struct liar *l)
{
    voice_end(&l->voice);
    forget(l);
    l->conn = 0;
    l->act_at = l->r->w.now + 1 + dice_wait(&l->dice, l->mean);
}

static void hang_up(struct liar *l)
{
    network_close(&l->r->w, l->host, l->conn);
    gone(l);
}

/* Who listens and has a part in the space. */
static bool dialled(const struct run *r, size_t i)
{
    const struct run_space *where = &r->spaces[0];

    return r->w.hosts[i].listens && (where->member[i] || where->carried[i]) &&
           r->w.hosts[i].guest == NULL;
}

/* One of them: the other side of a fork is for another one than the first,
 * where there is one. */
static size_t somebody(struct liar *l)
{
    size_t found[WORLD_HOSTS_MAX], n = 0, others = 0;

    for (size_t i = 0; i < l->r->w.host_count; i++)
        if (dialled(l->r, i))
            found[n++] = i;
    for (size_t i = 0; l->forked && i < n; i++)
        if (found[i] != l->fork_to)
            found[others++] = found[i];
    n = others > 0 ? others : n;
    return n == 0 ? NOBODY : found[dice_below(&l->dice, n)];
}

static void dial(struct liar *l)
{
    struct node_effect fx = {.kind = NODE_FX_DIAL};
    char at[64];

    l->to = somebody(l);
    if (l->to == NOBODY) {
        l->act_at = l->r->w.now + l->mean;
        return;
    }
    snprintf(at, sizeof at, "%s:1", l->r->w.hosts[l->to].name);
    fx.at = at;
    fx.conn = l->conn = 1 + 2 * ++l->r->w.hosts[l->host].next_request;
    l->room = SIZE_MAX;
    network_dial(&l->r->w, l->host, &fx);
}

static void connected(struct liar *l)
{
    struct seed ephemeral = dice_seed(&l->dice);
    struct noise_key remote;

    dh_public(&l->r->w.hosts[l->to].secrets.noise, remote.b);
    voice_begin(&l->voice, &remote, &ephemeral, host_clock(&l->r->w, l->host));
    l->asked_at = l->r->w.now;
    network_pull(&l->r->w, l->host, l->conn);
}

/* What it does in a session that is up. */
static void talk(struct liar *l)
{
    struct voice *v = &l->voice;

    if (l->asked && v->acked != l->acked) {
        on_ack(l);
        if (l->forked || dice_chance(&l->dice, 500))
            hang_up(l);
    } else if (v->down) {
        hang_up(l);
    } else if (l->asked && lies[l->kind].becomes == BECOMES_CUT) {
        count(l);
        hang_up(l);
    } else if (l->r->w.now - l->asked_at > PATIENCE) {
        hang_up(l);
    } else if (!l->asked && v->frontiers > 0) {
        tell(l);
    }
}

static void hear(struct liar *l, struct covey_bytes bytes)
{
    bool was_down = l->voice.down;

    voice_hear(&l->voice, bytes, host_clock(&l->r->w, l->host));
    if (l->voice.down && !was_down)
        on_down(l);
    network_pull(&l->r->w, l->host, l->conn);
}

static void on_tick(struct liar *l)
{
    struct world *w = &l->r->w;

    if (l->ended || w->now < l->tick_at)
        return;
    l->tick_at = COVEY_TIME_NEVER;
    if (l->voice.session != NULL) {
        hear(l, (struct covey_bytes){NULL, 0});
        talk(l);
    } else if (l->conn == 0 && w->now >= l->act_at) {
        dial(l);
    }
    wake_after(l, l->conn != 0 || l->act_at <= w->now ? WAKE_EACH
                                                      : l->act_at - w->now);
}

static void on_event(void *ctx, struct world *w, size_t i,
                     const struct node_event *event)
{
    struct liar *l = ctx;

    if (event->kind == NODE_EV_TICK)
        on_tick(l);
    if (event->kind == NODE_EV_ACCEPTED) /* it talks to nobody who calls */
        network_close(w, i, event->conn);
    if (event->conn != l->conn || l->conn == 0)
        return;
    if (event->kind == NODE_EV_CONNECTED)
        connected(l);
    if (event->kind == NODE_EV_LOST)
        gone(l);
    if (event->kind == NODE_EV_BYTES)
        hear(l, event->bytes);
    wake_after(l, 1);
}

static size_t output(void *ctx, uint64_t conn, uint8_t *dst, size_t cap)
{
    struct liar *l = ctx;

    if (conn != l->conn || l->voice.session == NULL)
        return 0;

    size_t n = voice_output(&l->voice, dst, cap < l->room ? cap : l->room);

    if (l->room != SIZE_MAX)
        l->room -= n;
    return n;
}

/* ---- its life ---- */

void liar_turn(struct run *r, size_t who, enum lie_kind only, int64_t mean_s)
{
    struct liar *l = calloc(1, sizeof *l);
    struct space_id space;

    CHECK(l != NULL && r->liar == NULL);
    r->liar = l;
    l->r = r;
    l->host = who;
    l->guest = (struct host_guest){l, on_event, output};
    l->dice = dice_of(r->plan.seed, "lies", who);
    l->mean = mean_s * COVEY_SECOND;
    l->tick_at = COVEY_TIME_NEVER;
    for (size_t k = 0; k < LIE_KIND_COUNT; k++)
        l->weights[k] = only == LIE_KIND_COUNT || k == (size_t)only;

    host_down(&r->w, who, MACHINE_KILL);
    disk_mend(machine_disk(who));
    ledger_excuse(r, who);
    host_enter(&r->w, who);
    CHECK(hex_decode(r->spaces[0].id, space.b, sizeof space.b));
    voice_learn(&l->voice, machine_dir(who), &r->w.hosts[who].secrets, &space);
    host_invite(&r->w, who, &l->guest);
    wake_after(l, COVEY_SECOND);
}

static bool may_turn(const struct run *r, size_t i)
{
    const struct host *h = &r->w.hosts[i];

    for (size_t s = 0; s < r->space_count; s++)
        if (r->spaces[s].chair == i)
            return false;
    return r->spaces[0].member[i] && !h->carries && h->node != NULL &&
           host_awake(&r->w, i) && !h->bad_disk && !h->doomed &&
           h->boot_wait == 0;
}

void liar_draw(struct run *r)
{
    struct dice d = dice_of(r->plan.seed, "liar", 0);

    if (dice_chance(&d, 400))
        world_after(
            &r->w,
            dice_between(&d, r->plan.duration / 10, r->plan.duration / 2),
            EVENT_LIE, 0, 0);
}

void liar_on_event(struct run *r)
{
    struct dice d = dice_of(r->plan.seed, "turned", (uint64_t)r->w.now);
    size_t who = (size_t)dice_below(&d, r->w.host_count);

    if (r->calm)
        return;
    if (!may_turn(r, who)) {
        world_after(&r->w, WORLD_MINUTE, EVENT_LIE, 0, 0);
        return;
    }
    liar_turn(r, who, LIE_KIND_COUNT,
              60 + (int64_t)(r->plan.duration / (100 * COVEY_SECOND)));
    for (size_t k = 1; k < LIE_KIND_COUNT; k++)
        r->liar->weights[k] =
            dice_chance(&d, 250) ? 0 : (uint32_t)dice_between(&d, 1, 10);
}

void liar_end(struct run *r)
{
    struct liar *l = r->liar;

    if (l == NULL)
        return;
    l->ended = true;
    network_host_gone(&r->w, l->host, false);
    gone(l);
}

void liar_free(struct run *r)
{
    struct liar *l = r->liar;

    if (l == NULL)
        return;
    voice_end(&l->voice);
    drop(l->sets, &l->count);
    drop(l->replay, &l->replay_count);
    drop(l->shared, &l->shared_count);
    free(l->told);
    free(l);
    r->liar = NULL;
}

/* ---- what it came to ---- */

static void check_told(struct run *r, const struct told *t)
{
    const struct ledger_entry *e = ledger_entry(&r->ledger, &t->hash);
    bool wanted = t->becomes == BECOMES_TAKEN || t->becomes == BECOMES_VOID;

    if (e != NULL && !wanted)
        world_fail(&r->w, "[liar] what was to be refused is held");
    else if (e == NULL && t->acked_by != NOBODY &&
             !r->ledger.hosts[t->acked_by].excused)
        world_fail(&r->w, "[liar] n%zu does not hold what it acknowledged",
                   t->acked_by);
    else if (e != NULL && e->state != (t->becomes == BECOMES_VOID))
        world_fail(&r->w, "[liar] a change set that is %s has state %d",
                   t->becomes == BECOMES_VOID ? "void" : "good", e->state);
}

void liar_check(struct run *r)
{
    const struct liar *l = r->liar;

    if (l == NULL)
        return;
    for (size_t k = 0; k < l->told_count; k++)
        check_told(r, &l->told[k]);
    for (size_t i = 0; i < r->w.host_count; i++)
        if (ledger_sees(r, i) &&
            machine_holds(i, NEVER_SHOWN, sizeof NEVER_SHOWN - 1))
            world_fail(&r->w, "[liar] n%zu keeps a row of a void change set",
                       i);
}
