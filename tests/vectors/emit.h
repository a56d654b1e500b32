/* emit.h - vectors as JSON on standard output, in the order of the calls.
 *
 * For the tools of this folder, each of one file: hence inline. */
#ifndef COVEY_TESTS_VECTORS_EMIT_H
#define COVEY_TESTS_VECTORS_EMIT_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base.h"

static bool emit_goes_on; /* a value stands before the next one */

/* name NULL: inside an array. */
static inline void emit_name(const char *name)
{
    if (emit_goes_on)
        printf(",\n");
    if (name != NULL)
        printf("\"%s\":", name);
    emit_goes_on = true;
}

static inline void emit_begin(const char *name, char bracket)
{
    emit_name(name);
    putchar(bracket);
    emit_goes_on = false;
}

static inline void emit_end(char bracket)
{
    putchar(bracket);
    emit_goes_on = true;
}

static inline void emit_hex(const char *name, const void *p, size_t len)
{
    const uint8_t *bytes = p;

    emit_name(name);
    putchar('"');
    for (size_t i = 0; i < len; i++)
        printf("%02x", bytes[i]);
    putchar('"');
}

static inline void emit_bytes(const char *name, struct covey_bytes bytes)
{
    emit_hex(name, bytes.p, bytes.len);
}

/* text needs no escapes. */
static inline void emit_text(const char *name, const char *text)
{
    emit_name(name);
    printf("\"%s\"", text);
}

static inline void emit_number(const char *name, uint64_t v)
{
    emit_name(name);
    printf("%" PRIu64, v);
}

/* ---- what the tools share ---- */

/* What must not fail. */
static inline void need(enum covey_rc rc)
{
    if (rc == COVEY_OK)
        return;
    fprintf(stderr, "%s\n", covey_rc_text(rc));
    exit(1);
}

static inline void *heap_alloc(void *ctx, size_t size_bytes)
{
    (void)ctx;
    return malloc(size_bytes);
}

static inline void heap_free(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

static const struct covey_mem heap = {NULL, heap_alloc, heap_free};

static inline struct covey_buf heap_buf(void)
{
    struct covey_buf b;

    buf_init(&b, &heap, 1u << 20);
    return b;
}

/* A secret whose every byte is the same: easy to tell in a vector. */
static inline struct seed filled(uint8_t byte)
{
    struct seed s;

    memset(s.b, byte, sizeof s.b);
    return s;
}

#endif
