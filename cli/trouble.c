#include "cli/trouble.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/text.h"

__attribute__((format(printf, 3, 0))) static void
fill(struct trouble *t, const char *code, const char *format, va_list args)
{
    char *text = text_make_from(format, args);

    trouble_clear(t);
    t->text = text;
    snprintf(t->code, sizeof t->code, "%s", code);
}

int trouble_set(struct trouble *t, int exit, const char *code,
                const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fill(t, code, format, args);
    va_end(args);
    return exit;
}

int trouble_misused(struct trouble *t, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fill(t, "misused", format, args);
    va_end(args);
    return CLI_MISUSED;
}

void trouble_clear(struct trouble *t)
{
    free(t->text);
    t->text = NULL;
}
