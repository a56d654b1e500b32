/* command.h - the table of commands: words, what runs, what it takes. */
#ifndef COVEY_CLI_COMMAND_H
#define COVEY_CLI_COMMAND_H

#include "cli/cli.h"

struct rule_table;

enum command_columns {
    COLUMNS_NONE,
    COLUMNS_ADD, /* an option for each column of the shared table */
    COLUMNS_SET, /* the same, of those that may change */
};

struct command {
    const char *words; /* "space create" */
    int (*run)(struct cli *cli);
    const char *help;            /* one line */
    const char *more;            /* what else --help says, or NULL */
    const char *const *examples; /* NULL-terminated */
    const struct param *params;  /* ends with a zeroed one; NULL: none */
    const char *table;           /* the shared table it is about, or NULL */
    enum command_columns columns;
};

extern const struct command commands[];
extern const size_t command_count;

/* The command that argv begins with and how many words name it; NULL: none. */
const struct command *command_find(int argc, char *const *argv, int *words);
/* Do some commands begin with this word and another? */
bool command_is_group(const char *word);
/* Its own parameters and those that its shared table gives it; returns how
 * many, at most PARAMS_MAX. */
size_t command_params(const struct command *command,
                      struct param out[PARAMS_MAX]);

/* help.c.  Text is the caller's to free. */
char *help_all(void);
char *help_group(const char *word);
char *help_names(const char *word); /* of a group: "create, list or show" */
char *help_command(const struct command *command);
/* "covey space create NAME [--kind ...]" */
char *help_usage(const struct command *command);

#endif
