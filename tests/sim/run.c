/* run.c - see run.h. */
#include "tests/sim/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/oracle.h"
#include "tests/sim/work.h"

#define LOOK_EACH (7 * WORLD_MINUTE)

static const uint32_t work_most[WORK_KIND_COUNT] = {
#define X(kind, name, most) [WORK_##kind] = most,
    WORK_TABLE(X)
#undef X
};
static const uint32_t fault_most[FAULT_KIND_COUNT] = {
#define X(kind, name, most, seconds) [FAULT_##kind] = most,
    FAULT_TABLE(X)
#undef X
};

/* Each weight anything up to its most; one in four is none at all. */
static void draw_weights(struct dice *d, const uint32_t *most, uint32_t *out,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = (uint32_t)dice_between(d, 0, most[i]);
        if (dice_chance(d, 250))
            out[i] = 0;
    }
    out[0] += 1; /* so that their sum is not 0 */
}

struct run_plan run_plan_of(uint64_t seed, size_t hosts, uint64_t hours)
{
    static const covey_time work_means[] = {45, 60, 90, 120};
    struct dice d = dice_of(seed, "plan", 0);
    struct run_plan plan = {.seed = seed};
    size_t drawn = (size_t)dice_between(&d, 3, 9);
    uint64_t node_hours = (uint64_t)dice_between(&d, 60, 140);

    if (dice_chance(&d, 120)) { /* few hosts, for longer than a day */
        drawn = (size_t)dice_between(&d, 3, 4);
        node_hours = drawn * (uint64_t)dice_between(&d, 26, 50);
    }
    plan.hosts = hosts > 0 ? hosts : drawn;
    plan.duration =
        (covey_time)(hours > 0 ? hours * 60 : node_hours * 60 / plan.hosts) *
        WORLD_MINUTE;
    plan.work_mean = work_means[dice_below(&d, 4)] * COVEY_SECOND;
    plan.fault_mean = (covey_time)dice_between(&d, 15, 60) * WORLD_MINUTE /
                      (covey_time)plan.hosts;
    plan.hot = dice_chance(&d, 500) ? (uint64_t)dice_between(&d, 1, 6) : 0;
    draw_weights(&d, work_most, plan.work, WORK_KIND_COUNT);
    draw_weights(&d, fault_most, plan.fault, FAULT_KIND_COUNT);
    return plan;
}

/* ---- events */

static void on_event(struct world *w, const struct event *e)
{
    struct run *r = w->user;

    switch (e->kind) {
    case EVENT_WORK:
        work_on_event(r, (size_t)e->a);
        return;
    case EVENT_HELD:
        outside_on_event(r, (size_t)e->a);
        return;
    case EVENT_FAULT:
        fault_on_event(r);
        return;
    case EVENT_MEND:
        fault_on_mend(r, e->a);
        return;
    case EVENT_LIE:
        liar_on_event(r);
        return;
    case EVENT_UPGRADE:
        fault_on_upgrade(r, (size_t)e->a);
        return;
    case EVENT_LOOK:
        oracle_look(r);
        if (!r->calm)
            world_after(w, LOOK_EACH, EVENT_LOOK, 0, 0);
        return;
    case EVENT_DOWN:
    case EVENT_TICK:
    case EVENT_TURN:
    case EVENT_BOOT:
    case EVENT_WAKE:
    case EVENT_OUTSIDE:
    case EVENT_ARRIVE:
    case EVENT_OPEN:
    case EVENT_LOST:
    case EVENT_KIND_COUNT:
        break;
    }
    CHECK(!"not an event of a run");
}

static void on_reply(struct world *w, size_t i, uint64_t request, int status,
                     struct covey_bytes text)
{
    work_on_reply(w->user, i, request, status, text);
}

static void on_up(struct world *w, size_t i)
{
    struct run *r = w->user;

    ledger_up(r, i);
    oracle_look(r);
}

static void on_down(struct world *w, size_t i)
{
    struct run *r = w->user;

    outside_down(r, i);
    ledger_down(r, i);
    work_forget(r, i);
}

/* ---- from the first event to the last */

static void make_hosts(struct run *r)
{
    struct dice d = dice_of(r->plan.seed, "hosts", 0);
    char name[24];

    /* Most are behind NAT; of many, all but a few. */
    uint32_t listening =
        r->plan.hosts > 12 ? 4800 / (uint32_t)r->plan.hosts : 400;

    r->relay = r->plan.hosts - 1;
    for (size_t i = 0; i < r->plan.hosts; i++) {
        bool relay = i == r->relay;

        snprintf(name, sizeof name, "n%zu", i);
        struct host_plan plan = {name, relay || dice_chance(&d, listening),
                                 relay};
        struct host *h = &r->w.hosts[world_add(&r->w, &plan)];
        h->delay = dice_between(&d, 1, 60) * COVEY_MILLISECOND;
        h->commit_wait = dice_between(&d, 1, dice_chance(&d, 300) ? 700 : 40) *
                         COVEY_MILLISECOND;
        r->quiet[i] = dice_chance(&d, 150);
        host_boot(&r->w, i);
    }
    r->w.net.cut_in_thousand = (uint32_t)dice_below(&d, 500);
    r->w.net.jitter = dice_between(&d, 0, 80) * COVEY_MILLISECOND;
}

static void make_world(struct run *r)
{
    struct dice d = dice_of(r->plan.seed, "spaces", 0);
    size_t schools = r->plan.hosts - 1;
    size_t late = schools > 3 ? (size_t)dice_below(&d, 3) : 0;

    (void)cluster_space(r, 0);
    cluster_carry(r, 0, r->relay);
    cluster_make(r, schools - late);
    if (schools < 3 || !dice_chance(&d, 300))
        return;
    (void)cluster_space(r, 1);
    cluster_carry(r, 1, r->relay);
    cluster_join(r, 1, 2);
}

/* Clocks are wrong by seconds, and here and there by years.  Only now: a ticket
 * is good for some days, by the clock of whoever uses it. */
static void spoil_clocks(struct run *r)
{
    struct dice d = dice_of(r->plan.seed, "clocks", 0);

    for (size_t i = 0; i < r->w.host_count; i++)
        host_set_clock(&r->w, i,
                       dice_chance(&d, 200)
                           ? dice_between(&d, -315360000000, 315360000000)
                           : dice_between(&d, -2000, 2000));
}

static void tally(struct run *r, covey_time start)
{
    r->tally.node_us = (uint64_t)(r->w.now - start) * (uint64_t)r->plan.hosts;
    r->tally.events = r->w.events;
    r->tally.commits = r->w.commits;
    r->tally.wire_bytes = r->w.wire_bytes;
    r->tally.change_sets = r->ledger.count;
}

void run_begin(struct run *r, const struct run_plan *plan)
{
    struct world *w = &r->w;

    r->plan = *plan;
    world_init(w, plan->seed);
    w->user = r;
    w->secret = RUN_MARK;
    w->on_event = on_event;
    w->on_reply = on_reply;
    w->on_up = on_up;
    w->on_down = on_down;
    ledger_begin(r);
    fault_begin(r);
    work_begin(r);
}

static void live(struct run *r)
{
    struct world *w = &r->w;

    for (size_t i = 0; i < w->host_count; i++)
        if (!w->hosts[i].carries && !r->quiet[i])
            work_later(r, i);
    fault_later(r);
    liar_draw(r);
    world_after(w, LOOK_EACH, EVENT_LOOK, 0, 0);
    world_run(w, r->plan.duration);
    r->calm = true;
    if (w->failed[0] == '\0')
        fault_end(r);
    if (w->failed[0] == '\0')
        oracle_end(r);
}

void run_seed(struct run *r, const struct run_plan *plan, bool print)
{
    run_begin(r, plan);
    r->w.trace.print = print;
    make_hosts(r);
    fault_draw_older(r);
    make_world(r);
    spoil_clocks(r);

    covey_time start = r->w.now;

    live(r);
    tally(r, start);
}

void run_clear(struct run *r)
{
    for (size_t i = 0; i < r->w.host_count; i++)
        outside_down(r, i);
    ledger_free(r);
    world_clear(&r->w);
    liar_free(r);
    fault_free(r);
    free(r->asked);
    r->asked = NULL;
}
