/* cluster.c - schools joined to spaces, by real invites. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/run.h"

static const char *field(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text == NULL ? "" : text;
}

size_t cluster_space(struct run *r, size_t chair)
{
    struct run_space *s = &r->spaces[r->space_count];
    char body[160];

    CHECK(r->space_count < RUN_SPACES_MAX);
    snprintf(body, sizeof body,
             "{\"name\":\"" RUN_MARK " cluster %zu\",\"admit\":\"at-once\"}",
             r->space_count);
    snprintf(s->id, sizeof s->id, "%s",
             field(world_do(&r->w, chair, "space-create", NULL, body), "id"));
    s->chair = chair;
    s->member[chair] = true;
    return r->space_count++;
}

void cluster_join(struct run *r, size_t space, size_t who)
{
    struct run_space *s = &r->spaces[space];
    char body[3000];

    json_t *invite =
        world_do(&r->w, s->chair, "invite", s->id, "{\"role\":\"school\"}");
    snprintf(body, sizeof body, "{\"ticket\":\"%s\",\"wait_s\":50}",
             field(invite, "ticket"));
    (void)world_do(&r->w, who, "join", NULL, body);
    s->member[who] = r->w.failed[0] == '\0';
}

void cluster_carry(struct run *r, size_t space, size_t relay)
{
    struct run_space *s = &r->spaces[space];
    char body[400];

    json_t *address = world_do(&r->w, relay, "address", NULL, NULL);
    snprintf(body, sizeof body, "{\"address\":\"%s\"}",
             field(address, "address"));
    json_t *carried = world_do(&r->w, s->chair, "space-carrier", s->id, body);
    if (strcmp(field(carried, "state"), "carried") != 0)
        world_fail(&r->w, "the relay does not carry space %zu", space);
    s->carried[relay] = true;
}

void cluster_make(struct run *r, size_t schools)
{
    for (size_t i = 0; i < schools; i++)
        if (!r->spaces[0].member[i])
            cluster_join(r, 0, i);
}
