/* resolve.h - from what a person types to the one thing that is meant.
 *
 * Tried in this order, and the first that fits anything decides: the id, the
 * URN, the name as it is, the name in any case, its beginning. */
#ifndef COVEY_CLI_RESOLVE_H
#define COVEY_CLI_RESOLVE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/trouble.h"

struct resolve {
    const char *one;   /* "a space", for messages */
    const char *many;  /* "spaces" */
    const char *where; /* "here", "in North cluster" */
    size_t id_digits;  /* hex digits of an id */
    bool urn;          /* a number may be a URN */
    bool beginning;    /* the beginning of a name is enough, if it is one's */
};

/* Find `text` in list: objects with "id", "name" and perhaps "urn" and
 * "present"; those that are not present are passed over.  *id is borrowed from
 * the list.  CLI_FAILED: there is none, and which there are; CLI_MISUSED: it
 * fits several, and which. */
int resolve_id(const struct resolve *how, const json_t *list, const char *text,
               const char **id, struct trouble *t);

#endif
