/* The bytes of an epoch: what is no epoch, what the formulas of epoch.h come
 * to, and what a later version of covey may yet say in one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/epoch_fold.h"
#include "proto/wire.h"
#include "support_forge.h"

static struct chain w;

static int settle(void **state)
{
    chain_settle(&w);
    return 0;
}

static int end(void **state)
{
    chain_clear(&w);
    return 0;
}

static struct epoch epoch_at(size_t index)
{
    struct epoch e;

    assert_int_equal(epoch_read(buf_bytes(&w.epochs[index]), &e), COVEY_OK);
    return e;
}

/* ---- what is no epoch ---- */

static void test_an_epoch_cut_short_or_made_longer_is_refused(void **state)
{
    struct covey_buf *b = &w.epochs[2];
    struct epoch e;

    for (size_t len = 0; len < b->len; len++) {
        uint8_t *p = malloc(len + 1); /* its own size, for the sanitizer */

        assert_non_null(p);
        memcpy(p, b->p, len);
        assert_int_equal(epoch_read((struct covey_bytes){p, len}, &e),
                         COVEY_EBAD);
        free(p);
    }
    buf_append(b, "", 1);
    assert_int_equal(epoch_read(buf_bytes(b), &e), COVEY_EBAD);
    b->len--;
    assert_int_equal(epoch_read(buf_bytes(b), &e), COVEY_OK);
}

enum { CLEAR, SEALED, BOXES, HISTORY, SIGNATURES, PARTS };

/* epoch_read() of a good epoch with one part of its own in the place of
 * another's. */
static enum covey_rc read_with(size_t part, const void *p, size_t len)
{
    struct epoch e = epoch_at(2);
    struct covey_bytes parts[PARTS] = {e.clear, e.sealed, e.boxes, e.history,
                                       e.signatures};
    struct covey_buf out = chain_buf(&w);

    parts[part] = (struct covey_bytes){p, len};
    wire_array(&out, PARTS);
    for (size_t i = 0; i < PARTS; i++)
        wire_bin(&out, parts[i].p, parts[i].len);

    enum covey_rc rc = epoch_read(buf_bytes(&out), &e);

    buf_clear(&out);
    return rc;
}

static void test_sealed_history_and_signatures_have_their_lengths(void **state)
{
    static const uint8_t zero[400];
    static const struct {
        size_t part;
        size_t len;
        enum covey_rc rc;
    } cases[] = {
        {SEALED, 0, COVEY_EBAD},      {SEALED, 39, COVEY_EBAD},
        {SEALED, 40, COVEY_OK},       {HISTORY, 0, COVEY_OK},
        {HISTORY, 107, COVEY_EBAD},   {HISTORY, 108, COVEY_OK},
        {HISTORY, 109, COVEY_EBAD},   {SIGNATURES, 0, COVEY_EBAD},
        {SIGNATURES, 95, COVEY_EBAD}, {SIGNATURES, 96, COVEY_OK},
        {SIGNATURES, 97, COVEY_EBAD}, {SIGNATURES, 192, COVEY_OK},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(read_with(cases[i].part, zero, cases[i].len),
                         cases[i].rc);
}

static void put_box(struct covey_buf *b, size_t values, size_t hint, size_t box)
{
    static const uint8_t zero[200];

    wire_array(b, 1);
    wire_array(b, values);
    wire_bin(b, zero, hint);
    if (values > 1)
        wire_bin(b, zero, box);
}

static void test_a_box_is_a_hint_and_its_bytes(void **state)
{
    static const struct {
        size_t values, hint, box;
        enum covey_rc rc;
    } cases[] = {
        {2, 8, 116, COVEY_OK},   {2, 7, 116, COVEY_EBAD},
        {2, 9, 116, COVEY_EBAD}, {2, 8, 115, COVEY_EBAD},
        {2, 8, 117, COVEY_EBAD}, {1, 8, 0, COVEY_EBAD},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct covey_buf b = chain_buf(&w);

        put_box(&b, cases[i].values, cases[i].hint, cases[i].box);
        assert_int_equal(read_with(BOXES, b.p, b.len), cases[i].rc);
        buf_clear(&b);
    }
    assert_int_equal(read_with(BOXES, "\x90", 1), COVEY_OK); /* [] */
    assert_int_equal(read_with(BOXES, "\x90\x90", 2), COVEY_EBAD);
    assert_int_equal(read_with(BOXES, "\x01", 1), COVEY_EBAD);
    assert_int_equal(read_with(BOXES, "", 0), COVEY_EBAD);
}

/* The clear part, with `bent` (0 to 8) of another size or kind; 9: none. */
static void put_clear(struct covey_buf *b, size_t values, size_t bent)
{
    static const uint8_t zero[40];
    static const size_t bins[9] = {0, 16, 0, 32, 32, 0, 32, 0, 0};

    wire_array(b, values);
    for (size_t i = 0; i < values; i++) {
        if (i < 9 && bins[i] > 0)
            wire_bin(b, zero, bins[i] + (i == bent));
        else if (i == 0)
            wire_uint(b, 1);
        else if (i == bent && (i == 5 || i == 7))
            wire_uint(b, UINT64_C(1) << 32);
        else if (i == bent)
            wire_nil(b);
        else if (i < 8)
            wire_uint(b, 7);
        else
            wire_array(b, 0);
    }
}

static void test_every_value_of_the_clear_part_has_its_form(void **state)
{
    for (size_t bent = 1; bent <= 9; bent++) {
        struct covey_buf b = chain_buf(&w);

        put_clear(&b, 9, bent);
        assert_int_equal(read_with(CLEAR, b.p, b.len),
                         bent == 9 ? COVEY_OK : COVEY_EBAD);
        buf_clear(&b);
    }
    for (size_t values = 1; values <= 10; values++) {
        struct covey_buf b = chain_buf(&w);

        put_clear(&b, values, 10);
        assert_int_equal(read_with(CLEAR, b.p, b.len),
                         values == 9 ? COVEY_OK : COVEY_EBAD);
        buf_clear(&b);
    }
    assert_int_equal(read_with(CLEAR, "", 0), COVEY_EBAD);
    assert_int_equal(read_with(CLEAR, "\x90", 1), COVEY_EBAD); /* [] */
    assert_int_equal(read_with(CLEAR, "\x91\x01\x01", 3), COVEY_EBAD);
}

static void test_an_epoch_has_five_parts(void **state)
{
    for (size_t parts = 4; parts <= 6; parts += 2) {
        struct epoch e = epoch_at(2);
        struct covey_bytes all[6] = {e.clear,   e.sealed,     e.boxes,
                                     e.history, e.signatures, e.history};
        struct covey_buf out = chain_buf(&w);

        wire_array(&out, parts);
        for (size_t i = 0; i < parts; i++)
            wire_bin(&out, all[i].p, all[i].len);
        assert_int_equal(epoch_read(buf_bytes(&out), &e), COVEY_EBAD);
        buf_clear(&out);
    }
}

static void test_an_epoch_over_its_limit_is_refused(void **state)
{
    static uint8_t zero[EPOCH_MAX];
    struct covey_buf out;
    struct epoch e;

    buf_init(&out, &w.mem, 2 * EPOCH_MAX);
    wire_array(&out, 2);
    wire_bin(&out, zero, EPOCH_MAX / 2);
    wire_bin(&out, zero, EPOCH_MAX / 2);
    assert_int_equal(epoch_read(buf_bytes(&out), &e), COVEY_EBAD);
    buf_clear(&out);
}

/* ---- formulas ---- */

static void add_place(struct hasher *h, const struct epoch *e)
{
    uint8_t number[8];

    put_u64(number, e->number);
    hasher_add(h, e->space.b, sizeof e->space.b);
    hasher_add(h, number, sizeof number);
}

static void test_a_commitment_is_to_space_number_and_key(void **state)
{
    struct epoch e = epoch_at(2);
    struct hasher h;

    hasher_init(&h, "covey-epoch-key");
    add_place(&h, &e);
    hasher_add(&h, w.keys.key.b, sizeof w.keys.key.b);

    struct hash expected = hasher_end(&h);

    assert_true(hash_equal(&e.commitment, &expected));
}

static void test_an_epochs_hash_is_over_four_of_its_parts(void **state)
{
    struct epoch e = epoch_at(2);
    const struct covey_bytes parts[] = {e.clear, e.sealed, e.boxes, e.history};
    struct hasher h;

    hasher_init(&h, "covey/1 epoch");
    for (size_t i = 0; i < 4; i++) {
        struct hash part =
            hash_of("covey/1 epoch part", parts[i].p, parts[i].len);

        hasher_add(&h, part.b, sizeof part.b);
    }

    struct hash expected = hasher_end(&h);

    assert_true(hash_equal(&e.hash, &expected));
}

static void test_a_signature_is_over_tag_and_hash(void **state)
{
    struct epoch e = epoch_at(2);
    uint8_t text[17 + 32] = "covey/1 epoch sig";
    struct signature sig;

    memcpy(text + 17, e.hash.b, sizeof e.hash.b);
    assert_memory_equal(e.signatures.p, &w.party[0].author.key, 32);
    memcpy(sig.b, e.signatures.p + 32, sizeof sig.b);
    assert_true(sign_verify(&w.party[0].author.key, text, sizeof text, &sig));
}

static void test_a_hint_is_of_key_space_and_number(void **state)
{
    struct epoch e = epoch_at(2); /* it admits party 1 */
    struct wire_cursor c = wire_cursor(e.boxes);
    uint8_t hint[8];
    struct hasher h;

    hasher_init(&h, "covey/1 hint");
    hasher_add(&h, w.party[1].id.node.reading.b, 32);
    add_place(&h, &e);

    struct hash expected = hasher_end(&h);

    assert_int_equal(wire_read_array(&c), 1);
    wire_expect_array(&c, 2);
    wire_read_fixed(&c, hint, sizeof hint);
    assert_memory_equal(hint, expected.b, sizeof hint);
}

/* ---- a generator that repeats itself ---- */

static void nonce_of(const struct plan *plan, const struct covey_rng *rng,
                     uint8_t out[24])
{
    struct covey_buf bytes = chain_buf(&w);
    struct membership next;
    struct epoch e;

    w.rng = *rng;
    assert_int_equal(chain_try(&w, plan, &w.keys, NULL, &next, &bytes),
                     COVEY_OK);
    assert_int_equal(epoch_read(buf_bytes(&bytes), &e), COVEY_OK);
    memcpy(out, e.sealed.p, 24);
    membership_clear(&next);
    buf_clear(&bytes);
}

static void test_a_cloned_generator_repeats_no_nonce(void **state)
{
    struct covey_rng rng = w.rng;
    struct covey_rng other = w.rng;
    struct plan clear = {.count = 0};
    struct plan sealed = {.count = 0};
    static const struct plan nothing;
    uint8_t nonces[5][24];

    other.key.b[0] ^= 1;
    plan_add(&clear, EPOCH_CARRIER)->carrier = carrier_of(9);
    plan_terms(&sealed)->name = "South cluster";
    nonce_of(&nothing, &rng, nonces[0]);
    nonce_of(&clear, &rng, nonces[1]);
    nonce_of(&sealed, &rng, nonces[2]);
    nonce_of(&nothing, &other, nonces[3]);
    nonce_of(&nothing, &rng, nonces[4]); /* the very same epoch */
    assert_memory_equal(nonces[0], nonces[4], 24);
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(nonces[i], nonces[j], 24);
    }
}

/* ---- later versions ---- */

static void test_an_unknown_change_waits_for_an_upgrade(void **state)
{
    /* [[8, true]] and [[39, "new"]] */
    struct forgery clear = {.clear_hex = "919208c3"};
    struct forgery sealed = {.sealed_hex = "919227a36e6577"};
    /* [[3, carrier 2], [200]]: known, then unknown */
    struct forgery later = {.clear_hex = "929203c4200902"
                                         "000000000000000000000000000000"
                                         "000000000000000000000000000000"
                                         "91ccc8"};

    assert_meets(&w, &clear, COVEY_ENEWER, COVEY_ENEWER);
    assert_meets(&w, &sealed, COVEY_ENEWER, COVEY_OK);
    assert_meets(&w, &later, COVEY_ENEWER, COVEY_ENEWER);
}

static void test_a_known_change_of_another_form_is_malformed(void **state)
{
    static const char *const clear[] = {
        "9191c3",     /* [[true]]: no op */
        "9190",       /* [[]] */
        "9105",       /* [5]: no array */
        "919203a161", /* [[3, "a"]]: a key that is text */
        "919103",     /* [[3]]: a value too few */
        "91930303c3", /* [[3, 3, true]]: a value too many */
    };

    for (size_t i = 0; i < 6; i++)
        assert_meets(&w, &(struct forgery){.clear_hex = clear[i]}, COVEY_EBAD,
                     COVEY_EBAD);
    /* [[36, 1]], a seat's end, where carriers read */
    assert_meets(&w, &(struct forgery){.clear_hex = "91922401"}, COVEY_EBAD,
                 COVEY_EBAD);
    /* [[36, 1], ...]: bytes after the array */
    assert_meets(&w, &(struct forgery){.sealed_hex = "9192240101"}, COVEY_EBAD,
                 COVEY_OK);
    /* [[7, header, [1]]] where carriers do not read */
    assert_meets(&w,
                 &(struct forgery){.sealed_hex =
                                       "919307c420"
                                       "00000000000000000000000000000000"
                                       "00000000000000000000000000000000"
                                       "9101"},
                 COVEY_EBAD, COVEY_OK);
}

/* Each change with nil for each of its values. */
static void test_no_value_may_be_missing(void **state)
{
    static const struct {
        unsigned op;
        unsigned values;
    } ops[] = {{0, 2},  {1, 4},  {2, 3},  {3, 2},  {4, 2},
               {5, 4},  {6, 3},  {7, 3},  {32, 4}, {33, 7},
               {34, 5}, {35, 3}, {36, 2}, {37, 4}, {38, 3}};

    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        char hex[32];
        int len = snprintf(hex, sizeof hex, "91%02x%02x", 0x90 + ops[i].values,
                           ops[i].op);

        for (unsigned v = 1; v < ops[i].values; v++)
            len += snprintf(hex + len, sizeof hex - (size_t)len, "c0");
        if (ops[i].op < 32)
            assert_meets(&w, &(struct forgery){.clear_hex = hex}, COVEY_EBAD,
                         COVEY_EBAD);
        else
            assert_meets(&w, &(struct forgery){.sealed_hex = hex}, COVEY_EBAD,
                         COVEY_OK);
    }
}

/* [clear, sealed, boxes, history, signatures], of which only the last has a
 * form that stays; signed by a party of the world. */
static enum covey_rc read_later_layout(struct covey_bytes clear, size_t party,
                                       bool *signed_here)
{
    struct covey_buf signatures = chain_buf(&w);
    struct covey_buf out = chain_buf(&w);
    struct epoch e = {.clear = clear};

    e.hash = epoch_hash(&e);
    epoch_sign(&e, &w.party[party].author, &signatures);
    wire_array(&out, 5);
    wire_bin(&out, clear.p, clear.len);
    for (int part = 0; part < 3; part++)
        wire_bin(&out, "", 0);
    wire_bin(&out, signatures.p, signatures.len);

    enum covey_rc rc = epoch_read(buf_bytes(&out), &e);

    *signed_here = rc == COVEY_ENEWER && epoch_signed_here(&w.now, &e);
    buf_clear(&signatures);
    buf_clear(&out);
    return rc;
}

static void test_a_later_layout_waits_for_an_upgrade(void **state)
{
    /* All that is known of it is that its first number is not 1. */
    static const struct {
        uint8_t clear[3];
        enum covey_rc rc;
    } cases[] = {
        {{0x92, 2, 0xc0}, COVEY_ENEWER}, /* [2, nil] */
        {{0x92, 1, 0xc0}, COVEY_EBAD},   /* [1, nil] */
        {{0x92, 0, 0xc0}, COVEY_EBAD},   /* [0, nil] */
        {{0x92, 0xc0, 2}, COVEY_EBAD},   /* [nil, 2] */
        {{0x90, 0xc0, 2}, COVEY_EBAD},   /* [] and more */
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct covey_bytes clear = {cases[i].clear, sizeof cases[i].clear};
        bool signed_here;

        assert_int_equal(read_later_layout(clear, 0, &signed_here),
                         cases[i].rc);
        assert_int_equal(signed_here, cases[i].rc == COVEY_ENEWER);
    }
}

/* Anybody can write a greater number; it is the chair's that counts. */
static void test_a_later_layout_is_believed_from_who_may_sign(void **state)
{
    static const uint8_t clear[] = {0x92, 2, 0xc0};
    bool signed_here;

    for (size_t party = 1; party < 3; party++) {
        assert_int_equal(
            read_later_layout((struct covey_bytes){clear, sizeof clear}, party,
                              &signed_here),
            COVEY_ENEWER);
        assert_false(signed_here);
    }
}

#define world_test(f) cmocka_unit_test_setup_teardown(f, settle, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_an_epoch_cut_short_or_made_longer_is_refused),
        world_test(test_sealed_history_and_signatures_have_their_lengths),
        world_test(test_a_box_is_a_hint_and_its_bytes),
        world_test(test_every_value_of_the_clear_part_has_its_form),
        world_test(test_an_epoch_has_five_parts),
        world_test(test_an_epoch_over_its_limit_is_refused),
        world_test(test_a_commitment_is_to_space_number_and_key),
        world_test(test_an_epochs_hash_is_over_four_of_its_parts),
        world_test(test_a_signature_is_over_tag_and_hash),
        world_test(test_a_hint_is_of_key_space_and_number),
        world_test(test_a_cloned_generator_repeats_no_nonce),
        world_test(test_an_unknown_change_waits_for_an_upgrade),
        world_test(test_a_known_change_of_another_form_is_malformed),
        world_test(test_no_value_may_be_missing),
        world_test(test_a_later_layout_waits_for_an_upgrade),
        world_test(test_a_later_layout_is_believed_from_who_may_sign),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
