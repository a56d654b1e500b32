/* Certificates: who signs what, and that nobody else can. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/identity.h"
#include "support_sign.h"

static const struct node_secrets secrets = {
    .identity = {{1}},
    .sign = {{2}},
    .noise = {{3}},
    .reading = {{4}},
    .nonce = {{5}},
};
static const struct seed recovery = {{6}};
static const struct seed next_recovery = {{7}};
static const struct seed next_identity = {{8}};

/* Where fields of a member certificate lie. */
enum { AT_SERIAL = 16, AT_PREVIOUS = 20, AT_REVOKED_COUNT = 148, FIRST = 213 };

struct cert {
    uint8_t b[MEMBER_CERT_MAX];
    size_t len;
};

static struct covey_bytes bytes_of(const struct cert *cert)
{
    return (struct covey_bytes){cert->b, cert->len};
}

static struct identity make_identity(void)
{
    struct identity id;

    identity_make(&secrets, &recovery, 1700000000000, &id);
    return id;
}

static struct cert first_cert(void)
{
    struct identity id = make_identity();
    struct cert out = {.len = id.member_cert_len};

    memcpy(out.b, id.member_cert, sizeof out.b);
    return out;
}

static struct cert renewed(const struct cert *previous,
                           const struct seed *old_seed,
                           const struct seed *new_seed,
                           const struct seed *identity)
{
    struct member_renewal renewal = {
        .recovery = old_seed, .next_recovery = new_seed, .identity = identity};
    struct cert out;

    assert_int_equal(
        member_cert_renew(bytes_of(previous), &renewal, out.b, &out.len),
        COVEY_OK);
    return out;
}

/* Sign the bytes of a certificate anew, over what stands in it now. */
static void resign(uint8_t *p, size_t len, const struct seed *by)
{
    struct sign_pair pair;
    struct signature sig;

    sign_pair_from(by, &pair);
    sig = sign_bytes(&pair, p, len - sizeof sig.b);
    memcpy(p + len - sizeof sig.b, sig.b, sizeof sig.b);
}

static enum covey_rc read_member(const uint8_t *p, size_t len)
{
    struct member_cert out;

    return member_cert_read((struct covey_bytes){p, len}, &out);
}

static enum covey_rc read_node(const uint8_t *p, size_t len)
{
    struct cert first = first_cert();
    struct member_cert member;
    struct node_cert out;

    assert_int_equal(member_cert_read(bytes_of(&first), &member), COVEY_OK);
    return node_cert_read((struct covey_bytes){p, len}, &member, &out);
}

static enum covey_rc read_author(const uint8_t *p, size_t len)
{
    struct author_cert out;

    return author_cert_read((struct covey_bytes){p, len}, &out);
}

static const struct space_id space = {{9, 9}};

static void make_author(uint8_t out[AUTHOR_CERT_SIZE])
{
    struct seed author = author_seed(&secrets.sign, space.b);

    author_cert_make(&secrets.sign, &author, &space, out);
}

static void
assert_every_changed_bit_refused(uint8_t *p, size_t len,
                                 enum covey_rc (*read)(const uint8_t *, size_t))
{
    assert_int_equal(read(p, len), COVEY_OK);
    for (size_t i = 0; i < len; i++) {
        uint8_t bit = (uint8_t)(1u << (i % 8));

        p[i] ^= bit;
        assert_int_not_equal(read(p, len), COVEY_OK);
        p[i] ^= bit;
    }
    assert_int_equal(read(p, len), COVEY_OK);
}

/* p has room for one byte more. */
static void assert_every_other_length_refused(
    uint8_t *p, size_t len, enum covey_rc (*read)(const uint8_t *, size_t))
{
    for (size_t i = 0; i < len; i++)
        assert_int_equal(read(p, i), COVEY_EBAD);
    p[len] = 0;
    assert_int_equal(read(p, len + 1), COVEY_EBAD);
    assert_int_equal(read(p, len), COVEY_OK);
}

/* ---- a new member ---- */

static void test_a_new_member_reads_back(void **state)
{
    struct identity id = make_identity();
    struct covey_bytes cert = {id.member_cert, id.member_cert_len};
    struct covey_bytes node_bytes = {id.node_cert, sizeof id.node_cert};
    struct member_cert member;
    struct node_cert node;
    struct sign_pair pair;

    assert_int_equal(id.member_cert_len, FIRST);
    assert_int_equal(member_cert_read(cert, &member), COVEY_OK);
    assert_int_equal(member.serial, 0);
    assert_int_equal(member.revoked_count, 0);
    assert_true(hash_is_zero(&member.previous));
    sign_pair_from(&secrets.identity, &pair);
    assert_memory_equal(&member.identity, &pair.key, sizeof pair.key);

    assert_int_equal(node_cert_read(node_bytes, &member, &node), COVEY_OK);
    assert_memory_equal(&node, &id.node, sizeof node);
    assert_memory_equal(&node.member, &id.member, sizeof id.member);
    assert_true(node.issued_ms == 1700000000000);
    sign_pair_from(&secrets.sign, &pair);
    assert_memory_equal(&node.sign, &pair.key, sizeof pair.key);
}

static void test_each_secret_gives_the_key_of_its_one_use(void **state)
{
    struct identity id = make_identity();
    uint8_t key[32];

    dh_public(&secrets.noise, key);
    assert_memory_equal(id.node.noise.b, key, sizeof key);
    dh_public(&secrets.reading, key);
    assert_memory_equal(id.node.reading.b, key, sizeof key);
}

static void test_the_same_secrets_make_the_same_bytes(void **state)
{
    struct identity a = make_identity();
    struct identity b = make_identity();

    assert_memory_equal(a.member_cert, b.member_cert, a.member_cert_len);
    assert_memory_equal(a.node_cert, b.node_cert, sizeof a.node_cert);
}

static void
test_a_member_is_named_by_what_its_first_certificate_signs(void **state)
{
    struct identity id = make_identity();
    struct covey_bytes cert = {id.member_cert, id.member_cert_len};
    struct hash expect = hash_of("covey/1 member", id.member_cert, FIRST - 64);
    struct member_id name = member_cert_id(cert);
    struct hash hash = member_cert_hash(cert);
    struct member_tag tag = member_tag_of(&id.member);

    assert_memory_equal(&id.member, &expect, sizeof expect);
    assert_memory_equal(&name, &expect, sizeof expect);
    assert_memory_equal(&hash, &expect, sizeof expect);
    assert_memory_equal(&id.node.member_cert, &expect, sizeof expect);
    assert_memory_equal(&tag, &expect, sizeof tag);
}

static void test_another_signature_makes_no_other_name(void **state)
{
    struct cert first = first_cert();
    struct cert other = first;

    sign_again(&secrets.identity, other.b, other.len - 64,
               other.b + other.len - 64);
    assert_memory_not_equal(first.b, other.b, first.len);
    assert_int_equal(read_member(other.b, other.len), COVEY_OK);

    struct member_id a = member_cert_id(bytes_of(&first));
    struct member_id b = member_cert_id(bytes_of(&other));

    assert_memory_equal(&a, &b, sizeof a);
}

/* ---- what is refused ---- */

static void
test_every_changed_bit_of_a_member_certificate_is_refused(void **state)
{
    struct cert first = first_cert();
    struct cert next =
        renewed(&first, &recovery, &next_recovery, &next_identity);

    assert_every_changed_bit_refused(first.b, first.len, read_member);
    assert_every_changed_bit_refused(next.b, next.len, read_member);
}

static void test_every_changed_bit_of_the_others_is_refused(void **state)
{
    struct identity id = make_identity();
    uint8_t author[AUTHOR_CERT_SIZE];

    assert_every_changed_bit_refused(id.node_cert, sizeof id.node_cert,
                                     read_node);
    make_author(author);
    assert_every_changed_bit_refused(author, sizeof author, read_author);
}

static void test_certificates_of_another_length_are_refused(void **state)
{
    struct cert first = first_cert();
    struct cert next =
        renewed(&first, &recovery, &next_recovery, &next_identity);
    struct identity id = make_identity();
    uint8_t node[NODE_CERT_SIZE + 1];
    uint8_t author[AUTHOR_CERT_SIZE + 1];

    assert_every_other_length_refused(first.b, first.len, read_member);
    assert_every_other_length_refused(next.b, next.len, read_member);
    memcpy(node, id.node_cert, NODE_CERT_SIZE);
    assert_every_other_length_refused(node, NODE_CERT_SIZE, read_node);
    make_author(author);
    assert_every_other_length_refused(author, AUTHOR_CERT_SIZE, read_author);
}

static void test_malleated_signatures_are_refused(void **state)
{
    struct cert first = first_cert();
    struct identity id = make_identity();
    uint8_t author[AUTHOR_CERT_SIZE];

    malleate(first.b + first.len - 64);
    assert_int_equal(read_member(first.b, first.len), COVEY_EFORGED);
    malleate(id.node_cert + NODE_CERT_SIZE - 64);
    assert_int_equal(read_node(id.node_cert, NODE_CERT_SIZE), COVEY_EFORGED);
    make_author(author);
    malleate(author + AUTHOR_CERT_SIZE - 64);
    assert_int_equal(read_author(author, sizeof author), COVEY_EFORGED);
    make_author(author);
    malleate(author + AUTHOR_CERT_SIZE - 128);
    assert_int_equal(read_author(author, sizeof author), COVEY_EFORGED);
}

static void test_a_first_certificate_names_none_before_it(void **state)
{
    struct cert first = first_cert();

    first.b[AT_PREVIOUS] = 1;
    resign(first.b, first.len, &secrets.identity);
    assert_int_equal(read_member(first.b, first.len), COVEY_EBAD);
}

static void test_a_later_certificate_names_one_before_it(void **state)
{
    struct cert first = first_cert();
    struct cert next =
        renewed(&first, &recovery, &next_recovery, &next_identity);
    struct recovery_secrets from;

    recovery_derive(&recovery, &from);
    memset(next.b + AT_PREVIOUS, 0, 32);
    resign(next.b, next.len, &from.sign);
    assert_int_equal(read_member(next.b, next.len), COVEY_EBAD);
}

static void test_a_node_certified_by_another_member_is_refused(void **state)
{
    struct identity id = make_identity();

    resign(id.node_cert, sizeof id.node_cert, &next_identity);
    assert_int_equal(read_node(id.node_cert, sizeof id.node_cert),
                     COVEY_EFORGED);
}

static void test_a_key_that_nothing_can_be_sealed_to_is_refused(void **state)
{
    enum { AT_NOISE = 112, AT_READING = 144 };
    static const size_t places[] = {AT_NOISE, AT_READING};

    for (size_t i = 0; i < 2; i++) {
        struct identity id = make_identity();

        memset(id.node_cert + places[i], 0, 32); /* a point of order 4 */
        resign(id.node_cert, sizeof id.node_cert, &secrets.identity);
        assert_int_equal(read_node(id.node_cert, sizeof id.node_cert),
                         COVEY_EBAD);
    }
}

static void test_a_certificate_of_another_kind_is_refused(void **state)
{
    struct identity id = make_identity();
    struct cert first = first_cert();
    struct seed author = author_seed(&secrets.sign, space.b);
    uint8_t bytes[AUTHOR_CERT_SIZE];

    id.node_cert[15] = 1;
    resign(id.node_cert, sizeof id.node_cert, &secrets.identity);
    assert_int_equal(read_node(id.node_cert, sizeof id.node_cert), COVEY_EBAD);
    first.b[15] = 1;
    resign(first.b, first.len, &secrets.identity);
    assert_int_equal(read_member(first.b, first.len), COVEY_EBAD);
    make_author(bytes);
    bytes[15] = 1;
    resign(bytes, 160, &secrets.sign);
    sign_again(&author, bytes, 96, bytes + 160);
    assert_int_equal(read_author(bytes, sizeof bytes), COVEY_EBAD);
}

/* ---- replacement by the recovery key ---- */

static void test_the_recovery_key_replaces_the_identity_key(void **state)
{
    struct cert first = first_cert();
    struct cert next =
        renewed(&first, &recovery, &next_recovery, &next_identity);
    struct member_cert before;
    struct member_cert after;
    struct sign_pair pair;
    struct hash name = member_cert_hash(bytes_of(&first));

    assert_int_equal(member_cert_read(bytes_of(&first), &before), COVEY_OK);
    assert_int_equal(
        member_cert_read_next(bytes_of(&next), bytes_of(&first), &after),
        COVEY_OK);
    sign_pair_from(&next_identity, &pair);
    assert_memory_equal(&after.identity, &pair.key, sizeof pair.key);
    assert_int_equal(after.serial, 1);
    assert_memory_equal(&after.previous, &name, sizeof name);
    assert_memory_not_equal(&after.recovery_hash, &before.recovery_hash,
                            sizeof after.recovery_hash);
    assert_memory_not_equal(&after.backup, &before.backup, sizeof after.backup);
}

static void test_a_chain_of_three_holds_and_none_can_be_left_out(void **state)
{
    static const struct seed last_recovery = {{10}};
    struct cert first = first_cert();
    struct cert second =
        renewed(&first, &recovery, &next_recovery, &next_identity);
    struct cert third =
        renewed(&second, &next_recovery, &last_recovery, &secrets.identity);
    struct member_cert out;

    assert_int_equal(
        member_cert_read_next(bytes_of(&third), bytes_of(&second), &out),
        COVEY_OK);
    assert_int_equal(out.serial, 2);
    assert_int_equal(
        member_cert_read_next(bytes_of(&third), bytes_of(&first), &out),
        COVEY_EFORGED);
    assert_int_equal(
        member_cert_read_next(bytes_of(&first), bytes_of(&first), &out),
        COVEY_EFORGED);
    assert_int_equal(
        member_cert_read_next(bytes_of(&second), bytes_of(&second), &out),
        COVEY_EFORGED);
}

static void test_only_the_recovery_seed_named_before_renews(void **state)
{
    struct cert first = first_cert();
    struct member_renewal renewal = {.recovery = &next_recovery,
                                     .next_recovery = &recovery,
                                     .identity = &next_identity};
    uint8_t out[MEMBER_CERT_MAX];
    size_t len;

    assert_int_equal(member_cert_renew(bytes_of(&first), &renewal, out, &len),
                     COVEY_EREFUSED);
}

/* One that is sound in itself, but signed by a key that nobody named. */
static void test_a_thief_of_the_identity_key_cannot_replace_it(void **state)
{
    struct cert first = first_cert();
    struct cert next =
        renewed(&first, &recovery, &next_recovery, &next_identity);
    struct sign_pair thief;
    struct member_cert out;

    sign_pair_from(&secrets.identity, &thief);
    memcpy(next.b + next.len - 96, thief.key.b, sizeof thief.key.b);
    resign(next.b, next.len, &secrets.identity);
    assert_int_equal(member_cert_read(bytes_of(&next), &out), COVEY_OK);
    assert_int_equal(
        member_cert_read_next(bytes_of(&next), bytes_of(&first), &out),
        COVEY_EFORGED);
}

/* Two members that one seed recovers are still two. */
static void test_a_renewal_follows_the_one_it_names_only(void **state)
{
    struct cert ours = first_cert();
    struct cert next = renewed(&ours, &recovery, &next_recovery, &recovery);
    struct node_secrets other = secrets;
    struct identity id;
    struct member_cert out;

    other.identity = next_identity;
    identity_make(&other, &recovery, 1, &id);
    assert_int_equal(
        member_cert_read_next(
            bytes_of(&next), (struct covey_bytes){id.member_cert, FIRST}, &out),
        COVEY_EFORGED);
}

static void test_a_renewal_names_the_serial_that_is_due(void **state)
{
    struct cert first = first_cert();
    struct cert next =
        renewed(&first, &recovery, &next_recovery, &next_identity);
    struct recovery_secrets from;
    struct member_cert out;

    recovery_derive(&recovery, &from);
    next.b[AT_SERIAL + 3] = 2;
    resign(next.b, next.len, &from.sign);
    assert_int_equal(member_cert_read(bytes_of(&next), &out), COVEY_OK);
    assert_int_equal(
        member_cert_read_next(bytes_of(&next), bytes_of(&first), &out),
        COVEY_EFORGED);
}

static void test_a_renewal_revokes_nodes(void **state)
{
    struct cert first = first_cert();
    struct sign_key revoked[MEMBER_CERT_REVOKED_MAX];
    struct member_renewal renewal = {.recovery = &recovery,
                                     .next_recovery = &next_recovery,
                                     .identity = &next_identity,
                                     .revoked = revoked,
                                     .revoked_count = MEMBER_CERT_REVOKED_MAX};
    struct cert next;
    struct member_cert out;

    for (size_t i = 0; i < MEMBER_CERT_REVOKED_MAX; i++)
        memset(revoked[i].b, (int)i, sizeof revoked[i].b);
    assert_int_equal(
        member_cert_renew(bytes_of(&first), &renewal, next.b, &next.len),
        COVEY_OK);
    assert_int_equal(next.len, MEMBER_CERT_MAX);
    assert_int_equal(
        member_cert_read_next(bytes_of(&next), bytes_of(&first), &out),
        COVEY_OK);
    assert_int_equal(out.revoked_count, MEMBER_CERT_REVOKED_MAX);
    assert_memory_equal(out.revoked, revoked, sizeof revoked);
}

static void test_more_revoked_nodes_than_the_limit_are_refused(void **state)
{
    struct cert first = first_cert();
    uint8_t longer[FIRST + 32 * (MEMBER_CERT_REVOKED_MAX + 1)] = {0};

    memcpy(longer, first.b, first.len);
    longer[AT_REVOKED_COUNT] = MEMBER_CERT_REVOKED_MAX;
    resign(longer, sizeof longer - 32, &secrets.identity);
    assert_int_equal(read_member(longer, sizeof longer - 32), COVEY_OK);
    longer[AT_REVOKED_COUNT]++;
    resign(longer, sizeof longer, &secrets.identity);
    assert_int_equal(read_member(longer, sizeof longer), COVEY_EBAD);
}

/* ---- authors ---- */

static void test_an_author_certificate_reads_back(void **state)
{
    struct seed author = author_seed(&secrets.sign, space.b);
    uint8_t bytes[AUTHOR_CERT_SIZE];
    struct author_cert out;
    struct sign_pair pair;

    make_author(bytes);
    assert_int_equal(
        author_cert_read((struct covey_bytes){bytes, sizeof bytes}, &out),
        COVEY_OK);
    assert_memory_equal(&out.space, &space, sizeof space);
    sign_pair_from(&secrets.sign, &pair);
    assert_memory_equal(&out.node, &pair.key, sizeof pair.key);
    sign_pair_from(&author, &pair);
    assert_memory_equal(&out.author, &pair.key, sizeof pair.key);
}

static void test_author_keys_differ_by_space_and_by_node(void **state)
{
    static const struct space_id other = {{9, 8}};
    struct seed a = author_seed(&secrets.sign, space.b);
    struct seed b = author_seed(&secrets.sign, other.b);
    struct seed c = author_seed(&secrets.identity, space.b);

    assert_memory_not_equal(&a, &b, sizeof a);
    assert_memory_not_equal(&a, &c, sizeof a);
    assert_memory_not_equal(&b, &c, sizeof b);
}

/* Else a node could claim another's author key as its own, or the other way
 * round. */
static void test_an_author_certificate_needs_both_signatures(void **state)
{
    enum { BY_NODE = 96, BY_AUTHOR = 160 };
    struct seed author = author_seed(&secrets.sign, space.b);
    uint8_t bytes[AUTHOR_CERT_SIZE];
    uint8_t sig[64];

    make_author(bytes);
    memcpy(bytes + BY_NODE, bytes + BY_AUTHOR, sizeof sig);
    assert_int_equal(read_author(bytes, sizeof bytes), COVEY_EFORGED);

    make_author(bytes);
    memcpy(bytes + BY_AUTHOR, bytes + BY_NODE, sizeof sig);
    assert_int_equal(read_author(bytes, sizeof bytes), COVEY_EFORGED);

    make_author(bytes);
    memcpy(sig, bytes + BY_NODE, sizeof sig);
    memcpy(bytes + BY_NODE, bytes + BY_AUTHOR, sizeof sig);
    memcpy(bytes + BY_AUTHOR, sig, sizeof sig);
    assert_int_equal(read_author(bytes, sizeof bytes), COVEY_EFORGED);

    make_author(bytes);
    sign_again(&author, bytes, BY_NODE, bytes + BY_AUTHOR);
    assert_int_equal(read_author(bytes, sizeof bytes), COVEY_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_member_reads_back),
        cmocka_unit_test(test_each_secret_gives_the_key_of_its_one_use),
        cmocka_unit_test(test_the_same_secrets_make_the_same_bytes),
        cmocka_unit_test(
            test_a_member_is_named_by_what_its_first_certificate_signs),
        cmocka_unit_test(test_another_signature_makes_no_other_name),
        cmocka_unit_test(
            test_every_changed_bit_of_a_member_certificate_is_refused),
        cmocka_unit_test(test_every_changed_bit_of_the_others_is_refused),
        cmocka_unit_test(test_certificates_of_another_length_are_refused),
        cmocka_unit_test(test_malleated_signatures_are_refused),
        cmocka_unit_test(test_a_first_certificate_names_none_before_it),
        cmocka_unit_test(test_a_later_certificate_names_one_before_it),
        cmocka_unit_test(test_a_node_certified_by_another_member_is_refused),
        cmocka_unit_test(test_a_key_that_nothing_can_be_sealed_to_is_refused),
        cmocka_unit_test(test_a_certificate_of_another_kind_is_refused),
        cmocka_unit_test(test_the_recovery_key_replaces_the_identity_key),
        cmocka_unit_test(test_a_chain_of_three_holds_and_none_can_be_left_out),
        cmocka_unit_test(test_only_the_recovery_seed_named_before_renews),
        cmocka_unit_test(test_a_thief_of_the_identity_key_cannot_replace_it),
        cmocka_unit_test(test_a_renewal_follows_the_one_it_names_only),
        cmocka_unit_test(test_a_renewal_names_the_serial_that_is_due),
        cmocka_unit_test(test_a_renewal_revokes_nodes),
        cmocka_unit_test(test_more_revoked_nodes_than_the_limit_are_refused),
        cmocka_unit_test(test_an_author_certificate_reads_back),
        cmocka_unit_test(test_author_keys_differ_by_space_and_by_node),
        cmocka_unit_test(test_an_author_certificate_needs_both_signatures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
