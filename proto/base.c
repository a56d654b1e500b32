#include "proto/base.h"

#include <string.h>

#include <sodium.h>

/* ---- result codes ---- */

struct rc_words {
    const char *id;
    const char *text;
};

static const struct rc_words rc_words[] = {
#define X(name, number, id, text) [-(number)] = {id, text},
    COVEY_RC_TABLE(X)
#undef X
};

static const struct rc_words *words_of(enum covey_rc rc)
{
    static const struct rc_words unknown = {"unknown", "an unknown result"};
    /* Unsigned, so that a positive number falls past the end as well. */
    size_t i = (size_t)0 - (size_t)(ptrdiff_t)rc;

    return i < sizeof rc_words / sizeof rc_words[0] ? &rc_words[i] : &unknown;
}

const char *covey_rc_id(enum covey_rc rc)
{
    return words_of(rc)->id;
}

const char *covey_rc_text(enum covey_rc rc)
{
    return words_of(rc)->text;
}

void covey_why_set(struct covey_why *why, const char *text)
{
    size_t len = strnlen(text, sizeof why->text - 1);

    memcpy(why->text, text, len);
    why->text[len] = '\0';
}

/* ---- memory and buffers ---- */

#define BUF_FIRST 64u /* bytes a buffer asks for at first */

void *covey_new(const struct covey_mem *mem, size_t size_bytes)
{
    void *p = mem->alloc(mem->ctx, size_bytes);

    if (p != NULL)
        memset(p, 0, size_bytes);
    return p;
}

void covey_free(const struct covey_mem *mem, void *p)
{
    mem->free(mem->ctx, p);
}

void buf_init(struct covey_buf *b, const struct covey_mem *mem,
              size_t max_bytes)
{
    *b = (struct covey_buf){.mem = mem, .max = max_bytes};
}

void buf_clear(struct covey_buf *b)
{
    if (b->p != NULL)
        covey_free(b->mem, b->p);
    *b = (struct covey_buf){.mem = b->mem, .max = b->max};
}

void buf_reset(struct covey_buf *b)
{
    b->len = 0;
    b->rc = COVEY_OK;
}

/* Twice the room each time, so that appending stays linear in all. */
static bool grow(struct covey_buf *b, size_t need)
{
    size_t cap = b->cap > b->max / 2 ? b->max : b->cap * 2;

    if (cap < BUF_FIRST)
        cap = BUF_FIRST;
    if (cap < need)
        cap = need;
    if (cap > b->max)
        cap = b->max;

    uint8_t *p = b->mem->alloc(b->mem->ctx, cap);

    if (p == NULL) {
        b->rc = COVEY_ENOMEM;
        return false;
    }
    if (b->p != NULL) {
        memcpy(p, b->p, b->len);
        covey_free(b->mem, b->p);
    }
    b->p = p;
    b->cap = cap;
    return true;
}

uint8_t *buf_extend(struct covey_buf *b, size_t len)
{
    if (b->rc != COVEY_OK)
        return NULL;
    if (len > b->max - b->len) {
        b->rc = COVEY_ELIMIT;
        return NULL;
    }
    /* Even no bytes need a place: NULL means failure and nothing else. */
    if ((len > b->cap - b->len || b->p == NULL) && !grow(b, b->len + len))
        return NULL;

    uint8_t *place = b->p + b->len;

    b->len += len;
    return place;
}

void buf_append(struct covey_buf *b, const void *p, size_t len)
{
    if (len == 0)
        return;

    uint8_t *place = buf_extend(b, len);

    if (place != NULL)
        memcpy(place, p, len);
}

enum covey_rc buf_rc(const struct covey_buf *b)
{
    return b->rc;
}

struct covey_bytes buf_bytes(const struct covey_buf *b)
{
    return (struct covey_bytes){b->p, b->len};
}

/* ---- numbers of fixed layouts ---- */

/* Bytewise, so that they mean the same on any machine; gcc and clang make one
 * load or store and a swap of each. */

void put_u16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

void put_u32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

void put_u64(uint8_t *p, uint64_t v)
{
    put_u32(p, (uint32_t)(v >> 32));
    put_u32(p + 4, (uint32_t)v);
}

uint16_t get_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
           (uint32_t)p[3];
}

uint64_t get_u64(const uint8_t *p)
{
    return (uint64_t)get_u32(p) << 32 | get_u32(p + 4);
}

/* ---- text ---- */

void hex_encode(const uint8_t *p, size_t len, char *out)
{
    sodium_bin2hex(out, 2 * len + 1, p, len);
}

/* 16 for what is no lower-case digit.  sodium_hex2bin takes upper case too,
 * and one id would have two spellings. */
static unsigned digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    return 16;
}

bool hex_decode(const char *text, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned high = digit(text[2 * i]);

        /* Before the next is read: this one may have been the end. */
        if (high > 15)
            return false;

        unsigned low = digit(text[2 * i + 1]);

        if (low > 15)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return text[2 * len] == '\0';
}

static bool is_tail(uint8_t c)
{
    return (c & 0xc0) == 0x80;
}

/* Length of the code point at p, 0 if there is none: Unicode 15, table 3-7,
 * which leaves no room for overlong forms, surrogates or > U+10FFFF. */
static size_t code_point(const uint8_t *p, size_t len)
{
    uint8_t c = p[0];

    if (c < 0x80)
        return 1;
    if (c < 0xc2 || c > 0xf4 || len < 2)
        return 0;
    if (c < 0xe0)
        return is_tail(p[1]) ? 2 : 0;
    if (c < 0xf0) {
        uint8_t low = c == 0xe0 ? 0xa0 : 0x80;
        uint8_t high = c == 0xed ? 0x9f : 0xbf;

        return p[1] >= low && p[1] <= high && len >= 3 && is_tail(p[2]) ? 3 : 0;
    }

    uint8_t low = c == 0xf0 ? 0x90 : 0x80;
    uint8_t high = c == 0xf4 ? 0x8f : 0xbf;

    return p[1] >= low && p[1] <= high && len >= 4 && is_tail(p[2]) &&
                   is_tail(p[3])
               ? 4
               : 0;
}

static bool is_ascii(const uint8_t eight[8])
{
    uint64_t word;

    memcpy(&word, eight, sizeof word);
    return (word & UINT64_C(0x8080808080808080)) == 0;
}

/* Where the ASCII ends that begins at i, or somewhat before: it goes in steps
 * of eight, since most text is ASCII, and the last step may reach back. */
static size_t skip_ascii(const uint8_t *p, size_t i, size_t len)
{
    while (len - i >= 8 && is_ascii(p + i))
        i += 8;
    return len - i < 8 && len >= 8 && is_ascii(p + len - 8) ? len : i;
}

bool text_is_utf8(const uint8_t *p, size_t len)
{
    size_t i = 0;

    while (i < len) {
        i = skip_ascii(p, i, len);
        if (i == len)
            return true;

        size_t n = code_point(p + i, len - i);

        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

/* ---- CHECK ---- */

static covey_panic_fn panic_hook;

void covey_panic_set(covey_panic_fn fn)
{
    panic_hook = fn;
}

void covey_panic(const char *expr, const char *file, int line)
{
    if (panic_hook != NULL)
        panic_hook(expr, file, line);
    /* No hook, or one that broke its word and came back. */
    __builtin_trap();
}
