/* Dates, times, ages and sizes, in words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/text.h"

static const char *const months[] = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};

bool date_read(const char *text, struct date *out)
{
    static const char form[] = "dddd-dd-dd";

    if (strlen(text) != sizeof form - 1)
        return false;
    for (size_t i = 0; form[i] != '\0'; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';

        if (form[i] == 'd' ? !digit : text[i] != form[i])
            return false;
    }
    /* NOLINTNEXTLINE(cert-err34-c): four digits at the most, and seen above */
    return sscanf(text, "%4d-%2d-%2d", &out->year, &out->month, &out->day) == 3;
}

bool date_exists(const struct date *d)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = d->year % 4 == 0 && (d->year % 100 != 0 || d->year % 400 == 0);

    if (d->month < 1 || d->month > 12)
        return false;
    return d->day >= 1 &&
           d->day <= days[d->month - 1] + (leap && d->month == 2 ? 1 : 0);
}

char *date_write(const struct date *d)
{
    return text_make("%d %s %d", d->day, months[d->month - 1], d->year);
}

char *date_british(const char *text)
{
    struct date d;

    if (!date_read(text, &d) || !date_exists(&d))
        return text_copy(text);
    return date_write(&d);
}

char *moment_write(time_t when)
{
    struct tm local;

    if (localtime_r(&when, &local) == NULL)
        return text_copy("");
    return text_make("%d %s %d, %02d:%02d", local.tm_mday, months[local.tm_mon],
                     local.tm_year + 1900, local.tm_hour, local.tm_min);
}

char *moment_british(const char *iso)
{
    struct tm utc = {0};

    /* NOLINTNEXTLINE(cert-err34-c): four digits at the most */
    if (sscanf(iso, "%4d-%2d-%2dT%2d:%2d:%2d", &utc.tm_year, &utc.tm_mon,
               &utc.tm_mday, &utc.tm_hour, &utc.tm_min, &utc.tm_sec) != 6)
        return date_british(iso);
    utc.tm_year -= 1900;
    utc.tm_mon -= 1;
    return moment_write(timegm(&utc));
}

time_t moment_of_row(const char *id)
{
    char *ms = text_copy_part(id, 12);
    time_t when = (time_t)(strtoull(ms, NULL, 16) / 1000);

    free(ms);
    return when;
}

char *ago_write(int64_t seconds)
{
    static const struct {
        int64_t below; /* seconds */
        int64_t unit;
        const char *one, *many;
    } units[] = {
        {60, 1, "second", "seconds"},
        {3600, 60, "minute", "minutes"},
        {172800, 3600, "hour", "hours"},
        {INT64_MAX, 86400, "day", "days"},
    };
    size_t i = 0;

    if (seconds < 0)
        return text_copy("never");
    if (seconds < 2)
        return text_copy("just now");
    while (seconds >= units[i].below)
        i++;

    char *count =
        count_write(seconds / units[i].unit, units[i].one, units[i].many);
    char *ago = text_make("%s ago", count);

    free(count);
    return ago;
}

char *bytes_write(int64_t bytes)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB"};
    double size = (double)bytes / 1000;
    size_t i = 0;

    if (bytes < 1000)
        return count_write(bytes, "byte", "bytes");
    while (size >= 999.95 && i + 1 < sizeof units / sizeof units[0]) {
        size /= 1000;
        i++;
    }
    return text_make("%.1f %s", size, units[i]);
}

char *count_write(int64_t count, const char *one, const char *many)
{
    return text_make("%lld %s", (long long)count, count == 1 ? one : many);
}
