/* row_sql.h - statements on the shared tables, made from the rules.
 *
 * Each is prepared when it is first wanted and kept.  ?1 is the row's id in
 * hex, ?2 the space's, and from ?3 on come the columns in the rules' order. */
#ifndef COVEY_STORE_ROW_SQL_H
#define COVEY_STORE_ROW_SQL_H

#include "proto/rules.h"
#include "store/internal.h"

enum row_sql {
    ROW_GET,    /* ?1, ?2; gives the columns */
    ROW_INSERT, /* ?1, ?2, columns; nothing when the id is taken */
    ROW_SET,    /* ?1, columns */
    ROW_DELETE, /* ?1 */
    ROW_SQL_COUNT
};

/* Ready to bind; NULL when it cannot be prepared.  sql_end() as any other. */
sqlite3_stmt *row_sql_begin(struct store *st, const struct rule_table *rules,
                            enum row_sql kind);
/* UPDATE of one column: ?1 is the row's id, ?3 the value. */
sqlite3_stmt *row_sql_begin_one(struct store *st,
                                const struct rule_table *rules,
                                const struct rule_column *column);
void row_sql_free(struct store *st);

/* Borrowed until the statement ends; NULL, text, integer, real or bool. */
void row_sql_bind(sqlite3_stmt *stmt, int at, const struct cell_value *value);

#endif
