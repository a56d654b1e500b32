#include "proto/epoch_fold.h"

#include <string.h>

#include "proto/papers.h"

/* What must hold of a membership as a whole after each epoch. */

/* One member writes the chain, with one node or several. */
static enum covey_rc check_chair(struct epoch_fold *f)
{
    const struct seat_author *chair = NULL;

    for (size_t i = 0; i < f->m->author_count; i++) {
        const struct seat_author *a = &f->m->authors[i];

        if (a->cut || (a->rights & RIGHT_CHAIR) == 0)
            continue;
        if (chair != NULL && chair->slot != a->slot)
            return epoch_refuse(f, "a space has one chair, not two");
        chair = a;
    }
    return chair != NULL
               ? COVEY_OK
               : epoch_refuse(f, "it would leave the space without a chair");
}

/* Who is cut and not listed anew may not go on reading: DESIGN.md section 6,
 * "removal, leaving, revocation ... makes a new key". */
static enum covey_rc check_cuts(struct epoch_fold *f)
{
    if (f->m->key_number != f->parent->key_number)
        return COVEY_OK;
    for (size_t i = 0; i < f->m->author_count; i++) {
        const struct seat_author *a = &f->m->authors[i];
        const struct seat_author *was = membership_author(f->parent, &a->key);

        if (a->cut && (was == NULL || !was->cut))
            return epoch_refuse(f, "who is removed would keep the key: it "
                                   "needs a new one");
    }
    return COVEY_OK;
}

/* "An admission names the ticket's id, and no chain may name one twice": each
 * ends once, so each lets in one.  A founder needs none. */
static enum covey_rc check_admissions(struct epoch_fold *f)
{
    if (f->first)
        return COVEY_OK;
    if (f->slots_opened > f->invites_used || f->admitted > f->invites_used)
        return epoch_refuse(f, "it admits a member without using an invite");
    return COVEY_OK;
}

/* The node of an author.  Both lists are in the order of the chain, so the
 * same place is the first guess. */
static struct seat_node *node_of(const struct membership *m, size_t author)
{
    const struct sign_key *key = &m->authors[author].key;

    if (author < m->node_count &&
        memcmp(m->nodes[author].author.b, key->b, sizeof key->b) == 0)
        return &m->nodes[author];
    return membership_node_by_author(m, key);
}

static bool is_revoked(const struct seat *seat, const struct seat_node *node)
{
    struct member_cert cert;

    return member_cert_read(buf_bytes(&seat->cert), &cert) == COVEY_OK &&
           papers_revoked(&cert, &node->cert.sign);
}

/* What carriers see of a member is what its seat says. */
static enum covey_rc check_authors(struct epoch_fold *f)
{
    const struct membership *m = f->m;

    for (size_t i = 0; i < m->author_count; i++) {
        const struct seat_author *a = &m->authors[i];
        struct seat_node *node = node_of(m, i);

        if (node == NULL || node->slot != a->slot)
            return epoch_refuse(f, "an author key without its node");

        const struct seat *seat = membership_seat(m, a->slot);

        CHECK(seat != NULL);
        node->present = seat->present && !a->cut;
        if (!a->cut && !seat->present)
            return epoch_refuse(f, "who left must be cut");
        if (!a->cut && a->rights != membership_rights(seat->role))
            return epoch_refuse(f, "an author key's rights are not those of "
                                   "its member's role");
        if (!a->cut && a->since == m->number && is_revoked(seat, node))
            return epoch_refuse(f, "its member has revoked this node");
    }
    return COVEY_OK;
}

static enum covey_rc check_seats(struct epoch_fold *f)
{
    const struct membership *m = f->m;
    size_t chairs = 0;

    if (f->first && !f->has_terms)
        return epoch_refuse(f, "a new space needs its terms");
    if (membership_next_slot(m) != m->seat_count)
        return epoch_refuse(f, "members and author keys do not match");
    for (size_t i = 0; i < m->seat_count; i++) {
        const struct seat *seat = &m->seats[i];

        if (!seat->present)
            continue;
        chairs += seat->role == ROLE_CHAIR;
        if (!role_fits(seat->role, m->kind))
            return epoch_refuse(f, "this kind of space has no such role");
    }
    if (chairs != 1)
        return epoch_refuse(f, "a space has one chair");
    for (size_t i = 0; i < m->invite_count; i++) {
        const struct seat_invite *invite = &m->invites[i];

        if (invite->state == INVITE_OPEN && invite->role == ROLE_COUNT)
            return epoch_refuse(f, "an invite without a role");
    }
    return COVEY_OK;
}

enum covey_rc epoch_fold_end(struct epoch_fold *f)
{
    enum covey_rc rc = check_chair(f);

    if (rc == COVEY_OK)
        rc = check_cuts(f);
    if (rc == COVEY_OK)
        rc = check_admissions(f);
    if (rc == COVEY_OK && f->m->readable)
        rc = check_seats(f);
    if (rc == COVEY_OK && f->m->readable)
        rc = check_authors(f);
    return rc;
}
