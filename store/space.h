/* space.h - spaces, their epochs, keys, members, invites and requests.
 *
 * The node folds the epoch chain (proto/membership.h) and writes here what must
 * outlive it: the epochs' bytes, keys, and projections for queries.  A space
 * has a small local number, `n`, which stands for it in the other tables. */
#ifndef COVEY_STORE_SPACE_H
#define COVEY_STORE_SPACE_H

#include "store/store.h"

struct space_row {
    int64_t n;
    struct space_id id;
    bool carried; /* this node has no key to it and never had */
    enum space_kind kind;
    enum role role; /* of this member; ROLE_CARRIER where carried */
    char name[121];
    uint8_t label[16]; /* what this node's author key here is derived from */
    uint8_t digest[16];
    int64_t rows;
};

/* New row; n is set.  COVEY_EEXISTS. */
COVEY_MUST_USE enum covey_rc space_add(struct store *st, struct space_row *row);
/* Renew name, kind, role, carried of row->n. */
COVEY_MUST_USE enum covey_rc space_set(struct store *st,
                                       const struct space_row *row);
/* The space with the next greater n (start with 0).  COVEY_ENONE at the end. */
COVEY_MUST_USE enum covey_rc space_next(struct store *st, int64_t after_n,
                                        struct space_row *out);
COVEY_MUST_USE enum covey_rc space_get(struct store *st, int64_t n,
                                       struct space_row *out);

/* Epochs, by number.  COVEY_ENONE. */
COVEY_MUST_USE enum covey_rc epoch_add(struct store *st, int64_t n,
                                       uint64_t number, const struct hash *hash,
                                       struct covey_bytes bytes);
/* Appends the bytes of epoch `number` to out. */
COVEY_MUST_USE enum covey_rc epoch_get(struct store *st, int64_t n,
                                       uint64_t number, struct covey_buf *out);

/* Keys, by key number. */
COVEY_MUST_USE enum covey_rc space_key_put(struct store *st, int64_t n,
                                           uint32_t number,
                                           const struct seed *key,
                                           const struct seed *history);
COVEY_MUST_USE enum covey_rc space_key_get(struct store *st, int64_t n,
                                           uint32_t number, struct seed *key,
                                           struct seed *history);

/* Projection for queries: all members, nodes and carriers of a space anew. */
struct member_row {
    struct member_id id;
    const char *name;
    enum role role;
    enum member_kind kind;
    uint32_t urn;
    bool present;
    uint32_t slot;
};
struct node_row {
    uint32_t slot; /* of its member; UINT32_MAX for a carrier */
    struct noise_key noise;
    struct sign_key author; /* zero for a carrier */
    const char *name;       /* of a carrier; else NULL */
    const char *address;    /* HOST:PORT, or "" */
    bool present;
};
COVEY_MUST_USE enum covey_rc space_project_begin(struct store *st, int64_t n);
COVEY_MUST_USE enum covey_rc space_project_member(struct store *st, int64_t n,
                                                  const struct member_row *m);
COVEY_MUST_USE enum covey_rc space_project_node(struct store *st, int64_t n,
                                                const struct node_row *node);

/* The chair's invites: the secret stays until it is used or withdrawn. */
struct invite_row {
    struct invite_id id;
    struct seed secret;
    enum role role;
    uint64_t expires_ms;
};
COVEY_MUST_USE enum covey_rc invite_put(struct store *st, int64_t n,
                                        const struct invite_row *row);
COVEY_MUST_USE enum covey_rc invite_get(struct store *st, int64_t n,
                                        const struct invite_id *id,
                                        struct invite_row *out);
COVEY_MUST_USE enum covey_rc invite_drop(struct store *st, int64_t n,
                                         const struct invite_id *id);

/* Requests to join, as left at a door: sealed; opened by the chair, who adds
 * name and fingerprint for a person to judge.  At most REQUESTS_PER_INVITE. */
#define REQUESTS_PER_INVITE 4u
struct request_row {
    int64_t id; /* local, what `space admit` takes */
    struct invite_id invite;
    struct covey_bytes sealed; /* owned by the store until the next call */
    bool opened;
    char name[121];       /* as asked, once opened */
    char fingerprint[80]; /* of its member id, in groups, once opened */
};
/* The same bytes twice are one request.  COVEY_ELIMIT. */
COVEY_MUST_USE enum covey_rc request_add(struct store *st, int64_t n,
                                         const struct invite_id *invite,
                                         struct covey_bytes sealed,
                                         int64_t *id);
COVEY_MUST_USE enum covey_rc request_opened(struct store *st, int64_t id,
                                            const char *name,
                                            const char *fingerprint);
COVEY_MUST_USE enum covey_rc request_next(struct store *st, int64_t n,
                                          int64_t after_id,
                                          struct request_row *out);
COVEY_MUST_USE enum covey_rc
request_drop_invite(struct store *st, int64_t n,
                    const struct invite_id *invite);

#endif
