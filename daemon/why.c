#include "daemon/why.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum covey_rc why_fail(struct covey_why *why, enum covey_rc rc,
                       const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
    return rc;
}

enum covey_rc why_errno(struct covey_why *why, int error, const char *format,
                        ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);

    size_t len = strlen(why->text);
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): a text for each thread in glibc */
    const char *reason = strerror(error);

    snprintf(why->text + len, sizeof why->text - len, ": %s", reason);
    return why_rc(error);
}

enum covey_rc why_rc(int error)
{
    static const struct {
        int error;
        enum covey_rc rc;
    } codes[] = {
        {EIO, COVEY_EIO},      {ENOSPC, COVEY_EFULL},   {EDQUOT, COVEY_EFULL},
        {ENOENT, COVEY_ENONE}, {EEXIST, COVEY_EEXISTS}, {ENOMEM, COVEY_ENOMEM},
    };

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i].error == error)
            return codes[i].rc;
    }
    return COVEY_EREFUSED;
}
