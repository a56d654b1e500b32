#include "cli/table.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

/* ---- a grid of words ---- */

static size_t widest(const struct grid *grid, size_t column)
{
    size_t width = text_width(grid->heads[column]);

    for (size_t row = 0; row < grid->rows; row++) {
        size_t cell = text_width(grid->cells[row * grid->columns + column]);

        width = cell > width ? cell : width;
    }
    return width;
}

static void add_spaces(struct text *out, size_t count)
{
    text_addf(out, "%*s", (int)count, "");
}

/* Widths go between columns, not behind the last, so no line ends in spaces. */
static void add_line(struct text *out, const struct grid *grid,
                     const char *const *cells, const size_t *widths)
{
    size_t owed = 0;

    for (size_t i = 0; i < grid->columns; i++) {
        size_t pad = widths[i] - text_width(cells[i]);
        bool right = grid->right != NULL && grid->right[i];

        owed += (i == 0 ? 0 : 2) + (right ? pad : 0);
        if (*cells[i] != '\0') {
            add_spaces(out, owed);
            text_add(out, cells[i]);
            owed = 0;
        }
        owed += right ? 0 : pad;
    }
    text_add(out, "\n");
}

char *grid_write(const struct grid *grid)
{
    size_t *widths = text_memory(calloc(grid->columns, sizeof *widths));
    struct text out = {.p = NULL};

    for (size_t i = 0; i < grid->columns; i++)
        widths[i] = widest(grid, i);
    add_line(&out, grid, grid->heads, widths);
    for (size_t row = 0; row < grid->rows; row++)
        add_line(&out, grid,
                 (const char *const *)grid->cells + row * grid->columns,
                 widths);
    free(widths);
    return text_take(&out);
}

/* ---- from JSON to words ---- */

static char *plain_write(const json_t *value)
{
    if (json_is_string(value))
        return text_safe(json_string_value(value), false);
    if (json_is_integer(value))
        return text_make("%lld", (long long)json_integer_value(value));
    if (json_is_real(value))
        return text_make("%g", json_real_value(value));
    return text_copy(json_is_true(value) ? "yes" : "");
}

static char *tags_write(const json_t *value)
{
    struct text out = {.p = NULL};
    size_t i;
    json_t *item;

    json_array_foreach(value, i, item)
    {
        char *tag = plain_write(item);

        text_addf(&out, "%s%s", i == 0 ? "" : " ", tag);
        free(tag);
    }
    return text_take(&out);
}

static char *space_write(const json_t *value, const json_t *spaces)
{
    const char *id = json_string_value(value);
    size_t i;
    json_t *space;

    if (id == NULL)
        return text_copy("this school only");
    json_array_foreach(spaces, i, space)
    {
        const char *name = field_text(space, "name");

        if (strcmp(field_text(space, "id"), id) == 0 && *name != '\0')
            return text_safe(name, false);
    }
    return text_safe(id, false);
}

static char *made_safe(char *text)
{
    char *safe = text_safe(text, false);

    free(text);
    return safe;
}

static char *render(const struct column *column, const json_t *value,
                    const json_t *spaces)
{
    const char *text = json_string_value(value);

    switch (column->render) {
    case RENDER_TEXT:
    case RENDER_NUMBER:
        return plain_write(value);
    case RENDER_URN:
        return json_integer_value(value) == 0 && !json_is_string(value)
                   ? text_copy("")
                   : plain_write(value);
    case RENDER_DATE:
        return made_safe(date_british(text == NULL ? "" : text));
    case RENDER_MOMENT:
        return made_safe(moment_british(text == NULL ? "" : text));
    case RENDER_AGO:
        return json_is_number(value)
                   ? ago_write((int64_t)json_number_value(value))
                   : text_copy("never");
    case RENDER_BYTES:
        return bytes_write(json_integer_value(value));
    case RENDER_TAGS:
        return tags_write(value);
    case RENDER_SPACE:
        return space_write(value, spaces);
    }
    return text_copy("");
}

char *column_write(const struct column *column, const json_t *object,
                   const json_t *spaces)
{
    bool there = field_is_set(object, column->field);
    const char *field =
        there || column->instead == NULL ? column->field : column->instead;
    char *words = render(column, json_object_get(object, field), spaces);

    if (*words == '\0' && column->empty != NULL) {
        free(words);
        return text_copy(column->empty);
    }
    if (column->width_max == 0)
        return words;

    char *cut = text_cut(words, column->width_max);

    free(words);
    return cut;
}

static bool stands_right(enum render render)
{
    return render == RENDER_NUMBER || render == RENDER_BYTES;
}

char *table_write(const struct column *columns, size_t count,
                  const json_t *list, const json_t *spaces)
{
    size_t rows = json_array_size(list);
    char **cells = text_memory(calloc(rows * count + 1, sizeof *cells));
    const char **heads = text_memory(calloc(count, sizeof *heads));
    bool *right = text_memory(calloc(count, sizeof *right));

    for (size_t i = 0; i < count; i++) {
        heads[i] = columns[i].head;
        right[i] = stands_right(columns[i].render);
    }
    for (size_t i = 0; i < rows * count; i++)
        cells[i] = column_write(&columns[i % count],
                                json_array_get(list, i / count), spaces);

    char *text = grid_write(&(struct grid){.heads = heads,
                                           .right = right,
                                           .columns = count,
                                           .cells = cells,
                                           .rows = rows});

    for (size_t i = 0; i < rows * count; i++)
        free(cells[i]);
    free(cells);
    free(heads);
    free(right);
    return text;
}

int table_show(struct cli *cli, const struct table_view *view,
               const json_t *list, const json_t *spaces)
{
    if (cli_json(cli, list))
        return CLI_DONE;
    if (json_array_size(list) == 0) {
        cli_say("%s", view->none);
        return CLI_DONE;
    }

    char *text = table_write(view->columns, view->count, list, spaces);

    fputs(text, stdout);
    free(text);
    return CLI_DONE;
}

/* ---- one object ---- */

char *label_write(const char *field)
{
    char *label = text_copy(field);

    for (char *p = label; *p != '\0'; p++)
        if (*p == '_')
            *p = ' ';
    label[0] = (char)toupper((unsigned char)label[0]);
    return label;
}

void details_add(struct text *out, const char *label, const char *value)
{
    size_t width = text_width(label);
    size_t gap = width + 2 > DETAILS_LABEL ? 2 : DETAILS_LABEL - width;
    char *wrapped = text_wrap(value, width + gap);

    text_addf(out, "%s%*s%s\n", label, (int)gap, "", wrapped);
    free(wrapped);
}

char *details_write(const json_t *object)
{
    struct text out = {.p = NULL};
    void *at = json_object_iter((json_t *)(uintptr_t)object);

    while (at != NULL) {
        const json_t *value = json_object_iter_value(at);
        char *label = label_write(json_object_iter_key(at));
        char *words =
            json_is_array(value) ? tags_write(value) : plain_write(value);

        if (*words != '\0')
            details_add(&out, label, words);
        free(words);
        free(label);
        at = json_object_iter_next((json_t *)(uintptr_t)object, at);
    }
    return text_take(&out);
}
