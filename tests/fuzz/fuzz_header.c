/* A change set's header (header.h): what is read is written again byte for
 * byte, and signed, verified and hashed as the same header. */
#include <string.h>

#include "proto/header.h"
#include "tests/fuzz/fuzz.h"

/* 64 bytes of signature, then a header. */
static void one(struct covey_bytes in)
{
    static struct header h, again;
    struct fuzz_in parts = fuzz_in(in);
    struct signature sig;
    uint8_t bytes[HEADER_MAX];

    fuzz_fill(&parts, sig.b, sizeof sig.b);

    struct covey_bytes head = fuzz_rest(&parts);

    if (header_read(head, &h) != COVEY_OK)
        return;
    CHECK(h.number > 0 && h.clock > 0);
    CHECK(h.cite_count <= HEADER_CITES_MAX);
    CHECK(h.payload_len <= HEADER_PAYLOAD_MAX);
    CHECK(
        fuzz_same((struct covey_bytes){bytes, header_write(&h, bytes)}, head));
    CHECK(header_ad_len(&h) < head.len);
    again = h;
    header_sort_cites(&again);
    CHECK(again.cite_count == h.cite_count);

    struct hash a = header_hash(&h);
    struct hash b = header_hash(&again);

    CHECK(hash_equal(&a, &b));
    again.clock ^= 1;
    CHECK(!header_verify(&h, &sig) || !header_verify(&again, &sig));
}

const struct fuzz_target fuzz_target = {.one = one};
