#include "daemon/routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/heap.h"
#include "daemon/node.h"
#include "daemon/why.h"

/* Where a match is put together: text grows at `at` and has room by then. */
struct maker {
    struct route_match *match;
    char *at;
    struct route_refusal *refusal;
};

static bool refuse(struct route_refusal *r, int status, enum covey_rc rc,
                   const char *text)
{
    r->status = status;
    r->rc = rc;
    why_fail(&r->why, rc, "%s", text);
    return false;
}

/* ---- which row ---- */

/* Does the path, whose first path_len bytes count, have the pattern's form? */
static bool fits(const char *pattern, const char *path, size_t path_len)
{
    const char *end = path + path_len;

    while (*pattern != '\0') {
        if (*pattern != ':') {
            if (path == end || *path != *pattern)
                return false;
            path++;
            pattern++;
            continue;
        }

        const char *from = path;

        while (path < end && *path != '/')
            path++;
        if (path == from)
            return false;
        pattern += strcspn(pattern, "/");
    }
    return path == end;
}

static void note_allowed(struct route_refusal *r, const char *method)
{
    size_t len = strlen(r->allow);

    if (strstr(r->allow, method) == NULL)
        snprintf(r->allow + len, sizeof r->allow - len, "%s%s",
                 len > 0 ? ", " : "", method);
}

static const struct api_route *find_route(const struct route_table *table,
                                          const struct route_ask *ask,
                                          size_t path_len,
                                          struct route_refusal *r)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct api_route *route = &table->routes[i];

        if (!fits(route->path, ask->target, path_len))
            continue;
        if (strcmp(route->method, ask->method) == 0) {
            r->allow[0] = '\0'; /* whatever is wrong later is no 405 */
            return route;
        }
        note_allowed(r, route->method);
    }
    if (r->allow[0] != '\0') {
        refuse(r, 405, COVEY_EUSAGE, "");
        why_fail(&r->why, COVEY_EUSAGE, "this path takes %s", r->allow);
    } else {
        refuse(r, 404, COVEY_ENONE, "there is no such path in the API");
    }
    return NULL;
}

/* ---- its parameters ---- */

/* Append ":name"; returns it. */
static const char *put_name(struct maker *m, const char *name, size_t len)
{
    char *text = m->at;

    *m->at++ = ':';
    memcpy(m->at, name, len);
    m->at += len;
    *m->at++ = '\0';
    return text;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* One byte of a percent-encoded text, at *i < len; false if it is malformed. */
static bool decode_byte(const char *p, size_t len, size_t *i, bool query,
                        char *out)
{
    char c = p[(*i)++];

    if (query && c == '+')
        c = ' ';
    *out = c;
    if (c != '%')
        return true;
    if (len - *i < 2)
        return false;

    int high = digit(p[*i]);
    int low = digit(p[*i + 1]);

    *i += 2;
    *out = (char)(high * 16 + low);
    return high >= 0 && low >= 0;
}

/* Append what stands percent-encoded at p; NULL with the refusal filled. */
static const char *put_decoded(struct maker *m, const char *p, size_t len,
                               bool query)
{
    char *text = m->at;
    bool good = true;

    for (size_t i = 0; i < len && good;) {
        good = decode_byte(p, len, &i, query, m->at);
        good = good && *m->at != '\0';
        m->at++;
    }
    if (!good || !text_is_utf8((const uint8_t *)text, (size_t)(m->at - text))) {
        refuse(m->refusal, 400, COVEY_EBAD,
               "the address is not percent-encoded UTF-8 without NUL");
        return NULL;
    }
    *m->at++ = '\0';
    return text;
}

static void add_param(struct maker *m, const char *name, const char *text)
{
    CHECK(m->match->param_count < ROUTE_PARAMS_MAX);
    m->match->params[m->match->param_count++] =
        (struct query_param){name, text};
}

/* The pattern fits, so both have the same segments. */
static bool take_path(struct maker *m, const char *path)
{
    const char *pattern = m->match->route->path;

    while (*pattern != '\0') {
        size_t pattern_len = strcspn(pattern, "/");
        size_t len = strcspn(path, "/?");

        if (*pattern == ':') {
            const char *name = put_name(m, pattern + 1, pattern_len - 1);
            const char *text = put_decoded(m, path, len, false);

            if (text == NULL)
                return false;
            add_param(m, name, text);
        }
        pattern += pattern_len + (pattern[pattern_len] == '/');
        path += len + (path[len] == '/');
    }
    return true;
}

/* Each query parameter that the route takes, NULL until it is met. */
static void declare_query(struct maker *m)
{
    const char *names = m->match->route->query;

    while (names != NULL && *names != '\0') {
        size_t len = strcspn(names, " ");

        if (len > 0)
            add_param(m, put_name(m, names, len), NULL);
        names += len + (names[len] == ' ');
    }
}

static struct query_param *declared(struct maker *m, size_t first,
                                    const char *name)
{
    for (size_t i = first; i < m->match->param_count; i++) {
        if (strcmp(m->match->params[i].name + 1, name) == 0)
            return &m->match->params[i];
    }
    return NULL;
}

static bool take_pair(struct maker *m, size_t first, const char *pair,
                      size_t len)
{
    const char *equals = memchr(pair, '=', len);
    size_t name_len = equals == NULL ? len : (size_t)(equals - pair);
    const char *name = put_decoded(m, pair, name_len, true);
    struct query_param *param = NULL;

    if (name == NULL)
        return false;
    param = declared(m, first, name);
    if (param == NULL || param->text != NULL) {
        refuse(m->refusal, 400, COVEY_EUSAGE, "");
        why_fail(&m->refusal->why, COVEY_EUSAGE,
                 param == NULL ? "this path takes no parameter %s"
                               : "the parameter %s is given twice",
                 name);
        return false;
    }
    param->text = equals == NULL
                      ? ""
                      : put_decoded(m, equals + 1, len - name_len - 1, true);
    return param->text != NULL;
}

static bool take_query(struct maker *m, const char *query)
{
    size_t first = m->match->param_count;

    declare_query(m);
    while (*query != '\0') {
        size_t len = strcspn(query, "&");

        if (len > 0 && !take_pair(m, first, query, len))
            return false;
        query += len + (query[len] == '&');
    }
    return true;
}

static bool take_body(struct maker *m, struct covey_bytes body)
{
    if (strcmp(m->match->route->method, "GET") == 0)
        return body.len == 0 ||
               refuse(m->refusal, 400, COVEY_EUSAGE, "GET takes no body");

    const char *name = put_name(m, "body", strlen("body"));

    if (body.len == 0) {
        add_param(m, name, NULL);
        return true;
    }
    if (memchr(body.p, '\0', body.len) != NULL ||
        !text_is_utf8(body.p, body.len))
        return refuse(m->refusal, 400, COVEY_EBAD,
                      "the body is not UTF-8 without NUL");
    add_param(m, name, m->at);
    memcpy(m->at, body.p, body.len);
    m->at += body.len;
    *m->at++ = '\0';
    return true;
}

/* No text gets longer by decoding; each of the most that there can be takes a
 * name, with its colon and NUL, and a NUL of its own. */
static size_t text_size(const struct api_route *route,
                        const struct route_ask *ask)
{
    return strlen(route->path) +
           (route->query == NULL ? 0 : strlen(route->query)) +
           strlen(ask->target) + ask->body.len + sizeof ":body" +
           (size_t)ROUTE_PARAMS_MAX * 4 + ROUTE_TARGET_MAX;
}

struct route_match *route_find(const struct route_table *table,
                               const struct route_ask *ask,
                               struct route_refusal *refusal)
{
    struct maker m = {.refusal = refusal};
    size_t target_len = strlen(ask->target);
    size_t path_len = strcspn(ask->target, "?");

    *refusal = (struct route_refusal){0};
    if (target_len > ROUTE_TARGET_MAX) {
        refuse(refusal, 414, COVEY_ELIMIT, "the address is too long");
        return NULL;
    }
    if (ask->body.len > ROUTE_BODY_MAX) {
        refuse(refusal, 413, COVEY_ELIMIT, "the body is larger than 1 MiB");
        return NULL;
    }

    const struct api_route *route = find_route(table, ask, path_len, refusal);

    if (route == NULL)
        return NULL;
    m.match = heap_new(sizeof *m.match + text_size(route, ask));
    m.match->route = route;
    m.at = m.match->text;

    const char *query = ask->target + path_len;

    if (take_path(&m, ask->target) &&
        take_query(&m, *query == '?' ? query + 1 : query) &&
        take_body(&m, ask->body))
        return m.match;
    free(m.match);
    return NULL;
}

/* ---- errors ---- */

static void put(struct covey_buf *out, const char *text)
{
    buf_append(out, text, strlen(text));
}

/* What is not UTF-8 has no place in JSON. */
static void put_json(struct covey_buf *out, const char *text)
{
    char escape[8];

    if (!text_is_utf8((const uint8_t *)text, strlen(text)))
        text = "(not UTF-8)";
    put(out, "\"");
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\')
            snprintf(escape, sizeof escape, "\\%c", c);
        else if (c < ' ' || c == 0x7f)
            snprintf(escape, sizeof escape, "\\u%04x", c);
        else
            snprintf(escape, sizeof escape, "%c", c);
        put(out, escape);
    }
    put(out, "\"");
}

void route_error(enum covey_rc rc, const char *text, struct covey_buf *out)
{
    put(out, "{\"error\":{\"code\":");
    put_json(out, covey_rc_id(rc));
    put(out, ",\"text\":");
    put_json(out, text);
    put(out, "}}\n");
}

/* ---- docs/api.md ---- */

static const char document_head[] =
    "# The API\n"
    "\n"
    "Made by `coveyd --api-doc` from the table in `store/api.c`; do not edit.\n"
    "\n"
    "HTTP/1.1 over the Unix socket `DIR/covey.sock`, and with `--web` over\n"
    "loopback TCP for whoever shows the token in `DIR/web.token` as\n"
    "`X-Covey-Token: TOKEN` or `Authorization: Bearer TOKEN`. Answers are "
    "JSON.\n"
    "A body is JSON, of 1 MiB at most. An error is\n"
    "`{\"error\":{\"code\":\"...\",\"text\":\"...\"}}`, with the codes below.\n"
    "\n"
    "```\n"
    "curl --unix-socket DIR/covey.sock http://covey/api/status\n"
    "```\n"
    "\n"
    "Each route is one SQL statement or, where SQL cannot do it, a named "
    "action.\n"
    "In a path `:name` stands for one segment; it and the query parameters "
    "are\n"
    "bound to the statement by their names, the body as `:body`.\n";

static const char *gives(enum api_run run)
{
    switch (run) {
    case API_READ_LIST:
        return "a list, read by";
    case API_READ_ONE:
        return "one object or 404, read by";
    case API_WRITE:
        return "what was written, by";
    case API_ACTION:
        return "the answer of the action";
    case API_STREAM:
        return "server-sent events";
    }
    return "";
}

static void document_route(const struct api_route *route, struct covey_buf *out)
{
    bool is_sql = route->run != API_ACTION;

    put(out, "\n## ");
    put(out, route->method);
    put(out, " ");
    put(out, route->path);
    put(out, "\n\n");
    put(out, route->help);
    put(out, "\n\n");
    if (route->query != NULL && *route->query != '\0') {
        put(out, "Query parameters: `");
        put(out, route->query);
        put(out, "`.\n\n");
    }
    if (route->fields != NULL) {
        put(out, "The body is a JSON object with some of `");
        put(out, route->fields);
        put(out, "`.\n\n");
    }
    put(out, "Gives ");
    put(out, gives(route->run));
    if (route->run == API_STREAM) {
        put(out, ".\n");
        return;
    }
    put(out, is_sql ? "\n\n```sql\n" : " `");
    put(out, route->what);
    put(out, is_sql ? "\n```\n" : "`.\n");
}

void route_document(const struct route_table *table, struct covey_buf *out)
{
    static const enum covey_rc codes[] = {
#define X(name, number, id, text) COVEY_##name,
        COVEY_RC_TABLE(X)
#undef X
    };
    char line[200];

    put(out, document_head);
    for (size_t i = 0; i < table->count; i++)
        document_route(&table->routes[i], out);
    put(out, "\n## Errors\n\n| code | HTTP | means |\n|---|---|---|\n");
    for (size_t i = 1; i < sizeof codes / sizeof codes[0]; i++) {
        snprintf(line, sizeof line, "| %s | %d | %s |\n", covey_rc_id(codes[i]),
                 node_status_of(codes[i]), covey_rc_text(codes[i]));
        put(out, line);
    }
    put(out, "\nBefore a route is found: 400 (malformed), 401 (no token), 403 "
             "(not from here),\n404 (no such path), 405 (no such method), 413 "
             "and 414 (too long), 503 (too\nmany at once, or stopping).\n");
}
