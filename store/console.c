/* console.c - one statement typed by a person, kept to what is shared. */
#include <string.h>

#include "store/internal.h"
#include "store/query.h"

static const char *const views[] = {"spaces", "members", "conflicts"};
/* What the views and triggers read on the way. */
static const char *const behind_views[] = {
    "space", "member", "node", "author", "sibling", "door", "outbox"};

static bool is_view(const char *name)
{
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++)
        if (strcmp(views[i], name) == 0)
            return true;
    return false;
}

static bool is_behind(const char *name)
{
    for (size_t i = 0; i < sizeof behind_views / sizeof behind_views[0]; i++)
        if (strcmp(behind_views[i], name) == 0)
            return true;
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

/* `inner` names the trigger or view that asks, where it is not the person. */
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
        return b != NULL && strcmp(b, "load_extension") == 0
                   ? refuse(c, "load_extension")
                   : SQLITE_OK;
    case SQLITE_READ:
        if (rule_table_by_name(a) != NULL || is_view(a) ||
            strncmp(a, "json_", 5) == 0 || *a == '\0')
            return SQLITE_OK;
        /* No column (""): a view is asked for and nothing of this is used. */
        return is_behind(a) && (inner != NULL || *b == '\0') ? SQLITE_OK
                                                             : refuse(c, a);
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
        if (rule_table_by_name(a) != NULL)
            return SQLITE_OK;
        return inner != NULL && strcmp(a, "outbox") == 0 ? SQLITE_OK
                                                         : refuse(c, a);
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

/* JSON of one value, by SQLite itself where it is a text. */
static void say_text(struct covey_buf *out, const char *p, size_t len)
{
    buf_append(out, "\"", 1);
    for (size_t i = 0; i < len; i++) {
        unsigned char ch = (unsigned char)p[i];

        if (ch == '"' || ch == '\\') {
            buf_append(out, "\\", 1);
            buf_append(out, &ch, 1);
        } else if (ch < 0x20) {
            text_say(out, "\\u%04x", ch);
        } else {
            buf_append(out, &ch, 1);
        }
    }
    buf_append(out, "\"", 1);
}

static void say_value(struct covey_buf *out, sqlite3_stmt *stmt, int at)
{
    struct covey_bytes bytes;

    switch (sqlite3_column_type(stmt, at)) {
    case SQLITE_INTEGER:
        text_say(out, "%lld", (long long)sqlite3_column_int64(stmt, at));
        return;
    case SQLITE_FLOAT:
        text_say(out, "%.17g", sqlite3_column_double(stmt, at));
        return;
    case SQLITE_TEXT:
        bytes = sql_column_bytes(stmt, at);
        if (text_is_utf8(bytes.p, bytes.len))
            say_text(out, (const char *)bytes.p, bytes.len);
        else
            say_text(out, "?", 1);
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
        say_text(out, name == NULL ? "" : name,
                 name == NULL ? 0 : strlen(name));
    }
    text_say(out, "],\"rows\":[");
}

static enum covey_rc run(struct store *st, sqlite3_stmt *stmt,
                         struct covey_buf *out, struct console *c)
{
    int before = sqlite3_total_changes(st->db), code;
    bool first = true;

    say_columns(out, stmt);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        text_say(out, first ? "[" : ",[");
        first = false;
        for (int i = 0; i < sqlite3_column_count(stmt); i++) {
            text_say(out, i == 0 ? "" : ",");
            say_value(out, stmt, i);
        }
        text_say(out, "]");
        if (buf_rc(out) != COVEY_OK)
            return why_say(c->why, COVEY_ELIMIT,
                           "the answer is too long; ask for less");
    }
    if (code != SQLITE_DONE) {
        enum covey_rc rc = store_failed(st, code);
        int primary = code & 0xff;

        covey_why_set(c->why, primary == SQLITE_INTERRUPT
                                  ? "the statement takes too long"
                                  : sqlite3_errmsg(st->db));
        return primary == SQLITE_CONSTRAINT || primary == SQLITE_MISMATCH
                   ? COVEY_EREFUSED
               : primary == SQLITE_ERROR ? COVEY_EBAD
                                         : rc;
    }
    text_say(out, "],\"changed\":%d}",
             sqlite3_stmt_readonly(stmt)
                 ? 0
                 : (sqlite3_total_changes(st->db) == before
                        ? 0
                        : sqlite3_changes(st->db)));
    return buf_rc(out);
}

static bool is_blank(const char *tail)
{
    return tail[strspn(tail, " \t\r\n;")] == '\0';
}

enum covey_rc query_console(struct store *st, const char *sql,
                            struct covey_buf *out, struct covey_why *why)
{
    struct console c = {.why = why};
    int left = QUERY_STEPS_MAX / 100000;
    sqlite3_stmt *stmt = NULL;
    const char *tail = "";
    enum covey_rc rc = merge_triggers(st, true);

    if (rc != COVEY_OK)
        return rc;
    sqlite3_set_authorizer(st->db, authorize, &c);
    sqlite3_progress_handler(st->db, 100000, on_progress, &left);
    int code = sqlite3_prepare_v2(st->db, sql, -1, &stmt, &tail);
    if (code != SQLITE_OK && !c.asked)
        covey_why_set(why, sqlite3_errmsg(st->db));
    if (code != SQLITE_OK)
        rc = c.asked ? COVEY_EREFUSED : COVEY_EBAD;
    else if (stmt == NULL || !is_blank(tail))
        rc = why_say(why, COVEY_EBAD, "give one statement at a time");
    else
        rc = run(st, stmt, out, &c);
    (void)sqlite3_finalize(stmt);
    sqlite3_progress_handler(st->db, 0, NULL, NULL);
    sqlite3_set_authorizer(st->db, NULL, NULL);
    return rc;
}
