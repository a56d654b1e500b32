/* routes.h - from a request's first line and body to a row of the table.
 *
 * Pure: it takes text and gives a match, whose parameters are decoded, free of
 * NUL and valid UTF-8.  A pattern's :name stands for one path segment that is
 * not empty.  The first row that fits is the one, so a literal path stands
 * before a pattern that it fits too. */
#ifndef COVEY_DAEMON_ROUTES_H
#define COVEY_DAEMON_ROUTES_H

#include "store/api.h"
#include "store/query.h"

#define ROUTE_TARGET_MAX 8192u  /* bytes of path and query, as sent */
#define ROUTE_BODY_MAX 1048576u /* bytes of body: 1 MiB */
#define ROUTE_PARAMS_MAX 24u    /* of path and query, and the body */
#define ROUTE_ALLOW_MAX 64u     /* bytes, NUL included */

struct route_table {
    const struct api_route *routes;
    size_t count;
};

struct route_ask {
    const char *method;      /* "GET" */
    const char *target;      /* "/api/row/1?deep=yes", still encoded */
    struct covey_bytes body; /* empty where there is none */
};

/* One heap block; free() it. */
struct route_match {
    const struct api_route *route;
    size_t param_count;
    /* Path, then query (text NULL where not given), then ":body" (NULL where
     * empty); names begin with a colon. */
    struct query_param params[ROUTE_PARAMS_MAX];
    char text[]; /* what params point into */
};

/* Why there is no match. */
struct route_refusal {
    int status;                  /* HTTP */
    enum covey_rc rc;            /* for the JSON error */
    char allow[ROUTE_ALLOW_MAX]; /* 405: methods that the path takes */
    struct covey_why why;
};

/* NULL if there is none: refusal is filled then. */
struct route_match *route_find(const struct route_table *table,
                               const struct route_ask *ask,
                               struct route_refusal *refusal);

/* {"error":{"code":"...","text":"..."}} and a newline, appended. */
void route_error(enum covey_rc rc, const char *text, struct covey_buf *out);

/* docs/api.md, from the table. */
void route_document(const struct route_table *table, struct covey_buf *out);

#endif
