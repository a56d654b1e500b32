/* test_liar_forks.c - a member that says one thing here and another there, and
 * one whose software is newer: what honest nodes cannot refuse, and must all
 * make the same of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/node_internal.h"
#include "support_trio.h"
#include "support_wire.h"

/* One of the liar's logs as it goes on: nothing was sent yet, or up to `last`.
 */
struct chain {
    uint8_t run;
    struct header last;
    uint8_t rows; /* numbers its rows from here on */
};

/* Send the next change sets of a chain, to whom the liar talks with now. */
static void go_on(struct chain *c, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct header h = liar_header(&trio.liar, c->run);
        struct covey_bytes row =
            trio_priority(&trio.liar.tag, c->rows++, "forked");
        struct covey_buf payload;

        if (c->last.number > 0) {
            bool same = c->last.incarnation.b[0] == c->run;

            h.number = same ? c->last.number + 1 : 1;
            h.previous = header_hash(&c->last);
            h.clock = c->last.clock + 1;
        }
        liar_seal(&trio.liar, &h, &row, 1, &payload);
        assert_true(trio_send_one(&h, buf_bytes(&payload), NULL));
        buf_clear(&payload);
        c->last = h;
    }
}

static void turn_to(size_t who)
{
    liar_leave(&trio.liar);
    liar_meet(&trio.liar, &trio.world, trio.birch, who, trio.space);
}

/* Everybody ends with everything, a newcomer too. */
static void assert_all(json_int_t sets)
{
    size_t dogwood = nodes_add(&trio.world, "dogwood", false);

    nodes_cut(&trio.world, trio.cedar, false);
    nodes_run(&trio.world, 40);
    nodes_start(&trio.world, dogwood);
    trio_join(dogwood);
    nodes_run(&trio.world, 5);
    assert_int_equal(trio_count_of(trio.alder, "change_sets"), sets);
    assert_int_equal(trio_count_of(trio.alder, "rows"), sets);
    assert_true(nodes_equal(&trio.world, trio.space,
                            (size_t[]){trio.alder, trio.cedar, dogwood}, 3));
}

/* A log that says one thing to alder and another to cedar, from a number on,
 * that many times to each. */
static void forks(size_t shared, size_t to_alder, size_t to_cedar)
{
    struct chain a = {.run = 1, .rows = 1}, b;

    go_on(&a, shared);
    nodes_run(&trio.world, 3);
    b = a;
    b.rows = 100;
    nodes_cut(&trio.world, trio.cedar, true);
    go_on(&a, to_alder);
    turn_to(trio.cedar);
    go_on(&b, to_cedar);
    assert_all((json_int_t)shared + (json_int_t)to_alder +
               (json_int_t)to_cedar);
}

static void test_a_fork_reaches_everybody(void **state)
{
    forks(2, 1, 1);
}

static void test_a_fork_with_a_shorter_branch_reaches_everybody(void **state)
{
    forks(2, 1, 3);
}

static void test_a_fork_with_a_longer_branch_reaches_everybody(void **state)
{
    forks(1, 4, 1);
}

static void test_a_fork_from_the_start_reaches_everybody(void **state)
{
    forks(0, 2, 5);
}

/* The branches follow different logs: one of them is seen by alder alone. */
static void test_a_fork_after_two_pasts_reaches_everybody(void **state)
{
    struct chain past = {.run = 1, .rows = 1};

    nodes_cut(&trio.world, trio.cedar, true);
    go_on(&past, 3);

    struct chain a = {.run = 2, .last = past.last, .rows = 20};
    struct chain b = {.run = 2, .rows = 40};
    go_on(&a, 1);
    turn_to(trio.cedar);
    go_on(&b, 2);
    assert_all(6);
}

/* Both are told while they talk to each other. */
static void test_a_fork_under_their_eyes_reaches_everybody(void **state)
{
    struct chain a = {.run = 1, .rows = 1}, b;

    go_on(&a, 2);
    b = a;
    b.rows = 100;
    go_on(&a, 1);
    turn_to(trio.cedar);
    go_on(&b, 2);
    turn_to(trio.alder);
    go_on(&a, 2);
    turn_to(trio.cedar);
    go_on(&b, 1);
    assert_all(8);
}

/* All that waits is kept and shown to nobody, also when it is looked at again
 * after a new epoch, and the same at everybody. */
static void assert_wait(json_int_t sets)
{
    size_t dogwood = nodes_add(&trio.world, "dogwood", false);

    trio_assert_both(sets, 0, 0);
    nodes_start(&trio.world, dogwood);
    trio_join(dogwood);
    nodes_run(&trio.world, 5);
    assert_int_equal(trio_count_of(trio.alder, "waiting"), sets);
    assert_int_equal(trio_count_of(dogwood, "waiting"), sets);
    trio_assert_both(sets, 0, 0);
}

/* A kind of change set that a newer version may know: the next one in the log
 * waits for it, and so does one that cites it. */
static void test_what_a_newer_version_wrote_waits(void **state)
{
    struct header h[3] = {liar_header(&trio.liar, 1),
                          liar_header(&trio.liar, 1),
                          liar_header(&trio.liar, 2)};

    trio.liar.kind = CHANGESET_EMPTY + 1;
    assert_true(trio_send_one(&h[0], trio_honest(&h[0]), NULL));
    trio.liar.kind = CHANGESET_ROWS;
    h[1].number = 2;
    h[1].previous = header_hash(&h[0]);
    h[1].clock = h[2].clock = 2;
    assert_true(trio_send_one(&h[1], trio_honest(&h[1]), NULL));
    h[2].cite_count = 1;
    h[2].cites[0] = h[1].previous;
    assert_true(trio_send_one(&h[2], trio_honest(&h[2]), NULL));
    assert_wait(3);
}

static void test_a_table_of_a_newer_version_waits(void **state)
{
    struct header h = liar_header(&trio.liar, 1);
    struct covey_buf part, payload;
    struct row_id id = {{0}};

    memcpy(id.b + ROW_ID_TAG_OFFSET, trio.liar.tag.b, sizeof trio.liar.tag.b);
    buf_init(&part, &support_heap, 4096);
    row_part_begin(&part, 1000, &id, NULL, 0, 1);
    row_part_cell(&part, 0, &(struct cell_value){.type = CELL_BOOL}, NULL, 0);

    struct covey_bytes row = buf_bytes(&part);
    liar_seal(&trio.liar, &h, &row, 1, &payload);
    assert_true(trio_send_one(&h, buf_bytes(&payload), NULL));
    assert_wait(1);
    buf_clear(&part);
    buf_clear(&payload);
}

/* Who writes while something waits must not make what it writes wait too: it
 * counts at whoever wrote it, so it must count at all. */
static void test_what_waits_holds_up_nobody(void **state)
{
    struct header h = liar_header(&trio.liar, 1);

    trio.liar.kind = CHANGESET_EMPTY + 1;
    assert_true(trio_send_one(&h, trio_honest(&h), NULL));
    trio.liar.kind = CHANGESET_ROWS;
    nodes_run(&trio.world, 3);
    for (size_t i = 0; i < 2; i++)
        nodes_sql(&trio.world, i == 0 ? trio.alder : trio.cedar,
                  "INSERT INTO priority(space, title, why)"
                  " SELECT id, 'written meanwhile', 'b' FROM spaces");
    nodes_sql(&trio.world, trio.alder, "UPDATE priority SET outcome = 'o'");
    trio_assert_both(4, 0, 2);
    assert_int_equal(trio_count_of(trio.alder, "waiting"), 1);
    assert_int_equal(trio_count_of(trio.cedar, "waiting"), 1);
}

/* What waited for an upgrade is looked at when the program starts again.  No
 * test is upgraded; so the record is made to say that something waits which
 * this version can judge. */
static void test_what_waited_is_looked_at_at_a_start(void **state)
{
    struct header h = liar_header(&trio.liar, 1);
    char command[200];

    assert_true(trio_send_one(&h, trio_honest(&h), NULL));
    trio_assert_both(1, 0, 1);
    nodes_kill(&trio.world, trio.cedar);
    snprintf(command, sizeof command,
             "sqlite3 '%s/record.db' 'UPDATE change_set SET state = 2, wait = 3"
             " WHERE number = 1'",
             trio.world.nodes[trio.cedar].dir);
    assert_int_equal(system(command), 0);
    nodes_start(&trio.world, trio.cedar);
    nodes_run(&trio.world, 3);
    assert_int_equal(trio_count_of(trio.cedar, "waiting"), 0);
}

#define T(test) cmocka_unit_test_setup_teardown(test, trio_setup, trio_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_a_fork_reaches_everybody),
        T(test_a_fork_with_a_shorter_branch_reaches_everybody),
        T(test_a_fork_with_a_longer_branch_reaches_everybody),
        T(test_a_fork_from_the_start_reaches_everybody),
        T(test_a_fork_after_two_pasts_reaches_everybody),
        T(test_a_fork_under_their_eyes_reaches_everybody),
        T(test_what_a_newer_version_wrote_waits),
        T(test_a_table_of_a_newer_version_waits),
        T(test_what_waits_holds_up_nobody),
        T(test_what_waited_is_looked_at_at_a_start),
    };

    return cmocka_run_group_tests_name("liar_forks", tests, NULL, NULL);
}
