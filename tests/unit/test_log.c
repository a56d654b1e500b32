/* test_log.c - logs come back as they were signed; heads, frontier and tips
 * are what follows from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support_bytes.h"
#include "support_log.h"

static struct record record;

static int setup(void **state)
{
    record_init(&record, 0xa1);
    return 0;
}

static int teardown(void **state)
{
    record_clear(&record);
    return 0;
}

/* ---- back as they were ---- */

static void assert_same(const struct entry *a, const struct entry *b)
{
    uint8_t x[HEADER_MAX];
    uint8_t y[HEADER_MAX];
    size_t len = header_write(&a->header, x);
    struct hash hash = header_hash(&b->header);

    assert_int_equal(len, header_write(&b->header, y));
    assert_memory_equal(x, y, len);
    assert_memory_equal(&a->hash, &b->hash, sizeof a->hash);
    assert_memory_equal(&hash, &b->hash, sizeof hash);
    assert_int_equal(a->payload.len, b->payload.len);
    assert_memory_equal(a->payload.p, b->payload.p, a->payload.len);
    assert_memory_equal(&a->signature, &b->signature, sizeof a->signature);
    assert_int_equal(a->has_signature, b->has_signature);
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->n, b->n);
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->wait, b->wait);
    assert_int_equal(a->verdict, b->verdict);
    assert_int_equal(a->wall_ms, b->wall_ms);
}

static void read_back(struct entry *e)
{
    static uint8_t kept[HEADER_PAYLOAD_MAX];
    struct entry got;

    memcpy(kept, e->payload.p, e->payload.len);
    e->payload.p = kept;
    assert_int_equal(log_read(record.st, e->seq, &got), COVEY_OK);
    assert_same(e, &got);
    record_reopen(&record);
    assert_int_equal(log_read(record.st, e->seq, &got), COVEY_OK);
    assert_same(e, &got);
}

static void test_a_change_set_comes_back_whole(void **state)
{
    struct writer a = {.author = 1, .incarnation = 1};
    struct writer b = {.author = 2, .incarnation = 1};
    struct hash cites[3];
    struct entry e;

    cites[0] = log_write(&record, &a, NULL, 0);
    cites[1] = log_write(&record, &b, &cites[0], 1);
    cites[2] = log_write(&record, &a, NULL, 0);
    log_make(&record, &b, cites, 3, 7, &e);
    memset(e.signature.b, 0x66, sizeof e.signature.b);
    e.has_signature = true;
    e.state = ENTRY_WAITING;
    e.wait = WAIT_CERTIFICATE;
    e.verdict = VERDICT_HOLD;
    e.wall_ms = 1700000000123;
    log_payload(&e, 300, 0x33);
    log_store(&record, record.n, &e);
    read_back(&e);
}

static void test_a_payload_of_256_kib_comes_back_whole(void **state)
{
    struct writer a = {.author = 1, .incarnation = 1};
    struct entry e;

    log_make(&record, &a, NULL, 0, 1, &e);
    log_payload(&e, HEADER_PAYLOAD_MAX - 30, 0x77);
    log_store(&record, record.n, &e);
    read_back(&e);
}

static void test_a_header_that_cites_64_comes_back_whole(void **state)
{
    struct hash cites[HEADER_CITES_MAX];
    struct entry e;

    record_begin(&record);
    for (size_t i = 0; i < HEADER_CITES_MAX; i++) {
        struct writer w = {.author = (uint8_t)i, .incarnation = 1};

        cites[i] = log_write(&record, &w, NULL, 0);
    }
    record_commit(&record);
    struct writer w = {.author = 99, .incarnation = 1};
    log_make(&record, &w, cites, HEADER_CITES_MAX, 2, &e);
    log_store(&record, record.n, &e);
    read_back(&e);
}

/* As an erasure leaves it: shorter than its header says. */
static void
test_a_shortened_payload_keeps_the_length_that_was_signed(void **state)
{
    struct writer a = {.author = 1, .incarnation = 1};
    static uint8_t erased[24 + 2 + 4 + 40 + 4 + 32];
    static uint8_t whole[24 + 2 + 4 + 40 + 4 + 50];
    struct covey_buf shorter = bytes_buf();
    struct entry e;
    struct entry got;

    log_make(&record, &a, NULL, 0, 1, &e);
    put_u16(whole + 24, 2);
    put_u32(whole + 26, 40);
    put_u32(whole + 70, 50);
    e.payload = (struct covey_bytes){whole, sizeof whole};
    e.header.payload_len = sizeof whole;
    assert_int_equal(changeset_hash(e.payload, &e.header.payload_hash),
                     COVEY_OK);
    e.hash = header_hash(&e.header);
    assert_int_equal(changeset_erase(e.payload, 1, &shorter), COVEY_OK);
    assert_int_equal(shorter.len, sizeof erased);
    memcpy(erased, shorter.p, sizeof erased);
    e.payload = (struct covey_bytes){erased, sizeof erased};
    log_store(&record, record.n, &e);
    assert_int_equal(log_read(record.st, e.seq, &got), COVEY_OK);
    assert_same(&e, &got);
    buf_clear(&shorter);
}

static void test_a_signature_may_come_later(void **state)
{
    struct writer a = {.author = 1, .incarnation = 1};
    struct signature sig;
    struct entry e;
    struct entry got;

    log_write(&record, &a, NULL, 0);
    log_make(&record, &a, NULL, 0, 2, &e);
    log_store(&record, record.n, &e);
    assert_int_equal(log_next_unsigned(record.st, 0, &got), COVEY_OK);
    assert_int_equal(got.seq, e.seq);
    assert_false(got.has_signature);
    assert_int_equal(log_next_unsigned(record.st, e.seq, &got), COVEY_ENONE);
    memset(sig.b, 0x99, sizeof sig.b);
    record_begin(&record);
    assert_int_equal(log_sign(record.st, e.seq, &sig), COVEY_OK);
    record_commit(&record);
    assert_int_equal(log_next_unsigned(record.st, 0, &got), COVEY_ENONE);
    assert_int_equal(log_read(record.st, e.seq, &got), COVEY_OK);
    assert_true(got.has_signature);
    assert_memory_equal(&got.signature, &sig, sizeof sig);
}

/* ---- finding ---- */

static void test_a_change_set_is_found_by_hash_and_by_number(void **state)
{
    struct writer a = {.author = 1, .incarnation = 1};
    struct sign_key key = record_author(1);
    struct log_place at = {.author = key};
    struct hash hashes[3];
    struct hash hash;
    struct entry_brief brief;

    memset(at.incarnation.b, 1, sizeof at.incarnation.b);
    for (size_t i = 0; i < 3; i++)
        hashes[i] = log_write(&record, &a, NULL, 0);
    record_reopen(&record);
    assert_int_equal(log_find(record.st, record.n, &hashes[1], &brief),
                     COVEY_OK);
    assert_int_equal(brief.number, 2);
    assert_int_equal(brief.clock, 2);
    assert_memory_equal(&brief.author, &key, sizeof key);
    at.number = 3;
    assert_int_equal(log_at(record.st, record.n, &at, &hash, &brief), COVEY_OK);
    assert_memory_equal(&hash, &hashes[2], sizeof hash);
    at.number = 4;
    assert_int_equal(log_at(record.st, record.n, &at, &hash, &brief),
                     COVEY_ENONE);
    at.number = 1;
    at.author = record_author(9);
    assert_int_equal(log_at(record.st, record.n, &at, &hash, &brief),
                     COVEY_ENONE);
    hashes[0].b[31] ^= 1; /* the same name, another hash */
    assert_int_equal(log_find(record.st, record.n, &hashes[0], &brief),
                     COVEY_ENONE);
}

static void test_spaces_do_not_see_each_other(void **state)
{
    struct writer a = {.author = 1, .incarnation = 1};
    struct entry e;
    struct entry got;
    struct entry_brief brief;
    struct log_counts counts;
    struct covey_buf heads = bytes_buf();
    int64_t other = record_space(&record, 0x77);
    struct hash hash = log_write(&record, &a, NULL, 0);
    struct writer b = {.author = 1, .incarnation = 1};

    memset(record.space.b, 0x77, sizeof record.space.b);
    log_make(&record, &b, NULL, 0, 5, &e);
    log_store(&record, other, &e);
    assert_int_equal(log_find(record.st, other, &hash, &brief), COVEY_ENONE);
    assert_int_equal(log_find(record.st, other, &e.hash, &brief), COVEY_OK);
    assert_int_equal(log_next(record.st, other, 0, &got), COVEY_OK);
    assert_same(&e, &got);
    assert_int_equal(log_next(record.st, other, got.seq, &got), COVEY_ENONE);
    assert_int_equal(log_next(record.st, record.n, 0, &got), COVEY_OK);
    assert_memory_equal(&got.hash, &hash, sizeof hash);
    assert_int_equal(log_next(record.st, record.n, got.seq, &got), COVEY_ENONE);
    assert_int_equal(log_heads(record.st, other, &heads), COVEY_OK);
    assert_int_equal(heads.len, sizeof(struct log_head_row));
    assert_int_equal(log_counts(record.st, other, &counts), COVEY_OK);
    assert_int_equal(counts.change_sets, 1);
    buf_clear(&heads);
}

static void test_what_waits_is_counted_and_settled(void **state)
{
    struct writer a = {.author = 1, .incarnation = 1};
    struct log_counts counts;
    struct entry e;
    struct entry got;

    log_write(&record, &a, NULL, 0);
    for (uint64_t i = 0; i < 3; i++) {
        log_make(&record, &a, NULL, 0, 2 + i, &e);
        e.state = i == 2 ? ENTRY_VOID : ENTRY_WAITING;
        e.wait = i == 1 ? WAIT_UPGRADE : WAIT_KEY;
        log_store(&record, record.n, &e);
        a.number++;
        a.last = e.hash;
    }
    assert_int_equal(log_counts(record.st, record.n, &counts), COVEY_OK);
    assert_int_equal(counts.change_sets, 4);
    assert_int_equal(counts.waiting, 2);
    assert_int_equal(counts.newer, 1);
    assert_int_equal(counts.voided, 1);
    assert_int_equal(log_next_waiting(record.st, record.n, 0, &got), COVEY_OK);
    record_begin(&record);
    assert_int_equal(log_settle(record.st, got.seq, ENTRY_APPLIED, WAIT_NONE,
                                VERDICT_COUNTS),
                     COVEY_OK);
    assert_int_equal(log_wall(record.st, got.seq, 55), COVEY_OK);
    record_commit(&record);
    assert_int_equal(log_read(record.st, got.seq, &e), COVEY_OK);
    assert_int_equal(e.wall_ms, 55);
    assert_int_equal(e.state, ENTRY_APPLIED);
    assert_int_equal(log_next_waiting(record.st, record.n, 0, &e), COVEY_OK);
    assert_int_equal(e.seq, got.seq + 1);
    assert_int_equal(log_next_waiting(record.st, record.n, e.seq, &e),
                     COVEY_ENONE);
}

/* ---- heads, frontier, tips ---- */

static size_t frontier(struct log_head_row *out, size_t cap)
{
    struct covey_buf heads = bytes_buf();

    assert_int_equal(log_frontier(record.st, record.n, &heads), COVEY_OK);
    size_t count = heads.len / sizeof *out;
    assert_true(count <= cap);
    memcpy(out, heads.p, heads.len);
    buf_clear(&heads);
    return count;
}

static void test_the_frontier_is_sorted_by_author_and_incarnation(void **state)
{
    struct log_head_row rows[8];

    for (uint8_t author = 1; author <= 4; author++) {
        struct writer w = {.author = author, .incarnation = 3};

        log_write(&record, &w, NULL, 0);
        log_write(&record, &w, NULL, 0);
    }
    assert_int_equal(frontier(rows, 8), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(rows[i].number, 2);
        if (i > 0)
            assert_true(memcmp(&rows[i - 1].author, &rows[i].author,
                               sizeof rows[i].author) < 0);
    }
}

static void
test_an_incarnation_that_was_followed_leaves_the_frontier(void **state)
{
    struct writer a = {.author = 1, .incarnation = 1};
    struct writer old;
    struct log_head_row rows[4];
    struct log_head_row last;
    struct sign_key key = record_author(1);
    struct hash before;

    log_write(&record, &a, NULL, 0);
    struct hash head = log_write(&record, &a, NULL, 0);
    old = a;
    log_restart(&a);
    log_write(&record, &a, NULL, 0);
    assert_int_equal(frontier(rows, 4), 1);
    assert_int_equal(rows[0].incarnation.b[0], 2);
    assert_int_equal(
        log_before(record.st, record.n, &key, &rows[0].incarnation, &before),
        COVEY_OK);
    assert_memory_equal(&before, &head, sizeof head);

    /* The older one grows past what its successor named: both count. */
    log_write(&record, &old, NULL, 0);
    record_reopen(&record);
    assert_int_equal(frontier(rows, 4), 2);
    assert_int_equal(rows[0].number, 3);
    assert_int_equal(log_last_of(record.st, record.n, &key, &last), COVEY_OK);
    assert_int_equal(last.clock, 3);
}

static void test_a_restart_from_an_older_head_prunes_nothing(void **state)
{
    struct writer a = {.author = 1, .incarnation = 1};
    struct log_head_row rows[4];

    log_write(&record, &a, NULL, 0);
    struct writer restored = a;
    log_write(&record, &a, NULL, 0);
    log_restart(&restored);
    log_write(&record, &restored, NULL, 0);
    assert_int_equal(frontier(rows, 4), 2);
}

static size_t tips(struct tip *out, size_t cap)
{
    size_t count;

    assert_int_equal(log_tips(record.st, record.n, out, cap, &count), COVEY_OK);
    return count;
}

static void test_a_tip_is_what_nobody_cites_or_follows(void **state)
{
    struct writer a = {.author = 1, .incarnation = 1};
    struct writer b = {.author = 2, .incarnation = 1};
    struct tip found[8];

    struct hash first = log_write(&record, &a, NULL, 0);
    struct hash other = log_write(&record, &b, NULL, 0);
    assert_int_equal(tips(found, 8), 2);
    assert_memory_equal(&found[0].hash, &first, sizeof first);
    struct hash citing = log_write(&record, &b, &first, 1);
    assert_int_equal(tips(found, 8), 1);
    assert_memory_equal(&found[0].hash, &citing, sizeof citing);
    struct hash next = log_write(&record, &a, &other, 1);
    record_reopen(&record);
    assert_int_equal(tips(found, 8), 2);
    assert_memory_equal(&found[0].hash, &citing, sizeof citing);
    assert_memory_equal(&found[1].hash, &next, sizeof next);
    log_restart(&a);
    log_write(&record, &a, &citing, 1);
    assert_int_equal(tips(found, 8), 1);
}

static void test_tips_are_counted_beyond_those_that_are_told(void **state)
{
    struct tip found[HEADER_CITES_MAX];

    record_begin(&record);
    for (size_t i = 0; i < 70; i++) {
        struct writer w = {.author = (uint8_t)i, .incarnation = 1};
        struct hash hash = log_write(&record, &w, NULL, 0);

        assert_int_equal(tips(found, HEADER_CITES_MAX), i + 1);
        if (i < HEADER_CITES_MAX)
            assert_memory_equal(&found[i].hash, &hash, sizeof hash);
    }
    record_commit(&record);
}

static void test_both_branches_of_a_fork_are_kept(void **state)
{
    struct writer a = {.author = 1, .incarnation = 1};
    struct log_place at = {.author = record_author(1), .number = 2};
    struct log_head_row rows[4];
    struct entry_brief brief;
    struct entry got;
    struct hash hash;

    memset(at.incarnation.b, 1, sizeof at.incarnation.b);
    log_write(&record, &a, NULL, 0);
    struct writer twin = a;
    struct hash one = log_write(&record, &a, NULL, 0);
    twin.clock = 40;
    struct hash two = log_write(&record, &twin, NULL, 0);
    log_write(&record, &twin, NULL, 0);
    log_write(&record, &a, NULL, 0);
    log_write(&record, &a, NULL, 0);
    record_reopen(&record);
    assert_int_equal(frontier(rows, 4), 2);
    assert_int_equal(rows[0].number, 3);
    assert_int_equal(rows[1].number, 4);
    assert_int_equal(log_at(record.st, record.n, &at, &hash, &brief), COVEY_OK);
    assert_memory_equal(&hash, &one, sizeof one);
    assert_int_equal(log_find(record.st, record.n, &two, &brief), COVEY_OK);
    assert_int_equal(log_read(record.st, brief.seq, &got), COVEY_OK);
    assert_true(got.forked);
}

static void test_a_fork_at_the_first_change_set_is_kept(void **state)
{
    struct writer a = {.author = 1, .incarnation = 1};
    struct writer twin = {.author = 1, .incarnation = 1, .clock = 9};
    struct log_head_row rows[4];

    log_write(&record, &a, NULL, 0);
    log_write(&record, &twin, NULL, 0);
    log_write(&record, &twin, NULL, 0);
    assert_int_equal(frontier(rows, 4), 2);
}

static void test_a_rollback_takes_heads_back(void **state)
{
    struct writer a = {.author = 1, .incarnation = 1};
    struct log_head_row rows[4];
    struct entry_brief brief;
    int64_t newest;

    struct hash first = log_write(&record, &a, NULL, 0);
    struct writer kept = a;
    record_begin(&record);
    struct hash lost = log_write(&record, &a, NULL, 0);
    struct writer b = {.author = 2, .incarnation = 1};
    log_write(&record, &b, &lost, 1);
    store_rollback(record.st);
    assert_int_equal(frontier(rows, 4), 1);
    assert_memory_equal(&rows[0].hash, &first, sizeof first);
    assert_int_equal(log_find(record.st, record.n, &lost, &brief), COVEY_ENONE);
    assert_int_equal(log_newest(record.st, record.n, &newest), COVEY_OK);
    log_write(&record, &kept, NULL, 0);
    int64_t after;
    assert_int_equal(log_newest(record.st, record.n, &after), COVEY_OK);
    assert_int_equal(after, newest + 1);
}

/* ---- many, at random ---- */

#define RANDOM_AUTHORS 4u
#define RANDOM_COUNT 300u

/* What is a tip or in the frontier, worked out from the headers alone. */
static bool is_named(const struct entry *all, size_t count,
                     const struct hash *hash, bool by_first_only)
{
    for (size_t i = 0; i < count; i++) {
        const struct header *h = &all[i].header;

        if (memcmp(&h->previous, hash, sizeof *hash) == 0 &&
            (!by_first_only || h->number == 1))
            return true;
        for (size_t k = 0; k < h->cite_count && !by_first_only; k++) {
            if (memcmp(&h->cites[k], hash, sizeof *hash) == 0)
                return true;
        }
    }
    return false;
}

static bool is_head(const struct entry *all, size_t count, size_t i)
{
    for (size_t k = 0; k < count; k++) {
        if (all[k].header.number > 1 &&
            memcmp(&all[k].header.previous, &all[i].hash, sizeof all[i].hash) ==
                0)
            return false;
    }
    return true;
}

static void check_against(const struct entry *all, size_t count)
{
    static struct tip found[RANDOM_COUNT];
    static struct log_head_row rows[RANDOM_COUNT];
    size_t expected_tips = 0;
    size_t expected_heads = 0;

    for (size_t i = 0; i < count; i++) {
        expected_tips += is_named(all, count, &all[i].hash, false) ? 0 : 1;
        expected_heads +=
            is_head(all, count, i) && !is_named(all, count, &all[i].hash, true)
                ? 1
                : 0;
    }
    assert_int_equal(tips(found, RANDOM_COUNT), expected_tips);
    for (size_t i = 0; i < expected_tips; i++)
        assert_false(is_named(all, count, &found[i].hash, false));
    assert_int_equal(frontier(rows, RANDOM_COUNT), expected_heads);
    for (size_t i = 0; i < expected_heads; i++)
        assert_false(is_named(all, count, &rows[i].hash, true));
}

static void test_random_logs_agree_with_their_headers(void **state)
{
    static struct entry all[RANDOM_COUNT];
    static struct writer writers[RANDOM_AUTHORS];
    struct hash cites[4];
    uint64_t seed = 4711;

    for (size_t i = 0; i < RANDOM_AUTHORS; i++)
        writers[i] = (struct writer){.author = (uint8_t)i, .incarnation = 1};
    for (size_t i = 0; i < RANDOM_COUNT; i++) {
        struct writer *w = &writers[bytes_below(&seed, RANDOM_AUTHORS)];
        size_t count = i == 0 ? 0 : bytes_below(&seed, 4);

        if (bytes_below(&seed, 10) == 0)
            log_restart(w);
        for (size_t k = 0; k < count; k++)
            cites[k] = all[i - 1 - bytes_below(&seed, i < 40 ? i : 40)].hash;
        if (i % 7 == 0 && !store_in_transaction(record.st))
            record_begin(&record);
        log_make(&record, w, cites, count, w->clock + 1, &all[i]);
        log_store(&record, record.n, &all[i]);
        w->number = all[i].header.number;
        w->last = all[i].hash;
        w->clock++;
        if (i % 7 == 5 && store_in_transaction(record.st))
            record_commit(&record);
        if (i % 60 == 59)
            check_against(all, i + 1);
    }
    if (store_in_transaction(record.st))
        record_commit(&record);
    record_reopen(&record);
    check_against(all, RANDOM_COUNT);
    for (size_t i = 0; i < RANDOM_COUNT; i++) {
        struct entry got;

        assert_int_equal(log_read(record.st, all[i].seq, &got), COVEY_OK);
        struct hash hash = header_hash(&got.header);
        assert_memory_equal(&hash, &all[i].hash, sizeof hash);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_change_set_comes_back_whole),
        CASE(test_a_payload_of_256_kib_comes_back_whole),
        CASE(test_a_header_that_cites_64_comes_back_whole),
        CASE(test_a_shortened_payload_keeps_the_length_that_was_signed),
        CASE(test_a_signature_may_come_later),
        CASE(test_a_change_set_is_found_by_hash_and_by_number),
        CASE(test_spaces_do_not_see_each_other),
        CASE(test_what_waits_is_counted_and_settled),
        CASE(test_the_frontier_is_sorted_by_author_and_incarnation),
        CASE(test_an_incarnation_that_was_followed_leaves_the_frontier),
        CASE(test_a_restart_from_an_older_head_prunes_nothing),
        CASE(test_a_tip_is_what_nobody_cites_or_follows),
        CASE(test_tips_are_counted_beyond_those_that_are_told),
        CASE(test_both_branches_of_a_fork_are_kept),
        CASE(test_a_fork_at_the_first_change_set_is_kept),
        CASE(test_a_rollback_takes_heads_back),
        CASE(test_random_logs_agree_with_their_headers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
