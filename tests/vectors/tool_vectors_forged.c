/* The vectors of epochs that do not hold: each would follow the chain of
 * epochs.json, and a carrier, who sees the clear part alone, refuses it. */
#include <sodium.h>

#include "proto/epoch_seal.h"
#include "tests/vectors/refused.h"
#include "tests/vectors/story.h"

/* What differs from an epoch that a carrier takes; zeroed: nothing. */
struct forgery {
    struct plan plan;
    uint64_t number_more;
    bool other_parent;
    bool other_space;
    uint32_t key_more;
    bool has_history;
    bool no_boxes;
    bool old_rules;
    const struct party *signers[3]; /* none: Ash */
};

static void put_clear(struct covey_buf *out, const struct epoch *e,
                      const struct epoch_draft *draft)
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
    epoch_put_changes(draft, EPOCH_PART_CLEAR, out);
}

static void sign(struct epoch *e, const struct forgery *f,
                 struct covey_buf *out)
{
    if (f->signers[0] == NULL)
        epoch_sign(e, &ash.author, out);
    for (size_t i = 0; i < 3 && f->signers[i] != NULL; i++)
        epoch_sign(e, &f->signers[i]->author, out);
}

static void forge(const struct forgery *f, struct covey_buf *out)
{
    static const uint8_t empty[] = {0x90};
    struct epoch_draft draft = {
        .changes = f->plan.changes,
        .change_count = f->plan.count,
        .boxes = f->plan.boxes,
        .box_count = f->no_boxes ? 0 : f->plan.box_count,
        .keys = &keys,
    };
    struct covey_buf bufs[5];
    struct epoch e = {
        .space = space,
        .number = now.number + 1 + f->number_more,
        .parent = now.head,
        .key_number = keys.number + f->key_more,
        .rules_version = f->old_rules ? 0 : RULES_VERSION,
    };

    for (size_t i = 0; i < 5; i++)
        bufs[i] = heap_buf();
    e.parent.b[0] ^= f->other_parent;
    e.space.b[0] ^= f->other_space;
    put_clear(&bufs[0], &e, &draft);
    e.clear = buf_bytes(&bufs[0]);
    epoch_seal_changes(&keys.key, e.clear,
                       (struct covey_bytes){empty, sizeof empty}, &rng,
                       &bufs[1]);
    e.sealed = buf_bytes(&bufs[1]);
    need(epoch_seal_boxes(&e, &draft, &rng, &bufs[2]));
    e.boxes = buf_bytes(&bufs[2]);
    if (f->has_history)
        epoch_seal_history(&keys.history, &keys, e.clear, &rng, &bufs[3]);
    e.history = buf_bytes(&bufs[3]);
    e.hash = epoch_hash(&e);
    sign(&e, f, &bufs[4]);
    e.signatures = buf_bytes(&bufs[4]);
    epoch_put(&e, out);
    for (size_t i = 0; i < 5; i++)
        buf_clear(&bufs[i]);
}

static bool takes_epoch(struct covey_bytes in)
{
    struct membership next;
    struct epoch e;

    if (epoch_read(in, &e) != COVEY_OK || epoch_verify(&now, &e) != COVEY_OK)
        return false;
    membership_init(&next, &heap);

    enum covey_rc rc = epoch_apply(&now, &e, NULL, &next);

    membership_clear(&next);
    return rc == COVEY_OK;
}

static void emit(const char *what, const struct forgery *f)
{
    static const struct format format = {"epoch", takes_epoch};
    struct covey_buf bytes = heap_buf();

    forge(f, &bytes);
    emit_input(&format, what, buf_bytes(&bytes));
    buf_clear(&bytes);
}

/* ---- the chain, signatures, keys ---- */

static void emit_places(void)
{
    struct party stranger;

    make_party(&stranger, "nobody", 5);
    enter(&stranger, space.b);
    emit("a number left out", &(struct forgery){.number_more = 1});
    emit("another parent", &(struct forgery){.other_parent = true});
    emit("another space", &(struct forgery){.other_space = true});
    emit("rules of an older version", &(struct forgery){.old_rules = true});
    emit("a voter alone", &(struct forgery){.signers = {&birch}});
    emit("a voter twice", &(struct forgery){.signers = {&birch, &birch}});
    emit("the chair, and a stranger",
         &(struct forgery){.signers = {&ash, &stranger}});
    emit("the chair, and who is cut",
         &(struct forgery){.signers = {&ash, &second}});
}

static void emit_keys(void)
{
    struct forgery f = {.key_more = 1};

    emit("a new key without history", &f);
    f.has_history = true;
    emit("a new key that nobody gets", &f);
    plan_box(&f.plan, &ash, true);
    f.key_more = 2;
    emit("a key left out", &f);
    f.key_more = 0;
    emit("history without a new key", &f);
}

/* ---- changes ---- */

static struct epoch_change *only(struct forgery *f, enum epoch_op op)
{
    *f = (struct forgery){.plan.count = 0};
    return change(&f->plan, op);
}

static void emit_authors(void)
{
    static const struct log_cut cuts[] = {{{{2}}, 1, {{1}}}, {{{1}}, 1, {{1}}}};
    const struct sign_key stranger = {{0x57}};
    struct epoch_change *c;
    struct forgery f;

    c = only(&f, EPOCH_AUTHOR);
    c->author = stranger;
    c->slot = 4;
    emit("a slot left out", &f);
    c->slot = 3;
    emit("a slot without an invite", &f);
    c->slot = 1;
    c->rights = RIGHT_CHAIR;
    emit("a chair without a vote", &f);
    c->rights = RIGHT_CHAIR | RIGHT_VOTES;
    emit("two chairs", &f);
    c->author = ash.author.key;
    c->slot = 1;
    emit("another slot for an author", &f);
    c->slot = 0;
    c->rights = RIGHT_VOTES;
    emit("no chair", &f);
    c = only(&f, EPOCH_CUT);
    c->author = birch.author.key;
    emit("a cut without a new key", &f);
    c->author = stranger;
    emit("a cut of nobody", &f);
    c->author = second.author.key;
    c->cuts = cuts;
    c->cut_count = 2;
    emit("cuts that do not ascend", &f);
}

static void emit_others(void)
{
    static const uint32_t parts[] = {2, 2};
    struct ticket_keys derived = invite_keys(1);
    struct epoch_change *c;
    struct forgery f;

    (void)only(&f, EPOCH_SALT);
    emit("a salt that is not the first of a genesis", &f);
    c = only(&f, EPOCH_CARRIER_END);
    c->carrier = relay;
    emit("the end of a carrier that carries no more", &f);
    c->op = EPOCH_CARRIER;
    *change(&f.plan, EPOCH_CARRIER) = *c;
    emit("a carrier twice", &f);
    c = only(&f, EPOCH_INVITE);
    c->invite = derived.id;
    emit("the id of an invite used again", &f);
    c->op = EPOCH_INVITE_END;
    c->invite_end = INVITE_WITHDRAWN;
    emit("an invite that ends twice", &f);
    c->invite = invite_keys(9).id;
    emit("the end of no invite", &f);
    c = only(&f, EPOCH_ERASE);
    c->parts = parts;
    c->part_count = 2;
    emit("a part to erase twice", &f);
    c->part_count = 0;
    emit("nothing to erase", &f);
}

/* What a carrier takes of all this: nothing changes, or the chair signs twice.
 */
static void emit_taken(void)
{
    struct forgery f = {.key_more = 1, .has_history = true};

    emit("nothing changes", &(struct forgery){.plan.count = 0});
    emit("the chair twice", &(struct forgery){.signers = {&ash, &ash}});
    plan_box(&f.plan, &ash, true);
    emit("a new key", &f);
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    make_parties();
    make_chain();
    emit_begin(NULL, '{');
    emit_begin("forged", '{');
    emit_begin("refused", '[');
    emit_places();
    emit_keys();
    emit_authors();
    emit_others();
    emit_end(']');
    list_taken = true;
    emit_begin("accepted", '[');
    emit_taken();
    emit_end(']');
    emit_end('}');
    emit_end('}');
    putchar('\n');
    clear_chain();
    return 0;
}
