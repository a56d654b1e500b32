/* Epochs (epoch.h, membership.h), as a member and as a carrier.
 *
 * Edited: an epoch of a good chain with some bytes changed.  Whatever still
 * verifies is the same epoch.  Forged: a chair with software of its own makes
 * changes of the input, edits the msgpack that says them, signs the lot.  What
 * a member takes, a carrier takes too; the state that results is the one that
 * was signed; and the state before is as it was. */
#include <string.h>

#include "proto/epoch_fold.h"
#include "proto/wire.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/support_forge.h"

static struct chain w;

static void setup(void)
{
    struct plan admits = {.count = 0}, removes = {.count = 0};

    chain_settle(&w);
    plan_admit(&admits, &w.party[2], 2, ROLE_SCHOOL);
    chain_grow(&w, &admits);
    plan_remove(&removes, &w, &w.party[2]);
    chain_rotate(&w, &removes);
    chain_invite(&w, 4, ROLE_COUNCIL);
}

/* ---- what any epoch must keep to ---- */

static void rewrite(const struct epoch *e, struct covey_bytes in)
{
    const struct covey_bytes parts[] = {e->clear, e->sealed, e->boxes,
                                        e->history, e->signatures};
    struct covey_buf out = fuzz_buf();

    wire_array(&out, 5);
    for (size_t i = 0; i < 5; i++)
        wire_bin(&out, parts[i].p, parts[i].len);
    CHECK(fuzz_same(buf_bytes(&out), in));
    buf_clear(&out);
}

static void open_all(const struct epoch *e, const struct space_keys *keys)
{
    struct space_keys out = {.number = 0};

    for (size_t i = 0; i < 3; i++) {
        if (epoch_open_box(e, &w.party[i].secrets.reading, &out) == COVEY_OK)
            CHECK(out.number == e->key_number);
    }
    if (epoch_open_history(e, &keys->history, &out) == COVEY_OK)
        CHECK(out.number + 1 == e->key_number);
}

/* Apply as a member (keys) or a carrier (NULL). */
static enum covey_rc apply(const struct membership *parent,
                           const struct epoch *e, const struct space_keys *keys)
{
    struct membership next;
    struct hash result;

    membership_init(&next, &w.mem);

    enum covey_rc rc = epoch_apply(parent, e, keys, &next);

    if (rc == COVEY_OK) {
        CHECK(next.readable == (keys != NULL));
        CHECK(hash_equal(&next.head, &e->hash));
        CHECK(next.number == e->number);
    }
    if (rc == COVEY_OK && keys != NULL) {
        CHECK(membership_hash(&next, &result) == COVEY_OK);
        CHECK(hash_equal(&result, &e->result));
        CHECK(membership_voters(&next) <= membership_present(&next));
    }
    membership_clear(&next);
    return rc;
}

/* ---- edited ---- */

/* Change some bytes: `count` times a place and what to xor it with. */
static void edit(struct fuzz_in *in, struct covey_buf *b)
{
    for (size_t count = fuzz_u8(in) % 16; count > 0 && b->len > 0; count--) {
        size_t at = fuzz_u16(in) % b->len;

        b->p[at] ^= fuzz_u8(in);
    }
}

static void edit_one(struct fuzz_in *in)
{
    size_t which = fuzz_u8(in) % w.count;
    struct covey_bytes good = buf_bytes(&w.epochs[which]);
    struct covey_buf bytes = fuzz_buf();
    struct membership parent;
    struct epoch e;

    buf_append(&bytes, good.p, good.len);
    edit(in, &bytes);
    if (fuzz_u8(in) % 2)
        bytes.len = fuzz_u16(in) % (bytes.len + 1);
    if (epoch_read(buf_bytes(&bytes), &e) == COVEY_OK) {
        rewrite(&e, buf_bytes(&bytes));
        chain_fold(&w, which, w.keys_at, &parent);
        bool verifies = epoch_verify(&parent, &e) == COVEY_OK;
        CHECK(verifies == fuzz_same(buf_bytes(&bytes), good));
        enum covey_rc rc = apply(&parent, &e, &w.keys_at[which]);
        CHECK(!verifies || rc == COVEY_OK);
        open_all(&e, &w.keys_at[which]);
        membership_clear(&parent);
    }
    buf_clear(&bytes);
}

/* ---- forged ---- */

static const char *const names[] = {"Birch", "", "Oak\n",
                                    "\xe2\x80\xae"
                                    "Elm"};
static const char *const addresses[] = {"", "a.example:1", "nowhere",
                                        "[::1]:9"};

static void add_change(struct plan *plan, struct fuzz_in *in)
{
    static const enum epoch_op ops[] = {
#define X(op, clear, values, name) op,
        EPOCH_OP_TABLE(X)
#undef X
    };
    struct epoch_change *c =
        plan_add(plan, ops[fuzz_u8(in) % (sizeof ops / sizeof ops[0])]);
    const struct party *p = &w.party[fuzz_u8(in) % PARTIES];
    uint8_t more = fuzz_u8(in);
    bool seat = c->op == EPOCH_SEAT;

    c->slot = more % 16 == 15 ? 0xffffffff : p->slot;
    c->role = (enum role)(fuzz_u8(in) % ROLE_COUNT);
    c->rights = more & 0x80 ? more : membership_rights(c->role);
    c->member_kind = (enum member_kind)(more % MEMBER_KIND_COUNT);
    c->space_kind = (enum space_kind)(more % SPACE_KIND_COUNT);
    c->admit = (enum admit_mode)(more % 2);
    c->invite_end = (enum invite_state)(more % 3);
    c->urn = more;
    c->expires_ms = more;
    memcpy(c->salt, w.salt, sizeof c->salt);
    c->author = p->author.key;
    c->carrier = carrier_of(more % 4);
    c->invite = invite_of(more % 8);
    c->name = names[more / 4 % 4];
    c->address = addresses[more / 16 % 4];
    c->cert = seat ? member_cert_of(p) : node_cert_of(p);
    c->author_cert = author_cert_of(p);
}

/* The state that the changes make, if they make one; else zeros. */
static struct hash result_of(const struct forgery *f,
                             const struct space_keys *keys)
{
    struct membership next;
    struct epoch_fold fold;
    struct covey_why why;
    struct hash result = {{0}};

    membership_init(&next, &w.mem);
    enum covey_rc rc = epoch_fold_begin(&fold, &w.now, &next, &why);
    if (rc == COVEY_OK)
        rc = epoch_fold_changes(&fold, EPOCH_PART_CLEAR, *f->clear);
    if (rc == COVEY_OK)
        rc = epoch_fold_changes(&fold, EPOCH_PART_SEALED, *f->sealed);
    next.readable = true;
    next.key_number = keys->number;
    next.rules_version = RULES_VERSION;
    if (rc == COVEY_OK && epoch_fold_end(&fold) == COVEY_OK)
        CHECK(membership_hash(&next, &result) == COVEY_OK);
    membership_clear(&next);
    return result;
}

/* The forged epoch meets everybody. */
static void meet(struct covey_bytes bytes, const struct space_keys *keys,
                 const struct hash *result)
{
    struct epoch e;

    if (epoch_read(bytes, &e) != COVEY_OK)
        return;
    rewrite(&e, bytes);
    open_all(&e, keys);
    if (epoch_verify(&w.now, &e) != COVEY_OK)
        return;

    enum covey_rc member = apply(&w.now, &e, keys);
    enum covey_rc carrier = apply(&w.now, &e, NULL);

    CHECK((member == COVEY_OK) == !hash_is_zero(result));
    CHECK(member != COVEY_OK || carrier == COVEY_OK);
}

static void make_plan(struct plan *plan, struct fuzz_in *in)
{
    size_t changes = fuzz_u8(in) % 24;

    while (changes-- > 0)
        add_change(plan, in);
    for (size_t boxes = fuzz_u8(in) % PARTIES; boxes > 0; boxes--)
        plan_box(plan, &w.party[boxes], boxes % 2);
}

static void forge_one(struct fuzz_in *in)
{
    static struct plan plan;
    struct covey_buf clear = fuzz_buf(), sealed = fuzz_buf();
    struct covey_buf out = chain_buf(&w);
    struct covey_rng rng = w.rng;
    bool rotates = fuzz_u8(in) % 2;
    struct space_keys keys = rotates ? chain_next_keys(&w) : w.keys;
    struct epoch_draft draft = {.changes = plan.changes};

    plan.count = plan.box_count = 0;
    make_plan(&plan, in);
    draft.change_count = plan.count;
    epoch_put_changes(&draft, EPOCH_PART_CLEAR, &clear);
    epoch_put_changes(&draft, EPOCH_PART_SEALED, &sealed);
    edit(in, &clear);
    edit(in, &sealed);
    struct covey_bytes parts[] = {buf_bytes(&clear), buf_bytes(&sealed)};
    struct forgery f = {.plan = &plan,
                        .clear = &parts[0],
                        .sealed = &parts[1],
                        .keys = &keys,
                        .retired = rotates ? &w.keys : NULL};
    struct hash result = result_of(&f, &keys);
    f.result = &result;
    forge(&w, &f, &out);
    meet(buf_bytes(&out), &keys, &result);
    w.rng = rng;
    buf_clear(&out);
    buf_clear(&clear);
    buf_clear(&sealed);
}

static void one(struct covey_bytes in)
{
    struct fuzz_in parts = fuzz_in(in);
    struct hash before, after;
    struct epoch e;
    int live = w.counter.live;

    CHECK(membership_hash(&w.now, &before) == COVEY_OK);
    switch (fuzz_u8(&parts) % 3) {
    case 0:
        in = fuzz_rest(&parts);
        if (epoch_read(in, &e) == COVEY_OK)
            rewrite(&e, in);
        break;
    case 1:
        edit_one(&parts);
        break;
    default:
        forge_one(&parts);
    }
    CHECK(membership_hash(&w.now, &after) == COVEY_OK);
    CHECK(hash_equal(&before, &after));
    CHECK(w.counter.live == live);
}

const struct fuzz_target fuzz_target = {.setup = setup, .one = one};
