/* door.h - a listening socket on the loop: each who knocks is handed on.
 *
 * When descriptors run out the door stays shut for DOOR_REST, so that it does
 * not spin; who waits in the kernel's queue is let in afterwards. */
#ifndef COVEY_DAEMON_DOOR_H
#define COVEY_DAEMON_DOOR_H

#include <uv.h>

#include "daemon/endpoint.h"

#define DOOR_REST_MS 250u
#define DOOR_RUN_MAX                                                           \
    64u /* let in before other things on the loop get a turn                   \
         */

/* fd is the visitor's, non-blocking, close-on-exec; the callee takes it. */
typedef void (*door_fn)(void *ctx, int fd, const struct endpoint *from);

struct door; /* opaque */

/* Takes listen_fd, which listens already. */
COVEY_MUST_USE enum covey_rc door_open(uv_loop_t *loop, int listen_fd,
                                       door_fn fn, void *ctx,
                                       struct door **out);
/* Closes the socket at once; frees itself later.  NULL allowed. */
void door_close(struct door *door);

/* Tell a visitor in HTTP why not, if that can be had without waiting; close. */
void door_refuse(int fd, const char *status, enum covey_rc rc,
                 const char *text);

#endif
