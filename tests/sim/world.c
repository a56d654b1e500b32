/* world.c - see world.h. */
#include "tests/sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/identity.h"
#include "store/store.h"

#define START (1000 * COVEY_SECOND)

void world_fail(struct world *w, const char *format, ...)
{
    va_list args;

    if (w->failed[0] != '\0')
        return;
    va_start(args, format);
    vsnprintf(w->failed, sizeof w->failed, format, args);
    va_end(args);
}

void world_note(struct world *w, size_t i, enum trace_kind kind, uint64_t a,
                uint64_t b)
{
    struct trace_record record = {w->now, i, kind, a, b};

    trace_note(&w->trace, &record);
}

void world_after(struct world *w, covey_time wait, enum event_kind kind,
                 uint64_t a, uint64_t b)
{
    CHECK(wait >= 0);
    queue_add(&w->queue, w->now + wait, kind, a, b);
}

/* ---- its own chance only ---- */

static bool sodium_ready;

static const char *random_name(void)
{
    return "none";
}

static void random_stir(void)
{
}

static void random_bytes(void *out, const size_t len)
{
    CHECK(!sodium_ready); /* "All its randomness comes from this": the seed */
    memset(out, 0, len);
}

static uint32_t random_word(void)
{
    uint32_t word;

    random_bytes(&word, sizeof word);
    return word;
}

static struct randombytes_implementation no_chance = {
    .implementation_name = random_name,
    .random = random_word,
    .stir = random_stir,
    .buf = random_bytes,
};

static void ready_libraries(void)
{
    if (sodium_ready)
        return;
    CHECK(randombytes_set_implementation(&no_chance) == 0);
    CHECK(sodium_init() >= 0);
    sodium_ready = true;
    json_object_seed(1);
}

void world_init(struct world *w, uint64_t seed)
{
    memset(w, 0, sizeof *w);
    ready_libraries();
    w->seed = seed;
    w->now = START;
    w->dice = dice_of(seed, "world", 0);
    w->net.dice = dice_of(seed, "network", 0);
    w->call_host = TRACE_NOBODY;
    machines_begin(seed);
}

void world_clear(struct world *w)
{
    for (size_t i = 0; i < w->host_count; i++) {
        if (w->hosts[i].node != NULL)
            host_enter(w, i);
        node_free(w->hosts[i].node);
        idmap_clear(&w->hosts[i].wires);
    }
    network_clear(w);
    queue_clear(&w->queue);
    json_decref(w->reply);
    machines_end();
}

/* ---- members ---- */

static void make_record(struct world *w, size_t i)
{
    struct host *h = &w->hosts[i];
    struct store_self self = {.kind =
                                  h->carries ? MEMBER_COUNCIL : MEMBER_SCHOOL};
    struct seed recovery = dice_seed(&h->dice);
    struct identity id;
    struct covey_why why = {{0}};

    identity_make(&h->secrets, &recovery, host_clock(w, i).wall_ms, &id);
    self.member = id.member;
    self.node = id.node.sign;
    snprintf(self.name, sizeof self.name, "%s", h->name);
    self.member_cert = (struct covey_bytes){id.member_cert, id.member_cert_len};
    self.node_cert = (struct covey_bytes){id.node_cert, sizeof id.node_cert};
    host_enter(w, i);

    enum covey_rc rc = store_init(machine_dir(i), &self, &why);

    if (rc != COVEY_OK)
        fprintf(stderr, "store_init: %s\n", why.text);
    CHECK(rc == COVEY_OK);
}

size_t world_add(struct world *w, const struct host_plan *plan)
{
    size_t i = w->host_count;
    struct host *h = &w->hosts[i];

    CHECK(i < WORLD_HOSTS_MAX);
    w->host_count++;
    h->dice = dice_of(w->seed, "host", i);
    snprintf(h->name, sizeof h->name, "%s", plan->name);
    h->listens = plan->listens;
    h->carries = plan->carries;
    h->commit_wait = 5 * COVEY_MILLISECOND;
    h->delay = 5 * COVEY_MILLISECOND;
    h->secrets = (struct node_secrets){dice_seed(&h->dice), dice_seed(&h->dice),
                                       dice_seed(&h->dice), dice_seed(&h->dice),
                                       dice_seed(&h->dice)};
    make_record(w, i);
    return i;
}

/* ---- time ---- */

static void act(struct world *w, const struct event *e)
{
    switch (e->kind) {
    case EVENT_TICK:
        host_on_tick(w, (size_t)e->a, e->b);
        return;
    case EVENT_TURN:
        host_on_turn(w, (size_t)e->a, e->b);
        return;
    case EVENT_BOOT:
        if (w->hosts[e->a].node == NULL && w->hosts[e->a].run == e->b)
            host_boot(w, (size_t)e->a);
        return;
    case EVENT_WAKE:
        host_on_wake(w, (size_t)e->a, e->b);
        return;
    case EVENT_ARRIVE:
        network_on_arrive(w, e->a, e->b);
        return;
    case EVENT_OPEN:
        network_on_open(w, e->a);
        return;
    case EVENT_LOST:
        network_on_lost(w, e->a, e->b);
        return;
    case EVENT_OUTSIDE: {
        static const struct node_event event = {.kind = NODE_EV_OUTSIDE};

        host_event(w, (size_t)e->a, &event);
        return;
    }
    case EVENT_DOWN:
        host_on_down(w, (size_t)e->a, (enum machine_end)e->b);
        return;
    case EVENT_WORK:
    case EVENT_HELD:
    case EVENT_FAULT:
    case EVENT_MEND:
    case EVENT_LOOK:
    case EVENT_LIE:
    case EVENT_UPGRADE:
        if (w->on_event != NULL)
            w->on_event(w, e);
        return;
    case EVENT_KIND_COUNT:
        break;
    }
    CHECK(!"an event of no known kind");
}

bool world_step(struct world *w, covey_time until)
{
    if (w->failed[0] != '\0' || queue_next(&w->queue) > until)
        return false;

    struct event e = queue_take(&w->queue);

    CHECK(e.at >= w->now);
    w->now = e.at;
    w->events++;
    act(w, &e);
    return true;
}

void world_run(struct world *w, covey_time how_long)
{
    covey_time until = w->now + how_long;

    while (world_step(w, until))
        continue;
    if (w->failed[0] == '\0')
        w->now = until;
}
