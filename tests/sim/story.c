#include "tests/sim/story.h"

#include <stdio.h>
#include <string.h>

void story_pair(struct run *r)
{
    static const struct host_plan hosts[STORY_HOSTS] = {
        [ALDER] = {.name = "alder"},
        [BIRCH] = {.name = "birch"},
        [CEDAR] = {.name = "cedar"},
        [RELAY] = {.name = "relay", .listens = true, .carries = true},
    };

    for (size_t i = 0; i < STORY_HOSTS; i++)
        host_boot(&r->w, world_add(&r->w, &hosts[i]));
    r->relay = RELAY;
    (void)cluster_space(r, ALDER);
    cluster_carry(r, 0, RELAY);
    cluster_join(r, 0, BIRCH);
}

void story_cluster(struct run *r)
{
    story_pair(r);
    cluster_join(r, 0, CEDAR);
}

static void with_space(struct run *r, const char *statement, char out[2000])
{
    size_t at = 0;

    for (const char *c = statement; *c != '\0' && at < 1900; c++) {
        if (c[0] == '$' && c[1] == 'S') {
            at += (size_t)snprintf(out + at, 2000 - at, "%s", r->spaces[0].id);
            c++;
        } else {
            out[at++] = *c;
        }
    }
    out[at] = '\0';
}

void story_write(struct run *r, size_t who, const char *statement)
{
    char text[2000];

    with_space(r, statement, text);
    (void)world_sql(&r->w, who, text);
}

size_t story_rows(struct run *r, size_t who, const char *statement)
{
    char text[2000];

    with_space(r, statement, text);
    return json_array_size(
        json_object_get(world_sql(&r->w, who, text), "rows"));
}

int64_t story_status(struct run *r, size_t who, const char *key)
{
    json_t *list =
        json_object_get(world_do(&r->w, who, "status", NULL, NULL), "spaces");
    json_t *value = json_object_get(json_array_get(list, 0), key);

    return json_is_array(value)  ? (int64_t)json_array_size(value)
           : json_is_true(value) ? 1
                                 : json_integer_value(value);
}

void story_cut_off(struct run *r, size_t who, bool cut_off)
{
    for (size_t i = 0; i < r->w.host_count; i++)
        r->w.net.blocked[who][i] = r->w.net.blocked[i][who] =
            cut_off && i != who;
    network_resume(&r->w);
}

void story_wait(struct run *r, covey_time how_long)
{
    world_run(&r->w, how_long);
}

void story_expect(struct run *r, bool so, const char *what)
{
    if (!so)
        world_fail(&r->w, "it is not so that %s", what);
}

void story_ends_well(struct run *r)
{
    r->calm = true;
    if (r->w.failed[0] == '\0')
        fault_end(r);
    if (r->w.failed[0] == '\0')
        oracle_end(r);
}
