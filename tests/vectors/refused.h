/* refused.h - one list of inputs, each of which a reader was really asked to
 * refuse, or to take.
 *
 * For tools of one file: hence inline. */
#ifndef COVEY_TESTS_VECTORS_REFUSED_H
#define COVEY_TESTS_VECTORS_REFUSED_H

#include "tests/vectors/emit.h"

/* A format: does its reader take these bytes? */
struct format {
    const char *name;
    bool (*takes)(struct covey_bytes in);
};

static bool list_taken; /* what the list being written is of */

static inline void emit_input(const struct format *format, const char *what,
                              struct covey_bytes in)
{
    if (format->takes(in) != list_taken) {
        fprintf(stderr, "%s: %s is %s\n", format->name, what,
                list_taken ? "refused" : "taken");
        exit(1);
    }
    emit_begin(NULL, '{');
    emit_text("what", what);
    emit_text("format", format->name);
    emit_bytes("bytes", in);
    emit_end('}');
}

/* hex: the digits of bytes, with nothing between. */
static inline void emit_input_hex(const struct format *format, const char *what,
                                  const char *hex)
{
    size_t len = strlen(hex) / 2;
    struct covey_buf bytes = heap_buf();
    uint8_t *place = buf_extend(&bytes, len + 1); /* never of no bytes */

    if (!hex_decode(hex, place, len))
        need(COVEY_EBAD);
    emit_input(format, what, (struct covey_bytes){place, len});
    buf_clear(&bytes);
}

static inline struct covey_bytes bytes_of(const char *text)
{
    return (struct covey_bytes){(const uint8_t *)text, strlen(text)};
}

#endif
