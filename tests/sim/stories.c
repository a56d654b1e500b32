/* stories.c - see stories.h.  Each begins in a fresh world. */
#include "tests/sim/stories.h"

#include <stdio.h>

#include "tests/sim/story.h"

#define ADD(title)                                                             \
    "INSERT INTO priority(space, title, why) VALUES('$S', '" title "', 'w')"
#define ALL "SELECT id FROM priority"
#define COMMENT                                                                \
    "INSERT INTO comment(space, on_row, text) SELECT space, id, 'well said'"   \
    " FROM priority"
#define COMMENTS "SELECT id FROM comment"

/* ---- the network ---- */

static void partition_heals(struct run *r)
{
    story_cluster(r);
    story_write(r, ALDER, ADD("before"));
    story_cut_off(r, BIRCH, true);
    for (int i = 0; i < 20; i++) {
        story_write(r, ALDER, ADD("on this side"));
        story_write(r, BIRCH, ADD("on the other"));
        story_wait(r, WORLD_MINUTE);
    }
    story_expect(r, story_rows(r, CEDAR, ALL) == 21, "cedar lacks birch's 20");
    story_cut_off(r, BIRCH, false);
    story_ends_well(r);
    story_expect(r, story_rows(r, CEDAR, ALL) == 41, "cedar has all rows");
}

/* Neither school can be dialled, and they are never on line together. */
static void relay_only(struct run *r)
{
    story_pair(r);
    host_stop(&r->w, CEDAR);
    host_stop(&r->w, BIRCH);
    for (int day = 0; day < 3; day++) {
        story_write(r, ALDER, ADD("of alder"));
        story_wait(r, WORLD_MINUTE);
        host_stop(&r->w, ALDER);
        story_wait(r, WORLD_HOUR);
        host_boot(&r->w, BIRCH);
        story_write(r, BIRCH, ADD("of birch"));
        story_wait(r, WORLD_MINUTE);
        host_stop(&r->w, BIRCH);
        story_wait(r, WORLD_HOUR);
        host_boot(&r->w, ALDER);
        story_wait(r, WORLD_MINUTE);
        story_expect(r, story_rows(r, ALDER, ALL) == 2 * (size_t)(day + 1),
                     "alder has what birch wrote while it was off");
    }
    story_expect(r, story_rows(r, ALDER, "SELECT 1 FROM members") >= 2,
                 "both schools are members");
    story_ends_well(r);
}

/* Only the way back is cut: what is sent gets there, no answer does. */
static void one_way_cut(struct run *r)
{
    story_cluster(r);
    r->w.net.blocked[RELAY][BIRCH] = true;
    story_write(r, BIRCH, ADD("said into the dark"));
    story_write(r, ALDER, ADD("not heard there"));
    story_wait(r, 5 * WORLD_MINUTE);
    story_expect(r, story_rows(r, BIRCH, ALL) == 1, "birch hears nothing");
    r->w.net.blocked[RELAY][BIRCH] = false;
    network_resume(&r->w);
    story_ends_well(r);
}

/* Connections that a host thinks are up. */
static size_t connections(const struct run *r, size_t who)
{
    size_t count = 0;

    for (size_t k = 0; k < r->w.net.wire_count; k++) {
        const struct wire *wire = r->w.net.wires[k];

        for (size_t e = 0; e < 2; e++)
            count += wire->answered && wire->ends[e].host == who &&
                     wire->ends[e].open;
    }
    return count;
}

/* "Detected in 45 s" (TRUST.md, N4). */
static void half_open_is_found_out(struct run *r)
{
    story_cluster(r);
    story_wait(r, WORLD_MINUTE);
    host_down(&r->w, RELAY, MACHINE_POWER);
    story_expect(r, connections(r, BIRCH) == 1,
                 "birch thinks that the relay is there");
    story_wait(r, 46 * COVEY_SECOND);
    story_expect(r, connections(r, BIRCH) == 0,
                 "birch has let go of a dead connection");
    host_boot(&r->w, RELAY);
    story_ends_well(r);
}

static void spoilt_byte_ends_the_connection(struct run *r)
{
    story_cluster(r);
    for (int i = 0; i < 8; i++) {
        struct wire *wire = network_some(&r->w, &r->fault_dice);

        if (wire != NULL)
            network_spoil(&r->w, wire, (size_t)i % 2);
        story_write(r, ALDER, ADD("through spoilt lines"));
        story_write(r, BIRCH, ADD("through spoilt lines"));
        story_wait(r, 2 * WORLD_MINUTE);
        oracle_look(r);
    }
    story_ends_well(r);
}

/* 64 kbit/s, and a backlog. */
static void slow_line(struct run *r)
{
    story_cluster(r);
    story_cut_off(r, BIRCH, true);
    for (int i = 0; i < 120; i++)
        story_write(r, ALDER,
                    "INSERT INTO action(space, title, note) VALUES('$S', 'one"
                    " of many', printf('%.3000c', 'x'))");
    r->w.hosts[BIRCH].line_bytes_s = 8000;
    story_cut_off(r, BIRCH, false);
    story_wait(r, 6 * WORLD_MINUTE);
    story_expect(r, story_rows(r, BIRCH, "SELECT id FROM action") == 120,
                 "the backlog has come through the slow line");
    story_ends_well(r);
}

/* ---- time ---- */

static void school_back_after_six_weeks(struct run *r)
{
    story_cluster(r);
    story_write(r, BIRCH, ADD("last words before the holidays"));
    story_wait(r, WORLD_MINUTE);
    host_down(&r->w, BIRCH, MACHINE_POWER);
    for (int week = 0; week < 6; week++) {
        story_write(r, ALDER, ADD("one week"));
        story_wait(r, WORLD_MINUTE);
        for (size_t i = 0; i < STORY_HOSTS; i++)
            host_sleep(&r->w, i, 7 * WORLD_DAY);
        story_wait(r, 7 * WORLD_DAY + WORLD_MINUTE);
    }
    story_expect(r, story_status(r, ALDER, "stale") >= 1,
                 "alder is told that birch has no news");
    host_boot(&r->w, BIRCH);
    story_write(r, BIRCH, ADD("back again"));
    story_ends_well(r);
    story_expect(r, story_rows(r, BIRCH, ALL) == 8, "birch has all rows");
    story_expect(r, story_status(r, ALDER, "stale") == 0,
                 "nobody is stale any more");
}

/* "A wrong or lying wall clock can never win a cell or lock one." */
static void clock_ten_years_ahead(struct run *r)
{
    story_cluster(r);
    story_write(r, ALDER, ADD("draft"));
    story_wait(r, WORLD_MINUTE);
    host_set_clock(&r->w, BIRCH, 3650 * (WORLD_DAY / COVEY_MILLISECOND));
    story_write(r, BIRCH, "UPDATE priority SET title = 'from the future'");
    story_wait(r, WORLD_MINUTE);
    story_write(r, ALDER, "UPDATE priority SET title = 'later all the same'");
    story_wait(r, WORLD_MINUTE);
    for (size_t i = ALDER; i <= CEDAR; i++)
        story_expect(r,
                     story_rows(r, i,
                                "SELECT 1 FROM priority WHERE title = 'later"
                                " all the same'") == 1,
                     "the later edit shows");
    host_set_clock(&r->w, BIRCH, -3650 * (WORLD_DAY / COVEY_MILLISECOND));
    story_write(r, BIRCH, ADD("from the past"));
    story_ends_well(r);
    story_expect(r, story_status(r, CEDAR, "conflicts") == 0,
                 "no clock made a conflict");
}

/* Its keys may be known to a copy that woke elsewhere: new logs, new sessions.
 */
static void laptop_closed_over_night(struct run *r)
{
    story_cluster(r);
    story_write(r, BIRCH, ADD("in the evening"));
    story_wait(r, WORLD_MINUTE);
    host_sleep(&r->w, BIRCH, 14 * WORLD_HOUR);
    story_write(r, ALDER, ADD("at night"));
    for (size_t i = 0; i < STORY_HOSTS; i++)
        if (i != BIRCH)
            host_sleep(&r->w, i, 13 * WORLD_HOUR);
    story_wait(r, 14 * WORLD_HOUR + WORLD_MINUTE);
    story_write(r, BIRCH, ADD("in the morning"));
    story_ends_well(r);
    story_expect(r, story_rows(r, CEDAR, ALL) == 3, "cedar has all three");
}

/* ---- writing ---- */

static void edit_both_sides_of_a_cell(struct run *r)
{
    story_cluster(r);
    story_write(r, ALDER, ADD("reading"));
    story_wait(r, WORLD_MINUTE);
    story_cut_off(r, BIRCH, true);
    story_write(r, ALDER, "UPDATE priority SET outcome = 'half'");
    story_write(r, BIRCH, "UPDATE priority SET outcome = 'more'");
    story_cut_off(r, BIRCH, false);
    story_ends_well(r);
    for (size_t i = ALDER; i <= CEDAR; i++) {
        story_expect(r, story_status(r, i, "conflicts") == 1,
                     "everybody is told of the conflict");
        story_expect(r,
                     story_rows(r, i,
                                "SELECT outcome FROM priority UNION SELECT"
                                " value FROM conflicts") == 2,
                     "both wordings are kept");
    }
    story_write(r, CEDAR, "UPDATE priority SET outcome = 'agreed'");
    story_wait(r, WORLD_MINUTE);
    story_expect(r, story_status(r, ALDER, "conflicts") == 0,
                 "who saw both has settled it");
}

static void delete_meets_edit(struct run *r)
{
    story_cluster(r);
    story_write(r, ALDER, ADD("to be or not to be"));
    story_wait(r, WORLD_MINUTE);
    story_cut_off(r, BIRCH, true);
    story_write(r, ALDER, "DELETE FROM priority");
    story_write(r, BIRCH, "UPDATE priority SET outcome = 'it matters'");
    story_cut_off(r, BIRCH, false);
    story_ends_well(r);
    for (size_t i = ALDER; i <= CEDAR; i++) {
        story_expect(r, story_rows(r, i, ALL) == 1, "the edit is kept");
        story_expect(r, story_rows(r, i, "SELECT id FROM conflicts") == 1,
                     "the delete is told beside it");
    }
}

/* Held by another program, the lock keeps nobody from being answered later. */
static void another_program_sits_on_the_lock(struct run *r)
{
    char path[MACHINE_DIR_MAX + 16];
    sqlite3 *db = NULL;

    story_cluster(r);
    snprintf(path, sizeof path, "%s/record.db", machine_dir(BIRCH));
    host_enter(&r->w, BIRCH);
    CHECK(sqlite3_open(path, &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK);
    story_write(r, ALDER, ADD("while the lock is held"));
    (void)world_ask_sql(&r->w, BIRCH, "DELETE FROM priority");
    story_wait(r, 3 * COVEY_SECOND);
    host_enter(&r->w, BIRCH);
    CHECK(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK);
    CHECK(sqlite3_close(db) == SQLITE_OK);
    story_ends_well(r);
}

/* ---- disks ---- */

static void killed_after_the_answer(struct run *r)
{
    story_cluster(r);
    for (int i = 0; i < 12; i++) {
        story_write(r, BIRCH, ADD("told that it is saved"));
        host_down(&r->w, BIRCH, i % 2 == 0 ? MACHINE_KILL : MACHINE_POWER);
        host_boot(&r->w, BIRCH);
        story_expect(r, story_rows(r, BIRCH, ALL) == (size_t)i + 1,
                     "what was told is there after the crash");
    }
    story_ends_well(r);
}

/* "An fsync error, EIO or corruption ends the process: never retry fsync."  At
 * each operation of a write, until it gets through without. */
static void disk_fault_ends_the_node(struct run *r)
{
    struct host *h = &r->w.hosts[BIRCH];
    size_t ended = 0;
    bool struck = true;

    story_cluster(r);
    for (uint64_t nth = 1; struck && nth < 200; nth++) {
        h->bad_disk = true;
        h->boot_wait = COVEY_SECOND;
        disk_fail(machine_disk(BIRCH), DISK_EIO, nth);
        (void)world_ask_sql(
            &r->w, BIRCH, "INSERT INTO priority(title, why) VALUES('p', 'w')");
        story_wait(r, 200 * COVEY_MILLISECOND);
        struck = disk_struck(machine_disk(BIRCH)) > 0;
        ended += h->node == NULL;
        if (h->node == NULL)
            story_wait(r, 2 * COVEY_SECOND);
        disk_mend(machine_disk(BIRCH));
        h->bad_disk = false;
        h->boot_wait = 0;
        story_expect(r, h->node != NULL, "it was started again");
    }
    story_expect(r, ended > 3 && !struck, "every fault ended it, up to none");
    story_ends_well(r);
}

/* What a failed sync did not save is in memory, looks whole to whoever starts
 * next, and is gone with the power. */
static void power_fails_after_a_disk_fault(struct run *r)
{
    struct host *h = &r->w.hosts[BIRCH];
    size_t told = 0;

    story_cluster(r);
    for (uint64_t nth = 1; nth < 60; nth++) {
        h->bad_disk = true;
        h->boot_wait = COVEY_SECOND;
        disk_fail(machine_disk(BIRCH), DISK_EIO, nth);
        (void)world_ask_sql(&r->w, BIRCH, "DELETE FROM action");
        (void)world_ask_sql(&r->w, BIRCH,
                            "INSERT INTO action(title) VALUES('perhaps')");
        story_wait(r, 3 * COVEY_SECOND);
        disk_mend(machine_disk(BIRCH));
        h->bad_disk = false;
        h->boot_wait = 0;
        story_write(r, BIRCH, ADD("told that it is saved"));
        told++;
        host_down(&r->w, BIRCH, MACHINE_POWER);
        host_boot(&r->w, BIRCH);
        story_expect(r, story_rows(r, BIRCH, ALL) == told,
                     "what was told after the fault is there");
    }
    story_ends_well(r);
}

static void disk_full_and_room_again(struct run *r)
{
    story_cluster(r);
    disk_fail(machine_disk(BIRCH), DISK_FULL, 1);
    (void)world_call(&r->w, BIRCH, "sql", NULL,
                     "{\"statement\":\"INSERT INTO priority(title, why)"
                     " VALUES('no room', 'w')\"}");
    story_expect(r, r->w.status == 507, "the writer is told of the full disk");
    story_write(r, ALDER, ADD("to a full disk"));
    story_wait(r, WORLD_MINUTE);
    disk_mend(machine_disk(BIRCH));
    story_write(r, BIRCH, ADD("room again"));
    story_ends_well(r);
    story_expect(r, story_rows(r, BIRCH, ALL) == 2, "both rows are there");
}

static void restored_from_tuesdays_backup(struct run *r)
{
    story_cluster(r);
    story_write(r, BIRCH, ADD("monday"));
    story_wait(r, WORLD_MINUTE);
    machine_copy(BIRCH, MACHINE_COPIES); /* tuesday */
    story_write(r, BIRCH, ADD("wednesday"));
    story_write(r, BIRCH, "UPDATE priority SET outcome = 'thursday'");
    story_wait(r, WORLD_MINUTE);
    host_down(&r->w, BIRCH, MACHINE_POWER);
    machine_copy(MACHINE_COPIES, BIRCH);
    ledger_excuse(r, BIRCH);
    host_boot(&r->w, BIRCH);
    story_write(r, BIRCH, ADD("friday"));
    story_ends_well(r);
    story_expect(r, story_rows(r, BIRCH, ALL) == 3,
                 "its own later rows came back from the others");
    story_expect(r,
                 story_rows(r, BIRCH,
                            "SELECT 1 FROM priority WHERE outcome ="
                            " 'thursday'") == 2,
                 "so did its edits");
}

/* A virtual machine was copied, and both copies run: each opens logs of its
 * own, and nobody's words are lost. */
static void two_copies_running(struct run *r)
{
    struct host_plan plan = {.name = "birch-again"};

    story_cluster(r);
    story_write(r, BIRCH, ADD("before the copy"));

    size_t copy = world_add(&r->w, &plan);

    r->w.hosts[copy].secrets = r->w.hosts[BIRCH].secrets;
    r->w.hosts[BIRCH].lies = true; /* what the copy signs is not at home here */
    machine_copy(BIRCH, copy);
    host_boot(&r->w, copy);
    for (int i = 0; i < 5; i++) {
        story_write(r, BIRCH, ADD("on the one"));
        story_write(r, copy, ADD("on the other"));
        story_wait(r, WORLD_MINUTE);
    }
    host_stop(&r->w, copy);
    story_write(r, BIRCH, ADD("on the one that is left"));
    host_boot(&r->w, copy);
    story_ends_well(r);
    story_expect(r, story_rows(r, CEDAR, ALL) == 12, "all rows are there");
}

/* ---- members that lie ---- */

/* Birch turns, and lies in this way only, or in all; cedar, too, is dialled. */
static void birch_lies(struct run *r, enum lie_kind only)
{
    story_cluster(r);
    r->w.hosts[CEDAR].listens = true;
    story_write(r, BIRCH, ADD("while birch was honest"));
    story_wait(r, WORLD_MINUTE);
    liar_turn(r, BIRCH, only, 30);
}

/* Each log of birch's says one thing to cedar and another to the relay: both
 * are kept, by everybody. */
static void a_member_says_two_things(struct run *r)
{
    birch_lies(r, LIE_TWICE);
    for (int i = 0; i < 60; i++) {
        story_write(r, ALDER, ADD("honest all the time"));
        story_wait(r, WORLD_MINUTE);
    }
    story_expect(r, r->tally.lie[LIE_TWICE] > 10, "birch said two things");
    story_ends_well(r);
    story_expect(r, story_rows(r, ALDER, ALL) > 61 + 2 * 10,
                 "both sides of each fork are there");
}

static void a_member_lies_in_every_way(struct run *r)
{
    size_t before;

    birch_lies(r, LIE_KIND_COUNT);
    for (int i = 0; i < 120; i++) {
        story_write(r, ALDER, ADD("honest all the time"));
        story_write(r, CEDAR, ADD("and cedar, too"));
        story_wait(r, WORLD_MINUTE);
    }
    for (size_t k = 0; k < LIE_KIND_COUNT; k++)
        story_expect(r, r->tally.lie[k] > 0, "birch lied in each way");
    story_ends_well(r);
    before = story_rows(r, ALDER, ALL);
    story_expect(r, story_status(r, ALDER, "void") > 0,
                 "alder tells of what is void");
    host_down(&r->w, CEDAR, MACHINE_POWER);
    host_boot(&r->w, CEDAR);
    story_expect(r, story_rows(r, CEDAR, ALL) == before,
                 "the honest go on with the same rows");
}

/* ---- joining ---- */

/* The request waits at the relay until the chair is there. */
static void joined_while_the_chair_was_off(struct run *r)
{
    char body[3000];

    story_pair(r);
    story_write(r, BIRCH, ADD("before cedar came"));
    story_wait(r, WORLD_MINUTE);

    json_t *invite = world_do(&r->w, ALDER, "invite", r->spaces[0].id,
                              "{\"role\":\"school\"}");
    const char *ticket = json_string_value(json_object_get(invite, "ticket"));

    snprintf(body, sizeof body, "{\"ticket\":\"%s\",\"wait_s\":0}",
             ticket == NULL ? "" : ticket);
    story_wait(r, 10 * COVEY_SECOND);
    host_down(&r->w, ALDER, MACHINE_POWER);
    (void)world_ask(&r->w, CEDAR, "join", NULL, body);
    story_wait(r, WORLD_HOUR);
    story_expect(r, !r->ledger.hosts[CEDAR].views[0].n, "cedar is not in yet");
    host_boot(&r->w, ALDER);
    story_wait(r, 5 * WORLD_MINUTE);
    story_expect(r, story_rows(r, CEDAR, ALL) == 1, "cedar is in and reads");
    story_ends_well(r);
}

/* ---- versions ---- */

/* Cedar's covey does not know comments: it holds them, and what rests on them,
 * goes on with the rest, and passes all of it on. */
static void a_school_that_has_not_upgraded(struct run *r)
{
    struct host *cedar = &r->w.hosts[CEDAR];

    story_pair(r);
    host_stop(&r->w, CEDAR);
    cedar->older = cedar->listens = true;
    host_boot(&r->w, CEDAR);
    cluster_join(r, 0, CEDAR);
    story_write(r, ALDER, ADD("known to all"));
    story_wait(r, WORLD_MINUTE);
    story_cut_off(r, BIRCH, true);
    story_write(r, BIRCH, ADD("before it has seen the comment"));
    story_write(r, ALDER, COMMENT);
    story_write(r, ALDER, ADD("on top of the comment"));
    story_wait(r, WORLD_MINUTE);
    host_stop(&r->w, ALDER);
    host_stop(&r->w, RELAY);
    story_cut_off(r, BIRCH, false);
    story_wait(r, 5 * WORLD_MINUTE);
    story_write(r, CEDAR, ADD("beside the comment"));
    story_wait(r, WORLD_MINUTE);
    story_expect(r, story_rows(r, BIRCH, COMMENTS) == 1,
                 "cedar passes on what it does not know");
    story_expect(r, story_rows(r, BIRCH, ALL) == 4, "birch has all rows");
    story_expect(r, story_rows(r, CEDAR, ALL) == 3,
                 "cedar has what does not rest on the comment");
    story_expect(r, story_status(r, CEDAR, "waiting") == 2,
                 "cedar tells of what waits");
    story_expect(r, story_status(r, CEDAR, "needs_upgrade") == 1,
                 "and that it needs an upgrade");
    host_upgrade(&r->w, CEDAR);
    story_wait(r, WORLD_MINUTE);
    story_expect(r, story_status(r, CEDAR, "waiting") == 0,
                 "once upgraded, nothing waits");
    story_expect(r, story_status(r, CEDAR, "needs_upgrade") == 0,
                 "and no upgrade is needed");
    story_expect(r, story_rows(r, CEDAR, COMMENTS) == 1, "cedar has it now");
    story_expect(r, story_rows(r, CEDAR, ALL) == 4, "and what rests on it");
    story_ends_well(r);
}

/* ---- the table ---- */

const struct story stories[] = {
#define STORY(name)                                                            \
    {                                                                          \
#name, name                                                            \
    }
    STORY(partition_heals),
    STORY(relay_only),
    STORY(one_way_cut),
    STORY(half_open_is_found_out),
    STORY(spoilt_byte_ends_the_connection),
    STORY(slow_line),
    STORY(school_back_after_six_weeks),
    STORY(clock_ten_years_ahead),
    STORY(laptop_closed_over_night),
    STORY(edit_both_sides_of_a_cell),
    STORY(delete_meets_edit),
    STORY(another_program_sits_on_the_lock),
    STORY(killed_after_the_answer),
    STORY(disk_fault_ends_the_node),
    STORY(power_fails_after_a_disk_fault),
    STORY(disk_full_and_room_again),
    STORY(restored_from_tuesdays_backup),
    STORY(two_copies_running),
    STORY(a_member_says_two_things),
    STORY(a_member_lies_in_every_way),
    STORY(joined_while_the_chair_was_off),
    STORY(a_school_that_has_not_upgraded),
#undef STORY
};
const size_t story_count = sizeof stories / sizeof stories[0];
