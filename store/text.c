/* text.c - words, for people and for SQLite. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/internal.h"

enum covey_rc why_say(struct covey_why *why, enum covey_rc rc,
                      const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
    return rc;
}

void text_say(struct covey_buf *out, const char *format, ...)
{
    char text[TEXT_SAY_MAX];
    va_list args;

    va_start(args, format);

    int len = vsnprintf(text, sizeof text, format, args);

    va_end(args);
    CHECK(len >= 0 && (size_t)len < sizeof text);
    buf_append(out, text, (size_t)len);
}

char *path_join(const char *dir, const char *name)
{
    size_t len = strlen(dir) + strlen(name) + 2;
    char *path = malloc(len);

    if (path != NULL)
        snprintf(path, len, "%s/%s", dir, name);
    return path;
}
