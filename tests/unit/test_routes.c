/* From a request's first line and body to a row of the table of routes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/heap.h"
#include "daemon/routes.h"

static const struct api_route rows[] = {
    {"GET", "/api/status", API_LOCAL, API_ACTION, "status", NULL, "Status.",
     NULL},
    {"GET", "/api/spaces/new", API_LOCAL, API_ACTION, "form", NULL, "A form.",
     NULL},
    {"GET", "/api/spaces/:space", API_LOCAL, API_READ_ONE, "SELECT 1", NULL,
     "A space.", NULL},
    {"DELETE", "/api/spaces/:space", API_LOCAL, API_WRITE, "DELETE 1", NULL,
     "Drop it.", NULL},
    {"GET", "/api/spaces/:space/rows/:row", API_LOCAL, API_READ_ONE, "SELECT 2",
     NULL, "A row.", NULL},
    {"GET", "/api/rows", API_LOCAL, API_READ_LIST, "SELECT 3", "space kind",
     "Rows.", NULL},
    {"POST", "/api/rows", API_LOCAL, API_WRITE, "INSERT 4", NULL, "A new row.",
     NULL},
    {"GET", "/api/events", API_LOCAL, API_STREAM, "", NULL, "Events.", NULL},
};
static const struct route_table table = {rows, sizeof rows / sizeof rows[0]};

static struct covey_bytes bytes(const char *text)
{
    return (struct covey_bytes){(const uint8_t *)text, strlen(text)};
}

static struct route_match *find(const char *method, const char *target,
                                const char *body)
{
    struct route_refusal refusal;
    struct route_match *m = route_find(
        &table, &(struct route_ask){method, target, bytes(body)}, &refusal);

    assert_non_null(m);
    return m;
}

static const char *param(const struct route_match *m, const char *name)
{
    for (size_t i = 0; i < m->param_count; i++) {
        if (strcmp(m->params[i].name, name) == 0)
            return m->params[i].text;
    }
    fail_msg("no parameter %s", name);
    return NULL;
}

static void assert_refused_bytes(const char *method, const char *target,
                                 struct covey_bytes body, int status)
{
    struct route_refusal refusal;

    assert_null(route_find(&table, &(struct route_ask){method, target, body},
                           &refusal));
    assert_int_equal(refusal.status, status);
    assert_int_not_equal(refusal.rc, COVEY_OK);
    assert_true(strlen(refusal.why.text) > 0);
}

static void assert_refused(const char *method, const char *target, int status)
{
    assert_refused_bytes(method, target, bytes(""), status);
}

/* ---- which row ---- */

static void test_a_path_finds_its_row(void **state)
{
    struct route_match *m = find("GET", "/api/status", "");

    assert_ptr_equal(m->route, &rows[0]);
    assert_int_equal(m->param_count, 0);
    free(m);
}

static void test_a_literal_path_comes_before_a_pattern(void **state)
{
    struct route_match *m = find("GET", "/api/spaces/new", "");

    assert_ptr_equal(m->route, &rows[1]);
    free(m);
}

static void test_a_pattern_takes_each_segment(void **state)
{
    struct route_match *m = find("GET", "/api/spaces/a%2Fb/rows/%c3%a9", "");

    assert_ptr_equal(m->route, &rows[4]);
    assert_string_equal(param(m, ":space"), "a/b");
    assert_string_equal(param(m, ":row"), "\xc3\xa9");
    free(m);
}

static void test_the_method_chooses_among_rows_of_one_path(void **state)
{
    struct route_match *m = find("DELETE", "/api/spaces/x", "");

    assert_ptr_equal(m->route, &rows[3]);
    assert_string_equal(param(m, ":space"), "x");
    assert_null(param(m, ":body"));
    free(m);
}

static void test_an_unknown_path_is_404(void **state)
{
    static const char *const targets[] = {
        "",
        "/",
        "/api",
        "/api/",
        "/api/status/",
        "/api/statu",
        "/api/statuss",
        "//api/status",
        "/API/status",
        "/api/spaces/",
        "/api/spaces//rows/x",
        "/api/spaces/x/rows",
        "/api/spaces/x/rows/y/z",
        "/%61pi/status",
        "http://host/api/status",
        "?",
    };

    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
        assert_refused("GET", targets[i], 404);
}

static void test_a_wrong_method_is_405_and_names_the_right_ones(void **state)
{
    struct route_refusal refusal;

    assert_null(route_find(
        &table, &(struct route_ask){"PUT", "/api/rows?x=1", bytes("")},
        &refusal));
    assert_int_equal(refusal.status, 405);
    assert_string_equal(refusal.allow, "GET, POST");
    assert_string_equal(refusal.why.text, "this path takes GET, POST");
    assert_refused("get", "/api/rows", 405);
    assert_refused("", "/api/rows", 405);
}

/* DELETE follows GET in the table, and its path is malformed. */
static void test_only_a_405_names_methods(void **state)
{
    struct route_refusal refusal;
    struct route_ask ask = {"DELETE", "/api/spaces/%00", bytes("")};

    assert_null(route_find(&table, &ask, &refusal));
    assert_int_equal(refusal.status, 400);
    assert_string_equal(refusal.allow, "");
}

/* ---- parameters ---- */

static void test_what_is_not_given_is_null(void **state)
{
    struct route_match *m = find("GET", "/api/rows", "");

    assert_int_equal(m->param_count, 2);
    assert_null(param(m, ":space"));
    assert_null(param(m, ":kind"));
    free(m);
}

static void test_query_parameters_are_decoded(void **state)
{
    struct route_match *m =
        find("GET", "/api/rows?&kind=a+b%26c%3D%25&&sp%61ce=", "");

    assert_string_equal(param(m, ":kind"), "a b&c=%");
    assert_string_equal(param(m, ":space"), "");
    free(m);
    m = find("GET", "/api/rows?kind", "");
    assert_string_equal(param(m, ":kind"), "");
    free(m);
}

static void test_a_plus_in_a_path_is_a_plus(void **state)
{
    struct route_match *m = find("GET", "/api/spaces/a+b", "");

    assert_string_equal(param(m, ":space"), "a+b");
    free(m);
}

static void test_parameters_that_are_not_taken_are_refused(void **state)
{
    struct route_refusal refusal;

    assert_null(route_find(
        &table, &(struct route_ask){"GET", "/api/rows?knid=1", bytes("")},
        &refusal));
    assert_int_equal(refusal.status, 400);
    assert_string_equal(refusal.why.text, "this path takes no parameter knid");
    assert_refused("GET", "/api/status?x", 400);
    assert_refused("GET", "/api/rows?kind=1&kind=2", 400);
    /* The path's own cannot be set from behind. */
    assert_refused("GET", "/api/spaces/a?space=b", 400);
    assert_refused("POST", "/api/rows?body=b", 400);
}

static void test_malformed_encodings_are_refused(void **state)
{
    static const char *const targets[] = {
        "/api/spaces/%",     "/api/spaces/%4",
        "/api/spaces/%zz",   "/api/spaces/%00",
        "/api/spaces/a%00b", "/api/spaces/%ff",
        "/api/spaces/%c3",   "/api/rows?kind=%",
        "/api/rows?%=1",     "/api/rows?kind=%ed%a0%80",
    };

    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
        assert_refused("GET", targets[i], 400);
}

static void test_a_long_address_is_refused(void **state)
{
    static char target[ROUTE_TARGET_MAX + 2];

    memset(target, 'x', sizeof target - 1);
    memcpy(target, "/api/spaces/", 12);
    assert_refused("GET", target, 414);
    target[ROUTE_TARGET_MAX] = '\0';
    free(find("GET", target, ""));
}

static void test_a_query_of_nothing_but_pairs_fits(void **state)
{
    static char target[ROUTE_TARGET_MAX + 1];

    memset(target, '&', sizeof target - 1);
    memcpy(target, "/api/rows?", 10);
    free(find("GET", target, ""));
}

/* ---- the body ---- */

static void test_the_body_is_a_parameter(void **state)
{
    struct route_match *m =
        find("POST", "/api/rows", "{\"title\":\"\xc3\xa9\"}");

    assert_string_equal(param(m, ":body"), "{\"title\":\"\xc3\xa9\"}");
    free(m);
    m = find("POST", "/api/rows", "");
    assert_null(param(m, ":body"));
    free(m);
}

static void test_a_body_that_is_no_text_is_refused(void **state)
{
    static const uint8_t nul[] = {'{', 0, '}'};
    static const uint8_t half[] = {'{', 0xc3};

    assert_refused_bytes("POST", "/api/rows", (struct covey_bytes){nul, 3},
                         400);
    assert_refused_bytes("POST", "/api/rows", (struct covey_bytes){half, 2},
                         400);
    assert_refused_bytes("GET", "/api/rows", bytes("{}"), 400);
}

static void test_a_body_of_a_mebibyte_is_the_most(void **state)
{
    struct route_refusal refusal;
    uint8_t *body = heap_new(ROUTE_BODY_MAX + 1);
    struct route_match *m = NULL;

    memset(body, 'x', ROUTE_BODY_MAX + 1);
    m = route_find(
        &table,
        &(struct route_ask){"POST", "/api/rows", {body, ROUTE_BODY_MAX}},
        &refusal);
    assert_non_null(m);
    assert_int_equal(strlen(param(m, ":body")), ROUTE_BODY_MAX);
    free(m);
    assert_refused_bytes("POST", "/api/rows",
                         (struct covey_bytes){body, ROUTE_BODY_MAX + 1}, 413);
    free(body);
}

/* ---- errors and the document ---- */

static void assert_error(const char *text, const char *expected)
{
    struct covey_buf out;

    buf_init(&out, &heap_mem, 4096);
    route_error(COVEY_EBAD, text, &out);
    buf_append(&out, "", 1);
    assert_string_equal((const char *)out.p, expected);
    buf_clear(&out);
}

static void test_an_error_is_json_whatever_its_text(void **state)
{
    assert_error("no",
                 "{\"error\":{\"code\":\"bad-input\",\"text\":\"no\"}}\n");
    assert_error("\"\\\n\x7f\xc3\xa9", "{\"error\":{\"code\":\"bad-input\","
                                       "\"text\":\"\\\"\\\\\\u000a\\u007f\xc3"
                                       "\xa9\"}}\n");
    assert_error("\xff", "{\"error\":{\"code\":\"bad-input\",\"text\":\"(not "
                         "UTF-8)\"}}\n");
}

static void test_the_document_has_every_route(void **state)
{
    struct covey_buf out;

    buf_init(&out, &heap_mem, 65536);
    route_document(&table, &out);
    buf_append(&out, "", 1);
    assert_int_equal(buf_rc(&out), COVEY_OK);
    for (size_t i = 0; i < table.count; i++) {
        char *head = heap_print("\n## %s %s\n\n%s\n", rows[i].method,
                                rows[i].path, rows[i].help);

        assert_non_null(strstr((const char *)out.p, head));
        free(head);
    }
    assert_non_null(strstr((const char *)out.p, "| disk-full | 507 |"));
    assert_non_null(strstr((const char *)out.p, "`space kind`"));
    buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_path_finds_its_row),
        cmocka_unit_test(test_a_literal_path_comes_before_a_pattern),
        cmocka_unit_test(test_a_pattern_takes_each_segment),
        cmocka_unit_test(test_the_method_chooses_among_rows_of_one_path),
        cmocka_unit_test(test_an_unknown_path_is_404),
        cmocka_unit_test(test_a_wrong_method_is_405_and_names_the_right_ones),
        cmocka_unit_test(test_only_a_405_names_methods),
        cmocka_unit_test(test_what_is_not_given_is_null),
        cmocka_unit_test(test_query_parameters_are_decoded),
        cmocka_unit_test(test_a_plus_in_a_path_is_a_plus),
        cmocka_unit_test(test_parameters_that_are_not_taken_are_refused),
        cmocka_unit_test(test_malformed_encodings_are_refused),
        cmocka_unit_test(test_a_long_address_is_refused),
        cmocka_unit_test(test_a_query_of_nothing_but_pairs_fits),
        cmocka_unit_test(test_the_body_is_a_parameter),
        cmocka_unit_test(test_a_body_that_is_no_text_is_refused),
        cmocka_unit_test(test_a_body_of_a_mebibyte_is_the_most),
        cmocka_unit_test(test_an_error_is_json_whatever_its_text),
        cmocka_unit_test(test_the_document_has_every_route),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
