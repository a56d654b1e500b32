#include "tests/sim/places.h"

#include <string.h>

/* The linker's. */
extern struct covey_place __start_covey_places[], __stop_covey_places[];

/* What no world can reach yet. */
static const struct {
    const char *name, *why;
} waiting[] = {
    {"a change set waits for a key", "needs a removal, which makes a new key"},
};

static const char *why_waiting(const char *name)
{
    for (size_t i = 0; i < sizeof waiting / sizeof waiting[0]; i++)
        if (strcmp(waiting[i].name, name) == 0)
            return waiting[i].why;
    return NULL;
}

size_t places_count(struct place_count out[PLACES_MAX])
{
    size_t count = 0;

    for (struct covey_place *p = __start_covey_places; p < __stop_covey_places;
         p++) {
        size_t at = 0;

        while (at < count && strcmp(out[at].name, p->name) < 0)
            at++;
        if (at == count || strcmp(out[at].name, p->name) != 0) {
            CHECK(count < PLACES_MAX);
            memmove(out + at + 1, out + at, (count - at) * sizeof *out);
            out[at] = (struct place_count){p->name, 0, why_waiting(p->name)};
            count++;
        }
        out[at].passed += p->passed;
    }
    return count;
}
