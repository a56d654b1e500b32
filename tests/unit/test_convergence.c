/* test_convergence.c - three schools write plain SQL at random, seal at random
 * and take in each other's change sets in random causal orders: in the end all
 * hold the same, bit for bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support_bytes.h"
#include "support_schools.h"

#define SCHOOLS 3u
#define ROWS 3u /* of each school, in each table */

static struct schools *schools;

static int setup(void **state)
{
    schools = calloc(1, sizeof *schools);
    assert_non_null(schools);
    schools_init(schools, SCHOOLS);
    return 0;
}

static int teardown(void **state)
{
    schools_clear(schools);
    free(schools);
    return 0;
}

/* ?a: a row's id, anybody's; ?o: one of the school's own; ?n: a number that
 * makes the words.  What a guard refuses is refused. */
static const char *const statements[] = {
    "INSERT INTO priority (id, space, title, why, source)"
    " SELECT '?o', id, 't?n', 'w', printf('%040x', ?n) FROM space",
    "INSERT INTO priority (id, space, title, why, outcome)"
    " SELECT '?o', id, 't?n', 'w', 'o' FROM space",
    "UPDATE priority SET title = 't?n' WHERE id = '?a'",
    "UPDATE priority SET title = 'u?n', why = 'v?n' WHERE id = '?a'",
    "UPDATE priority SET outcome = NULL, status = 'proposed'"
    " WHERE id = '?a'",
    "UPDATE priority SET why = 'all?n'",
    "UPDATE priority SET outcome = CAST(x'61ff00' AS TEXT) || ?n"
    " WHERE id = '?a'",
    "DELETE FROM priority WHERE id = '?a'",
    "DELETE FROM priority WHERE id = '?o'",
    "INSERT OR REPLACE INTO priority (id, space, title, why, source)"
    " SELECT '?o', id, 'r?n', 'w',"
    " (SELECT source FROM priority WHERE id = '?o') FROM space",
    "INSERT INTO priority (id, space, title, why)"
    " SELECT '?o', id, 'p?n', 'q?n' FROM space WHERE true"
    " ON CONFLICT (id) DO UPDATE SET title = excluded.title",
    "INSERT OR IGNORE INTO priority (id, space, title, why)"
    " SELECT '?o', id, 'i?n', 'j' FROM space",
    "INSERT INTO comment (id, space, on_row, text)"
    " SELECT '?o', id, printf('%040x', ?n), 'c?n' FROM space",
    "UPDATE comment SET text = 'd?n' WHERE id = '?a'",
    "DELETE FROM comment WHERE id = '?o'",
};

static void pick_row(uint64_t *seed, size_t school, char out[41])
{
    strcpy(out, schools_row(schools, school,
                            (uint8_t)(1 + bytes_below(seed, ROWS))));
}

static const char *word_of(char key, const char *any, const char *own,
                           const char *number)
{
    return key == 'a' ? any : key == 'o' ? own : number;
}

static void write_something(uint64_t *seed, size_t i)
{
    char any[41];
    char own[41];
    char number[8];
    char sql[1024] = "";
    size_t which = bytes_below(seed, sizeof statements / sizeof *statements);

    pick_row(seed, bytes_below(seed, SCHOOLS), any);
    pick_row(seed, i, own);
    snprintf(number, sizeof number, "%u", (unsigned)bytes_below(seed, 1000));
    for (const char *p = statements[which]; *p != '\0'; p++) {
        if (*p == '?')
            strcat(sql, word_of(*++p, any, own, number));
        else
            strncat(sql, p, 1);
    }
    (void)schools_write(schools, i, sql);
}

/* A form that was opened on some of what ever was. */
static void see_some(uint64_t *seed, size_t i)
{
    char hex[2 * STAMP_NAME + 1];
    char sql[64 + 32 * (2 * STAMP_NAME)] = "UPDATE outbox SET seen = x'";

    for (size_t k = 0; k < 32 && schools->sealed_count > 0; k++) {
        size_t set = bytes_below(seed, schools->sealed_count);

        if (bytes_below(seed, 2) == 0)
            continue;
        hex_encode(schools->sealed[set].entry.hash.b, STAMP_NAME, hex);
        strcat(sql, hex);
    }
    strcat(sql, "' WHERE op <> 1");
    (void)schools_write(schools, i, sql);
}

static void step(uint64_t *seed)
{
    size_t i = bytes_below(seed, SCHOOLS);
    struct record *r = &schools->records[i];

    switch (bytes_below(seed, 8)) {
    case 0:
        schools_seal(schools, i);
        return;
    case 1:
    case 2:
        (void)schools_take(schools, i, bytes_below(seed, 4));
        return;
    case 3:
        record_begin(r);
        write_something(seed, i);
        see_some(seed, i);
        schools_seal(schools, i);
        record_commit(r);
        return;
    case 4:
        record_begin(r);
        for (size_t k = 0; k < 6; k++)
            write_something(seed, i);
        record_commit(r);
        return;
    default:
        write_something(seed, i);
        return;
    }
}

static void run_world(uint64_t seed, size_t steps)
{
    uint64_t draws = seed;

    for (size_t i = 0; i < steps; i++)
        step(&draws);
    schools_meet(schools);
    schools_agree(schools);
}

static void test_schools_that_write_at_random_agree_in_the_end(void **state)
{
    const char *from = getenv("SEED");
    uint64_t first = from == NULL ? 1 : strtoull(from, NULL, 10);
    const char *many = getenv("WORLDS");
    uint64_t worlds = many == NULL ? 5 : strtoull(many, NULL, 10);

    for (uint64_t seed = first; seed < first + worlds; seed++) {
        teardown(state);
        setup(state);
        print_message("seed %llu\n", (unsigned long long)seed);
        run_world(seed, 120);
    }
}

/* Rounds of meeting and parting: conflicts are resolved on top of conflicts. */
static void test_schools_that_meet_again_and_again_agree_each_time(void **state)
{
    for (uint64_t seed = 900; seed < 912; seed++)
        run_world(seed, 30);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_schools_that_write_at_random_agree_in_the_end),
        CASE(test_schools_that_meet_again_and_again_agree_each_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
