/* schema_text.h - what the files that write the schema's SQL share.
 *
 * schema_text.c writes the tables and views, schema_guard.c what a guard asks
 * of a value, schema_trigger.c the triggers.  All append to a text. */
#ifndef COVEY_STORE_SCHEMA_TEXT_H
#define COVEY_STORE_SCHEMA_TEXT_H

#include "store/internal.h"
#include "store/schema.h"

/* An id's parts in SQL: substr(id, 13, 12) is its owner's tag. */
#define ID_TAG_AT 13
#define TAG_DIGITS 12
#define ID_DIGITS 40
#define MEMBER_DIGITS 64

/* A member's tag as text. */
struct tag_hex {
    char text[TAG_DIGITS + 1];
};
struct tag_hex tag_hex(const struct member_tag *tag);

/* One of the words of choices, "a|b|c": *at moves on; false at the end. */
struct choice {
    const char *p;
    int len;
};
bool choice_next(const char **at, struct choice *out);

/* The arms of a CASE, "WHEN condition THEN RAISE(...)", that refuse a value of
 * this column in NEW. `changed`: only where it is not OLD's. */
void guard_column(const struct rule_table *table,
                  const struct rule_column *column, bool changed,
                  struct covey_buf *out);
/* The arms that refuse an id, of a new row. */
void guard_id(const struct rule_table *table, const struct member_tag *tag,
              struct covey_buf *out);
/* A CASE that says why `row` ("NEW", "OLD") may not be written in its space. */
void guard_space(const struct rule_table *table, const char *row,
                 struct covey_buf *out);

#endif
