/* rowview.h - rows of the shared tables, for people to read. */
#ifndef COVEY_CLI_ROWVIEW_H
#define COVEY_CLI_ROWVIEW_H

#include <jansson.h>

#include "cli/table.h"
#include "proto/rules.h"

/* How a list of a shared table's rows is shown. */
const struct table_view *rowview_table(const char *table);

struct rowview {
    const struct rule_table *table;
    const json_t *row; /* what else was written to it is its "kept" */
    const json_t *spaces;
};

/* Print one row whole. */
void rowview_print(const struct rowview *view);
/* Print what was said about a row, oldest first as it comes. */
void rowview_print_comments(const json_t *comments);

#endif
