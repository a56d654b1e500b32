#include "daemon/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/why.h"

#define LISTEN_BACKLOG 256

/* sockaddr_storage is made to be seen as any of these. */
static struct sockaddr_in *v4_of(struct endpoint *e)
{
    return (struct sockaddr_in *)&e->addr;
}
static const struct sockaddr_in *v4(const struct endpoint *e)
{
    return (const struct sockaddr_in *)&e->addr;
}
static struct sockaddr_in6 *v6_of(struct endpoint *e)
{
    return (struct sockaddr_in6 *)&e->addr;
}
static const struct sockaddr_in6 *v6(const struct endpoint *e)
{
    return (const struct sockaddr_in6 *)&e->addr;
}

static bool read_port(const char *text, unsigned long *out)
{
    size_t len = strlen(text);

    if (len == 0 || len >= ENDPOINT_PORT_MAX ||
        strspn(text, "0123456789") != len)
        return false;
    *out = strtoul(text, NULL, 10);
    return *out <= 65535;
}

/* Host and port of "HOST:PORT" or "[V6]:PORT"; false if it is neither. */
static bool split(const char *text, char host[ENDPOINT_HOST_MAX],
                  char port[ENDPOINT_PORT_MAX])
{
    const char *colon = strrchr(text, ':');

    if (colon == NULL || strlen(colon + 1) >= ENDPOINT_PORT_MAX)
        return false;

    const char *from = text;
    size_t len = (size_t)(colon - text);

    if (text[0] == '[') {
        if (len < 3 || text[len - 1] != ']')
            return false;
        from++;
        len -= 2;
    } else if (memchr(text, ':', len) != NULL) {
        return false; /* IPv6 without brackets: where does the port begin? */
    }
    if (len == 0 || len >= ENDPOINT_HOST_MAX)
        return false;
    memcpy(host, from, len);
    host[len] = '\0';
    memcpy(port, colon + 1, strlen(colon + 1) + 1);
    return true;
}

enum covey_rc endpoint_split(const char *text, char host[ENDPOINT_HOST_MAX],
                             char port[ENDPOINT_PORT_MAX],
                             struct covey_why *why)
{
    unsigned long number = 0;

    if (!split(text, host, port) || !read_port(port, &number) || number == 0)
        return why_fail(why, COVEY_EBAD,
                        "%s is not HOST:PORT, with a port from 1 to 65535",
                        text);
    return COVEY_OK;
}

enum covey_rc endpoint_read(const char *text, struct endpoint *out,
                            struct covey_why *why)
{
    char host[ENDPOINT_HOST_MAX];
    char port[ENDPOINT_PORT_MAX];
    unsigned long number = 0;

    memset(out, 0, sizeof *out);
    if (!split(text, host, port) || !read_port(port, &number))
        return why_fail(why, COVEY_EBAD,
                        "%s is not ADDR:PORT, with a port from 0 to 65535",
                        text);
    if (text[0] != '[' && inet_pton(AF_INET, host, &v4_of(out)->sin_addr) > 0) {
        v4_of(out)->sin_family = AF_INET;
        v4_of(out)->sin_port = htons((uint16_t)number);
        out->len = sizeof(struct sockaddr_in);
        return COVEY_OK;
    }
    if (text[0] == '[' &&
        inet_pton(AF_INET6, host, &v6_of(out)->sin6_addr) > 0) {
        v6_of(out)->sin6_family = AF_INET6;
        v6_of(out)->sin6_port = htons((uint16_t)number);
        out->len = sizeof(struct sockaddr_in6);
        return COVEY_OK;
    }
    return why_fail(why, COVEY_EBAD,
                    "%s is not an address: give numbers, as 127.0.0.1 or "
                    "[::1], not a name",
                    host);
}

void endpoint_write(const struct endpoint *e, char text[ENDPOINT_TEXT_MAX])
{
    char host[INET6_ADDRSTRLEN] = "?";

    if (e->addr.ss_family == AF_INET6) {
        inet_ntop(AF_INET6, &v6(e)->sin6_addr, host, sizeof host);
        snprintf(text, ENDPOINT_TEXT_MAX, "[%s]:%u", host, endpoint_port(e));
        return;
    }
    inet_ntop(AF_INET, &v4(e)->sin_addr, host, sizeof host);
    snprintf(text, ENDPOINT_TEXT_MAX, "%s:%u", host, endpoint_port(e));
}

void endpoint_list_read(const struct addrinfo *info, struct endpoint_list *out)
{
    out->count = 0;
    for (; info != NULL && out->count < ENDPOINT_LIST_MAX;
         info = info->ai_next) {
        if (info->ai_family != AF_INET && info->ai_family != AF_INET6)
            continue;
        memcpy(&out->item[out->count].addr, info->ai_addr, info->ai_addrlen);
        out->item[out->count++].len = info->ai_addrlen;
    }
}

uint16_t endpoint_port(const struct endpoint *e)
{
    return ntohs(e->addr.ss_family == AF_INET6 ? v6(e)->sin6_port
                                               : v4(e)->sin_port);
}

bool endpoint_is_loopback(const struct endpoint *e)
{
    if (e->addr.ss_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&v6(e)->sin6_addr);
    return ntohl(v4(e)->sin_addr.s_addr) >> 24 == 127;
}

bool endpoint_is_wildcard(const struct endpoint *e)
{
    if (e->addr.ss_family == AF_INET6)
        return IN6_IS_ADDR_UNSPECIFIED(&v6(e)->sin6_addr);
    return v4(e)->sin_addr.s_addr == htonl(INADDR_ANY);
}

struct endpoint_origin endpoint_origin(const struct endpoint *e)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255};
    struct endpoint_origin o = {0};

    if (e->addr.ss_family == AF_INET6) {
        memcpy(o.address, &v6(e)->sin6_addr, 16);
    } else {
        memcpy(o.address, mapped, 12);
        memcpy(o.address + 12, &v4(e)->sin_addr, 4);
    }
    memcpy(o.prefix, o.address,
           memcmp(o.address, mapped, sizeof mapped) == 0 ? 15 : 8);
    return o;
}

static int listen_on(struct endpoint *e)
{
    const int on = 1;
    const int off = 0;
    struct sockaddr *addr = (struct sockaddr *)&e->addr;
    int fd = socket(e->addr.ss_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        (e->addr.ss_family == AF_INET ||
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0) &&
        bind(fd, addr, e->len) == 0 && listen(fd, LISTEN_BACKLOG) == 0 &&
        getsockname(fd, addr, &e->len) == 0)
        return fd;

    int error = errno;

    close(fd);
    errno = error;
    return -1;
}

enum covey_rc endpoint_listen(struct endpoint *e, int *fd,
                              struct covey_why *why)
{
    char text[ENDPOINT_TEXT_MAX];

    endpoint_write(e, text);
    *fd = listen_on(e);
    if (*fd >= 0)
        return COVEY_OK;
    if (errno == EADDRINUSE)
        return why_fail(why, COVEY_EREFUSED,
                        "%s is in use by another program: choose another port",
                        text);
    if (errno == EADDRNOTAVAIL)
        return why_fail(why, COVEY_EREFUSED,
                        "%s is not an address of this machine", text);
    why_errno(why, errno, "cannot listen on %s", text);
    return COVEY_EREFUSED;
}
