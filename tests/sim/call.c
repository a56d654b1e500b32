/* call.c - requests of the API, asked of a node in a world. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

#define CALL_WAIT (60 * COVEY_SECOND)

static uint64_t send(struct world *w, size_t i, const struct api_route *route,
                     const struct world_request *what)
{
    struct host *h = &w->hosts[i];
    struct query_param params[] = {
        {":space", what->space}, {":id", what->id}, {":body", what->body}};
    struct node_request request = {.id = ++h->next_request,
                                   .route = route,
                                   .params = params,
                                   .param_count = what->body == NULL ? 2 : 3};
    struct node_event event = {.kind = NODE_EV_REQUEST, .request = &request};
    size_t count;

    world_note(w, i, TRACE_ASK, request.id,
               (uint64_t)(route - api_routes(&count)));
    host_event(w, i, &event);
    return request.id;
}

uint64_t world_request(struct world *w, size_t i,
                       const struct world_request *what)
{
    size_t count, at = 0;
    const struct api_route *routes = api_routes(&count);

    while (at < count && (strcmp(routes[at].method, what->method) != 0 ||
                          strcmp(routes[at].path, what->path) != 0))
        at++;
    CHECK(at < count);
    return send(w, i, &routes[at], what);
}

uint64_t world_ask(struct world *w, size_t i, const char *action,
                   const char *space, const char *body)
{
    struct world_request what = {.space = space, .body = body};
    size_t count, at = 0;
    const struct api_route *routes = api_routes(&count);

    while (at < count && (routes[at].run != API_ACTION ||
                          strcmp(routes[at].what, action) != 0))
        at++;
    CHECK(at < count);
    return send(w, i, &routes[at], &what);
}

json_t *world_call(struct world *w, size_t i, const char *action,
                   const char *space, const char *body)
{
    covey_time until = w->now + CALL_WAIT;

    w->call_host = i;
    w->call_request = w->hosts[i].next_request + 1;
    w->call_answered = false;
    w->status = 0;
    (void)world_ask(w, i, action, space, body);
    while (!w->call_answered && world_step(w, until))
        continue;
    w->call_host = TRACE_NOBODY;
    return w->call_answered ? w->reply : NULL;
}

json_t *world_do(struct world *w, size_t i, const char *action,
                 const char *space, const char *body)
{
    json_t *reply = world_call(w, i, action, space, body);

    if (w->status != 200) {
        char *text = json_dumps(reply, JSON_ENCODE_ANY);

        world_fail(w, "%s at n%zu: %d %s", action, i, w->status,
                   text == NULL ? "no answer" : text);
        free(text);
    }
    return reply;
}

static char *sql_body(const char *statement)
{
    json_t *json = json_pack("{s:s}", "statement", statement);
    char *text = json_dumps(json, 0);

    CHECK(text != NULL);
    json_decref(json);
    return text;
}

json_t *world_sql(struct world *w, size_t i, const char *statement)
{
    char *body = sql_body(statement);
    json_t *reply = world_do(w, i, "sql", NULL, body);

    free(body);
    return reply;
}

uint64_t world_ask_sql(struct world *w, size_t i, const char *statement)
{
    char *body = sql_body(statement);
    uint64_t request = world_ask(w, i, "sql", NULL, body);

    free(body);
    return request;
}
