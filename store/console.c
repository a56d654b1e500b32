/* console.c - one statement typed by a person, kept to what is shared. */
#include <string.h>

#include "store/internal.h"
#include "store/query.h"

#define STEPS_AT_A_TIME 100000

static const char *const views[] = {"spaces", "members", "conflicts"};

/* A table-valued function of SQLite's that touches nothing. */
static const char *const functions[] = {"json_each", "json_tree"};

/* What the views and triggers read on the way. */
static const char *const behind_views[] = {
    "space", "member", "node", "author", "sibling", "door", "outbox"};

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static bool is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

struct console {
    struct covey_why *why;
    bool asked; /* why is filled */
};

static int refuse(struct console *c, const char *what)
{
    if (!c->asked)
        (void)why_say(c->why, COVEY_EREFUSED,
                      "covey sql may read and write the shared tables "
                      "(priority, action, comment) and read the views "
                      "(spaces, members, conflicts); %s is not one of them",
                      what == NULL || *what == '\0' ? "this statement" : what);
    c->asked = true;
    return SQLITE_DENY;
}

/* May this be read?  `inner` names the trigger or view that asks, where it is
 * not the person.  A person can make it any name (WITH name AS ...), so what
 * lies behind the views holds no secret. */
static int authorize_read(struct console *c, const char *table,
                          const char *column, const char *inner)
{
    if (*table == '\0' || rule_table_by_name(table) != NULL ||
        is_among(table, views, COUNT_OF(views)) ||
        is_among(table, functions, COUNT_OF(functions)))
        return SQLITE_OK;
    /* No column (""): a view is asked for and nothing of this is used. */
    if ((inner != NULL || *column == '\0') &&
        is_among(table, behind_views, COUNT_OF(behind_views)))
        return SQLITE_OK;
    return refuse(c, table);
}

static int authorize_write(struct console *c, const char *table,
                           const char *inner)
{
    if (rule_table_by_name(table) != NULL)
        return SQLITE_OK;
    return inner != NULL && strcmp(table, "outbox") == 0 ? SQLITE_OK
                                                         : refuse(c, table);
}

static int authorize(void *ctx, int action, const char *a, const char *b,
                     const char *db, const char *inner)
{
    struct console *c = ctx;

    (void)db;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
        return SQLITE_OK;
    case SQLITE_FUNCTION:
        return strcmp(b, "load_extension") == 0 ? refuse(c, b) : SQLITE_OK;
    case SQLITE_READ:
        return authorize_read(c, a, b, inner);
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
        return authorize_write(c, a, inner);
    default:
        return refuse(c, a);
    }
}

static int on_progress(void *ctx)
{
    int *left = ctx;

    *left -= 1;
    return *left < 0;
}

/* One character, or byte, of a JSON text; returns how many it took. */
static size_t say_char(struct covey_buf *out, const uint8_t *p, size_t len)
{
    if (*p == '"' || *p == '\\') {
        text_say(out, "\\%c", *p);
        return 1;
    }
    if (*p < 0x20) {
        text_say(out, "\\u%04x", *p);
        return 1;
    }
    for (size_t n = 1; n <= 4 && n <= len; n++) {
        if (!text_is_utf8(p, n))
            continue;
        buf_append(out, p, n);
        return n;
    }
    text_say(out, "\\ufffd");
    return 1;
}

static void say_text(struct covey_buf *out, struct covey_bytes text)
{
    buf_append(out, "\"", 1);
    for (size_t i = 0; i < text.len;)
        i += say_char(out, text.p + i, text.len - i);
    buf_append(out, "\"", 1);
}

/* JSON has no infinity. */
static void say_real(struct covey_buf *out, double value)
{
    if (value - value == 0)
        text_say(out, "%.17g", value);
    else
        text_say(out, "null");
}

static void say_value(struct covey_buf *out, sqlite3_stmt *stmt, int at)
{
    switch (sqlite3_column_type(stmt, at)) {
    case SQLITE_INTEGER:
        text_say(out, "%lld", (long long)sqlite3_column_int64(stmt, at));
        return;
    case SQLITE_FLOAT:
        say_real(out, sqlite3_column_double(stmt, at));
        return;
    case SQLITE_TEXT:
        say_text(out, sql_column_bytes(stmt, at));
        return;
    default:
        text_say(out, "null");
        return;
    }
}

static void say_columns(struct covey_buf *out, sqlite3_stmt *stmt)
{
    text_say(out, "{\"columns\":[");
    for (int i = 0; i < sqlite3_column_count(stmt); i++) {
        const char *name = sqlite3_column_name(stmt, i);

        text_say(out, i == 0 ? "" : ",");
        say_text(out, (struct covey_bytes){(const uint8_t *)name,
                                           name == NULL ? 0 : strlen(name)});
    }
    text_say(out, "],\"rows\":[");
}

static void say_row(struct covey_buf *out, sqlite3_stmt *stmt, bool first)
{
    text_say(out, first ? "[" : ",[");
    for (int i = 0; i < sqlite3_column_count(stmt); i++) {
        text_say(out, i == 0 ? "" : ",");
        say_value(out, stmt, i);
    }
    text_say(out, "]");
}

static enum covey_rc run(struct store *st, sqlite3_stmt *stmt,
                         struct covey_buf *out, struct covey_why *why)
{
    sqlite3_int64 before = sqlite3_total_changes64(st->db);
    bool first = true;
    int code;

    say_columns(out, stmt);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        say_row(out, stmt, first);
        first = false;
        if (buf_rc(out) == COVEY_ELIMIT)
            return why_say(why, COVEY_ELIMIT,
                           "the answer is too long; ask for less");
    }
    if (code != SQLITE_DONE)
        return query_failed(st->db, code, why);

    /* What the triggers wrote does not count as changed. */
    bool wrote = sqlite3_total_changes64(st->db) != before;

    text_say(out, "],\"changed\":%lld}",
             wrote ? (long long)sqlite3_changes64(st->db) : 0);
    return buf_rc(out);
}

/* Nothing but space, semicolons and comments. */
static bool is_blank(sqlite3 *db, const char *tail)
{
    sqlite3_stmt *stmt = NULL;

    while (*tail != '\0') {
        const char *start = tail;
        int code = sqlite3_prepare_v2(db, start, -1, &stmt, &tail);
        bool more = code != SQLITE_OK || stmt != NULL || tail == start;

        (void)sqlite3_finalize(stmt);
        if (more)
            return false;
    }
    return true;
}

static enum covey_rc prepare(struct store *st, const char *sql,
                             struct console *c, sqlite3_stmt **out)
{
    const char *tail = "";
    int code = sqlite3_prepare_v2(st->db, sql, -1, out, &tail);

    if (code != SQLITE_OK && c->asked)
        return COVEY_EREFUSED;
    if (code != SQLITE_OK)
        return query_failed(st->db, code, c->why);
    if (*out == NULL || !is_blank(st->db, tail))
        return why_say(c->why, COVEY_EBAD, "give one statement at a time");
    return COVEY_OK;
}

enum covey_rc query_console(struct store *st, const char *sql,
                            struct covey_buf *out, struct covey_why *why)
{
    struct console c = {.why = why};
    int left = QUERY_STEPS_MAX / STEPS_AT_A_TIME;
    sqlite3_stmt *stmt = NULL;
    enum covey_rc rc = merge_triggers(st, true);

    CHECK(store_in_transaction(st)); /* so that VACUUM is refused */
    if (rc != COVEY_OK)
        return rc;
    /* SQLite makes these two where they are first asked for, and the one who
     * asks may not make anything. */
    sql_end(sql_begin(st, SQL_JSON_READY));
    sqlite3_set_authorizer(st->db, authorize, &c);
    sqlite3_progress_handler(st->db, STEPS_AT_A_TIME, on_progress, &left);
    rc = prepare(st, sql, &c, &stmt);
    if (rc == COVEY_OK)
        rc = run(st, stmt, out, why);
    (void)sqlite3_finalize(stmt);
    sqlite3_progress_handler(st->db, 0, NULL, NULL);
    sqlite3_set_authorizer(st->db, NULL, NULL);
    return rc;
}
