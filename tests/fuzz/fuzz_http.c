/* A request of the API before anything acts on it: the route that it names and
 * its parameters (routes.h), whether a page may ask (guard.h), and the error
 * that says no.
 *
 * What is matched, encoded again from its parameters, is matched as the same.
 * Whoever is let in has shown a Host of ours and, for the API, the token. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/guard.h"
#include "daemon/routes.h"
#include "tests/fuzz/fuzz.h"

static struct route_table table;
static struct guard guard;
static char token[TOKEN_HEX + 1];

static void setup(void)
{
    table.routes = api_routes(&table.count);
    CHECK(table.routes != NULL);
    memset(token, 'a', TOKEN_HEX);
    guard_init(&guard, "127.0.0.5:8080", 8080, token);
}

/* ---- routes ---- */

static void check_error(enum covey_rc rc, const char *text)
{
    struct covey_buf out = fuzz_buf();

    route_error(rc, text, &out);

    json_t *error = json_loadb((const char *)out.p, out.len, 0, NULL);

    CHECK(json_is_object(json_object_get(error, "error")));
    json_decref(error);
    buf_clear(&out);
}

static void put_encoded(struct covey_buf *out, const char *text)
{
    char escaped[4];

    for (; *text != '\0'; text++) {
        snprintf(escaped, sizeof escaped, "%%%02X", (unsigned char)*text);
        buf_append(out, escaped, 3);
    }
}

static void put(struct covey_buf *out, const char *text)
{
    buf_append(out, text, strlen(text));
}

/* A target that says the same as the match, spelt in full. */
static void spell(const struct route_match *m, struct covey_buf *out)
{
    const char *pattern = m->route->path;
    size_t at = 0;
    bool first = true;

    while (*pattern != '\0') {
        if (*pattern != ':') {
            buf_append(out, pattern++, 1);
            continue;
        }
        put_encoded(out, m->params[at++].text);
        pattern += strcspn(pattern, "/");
    }
    for (; at < m->param_count; at++) {
        const struct query_param *p = &m->params[at];

        if (p->text == NULL || strcmp(p->name, ":body") == 0)
            continue;
        put(out, first ? "?" : "&");
        put(out, p->name + 1);
        put(out, "=");
        put_encoded(out, p->text);
        first = false;
    }
    buf_append(out, "", 1);
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void check_match(const struct route_match *m,
                        const struct route_ask *ask)
{
    struct covey_buf target = fuzz_buf();
    struct route_refusal refusal;

    for (size_t i = 0; i < m->param_count; i++) {
        const char *text = m->params[i].text;

        CHECK(m->params[i].name[0] == ':');
        CHECK(text == NULL ||
              text_is_utf8((const uint8_t *)text, strlen(text)));
    }
    spell(m, &target);
    if (target.len <= ROUTE_TARGET_MAX) {
        struct route_ask again = {ask->method, (const char *)target.p,
                                  ask->body};
        struct route_match *same = route_find(&table, &again, &refusal);

        CHECK(same != NULL && same->route == m->route);
        CHECK(same->param_count == m->param_count);
        for (size_t i = 0; i < m->param_count; i++)
            CHECK(same_text(same->params[i].text, m->params[i].text));
        free(same);
    }
    buf_clear(&target);
}

static void route(struct fuzz_in *in)
{
    static const char *const methods[] = {"GET", "POST", "PATCH", "DELETE",
                                          "PUT"};
    struct route_refusal refusal;
    struct route_ask ask = {.method = methods[fuzz_u8(in) % 5]};
    char *target = fuzz_text(fuzz_piece(in));

    ask.target = target;
    ask.body = fuzz_rest(in);

    struct route_match *m = route_find(&table, &ask, &refusal);

    if (m != NULL) {
        check_match(m, &ask);
    } else {
        CHECK(refusal.status >= 400 && refusal.status < 500);
        CHECK(refusal.rc != COVEY_OK && refusal.why.text[0] != '\0');
        CHECK((refusal.allow[0] != '\0') == (refusal.status == 405));
        check_error(refusal.rc, refusal.why.text);
    }
    free(m);
    free(target);
}

/* ---- the guard ---- */

static bool is_one_of(const char *text, const char *before)
{
    static const char *const ours[] = {"127.0.0.1:8080", "localhost:8080",
                                       "[::1]:8080", "127.0.0.5:8080"};
    size_t len = strlen(before);

    if (strncmp(text, before, len) != 0)
        return false;
    for (size_t i = 0; i < 4; i++) {
        if (strcmp(text + len, ours[i]) == 0)
            return true;
    }
    return false;
}

static void judge(struct fuzz_in *in)
{
    struct guard_ask ask = {0};
    struct covey_why why = {{0}};
    uint8_t has = fuzz_u8(in);
    char *texts[5];

    for (size_t i = 0; i < 5; i++)
        texts[i] = fuzz_text(fuzz_piece(in));
    ask.path = texts[0][0] == '/' ? texts[0] : "/";
    ask.host = has & 1 ? texts[1] : NULL;
    ask.host_count = (has & 1) + (has >> 6 & 1);
    ask.origin = has & 2 ? texts[2] : NULL;
    ask.origin_count = (has >> 1 & 1) + (has >> 7 & 1);
    ask.authorization = has & 4 ? texts[3] : NULL;
    ask.token = has & 8 ? texts[4] : NULL;

    int status = guard_judge(&guard, &ask, &why);
    bool shown = (ask.token != NULL && strcmp(ask.token, token) == 0) ||
                 (ask.authorization != NULL &&
                  strncmp(ask.authorization, "Bearer ", 7) == 0 &&
                  strcmp(ask.authorization + 7, token) == 0);

    CHECK(status == 0 || why.text[0] != '\0');
    if (status == 0) {
        CHECK(ask.host_count == 1 && is_one_of(ask.host, ""));
        CHECK(ask.origin == NULL || is_one_of(ask.origin, "http://"));
        CHECK(shown || strncmp(ask.path, "/api/", 5) != 0);
    }
    for (size_t i = 0; i < 5; i++)
        free(texts[i]);
}

static void one(struct covey_bytes in)
{
    struct fuzz_in parts = fuzz_in(in);
    uint8_t mode = fuzz_u8(&parts) % 3;
    char *text;

    if (mode == 0) {
        route(&parts);
    } else if (mode == 1) {
        judge(&parts);
    } else {
        text = fuzz_text(fuzz_rest(&parts));
        check_error(COVEY_EBAD, text);
        free(text);
    }
}

const struct fuzz_target fuzz_target = {.setup = setup, .one = one};
