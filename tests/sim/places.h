/* places.h - the rare paths of the program (SOMETIMES in proto/base.h): how
 * often each was passed. */
#ifndef COVEY_TESTS_SIM_PLACES_H
#define COVEY_TESTS_SIM_PLACES_H

#include "proto/base.h"

#define PLACES_MAX 64u /* different names */

struct place_count {
    const char *name;
    uint64_t passed;
    const char *waiting; /* why a run need not pass it yet; NULL: it must */
};

/* Every name once, in the order of the alphabet, with its sum over all places
 * since the program began.  Returns how many. */
size_t places_count(struct place_count out[PLACES_MAX]);

#endif
