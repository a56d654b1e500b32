/* support_forge.h - epochs that epoch_write() would never write.
 *
 * For a chair that runs software of its own: the layout is right, the key is
 * the space's, the signature is good, and what it says is not. */
#ifndef COVEY_TESTS_SUPPORT_FORGE_H
#define COVEY_TESTS_SUPPORT_FORGE_H

#include "support_space.h"

/* What differs from an honest epoch; zeroed, it is one but for its result,
 * which stays zero. */
struct forgery {
    const struct plan *plan;
    const char *clear_hex; /* msgpack that takes the place of the changes */
    const char *sealed_hex;
    const struct covey_bytes *clear; /* the same as bytes; NULL: not */
    const struct covey_bytes *sealed;
    const struct hash *result;     /* NULL: zero */
    const struct space_keys *keys; /* NULL: those in force */
    const struct space_keys *retired;
    uint32_t key_number_more;
    uint32_t rules_version;         /* 0: ours */
    const struct sign_pair *signer; /* NULL: party 0 */
};

/* Append the epoch that follows w->now. */
void forge(struct chain *w, const struct forgery *f, struct covey_buf *out);

/* Append the same epoch with other signatures. */
void forge_signatures(struct chain *w, struct covey_bytes epoch,
                      const struct party *const signers[], size_t count,
                      struct covey_buf *out);

/* A chain to bend: slot 0 the chair, slot 1 a school, carrier 1, invite 2 open
 * for a school, invite 3 withdrawn. */
void chain_settle(struct chain *w);

/* What a forged epoch meets, though its signature is good: at a member, and at
 * a carrier. */
void assert_meets(struct chain *w, const struct forgery *f,
                  enum covey_rc member, enum covey_rc carrier);
/* epoch_write() refuses, in a sentence with `word` in it. */
void assert_unwritten(struct chain *w, const struct plan *plan,
                      const struct space_keys *keys,
                      const struct space_keys *retired, const char *word);

/* All of these: unwritten, and if forged refused: by members and carriers ...
 */
void refused_by_all(struct chain *w, const struct plan *plan, const char *word);
/* ... by members, and what is wrong is sealed from carriers ... */
void refused(struct chain *w, const struct plan *plan, const char *word);
/* ... the same, for a certificate that somebody else made ... */
void forged(struct chain *w, const struct plan *plan, const char *word);
/* ... and with a new key, as removals need. */
void refused_rotating(struct chain *w, const struct plan *plan,
                      enum covey_rc carrier, const char *word);

#endif
