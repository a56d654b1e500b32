/* base.h - the words that every part of covey shares.
 *
 * Result codes, byte strings, growable buffers, ids as types of their own, and
 * CHECK.  Nothing here opens, reads or draws anything: memory comes through
 * struct covey_mem, time and randomness are arguments of whoever needs them. */
#ifndef COVEY_PROTO_BASE_H
#define COVEY_PROTO_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COVEY_MUST_USE __attribute__((warn_unused_result))

/* Result codes: the world's faults.  Ours are CHECKs; a peer's end its session.
 * Each has a short name (in JSON errors) and a sentence for people. */
#define COVEY_RC_TABLE(X)                                                      \
    X(OK, 0, "ok", "done")                                                     \
    X(ENOMEM, -1, "no-memory", "out of memory")                                \
    X(EBAD, -2, "bad-input", "the input is malformed")                         \
    X(ELIMIT, -3, "too-large", "the input is larger than the limit")           \
    X(EFORGED, -4, "forged", "a signature, seal or hash does not match")       \
    X(ENONE, -5, "not-found", "there is no such thing here")                   \
    X(EEXISTS, -6, "exists", "it exists already")                              \
    X(EREFUSED, -7, "refused", "the rules do not allow it")                    \
    X(EBUSY, -8, "busy", "another program is writing to the record")           \
    X(EFULL, -9, "disk-full", "the disk is full")                              \
    X(EIO, -10, "disk-fault", "the disk reported a fault")                     \
    X(ECORRUPT, -11, "corrupt", "the record is damaged")                       \
    X(ENEWER, -12, "newer", "made by a newer version of covey")                \
    X(ENOTYET, -13, "not-yet", "something that must come first is not here")   \
    X(ETIMEOUT, -14, "timeout", "it did not happen in time")                   \
    X(EAMBIGUOUS, -15, "ambiguous", "the name fits more than one")             \
    X(EUSAGE, -16, "misused", "the call is not of the expected form")

enum covey_rc {
#define X(name, number, id, text) COVEY_##name = (number),
    COVEY_RC_TABLE(X)
#undef X
};

/* The short name ("disk-full") and the sentence of a code; never NULL. */
const char *covey_rc_id(enum covey_rc rc);
const char *covey_rc_text(enum covey_rc rc);

/* Detail for a person, filled where a failure is understood and only then. */
struct covey_why {
    char text[240];
};
/* text is cut where it does not fit. */
void covey_why_set(struct covey_why *why, const char *text);

/* Microseconds.  A monotonic count where deadlines are meant ("now"), and
 * since 1970 UTC where a claim about wall time is meant ("wall"). */
typedef int64_t covey_time;
#define COVEY_TIME_NEVER INT64_MAX
#define COVEY_MILLISECOND ((covey_time)1000)
#define COVEY_SECOND ((covey_time)1000000)

/* Ids.  Structs, so that a mixed-up argument does not compile. */
struct hash {
    uint8_t b[32];
};
struct member_id { /* hash of the member's first certificate */
    uint8_t b[32];
};
struct sign_key { /* Ed25519 public key: identity, node or author */
    uint8_t b[32];
};
struct noise_key { /* X25519 public key used in Noise only */
    uint8_t b[32];
};
struct reading_key { /* X25519 public key that space keys are sealed to */
    uint8_t b[32];
};
struct signature {
    uint8_t b[64];
};
struct seed { /* 32 secret bytes that a key or a draw is made from */
    uint8_t b[32];
};
struct space_id { /* first half of the hash of the space's genesis */
    uint8_t b[16];
};
struct incarnation {
    uint8_t b[8];
};
struct invite_id {
    uint8_t b[16];
};
/* A row's id: 6 bytes of time in ms, the owner's 6-byte tag, 8 random bytes;
 * 40 lower-case hex digits in tables and for people. */
struct row_id {
    uint8_t b[20];
};
struct member_tag { /* the first 6 bytes of a member_id */
    uint8_t b[6];
};
#define ROW_ID_TAG_OFFSET 6u

/* Bytes that somebody else owns; never frees. */
struct covey_bytes {
    const uint8_t *p;
    size_t len;
};

/* Where memory comes from.  alloc may return NULL; free accepts NULL. */
struct covey_mem {
    void *ctx;
    void *(*alloc)(void *ctx, size_t size_bytes);
    void (*free)(void *ctx, void *p);
};

/* alloc, zero-filled; NULL when there is none. */
void *covey_new(const struct covey_mem *mem, size_t size_bytes);
void covey_free(const struct covey_mem *mem, void *p);

/* A growable buffer that owns its bytes.  A failed append marks the buffer:
 * appends after it do nothing, and buf_rc() tells, so that a writer checks
 * once at its end. */
struct covey_buf {
    const struct covey_mem *mem;
    uint8_t *p;
    size_t len;
    size_t cap;
    size_t max; /* bytes; growing past it fails with COVEY_ELIMIT */
    enum covey_rc rc;
};

void buf_init(struct covey_buf *b, const struct covey_mem *mem,
              size_t max_bytes);
void buf_clear(struct covey_buf *b); /* frees; safe on a zeroed buffer */
void buf_reset(struct covey_buf *b); /* len = 0, rc = OK, memory kept */
void buf_append(struct covey_buf *b, const void *p, size_t len);
/* Room for len more bytes, uninitialised, counted in len; NULL on failure and
 * only then, even where len is 0. */
uint8_t *buf_extend(struct covey_buf *b, size_t len);
enum covey_rc buf_rc(const struct covey_buf *b);
struct covey_bytes buf_bytes(const struct covey_buf *b);

/* Big-endian numbers of fixed layouts. */
void put_u16(uint8_t *p, uint16_t v);
void put_u32(uint8_t *p, uint32_t v);
void put_u64(uint8_t *p, uint64_t v);
uint16_t get_u16(const uint8_t *p);
uint32_t get_u32(const uint8_t *p);
uint64_t get_u64(const uint8_t *p);

/* Lower-case hex.  out holds 2 * len + 1 bytes, NUL-terminated. */
void hex_encode(const uint8_t *p, size_t len, char *out);
/* Exactly 2 * len lower-case digits and nothing after them, else false. */
bool hex_decode(const char *text, uint8_t *out, size_t len);

bool text_is_utf8(const uint8_t *p, size_t len);

/* What cannot happen unless we are wrong.  Stays on in release. */
typedef void (*covey_panic_fn)(const char *expr, const char *file, int line);
/* Set once by the program, before threads; must not return. */
void covey_panic_set(covey_panic_fn fn);
void covey_panic(const char *expr, const char *file, int line)
    __attribute__((noreturn));
#define CHECK(expr) ((expr) ? (void)0 : covey_panic(#expr, __FILE__, __LINE__))

/* A path that is rarely taken, counted where it is passed: SOMETIMES("a
 * conflict is kept").  A run of the simulator that never passes one has failed:
 * what it was to show was not tried.  Costs an increment; reads, calls and
 * decides nothing.  The linker lists all places of a program, passed or not:
 * __start_covey_places up to __stop_covey_places. */
struct covey_place {
    const char *name;
    uint64_t passed;
};
#define SOMETIMES(text)                                                        \
    do {                                                                       \
        static struct covey_place place __attribute__((                        \
            section("covey_places"), used, aligned(16))) = {text, 0};          \
        __atomic_fetch_add(&place.passed, 1, __ATOMIC_RELAXED);                \
    } while (0)

#endif
