#include "store/log.h"

#include <string.h>

#include "store/log_cache.h"
#include "store/varint.h"

#define LINKS_MAX ((1u + HEADER_CITES_MAX) * VARINT_MAX)

_Static_assert(ENTRY_APPLIED == 0 && ENTRY_VOID == 1 && ENTRY_WAITING == 2 &&
                   ENTRY_CARRIED == 3 && WAIT_UPGRADE == 3,
               "stored numbers never change: see 0002_logs.sql");

/* ---- what a header links to ---- */

/* The change sets that a header names, by seq: its previous one (0: none), then
 * what it cites, the newest first. */
struct links {
    int64_t previous;
    size_t cite_count;
    int64_t cites[HEADER_CITES_MAX];
};

/* What comes after another is a small number of seqs away from it. */
static size_t links_write(const struct links *links, int64_t seq,
                          uint8_t out[LINKS_MAX])
{
    uint64_t back =
        links->previous == 0 ? 0 : (uint64_t)(seq - links->previous);
    size_t len = varint_put(out, back);

    for (size_t i = 0; i < links->cite_count; i++)
        len += varint_put(out + len, (uint64_t)(seq - links->cites[i]));
    return len;
}

static bool links_read(struct covey_bytes in, int64_t seq, struct links *out)
{
    uint64_t back;
    bool ok = varint_get(&in, &back);

    out->previous = back == 0 ? 0 : seq - (int64_t)back;
    out->cite_count = 0;
    while (ok && in.len > 0 && out->cite_count < HEADER_CITES_MAX) {
        ok = varint_get(&in, &back);
        out->cites[out->cite_count++] = seq - (int64_t)back;
    }
    return ok && in.len == 0;
}

/* ---- storing ---- */

/* A header's place among the logs, while it is stored. */
struct place {
    struct log_space *space;
    int64_t author;
    int64_t epoch;
    struct links links;
    struct log_row *row; /* the branch that it extends; NULL: begins one */
};

/* Whoever cites or follows the head of a log makes it a tip no more; but not
 * while it waits, since then nobody cites it in its place. */
static enum covey_rc mark_cited(struct store *st, const struct entry *by,
                                const struct log_recent *cited)
{
    struct log_row *row;

    if (by->state == ENTRY_WAITING)
        return COVEY_OK;

    enum covey_rc rc = log_by_number(st, cited->log, &row);

    if (rc == COVEY_OK && row->seq == cited->seq && !row->cited) {
        row->cited = true;
        row->dirty = true;
    }
    return rc;
}

static enum covey_rc link_cites(struct store *st, const struct entry *e,
                                struct place *at)
{
    const struct header *h = &e->header;
    struct log_recent cited;

    for (size_t i = 0; i < h->cite_count; i++) {
        enum covey_rc rc =
            log_find_hash(st, at->space->n, &h->cites[i], &cited);

        CHECK(rc != COVEY_ENONE); /* nothing is stored before what it cites */
        if (rc == COVEY_OK)
            rc = mark_cited(st, e, &cited);
        if (rc != COVEY_OK)
            return rc;
        at->links.cites[at->links.cite_count++] = cited.seq;
    }
    return COVEY_OK;
}

/* The first of a log follows the author's last head before it: that one leaves
 * the frontier. */
static enum covey_rc supersede(struct store *st, const struct log_recent *head)
{
    struct log_row *row;
    enum covey_rc rc = log_by_number(st, head->log, &row);

    if (rc == COVEY_OK && row->seq == head->seq && !row->superseded) {
        row->superseded = true;
        row->dirty = true;
    }
    return rc;
}

static enum covey_rc link_previous(struct store *st, const struct entry *e,
                                   struct place *at)
{
    const struct header *h = &e->header;
    struct log_recent previous;

    if (hash_is_zero(&h->previous)) {
        CHECK(h->number == 1);
        return COVEY_OK;
    }

    enum covey_rc rc = log_find_hash(st, at->space->n, &h->previous, &previous);

    CHECK(rc != COVEY_ENONE);
    if (rc == COVEY_OK)
        rc = mark_cited(st, e, &previous);
    if (rc == COVEY_OK && h->number == 1)
        rc = supersede(st, &previous);
    at->links.previous = previous.seq;
    return rc;
}

/* Each branch of a log that forked says so. */
static void mark_forked(struct log_row *row)
{
    for (; row != NULL; row = log_branch_next(row)) {
        row->dirty = row->dirty || !row->forked;
        row->forked = true;
    }
}

static void extend(struct log_row *row, const struct entry *e)
{
    row->number = e->header.number;
    row->hash = e->hash;
    row->clock = e->header.clock;
    row->seq = e->seq;
    row->cited = false;
    row->superseded = false;
    row->dirty = true;
}

/* Begin a log, or a branch of one. */
static enum covey_rc begin_branch(struct store *st, const struct entry *e,
                                  struct log_row *first, struct place *at)
{
    struct log_row row = {
        .space = e->n,
        .author = at->author,
        .incarnation = e->header.incarnation,
        .forked = first != NULL,
        .before = first != NULL ? first->before : e->header.previous,
        .number = e->header.number,
        .hash = e->hash,
        .clock = e->header.clock,
        .seq = e->seq,
    };

    if (first != NULL)
        SOMETIMES("a fork is stored");
    for (struct log_row *it = first; it != NULL; it = log_branch_next(it))
        row.branch = it->branch + 1;
    mark_forked(first);
    return log_row_add(st, &row, &at->row);
}

/* Find the branch whose head the header follows, and move its head. */
static enum covey_rc take_place(struct store *st, struct entry *e,
                                struct place *at)
{
    struct log_row *first;
    enum covey_rc rc =
        log_branches(st, e->n, at->author, &e->header.incarnation, &first);

    if (rc != COVEY_OK)
        return rc;
    at->row = first;
    while (at->row != NULL && (at->row->seq != at->links.previous ||
                               at->row->number + 1 != e->header.number))
        at->row = log_branch_next(at->row);
    e->forked = at->row == NULL && first != NULL;
    if (at->row == NULL)
        return begin_branch(st, e, first, at);
    extend(at->row, e);
    return COVEY_OK;
}

static enum covey_rc insert(struct store *st, const struct entry *e,
                            const struct place *at)
{
    static const struct signature unsigned_yet;
    sqlite3_stmt *stmt = sql_begin(st, SQL_CHANGE_SET_ADD);
    const struct signature *sig =
        e->has_signature ? &e->signature : &unsigned_yet;
    uint8_t links[LINKS_MAX];

    sql_bind_int(stmt, 1, e->seq);
    sql_bind_int(stmt, 2, at->row->n);
    sql_bind_int(stmt, 3, (int64_t)e->header.number);
    sql_bind_int(stmt, 4, (int64_t)e->header.clock);
    sql_bind_int(stmt, 5, at->epoch);
    sql_bind_int(stmt, 6, (int64_t)e->state);
    sql_bind_int(stmt, 7, (int64_t)e->wait);
    sql_bind_int(stmt, 8, (int64_t)e->verdict);
    sql_bind_int(stmt, 9, e->has_signature);
    if (e->wall_ms != 0)
        sql_bind_int(stmt, 10, (int64_t)e->wall_ms);
    if (e->header.payload_len != e->payload.len)
        sql_bind_int(stmt, 11, e->header.payload_len);
    sql_bind_blob(stmt, 12, e->hash.b, sizeof e->hash.b);
    sql_bind_blob(stmt, 13, links, links_write(&at->links, e->seq, links));
    sql_bind_blob(stmt, 14, sig->b, sizeof sig->b);
    sql_bind_blob(stmt, 15, e->payload.p, e->payload.len);
    return sql_run(st, stmt);
}

enum covey_rc log_append(struct store *st, struct entry *e)
{
    struct place at = {.row = NULL};
    const struct sign_key *kept;
    enum covey_rc rc = log_space(st, e->n, &at.space);

    if (rc == COVEY_OK)
        rc = log_author(st, &e->header.author, &at.author, &kept);
    if (rc == COVEY_OK)
        rc = log_epoch(st, &e->header.epoch, &at.epoch);
    if (rc == COVEY_OK)
        rc = link_cites(st, e, &at);
    if (rc == COVEY_OK)
        rc = link_previous(st, e, &at);
    if (rc != COVEY_OK)
        return rc;

    e->seq = at.space->last == 0 ? log_seq_first(e->n) + 1 : at.space->last + 1;
    CHECK(e->seq <= log_seq_last(e->n));
    rc = take_place(st, e, &at);
    if (rc == COVEY_OK)
        rc = insert(st, e, &at);
    if (rc != COVEY_OK)
        return rc;
    at.space->last = e->seq;
    log_remember(st, &(struct log_recent){e->hash, e->seq, at.row->n});
    return COVEY_OK;
}

enum covey_rc log_sign(struct store *st, int64_t seq,
                       const struct signature *sig)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_CHANGE_SET_SIGN);

    sql_bind_int(stmt, 1, seq);
    sql_bind_blob(stmt, 2, sig->b, sizeof sig->b);
    return sql_run(st, stmt);
}

enum covey_rc log_settle(struct store *st, int64_t seq, enum entry_state state,
                         enum entry_wait wait, enum verdict verdict)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_CHANGE_SET_SETTLE);

    sql_bind_int(stmt, 1, seq);
    sql_bind_int(stmt, 2, (int64_t)state);
    sql_bind_int(stmt, 3, (int64_t)wait);
    sql_bind_int(stmt, 4, (int64_t)verdict);
    return sql_run(st, stmt);
}

enum covey_rc log_wall(struct store *st, int64_t seq, uint64_t wall_ms)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_CHANGE_SET_WALL);

    sql_bind_int(stmt, 1, seq);
    sql_bind_int(stmt, 2, (int64_t)wall_ms);
    return sql_run(st, stmt);
}

/* ---- reading ---- */

/* What the columns of an entry say, before its links are followed. */
struct stored {
    int64_t log;
    int64_t epoch;
    struct links links;
};

static enum covey_rc damaged(struct store *st, int64_t seq)
{
    return why_say(&st->why, COVEY_ECORRUPT,
                   "the record is damaged at change set %lld", (long long)seq);
}

static enum covey_rc keep_payload(struct store *st, struct covey_bytes payload,
                                  struct entry *out)
{
    buf_reset(&st->scratch);
    buf_append(&st->scratch, payload.p, payload.len);
    out->payload = buf_bytes(&st->scratch);
    return buf_rc(&st->scratch);
}

static enum covey_rc entry_columns(struct store *st, sqlite3_stmt *stmt,
                                   struct entry *out, struct stored *stored)
{
    struct covey_bytes payload = sql_column_bytes(stmt, 14);

    *out = (struct entry){
        .seq = sqlite3_column_int64(stmt, 0),
        .state = (enum entry_state)sqlite3_column_int(stmt, 5),
        .wait = (enum entry_wait)sqlite3_column_int(stmt, 6),
        .verdict = (enum verdict)sqlite3_column_int(stmt, 7),
        .has_signature = sqlite3_column_int(stmt, 8) != 0,
        .wall_ms = (uint64_t)sqlite3_column_int64(stmt, 9),
    };
    out->header.number = (uint64_t)sqlite3_column_int64(stmt, 2);
    out->header.clock = (uint64_t)sqlite3_column_int64(stmt, 3);
    out->header.payload_len = (uint32_t)payload.len;
    if (sqlite3_column_type(stmt, 10) != SQLITE_NULL)
        out->header.payload_len = (uint32_t)sqlite3_column_int64(stmt, 10);
    stored->log = sqlite3_column_int64(stmt, 1);
    stored->epoch = sqlite3_column_int64(stmt, 4);
    if (!links_read(sql_column_bytes(stmt, 12), out->seq, &stored->links))
        return damaged(st, out->seq);

    enum covey_rc rc =
        sql_column_fixed(stmt, 11, out->hash.b, sizeof out->hash.b);

    if (rc == COVEY_OK)
        rc = sql_column_fixed(stmt, 13, out->signature.b,
                              sizeof out->signature.b);
    return rc == COVEY_OK ? keep_payload(st, payload, out) : rc;
}

static enum covey_rc follow_links(struct store *st, const struct links *links,
                                  struct header *h)
{
    struct log_recent linked;
    enum covey_rc rc = COVEY_OK;

    if (links->previous != 0) {
        rc = log_find_seq(st, links->previous, &linked);
        h->previous = linked.hash;
    }
    for (size_t i = 0; i < links->cite_count && rc == COVEY_OK; i++) {
        rc = log_find_seq(st, links->cites[i], &linked);
        h->cites[i] = linked.hash;
    }
    h->cite_count = links->cite_count;
    header_sort_cites(h);
    return rc;
}

/* Put back what the row leaves out. */
static enum covey_rc complete(struct store *st, const struct stored *stored,
                              struct entry *e)
{
    const struct sign_key *author;
    struct log_space *space;
    struct log_row *row;
    enum covey_rc rc = log_by_number(st, stored->log, &row);

    if (rc == COVEY_OK)
        rc = log_space(st, row->space, &space);
    if (rc == COVEY_OK)
        rc = log_author_key(st, row->author, &author);
    if (rc == COVEY_OK)
        rc = log_epoch_hash(st, stored->epoch, &e->header.epoch);
    if (rc == COVEY_OK)
        rc = follow_links(st, &stored->links, &e->header);
    if (rc != COVEY_OK)
        return rc;
    e->n = row->space;
    e->header.space = space->id;
    e->header.author = *author;
    e->header.incarnation = row->incarnation;
    if (changeset_hash(e->payload, &e->header.payload_hash) != COVEY_OK)
        return damaged(st, e->seq);
    e->forked = row->forked;
    return COVEY_OK;
}

/* Run a statement that gives one entry, and end it. */
static enum covey_rc one_entry(struct store *st, sqlite3_stmt *stmt,
                               struct entry *out)
{
    struct stored stored;
    enum covey_rc rc = sql_row(st, stmt);

    if (rc == COVEY_OK)
        rc = entry_columns(st, stmt, out, &stored);
    sql_end(stmt);
    if (rc == COVEY_OK)
        rc = complete(st, &stored, out);
    return rc;
}

enum covey_rc log_read(struct store *st, int64_t seq, struct entry *out)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_CHANGE_SET_READ);

    sql_bind_int(stmt, 1, seq);
    return one_entry(st, stmt, out);
}

/* Between `seq` and the last that the space can have. */
static void bind_after(sqlite3_stmt *stmt, int64_t n, int64_t seq)
{
    int64_t first = log_seq_first(n);

    sql_bind_int(stmt, 1, seq > first ? seq : first);
    sql_bind_int(stmt, 2, log_seq_last(n));
}

enum covey_rc log_next(struct store *st, int64_t n, int64_t seq,
                       struct entry *out)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_CHANGE_SET_NEXT);

    bind_after(stmt, n, seq);
    return one_entry(st, stmt, out);
}

enum covey_rc log_next_waiting(struct store *st, int64_t n, int64_t seq,
                               struct entry *out)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_CHANGE_SET_NEXT_WAITING);

    bind_after(stmt, n, seq);
    return one_entry(st, stmt, out);
}

enum covey_rc log_next_unsigned(struct store *st, int64_t seq,
                                struct entry *out)
{
    sqlite3_stmt *stmt = sql_begin(st, SQL_CHANGE_SET_NEXT_UNSIGNED);

    sql_bind_int(stmt, 1, seq);
    return one_entry(st, stmt, out);
}
