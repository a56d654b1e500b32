#include "daemon/heap.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"

void *heap_need(void *p)
{
    if (p != NULL)
        return p;
    log_plain(LOG_LEVEL_ERROR, "out of memory");
    _Exit(EXIT_FAILURE);
}

void *heap_new(size_t size_bytes)
{
    return heap_need(calloc(1, size_bytes));
}

void *heap_copy(const void *p, size_t len)
{
    char *copy = heap_need(malloc(len + 1));

    if (len > 0)
        memcpy(copy, p, len);
    copy[len] = '\0';
    return copy;
}

char *heap_text(const char *text)
{
    return text == NULL ? NULL : heap_copy(text, strlen(text));
}

char *heap_print(const char *format, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, format);

    int n = vasprintf(&text, format, args);

    va_end(args);
    return heap_need(n < 0 ? NULL : text);
}

static void *mem_alloc(void *ctx, size_t size_bytes)
{
    (void)ctx;
    return malloc(size_bytes);
}

static void mem_free(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

const struct covey_mem heap_mem = {NULL, mem_alloc, mem_free};
