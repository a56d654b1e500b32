/* schema_text.c - the shared tables and the views, made from the rules. */
#include "store/schema_text.h"

#include <string.h>

struct tag_hex tag_hex(const struct member_tag *tag)
{
    struct tag_hex hex;

    hex_encode(tag->b, sizeof tag->b, hex.text);
    /* cppcheck-suppress uninitvar ; hex_encode fills it */
    return hex;
}

bool choice_next(const char **at, struct choice *out)
{
    if (*at == NULL)
        return false;

    const char *bar = strchr(*at, '|');

    out->p = *at;
    out->len = (int)(bar == NULL ? strlen(*at) : (size_t)(bar - *at));
    *at = bar == NULL ? NULL : bar + 1;
    return true;
}

/* ---- tables ---- */

void schema_column_text(const struct rule_column *column, struct covey_buf *out)
{
    text_say(out, "\"%s\" TEXT", column->name);
    if (column->initial != NULL)
        text_say(out, " DEFAULT '%s'", column->initial);
}

/* Time first, so that rows written one after the other stand side by side. */
static void id_column(const struct member_tag *tag, struct covey_buf *out)
{
    text_say(out,
             "  -- 6 bytes of time in ms, 6 of the owner's tag, 8 random.\n"
             "  id TEXT NOT NULL PRIMARY KEY DEFAULT (\n"
             "    printf('%%012x', CAST((julianday('now') - 2440587.5)"
             " * 86400000 AS INTEGER))\n"
             "    || '%s' || lower(hex(randomblob(8))))",
             tag_hex(tag).text);
}

void schema_table_text(const struct rule_table *table,
                       const struct member_tag *tag, struct covey_buf *out)
{
    text_say(out,
             "-- Shared: %s\n"
             "-- Text alone, and no rule but the key: what others wrote must "
             "go in.  The\n-- triggers hold the rules for what is written "
             "here.\n"
             "CREATE TABLE \"%s\" (\n",
             table->help, table->name);
    id_column(tag, out);
    text_say(out, ",\n"
                  "  -- The space that it belongs to, for ever; NULL: it never "
                  "leaves the school.\n"
                  "  space TEXT");
    for (size_t i = 0; i < table->column_count; i++) {
        text_say(out, ",\n  -- %s\n  ", table->columns[i].help);
        schema_column_text(&table->columns[i], out);
    }
    text_say(out, "\n) STRICT;\n");
}

/* ---- views ---- */

/* CASE tbl WHEN 1 THEN 'priority' ... END */
static void table_names(struct covey_buf *out)
{
    text_say(out, "CASE s.tbl");
    for (size_t i = 0; i < rule_table_count; i++)
        text_say(out, " WHEN %u THEN '%s'", rule_tables[i].id,
                 rule_tables[i].name);
    text_say(out, " END");
}

/* CASE s.tbl * 100 + s.col WHEN 101 THEN 'title' ... ELSE 'exists' END */
static void column_names(struct covey_buf *out)
{
    text_say(out, "CASE s.tbl * 100 + s.col");
    for (size_t i = 0; i < rule_table_count; i++) {
        const struct rule_table *table = &rule_tables[i];

        for (size_t j = 0; j < table->column_count; j++)
            text_say(out, " WHEN %u THEN '%s'",
                     table->id * 100 + table->columns[j].id,
                     table->columns[j].name);
    }
    text_say(out, " ELSE 'exists' END");
}

void schema_view_text(struct covey_buf *out)
{
    text_say(out, "-- The spaces that this school is in, or carries.\n"
                  "CREATE VIEW spaces AS\n"
                  "SELECT id, name, kind, role, carried, rows FROM space;\n"
                  "-- Who is in them.\n"
                  "CREATE VIEW members AS\n"
                  "SELECT s.id AS space, s.name AS space_name, m.id, m.name,"
                  " m.role, m.kind,\n"
                  "  nullif(m.urn, 0) AS urn, m.present\n"
                  "FROM member AS m JOIN space AS s ON s.n = m.space;\n"
                  "-- Values that stand beside the one that is shown, because "
                  "their writers had\n-- not seen each other's.\n"
                  "CREATE VIEW conflicts AS\n"
                  "SELECT s.id, ");
    table_names(out);
    text_say(out, " AS \"table\",\n  ");
    column_names(out);
    text_say(out,
             " AS \"column\",\n  s.value, m.id AS by, m.name AS by_name,\n"
             "  strftime('%%Y-%%m-%%dT%%H:%%M:%%SZ', s.wall / 1000,"
             " 'unixepoch') AS written,\n"
             "  p.id AS space\n"
             "FROM sibling AS s\n"
             "JOIN space AS p ON p.n = s.space\n"
             "LEFT JOIN author AS a ON a.n = s.author\n"
             "LEFT JOIN node AS d ON d.author = a.key AND d.space = s.space\n"
             "LEFT JOIN member AS m ON m.space = d.space AND m.slot ="
             " d.slot;\n");
}
