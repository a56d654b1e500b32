/* fault.c - what goes wrong, and when it is over. */
#include <stdlib.h>

#include "tests/sim/run.h"

#define UNDER_WAY_MAX 64u

static const covey_time lasts_most[FAULT_KIND_COUNT] = {
#define X(kind, name, most, seconds) [FAULT_##kind] = seconds * COVEY_SECOND,
    FAULT_TABLE(X)
#undef X
};

/* A fault that is not over. */
struct fault {
    bool on;
    enum fault_kind kind;
    size_t host, other;
    uint32_t was;
};

struct fault_state {
    struct fault under_way[UNDER_WAY_MAX];
    bool backed_up[WORLD_HOSTS_MAX];
    bool cloned;                                       /* once in a world */
    int64_t epoch[WORLD_HOSTS_MAX][LEDGER_SPACES_MAX]; /* in the copy */
};

static size_t some_host(struct run *r)
{
    return (size_t)dice_below(&r->fault_dice, r->plan.hosts);
}

/* ---- partitions */

static void block(struct run *r, size_t from, size_t to, bool blocked)
{
    r->w.net.blocked[from][to] = blocked;
}

/* Which hosts are on the one side: drawn anew from the fault's own number, so
 * that nothing needs to be kept. */
static bool aside(const struct run *r, const struct fault *f, size_t host)
{
    struct dice d = dice_of(r->plan.seed + f->was, "side", host);

    return f->kind == FAULT_CUT_OFF ? host == f->host : dice_chance(&d, 500);
}

static void partition(struct run *r, const struct fault *f, bool blocked)
{
    for (size_t a = 0; a < r->w.host_count; a++)
        for (size_t b = 0; b < r->w.host_count; b++)
            if (aside(r, f, a) != aside(r, f, b))
                block(r, a, b, blocked);
}

/* ---- each kind: what it does; false when it cannot be now */

static bool start_wire(struct run *r, struct fault *f, covey_time lasts)
{
    struct wire *wire = network_some(&r->w, &r->fault_dice);

    if (wire == NULL)
        return false;
    f->host = wire->ends[0].host;
    f->other = (size_t)wire->id;
    if (f->kind == FAULT_RESET)
        network_break(&r->w, wire, BREAK_RESET);
    else if (f->kind == FAULT_HALF)
        network_break(&r->w, wire, BREAK_HALF);
    else if (f->kind == FAULT_MUTE)
        network_break(&r->w, wire, BREAK_MUTE);
    else if (f->kind == FAULT_SPOIL)
        network_spoil(&r->w, wire, (size_t)dice_below(&r->fault_dice, 2));
    else
        network_stall(&r->w, wire, r->w.now + lasts);
    return true;
}

static bool is_up(const struct run *r, size_t i)
{
    const struct host *h = &r->w.hosts[i];

    return h->node != NULL && host_awake(&r->w, i) && h->boot_wait == 0;
}

/* Now, or with the next commit, when it is most likely to hurt. */
static bool start_down(struct run *r, struct fault *f, covey_time lasts)
{
    struct host *h = &r->w.hosts[f->host = some_host(r)];

    if (!is_up(r, f->host))
        return false;
    h->boot_wait = lasts;
    h->doom = f->kind == FAULT_KILL ? MACHINE_KILL : MACHINE_POWER;
    h->doomed = dice_chance(&r->fault_dice, 500);
    if (!h->doomed)
        host_on_down(&r->w, f->host, h->doom);
    return true;
}

/* The disk fails it at one of its next operations. */
static bool start_disk(struct run *r, struct fault *f, covey_time lasts)
{
    static const enum disk_loss losses[] = {DISK_NOTHING, DISK_SOME, DISK_TORN};
    struct host *h = &r->w.hosts[f->host = some_host(r)];
    struct disk *disk = machine_disk(f->host);
    uint64_t nth = 1 + dice_below(&r->fault_dice, 60);

    if (!is_up(r, f->host))
        return false;
    h->boot_wait = lasts;
    h->bad_disk = f->kind != FAULT_TORN;
    if (f->kind == FAULT_TORN)
        disk_cut_at(disk, losses[dice_below(&r->fault_dice, 3)], nth);
    else
        disk_fail(disk, f->kind == FAULT_EIO ? DISK_EIO : DISK_FULL, nth);
    return true;
}

static bool start_rest(struct run *r, struct fault *f, covey_time lasts)
{
    size_t i = f->host = some_host(r);

    if (!is_up(r, i))
        return false;
    if (f->kind == FAULT_SLEEP) {
        host_sleep(&r->w, i, lasts);
        return true;
    }
    host_stop(&r->w, i);
    world_after(&r->w, lasts, EVENT_BOOT, i, r->w.hosts[i].run);
    return true;
}

static bool start_network(struct run *r, struct fault *f)
{
    f->host = some_host(r);
    f->other = some_host(r);
    f->was = (uint32_t)dice_below(&r->fault_dice, 1u << 30);
    if (f->kind != FAULT_ONE_WAY)
        partition(r, f, true);
    else if (f->host != f->other)
        block(r, f->host, f->other, true);
    return f->kind != FAULT_ONE_WAY || f->host != f->other;
}

static bool start_slow(struct run *r, struct fault *f)
{
    static const uint32_t speeds[] = {1000, 8000, 100000};
    struct host *h = &r->w.hosts[f->host = some_host(r)];

    f->was = h->line_bytes_s;
    h->line_bytes_s = speeds[dice_below(&r->fault_dice, 3)];
    return true;
}

/* A minute, a day, ten years; forth and back. */
static bool start_clock(struct run *r, struct fault *f)
{
    static const int64_t most_ms[] = {60000, 86400000, 315360000000};
    int64_t most = most_ms[dice_below(&r->fault_dice, 3)];

    f->host = some_host(r);
    host_set_clock(&r->w, f->host, dice_between(&r->fault_dice, -most, most));
    return true;
}

/* May this host come back on its copy?  Not where it has signed an epoch since:
 * whoever it hears first may not have that one either, and then it signs
 * another in its place.  How a chair takes back what it signed is the issue of
 * membership. */
static bool may_return(const struct run *r, size_t i)
{
    const struct ledger_view *views = r->ledger.hosts[i].views;

    for (size_t s = 0; s < r->space_count; s++)
        if (r->spaces[s].chair == i && views[s].epoch > r->faults->epoch[i][s])
            return false;
    return r->faults->backed_up[i];
}

static void back_up(struct run *r, size_t i)
{
    for (size_t s = 0; s < r->space_count; s++)
        r->faults->epoch[i][s] = r->ledger.hosts[i].views[s].epoch;
    machine_copy(i, MACHINE_COPIES + i);
    r->faults->backed_up[i] = true;
}

/* Each host's disk is copied once in a while, and now and then the host comes
 * back on the copy. */
static bool start_backup(struct run *r, struct fault *f, covey_time lasts)
{
    size_t i = f->host = some_host(r);

    if (!is_up(r, i))
        return false;
    ledger_look(r);
    if (!may_return(r, i)) {
        back_up(r, i);
        return false; /* nothing has gone wrong yet */
    }
    host_down(&r->w, i, MACHINE_KILL);
    machine_copy(MACHINE_COPIES + i, i);
    world_note(&r->w, i, TRACE_COPY, MACHINE_COPIES + i, 0);
    ledger_excuse(r, i);
    r->faults->backed_up[i] = false;
    world_after(&r->w, lasts, EVENT_BOOT, i, r->w.hosts[i].run);
    return true;
}

bool fault_may_take(const struct run *r, size_t i)
{
    const struct host *h = &r->w.hosts[i];

    for (size_t s = 0; s < r->space_count; s++)
        if (r->spaces[s].chair == i)
            return false;
    return r->spaces[0].member[i] && !h->carries && !h->lies && is_up(r, i) &&
           !h->bad_disk && !h->doomed;
}

/* A machine is copied while it runs, and the copy is started elsewhere: both
 * are the same node, people write at both. */
static bool start_clone(struct run *r, struct fault *f)
{
    size_t i = f->host = some_host(r);
    struct host *h = &r->w.hosts[i], *copy;
    struct host_plan plan = {.name = "again"};

    if (r->faults->cloned || h->older || !fault_may_take(r, i) ||
        r->w.host_count == WORLD_HOSTS_MAX)
        return false;
    r->faults->cloned = true;
    f->other = world_add(&r->w, &plan);
    copy = &r->w.hosts[f->other];
    copy->secrets = h->secrets;
    copy->delay = h->delay;
    copy->commit_wait = h->commit_wait;
    copy->offset_ms = h->offset_ms;
    h->lies = copy->lies = true;
    for (size_t s = 0; s < r->space_count; s++)
        r->spaces[s].member[f->other] = r->spaces[s].member[i];
    machine_copy(i, f->other);
    world_note(&r->w, f->other, TRACE_COPY, i, 0);
    host_boot(&r->w, f->other);
    work_later(r, f->other);
    return true;
}

/* One of the two is switched off for good; what it alone held is lost. */
static void end_clone(struct run *r, const struct fault *f)
{
    size_t gone = dice_chance(&r->fault_dice, 500) ? f->host : f->other;

    host_wake(&r->w, gone);
    host_down(&r->w, gone, MACHINE_POWER);
    r->w.hosts[gone].gone = true;
    ledger_excuse(r, gone);
}

static bool start(struct run *r, struct fault *f, covey_time lasts)
{
    switch (f->kind) {
    case FAULT_KILL:
    case FAULT_POWER:
        return start_down(r, f, lasts);
    case FAULT_TORN:
    case FAULT_FULL:
    case FAULT_EIO:
        return start_disk(r, f, lasts);
    case FAULT_STOP:
    case FAULT_SLEEP:
        return start_rest(r, f, lasts);
    case FAULT_PARTITION:
    case FAULT_CUT_OFF:
    case FAULT_ONE_WAY:
        return start_network(r, f);
    case FAULT_RESET:
    case FAULT_HALF:
    case FAULT_MUTE:
    case FAULT_STALL:
    case FAULT_SPOIL:
        return start_wire(r, f, lasts);
    case FAULT_SLOW:
        return start_slow(r, f);
    case FAULT_CLOCK:
        return start_clock(r, f);
    case FAULT_BACKUP:
        return start_backup(r, f, lasts);
    case FAULT_CLONE:
        return start_clone(r, f);
    case FAULT_KIND_COUNT:
        break;
    }
    CHECK(!"a fault of no known kind");
    return false;
}

/* ---- mending */

static void mend_disk(struct run *r, size_t i)
{
    struct host *h = &r->w.hosts[i];

    if (h->off) /* it has struck: mended when the host is back */
        return;
    disk_mend(machine_disk(i));
    disk_cut_at(machine_disk(i), DISK_KEEP, UINT64_MAX >> 1);
    h->bad_disk = h->doomed = false;
    h->boot_wait = 0;
}

static void mend(struct run *r, struct fault *f)
{
    if (!f->on)
        return;
    f->on = false;
    world_note(&r->w, f->host, TRACE_MEND, (uint64_t)f->kind, f->other);
    if (f->kind == FAULT_PARTITION || f->kind == FAULT_CUT_OFF)
        partition(r, f, false);
    if (f->kind == FAULT_ONE_WAY)
        block(r, f->host, f->other, false);
    if (f->kind == FAULT_SLOW)
        r->w.hosts[f->host].line_bytes_s = f->was;
    if (f->kind == FAULT_FULL || f->kind == FAULT_EIO || f->kind == FAULT_TORN)
        mend_disk(r, f->host);
    if (f->kind == FAULT_CLONE)
        end_clone(r, f);
    network_resume(&r->w);
}

void fault_on_mend(struct run *r, uint64_t which)
{
    mend(r, &r->faults->under_way[which]);
}

static bool mends_itself(enum fault_kind kind)
{
    return kind != FAULT_PARTITION && kind != FAULT_CUT_OFF &&
           kind != FAULT_ONE_WAY && kind != FAULT_SLOW && kind != FAULT_STALL &&
           kind != FAULT_TORN && kind != FAULT_FULL && kind != FAULT_EIO &&
           kind != FAULT_CLONE;
}

static void begin_one(struct run *r, size_t which)
{
    struct fault *f = &r->faults->under_way[which];
    enum fault_kind kind = (enum fault_kind)dice_pick(
        &r->fault_dice, r->plan.fault, FAULT_KIND_COUNT);
    covey_time lasts = 1 + dice_between(&r->fault_dice, 0, lasts_most[kind]);

    *f = (struct fault){.kind = kind};
    if (!start(r, f, lasts))
        return;
    world_note(&r->w, f->host, TRACE_FAULT, (uint64_t)kind, f->other);
    r->tally.fault[kind]++;
    f->on = !mends_itself(kind);
    if (f->on)
        world_after(&r->w, lasts, EVENT_MEND, which, 0);
}

void fault_later(struct run *r)
{
    world_after(&r->w, dice_wait(&r->fault_dice, r->plan.fault_mean),
                EVENT_FAULT, 0, 0);
}

void fault_on_event(struct run *r)
{
    size_t which = 0;

    if (r->calm)
        return;
    fault_later(r);
    while (which < UNDER_WAY_MAX && r->faults->under_way[which].on)
        which++;
    if (which < UNDER_WAY_MAX)
        begin_one(r, which);
}

/* ---- a school that has not upgraded */

void fault_draw_older(struct run *r)
{
    struct dice d = dice_of(r->plan.seed, "older", 0);
    size_t i = (size_t)dice_below(&d, r->plan.hosts);

    if (r->w.hosts[i].carries || !dice_chance(&d, 250))
        return;
    r->w.hosts[i].older = true;
    r->tally.older++;
    world_after(&r->w,
                dice_between(&d, r->plan.duration / 20, r->plan.duration / 2),
                EVENT_UPGRADE, i, 0);
}

/* Not in the middle of something else. */
void fault_on_upgrade(struct run *r, size_t i)
{
    const struct host *h = &r->w.hosts[i];

    if (is_up(r, i) && !h->bad_disk && !h->doomed)
        host_upgrade(&r->w, i);
    else if (!r->calm)
        world_after(&r->w, WORLD_MINUTE, EVENT_UPGRADE, i, 0);
}

void fault_begin(struct run *r)
{
    r->faults = calloc(1, sizeof *r->faults);
    CHECK(r->faults != NULL);
    r->fault_dice = dice_of(r->plan.seed, "fault", 0);
}

void fault_end(struct run *r)
{
    liar_end(r);
    for (size_t k = 0; k < UNDER_WAY_MAX; k++)
        mend(r, &r->faults->under_way[k]);
    for (size_t a = 0; a < r->w.host_count; a++)
        for (size_t b = 0; b < r->w.host_count; b++)
            block(r, a, b, false);
    for (size_t i = 0; i < r->w.host_count; i++) {
        r->w.hosts[i].line_bytes_s = 0;
        host_wake(&r->w, i);
        mend_disk(r, i);
        if (r->w.hosts[i].off)
            host_down(&r->w, i, MACHINE_POWER);
        host_upgrade(&r->w, i);
        if (!host_up(&r->w, i))
            host_boot(&r->w, i);
    }
    network_resume(&r->w);
}

void fault_free(struct run *r)
{
    free(r->faults);
    r->faults = NULL;
}
