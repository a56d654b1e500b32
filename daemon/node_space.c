/* node_space.c - spaces in memory: epochs folded, keys, roles. */
#include "daemon/node_internal.h"

#include <stdlib.h>
#include <string.h>

#include "proto/wire.h"

bool node_grow(void **items, size_t *cap, size_t count, size_t size)
{
    if (count < *cap)
        return true;
    size_t more = *cap == 0 ? 8 : *cap * 2;
    void *p = realloc(*items, more * size);
    if (p == NULL)
        return false;
    *items = p;
    *cap = more;
    return true;
}

struct node_space *space_by_id(struct node *node, const struct space_id *id)
{
    for (struct node_space *s = node->spaces; s != NULL; s = s->next)
        if (memcmp(&s->row.id, id, sizeof *id) == 0)
            return s;
    return NULL;
}

struct node_space *space_by_text(struct node *node, const char *text)
{
    struct space_id id;

    if (text == NULL || !hex_decode(text, id.b, sizeof id.b))
        return NULL;
    struct node_space *s = space_by_id(node, &id);
    return s != NULL && s->row.n != 0 ? s : NULL;
}

void space_derive_author(struct node *node, struct node_space *s)
{
    s->author_seed = author_seed(&node->secrets.sign, s->row.label);
    sign_pair_from(&s->author_seed, &s->author);
}

struct node_space *space_new(struct node *node, const struct space_id *id)
{
    struct node_space *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    s->row.id = *id;
    s->row.role = ROLE_CARRIER;
    s->row.carried = true;
    memcpy(s->row.label, id->b, sizeof s->row.label);
    membership_init(&s->m, &node->mem);
    s->m.space = *id;
    s->sealed_at = node->clock.now;
    space_derive_author(node, s);
    s->next = node->spaces;
    node->spaces = s;
    return s;
}

void space_free(struct node *node, struct node_space *s)
{
    struct node_space **at = &node->spaces;

    while (*at != NULL && *at != s)
        at = &(*at)->next;
    if (*at != NULL)
        *at = s->next;
    membership_clear(&s->m);
    sign_pair_clear(&s->author);
    sodium_memzero(&s->keys, sizeof s->keys);
    sodium_memzero(&s->author_seed, sizeof s->author_seed);
    free(s->epochs);
    free(s->roles);
    free(s->authors);
    free(s);
}

static void drop_links(struct node *node, struct conn *c,
                       const struct node_space *s)
{
    struct link **at = &c->links;

    while (*at != NULL) {
        struct link *l = *at;

        if (l->space != s) {
            at = &l->next;
            continue;
        }
        *at = l->next;
        link_free(node, l);
    }
}

void space_retire(struct node *node, struct node_space *s)
{
    for (struct conn *c = node->conns; c != NULL; c = c->next)
        drop_links(node, c, s);
    for (struct target *t = node->targets; t != NULL; t = t->next)
        if (t->space == s) {
            t->space = NULL;
            t->keep = false;
        }
    space_free(node, s);
    targets_refresh(node);
}

const struct epoch_mark *space_epoch(const struct node_space *s,
                                     const struct hash *hash, uint64_t *number)
{
    for (size_t i = s->epoch_count; i > 0; i--)
        if (memcmp(&s->epochs[i - 1].hash, hash, sizeof *hash) == 0) {
            *number = i - 1;
            return &s->epochs[i - 1];
        }
    return NULL;
}

/* Was this author, by its place, listed and not cut after that epoch? */
static bool was_author(const struct node_space *s, size_t author,
                       uint64_t number)
{
    for (size_t i = s->author_count; i > 0; i--) {
        const struct author_mark *mark = &s->authors[i - 1];

        if (mark->author == author && mark->since <= number)
            return !mark->cut;
    }
    return false;
}

bool space_role_at(const struct node_space *s, const struct sign_key *author,
                   uint64_t number, enum role *role, struct member_tag *tag)
{
    const struct seat_author *a = membership_author(&s->m, author);

    if (a == NULL || !was_author(s, (size_t)(a - s->m.authors), number))
        return false;
    for (size_t i = s->role_count; i > 0; i--) {
        const struct role_mark *mark = &s->roles[i - 1];

        if (mark->slot != a->slot || mark->since > number)
            continue;
        const struct seat *seat = membership_seat(&s->m, a->slot);
        *role = mark->role;
        *tag = member_tag_of(&seat->id);
        return mark->present;
    }
    return false;
}

bool space_is_chair(const struct node_space *s)
{
    const struct seat_author *a = membership_author(&s->m, &s->author.key);

    return a != NULL && !a->cut && (a->rights & RIGHT_CHAIR) != 0;
}

static bool space_is_alone(const struct node_space *s)
{
    size_t carriers = 0;

    for (size_t i = 0; i < s->m.carrier_count; i++)
        carriers += s->m.carriers[i].present ? 1 : 0;
    return carriers == 0 && s->m.node_count <= 1;
}

bool space_may_sign(const struct node *node, const struct node_space *s)
{
    (void)node;
    return s->head_heard || space_is_alone(s);
}

bool space_arrived(const struct node *node, const struct node_space *s)
{
    const struct seat_carrier *k = membership_carrier(&s->m, &node->noise_key);

    return s->row.n != 0 && (s->m.readable || (k != NULL && k->present));
}

/* Note what an epoch changed in roles: one mark for each that differs. */
static bool note_roles(struct node_space *s)
{
    for (size_t i = 0; i < s->m.seat_count; i++) {
        const struct seat *seat = &s->m.seats[i];
        const struct role_mark *last = NULL;

        for (size_t k = s->role_count; k > 0 && last == NULL; k--)
            if (s->roles[k - 1].slot == seat->slot)
                last = &s->roles[k - 1];
        if (last != NULL && last->role == seat->role &&
            last->present == seat->present)
            continue;
        if (!node_grow((void **)&s->roles, &s->role_cap, s->role_count,
                       sizeof *s->roles))
            return false;
        s->roles[s->role_count++] = (struct role_mark){
            s->m.number, seat->slot, seat->role, seat->present};
    }
    return true;
}

/* The same of authors: listed, cut, listed anew. */
static bool note_authors(struct node_space *s)
{
    for (size_t i = 0; i < s->m.author_count; i++) {
        bool cut = s->m.authors[i].cut;
        const struct author_mark *last = NULL;

        for (size_t k = s->author_count; k > 0 && last == NULL; k--)
            if (s->authors[k - 1].author == i)
                last = &s->authors[k - 1];
        if (last != NULL && last->cut == cut)
            continue;
        if (!node_grow((void **)&s->authors, &s->author_cap, s->author_count,
                       sizeof *s->authors))
            return false;
        s->authors[s->author_count++] =
            (struct author_mark){s->m.number, i, cut};
    }
    return true;
}

static bool note_epoch(struct node_space *s)
{
    if (!node_grow((void **)&s->epochs, &s->epoch_cap, s->epoch_count,
                   sizeof *s->epochs))
        return false;
    s->epochs[s->epoch_count++] =
        (struct epoch_mark){s->m.head, s->m.key_number};
    return note_roles(s) && note_authors(s);
}

/* Put the state after one more epoch in place of the one before it. */
/* cppcheck-suppress constParameter ; it takes what is there */
enum covey_rc space_advance(struct node_space *s, struct membership *next)
{
    membership_clear(&s->m);
    s->m = *next;
    return note_epoch(s) ? COVEY_OK : COVEY_ENOMEM;
}

/* Verify one epoch and apply it to what stands. */
enum covey_rc space_take_one(struct node *node, struct node_space *s,
                             const struct epoch *e,
                             const struct space_keys *keys)
{
    struct membership next;
    enum covey_rc rc = epoch_verify(&s->m, e);

    if (rc != COVEY_OK)
        return rc;
    membership_init(&next, &node->mem);
    rc = epoch_apply(&s->m, e, keys, &next);
    if (rc == COVEY_OK)
        return space_advance(s, &next);
    membership_clear(&next);
    return rc;
}

static void restart_fold(struct node *node, struct node_space *s)
{
    membership_clear(&s->m);
    membership_init(&s->m, &node->mem);
    s->m.space = s->row.id;
    s->epoch_count = 0;
    s->role_count = 0;
    s->author_count = 0;
}

/* The key that an epoch is under, as the record has it. */
static enum covey_rc keys_for(struct node *node, const struct node_space *s,
                              uint32_t number, struct space_keys *out)
{
    out->number = number;
    return space_key_get(node->store, s->row.n, number, &out->key,
                         &out->history);
}

static enum covey_rc load_epoch(struct node *node, struct node_space *s,
                                uint64_t number, struct covey_buf *bytes,
                                struct epoch *e)
{
    buf_reset(bytes);
    enum covey_rc rc = epoch_get(node->store, s->row.n, number, bytes);

    return rc == COVEY_OK ? epoch_read(buf_bytes(bytes), e) : rc;
}

/* Fold the whole chain of the record anew, with keys where there are any. */
enum covey_rc space_refold(struct node *node, struct node_space *s)
{
    struct covey_buf bytes;
    struct epoch e;
    enum covey_rc rc = COVEY_OK;

    buf_init(&bytes, &node->mem, EPOCH_MAX);
    restart_fold(node, s);
    for (uint64_t i = 0; rc == COVEY_OK; i++) {
        struct space_keys keys;

        rc = load_epoch(node, s, i, &bytes, &e);
        if (rc != COVEY_OK)
            break;
        bool open = !s->row.carried &&
                    keys_for(node, s, e.key_number, &keys) == COVEY_OK;
        if (!s->row.carried && !open) {
            rc = COVEY_ECORRUPT;
            break;
        }
        rc = space_take_one(node, s, &e, open ? &keys : NULL);
        if (open)
            s->keys = keys;
        s->has_key = open;
    }
    buf_clear(&bytes);
    return rc == COVEY_ENONE && s->epoch_count > 0 ? COVEY_OK : rc;
}

enum covey_rc space_load_all(struct node *node)
{
    struct space_row row;
    int64_t n = 0;
    enum covey_rc rc;

    while ((rc = space_next(node->store, n, &row)) == COVEY_OK) {
        n = row.n;
        struct node_space *s = space_new(node, &row.id);
        if (s == NULL)
            return COVEY_ENOMEM;
        s->row = row;
        space_derive_author(node, s);
        rc = space_refold(node, s);
        if (rc != COVEY_OK)
            return rc == COVEY_ENOMEM ? rc : COVEY_ECORRUPT;
    }
    return rc == COVEY_ENONE ? COVEY_OK : rc;
}

static enum covey_rc project_members(struct node *node,
                                     const struct node_space *s)
{
    for (size_t i = 0; i < s->m.seat_count; i++) {
        const struct seat *seat = &s->m.seats[i];
        struct member_row row = {seat->id,   seat->name, seat->role,
                                 seat->kind, seat->urn,  seat->present,
                                 seat->slot};
        enum covey_rc rc = space_project_member(node->store, s->row.n, &row);

        if (rc != COVEY_OK)
            return rc;
    }
    return COVEY_OK;
}

static enum covey_rc project_nodes(struct node *node,
                                   const struct node_space *s)
{
    enum covey_rc rc = COVEY_OK;

    for (size_t i = 0; i < s->m.node_count && rc == COVEY_OK; i++) {
        const struct seat_node *at = &s->m.nodes[i];
        struct node_row row = {at->slot, at->cert.noise, at->author,
                               NULL,     at->address,    at->present};

        rc = space_project_node(node->store, s->row.n, &row);
    }
    for (size_t i = 0; i < s->m.carrier_count && rc == COVEY_OK; i++) {
        const struct seat_carrier *at = &s->m.carriers[i];
        struct node_row row = {UINT32_MAX, at->key,     {{0}},
                               at->name,   at->address, at->present};

        rc = space_project_node(node->store, s->row.n, &row);
    }
    return rc;
}

/* Write what the record shows of a space: its row, members and nodes. */
enum covey_rc space_project(struct node *node, struct node_space *s)
{
    const struct seat_author *a = membership_author(&s->m, &s->author.key);
    const struct seat *own = a == NULL ? NULL : membership_seat(&s->m, a->slot);

    if (s->m.readable && own != NULL) {
        s->row.carried = false;
        s->row.kind = s->m.kind;
        s->row.role = own->role;
        memcpy(s->row.name, s->m.name, sizeof s->row.name);
    }
    enum covey_rc rc = space_set(node->store, &s->row);
    if (rc == COVEY_OK)
        rc = space_project_begin(node->store, s->row.n);
    if (rc == COVEY_OK)
        rc = project_members(node, s);
    return rc == COVEY_OK ? project_nodes(node, s) : rc;
}

void space_announce(struct node *node)
{
    for (struct node_space *s = node->spaces; s != NULL; s = s->next) {
        if (!s->changed)
            continue;
        s->changed = false;
        node->targets_stale = true;
        for (struct conn *c = node->conns; c != NULL; c = c->next)
            if (c->up && !c->closing)
                links_open(node, c);
        sync_epoch_changed(node, s);
        join_epoch_changed(node, s);
    }
}

/* Store the newest epoch's bytes and what it makes of the space. */
enum covey_rc space_keep(struct node *node, struct node_space *s,
                         struct covey_bytes bytes)
{
    enum covey_rc rc = COVEY_OK;

    if (s->row.n == 0)
        rc = space_add(node->store, &s->row);
    if (rc == COVEY_OK)
        rc = epoch_add(node->store, s->row.n, s->m.number, &s->m.head, bytes);
    if (rc == COVEY_OK && space_arrived(node, s) &&
        joining_of(node, &s->row.id) != NULL)
        rc = joining_drop(node->store, &s->row.id);
    return rc == COVEY_OK ? space_project(node, s) : rc;
}
