/* identity.h - who signs what: members, nodes, authors.
 *
 * A member (an institution) is named by the hash of its first certificate.  A
 * node (one installation) has three keys, each certified by its member and
 * each used for one thing.  An author key signs in one space; it is derived
 * from the node's signing seed for that space alone, so that a carrier cannot
 * tell that two spaces share a member.
 *
 * All three are fixed layouts, big-endian, one encoding each. */
#ifndef COVEY_PROTO_IDENTITY_H
#define COVEY_PROTO_IDENTITY_H

#include "proto/base.h"
#include "proto/crypto.h"

/* tag 16 | serial 4 | previous certificate's hash 32 (zero in the first) |
 * identity key 32 | hash of the recovery key 32 | backup key 32 |
 * revoked count 1 | revoked node sign keys 32 each | signature 64.
 * The first is signed by its own identity key; a later one by the recovery key
 * whose hash the one before names (the key itself then follows: recovery key
 * 32 before the signature, present when serial > 0). */
#define MEMBER_CERT_REVOKED_MAX 16u
#define MEMBER_CERT_MAX (16u + 4u + 32u * 4u + 1u + 32u * 16u + 32u + 64u)
/* tag 16 | member 32 | member certificate's hash 32 | sign 32 | noise 32 |
 * reading 32 | issued 8 (ms since 1970) | signature 64, by the identity key */
#define NODE_CERT_SIZE (16u + 32u * 5u + 8u + 64u)
/* tag 16 | space 16 | node sign key 32 | author key 32 | signature by the
 * node's sign key 64 | signature by the author key 64 */
#define AUTHOR_CERT_SIZE (16u + 16u + 32u + 32u + 64u + 64u)

struct member_cert {
    uint32_t serial;
    struct hash previous;
    struct sign_key identity;
    struct hash recovery_hash; /* of the key that may sign the next one */
    struct reading_key backup;
    uint8_t revoked_count;
    struct sign_key revoked[MEMBER_CERT_REVOKED_MAX];
};

struct node_cert {
    struct member_id member;
    struct hash member_cert;
    struct sign_key sign;
    struct noise_key noise;
    struct reading_key reading;
    uint64_t issued_ms;
};

struct author_cert {
    struct space_id space;
    struct sign_key node;
    struct sign_key author;
};

/* The secrets of one installation, as DIR/keys holds them. */
struct node_secrets {
    struct seed identity; /* member's; all zero on a node that lacks it */
    struct seed sign;
    struct seed noise;
    struct seed reading;
    struct seed nonce; /* mixed into every payload nonce, never shared */
};

/* Make a new member's first certificate and its first node's.  The recovery
 * and backup keys come from recovery, the seed behind the printed code, which
 * the caller shows once and wipes. */
struct identity {
    struct member_id member;
    uint8_t member_cert[MEMBER_CERT_MAX];
    size_t member_cert_len;
    uint8_t node_cert[NODE_CERT_SIZE];
    struct node_cert node;
};
void identity_make(const struct node_secrets *secrets,
                   const struct seed *recovery, uint64_t issued_ms,
                   struct identity *out);

/* What the recovery seed stands for: the key that signs the member's next
 * certificate, and the secret that opens its backups.  Wipe after use. */
struct recovery_secrets {
    struct seed sign;
    struct seed backup;
};
void recovery_derive(const struct seed *recovery, struct recovery_secrets *out);

/* The certificate that follows `previous` (accepted by member_cert_read):
 * another identity key, the next recovery seed's keys, and nodes revoked.
 * COVEY_EREFUSED when `recovery` is not the seed that `previous` names. */
struct member_renewal {
    const struct seed *recovery;
    const struct seed *next_recovery;
    const struct seed *identity; /* secret of the new identity key */
    const struct sign_key *revoked;
    size_t revoked_count; /* at most MEMBER_CERT_REVOKED_MAX */
};
COVEY_MUST_USE enum covey_rc member_cert_renew(struct covey_bytes previous,
                                               const struct member_renewal *r,
                                               uint8_t out[MEMBER_CERT_MAX],
                                               size_t *out_len);

/* Parse and check signatures.  COVEY_EBAD (layout) or COVEY_EFORGED. */
COVEY_MUST_USE enum covey_rc member_cert_read(struct covey_bytes in,
                                              struct member_cert *out);
/* The same for the certificate that follows `previous` (accepted by either of
 * these two): also that its serial, previous hash and recovery key are the ones
 * due, else COVEY_EFORGED.  A later certificate read without the one before it
 * proves only that some recovery key signed it. */
COVEY_MUST_USE enum covey_rc member_cert_read_next(struct covey_bytes in,
                                                   struct covey_bytes previous,
                                                   struct member_cert *out);
/* The name that a first certificate gives, and the hash that names any.  Both
 * are over the bytes that are signed, not over the signature, so that one who
 * can make a second signature still cannot make a second name.  Only of what
 * member_cert_read() accepted. */
struct member_id member_cert_id(struct covey_bytes first);
struct hash member_cert_hash(struct covey_bytes cert);
struct member_tag member_tag_of(const struct member_id *member);
/* Checks the signature against the identity key of `member`, and that neither
 * X25519 key is a low-order point: nothing could be sealed to it.  That .member
 * and .member_cert are those of `member`, papers_read() checks. */
COVEY_MUST_USE enum covey_rc node_cert_read(struct covey_bytes in,
                                            const struct member_cert *member,
                                            struct node_cert *out);

/* The author key of a node in a space: seed = keyed hash of a 16-byte label:
 * the genesis's salt for the node that makes the space (its id follows from
 * that key, see epoch.h), the space's id for every other. */
struct seed author_seed(const struct seed *node_sign, const uint8_t label[16]);
void author_cert_make(const struct seed *node_sign,
                      const struct seed *author_seed,
                      const struct space_id *space,
                      uint8_t out[AUTHOR_CERT_SIZE]);
COVEY_MUST_USE enum covey_rc author_cert_read(struct covey_bytes in,
                                              struct author_cert *out);

/* The recovery code: the seed and a check of 3 bytes, on paper as eight groups
 * of seven digits in Crockford's base 32.  Reading takes lower case, O for 0, I
 * and L for 1, and spaces or dashes anywhere; COVEY_EBAD when mistyped. */
#define RECOVERY_TEXT_SIZE 64u
void recovery_code_write(const struct seed *recovery,
                         char text[RECOVERY_TEXT_SIZE]);
COVEY_MUST_USE enum covey_rc recovery_code_read(const char *text,
                                                struct seed *out);

#endif
