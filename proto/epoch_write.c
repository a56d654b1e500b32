#include "proto/epoch_fold.h"

#include <string.h>

#include "proto/epoch_seal.h"

/* An epoch being written, part by part.  Every buffer is either live or zero.
 */
struct writing {
    const struct membership *parent;
    const struct epoch_draft *draft;
    struct covey_rng *rng;
    struct membership *next;
    struct covey_why *why;
    struct covey_buf clear_changes;
    struct covey_buf sealed_changes;
    struct covey_buf clear;
    struct covey_buf sealed;
    struct covey_buf boxes;
    struct covey_buf history;
    struct covey_buf signatures;
    struct epoch e;
};

static enum covey_rc refuse(const struct writing *w, const char *text)
{
    covey_why_set(w->why, text);
    return COVEY_EREFUSED;
}

static enum covey_rc too_large(const struct writing *w)
{
    covey_why_set(w->why, "this is more than one epoch can hold");
    return COVEY_ELIMIT;
}

/* A key that stays is the parent's; a new one is the next, and has readers. */
static enum covey_rc check_keys(const struct writing *w)
{
    const struct epoch_draft *draft = w->draft;
    uint32_t number = w->parent->key_number;

    if (!epoch_is_first(w->parent) && !w->parent->readable)
        return refuse(w, "this node cannot read the space, so it cannot change "
                         "who belongs to it");
    if (w->parent->rules_version > RULES_VERSION)
        return refuse(w, "the space needs a newer version of covey than this");
    if (draft->retired == NULL)
        return draft->keys->number == number
                   ? COVEY_OK
                   : refuse(w, "the key is not the one in use");
    if (epoch_is_first(w->parent))
        return refuse(w, "a new space has no key to retire");
    if (draft->retired->number != number ||
        draft->keys->number != (uint64_t)number + 1)
        return refuse(w, "the key to retire is not the one in use");
    return draft->box_count > 0 ? COVEY_OK
                                : refuse(w, "a new key that nobody gets");
}

/* The new state.  What does not fit it is the caller's change, not a peer's. */
static enum covey_rc fold(struct writing *w)
{
    struct epoch_fold f;
    enum covey_rc rc = epoch_fold_begin(&f, w->parent, w->next, w->why);

    if (rc == COVEY_OK)
        rc = epoch_fold_changes(&f, EPOCH_PART_CLEAR,
                                buf_bytes(&w->clear_changes));
    if (rc == COVEY_OK)
        rc = epoch_fold_changes(&f, EPOCH_PART_SEALED,
                                buf_bytes(&w->sealed_changes));
    w->next->readable = true;
    w->next->key_number = w->draft->keys->number;
    w->next->rules_version = RULES_VERSION;
    if (rc == COVEY_OK)
        rc = epoch_fold_end(&f);
    if (rc == COVEY_ELIMIT)
        covey_why_set(w->why, "the space has as many of these as it can hold");
    return rc == COVEY_EBAD || rc == COVEY_EFORGED ? COVEY_EREFUSED : rc;
}

/* One vote is enough to begin with: others may sign the same epoch. */
static enum covey_rc check_signer(const struct writing *w)
{
    const struct sign_key *key = &w->draft->signer->key;
    const struct seat_author *author = membership_author(w->parent, key);
    uint32_t needed = RIGHT_CHAIR | RIGHT_VOTES;

    if (epoch_is_first(w->parent)) {
        const uint8_t *salt =
            w->draft->change_count > 0 && w->draft->changes[0].op == EPOCH_SALT
                ? w->draft->changes[0].salt
                : NULL;

        if (salt == NULL)
            return refuse(w, "a new space begins with its salt");

        struct space_id space = epoch_space_id(salt, key);

        if (memcmp(space.b, w->parent->space.b, sizeof space.b) != 0)
            return refuse(w, "the space is not named after this signer");
        author = membership_author(w->next, key);
        needed = RIGHT_CHAIR;
    }
    if (author == NULL || author->cut || (author->rights & needed) == 0)
        return refuse(w, "this node may not sign a change of the membership");
    return COVEY_OK;
}

static const struct seat_node *reader_of(const struct membership *m,
                                         const struct reading_key *key)
{
    for (size_t i = 0; i < m->node_count; i++) {
        const struct seat_node *node = &m->nodes[i];

        if (node->present &&
            memcmp(node->cert.reading.b, key->b, sizeof key->b) == 0)
            return node;
    }
    return NULL;
}

/* Only a node that is present when this epoch holds may get its keys, and the
 * history key, which opens all that was before, only one that may read back. */
static enum covey_rc check_boxes(const struct writing *w)
{
    for (size_t i = 0; i < w->draft->box_count; i++) {
        const struct epoch_box_for *to = &w->draft->boxes[i];
        const struct seat_node *node = reader_of(w->next, &to->reading);

        if (node == NULL)
            return refuse(w, "the key would go to a node that is not present");
        if (to->history && node->from_now_on)
            return refuse(w, "a node that was let in from now on would read "
                             "back");
    }
    return COVEY_OK;
}

static void put_clear(struct writing *w)
{
    const struct epoch *e = &w->e;

    wire_array(&w->clear, 9);
    wire_uint(&w->clear, EPOCH_FORMAT);
    wire_bin(&w->clear, e->space.b, sizeof e->space.b);
    wire_uint(&w->clear, e->number);
    wire_bin(&w->clear, e->parent.b, sizeof e->parent.b);
    wire_bin(&w->clear, e->result.b, sizeof e->result.b);
    wire_uint(&w->clear, e->key_number);
    wire_bin(&w->clear, e->commitment.b, sizeof e->commitment.b);
    wire_uint(&w->clear, e->rules_version);
    buf_append(&w->clear, w->clear_changes.p, w->clear_changes.len);
}

/* Everything after the state: the parts, their hash, the signature. */
static enum covey_rc seal(struct writing *w)
{
    const struct epoch_draft *draft = w->draft;

    w->e = (struct epoch){
        .space = w->next->space,
        .number = w->next->number,
        .parent = w->parent->head,
        .key_number = draft->keys->number,
        .rules_version = w->next->rules_version,
        .commitment = epoch_commitment(&w->next->space, w->next->number,
                                       &draft->keys->key),
    };

    enum covey_rc rc = membership_hash(w->next, &w->e.result);

    if (rc != COVEY_OK)
        return rc;
    put_clear(w);
    w->e.clear = buf_bytes(&w->clear);
    epoch_seal_changes(&draft->keys->key, w->e.clear,
                       buf_bytes(&w->sealed_changes), w->rng, &w->sealed);
    w->e.sealed = buf_bytes(&w->sealed);
    /* check_boxes(): each is the key of a certificate that was read. */
    CHECK(epoch_seal_boxes(&w->e, draft, w->rng, &w->boxes) == COVEY_OK);
    w->e.boxes = buf_bytes(&w->boxes);
    if (draft->retired != NULL)
        epoch_seal_history(&draft->keys->history, draft->retired, w->e.clear,
                           w->rng, &w->history);
    w->e.history = buf_bytes(&w->history);
    w->e.hash = epoch_hash(&w->e);
    epoch_sign(&w->e, draft->signer, &w->signatures);
    return COVEY_OK;
}

/* COVEY_ENOMEM or COVEY_ELIMIT, if one of these met it. */
static enum covey_rc check_bufs(const struct writing *w,
                                const struct covey_buf *const bufs[],
                                size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum covey_rc rc = buf_rc(bufs[i]);

        if (rc != COVEY_OK)
            return rc == COVEY_ELIMIT ? too_large(w) : rc;
    }
    return COVEY_OK;
}

static enum covey_rc put_epoch(const struct writing *w, struct covey_buf *out)
{
    const struct covey_buf *const parts[] = {&w->clear, &w->sealed, &w->boxes,
                                             &w->history, &w->signatures};
    const size_t count = sizeof parts / sizeof parts[0];
    const struct covey_buf *const whole = out;
    enum covey_rc rc = check_bufs(w, parts, count);
    size_t before = out->len;

    if (rc != COVEY_OK)
        return rc;
    wire_array(out, count);
    for (size_t i = 0; i < count; i++)
        wire_bin(out, parts[i]->p, parts[i]->len);
    rc = check_bufs(w, &whole, 1);
    if (rc != COVEY_OK)
        return rc;

    struct epoch again;
    struct covey_bytes bytes = {out->p + before, out->len - before};

    /* The limits of a message are the reader's to say. */
    if (epoch_read(bytes, &again) == COVEY_OK)
        return COVEY_OK;
    out->len = before;
    return too_large(w);
}

static enum covey_rc write_parts(struct writing *w, struct covey_buf *out)
{
    const struct covey_buf *const changes[] = {&w->clear_changes,
                                               &w->sealed_changes};

    epoch_put_changes(w->draft, EPOCH_PART_CLEAR, &w->clear_changes);
    epoch_put_changes(w->draft, EPOCH_PART_SEALED, &w->sealed_changes);

    enum covey_rc rc = check_bufs(w, changes, 2);

    if (rc == COVEY_OK)
        rc = check_keys(w);
    if (rc == COVEY_OK)
        rc = fold(w);
    if (rc == COVEY_OK)
        rc = check_signer(w);
    if (rc == COVEY_OK)
        rc = check_boxes(w);
    if (rc == COVEY_OK)
        rc = seal(w);
    return rc == COVEY_OK ? put_epoch(w, out) : rc;
}

enum covey_rc epoch_write(const struct membership *parent,
                          const struct epoch_draft *draft,
                          struct covey_rng *rng, struct membership *next,
                          struct covey_buf *out, struct covey_why *why)
{
    struct writing w = {
        .parent = parent,
        .draft = draft,
        .rng = rng,
        .next = next,
        .why = why,
    };
    struct covey_buf *const owned[] = {
        &w.clear_changes, &w.sealed_changes, &w.clear,     &w.sealed,
        &w.boxes,         &w.history,        &w.signatures};
    const size_t count = sizeof owned / sizeof owned[0];

    for (size_t i = 0; i < count; i++)
        buf_init(owned[i], next->mem, EPOCH_MAX);

    enum covey_rc rc = write_parts(&w, out);

    for (size_t i = 0; i < count; i++)
        buf_clear(owned[i]);
    if (rc == COVEY_OK)
        next->head = w.e.hash;
    return rc;
}
