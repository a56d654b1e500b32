/* support_liar.h - a member that runs software of its own: it has a school's
 * keys, dials a node of the world, and says what it likes. */
#ifndef COVEY_TESTS_SUPPORT_LIAR_H
#define COVEY_TESTS_SUPPORT_LIAR_H

#include "proto/changeset.h"
#include "proto/session.h"
#include "tests/unit/support_world.h"

#define LIAR_HEADS_MAX 64u

struct liar {
    struct world *w;
    size_t to; /* whom it talks to */
    struct node_secrets secrets;
    struct space_id space;
    struct member_tag tag;   /* its member's */
    struct seed key;         /* the space's */
    struct sign_pair author; /* its own, in the space */
    struct session *session;
    struct covey_buf inbox;
    uint64_t kind;     /* of its change sets: CHANGESET_ROWS at first */
    struct hash epoch; /* as the node offers it */
    uint64_t epoch_number;
    struct log_head heads[LIAR_HEADS_MAX]; /* of the node's frontier */
    size_t head_count;
    uint32_t frontiers;   /* heard, whole */
    uint32_t batches;     /* heard, and not acknowledged */
    uint32_t sent, acked; /* batches */
    bool down;            /* the node closed: */
    enum session_close_code code;
    char text[CLOSE_TEXT_MAX + 1];
};

/* liar_meet() in two steps: take the keys of node `as`, which is down, once ...
 */
void liar_become(struct liar *l, struct world *w, size_t as, const char *space);
/* ... and dial `to`; again after liar_leave() on a copy.  true: the node let it
 * in and has told its frontier. */
bool liar_dial(struct liar *l, size_t to);
/* Take the keys of node `as`, which is down and stays down, and meet `to` as
 * that node would, up to its frontier. */
void liar_meet(struct liar *l, struct world *w, size_t as, size_t to,
               const char *space);
void liar_leave(struct liar *l);

/* How the liar names its space in this session. */
struct blind liar_blind(const struct liar *l);
/* Say one message, of any body, and hear what comes within a second. */
void liar_say(struct liar *l, enum message_kind kind, struct covey_bytes in);
/* Hear what the node has to say by now. */
void liar_hear(struct liar *l);

/* A header of the liar's own that is as good as any: number 1 of a log that
 * follows nothing and cites nothing.  `run` makes it another log. */
struct header liar_header(const struct liar *l, uint8_t run);
/* Seal rows (msgpack of parts) into *payload under a header, which gets its
 * payload's length and hash. */
void liar_seal(const struct liar *l, struct header *h,
               const struct covey_bytes *rows, size_t count,
               struct covey_buf *payload);
/* A change set to send; signature NULL: the liar's own, over the header. */
struct liar_set {
    const struct header *header;
    struct covey_bytes payload;
    const struct signature *signature;
};
/* Send these in one batch; wait for an ACK or the end.  True: the node took
 * them in. */
bool liar_send(struct liar *l, const struct liar_set *sets, size_t count);

#endif
