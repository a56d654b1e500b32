/* A BATCH (batch.h): its head and records, as a member who may send one sends
 * them.  What is read to its end is written again byte for byte. */
#include <string.h>

#include "proto/batch.h"
#include "tests/fuzz/fuzz.h"

static struct batch_state reading, writing;

/* A name for the header of record number `i`: headers are not whole yet. */
static struct hash name_of(size_t i)
{
    return hash_of("fuzz record", &i, sizeof i);
}

/* Does a cite say in full what could have been a step back?  Only who knows the
 * hashes can tell, which is whoever puts the headers back. */
static bool spelt_out(const struct hash *cite, size_t number)
{
    for (size_t i = 0; i < number; i++) {
        struct hash name = name_of(i);

        if (hash_equal(cite, &name))
            return true;
    }
    return false;
}

/* The header as its writer had it.  False: a cite is not as a writer puts it.
 */
static bool restore(const struct batch_record *r, size_t number,
                    struct header *h)
{
    *h = (struct header){
        .author = r->author,
        .incarnation = r->incarnation,
        .number = r->number,
        .previous = r->previous,
        .epoch = r->epoch,
        .cite_count = r->cite_count,
    };
    for (size_t i = 0; i < r->cite_count; i++) {
        const struct batch_cite *cite = &r->cites[i];

        CHECK(cite->back <= number);
        if (cite->back > BATCH_BACK_MAX ||
            (cite->back == 0 && spelt_out(&cite->hash, number)))
            return false;
        h->cites[i] =
            cite->back > 0 ? name_of(number - cite->back) : cite->hash;
    }
    return true;
}

static void rewrite(const struct batch_record *r, size_t number, bool *exact,
                    struct covey_buf *out)
{
    static struct header h;
    struct batch_item item = {
        .header = &h,
        .hash = name_of(number),
        .chained = !r->has_previous,
        .payload = r->payload,
        .signature = r->signature,
    };
    size_t before = out->len;

    *exact = restore(r, number, &h) && *exact;
    batch_add(&writing, out, &item);
    CHECK(out->len - before <= batch_room(&h, r->payload.len));
}

static void one(struct covey_bytes in)
{
    static struct batch_record record;
    struct covey_buf out = fuzz_buf();
    struct blind blind;
    struct covey_bytes left;
    uint32_t sequence;
    enum covey_rc rc = batch_head_read(in, &blind, &sequence, &left);
    bool found = rc == COVEY_OK;
    bool exact = true;

    batch_begin(&reading);
    batch_begin(&writing);
    if (found)
        batch_head_write(&out, &blind, sequence);
    for (size_t i = 0; found; i++) {
        rc = batch_next(&reading, &left, &found, &record);
        CHECK(rc == COVEY_OK || !found);
        CHECK(!found || reading.record_count == i + 1);
        if (found)
            rewrite(&record, i, &exact, &out);
    }
    if (rc == COVEY_OK) {
        CHECK(left.len == 0);
        CHECK(!exact || fuzz_same(buf_bytes(&out), in));
    }
    buf_clear(&out);
}

const struct fuzz_target fuzz_target = {.one = one};
