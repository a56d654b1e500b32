#include "proto/batch.h"

#include <string.h>

#include "proto/leb.h"

enum {
    FLAG_LOG = 1,      /* author and incarnation follow, not an index */
    FLAG_NUMBER = 2,   /* a number follows, not one more than the last */
    FLAG_PREVIOUS = 4, /* the previous header's hash follows */
    FLAG_EPOCH = 8,    /* the epoch's hash follows */
    FLAGS = 15,
};

#define LOG_KEY (sizeof(struct sign_key) + sizeof(struct incarnation))

void batch_begin(struct batch_state *st)
{
    st->log_count = 0;
    st->record_count = 0;
}

/* ---- head ---- */

void batch_head_write(struct covey_buf *out, const struct blind *blind,
                      uint32_t sequence)
{
    uint8_t number[4];

    put_u32(number, sequence);
    buf_append(out, blind->b, sizeof blind->b);
    buf_append(out, number, sizeof number);
}

enum covey_rc batch_head_read(struct covey_bytes in, struct blind *blind,
                              uint32_t *sequence, struct covey_bytes *records)
{
    if (in.len < BATCH_HEAD)
        return COVEY_EBAD;
    memcpy(blind->b, in.p, sizeof blind->b);
    *sequence = get_u32(in.p + sizeof blind->b);
    *records = (struct covey_bytes){in.p + BATCH_HEAD, in.len - BATCH_HEAD};
    return COVEY_OK;
}

/* ---- logs ---- */

/* The index of a log in this batch, log_count when it is new. */
static size_t find_log(const struct batch_state *st,
                       const struct sign_key *author,
                       const struct incarnation *incarnation)
{
    for (size_t i = 0; i < st->log_count; i++) {
        const struct batch_log *log = &st->logs[i];

        if (memcmp(log->author.b, author->b, sizeof author->b) == 0 &&
            memcmp(log->incarnation.b, incarnation->b, sizeof incarnation->b) ==
                0)
            return i;
    }
    return st->log_count;
}

static struct batch_log *add_log(struct batch_state *st,
                                 const struct sign_key *author,
                                 const struct incarnation *incarnation)
{
    CHECK(st->log_count < BATCH_LOGS_MAX);

    struct batch_log *log = &st->logs[st->log_count++];

    *log = (struct batch_log){.author = *author, .incarnation = *incarnation};
    return log;
}

/* ---- writing ---- */

static void put_leb(struct covey_buf *out, uint64_t v)
{
    uint8_t bytes[LEB_MAX];

    buf_append(out, bytes, leb_write(v, bytes));
}

/* How many records back in this batch the header with this hash is; 0: not
 * among the last BATCH_BACK_MAX. */
static size_t back_to(const struct batch_state *st, const struct hash *hash)
{
    size_t most =
        st->record_count < BATCH_BACK_MAX ? st->record_count : BATCH_BACK_MAX;

    for (size_t back = 1; back <= most; back++) {
        const struct hash *there = &st->hashes[st->record_count - back];

        if (memcmp(there->b, hash->b, sizeof hash->b) == 0)
            return back;
    }
    return 0;
}

static void put_cites(const struct batch_state *st, struct covey_buf *out,
                      const struct header *h)
{
    uint8_t count = (uint8_t)h->cite_count;

    buf_append(out, &count, sizeof count);
    for (size_t i = 0; i < h->cite_count; i++) {
        size_t back = back_to(st, &h->cites[i]);

        put_leb(out, back);
        if (back == 0)
            buf_append(out, h->cites[i].b, sizeof h->cites[i].b);
    }
}

/* What this record cannot leave out. */
static unsigned flags_of(const struct batch_state *st, const struct header *h,
                         size_t index, bool chained)
{
    unsigned flags = 0;
    bool is_new = index == st->log_count;

    if (is_new)
        flags |= FLAG_LOG;
    if (is_new || st->logs[index].last != h->number - 1)
        flags |= FLAG_NUMBER;
    if (h->number == 1 || !chained)
        flags |= FLAG_PREVIOUS;
    if (st->record_count == 0 ||
        memcmp(st->epoch.b, h->epoch.b, sizeof h->epoch.b) != 0)
        flags |= FLAG_EPOCH;
    return flags;
}

static void put_log(struct batch_state *st, struct covey_buf *out,
                    const struct header *h, size_t index)
{
    if (index < st->log_count) {
        put_leb(out, index);
        return;
    }
    (void)add_log(st, &h->author, &h->incarnation);
    buf_append(out, h->author.b, sizeof h->author.b);
    buf_append(out, h->incarnation.b, sizeof h->incarnation.b);
}

void batch_add(struct batch_state *st, struct covey_buf *out,
               const struct batch_item *item)
{
    const struct header *h = item->header;

    CHECK(st->record_count < BATCH_CHANGESETS);
    CHECK(h->number > 0);
    CHECK(h->cite_count <= HEADER_CITES_MAX);
    CHECK(item->payload.len <= HEADER_PAYLOAD_MAX);

    size_t index = find_log(st, &h->author, &h->incarnation);
    unsigned flags = flags_of(st, h, index, item->chained);
    uint8_t first = (uint8_t)flags;

    buf_append(out, &first, sizeof first);
    put_log(st, out, h, index);
    if (flags & FLAG_NUMBER)
        put_leb(out, h->number);
    if (flags & FLAG_PREVIOUS)
        buf_append(out, h->previous.b, sizeof h->previous.b);
    if (flags & FLAG_EPOCH)
        buf_append(out, h->epoch.b, sizeof h->epoch.b);
    put_cites(st, out, h);
    put_leb(out, item->payload.len);
    buf_append(out, item->payload.p, item->payload.len);
    buf_append(out, item->signature.b, sizeof item->signature.b);
    st->logs[index].last = h->number;
    st->epoch = h->epoch;
    st->hashes[st->record_count++] = item->hash;
}

size_t batch_room(const struct header *h, size_t payload_len)
{
    return 1 + LOG_KEY + LEB_MAX + sizeof h->previous.b + sizeof h->epoch.b +
           1 + h->cite_count * (1 + sizeof(struct hash)) + LEB_MAX +
           payload_len + sizeof(struct signature);
}

/* ---- reading ---- */

/* Reads go on the cursor; the first that does not fit marks it bad, and every
 * read after that gives nothing. */
struct cursor {
    const uint8_t *p;
    size_t left;
    enum covey_rc rc;
};

static void spoil(struct cursor *c, enum covey_rc rc)
{
    if (c->rc == COVEY_OK)
        c->rc = rc;
    c->left = 0;
}

static struct covey_bytes take(struct cursor *c, size_t len)
{
    if (len > c->left)
        spoil(c, COVEY_EBAD);
    if (c->rc != COVEY_OK)
        return (struct covey_bytes){NULL, 0};

    struct covey_bytes out = {c->p, len};

    c->p += len;
    c->left -= len;
    return out;
}

static void take_fixed(struct cursor *c, void *out, size_t len)
{
    struct covey_bytes bytes = take(c, len);

    if (bytes.p != NULL)
        memcpy(out, bytes.p, len);
    else
        memset(out, 0, len);
}

static uint8_t take_byte(struct cursor *c)
{
    uint8_t byte;

    take_fixed(c, &byte, sizeof byte);
    return byte;
}

static uint64_t take_leb(struct cursor *c)
{
    uint64_t v = 0;
    size_t used = leb_read((struct covey_bytes){c->p, c->left}, &v);

    if (used == 0)
        spoil(c, COVEY_EBAD);
    (void)take(c, used);
    return v;
}

/* The log that the record belongs to; NULL when bad. */
static struct batch_log *take_log(struct batch_state *st, struct cursor *c,
                                  unsigned flags)
{
    if (!(flags & FLAG_LOG)) {
        uint64_t index = take_leb(c);

        if (c->rc == COVEY_OK && index < st->log_count)
            return &st->logs[index];
        spoil(c, COVEY_EBAD);
        return NULL;
    }

    struct sign_key author;
    struct incarnation incarnation;

    take_fixed(c, author.b, sizeof author.b);
    take_fixed(c, incarnation.b, sizeof incarnation.b);
    if (c->rc != COVEY_OK)
        return NULL;
    if (find_log(st, &author, &incarnation) < st->log_count) {
        spoil(c, COVEY_EBAD); /* it has an index already */
        return NULL;
    }
    return add_log(st, &author, &incarnation);
}

static uint64_t take_number(struct cursor *c, const struct batch_log *log,
                            unsigned flags)
{
    uint64_t next = log->last + 1; /* 0 after the last number there is */
    bool is_new = flags & FLAG_LOG;
    bool is_said = flags & FLAG_NUMBER;
    uint64_t number = is_said ? take_leb(c) : next;

    if (is_new && !is_said)
        spoil(c, COVEY_EBAD);
    if (!is_new && is_said && number == next)
        spoil(c, COVEY_EBAD); /* it was to be left out */
    if (number == 0)
        spoil(c, COVEY_EBAD);
    return number;
}

static void take_hashes(struct batch_state *st, struct cursor *c,
                        unsigned flags, struct batch_record *out)
{
    out->has_previous = flags & FLAG_PREVIOUS;
    if (out->has_previous)
        take_fixed(c, out->previous.b, sizeof out->previous.b);
    else if (out->number == 1)
        spoil(c, COVEY_EBAD);
    else
        memset(out->previous.b, 0, sizeof out->previous.b);

    if (flags & FLAG_EPOCH) {
        take_fixed(c, out->epoch.b, sizeof out->epoch.b);
        if (st->record_count > 0 && hash_equal(&out->epoch, &st->epoch))
            spoil(c, COVEY_EBAD);
        st->epoch = out->epoch;
    } else if (st->record_count > 0) {
        out->epoch = st->epoch;
    } else {
        spoil(c, COVEY_EBAD);
    }
}

static bool cited_before(const struct batch_record *r, size_t count,
                         const struct batch_cite *cite)
{
    for (size_t i = 0; i < count; i++) {
        const struct batch_cite *other = &r->cites[i];

        if (other->back != cite->back)
            continue;
        if (cite->back > 0 || hash_equal(&other->hash, &cite->hash))
            return true;
    }
    return false;
}

static void take_cites(const struct batch_state *st, struct cursor *c,
                       struct batch_record *out)
{
    out->cite_count = take_byte(c);
    if (out->cite_count > HEADER_CITES_MAX) {
        spoil(c, COVEY_ELIMIT);
        out->cite_count = 0;
    }
    for (size_t i = 0; i < out->cite_count && c->rc == COVEY_OK; i++) {
        struct batch_cite *cite = &out->cites[i];
        uint64_t back = take_leb(c);

        if (back > st->record_count) {
            spoil(c, COVEY_EBAD);
            return;
        }
        *cite = (struct batch_cite){.back = (uint32_t)back};
        if (back == 0)
            take_fixed(c, cite->hash.b, sizeof cite->hash.b);
        if (cited_before(out, i, cite))
            spoil(c, COVEY_EBAD);
    }
}

static void take_payload(struct cursor *c, struct batch_record *out)
{
    uint64_t len = take_leb(c);

    if (len > HEADER_PAYLOAD_MAX) {
        spoil(c, COVEY_ELIMIT);
        len = 0;
    }
    out->payload = take(c, (size_t)len);
    take_fixed(c, out->signature.b, sizeof out->signature.b);
}

static enum covey_rc take_record(struct batch_state *st, struct cursor *c,
                                 struct batch_record *out)
{
    unsigned flags = take_byte(c);

    if (flags & ~(unsigned)FLAGS)
        return COVEY_EBAD;

    struct batch_log *log = take_log(st, c, flags);

    if (log == NULL)
        return c->rc;
    out->author = log->author;
    out->incarnation = log->incarnation;
    out->number = take_number(c, log, flags);
    take_hashes(st, c, flags, out);
    take_cites(st, c, out);
    take_payload(c, out);
    log->last = out->number;
    return c->rc;
}

enum covey_rc batch_next(struct batch_state *st, struct covey_bytes *in,
                         bool *found, struct batch_record *out)
{
    *found = false;
    if (in->len == 0)
        return COVEY_OK;
    if (st->record_count == BATCH_CHANGESETS)
        return COVEY_ELIMIT;

    struct cursor c = {in->p, in->len, COVEY_OK};
    enum covey_rc rc = take_record(st, &c, out);

    if (rc != COVEY_OK)
        return rc;
    st->record_count++;
    *in = (struct covey_bytes){c.p, c.left};
    *found = true;
    return COVEY_OK;
}
