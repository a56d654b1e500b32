/* api.h - the table of routes: method, path, who may call, what it runs.
 *
 * Each route is one SQL statement, or a named action where SQL cannot do it.
 * docs/api.md is generated from this table. */
#ifndef COVEY_STORE_API_H
#define COVEY_STORE_API_H

#include "proto/base.h"

enum api_run {
    API_READ_LIST, /* SQL, a list of rows */
    API_READ_ONE,  /* SQL, one row or 404 */
    API_WRITE,     /* SQL in the daemon's transaction, captured and sealed */
    API_ACTION,    /* done by the node: see node.h */
    API_STREAM,    /* server-sent events */
};

enum api_who {
    API_LOCAL, /* whoever may open the socket, or shows the web token */
};

struct api_route {
    const char *method; /* "GET", "POST", "PATCH", "DELETE" */
    const char *path;   /* "/api/space/:space/requests"; a :name is bound */
    enum api_who who;
    enum api_run run;
    const char *what;  /* the SQL, or the action's name */
    const char *query; /* query parameters taken, space-separated, or NULL */
    const char *help;  /* one line */
    /* What the body may hold, likewise, where SQL unpacks it; NULL: else.  See
     * query_body(). */
    const char *fields;
};

/* All routes, those of the shared tables made from rules.h at the first call,
 * which comes before there are threads.  NULL: out of memory. */
const struct api_route *api_routes(size_t *count);

#endif
