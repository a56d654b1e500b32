#include "proto/rules.h"

#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* ---- words ---- */

static const char *const space_kinds[SPACE_KIND_COUNT] = {
    [SPACE_CLUSTER] = "cluster",
    [SPACE_NETWORK] = "network",
    [SPACE_NAMED] = "named",
};

static const char *const member_kinds[MEMBER_KIND_COUNT] = {
    [MEMBER_SCHOOL] = "school",
    [MEMBER_COUNCIL] = "council",
    [MEMBER_PARTNER] = "partner",
};

static const char *const roles[ROLE_COUNT] = {
    [ROLE_CHAIR] = "chair",     [ROLE_SCHOOL] = "school",
    [ROLE_COUNCIL] = "council", [ROLE_BOARD] = "board",
    [ROLE_PARTNER] = "partner", [ROLE_CARRIER] = "carrier",
};

/* The place of a word in a list of them; count where it is not there. */
static size_t place_of(const char *const *words, size_t count, const char *text)
{
    size_t i = 0;

    while (i < count && strcmp(words[i], text) != 0)
        i++;
    return i;
}

const char *space_kind_name(enum space_kind kind)
{
    CHECK((size_t)kind < COUNT_OF(space_kinds));
    return space_kinds[kind];
}

const char *member_kind_name(enum member_kind kind)
{
    CHECK((size_t)kind < COUNT_OF(member_kinds));
    return member_kinds[kind];
}

const char *role_name(enum role role)
{
    CHECK((size_t)role < COUNT_OF(roles));
    return roles[role];
}

bool space_kind_from(const char *text, enum space_kind *out)
{
    size_t i = place_of(space_kinds, COUNT_OF(space_kinds), text);

    if (i == COUNT_OF(space_kinds))
        return false;
    *out = (enum space_kind)i;
    return true;
}

bool member_kind_from(const char *text, enum member_kind *out)
{
    size_t i = place_of(member_kinds, COUNT_OF(member_kinds), text);

    if (i == COUNT_OF(member_kinds))
        return false;
    *out = (enum member_kind)i;
    return true;
}

bool role_from(const char *text, enum role *out)
{
    size_t i = place_of(roles, COUNT_OF(roles), text);

    if (i == COUNT_OF(roles))
        return false;
    *out = (enum role)i;
    return true;
}

bool role_votes(enum role role)
{
    return role == ROLE_CHAIR || role == ROLE_SCHOOL;
}

/* DESIGN.md section 6: "`partner` exists in named spaces only". */
bool role_fits(enum role role, enum space_kind kind)
{
    return role != ROLE_PARTNER || kind == SPACE_NAMED;
}

/* ---- the declaration ---- */

#define ALL_KINDS                                                              \
    (KIND_BIT(SPACE_CLUSTER) | KIND_BIT(SPACE_NETWORK) | KIND_BIT(SPACE_NAMED))
#define VOTERS (ROLE_BIT(ROLE_CHAIR) | ROLE_BIT(ROLE_SCHOOL))
#define READERS                                                                \
    (VOTERS | ROLE_BIT(ROLE_COUNCIL) | ROLE_BIT(ROLE_BOARD) |                  \
     ROLE_BIT(ROLE_PARTNER))

#define TITLE_MAX 200u
#define WORDS_MAX 20000u

static const struct rule_column priority_columns[] = {
    {.id = 1,
     .name = "title",
     .type = COLUMN_TEXT,
     .required = true,
     .max_chars = TITLE_MAX,
     .help = "What the schools want to achieve together, in one line."},
    {.id = 2,
     .name = "why",
     .type = COLUMN_TEXT,
     .required = true,
     .max_chars = WORDS_MAX,
     .help = "Why it matters: the evidence and the reasons."},
    {.id = 3,
     .name = "outcome",
     .type = COLUMN_TEXT,
     .help = "What will be different for pupils, and how one will see it."},
    {.id = 4,
     .name = "principles",
     .type = COLUMN_TAGS,
     .choices = "P1|P2|P3|P4|P5|P6",
     .help = "The partnership's principles that it serves."},
    {.id = 5,
     .name = "phases",
     .type = COLUMN_TAGS,
     .choices = "EY|KS1|KS2|KS3|KS4|post-16",
     .help = "The phases of education that it is about."},
    {.id = 6,
     .name = "lead",
     .type = COLUMN_MEMBER,
     .help = "The member that leads on it."},
    {.id = 7,
     .name = "status",
     .type = COLUMN_CHOICE,
     .required = true,
     .choices = "draft|proposed|withdrawn",
     .initial = "draft",
     .help = "How far it has come; that it is agreed is worked out from the "
             "votes, never written here."},
    {.id = 8,
     .name = "source",
     .type = COLUMN_ROW,
     .fixed = true,
     .help = "The row of another space that this one was copied from."},
};

static const struct rule_column action_columns[] = {
    {.id = 1,
     .name = "priority",
     .type = COLUMN_ROW,
     .help = "The priority that it serves."},
    {.id = 2,
     .name = "title",
     .type = COLUMN_TEXT,
     .required = true,
     .max_chars = TITLE_MAX,
     .help = "What is to be done, in one line."},
    {.id = 3,
     .name = "owner",
     .type = COLUMN_MEMBER,
     .help = "The school that does the work; it gives no right over the row."},
    {.id = 4,
     .name = "due",
     .type = COLUMN_DATE,
     .help = "The day by which it is to be done."},
    {.id = 5,
     .name = "status",
     .type = COLUMN_CHOICE,
     .required = true,
     .choices = "open|in progress|blocked|done|cancelled",
     .initial = "open",
     .help = "How far the work has come."},
    {.id = 6,
     .name = "note",
     .type = COLUMN_TEXT,
     .help = "Progress, obstacles, what was learnt."},
    {.id = 7,
     .name = "source",
     .type = COLUMN_ROW,
     .fixed = true,
     .help = "The row of another space that this one was copied from."},
};

static const struct rule_column comment_columns[] = {
    {.id = 1,
     .name = "on_row",
     .type = COLUMN_ROW,
     .required = true,
     .fixed = true,
     .help = "The row that it is about."},
    {.id = 2,
     .name = "text",
     .type = COLUMN_TEXT,
     .required = true,
     .max_chars = WORDS_MAX,
     .help = "What its writer has to say."},
    {.id = 3,
     .name = "source",
     .type = COLUMN_ROW,
     .fixed = true,
     .help = "The row of another space that this one was copied from."},
};

const struct rule_table rule_tables[] = {
    {.id = 1,
     .name = "priority",
     .noun = "a priority",
     .kinds = ALL_KINDS,
     .insert = VOTERS,
     .update = VOTERS,
     .help = "What the schools of a space want to achieve together.  Any of "
             "them may edit a draft; where two do at once, both wordings are "
             "kept.",
     .columns = priority_columns,
     .column_count = COUNT_OF(priority_columns)},
    {.id = 2,
     .name = "action",
     .noun = "an action",
     .kinds = ALL_KINDS,
     .insert = VOTERS,
     .update = VOTERS,
     .help = "A piece of work towards a priority, with who does it and by "
             "when.",
     .columns = action_columns,
     .column_count = COUNT_OF(action_columns)},
    {.id = 3,
     .name = "comment",
     .noun = "a comment",
     .kinds = ALL_KINDS,
     .insert = READERS,
     .update = READERS,
     .owner_only = true,
     .help = "What a member has to say about a row: challenge, support, an "
             "answer.  Only its writer may change it.",
     .columns = comment_columns,
     .column_count = COUNT_OF(comment_columns)},
};
const size_t rule_table_count = COUNT_OF(rule_tables);

const struct rule_table *rule_table_by_id(uint32_t id)
{
    for (size_t i = 0; i < rule_table_count; i++) {
        if (rule_tables[i].id == id)
            return &rule_tables[i];
    }
    return NULL;
}

const struct rule_table *rule_table_by_name(const char *name)
{
    for (size_t i = 0; i < rule_table_count; i++) {
        if (strcmp(rule_tables[i].name, name) == 0)
            return &rule_tables[i];
    }
    return NULL;
}

const struct rule_column *rule_column_by_id(const struct rule_table *table,
                                            uint32_t id)
{
    for (size_t i = 0; i < table->column_count; i++) {
        if (table->columns[i].id == id)
            return &table->columns[i];
    }
    return NULL;
}

/* ---- verdicts ---- */

const char *verdict_text(enum verdict v)
{
    static const char *const texts[] = {
        [VERDICT_COUNTS] = "it counts",
        [VERDICT_VOID_SEAL] = "its contents cannot be opened or read",
        [VERDICT_VOID_ROLE] = "its writer's role may not write that",
        [VERDICT_VOID_OWNER] = "it writes a row of another member",
        [VERDICT_VOID_FIXED] = "it changes what never changes",
        [VERDICT_VOID_KIND] = "that does not belong in this kind of space",
        [VERDICT_VOID_VALUE] = "it holds a value that cannot stand there",
        [VERDICT_VOID_CUT] = "its writer had lost the right to write it",
        [VERDICT_HOLD] = "it needs an upgrade of covey here",
    };

    CHECK((size_t)v < COUNT_OF(texts));
    return texts[v];
}

/* Columns that people fill hold words or nothing; that a date is a day and a
 * choice one of those offered is for the guards, which can say it in words. */
static bool value_fits(const struct cell_value *value)
{
    return value->type == CELL_NULL ||
           (value->type == CELL_TEXT && value->text.len <= RULES_CELL_MAX);
}

/* What the cells of a row amount to. */
struct row_facts {
    bool insert;
    bool unknown; /* writes a column that this version does not know */
    bool fixed;   /* writes a column that is set at insert only */
    bool bad_value;
};

static struct row_facts facts_of(const struct rule_table *table,
                                 const struct row_part *part)
{
    struct row_facts facts = {.insert = false};
    struct row_cell cell;
    size_t at = 0;

    while (row_part_next(part, &at, &cell)) {
        if (cell.column == COLUMN_EXISTS) {
            facts.insert = cell.value.integer != 0;
            continue;
        }

        const struct rule_column *column =
            rule_column_by_id(table, cell.column);

        if (column == NULL) {
            facts.unknown = true;
            continue;
        }
        facts.fixed = facts.fixed || column->fixed;
        facts.bad_value = facts.bad_value || !value_fits(&cell.value);
    }
    return facts;
}

/* "A verdict is a function of one change set, the header before it, the epoch
 * it cites, the cuts and rulings of the chain in force, and the ids in it,
 * never of merged state, a local clock, a rate or the order of arrival"
 * (DESIGN.md section 9). */
enum verdict rules_judge_row(const struct verdict_context *context,
                             const struct row_part *part)
{
    const struct rule_table *table = rule_table_by_id(part->table);

    if (table == NULL)
        return VERDICT_HOLD;

    struct row_facts facts = facts_of(table, part);
    uint32_t may = facts.insert ? table->insert : table->update;
    bool own = memcmp(part->id.b + ROW_ID_TAG_OFFSET, context->tag.b,
                      sizeof context->tag.b) == 0;

    if (facts.unknown)
        return VERDICT_HOLD;
    if ((table->kinds & KIND_BIT(context->kind)) == 0)
        return VERDICT_VOID_KIND;
    if ((may & ROLE_BIT(context->role)) == 0)
        return VERDICT_VOID_ROLE;
    if (!own && (facts.insert || table->owner_only))
        return VERDICT_VOID_OWNER;
    if (facts.fixed && !facts.insert)
        return VERDICT_VOID_FIXED;
    return facts.bad_value ? VERDICT_VOID_VALUE : VERDICT_COUNTS;
}
