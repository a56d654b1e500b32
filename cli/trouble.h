/* trouble.h - what went wrong, kept until main() prints it once.
 *
 * A call that can fail returns one of enum cli_exit, the program's own exit
 * codes, and has filled a struct trouble when that is not CLI_DONE. */
#ifndef COVEY_CLI_TROUBLE_H
#define COVEY_CLI_TROUBLE_H

enum cli_exit {
    CLI_DONE = 0,
    CLI_FAILED = 1,  /* the daemon or the world said no */
    CLI_MISUSED = 2, /* what was typed is not of the right form */
};

struct trouble {
    char code[32]; /* one of covey_rc_id()'s, or "no-daemon" */
    char *text;    /* a sentence for people; owned; NULL: no trouble */
};

/* Fill t (the newest trouble stands) and return `exit`.  code is cut to fit. */
int trouble_set(struct trouble *t, int exit, const char *code,
                const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The same for what was typed wrongly: CLI_MISUSED, "misused". */
int trouble_misused(struct trouble *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void trouble_clear(struct trouble *t); /* safe on a zeroed one */

#endif
