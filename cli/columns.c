#include "cli/columns.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli/text.h"

const char *column_option(const struct rule_column *column)
{
    static const char *const one_of[][2] = {
        {"principles", "principle"},
        {"phases", "phase"},
    };

    for (size_t i = 0; i < sizeof one_of / sizeof one_of[0]; i++) {
        if (strcmp(column->name, one_of[i][0]) == 0)
            return one_of[i][1];
    }
    return column->name;
}

struct param column_param(const struct rule_column *column, bool adding)
{
    static const struct {
        enum param_kind kind;
        const char *value; /* NULL: the choices */
    } by_type[] = {
        [COLUMN_TEXT] = {PARAM_TEXT, "TEXT"},
        [COLUMN_CHOICE] = {PARAM_CHOICE, NULL},
        [COLUMN_DATE] = {PARAM_DATE, "YYYY-MM-DD"},
        [COLUMN_MEMBER] = {PARAM_TEXT, "SCHOOL"},
        [COLUMN_ROW] = {PARAM_ROW, "ID"},
        [COLUMN_TAGS] = {PARAM_CHOICE, NULL},
    };
    const char *value = by_type[column->type].value;

    return (struct param){
        .name = column_option(column),
        .value = value == NULL ? column->choices : value,
        .choices = column->choices,
        .help = column->help,
        .kind = by_type[column->type].kind,
        .max_chars = column->max_chars,
        .required = adding && column->required && column->initial == NULL,
        .repeat = column->type == COLUMN_TAGS,
        .clears = true,
    };
}

/* ---- values ---- */

static bool has_text(const json_t *array, const char *text)
{
    size_t i;
    json_t *item;

    json_array_foreach(array, i, item)
    {
        if (strcmp(json_string_value(item), text) == 0)
            return true;
    }
    return false;
}

/* All values given, each once, sorted as the column wants them. */
static json_t *tags_value(const struct rule_column *column,
                          const struct args *args)
{
    json_t *tags = text_memory(json_array());
    const char *option = column_option(column);
    size_t at = 0;
    const char *text;

    while ((text = args_next(args, option, &at)) != NULL) {
        size_t place = 0;

        if (*text == '\0' || has_text(tags, text))
            continue;
        while (place < json_array_size(tags) &&
               strcmp(json_string_value(json_array_get(tags, place)), text) < 0)
            place++;
        json_array_insert_new(tags, place, text_memory(json_string(text)));
    }
    return tags;
}

static json_t *lower_value(const char *text)
{
    char *lower = text_copy(text);

    for (char *p = lower; *p != '\0'; p++)
        *p = (char)tolower((unsigned char)*p);

    json_t *value = text_memory(json_string(lower));

    free(lower);
    return value;
}

json_t *column_value(const struct rule_column *column, const struct args *args)
{
    const char *text = args_get(args, column_option(column));

    if (text == NULL)
        return NULL;
    if (column->type == COLUMN_TAGS)
        return tags_value(column, args);
    if (*text == '\0' && !column->required)
        return json_null();
    if (column->type == COLUMN_ROW)
        return lower_value(text);
    return text_memory(json_string(text));
}

char *table_path(const char *table)
{
    size_t len = strlen(table);

    if (table[len - 1] == 'y')
        return text_make("/api/%.*sies", (int)(len - 1), table);
    return text_make("/api/%ss", table);
}
