/* text.h - words for people: made, measured, made safe for a terminal.
 *
 * Text that comes back as char * is the caller's to free.  There is always
 * memory: the command is short-lived and ends in words when there is none. */
#ifndef COVEY_CLI_TEXT_H
#define COVEY_CLI_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* printf into new memory. */
char *text_make(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *text_make_from(const char *format, va_list args)
    __attribute__((format(printf, 1, 0)));
char *text_copy(const char *text);
char *text_copy_part(const char *text, size_t len);
/* p, unless it is NULL: then the program ends in words. */
void *text_memory(void *p);

/* Text that grows.  Zeroed is empty. */
struct text {
    char *p; /* NUL-terminated, or NULL while empty */
    size_t len;
    size_t cap;
};
void text_add(struct text *t, const char *more);
void text_add_part(struct text *t, const char *more, size_t len);
void text_addf(struct text *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* What was added, "" for nothing; t is empty afterwards. */
char *text_take(struct text *t);
void text_clear(struct text *t);

/* Columns that UTF-8 text takes on a terminal; 0 for what has no width. */
size_t text_width(const char *text);
/* Cut to at most `width` columns, with an ellipsis where it was cut. */
char *text_cut(const char *text, size_t width);
/* Broken between words so that lines end by TEXT_LINE columns; all but the
 * first begin with `indent` spaces.  Line breaks in it stay. */
#define TEXT_LINE 79u
char *text_wrap(const char *text, size_t indent);
/* Harmless on a terminal: other schools write what is shown here.  Control
 * characters and marks that reorder text become '?'; line breaks and tabs
 * become a space, or stay where `lines` is true. */
char *text_safe(const char *text, bool lines);
/* Lower case, by Unicode's simple mapping, to compare names. */
char *text_fold(const char *text);
bool text_is_digits(const char *text); /* one at least, and nothing else */
/* Exactly `digits` hex digits, of either case. */
bool text_is_hex(const char *text, size_t digits);

/* A date: whether YYYY-MM-DD is the form, and whether the day exists. */
struct date {
    int year, month, day;
};
bool date_read(const char *text, struct date *out); /* the form only */
bool date_exists(const struct date *d);
/* "24 November 2026".  The month must be 1 to 12. */
char *date_write(const struct date *d);
/* "24 November 2026", or text as it is where it is no date. */
char *date_british(const char *text);
/* "2026-11-24T10:42:07Z" as "24 November 2026, 10:42" in local time. */
char *moment_british(const char *iso);
char *moment_write(time_t when);
/* When a row was made: the first 6 bytes of its id (40 hex digits). */
time_t moment_of_row(const char *id);

/* "just now", "12 seconds ago", "3 hours ago"; negative: "never". */
char *ago_write(int64_t seconds);
/* "817 bytes", "1.4 MB". */
char *bytes_write(int64_t bytes);
/* "1 row", "3 rows": one and many are the words. */
char *count_write(int64_t count, const char *one, const char *many);

#endif
