/* schema_trigger.c - the triggers of a shared table: guards and capture.
 *
 * Plain SQL, so that they run in whichever program writes.  What a guard
 * refuses it refuses after the row was written: RAISE(ABORT) undoes the
 * statement, and only then is it known that an INSERT inserted.  (BEFORE INSERT
 * also runs for the rows of an INSERT OR IGNORE or an UPSERT that end
 * otherwise, with values that no one will ever see.)
 *
 * REPLACE deletes the row that was there and fires no delete trigger for it.
 * So BEFORE INSERT notes (op 4), where there is a row with this id, in which
 * columns it differs: `space` is bit 0.  If the insert (op 1) comes next, it
 * was a replacement: an update of those columns.  A replacement by rowid would
 * take away a row with another id, untold, so that one is refused. */
#include "store/schema_text.h"

#define OP_INSERT 1
#define OP_UPDATE 2
#define OP_DELETE 3
#define OP_REPLACE 4

static uint64_t column_bit(const struct rule_column *column)
{
    return UINT64_C(1) << column->id;
}

/* Bits of the columns that differ between two rows.  (<< and | bind alike.) */
static void differ_mask(const struct rule_table *table, const char *before,
                        struct covey_buf *out)
{
    for (size_t i = 0; i < table->column_count; i++) {
        const struct rule_column *column = &table->columns[i];

        text_say(out, "%s((%s.\"%s\" IS NOT NEW.\"%s\") << %u)",
                 i == 0 ? "" : "\n      | ", before, column->name, column->name,
                 column->id);
    }
}

static uint64_t fixed_mask(const struct rule_table *table)
{
    uint64_t mask = 0;

    for (size_t i = 0; i < table->column_count; i++) {
        if (table->columns[i].fixed)
            mask |= column_bit(&table->columns[i]);
    }
    return mask;
}

static uint64_t whole_mask(const struct rule_table *table)
{
    uint64_t mask = 0;

    for (size_t i = 0; i < table->column_count; i++)
        mask |= column_bit(&table->columns[i]);
    return mask;
}

static void replace_trigger(const struct rule_table *table,
                            struct covey_buf *out)
{
    const char *t = table->name;

    text_say(out,
             "CREATE TRIGGER %s_replace BEFORE INSERT ON \"%s\"\n"
             "WHEN EXISTS (SELECT 1 FROM \"%s\" WHERE id = NEW.id) BEGIN\n"
             "  INSERT INTO outbox (space, tbl, id, cols, op)\n"
             "  SELECT d.n, %u, NEW.id, (t.space IS NOT NEW.space)\n"
             "      | ",
             t, t, t, table->id);
    differ_mask(table, "t", out);
    text_say(out,
             ", %d\n"
             "  FROM \"%s\" AS t JOIN door AS d ON d.space ="
             " coalesce(t.space, NEW.space)\n"
             "  WHERE t.id = NEW.id;\n"
             "END;\n",
             OP_REPLACE, t);
}

/* NEW.rowid is -1 before an insert that names none, and so no row may have it.
 * UPDATE OF goes by the names that a statement sets, and costs others nothing.
 */
static void rowid_triggers(const struct rule_table *table,
                           struct covey_buf *out)
{
    const char *t = table->name;

    text_say(out,
             "CREATE TRIGGER %s_rowid BEFORE INSERT ON \"%s\"\n"
             "WHEN NEW.rowid IS NOT -1 AND (NEW.rowid < 1 OR EXISTS (SELECT 1"
             " FROM \"%s\"\n"
             "  WHERE rowid = NEW.rowid AND id IS NOT NEW.id)) BEGIN\n"
             "  SELECT RAISE(ABORT, 'that rowid of %s is taken, or below 1;"
             " leave it out and one is made');\n"
             "END;\n"
             "CREATE TRIGGER %s_move BEFORE UPDATE OF rowid, _rowid_, oid ON"
             " \"%s\"\n"
             "WHEN NEW.rowid IS NOT OLD.rowid BEGIN\n"
             "  SELECT RAISE(ABORT, 'the rowid of %s never changes: leave it"
             " out');\n"
             "END;\n",
             t, t, t, t, t, t, t);
}

static void not_ours(const struct rule_table *table,
                     const struct member_tag *tag, struct covey_buf *out)
{
    text_say(out,
             "CASE WHEN substr(NEW.id, %d, %d) IS NOT '%s'\n"
             "      THEN RAISE(ABORT, '%s.id carries another member''s tag;"
             " leave it out and one is made') END\n",
             ID_TAG_AT, TAG_DIGITS, tag_hex(tag).text, table->name);
}

/* What comes to light once the row is in: that its space does not take it, or
 * that it took the place of another and changed what never changes.  A row of
 * another member may be replaced where it may be changed, and never made.
 * (After the note is made: before, SQLite would copy what it is made from.) */
static void insert_after(const struct rule_table *table,
                         const struct member_tag *tag, struct covey_buf *out)
{
    static const char refusal[] =
        "RAISE(ABORT, 'a row stays in the space it was written in, and a "
        "column that is set once stays as it is; covey share puts a copy "
        "elsewhere')";

    text_say(out,
             "  SELECT CASE\n"
             "    WHEN NEW.space IS NULL THEN CASE WHEN EXISTS (SELECT 1 FROM"
             " outbox\n"
             "      WHERE seq = (SELECT max(seq) FROM outbox) AND op = %d AND"
             " tbl = %u\n"
             "      AND id = NEW.id AND cols & 1) THEN %s\n      ELSE ",
             OP_REPLACE, table->id, refusal);
    not_ours(table, tag, out);
    text_say(out, "      END\n    WHEN changes() = 0 THEN ");
    guard_space(table, "NEW", out);
    text_say(out,
             "    ELSE CASE coalesce((SELECT cols & %llu FROM outbox\n"
             "      WHERE seq = last_insert_rowid() - 1 AND op = %d AND"
             " tbl = %u AND id = NEW.id), -1)\n"
             "      WHEN -1 THEN ",
             (unsigned long long)(fixed_mask(table) | 1u), OP_REPLACE,
             table->id);
    not_ours(table, tag, out);
    text_say(out, "      WHEN 0 THEN ");
    if (table->owner_only)
        not_ours(table, tag, out);
    else
        text_say(out, "NULL\n");
    text_say(out, "      ELSE %s END\n  END;\n", refusal);
}

static void insert_trigger(const struct rule_table *table,
                           const struct member_tag *tag, struct covey_buf *out)
{
    text_say(out,
             "CREATE TRIGGER %s_insert AFTER INSERT ON \"%s\" BEGIN\n"
             "  SELECT CASE\n"
             "    WHEN NEW.rowid = -1\n"
             "    THEN RAISE(ABORT, 'a rowid of %s is not below 1; leave it out"
             " and one is made')\n",
             table->name, table->name, table->name);
    guard_id(table, tag, out);
    for (size_t i = 0; i < table->column_count; i++)
        guard_column(table, &table->columns[i], false, out);
    text_say(out,
             "  END;\n"
             "  INSERT INTO outbox (space, tbl, id, cols, op)\n"
             "  SELECT n, %u, NEW.id, %llu, %d FROM door\n"
             "  WHERE space = NEW.space AND inserts & %llu;\n",
             table->id, (unsigned long long)whole_mask(table), OP_INSERT,
             1ull << table->id);
    insert_after(table, tag, out);
    text_say(out, "END;\n");
}

/* Rows that others own, rows that move, columns that are set once. */
static void update_guards(const struct rule_table *table,
                          const struct member_tag *tag, struct covey_buf *out)
{
    text_say(out,
             "    WHEN NEW.id IS NOT OLD.id\n"
             "    THEN RAISE(ABORT, '%s.id never changes: make a new row')\n"
             "    WHEN NEW.space IS NOT OLD.space\n"
             "    THEN RAISE(ABORT, 'a row stays in the space it was written"
             " in: covey share puts a copy elsewhere')\n",
             table->name);
    if (table->owner_only)
        text_say(out,
                 "    WHEN substr(OLD.id, %d, %d) IS NOT '%s' AND OLD.space IS"
                 " NOT NULL\n"
                 "    THEN RAISE(ABORT, '%s can be changed only by the member"
                 " that wrote it')\n",
                 ID_TAG_AT, TAG_DIGITS, tag_hex(tag).text, table->noun);
    for (size_t i = 0; i < table->column_count; i++) {
        const struct rule_column *column = &table->columns[i];

        if (column->fixed)
            text_say(out,
                     "    WHEN NEW.\"%s\" IS NOT OLD.\"%s\"\n"
                     "    THEN RAISE(ABORT, '%s.%s is set once, when the row is"
                     " made: make a new row')\n",
                     column->name, column->name, table->name, column->name);
        else
            guard_column(table, column, true, out);
    }
}

static void column_list(const struct rule_table *table, const char *row,
                        struct covey_buf *out)
{
    text_say(out, "(%s.id, %s.space", row, row);
    for (size_t i = 0; i < table->column_count; i++)
        text_say(out, ", %s.\"%s\"", row, table->columns[i].name);
    text_say(out, ")");
}

static void update_trigger(const struct rule_table *table,
                           const struct member_tag *tag, struct covey_buf *out)
{
    text_say(out, "CREATE TRIGGER %s_update AFTER UPDATE ON \"%s\"\nWHEN ",
             table->name, table->name);
    column_list(table, "NEW", out);
    text_say(out, "\n  IS NOT ");
    column_list(table, "OLD", out);
    text_say(out, " BEGIN\n  SELECT CASE\n");
    update_guards(table, tag, out);
    text_say(out,
             "  END;\n"
             "  INSERT INTO outbox (space, tbl, id, cols, op)\n"
             "  SELECT n, %u, NEW.id, ",
             table->id);
    differ_mask(table, "OLD", out);
    text_say(out,
             ", %d FROM door\n"
             "  WHERE space = NEW.space AND updates & %llu;\n"
             "  SELECT ",
             OP_UPDATE, 1ull << table->id);
    guard_space(table, "NEW", out);
    text_say(out, "  WHERE changes() = 0 AND NEW.space IS NOT NULL;\nEND;\n");
}

/* What the row held, so that an edit which the delete had not seen can bring
 * it back: for each column, its length in bytes, a colon, itself; or "-". */
static void old_values(const struct rule_table *table, struct covey_buf *out)
{
    for (size_t i = 0; i < table->column_count; i++) {
        const char *c = table->columns[i].name;

        text_say(out,
                 "%scoalesce(length(CAST(OLD.\"%s\" AS BLOB)) || ':' ||"
                 " OLD.\"%s\", '-')",
                 i == 0 ? "" : "\n      || ", c, c);
    }
}

static void delete_trigger(const struct rule_table *table,
                           const struct member_tag *tag, struct covey_buf *out)
{
    text_say(out, "CREATE TRIGGER %s_delete AFTER DELETE ON \"%s\" BEGIN\n",
             table->name, table->name);
    if (table->owner_only)
        text_say(out,
                 "  SELECT RAISE(ABORT, '%s can be deleted only by the member"
                 " that wrote it')\n"
                 "  WHERE substr(OLD.id, %d, %d) IS NOT '%s' AND OLD.space IS"
                 " NOT NULL;\n",
                 table->noun, ID_TAG_AT, TAG_DIGITS, tag_hex(tag).text);
    text_say(out,
             "  INSERT INTO outbox (space, tbl, id, cols, op, old)\n"
             "  SELECT n, %u, OLD.id, 1, %d,\n      ",
             table->id, OP_DELETE);
    old_values(table, out);
    text_say(out,
             "\n  FROM door WHERE space = OLD.space AND updates & %llu;\n"
             "  SELECT ",
             1ull << table->id);
    guard_space(table, "OLD", out);
    text_say(out,
             "  WHERE changes() = 0 AND OLD.space IS NOT NULL;\n"
             "  -- A replacement of this row that did not come about.\n"
             "  DELETE FROM outbox WHERE OLD.space IS NULL AND id = OLD.id AND"
             " op = %d\n"
             "    AND seq = (SELECT max(seq) FROM outbox);\n"
             "END;\n",
             OP_REPLACE);
}

void schema_trigger_text(const struct rule_table *table,
                         const struct member_tag *tag, struct covey_buf *out)
{
    rowid_triggers(table, out);
    replace_trigger(table, out);
    insert_trigger(table, tag, out);
    update_trigger(table, tag, out);
    delete_trigger(table, tag, out);
}
