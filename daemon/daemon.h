/* daemon.h - a running coveyd: all of the shell put together. */
#ifndef COVEY_DAEMON_DAEMON_H
#define COVEY_DAEMON_DAEMON_H

#include "daemon/config.h"
#include "daemon/routes.h"

#define DAEMON_EXIT_OK 0
#define DAEMON_EXIT_FAILED 1
#define DAEMON_EXIT_MISUSED 2
#define DAEMON_EXIT_DISK 74 /* a disk fault: start again, and it recovers */

#define DAEMON_STOP_MS 2000u /* for last words to peers and answers */

/* Serve the record in config->data until a signal or a fault.  Prints the ready
 * line on stdout.  COVEY_OK: it has served, *exit_code says how that ended;
 * otherwise it could not start, with why. */
COVEY_MUST_USE enum covey_rc daemon_run(const struct config *config,
                                        const struct route_table *routes,
                                        int *exit_code, struct covey_why *why);
/* The exit code that stands for a failure. */
int daemon_exit_code(enum covey_rc rc);

#endif
