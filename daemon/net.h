/* net.h - TCP with peers: listening, dialling, reading, writing.
 *
 * Each connection is a struct of its own, freed only when its handle's close
 * callback has come; the node knows it by number.  What is read goes to the
 * worker; reading stops while more than NET_WAITING_MAX of a connection's bytes
 * (or NET_WAITING_TOTAL of all) wait there. */
#ifndef COVEY_DAEMON_NET_H
#define COVEY_DAEMON_NET_H

#include <uv.h>

#include "daemon/worker.h"

#define NET_WAITING_MAX 1048576u    /* bytes of a connection */
#define NET_WAITING_TOTAL 33554432u /* bytes of all */
#define NET_READ_MAX 65536u         /* bytes of one read */
#define NET_ADDRESS_WAIT_MS 5000u   /* to connect to one address of a name */
#define NET_DIAL_WAIT_MS 20000u     /* to resolve and connect in all */
#define NET_LINGER_MS 5000u         /* to send what was left at a close */

struct net; /* opaque */

/* At most connection_max at a time, dialled ones included. */
struct net *net_new(uv_loop_t *loop, size_t connection_max);
/* What is read goes there; before the first connection. */
void net_connect(struct net *net, struct worker *worker);
/* Takes the socket, which listens already. */
COVEY_MUST_USE enum covey_rc net_listen(struct net *net, int fd);

/* What the node wants done (the notes of the worker). */
void net_dial(struct net *net, uint64_t id, const char *host_port);
void net_send(struct net *net, struct worker_note *note); /* takes it */
void net_known(struct net *net, uint64_t id);
void net_taken(struct net *net, uint64_t id, size_t len);
/* After what is to be sent; a stranger is cut off at once. */
void net_close(struct net *net, uint64_t id);

/* No more in.  Those there go on until net_close(), or net_cut() all. */
void net_shut(struct net *net);
void net_cut(struct net *net);
size_t net_count(const struct net *net);
/* After net_cut(); frees itself once every handle is closed. */
void net_free(struct net *net);

#endif
