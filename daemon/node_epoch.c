/* node_epoch.c - epochs that this node writes, and those that come. */
#include "daemon/node_internal.h"

#include <string.h>

#include "proto/wire.h"

static enum covey_rc write_epoch(struct node *node, struct node_space *s,
                                 const struct epoch_draft *draft,
                                 struct covey_why *why)
{
    struct covey_buf bytes;
    struct membership next;

    buf_init(&bytes, &node->mem, EPOCH_MAX);
    membership_init(&next, &node->mem);
    enum covey_rc rc =
        epoch_write(&s->m, draft, &node->rng, &next, &bytes, why);
    if (rc != COVEY_OK) {
        membership_clear(&next);
        buf_clear(&bytes);
        return rc;
    }
    rc = space_advance(s, &next);
    if (rc == COVEY_OK)
        rc = space_keep(node, s, buf_bytes(&bytes));
    buf_clear(&bytes);
    if (rc != COVEY_OK)
        node_failed(node, rc);
    return rc;
}

enum covey_rc space_extend(struct node *node, struct node_space *s,
                           const struct space_edit *edit, struct covey_why *why)
{
    if (!space_is_chair(s)) {
        snprintf(why->text, sizeof why->text,
                 "only the chair of %.100s can do this; ask the school that "
                 "chairs it",
                 s->row.name);
        return COVEY_EREFUSED;
    }
    if (!space_may_sign(node, s)) {
        snprintf(why->text, sizeof why->text,
                 "no member or carrier of %.100s has been heard since this "
                 "daemon started; try again when one is connected",
                 s->row.name);
        return COVEY_ENOTYET;
    }
    enum covey_rc rc = node_group(node);
    if (rc != COVEY_OK)
        return rc;
    struct epoch_draft draft = {.changes = edit->changes,
                                .change_count = edit->count,
                                .boxes = edit->boxes,
                                .box_count = edit->box_count,
                                .keys = &s->keys,
                                .signer = &s->author};
    rc = write_epoch(node, s, &draft, why);
    s->changed |= rc == COVEY_OK;
    s->head_heard |=
        rc == COVEY_OK; /* whoever signed just now has the newest */
    return rc;
}

/* A space with a fresh salt, whose id follows from this node's key in it. */
static struct node_space *found_space(struct node *node, uint8_t salt[16])
{
    struct sign_pair pair;
    struct seed seed;

    rng_draw(&node->rng, salt, 16);
    seed = author_seed(&node->secrets.sign, salt);
    sign_pair_from(&seed, &pair);
    struct space_id id = epoch_space_id(salt, &pair.key);
    sign_pair_clear(&pair);
    sodium_memzero(&seed, sizeof seed);
    struct node_space *s = space_new(node, &id);
    if (s == NULL)
        return NULL;
    memcpy(s->row.label, salt, sizeof s->row.label);
    space_derive_author(node, s);
    s->row.carried = false;
    s->keys.number = 0;
    s->keys.key = rng_seed(&node->rng);
    s->keys.history = rng_seed(&node->rng);
    s->has_key = true;
    return s;
}

#define GENESIS_CHANGES 5

static void genesis_changes(struct node *node, struct node_space *s,
                            const uint8_t salt[16],
                            uint8_t author_cert[AUTHOR_CERT_SIZE],
                            struct epoch_change out[GENESIS_CHANGES])
{
    const struct store_self *self = store_self(node->store);

    author_cert_make(&node->secrets.sign, &s->author_seed, &s->row.id,
                     author_cert);
    memset(out, 0, GENESIS_CHANGES * sizeof *out);
    out[0].op = EPOCH_SALT;
    memcpy(out[0].salt, salt, sizeof out[0].salt);
    out[1].op = EPOCH_AUTHOR;
    out[1].author = s->author.key;
    out[1].rights = RIGHT_CHAIR | RIGHT_VOTES;
    out[2].op = EPOCH_TERMS;
    out[2].name = s->row.name;
    out[2].space_kind = s->row.kind;
    out[3].op = EPOCH_SEAT;
    out[3].role = ROLE_CHAIR;
    out[3].member_kind = self->kind;
    out[3].urn = self->urn;
    out[3].name = self->name;
    out[3].cert = self->member_cert;
    out[4].op = EPOCH_NODE;
    out[4].cert = self->node_cert;
    out[4].author_cert = (struct covey_bytes){author_cert, AUTHOR_CERT_SIZE};
    out[4].address = node->advertise;
}

enum covey_rc space_create(struct node *node, const char *name,
                           enum space_kind kind, enum admit_mode admit,
                           struct node_space **out, struct covey_why *why)
{
    struct epoch_change changes[GENESIS_CHANGES];
    uint8_t cert[AUTHOR_CERT_SIZE];
    uint8_t salt[16];
    enum covey_rc rc = node_group(node);

    if (rc != COVEY_OK)
        return rc;
    struct node_space *s = found_space(node, salt);
    if (s == NULL)
        return COVEY_ENOMEM;
    snprintf(s->row.name, sizeof s->row.name, "%s", name);
    s->row.kind = kind;
    genesis_changes(node, s, salt, cert, changes);
    changes[2].admit = admit;
    struct epoch_box_for box = {node->reading_key, true};
    struct epoch_draft draft = {.changes = changes,
                                .change_count = GENESIS_CHANGES,
                                .boxes = &box,
                                .box_count = 1,
                                .keys = &s->keys,
                                .signer = &s->author};
    rc = write_epoch(node, s, &draft, why);
    if (rc == COVEY_OK)
        rc = space_key_put(node->store, s->row.n, 0, &s->keys.key,
                           &s->keys.history);
    if (rc != COVEY_OK) {
        space_free(node, s);
        return rc;
    }
    *out = s;
    s->head_heard = true;
    s->changed = true;
    return COVEY_OK;
}

/* The keys that an epoch seals to this node are right: keep them, read the
 * whole chain with them, and become a reader of the space. */
static enum covey_rc become_reader(struct node *node, struct node_space *s,
                                   const struct space_keys *keys)
{
    enum covey_rc rc = space_key_put(node->store, s->row.n, keys->number,
                                     &keys->key, &keys->history);

    if (rc != COVEY_OK)
        return rc;
    s->row.carried = false;
    rc = space_refold(node, s);
    if (rc != COVEY_OK)
        return rc;
    rc = space_project(node, s);
    if (rc == COVEY_OK && joining_of(node, &s->row.id) != NULL)
        rc = joining_drop(node->store, &s->row.id);
    return rc;
}

static bool box_for_me(struct node *node, const struct node_space *s,
                       const struct epoch *e, struct space_keys *keys)
{
    return membership_author(&s->m, &s->author.key) != NULL &&
           epoch_open_box(e, &node->secrets.reading, keys) == COVEY_OK &&
           epoch_key_matches(e, &keys->key);
}

static enum covey_rc take_stored(struct node *node, struct node_space *s,
                                 struct covey_bytes bytes,
                                 const struct epoch *e)
{
    struct space_keys keys;
    bool member = !s->row.carried && s->has_key;

    if (member && e->key_number != s->keys.number) {
        if (epoch_open_box(e, &node->secrets.reading, &keys) != COVEY_OK ||
            !epoch_key_matches(e, &keys.key))
            return COVEY_EFORGED;
        enum covey_rc rc = space_key_put(node->store, s->row.n, keys.number,
                                         &keys.key, &keys.history);
        if (rc != COVEY_OK)
            return rc;
        s->keys = keys;
    }
    enum covey_rc rc = space_take_one(node, s, e, member ? &s->keys : NULL);
    if (rc == COVEY_OK)
        rc = space_keep(node, s, bytes);
    if (rc == COVEY_OK && s->row.carried && box_for_me(node, s, e, &keys))
        rc = become_reader(node, s, &keys);
    return rc;
}

enum covey_rc space_take_epochs(struct node *node, struct node_space *s,
                                const struct epochs *epochs, bool *advanced)
{
    struct wire_cursor c = wire_cursor(epochs->items);
    enum covey_rc rc = node_group(node);

    *advanced = false;
    for (size_t i = 0; i < epochs->count && rc == COVEY_OK; i++) {
        struct covey_bytes bytes = wire_read_bin(&c);
        struct epoch e;

        rc = epoch_read(bytes, &e);
        if (rc == COVEY_ENEWER && !epoch_signed_here(&s->m, &e))
            rc = COVEY_EFORGED;
        if (rc != COVEY_OK)
            break;
        if (e.number < s->epoch_count) { /* known, or a rival: not ours */
            uint64_t number;
            if (space_epoch(s, &e.hash, &number) == NULL)
                rc = COVEY_ENOTYET;
            continue;
        }
        rc = take_stored(node, s, bytes, &e);
        *advanced |= rc == COVEY_OK;
    }
    if (rc == COVEY_OK && *advanced)
        rc = apply_waiting(node, s);
    s->changed |= *advanced;
    return rc;
}

enum covey_rc space_resume_all(struct node *node)
{
    enum covey_rc rc = seal_sign_again(node);

    for (struct node_space *s = node->spaces; s != NULL && rc == COVEY_OK;
         s = s->next)
        if (s->row.n != 0)
            rc = apply_waiting(node, s);
    return rc;
}
