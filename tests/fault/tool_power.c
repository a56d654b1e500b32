/* tool_power.c - power loss at every change on the disks of a small world.
 *
 * usage: tool_power SEED POINTS [EVERY]
 *
 * Two schools and a relay make records, a space, admissions; they write, in
 * transactions too, delete, receive from each other, are killed, written to by
 * another program, and brought up from an older version.  Before each change on
 * a disk (one of EVERY, by chance) the power is lost, in three ways, on a copy;
 * what is left there must open and hold all that was told, to people and to
 * peers.  Worlds follow one another until POINTS were looked at; the same
 * arguments give the same run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/crypto.h"
#include "store/store.h"
#include "tests/fault/peek.h"
#include "tests/unit/support_world.h"

#define NODES 3
#define RELAY 2
#define KEYS 5
#define STEPS 60
#define MEET_EVERY 50 /* of the points: the node there meets its peers */
#define SHOWN_MAX 5

struct write {
    bool open;
    size_t node, key;
    int64_t version;
    uint64_t request; /* 0: another program's */
};

struct power {
    struct world w;
    struct world after; /* where the copies run */
    struct disk *left[NODES];
    uint64_t dice;
    unsigned every;
    const char *step; /* what the world is doing */
    char space[40];

    bool made[NODES], joined[NODES]; /* as told */
    bool has_author[NODES];
    struct sign_key author[NODES]; /* in the space */
    int64_t rows[NODES][KEYS]; /* versions told; only that node writes them */
    struct write write;        /* under way */
    int64_t last_version;
    struct peek_headers seen[NODES]; /* of a node's, by its peers */
    int64_t seen_up_to[NODES][NODES];
    uint64_t looked_at[NODES][NODES]; /* disk_changes() of the peer */

    uint64_t points, opened, met, wrote, trouble;
};

struct place { /* what a disk's watch knows */
    struct power *p;
    size_t node;
};

static struct power power;
static struct place places[NODES];

static uint64_t roll(struct power *p, uint64_t sides)
{
    p->dice = p->dice * 6364136223846793005u + 1442695040888963407u;
    return (p->dice >> 33) % sides;
}

/* ---- what was told ---- */

static void note_told(struct power *p)
{
    const struct write *x = &p->write;
    const struct nodes_node *n = &p->w.nodes[x->node];

    if (!x->open || x->request == 0 || n->reply_id != x->request ||
        n->status != 200)
        return;
    p->rows[x->node][x->key] = x->version;
    p->write.open = false;
}

/* What the peers of a node hold of it. */
static void note_seen(struct power *p, size_t i)
{
    for (size_t j = 0; j < NODES && p->has_author[i]; j++) {
        const struct disk *d = p->w.nodes[j].disk;
        struct sqlite3 *db;

        if (j == i || !p->made[j] || p->looked_at[i][j] == disk_changes(d))
            continue;
        p->looked_at[i][j] = disk_changes(d);
        db = peek_open(d);
        peek_headers(db, &p->author[i], &p->seen_up_to[i][j], &p->seen[i]);
        peek_close(db);
    }
}

/* The key that signs what a node writes in the space. */
static void learn_author(struct power *p, size_t i)
{
    uint8_t noise[32];
    char hex[65], ask[200];
    struct sqlite3 *db;

    dh_public(&p->w.nodes[i].secrets.noise, noise);
    hex_encode(noise, sizeof noise, hex);
    snprintf(ask, sizeof ask,
             "SELECT lower(hex(author)) FROM node WHERE noise = x'%s'", hex);
    db = peek_open(p->w.nodes[i].disk);
    p->has_author[i] =
        hex_decode(peek_text(db, ask), p->author[i].b, sizeof p->author[i].b);
    peek_close(db);
    CHECK(p->has_author[i]);
}

/* ---- what is left after a power loss ---- */

static void trouble(struct power *p, size_t i, enum disk_loss loss,
                    const char *what)
{
    static const char *const losses[] = {"nothing lost", "all lost",
                                         "some lost", "torn"};

    if (p->trouble++ < SHOWN_MAX)
        printf("TROUBLE at %s, change %llu (%s, %s): %s\n", p->w.nodes[i].name,
               (unsigned long long)disk_changes(p->w.nodes[i].disk), p->step,
               losses[loss], what);
}

static const char *rows_trouble(struct power *p, size_t i, struct sqlite3 *db)
{
    static char say[200];
    char ask[160];

    for (size_t k = 0; k < KEYS; k++) {
        const struct write *x = &p->write;
        int64_t told = p->rows[i][k];
        int64_t there;

        snprintf(ask, sizeof ask,
                 "SELECT coalesce(max(CAST(why AS INTEGER)), 0) FROM priority"
                 " WHERE title = 'row %zu-%zu'",
                 i, k);
        there = peek_number(db, ask);
        if (there == told ||
            (x->open && x->node == i && x->key == k && there == x->version))
            continue;
        snprintf(say, sizeof say, "row %zu has version %lld, %lld was told", k,
                 (long long)there, (long long)told);
        return say;
    }
    if (peek_number(db, "SELECT count(DISTINCT why) FROM priority"
                        " WHERE title LIKE 'pair %'") > 1)
        return "half a transaction";
    return NULL;
}

static const char *seen_trouble(struct power *p, size_t i, struct sqlite3 *db)
{
    static char say[200];
    struct peek_headers here = {NULL, 0, 0};
    int64_t after = 0;
    const char *trouble = NULL;

    peek_headers(db, &p->author[i], &after, &here);
    peek_sort(&here);
    for (size_t k = 0; k < p->seen[i].count && trouble == NULL; k++) {
        const struct peek_header *h = &p->seen[i].items[k];

        if (peek_has(&here, h))
            continue;
        snprintf(say, sizeof say, "a peer has change set %lld, it is gone here",
                 (long long)h->number);
        trouble = say;
    }
    free(here.items);
    return trouble;
}

/* Did it sign anything with a number that a peer knows otherwise? */
static const char *number_trouble(struct power *p, size_t i)
{
    struct peek_headers here = {NULL, 0, 0};
    int64_t after = 0;
    const char *trouble = NULL;
    struct sqlite3 *db = peek_open(p->left[i]);

    peek_headers(db, &p->author[i], &after, &here);
    peek_close(db);
    for (size_t k = 0; k < p->seen[i].count && trouble == NULL; k++) {
        const struct peek_header *a = &p->seen[i].items[k];

        for (size_t m = 0; m < here.count; m++) {
            const struct peek_header *b = &here.items[m];

            if (a->number == b->number &&
                memcmp(a->incarnation, b->incarnation, 8) == 0 &&
                memcmp(a->hash, b->hash, 32) != 0)
                trouble = "one number was given twice";
        }
    }
    free(here.items);
    return trouble;
}

/* Node i of the world after the power loss, on what was left. */
static void place_after(struct power *p, size_t i)
{
    struct nodes_node *n = &p->after.nodes[i];

    *n = p->w.nodes[i];
    n->node = NULL;
    n->reply = NULL;
    n->reply_id = n->next_request = 0;
    n->cut = false;
    n->disk = p->left[i];
    snprintf(n->dir, sizeof n->dir, "%s", disk_dir(n->disk));
}

/* It starts there and writes, as if nothing had been. */
static const char *run_trouble(struct power *p, size_t i)
{
    static struct covey_why why;
    struct nodes_node *n = &p->after.nodes[i];
    char body[260];
    enum covey_rc rc = nodes_open(&p->after, i, &why);

    if (rc == COVEY_ENONE && !p->made[i])
        return NULL;
    if (rc != COVEY_OK)
        return why.text;
    p->opened++;
    if (i == RELAY || !p->joined[i])
        return NULL;
    snprintf(body, sizeof body,
             "{\"statement\":\"INSERT INTO priority (space, title, why) VALUES"
             " ('%s', 'after', 'the power loss')\"}",
             p->space);
    if (nodes_ask(&p->after, i, "sql", NULL, body) == NULL || n->status != 200)
        return n->fatal[0] != '\0' ? n->fatal : "it cannot write";
    p->wrote++;
    return number_trouble(p, i);
}

/* All others as they are, this one as it was left: do they come to agree? */
static const char *meet_trouble(struct power *p, size_t i)
{
    static struct covey_why why;
    size_t who[NODES], count = 0;

    if (!p->joined[i])
        return NULL;
    for (size_t j = 0; j < NODES; j++) {
        if (j != i && p->made[j]) {
            disk_leave(p->w.nodes[j].disk, DISK_KEEP, p->left[j]);
            place_after(p, j);
            if (nodes_open(&p->after, j, &why) != COVEY_OK)
                return why.text;
        }
        if (p->joined[j])
            who[count++] = j;
    }
    p->met++;
    for (int minute = 0; minute < 10; minute++) {
        nodes_run(&p->after, 60);
        if (nodes_equal(&p->after, p->space, who, count))
            return NULL;
    }
    return "it does not come to agree with its peers";
}

/* The record as it lies there, before anything of ours touches it. */
static const char *lying_trouble(struct power *p, size_t i)
{
    struct sqlite3 *db = peek_open(p->left[i]);
    const char *say = NULL;

    if (p->made[i])
        say = peek_damage(db);
    if (say == NULL && p->joined[i])
        say = rows_trouble(p, i, db);
    if (say == NULL && p->has_author[i])
        say = seen_trouble(p, i, db);
    peek_close(db);
    return say;
}

static const char *left_trouble(struct power *p, size_t i)
{
    const char *say = lying_trouble(p, i);

    if (say == NULL)
        say = run_trouble(p, i);
    if (say == NULL && p->points % MEET_EVERY == 0)
        say = meet_trouble(p, i);
    for (size_t j = 0; j < NODES; j++) {
        json_decref(p->after.nodes[j].reply);
        p->after.nodes[j].reply = NULL;
        if (p->after.nodes[j].node != NULL)
            nodes_kill(&p->after, j);
    }
    return say == NULL && p->made[i] ? peek_trouble(p->left[i]) : say;
}

static void lose_power(void *ctx)
{
    const struct place *at = ctx;
    struct power *p = at->p;
    size_t i = at->node;

    if (roll(p, p->every) != 0)
        return;
    note_told(p);
    note_seen(p, i);
    for (int loss = DISK_NOTHING; loss <= DISK_TORN; loss++) {
        const char *say;

        disk_leave(p->w.nodes[i].disk, (enum disk_loss)loss, p->left[i]);
        p->points++;
        p->after.clock = p->w.clock;
        p->after.draws = p->points * 1000;
        place_after(p, i);
        say = left_trouble(p, i);
        if (say != NULL)
            trouble(p, i, (enum disk_loss)loss, say);
    }
    disk_turn(p->w.nodes[i].disk, p->w.clock.wall_ms);
}

/* ---- the world that it happens to ---- */

static void watch(struct power *p, size_t i)
{
    places[i] = (struct place){p, i};
    disk_watch(p->w.nodes[i].disk, lose_power, &places[i]);
}

static void watch_all(struct power *p, bool on)
{
    for (size_t i = 0; i < p->w.count; i++) {
        if (on)
            watch(p, i);
        else
            disk_watch(p->w.nodes[i].disk, NULL, NULL);
    }
}

static const char *word(json_t *reply, const char *key)
{
    const char *text = json_string_value(json_object_get(reply, key));

    CHECK(text != NULL);
    return text;
}

static void make_nodes(struct power *p)
{
    static const char *const names[NODES] = {"alder", "birch", "relay"};
    struct covey_why why = {{0}};

    p->step = "init";
    for (size_t i = 0; i < NODES; i++) {
        CHECK(nodes_plan(&p->w, names[i], i != 1) == i);
        p->w.nodes[i].carry_all = i == RELAY;
        watch(p, i);
        CHECK(nodes_make(&p->w, i, &why) == COVEY_OK);
        p->made[i] = true;
        nodes_start(&p->w, i);
    }
}

static void make_space(struct power *p)
{
    char body[3000], ticket[2600];

    p->step = "space";
    snprintf(p->space, sizeof p->space, "%s",
             word(nodes_do(&p->w, 0, "space-create", NULL,
                           "{\"name\":\"Cluster\",\"admit\":\"at-once\"}"),
                  "id"));
    p->joined[0] = true;
    learn_author(p, 0);
    snprintf(body, sizeof body, "{\"address\":\"%s\"}",
             word(nodes_do(&p->w, RELAY, "address", NULL, NULL), "address"));
    nodes_do(&p->w, 0, "space-carrier", p->space, body);
    p->joined[RELAY] = true;
    p->step = "join";
    snprintf(ticket, sizeof ticket, "%s",
             word(nodes_do(&p->w, 0, "invite", p->space, NULL), "ticket"));
    snprintf(body, sizeof body, "{\"ticket\":\"%s\",\"wait_s\":50}", ticket);
    nodes_do(&p->w, 1, "join", NULL, body);
    p->joined[1] = true;
    learn_author(p, 1);
}

/* The statement that brings a row from its version to the next. */
static void write_sql(struct power *p, const struct write *x, char *sql,
                      size_t cap)
{
    if (x->version == 0)
        snprintf(sql, cap, "DELETE FROM priority WHERE title = 'row %zu-%zu'",
                 x->node, x->key);
    else if (p->rows[x->node][x->key] == 0)
        snprintf(sql, cap,
                 "INSERT INTO priority (space, title, why, outcome) VALUES"
                 " ('%s', 'row %zu-%zu', '%lld', hex(zeroblob(%d)))",
                 p->space, x->node, x->key, (long long)x->version,
                 (int)roll(p, 3000));
    else
        snprintf(sql, cap,
                 "UPDATE priority SET why = '%lld' WHERE title ="
                 " 'row %zu-%zu'",
                 (long long)x->version, x->node, x->key);
}

static void outside_run(struct power *p, size_t i, const char *sql)
{
    struct sqlite3 *db = peek_open(p->w.nodes[i].disk);

    CHECK(peek_run(db, sql));
    peek_close(db);
}

static void write_row(struct power *p, size_t i, bool outside)
{
    struct write x = {true, i, (size_t)roll(p, KEYS), 0, 0};
    char sql[300];

    if (p->rows[i][x.key] == 0 || roll(p, 5) > 0)
        x.version = ++p->last_version;
    x.request = outside ? 0 : p->w.nodes[i].next_request + 1;
    write_sql(p, &x, sql, sizeof sql);
    p->write = x;
    if (outside) {
        outside_run(p, i, sql);
        p->rows[i][x.key] = x.version;
        p->write.open = false;
    } else {
        nodes_sql(&p->w, i, sql);
        note_told(p);
        CHECK(!p->write.open);
    }
}

static void write_pair(struct power *p, size_t i)
{
    char sql[200];

    snprintf(sql, sizeof sql,
             "UPDATE priority SET why = '%lld' WHERE title LIKE 'pair %%'",
             (long long)++p->last_version);
    nodes_sql(&p->w, i, sql);
}

static void restart(struct power *p, size_t i)
{
    nodes_kill(&p->w, i);
    nodes_start(&p->w, i);
}

static void migrate(struct power *p, size_t i)
{
    p->step = "migrate";
    nodes_kill(&p->w, i);
    watch_all(p, false);
    peek_make_old(p->w.nodes[i].disk);
    watch_all(p, true);
    nodes_start(&p->w, i);
    nodes_run(&p->w, 1);
}

static void one_step(struct power *p)
{
    size_t i = (size_t)roll(p, 2);
    uint64_t what = roll(p, 16);

    p->step = "write";
    if (what < 7)
        write_row(p, i, false);
    else if (what < 10)
        write_row(p, i, true);
    else if (what < 12)
        write_pair(p, i);
    else if (what < 14)
        nodes_cut(&p->w, i, !p->w.nodes[i].cut);
    else
        restart(p, (size_t)roll(p, NODES));
    p->step = "receive";
    nodes_run(&p->w, 1 + (int)roll(p, 3));
}

static void one_world(struct power *p, uint64_t seed)
{
    char sql[400];

    nodes_init_own_disks(&p->w, seed);
    make_nodes(p);
    make_space(p);
    snprintf(sql, sizeof sql,
             "INSERT INTO priority (space, title, why) VALUES"
             " ('%s', 'pair a', '0'), ('%s', 'pair b', '0')",
             p->space, p->space);
    nodes_sql(&p->w, 0, sql);
    for (int step = 0; step < STEPS; step++) {
        one_step(p);
        if (step % (STEPS / 3) == STEPS / 6)
            migrate(p, (size_t)roll(p, 2));
    }
    watch_all(p, false);
    nodes_clear(&p->w);
    for (size_t i = 0; i < NODES; i++)
        free(p->seen[i].items);
}

/* Everything that is of one world. */
static void forget(struct power *p)
{
    memset(p->made, 0, sizeof p->made);
    memset(p->joined, 0, sizeof p->joined);
    memset(p->has_author, 0, sizeof p->has_author);
    memset(p->rows, 0, sizeof p->rows);
    memset(p->seen, 0, sizeof p->seen);
    memset(p->looked_at, 0, sizeof p->looked_at);
    memset(p->seen_up_to, 0, sizeof p->seen_up_to);
    memset(&p->write, 0, sizeof p->write);
}

static void on_panic(const char *expr, const char *file, int line)
{
    printf("TROUBLE: CHECK(%s) at %s:%d, in %s after %llu points\n", expr, file,
           line, power.step, (unsigned long long)power.points);
    exit(1);
}

int main(int argc, char **argv)
{
    static const char *const names[NODES] = {"left-a", "left-b", "left-r"};
    struct power *p = &power;
    uint64_t seed, points, worlds = 0;

    if (argc < 3) {
        fprintf(stderr, "usage: tool_power SEED POINTS [EVERY]\n");
        return 2;
    }
    covey_panic_set(on_panic);
    seed = strtoull(argv[1], NULL, 10);
    points = strtoull(argv[2], NULL, 10);
    p->every = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 1;
    p->dice = seed;
    nodes_init_own_disks(&p->after, 0);
    p->after.count = NODES;
    for (size_t i = 0; i < NODES; i++)
        p->left[i] = disk_new(names[i], seed + i);
    while (p->points < points) {
        forget(p);
        one_world(p, seed * 1000003 + worlds++ * 1000);
    }
    printf("power: seed %llu: %llu points in %llu worlds; %llu records opened,"
           " %llu written to, %llu met their peers; %llu in trouble\n",
           (unsigned long long)seed, (unsigned long long)p->points,
           (unsigned long long)worlds, (unsigned long long)p->opened,
           (unsigned long long)p->wrote, (unsigned long long)p->met,
           (unsigned long long)p->trouble);
    return p->trouble == 0 && p->met > 0 && p->wrote > 0 ? 0 : 1;
}
