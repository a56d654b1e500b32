/* test_sql.c - every statement of the store prepares against a fresh record,
 * and none reads a table from end to end that may be long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/api.h"
#include "store/sql.h"
#include "support_outside.h"
#include "support_record.h"

/* A table may be read from end to end where it has one row or a few, or where
 * all of it is wanted.  Each line of a plan that says so begins like one of
 * these. */
static const char *const short_ones[] = {
    "SCAN self",  /* one row */
    "SCAN shape", /* as many as there are tables and triggers */
    "SCAN o",     /* sqlite_schema, likewise */
    "SCAN sqlite_schema",
    "SCAN pragma_table_info", /* a table's columns */
    "SCAN outbox",            /* what is not sealed yet */
    "SCAN sibling",           /* conflicts that stand */
    "SCAN asked",             /* at most CARRY_WAITING_MAX */
    "SCAN CONSTANT ROW",
    "SCAN json_each",
    "SCAN json_tree",
    "SCAN (subquery",
    NULL,
};
/* Of the API's statements. */
static const char *const short_lists[] = {
    "SCAN self",      "SCAN s",
    "SCAN allowed",   "SCAN asked",
    "SCAN t",         "SCAN json_each",
    "SCAN (subquery", "SCAN CONSTANT ROW",
    "SCAN comment", /* the comments on a row: there is no index, so that
                     * writing is fast; a school has hundreds */
    "SCAN c",         NULL,
};

static struct record record;

static int setup(void **state)
{
    record_init(&record, 0xa1);
    return 0;
}

static int teardown(void **state)
{
    record_clear(&record);
    return 0;
}

static bool is_among(const char *line, const char *const *listed)
{
    for (size_t i = 0; listed[i] != NULL; i++) {
        size_t len = strlen(listed[i]);

        if (strncmp(line, listed[i], len) == 0 &&
            strchr(" -", line[len]) != NULL)
            return true;
    }
    return false;
}

/* One line of the shell's: trouble, or a scan that is not listed? */
static bool is_bad(const char *line, const char *const *listed)
{
    const char *scan = strstr(line, "SCAN ");

    if (scan == NULL)
        return strstr(line, "rror") != NULL;
    return !is_among(scan, listed);
}

struct script {
    char text[1 << 20];
    size_t len;
};
static struct script script;

/* Ask for the plan of a statement, under a heading. */
static void ask(const char *sql)
{
    char *heading = script.text + script.len;
    int len = snprintf(heading, sizeof script.text - script.len,
                       ".print ## %.60s\nEXPLAIN QUERY PLAN %s;\n", sql, sql);

    script.len += (size_t)len;
    assert_true(script.len < sizeof script.text);
    /* What the shell takes for the end of a word, or of the line. */
    for (char *p = heading + strlen(".print ## "); *p != '\n'; p++) {
        if (strchr("'\"\\;", *p) != NULL)
            *p = '.';
    }
}

static void assert_good(const char *const *listed)
{
    char *rest = strdup(outside_sql(record.dir, script.text));
    char *whole = rest;
    const char *statement = "";
    const char *line;
    size_t seen = 0, bad = 0;

    while ((line = strsep(&rest, "\n")) != NULL) {
        if (strncmp(line, "## ", 3) == 0) {
            statement = line + 3;
            seen++;
        } else if (is_bad(line, listed)) {
            print_error("%s\n    in: %s\n", line, statement);
            bad++;
        }
    }
    free(whole);
    assert_true(seen > 20);
    assert_int_equal(bad, 0);
}

static void test_every_statement_prepares_and_none_scans(void **state)
{
    script.len = 0;
    for (int i = 0; i < SQL_COUNT; i++)
        ask(sql_text[i]);
    assert_good(short_ones);
}

static void test_every_route_prepares_and_scans_what_it_lists(void **state)
{
    size_t count;
    const struct api_route *routes = api_routes(&count);

    script.len = 0;
    for (size_t i = 0; i < count; i++) {
        if (routes[i].run != API_ACTION && routes[i].run != API_STREAM)
            ask(routes[i].what);
    }
    assert_good(short_lists);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        EACH(test_every_statement_prepares_and_none_scans),
        EACH(test_every_route_prepares_and_scans_what_it_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
