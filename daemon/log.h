/* log.h - one line an event on stderr, in logfmt.
 *
 *     time=2026-01-31T08:15:00.123Z level=info msg=listening at=[::]:4100
 *
 * A line is built and written at once, so lines of two threads do not mix.
 * Nothing is logged for a stranger: strangers could fill a disk. */
#ifndef COVEY_DAEMON_LOG_H
#define COVEY_DAEMON_LOG_H

#include <stddef.h>
#include <stdint.h>

#define LOG_LINE_MAX 1024u /* bytes; what is longer is cut */

enum log_level { LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

struct log_line {
    char text[LOG_LINE_MAX];
    size_t len;
};

/* Begin, add fields, end.  Text that is not plain is quoted and escaped. */
void log_begin(struct log_line *line, enum log_level level, const char *msg);
void log_text(struct log_line *line, const char *key, const char *text);
void log_number(struct log_line *line, const char *key, int64_t number);
void log_end(struct log_line *line);

/* A line without fields, and one with a single text. */
void log_plain(enum log_level level, const char *msg);
void log_because(enum log_level level, const char *msg, const char *why);

/* The panic hook: the line, then abort(). */
void log_panic(const char *expr, const char *file, int line)
    __attribute__((noreturn));

#endif
