#include "proto/epoch_fold.h"

#include <string.h>

#include "proto/changeset.h"

/* The changes that carriers read.  Each pair: its values as written, and what
 * they do to the state. */

/* ---- salt: what the id of the space is made from ---- */

void epoch_put_salt(const struct epoch_change *change, struct covey_buf *out)
{
    wire_bin(out, change->salt, sizeof change->salt);
}

/* epoch_verify() has compared the space's id with it. */
enum covey_rc epoch_take_salt(struct epoch_fold *f, struct wire_cursor *c)
{
    uint8_t salt[16];

    wire_read_fixed(c, salt, sizeof salt);
    if (!wire_ok(c))
        return epoch_malformed(f);
    if (!f->first || f->done != 0)
        return epoch_refuse(f, "the salt comes first in a space's first epoch "
                               "and nowhere else");
    return COVEY_OK;
}

/* ---- author: a key that may write here, and what it may sign ---- */

void epoch_put_author(const struct epoch_change *change, struct covey_buf *out)
{
    wire_bin(out, change->author.b, sizeof change->author.b);
    wire_uint(out, change->slot);
    wire_uint(out, change->rights);
}

static enum covey_rc list_author(struct epoch_fold *f,
                                 const struct sign_key *key, uint32_t slot,
                                 struct seat_author **out)
{
    uint32_t next = membership_next_slot(f->m);

    if (slot > next)
        return epoch_refuse(f, "slots are given in order");

    enum covey_rc rc = membership_add_author(f->m, out);

    if (rc != COVEY_OK)
        return rc;
    (*out)->key = *key;
    (*out)->slot = slot;
    (*out)->since = f->m->number;
    f->slots_opened += slot == next;
    return COVEY_OK;
}

/* Listed again: other rights, or after a cut the right to write on. */
enum covey_rc epoch_take_author(struct epoch_fold *f, struct wire_cursor *c)
{
    struct sign_key key;

    wire_read_fixed(c, key.b, sizeof key.b);

    uint32_t slot = (uint32_t)wire_read_uint_max(c, MEMBERSHIP_MAX - 1);
    uint32_t rights =
        (uint32_t)wire_read_uint_max(c, RIGHT_CHAIR | RIGHT_VOTES);

    if (!wire_ok(c))
        return epoch_malformed(f);
    if (rights == RIGHT_CHAIR)
        return epoch_refuse(f, "a chair votes");

    struct seat_author *author = membership_author(f->m, &key);

    if (author == NULL) {
        enum covey_rc rc = list_author(f, &key, slot, &author);

        if (rc != COVEY_OK)
            return rc;
        CHECK(author != NULL);
    }
    if (author->slot != slot)
        return epoch_refuse(f, "an author key belongs to one member for ever");
    if (author->cut)
        author->since = f->m->number;
    author->cut = false;
    author->rights = rights;
    return COVEY_OK;
}

/* ---- cut: where an author's logs end ---- */

void epoch_put_cut(const struct epoch_change *change, struct covey_buf *out)
{
    wire_bin(out, change->author.b, sizeof change->author.b);
    wire_array(out, change->cut_count);
    for (size_t i = 0; i < change->cut_count; i++) {
        const struct log_cut *cut = &change->cuts[i];

        wire_array(out, 3);
        wire_bin(out, cut->incarnation.b, sizeof cut->incarnation.b);
        wire_uint(out, cut->number);
        wire_bin(out, cut->hash.b, sizeof cut->hash.b);
    }
}

/* By incarnation, so that none is named twice. */
static bool ascends(const struct log_cut *cuts, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (memcmp(cuts[i - 1].incarnation.b, cuts[i].incarnation.b,
                   sizeof cuts[i].incarnation.b) >= 0)
            return false;
    }
    return true;
}

enum covey_rc epoch_take_cut(struct epoch_fold *f, struct wire_cursor *c)
{
    struct log_cut cuts[CUTS_MAX];
    struct sign_key key;

    wire_read_fixed(c, key.b, sizeof key.b);

    size_t count = wire_read_array(c);

    if (count > CUTS_MAX)
        return epoch_refuse(f, "more logs cut than one author may have");
    memset(cuts, 0, sizeof cuts);
    for (size_t i = 0; i < count; i++) {
        wire_expect_array(c, 3);
        wire_read_fixed(c, cuts[i].incarnation.b, sizeof cuts[i].incarnation.b);
        cuts[i].number = wire_read_uint(c);
        wire_read_fixed(c, cuts[i].hash.b, sizeof cuts[i].hash.b);
        if (cuts[i].number == 0)
            return epoch_malformed(f);
    }
    if (!wire_ok(c))
        return epoch_malformed(f);
    if (!ascends(cuts, count))
        return epoch_refuse(f, "logs are cut in ascending order, each once");

    struct seat_author *author = membership_author(f->m, &key);

    if (author == NULL)
        return epoch_refuse(f, "the author key to cut is not listed");
    author->cut = true;
    author->cut_count = count;
    memcpy(author->cuts, cuts, sizeof cuts);
    return COVEY_OK;
}

/* ---- carriers ---- */

void epoch_put_carrier(const struct epoch_change *change, struct covey_buf *out)
{
    wire_bin(out, change->carrier.b, sizeof change->carrier.b);
}

enum covey_rc epoch_take_carrier(struct epoch_fold *f, struct wire_cursor *c)
{
    struct noise_key key;

    wire_read_fixed(c, key.b, sizeof key.b);
    if (!wire_ok(c))
        return epoch_malformed(f);

    struct seat_carrier *carrier = membership_carrier(f->m, &key);

    if (carrier == NULL) {
        enum covey_rc rc = membership_add_carrier(f->m, &carrier);

        if (rc != COVEY_OK)
            return rc;
        carrier->key = key;
    }
    if (carrier->present)
        return epoch_refuse(f, "it carries this space already");
    carrier->present = true;
    return COVEY_OK;
}

void epoch_put_carrier_end(const struct epoch_change *change,
                           struct covey_buf *out)
{
    wire_bin(out, change->carrier.b, sizeof change->carrier.b);
}

enum covey_rc epoch_take_carrier_end(struct epoch_fold *f,
                                     struct wire_cursor *c)
{
    struct noise_key key;

    wire_read_fixed(c, key.b, sizeof key.b);
    if (!wire_ok(c))
        return epoch_malformed(f);

    struct seat_carrier *carrier = membership_carrier(f->m, &key);

    if (carrier == NULL || !carrier->present)
        return epoch_refuse(f, "it does not carry this space");
    carrier->present = false;
    return COVEY_OK;
}

/* ---- invites ---- */

void epoch_put_invite(const struct epoch_change *change, struct covey_buf *out)
{
    wire_bin(out, change->invite.b, sizeof change->invite.b);
    wire_bin(out, change->door.b, sizeof change->door.b);
    wire_uint(out, change->expires_ms);
}

enum covey_rc epoch_take_invite(struct epoch_fold *f, struct wire_cursor *c)
{
    struct invite_id id;
    struct seed door;

    wire_read_fixed(c, id.b, sizeof id.b);
    wire_read_fixed(c, door.b, sizeof door.b);

    uint64_t expires_ms = wire_read_uint(c);

    if (!wire_ok(c))
        return epoch_malformed(f);
    if (membership_invite(f->m, &id) != NULL)
        return epoch_refuse(f, "an invite of this id was issued before");

    struct seat_invite *invite;
    enum covey_rc rc = membership_add_invite(f->m, &invite);

    if (rc != COVEY_OK)
        return rc;
    *invite = (struct seat_invite){
        .id = id,
        .door = door,
        .expires_ms = expires_ms,
        .role = ROLE_COUNT,
        .state = INVITE_OPEN,
    };
    return COVEY_OK;
}

void epoch_put_invite_end(const struct epoch_change *change,
                          struct covey_buf *out)
{
    wire_bin(out, change->invite.b, sizeof change->invite.b);
    wire_uint(out, change->invite_end);
}

/* Once: that is what makes a ticket good for one admission. */
enum covey_rc epoch_take_invite_end(struct epoch_fold *f, struct wire_cursor *c)
{
    struct invite_id id;

    wire_read_fixed(c, id.b, sizeof id.b);

    uint64_t state = wire_read_uint_max(c, INVITE_WITHDRAWN);

    if (!wire_ok(c) || state == INVITE_OPEN)
        return epoch_malformed(f);

    struct seat_invite *invite = membership_invite(f->m, &id);

    if (invite == NULL)
        return epoch_refuse(f, "no such invite was issued");
    if (invite->state == INVITE_USED)
        return epoch_refuse(f, "the invite has let somebody in before");
    if (invite->state == INVITE_WITHDRAWN)
        return epoch_refuse(f, "the invite was withdrawn");
    invite->state = (enum invite_state)state;
    f->invites_used += invite->state == INVITE_USED;
    return COVEY_OK;
}

/* ---- erase: an order that every node obeys, carriers too ---- */

void epoch_put_erase(const struct epoch_change *change, struct covey_buf *out)
{
    wire_bin(out, change->header.b, sizeof change->header.b);
    wire_array(out, change->part_count);
    for (size_t i = 0; i < change->part_count; i++)
        wire_uint(out, change->parts[i]);
}

/* It changes nothing in who belongs: whoever stores payloads acts on it. */
enum covey_rc epoch_take_erase(struct epoch_fold *f, struct wire_cursor *c)
{
    struct hash header;
    uint64_t last = 0;

    wire_read_fixed(c, header.b, sizeof header.b);

    size_t count = wire_read_array(c);

    for (size_t i = 0; i < count; i++) {
        uint64_t part = wire_read_uint_max(c, CHANGESET_PARTS_MAX - 1);

        /* Part 0 holds nobody's words. */
        if (part <= last)
            return epoch_malformed(f);
        last = part;
    }
    return wire_ok(c) && count > 0 ? COVEY_OK : epoch_malformed(f);
}
