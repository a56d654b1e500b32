#include "proto/papers.h"

#include <string.h>

bool papers_revoked(const struct member_cert *member,
                    const struct sign_key *node)
{
    for (size_t i = 0; i < member->revoked_count; i++) {
        if (memcmp(member->revoked[i].b, node->b, sizeof node->b) == 0)
            return true;
    }
    return false;
}

/* Is this node certified by this very certificate, for its member? */
static bool belongs(struct covey_bytes cert, const struct member_cert *member,
                    const struct node_cert *node)
{
    struct hash newest = member_cert_hash(cert);

    if (!hash_equal(&newest, &node->member_cert))
        return false;
    if (member->serial > 0)
        return true;

    struct member_id id = member_cert_id(cert);

    return memcmp(id.b, node->member.b, sizeof id.b) == 0;
}

enum covey_rc papers_read(const struct papers *papers,
                          const struct space_id *space, struct node_cert *node,
                          struct author_cert *author)
{
    struct member_cert member;
    enum covey_rc rc = member_cert_read(papers->member_cert, &member);

    if (rc != COVEY_OK)
        return rc;
    rc = node_cert_read(papers->node_cert, &member, node);
    if (rc != COVEY_OK)
        return rc;
    rc = author_cert_read(papers->author_cert, author);
    if (rc != COVEY_OK)
        return rc;
    if (!belongs(papers->member_cert, &member, node) ||
        memcmp(author->space.b, space->b, sizeof space->b) != 0 ||
        memcmp(author->node.b, node->sign.b, sizeof node->sign.b) != 0)
        return COVEY_EFORGED;
    return COVEY_OK;
}
