#include "store/mend.h"

#include <string.h>

static const uint8_t mark[] = {0xef, 0xbf, 0xbd}; /* U+FFFD */

/* The length of the character that the text begins with; 0: none. */
static size_t character(struct covey_bytes text)
{
    for (size_t len = 1; len <= 4 && len <= text.len; len++) {
        if (text_is_utf8(text.p, len))
            return len;
    }
    return 0;
}

static size_t mend_into(uint8_t *out, size_t cap, struct covey_bytes text)
{
    size_t used = 0;

    while (text.len > 0) {
        size_t len = character(text);
        const uint8_t *from = len == 0 ? mark : text.p;
        size_t put = len == 0 ? sizeof mark : len;

        if (used + put > cap)
            break;
        memcpy(out + used, from, put);
        used += put;
        text.p += len == 0 ? 1 : len;
        text.len -= len == 0 ? 1 : len;
    }
    return used;
}

enum covey_rc mend_value(struct cell_arena *arena, struct cell_value *value,
                         bool *mended)
{
    struct covey_bytes text = value->text;

    *mended = value->type == CELL_TEXT &&
              (text.len > RULES_CELL_MAX || !text_is_utf8(text.p, text.len));
    if (!*mended)
        return COVEY_OK;
    SOMETIMES("a value is mended at sealing");

    uint8_t *p = cell_arena_take(arena, RULES_CELL_MAX);

    if (p == NULL)
        return COVEY_ENOMEM;
    value->text = (struct covey_bytes){p, mend_into(p, RULES_CELL_MAX, text)};
    return COVEY_OK;
}
