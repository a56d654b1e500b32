/* Who belongs: the state that epochs add up to, before any epoch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/membership.h"
#include "support_state.h"

static void test_what_is_there_is_found_and_nothing_else(void **state)
{
    struct membership m = state_make();

    assert_ptr_equal(membership_seat(&m, 1), &m.seats[1]);
    assert_null(membership_seat(&m, 2));
    assert_ptr_equal(membership_seat_of(&m, &m.seats[1].id), &m.seats[1]);
    assert_null(membership_seat_of(&m, &(struct member_id){{1, 2}}));
    assert_ptr_equal(membership_node_by_noise(&m, &m.nodes[1].cert.noise),
                     &m.nodes[1]);
    assert_null(membership_node_by_noise(&m, &(struct noise_key){{2, 2}}));
    assert_ptr_equal(membership_node_by_author(&m, &m.nodes[1].author),
                     &m.nodes[1]);
    assert_null(membership_node_by_author(&m, &(struct sign_key){{3, 2}}));
    assert_ptr_equal(membership_author(&m, &m.authors[1].key), &m.authors[1]);
    assert_null(membership_author(&m, &(struct sign_key){{3, 2}}));
    assert_ptr_equal(membership_carrier(&m, &m.carriers[0].key), m.carriers);
    assert_null(membership_carrier(&m, &(struct noise_key){{5}}));
    assert_ptr_equal(membership_invite(&m, &m.invites[0].id), m.invites);
    assert_null(membership_invite(&m, &(struct invite_id){{6}}));
    membership_clear(&m);
}

static void test_who_left_is_found_but_not_counted(void **state)
{
    struct membership m = state_make();

    assert_int_equal(membership_present(&m), 2);
    assert_int_equal(membership_voters(&m), 1); /* the council does not vote */
    m.seats[0].present = false;
    assert_int_equal(membership_present(&m), 1);
    assert_int_equal(membership_voters(&m), 0);
    assert_non_null(membership_seat(&m, 0));
    membership_clear(&m);
}

static void test_slots_go_on_after_the_highest_ever_given(void **state)
{
    struct membership m = state_make();

    assert_int_equal(membership_next_slot(&m), 2);
    m.authors[1].cut = true;
    assert_int_equal(membership_next_slot(&m), 2);
    m.authors[0].slot = 40;
    assert_int_equal(membership_next_slot(&m), 41);
    membership_clear(&m);
    assert_int_equal(membership_next_slot(&m), 0);
}

static void test_a_copy_shares_no_memory(void **state)
{
    struct membership m = state_make();
    struct hash before = state_hash(&m);
    struct membership copy;

    membership_init(&copy, &state_mem);
    assert_int_equal(membership_copy(&m, &copy), COVEY_OK);

    struct hash same = state_hash(&copy);

    assert_true(hash_equal(&before, &same));
    assert_true(hash_equal(&m.head, &copy.head)); /* which has no part in it */
    copy.seats[0].cert.p[0] ^= 1;
    copy.nodes[0].slot = 9;
    copy.authors[0].rights = 0;
    copy.carriers[0].present = true;
    copy.invites[0].state = INVITE_USED;

    struct hash after = state_hash(&m);

    assert_true(hash_equal(&before, &after));
    membership_clear(&copy);
    after = state_hash(&m);
    assert_true(hash_equal(&before, &after));
    membership_clear(&m);
    assert_int_equal(state_counter.live, 0);
}

static void test_a_copy_replaces_what_was_there(void **state)
{
    struct membership m = state_make();
    struct membership copy;

    membership_init(&copy, &state_mem);
    assert_int_equal(membership_copy(&m, &copy), COVEY_OK);
    assert_int_equal(membership_copy(&m, &copy), COVEY_OK);
    assert_int_equal(copy.seat_count, 2);
    membership_clear(&copy);
    membership_clear(&m);
    assert_int_equal(state_counter.live, 0);
}

static void test_what_was_never_begun_can_be_cleared(void **state)
{
    struct membership m;

    memset(&m, 0, sizeof m);
    membership_clear(&m);
    assert_null(m.mem);
}

static void test_a_copy_without_memory_can_be_cleared(void **state)
{
    struct membership m = state_make();
    enum covey_rc rc = COVEY_ENOMEM;
    int failures = 0;

    while (rc == COVEY_ENOMEM) {
        struct membership copy;

        membership_init(&copy, &state_mem);
        state_counter.calls = 0;
        state_counter.fail_at = failures + 1;
        rc = membership_copy(&m, &copy);
        failures += rc == COVEY_ENOMEM;
        membership_clear(&copy);
    }
    state_counter.fail_at = 0;
    assert_int_equal(rc, COVEY_OK);
    assert_int_equal(failures, 7); /* five lists, two certificates */
    membership_clear(&m);
    assert_int_equal(state_counter.live, 0);
}

/* ---- limits and words ---- */

static void test_a_list_holds_as_many_as_its_limit(void **state)
{
    struct membership m;
    struct seat_invite *invite;

    state_counter = (struct test_mem){.calls = 0};
    state_mem = test_mem_of(&state_counter);
    membership_init(&m, &state_mem);
    for (size_t i = 0; i < MEMBERSHIP_MAX; i++) {
        assert_int_equal(membership_add_invite(&m, &invite), COVEY_OK);
        assert_true(invite->expires_ms == 0); /* zeroed, wherever it lies */
        invite->expires_ms = i + 1;
    }
    assert_int_equal(membership_add_invite(&m, &invite), COVEY_ELIMIT);
    assert_int_equal(m.invites[0].expires_ms, 1);
    assert_int_equal(m.invites[MEMBERSHIP_MAX - 1].expires_ms, MEMBERSHIP_MAX);
    membership_clear(&m);
    assert_int_equal(state_counter.live, 0);
}

static bool fits(const char *name)
{
    return membership_name_fits(
        (struct covey_bytes){(const uint8_t *)name, strlen(name)});
}

static void test_a_name_is_a_line_of_text(void **state)
{
    char name[MEMBER_NAME_MAX + 2];

    assert_true(fits("Sandy Lane Primary School"));
    assert_true(fits("\xc3\x89"
                     "cole No\xc3\xabl \xe2\x80\x93 \xe2\x82\xac"));
    assert_true(fits("\xe5\xad\xa6\xe6\xa0\xa1"));
    assert_false(fits(""));
    assert_false(fits("two\nlines"));
    assert_false(fits("tab\there"));
    assert_false(fits("\x7f"));
    assert_false(fits("\xc2\x85")); /* U+0085, next line */
    assert_true(fits("\xc2\xa0"));  /* U+00A0 is no control */
    assert_false(fits("a\xe2\x80\xae"
                      "b")); /* U+202E turns the text round */
    assert_false(fits("a\xe2\x81\xa6"
                      "b")); /* U+2066 */
    assert_false(fits("a\xe2\x80\xae"));
    assert_false(fits("a\xe2\x81\xa9")); /* U+2069 */
    assert_true(fits("a\xe2\x81\xaa"));
    assert_true(fits("a\xe2\x80\xa7"));
    assert_true(fits("\xe2\x82\xa6")); /* U+20A6, a currency */
    assert_true(fits("\xe3\x80\xa8")); /* U+3028, a numeral */
    assert_false(fits("a\xe2\x80\xa8"
                      "b")); /* U+2028, line separator */
    assert_false(fits("\xff"));
    assert_false(
        membership_name_fits((struct covey_bytes){(const uint8_t *)"a\0b", 3}));

    memset(name, 'x', sizeof name);
    name[MEMBER_NAME_MAX] = '\0';
    assert_true(fits(name));
    name[MEMBER_NAME_MAX] = 'x';
    name[MEMBER_NAME_MAX + 1] = '\0';
    assert_false(fits(name));
}

static void test_chair_and_school_vote_and_only_a_chair_signs_alone(void **s)
{
    assert_int_equal(membership_rights(ROLE_CHAIR), RIGHT_CHAIR | RIGHT_VOTES);
    assert_int_equal(membership_rights(ROLE_SCHOOL), RIGHT_VOTES);
    assert_int_equal(membership_rights(ROLE_COUNCIL), 0);
    assert_int_equal(membership_rights(ROLE_BOARD), 0);
    assert_int_equal(membership_rights(ROLE_PARTNER), 0);
    assert_int_equal(membership_rights(ROLE_CARRIER), 0);
}

static void test_admit_modes_have_words(void **state)
{
    enum admit_mode mode;

    assert_true(admit_from("at-once", &mode));
    assert_int_equal(mode, ADMIT_AT_ONCE);
    assert_true(admit_from("ask", &mode));
    assert_int_equal(mode, ADMIT_ASK);
    assert_false(admit_from("at once", &mode));
    assert_string_equal(admit_name(ADMIT_ASK), "ask");
    assert_string_equal(admit_name(ADMIT_AT_ONCE), "at-once");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_there_is_found_and_nothing_else),
        cmocka_unit_test(test_who_left_is_found_but_not_counted),
        cmocka_unit_test(test_slots_go_on_after_the_highest_ever_given),
        cmocka_unit_test(test_a_copy_shares_no_memory),
        cmocka_unit_test(test_a_copy_replaces_what_was_there),
        cmocka_unit_test(test_what_was_never_begun_can_be_cleared),
        cmocka_unit_test(test_a_copy_without_memory_can_be_cleared),
        cmocka_unit_test(test_a_list_holds_as_many_as_its_limit),
        cmocka_unit_test(test_a_name_is_a_line_of_text),
        cmocka_unit_test(
            test_chair_and_school_vote_and_only_a_chair_signs_alone),
        cmocka_unit_test(test_admit_modes_have_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
