#include "cli/rowview.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#define TITLE_WIDTH 48u /* of a title in a list */
#define NAME_WIDTH 28u

static const struct column priority_list[] = {
    {.head = "Title", .field = "title", .width_max = TITLE_WIDTH},
    {.head = "Status", .field = "status"},
    {.head = "Lead",
     .field = "lead_name",
     .instead = "lead",
     .width_max = NAME_WIDTH},
    {.head = "Phases", .field = "phases", .render = RENDER_TAGS},
    {.head = "Principles", .field = "principles", .render = RENDER_TAGS},
    {.head = "Space",
     .field = "space",
     .render = RENDER_SPACE,
     .width_max = NAME_WIDTH},
    {.head = "Id", .field = "id"},
};

static const struct column action_list[] = {
    {.head = "Title", .field = "title", .width_max = TITLE_WIDTH},
    {.head = "Status", .field = "status"},
    {.head = "Owner",
     .field = "owner_name",
     .instead = "owner",
     .width_max = NAME_WIDTH},
    {.head = "Due", .field = "due", .render = RENDER_DATE},
    {.head = "Space",
     .field = "space",
     .render = RENDER_SPACE,
     .width_max = NAME_WIDTH},
    {.head = "Id", .field = "id"},
};

const struct table_view *rowview_table(const char *table)
{
    static const struct table_view priorities = {
        priority_list, sizeof priority_list / sizeof priority_list[0],
        "There are no priorities yet."};
    static const struct table_view actions = {
        action_list, sizeof action_list / sizeof action_list[0],
        "There are no actions yet."};

    return strcmp(table, "priority") == 0 ? &priorities : &actions;
}

/* ---- one row ---- */

/* The words of a column's value: a member's name rather than its id. */
static char *value_write(const struct rule_column *column, const json_t *row)
{
    const json_t *value = json_object_get(row, column->name);
    char *named = text_make("%s_name", column->name);
    const char *name = field_text(row, named);
    char *words;

    if (column->type == COLUMN_MEMBER && *name != '\0')
        words = text_safe(name, false);
    else if (column->type == COLUMN_TAGS || column->type == COLUMN_DATE)
        words =
            column_write(&(struct column){.field = column->name,
                                          .render = column->type == COLUMN_DATE
                                                        ? RENDER_DATE
                                                        : RENDER_TAGS},
                         row, NULL);
    else
        words = text_safe(json_is_string(value) ? json_string_value(value) : "",
                          true);
    free(named);
    return words;
}

static void add_columns(struct text *out, const struct rowview *view)
{
    for (size_t i = 0; i < view->table->column_count; i++) {
        const struct rule_column *column = &view->table->columns[i];
        char *label = label_write(column->name);
        char *words = value_write(column, view->row);

        if (*words != '\0')
            details_add(out, label, words);
        free(words);
        free(label);
    }
}

static void add_about(struct text *out, const struct rowview *view)
{
    static const struct column space = {.field = "space",
                                        .render = RENDER_SPACE};
    static const struct column by = {.field = "author_name"};
    const char *id = field_text(view->row, "id");
    char *where = column_write(&space, view->row, view->spaces);
    char *who = column_write(&by, view->row, NULL);
    char *when =
        strlen(id) == 40 ? moment_write(moment_of_row(id)) : text_copy("");
    char *begun = text_make("%s%s%s", when, *who == '\0' ? "" : ", by ", who);

    details_add(out, "Space", where);
    details_add(out, "Begun", begun);
    details_add(out, "Id", id);
    free(where);
    free(who);
    free(when);
    free(begun);
}

/* "Due   18 December 2026 - Sandy Upper School, 24 November 2026, 10:42" */
static void add_conflict(struct text *out, const json_t *conflict)
{
    static const struct column value = {.field = "value",
                                        .render = RENDER_DATE};
    static const struct column by = {.field = "name", .instead = "member"};
    static const struct column wall = {.field = "wall",
                                       .render = RENDER_MOMENT};
    bool exists = strcmp(field_text(conflict, "column"), "exists") == 0;
    char *words =
        exists ? text_copy(field_is_true(conflict, "value") ? "the row written"
                                                            : "the row deleted")
               : column_write(&value, conflict, NULL);
    char *label = label_write(exists ? "" : field_text(conflict, "column"));
    char *who = column_write(&by, conflict, NULL);
    char *when = column_write(&wall, conflict, NULL);
    char *line = text_make("%s%s%s%s%s", words, *who == '\0' ? "" : " - ", who,
                           *when == '\0' ? "" : ", ", when);

    details_add(out, label, line);
    free(words);
    free(label);
    free(who);
    free(when);
    free(line);
}

void rowview_print(const struct rowview *view)
{
    const json_t *kept = json_object_get(view->row, "kept");
    struct text out = {.p = NULL};
    size_t i;
    json_t *conflict;

    add_columns(&out, view);
    add_about(&out, view);
    if (json_array_size(kept) != 0)
        text_add(&out, "\nIn conflict: these were written side by side, and "
                       "are kept.\n");
    json_array_foreach(kept, i, conflict)
    {
        add_conflict(&out, conflict);
    }
    fputs(out.p, stdout);
    text_clear(&out);
}

/* ---- comments ---- */

static void print_comment(const json_t *comment)
{
    const char *id = field_text(comment, "id");
    static const struct column by = {.field = "author_name",
                                     .instead = "author"};
    char *who = column_write(&by, comment, NULL);
    char *when =
        strlen(id) == 40 ? moment_write(moment_of_row(id)) : text_copy("");
    char *safe = text_safe(field_text(comment, "text"), true);
    char *words = text_wrap(safe, 2);

    cli_say("%s%s%s  %s\n  %s", who, *who == '\0' ? "" : ", ", when, id, words);
    free(who);
    free(when);
    free(safe);
    free(words);
}

void rowview_print_comments(const json_t *comments)
{
    size_t i;
    json_t *comment;

    if (json_array_size(comments) == 0)
        cli_say("Nobody has said anything about it yet.");
    json_array_foreach(comments, i, comment)
    {
        print_comment(comment);
    }
}
