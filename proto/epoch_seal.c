#include "proto/epoch_seal.h"

#include <string.h>

#include "proto/wire.h"

struct hash epoch_commitment(const struct space_id *space, uint64_t number,
                             const struct seed *key)
{
    struct hasher h;
    uint8_t number_bytes[8];

    put_u64(number_bytes, number);
    hasher_init(&h, "covey-epoch-key");
    hasher_add(&h, space->b, sizeof space->b);
    hasher_add(&h, number_bytes, sizeof number_bytes);
    hasher_add(&h, key->b, sizeof key->b);

    struct hash out = hasher_end(&h);

    sodium_memzero(&h, sizeof h);
    return out;
}

bool epoch_key_matches(const struct epoch *e, const struct seed *key)
{
    struct hash expected = epoch_commitment(&e->space, e->number, key);

    return hash_equal(&expected, &e->commitment);
}

/* ---- under a key of the space ---- */

static struct seed derive(const struct seed *key, const char *domain)
{
    struct hash h = hash_keyed(key, domain, NULL, 0);
    struct seed out;

    memcpy(out.b, h.b, sizeof out.b);
    sodium_memzero(&h, sizeof h);
    return out;
}

/* From a fresh draw and from all that is sealed, so that a generator that was
 * cloned or restored cannot repeat a nonce for anything else. */
static void make_nonce(const struct seed *key, struct covey_bytes ad,
                       struct covey_bytes plain, struct covey_rng *rng,
                       uint8_t out[EPOCH_NONCE])
{
    struct hasher h;
    struct seed fresh = rng_seed(rng);

    hasher_init(&h, "covey/1 epoch nonce");
    hasher_add(&h, key->b, sizeof key->b);
    hasher_add(&h, fresh.b, sizeof fresh.b);
    hasher_add(&h, ad.p, ad.len);
    hasher_add(&h, plain.p, plain.len);

    struct hash digest = hasher_end(&h);

    memcpy(out, digest.b, EPOCH_NONCE);
    sodium_memzero(&h, sizeof h);
}

/* nonce | sealed, under a key of their own made from `secret`. */
static void seal_under(const struct seed *secret, const char *domain,
                       struct covey_bytes ad, struct covey_bytes plain,
                       struct covey_rng *rng, struct covey_buf *out)
{
    struct seed key = derive(secret, domain);
    uint8_t *place =
        buf_extend(out, EPOCH_NONCE + plain.len + (size_t)SEAL_OVERHEAD);

    if (place != NULL) {
        make_nonce(&key, ad, plain, rng, place);
        aead_seal(&key, place, ad, plain, place + EPOCH_NONCE);
    }
    sodium_memzero(&key, sizeof key);
}

/* out holds sealed.len less the nonce and the overhead, which epoch_read()
 * made sure are there. */
static enum covey_rc open_under(const struct seed *secret, const char *domain,
                                struct covey_bytes ad,
                                struct covey_bytes sealed, uint8_t *out)
{
    struct seed key = derive(secret, domain);
    struct covey_bytes body = {sealed.p + EPOCH_NONCE,
                               sealed.len - EPOCH_NONCE};
    enum covey_rc rc = aead_open(&key, sealed.p, ad, body, out);

    sodium_memzero(&key, sizeof key);
    return rc;
}

void epoch_seal_changes(const struct seed *key, struct covey_bytes ad,
                        struct covey_bytes changes, struct covey_rng *rng,
                        struct covey_buf *out)
{
    seal_under(key, "covey/1 sealed part", ad, changes, rng, out);
}

enum covey_rc epoch_open_changes(const struct epoch *e, const struct seed *key,
                                 struct covey_buf *out)
{
    uint8_t *place =
        buf_extend(out, e->sealed.len - EPOCH_NONCE - SEAL_OVERHEAD);

    if (place == NULL)
        return buf_rc(out);
    return open_under(key, "covey/1 sealed part", e->clear, e->sealed, place);
}

/* ---- keys ---- */

static void keys_write(uint8_t out[EPOCH_BOX_PLAIN], uint32_t number,
                       const struct seed *key, const struct seed *history)
{
    put_u32(out, number);
    memcpy(out + 4, key->b, sizeof key->b);
    memcpy(out + 4 + sizeof key->b, history->b, sizeof history->b);
}

void epoch_seal_history(const struct seed *history,
                        const struct space_keys *retired, struct covey_bytes ad,
                        struct covey_rng *rng, struct covey_buf *out)
{
    uint8_t plain[EPOCH_BOX_PLAIN];
    uint8_t *p = plain;

    memcpy(p, retired->history.b, sizeof retired->history.b);
    p += sizeof retired->history.b;
    put_u32(p, retired->number);
    memcpy(p + 4, retired->key.b, sizeof retired->key.b);
    seal_under(history, "covey/1 history", ad,
               (struct covey_bytes){plain, sizeof plain}, rng, out);
    sodium_memzero(plain, sizeof plain);
}

enum covey_rc epoch_open_history(const struct epoch *e,
                                 const struct seed *history,
                                 struct space_keys *retired)
{
    uint8_t plain[EPOCH_BOX_PLAIN];

    if (e->history.len == 0)
        return COVEY_ENONE;

    enum covey_rc rc =
        open_under(history, "covey/1 history", e->clear, e->history, plain);

    if (rc != COVEY_OK)
        return rc;

    const uint8_t *p = plain;

    memcpy(retired->history.b, p, sizeof retired->history.b);
    p += sizeof retired->history.b;
    retired->number = get_u32(p);
    memcpy(retired->key.b, p + 4, sizeof retired->key.b);
    sodium_memzero(plain, sizeof plain);
    if (retired->number + 1 == e->key_number)
        return COVEY_OK;
    sodium_memzero(retired, sizeof *retired);
    return COVEY_EFORGED;
}

/* ---- boxes ---- */

/* space | number: what a box is bound to. */
struct box_place {
    uint8_t b[sizeof(struct space_id) + 8];
};

static struct box_place place_of(const struct epoch *e)
{
    struct box_place out;

    memcpy(out.b, e->space.b, sizeof e->space.b);
    put_u64(out.b + sizeof e->space.b, e->number);
    return out;
}

/* Lets a node find its box without trying each, and tells nobody else whose it
 * is: reading keys do not stand in the clear part. */
static void make_hint(const struct reading_key *reading,
                      const struct box_place *place, uint8_t out[EPOCH_HINT])
{
    struct hasher h;

    hasher_init(&h, "covey/1 hint");
    hasher_add(&h, reading->b, sizeof reading->b);
    hasher_add(&h, place->b, sizeof place->b);

    struct hash digest = hasher_end(&h);

    memcpy(out, digest.b, EPOCH_HINT);
}

enum covey_rc epoch_seal_boxes(const struct epoch *e,
                               const struct epoch_draft *draft,
                               struct covey_rng *rng, struct covey_buf *out)
{
    static const struct seed none;
    struct box_place place = place_of(e);
    struct covey_bytes ad = {place.b, sizeof place.b};
    enum covey_rc rc = COVEY_OK;

    wire_array(out, draft->box_count);
    for (size_t i = 0; i < draft->box_count && rc == COVEY_OK; i++) {
        const struct epoch_box_for *to = &draft->boxes[i];
        struct seed fresh = rng_seed(rng);
        uint8_t plain[EPOCH_BOX_PLAIN];
        uint8_t box[EPOCH_BOX];
        uint8_t hint[EPOCH_HINT];

        keys_write(plain, draft->keys->number, &draft->keys->key,
                   to->history ? &draft->keys->history : &none);
        rc = box_seal(&to->reading, &fresh, ad,
                      (struct covey_bytes){plain, sizeof plain}, box);
        make_hint(&to->reading, &place, hint);
        wire_array(out, 2);
        wire_bin(out, hint, sizeof hint);
        wire_bin(out, box, sizeof box);
        sodium_memzero(plain, sizeof plain);
        sodium_memzero(&fresh, sizeof fresh);
    }
    return rc;
}

static enum covey_rc open_box(const struct epoch *e,
                              const struct seed *reading_secret,
                              struct covey_bytes box, struct space_keys *out)
{
    struct box_place place = place_of(e);
    uint8_t plain[EPOCH_BOX_PLAIN];
    enum covey_rc rc =
        box_open(reading_secret, (struct covey_bytes){place.b, sizeof place.b},
                 box, plain);

    if (rc == COVEY_OK && get_u32(plain) != e->key_number)
        rc = COVEY_EFORGED;
    if (rc == COVEY_OK) {
        out->number = get_u32(plain);
        memcpy(out->key.b, plain + 4, sizeof out->key.b);
        memcpy(out->history.b, plain + 4 + sizeof out->key.b,
               sizeof out->history.b);
    }
    sodium_memzero(plain, sizeof plain);
    return rc;
}

enum covey_rc epoch_open_box(const struct epoch *e,
                             const struct seed *reading_secret,
                             struct space_keys *out)
{
    struct wire_cursor c = wire_cursor(e->boxes);
    struct box_place place = place_of(e);
    struct reading_key reading;
    uint8_t hint[EPOCH_HINT];

    dh_public(reading_secret, reading.b);
    make_hint(&reading, &place, hint);
    for (size_t left = wire_read_array(&c); left > 0; left--) {
        uint8_t found[EPOCH_HINT];

        wire_expect_array(&c, 2);
        wire_read_fixed(&c, found, sizeof found);

        struct covey_bytes box = wire_read_bin(&c);

        /* Two keys may share a hint: one that does not open is another's. */
        if (memcmp(found, hint, sizeof hint) == 0 &&
            open_box(e, reading_secret, box, out) == COVEY_OK)
            return COVEY_OK;
    }
    return COVEY_ENONE;
}
