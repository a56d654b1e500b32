/* schema_guard.c - what a guard asks of a value, and in which words it says no.
 *
 * A guard runs for each row written, and the words of a refusal are literals
 * (SQLite before 3.47 takes no others).  IN (...) with three values or more
 * builds a table each time a trigger runs, so that choices are compared one by
 * one; and looking for a row is cheaper than looking at each digit of its id,
 * so that an id that stands in its table is not looked at. */
#include "store/schema_text.h"

#include <string.h>

#define HEX "[0-9a-f]"
#define TIMES_4(text) text text text text
#define TIMES_16(text) TIMES_4(text) TIMES_4(text) TIMES_4(text) TIMES_4(text)
#define HEX_12 TIMES_4(HEX) TIMES_4(HEX) TIMES_4(HEX)
#define HEX_16 TIMES_16(HEX)

/* ---- ids ---- */

void guard_id(const struct rule_table *table, const struct member_tag *tag,
              struct covey_buf *out)
{
    text_say(out,
             "    WHEN NEW.id NOT GLOB '%s%s%s' AND (length(NEW.id) IS NOT %d"
             " OR NEW.id GLOB '*[^0-9a-f]*')\n"
             "    THEN RAISE(ABORT, '%s.id is not %d digits of 0-9 and a-f;"
             " leave it out and one is made')\n",
             HEX_12, tag_hex(tag).text, HEX_16, ID_DIGITS, table->name,
             ID_DIGITS);
}

/* ---- values ---- */

/* An arm for a condition on NEW.column, which %s in it stands for. */
struct arm {
    const struct rule_table *table;
    const struct rule_column *column;
    bool changed;
    struct covey_buf *out;
};

static void arm_begin(const struct arm *a)
{
    const char *c = a->column->name;

    text_say(a->out, "    WHEN ");
    if (a->changed)
        text_say(a->out, "NEW.\"%s\" IS NOT OLD.\"%s\" AND ", c, c);
    if (!a->column->required)
        text_say(a->out, "NEW.\"%s\" IS NOT NULL AND ", c);
    text_say(a->out, "(");
}

static void arm_raise(const struct arm *a)
{
    text_say(a->out, ")\n    THEN RAISE(ABORT, '%s.%s ", a->table->name,
             a->column->name);
}

static void arm_end(const struct arm *a)
{
    text_say(a->out, "')\n");
}

static void say_choices(const struct arm *a, const char *before,
                        const char *after)
{
    const char *at = a->column->choices;
    struct choice choice;
    const char *comma = "";

    while (choice_next(&at, &choice)) {
        text_say(a->out, "%s%s%.*s%s", comma, before, choice.len, choice.p,
                 after);
        comma = ", ";
    }
}

/* A text of no more bytes than it may have characters is not counted. */
static void guard_length(const struct arm *a)
{
    const char *c = a->column->name;
    unsigned max = a->column->max_chars;

    if (max != 0) {
        arm_begin(a);
        text_say(a->out,
                 "length(CAST(NEW.\"%s\" AS BLOB)) > %u AND"
                 " length(NEW.\"%s\") > %u",
                 c, max, c, max);
        arm_raise(a);
        text_say(a->out, "is longer than %u characters: shorten it", max);
        arm_end(a);
    }
    arm_begin(a);
    text_say(a->out, "length(CAST(NEW.\"%s\" AS BLOB)) > %u", c,
             RULES_CELL_MAX);
    arm_raise(a);
    text_say(a->out, "is larger than %u KiB: shorten it",
             RULES_CELL_MAX / 1024u);
    arm_end(a);
}

static void guard_text(const struct arm *a)
{
    if (a->column->required) {
        arm_begin(a);
        text_say(a->out, "coalesce(trim(NEW.\"%s\"), '') = ''",
                 a->column->name);
        arm_raise(a);
        text_say(a->out, "is empty: %s needs it", a->table->noun);
        arm_end(a);
    }
    guard_length(a);
}

static void guard_choice(const struct arm *a)
{
    const char *at = a->column->choices;
    const char *and = "";
    struct choice choice;

    arm_begin(a);
    while (choice_next(&at, &choice)) {
        text_say(a->out, "%sNEW.\"%s\" IS NOT '%.*s'", and, a->column->name,
                 choice.len, choice.p);
        and = " AND ";
    }
    arm_raise(a);
    text_say(a->out, "is none of: ");
    say_choices(a, "", "");
    arm_end(a);
}

static void guard_date(const struct arm *a)
{
    const char *c = a->column->name;

    arm_begin(a);
    text_say(a->out,
             "date(NEW.\"%s\", '+0 days') IS NOT NEW.\"%s\" OR "
             "length(NEW.\"%s\") <> 10",
             c, c, c);
    arm_raise(a);
    text_say(a->out, "is not a day: write YYYY-MM-DD, a day that exists");
    arm_end(a);
}

static void not_hex(const struct arm *a, int digits)
{
    const char *c = a->column->name;

    text_say(a->out,
             "(length(NEW.\"%s\") IS NOT %d OR NEW.\"%s\" GLOB"
             " '*[^0-9a-f]*')",
             c, digits, c);
}

static void guard_member(const struct arm *a)
{
    arm_begin(a);
    text_say(a->out,
             "NOT EXISTS (SELECT 1 FROM member WHERE id = NEW.\"%s\") AND ",
             a->column->name);
    not_hex(a, MEMBER_DIGITS);
    arm_raise(a);
    text_say(a->out, "is not a member''s id: %d digits of 0-9 and a-f",
             MEMBER_DIGITS);
    arm_end(a);
}

/* Where the column's name tells the table that it points into, the row is
 * looked for there first. */
static void guard_row(const struct arm *a)
{
    const char *c = a->column->name;

    arm_begin(a);
    if (rule_table_by_name(c) != NULL)
        text_say(a->out,
                 "NOT EXISTS (SELECT 1 FROM \"%s\" WHERE id = NEW.\"%s\")"
                 " AND ",
                 c, c);
    not_hex(a, ID_DIGITS);
    arm_raise(a);
    text_say(a->out, "is not a row''s id: %d digits of 0-9 and a-f", ID_DIGITS);
    arm_end(a);
}

/* Written in one way only, so that equal lists are equal texts: the words that
 * it holds, put together in order, are the text itself.  (SQLite 3.40 does not
 * let a trigger call its JSON functions where the schema is not trusted.) */
static void guard_tags(const struct arm *a)
{
    const char *c = a->column->name;
    const char *at = a->column->choices;
    struct choice choice;

    arm_begin(a);
    text_say(a->out, "NEW.\"%s\" IS NOT '[' || ltrim(''", c);
    while (choice_next(&at, &choice))
        text_say(a->out,
                 "\n      || CASE WHEN instr(NEW.\"%s\", '\"%.*s\"') THEN"
                 " ',\"%.*s\"' ELSE '' END",
                 c, choice.len, choice.p, choice.len, choice.p);
    text_say(a->out, ", ',') || ']'");
    arm_raise(a);
    text_say(a->out, "is not a JSON array, sorted, no word twice, of: ");
    say_choices(a, "", "");
    arm_end(a);
}

void guard_column(const struct rule_table *table,
                  const struct rule_column *column, bool changed,
                  struct covey_buf *out)
{
    struct arm arm = {table, column, changed, out};

    switch (column->type) {
    case COLUMN_TEXT:
        guard_text(&arm);
        return;
    case COLUMN_CHOICE:
        guard_choice(&arm);
        return;
    case COLUMN_DATE:
        guard_date(&arm);
        return;
    case COLUMN_MEMBER:
        guard_member(&arm);
        return;
    case COLUMN_ROW:
        guard_row(&arm);
        return;
    case COLUMN_TAGS:
        guard_tags(&arm);
        return;
    }
    CHECK(false && "a column of a known type");
}

/* ---- the space ---- */

static const char *kind_list(uint32_t kinds, char *text, size_t size)
{
    const char *comma = "";

    text[0] = '\0';
    for (int kind = 0; kind < SPACE_KIND_COUNT; kind++) {
        if ((kinds & KIND_BIT(kind)) == 0)
            continue;
        strncat(text, comma, size - strlen(text) - 1);
        strncat(text, "'", size - strlen(text) - 1);
        strncat(text, space_kind_name((enum space_kind)kind),
                size - strlen(text) - 1);
        strncat(text, "'", size - strlen(text) - 1);
        comma = ", ";
    }
    return text;
}

void guard_space(const struct rule_table *table, const char *row,
                 struct covey_buf *out)
{
    char kinds[128];

    text_say(out,
             "CASE (SELECT CASE WHEN carried <> 0 THEN 1 WHEN kind NOT IN (%s)"
             " THEN 2 ELSE 3 END\n        FROM space WHERE id = %s.space)\n"
             "      WHEN 1 THEN RAISE(ABORT, 'this node carries that space"
             " without its key, and cannot write in it')\n"
             "      WHEN 2 THEN RAISE(ABORT, 'a space of that kind does not"
             " hold %s')\n",
             kind_list(table->kinds, kinds, sizeof kinds), row, table->noun);
    text_say(out,
             "      WHEN 3 THEN RAISE(ABORT, 'the role that this school has in"
             " that space does not let it write %s')\n"
             "      ELSE RAISE(ABORT, '%s.space is no space of this school:"
             " give the id of one, or none to keep the row here') END\n",
             table->noun, table->name);
}
