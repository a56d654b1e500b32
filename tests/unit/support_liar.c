/* support_liar.c - see support_liar.h. */
#include "tests/unit/support_liar.h"

#include <string.h>

#include "tests/unit/support_wire.h"

static void speak(struct liar *l)
{
    static uint8_t bytes[SESSION_FRAME_MAX];
    size_t n;

    while ((n = voice_output(&l->v, bytes, sizeof bytes)) > 0)
        nodes_visitor_says(l->w, bytes, n);
}

static void listen(struct liar *l)
{
    struct covey_buf *heard = &l->w->visitor.heard;

    voice_hear(&l->v, buf_bytes(heard), l->w->clock);
    buf_reset(heard);
}

void liar_hear(struct liar *l)
{
    nodes_run(l->w, 1);
    listen(l);
    speak(l);
}

/* Talk until `*until` has another value, the node closed, or 20 s are over. */
static void talk(struct liar *l, const uint32_t *until)
{
    const uint32_t now = *until;

    for (int i = 0; i < 20 && !l->v.down && *until == now; i++) {
        speak(l);
        listen(l);
        speak(l);
        nodes_run(l->w, 1);
        listen(l);
    }
}

void liar_become(struct liar *l, struct world *w, size_t as, const char *space)
{
    struct space_id id;

    memset(l, 0, sizeof *l);
    l->w = w;
    CHECK(w->nodes[as].node == NULL);
    CHECK(hex_decode(space, id.b, sizeof id.b));
    voice_learn(&l->v, w->nodes[as].dir, &w->nodes[as].secrets, &id);
}

bool liar_dial(struct liar *l, size_t to)
{
    static const struct seed ephemeral = {{7}};
    struct noise_key remote;

    l->to = to;
    dh_public(&l->w->nodes[to].secrets.noise, remote.b);
    voice_begin(&l->v, &remote, &ephemeral, l->w->clock);
    nodes_visit(l->w, to);
    talk(l, &l->v.frontiers);
    return l->v.frontiers > 0;
}

void liar_meet(struct liar *l, struct world *w, size_t as, size_t to,
               const char *space)
{
    liar_become(l, w, as, space);
    CHECK(liar_dial(l, to));
}

void liar_leave(struct liar *l)
{
    voice_end(&l->v);
    memset(l, 0, sizeof *l);
}

void liar_say(struct liar *l, enum message_kind kind, struct covey_bytes in)
{
    if (session_send(l->v.session, kind, in) != COVEY_OK)
        return;
    speak(l);
    liar_hear(l);
}

bool liar_send(struct liar *l, const struct voice_set *sets, size_t count)
{
    uint32_t acked = l->v.acked;

    CHECK(voice_say_batch(&l->v, sets, count));
    talk(l, &l->v.acked);
    return l->v.acked > acked;
}
