#include "tests/sim/trace.h"

#include <string.h>

static const struct {
    const char *name, *a, *b;
} words[TRACE_KIND_COUNT] = {
#define X(kind, name, a, b) [TRACE_##kind] = {name, a, b},
    TRACE_TABLE(X)
#undef X
};

static void mix(struct trace *t, uint64_t word)
{
    t->hash = (t->hash ^ word) * 0x9fb21c651e98df25u;
    t->hash ^= t->hash >> 29;
}

static void tell_one(const struct trace_record *r, FILE *to)
{
    char who[24] = "-";

    if (r->host != TRACE_NOBODY)
        snprintf(who, sizeof who, "n%zu", r->host);
    fprintf(to, "%12.6f %-4s %-8s %s=%lld %s=%lld\n",
            (double)r->at / (double)COVEY_SECOND, who, words[r->kind].name,
            words[r->kind].a, (long long)r->a, words[r->kind].b,
            (long long)r->b);
}

void trace_note(struct trace *t, const struct trace_record *record)
{
    mix(t, (uint64_t)record->at);
    mix(t, (uint64_t)record->host << 8 | (uint64_t)record->kind);
    mix(t, record->a);
    mix(t, record->b);
    t->kept[t->count++ % TRACE_KEPT] = *record;
    if (t->print)
        tell_one(record, stderr);
}

void trace_bytes(struct trace *t, const void *p, size_t len)
{
    const uint8_t *bytes = p;
    uint64_t word = 0;

    for (; len >= 8; bytes += 8, len -= 8)
        mix(t, get_u64(bytes));
    for (; len > 0; bytes++, len--)
        word = word << 8 | *bytes;
    mix(t, word);
}

void trace_tell(const struct trace *t, FILE *to)
{
    uint64_t first = t->count > TRACE_KEPT ? t->count - TRACE_KEPT : 0;

    for (uint64_t i = first; i < t->count; i++)
        tell_one(&t->kept[i % TRACE_KEPT], to);
}
