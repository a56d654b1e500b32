/* voice.h - what a member's own software says to a node: it has the keys of a
 * record, and of the protocol as much as lying takes.
 *
 * It knows no world: whoever dials carries the bytes both ways, and says what
 * the time is.  Its answer to a node's offer is that it has nothing. */
#ifndef COVEY_TESTS_SIM_VOICE_H
#define COVEY_TESTS_SIM_VOICE_H

#include "daemon/node.h"
#include "proto/changeset.h"
#include "proto/session.h"

#define VOICE_HEADS_MAX 64u

struct voice {
    /* Of the record, once learned: */
    struct node_secrets secrets;
    struct space_id space;
    struct member_tag tag;   /* its member's */
    struct seed key;         /* the space's */
    struct sign_pair author; /* its own, in the space */
    uint64_t kind;           /* of its change sets: CHANGESET_ROWS at first */
    bool chained;            /* a set does not say what it follows in its log */
    /* Of the session: */
    struct session *session; /* NULL: none */
    struct covey_buf inbox;
    covey_time now; /* of the session, by the host that it runs on */
    uint64_t wall_ms;
    struct hash epoch; /* as the node offers it */
    uint64_t epoch_number;
    struct log_head heads[VOICE_HEADS_MAX]; /* of the node's frontier */
    size_t head_count;
    uint32_t frontiers;   /* heard, whole */
    uint32_t batches;     /* heard, and not acknowledged */
    uint32_t sent, acked; /* batches */
    bool down;            /* the session ended: */
    bool by_peer;
    enum session_close_code code;
    char text[CLOSE_TEXT_MAX + 1];
};

/* Take what it needs of a record, which nobody has open. */
void voice_learn(struct voice *v, const char *dir,
                 const struct node_secrets *secrets,
                 const struct space_id *space);
/* A session with the node that has this key; to be ended by voice_end().  The
 * seed is fresh. */
void voice_begin(struct voice *v, const struct noise_key *remote,
                 const struct seed *ephemeral, struct node_clock clock);
void voice_end(struct voice *v); /* what was learned stays */

/* What the node said; answers its offers and frontiers. */
void voice_hear(struct voice *v, struct covey_bytes in, struct node_clock now);
/* What it has to say, at most cap bytes; how many. */
size_t voice_output(struct voice *v, uint8_t *dst, size_t cap);
/* How it names its space in this session. */
struct blind voice_blind(const struct voice *v);

/* A header of its own that is as good as any: number 1 of a log that follows
 * nothing and cites nothing.  `run` makes it another log. */
struct header voice_header(const struct voice *v, uint32_t run);
/* Append the msgpack of a new priority with these words, of the member with
 * this tag; its title replaces that of the change set `over` (NULL: none). */
void voice_row(struct covey_buf *out, const struct member_tag *tag,
               uint32_t number, const char *words,
               const struct stamp_name *over);
/* Seal rows (msgpack of parts) into *payload under a header, which gets its
 * payload's length and hash. */
void voice_seal(const struct voice *v, struct header *h,
                const struct covey_bytes *rows, size_t count,
                struct covey_buf *payload);
/* A change set to send; signature NULL: its own, over the header. */
struct voice_set {
    const struct header *header;
    struct covey_bytes payload;
    const struct signature *signature;
};
/* Say these in one batch.  False: there is no session to say it in. */
bool voice_say_batch(struct voice *v, const struct voice_set *sets,
                     size_t count);

#endif
