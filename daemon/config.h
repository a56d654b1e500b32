/* config.h - what the one who runs coveyd may choose.
 *
 * One table: each entry is a flag (--listen ADDR:PORT) and, where it makes
 * sense, a line of DIR/covey.conf (listen = ADDR:PORT).  A flag wins over the
 * file; those that may be given several times add up.
 *
 * Parsing is pure: text in, struct or reason out. */
#ifndef COVEY_DAEMON_CONFIG_H
#define COVEY_DAEMON_CONFIG_H

#include "daemon/endpoint.h"
#include "proto/ticket.h"

#define CONFIG_FILE "covey.conf"
#define CONFIG_FILE_MAX 65536u /* bytes */
#define CONFIG_LINE_MAX 190u   /* bytes of a line of the file */
#define CONFIG_DIALS_MAX 64u

struct config {
    const char *data; /* texts are the config's own, or NULL */
    const char *listen;
    const char *advertise;
    const char *web;
    const char *group;
    const char *dials[CONFIG_DIALS_MAX];
    size_t dial_count;
    bool carry_all;
    bool init;
    const char *name;
    const char *urn;
    const char *kind;
    bool help;
    bool version;
    bool api_doc;
};

/* Defaults.  config_clear() frees what the config holds. */
void config_init(struct config *c);
void config_clear(struct config *c);

/* argv without the program's name.  COVEY_EUSAGE with why. */
COVEY_MUST_USE enum covey_rc config_flags(struct config *c,
                                          const char *const *argv, size_t count,
                                          struct covey_why *why);
/* The text of a file; what `c` has already stays, so flags come first.
 * COVEY_EBAD with why: "line N: reason". */
COVEY_MUST_USE enum covey_rc config_text(struct config *c, const char *text,
                                         struct covey_why *why);
/* DIR/covey.conf, if there is one.  COVEY_EBAD, COVEY_EREFUSED. */
COVEY_MUST_USE enum covey_rc config_file(struct config *c, const char *dir,
                                         struct covey_why *why);
/* What --help prints, from the table. */
void config_help(struct covey_buf *out);

#endif
