/* api.c - the routes: a table of those that stand alone, and five for each
 * shared table, made from its declaration. */
#include "store/api.h"

#include <stdlib.h>
#include <string.h>

#include "proto/rules.h"
#include "store/internal.h"

#define API_TEXT_MAX 1048576u /* bytes of all made statements and paths */
#define ROUTES_A_TABLE 5u

#define SPACE_JSON                                                             \
    "SELECT json_object('id', s.id, 'name', nullif(s.name, ''), 'kind',"       \
    " s.kind, 'role', s.role, 'carried', json(iif(s.carried, 'true',"          \
    " 'false')), 'rows', s.rows, 'members', (SELECT count(*) FROM member AS m" \
    " WHERE m.space = s.n AND m.present)) FROM space AS s"

/* The member whose tag the row's id carries; of a private row, this one. */
#define WRITER_OF(row)                                                         \
    "iif(" row ".space IS NULL, (SELECT name FROM self), (SELECT m.name FROM"  \
    " member AS m JOIN space AS s ON s.n = m.space WHERE s.id = " row ".space" \
    " AND m.tag = substr(" row ".id, 13, 12)))"

static const struct api_route fixed[] = {
    {"GET", "/api/self", API_LOCAL, API_READ_ONE,
     "SELECT json_object('member', member, 'name', name, 'kind', kind, 'urn',"
     " nullif(urn, 0)) FROM self",
     NULL, "Who keeps this record.", NULL},
    {"GET", "/api/status", API_LOCAL, API_ACTION, "status", NULL,
     "All that this node knows of itself, its spaces and its peers.", NULL},
    {"GET", "/api/address", API_LOCAL, API_ACTION, "address", NULL,
     "This node's key and the address that others dial.", NULL},
    {"GET", "/api/events", API_LOCAL, API_STREAM, "", NULL,
     "What changes, as it changes: server-sent events.", NULL},
    {"GET", "/api/peers", API_LOCAL, API_ACTION, "peer-list", NULL,
     "Nodes that this one knows, and how they stand.", NULL},
    {"POST", "/api/peers", API_LOCAL, API_ACTION, "peer-add", NULL,
     "Pin a peer: {address}.", NULL},
    {"GET", "/api/spaces", API_LOCAL, API_READ_LIST,
     SPACE_JSON " ORDER BY s.name, s.id", NULL,
     "The spaces that this node is in or carries.", NULL},
    {"POST", "/api/spaces", API_LOCAL, API_ACTION, "space-create", NULL,
     "Make a space: {name, kind, admit}.", NULL},
    {"GET", "/api/spaces/:space", API_LOCAL, API_READ_ONE,
     SPACE_JSON " WHERE s.id = :space", NULL, "One space.", NULL},
    {"GET", "/api/spaces/:space/members", API_LOCAL, API_READ_LIST,
     "SELECT json_object('id', m.id, 'name', m.name, 'role', m.role, 'kind',"
     " m.kind, 'urn', nullif(m.urn, 0), 'present', json(iif(m.present,"
     " 'true', 'false'))) FROM member AS m JOIN space AS s ON s.n = m.space"
     " WHERE s.id = :space ORDER BY m.slot",
     NULL, "Who is in a space.", NULL},
    {"GET", "/api/spaces/:space/requests", API_LOCAL, API_READ_LIST,
     "SELECT json_object('request', r.id, 'name', r.name, 'fingerprint',"
     " r.fingerprint) FROM request AS r JOIN space AS s ON s.n = r.space"
     " WHERE s.id = :space ORDER BY r.id",
     NULL, "Who asks to be let in.", NULL},
    {"POST", "/api/spaces/:space/admissions", API_LOCAL, API_ACTION,
     "space-admit", NULL, "Let one in: {request}.", NULL},
    {"POST", "/api/spaces/:space/carriers", API_LOCAL, API_ACTION,
     "space-carrier", NULL, "Ask a relay to carry the space: {address}.", NULL},
    {"POST", "/api/spaces/:space/invites", API_LOCAL, API_ACTION, "invite",
     NULL, "Make a ticket: {role}.", NULL},
    {"POST", "/api/spaces/:space/wait", API_LOCAL, API_ACTION, "wait", NULL,
     "Answer once this node holds a frontier: {frontier, timeout_s}.", NULL},
    {"GET", "/api/spaces/:space/log", API_LOCAL, API_ACTION, "log", "row",
     "Who wrote what, when, in which change set.", NULL},
    {"POST", "/api/joins", API_LOCAL, API_ACTION, "join", NULL,
     "Use a ticket: {ticket, wait_s}.", NULL},
    {"GET", "/api/carries", API_LOCAL, API_READ_LIST,
     "SELECT json_object('state', 'allowed', 'space', iif(length(what) = 32,"
     " what, NULL), 'key', iif(length(what) = 64, what, NULL)) FROM allowed"
     " UNION ALL SELECT json_object('state', 'waiting', 'space', space, 'key',"
     " key) FROM asked",
     NULL, "At a relay: what it may carry, and who waits to be allowed.", NULL},
    {"POST", "/api/carries", API_LOCAL, API_ACTION, "carry-allow", NULL,
     "At a relay: allow a space's id or a node's key: {allow}.", NULL},
    {"GET", "/api/rows/:id/comments", API_LOCAL, API_READ_LIST,
     "SELECT json_object('id', c.id, 'on_row', c.on_row, 'text', c.text,"
     " 'space', c.space, 'author_name', " WRITER_OF(
         "c") ") FROM comment AS c"
              " WHERE c.on_row = :id ORDER BY c.id",
     NULL, "Comments on a row, oldest first.", NULL},
    {"GET", "/api/rows/:id/conflicts", API_LOCAL, API_READ_LIST,
     "SELECT json_object('column', \"column\", 'value', value, 'member', by,"
     " 'name', by_name, 'wall', written) FROM conflicts WHERE id = :id",
     NULL, "Values that stand beside what a row shows, and whose they are.",
     NULL},
    {"POST", "/api/share", API_LOCAL, API_ACTION, "share", NULL,
     "Put a copy of a row into a space: {id, space}.", NULL},
    {"POST", "/api/sql", API_LOCAL, API_ACTION, "sql", NULL,
     "One statement on the shared tables and the views: {statement}.", NULL},
};

#define FIXED_COUNT (sizeof fixed / sizeof fixed[0])

/* ---- what a shared table's routes run ---- */

/* What others wrote may be no array: then there are none. */
static void tags_json(const char *c, struct covey_buf *out)
{
    text_say(out,
             ", '%s', json(CASE WHEN json_valid(t.\"%s\") AND"
             " json_type(t.\"%s\") = 'array' THEN t.\"%s\" ELSE '[]' END)",
             c, c, c, c);
}

static void row_json(const struct rule_table *t, struct covey_buf *out)
{
    text_say(out, "SELECT json_object('id', t.id, 'space', t.space");
    for (size_t i = 0; i < t->column_count; i++) {
        const char *c = t->columns[i].name;

        if (t->columns[i].type == COLUMN_TAGS)
            tags_json(c, out);
        else
            text_say(out, ", '%s', t.\"%s\"", c, c);
        if (t->columns[i].type == COLUMN_MEMBER)
            text_say(out,
                     ", '%s_name', coalesce((SELECT m.name FROM member AS m"
                     " JOIN space AS s ON s.n = m.space WHERE s.id = t.space"
                     " AND m.id = t.\"%s\"), (SELECT m.name FROM member AS m"
                     " WHERE m.id = t.\"%s\"), (SELECT name FROM self WHERE"
                     " member = t.\"%s\"))",
                     c, c, c, c);
    }
    text_say(out, ", 'author_name', " WRITER_OF("t"));
    text_say(out,
             ", 'conflicts', (SELECT count(*) FROM sibling AS k WHERE k.id ="
             " t.id AND k.tbl = %u)",
             t->id);
}

/* Columns that a list can be narrowed by. */
static bool narrows(const struct rule_column *c)
{
    return c->type == COLUMN_ROW || c->type == COLUMN_MEMBER ||
           c->type == COLUMN_CHOICE;
}

static void list_sql(const struct rule_table *t, struct covey_buf *out)
{
    row_json(t, out);
    text_say(out,
             ") FROM \"%s\" AS t WHERE (:space IS NULL OR t.space = :space)",
             t->name);
    for (size_t i = 0; i < t->column_count; i++)
        if (narrows(&t->columns[i]))
            text_say(out, " AND (:%s IS NULL OR t.\"%s\" = :%s)",
                     t->columns[i].name, t->columns[i].name,
                     t->columns[i].name);
    text_say(out, " ORDER BY t.id");
}

static void one_sql(const struct rule_table *t, struct covey_buf *out)
{
    row_json(t, out);
    text_say(out,
             ", 'kept', (SELECT json_group_array(json_object('column',"
             " \"column\", 'value', value, 'member', by, 'name', by_name,"
             " 'wall', written)) FROM conflicts WHERE id = t.id)) FROM \"%s\""
             " AS t WHERE t.id = :id",
             t->name);
}

/* The value that a request's body gives a column. */
static void given(const struct rule_column *c, struct covey_buf *out)
{
    if (c->type == COLUMN_TAGS)
        text_say(out,
                 "CASE json_type(:body, '$.%s') WHEN 'array' THEN (SELECT"
                 " json_group_array(value) FROM (SELECT DISTINCT value"
                 " FROM json_each(:body, '$.%s') ORDER BY value)) ELSE ",
                 c->name, c->name);
    text_say(out, "json_extract(:body, '$.%s')", c->name);
    if (c->type == COLUMN_TAGS)
        text_say(out, " END");
}

static void insert_sql(const struct rule_table *t, struct covey_buf *out)
{
    text_say(out, "INSERT INTO \"%s\" (space", t->name);
    for (size_t i = 0; i < t->column_count; i++)
        text_say(out, ", \"%s\"", t->columns[i].name);
    /* A comment lies where the row lies that it is on. */
    if (strcmp(t->name, "comment") == 0)
        text_say(out, ") SELECT coalesce((SELECT space FROM priority WHERE id ="
                      " json_extract(:body, '$.on_row')), (SELECT space FROM"
                      " action WHERE id = json_extract(:body, '$.on_row')),"
                      " (SELECT space FROM comment WHERE id ="
                      " json_extract(:body, '$.on_row')))");
    else
        text_say(out, ") SELECT json_extract(:body, '$.space')");
    for (size_t i = 0; i < t->column_count; i++) {
        const struct rule_column *c = &t->columns[i];

        text_say(out, ", CASE WHEN json_type(:body, '$.%s') IS NULL THEN ",
                 c->name);
        if (c->initial != NULL)
            text_say(out, "'%s'", c->initial);
        else
            text_say(out, "NULL");
        text_say(out, " ELSE ");
        given(c, out);
        text_say(out, " END");
    }
    if (strcmp(t->name, "comment") == 0)
        text_say(out, " WHERE EXISTS (SELECT 1 FROM priority WHERE id ="
                      " json_extract(:body, '$.on_row')) OR EXISTS (SELECT 1"
                      " FROM action WHERE id = json_extract(:body, '$.on_row'))"
                      " OR EXISTS (SELECT 1 FROM comment WHERE id ="
                      " json_extract(:body, '$.on_row'))");
    text_say(out, " RETURNING json_object('id', id)");
}

static void update_sql(const struct rule_table *t, struct covey_buf *out)
{
    const char *comma = "";

    text_say(out, "UPDATE \"%s\" SET ", t->name);
    for (size_t i = 0; i < t->column_count; i++) {
        const struct rule_column *c = &t->columns[i];

        if (c->fixed)
            continue;
        text_say(out,
                 "%s\"%s\" = CASE WHEN json_type(:body, '$.%s') IS NULL"
                 " THEN \"%s\" ELSE ",
                 comma, c->name, c->name, c->name);
        comma = ", ";
        given(c, out);
        text_say(out, " END");
    }
    text_say(out, " WHERE id = :id RETURNING json_object('id', id)");
}

static void delete_sql(const struct rule_table *t, struct covey_buf *out)
{
    text_say(out,
             "DELETE FROM \"%s\" WHERE id = :id"
             " RETURNING json_object('id', id)",
             t->name);
}

static void query_names(const struct rule_table *t, struct covey_buf *out)
{
    text_say(out, "space");
    for (size_t i = 0; i < t->column_count; i++)
        if (narrows(&t->columns[i]))
            text_say(out, " %s", t->columns[i].name);
}

/* A comment goes where the row is that it is on. */
static bool says_space(const struct rule_table *t)
{
    return strcmp(t->name, "comment") != 0;
}

static void insert_fields(const struct rule_table *t, struct covey_buf *out)
{
    const char *gap = says_space(t) ? " " : "";

    text_say(out, says_space(t) ? "space" : "");
    for (size_t i = 0; i < t->column_count; i++) {
        text_say(out, "%s%s", gap, t->columns[i].name);
        gap = " ";
    }
}

static void update_fields(const struct rule_table *t, struct covey_buf *out)
{
    const char *gap = "";

    for (size_t i = 0; i < t->column_count; i++) {
        if (t->columns[i].fixed)
            continue;
        text_say(out, "%s%s", gap, t->columns[i].name);
        gap = " ";
    }
}

static const struct {
    const char *method;
    bool one; /* the path ends in an id */
    enum api_run run;
    void (*sql)(const struct rule_table *t, struct covey_buf *out);
    void (*fields)(const struct rule_table *t, struct covey_buf *out);
    const char *help;
} kinds[ROUTES_A_TABLE] = {
    {"GET", false, API_READ_LIST, list_sql, NULL, "All rows, oldest first."},
    {"POST", false, API_WRITE, insert_sql, insert_fields,
     "Add a row; gives its id."},
    {"GET", true, API_READ_ONE, one_sql, NULL,
     "One row, with what is kept beside it."},
    {"PATCH", true, API_WRITE, update_sql, update_fields,
     "Change the fields that the body names."},
    {"DELETE", true, API_WRITE, delete_sql, NULL, "Delete a row."},
};

/* "priority" lies under /api/priorities. */
static void path_of(const struct rule_table *t, bool one, struct covey_buf *out)
{
    size_t len = strlen(t->name);
    bool y = t->name[len - 1] == 'y';

    text_say(out, "/api/%.*s%s%s", (int)(y ? len - 1 : len), t->name,
             y ? "ies" : "s", one ? "/:id" : "");
}

/* Texts go into one buffer, whose place is not known before it is full: until
 * then a route holds their offsets. */
static const char *mark(struct covey_buf *texts)
{
    return (const char *)(uintptr_t)(texts->len + 1);
}

static const char *settle(const char *marked, const char *base)
{
    return marked == NULL ? NULL : base + (uintptr_t)marked - 1;
}

static void make_route(const struct rule_table *t, size_t kind,
                       struct api_route *r, struct covey_buf *texts)
{
    *r = (struct api_route){.method = kinds[kind].method,
                            .who = API_LOCAL,
                            .run = kinds[kind].run,
                            .help = kinds[kind].help};
    r->path = mark(texts);
    path_of(t, kinds[kind].one, texts);
    buf_append(texts, "", 1);
    r->what = mark(texts);
    kinds[kind].sql(t, texts);
    buf_append(texts, "", 1);
    if (kinds[kind].fields != NULL) {
        r->fields = mark(texts);
        kinds[kind].fields(t, texts);
        buf_append(texts, "", 1);
    }
    if (kinds[kind].run != API_READ_LIST)
        return;
    r->query = mark(texts);
    query_names(t, texts);
    buf_append(texts, "", 1);
}

static struct api_route *make_all(size_t *count)
{
    struct api_route made[32];
    struct covey_buf texts;
    size_t n = 0;

    buf_init(&texts, &store_heap, API_TEXT_MAX);
    CHECK(rule_table_count * ROUTES_A_TABLE <= sizeof made / sizeof made[0]);
    for (size_t i = 0; i < rule_table_count; i++)
        for (size_t k = 0; k < ROUTES_A_TABLE; k++)
            make_route(&rule_tables[i], k, &made[n++], &texts);
    size_t head = (FIXED_COUNT + n) * sizeof(struct api_route);
    struct api_route *all =
        buf_rc(&texts) == COVEY_OK ? malloc(head + texts.len) : NULL;
    if (all != NULL) {
        char *base = (char *)all + head;

        memcpy(base, texts.p, texts.len);
        memcpy(all, fixed, sizeof fixed);
        for (size_t i = 0; i < n; i++) {
            made[i].path = settle(made[i].path, base);
            made[i].what = settle(made[i].what, base);
            made[i].query = settle(made[i].query, base);
            made[i].fields = settle(made[i].fields, base);
            all[FIXED_COUNT + i] = made[i];
        }
        *count = FIXED_COUNT + n;
    }
    buf_clear(&texts);
    return all;
}

const struct api_route *api_routes(size_t *count)
{
    static struct api_route *made;
    static size_t made_count;

    if (made == NULL)
        made = make_all(&made_count);
    *count = made == NULL ? 0 : made_count;
    return made;
}
