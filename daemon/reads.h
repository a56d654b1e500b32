/* reads.h - the API's reads: SQL on connections of their own, in libuv's pool.
 *
 * Nothing here waits for the disk on the loop.  An answer that fits READS_CHUNK
 * is sent whole; a longer list streams, one chunk in memory at a time, as fast
 * as it is taken.  QUERY_READERS_MAX run at once, the rest wait in order; there
 * are at most as many as there are HTTP connections. */
#ifndef COVEY_DAEMON_READS_H
#define COVEY_DAEMON_READS_H

#include <uv.h>

#include "daemon/http.h"
#include "daemon/routes.h"

#define READS_CHUNK 131072u /* bytes, about: a row is not cut */
#define READS_CHUNK_MAX                                                        \
    16777216u /* bytes that a chunk with its last row has                      \
               */

struct reads;

struct reads *reads_new(uv_loop_t *loop, const char *dir); /* dir: borrowed */
/* Answers r; takes the match, whose route is API_READ_ONE or API_READ_LIST. */
void reads_take(struct reads *reads, struct http_request *r,
                struct route_match *match);
/* After every request has ended; frees itself when the pool is through. */
void reads_free(struct reads *reads);

#endif
