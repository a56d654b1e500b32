/* Server-sent events: lines "data: ..." up to an empty line are one event. */
#include <string.h>

#include "cli/client.h"

static void on_line(struct event_reader *r)
{
    const char *line = r->line.len == 0 ? "" : r->line.p;

    if (*line == '\0') {
        if (r->data.len != 0)
            r->event(r->ctx, r->data.p);
        text_clear(&r->data);
    } else if (strncmp(line, "data:", 5) == 0) {
        if (r->data.len != 0)
            text_add(&r->data, "\n");
        text_add(&r->data, line + 5 + (line[5] == ' '));
    }
    text_clear(&r->line);
}

void event_reader_feed(struct event_reader *r, const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (p[i] == '\n')
            on_line(r);
        else if (p[i] != '\r')
            text_add_part(&r->line, &p[i], 1);
    }
}

void event_reader_clear(struct event_reader *r)
{
    text_clear(&r->line);
    text_clear(&r->data);
}
