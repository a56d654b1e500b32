/* host.c - the life of one node on its computer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/store.h"
#include "tests/sim/world.h"

#define WALL_START_MS 1790000000000u

struct node_clock host_clock(const struct world *w, size_t i)
{
    const struct host *h = &w->hosts[i];

    return (struct node_clock){
        .now = w->now - h->slept,
        .wall_ms = (uint64_t)((int64_t)WALL_START_MS +
                              w->now / COVEY_MILLISECOND + h->offset_ms),
    };
}

static bool older; /* whose turn it is */

bool host_is_older(void)
{
    return older;
}

void host_enter(struct world *w, size_t i)
{
    older = w->hosts[i].older;
    machine_enter(i, host_clock(w, i).wall_ms);
}

bool host_awake(const struct world *w, size_t i)
{
    return !w->hosts[i].off && w->hosts[i].asleep_until == 0;
}

/* ---- what a node makes ---- */

static void on_reply(struct world *w, size_t i, const struct node_effect *fx)
{
    world_note(w, i, TRACE_REPLY, fx->request_id, (uint64_t)fx->status);
    trace_bytes(&w->trace, fx->text.p, fx->text.len);
    if (i == w->call_host && fx->request_id == w->call_request) {
        json_decref(w->reply);
        w->reply = json_loadb((const char *)fx->text.p, fx->text.len,
                              JSON_DECODE_ANY, NULL);
        w->status = fx->status;
        w->call_answered = true;
    } else if (w->on_reply != NULL) {
        w->on_reply(w, i, fx->request_id, fx->status, fx->text);
    }
}

void host_doom(struct world *w, size_t i, enum machine_end how)
{
    w->hosts[i].off = true;
    world_after(w, 0, EVENT_DOWN, i, (uint64_t)how);
}

bool host_is_cut(struct world *w, size_t i)
{
    if (w->hosts[i].off || !disk_is_cut(machine_disk(i)))
        return w->hosts[i].off;
    host_doom(w, i, MACHINE_POWER);
    return true;
}

/* A node ends itself only where its disk is broken. */
static void on_fatal(struct world *w, size_t i, const struct node_effect *fx)
{
    world_note(w, i, TRACE_FATAL, (uint64_t)(int64_t)fx->rc, w->hosts[i].run);
    if (w->hosts[i].bad_disk)
        host_doom(w, i, MACHINE_KILL);
    else
        world_fail(w, "n%zu ended itself: %.*s", i, (int)fx->text.len,
                   (const char *)fx->text.p);
}

static void on_effect(struct world *w, size_t i, const struct node_effect *fx)
{
    switch (fx->kind) {
    case NODE_FX_DIAL:
        network_dial(w, i, fx);
        return;
    case NODE_FX_OUTPUT:
        network_pull(w, i, fx->conn);
        return;
    case NODE_FX_CLOSE:
        network_close(w, i, fx->conn);
        return;
    case NODE_FX_REPLY:
        on_reply(w, i, fx);
        return;
    case NODE_FX_CHANGES:
        if (w->hosts[i].doomed)
            world_after(w, dice_between(&w->hosts[i].dice, 0, 20000),
                        EVENT_DOWN, i, (uint64_t)w->hosts[i].doom);
        w->hosts[i].doomed = false;
        w->commits++;
        world_note(w, i, TRACE_CHANGES, fx->text.len, w->commits);
        trace_bytes(&w->trace, fx->text.p, fx->text.len);
        return;
    case NODE_FX_FATAL:
        on_fatal(w, i, fx);
        return;
    case NODE_FX_KNOWN:
        return;
    }
}

/* Come back when the node wants to. */
static void plan_tick(struct world *w, size_t i)
{
    struct host *h = &w->hosts[i];
    covey_time at = node_deadline(h->node);

    if (at == COVEY_TIME_NEVER)
        return;
    at += h->slept;
    if (at < w->now)
        at = w->now;
    if (h->tick_at == at)
        return;
    h->tick_at = at;
    world_after(w, at - w->now, EVENT_TICK, i, ++h->tick);
}

static void flush(struct world *w, size_t i)
{
    struct host *h = &w->hosts[i];
    struct node_effect fx;

    node_flush(h->node, host_clock(w, i));
    while (!host_is_cut(w, i) && node_effect(h->node, &fx))
        on_effect(w, i, &fx);
}

/* ---- events ---- */

static void turn_later(struct world *w, size_t i)
{
    struct host *h = &w->hosts[i];

    if (h->turn_due)
        return;
    h->turn_due = true;
    world_after(w, dice_between(&h->dice, 0, h->commit_wait), EVENT_TURN, i,
                h->run);
}

void host_event(struct world *w, size_t i, const struct node_event *event)
{
    struct host *h = &w->hosts[i];

    if (!host_up(w, i) || !host_awake(w, i))
        return;
    if (h->guest != NULL) {
        h->guest->event(h->guest->ctx, w, i, event);
        return;
    }
    host_enter(w, i);
    node_event(h->node, event, host_clock(w, i));
    if (host_is_cut(w, i))
        return;
    if (node_flush_due(h->node))
        flush(w, i);
    turn_later(w, i);
}

bool host_up(const struct world *w, size_t i)
{
    return w->hosts[i].node != NULL || w->hosts[i].guest != NULL;
}

size_t host_output(struct world *w, size_t i, uint64_t conn, uint8_t *dst,
                   size_t cap)
{
    struct host *h = &w->hosts[i];

    return h->guest != NULL ? h->guest->output(h->guest->ctx, conn, dst, cap)
                            : node_output(h->node, conn, dst, cap);
}

void host_on_turn(struct world *w, size_t i, uint64_t run)
{
    struct host *h = &w->hosts[i];

    if (h->node == NULL || h->run != run)
        return;
    h->turn_due = false;
    if (!host_awake(w, i))
        return; /* when it wakes */
    host_enter(w, i);
    flush(w, i);
    plan_tick(w, i);
}

void host_on_tick(struct world *w, size_t i, uint64_t tick)
{
    static const struct node_event event = {.kind = NODE_EV_TICK};
    struct host *h = &w->hosts[i];

    if (h->guest != NULL)
        host_event(w, i, &event);
    if (h->node == NULL || h->tick != tick || !host_awake(w, i))
        return;
    h->tick_at = 0;
    host_enter(w, i);
    node_event(h->node, &event, host_clock(w, i));
    flush(w, i);
    plan_tick(w, i);
}

/* ---- life ---- */

void host_boot(struct world *w, size_t i)
{
    struct host *h = &w->hosts[i];
    struct covey_why why = {{0}};
    char at[64];
    struct node_config config = {.dir = machine_dir(i),
                                 .secrets = h->secrets,
                                 .seed = dice_seed(&h->dice),
                                 .carry_all = h->carries};

    CHECK(h->node == NULL);
    if (h->gone)
        return;
    disk_mend(machine_disk(i));
    h->off = h->bad_disk = h->doomed = false;
    h->boot_wait = 0;
    h->run++;
    h->next_conn = 2;
    h->tick_at = 0;
    h->turn_due = false;
    snprintf(at, sizeof at, "%s:1", h->name);
    config.advertise = h->listens ? at : NULL;
    world_note(w, i, TRACE_BOOT, h->run, host_clock(w, i).wall_ms);
    host_enter(w, i);

    enum covey_rc rc = node_open(&config, host_clock(w, i), &h->node, &why);

    if (rc != COVEY_OK) {
        h->node = NULL;
        world_fail(w, "n%zu does not start: %s", i, why.text);
        return;
    }
    turn_later(w, i);
    network_resume(w);
    if (w->on_up != NULL)
        w->on_up(w, i);
}

void host_invite(struct world *w, size_t i, const struct host_guest *guest)
{
    struct host *h = &w->hosts[i];

    CHECK(h->node == NULL);
    h->off = false;
    h->lies = true;
    h->guest = guest;
    h->run++;
    h->next_conn = 2;
}

static void let_go(struct world *w, size_t i, bool told)
{
    struct host *h = &w->hosts[i];

    host_enter(w, i);
    node_free(h->node);
    h->node = NULL;
    network_host_gone(w, i, told);
    idmap_clear(&h->wires);
    h->tick++;
}

void host_down(struct world *w, size_t i, enum machine_end how)
{
    if (w->hosts[i].node == NULL)
        return;
    world_note(w, i, TRACE_DOWN, (uint64_t)how, w->hosts[i].run);
    if (w->on_down != NULL)
        w->on_down(w, i);
    if (!disk_is_cut(machine_disk(i)))
        machine_halt(i, how);
    let_go(w, i, how == MACHINE_KILL);
    machine_settle(i);
    w->hosts[i].off = how == MACHINE_POWER;
    host_wake(w, i);
}

void host_on_down(struct world *w, size_t i, enum machine_end how)
{
    struct host *h = &w->hosts[i];

    if (h->node == NULL)
        return;
    host_down(w, i, how);
    if (h->boot_wait > 0)
        world_after(w, h->boot_wait, EVENT_BOOT, i, h->run);
}

void host_stop(struct world *w, size_t i)
{
    struct host *h = &w->hosts[i];

    if (h->node == NULL || !host_awake(w, i))
        return;
    world_note(w, i, TRACE_DOWN, 2, h->run);
    if (w->on_down != NULL)
        w->on_down(w, i);
    host_enter(w, i);
    node_stop(h->node, host_clock(w, i));
    flush(w, i);
    let_go(w, i, true);
}

void host_upgrade(struct world *w, size_t i)
{
    struct host *h = &w->hosts[i];

    if (!h->older)
        return;
    host_stop(w, i);
    h->older = false;
    world_note(w, i, TRACE_UPGRADE, h->run, h->node == NULL);
    if (h->node == NULL && h->guest == NULL)
        host_boot(w, i);
}

void host_sleep(struct world *w, size_t i, covey_time how_long)
{
    struct host *h = &w->hosts[i];

    if (h->node == NULL || !host_awake(w, i))
        return;
    h->asleep_until = w->now + how_long;
    h->slept += how_long;
    world_note(w, i, TRACE_SLEEP, (uint64_t)how_long, h->run);
    world_after(w, how_long, EVENT_WAKE, i, h->run);
}

void host_wake(struct world *w, size_t i)
{
    struct host *h = &w->hosts[i];

    if (h->asleep_until == 0)
        return;
    h->slept -= h->asleep_until - w->now;
    h->asleep_until = 0;
    h->tick_at = 0;
    if (h->node != NULL)
        turn_later(w, i);
    network_resume(w);
}

void host_on_wake(struct world *w, size_t i, uint64_t run)
{
    if (w->hosts[i].run == run && w->hosts[i].asleep_until == w->now)
        host_wake(w, i);
}

void host_set_clock(struct world *w, size_t i, int64_t offset_ms)
{
    world_note(w, i, TRACE_CLOCK, (uint64_t)offset_ms,
               (uint64_t)w->hosts[i].offset_ms);
    w->hosts[i].offset_ms = offset_ms;
}
