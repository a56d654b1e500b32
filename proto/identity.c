#include "proto/identity.h"

#include <string.h>

/* What is signed begins with one of these, so that no signature can stand for
 * one of another kind. */
static const uint8_t member_tag[16] = "covey/1 member";
static const uint8_t node_tag[16] = "covey/1 node";
static const uint8_t author_tag[16] = "covey/1 author";

#define SIGNATURE sizeof(struct signature)

/* A member certificate up to its count of revoked nodes. */
#define MEMBER_FIXED (16u + 4u + 32u * 4u + 1u)
#define AT_SERIAL 16u
#define AT_REVOKED_COUNT (MEMBER_FIXED - 1u)
#define NODE_SIGNED (NODE_CERT_SIZE - 64u)
#define AUTHOR_SIGNED (AUTHOR_CERT_SIZE - 128u)

static uint8_t *put(uint8_t *p, const void *from, size_t len)
{
    memcpy(p, from, len);
    return p + len;
}

static const uint8_t *get(const uint8_t *p, void *to, size_t len)
{
    memcpy(to, p, len);
    return p + len;
}

static struct seed derive(const struct seed *from, const char *domain,
                          const void *p, size_t len)
{
    struct hash h = hash_keyed(from, domain, p, len);
    struct seed out;

    memcpy(out.b, h.b, sizeof out.b);
    sodium_memzero(&h, sizeof h);
    return out;
}

void recovery_derive(const struct seed *recovery, struct recovery_secrets *out)
{
    out->sign = derive(recovery, "covey/1 recovery sign", NULL, 0);
    out->backup = derive(recovery, "covey/1 recovery backup", NULL, 0);
}

static struct hash recovery_key_hash(const struct sign_key *key)
{
    return hash_of("covey/1 recovery key", key->b, sizeof key->b);
}

/* Set what a certificate says of the recovery seed behind it. */
static void name_recovery(struct member_cert *cert, const struct seed *recovery)
{
    struct recovery_secrets secrets;
    struct sign_pair pair;

    recovery_derive(recovery, &secrets);
    sign_pair_from(&secrets.sign, &pair);
    cert->recovery_hash = recovery_key_hash(&pair.key);
    dh_public(&secrets.backup, cert->backup.b);
    sign_pair_clear(&pair);
    sodium_memzero(&secrets, sizeof secrets);
}

/* ---- member certificates ---- */

static size_t member_size(uint32_t serial, size_t revoked_count)
{
    return MEMBER_FIXED + revoked_count * sizeof(struct sign_key) +
           (serial > 0 ? sizeof(struct sign_key) : 0) + SIGNATURE;
}

static size_t member_write(const struct member_cert *cert,
                           const struct sign_pair *signer,
                           uint8_t out[MEMBER_CERT_MAX])
{
    uint8_t *p = put(out, member_tag, sizeof member_tag);

    put_u32(p, cert->serial);
    p = put(p + 4, cert->previous.b, sizeof cert->previous.b);
    p = put(p, cert->identity.b, sizeof cert->identity.b);
    p = put(p, cert->recovery_hash.b, sizeof cert->recovery_hash.b);
    p = put(p, cert->backup.b, sizeof cert->backup.b);
    *p++ = cert->revoked_count;
    p = put(p, cert->revoked, cert->revoked_count * sizeof cert->revoked[0]);
    if (cert->serial > 0)
        p = put(p, signer->key.b, sizeof signer->key.b);

    struct signature sig = sign_bytes(signer, out, (size_t)(p - out));

    p = put(p, sig.b, sizeof sig.b);
    return (size_t)(p - out);
}

/* The layout alone.  signer: the key that the signature must be of. */
static bool member_parse(struct covey_bytes in, struct member_cert *out,
                         struct sign_key *signer)
{
    if (in.len < MEMBER_FIXED ||
        in.p[AT_REVOKED_COUNT] > MEMBER_CERT_REVOKED_MAX)
        return false;
    *out = (struct member_cert){
        .serial = get_u32(in.p + AT_SERIAL),
        .revoked_count = in.p[AT_REVOKED_COUNT],
    };
    if (in.len != member_size(out->serial, out->revoked_count) ||
        memcmp(in.p, member_tag, sizeof member_tag) != 0)
        return false;

    const uint8_t *p = in.p + AT_SERIAL + 4;

    p = get(p, out->previous.b, sizeof out->previous.b);
    p = get(p, out->identity.b, sizeof out->identity.b);
    p = get(p, out->recovery_hash.b, sizeof out->recovery_hash.b);
    p = get(p, out->backup.b, sizeof out->backup.b);
    p = get(p + 1, out->revoked, out->revoked_count * sizeof out->revoked[0]);
    *signer = out->identity;
    if (out->serial > 0)
        memcpy(signer->b, p, sizeof signer->b);
    return (out->serial == 0) == hash_is_zero(&out->previous);
}

/* member_parse() and the signature. */
static enum covey_rc member_verify(struct covey_bytes in,
                                   struct member_cert *out,
                                   struct sign_key *signer)
{
    if (!member_parse(in, out, signer))
        return COVEY_EBAD;

    struct signature sig;
    size_t signed_len = in.len - sizeof sig.b;

    memcpy(sig.b, in.p + signed_len, sizeof sig.b);
    return sign_verify(signer, in.p, signed_len, &sig) ? COVEY_OK
                                                       : COVEY_EFORGED;
}

enum covey_rc member_cert_read(struct covey_bytes in, struct member_cert *out)
{
    struct sign_key signer;

    return member_verify(in, out, &signer);
}

enum covey_rc member_cert_read_next(struct covey_bytes in,
                                    struct covey_bytes previous,
                                    struct member_cert *out)
{
    struct member_cert before;
    struct sign_key signer;

    CHECK(member_parse(previous, &before, &signer));

    enum covey_rc rc = member_verify(in, out, &signer);

    if (rc != COVEY_OK)
        return rc;

    struct hash previous_hash = member_cert_hash(previous);
    struct hash signer_hash = recovery_key_hash(&signer);

    if (out->serial != before.serial + 1 ||
        !hash_equal(&out->previous, &previous_hash) ||
        !hash_equal(&signer_hash, &before.recovery_hash))
        return COVEY_EFORGED;
    return COVEY_OK;
}

enum covey_rc member_cert_renew(struct covey_bytes previous,
                                const struct member_renewal *r,
                                uint8_t out[MEMBER_CERT_MAX], size_t *out_len)
{
    struct member_cert before;
    struct sign_key ignored;

    CHECK(member_parse(previous, &before, &ignored));
    CHECK(r->revoked_count <= MEMBER_CERT_REVOKED_MAX);
    CHECK(before.serial < UINT32_MAX);

    struct recovery_secrets secrets;
    struct sign_pair signer;

    recovery_derive(r->recovery, &secrets);
    sign_pair_from(&secrets.sign, &signer);
    sodium_memzero(&secrets, sizeof secrets);

    struct hash signer_hash = recovery_key_hash(&signer.key);

    if (!hash_equal(&signer_hash, &before.recovery_hash)) {
        sign_pair_clear(&signer);
        return COVEY_EREFUSED;
    }

    struct member_cert next = {
        .serial = before.serial + 1,
        .previous = member_cert_hash(previous),
        .revoked_count = (uint8_t)r->revoked_count,
    };
    struct sign_pair identity;

    sign_pair_from(r->identity, &identity);
    next.identity = identity.key;
    sign_pair_clear(&identity);
    name_recovery(&next, r->next_recovery);
    for (size_t i = 0; i < r->revoked_count; i++)
        next.revoked[i] = r->revoked[i];
    *out_len = member_write(&next, &signer, out);
    sign_pair_clear(&signer);
    return COVEY_OK;
}

struct hash member_cert_hash(struct covey_bytes cert)
{
    CHECK(cert.len >= MEMBER_FIXED + SIGNATURE);
    return hash_of("covey/1 member", cert.p, cert.len - SIGNATURE);
}

struct member_id member_cert_id(struct covey_bytes first)
{
    struct hash h = member_cert_hash(first);
    struct member_id id;

    memcpy(id.b, h.b, sizeof id.b);
    return id;
}

struct member_tag member_tag_of(const struct member_id *member)
{
    struct member_tag out;

    memcpy(out.b, member->b, sizeof out.b);
    return out;
}

/* ---- node certificates ---- */

static void node_write(const struct node_cert *cert,
                       const struct sign_pair *identity,
                       uint8_t out[NODE_CERT_SIZE])
{
    uint8_t *p = put(out, node_tag, sizeof node_tag);

    p = put(p, cert->member.b, sizeof cert->member.b);
    p = put(p, cert->member_cert.b, sizeof cert->member_cert.b);
    p = put(p, cert->sign.b, sizeof cert->sign.b);
    p = put(p, cert->noise.b, sizeof cert->noise.b);
    p = put(p, cert->reading.b, sizeof cert->reading.b);
    put_u64(p, cert->issued_ms);

    struct signature sig = sign_bytes(identity, out, NODE_SIGNED);

    memcpy(out + NODE_SIGNED, sig.b, sizeof sig.b);
}

/* Any secret will do: a low-order point gives zero with each. */
static bool is_low_order(const uint8_t key[32])
{
    static const struct seed any = {{1}};
    uint8_t shared[32];

    return !dh_shared(&any, key, shared);
}

enum covey_rc node_cert_read(struct covey_bytes in,
                             const struct member_cert *member,
                             struct node_cert *out)
{
    if (in.len != NODE_CERT_SIZE ||
        memcmp(in.p, node_tag, sizeof node_tag) != 0)
        return COVEY_EBAD;

    const uint8_t *p = in.p + sizeof node_tag;
    struct signature sig;

    p = get(p, out->member.b, sizeof out->member.b);
    p = get(p, out->member_cert.b, sizeof out->member_cert.b);
    p = get(p, out->sign.b, sizeof out->sign.b);
    p = get(p, out->noise.b, sizeof out->noise.b);
    p = get(p, out->reading.b, sizeof out->reading.b);
    out->issued_ms = get_u64(p);
    memcpy(sig.b, p + 8, sizeof sig.b);

    if (is_low_order(out->noise.b) || is_low_order(out->reading.b))
        return COVEY_EBAD;
    return sign_verify(&member->identity, in.p, NODE_SIGNED, &sig)
               ? COVEY_OK
               : COVEY_EFORGED;
}

void identity_make(const struct node_secrets *secrets,
                   const struct seed *recovery, uint64_t issued_ms,
                   struct identity *out)
{
    struct sign_pair identity;
    struct sign_pair node;
    struct member_cert member = {.serial = 0};

    sign_pair_from(&secrets->identity, &identity);
    sign_pair_from(&secrets->sign, &node);
    member.identity = identity.key;
    name_recovery(&member, recovery);
    out->member_cert_len = member_write(&member, &identity, out->member_cert);

    struct covey_bytes cert = {out->member_cert, out->member_cert_len};

    out->member = member_cert_id(cert);
    out->node = (struct node_cert){
        .member = out->member,
        .member_cert = member_cert_hash(cert),
        .sign = node.key,
        .issued_ms = issued_ms,
    };
    dh_public(&secrets->noise, out->node.noise.b);
    dh_public(&secrets->reading, out->node.reading.b);
    node_write(&out->node, &identity, out->node_cert);
    sign_pair_clear(&identity);
    sign_pair_clear(&node);
}

/* ---- author certificates ---- */

struct seed author_seed(const struct seed *node_sign, const uint8_t label[16])
{
    return derive(node_sign, "covey/1 author", label, 16);
}

void author_cert_make(const struct seed *node_sign,
                      const struct seed *author_seed,
                      const struct space_id *space,
                      uint8_t out[AUTHOR_CERT_SIZE])
{
    struct sign_pair node;
    struct sign_pair author;
    uint8_t *p = put(out, author_tag, sizeof author_tag);

    sign_pair_from(node_sign, &node);
    sign_pair_from(author_seed, &author);
    p = put(p, space->b, sizeof space->b);
    p = put(p, node.key.b, sizeof node.key.b);
    p = put(p, author.key.b, sizeof author.key.b);

    struct signature by_node = sign_bytes(&node, out, AUTHOR_SIGNED);
    struct signature by_author = sign_bytes(&author, out, AUTHOR_SIGNED);

    p = put(p, by_node.b, sizeof by_node.b);
    memcpy(p, by_author.b, sizeof by_author.b);
    sign_pair_clear(&node);
    sign_pair_clear(&author);
}

enum covey_rc author_cert_read(struct covey_bytes in, struct author_cert *out)
{
    if (in.len != AUTHOR_CERT_SIZE ||
        memcmp(in.p, author_tag, sizeof author_tag) != 0)
        return COVEY_EBAD;

    const uint8_t *p = in.p + sizeof author_tag;
    struct signature by_node;
    struct signature by_author;

    p = get(p, out->space.b, sizeof out->space.b);
    p = get(p, out->node.b, sizeof out->node.b);
    p = get(p, out->author.b, sizeof out->author.b);
    p = get(p, by_node.b, sizeof by_node.b);
    memcpy(by_author.b, p, sizeof by_author.b);

    if (!sign_verify(&out->node, in.p, AUTHOR_SIGNED, &by_node) ||
        !sign_verify(&out->author, in.p, AUTHOR_SIGNED, &by_author))
        return COVEY_EFORGED;
    return COVEY_OK;
}
