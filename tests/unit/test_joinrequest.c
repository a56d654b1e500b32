/* Requests to join: from whoever holds the ticket, to the chair alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/ticket.h"
#include "proto/wire.h"
#include "support_space.h"

static struct test_mem counter;
static struct covey_mem mem;
static struct party chair;
static struct party newcomer;
static struct ticket_keys keys;
static const struct seed fresh = {{77}};
static const struct space_id space = {{5, 5, 5}};

static int prepare(void **state)
{
    counter = (struct test_mem){.calls = 0};
    mem = test_mem_of(&counter);
    party_make(&chair, 1);
    party_make(&newcomer, 2);
    party_enter(&newcomer, &space);
    ticket_derive(&(struct seed){{9}}, &keys);
    return 0;
}

static int check_memory(void **state)
{
    return counter.live;
}

static struct covey_buf new_buf(void)
{
    struct covey_buf b;

    buf_init(&b, &mem, JOIN_REQUEST_MAX);
    return b;
}

static struct join_request make_request(void)
{
    return (struct join_request){
        .space = space,
        .invite = keys.id,
        .kind = MEMBER_SCHOOL,
        .urn = 100123,
        .name = "Mill Lane School",
        .member_cert = member_cert_of(&newcomer),
        .node_cert = node_cert_of(&newcomer),
        .author_cert = author_cert_of(&newcomer),
        .address = "mill.example:4747",
    };
}

static enum covey_rc write_to(const struct join_request *r,
                              struct covey_buf *out)
{
    return join_request_write(r, &keys.join, &chair.id.node.reading, &fresh,
                              out);
}

static enum covey_rc read_with(struct covey_bytes sealed,
                               const struct ticket_keys *with,
                               const struct seed *reading_secret)
{
    struct covey_buf plain = new_buf();
    struct join_request r;
    enum covey_rc rc = join_request_read(sealed, &with->id, &with->join,
                                         reading_secret, &plain, &r);

    buf_clear(&plain);
    return rc;
}

/* What the chair makes of it. */
static enum covey_rc read_by_chair(struct covey_bytes sealed)
{
    return read_with(sealed, &keys, &chair.secrets.reading);
}

static bool same(struct covey_bytes a, struct covey_bytes b)
{
    return a.len == b.len && memcmp(a.p, b.p, a.len) == 0;
}

static void test_the_chair_reads_what_the_newcomer_wrote(void **state)
{
    struct join_request r = make_request();
    struct join_request back;
    struct covey_buf out = new_buf();
    struct covey_buf plain = new_buf();

    assert_int_equal(write_to(&r, &out), COVEY_OK);
    assert_in_range(out.len, 800, JOIN_REQUEST_MAX);
    assert_int_equal(join_request_read(buf_bytes(&out), &keys.id, &keys.join,
                                       &chair.secrets.reading, &plain, &back),
                     COVEY_OK);
    assert_memory_equal(&back.space, &r.space, sizeof r.space);
    assert_memory_equal(&back.invite, &r.invite, sizeof r.invite);
    assert_int_equal(back.kind, MEMBER_SCHOOL);
    assert_int_equal(back.urn, 100123);
    assert_string_equal(back.name, r.name);
    assert_string_equal(back.address, r.address);
    assert_true(same(back.member_cert, r.member_cert));
    assert_true(same(back.node_cert, r.node_cert));
    assert_true(same(back.author_cert, r.author_cert));

    /* The same buffer serves for the next one. */
    assert_int_equal(join_request_read(buf_bytes(&out), &keys.id, &keys.join,
                                       &chair.secrets.reading, &plain, &back),
                     COVEY_OK);
    buf_clear(&plain);
    buf_clear(&out);
}

static void test_who_listens_nowhere_gives_no_address(void **state)
{
    struct join_request r = make_request();
    struct covey_buf out = new_buf();

    r.address[0] = '\0';
    assert_int_equal(write_to(&r, &out), COVEY_OK);
    assert_int_equal(read_by_chair(buf_bytes(&out)), COVEY_OK);
    buf_clear(&out);
}

static void test_a_request_opens_with_its_ticket_and_the_chair_only(void **s)
{
    struct join_request r = make_request();
    struct covey_buf out = new_buf();
    struct ticket_keys other = keys;
    struct seed reading = chair.secrets.reading;

    assert_int_equal(write_to(&r, &out), COVEY_OK);

    other.join.b[0] ^= 1;
    assert_int_equal(read_with(buf_bytes(&out), &other, &reading),
                     COVEY_EFORGED);
    /* A carrier knows the door key, which is not the join key. */
    other.join = keys.door;
    assert_int_equal(read_with(buf_bytes(&out), &other, &reading),
                     COVEY_EFORGED);
    assert_int_equal(
        read_with(buf_bytes(&out), &keys, &newcomer.secrets.reading),
        COVEY_EFORGED);
    assert_int_equal(read_by_chair(buf_bytes(&out)), COVEY_OK);
    buf_clear(&out);
}

static void test_a_request_cannot_be_played_to_another_invite(void **state)
{
    struct join_request r = make_request();
    struct covey_buf out = new_buf();
    struct ticket_keys other = keys;

    assert_int_equal(write_to(&r, &out), COVEY_OK);
    other.id.b[0] ^= 1;
    assert_int_equal(read_with(buf_bytes(&out), &other, &chair.secrets.reading),
                     COVEY_EFORGED);

    /* Sealed anew for it by somebody who saw inside: the code covers it. */
    struct covey_buf plain = new_buf();
    struct join_request back;
    uint8_t box[JOIN_REQUEST_MAX];

    assert_int_equal(join_request_read(buf_bytes(&out), &keys.id, &keys.join,
                                       &chair.secrets.reading, &plain, &back),
                     COVEY_OK);
    assert_int_equal(
        box_seal(&chair.id.node.reading, &fresh,
                 (struct covey_bytes){other.id.b, sizeof other.id.b},
                 buf_bytes(&plain), box),
        COVEY_OK);
    assert_int_equal(
        read_with((struct covey_bytes){box, plain.len + BOX_OVERHEAD}, &other,
                  &chair.secrets.reading),
        COVEY_EFORGED);
    buf_clear(&plain);
    buf_clear(&out);
}

static void test_no_byte_of_a_request_can_be_changed(void **state)
{
    struct join_request r = make_request();
    struct covey_buf out = new_buf();

    assert_int_equal(write_to(&r, &out), COVEY_OK);
    for (size_t i = 0; i < out.len; i++) {
        out.p[i] ^= (uint8_t)(1u << i % 8);
        /* The top bit of a point is nobody's: X25519 leaves it out, but the
         * box's key is made from all of it. */
        assert_int_equal(read_by_chair(buf_bytes(&out)), COVEY_EFORGED);
        out.p[i] ^= (uint8_t)(1u << i % 8);
    }
    for (size_t len = 0; len < out.len; len++)
        assert_int_not_equal(read_by_chair((struct covey_bytes){out.p, len}),
                             COVEY_OK);
    buf_clear(&out);
}

/* Seal any plaintext under a code that holds, as who has the ticket can. */
static enum covey_rc read_plain(struct covey_buf *plain)
{
    struct hash code =
        hash_keyed(&keys.join, "covey/1 join code", plain->p, plain->len);
    uint8_t box[JOIN_REQUEST_MAX + 1];

    buf_append(plain, code.b, sizeof code.b);
    assert_int_equal(buf_rc(plain), COVEY_OK);
    assert_int_equal(box_seal(&chair.id.node.reading, &fresh,
                              (struct covey_bytes){keys.id.b, sizeof keys.id.b},
                              buf_bytes(plain), box),
                     COVEY_OK);

    enum covey_rc rc =
        read_by_chair((struct covey_bytes){box, plain->len + BOX_OVERHEAD});

    buf_reset(plain);
    return rc;
}

static void put_request(struct covey_buf *out, const struct join_request *r,
                        struct covey_bytes name, uint64_t kind)
{
    wire_array(out, 9);
    wire_bin(out, r->space.b, sizeof r->space.b);
    wire_bin(out, r->invite.b, sizeof r->invite.b);
    wire_uint(out, kind);
    wire_uint(out, r->urn);
    wire_text(out, (const char *)name.p, name.len);
    wire_bin(out, r->member_cert.p, r->member_cert.len);
    wire_bin(out, r->node_cert.p, r->node_cert.len);
    wire_bin(out, r->author_cert.p, r->author_cert.len);
    wire_text(out, r->address, strlen(r->address));
}

/* Whoever holds a ticket may still be no good: each part is checked. */
static void test_a_good_code_does_not_make_a_bad_request_good(void **state)
{
    uint8_t long_name[MEMBER_NAME_MAX + 1];
    const struct covey_bytes name = {(const uint8_t *)"Mill", 4};
    const struct covey_bytes bad_names[] = {
        {(const uint8_t *)"", 0},      {(const uint8_t *)"a\nb", 3},
        {(const uint8_t *)"a\0b", 3},  {(const uint8_t *)"\xff", 1},
        {long_name, sizeof long_name},
    };
    struct join_request r = make_request();
    struct covey_buf plain = new_buf();

    memset(long_name, 'x', sizeof long_name);
    put_request(&plain, &r, name, MEMBER_SCHOOL);
    assert_int_equal(read_plain(&plain), COVEY_OK);
    for (size_t i = 0; i < sizeof bad_names / sizeof bad_names[0]; i++) {
        put_request(&plain, &r, bad_names[i], MEMBER_SCHOOL);
        assert_int_equal(read_plain(&plain), COVEY_EBAD);
    }
    put_request(&plain, &r, name, MEMBER_KIND_COUNT);
    assert_int_equal(read_plain(&plain), COVEY_EBAD);

    put_request(&plain, &r, name, MEMBER_SCHOOL);
    buf_append(&plain, "\xc0", 1); /* something after it */
    assert_int_equal(read_plain(&plain), COVEY_EBAD);

    memcpy(r.address, "mill", sizeof "mill");
    put_request(&plain, &r, name, MEMBER_SCHOOL);
    assert_int_equal(read_plain(&plain), COVEY_EBAD);

    r = make_request();
    r.invite.b[0] ^= 1; /* sealed for one invite, and speaks of another */
    put_request(&plain, &r, name, MEMBER_SCHOOL);
    assert_int_equal(read_plain(&plain), COVEY_EFORGED);
    buf_clear(&plain);
}

static void test_certificates_that_do_not_belong_together_are_refused(void **s)
{
    struct covey_buf out = new_buf();
    struct covey_buf plain = new_buf();
    struct party elsewhere = newcomer;
    struct party namesake = newcomer;
    struct party forged = newcomer;
    uint8_t bent[MEMBER_CERT_MAX];
    struct join_request bad[8];

    for (size_t i = 0; i < 8; i++)
        bad[i] = make_request();
    party_enter(&elsewhere, &(struct space_id){{6}});
    party_enter(&chair, &space);
    bad[0].member_cert = member_cert_of(&chair);
    bad[1].node_cert = node_cert_of(&chair);
    bad[2].author_cert = author_cert_of(&chair);
    bad[3].author_cert = author_cert_of(&elsewhere);
    bad[4].space.b[0] ^= 1;
    /* Certified by its own identity key, for a member of another name. */
    party_certify(&namesake, member_cert_of(&newcomer),
                  &newcomer.secrets.identity, &chair.id.member);
    bad[5].node_cert = node_cert_of(&namesake);
    memcpy(bent, newcomer.id.member_cert, sizeof bent);
    bent[newcomer.id.member_cert_len - 1] ^= 1;
    bad[6].member_cert.p = bent;
    forged.author_cert[AUTHOR_CERT_SIZE - 1] ^= 1;
    bad[7].author_cert = author_cert_of(&forged);
    for (size_t i = 0; i < 8; i++) {
        static const struct covey_bytes name = {(const uint8_t *)"Mill", 4};

        assert_int_equal(write_to(&bad[i], &out), COVEY_EFORGED);
        assert_int_equal(out.len, 0);
        put_request(&plain, &bad[i], name, MEMBER_SCHOOL);
        assert_int_equal(read_plain(&plain), COVEY_EFORGED);
    }
    buf_clear(&plain);
    buf_clear(&out);
}

static void test_a_node_certified_before_a_renewal_cannot_ask(void **state)
{
    uint8_t renewed[MEMBER_CERT_MAX];
    struct member_renewal renewal = {
        .recovery = &newcomer.recovery,
        .next_recovery = &chair.recovery,
        .identity = &newcomer.secrets.identity, /* its signature holds */
    };
    struct join_request r = make_request();
    struct covey_buf out = new_buf();
    size_t len;

    assert_int_equal(
        member_cert_renew(member_cert_of(&newcomer), &renewal, renewed, &len),
        COVEY_OK);
    r.member_cert = (struct covey_bytes){renewed, len};
    assert_int_equal(write_to(&r, &out), COVEY_EFORGED);
    buf_clear(&out);
}

static void test_what_cannot_be_asked_is_not_written(void **state)
{
    static const struct reading_key no_point;
    struct join_request r = make_request();
    struct covey_buf out = new_buf();

    r.name[0] = '\0';
    assert_int_equal(write_to(&r, &out), COVEY_EBAD);
    r = make_request();
    memcpy(r.address, "mill", sizeof "mill");
    assert_int_equal(write_to(&r, &out), COVEY_EBAD);
    r = make_request();
    assert_int_equal(
        join_request_write(&r, &keys.join, &no_point, &fresh, &out),
        COVEY_EBAD);
    assert_int_equal(out.len, 0);
    buf_clear(&out);
}

static void test_a_request_over_the_limit_is_refused_unopened(void **state)
{
    static const uint8_t many[JOIN_REQUEST_MAX + 1];
    int calls = counter.calls;

    assert_int_equal(read_by_chair((struct covey_bytes){many, sizeof many}),
                     COVEY_EBAD);
    assert_int_equal(counter.calls, calls);
    assert_int_equal(read_by_chair((struct covey_bytes){many, sizeof many - 1}),
                     COVEY_EFORGED);
}

static void test_requests_without_memory_leave_nothing_behind(void **state)
{
    struct join_request r = make_request();
    struct covey_buf sealed = new_buf();
    enum covey_rc rc = COVEY_ENOMEM;
    int n = 0;

    for (; rc == COVEY_ENOMEM; n++) {
        struct covey_buf out = new_buf();

        counter.calls = 0;
        counter.fail_at = n + 1;
        rc = write_to(&r, &out);
        buf_clear(&out);
        assert_int_equal(counter.live, 0);
    }
    assert_int_equal(rc, COVEY_OK);
    assert_in_range(n, 3, 20);

    counter.fail_at = 0;
    assert_int_equal(write_to(&r, &sealed), COVEY_OK);
    rc = COVEY_ENOMEM;
    for (n = 0; rc == COVEY_ENOMEM; n++) {
        counter.calls = 0;
        counter.fail_at = n + 1;
        rc = read_by_chair(buf_bytes(&sealed));
    }
    counter.fail_at = 0;
    assert_int_equal(rc, COVEY_OK);
    assert_int_equal(n, 2); /* one allocation, then success */
    buf_clear(&sealed);
}

#define ticket_test(f) cmocka_unit_test_setup_teardown(f, prepare, check_memory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ticket_test(test_the_chair_reads_what_the_newcomer_wrote),
        ticket_test(test_who_listens_nowhere_gives_no_address),
        ticket_test(test_a_request_opens_with_its_ticket_and_the_chair_only),
        ticket_test(test_a_request_cannot_be_played_to_another_invite),
        ticket_test(test_no_byte_of_a_request_can_be_changed),
        ticket_test(test_a_good_code_does_not_make_a_bad_request_good),
        ticket_test(test_certificates_that_do_not_belong_together_are_refused),
        ticket_test(test_a_node_certified_before_a_renewal_cannot_ask),
        ticket_test(test_what_cannot_be_asked_is_not_written),
        ticket_test(test_a_request_over_the_limit_is_refused_unopened),
        ticket_test(test_requests_without_memory_leave_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
