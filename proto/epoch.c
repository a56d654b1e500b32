#include "proto/epoch.h"

#include <string.h>

#include "proto/epoch_fold.h"
#include "proto/epoch_seal.h"
#include "proto/wire.h"

_Static_assert(EPOCH_MAX <= WIRE_TEXT_MAX, "an epoch can be sent");

#define SIGNATURE_ENTRY (sizeof(struct sign_key) + sizeof(struct signature))

struct space_id epoch_space_id(const uint8_t salt[16],
                               const struct sign_key *author)
{
    struct hasher h;
    struct space_id out;

    hasher_init(&h, "covey/1 space");
    hasher_add(&h, salt, 16);
    hasher_add(&h, author->b, sizeof author->b);

    struct hash digest = hasher_end(&h);

    memcpy(out.b, digest.b, sizeof out.b);
    return out;
}

/* ---- hash and signatures ---- */

struct hash epoch_hash(const struct epoch *e)
{
    const struct covey_bytes parts[] = {e->clear, e->sealed, e->boxes,
                                        e->history};
    struct hasher h;

    hasher_init(&h, "covey/1 epoch");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct hash part =
            hash_of("covey/1 epoch part", parts[i].p, parts[i].len);

        hasher_add(&h, part.b, sizeof part.b);
    }
    return hasher_end(&h);
}

static const char signed_tag[] = "covey/1 epoch sig";
#define SIGNED_SIZE (sizeof signed_tag - 1 + sizeof(struct hash))

static void make_signed(const struct epoch *e, uint8_t out[SIGNED_SIZE])
{
    memcpy(out, signed_tag, sizeof signed_tag - 1);
    memcpy(out + sizeof signed_tag - 1, e->hash.b, sizeof e->hash.b);
}

void epoch_sign(const struct epoch *e, const struct sign_pair *signer,
                struct covey_buf *out)
{
    uint8_t text[SIGNED_SIZE];

    make_signed(e, text);

    struct signature sig = sign_bytes(signer, text, sizeof text);

    buf_append(out, signer->key.b, sizeof signer->key.b);
    buf_append(out, sig.b, sizeof sig.b);
}

static size_t signature_count(const struct epoch *e)
{
    return e->signatures.len / SIGNATURE_ENTRY;
}

static struct sign_key signer_at(const struct epoch *e, size_t index)
{
    struct sign_key key;

    memcpy(key.b, e->signatures.p + index * SIGNATURE_ENTRY, sizeof key.b);
    return key;
}

/* Is the signature at `index` good under the key that stands before it? */
static bool signature_holds(const struct epoch *e, size_t index)
{
    const uint8_t *entry = e->signatures.p + index * SIGNATURE_ENTRY;
    struct sign_key key = signer_at(e, index);
    struct signature sig;
    uint8_t text[SIGNED_SIZE];

    memcpy(sig.b, entry + sizeof key.b, sizeof sig.b);
    make_signed(e, text);
    return sign_verify(&key, text, sizeof text, &sig);
}

/* ---- reading ---- */

/* The clear part: [1, space, number, parent, result, key number, commitment,
 * rules version, [changes]]. */
static enum covey_rc read_clear(struct epoch *e)
{
    struct wire_cursor c = wire_cursor(e->clear);

    if (wire_validate(e->clear) != COVEY_OK || wire_read_array(&c) == 0)
        return COVEY_EBAD;
    if (wire_read_uint(&c) > EPOCH_FORMAT)
        return COVEY_ENEWER;
    c = wire_cursor(e->clear);
    wire_expect_array(&c, 9);
    if (wire_read_uint(&c) != EPOCH_FORMAT)
        return COVEY_EBAD;
    wire_read_fixed(&c, e->space.b, sizeof e->space.b);
    e->number = wire_read_uint(&c);
    wire_read_fixed(&c, e->parent.b, sizeof e->parent.b);
    wire_read_fixed(&c, e->result.b, sizeof e->result.b);
    e->key_number = (uint32_t)wire_read_uint_max(&c, UINT32_MAX);
    wire_read_fixed(&c, e->commitment.b, sizeof e->commitment.b);
    e->rules_version = (uint32_t)wire_read_uint_max(&c, UINT32_MAX);
    if (wire_peek(&c) != WIRE_ARRAY)
        return COVEY_EBAD;
    e->clear_changes = wire_skip(&c);
    return wire_done(&c) ? COVEY_OK : COVEY_EBAD;
}

static enum covey_rc check_boxes(struct covey_bytes boxes)
{
    struct wire_cursor c = wire_cursor(boxes);

    if (wire_validate(boxes) != COVEY_OK)
        return COVEY_EBAD;
    for (size_t left = wire_read_array(&c); left > 0; left--) {
        uint8_t hint[EPOCH_HINT];
        uint8_t box[EPOCH_BOX];

        wire_expect_array(&c, 2);
        wire_read_fixed(&c, hint, sizeof hint);
        wire_read_fixed(&c, box, sizeof box);
    }
    return wire_done(&c) ? COVEY_OK : COVEY_EBAD;
}

enum covey_rc epoch_read(struct covey_bytes in, struct epoch *out)
{
    struct wire_cursor c = wire_cursor(in);

    if (in.len > EPOCH_MAX || wire_validate(in) != COVEY_OK)
        return COVEY_EBAD;
    *out = (struct epoch){.number = 0};
    wire_expect_array(&c, 5);
    out->clear = wire_read_bin(&c);
    out->sealed = wire_read_bin(&c);
    out->boxes = wire_read_bin(&c);
    out->history = wire_read_bin(&c);
    out->signatures = wire_read_bin(&c);
    if (!wire_done(&c) || out->signatures.len == 0 ||
        out->signatures.len % SIGNATURE_ENTRY != 0)
        return COVEY_EBAD;
    out->hash = epoch_hash(out);

    enum covey_rc rc = read_clear(out);

    if (rc != COVEY_OK)
        return rc;
    if (out->sealed.len < EPOCH_NONCE + SEAL_OVERHEAD ||
        (out->history.len != 0 && out->history.len != EPOCH_HISTORY))
        return COVEY_EBAD;
    return check_boxes(out->boxes);
}

/* ---- verifying ---- */

bool epoch_is_first(const struct membership *parent)
{
    return hash_is_zero(&parent->head);
}

/* A genesis is signed by the author that it lists as chair and that its space
 * is named after: its salt and that key are all that the id is made of. */
static enum covey_rc verify_first(const struct membership *parent,
                                  const struct epoch *e)
{
    struct sign_key signer = signer_at(e, 0);
    struct wire_cursor c = wire_cursor(e->clear_changes);
    size_t left = wire_read_array(&c);
    uint8_t salt[16];
    bool chair = false;

    wire_expect_array(&c, 2);
    if (left == 0 || wire_read_uint(&c) != EPOCH_SALT)
        return COVEY_EFORGED;
    wire_read_fixed(&c, salt, sizeof salt);
    for (left--; left > 0 && wire_ok(&c); left--) {
        struct wire_cursor change = wire_cursor(wire_skip(&c));
        struct sign_key key;

        wire_expect_array(&change, 4);
        if (wire_read_uint(&change) != EPOCH_AUTHOR)
            continue;
        wire_read_fixed(&change, key.b, sizeof key.b);
        (void)wire_read_uint(&change);
        if ((wire_read_uint(&change) & RIGHT_CHAIR) != 0 &&
            wire_done(&change) && memcmp(key.b, signer.b, sizeof key.b) == 0)
            chair = true;
    }

    struct space_id space = epoch_space_id(salt, &signer);

    if (!wire_done(&c) || !chair || signature_count(e) != 1 ||
        memcmp(space.b, parent->space.b, sizeof space.b) != 0 ||
        !signature_holds(e, 0))
        return COVEY_EFORGED;
    return COVEY_OK;
}

/* Slots, each counted once. */
struct slot_set {
    uint8_t bits[MEMBERSHIP_MAX / 8];
    size_t count;
};

static void slot_add(struct slot_set *set, uint32_t slot)
{
    CHECK(slot < MEMBERSHIP_MAX);

    uint8_t bit = (uint8_t)(1u << slot % 8);

    if ((set->bits[slot / 8] & bit) != 0)
        return;
    set->bits[slot / 8] |= bit;
    set->count++;
}

static size_t voting_slots(const struct membership *m)
{
    struct slot_set voters = {.count = 0};

    for (size_t i = 0; i < m->author_count; i++) {
        const struct seat_author *a = &m->authors[i];

        if (!a->cut && (a->rights & RIGHT_VOTES) != 0)
            slot_add(&voters, a->slot);
    }
    return voters.count;
}

/* Every signature must be good and by somebody who may give one, so that
 * nothing can be hung onto an epoch; then the chair's suffices, or those of
 * more than half of the members that vote, however many nodes they have. */
static enum covey_rc verify_later(const struct membership *parent,
                                  const struct epoch *e)
{
    struct slot_set voters = {.count = 0};
    bool chair = false;
    size_t count = signature_count(e);

    if (count > parent->author_count)
        return COVEY_EFORGED;
    for (size_t i = 0; i < count; i++) {
        struct sign_key key = signer_at(e, i);
        const struct seat_author *a = membership_author(parent, &key);

        if (a == NULL || a->cut || a->rights == 0 || !signature_holds(e, i))
            return COVEY_EFORGED;
        if ((a->rights & RIGHT_CHAIR) != 0)
            chair = true;
        if ((a->rights & RIGHT_VOTES) != 0)
            slot_add(&voters, a->slot);
    }
    return chair || voters.count > voting_slots(parent) / 2 ? COVEY_OK
                                                            : COVEY_EFORGED;
}

bool epoch_signed_here(const struct membership *m, const struct epoch *e)
{
    return epoch_is_first(m) || verify_later(m, e) == COVEY_OK;
}

/* A new key brings the retired one, and boxes to hand it out in. */
static bool keys_follow(const struct membership *parent, const struct epoch *e)
{
    if (e->key_number == parent->key_number)
        return e->history.len == 0;

    struct wire_cursor boxes = wire_cursor(e->boxes);

    return !epoch_is_first(parent) &&
           e->key_number == (uint64_t)parent->key_number + 1 &&
           e->history.len != 0 && wire_read_array(&boxes) > 0;
}

bool epoch_follows(const struct membership *parent, const struct epoch *e)
{
    uint64_t due = epoch_is_first(parent) ? 0 : parent->number + 1;

    return e->number == due && hash_equal(&e->parent, &parent->head);
}

enum covey_rc epoch_verify(const struct membership *parent,
                           const struct epoch *e)
{
    if (memcmp(e->space.b, parent->space.b, sizeof e->space.b) != 0)
        return COVEY_EFORGED;
    if (!epoch_follows(parent, e))
        return COVEY_ENOTYET;

    enum covey_rc rc = epoch_is_first(parent) ? verify_first(parent, e)
                                              : verify_later(parent, e);

    if (rc != COVEY_OK)
        return rc;
    return keys_follow(parent, e) && e->rules_version >= parent->rules_version
               ? COVEY_OK
               : COVEY_EBAD;
}
