/* lookup.h - spaces and members by name, as the daemon knows them. */
#ifndef COVEY_CLI_LOOKUP_H
#define COVEY_CLI_LOOKUP_H

#include "cli/cli.h"

#define SPACE_DIGITS 32u
#define MEMBER_DIGITS 64u
#define ROW_DIGITS 40u

/* The spaces that this node is in or carries.  New reference. */
int lookup_spaces(struct cli *cli, json_t **out);
/* A space by its name or id. */
int lookup_space(struct cli *cli, const char *text, char id[SPACE_DIGITS + 1]);
/* A member of a space (its id), or of any where space is NULL, by its id, URN
 * or name. */
int lookup_member(struct cli *cli, const char *space, const char *text,
                  char id[MEMBER_DIGITS + 1]);
/* The place "ID" in lower case, as tables hold it. */
void lookup_row(const struct cli *cli, char id[ROW_DIGITS + 1]);

#endif
