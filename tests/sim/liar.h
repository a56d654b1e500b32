/* liar.h - a member that lies: from some time on one host of a random world
 * runs software of its own, with the keys of its record.
 *
 * It dials who listens, members and carriers alike, tells one lie or more, and
 * comes again later, whatever was answered.  What each lie must come to is in
 * the table: an answer of another kind is the world's failure at once. */
#ifndef COVEY_TESTS_SIM_LIAR_H
#define COVEY_TESTS_SIM_LIAR_H

#include <stddef.h>
#include <stdint.h>

struct run;

/* What it says, by name, and what becomes of that at everybody:
 *   TAKEN    it counts
 *   VOID     it is kept, and nothing of it is shown
 *   REFUSED  the session ends, and nobody ever holds it
 *   CUT      it never arrives whole, and nobody ever holds it */
#define LIE_TABLE(X)                                                           \
    X(HONEST, "an honest log", TAKEN)                                          \
    X(TWICE, "two of one number", TAKEN)                                       \
    X(REPLAY, "a replay", TAKEN)                                               \
    X(AHEAD, "a write that replaces what comes later", TAKEN)                  \
    X(ROW, "another member's row", VOID)                                       \
    X(AGAIN, "a row told of twice", VOID)                                      \
    X(KEY, "under another key", VOID)                                          \
    X(CLOCK, "a clock not due", REFUSED)                                       \
    X(CITE, "a citation of nothing", REFUSED)                                  \
    X(GAP, "a log with a gap", REFUSED)                                        \
    X(FOLLOW, "after another's log", REFUSED)                                  \
    X(SPACE, "another space's", REFUSED)                                       \
    X(AUTHOR, "another author's", REFUSED)                                     \
    X(HALF, "half a batch", CUT)

enum lie_kind {
#define X(kind, name, becomes) LIE_##kind,
    LIE_TABLE(X)
#undef X
        LIE_KIND_COUNT
};

/* Shall this world have one, and when?  By its seed. */
void liar_draw(struct run *r);
/* That time has come: some member, never a chair, turns. */
void liar_on_event(struct run *r);
/* This one turns, and tells lies of this kind only (LIE_KIND_COUNT: of all),
 * one each `mean_s` seconds. */
void liar_turn(struct run *r, size_t who, enum lie_kind only, int64_t mean_s);
/* It falls silent, and what is under way from it is lost. */
void liar_end(struct run *r);
void liar_free(struct run *r);
/* What the ledger knows of all that was told is as the table has it. */
void liar_check(struct run *r);

#endif
