#include "proto/pad.h"

#include <limits.h>

/* floor(log2(v)) of v > 0. */
static unsigned log2_floor(size_t v)
{
    unsigned long long wide = v;

    return (unsigned)(sizeof wide * CHAR_BIT) - 1 -
           (unsigned)__builtin_clzll(wide);
}

size_t pad_bucket(size_t len_bytes)
{
    if (len_bytes < 2)
        return len_bytes;

    unsigned e = log2_floor(len_bytes);
    unsigned s = log2_floor(e) + 1;
    size_t low = ((size_t)1 << (e - s)) - 1;

    return (len_bytes + low) & ~low;
}

/* Bytes of the head of a msgpack binary of n bytes. */
static size_t bin_head(size_t n)
{
    if (n <= 0xff)
        return 2;
    return n <= 0xffff ? 3 : 5;
}

size_t pad_bin(size_t len_bytes)
{
    static const size_t heads[] = {2, 3, 5};
    size_t bucket = pad_bucket(len_bytes + heads[0]);

    for (;;) {
        size_t room = bucket - len_bytes;

        for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
            if (room >= heads[i] && bin_head(room - heads[i]) == heads[i])
                return room - heads[i];
        }
        bucket = pad_bucket(bucket + 1);
    }
}
