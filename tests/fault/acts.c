/* acts.c - see acts.h. */
#include "tests/fault/acts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/store.h"
#include "tests/fault/peek.h"

/* ---- the stage ---- */

static const char *word(json_t *reply, const char *key)
{
    const char *text = json_string_value(json_object_get(reply, key));

    CHECK(text != NULL);
    return text;
}

static void carry_space(struct stage *s)
{
    char body[400];

    snprintf(
        body, sizeof body, "{\"address\":\"%s\"}",
        word(nodes_do(&s->w, STAGE_RELAY, "address", NULL, NULL), "address"));
    nodes_do(&s->w, STAGE_CHAIR, "space-carrier", s->space, body);
}

static void new_ticket(struct stage *s)
{
    snprintf(
        s->ticket, sizeof s->ticket, "%s",
        word(nodes_do(&s->w, STAGE_CHAIR, "invite", s->space, NULL), "ticket"));
}

static void join(struct stage *s, size_t who)
{
    char body[2700];

    snprintf(body, sizeof body, "{\"ticket\":\"%s\",\"wait_s\":50}", s->ticket);
    nodes_do(&s->w, who, "join", NULL, body);
}

static void write_rows(struct stage *s, size_t who, const char *title,
                       int count)
{
    char sql[300];

    for (int i = 0; i < count; i++) {
        snprintf(sql, sizeof sql,
                 "INSERT INTO priority (space, title, why) VALUES ('%s', '%s',"
                 " '%d')",
                 s->space, title, i);
        nodes_sql(&s->w, who, sql);
    }
}

void stage_set(struct stage *s, uint64_t seed)
{
    static const char *const names[] = {"alder", "birch", "relay", "cedar",
                                        "damson"};

    memset(s, 0, sizeof *s);
    nodes_init_own_disks(&s->w, seed);
    s->spare = disk_new("spare", seed);
    for (size_t i = 0; i < STAGE_BLANK; i++) {
        CHECK(nodes_add(&s->w, names[i], i % 2 == 0) == i);
        s->w.nodes[i].carry_all = i == STAGE_RELAY;
        nodes_start(&s->w, i);
    }
    CHECK(nodes_plan(&s->w, names[STAGE_BLANK], false) == STAGE_BLANK);
    snprintf(s->space, sizeof s->space, "%s",
             word(nodes_do(&s->w, STAGE_CHAIR, "space-create", NULL,
                           "{\"name\":\"Cluster\",\"admit\":\"at-once\"}"),
                  "id"));
    carry_space(s);
    new_ticket(s);
    join(s, STAGE_SCHOOL);
    write_rows(s, STAGE_CHAIR, "chair", 3);
    write_rows(s, STAGE_SCHOOL, "school", 3);
    CHECK(stage_agrees(s));
}

void stage_clear(struct stage *s)
{
    nodes_clear(&s->w);
    disk_free(s->spare);
}

bool stage_agrees(struct stage *s)
{
    static const size_t who[] = {STAGE_CHAIR, STAGE_SCHOOL, STAGE_RELAY};

    for (int i = 0; i < 30; i++) {
        if (nodes_equal(&s->w, s->space, who, 3))
            return true;
        nodes_run(&s->w, 20);
    }
    return false;
}

const char *stage_probe(const struct stage *s, const struct act *act)
{
    const struct disk *d = s->w.nodes[act->who].disk;

    if (disk_file_bytes(d, STORE_FILE) == 0)
        return "";

    struct sqlite3 *db = peek_open(d);
    const char *text = peek_text(db, act->probe);

    peek_close(db);
    return text;
}

/* ---- what was told ---- */

static void tell(struct stage *s, bool done, const char *words)
{
    s->told = done ? TOLD_DONE : TOLD_FAILED;
    snprintf(s->said, sizeof s->said, "%s", words);
}

static void tell_reply(struct stage *s, size_t who, json_t *reply)
{
    char *text = reply == NULL ? NULL : json_dumps(reply, JSON_COMPACT);

    if (text != NULL)
        tell(s, s->w.nodes[who].status == 200, text);
    free(text);
}

static void ask(struct stage *s, size_t who, const char *action,
                const char *space, const char *body)
{
    tell_reply(s, who, nodes_ask(&s->w, who, action, space, body));
}

static void ask_sql(struct stage *s, size_t who, const char *statement)
{
    json_t *body = json_pack("{s:s}", "statement", statement);
    char *text = json_dumps(body, 0);

    ask(s, who, "sql", NULL, text);
    free(text);
    json_decref(body);
}

static void tell_rc(struct stage *s, enum covey_rc rc,
                    const struct covey_why *why)
{
    tell(s, rc == COVEY_OK,
         why->text[0] == '\0' ? covey_rc_text(rc) : why->text);
}

/* ---- acts ---- */

static void run_init(struct stage *s)
{
    struct covey_why why = {{0}};
    enum covey_rc rc = nodes_make(&s->w, STAGE_BLANK, &why);

    tell_rc(s, rc, &why);
}

static void stop_school(struct stage *s)
{
    nodes_kill(&s->w, STAGE_SCHOOL);
}

static void run_open(struct stage *s)
{
    struct covey_why why = {{0}};
    enum covey_rc rc = nodes_open(&s->w, STAGE_SCHOOL, &why);

    tell_rc(s, rc, &why);
}

/* The record as a kill leaves it: with a WAL, and unsigned change sets. */
static void kill_school(struct stage *s)
{
    nodes_cut(&s->w, STAGE_SCHOOL, true);
    write_rows(s, STAGE_SCHOOL, "killed", 2);
    disk_leave(s->w.nodes[STAGE_SCHOOL].disk, DISK_KEEP, s->spare);
    nodes_kill(&s->w, STAGE_SCHOOL);
    disk_leave(s->spare, DISK_KEEP, s->w.nodes[STAGE_SCHOOL].disk);
    nodes_cut(&s->w, STAGE_SCHOOL, false);
}

static void age_school(struct stage *s)
{
    nodes_kill(&s->w, STAGE_SCHOOL);
    peek_make_old(s->w.nodes[STAGE_SCHOOL].disk);
}

static void run_space(struct stage *s)
{
    ask(s, STAGE_CHAIR, "space-create", NULL, "{\"name\":\"Second\"}");
}

static void run_invite(struct stage *s)
{
    ask(s, STAGE_CHAIR, "invite", s->space, "{\"role\":\"school\"}");
}

static void run_join(struct stage *s)
{
    char body[2700];

    snprintf(body, sizeof body, "{\"ticket\":\"%s\",\"wait_s\":50}", s->ticket);
    ask(s, STAGE_NEWCOMER, "join", NULL, body);
    if (s->told == TOLD_FAILED && strstr(s->said, "goes on by itself") != NULL)
        s->told = TOLD_LATER;
}

/* The same, but what fails is the chair, whom nobody asked. */
static void run_admit(struct stage *s)
{
    run_join(s);
    s->told = TOLD_NOTHING;
}

static void run_insert(struct stage *s)
{
    char sql[200];

    snprintf(sql, sizeof sql,
             "INSERT INTO priority (space, title, why) VALUES ('%s', 'new',"
             " 'words')",
             s->space);
    ask_sql(s, STAGE_CHAIR, sql);
}

static void run_update(struct stage *s)
{
    ask_sql(s, STAGE_CHAIR,
            "UPDATE priority SET outcome = 'changed' WHERE title = 'chair'"
            " AND why = '1'");
}

static void run_delete(struct stage *s)
{
    ask_sql(s, STAGE_CHAIR,
            "DELETE FROM priority WHERE title = 'chair' AND why = '2'");
}

static void run_many(struct stage *s)
{
    ask_sql(s, STAGE_CHAIR,
            "INSERT INTO priority (space, title, why) SELECT space, 'many',"
            " title || why FROM priority");
}

static void run_route(struct stage *s)
{
    char body[200];

    snprintf(body, sizeof body,
             "{\"space\":\"%s\",\"title\":\"routed\",\"why\":\"words\"}",
             s->space);
    tell_reply(
        s, STAGE_CHAIR,
        nodes_ask_route(&s->w, STAGE_CHAIR, "POST", "/api/priorities", body));
}

static void run_select(struct stage *s)
{
    ask_sql(s, STAGE_CHAIR, "SELECT * FROM priority ORDER BY id");
}

static void run_refused(struct stage *s)
{
    ask_sql(s, STAGE_CHAIR, "UPDATE priority SET title = NULL");
    if (s->told == TOLD_FAILED && strstr(s->said, "empty") != NULL)
        s->told = TOLD_DONE; /* that is the right answer */
}

static void run_status(struct stage *s)
{
    ask(s, STAGE_CHAIR, "status", NULL, NULL);
}

static void run_log(struct stage *s)
{
    ask(s, STAGE_CHAIR, "log", s->space, NULL);
}

static void write_outside(struct stage *s)
{
    struct sqlite3 *db = peek_open(s->w.nodes[STAGE_CHAIR].disk);

    CHECK(peek_run(db, "UPDATE priority SET outcome = 'outside' WHERE title ="
                       " 'chair'"));
    peek_close(db);
}

static void run_while(struct stage *s)
{
    nodes_run(&s->w, 20);
}

/* The school has written much that the chair has not. */
static void part(struct stage *s)
{
    nodes_cut(&s->w, STAGE_SCHOOL, true);
    write_rows(s, STAGE_SCHOOL, "apart", 12);
}

static void part_in_conflict(struct stage *s)
{
    nodes_cut(&s->w, STAGE_SCHOOL, true);
    nodes_sql(&s->w, STAGE_SCHOOL, "UPDATE priority SET outcome = 'one'");
    nodes_sql(&s->w, STAGE_CHAIR, "UPDATE priority SET outcome = 'other'");
}

static void run_meet(struct stage *s)
{
    nodes_cut(&s->w, STAGE_SCHOOL, false);
    run_while(s);
}

#define WAL_NEARLY (485u * 4120u)

static void fill_wal(struct stage *s)
{
    while (disk_file_bytes(s->w.nodes[STAGE_CHAIR].disk, STORE_FILE "-wal") <
           WAL_NEARLY)
        write_rows(s, STAGE_CHAIR, "filler", 1);
}

static void run_checkpoint(struct stage *s)
{
    char sql[300];

    snprintf(sql, sizeof sql,
             "INSERT INTO priority (space, title, why, outcome) VALUES ('%s',"
             " 'large', 'words', hex(zeroblob(60000)))",
             s->space);
    ask_sql(s, STAGE_CHAIR, sql);
}

#define DAY_AND_HOUR (25 * 3600)

static void run_heartbeat(struct stage *s)
{
    s->w.clock.now += DAY_AND_HOUR * COVEY_SECOND;
    s->w.clock.wall_ms += DAY_AND_HOUR * 1000u;
    run_while(s);
}

/* A second space, which the relay is asked to carry. */
static void second_space(struct stage *s)
{
    snprintf(s->said, sizeof s->said, "%s",
             word(nodes_do(&s->w, STAGE_CHAIR, "space-create", NULL,
                           "{\"name\":\"Second\"}"),
                  "id"));
}

static void run_carry(struct stage *s)
{
    char space[40], body[400];
    json_t *reply = nodes_ask(&s->w, STAGE_RELAY, "address", NULL, NULL);

    snprintf(space, sizeof space, "%.39s", s->said);
    s->told = TOLD_NOTHING;
    if (reply == NULL || s->w.nodes[STAGE_RELAY].status != 200)
        return;
    snprintf(body, sizeof body, "{\"address\":\"%s\"}", word(reply, "address"));
    (void)nodes_ask(&s->w, STAGE_CHAIR, "space-carrier", space, body);
}

static char share_body[200];

static void prepare_share(struct stage *s)
{
    struct sqlite3 *db;

    second_space(s);
    db = peek_open(s->w.nodes[STAGE_CHAIR].disk);
    snprintf(share_body, sizeof share_body,
             "{\"space\":\"%.40s\",\"id\":\"%s\"}", s->said,
             peek_text(db, "SELECT id FROM priority LIMIT 1"));
    peek_close(db);
}

static void run_share(struct stage *s)
{
    ask(s, STAGE_CHAIR, "share", NULL, share_body);
}

static void run_close(struct stage *s)
{
    nodes_kill(&s->w, STAGE_SCHOOL);
}

#define ROWS                                                                   \
    "SELECT title, why, outcome FROM priority ORDER BY title, why, outcome"
#define SETS "SELECT count(*), count(DISTINCT state) FROM change_set"

const struct act acts[] = {
    {"init", STAGE_BLANK, NULL, run_init, "SELECT name FROM self", true},
    {"open", STAGE_SCHOOL, stop_school, run_open, ROWS, true},
    {"open-killed", STAGE_SCHOOL, kill_school, run_open, ROWS, true},
    {"migrate", STAGE_SCHOOL, age_school, run_open, ROWS, true},
    {"space", STAGE_CHAIR, NULL, run_space, "SELECT name FROM space", true},
    {"invite", STAGE_CHAIR, NULL, run_invite, "SELECT count(*) FROM invite",
     true},
    {"join", STAGE_NEWCOMER, new_ticket, run_join,
     "SELECT (SELECT count(*) FROM space), (SELECT count(*) FROM priority)",
     true},
    {"admit", STAGE_CHAIR, new_ticket, run_admit,
     "SELECT name, present FROM member", false},
    {"insert", STAGE_CHAIR, NULL, run_insert, ROWS, true},
    {"update", STAGE_CHAIR, NULL, run_update, ROWS, true},
    {"delete", STAGE_CHAIR, NULL, run_delete, ROWS, true},
    {"transaction", STAGE_CHAIR, NULL, run_many, ROWS, true},
    {"route", STAGE_CHAIR, NULL, run_route, ROWS, true},
    {"select", STAGE_CHAIR, NULL, run_select, ROWS, true},
    {"refuse", STAGE_CHAIR, NULL, run_refused, ROWS, true},
    {"share", STAGE_CHAIR, prepare_share, run_share, ROWS, true},
    {"status", STAGE_CHAIR, NULL, run_status, ROWS, true},
    {"log", STAGE_CHAIR, NULL, run_log, ROWS, true},
    {"seal", STAGE_CHAIR, write_outside, run_while, SETS, false},
    {"receive", STAGE_CHAIR, part, run_meet, ROWS, false},
    {"send", STAGE_SCHOOL, part, run_meet, ROWS, false},
    {"carry-rows", STAGE_RELAY, part, run_meet, SETS, false},
    {"conflict", STAGE_CHAIR, part_in_conflict, run_meet,
     "SELECT count(*) FROM sibling", false},
    {"checkpoint", STAGE_CHAIR, fill_wal, run_checkpoint, ROWS, true},
    {"heartbeat", STAGE_CHAIR, NULL, run_heartbeat, SETS, false},
    {"carry", STAGE_RELAY, second_space, run_carry, "SELECT id FROM space",
     false},
    {"close", STAGE_SCHOOL, NULL, run_close, ROWS, false},
};

const size_t act_count = sizeof acts / sizeof acts[0];
