/* test_merge.c - what writes come to does not depend on the order in which they
 * come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support_bytes.h"
#include "support_writes.h"

#define US 0xa1 /* every byte of our member's id */

static struct record record;

static int setup(void **state)
{
    record_init(&record, US);
    return 0;
}

static int teardown(void **state)
{
    record_clear(&record);
    return 0;
}

/* ---- any order ---- */

/* Merge in this order, say what came of it, and undo it. */
static void outcome(const struct writes *set, const size_t *order, char *out,
                    size_t size)
{
    record_begin(&record);
    for (size_t i = 0; i < set->count; i++)
        writes_merge(&record, record.n, set, order[i]);
    assert_int_equal(merge_flush(record.st), COVEY_OK);
    snprintf(out, size, "%s", record_state(&record));
    if (order[0] == 0)
        record_check(&record);
    store_rollback(record.st);
}

/* The same for every order: as the model says, with one digest. */
struct expectation {
    const struct writes *set;
    char first[65536];
    bool any;
};

static void expect(struct expectation *e, const size_t *order)
{
    static char got[65536];
    const char *model;

    outcome(e->set, order, got, sizeof got);
    if (e->any) {
        assert_string_equal(got, e->first);
        return;
    }
    model = writes_expected(e->set, US);
    if (strncmp(got, model, strlen(model)) != 0 || got[strlen(model)] != '\n')
        print_error("model:\n%s\ngot:\n%s\n", model, got);
    assert_memory_equal(got, model, strlen(model));
    assert_int_equal(got[strlen(model)], '\n');
    memcpy(e->first, got, sizeof got);
    e->any = true;
}

static void shuffle(size_t *order, size_t count, uint64_t *seed)
{
    for (size_t i = count; i > 1; i--) {
        size_t k = bytes_below(seed, i);
        size_t moved = order[i - 1];

        order[i - 1] = order[k];
        order[k] = moved;
    }
}

static void test_random_writes_come_to_the_same_in_any_order(void **state)
{
    static struct expectation e;
    static struct writes set;
    size_t order[WRITES_MAX];

    for (uint64_t world = 1; world <= 6; world++) {
        uint64_t seed = world * 977;

        writes_draw(&set, 6 + world, world);
        e = (struct expectation){.set = &set};
        for (size_t i = 0; i < set.count; i++)
            order[i] = i;
        for (size_t round = 0; round < 200; round++) {
            expect(&e, order);
            shuffle(order, set.count, &seed);
        }
    }
}

/* The next order after this one, as numbers go; false after the last. */
static bool next_order(size_t *order, size_t count)
{
    size_t i = count - 1;
    size_t k = count - 1;

    while (i > 0 && order[i - 1] > order[i])
        i--;
    if (i == 0)
        return false;
    while (order[k] < order[i - 1])
        k--;
    for (size_t at = i - 1, with = k;; at++, with = count - (at - i) - 1) {
        if (at >= with)
            break;
        size_t moved = order[at];
        order[at] = order[with];
        order[with] = moved;
    }
    return true;
}

static void in_all_orders(const struct writes *set)
{
    static struct expectation e;
    size_t order[WRITES_MAX];
    size_t rounds = 0;

    e = (struct expectation){.set = set};
    for (size_t i = 0; i < set->count; i++)
        order[i] = i;
    do {
        expect(&e, order);
        rounds++;
    } while (next_order(order, set->count));
    assert_int_equal(rounds, set->count == 6   ? 720
                             : set->count == 5 ? 120
                             : set->count == 4 ? 24
                             : set->count == 3 ? 6
                                               : 2);
}

static void test_six_writes_come_to_the_same_in_all_orders(void **state)
{
    static struct writes set;

    for (uint64_t world = 100; world < 103; world++) {
        writes_draw(&set, 6, world);
        for (size_t i = 0; i < set.count; i++)
            set.items[i].row = 0;
        in_all_orders(&set);
    }
}

/* ---- made-up sets; every one in all orders ---- */

/* An insert of row 0 by author 0, with title "t" and why "w": name 1. */
static void first_insert(struct writes *set)
{
    set->count = 0;
    struct test_write *w = writes_add(set, 0, 0, 1);

    writes_cell(w, 0, "1");
    writes_cell(w, 1, "t");
    writes_cell(w, 2, "w");
    writes_cell(w, 8, "s");
}

static void edit(struct writes *set, uint8_t author, uint64_t clock,
                 const char *title, uint32_t replaces)
{
    struct test_cell *cell =
        writes_cell(writes_add(set, 0, author, clock), 1, title);

    if (replaces != 0)
        writes_replaces(cell, replaces);
}

static void remove_row(struct writes *set, uint8_t author, uint64_t clock,
                       uint32_t replaces)
{
    writes_replaces(writes_cell(writes_add(set, 0, author, clock), 0, "0"),
                    replaces);
}

static void merge_all(const struct writes *set)
{
    record_begin(&record);
    for (size_t i = 0; i < set->count; i++)
        writes_merge(&record, record.n, set, i);
    record_commit(&record);
    record_check(&record);
}

static const char *sql(const char *text)
{
    return record_sql(&record, text);
}

static void test_two_edits_at_once_are_both_kept(void **state)
{
    static struct writes set;

    first_insert(&set);
    edit(&set, 1, 2, "theirs", 1);
    edit(&set, 2, 3, "later", 1);
    in_all_orders(&set);
    merge_all(&set);
    assert_string_equal(sql("SELECT title FROM priority"), "later");
    assert_string_equal(sql("SELECT group_concat(value) FROM sibling"),
                        "theirs");
}

static void test_an_edit_that_names_both_ends_a_conflict(void **state)
{
    static struct writes set;

    first_insert(&set);
    edit(&set, 1, 2, "theirs", 1);
    edit(&set, 2, 3, "later", 1);
    edit(&set, 1, 4, "agreed", 2);
    writes_replaces(&set.items[3].cells[0], 3);
    in_all_orders(&set);
    merge_all(&set);
    assert_string_equal(sql("SELECT title FROM priority"), "agreed");
    assert_string_equal(sql("SELECT count(*) FROM sibling"), "0");
}

static void
test_the_lower_value_stays_where_the_shown_one_is_replaced(void **state)
{
    static struct writes set;

    first_insert(&set);
    edit(&set, 1, 2, "kept", 1);
    edit(&set, 2, 5, "high", 1);
    edit(&set, 1, 3, "low", 3);
    in_all_orders(&set);
    merge_all(&set);
    assert_string_equal(sql("SELECT title FROM priority"), "low");
    assert_string_equal(sql("SELECT group_concat(value) FROM sibling"), "kept");
}

static void test_a_delete_that_saw_all_takes_the_row_away(void **state)
{
    static struct writes set;

    first_insert(&set);
    edit(&set, 1, 2, "edited", 1);
    remove_row(&set, 2, 3, 1);
    writes_saw(&set.items[2], 2);
    in_all_orders(&set);
    merge_all(&set);
    assert_string_equal(sql("SELECT count(*) FROM priority"), "0");
    assert_string_equal(sql("SELECT count(*) FROM sibling"), "0");
    assert_string_equal(sql("SELECT count(*) FROM clock"), "1");
    assert_string_equal(sql("SELECT rows FROM space WHERE n = 1"), "0");
}

static void test_an_edit_that_a_delete_had_not_seen_keeps_the_row(void **state)
{
    static struct writes set;

    first_insert(&set);
    remove_row(&set, 1, 2, 1);
    edit(&set, 2, 2, "edited", 1);
    in_all_orders(&set);
    merge_all(&set);
    assert_string_equal(sql("SELECT title || why || source FROM priority"),
                        "editedws");
    assert_string_equal(
        sql("SELECT col || ' ' || value || ' ' || clock FROM sibling"),
        "0 0 2");
}

static void test_a_row_made_again_is_there_again(void **state)
{
    static struct writes set;

    first_insert(&set);
    remove_row(&set, 1, 2, 1);
    struct test_write *again = writes_add(&set, 0, 0, 3);
    writes_replaces(writes_cell(again, 0, "1"), 2);
    writes_replaces(writes_cell(again, 1, "new"), 1);
    in_all_orders(&set);
    merge_all(&set);
    assert_string_equal(sql("SELECT title || why FROM priority"), "neww");
    assert_string_equal(sql("SELECT count(*) FROM sibling"), "0");
}

static void test_two_deletes_are_no_conflict(void **state)
{
    static struct writes set;

    first_insert(&set);
    remove_row(&set, 1, 2, 1);
    remove_row(&set, 2, 2, 1);
    in_all_orders(&set);
    merge_all(&set);
    assert_string_equal(sql("SELECT count(*) FROM priority"), "0");
    assert_string_equal(sql("SELECT count(*) FROM sibling"), "0");
}

static void test_the_lower_of_two_inserts_sets_what_never_changes(void **state)
{
    static struct writes set;

    first_insert(&set);
    set.items[0].clock = 2;
    struct test_write *other = writes_add(&set, 0, 1, 1);
    writes_cell(other, 0, "1");
    writes_cell(other, 1, "u");
    writes_cell(other, 8, "first");
    in_all_orders(&set);
    merge_all(&set);
    assert_string_equal(sql("SELECT source || title FROM priority"), "firstt");
    assert_string_equal(sql("SELECT group_concat(col || value) FROM sibling"),
                        "1u");
}

/* Otherwise anybody could make a row under another member's tag. */
static void test_an_edit_of_a_row_that_nobody_made_shows_nothing(void **state)
{
    static struct writes set;

    set.count = 0;
    edit(&set, 1, 1, "ghost", 0);
    remove_row(&set, 1, 2, 9);
    edit(&set, 2, 3, "ghost too", 0);
    in_all_orders(&set);
    merge_all(&set);
    assert_string_equal(sql("SELECT count(*) FROM priority"), "0");

    static struct writes made;
    first_insert(&made);
    memset(&set.items[3], 0, sizeof set.items[3]);
    set.items[3] = made.items[0];
    set.count = 4;
    in_all_orders(&set);
}

static void test_a_name_may_come_before_what_it_names(void **state)
{
    static struct writes set;

    first_insert(&set);
    edit(&set, 1, 2, "named too early", 1);
    edit(&set, 2, 3, "last", 2);
    writes_replaces(&set.items[2].cells[0], 1);
    in_all_orders(&set);

    record_begin(&record);
    writes_merge(&record, record.n, &set, 2);
    record_commit(&record);
    assert_string_equal(sql("SELECT count(*) FROM ahead"), "2");
    record_begin(&record);
    writes_merge(&record, record.n, &set, 1);
    writes_merge(&record, record.n, &set, 0);
    record_commit(&record);
    assert_string_equal(sql("SELECT count(*) FROM ahead"), "0");
    assert_string_equal(sql("SELECT title FROM priority"), "last");
}

/* Whoever lies about the clock replaces a value and shows nothing higher. */
static void test_a_sibling_is_shown_where_what_hid_it_is_replaced(void **state)
{
    static struct writes set;

    first_insert(&set);
    edit(&set, 1, 3, "beside", 1);
    edit(&set, 2, 5, "shown", 1);
    edit(&set, 1, 2, "low", 3);
    in_all_orders(&set);
    merge_all(&set);
    assert_string_equal(sql("SELECT title FROM priority"), "beside");
    assert_string_equal(sql("SELECT value FROM sibling"), "low");
}

static void test_equal_clocks_are_told_apart_by_author(void **state)
{
    static struct writes set;

    first_insert(&set);
    edit(&set, 0, 2, "a", 1);
    edit(&set, 1, 2, "b", 1);
    edit(&set, 2, 2, "c", 1);
    in_all_orders(&set);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_random_writes_come_to_the_same_in_any_order),
        CASE(test_six_writes_come_to_the_same_in_all_orders),
        CASE(test_two_edits_at_once_are_both_kept),
        CASE(test_an_edit_that_names_both_ends_a_conflict),
        CASE(test_the_lower_value_stays_where_the_shown_one_is_replaced),
        CASE(test_a_delete_that_saw_all_takes_the_row_away),
        CASE(test_an_edit_that_a_delete_had_not_seen_keeps_the_row),
        CASE(test_a_row_made_again_is_there_again),
        CASE(test_two_deletes_are_no_conflict),
        CASE(test_the_lower_of_two_inserts_sets_what_never_changes),
        CASE(test_an_edit_of_a_row_that_nobody_made_shows_nothing),
        CASE(test_a_name_may_come_before_what_it_names),
        CASE(test_a_sibling_is_shown_where_what_hid_it_is_replaced),
        CASE(test_equal_clocks_are_told_apart_by_author),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
