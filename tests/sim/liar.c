/* liar.c - see liar.h. */
#include "tests/sim/liar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/lies.h"
#include "tests/sim/run.h"

#define PATIENCE (2 * WORLD_MINUTE) /* for an answer */
#define WAKE_EACH (5 * COVEY_SECOND)
#define NOBODY SIZE_MAX

struct liar {
    struct run *r;
    struct lies lies;
    struct voice *voice; /* the lies' */
    struct host_guest guest;
    size_t host;                /* where it sits */
    covey_time mean;            /* from visit to visit */
    covey_time tick_at, act_at; /* the next tick; the next visit */
    bool ended;

    uint64_t conn; /* 0: none */
    size_t to;
    size_t room; /* bytes that it lets out yet */

    bool asked; /* a lie was told and is not answered */
    enum lie_becomes becomes;
    covey_time asked_at;
    uint32_t acked; /* before that */
};

/* ---- telling, and the answer ---- */

static void tell(struct liar *l)
{
    l->becomes = lies_make(&l->lies, l->to);
    l->acked = l->voice->acked;
    l->asked = lies_say(&l->lies);
    l->asked_at = l->r->w.now;
    if (l->becomes == BECOMES_CUT)
        l->room = (size_t)dice_between(
            &l->lies.dice, 1, (int64_t)session_waiting(l->voice->session) - 1);
    world_note(&l->r->w, l->host, TRACE_LIE, (uint64_t)l->lies.kind, l->to);
    network_pull(&l->r->w, l->host, l->conn);
}

static void count(struct liar *l)
{
    l->r->tally.lie[l->lies.kind]++;
}

static void on_ack(struct liar *l)
{
    l->asked = false;
    if (l->becomes != BECOMES_TAKEN && l->becomes != BECOMES_VOID)
        world_fail(&l->r->w, "[liar] n%zu took in %s", l->to,
                   lies_name(l->lies.kind));
    if (lies_taken(&l->lies))
        count(l);
}

static bool tampered_with(const struct liar *l)
{
    const struct wire *wire = idmap_get(&l->r->w.hosts[l->host].wires, l->conn);

    return wire == NULL || wire->ways[0].spoilt != 0 ||
           wire->ways[1].spoilt != 0;
}

/* Does the node lack an epoch yet, having slept, say?  Then it may rightly ask
 * to be told that first. */
static bool is_behind(const struct liar *l)
{
    ledger_look(l->r);
    for (size_t s = 0; s < l->r->space_count; s++)
        if (!ledger_is_abreast(l->r, l->to, s))
            return true;
    return false;
}

/* The node closed.  Did it do so because of what was said? */
static void on_down(struct liar *l)
{
    const struct voice *v = l->voice;
    bool refused = v->by_peer && (v->code == SESSION_CLOSE_FORGED ||
                                  v->code == SESSION_CLOSE_INCOMPLETE ||
                                  v->code == SESSION_CLOSE_PROTOCOL);

    world_note(&l->r->w, l->host, TRACE_ANSWER, (uint64_t)l->lies.kind,
               v->code);
    if (!refused || !l->asked || tampered_with(l))
        return;
    if (l->becomes == BECOMES_REFUSED)
        count(l);
    else if (v->code != SESSION_CLOSE_INCOMPLETE || !is_behind(l))
        world_fail(&l->r->w, "[liar] n%zu refused %s: %s", l->to,
                   lies_name(l->lies.kind), v->text);
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
    voice_end(l->voice);
    lies_lost(&l->lies);
    l->asked = false;
    l->conn = 0;
    l->act_at = l->r->w.now + 1 + dice_wait(&l->lies.dice, l->mean);
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
    for (size_t i = 0; l->lies.forked && i < n; i++)
        if (found[i] != l->lies.fork_to)
            found[others++] = found[i];
    n = others > 0 ? others : n;
    return n == 0 ? NOBODY : found[dice_below(&l->lies.dice, n)];
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
    struct seed ephemeral = dice_seed(&l->lies.dice);
    struct noise_key remote;

    dh_public(&l->r->w.hosts[l->to].secrets.noise, remote.b);
    voice_begin(l->voice, &remote, &ephemeral, host_clock(&l->r->w, l->host));
    l->asked_at = l->r->w.now;
    network_pull(&l->r->w, l->host, l->conn);
}

/* What it does in a session that is up. */
static void talk(struct liar *l)
{
    const struct voice *v = l->voice;
    bool done = v->down || l->r->w.now - l->asked_at > PATIENCE;

    if (l->asked && v->acked != l->acked) {
        on_ack(l);
        done = l->lies.forked || dice_chance(&l->lies.dice, 500);
    } else if (l->asked && l->becomes == BECOMES_CUT) {
        count(l);
        done = true;
    } else if (!done && !l->asked && v->frontiers > 0) {
        tell(l);
    }
    if (done)
        hang_up(l);
}

static void hear(struct liar *l, struct covey_bytes bytes)
{
    bool was_down = l->voice->down;

    voice_hear(l->voice, bytes, host_clock(&l->r->w, l->host));
    if (l->voice->down && !was_down)
        on_down(l);
    network_pull(&l->r->w, l->host, l->conn);
}

static void on_tick(struct liar *l)
{
    struct world *w = &l->r->w;

    if (l->ended || w->now < l->tick_at)
        return;
    l->tick_at = COVEY_TIME_NEVER;
    if (l->voice->session != NULL) {
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

    if (conn != l->conn || l->voice->session == NULL)
        return 0;

    size_t n = voice_output(l->voice, dst, cap < l->room ? cap : l->room);

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
    l->r = l->lies.r = r;
    l->voice = &l->lies.voice;
    l->host = who;
    l->guest = (struct host_guest){l, on_event, output};
    l->lies.dice = dice_of(r->plan.seed, "lies", who);
    l->mean = mean_s * COVEY_SECOND;
    l->tick_at = COVEY_TIME_NEVER;
    for (size_t k = 0; k < LIE_KIND_COUNT; k++)
        l->lies.weights[k] = only == LIE_KIND_COUNT || k == (size_t)only;

    host_down(&r->w, who, MACHINE_KILL);
    disk_mend(machine_disk(who));
    ledger_excuse(r, who);
    host_enter(&r->w, who);
    CHECK(hex_decode(r->spaces[0].id, space.b, sizeof space.b));
    voice_learn(l->voice, machine_dir(who), &r->w.hosts[who].secrets, &space);
    host_invite(&r->w, who, &l->guest);
    wake_after(l, COVEY_SECOND);
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
    if (!fault_may_take(r, who)) {
        world_after(&r->w, WORLD_MINUTE, EVENT_LIE, 0, 0);
        return;
    }
    liar_turn(r, who, LIE_KIND_COUNT,
              40 + (int64_t)(r->plan.duration / (200 * COVEY_SECOND)));
    for (size_t k = 1; k < LIE_KIND_COUNT; k++)
        r->liar->lies.weights[k] =
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
    lies_free(&l->lies);
    free(l);
    r->liar = NULL;
}

void liar_check(struct run *r)
{
    if (r->liar != NULL)
        lies_check(&r->liar->lies);
}
