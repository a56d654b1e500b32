/* tool_nth.c - the nth thing fails, n = 1, 2, ... until the act succeeds.
 *
 * usage: tool_nth KIND [EVERY [SEED [ACT [N]]]]
 *
 * KIND is one of `kinds` below.  Of the ns one of EVERY is tried,
 * chosen by the seed; ACT and N narrow it to one.  Each try runs in a process
 * of its own, forked where the act is about to begin.  After it nothing may
 * have been told that is not there, the record is whole, the node or its next
 * run goes on, what failed can be had again, and all members come to agree. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/store.h"
#include "tests/fault/acts.h"
#include "tests/fault/memory.h"
#include "tests/fault/peek.h"

#define SHOWN_MAX 12
#define NEVER (UINT64_MAX / 2)
#define PROBE_MAX 8192

/* What it may end for when there is no memory: without these nothing can even
 * be said (daemon/node.c). */
static const char *const ends[] = {"q != NULL", "r != NULL"};

enum kind { KIND_EIO, KIND_FULL, KIND_MEMORY, KIND_FAMINE, KIND_COUNT };

static const char *const kinds[KIND_COUNT] = {
    [KIND_EIO] = "eio",
    [KIND_FULL] = "full",
    [KIND_MEMORY] = "memory",
    [KIND_FAMINE] = "famine",
};

/* What a try leaves to the process that started it. */
struct outcome {
    uint64_t spared;
    bool struck, fatal, panicked;
    enum told told;
    char probe[PROBE_MAX];
    char trouble[512]; /* "": none */
};

struct sweep {
    enum kind kind;
    const struct act *act;
    char before[PROBE_MAX], after[PROBE_MAX];
    uint64_t tries, fatal, refused, panics, trouble;
};

static struct stage stage;
static struct sweep sweep;
static struct outcome *outcome; /* shared with the tries */

static struct nodes_node *victim(void)
{
    return &stage.w.nodes[sweep.act->who];
}

/* ---- a try ---- */

static void arm(uint64_t nth)
{
    switch (sweep.kind) {
    case KIND_EIO:
        disk_fail(victim()->disk, DISK_EIO, nth);
        return;
    case KIND_FULL:
        disk_fail(victim()->disk, DISK_FULL, nth);
        return;
    case KIND_MEMORY:
    case KIND_FAMINE:
        memory_fail(nth, sweep.kind == KIND_FAMINE);
        return;
    case KIND_COUNT:
        break;
    }
    CHECK(!"a kind");
}

static bool of_disk(void)
{
    return sweep.kind == KIND_EIO || sweep.kind == KIND_FULL;
}

static void note_strike(void)
{
    const struct disk *d = victim()->disk;

    outcome->spared = of_disk() ? disk_spared(d) : memory_spared();
    outcome->struck = (of_disk() ? disk_struck(d) : memory_struck()) > 0;
}

static void mend(void)
{
    disk_mend(victim()->disk);
    memory_mend();
}

static void trouble(const char *what, const char *words)
{
    if (outcome->trouble[0] == '\0')
        snprintf(outcome->trouble, sizeof outcome->trouble, "%s%s%.400s", what,
                 words[0] == '\0' ? "" : ": ", words);
}

static void note_probe(void)
{
    snprintf(outcome->probe, sizeof outcome->probe, "%s",
             stage_probe(&stage, sweep.act));
}

static bool probe_is(const char *expected)
{
    note_probe();
    return strcmp(outcome->probe, expected) == 0;
}

/* Nobody was told what is not there, or that it is not and it is. */
static void check_told(void)
{
    if (stage.told == TOLD_DONE && !probe_is(sweep.after))
        trouble("told that it is done, and it is not", outcome->probe);
    if (stage.told == TOLD_FAILED && !outcome->fatal && !probe_is(sweep.before))
        trouble("told that it failed, and something stayed", stage.said);
    if (sweep.act->asked && stage.told == TOLD_NOTHING && !outcome->fatal)
        trouble("asked, and never answered", "");
    if (stage.told == TOLD_FAILED && stage.said[0] == '\0')
        trouble("failed without a word", "");
}

/* A fault of the disk ends the node; a full disk or memory does not, nor keeps
 * it from reading. */
static void check_life(void)
{
    static const char *const deadly[] = {"read", "write", "cut", "sync"};
    const char *what = disk_struck_what(victim()->disk);
    bool gone = victim()->node == NULL;

    if (!gone) /* what opening it has brought */
        nodes_run(&stage.w, 1);
    outcome->fatal = victim()->fatal_rc != COVEY_OK;
    for (size_t i = 0; sweep.kind == KIND_EIO && i < 4; i++) {
        if (strcmp(what, deadly[i]) == 0 && !outcome->fatal && !gone)
            trouble("the node goes on after a failed", what);
    }
    if (sweep.kind == KIND_FULL && outcome->fatal)
        trouble("the node ended for want of room", victim()->fatal);
    if (sweep.kind == KIND_FULL && !outcome->fatal && !gone) {
        (void)nodes_ask(&stage.w, sweep.act->who, "status", NULL, NULL);
        if (victim()->status != 200)
            trouble("a full disk keeps it from reading", victim()->fatal);
    }
}

/* The process ends here, and a new one starts on what is there. */
static bool start_again(void)
{
    struct covey_why why = {{0}};
    struct sqlite3 *db;
    const char *damage;

    if (victim()->node != NULL)
        nodes_kill(&stage.w, sweep.act->who);
    if (disk_file_bytes(victim()->disk, STORE_FILE) == 0)
        return false;
    db = peek_open(victim()->disk);
    damage = peek_damage(db);
    peek_close(db);
    if (damage != NULL)
        trouble("damaged", damage);
    else if (nodes_open(&stage.w, sweep.act->who, &why) != COVEY_OK)
        trouble("it does not start again", why.text);
    return true;
}

/* A try at what failed, unless it was done before the node ended. */
static void try_again(void)
{
    bool differs = strcmp(sweep.before, sweep.after) != 0;

    nodes_run(&stage.w, 60); /* a chair must have heard a member */
    if (stage.told != TOLD_FAILED || (differs && probe_is(sweep.after)))
        return;
    sweep.act->run(&stage);
    if (stage.told != TOLD_DONE)
        trouble("it cannot be done again", stage.said);
}

static void check_end(void)
{
    const char *say;

    if (!stage_agrees(&stage))
        trouble("the members do not come to agree", "");
    for (size_t i = 0; i < STAGE_NODES; i++) {
        if (stage.w.nodes[i].fatal_rc != COVEY_OK)
            trouble("a node ended later", stage.w.nodes[i].fatal);
    }
    if (victim()->node == NULL)
        return;
    nodes_kill(&stage.w, sweep.act->who);
    say = peek_trouble(victim()->disk);
    if (say != NULL)
        trouble("the record", say);
}

static void finish(void)
{
    bool was_down = victim()->node == NULL && !outcome->panicked;
    bool started = false;

    check_told();
    if (was_down || outcome->fatal) {
        started = start_again();
        if (stage.told == TOLD_DONE && !probe_is(sweep.after))
            trouble("a new run lost what was told", outcome->probe);
    }
    if (outcome->trouble[0] == '\0' && !(was_down && started))
        try_again();
    if (outcome->trouble[0] == '\0')
        check_end();
    _exit(0);
}

static void try_nth(uint64_t nth)
{
    arm(nth);
    stage.told = TOLD_NOTHING;
    sweep.act->run(&stage);
    note_strike();
    outcome->told = stage.told;
    if (nth == NEVER) {
        note_probe();
        mend();
        if (victim()->node == NULL)
            (void)start_again();
        check_end();
        _exit(0);
    }
    check_life();
    mend();
    finish();
}

/* Out of memory it may end where there is nothing else to be done: what was
 * begun is then as after a kill. */
static void on_panic(const char *expr, const char *file, int line)
{
    bool allowed = strcmp(expr, ends[0]) == 0 || strcmp(expr, ends[1]) == 0;
    char where[200];

    memory_leave();
    memory_mend();
    snprintf(where, sizeof where, "%s at %s:%d", expr, file, line);
    note_strike();
    mend();
    if (of_disk() || outcome->panicked || !allowed) {
        trouble("CHECK failed", where);
        _exit(0);
    }
    outcome->panicked = outcome->fatal = true;
    disk_leave(victim()->disk, DISK_KEEP, stage.spare);
    victim()->disk = stage.spare;
    snprintf(victim()->dir, sizeof victim()->dir, "%s", disk_dir(stage.spare));
    victim()->node = NULL; /* its memory is lost with the process */
    finish();
}

/* ---- all tries of an act ---- */

static void start_try(uint64_t nth)
{
    int status = 0;
    pid_t pid;

    memset(outcome, 0, sizeof *outcome);
    fflush(stdout);
    pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        try_nth(nth);
    CHECK(waitpid(pid, &status, 0) == pid);
    if (!WIFEXITED(status))
        snprintf(outcome->trouble, sizeof outcome->trouble, "signal %d",
                 WTERMSIG(status));
}

static void count_try(uint64_t nth)
{
    sweep.tries++;
    sweep.fatal += outcome->fatal;
    sweep.panics += outcome->panicked;
    sweep.refused += outcome->told == TOLD_FAILED;
    if (outcome->trouble[0] == '\0')
        return;
    if (sweep.trouble++ < SHOWN_MAX)
        printf("TROUBLE: tool_nth %s 1 1 %s %llu: %s\n", kinds[sweep.kind],
               sweep.act->name, (unsigned long long)nth, outcome->trouble);
}

/* How often it can fail, and what it leaves when nothing does. */
static uint64_t dry_run(void)
{
    snprintf(sweep.before, sizeof sweep.before, "%s",
             stage_probe(&stage, sweep.act));
    start_try(NEVER);
    snprintf(sweep.after, sizeof sweep.after, "%s", outcome->probe);
    if (outcome->trouble[0] == '\0' && sweep.act->asked &&
        outcome->told != TOLD_DONE)
        snprintf(outcome->trouble, sizeof outcome->trouble,
                 "it fails where nothing does");
    count_try(0);
    return outcome->spared;
}

static void enter(struct world *w, size_t i)
{
    (void)w;
    if (sweep.act != NULL && i == sweep.act->who)
        memory_enter();
}

static void leave(struct world *w, size_t i)
{
    (void)w;
    (void)i;
    memory_leave();
}

static void sweep_act(const struct act *act, uint64_t seed, unsigned every,
                      uint64_t only)
{
    uint64_t tried = 0, count;

    sweep.act = act;
    stage_set(&stage, 1);
    stage.w.enter = enter;
    stage.w.leave = leave;
    if (act->prepare != NULL)
        act->prepare(&stage);
    count = dry_run();
    for (uint64_t n = 1; n <= count; n++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        if (only == 0 ? (seed >> 33) % every != 0 : n != only)
            continue;
        start_try(n);
        count_try(n);
        tried++;
    }
    printf("  %-12s %5llu of %5llu\n", act->name, (unsigned long long)tried,
           (unsigned long long)count);
    stage_clear(&stage);
}

static int total(unsigned every, uint64_t seed)
{
    printf("nth: %s, one of %u, seed %llu: %llu tries; %llu told that it"
           " failed, the node ended in %llu (%llu for want of memory);"
           " %llu in trouble\n",
           kinds[sweep.kind], every, (unsigned long long)seed,
           (unsigned long long)sweep.tries, (unsigned long long)sweep.refused,
           (unsigned long long)sweep.fatal, (unsigned long long)sweep.panics,
           (unsigned long long)sweep.trouble);
    return sweep.trouble == 0 && sweep.tries > act_count ? 0 : 1;
}

static bool kind_from(const char *text)
{
    for (int i = 0; i < KIND_COUNT; i++) {
        sweep.kind = (enum kind)i;
        if (strcmp(kinds[i], text) == 0)
            return true;
    }
    return false;
}

static uint64_t number(int argc, char **argv, int i, uint64_t otherwise)
{
    return i < argc ? strtoull(argv[i], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
    unsigned every = (unsigned)number(argc, argv, 2, 1);
    uint64_t seed = number(argc, argv, 3, 1);
    const char *name = argc > 4 ? argv[4] : NULL;

    if (argc < 2 || !kind_from(argv[1])) {
        fprintf(stderr, "usage: tool_nth eio|full|memory|famine"
                        " [EVERY [SEED [ACT [N]]]]\n");
        return 2;
    }
    memory_install();
    covey_panic_set(on_panic);
    outcome = mmap(NULL, sizeof *outcome, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(outcome != MAP_FAILED);
    for (size_t i = 0; i < act_count; i++) {
        if (name == NULL || strcmp(name, acts[i].name) == 0)
            sweep_act(&acts[i], seed + i, every, number(argc, argv, 5, 0));
    }
    return name == NULL ? total(every, seed) : sweep.trouble > 0;
}
