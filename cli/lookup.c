#include "cli/lookup.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "cli/resolve.h"

static void copy_lower(char *to, size_t size, const char *from)
{
    size_t i = 0;

    for (; i + 1 < size && from[i] != '\0'; i++)
        to[i] = (char)tolower((unsigned char)from[i]);
    to[i] = '\0';
}

void lookup_row(const struct cli *cli, char id[ROW_DIGITS + 1])
{
    copy_lower(id, ROW_DIGITS + 1, cli_arg(cli, "ID"));
}

int lookup_spaces(struct cli *cli, json_t **out)
{
    return client_list(cli, out, "/api/spaces");
}

int lookup_space(struct cli *cli, const char *text, char id[SPACE_DIGITS + 1])
{
    static const struct resolve how = {.one = "a space",
                                       .many = "spaces",
                                       .where = "here",
                                       .id_digits = SPACE_DIGITS};
    json_t *spaces = NULL;
    const char *found = NULL;
    int exit = lookup_spaces(cli, &spaces);

    if (exit == CLI_DONE)
        exit = resolve_id(&how, spaces, text, &found, &cli->trouble);
    if (exit == CLI_DONE)
        copy_lower(id, SPACE_DIGITS + 1, found);
    json_decref(spaces);
    return exit;
}

static int add_members(struct cli *cli, const char *space, json_t *list)
{
    json_t *members = NULL;
    int exit = client_list(cli, &members, "/api/spaces/%s/members", space);

    json_array_extend(list, members);
    json_decref(members);
    return exit;
}

/* Every member of every space, and this one. */
static int add_everybody(struct cli *cli, json_t *list)
{
    json_t *spaces = NULL;
    json_t *self = NULL;
    size_t i;
    json_t *space;
    int exit = client_get(cli, &self, "/api/self");

    if (exit == CLI_DONE)
        exit = lookup_spaces(cli, &spaces);
    if (json_object_get(self, "id") == NULL)
        json_object_set(self, "id", json_object_get(self, "member"));
    json_array_append(list, self);
    json_array_foreach(spaces, i, space)
    {
        if (exit == CLI_DONE && !field_is_true(space, "carried"))
            exit = add_members(cli, field_text(space, "id"), list);
    }
    json_decref(self);
    json_decref(spaces);
    return exit;
}

int lookup_member(struct cli *cli, const char *space, const char *text,
                  char id[MEMBER_DIGITS + 1])
{
    const struct resolve how = {.one = "a member",
                                .many = "members",
                                .where = space == NULL ? "that is known here"
                                                       : "of that space",
                                .id_digits = MEMBER_DIGITS,
                                .urn = true,
                                .beginning = true};
    json_t *list = json_array();
    const char *found = NULL;
    int exit = space == NULL ? add_everybody(cli, list)
                             : add_members(cli, space, list);

    if (exit == CLI_DONE)
        exit = resolve_id(&how, list, text, &found, &cli->trouble);
    if (exit == CLI_DONE)
        copy_lower(id, MEMBER_DIGITS + 1, found);
    json_decref(list);
    return exit;
}
