#include "proto/epoch_fold.h"

/* Sealed changes: the space's terms, and what the clear part leaves out of
 * carriers and invites. */

/* ---- terms ---- */

void epoch_put_terms(const struct epoch_change *change, struct covey_buf *out)
{
    epoch_put_text(out, change->name);
    wire_uint(out, change->space_kind);
    wire_uint(out, change->admit);
}

enum covey_rc epoch_take_terms(struct epoch_fold *f, struct wire_cursor *c)
{
    struct covey_bytes name = wire_read_text(c);
    uint64_t kind = wire_read_uint_max(c, SPACE_KIND_COUNT - 1);
    uint64_t admit = wire_read_uint_max(c, ADMIT_AT_ONCE);

    if (!wire_ok(c))
        return epoch_malformed(f);
    if (!membership_name_fits(name))
        return epoch_bad_name(f);
    if (!f->first && kind != f->m->kind)
        return epoch_refuse(f, "a space's kind never changes");
    epoch_keep(f->m->name, sizeof f->m->name, name);
    f->m->kind = (enum space_kind)kind;
    f->m->admit = (enum admit_mode)admit;
    f->has_terms = true;
    return COVEY_OK;
}

/* ---- what the clear part leaves out of carriers and invites ---- */

void epoch_put_carrier_name(const struct epoch_change *change,
                            struct covey_buf *out)
{
    wire_bin(out, change->carrier.b, sizeof change->carrier.b);
    epoch_put_text(out, change->name);
    epoch_put_text(out, change->address);
}

enum covey_rc epoch_take_carrier_name(struct epoch_fold *f,
                                      struct wire_cursor *c)
{
    struct noise_key key;

    wire_read_fixed(c, key.b, sizeof key.b);

    struct covey_bytes name = wire_read_text(c);
    struct covey_bytes address = wire_read_text(c);

    if (!wire_ok(c))
        return epoch_malformed(f);
    if (!membership_name_fits(name))
        return epoch_bad_name(f);
    if (!epoch_address_fits(address))
        return epoch_bad_address(f);

    struct seat_carrier *carrier = membership_carrier(f->m, &key);

    if (carrier == NULL || !carrier->present)
        return epoch_refuse(f, "it does not carry this space");
    epoch_keep(carrier->name, sizeof carrier->name, name);
    epoch_keep(carrier->address, sizeof carrier->address, address);
    return COVEY_OK;
}

void epoch_put_invite_role(const struct epoch_change *change,
                           struct covey_buf *out)
{
    wire_bin(out, change->invite.b, sizeof change->invite.b);
    wire_uint(out, change->role);
}

enum covey_rc epoch_take_invite_role(struct epoch_fold *f,
                                     struct wire_cursor *c)
{
    struct invite_id id;

    wire_read_fixed(c, id.b, sizeof id.b);

    /* An invite may be for a carrier, though that gets no seat. */
    enum role role = (enum role)wire_read_uint_max(c, ROLE_COUNT - 1);

    if (!wire_ok(c))
        return epoch_malformed(f);

    struct seat_invite *invite = membership_invite(f->m, &id);

    if (invite == NULL || invite->state != INVITE_OPEN)
        return epoch_refuse(f, "no such invite is open");
    if (!role_fits(role, f->m->kind))
        return epoch_refuse(f, "this kind of space has no such role");
    invite->role = role;
    return COVEY_OK;
}
