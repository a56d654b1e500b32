/* node_seal.c - what was written here: sealed in the group's transaction,
 * signed after its commit.
 *
 * Each run opens a new incarnation in each space at its first seal there, so
 * no backup, clone or kill can make one number twice.  A signature lost in a
 * crash is made again over the same bytes: Ed25519 is deterministic. */
#include "daemon/node_internal.h"

#include <stdlib.h>
#include <string.h>

static struct node_space *space_by_n(struct node *node, int64_t n)
{
    for (struct node_space *s = node->spaces; s != NULL; s = s->next)
        if (s->row.n == n)
            return s;
    return NULL;
}

/* A new log for this run, after the author's last one. */
static enum covey_rc open_log(struct node *node, struct node_space *s)
{
    struct log_head_row head = {.number = 0};
    struct hash h = hash_keyed(&node->run, "covey/1 incarnation", s->row.id.b,
                               sizeof s->row.id.b);
    enum covey_rc rc =
        log_last_of(node->store, s->row.n, &s->author.key, &head);

    if (rc != COVEY_OK && rc != COVEY_ENONE)
        return rc;
    memcpy(s->incarnation.b, h.b, sizeof s->incarnation.b);
    s->number = 0;
    s->last = head.hash;
    s->last_clock = head.clock;
    s->log_open = true;
    return COVEY_OK;
}

/* The tips that a header is to cite, oldest first; its own last is none. */
static enum covey_rc cite_tips(struct node *node, const struct node_space *s,
                               struct header *h)
{
    struct tip tips[HEADER_CITES_MAX + 1];
    size_t count = 0;
    uint64_t clock = s->last_clock;
    enum covey_rc rc =
        log_tips(node->store, s->row.n, tips, HEADER_CITES_MAX + 1, &count);

    h->cite_count = 0;
    for (size_t i = 0; i < count && i < HEADER_CITES_MAX + 1; i++) {
        if (memcmp(&tips[i].hash, &s->last, sizeof s->last) == 0)
            continue;
        if (h->cite_count == HEADER_CITES_MAX)
            break;
        h->cites[h->cite_count++] = tips[i].hash;
        if (tips[i].clock > clock)
            clock = tips[i].clock;
    }
    h->clock = clock + 1;
    header_sort_cites(h);
    return rc;
}

static enum covey_rc note_own(struct node *node, const struct entry *e)
{
    if (!node_grow((void **)&node->own, &node->own_cap, node->own_count,
                   sizeof *node->own))
        return COVEY_ENOMEM;
    struct own_entry *u = &node->own[node->own_count++];
    u->seq = e->seq;
    u->hash = e->hash;
    u->header = e->header;
    u->is_signed = false;
    u->stored = false;
    return COVEY_OK;
}

/* Number, encrypt, hash, append. */
static enum covey_rc seal_one(struct node *node, struct node_space *s,
                              const struct changeset_plain *plain,
                              struct stamp *stamp)
{
    struct entry *e = calloc(1, sizeof *e);
    struct seed fresh = rng_seed(&node->rng);
    struct covey_buf payload;
    enum covey_rc rc = e == NULL ? COVEY_ENOMEM : COVEY_OK;

    if (rc == COVEY_OK && !s->log_open)
        rc = open_log(node, s);
    if (rc != COVEY_OK) {
        free(e);
        return rc;
    }
    buf_init(&payload, &node->mem, HEADER_PAYLOAD_MAX);
    struct header *h = &e->header;
    h->space = s->row.id;
    h->author = s->author.key;
    h->incarnation = s->incarnation;
    h->number = s->number + 1;
    h->previous = s->last;
    h->epoch = s->m.head;
    rc = cite_tips(node, s, h);
    if (rc == COVEY_OK)
        rc = changeset_seal(h, plain, &s->keys.key, &node->secrets.nonce,
                            &fresh, &payload);
    if (rc == COVEY_OK) {
        e->n = s->row.n;
        e->hash = header_hash(h);
        e->state = ENTRY_APPLIED;
        e->wall_ms = plain->wall_ms;
        e->payload = buf_bytes(&payload);
        rc = log_append(node->store, e);
    }
    if (rc == COVEY_OK)
        rc = note_own(node, e);
    if (rc == COVEY_OK) {
        s->number++;
        s->last = e->hash;
        s->last_clock = h->clock;
        s->sealed_at = node->clock.now;
        stamp->clock = h->clock;
        stamp->author = h->author;
        memcpy(stamp->name.b, e->hash.b, STAMP_NAME);
    }
    buf_clear(&payload);
    free(e);
    return rc;
}

/* Whoever has more tips than a header can cite seals empty ones first. */
static enum covey_rc fold_tips(struct node *node, struct node_space *s)
{
    struct changeset_plain plain = {.kind = CHANGESET_EMPTY,
                                    .wall_ms = node->clock.wall_ms};
    struct tip none;
    struct stamp stamp;
    size_t count = 0;
    enum covey_rc rc = log_tips(node->store, s->row.n, &none, 0, &count);

    while (rc == COVEY_OK && count > HEADER_CITES_MAX) {
        rc = seal_one(node, s, &plain, &stamp);
        if (rc == COVEY_OK)
            rc = log_tips(node->store, s->row.n, &none, 0, &count);
    }
    return rc;
}

/* The value that a change set wrote to one cell; false: it cannot be had. */
static bool find_value(const struct changeset *cs,
                       const struct capture_want *want,
                       struct cell_value *value)
{
    struct row_part part;
    struct row_cell cell;

    for (size_t i = 0; i < cs->part_count; i++) {
        size_t at = 0;

        if (cs->parts[i].p == NULL ||
            row_part_read(cs->parts[i], &part) != COVEY_OK ||
            part.table != want->table ||
            memcmp(&part.id, &want->id, sizeof part.id) != 0)
            continue;
        while (row_part_next(&part, &at, &cell))
            if (cell.column == want->column) {
                *value = cell.value;
                return true;
            }
    }
    return false;
}

static enum covey_rc give_one(struct node *node, const struct node_space *s,
                              struct capture *c,
                              const struct capture_want *want)
{
    struct changeset *cs = calloc(1, sizeof *cs);
    struct entry *e = calloc(1, sizeof *e);
    struct cell_value value;
    uint64_t epoch;
    bool found = false;
    enum covey_rc rc = cs == NULL || e == NULL ? COVEY_ENOMEM : COVEY_OK;

    if (cs != NULL)
        changeset_init(cs, &node->mem);
    if (rc == COVEY_OK)
        rc = log_read(node->store, want->seq, e);
    if (rc == COVEY_OK && space_epoch(s, &e->header.epoch, &epoch) != NULL) {
        struct covey_buf copy; /* the payload lives until the next call */

        buf_init(&copy, &node->mem, HEADER_PAYLOAD_MAX);
        buf_append(&copy, e->payload.p, e->payload.len);
        struct seed key = space_key_of(node, s, epoch, &found);
        found = found && buf_rc(&copy) == COVEY_OK &&
                changeset_open(&e->header, buf_bytes(&copy), &key, cs) ==
                    COVEY_OK &&
                find_value(cs, want, &value);
        buf_clear(&copy);
        sodium_memzero(&key, sizeof key);
    }
    if (rc == COVEY_OK)
        rc = capture_give(c, want, found ? &value : NULL);
    if (cs != NULL)
        changeset_clear(cs);
    free(cs);
    free(e);
    return rc;
}

/* What a form put out of sight without having seen it, from the log. */
static enum covey_rc give_wanted(struct node *node, const struct node_space *s,
                                 struct capture *c)
{
    size_t count = c->want_count;
    enum covey_rc rc = COVEY_OK;

    for (size_t i = 0; i < count && rc == COVEY_OK; i++) {
        struct capture_want want = c->wants[i];

        rc = give_one(node, s, c, &want);
    }
    return rc;
}

static enum covey_rc seal_space(struct node *node, struct node_space *s,
                                struct capture *c)
{
    enum covey_rc rc = COVEY_OK;

    do {
        struct stamp stamp = {.clock = 0};

        rc = capture_take(node->store, s->row.n, c);
        if (rc != COVEY_OK)
            return rc;
        if (c->part_count > 0) {
            struct changeset_plain plain = {
                .kind = CHANGESET_ROWS,
                .wall_ms = node->clock.wall_ms,
                .part_count = c->part_count,
                .parts = c->parts,
            };

            rc = fold_tips(node, s);
            if (rc == COVEY_OK)
                rc = seal_one(node, s, &plain, &stamp);
        }
        if (rc == COVEY_OK && c->part_count > 0)
            rc = capture_settle(node->store, s->row.n, c, &stamp);
        if (rc == COVEY_OK)
            rc = give_wanted(node, s, c);
        if (c->more)
            SOMETIMES("a transaction takes several change sets");
    } while (rc == COVEY_OK && c->more);
    return rc;
}

enum covey_rc seal_all(struct node *node)
{
    struct capture *c;
    int64_t n = 0;
    enum covey_rc rc = COVEY_OK;

    if (!node->outbox_dirty)
        return COVEY_OK;
    c = calloc(1, sizeof *c);
    if (c == NULL)
        return COVEY_ENOMEM;
    capture_init(c, &node->mem);
    while (rc == COVEY_OK &&
           (rc = capture_next_space(node->store, n, &n)) == COVEY_OK) {
        struct node_space *s = space_by_n(node, n);

        if (s != NULL && s->has_key)
            rc = seal_space(node, s, c);
    }
    capture_clear(c);
    free(c);
    if (rc != COVEY_ENONE)
        return rc;
    node->outbox_dirty = false;
    return COVEY_OK;
}

#define HEARTBEAT (COVEY_SECOND * 24 * 3600)

enum covey_rc seal_heartbeats(struct node *node)
{
    struct changeset_plain plain = {.kind = CHANGESET_EMPTY,
                                    .wall_ms = node->clock.wall_ms};
    struct stamp stamp;
    enum covey_rc rc = COVEY_OK;

    for (struct node_space *s = node->spaces; s != NULL && rc == COVEY_OK;
         s = s->next) {
        if (!s->has_key || node->clock.now - s->sealed_at < HEARTBEAT)
            continue;
        rc = node_group(node);
        if (rc == COVEY_OK)
            rc = seal_one(node, s, &plain, &stamp);
        SOMETIMES("a day without edits is sealed");
    }
    return rc;
}

static struct node_space *space_of(struct node *node, const struct own_entry *u)
{
    return space_by_id(node, &u->header.space);
}

void seal_sign(struct node *node)
{
    size_t kept = 0;

    for (size_t i = 0; i < node->own_count; i++)
        if (!node->own[i].stored)
            node->own[kept++] = node->own[i];
    node->own_count = kept;
    for (size_t i = 0; i < node->own_count; i++) {
        struct own_entry *u = &node->own[i];
        const struct node_space *s = space_of(node, u);

        if (u->is_signed || s == NULL)
            continue;
        u->signature = header_sign(&u->header, &s->author);
        u->is_signed = true;
    }
}

bool seal_signature(const struct node *node, int64_t seq, struct signature *out)
{
    for (size_t i = node->own_count; i > 0; i--) {
        const struct own_entry *u = &node->own[i - 1];

        if (u->seq != seq)
            continue;
        *out = u->signature;
        return u->is_signed;
    }
    return false;
}

enum covey_rc seal_store_signatures(struct node *node)
{
    for (size_t i = 0; i < node->own_count; i++) {
        if (!node->own[i].is_signed)
            continue;
        enum covey_rc rc =
            log_sign(node->store, node->own[i].seq, &node->own[i].signature);
        if (rc != COVEY_OK)
            return rc;
        node->own[i].stored = true;
    }
    return COVEY_OK;
}

enum covey_rc seal_sign_again(struct node *node)
{
    struct entry *e = calloc(1, sizeof *e);
    enum covey_rc rc = e == NULL ? COVEY_ENOMEM : COVEY_OK;
    int64_t seq = 0;

    while (rc == COVEY_OK) {
        rc = log_next_unsigned(node->store, seq, e);
        if (rc != COVEY_OK)
            break;
        seq = e->seq;
        const struct node_space *s = space_by_id(node, &e->header.space);
        if (s == NULL || memcmp(&s->author.key, &e->header.author,
                                sizeof e->header.author) != 0)
            continue;
        struct signature sig = header_sign(&e->header, &s->author);
        SOMETIMES("a signature lost in a crash is made again");
        rc = log_sign(node->store, seq, &sig);
    }
    free(e);
    return rc == COVEY_ENONE ? COVEY_OK : rc;
}

void seal_forget(struct node *node)
{
    size_t kept = 0;

    for (size_t i = 0; i < node->own_count; i++) {
        node->own[i].stored = false;
        if (node->own[i].is_signed)
            node->own[kept++] = node->own[i];
    }
    node->own_count = kept;
    seal_new_run(node);
}

void seal_new_run(struct node *node)
{
    node->run = rng_seed(&node->rng);
    for (struct node_space *s = node->spaces; s != NULL; s = s->next)
        s->log_open = false;
}
