/* token.h - DIR/web.token: what a browser on this machine must show.
 *
 * 64 hex digits and a newline, readable by this user alone.  Made where it is
 * absent; to make it anew, remove it and start the daemon again. */
#ifndef COVEY_DAEMON_TOKEN_H
#define COVEY_DAEMON_TOKEN_H

#include "proto/base.h"

#define TOKEN_FILE "web.token"
#define TOKEN_HEX 64u /* digits */

/* COVEY_EREFUSED (mode, owner, link), COVEY_EBAD, COVEY_EFULL, COVEY_EIO. */
COVEY_MUST_USE enum covey_rc
token_ensure(const char *dir, char token[TOKEN_HEX + 1], struct covey_why *why);

#endif
