#include "cli/resolve.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/cli.h"
#include "cli/text.h"

#define NAMED_MAX 30u /* candidates or names that a message lists */

struct wanted {
    const struct resolve *how;
    const char *text;
    char *folded;
};

typedef bool (*fits_fn)(const struct wanted *w, const json_t *item);

static bool fits_id(const struct wanted *w, const json_t *item)
{
    return text_is_hex(w->text, w->how->id_digits) &&
           strcasecmp(field_text(item, "id"), w->text) == 0;
}

static bool fits_urn(const struct wanted *w, const json_t *item)
{
    return w->how->urn && text_is_digits(w->text) && strlen(w->text) < 10 &&
           field_number(item, "urn") != 0 &&
           field_number(item, "urn") == strtol(w->text, NULL, 10);
}

static bool fits_name(const struct wanted *w, const json_t *item)
{
    return strcmp(field_text(item, "name"), w->text) == 0;
}

static bool fits_case(const struct wanted *w, const json_t *item)
{
    char *folded = text_fold(field_text(item, "name"));
    bool fits = strcmp(folded, w->folded) == 0;

    free(folded);
    return fits;
}

static bool fits_beginning(const struct wanted *w, const json_t *item)
{
    if (!w->how->beginning)
        return false;

    char *folded = text_fold(field_text(item, "name"));
    bool fits = strncmp(folded, w->folded, strlen(w->folded)) == 0;

    free(folded);
    return fits;
}

static const fits_fn tiers[] = {fits_id, fits_urn, fits_name, fits_case,
                                fits_beginning};

static bool is_present(const json_t *item)
{
    return !field_is_set(item, "present") || field_is_true(item, "present");
}

static bool has_id(const json_t *list, const char *id)
{
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item)
    {
        if (strcmp(field_text(item, "id"), id) == 0)
            return true;
    }
    return false;
}

/* All that fit in one way, each id once.  New reference. */
static json_t *matches(const struct wanted *w, const json_t *list, fits_fn fits)
{
    json_t *found = text_memory(json_array());
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item)
    {
        const char *id = field_text(item, "id");

        if (*id != '\0' && is_present(item) && fits(w, item) &&
            !has_id(found, id))
            json_array_append(found, item);
    }
    return found;
}

/* ---- in words ---- */

static bool fits_all(const struct wanted *w, const json_t *item)
{
    (void)w, (void)item;
    return true;
}

/* What to call it in a message.  Caller frees. */
static char *name_write(const json_t *item)
{
    const char *name = field_text(item, "name");

    return text_safe(*name == '\0' ? field_text(item, "id") : name, false);
}

static char *names_write(const json_t *list)
{
    struct text out = {.p = NULL};
    json_t *there = matches(NULL, list, fits_all);
    size_t i;
    json_t *item;

    json_array_foreach(there, i, item)
    {
        char *name = name_write(item);

        if (i < NAMED_MAX)
            text_addf(&out, "%s%s", i == 0 ? "" : ", ", name);
        else if (i == NAMED_MAX)
            text_add(&out, ", ...");
        free(name);
    }
    json_decref(there);
    return text_take(&out);
}

static int say_none(const struct resolve *how, const json_t *list,
                    const char *text, struct trouble *t)
{
    char *shown = text_cut(text, 60);
    char *names = names_write(list);
    int exit;

    if (*names == '\0')
        exit = trouble_set(t, CLI_FAILED, "not-found",
                           "\"%s\" is not %s %s: there are no %s yet", shown,
                           how->one, how->where, how->many);
    else
        exit = trouble_set(t, CLI_FAILED, "not-found",
                           "\"%s\" is not %s %s; there are: %s", shown,
                           how->one, how->where, names);
    free(shown);
    free(names);
    return exit;
}

static void add_candidate(struct text *out, const json_t *item)
{
    int64_t urn = field_number(item, "urn");
    char *name = name_write(item);

    text_addf(out, "\n  %s  %s", field_text(item, "id"), name);
    if (urn != 0)
        text_addf(out, " (URN %lld)", (long long)urn);
    free(name);
}

static int say_several(const struct resolve *how, const json_t *found,
                       const char *text, struct trouble *t)
{
    struct text lines = {.p = NULL};
    size_t i;
    json_t *item;

    json_array_foreach(found, i, item)
    {
        if (i < NAMED_MAX)
            add_candidate(&lines, item);
        else if (i == NAMED_MAX)
            text_add(&lines, "\n  ...");
    }

    char *shown = text_cut(text, 60);
    char *list = text_take(&lines);
    int exit = trouble_set(t, CLI_MISUSED, "ambiguous",
                           "\"%s\" fits several %s; say which by its id:%s",
                           shown, how->many, list);

    free(shown);
    free(list);
    return exit;
}

int resolve_id(const struct resolve *how, const json_t *list, const char *text,
               const char **id, struct trouble *t)
{
    struct wanted w = {.how = how, .text = text, .folded = text_fold(text)};
    json_t *found = NULL;
    int exit = CLI_DONE;

    for (size_t i = 0; i < sizeof tiers / sizeof tiers[0]; i++) {
        json_decref(found);
        found = *text == '\0' ? NULL : matches(&w, list, tiers[i]);
        if (json_array_size(found) != 0)
            break;
    }
    if (json_array_size(found) == 0)
        exit = say_none(how, list, text, t);
    else if (json_array_size(found) > 1)
        exit = say_several(how, found, text, t);
    else
        *id = field_text(json_array_get(found, 0), "id");
    json_decref(found);
    free(w.folded);
    return exit;
}
