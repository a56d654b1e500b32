/* watch.h - another program wrote to the record: somebody should look.
 *
 * Watches the directory for changes of the WAL file.  It fires for our own
 * commits too, and before a commit is visible: the node looks, and looks again.
 * One look at a time: what fires meanwhile brings one more after it. */
#ifndef COVEY_DAEMON_WATCH_H
#define COVEY_DAEMON_WATCH_H

#include <uv.h>

#include "daemon/worker.h"

#define WATCH_POLL_MS                                                          \
    500u /* where the system gives no watch: look so often                     \
          */

struct watch;

struct watch *watch_start(uv_loop_t *loop, const char *dir,
                          struct worker *worker);
void watch_looked(struct watch *watch); /* WORKER_LOOKED came */
/* Frees itself once its handles are closed. */
void watch_stop(struct watch *watch);

#endif
