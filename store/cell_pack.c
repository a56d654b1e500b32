/* The record of cell.h as bytes: packed for clock.stamps, and hashed. */
#include <string.h>

#include "store/cell.h"
#include "store/varint.h"

enum {
    FLAG_MADE = 1,
    FLAG_ALIVE = 2,
    FLAG_ASIDE = 4,
    FLAG_SIBLINGS = 8,
    FLAG_AHEAD = 16,
    FLAG_EXISTENCE = 32, /* more, or other, than one insert */
};

#define STAMP_MAX (2 * VARINT_MAX + STAMP_NAME)

/* ---- packing ---- */

static void put_number(struct covey_buf *out, uint64_t v)
{
    uint8_t bytes[VARINT_MAX];

    buf_append(out, bytes, varint_put(bytes, v));
}

static void put_stamp(struct covey_buf *out, const struct cell_stamp *stamp)
{
    uint8_t bytes[STAMP_MAX];
    size_t len = varint_put(bytes, stamp->clock);

    len += varint_put(bytes + len, (uint64_t)stamp->number);
    memcpy(bytes + len, stamp->name.b, STAMP_NAME);
    buf_append(out, bytes, len + STAMP_NAME);
}

/* One insert, and nothing beside it: so it is with nearly every row. */
static bool is_plain(const struct cell_row *row)
{
    return row->exists_count == 1 && row->exists[0].value;
}

static bool same_stamp(const struct cell_stamp *a, const struct cell_stamp *b)
{
    return cell_name_equal(&a->name, &b->name) && a->clock == b->clock &&
           a->number == b->number;
}

struct group {
    uint64_t columns;
    const struct cell_stamp *stamp;
};

static void join_group(struct group *groups, size_t *count, uint32_t column,
                       const struct cell_stamp *stamp)
{
    size_t i = 0;

    while (i < *count && !same_stamp(groups[i].stamp, stamp))
        i++;
    if (i == *count) {
        groups[i] = (struct group){0, stamp};
        ++*count;
    }
    groups[i].columns |= CELL_BIT(column);
}

static size_t group_columns(const struct cell_row *row, struct group *groups)
{
    size_t count = 0;
    uint64_t left = row->have;

    if (is_plain(row))
        join_group(groups, &count, COLUMN_EXISTS, &row->exists[0].stamp);
    while (left != 0) {
        uint32_t column = (uint32_t)__builtin_ctzll(left);

        left &= left - 1;
        join_group(groups, &count, column, &row->stamp[column]);
    }
    return count;
}

static uint8_t flags_of(const struct cell_row *row)
{
    unsigned flags = 0;

    flags |= row->made ? FLAG_MADE : 0u;
    flags |= row->alive ? FLAG_ALIVE : 0u;
    flags |= row->aside ? FLAG_ASIDE : 0u;
    flags |= is_plain(row) || row->exists_count == 0 ? 0u : FLAG_EXISTENCE;
    for (size_t i = 0; i < row->sibling_count; i++)
        flags |= row->siblings[i].gone ? 0u : FLAG_SIBLINGS;
    for (size_t i = 0; i < row->ahead_count; i++)
        flags |= row->ahead[i].gone ? 0u : FLAG_AHEAD;
    return (uint8_t)flags;
}

static void put_existence(const struct cell_row *row, struct covey_buf *out)
{
    put_number(out, row->exists_count);
    for (size_t i = 0; i < row->exists_count; i++) {
        const struct cell_exists *it = &row->exists[i];

        uint8_t value = it->value;

        put_stamp(out, &it->stamp);
        buf_append(out, &value, 1);
        if (it->value)
            continue;
        put_number(out, it->seen.len);
        buf_append(out, it->seen.p, it->seen.len);
    }
}

void cell_pack(const struct cell_row *row, struct covey_buf *out)
{
    struct group groups[CELL_COLUMNS];
    size_t count = group_columns(row, groups);
    uint8_t flags = flags_of(row);

    buf_append(out, &flags, 1);
    put_number(out, count);
    for (size_t i = 0; i < count; i++) {
        put_number(out, groups[i].columns);
        put_stamp(out, groups[i].stamp);
    }
    if ((flags & FLAG_EXISTENCE) != 0)
        put_existence(row, out);
}

/* ---- unpacking ---- */

static bool get_stamp(struct covey_bytes *in, struct cell_stamp *out)
{
    uint64_t number;

    if (!varint_get(in, &out->clock) || !varint_get(in, &number) ||
        in->len < STAMP_NAME)
        return false;
    out->number = (int64_t)number;
    out->author = NULL;
    memcpy(out->name.b, in->p, STAMP_NAME);
    in->p += STAMP_NAME;
    in->len -= STAMP_NAME;
    return true;
}

static bool get_group(struct cell_row *row, struct covey_bytes *in)
{
    uint64_t columns;
    struct cell_stamp stamp;

    if (!varint_get(in, &columns) || !get_stamp(in, &stamp))
        return false;
    if ((columns & CELL_BIT(COLUMN_EXISTS)) != 0)
        cell_add_exists(row, &(struct cell_exists){stamp, .value = true});
    columns &= ~CELL_BIT(COLUMN_EXISTS);
    row->have |= columns;
    for (; columns != 0; columns &= columns - 1)
        row->stamp[__builtin_ctzll(columns)] = stamp;
    return true;
}

static bool get_seen(struct cell_row *row, struct covey_bytes *in,
                     struct cell_exists *it)
{
    uint64_t len;

    if (!varint_get(in, &len) || len > in->len)
        return false;
    it->seen =
        cell_arena_copy(&row->arena, (struct covey_bytes){in->p, (size_t)len});
    in->p += len;
    in->len -= (size_t)len;
    return true;
}

static bool get_existence(struct cell_row *row, struct covey_bytes *in)
{
    uint64_t count;

    if (!varint_get(in, &count))
        return false;
    for (uint64_t i = 0; i < count; i++) {
        struct cell_exists it = {.value = false};

        if (!get_stamp(in, &it.stamp) || in->len == 0)
            return false;
        it.value = *in->p != 0;
        in->p++;
        in->len--;
        if (!it.value && !get_seen(row, in, &it))
            return false;
        cell_add_exists(row, &it);
    }
    return true;
}

enum covey_rc cell_unpack(struct cell_row *row, struct covey_bytes in,
                          struct cell_flags *flags)
{
    uint64_t count;

    if (in.len == 0)
        return COVEY_ECORRUPT;

    unsigned bits = *in.p;

    in.p++;
    in.len--;
    if (!varint_get(&in, &count))
        return COVEY_ECORRUPT;
    for (uint64_t i = 0; i < count; i++) {
        if (!get_group(row, &in))
            return COVEY_ECORRUPT;
    }
    if ((bits & FLAG_EXISTENCE) != 0 && !get_existence(row, &in))
        return COVEY_ECORRUPT;
    row->known = true;
    row->made = (bits & FLAG_MADE) != 0;
    row->alive = (bits & FLAG_ALIVE) != 0;
    row->aside = (bits & FLAG_ASIDE) != 0;
    flags->siblings = (bits & FLAG_SIBLINGS) != 0;
    flags->ahead = (bits & FLAG_AHEAD) != 0;
    if (in.len != 0)
        return COVEY_ECORRUPT;
    return row->arena.failed ? COVEY_ENOMEM : COVEY_OK;
}

/* ---- the hash ---- */

/* One write, as the hash takes it. */
struct standing {
    const struct cell_stamp *stamp;
    const struct cell_value *value;
};

/* What is hashed: the stamp is left out where the write before has the same.
 * Bytes gather in `out` and go to the hasher now and then. */
struct hashing {
    struct hasher hasher;
    struct covey_buf *out;
    const struct cell_stamp *last;
    bool gone; /* the row is dead: its values are not told */
};

#define GONE_MARK 0xc1u /* a byte that begins no msgpack value */
#define GATHER_BYTES 16384u

static void drain(struct hashing *h)
{
    hasher_add(&h->hasher, h->out->p, h->out->len);
    h->out->len = 0;
}

static void hash_write(struct hashing *h, uint32_t column,
                       const struct standing *w)
{
    uint8_t head[2] = {(uint8_t)column, 1};

    if (h->last != NULL && same_stamp(h->last, w->stamp))
        head[1] = 0;
    buf_append(h->out, head, sizeof head);
    if (head[1] == 1) {
        uint8_t clock[8];

        put_u64(clock, w->stamp->clock);
        buf_append(h->out, clock, sizeof clock);
        buf_append(h->out, w->stamp->author->b, sizeof w->stamp->author->b);
        buf_append(h->out, w->stamp->name.b, STAMP_NAME);
    }
    h->last = w->stamp;
    if (h->gone && column != COLUMN_EXISTS)
        buf_append(h->out, &(uint8_t){GONE_MARK}, 1);
    else
        cell_value_write(h->out, w->value);
    if (h->out->len > GATHER_BYTES)
        drain(h);
}

/* The sibling with the least stamp above `after`. */
static const struct cell_sibling *next_sibling(const struct cell_row *row,
                                               uint32_t column,
                                               const struct cell_stamp *after)
{
    const struct cell_sibling *best = NULL;

    for (size_t i = 0; i < row->sibling_count; i++) {
        const struct cell_sibling *it = &row->siblings[i];

        if (it->gone || it->column != column ||
            (after != NULL && cell_stamp_compare(&it->stamp, after) <= 0))
            continue;
        if (best == NULL || cell_stamp_compare(&it->stamp, &best->stamp) < 0)
            best = it;
    }
    return best;
}

/* The shown one is the greatest, so it comes last. */
static void hash_column(struct hashing *h, const struct cell_row *row,
                        uint32_t column)
{
    const struct cell_sibling *it = NULL;

    if (row->sibling_count > 0)
        it = next_sibling(row, column, NULL);
    for (; it != NULL; it = next_sibling(row, column, &it->stamp))
        hash_write(h, column, &(struct standing){&it->stamp, &it->value});
    if ((row->have & CELL_BIT(column)) != 0)
        hash_write(
            h, column,
            &(struct standing){&row->stamp[column], &row->value[column]});
}

static const struct cell_exists *next_exists(const struct cell_row *row,
                                             const struct cell_stamp *after)
{
    const struct cell_exists *best = NULL;

    for (size_t i = 0; i < row->exists_count; i++) {
        const struct cell_exists *it = &row->exists[i];

        if (after != NULL && cell_stamp_compare(&it->stamp, after) <= 0)
            continue;
        if (best == NULL || cell_stamp_compare(&it->stamp, &best->stamp) < 0)
            best = it;
    }
    return best;
}

static void hash_existence(struct hashing *h, const struct cell_row *row)
{
    const struct cell_exists *it = next_exists(row, NULL);

    for (; it != NULL; it = next_exists(row, &it->stamp)) {
        const struct cell_value value = {.type = CELL_BOOL,
                                         .integer = it->value};
        uint8_t len[4];

        hash_write(h, COLUMN_EXISTS, &(struct standing){&it->stamp, &value});
        if (it->value)
            continue;
        put_u32(len, (uint32_t)it->seen.len);
        buf_append(h->out, len, sizeof len);
        buf_append(h->out, it->seen.p, it->seen.len);
    }
}

static uint64_t columns_of(const struct cell_row *row)
{
    uint64_t columns = row->have;

    for (size_t i = 0; i < row->sibling_count; i++) {
        if (!row->siblings[i].gone)
            columns |= CELL_BIT(row->siblings[i].column);
    }
    return columns & ~CELL_BIT(COLUMN_EXISTS);
}

enum covey_rc cell_hash(const struct cell_row *row, struct covey_buf *scratch,
                        uint8_t out[16])
{
    struct hashing h = {.out = scratch, .gone = !row->alive};
    uint8_t head[4 + sizeof row->id.b + 1];
    uint64_t columns = columns_of(row);

    hasher_init(&h.hasher, "covey/1 row");
    buf_reset(scratch);
    put_u32(head, row->table);
    memcpy(head + 4, row->id.b, sizeof row->id.b);
    head[sizeof head - 1] = row->made;
    buf_append(scratch, head, sizeof head);
    hash_existence(&h, row);
    for (; columns != 0; columns &= columns - 1)
        hash_column(&h, row, (uint32_t)__builtin_ctzll(columns));
    drain(&h);

    struct hash hash = hasher_end(&h.hasher);

    memcpy(out, hash.b, 16);
    return buf_rc(scratch);
}
