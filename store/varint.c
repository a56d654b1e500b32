#include "store/varint.h"

size_t varint_put(uint8_t *p, uint64_t v)
{
    size_t len = 0;

    for (; v >= 0x80; v >>= 7)
        p[len++] = (uint8_t)(v | 0x80);
    p[len++] = (uint8_t)v;
    return len;
}

bool varint_get(struct covey_bytes *in, uint64_t *v)
{
    *v = 0;
    for (size_t i = 0; i < in->len && i < VARINT_MAX; i++) {
        *v |= (uint64_t)(in->p[i] & 0x7f) << 7 * i;
        if (in->p[i] >= 0x80)
            continue;
        in->p += i + 1;
        in->len -= i + 1;
        return true;
    }
    return false;
}
