/* test_contract.c - what a header forbids its callers ends the program at once:
 * each of these is our own mistake, which no peer and no disk can bring about.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/epoch_fold.h"
#include "proto/frame.h"
#include "proto/header.h"
#include "proto/session.h"
#include "support_noise.h"
#include "support_wire.h"

static jmp_buf panicked;
static const char *said;

static void on_panic(const char *expr, const char *file, int line)
{
    said = expr;
    longjmp(panicked, 1);
}

/* The attempt ends in a CHECK of an expression with this in it. */
static void assert_panics(void (*attempt)(void), const char *expr)
{
    said = NULL;
    covey_panic_set(on_panic);
    if (setjmp(panicked) == 0)
        attempt();
    covey_panic_set(NULL);
    assert_non_null(said);
    assert_non_null(strstr(said, expr));
}

/* ---- headers ---- */

static struct header header;

static void write_header(void)
{
    uint8_t out[HEADER_MAX];

    (void)header_write(&header, out);
}

static void sort_cites(void)
{
    header_sort_cites(&header);
}

static void sign_header(void)
{
    struct seed seed = {{1}};
    struct sign_pair pair;

    sign_pair_from(&seed, &pair);
    (void)header_sign(&header, &pair);
}

static void test_a_header_has_room_for_its_cites(void **state)
{
    header = (struct header){.number = 1, .cite_count = HEADER_CITES_MAX + 1};
    assert_panics(write_header, "HEADER_CITES_MAX");
    assert_panics(sort_cites, "HEADER_CITES_MAX");
}

static void test_an_author_signs_its_own_headers(void **state)
{
    header = (struct header){.number = 1};
    assert_panics(sign_header, "author");
}

/* ---- handshakes ---- */

static struct noise_cipher worn_out;

static void encrypt(void)
{
    uint8_t out[NOISE_TAG + 1];

    noise_encrypt(&worn_out, text_bytes("x"), out);
}

static void test_a_nonce_is_never_used_twice(void **state)
{
    worn_out = (struct noise_cipher){.n = UINT64_MAX - 1};
    encrypt();
    assert_panics(encrypt, "UINT64_MAX");
}

static void responder_who_knows_whom_it_dials(void)
{
    struct party self = party_of(1);
    struct noise_handshake hs;

    noise_init(&hs, &(struct noise_setup){.role = NOISE_RESPONDER,
                                          .static_secret = &self.secret,
                                          .static_key = &self.key,
                                          .remote = &self.key,
                                          .ephemeral = &self.ephemeral});
}

static void initiator_who_does_not(void)
{
    struct party self = party_of(1);
    struct noise_handshake hs;

    noise_init(&hs, &(struct noise_setup){.role = NOISE_INITIATOR,
                                          .static_secret = &self.secret,
                                          .static_key = &self.key,
                                          .ephemeral = &self.ephemeral});
}

static void test_who_dials_knows_whom(void **state)
{
    assert_panics(responder_who_knows_whom_it_dials, "remote");
    assert_panics(initiator_who_does_not, "remote");
}

/* ---- frames ---- */

static struct frame_link frames;

static void put_too_much(void)
{
    static const uint8_t zeros[SESSION_FRAME_MAX + 1];

    (void)!frame_put(&frames, zeros, sizeof zeros);
}

static void check_frames(void)
{
    frame_check(&frames);
}

/* What frame_check() is for: each count that could go wrong does, once. */
static void test_a_link_that_lost_count_is_found_out(void **state)
{
    static const uint8_t some[10];
    struct frame_link good;

    frame_init(&frames, &support_heap);
    assert_panics(put_too_much, "SESSION_FRAME_MAX");
    assert_true(frame_put(&frames, some, sizeof some));
    check_frames();
    good = frames;
    frames.waiting++;
    assert_panics(check_frames, "waiting");
    frames = good;
    frames.last = NULL;
    assert_panics(check_frames, "last");
    frames = good;
    frames.sent = SESSION_REKEY;
    assert_panics(check_frames, "sent");
    frames = good;
    frames.received = SESSION_REKEY;
    assert_panics(check_frames, "received");
    frames = good;
    frames.in.len = frames.in.max + 1;
    assert_panics(check_frames, "in.max");
    frames = good;
    frame_drop(&frames);
    frames.last = good.last;
    assert_panics(check_frames, "first");
    frames.last = NULL;
    frame_clear(&frames);
}

/* ---- epochs ---- */

static void write_unknown_change(void)
{
    static const struct epoch_change change = {.op = (enum epoch_op)1000};
    static const struct epoch_draft draft = {.changes = &change,
                                             .change_count = 1};
    struct covey_buf out = heap_buf();

    epoch_put_changes(&draft, EPOCH_PART_CLEAR, &out);
}

static void keep_more_than_fits(void)
{
    char kept[4];

    epoch_keep(kept, sizeof kept, text_bytes("four"));
}

static void test_an_epochs_writer_knows_its_changes(void **state)
{
    assert_panics(write_unknown_change, "row");
    assert_panics(keep_more_than_fits, "cap");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_header_has_room_for_its_cites),
        cmocka_unit_test(test_an_author_signs_its_own_headers),
        cmocka_unit_test(test_a_nonce_is_never_used_twice),
        cmocka_unit_test(test_who_dials_knows_whom),
        cmocka_unit_test(test_a_link_that_lost_count_is_found_out),
        cmocka_unit_test(test_an_epochs_writer_knows_its_changes),
    };

    return cmocka_run_group_tests_name("contract", tests, NULL, NULL);
}
