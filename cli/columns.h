/* columns.h - a shared table's columns as options of `add` and `set`.
 *
 * proto/rules.c declares the columns; an option has a column's name, and where
 * a column holds several values, the name of one of them. */
#ifndef COVEY_CLI_COLUMNS_H
#define COVEY_CLI_COLUMNS_H

#include <jansson.h>

#include "cli/args.h"
#include "proto/rules.h"

/* "principle" for the column "principles", given once for each value. */
const char *column_option(const struct rule_column *column);
/* The option of one column.  `adding`: it is asked for where the column is
 * required and nothing stands there otherwise; else an empty value clears. */
struct param column_param(const struct rule_column *column, bool adding);
/* What was given for a column, as the API takes it: new reference, or NULL
 * where it was not given.  An empty value is null where that may stand. */
json_t *column_value(const struct rule_column *column, const struct args *args);

/* "/api/priorities" for priority.  Caller frees. */
char *table_path(const char *table);

#endif
