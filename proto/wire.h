/* wire.h - msgpack, written with msgpack-c and read with a bounded cursor.
 *
 * Writing: msgpack-c's packer through a callback into a covey_buf.  Always the
 * shortest form, so one value has one encoding.
 *
 * Reading: what comes from outside first passes wire_validate(); then a cursor
 * walks it without allocating.  msgpack-c's unpacker is never used on it: it
 * trusts lengths, and five bytes make it ask for gigabytes. */
#ifndef COVEY_PROTO_WIRE_H
#define COVEY_PROTO_WIRE_H

#include "proto/base.h"

#define WIRE_DEPTH_MAX 8u     /* nested arrays */
#define WIRE_ITEMS_MAX 4096u  /* values in one message, containers included */
#define WIRE_TEXT_MAX 196608u /* bytes of one text or binary: 192 KiB */

/* Check that `in` is exactly one value, an array, in the one encoding that we
 * write: minimal forms, no maps, no ext, no float32, no NaN, no -0.0, UTF-8
 * text, nothing after it, within the limits above.  O(n), no memory.
 *
 * Returns COVEY_OK, COVEY_EBAD or COVEY_ELIMIT. */
COVEY_MUST_USE enum covey_rc wire_validate(struct covey_bytes in);

/* Writers append to `out`; check buf_rc(out) once at the end.  The caller
 * writes as many values after wire_array() as it announced, and knows its text
 * to be UTF-8.  A count or length beyond the limits marks `out` COVEY_ELIMIT.
 */
void wire_array(struct covey_buf *out, size_t count);
void wire_uint(struct covey_buf *out, uint64_t v);
void wire_int(struct covey_buf *out, int64_t v);
void wire_real(struct covey_buf *out, double v); /* CHECKs: no NaN, no -0.0 */
void wire_bool(struct covey_buf *out, bool v);
void wire_nil(struct covey_buf *out);
void wire_text(struct covey_buf *out, const char *p, size_t len);
void wire_bin(struct covey_buf *out, const void *p, size_t len);

enum wire_type {
    WIRE_NIL,
    WIRE_BOOL,
    WIRE_INT,  /* any integer that fits int64_t, and larger ones as WIRE_UINT */
    WIRE_UINT, /* only integers above INT64_MAX */
    WIRE_REAL,
    WIRE_TEXT,
    WIRE_BIN,
    WIRE_ARRAY,
    WIRE_END, /* nothing left, the cursor went bad, or no value of ours */
};

/* Reads go on the cursor; the first that does not fit marks it bad, and every
 * read after that gives zero or empty.  Check wire_ok() once at the end.
 * Reading is safe on bytes that were never validated. */
struct wire_cursor {
    const uint8_t *p;
    const uint8_t *end;
    bool bad;
};

struct wire_cursor wire_cursor(struct covey_bytes in);
enum wire_type wire_peek(const struct wire_cursor *c);
size_t wire_read_array(struct wire_cursor *c); /* count of its values */
/* Like wire_read_array, bad unless the count is exactly `count`. */
void wire_expect_array(struct wire_cursor *c, size_t count);
uint64_t wire_read_uint(struct wire_cursor *c);
/* bad when above max */
uint64_t wire_read_uint_max(struct wire_cursor *c, uint64_t max);
int64_t wire_read_int(struct wire_cursor *c);
double wire_read_real(struct wire_cursor *c);
bool wire_read_bool(struct wire_cursor *c);
void wire_read_nil(struct wire_cursor *c);
struct covey_bytes wire_read_text(struct wire_cursor *c); /* borrowed */
struct covey_bytes wire_read_bin(struct wire_cursor *c);  /* borrowed */
/* A binary of exactly len bytes, copied out; zero-filled when bad. */
void wire_read_fixed(struct wire_cursor *c, void *out, size_t len);
/* Step over one value of any kind and give its bytes. */
struct covey_bytes wire_skip(struct wire_cursor *c);
/* Not bad, and everything read. */
bool wire_done(const struct wire_cursor *c);
bool wire_ok(const struct wire_cursor *c);

#endif
