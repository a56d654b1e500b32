/* node_holds.c - what a peer holds of a space.
 *
 * Of a log it holds all up to a number: what its frontier said, what was sent
 * to it since and what came from it.  Of a log that is not noted, all that was
 * stored here up to known_seq, and nothing of what came later.
 *
 * A log that forked has two change sets with one number, and which of them the
 * peer holds no number tells.  So from the moment that a fork is seen, here or
 * in what the peer names, single change sets are noted, and what is not certain
 * is sent again: once in a session, and only what the author of the fork wrote.
 * Whoever has a change set already passes it over. */
#include "daemon/node_internal.h"

#include <stdlib.h>
#include <string.h>

static struct peer_log *find(const struct link *l,
                             const struct sign_key *author,
                             const struct incarnation *incarnation)
{
    for (size_t i = l->log_count; i > 0; i--)
        if (memcmp(&l->logs[i - 1].incarnation, incarnation,
                   sizeof *incarnation) == 0 &&
            memcmp(&l->logs[i - 1].author, author, sizeof *author) == 0)
            return &l->logs[i - 1];
    return NULL;
}

static struct peer_log *note(struct link *l, const struct sign_key *author,
                             const struct incarnation *incarnation,
                             uint64_t number)
{
    struct peer_log *p = find(l, author, incarnation);

    if (p == NULL) {
        if (!node_grow((void **)&l->logs, &l->log_cap, l->log_count,
                       sizeof *l->logs))
            return NULL;
        p = &l->logs[l->log_count++];
        *p = (struct peer_log){.author = *author, .incarnation = *incarnation};
    }
    if (number > p->number)
        p->number = number;
    return p;
}

void holds_clear(struct link *l)
{
    for (size_t i = 0; i < l->log_count; i++)
        free(l->logs[i].held);
    free(l->logs);
}

/* ---- a log that forked ---- */

static int by_seq(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static bool is_held(const struct peer_log *p, int64_t seq)
{
    return p->held_count > 0 && bsearch(&seq, p->held, p->held_count,
                                        sizeof *p->held, by_seq) != NULL;
}

/* In any order, as long as sort() comes after.  Without memory it is not held,
 * and is sent again. */
static void hold(struct peer_log *p, int64_t seq)
{
    if (node_grow((void **)&p->held, &p->held_cap, p->held_count,
                  sizeof *p->held))
        p->held[p->held_count++] = seq;
}

static void sort(struct peer_log *p)
{
    size_t n = p->held_count;

    if (n > 1 && p->held[n - 2] > p->held[n - 1])
        qsort(p->held, n, sizeof *p->held, by_seq);
}

/* The peer named this change set: it holds it and what it follows in its log.
 * Nothing if it is not here. */
static void hold_branch(struct node *node, struct link *l, struct peer_log *p,
                        struct hash tip)
{
    struct entry_brief at;
    struct entry e;

    while (
        log_find(node->store, l->space->row.n, &tip, &at) == COVEY_OK &&
        memcmp(&at.incarnation, &p->incarnation, sizeof at.incarnation) == 0 &&
        memcmp(&at.author, &p->author, sizeof at.author) == 0 &&
        !is_held(p, at.seq) && log_read(node->store, at.seq, &e) == COVEY_OK) {
        hold(p, at.seq);
        tip = e.header.previous;
    }
    if (p->held_count > 0)
        qsort(p->held, p->held_count, sizeof *p->held, by_seq);
}

void holds_forked(struct node *node, const struct node_space *s,
                  const struct header *h)
{
    struct log_place first = {h->author, h->incarnation, 1};
    struct entry_brief brief;
    struct hash hash;

    if (log_at(node->store, s->row.n, &first, &hash, &brief) != COVEY_OK)
        return;
    for (struct conn *c = node->conns; c != NULL; c = c->next) {
        struct link *l = link_of(c, s);
        struct peer_log *p = l == NULL || !l->live
                                 ? NULL
                                 : note(l, &h->author, &h->incarnation, 0);

        if (p == NULL || p->forked)
            continue;
        p->forked = true;
        if (brief.seq <= l->cursor)
            l->cursor = brief.seq - 1;
    }
}

/* ---- asked, told and heard ---- */

bool holds(const struct link *l, const struct entry *e)
{
    const struct peer_log *p =
        find(l, &e->header.author, &e->header.incarnation);

    if (p == NULL)
        return e->seq <= l->known_seq;
    return p->forked ? is_held(p, e->seq) : e->header.number <= p->number;
}

bool holds_chained(const struct link *l, const struct entry *e)
{
    const struct peer_log *p =
        find(l, &e->header.author, &e->header.incarnation);

    return !e->forked && (p == NULL || !p->forked);
}

void holds_note(struct link *l, const struct log_place *place, int64_t seq)
{
    struct peer_log *p =
        note(l, &place->author, &place->incarnation, place->number);

    if (p == NULL || !p->forked || is_held(p, seq))
        return;
    hold(p, seq);
    sort(p);
}

enum covey_rc holds_heard(struct node *node, struct link *l,
                          const struct header *h, const struct hash *hash)
{
    struct log_place place = {h->author, h->incarnation, h->number};
    const struct peer_log *p = find(l, &h->author, &h->incarnation);
    struct entry_brief brief = {.seq = 0};
    enum covey_rc rc = COVEY_OK;

    if (p != NULL && p->forked)
        rc = log_find(node->store, l->space->row.n, hash, &brief);
    if (rc == COVEY_OK)
        holds_note(l, &place, brief.seq);
    return rc;
}

/* ---- the peer's frontier against ours ---- */

/* Of this log the peer lacks what is here from this number on: what stands
 * before that, by seq, need not be looked at. */
static void lacks(struct node *node, struct link *l,
                  const struct log_place *place, int64_t *from)
{
    struct peer_log *p =
        note(l, &place->author, &place->incarnation, place->number - 1);
    struct entry_brief brief;
    struct hash hash;

    if (p == NULL ||
        log_at(node->store, l->space->row.n, place, &hash, &brief) != COVEY_OK)
        return;
    p->forked = p->forked || brief.forked;
    if (brief.seq < *from)
        *from = brief.seq;
}

/* The branches of a log may follow different logs: so all that this author
 * wrote and the peer does not name is sent again. */
static void compare_author(struct node *node, struct link *l,
                           const struct sign_key *author, int64_t *from)
{
    struct covey_buf rows;

    buf_init(&rows, &node->mem, 16u << 20);
    enum covey_rc rc = log_heads(node->store, l->space->row.n, &rows);
    const struct log_head_row *r = (const struct log_head_row *)rows.p;
    for (size_t i = 0; rc == COVEY_OK && i < rows.len / sizeof *r; i++) {
        struct log_place place = {*author, r[i].incarnation, 1};

        if (memcmp(&r[i].author, author, sizeof *author) != 0 ||
            find(l, author, &r[i].incarnation) != NULL)
            continue;
        lacks(node, l, &place, from);
    }
    buf_clear(&rows);
}

/* One of our logs that heads the frontier: what of it, and of the logs before
 * it, does the peer lack?  A log that the peer names covers those before. */
static void compare_log(struct node *node, struct link *l,
                        const struct log_head_row *head, int64_t *from)
{
    struct log_place place = {head->author, head->incarnation, 0};
    struct entry_brief before = {.number = head->number};

    for (;;) {
        struct peer_log *p = find(l, &head->author, &place.incarnation);
        uint64_t has = p == NULL || p->forked ? 0 : p->number;
        struct hash hash;

        place.number = has + 1;
        if (has < before.number)
            lacks(node, l, &place, from);
        if (p != NULL && p->forked)
            compare_author(node, l, &head->author, from);
        if (p != NULL ||
            log_before(node->store, l->space->row.n, &head->author,
                       &place.incarnation, &hash) != COVEY_OK ||
            hash_is_zero(&hash) ||
            log_find(node->store, l->space->row.n, &hash, &before) != COVEY_OK)
            return;
        place.incarnation = before.incarnation;
    }
}

/* Did the log of this change set, which the peer names, fork: here, or because
 * another has its number here? */
static bool shows_fork(struct node *node, const struct link *l,
                       const struct log_head *named)
{
    struct log_place place = {named->author, named->incarnation, named->number};
    struct store *st = node->store;
    int64_t n = l->space->row.n;
    struct entry_brief brief;
    struct hash hash;

    if (log_find(st, n, &named->hash, &brief) == COVEY_OK)
        return brief.forked;
    if (log_at(st, n, &place, &hash, &brief) == COVEY_OK)
        return true;
    place.number = 1;
    return log_at(st, n, &place, &hash, &brief) == COVEY_OK && brief.forked;
}

static void take_frontier(struct node *node, struct link *l)
{
    const struct log_head *w = (const struct log_head *)l->wanted.p;
    size_t count = l->wanted.len / sizeof *w;

    for (size_t i = 0; i < count; i++) {
        struct peer_log *p =
            note(l, &w[i].author, &w[i].incarnation, w[i].number);

        if (p != NULL && l->space->row.n != 0 && !p->forked)
            p->forked = shows_fork(node, l, &w[i]);
    }
    for (size_t i = 0; i < count; i++) {
        struct peer_log *p = find(l, &w[i].author, &w[i].incarnation);

        if (p != NULL && p->forked)
            hold_branch(node, l, p, w[i].hash);
    }
}

void holds_compare(struct node *node, struct link *l)
{
    struct covey_buf rows;
    int64_t from = INT64_MAX, newest = 0;
    enum covey_rc rc = COVEY_OK;

    take_frontier(node, l);
    buf_init(&rows, &node->mem, 16u << 20);
    if (l->space->row.n != 0)
        rc = log_frontier(node->store, l->space->row.n, &rows);
    const struct log_head_row *r = (const struct log_head_row *)rows.p;
    for (size_t i = 0; rc == COVEY_OK && i < rows.len / sizeof *r; i++)
        compare_log(node, l, &r[i], &from);
    buf_clear(&rows);
    if (rc == COVEY_OK && l->space->row.n != 0)
        rc = log_newest(node->store, l->space->row.n, &newest);
    if (rc != COVEY_OK)
        return;
    l->known_seq = newest;
    l->cursor = from == INT64_MAX ? newest : from - 1;
    l->live = true;
    if (l->cursor < newest && l->wanted.len > 0)
        SOMETIMES("a sync goes on where it broke off");
}
