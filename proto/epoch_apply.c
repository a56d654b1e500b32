#include "proto/epoch_fold.h"
#include "proto/epoch_seal.h"

static enum covey_rc fold_sealed(struct epoch_fold *f, const struct epoch *e,
                                 const struct seed *key)
{
    struct covey_buf plain;

    buf_init(&plain, f->m->mem, EPOCH_MAX);

    enum covey_rc rc = epoch_open_changes(e, key, &plain);

    if (rc == COVEY_OK)
        rc = epoch_fold_changes(f, EPOCH_PART_SEALED, buf_bytes(&plain));
    buf_clear(&plain);
    return rc;
}

static enum covey_rc check_result(const struct membership *next,
                                  const struct epoch *e)
{
    struct hash result;
    enum covey_rc rc = membership_hash(next, &result);

    if (rc != COVEY_OK)
        return rc;
    return hash_equal(&result, &e->result) ? COVEY_OK : COVEY_EFORGED;
}

enum covey_rc epoch_apply(const struct membership *parent,
                          const struct epoch *e, const struct space_keys *keys,
                          struct membership *next)
{
    struct epoch_fold f;
    struct covey_why unsaid;

    if (!epoch_follows(parent, e))
        return COVEY_ENOTYET;
    if (keys != NULL && !epoch_is_first(parent) && !parent->readable)
        return COVEY_ENOTYET;
    if (keys != NULL && !epoch_key_matches(e, &keys->key))
        return COVEY_EFORGED;
    /* Who reads judges by these rules; a carrier judges nothing. */
    if (keys != NULL && e->rules_version > RULES_VERSION)
        return COVEY_ENEWER;

    enum covey_rc rc = epoch_fold_begin(&f, parent, next, &unsaid);

    if (rc == COVEY_OK)
        rc = epoch_fold_changes(&f, EPOCH_PART_CLEAR, e->clear_changes);
    if (rc == COVEY_OK && keys != NULL)
        rc = fold_sealed(&f, e, &keys->key);
    if (rc != COVEY_OK)
        return rc;

    next->readable = keys != NULL;
    next->key_number = e->key_number;
    next->rules_version = e->rules_version;
    rc = epoch_fold_end(&f);
    if (rc == COVEY_OK && keys != NULL)
        rc = check_result(next, e);
    if (rc == COVEY_OK)
        next->head = e->hash;
    return rc;
}
