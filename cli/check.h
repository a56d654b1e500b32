/* check.h - what can be said of a value without asking the daemon.
 *
 * What is of the wrong form is CLI_MISUSED; what is well-formed but cannot be
 * (a day that does not exist, a text that is too long) is CLI_FAILED, as the
 * daemon, which has the last word, would refuse it too. */
#ifndef COVEY_CLI_CHECK_H
#define COVEY_CLI_CHECK_H

#include "cli/args.h"

/* Every word typed must be UTF-8, whatever it is for. */
int check_utf8(int argc, char *const *argv, struct trouble *t);
/* One value of one parameter. */
int check_value(const struct param *param, const char *text, struct trouble *t);
/* All that were given, in order. */
int check_args(const struct args *args, struct trouble *t);
/* Is text one of the |-separated choices? */
bool choice_is(const char *choices, const char *text);
/* "school, council or partner".  Caller frees. */
char *choices_write(const char *choices);

#endif
