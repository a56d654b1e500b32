/* space.h - who is who in the vectors of a space.
 *
 * For tools of one file: hence inline. */
#ifndef COVEY_TESTS_VECTORS_SPACE_H
#define COVEY_TESTS_VECTORS_SPACE_H

#include "proto/epoch.h"
#include "proto/ticket.h"
#include "tests/vectors/emit.h"

#define ISSUED_MS 1767225600000u /* 2026-01-01 */

struct party {
    const char *name;
    struct node_secrets secrets;
    struct seed recovery;
    struct identity id;
    struct seed author_seed;
    struct sign_pair author;
    uint8_t author_cert[AUTHOR_CERT_SIZE];
    uint32_t slot;
};

static struct party ash, birch, cedar;
static const struct noise_key relay = {{0xca, 0x44, 0x1e, 0x44}};
static uint8_t salt[16];
static struct space_id space;

static inline void make_party(struct party *p, const char *name, uint8_t number)
{
    uint8_t first = (uint8_t)(number << 4);

    p->name = name;
    p->secrets = (struct node_secrets){
        .identity = filled(first | 1),
        .sign = filled(first | 2),
        .noise = filled(first | 3),
        .reading = filled(first | 4),
        .nonce = filled(first | 5),
    };
    p->recovery = filled(first | 6);
    p->slot = number - 1u;
    identity_make(&p->secrets, &p->recovery, ISSUED_MS, &p->id);
}

static inline void enter(struct party *p, const uint8_t label[16])
{
    p->author_seed = author_seed(&p->secrets.sign, label);
    sign_pair_from(&p->author_seed, &p->author);
}

static inline void make_parties(void)
{
    make_party(&ash, "Ash Lower School", 1);
    make_party(&birch, "Birch Upper School", 2);
    make_party(&cedar, "Cedar Middle School", 3);
    memset(salt, 0x5a, sizeof salt);
    enter(&ash, salt);
    space = epoch_space_id(salt, &ash.author.key);
    enter(&birch, space.b);
    enter(&cedar, space.b);

    struct party *const all[] = {&ash, &birch, &cedar};

    for (size_t i = 0; i < 3; i++)
        author_cert_make(&all[i]->secrets.sign, &all[i]->author_seed, &space,
                         all[i]->author_cert);
}

static inline struct covey_bytes member_cert_of(const struct party *p)
{
    return (struct covey_bytes){p->id.member_cert, p->id.member_cert_len};
}

/* The node's certificate under a renewed certificate of its member, signed by
 * the identity key in that. */
static inline void certify(struct party *p, struct covey_bytes member_cert,
                           const struct seed *identity)
{
    enum { AT_MEMBER_CERT = 48, AT_SIGNATURE = 184 };
    struct hash newest = member_cert_hash(member_cert);
    struct sign_pair pair;

    memcpy(p->id.node_cert + AT_MEMBER_CERT, newest.b, sizeof newest.b);
    sign_pair_from(identity, &pair);

    struct signature sig = sign_bytes(&pair, p->id.node_cert, AT_SIGNATURE);

    memcpy(p->id.node_cert + AT_SIGNATURE, sig.b, sizeof sig.b);
}

#endif
