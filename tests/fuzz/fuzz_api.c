/* The API's requests as the node answers them: JSON bodies, parameters of every
 * kind, statements for the console.
 *
 * A school's record with a space and two rows; then requests of the input, one
 * after the other: a route of the table, its parameters, a body.  Each answer
 * is JSON; a write that was refused has changed nothing; in the end the record
 * is whole, and opens again. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/routes.h"
#include "tests/fuzz/fuzz.h"
#include "tests/sim/disk.h"
#include "tests/unit/support_world.h"

#define REQUESTS_MAX 12u
#define READ_ROWS_BYTES 4096u

static struct disk *disk, *good;
static struct world at_first, w;
static struct route_table table;
static char space[33], row[41];
static struct reader *reader;
static uint64_t answered; /* the request answered last */
static int status;

static void setup(void)
{
    char sql[200];

    disk_install();
    table.routes = api_routes(&table.count);
    disk = disk_new("school", 1);
    good = disk_new("good", 2);
    nodes_init_on_disks(&w);
    CHECK(nodes_add(&w, "school", true) == 0);
    nodes_start(&w, 0);
    json_t *made = nodes_do(&w, 0, "space-create", NULL,
                            "{\"name\":\"North\",\"admit\":\"ask\"}");
    snprintf(space, sizeof space, "%s",
             json_string_value(json_object_get(made, "id")));
    snprintf(sql, sizeof sql,
             "INSERT INTO priority (space, title, why) VALUES ('%s',"
             " 'Reading', 'because')",
             space);
    nodes_sql(&w, 0, sql);
    nodes_sql(&w, 0,
              "INSERT INTO priority (title, why) VALUES ('Ours', 'alone')");
    made = nodes_sql(&w, 0, "SELECT id FROM priority WHERE title = 'Reading'");
    snprintf(row, sizeof row, "%s",
             json_string_value(json_array_get(
                 json_array_get(json_object_get(made, "rows"), 0), 0)));
    CHECK(strlen(row) == 40 && strlen(space) == 32);
    nodes_kill(&w, 0);
    disk_leave(disk, DISK_KEEP, good);
    json_decref(w.nodes[0].reply);
    w.nodes[0].reply = NULL;
    at_first = w;
}

/* ---- a request of the input ---- */

static void put_encoded(struct covey_buf *out, struct covey_bytes text)
{
    char escaped[4];

    for (size_t i = 0; i < text.len; i++) {
        snprintf(escaped, sizeof escaped, "%%%02X", text.p[i]);
        buf_append(out, escaped, 3);
    }
}

static void put(struct covey_buf *out, const char *text)
{
    buf_append(out, text, strlen(text));
}

/* The id of the space, of a row, or anything. */
static void put_value(struct fuzz_in *in, struct covey_buf *out)
{
    uint8_t which = fuzz_u8(in);

    if (which % 4 == 0)
        put(out, space);
    else if (which % 4 == 1)
        put(out, row);
    else
        put_encoded(out, fuzz_take(in, which / 4));
}

static void put_target(struct fuzz_in *in, const struct api_route *route,
                       struct covey_buf *out)
{
    const char *query = route->query == NULL ? "" : route->query;
    char before = '?';

    for (const char *p = route->path; *p != '\0';) {
        if (*p != ':') {
            buf_append(out, p++, 1);
            continue;
        }
        put_value(in, out);
        p += strcspn(p, "/");
    }
    while (*query != '\0') {
        size_t len = strcspn(query, " ");

        if (fuzz_u8(in) % 2) {
            buf_append(out, &before, 1);
            buf_append(out, query, len);
            put(out, "=");
            put_value(in, out);
            before = '&';
        }
        query += len + (query[len] == ' ');
    }
    buf_append(out, "", 1);
}

/* The body: the input's, with @S and @R for the ids of space and row. */
static void put_body(struct fuzz_in *in, struct covey_buf *out)
{
    struct covey_bytes raw = fuzz_piece(in);

    for (size_t i = 0; i < raw.len; i++) {
        bool two = raw.p[i] == '@' && i + 1 < raw.len;

        if (two && (raw.p[i + 1] == 'S' || raw.p[i + 1] == 'R'))
            put(out, raw.p[++i] == 'S' ? space : row);
        else
            buf_append(out, &raw.p[i], 1);
    }
}

/* ---- its answer ---- */

static void check_answer(int code, const char *text, size_t len)
{
    json_t *json = json_loadb(text, len, JSON_DECODE_ANY, NULL);
    json_t *error = json_object_get(json, "error");

    CHECK(code >= 200 && code < 600);
    CHECK(len == 0 || json != NULL);
    CHECK(code < 400 || json_is_string(json_object_get(error, "code")));
    json_decref(json);
}

static void take_effects(void)
{
    struct node_effect fx;

    node_flush(w.nodes[0].node, w.clock);
    while (node_effect(w.nodes[0].node, &fx)) {
        CHECK(fx.kind != NODE_FX_FATAL);
        if (fx.kind != NODE_FX_REPLY)
            continue;
        check_answer(fx.status, (const char *)fx.text.p, fx.text.len);
        answered = fx.request_id;
        status = fx.status;
    }
}

/* What a write may change: digests, rows of every table, the outbox. */
static void look(struct covey_buf *out)
{
    static const char sql[] =
        "SELECT group_concat(hex(digest) || rows) || '|' ||"
        " (SELECT count(*) FROM outbox) || '|' ||"
        " (SELECT group_concat(id || title) FROM priority) || '|' ||"
        " (SELECT count(*) FROM comment) || (SELECT count(*) FROM action)"
        " FROM space";
    struct covey_why why = {{0}};
    bool done = false;

    CHECK(reader_start(reader, sql, false, NULL, 0, &why) == COVEY_OK);
    CHECK(reader_fill(reader, 65536, out, &done, &why) == COVEY_OK);
    reader_end(reader);
}

static void act(const struct route_match *m)
{
    struct node_request request = {.id = ++w.nodes[0].next_request,
                                   .route = m->route,
                                   .params = m->params,
                                   .param_count = m->param_count};
    struct node_event event = {.kind = NODE_EV_REQUEST, .request = &request};
    struct node_event gone = {.kind = NODE_EV_GONE, .request_id = request.id};
    struct covey_buf before = fuzz_buf(), after = fuzz_buf();

    look(&before);
    node_event(w.nodes[0].node, &event, w.clock);
    take_effects();
    look(&after);
    if (answered == request.id && status >= 400)
        CHECK(fuzz_same(buf_bytes(&before), buf_bytes(&after)));
    if (answered != request.id) {
        CHECK(m->route->run == API_ACTION); /* it waits for something */
        node_event(w.nodes[0].node, &gone, w.clock);
        take_effects();
    }
    buf_clear(&before);
    buf_clear(&after);
}

static void read_rows(const struct route_match *m)
{
    bool list = m->route->run == API_READ_LIST;
    struct covey_buf out = fuzz_buf();
    struct covey_why why = {{0}};
    bool done = false;
    enum covey_rc rc = reader_start(reader, m->route->what, list, m->params,
                                    m->param_count, &why);

    while (rc == COVEY_OK && !done)
        rc = reader_fill(reader, READ_ROWS_BYTES, &out, &done, &why);
    reader_end(reader);
    CHECK(rc == COVEY_OK || rc == COVEY_ENONE || why.text[0] != '\0');
    if (rc == COVEY_OK)
        check_answer(200, (const char *)out.p, out.len);
    buf_clear(&out);
}

static void ask_one(struct fuzz_in *in)
{
    const struct api_route *route = &table.routes[fuzz_u8(in) % table.count];
    struct covey_buf target = fuzz_buf(), body = fuzz_buf();
    struct route_refusal refusal;

    put_target(in, route, &target);
    if (strcmp(route->method, "GET") != 0)
        put_body(in, &body);

    struct route_ask ask = {route->method, (const char *)target.p,
                            buf_bytes(&body)};
    struct route_match *m = route_find(&table, &ask, &refusal);

    if (m != NULL &&
        (m->route->run == API_READ_ONE || m->route->run == API_READ_LIST))
        read_rows(m);
    else if (m != NULL && m->route->run != API_STREAM)
        act(m);
    free(m);
    buf_clear(&target);
    buf_clear(&body);
}

static void one(struct covey_bytes in)
{
    struct fuzz_in parts = fuzz_in(in);
    struct node_event tick = {.kind = NODE_EV_TICK};
    struct covey_why why;

    disk_leave(good, DISK_KEEP, disk);
    w = at_first;
    nodes_start(&w, 0);
    CHECK(reader_open(w.nodes[0].dir, &reader, &why) == COVEY_OK);
    for (size_t i = 0; i < REQUESTS_MAX && parts.left > 0; i++) {
        ask_one(&parts);
        w.clock.now += COVEY_SECOND;
        w.clock.wall_ms += 1000;
        node_event(w.nodes[0].node, &tick, w.clock);
        take_effects();
    }
    reader_close(reader);
    nodes_kill(&w, 0);
    fuzz_check_record(w.nodes[0].dir);
}

const struct fuzz_target fuzz_target = {.setup = setup, .one = one};
