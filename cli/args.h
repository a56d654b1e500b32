/* args.h - what is typed behind a verb, told apart by the verb's own table.
 *
 * Options may stand anywhere behind the verb; "--name=value" is the same as
 * "--name value"; what follows "--" is taken as it is. */
#ifndef COVEY_CLI_ARGS_H
#define COVEY_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/trouble.h"

#define PARAMS_MAX 24u /* of one verb */
#define ARGS_MAX 64u   /* values given in one call */

enum param_kind {
    PARAM_FLAG,   /* an option without a value */
    PARAM_TEXT,   /* words; "-" stands for what standard input holds */
    PARAM_LONG,   /* the same, of what is no cell: a statement, a frontier */
    PARAM_WORD,   /* one line of the program's own (a ticket, an address) */
    PARAM_NAME,   /* of a space or a member */
    PARAM_NUMBER, /* digits */
    PARAM_CHOICE, /* one of choices */
    PARAM_DATE,   /* YYYY-MM-DD, a day that exists */
    PARAM_ROW,    /* a row's id: 40 hex digits */
    PARAM_KEY,    /* a space's id or a node's key: 32 or 64 hex digits */
};

struct param {
    const char *name;    /* an option, without its dashes; NULL: by place */
    const char *value;   /* what stands for the value in help; NULL: a flag */
    const char *help;    /* one line */
    const char *choices; /* |-separated, or NULL */
    enum param_kind kind;
    uint32_t max_chars; /* 0: only what every value is held to */
    bool required;
    bool repeat;
    bool clears; /* an empty value clears, so it is no further looked at */
};

struct arg {
    const struct param *param;
    const char *text;
};

struct args {
    const struct param *params;
    size_t param_count;
    struct arg given[ARGS_MAX];
    size_t count;
    const char *data; /* --data, or NULL */
    bool help;
    char *input; /* what "-" stood for; owned */
};

/* Told apart and counted, not looked into.  argv[0] is the first behind the
 * verb; the texts are borrowed.  With --help nothing else is asked for. */
int args_parse(struct args *args, int argc, char *const *argv,
               struct trouble *t);
/* Put the whole of standard input where a PARAM_TEXT or PARAM_LONG is "-". */
int args_read_input(struct args *args, struct trouble *t);
/* The value of an option (by its name) or a place (by its value's word); NULL
 * where it was not given. */
const char *args_get(const struct args *args, const char *name);
/* The next given value of `name` from *at on, which starts at 0; NULL: done. */
const char *args_next(const struct args *args, const char *name, size_t *at);
void args_clear(struct args *args);

/* Does "-" stand for standard input there? */
bool param_is_words(const struct param *param);
/* How people call a parameter: "--title" or "SPACE".  Caller frees. */
char *param_title(const struct param *param);

/* Is this the option called `name`?  *inside is its value behind "=", or NULL.
 */
bool option_is(const char *word, const char *name, const char **inside);
/* Does this look like an option rather than words that begin with a dash? */
bool option_like(const char *word);

#endif
