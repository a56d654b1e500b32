/* pad.h - how long a payload is made, so that its length tells little.
 *
 * Padme (Nikitin and others, PURBs, 2019): a length keeps only as many leading
 * bits as its own length in bits has bits.  At most 12 % is added, and the
 * number of lengths that can be told apart is small. */
#ifndef COVEY_PROTO_PAD_H
#define COVEY_PROTO_PAD_H

#include <stddef.h>

/* The smallest bucket that holds len bytes; len itself from 0 to 1. */
size_t pad_bucket(size_t len_bytes);

/* How many bytes a msgpack binary must hold so that, with its head, it fills
 * what is `len_bytes` long without it to exactly a bucket.  The next bucket is
 * taken where the head's own length leaves no way to hit the first. */
size_t pad_bin(size_t len_bytes);

#endif
