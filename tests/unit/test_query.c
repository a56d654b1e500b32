/* test_query.c - what the API's statements give and take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/api.h"
#include "store/query.h"
#include "store/space.h"
#include "support_bytes.h"
#include "support_record.h"

#define SPACE "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
#define WIDER "6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b"
#define ID(n) "018c00000000a1a1a1a1a1a1000000000000000" n

static struct record record;
static struct reader *reader;
static struct covey_buf out;
static struct covey_why why;

static int setup(void **state)
{
    record_init(&record, 0xa1);
    assert_int_equal(reader_open(record.dir, &reader, &why), COVEY_OK);
    out = bytes_buf();
    return 0;
}

static int teardown(void **state)
{
    buf_clear(&out);
    reader_close(reader);
    record_clear(&record);
    return 0;
}

/* What `out` holds, and no more. */
static const char *text(void)
{
    buf_append(&out, "", 1);
    assert_int_equal(buf_rc(&out), COVEY_OK);
    return (const char *)out.p;
}

static const struct api_route *route(const char *method, const char *path)
{
    size_t count;
    const struct api_route *routes = api_routes(&count);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(routes[i].method, method) == 0 &&
            strcmp(routes[i].path, path) == 0)
            return &routes[i];
    }
    fail_msg("there is no route %s %s", method, path);
    return NULL;
}

/* ---- reads ---- */

/* Run a read to its end, `step` bytes at a time; out holds what it gave. */
static enum covey_rc read_by(const char *sql, bool list,
                             const struct query_param *param, size_t step)
{
    bool done = false;
    enum covey_rc rc =
        reader_start(reader, sql, list, param, param == NULL ? 0 : 1, &why);

    buf_reset(&out);
    while (rc == COVEY_OK && !done)
        rc = reader_fill(reader, step, &out, &done, &why);
    reader_end(reader);
    return rc;
}

static const char *get(const char *path, const char *name, const char *value)
{
    const struct api_route *r = route("GET", path);
    struct query_param param = {name, value};
    enum covey_rc rc = read_by(r->what, r->run == API_READ_LIST, &param, 65536);

    if (rc != COVEY_OK)
        print_error("%s\n", why.text);
    assert_int_equal(rc, COVEY_OK);
    return text();
}

#define COUNT_TO(n)                                                            \
    "WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c LIMIT " n \
    ") SELECT json_object('i', i) FROM c"

static void test_a_list_is_one_array_however_it_is_cut(void **state)
{
    static const size_t steps[] = {1, 2, 9, 10, 1000};

    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        assert_int_equal(read_by(COUNT_TO("3"), true, NULL, steps[i]),
                         COVEY_OK);
        assert_string_equal(text(), "[{\"i\":1},\n{\"i\":2},\n{\"i\":3}]");
    }
    assert_int_equal(read_by(COUNT_TO("0"), true, NULL, 9), COVEY_OK);
    assert_string_equal(text(), "[]");
}

static void test_a_long_list_streams(void **state)
{
    bool done = false;
    size_t calls = 0;

    assert_int_equal(
        reader_start(reader, COUNT_TO("10000"), true, NULL, 0, &why), COVEY_OK);
    while (!done) {
        buf_reset(&out);
        assert_int_equal(reader_fill(reader, 4096, &out, &done, &why),
                         COVEY_OK);
        assert_in_range(out.len, 1, 4096 + 32);
        calls++;
    }
    reader_end(reader);
    assert_in_range(calls, 20, 60);
}

static void test_one_row_that_is_not_there_is_told(void **state)
{
    struct query_param id = {":id", ID("1")};

    assert_int_equal(
        read_by(route("GET", "/api/priorities/:id")->what, false, &id, 100),
        COVEY_ENONE);
}

static void test_a_question_without_end_is_ended(void **state)
{
    assert_int_equal(read_by("WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL"
                             " SELECT i + 1 FROM c) SELECT max(i) FROM c",
                             false, NULL, 100),
                     COVEY_ETIMEOUT);
    assert_non_null(strstr(why.text, "too long"));
    assert_string_equal(get("/api/spaces/:space/members", ":space", SPACE),
                        "[]");
}

static void test_a_reader_writes_nothing(void **state)
{
    assert_true(read_by("DELETE FROM space", false, NULL, 100) != COVEY_OK);
    assert_string_equal(record_sql(&record, "SELECT count(*) FROM space"), "1");
}

static void test_every_read_runs(void **state)
{
    size_t count;
    const struct api_route *routes = api_routes(&count);

    for (size_t i = 0; i < count; i++) {
        bool list = routes[i].run == API_READ_LIST;
        struct query_param id = {":id", ID("1")};

        if (!list && routes[i].run != API_READ_ONE)
            continue;

        enum covey_rc rc = read_by(routes[i].what, list, &id, 100);

        if (rc != COVEY_OK && rc != COVEY_ENONE)
            print_error("%s: %s\n", routes[i].path, why.text);
        assert_true(rc == COVEY_OK || (!list && rc == COVEY_ENONE));
    }
}

/* ---- writes ---- */

/* One request; out holds the answer. */
static enum covey_rc ask(const char *method, const char *path, const char *id,
                         const char *body)
{
    const struct api_route *r = route(method, path);
    struct query_param params[] = {{":id", id}, {":body", body}};
    enum covey_rc rc;

    buf_reset(&out);
    record_begin(&record);
    rc = query_body(record.st, r->fields, params, 2, &why);
    if (rc == COVEY_OK)
        rc = query_write(record.st, r->what, params, 2, &out, &why);
    if (rc == COVEY_OK)
        record_commit(&record);
    else
        store_rollback(record.st);
    return rc;
}

static void done(enum covey_rc rc)
{
    if (rc != COVEY_OK)
        print_error("%s\n", why.text);
    assert_int_equal(rc, COVEY_OK);
}

/* Add a row; gives its id, which lives until the second call from now. */
static const char *add(const char *path, const char *body)
{
    static char ids[2][64];
    static size_t next;
    char *id = ids[next++ % 2];

    done(ask("POST", path, NULL, body));
    assert_int_equal(sscanf(text(), "{\"id\":\"%40[0-9a-f]\"}", id), 1);
    return id;
}

static void refuse(enum covey_rc rc, enum covey_rc expected, const char *words)
{
    assert_int_equal(rc, expected);
    if (strstr(why.text, words) == NULL)
        print_error("%s\n", why.text);
    assert_non_null(strstr(why.text, words));
}

static void test_a_row_is_added_and_shown(void **state)
{
    const char *id =
        add("/api/priorities",
            "{\"space\":\"" SPACE "\",\"title\":\"A \\\"quote\\\" \\u00e9\","
            "\"why\":\"W\",\"principles\":[\"P3\",\"P1\",\"P3\"]}");
    const char *row = get("/api/priorities/:id", ":id", id);

    assert_non_null(strstr(row, "\"title\":\"A \\\"quote\\\" \xc3\xa9\""));
    assert_non_null(strstr(row, "\"principles\":[\"P1\",\"P3\"]"));
    assert_non_null(strstr(row, "\"phases\":[]"));
    assert_non_null(strstr(row, "\"status\":\"draft\""));
    assert_non_null(strstr(row, "\"outcome\":null"));
    assert_non_null(strstr(row, "\"conflicts\":0"));
    assert_string_equal(record_sql(&record, "SELECT op FROM outbox"), "1");
}

static void test_a_change_touches_only_what_the_body_names(void **state)
{
    const char *id = add("/api/actions", "{\"space\":\"" SPACE
                                         "\",\"title\":\"T\",\"note\":\"N\"}");

    record_sql(&record, "DELETE FROM outbox");
    done(ask("PATCH", "/api/actions/:id", id, "{\"status\":\"done\"}"));
    assert_string_equal(
        record_sql(&record, "SELECT title || note || status FROM action"),
        "TNdone");
    assert_string_equal(record_sql(&record, "SELECT cols FROM outbox"), "32");
    done(ask("PATCH", "/api/actions/:id", id, "{\"note\":null}"));
    assert_string_equal(record_sql(&record, "SELECT note IS NULL FROM action"),
                        "1");
}

static void test_tags_are_set_and_cleared(void **state)
{
    const char *id = add("/api/priorities", "{\"title\":\"T\",\"why\":\"W\"}");

    done(ask("PATCH", "/api/priorities/:id", id,
             "{\"phases\":[\"KS2\",\"EY\"]}"));
    assert_string_equal(record_sql(&record, "SELECT phases FROM priority"),
                        "[\"EY\",\"KS2\"]");
    done(ask("PATCH", "/api/priorities/:id", id, "{\"phases\":[]}"));
    assert_string_equal(record_sql(&record, "SELECT phases FROM priority"),
                        "[]");
    done(ask("PATCH", "/api/priorities/:id", id, "{\"phases\":null}"));
    assert_string_equal(
        record_sql(&record, "SELECT phases IS NULL FROM priority"), "1");
    refuse(ask("PATCH", "/api/priorities/:id", id, "{\"phases\":[\"KS9\"]}"),
           COVEY_EREFUSED, "priority.phases is not a JSON array");
    refuse(ask("PATCH", "/api/priorities/:id", id, "{\"phases\":\"KS2\"}"),
           COVEY_EREFUSED, "priority.phases is not a JSON array");
}

static void test_a_list_survives_what_others_wrote(void **state)
{
    record_sql(&record, "INSERT INTO priority (title, why) VALUES ('T', 'W')");
    record_sql(&record, "DROP TRIGGER priority_update");
    record_sql(&record, "UPDATE priority SET phases = 'no JSON'");
    assert_non_null(
        strstr(get("/api/priorities", ":space", NULL), "\"phases\":[]"));
}

static void test_a_deleted_row_is_gone(void **state)
{
    const char *id = add("/api/actions", "{\"title\":\"T\"}");

    done(ask("DELETE", "/api/actions/:id", id, NULL));
    refuse(ask("DELETE", "/api/actions/:id", id, NULL), COVEY_ENONE,
           "no such row");
    refuse(ask("PATCH", "/api/actions/:id", id, "{\"title\":\"U\"}"),
           COVEY_ENONE, "no such row");
}

static void test_a_bad_body_is_told(void **state)
{
    refuse(ask("POST", "/api/actions", NULL, "{\"titel\":\"T\"}"), COVEY_EBAD,
           "no field \"titel\" here; there are: space priority title");
    refuse(ask("POST", "/api/actions", NULL, "[1]"), COVEY_EBAD,
           "must be a JSON object");
    refuse(ask("POST", "/api/actions", NULL, "{\"title\":"), COVEY_EBAD,
           "must be a JSON object");
    refuse(ask("POST", "/api/actions", NULL, NULL), COVEY_EBAD,
           "must be a JSON object");
    refuse(ask("PATCH", "/api/priorities/:id", ID("1"), "{\"source\":null}"),
           COVEY_EBAD, "no field \"source\"");
    refuse(ask("POST", "/api/actions", NULL, "{\"title\":\"\"}"),
           COVEY_EREFUSED, "action.title is empty");
}

static void test_a_row_is_listed_by_what_it_points_to(void **state)
{
    char id[41];
    char body[160];

    snprintf(id, sizeof id, "%s",
             add("/api/priorities", "{\"title\":\"T\",\"why\":\"W\"}"));
    snprintf(body, sizeof body, "{\"title\":\"A\",\"priority\":\"%s\"}", id);
    add("/api/actions", body);
    add("/api/actions", "{\"title\":\"B\",\"status\":\"done\"}");

    const char *list = get("/api/actions", ":priority", id);

    assert_non_null(strstr(list, "\"A\""));
    assert_null(strstr(list, "\"B\""));
    list = get("/api/actions", ":status", "done");
    assert_non_null(strstr(list, "\"B\""));
    assert_null(strstr(list, "\"A\""));
    assert_string_equal(get("/api/actions", ":space", SPACE), "[]");
}

static void test_a_comment_lies_where_its_row_lies(void **state)
{
    const char *id =
        add("/api/priorities",
            "{\"space\":\"" SPACE "\",\"title\":\"T\",\"why\":\"W\"}");
    char body[160];

    snprintf(body, sizeof body, "{\"on_row\":\"%s\",\"text\":\"Why?\"}", id);
    add("/api/comments", body);
    assert_string_equal(record_sql(&record, "SELECT space FROM comment"),
                        SPACE);
    assert_non_null(
        strstr(get("/api/rows/:id/comments", ":id", id), "\"Why?\""));
    refuse(ask("POST", "/api/comments", NULL,
               "{\"on_row\":\"" ID("9") "\",\"text\":\"Why?\"}"),
           COVEY_ENONE, "no such row");
}

/* ---- names ---- */

static void test_names_stand_beside_ids(void **state)
{
    struct member_row member = {.name = "Sandy Upper",
                                .role = ROLE_SCHOOL,
                                .kind = MEMBER_SCHOOL,
                                .present = true};
    char body[256];

    memset(member.id.b, 0xa1, sizeof member.id.b);
    record_begin(&record);
    done(space_project_begin(record.st, record.n));
    done(space_project_member(record.st, record.n, &member));
    record_commit(&record);
    snprintf(body, sizeof body,
             "{\"space\":\"" SPACE "\",\"title\":\"T\",\"owner\":\"%s\"}",
             record_sql(&record, "SELECT id FROM member"));

    const char *row = get("/api/actions/:id", ":id", add("/api/actions", body));

    assert_non_null(strstr(row, "\"owner_name\":\"Sandy Upper\""));
    assert_non_null(strstr(row, "\"author_name\":\"Sandy Upper\""));
    row = get("/api/actions/:id", ":id",
              add("/api/actions", "{\"title\":\"Private\"}"));
    assert_non_null(strstr(row, "\"owner_name\":null"));
    assert_non_null(strstr(row, "\"author_name\":\"School\""));
}

/* ---- copies ---- */

static void share(const char *id, const char *space)
{
    buf_reset(&out);
    record_begin(&record);
    done(query_share(record.st, id, space, &out, &why));
    record_commit(&record);
}

static void test_a_copy_names_its_source(void **state)
{
    char id[41];

    record_space(&record, 0x6b);
    snprintf(id, sizeof id, "%s",
             add("/api/priorities", "{\"title\":\"T\",\"why\":\"W\","
                                    "\"phases\":[\"KS2\"]}"));
    share(id, WIDER);
    assert_string_equal(
        record_sql(&record, "SELECT c.title || c.phases || (c.source = p.id)"
                            " || (c.id <> p.id) FROM priority AS c JOIN"
                            " priority AS p ON p.space IS NULL"
                            " WHERE c.space = '" WIDER "'"),
        "T[\"KS2\"]11");
}

static void test_a_copy_points_to_the_copy_of_what_it_points_to(void **state)
{
    char priority[41];
    char body[160];

    record_space(&record, 0x6b);
    snprintf(priority, sizeof priority, "%s",
             add("/api/priorities", "{\"title\":\"T\",\"why\":\"W\"}"));
    snprintf(body, sizeof body, "{\"title\":\"A\",\"priority\":\"%s\"}",
             priority);

    const char *action = add("/api/actions", body);

    share(priority, WIDER);
    share(action, WIDER);
    assert_string_equal(
        record_sql(&record, "SELECT p.space = a.space AND p.id = a.priority"
                            " FROM priority AS p, action AS a"
                            " WHERE p.space IS NOT NULL AND"
                            " a.space IS NOT NULL"),
        "1");
}

static void test_what_is_not_there_is_not_copied(void **state)
{
    record_begin(&record);
    refuse(query_share(record.st, ID("9"), SPACE, &out, &why), COVEY_ENONE,
           "no such row");
    store_rollback(record.st);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        EACH(test_a_list_is_one_array_however_it_is_cut),
        EACH(test_a_long_list_streams),
        EACH(test_one_row_that_is_not_there_is_told),
        EACH(test_a_question_without_end_is_ended),
        EACH(test_a_reader_writes_nothing),
        EACH(test_every_read_runs),
        EACH(test_a_row_is_added_and_shown),
        EACH(test_a_change_touches_only_what_the_body_names),
        EACH(test_tags_are_set_and_cleared),
        EACH(test_a_list_survives_what_others_wrote),
        EACH(test_a_deleted_row_is_gone),
        EACH(test_a_bad_body_is_told),
        EACH(test_a_row_is_listed_by_what_it_points_to),
        EACH(test_a_comment_lies_where_its_row_lies),
        EACH(test_names_stand_beside_ids),
        EACH(test_a_copy_names_its_source),
        EACH(test_a_copy_points_to_the_copy_of_what_it_points_to),
        EACH(test_what_is_not_there_is_not_copied),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
