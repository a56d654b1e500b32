/* table.h - JSON objects as aligned columns for people.
 *
 * One list of columns says for each which field it shows and how.  What other
 * members wrote is made safe for a terminal on its way. */
#ifndef COVEY_CLI_TABLE_H
#define COVEY_CLI_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/text.h"

enum render {
    RENDER_TEXT,   /* as it is; true is "yes", false and null nothing */
    RENDER_NUMBER, /* to the right */
    RENDER_URN,    /* a number, where it is not 0 */
    RENDER_DATE,   /* 24 November 2026 */
    RENDER_MOMENT, /* 24 November 2026, 10:42 */
    RENDER_AGO,    /* seconds: "3 minutes ago" */
    RENDER_BYTES,  /* "1.4 MB" */
    RENDER_TAGS,   /* an array of texts, with spaces between */
    RENDER_SPACE,  /* a space's name by its id; null is "this school only" */
};

struct column {
    const char *head;
    const char *field;
    const char *instead; /* the field where that one is not set, or NULL */
    const char *empty;   /* where there are no words; NULL: nothing */
    enum render render;
    size_t width_max; /* longer text is cut with an ellipsis; 0: never */
};

/* The words for one field of one object.  `spaces` is the list of spaces, or
 * NULL.  Caller frees. */
char *column_write(const struct column *column, const json_t *object,
                   const json_t *spaces);
/* A line of heads, then a line for each object.  Caller frees. */
char *table_write(const struct column *columns, size_t count,
                  const json_t *list, const json_t *spaces);

/* Every field of one object on a line of its own, as "Field  value".  Caller
 * frees. */
char *details_write(const json_t *object);
/* One such line: the label is padded to DETAILS_LABEL, the value, which is safe
 * already, is wrapped beside it. */
#define DETAILS_LABEL 14u
void details_add(struct text *out, const char *label, const char *value);
/* "on_row" as "On row".  Caller frees. */
char *label_write(const char *field);

/* A table for cells that are words already, row by row; `right` says which
 * columns stand to the right, or is NULL. */
struct grid {
    const char *const *heads;
    const bool *right;
    size_t columns;
    char *const *cells;
    size_t rows;
};
char *grid_write(const struct grid *grid);

/* Print a list as a table, as JSON with --json, or, where it is empty, the
 * sentence `none`. */
struct cli;
struct table_view {
    const struct column *columns;
    size_t count;
    const char *none;
};
int table_show(struct cli *cli, const struct table_view *view,
               const json_t *list, const json_t *spaces);

#endif
