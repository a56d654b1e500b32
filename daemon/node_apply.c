/* node_apply.c - a batch that came: checked whole, then stored and merged.
 *
 * First pass: every record gets back what was left out, and is checked against
 * the log, the chain and what it cites; the last of each log is verified, and
 * with it, by the hash chain, all of that log in the batch.  Nothing is written
 * until all of it holds.  Second pass: append, judge, open, merge. */
#include "daemon/node_internal.h"

#include <stdlib.h>
#include <string.h>

/* One record of the batch, made whole. */
struct arrival {
    struct header header;
    struct hash hash;
    struct covey_bytes payload;
    struct signature signature;
    uint64_t epoch_number;
    bool known; /* it is here already */
    bool waits; /* what it cites or follows waits */
    bool last;  /* of its log in this batch: to be verified */
};

#define INTAKE_SLOTS 4096u /* a power of two, well over a batch's records */
#define INTAKE_KEPT 16u    /* records whose room is kept */

/* Made once a node: a live edit must not pay for so much fresh memory. */
struct intake {
    struct node *node;
    struct node_space *space;
    struct arrival *items;
    size_t count, cap;
    uint16_t slots[INTAKE_SLOTS]; /* from a hash to its item + 1 */
    struct batch_state state;
    struct batch_record record;
    struct covey_why *why;
    /* the change set at work */
    struct entry entry;
    struct changeset cs;
    struct row_part rows[CHANGESET_PARTS_MAX];
};

static struct intake *intake_begin(struct node *node, struct node_space *s,
                                   struct covey_why *why)
{
    struct intake *in = node->intake;

    if (in == NULL) {
        in = node->intake = calloc(1, sizeof *in);
        if (in == NULL)
            return NULL;
        in->node = node;
        changeset_init(&in->cs, &node->mem);
    }
    in->space = s;
    in->why = why;
    in->count = 0;
    memset(in->slots, 0, sizeof in->slots);
    return in;
}

/* What a large batch needed is given back. */
static void intake_end(struct intake *in)
{
    if (in->count > INTAKE_KEPT) {
        free(in->items);
        in->items = NULL;
        in->cap = 0;
        changeset_clear(&in->cs);
        changeset_init(&in->cs, &in->node->mem);
    }
}

void intake_free(struct intake *in)
{
    if (in == NULL)
        return;
    changeset_clear(&in->cs);
    free(in->items);
    free(in);
}

static size_t slot_of(const struct hash *hash)
{
    return get_u16(hash->b) % INTAKE_SLOTS;
}

static void index_item(struct intake *in, size_t item)
{
    size_t slot = slot_of(&in->items[item].hash);

    while (in->slots[slot] != 0)
        slot = (slot + 1) % INTAKE_SLOTS;
    in->slots[slot] = (uint16_t)(item + 1);
}

static enum covey_rc blame(struct intake *in, enum covey_rc rc,
                           const char *text)
{
    snprintf(in->why->text, sizeof in->why->text, "%s", text);
    return rc;
}

/* What a header follows or cites, wherever it is. */
struct ancestor {
    struct sign_key author;
    struct incarnation incarnation;
    uint64_t number;
    uint64_t clock;
    uint64_t epoch_number;
    bool waits;
};

static bool in_batch(const struct intake *in, const struct hash *hash,
                     struct ancestor *out)
{
    size_t slot = slot_of(hash);

    for (; in->slots[slot] != 0; slot = (slot + 1) % INTAKE_SLOTS) {
        const struct arrival *a = &in->items[in->slots[slot] - 1];

        if (memcmp(&a->hash, hash, sizeof *hash) != 0)
            continue;
        *out = (struct ancestor){a->header.author, a->header.incarnation,
                                 a->header.number, a->header.clock,
                                 a->epoch_number,  a->waits};
        return true;
    }
    return false;
}

static bool look_up(const struct intake *in, const struct hash *hash,
                    struct ancestor *out)
{
    struct entry_brief brief;

    if (log_find(in->node->store, in->space->row.n, hash, &brief) == COVEY_OK) {
        *out = (struct ancestor){.author = brief.author,
                                 .incarnation = brief.incarnation,
                                 .number = brief.number,
                                 .clock = brief.clock,
                                 .waits = brief.state == ENTRY_WAITING};
        return space_epoch(in->space, &brief.epoch, &out->epoch_number) != NULL;
    }
    return in_batch(in, hash, out);
}

/* The newest arrival of a log in this batch; NULL: none. */
static struct arrival *newest_in(struct intake *in,
                                 const struct batch_record *r)
{
    for (size_t i = in->count; i > 0; i--) {
        struct arrival *a = &in->items[i - 1];

        if (memcmp(&a->header.incarnation, &r->incarnation,
                   sizeof r->incarnation) == 0 &&
            memcmp(&a->header.author, &r->author, sizeof r->author) == 0)
            return a;
    }
    return NULL;
}

/* Put back the hash of the header before this one in its log. */
static enum covey_rc
put_previous(struct intake *in, const struct batch_record *r, struct arrival *a)
{
    const struct arrival *before = newest_in(in, r);
    struct entry_brief brief;

    if (r->has_previous) {
        a->header.previous = r->previous;
        return COVEY_OK;
    }
    if (before != NULL && before->header.number + 1 == r->number) {
        a->header.previous = before->hash;
        return COVEY_OK;
    }
    struct log_place at = {r->author, r->incarnation, r->number - 1};

    if (log_at(in->node->store, in->space->row.n, &at, &a->header.previous,
               &brief) == COVEY_OK)
        return COVEY_OK;
    return blame(in, COVEY_ENOTYET,
                 "a change set came before the one it follows");
}

static enum covey_rc put_cites(struct intake *in, const struct batch_record *r,
                               struct arrival *a, uint64_t *clock)
{
    a->header.cite_count = r->cite_count;
    for (size_t i = 0; i < r->cite_count; i++) {
        struct ancestor at;

        if (r->cites[i].back > in->count)
            return blame(in, COVEY_EBAD, "a citation points before the batch");
        a->header.cites[i] = r->cites[i].back > 0
                                 ? in->items[in->count - r->cites[i].back].hash
                                 : r->cites[i].hash;
        if (!look_up(in, &a->header.cites[i], &at))
            return blame(in, COVEY_ENOTYET,
                         "a change set came before one that it cites");
        if (i > 0 && memcmp(&a->header.cites[i - 1], &a->header.cites[i],
                            sizeof a->header.cites[i]) >= 0)
            return blame(in, COVEY_EBAD, "citations are out of order");
        if (at.clock > *clock)
            *clock = at.clock;
        a->waits |= at.waits;
    }
    return COVEY_OK;
}

/* A log goes on from its own number before; its first change set from another
 * log of the same author. */
static bool follows(const struct batch_record *r, const struct ancestor *at)
{
    bool same_log =
        memcmp(&at->incarnation, &r->incarnation, sizeof r->incarnation) == 0;

    if (memcmp(&at->author, &r->author, sizeof r->author) != 0)
        return false;
    return r->number == 1 ? !same_log : same_log && at->number == r->number - 1;
}

static enum covey_rc put_past(struct intake *in, const struct batch_record *r,
                              struct arrival *a)
{
    uint64_t clock = 0;
    struct ancestor at;
    enum covey_rc rc = put_previous(in, r, a);

    if (rc != COVEY_OK)
        return rc;
    if (hash_is_zero(&a->header.previous)) {
        if (r->number != 1)
            return blame(in, COVEY_EFORGED, "a log has a gap");
    } else {
        if (!look_up(in, &a->header.previous, &at))
            return blame(in, COVEY_ENOTYET,
                         "a change set came before the one it follows");
        if (!follows(r, &at))
            return blame(in, COVEY_EFORGED,
                         "a log follows what is not its own");
        if (at.epoch_number > a->epoch_number)
            return blame(in, COVEY_EFORGED,
                         "a log went back to an older membership");
        clock = at.clock;
        a->waits |= at.waits;
    }
    rc = put_cites(in, r, a, &clock);
    if (clock == UINT64_MAX)
        return blame(in, COVEY_EFORGED, "a clock is at its end");
    a->header.clock = clock + 1;
    return rc;
}

static enum covey_rc
put_payload(struct intake *in, const struct batch_record *r, struct arrival *a)
{
    a->header.payload_len = (uint32_t)r->payload.len;
    if (changeset_hash_whole(r->payload, &a->header.payload_hash) != COVEY_OK)
        return blame(in, COVEY_EBAD, "a payload is malformed, or lacks a part");
    return COVEY_OK;
}

static bool is_known(const struct intake *in, const struct hash *hash)
{
    struct entry_brief brief;
    struct ancestor at;

    return log_find(in->node->store, in->space->row.n, hash, &brief) ==
               COVEY_OK ||
           in_batch(in, hash, &at);
}

static enum covey_rc take_in(struct intake *in)
{
    const struct batch_record *r = &in->record;
    struct arrival *before;

    if (membership_author(&in->space->m, &r->author) == NULL)
        return blame(in, COVEY_EFORGED, "its author is not a member");
    if (!node_grow((void **)&in->items, &in->cap, in->count, sizeof *in->items))
        return COVEY_ENOMEM;
    struct arrival *a = &in->items[in->count];
    memset(a, 0, sizeof *a);
    if (space_epoch(in->space, &r->epoch, &a->epoch_number) == NULL)
        return blame(in, COVEY_ENOTYET, "its membership record is not here");
    a->header.space = in->space->row.id;
    a->header.author = r->author;
    a->header.incarnation = r->incarnation;
    a->header.number = r->number;
    a->header.epoch = r->epoch;
    a->payload = r->payload;
    a->signature = r->signature;
    enum covey_rc rc = put_past(in, r, a);
    if (rc == COVEY_OK)
        rc = put_payload(in, r, a);
    if (rc != COVEY_OK)
        return rc;
    a->hash = header_hash(&a->header);
    a->known = is_known(in, &a->hash);
    a->last = true;
    before = newest_in(in, r);
    if (before != NULL &&
        memcmp(&before->hash, &a->header.previous, sizeof before->hash) == 0)
        before->last = false;
    index_item(in, in->count++);
    return COVEY_OK;
}

static enum covey_rc check(struct intake *in, struct covey_bytes records)
{
    bool found;
    enum covey_rc rc;

    batch_begin(&in->state);
    for (;;) {
        rc = batch_next(&in->state, &records, &found, &in->record);
        if (rc != COVEY_OK)
            return blame(in, rc, "a batch is malformed");
        if (!found)
            break;
        rc = take_in(in);
        if (rc != COVEY_OK)
            return rc;
    }
    for (size_t i = 0; i < in->count; i++) {
        const struct arrival *a = &in->items[i];

        if (a->last && !a->known && !header_verify(&a->header, &a->signature))
            return blame(in, COVEY_EFORGED, "a signature does not match");
    }
    return COVEY_OK;
}

/* ---- second pass ---- */

/* Does an earlier part tell of the same row?  Merging takes each once. */
static bool told_before(const struct row_part *rows, const bool *told, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (told[k] &&
            memcmp(&rows[k].id, &rows[i].id, sizeof rows[i].id) == 0 &&
            rows[k].table == rows[i].table)
            return true;
    return false;
}

static enum verdict judge(struct intake *in, uint64_t epoch_number)
{
    const struct node_space *s = in->space;
    const struct changeset *cs = &in->cs;
    struct row_part *rows = in->rows;
    struct verdict_context context = {.kind = s->m.kind};
    enum verdict worst = VERDICT_COUNTS;
    bool told[CHANGESET_PARTS_MAX] = {false};

    if (!space_role_at(s, &in->entry.header.author, epoch_number, &context.role,
                       &context.tag))
        return VERDICT_VOID_ROLE;
    if (cs->kind > CHANGESET_EMPTY)
        return VERDICT_HOLD;
    for (size_t i = 0; i < cs->part_count; i++) {
        if (cs->parts[i].p == NULL)
            continue;
        told[i] = true;
        if (row_part_read(cs->parts[i], &rows[i]) != COVEY_OK ||
            told_before(rows, told, i))
            return VERDICT_VOID_SEAL;
        enum verdict v = rules_judge_row(&context, &rows[i]);
        if (v == VERDICT_HOLD)
            return v;
        if (worst == VERDICT_COUNTS)
            worst = v;
    }
    return worst;
}

static enum covey_rc merge_parts(struct intake *in)
{
    const struct changeset *cs = &in->cs;
    const struct entry *e = &in->entry;
    struct merge_source source = {.n = in->space->row.n,
                                  .space = in->space->row.id,
                                  .seq = e->seq,
                                  .wall_ms = cs->wall_ms};

    source.stamp.clock = e->header.clock;
    source.stamp.author = e->header.author;
    memcpy(source.stamp.name.b, e->hash.b, STAMP_NAME);
    for (size_t i = 0; i < cs->part_count; i++) {
        if (cs->parts[i].p == NULL)
            continue;
        enum covey_rc rc = merge_row(in->node->store, &source, &in->rows[i]);
        if (rc != COVEY_OK)
            return rc;
    }
    return COVEY_OK;
}

struct seed space_key_of(struct node *node, const struct node_space *s,
                         uint64_t epoch_number, bool *found)
{
    uint32_t number = s->epochs[epoch_number].key_number;
    struct seed key = {{0}}, history;

    *found = s->has_key;
    if (s->has_key && number == s->keys.number)
        return s->keys.key;
    *found = s->has_key && space_key_get(node->store, s->row.n, number, &key,
                                         &history) == COVEY_OK;
    return key;
}

/* Open and judge in->entry.  Sets its state and verdict. */
static enum covey_rc settle(struct intake *in)
{
    struct node_space *s = in->space;
    struct entry *e = &in->entry;
    uint64_t epoch_number;
    bool found;

    e->state = ENTRY_CARRIED;
    e->wait = WAIT_NONE;
    e->verdict = VERDICT_COUNTS;
    if (!s->m.readable)
        return COVEY_OK;
    CHECK(space_epoch(s, &e->header.epoch, &epoch_number) != NULL);
    struct seed key = space_key_of(in->node, s, epoch_number, &found);
    if (!found) {
        SOMETIMES("a change set waits for a key");
        e->state = ENTRY_WAITING;
        e->wait = WAIT_KEY;
        return COVEY_OK;
    }
    enum covey_rc rc = changeset_open(&e->header, e->payload, &key, &in->cs);
    sodium_memzero(&key, sizeof key);
    if (rc == COVEY_ENOMEM)
        return rc;
    e->wall_ms = rc == COVEY_OK ? in->cs.wall_ms : 0;
    e->verdict = rc == COVEY_OK ? judge(in, epoch_number) : VERDICT_VOID_SEAL;
    e->state = e->verdict == VERDICT_COUNTS ? ENTRY_APPLIED
               : e->verdict == VERDICT_HOLD ? ENTRY_WAITING
                                            : ENTRY_VOID;
    e->wait = e->verdict == VERDICT_HOLD ? WAIT_UPGRADE : WAIT_NONE;
    if (e->state == ENTRY_VOID)
        SOMETIMES("a change set is void");
    if (e->state == ENTRY_WAITING)
        SOMETIMES("a change set waits for an upgrade");
    return COVEY_OK;
}

static enum covey_rc store_one(struct intake *in, struct arrival *a)
{
    struct entry *e = &in->entry;
    enum covey_rc rc = COVEY_OK;

    *e = (struct entry){.n = in->space->row.n,
                        .header = a->header,
                        .hash = a->hash,
                        .has_signature = true,
                        .signature = a->signature,
                        .payload = a->payload};
    if (a->waits) {
        SOMETIMES("a change set waits for what it cites");
        e->state = ENTRY_WAITING;
        e->wait = WAIT_CITED;
    } else {
        rc = settle(in);
    }
    a->waits = e->state == ENTRY_WAITING;
    if (rc == COVEY_OK)
        rc = log_append(in->node->store, e);
    if (rc == COVEY_OK && e->forked)
        holds_forked(in->node, in->space, &e->header);
    if (rc == COVEY_OK && e->state == ENTRY_APPLIED)
        rc = merge_parts(in);
    return rc;
}

static enum covey_rc store_all(struct intake *in, struct link *l)
{
    enum covey_rc rc = COVEY_OK;

    for (size_t i = 0; i < in->count && rc == COVEY_OK; i++) {
        struct arrival *a = &in->items[i];
        struct ancestor at;

        /* what it cites may have come to wait in this very batch */
        for (size_t k = 0; k < a->header.cite_count && !a->known; k++)
            a->waits |= in_batch(in, &a->header.cites[k], &at) && at.waits;
        if (!a->known && in_batch(in, &a->header.previous, &at))
            a->waits |= at.waits;
        if (a->known)
            SOMETIMES("a change set comes twice");
        else
            rc = store_one(in, a);
        if (rc == COVEY_OK)
            rc = holds_heard(in->node, l, &a->header, &a->hash);
    }
    return rc;
}

enum covey_rc apply_batch(struct node *node, struct link *l,
                          struct covey_bytes records, struct covey_why *why)
{
    size_t own = node->own_count;
    enum covey_rc rc = seal_all(node); /* seal before merge */

    if (rc != COVEY_OK)
        return rc;
    if (node->own_count > own)
        SOMETIMES("edits are sealed before a merge");

    struct intake *in = intake_begin(node, l->space, why);

    if (in == NULL)
        return COVEY_ENOMEM;
    rc = check(in, records);
    if (rc == COVEY_OK)
        rc = store_all(in, l);
    intake_end(in);
    return rc;
}

/* Does anything that an entry cites or follows still wait? */
static bool still_waits(struct node *node, const struct node_space *s,
                        const struct entry *e)
{
    struct entry_brief brief;

    if (!hash_is_zero(&e->header.previous) &&
        log_find(node->store, s->row.n, &e->header.previous, &brief) ==
            COVEY_OK &&
        brief.state == ENTRY_WAITING)
        return true;
    for (size_t i = 0; i < e->header.cite_count; i++)
        if (log_find(node->store, s->row.n, &e->header.cites[i], &brief) ==
                COVEY_OK &&
            brief.state == ENTRY_WAITING)
            return true;
    return false;
}

static enum covey_rc reconsider(struct intake *in)
{
    struct store *st = in->node->store;
    struct entry *e = &in->entry;
    struct covey_buf copy; /* the payload lives until the next store call */

    if (still_waits(in->node, in->space, e))
        return COVEY_OK;
    buf_init(&copy, &in->node->mem, HEADER_PAYLOAD_MAX);
    buf_append(&copy, e->payload.p, e->payload.len);
    enum covey_rc rc = buf_rc(&copy);
    e->payload = buf_bytes(&copy);
    if (rc == COVEY_OK)
        rc = settle(in);
    if (rc == COVEY_OK)
        rc = log_settle(st, e->seq, e->state, e->wait, e->verdict);
    if (rc == COVEY_OK && e->wall_ms != 0)
        rc = log_wall(st, e->seq, e->wall_ms);
    if (rc == COVEY_OK && e->state == ENTRY_APPLIED)
        rc = merge_parts(in);
    buf_clear(&copy);
    return rc;
}

enum covey_rc apply_waiting(struct node *node, struct node_space *s)
{
    enum covey_rc rc = seal_all(node);
    int64_t seq = 0;

    if (rc != COVEY_OK)
        return rc;

    struct intake *in = intake_begin(node, s, NULL);

    if (in == NULL)
        return COVEY_ENOMEM;
    while (rc == COVEY_OK && s->m.readable) {
        rc = log_next_waiting(node->store, s->row.n, seq, &in->entry);
        if (rc != COVEY_OK)
            break;
        seq = in->entry.seq;
        rc = reconsider(in);
    }
    return rc == COVEY_ENONE ? COVEY_OK : rc;
}
