#include "proto/epoch_fold.h"

#include <string.h>

#include "proto/ticket.h"

struct op_row {
    enum epoch_op op;
    bool clear;
    size_t values;
    void (*put)(const struct epoch_change *change, struct covey_buf *out);
    enum covey_rc (*take)(struct epoch_fold *f, struct wire_cursor *c);
};

static const struct op_row op_rows[] = {
#define X(op, clear, values, name)                                             \
    {op, clear, values, epoch_put_##name, epoch_take_##name},
    EPOCH_OP_TABLE(X)
#undef X
};

static const struct op_row *row_of(uint64_t op)
{
    for (size_t i = 0; i < sizeof op_rows / sizeof op_rows[0]; i++) {
        if (op_rows[i].op == op)
            return &op_rows[i];
    }
    return NULL;
}

enum covey_rc epoch_refuse(struct epoch_fold *f, const char *text)
{
    covey_why_set(f->why, text);
    return COVEY_EBAD;
}

enum covey_rc epoch_malformed(struct epoch_fold *f)
{
    return epoch_refuse(f, "a change has a value of the wrong kind or size");
}

/* ---- values that several changes have ---- */

void epoch_put_text(struct covey_buf *out, const char *text)
{
    wire_text(out, text, text == NULL ? 0 : strlen(text));
}

void epoch_keep(char *out, size_t cap, struct covey_bytes text)
{
    CHECK(text.len < cap);
    memset(out, 0, cap);
    if (text.len > 0)
        memcpy(out, text.p, text.len);
}

enum covey_rc epoch_bad_name(struct epoch_fold *f)
{
    return epoch_refuse(f, "a name has 1 to 120 bytes of UTF-8 text and no "
                           "control characters");
}

bool epoch_address_fits(struct covey_bytes at)
{
    return at.len == 0 || address_at_fits(at);
}

enum covey_rc epoch_bad_address(struct epoch_fold *f)
{
    return epoch_refuse(f, "an address is written HOST:PORT");
}

enum role epoch_read_role(struct wire_cursor *c)
{
    return (enum role)wire_read_uint_max(c, ROLE_CARRIER - 1);
}

/* ---- writing ---- */

/* The row of a change that this node makes, and so knows. */
static const struct op_row *own_row(const struct epoch_change *change)
{
    const struct op_row *row = row_of(change->op);

    CHECK(row != NULL);
    return row;
}

static bool is_in(const struct op_row *row, enum epoch_part part)
{
    return row->clear == (part == EPOCH_PART_CLEAR);
}

void epoch_put_changes(const struct epoch_draft *draft, enum epoch_part part,
                       struct covey_buf *out)
{
    size_t count = 0;

    for (size_t i = 0; i < draft->change_count; i++)
        count += is_in(own_row(&draft->changes[i]), part);
    wire_array(out, count);
    for (size_t i = 0; i < draft->change_count; i++) {
        const struct epoch_change *change = &draft->changes[i];
        const struct op_row *row = own_row(change);

        if (!is_in(row, part))
            continue;
        wire_array(out, row->values);
        wire_uint(out, row->op);
        row->put(change, out);
    }
}

/* ---- folding ---- */

enum covey_rc epoch_fold_begin(struct epoch_fold *f,
                               const struct membership *parent,
                               struct membership *next, struct covey_why *why)
{
    *f = (struct epoch_fold){
        .m = next,
        .parent = parent,
        .first = epoch_is_first(parent),
        .why = why,
    };

    enum covey_rc rc = membership_copy(parent, next);

    if (rc == COVEY_OK && !f->first)
        next->number++;
    return rc;
}

static enum covey_rc take_change(struct epoch_fold *f, enum epoch_part part,
                                 struct wire_cursor *c)
{
    size_t values = wire_read_array(c);
    uint64_t op = wire_read_uint(c);
    const struct op_row *row = row_of(op);

    if (!wire_ok(c))
        return epoch_malformed(f);
    if (row == NULL) {
        covey_why_set(f->why, "a change of a kind that only a newer version of "
                              "covey knows");
        return COVEY_ENEWER;
    }
    if (!is_in(row, part) || row->values != values)
        return epoch_malformed(f);
    return row->take(f, c);
}

enum covey_rc epoch_fold_changes(struct epoch_fold *f, enum epoch_part part,
                                 struct covey_bytes changes)
{
    struct wire_cursor c = wire_cursor(changes);

    if (wire_validate(changes) != COVEY_OK)
        return epoch_refuse(f, "a name is not UTF-8 text, or there is more "
                               "than one epoch can hold");

    size_t count = wire_read_array(&c);

    if (count > EPOCH_CHANGES_MAX)
        return epoch_refuse(f, "more changes than one epoch can hold");
    for (f->done = 0; f->done < count; f->done++) {
        enum covey_rc rc = take_change(f, part, &c);

        if (rc != COVEY_OK)
            return rc;
    }
    return wire_done(&c) ? COVEY_OK : epoch_malformed(f);
}
