#include "daemon/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const level_names[] = {
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_ERROR] = "error",
};

/* One byte is kept for the newline. */
static void add(struct log_line *line, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void add(struct log_line *line, const char *format, ...)
{
    size_t room = sizeof line->text - 1 - line->len;
    va_list args;

    va_start(args, format);

    int n = vsnprintf(line->text + line->len, room, format, args);

    va_end(args);
    if (n > 0)
        line->len += (size_t)n < room ? (size_t)n : room - 1;
}

static bool plain(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c <= ' ' || *c == '"' || *c == '=' || *c == '\\' || *c == 0x7f)
            return false;
    }
    return *text != '\0';
}

static void add_quoted(struct log_line *line, const char *text)
{
    add(line, "\"");
    for (const char *c = text; *c != '\0'; c++) {
        unsigned char b = (unsigned char)*c;

        if (b == '"' || b == '\\')
            add(line, "\\%c", b);
        else if (b < ' ' || b == 0x7f)
            add(line, "\\x%02x", b);
        else
            add(line, "%c", b);
    }
    add(line, "\"");
}

void log_text(struct log_line *line, const char *key, const char *text)
{
    add(line, " %s=", key);
    if (plain(text))
        add(line, "%s", text);
    else
        add_quoted(line, text);
}

void log_number(struct log_line *line, const char *key, int64_t number)
{
    add(line, " %s=%" PRId64, key, number);
}

void log_begin(struct log_line *line, enum log_level level, const char *msg)
{
    struct timespec now;
    struct tm utc;
    char second[32];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(second, sizeof second, "%Y-%m-%dT%H:%M:%S", &utc);
    line->len = 0;
    add(line, "time=%s.%03ldZ level=%s", second, now.tv_nsec / 1000000,
        level_names[level]);
    log_text(line, "msg", msg);
}

void log_end(struct log_line *line)
{
    line->text[line->len++] = '\n';

    /* Nowhere to tell that telling failed. */
    ssize_t written = write(STDERR_FILENO, line->text, line->len);

    (void)written;
}

void log_plain(enum log_level level, const char *msg)
{
    struct log_line line;

    log_begin(&line, level, msg);
    log_end(&line);
}

void log_because(enum log_level level, const char *msg, const char *why)
{
    struct log_line line;

    log_begin(&line, level, msg);
    log_text(&line, "why", why);
    log_end(&line);
}

void log_panic(const char *expr, const char *file, int line)
{
    struct log_line out;

    log_begin(&out, LOG_LEVEL_ERROR, "this cannot be: stopping at once");
    log_text(&out, "check", expr);
    log_text(&out, "file", file);
    log_number(&out, "line", line);
    log_end(&out);
    abort();
}
