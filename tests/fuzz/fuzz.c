#include "tests/fuzz/fuzz.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "proto/crypto.h"

/* ---- memory ---- */

static struct {
    size_t live;
    size_t bytes;
    size_t peak;
} count;

static void *counted_alloc(void *ctx, size_t size_bytes)
{
    void *p = malloc(size_bytes);

    (void)ctx;
    if (p == NULL)
        abort();
    memset(p, 0xa5, size_bytes); /* nobody may count on zeros */
    count.live++;
    count.bytes += malloc_usable_size(p);
    if (count.bytes > count.peak)
        count.peak = count.bytes;
    return p;
}

static void counted_free(void *ctx, void *p)
{
    (void)ctx;
    if (p == NULL)
        return;
    count.live--;
    count.bytes -= malloc_usable_size(p);
    free(p);
}

const struct covey_mem fuzz_mem = {NULL, counted_alloc, counted_free};

static void *plain_alloc(void *ctx, size_t size_bytes)
{
    void *p = malloc(size_bytes);

    (void)ctx;
    if (p == NULL)
        abort();
    return p;
}

static void plain_free(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

struct covey_buf fuzz_buf(void)
{
    static const struct covey_mem plain = {NULL, plain_alloc, plain_free};
    struct covey_buf b;

    buf_init(&b, &plain, 16u << 20);
    return b;
}

/* ---- inputs taken apart ---- */

struct fuzz_in fuzz_in(struct covey_bytes in)
{
    return (struct fuzz_in){in.p, in.len};
}

struct covey_bytes fuzz_take(struct fuzz_in *in, size_t len)
{
    struct covey_bytes out = {in->p, len < in->left ? len : in->left};

    in->p += out.len;
    in->left -= out.len;
    return out;
}

void fuzz_fill(struct fuzz_in *in, void *out, size_t len)
{
    struct covey_bytes bytes = fuzz_take(in, len);

    memset(out, 0, len);
    if (bytes.len > 0)
        memcpy(out, bytes.p, bytes.len);
}

uint8_t fuzz_u8(struct fuzz_in *in)
{
    uint8_t b;

    fuzz_fill(in, &b, sizeof b);
    return b;
}

uint16_t fuzz_u16(struct fuzz_in *in)
{
    uint8_t b[2];

    fuzz_fill(in, b, sizeof b);
    return get_u16(b);
}

uint64_t fuzz_u64(struct fuzz_in *in)
{
    uint8_t b[8];

    fuzz_fill(in, b, sizeof b);
    return get_u64(b);
}

struct covey_bytes fuzz_piece(struct fuzz_in *in)
{
    return fuzz_take(in, fuzz_u16(in));
}

struct covey_bytes fuzz_rest(struct fuzz_in *in)
{
    return fuzz_take(in, in->left);
}

char *fuzz_text(struct covey_bytes bytes)
{
    char *text = malloc(bytes.len + 1);

    if (text == NULL)
        abort();
    if (bytes.len > 0)
        memcpy(text, bytes.p, bytes.len);
    text[bytes.len] = '\0';
    return text;
}

bool fuzz_same(struct covey_bytes a, struct covey_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

struct seed fuzz_seed(uint8_t byte)
{
    struct seed s;

    memset(s.b, byte, sizeof s.b);
    return s;
}

/* ---- the world outside ---- */

void fuzz_quiet(void)
{
    stdout = fopen("/dev/null", "w");
    stderr = fopen("/dev/null", "w");
    CHECK(stdout != NULL && stderr != NULL);
}

/* ---- libFuzzer ---- */

static void panic(const char *expr, const char *file, int line)
{
    dprintf(2, "%s:%d: CHECK(%s) does not hold\n", file, line, expr);
    abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    covey_panic_set(panic);
    CHECK(sodium_init() >= 0);
    if (fuzz_target.setup != NULL)
        fuzz_target.setup();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t live = count.live;
    size_t bytes = count.bytes;

    count.peak = count.bytes;
    fuzz_target.one((struct covey_bytes){data, size});
    CHECK(count.live == live && count.bytes == bytes);
    if (size <= FUZZ_INPUT_MAX && fuzz_target.heap_max > 0)
        CHECK(count.peak - bytes <= fuzz_target.heap_max);
    return 0;
}
