#include "support_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

void log_make(struct record *r, const struct writer *w,
              const struct hash *cites, size_t cite_count, uint64_t clock,
              struct entry *out)
{
    struct header *h = &out->header;

    memset(out, 0, sizeof *out);
    h->space = r->space;
    h->author = record_author(w->author);
    memset(h->incarnation.b, w->incarnation, sizeof h->incarnation.b);
    h->number = w->number + 1;
    h->previous = w->last;
    memset(h->epoch.b, 0xee, sizeof h->epoch.b);
    for (size_t i = 0; i < cite_count; i++)
        h->cites[i] = cites[i];
    h->cite_count = cite_count;
    header_sort_cites(h);
    h->clock = clock;
    log_payload(out, 40, (uint8_t)clock);
}

/* nonce 24 | part count 2 | length 4, sealed bytes (changeset.h) */
void log_payload(struct entry *e, size_t len, uint8_t fill)
{
    static uint8_t bytes[HEADER_PAYLOAD_MAX];
    size_t size = 24 + 2 + 4 + len;

    assert_true(size <= sizeof bytes);
    memset(bytes, fill, size);
    put_u16(bytes + 24, 1);
    put_u32(bytes + 26, (uint32_t)len);
    e->payload = (struct covey_bytes){bytes, size};
    e->header.payload_len = (uint32_t)size;
    assert_int_equal(changeset_hash(e->payload, &e->header.payload_hash),
                     COVEY_OK);
    e->hash = header_hash(&e->header);
}

void log_store(struct record *r, int64_t n, struct entry *e)
{
    bool open = store_in_transaction(r->st);

    e->n = n;
    if (!open)
        record_begin(r);
    assert_int_equal(log_append(r->st, e), COVEY_OK);
    if (!open)
        record_commit(r);
}

struct hash log_write(struct record *r, struct writer *w,
                      const struct hash *cites, size_t cite_count)
{
    struct entry e;

    log_make(r, w, cites, cite_count, w->clock + 1, &e);
    memset(e.signature.b, 0x51, sizeof e.signature.b);
    e.has_signature = true;
    log_store(r, r->n, &e);
    w->number = e.header.number;
    w->last = e.hash;
    w->clock = e.header.clock;
    return e.hash;
}

void log_restart(struct writer *w)
{
    w->incarnation++;
    w->number = 0;
}
