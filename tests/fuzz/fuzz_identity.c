/* Certificates of members, nodes and authors (identity.h, papers.h).
 *
 * Raw: each reader gets the bytes as they are.  Signed: the bytes are what an
 * owner of fixed keys signs, so that what stands before the signature is read;
 * whatever is accepted is accepted for exactly these bytes. */
#include <string.h>

#include "proto/papers.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/support_space.h"

static struct party party;
static struct sign_pair identity, node;

enum {
    AT_SERIAL = 16,
    AT_IDENTITY = 16 + 4 + 32,
    AUTHOR_BODY = AUTHOR_CERT_SIZE - 128,
};

static void setup(void)
{
    party_make(&party, 1);
    sign_pair_from(&party.secrets.identity, &identity);
    sign_pair_from(&party.secrets.sign, &node);
}

/* ---- as an owner of keys would sign it ---- */

static void sign(struct covey_buf *cert, const struct sign_pair *pair,
                 size_t body)
{
    struct signature sig = sign_bytes(pair, cert->p, body);

    buf_append(cert, sig.b, sizeof sig.b);
}

static struct covey_buf sign_member(struct covey_bytes body)
{
    struct covey_buf cert = fuzz_buf();

    buf_append(&cert, body.p, body.len);
    if (cert.len >= AT_IDENTITY + 32) {
        bool first = get_u32(cert.p + AT_SERIAL) == 0;
        size_t at = first ? AT_IDENTITY : cert.len - 32;

        memcpy(cert.p + at, identity.key.b, sizeof identity.key.b);
    }
    sign(&cert, &identity, cert.len);
    return cert;
}

static struct covey_buf sign_author(struct covey_bytes body)
{
    struct covey_buf cert = fuzz_buf();

    buf_append(&cert, body.p, body.len);
    if (cert.len == AUTHOR_BODY) {
        memcpy(cert.p + AUTHOR_BODY - 64, node.key.b, sizeof node.key.b);
        memcpy(cert.p + AUTHOR_BODY - 32, identity.key.b, 32);
    }
    sign(&cert, &node, body.len);
    sign(&cert, &identity, body.len);
    return cert;
}

/* ---- reading ---- */

static bool is_member(struct covey_bytes cert)
{
    struct member_cert out;

    return member_cert_read(cert, &out) == COVEY_OK;
}

/* The signature covers every byte before it. */
static void member(struct covey_buf *cert, uint16_t at)
{
    struct member_cert out, next;
    struct covey_bytes first = member_cert_of(&party);

    if (member_cert_read_next(buf_bytes(cert), first, &next) == COVEY_OK)
        CHECK(next.serial == 1);
    if (member_cert_read(buf_bytes(cert), &out) != COVEY_OK)
        return;
    CHECK(out.revoked_count <= MEMBER_CERT_REVOKED_MAX);
    (void)papers_revoked(&out, &node.key);

    struct hash hash = member_cert_hash(buf_bytes(cert));
    struct member_id id = member_cert_id(buf_bytes(cert));

    CHECK(memcmp(hash.b, id.b, sizeof id.b) == 0);
    cert->p[at % (cert->len - 64)] ^= 1;
    CHECK(!is_member(buf_bytes(cert)));
    cert->p[at % (cert->len - 64)] ^= 1;
}

static void papers(const struct covey_buf certs[3])
{
    struct papers p = {buf_bytes(&certs[0]), buf_bytes(&certs[1]),
                       buf_bytes(&certs[2])};
    struct space_id space = {{0}};
    struct node_cert node_out;
    struct author_cert author;
    struct member_cert m = {.identity = identity.key};

    if (node_cert_read(p.node_cert, &m, &node_out) == COVEY_OK)
        CHECK(p.node_cert.len == NODE_CERT_SIZE);
    if (author_cert_read(p.author_cert, &author) == COVEY_OK)
        space = author.space;
    if (papers_read(&p, &space, &node_out, &author) == COVEY_OK) {
        CHECK(memcmp(node_out.sign.b, author.node.b, 32) == 0);
        CHECK(member_cert_read(p.member_cert, &m) == COVEY_OK);
    }
}

static struct covey_buf copy(struct covey_bytes bytes)
{
    struct covey_buf out = fuzz_buf();

    buf_append(&out, bytes.p, bytes.len);
    return out;
}

static void one(struct covey_bytes in)
{
    struct fuzz_in parts = fuzz_in(in);
    uint8_t mode = fuzz_u8(&parts);
    uint16_t at = fuzz_u16(&parts);
    struct covey_bytes pieces[3];
    struct covey_buf certs[3];

    for (size_t i = 0; i < 3; i++)
        pieces[i] = fuzz_piece(&parts);
    certs[0] = mode & 1 ? sign_member(pieces[0]) : copy(pieces[0]);
    certs[1] = copy(pieces[1]);
    if (mode & 2)
        sign(&certs[1], &identity, certs[1].len);
    certs[2] = mode & 4 ? sign_author(pieces[2]) : copy(pieces[2]);
    member(&certs[0], at);
    papers(certs);
    for (size_t i = 0; i < 3; i++)
        buf_clear(&certs[i]);
}

const struct fuzz_target fuzz_target = {.setup = setup, .one = one};
