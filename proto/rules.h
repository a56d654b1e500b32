/* rules.h - what is shared, and who may write it: one declaration.
 *
 * Each shared table and column stands once in rules.c.  The verdict on a
 * change set, the tables themselves, the guards and the capture triggers are
 * all made from it.  Adding a field is adding a line there.
 *
 * Ids of tables and columns never change and are never used again. */
#ifndef COVEY_PROTO_RULES_H
#define COVEY_PROTO_RULES_H

#include "proto/base.h"
#include "proto/changeset.h"

#define RULES_VERSION 1u
#define RULES_CELL_MAX 196608u /* bytes of one cell: 192 KiB */

enum space_kind { SPACE_CLUSTER, SPACE_NETWORK, SPACE_NAMED, SPACE_KIND_COUNT };
enum member_kind {
    MEMBER_SCHOOL,
    MEMBER_COUNCIL,
    MEMBER_PARTNER,
    MEMBER_KIND_COUNT
};
enum role {
    ROLE_CHAIR,
    ROLE_SCHOOL,
    ROLE_COUNCIL,
    ROLE_BOARD,
    ROLE_PARTNER,
    ROLE_CARRIER,
    ROLE_COUNT
};
#define ROLE_BIT(role) (1u << (unsigned)(role))
#define KIND_BIT(kind) (1u << (unsigned)(kind))

/* Words as the command line and tables spell them ("school"); never NULL. */
const char *space_kind_name(enum space_kind kind);
const char *member_kind_name(enum member_kind kind);
const char *role_name(enum role role);
bool space_kind_from(const char *text, enum space_kind *out);
bool member_kind_from(const char *text, enum member_kind *out);
bool role_from(const char *text, enum role *out);
bool role_votes(enum role role); /* chair and school */
/* May this role be given in this kind of space?  (partner: named only) */
bool role_fits(enum role role, enum space_kind kind);

enum column_type {
    COLUMN_TEXT,   /* words of people */
    COLUMN_CHOICE, /* one of choices */
    COLUMN_DATE,   /* YYYY-MM-DD, a day that exists */
    COLUMN_MEMBER, /* a member's id, 64 hex digits */
    COLUMN_ROW,    /* a row's id, 40 hex digits */
    COLUMN_TAGS,   /* JSON array of texts from choices, sorted, none twice */
};

struct rule_column {
    uint32_t id;      /* 1 to COLUMN_MAX */
    const char *name; /* also the name in SQL */
    enum column_type type;
    bool required;       /* NOT NULL and not empty, a guard, not a verdict */
    bool fixed;          /* set at insert, never after */
    uint32_t max_chars;  /* guard; 0: only RULES_CELL_MAX */
    const char *choices; /* |-separated, or NULL */
    const char *initial; /* DEFAULT, or NULL */
    const char *help;    /* one line for the schema and the docs */
};

struct rule_table {
    uint32_t id;
    const char *name;
    const char *noun; /* "a priority", for messages */
    uint32_t kinds;   /* KIND_BITs of spaces that may hold it */
    uint32_t insert;  /* ROLE_BITs */
    uint32_t update;  /* ROLE_BITs; also for delete */
    bool owner_only;  /* only the id's owner updates and deletes */
    const char *help;
    const struct rule_column *columns;
    size_t column_count;
};

extern const struct rule_table rule_tables[];
extern const size_t rule_table_count;
const struct rule_table *rule_table_by_id(uint32_t id); /* NULL: unknown */
const struct rule_table *rule_table_by_name(const char *name);
const struct rule_column *rule_column_by_id(const struct rule_table *table,
                                            uint32_t id); /* NULL: unknown */

/* What a change set may be judged by: nothing merged, no clock, no order. */
struct verdict_context {
    enum space_kind kind;
    enum role role;        /* of its author's member in the epoch cited */
    struct member_tag tag; /* of its author's member */
};

enum verdict {
    VERDICT_COUNTS,
    VERDICT_VOID_SEAL,  /* its payload does not open or is malformed */
    VERDICT_VOID_ROLE,  /* this role may not write this table */
    VERDICT_VOID_OWNER, /* an insert under another's tag, or another's row */
    VERDICT_VOID_FIXED, /* changes what never changes */
    VERDICT_VOID_KIND,  /* this kind of space does not hold this table */
    VERDICT_VOID_VALUE, /* a value that its column's type cannot hold */
    VERDICT_VOID_CUT,   /* beyond a cut of the chain in force */
    VERDICT_HOLD,       /* a table, column or kind from a newer version */
};
const char *verdict_text(enum verdict v); /* a phrase for people */

/* Judge one row of a change set; the worst over its rows judges the set
 * (HOLD before any VOID: who does not know a table does not judge). */
enum verdict rules_judge_row(const struct verdict_context *context,
                             const struct row_part *part);

#endif
