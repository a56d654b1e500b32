/* numbers.h - keys and hashes of 32 bytes, and the local numbers for them.
 *
 * Author keys and epochs' hashes stand once in a table of their own; all else
 * holds their numbers.  What was looked up is kept until it is cleared. */
#ifndef COVEY_STORE_NUMBERS_H
#define COVEY_STORE_NUMBERS_H

#include "store/internal.h"

#define NUMBERS_BUCKETS 256u /* a power of two */

struct numbered {
    int64_t n;
    union {
        struct hash hash;
        struct sign_key key;
    } value;
    struct numbered *next_value;
    struct numbered *next_n;
};

struct numbers {
    struct numbered *by_value[NUMBERS_BUCKETS];
    struct numbered *by_n[NUMBERS_BUCKETS];
};

/* The statements of one table of numbers. */
struct number_sql {
    enum sql_id find;
    enum sql_id value;
    enum sql_id add;
};

/* The number of a value, made if it is new; *out lives until numbers_clear().
 */
COVEY_MUST_USE enum covey_rc numbers_find(struct store *st,
                                          struct numbers *numbers,
                                          const struct number_sql *sql,
                                          const struct hash *value,
                                          const struct numbered **out);
/* The same, but COVEY_ENONE when it is new. */
COVEY_MUST_USE enum covey_rc numbers_known(struct store *st,
                                           struct numbers *numbers,
                                           const struct number_sql *sql,
                                           const struct hash *value,
                                           const struct numbered **out);
/* The value of a number; COVEY_ECORRUPT when there is none. */
COVEY_MUST_USE enum covey_rc numbers_value(struct store *st,
                                           struct numbers *numbers,
                                           const struct number_sql *sql,
                                           int64_t n,
                                           const struct numbered **out);
void numbers_clear(struct store *st, struct numbers *numbers);

#endif
