/* The vectors of a space: who is who, its epochs, how one joins.  Prints one
 * JSON object, a member for each file of this folder; run.js compares.
 *
 * Ash founds the space, lists a relay, admits Birch and then Cedar, who may not
 * read back, and removes Cedar under a new key. */
#include <sodium.h>

#include "proto/epoch.h"
#include "proto/ticket.h"
#include "tests/vectors/emit.h"

#define ISSUED_MS 1767225600000u /* 2026-01-01 */
#define EPOCHS 7u

struct party {
    const char *name;
    struct node_secrets secrets;
    struct seed recovery;
    struct identity id;
    struct seed author_seed;
    struct sign_pair author;
    uint8_t author_cert[AUTHOR_CERT_SIZE];
    uint32_t slot;
};

static struct party ash, birch, cedar;
static const struct noise_key relay = {{0xca, 0x44, 0x1e, 0x44}};
static uint8_t salt[16];
static struct space_id space;
static struct membership now;
static struct covey_rng rng;
static struct space_keys keys;
static struct hash epoch_hashes[EPOCHS];
static struct space_keys epoch_keys[EPOCHS];
static struct covey_buf epoch_bytes[EPOCHS];

/* ---- who is who ---- */

static void make_party(struct party *p, const char *name, uint8_t number)
{
    uint8_t first = (uint8_t)(number << 4);

    p->name = name;
    p->secrets = (struct node_secrets){
        .identity = filled(first | 1),
        .sign = filled(first | 2),
        .noise = filled(first | 3),
        .reading = filled(first | 4),
        .nonce = filled(first | 5),
    };
    p->recovery = filled(first | 6);
    p->slot = number - 1u;
    identity_make(&p->secrets, &p->recovery, ISSUED_MS, &p->id);
}

static void enter(struct party *p, const uint8_t label[16])
{
    p->author_seed = author_seed(&p->secrets.sign, label);
    sign_pair_from(&p->author_seed, &p->author);
}

static void make_parties(void)
{
    make_party(&ash, "Ash Lower School", 1);
    make_party(&birch, "Birch Upper School", 2);
    make_party(&cedar, "Cedar Middle School", 3);
    memset(salt, 0x5a, sizeof salt);
    enter(&ash, salt);
    space = epoch_space_id(salt, &ash.author.key);
    enter(&birch, space.b);
    enter(&cedar, space.b);

    struct party *const all[] = {&ash, &birch, &cedar};

    for (size_t i = 0; i < 3; i++)
        author_cert_make(&all[i]->secrets.sign, &all[i]->author_seed, &space,
                         all[i]->author_cert);
}

static struct covey_bytes member_cert_of(const struct party *p)
{
    return (struct covey_bytes){p->id.member_cert, p->id.member_cert_len};
}

/* Ash's second certificate: a new identity key, and a node revoked. */
static void emit_renewal(void)
{
    const struct seed next_recovery = filled(0x18);
    const struct seed identity = filled(0x17);
    const struct member_renewal renewal = {
        .recovery = &ash.recovery,
        .next_recovery = &next_recovery,
        .identity = &identity,
        .revoked = &ash.id.node.sign,
        .revoked_count = 1,
    };
    uint8_t cert[MEMBER_CERT_MAX];
    size_t len;

    need(member_cert_renew(member_cert_of(&ash), &renewal, cert, &len));

    struct hash hash = member_cert_hash((struct covey_bytes){cert, len});

    emit_begin("renewed", '{');
    emit_hex("identity_secret", identity.b, sizeof identity.b);
    emit_hex("recovery_seed", next_recovery.b, sizeof next_recovery.b);
    emit_hex("certificate", cert, len);
    emit_hex("hash", hash.b, sizeof hash.b);
    emit_end('}');
}

static void emit_author(const char *name, const struct party *p,
                        const uint8_t label[16])
{
    emit_begin(name, '{');
    emit_hex("node_secret", p->secrets.sign.b, 32);
    emit_hex("label", label, 16);
    emit_hex("seed", p->author_seed.b, 32);
    emit_hex("key", p->author.key.b, 32);
    emit_hex("certificate", p->author_cert, sizeof p->author_cert);
    emit_end('}');
}

static void emit_identity(void)
{
    char code[RECOVERY_TEXT_SIZE];

    recovery_code_write(&ash.recovery, code);
    emit_begin("identity", '{');
    emit_begin("member", '{');
    emit_hex("identity_secret", ash.secrets.identity.b, 32);
    emit_hex("recovery_seed", ash.recovery.b, 32);
    emit_text("recovery_code", code);
    emit_bytes("certificate", member_cert_of(&ash));
    emit_hex("id", ash.id.member.b, 32);
    emit_end('}');
    emit_renewal();
    emit_begin("node", '{');
    emit_hex("sign_secret", ash.secrets.sign.b, 32);
    emit_hex("noise_secret", ash.secrets.noise.b, 32);
    emit_hex("reading_secret", ash.secrets.reading.b, 32);
    emit_number("issued_ms", ISSUED_MS);
    emit_hex("certificate", ash.id.node_cert, sizeof ash.id.node_cert);
    emit_end('}');
    emit_hex("salt", salt, sizeof salt);
    emit_hex("space", space.b, sizeof space.b);
    emit_author("founder", &ash, salt);
    emit_author("other", &birch, space.b);
    emit_end('}');
}

/* ---- epochs ---- */

struct plan {
    struct epoch_change changes[16];
    size_t count;
    struct epoch_box_for boxes[4];
    size_t box_count;
};

static struct epoch_change *change(struct plan *plan, enum epoch_op op)
{
    struct epoch_change *c = &plan->changes[plan->count++];

    c->op = op;
    return c;
}

static struct ticket_keys invite_keys(uint8_t number)
{
    const struct seed secret = filled((uint8_t)(0x70 + number));
    struct ticket_keys out;

    ticket_derive(&secret, &out);
    return out;
}

static void plan_invite(struct plan *plan, uint8_t number, enum role role)
{
    struct ticket_keys derived = invite_keys(number);
    struct epoch_change *c = change(plan, EPOCH_INVITE);

    c->invite = derived.id;
    c->door = derived.door;
    c->expires_ms = ISSUED_MS + 14u * 86400000u;
    c = change(plan, EPOCH_INVITE_ROLE);
    c->invite = derived.id;
    c->role = role;
}

static void plan_invite_end(struct plan *plan, uint8_t number,
                            enum invite_state end)
{
    struct epoch_change *c = change(plan, EPOCH_INVITE_END);

    c->invite = invite_keys(number).id;
    c->invite_end = end;
}

static void plan_box(struct plan *plan, const struct party *p, bool history)
{
    plan->boxes[plan->box_count++] =
        (struct epoch_box_for){p->id.node.reading, history};
}

static void plan_member(struct plan *plan, const struct party *p,
                        enum role role, bool history)
{
    struct epoch_change *c = change(plan, EPOCH_AUTHOR);

    c->author = p->author.key;
    c->slot = p->slot;
    c->rights = membership_rights(role);
    c = change(plan, EPOCH_SEAT);
    c->slot = p->slot;
    c->role = role;
    c->member_kind = MEMBER_SCHOOL;
    c->urn = 900001 + p->slot;
    c->name = p->name;
    c->cert = member_cert_of(p);
    c = change(plan, EPOCH_NODE);
    c->slot = p->slot;
    c->cert = (struct covey_bytes){p->id.node_cert, sizeof p->id.node_cert};
    c->author_cert =
        (struct covey_bytes){p->author_cert, sizeof p->author_cert};
    c->address = p->slot == 0 ? "ash.example:4747" : "";
    c->from_now_on = !history;
    plan_box(plan, p, history);
}

static void plan_terms(struct plan *plan, const char *name,
                       enum admit_mode admit)
{
    struct epoch_change *c = change(plan, EPOCH_TERMS);

    c->name = name;
    c->space_kind = SPACE_CLUSTER;
    c->admit = admit;
}

static void grow(const struct plan *plan, const struct space_keys *retired)
{
    static size_t count;
    struct covey_why why = {""};
    struct membership next;
    struct epoch_draft draft = {
        .changes = plan->changes,
        .change_count = plan->count,
        .signer = &ash.author,
        .boxes = plan->boxes,
        .box_count = plan->box_count,
        .keys = &keys,
        .retired = retired,
    };

    membership_init(&next, &heap);
    epoch_bytes[count] = heap_buf();

    enum covey_rc rc =
        epoch_write(&now, &draft, &rng, &next, &epoch_bytes[count], &why);

    if (rc != COVEY_OK)
        fprintf(stderr, "epoch %zu: %s\n", count, why.text);
    need(rc);
    membership_clear(&now);
    now = next;
    epoch_hashes[count] = now.head;
    epoch_keys[count] = keys;
    count++;
}

static void found_space(void)
{
    struct plan plan = {.count = 0};
    const struct seed chance = filled(0x99);

    rng_init(&rng, &chance);
    keys = (struct space_keys){0, filled(0xa0), filled(0xb0)};
    membership_init(&now, &heap);
    now.space = space;
    memcpy(change(&plan, EPOCH_SALT)->salt, salt, sizeof salt);
    plan_terms(&plan, "North cluster", ADMIT_ASK);
    plan_member(&plan, &ash, ROLE_CHAIR, true);
    grow(&plan, NULL);
}

static void list_relay_and_invite(void)
{
    struct plan plan = {.count = 0};
    struct epoch_change *c = change(&plan, EPOCH_CARRIER);

    c->carrier = relay;
    c = change(&plan, EPOCH_CARRIER_NAME);
    c->carrier = relay;
    c->name = "relay";
    c->address = "relay.example:4747";
    plan_invite(&plan, 1, ROLE_SCHOOL);
    plan_invite(&plan, 2, ROLE_SCHOOL);
    plan_invite(&plan, 3, ROLE_BOARD);
    grow(&plan, NULL);
}

static void admit(const struct party *p, uint8_t invite, bool history)
{
    struct plan plan = {.count = 0};

    plan_invite_end(&plan, invite, INVITE_USED);
    plan_member(&plan, p, ROLE_SCHOOL, history);
    grow(&plan, NULL);
}

static void change_terms(void)
{
    struct plan plan = {.count = 0};
    struct epoch_change *c;

    plan_invite_end(&plan, 3, INVITE_WITHDRAWN);
    plan_terms(&plan, "North cluster of schools", ADMIT_AT_ONCE);
    c = change(&plan, EPOCH_AUTHOR);
    c->author = cedar.author.key;
    c->slot = cedar.slot;
    c = change(&plan, EPOCH_ROLE);
    c->slot = cedar.slot;
    c->role = ROLE_COUNCIL;
    grow(&plan, NULL);
}

/* Cut what Cedar wrote, end its seat, and give the others a new key. */
static void remove_cedar(void)
{
    static const struct log_cut cuts[] = {
        {{{0x0c, 1}}, 57, {{0x77}}},
        {{{0x0c, 2}}, 3, {{0x78}}},
    };
    struct plan plan = {.count = 0};
    const struct space_keys retired = keys;
    struct epoch_change *c = change(&plan, EPOCH_CUT);

    c->author = cedar.author.key;
    c->cuts = cuts;
    c->cut_count = 2;
    change(&plan, EPOCH_SEAT_END)->slot = cedar.slot;
    plan_box(&plan, &ash, true);
    plan_box(&plan, &birch, true);
    keys = (struct space_keys){1, filled(0xa1), filled(0xb1)};
    grow(&plan, &retired);
}

/* An order to erase, and the relay carries no more. */
static void erase_and_end(void)
{
    static const uint32_t parts[] = {1, 4};
    struct plan plan = {.count = 0};
    struct epoch_change *c = change(&plan, EPOCH_ERASE);

    c->header = (struct hash){{0xe4, 0xa5}};
    c->parts = parts;
    c->part_count = 2;
    change(&plan, EPOCH_CARRIER_END)->carrier = relay;
    grow(&plan, NULL);
}

static void make_chain(void)
{
    found_space();
    list_relay_and_invite();
    admit(&birch, 1, true);
    admit(&cedar, 2, false);
    change_terms();
    remove_cedar();
    erase_and_end();
}

static void emit_epoch(size_t number)
{
    struct covey_bytes bytes = buf_bytes(&epoch_bytes[number]);
    struct epoch e;

    need(epoch_read(bytes, &e));
    emit_begin(NULL, '{');
    emit_number("number", number);
    emit_bytes("bytes", bytes);
    emit_hex("hash", e.hash.b, sizeof e.hash.b);
    emit_number("key_number", e.key_number);
    emit_hex("key", epoch_keys[number].key.b, 32);
    emit_hex("history_key", epoch_keys[number].history.b, 32);
    emit_hex("commitment", e.commitment.b, sizeof e.commitment.b);
    emit_hex("membership", e.result.b, sizeof e.result.b);
    emit_end('}');
}

static void emit_chain(void)
{
    const struct party *const all[] = {&ash, &birch, &cedar};

    emit_begin("epochs", '{');
    emit_hex("space", space.b, sizeof space.b);
    emit_begin("reading_secrets", '[');
    for (size_t i = 0; i < 3; i++)
        emit_hex(NULL, all[i]->secrets.reading.b, 32);
    emit_end(']');
    emit_begin("epochs", '[');
    for (size_t i = 0; i < EPOCHS; i++)
        emit_epoch(i);
    emit_end(']');
    emit_end('}');
}

/* ---- joining ---- */

static void emit_ticket(const struct ticket *t)
{
    char text[TICKET_TEXT_MAX];
    char address[ADDRESS_TEXT_MAX];
    struct ticket_keys derived;

    ticket_write(t, text);
    ticket_derive(&t->secret, &derived);
    emit_begin("ticket", '{');
    emit_text("text", text);
    emit_hex("space", t->space.b, sizeof t->space.b);
    emit_hex("secret", t->secret.b, sizeof t->secret.b);
    emit_hex("chair", t->chair.b, sizeof t->chair.b);
    emit_number("expires_ms", t->expires_ms);
    emit_begin("addresses", '[');
    for (size_t i = 0; i < t->address_count; i++) {
        address_write(&t->addresses[i], address);
        emit_text(NULL, address);
    }
    emit_end(']');
    emit_hex("invite", derived.id.b, sizeof derived.id.b);
    emit_hex("door", derived.door.b, sizeof derived.door.b);
    emit_hex("join", derived.join.b, sizeof derived.join.b);
    emit_end('}');
}

static void emit_request(const struct ticket *t)
{
    const struct seed fresh = filled(0x66);
    struct covey_buf sealed = heap_buf();
    struct ticket_keys derived;
    struct join_request r = {
        .space = space,
        .kind = MEMBER_SCHOOL,
        .urn = 900002,
        .member_cert = member_cert_of(&birch),
        .node_cert = {birch.id.node_cert, sizeof birch.id.node_cert},
        .author_cert = {birch.author_cert, sizeof birch.author_cert},
    };

    ticket_derive(&t->secret, &derived);
    r.invite = derived.id;
    strcpy(r.name, birch.name);
    strcpy(r.address, "birch.example:4747");
    need(join_request_write(&r, &derived.join, &t->chair, &fresh, &sealed));
    emit_begin("request", '{');
    emit_hex("invite", derived.id.b, sizeof derived.id.b);
    emit_hex("join", derived.join.b, sizeof derived.join.b);
    emit_hex("reading_secret", ash.secrets.reading.b, 32);
    emit_bytes("sealed", buf_bytes(&sealed));
    emit_number("kind", r.kind);
    emit_number("urn", r.urn);
    emit_text("name", r.name);
    emit_text("address", r.address);
    emit_end('}');
    buf_clear(&sealed);
}

static void emit_joining(void)
{
    struct ticket t = {
        .space = space,
        .secret = filled(0x71),
        .chair = ash.id.node.reading,
        .expires_ms = ISSUED_MS + 14u * 86400000u,
        .address_count = 2,
    };

    t.addresses[0].key = ash.id.node.noise;
    strcpy(t.addresses[0].at, "ash.example:4747");
    t.addresses[1].key = relay;
    strcpy(t.addresses[1].at, "[2001:db8::7]:4747");
    emit_ticket(&t);
    emit_request(&t);
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    make_parties();
    make_chain();
    emit_begin(NULL, '{');
    emit_identity();
    emit_chain();
    emit_joining();
    emit_end('}');
    putchar('\n');
    membership_clear(&now);
    for (size_t i = 0; i < EPOCHS; i++)
        buf_clear(&epoch_bytes[i]);
    return 0;
}
