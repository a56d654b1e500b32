#include "cli/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

void *text_memory(void *p)
{
    if (p == NULL) {
        fputs("covey: there is no memory left on this machine\n", stderr);
        exit(1);
    }
    return p;
}

char *text_make_from(const char *format, va_list args)
{
    char *text;

    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    return text_memory(text);
}

char *text_make(const char *format, ...)
{
    va_list args;

    va_start(args, format);

    char *text = text_make_from(format, args);

    va_end(args);
    return text;
}

char *text_copy(const char *text)
{
    return text_memory(strdup(text));
}

char *text_copy_part(const char *text, size_t len)
{
    return text_memory(strndup(text, len));
}

/* ---- text that grows ---- */

void text_add_part(struct text *t, const char *more, size_t len)
{
    if (t->p == NULL || t->len + len + 1 > t->cap) {
        t->cap = 2 * (t->len + len + 1);
        t->p = text_memory(realloc(t->p, t->cap));
    }
    memcpy(t->p + t->len, more, len);
    t->len += len;
    t->p[t->len] = '\0';
}

void text_add(struct text *t, const char *more)
{
    text_add_part(t, more, strlen(more));
}

void text_addf(struct text *t, const char *format, ...)
{
    va_list args;

    va_start(args, format);

    char *more = text_make_from(format, args);

    va_end(args);
    text_add(t, more);
    free(more);
}

char *text_take(struct text *t)
{
    char *p = t->p == NULL ? text_copy("") : t->p;

    *t = (struct text){.p = NULL};
    return p;
}

void text_clear(struct text *t)
{
    free(t->p);
    *t = (struct text){.p = NULL};
}

/* ---- characters ---- */

/* The next character of UTF-8 text, and how many bytes it takes; 0 at the end.
 * A byte that begins none counts as one '?'. */
static size_t next_char(const char *text, wchar_t *out)
{
    mbstate_t state = {0};
    size_t len = mbrtowc(out, text, MB_CUR_MAX, &state);

    if (len <= MB_CUR_MAX)
        return len;
    *out = L'?';
    return 1;
}

static size_t char_width(wchar_t c)
{
    int width = wcwidth(c);

    return width < 0 ? 0 : (size_t)width;
}

size_t text_width(const char *text)
{
    size_t width = 0;
    size_t len;
    wchar_t c;

    while ((len = next_char(text, &c)) > 0) {
        width += char_width(c);
        text += len;
    }
    return width;
}

char *text_cut(const char *text, size_t width)
{
    size_t kept = 0;
    size_t taken = 0;
    size_t len;
    wchar_t c;

    if (text_width(text) <= width)
        return text_copy(text);
    while ((len = next_char(text + kept, &c)) > 0) {
        if (taken + char_width(c) + 1 > width)
            break;
        taken += char_width(c);
        kept += len;
    }
    while (kept > 0 && text[kept - 1] == ' ')
        kept--;
    return text_make("%.*s\u2026", (int)kept, text);
}

static void break_line(struct text *out, size_t indent, size_t *width)
{
    text_addf(out, "\n%*s", (int)indent, "");
    *width = indent;
}

char *text_wrap(const char *text, size_t indent)
{
    struct text out = {.p = NULL};
    size_t width = indent;

    while (*text != '\0') {
        size_t len = strcspn(text, " \n");
        char *word = text_copy_part(text, len);

        if (width > indent && width + 1 + text_width(word) > TEXT_LINE)
            break_line(&out, indent, &width);
        if (width > indent && len > 0) {
            text_add(&out, " ");
            width++;
        }
        width += text_width(word);
        text_add(&out, word);
        free(word);
        text += len;
        if (*text == '\n')
            break_line(&out, indent, &width);
        text += *text != '\0';
    }
    return text_take(&out);
}

/* Marks that turn the direction of what follows them. */
static bool reorders(wchar_t c)
{
    return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
           c == 0x200e || c == 0x200f || c == 0x061c;
}

static bool is_control(wchar_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

char *text_safe(const char *text, bool lines)
{
    struct text out = {.p = NULL};
    size_t len;
    wchar_t c;

    while ((len = next_char(text, &c)) > 0) {
        bool space = c == L'\n' || c == L'\t' || c == L'\r';

        if (space)
            text_add(&out,
                     lines && c != L'\r' ? (c == L'\n' ? "\n" : "\t") : " ");
        else if (is_control(c) || reorders(c) || (c == L'?' && *text != '?'))
            text_add(&out, "?");
        else
            text_add_part(&out, text, len);
        text += len;
    }
    return text_take(&out);
}

char *text_fold(const char *text)
{
    struct text out = {.p = NULL};
    char bytes[16];
    size_t len;
    wchar_t c;

    while ((len = next_char(text, &c)) > 0) {
        mbstate_t state = {0};
        size_t folded = wcrtomb(bytes, (wchar_t)towlower((wint_t)c), &state);

        if (folded <= sizeof bytes)
            text_add_part(&out, bytes, folded);
        else
            text_add_part(&out, text, len);
        text += len;
    }
    return text_take(&out);
}

bool text_is_digits(const char *text)
{
    return *text != '\0' && strspn(text, "0123456789") == strlen(text);
}

bool text_is_hex(const char *text, size_t digits)
{
    return strlen(text) == digits &&
           strspn(text, "0123456789abcdefABCDEF") == digits;
}
