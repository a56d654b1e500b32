/* leb.h - unsigned LEB128 in its shortest form: 7 bits a byte, low ones first,
 * the top bit set in all but the last. */
#ifndef COVEY_PROTO_LEB_H
#define COVEY_PROTO_LEB_H

#include "proto/base.h"

#define LEB_MAX 10u /* bytes of the longest */

/* Returns how many bytes it wrote. */
size_t leb_write(uint64_t v, uint8_t out[LEB_MAX]);
/* Returns how many bytes it took; 0 when the number is cut short, has a shorter
 * form or does not fit 64 bits. */
size_t leb_read(struct covey_bytes in, uint64_t *v);

#endif
