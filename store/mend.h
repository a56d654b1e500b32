/* mend.h - text that is not UTF-8, or longer than a cell, made fit to seal. */
#ifndef COVEY_STORE_MEND_H
#define COVEY_STORE_MEND_H

#include "store/cell.h"

/* Put U+FFFD for each byte that belongs to no character, and cut at
 * RULES_CELL_MAX (guards refuse longer cells; the marks may lengthen one).  The
 * new text is in the arena.  COVEY_ENOMEM. */
COVEY_MUST_USE enum covey_rc mend_value(struct cell_arena *arena,
                                        struct cell_value *value, bool *mended);

#endif
