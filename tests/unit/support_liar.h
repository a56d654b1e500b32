/* support_liar.h - a member that runs software of its own: it has a school's
 * keys, dials a node of the world, and says what it likes. */
#ifndef COVEY_TESTS_SUPPORT_LIAR_H
#define COVEY_TESTS_SUPPORT_LIAR_H

#include "tests/sim/voice.h"
#include "tests/unit/support_world.h"

struct liar {
    struct world *w;
    size_t to; /* whom it talks to */
    struct voice v;
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

/* Say one message, of any body, and hear what comes within a second. */
void liar_say(struct liar *l, enum message_kind kind, struct covey_bytes in);
/* Hear what the node has to say by now. */
void liar_hear(struct liar *l);

/* Send these in one batch; wait for an ACK or the end.  True: the node took
 * them in. */
bool liar_send(struct liar *l, const struct voice_set *sets, size_t count);

#endif
