/* support_payload.h - a header, its payload and what opens it. */
#ifndef COVEY_TESTS_SUPPORT_PAYLOAD_H
#define COVEY_TESTS_SUPPORT_PAYLOAD_H

#include "proto/changeset.h"
#include "support_mem.h"

#define OUT_MAX (1u << 20)
#define ROWS_MAX (CHANGESET_PARTS_MAX - 1)

/* One for each test, made by fix_begin(). */
extern struct payload_fixture {
    struct test_mem memory;
    struct covey_mem mem;
    struct seed space_key;
    struct seed nonce_secret;
    struct seed fresh;
    struct covey_buf out; /* a sealed payload */
    struct header h;      /* its header */
    struct changeset cs;
    struct covey_bytes rows[ROWS_MAX + 1];
    uint8_t words[HEADER_PAYLOAD_MAX + 1]; /* what rows are made of */
} fix;

int fix_begin(void **state);
int fix_end(void **state); /* fails when memory was not freed */

/* Rows of these lengths, one after the other in .words. */
struct changeset_plain fix_plain(const size_t *lens, size_t count);
/* Seal into .out and .h, anew. */
enum covey_rc fix_seal(const struct changeset_plain *plain);
void fix_seal_rows(const size_t *lens, size_t count);
void fix_seal_three(void);
/* Open into .cs. */
enum covey_rc fix_open_bytes(struct covey_bytes payload);
enum covey_rc fix_open(void);
/* Row i came back as it was sealed. */
void fix_assert_row(size_t i);
/* Neither a carrier nor a member takes these bytes for the payload of .h. */
void fix_assert_refused(struct covey_bytes payload);

#endif
