#include "support_forge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "proto/epoch_fold.h"
#include "proto/epoch_seal.h"

static void put_hex(struct covey_buf *out, const char *hex)
{
    size_t len = strlen(hex) / 2;
    uint8_t *place = buf_extend(out, len);

    assert_non_null(place);
    assert_true(hex_decode(hex, place, len));
}

static void put_clear(struct covey_buf *out, const struct epoch *e,
                      struct covey_bytes changes)
{
    wire_array(out, 9);
    wire_uint(out, EPOCH_FORMAT);
    wire_bin(out, e->space.b, sizeof e->space.b);
    wire_uint(out, e->number);
    wire_bin(out, e->parent.b, sizeof e->parent.b);
    wire_bin(out, e->result.b, sizeof e->result.b);
    wire_uint(out, e->key_number);
    wire_bin(out, e->commitment.b, sizeof e->commitment.b);
    wire_uint(out, e->rules_version);
    buf_append(out, changes.p, changes.len);
}

static void put_whole(const struct epoch *e, struct covey_buf *out)
{
    const struct covey_bytes parts[] = {e->clear, e->sealed, e->boxes,
                                        e->history, e->signatures};

    wire_array(out, 5);
    for (size_t i = 0; i < 5; i++)
        wire_bin(out, parts[i].p, parts[i].len);
    assert_int_equal(buf_rc(out), COVEY_OK);
}

static struct epoch begin(const struct chain *w, const struct forgery *f,
                          const struct space_keys *keys)
{
    bool first = epoch_is_first(&w->now);
    struct epoch e = {
        .space = w->now.space,
        .number = first ? 0 : w->now.number + 1,
        .parent = w->now.head,
        .key_number = keys->number + f->key_number_more,
        .rules_version = f->rules_version ? f->rules_version : RULES_VERSION,
    };

    e.commitment = epoch_commitment(&e.space, e.number, &keys->key);
    if (f->result != NULL)
        e.result = *f->result;
    return e;
}

/* Append one part's changes: as bytes, in hex or from the plan. */
static void put_part(const struct forgery *f, const struct epoch_draft *draft,
                     enum epoch_part part, struct covey_buf *out)
{
    bool is_clear = part == EPOCH_PART_CLEAR;
    const struct covey_bytes *bytes = is_clear ? f->clear : f->sealed;
    const char *hex = is_clear ? f->clear_hex : f->sealed_hex;

    if (bytes != NULL)
        buf_append(out, bytes->p, bytes->len);
    else if (hex != NULL)
        put_hex(out, hex);
    else
        epoch_put_changes(draft, part, out);
}

void forge(struct chain *w, const struct forgery *f, struct covey_buf *out)
{
    static const struct plan nothing;
    const struct plan *plan = f->plan ? f->plan : &nothing;
    const struct space_keys *keys = f->keys ? f->keys : &w->keys;
    struct epoch_draft draft = {
        .changes = plan->changes,
        .change_count = plan->count,
        .boxes = plan->boxes,
        .box_count = plan->box_count,
        .keys = keys,
    };
    struct covey_buf bufs[7];
    struct epoch e = begin(w, f, keys);

    for (size_t i = 0; i < 7; i++)
        bufs[i] = chain_buf(w);
    put_part(f, &draft, EPOCH_PART_CLEAR, &bufs[0]);
    put_part(f, &draft, EPOCH_PART_SEALED, &bufs[1]);
    put_clear(&bufs[2], &e, buf_bytes(&bufs[0]));
    e.clear = buf_bytes(&bufs[2]);
    epoch_seal_changes(&keys->key, e.clear, buf_bytes(&bufs[1]), &w->rng,
                       &bufs[3]);
    e.sealed = buf_bytes(&bufs[3]);
    assert_int_equal(epoch_seal_boxes(&e, &draft, &w->rng, &bufs[4]), COVEY_OK);
    e.boxes = buf_bytes(&bufs[4]);
    if (f->retired != NULL)
        epoch_seal_history(&keys->history, f->retired, e.clear, &w->rng,
                           &bufs[5]);
    e.history = buf_bytes(&bufs[5]);
    e.hash = epoch_hash(&e);
    epoch_sign(&e, f->signer ? f->signer : &w->party[0].author, &bufs[6]);
    e.signatures = buf_bytes(&bufs[6]);
    put_whole(&e, out);
    for (size_t i = 0; i < 7; i++)
        buf_clear(&bufs[i]);
}

void forge_signatures(struct chain *w, struct covey_bytes epoch,
                      const struct party *const signers[], size_t count,
                      struct covey_buf *out)
{
    struct covey_buf signatures = chain_buf(w);
    struct epoch e;

    assert_int_equal(epoch_read(epoch, &e), COVEY_OK);
    for (size_t i = 0; i < count; i++)
        epoch_sign(&e, &signers[i]->author, &signatures);
    e.signatures = buf_bytes(&signatures);
    put_whole(&e, out);
    buf_clear(&signatures);
}

/* ---- what is refused ---- */

void chain_settle(struct chain *w)
{
    struct plan plan = {.count = 0};
    struct epoch_change *change;

    chain_init(w);
    chain_admit(w, 1, ROLE_SCHOOL);
    chain_invite(w, 2, ROLE_SCHOOL);
    chain_invite(w, 3, ROLE_SCHOOL);
    change = plan_used(&plan, 3);
    change->invite_end = INVITE_WITHDRAWN;
    change = plan_add(&plan, EPOCH_CARRIER);
    change->carrier = carrier_of(1);
    chain_grow(w, &plan);
}

static enum covey_rc apply(struct chain *w, const struct epoch *e,
                           const struct space_keys *keys)
{
    struct membership next;

    membership_init(&next, &w->mem);

    enum covey_rc rc = epoch_apply(&w->now, e, keys, &next);

    membership_clear(&next);
    return rc;
}

void assert_meets(struct chain *w, const struct forgery *f,
                  enum covey_rc member, enum covey_rc carrier)
{
    struct covey_buf out = chain_buf(w);
    struct epoch e;

    forge(w, f, &out);
    assert_int_equal(epoch_read(buf_bytes(&out), &e), COVEY_OK);
    assert_int_equal(epoch_verify(&w->now, &e), COVEY_OK);
    assert_int_equal(apply(w, &e, f->keys ? f->keys : &w->keys), member);
    assert_int_equal(apply(w, &e, NULL), carrier);
    buf_clear(&out);
}

void assert_unwritten(struct chain *w, const struct plan *plan,
                      const struct space_keys *keys,
                      const struct space_keys *retired, const char *word)
{
    struct covey_buf out = chain_buf(w);
    struct membership next;

    assert_int_equal(chain_try(w, plan, keys, retired, &next, &out),
                     COVEY_EREFUSED);
    if (strstr(chain_why.text, word) == NULL)
        fail_msg("\"%s\" does not speak of \"%s\"", chain_why.text, word);
    assert_int_equal(out.len, 0);
    membership_clear(&next);
    buf_clear(&out);
}

void refused_by_all(struct chain *w, const struct plan *plan, const char *word)
{
    assert_unwritten(w, plan, &w->keys, NULL, word);
    assert_meets(w, &(struct forgery){.plan = plan}, COVEY_EBAD, COVEY_EBAD);
}

void refused(struct chain *w, const struct plan *plan, const char *word)
{
    assert_unwritten(w, plan, &w->keys, NULL, word);
    assert_meets(w, &(struct forgery){.plan = plan}, COVEY_EBAD, COVEY_OK);
}

void forged(struct chain *w, const struct plan *plan, const char *word)
{
    assert_unwritten(w, plan, &w->keys, NULL, word);
    assert_meets(w, &(struct forgery){.plan = plan}, COVEY_EFORGED, COVEY_OK);
}

void refused_rotating(struct chain *w, const struct plan *plan,
                      enum covey_rc carrier, const char *word)
{
    struct space_keys keys = chain_next_keys(w);

    assert_unwritten(w, plan, &keys, &w->keys, word);
    assert_meets(
        w, &(struct forgery){.plan = plan, .keys = &keys, .retired = &w->keys},
        COVEY_EBAD, carrier);
}
