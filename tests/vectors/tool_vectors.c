/* The vectors of who is who in a space, and of how one joins.  Each tool of
 * this folder prints one JSON object, a member for each file; run.js compares.
 */
#include <sodium.h>

#include "tests/vectors/space.h"

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
    emit_begin(NULL, '{');
    emit_identity();
    emit_joining();
    emit_end('}');
    putchar('\n');
    return 0;
}
