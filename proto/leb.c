#include "proto/leb.h"

size_t leb_write(uint64_t v, uint8_t out[LEB_MAX])
{
    size_t n = 0;

    for (; v > 0x7f; v >>= 7)
        out[n++] = (uint8_t)(v | 0x80);
    out[n++] = (uint8_t)v;
    return n;
}

size_t leb_read(struct covey_bytes in, uint64_t *v)
{
    uint64_t sum = 0;

    for (size_t n = 0; n < in.len && n < LEB_MAX; n++) {
        uint8_t byte = in.p[n];

        sum |= (uint64_t)(byte & 0x7f) << (7 * n);
        if (byte > 0x7f)
            continue;
        /* A zero at the end adds nothing, but for zero itself; the tenth byte
         * holds the one bit that is left of 64. */
        if ((byte == 0 && n > 0) || (n == LEB_MAX - 1 && byte > 1))
            return 0;
        *v = sum;
        return n + 1;
    }
    return 0;
}
