/* events.h - GET /api/events: what changed, as it changes.
 *
 * Server-sent events; each change is one `data:` line of JSON.  A subscriber
 * that does not keep up is dropped, with an event `dropped` that says so, and
 * had better read anew what it shows. */
#ifndef COVEY_DAEMON_EVENTS_H
#define COVEY_DAEMON_EVENTS_H

#include <uv.h>

#include "daemon/http.h"

#define EVENTS_SUBSCRIBERS_MAX 32u
#define EVENTS_BUFFER_MAX 1048576u /* bytes that wait for one of them */
#define EVENTS_BEAT_MS 15000u      /* a comment, where nothing else happened */

struct events;

struct events *events_new(uv_loop_t *loop);
/* Answers r: a stream, or 503 when there are too many. */
void events_subscribe(struct events *events, struct http_request *r);
/* JSON texts, one a line. */
void events_publish(struct events *events, struct covey_bytes lines);
/* Tell all that this is the end. */
void events_shut(struct events *events);
/* After every request has ended; frees itself once its handle is closed. */
void events_free(struct events *events);

#endif
