/* fuzz.h - what the fuzz targets share.
 *
 * A target is one file, fuzz_NAME.c, that defines `fuzz_target`.  fuzz.c runs
 * it for libFuzzer, replay.c over files, where there is no libFuzzer.
 *
 * What must hold is said with CHECK(), which ends the program, as a sanitizer
 * does.  After each input all memory must have been given back. */
#ifndef COVEY_TESTS_FUZZ_H
#define COVEY_TESTS_FUZZ_H

#include <stdio.h>

#include "proto/base.h"

#define FUZZ_INPUT_MAX 65536u /* bytes of an input that heap_max holds for */

struct fuzz_target {
    void (*setup)(void); /* once, before the first input; may be NULL */
    void (*one)(struct covey_bytes in);
    /* Bytes of heap, by way of fuzz_mem, that no input may take at once; 0:
     * nothing is promised. */
    size_t heap_max;
};
extern const struct fuzz_target fuzz_target;

/* What libFuzzer calls, and replay.c too. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Memory that is counted, and filled with rubbish. */
extern const struct covey_mem fuzz_mem;
/* An empty buffer in fuzz_mem; it is the target's own, and not counted. */
struct covey_buf fuzz_buf(void);

/* An input taken apart, front to back.  Reads past its end give zeros, so that
 * every input says something. */
struct fuzz_in {
    const uint8_t *p;
    size_t left;
};
struct fuzz_in fuzz_in(struct covey_bytes in);
uint8_t fuzz_u8(struct fuzz_in *in);
uint16_t fuzz_u16(struct fuzz_in *in);
uint64_t fuzz_u64(struct fuzz_in *in);
void fuzz_fill(struct fuzz_in *in, void *out, size_t len);
/* At most len bytes, borrowed. */
struct covey_bytes fuzz_take(struct fuzz_in *in, size_t len);
/* As many as the next two bytes say, if there are. */
struct covey_bytes fuzz_piece(struct fuzz_in *in);
struct covey_bytes fuzz_rest(struct fuzz_in *in);
/* The same bytes as text, which ends at a NUL; the caller frees it. */
char *fuzz_text(struct covey_bytes bytes);

bool fuzz_same(struct covey_bytes a, struct covey_bytes b);
/* All 32 bytes are this one. */
struct seed fuzz_seed(uint8_t byte);

/* What the program prints goes nowhere from here on; libFuzzer and the
 * sanitizers are still heard. */
void fuzz_quiet(void);

/* What must hold of a record that nobody has open: SQLite finds it whole, the
 * first space's running digest is that of its rows, and every priority is in a
 * member's name. */
void fuzz_check_record(const char *dir);

#endif
