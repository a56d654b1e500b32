#include "proto/epoch_fold.h"

#include <string.h>

#include "proto/papers.h"

/* Sealed changes: members and their nodes.  They are folded after the clear
 * ones, so the author keys are in the state already. */

static uint32_t read_slot(struct wire_cursor *c)
{
    return (uint32_t)wire_read_uint_max(c, MEMBERSHIP_MAX - 1);
}

/* The seat of a member that is present; NULL where there is none. */
static struct seat *present_seat(const struct epoch_fold *f, uint32_t slot)
{
    struct seat *seat = membership_seat(f->m, slot);

    return seat != NULL && seat->present ? seat : NULL;
}

static enum covey_rc no_such_member(struct epoch_fold *f)
{
    return epoch_refuse(f, "no member holds this slot");
}

/* ---- seat: a member comes, comes back, or says something new of itself ----
 */

struct seat_values {
    uint32_t slot;
    enum role role;
    enum member_kind kind;
    uint32_t urn;
    struct covey_bytes name;
    struct covey_bytes cert;
};

void epoch_put_seat(const struct epoch_change *change, struct covey_buf *out)
{
    wire_uint(out, change->slot);
    wire_uint(out, change->role);
    wire_uint(out, change->member_kind);
    wire_uint(out, change->urn);
    epoch_put_text(out, change->name);
    wire_bin(out, change->cert.p, change->cert.len);
}

/* Rows name their owner by this tag alone (DESIGN.md section 9). */
static bool tag_is_taken(const struct membership *m, const struct member_id *id)
{
    struct member_tag tag = member_tag_of(id);

    for (size_t i = 0; i < m->seat_count; i++) {
        struct member_tag other = member_tag_of(&m->seats[i].id);

        if (memcmp(tag.b, other.b, sizeof tag.b) == 0)
            return true;
    }
    return false;
}

static enum covey_rc seat_new(struct epoch_fold *f, const struct seat_values *v,
                              struct seat **out)
{
    struct member_cert cert;
    enum covey_rc rc = member_cert_read(v->cert, &cert);

    if (rc != COVEY_OK) {
        covey_why_set(f->why, "the member's certificate does not hold");
        return rc;
    }
    if (cert.serial != 0)
        return epoch_refuse(f, "a member comes with its first certificate: "
                               "the name is made from that one");

    struct member_id id = member_cert_id(v->cert);

    if (tag_is_taken(f->m, &id))
        return epoch_refuse(f, "this member, or one with the same tag, has a "
                               "seat already");
    rc = membership_add_seat(f->m, out);
    if (rc != COVEY_OK)
        return rc;
    (*out)->slot = v->slot;
    (*out)->id = id;
    buf_append(&(*out)->cert, v->cert.p, v->cert.len);
    return buf_rc(&(*out)->cert);
}

/* A later certificate takes the place of the one before it.  "A revocation
 * cuts when an epoch takes it up", and that is this one. */
static enum covey_rc seat_renew(struct epoch_fold *f,
                                const struct seat_values *v, struct seat *seat)
{
    struct member_cert cert;
    enum covey_rc rc =
        member_cert_read_next(v->cert, buf_bytes(&seat->cert), &cert);

    if (rc != COVEY_OK) {
        covey_why_set(f->why, "the member's certificate does not follow the "
                              "one before it");
        return rc;
    }
    for (size_t i = 0; i < f->m->node_count; i++) {
        const struct seat_node *node = &f->m->nodes[i];

        if (node->slot != seat->slot ||
            !papers_revoked(&cert, &node->cert.sign))
            continue;
        if (!membership_author(f->m, &node->author)->cut)
            return epoch_refuse(f, "a node that its member revoked must be "
                                   "cut");
    }
    buf_reset(&seat->cert);
    buf_append(&seat->cert, v->cert.p, v->cert.len);
    return buf_rc(&seat->cert);
}

static bool same_cert(const struct seat *seat, struct covey_bytes cert)
{
    return seat->cert.len == cert.len &&
           memcmp(seat->cert.p, cert.p, cert.len) == 0;
}

enum covey_rc epoch_take_seat(struct epoch_fold *f, struct wire_cursor *c)
{
    struct seat_values v;

    v.slot = read_slot(c);
    v.role = epoch_read_role(c);
    v.kind = (enum member_kind)wire_read_uint_max(c, MEMBER_KIND_COUNT - 1);
    v.urn = (uint32_t)wire_read_uint_max(c, UINT32_MAX);
    v.name = wire_read_text(c);
    v.cert = wire_read_bin(c);
    if (!wire_ok(c))
        return epoch_malformed(f);
    if (!membership_name_fits(v.name))
        return epoch_bad_name(f);
    if (v.slot > f->m->seat_count)
        return epoch_refuse(f, "slots are given in order");

    struct seat *seat = membership_seat(f->m, v.slot);
    enum covey_rc rc = COVEY_OK;

    if (seat == NULL)
        rc = seat_new(f, &v, &seat);
    else if (!same_cert(seat, v.cert))
        rc = seat_renew(f, &v, seat);
    if (rc != COVEY_OK)
        return rc;
    CHECK(seat != NULL);
    f->admitted += !seat->present;
    seat->present = true;
    seat->role = v.role;
    seat->kind = v.kind;
    seat->urn = v.urn;
    epoch_keep(seat->name, sizeof seat->name, v.name);
    return COVEY_OK;
}

/* ---- node: certified by its member, with its author key here ---- */

void epoch_put_node(const struct epoch_change *change, struct covey_buf *out)
{
    wire_uint(out, change->slot);
    wire_bin(out, change->cert.p, change->cert.len);
    wire_bin(out, change->author_cert.p, change->author_cert.len);
    epoch_put_text(out, change->address);
    wire_bool(out, change->from_now_on);
}

/* A key serves one node. */
static bool shares_key(const struct node_cert *a, const struct node_cert *b)
{
    return memcmp(a->sign.b, b->sign.b, sizeof a->sign.b) == 0 ||
           memcmp(a->noise.b, b->noise.b, sizeof a->noise.b) == 0 ||
           memcmp(a->reading.b, b->reading.b, sizeof a->reading.b) == 0;
}

/* The node of an author key, or a new one; its sign key goes with the author
 * key for ever, the others may be certified anew. */
static enum covey_rc find_node(struct epoch_fold *f,
                               const struct node_cert *cert,
                               const struct sign_key *author,
                               struct seat_node **out)
{
    *out = membership_node_by_author(f->m, author);
    for (size_t i = 0; i < f->m->node_count; i++) {
        const struct seat_node *other = &f->m->nodes[i];

        if (other != *out && shares_key(&other->cert, cert))
            return epoch_refuse(f, "a key of this node is another node's");
    }
    if (*out == NULL)
        return membership_add_node(f->m, out);
    if (memcmp((*out)->cert.sign.b, cert->sign.b, sizeof cert->sign.b) != 0)
        return epoch_refuse(f, "the author key is another node's");
    return COVEY_OK;
}

/* Read a node's papers; they must be those of the seat's member. */
static enum covey_rc read_papers(struct epoch_fold *f, const struct seat *seat,
                                 const struct papers *papers,
                                 struct node_cert *node,
                                 struct author_cert *author)
{
    enum covey_rc rc = papers_read(papers, &f->m->space, node, author);

    if (rc == COVEY_OK &&
        memcmp(node->member.b, seat->id.b, sizeof seat->id.b) != 0)
        rc = COVEY_EFORGED;
    if (rc != COVEY_OK)
        covey_why_set(f->why, "the node's certificates do not belong together");
    return rc;
}

enum covey_rc epoch_take_node(struct epoch_fold *f, struct wire_cursor *c)
{
    uint32_t slot = read_slot(c);
    struct papers papers = {.node_cert = wire_read_bin(c)};
    struct node_cert cert;
    struct author_cert author;

    papers.author_cert = wire_read_bin(c);

    struct covey_bytes address = wire_read_text(c);
    bool from_now_on = wire_read_bool(c);

    if (!wire_ok(c))
        return epoch_malformed(f);
    if (!epoch_address_fits(address))
        return epoch_bad_address(f);

    const struct seat *seat = present_seat(f, slot);

    if (seat == NULL)
        return no_such_member(f);
    papers.member_cert = buf_bytes(&seat->cert);

    enum covey_rc rc = read_papers(f, seat, &papers, &cert, &author);

    if (rc != COVEY_OK)
        return rc;

    const struct seat_author *listed = membership_author(f->m, &author.author);

    if (listed == NULL || listed->cut || listed->slot != slot)
        return epoch_refuse(f, "the node's author key is not listed");

    struct seat_node *node;

    rc = find_node(f, &cert, &author.author, &node);
    if (rc != COVEY_OK)
        return rc;
    node->slot = slot;
    node->cert = cert;
    node->author = author.author;
    node->from_now_on = from_now_on;
    epoch_keep(node->address, sizeof node->address, address);
    return COVEY_OK;
}

/* ---- role, and leaving ---- */

void epoch_put_role(const struct epoch_change *change, struct covey_buf *out)
{
    wire_uint(out, change->slot);
    wire_uint(out, change->role);
}

enum covey_rc epoch_take_role(struct epoch_fold *f, struct wire_cursor *c)
{
    uint32_t slot = read_slot(c);
    enum role role = epoch_read_role(c);

    if (!wire_ok(c))
        return epoch_malformed(f);

    struct seat *seat = present_seat(f, slot);

    if (seat == NULL)
        return no_such_member(f);
    seat->role = role;
    return COVEY_OK;
}

void epoch_put_seat_end(const struct epoch_change *change,
                        struct covey_buf *out)
{
    wire_uint(out, change->slot);
}

enum covey_rc epoch_take_seat_end(struct epoch_fold *f, struct wire_cursor *c)
{
    uint32_t slot = read_slot(c);

    if (!wire_ok(c))
        return epoch_malformed(f);

    struct seat *seat = present_seat(f, slot);

    if (seat == NULL)
        return no_such_member(f);
    seat->present = false;
    return COVEY_OK;
}
