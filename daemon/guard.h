/* guard.h - whom the page's port answers.
 *
 * A loopback port is open to every program and every web page that the person
 * at this machine has open.  So: the Host must be one of ours, letter by letter
 * (a rebound name shows in nothing else); an Origin, if there is one, must be
 * ours; and whoever asks for anything under /api must show the token. */
#ifndef COVEY_DAEMON_GUARD_H
#define COVEY_DAEMON_GUARD_H

#include "daemon/token.h"
#include "proto/base.h"

#define GUARD_HOSTS_MAX 4u
#define GUARD_HOST_MAX 72u /* bytes, NUL included */

struct guard {
    size_t host_count;
    char hosts[GUARD_HOSTS_MAX][GUARD_HOST_MAX];
    char token[TOKEN_HEX + 1];
};

/* What a request says of where it comes from; NULL where it says nothing. */
struct guard_ask {
    const char *path; /* begins with "/"; the query may follow */
    const char *host;
    size_t host_count; /* how many Host headers */
    const char *origin;
    size_t origin_count;
    const char *authorization; /* "Bearer TOKEN" */
    const char *token;         /* X-Covey-Token */
};

/* bound is ADDR:PORT as the port is bound, with the port that it has. */
void guard_init(struct guard *g, const char *bound, uint16_t port,
                const char *token);
/* 0: let it in.  Otherwise the HTTP status (400, 401, 403), and why. */
int guard_judge(const struct guard *g, const struct guard_ask *ask,
                struct covey_why *why);

/* What every answer tells the browser to forbid itself. */
struct guard_header {
    const char *name, *value;
};
extern const struct guard_header guard_headers[];
extern const size_t guard_header_count;

#endif
