/* schema.h - the record's tables: numbered steps, and what the rules declare.
 *
 * Local tables are in schema/NNNN_name.sql, one transaction each, counted in
 * user_version, never edited once released.  Shared tables, their guards and
 * their capture triggers are generated from rules.h for this member (its tag is
 * a literal in each id's DEFAULT), and made again when that text changes. */
#ifndef COVEY_STORE_SCHEMA_H
#define COVEY_STORE_SCHEMA_H

#include <stddef.h>

#include "proto/base.h"
#include "proto/rules.h"

struct store;

#define SCHEMA_APPLICATION_ID 0x636f7679 /* "covy" */
#define SCHEMA_TEXT_MAX (1u << 20)       /* bytes of all that is generated */

struct schema_step {
    int number;
    const char *name;
    const char *sql;
};
extern const struct schema_step schema_steps[];
extern const size_t schema_step_count;

/* The SQL of one shared table, appended to out: CREATE TABLE; the triggers that
 * guard and capture it.  And of all the views.  Check buf_rc(out). */
void schema_table_text(const struct rule_table *table,
                       const struct member_tag *tag, struct covey_buf *out);
void schema_trigger_text(const struct rule_table *table,
                         const struct member_tag *tag, struct covey_buf *out);
void schema_view_text(struct covey_buf *out);
/* One column as CREATE TABLE and ALTER TABLE ADD COLUMN take it. */
void schema_column_text(const struct rule_column *column,
                        struct covey_buf *out);

/* Run the steps that the record has not had.  COVEY_ENEWER: made by a newer
 * version.  Words in store_why(), here and below. */
COVEY_MUST_USE enum covey_rc schema_steps_run(struct store *st);
/* Bring the shared tables to this version's rules for the member with st->tag:
 * tables created or columns added, triggers and views renewed.
 * COVEY_ENEWER; COVEY_EREFUSED: someone altered a shared table or trigger. */
COVEY_MUST_USE enum covey_rc schema_migrate(struct store *st);
/* Has someone altered a shared table or trigger since?  COVEY_EREFUSED.  Asked
 * before sealing; cheap while PRAGMA schema_version stands still. */
COVEY_MUST_USE enum covey_rc schema_intact(struct store *st);

#endif
