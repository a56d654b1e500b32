/* contact.h - whom this node dials, asks and carries for: local tables.
 *
 * Peers pinned by hand, tickets being redeemed, relays asked to carry a space,
 * and, at a relay, what its keeper allowed and what waits for it. */
#ifndef COVEY_STORE_CONTACT_H
#define COVEY_STORE_CONTACT_H

#include "store/store.h"

#define CONTACT_AT_MAX 161u
#define CARRY_WAITING_MAX 64u /* requests to carry that wait for the keeper */

struct peer_row {
    struct noise_key key;
    char at[CONTACT_AT_MAX]; /* HOST:PORT */
};
COVEY_MUST_USE enum covey_rc peer_put(struct store *st,
                                      const struct peer_row *row);
/* Next greater key (start with zeros).  COVEY_ENONE at the end. */
COVEY_MUST_USE enum covey_rc peer_next(struct store *st,
                                       const struct noise_key *after,
                                       struct peer_row *out);

/* A ticket being redeemed. */
struct joining_row {
    struct space_id space;
    char ticket[2600];
    bool left; /* the request is at a door */
};
COVEY_MUST_USE enum covey_rc joining_put(struct store *st,
                                         const struct joining_row *row);
COVEY_MUST_USE enum covey_rc joining_next(struct store *st,
                                          const struct space_id *after,
                                          struct joining_row *out);
COVEY_MUST_USE enum covey_rc joining_drop(struct store *st,
                                          const struct space_id *space);

/* A relay that was asked to carry a space and has not answered yes yet. */
struct wish_row {
    int64_t n; /* the space */
    struct noise_key key;
    char at[CONTACT_AT_MAX];
};
COVEY_MUST_USE enum covey_rc wish_put(struct store *st,
                                      const struct wish_row *row);
COVEY_MUST_USE enum covey_rc wish_next(struct store *st, int64_t n,
                                       const struct noise_key *after,
                                       struct wish_row *out);
COVEY_MUST_USE enum covey_rc wish_drop(struct store *st, int64_t n,
                                       const struct noise_key *key);

/* At a relay.  What is allowed: a space's id (16 bytes) or a node's key (32).
 * carry_ask notes a request that waits; the oldest beyond the limit goes. */
COVEY_MUST_USE enum covey_rc carry_allow(struct store *st,
                                         struct covey_bytes space_or_key);
COVEY_MUST_USE enum covey_rc carry_allowed(struct store *st,
                                           const struct space_id *space,
                                           const struct noise_key *key,
                                           bool *allowed);
COVEY_MUST_USE enum covey_rc carry_ask(struct store *st,
                                       const struct space_id *space,
                                       const struct noise_key *key,
                                       uint64_t wall_ms);

#endif
