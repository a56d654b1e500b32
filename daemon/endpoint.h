/* endpoint.h - ADDR:PORT, as people write it and as sockets take it.
 *
 * Addresses only, no names: what we listen on is never looked up.  IPv6 stands
 * in brackets, "[::1]:4100". */
#ifndef COVEY_DAEMON_ENDPOINT_H
#define COVEY_DAEMON_ENDPOINT_H

#include <netdb.h>
#include <sys/socket.h>

#include "proto/base.h"

#define ENDPOINT_TEXT_MAX 64u  /* bytes, NUL included */
#define ENDPOINT_HOST_MAX 256u /* bytes, NUL included */
#define ENDPOINT_PORT_MAX 6u   /* bytes, NUL included */

struct endpoint {
    struct sockaddr_storage addr;
    socklen_t len;
};

/* ADDR:PORT; port 0 is allowed.  COVEY_EBAD with why. */
COVEY_MUST_USE enum covey_rc
endpoint_read(const char *text, struct endpoint *out, struct covey_why *why);
void endpoint_write(const struct endpoint *e, char text[ENDPOINT_TEXT_MAX]);

/* What a name stands for, as getaddrinfo() has it; the first few. */
#define ENDPOINT_LIST_MAX 8u
struct endpoint_list {
    size_t count;
    struct endpoint item[ENDPOINT_LIST_MAX];
};
void endpoint_list_read(const struct addrinfo *info, struct endpoint_list *out);

/* HOST:PORT in two, the brackets of IPv6 taken off; port 1 to 65535. */
COVEY_MUST_USE enum covey_rc endpoint_split(const char *text,
                                            char host[ENDPOINT_HOST_MAX],
                                            char port[ENDPOINT_PORT_MAX],
                                            struct covey_why *why);

uint16_t endpoint_port(const struct endpoint *e);
bool endpoint_is_loopback(const struct endpoint *e);
bool endpoint_is_wildcard(const struct endpoint *e);

/* Whom an address stands for when peers are counted: the address itself, and
 * the /24 or /64 that it lies in.  IPv4 in IPv6 clothes is IPv4. */
struct endpoint_origin {
    uint8_t address[16];
    uint8_t prefix[16];
};
struct endpoint_origin endpoint_origin(const struct endpoint *e);

/* A socket that listens there, non-blocking, close-on-exec; *e becomes what it
 * is bound to (port 0 picked one).  COVEY_EREFUSED with why: in use, ... */
COVEY_MUST_USE enum covey_rc endpoint_listen(struct endpoint *e, int *fd,
                                             struct covey_why *why);

#endif
