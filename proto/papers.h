/* papers.h - the certificates that a node shows to be let into a space.
 *
 * Its member's, its own and its author key's, as signed: what a request to
 * join brings and what an epoch repeats. */
#ifndef COVEY_PROTO_PAPERS_H
#define COVEY_PROTO_PAPERS_H

#include "proto/base.h"
#include "proto/identity.h"

struct papers {
    struct covey_bytes member_cert;
    struct covey_bytes node_cert;
    struct covey_bytes author_cert;
};

/* Check that the three are signed and belong to each other and to this space:
 * the node is certified under this very certificate of its member.
 *
 * A member certificate that is not the first does not say whose it is, so then
 * node->member is a claim that only the caller can check, against the one
 * before it.  After a first one, node->member is proven.
 *
 * COVEY_EBAD (layout), COVEY_EFORGED. */
COVEY_MUST_USE enum covey_rc papers_read(const struct papers *papers,
                                         const struct space_id *space,
                                         struct node_cert *node,
                                         struct author_cert *author);

/* Does this certificate revoke that node? */
bool papers_revoked(const struct member_cert *member,
                    const struct sign_key *node);

#endif
