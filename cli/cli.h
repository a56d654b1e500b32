/* cli.h - one call of `covey`: what was asked, and where the answer goes.
 *
 * Results go to standard output.  Trouble is kept in .trouble and printed once,
 * by cli_run(), to standard error. */
#ifndef COVEY_CLI_CLI_H
#define COVEY_CLI_CLI_H

#include <jansson.h>

#include "cli/args.h"
#include "cli/trouble.h"

#define COVEY_VERSION "0.1"

struct command;

struct cli {
    const char *data; /* DIR, of the school's record */
    char *data_made;  /* where .data had to be made up; owned */
    bool json;
    const struct command *command;
    struct param params[PARAMS_MAX]; /* of the command */
    struct args args;
    struct trouble trouble;
};

/* All of it; returns the exit code. */
int cli_run(int argc, char **argv);

/* The value of an option or place; NULL where it was not given. */
const char *cli_arg(const struct cli *cli, const char *name);
/* The same as a number; `otherwise` where it was not given. */
long cli_number(const struct cli *cli, const char *name, long otherwise);

/* With --json: print value as one line and return true. */
bool cli_json(const struct cli *cli, const json_t *value);
/* A line on standard output, printf-like. */
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A line about how things go, on standard error; silent with --json. */
void cli_progress(const struct cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Print one field of an answer alone on a line, or the answer with --json. */
int cli_answer(struct cli *cli, const json_t *answer, const char *field);
/* The daemon answered something that this version does not understand. */
int cli_odd_answer(struct cli *cli);

/* Fields of answers; safe on NULL and on whatever type.  Borrowed. */
const char *field_text(const json_t *object, const char *name); /* or "" */
int64_t field_number(const json_t *object, const char *name);   /* or 0 */
bool field_is_set(const json_t *object, const char *name); /* there, not null */
bool field_is_true(const json_t *object, const char *name); /* true or not 0 */

#endif
