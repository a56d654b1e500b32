#include "daemon/guard.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "daemon/why.h"

/* "CSP default-src 'none' ..., nosniff, no-referrer, COOP/CORP same-origin,
 * Cache-Control no-store" (TRUST.md, rule 28). */
const struct guard_header guard_headers[] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
     "connect-src 'self'; base-uri 'none'; form-action 'self'; "
     "frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cache-Control", "no-store"},
};
const size_t guard_header_count =
    sizeof guard_headers / sizeof guard_headers[0];

static void allow(struct guard *g, const char *host)
{
    CHECK(g->host_count < GUARD_HOSTS_MAX);
    snprintf(g->hosts[g->host_count++], GUARD_HOST_MAX, "%s", host);
}

void guard_init(struct guard *g, const char *bound, uint16_t port,
                const char *token)
{
    static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
    char host[GUARD_HOST_MAX];

    *g = (struct guard){0};
    CHECK(strlen(token) == TOKEN_HEX);
    memcpy(g->token, token, TOKEN_HEX + 1);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(host, sizeof host, "%s:%u", names[i], port);
        allow(g, host);
    }
    allow(g, bound); /* 127.0.0.5, say */
}

static bool is_ours(const struct guard *g, const char *host)
{
    for (size_t i = 0; i < g->host_count; i++) {
        if (strcmp(host, g->hosts[i]) == 0)
            return true;
    }
    return false;
}

static bool origin_is_ours(const struct guard *g, const char *origin)
{
    static const char scheme[] = "http://";

    return strncmp(origin, scheme, sizeof scheme - 1) == 0 &&
           is_ours(g, origin + sizeof scheme - 1);
}

static bool needs_token(const char *path)
{
    return strncmp(path, "/api", 4) == 0 &&
           (path[4] == '\0' || path[4] == '/' || path[4] == '?');
}

static bool token_fits(const struct guard *g, const char *shown)
{
    return shown != NULL && strlen(shown) == TOKEN_HEX &&
           sodium_memcmp(shown, g->token, TOKEN_HEX) == 0;
}

static bool bearer_fits(const struct guard *g, const char *authorization)
{
    static const char scheme[] = "Bearer ";

    return authorization != NULL &&
           strncmp(authorization, scheme, sizeof scheme - 1) == 0 &&
           token_fits(g, authorization + sizeof scheme - 1);
}

static int refuse(struct covey_why *why, int status, const char *text)
{
    why_fail(why, COVEY_EREFUSED, "%s", text);
    return status;
}

int guard_judge(const struct guard *g, const struct guard_ask *ask,
                struct covey_why *why)
{
    if (ask->host_count != 1 || ask->host == NULL || ask->origin_count > 1)
        return refuse(why, 400, "one Host header, and at most one Origin");
    if (!is_ours(g, ask->host))
        return refuse(why, 403,
                      "this port answers to 127.0.0.1, localhost and [::1] "
                      "with its number, and to no other name");
    if (ask->origin != NULL && !origin_is_ours(g, ask->origin))
        return refuse(why, 403, "asked for by a page from somewhere else");
    if (needs_token(ask->path) && !token_fits(g, ask->token) &&
        !bearer_fits(g, ask->authorization))
        return refuse(why, 401,
                      "show the token in the file web.token of the data "
                      "directory, as X-Covey-Token");
    return 0;
}
