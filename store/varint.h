/* varint.h - unsigned LEB128, for what is packed in local blobs. */
#ifndef COVEY_STORE_VARINT_H
#define COVEY_STORE_VARINT_H

#include "proto/base.h"

#define VARINT_MAX 10u /* bytes of one number */

/* Returns how many bytes it wrote. */
size_t varint_put(uint8_t *p, uint64_t v);
/* Takes a number off the front of *in; false when there is none. */
bool varint_get(struct covey_bytes *in, uint64_t *v);

#endif
