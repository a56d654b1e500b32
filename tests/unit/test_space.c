/* test_space.c - spaces, keys, members, invites, requests and contacts come
 * back as they were put, and outlive the run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/contact.h"
#include "store/space.h"
#include "support_bytes.h"
#include "support_record.h"

static struct record record;

/* Everything happens in a transaction. */
static int setup(void **state)
{
    record_init(&record, 0xa1);
    record_begin(&record);
    return 0;
}

static int teardown(void **state)
{
    record_clear(&record);
    return 0;
}

/* Commit, close, open, begin. */
static void next_run(void)
{
    record_commit(&record);
    record_reopen(&record);
    record_begin(&record);
}

static struct covey_bytes bytes_of(const char *text)
{
    return (struct covey_bytes){(const uint8_t *)text, strlen(text)};
}

/* ---- spaces ---- */

static struct space_row network(void)
{
    struct space_row row = {.kind = SPACE_NETWORK,
                            .role = ROLE_CHAIR,
                            .name = "Bedfordshire \xc3\xa9"};

    memset(row.id.b, 0x11, sizeof row.id.b);
    memset(row.label, 0x22, sizeof row.label);
    return row;
}

static void test_a_space_comes_back_as_it_was_added(void **state)
{
    struct space_row row = network();
    struct space_row got;

    assert_int_equal(space_add(record.st, &row), COVEY_OK);
    next_run();
    assert_int_equal(space_get(record.st, row.n, &got), COVEY_OK);
    assert_int_equal(got.n, row.n);
    assert_memory_equal(&got.id, &row.id, sizeof got.id);
    assert_memory_equal(got.label, row.label, sizeof got.label);
    assert_int_equal(got.kind, SPACE_NETWORK);
    assert_int_equal(got.role, ROLE_CHAIR);
    assert_false(got.carried);
    assert_string_equal(got.name, row.name);
    assert_int_equal(got.rows, 0);
    assert_int_equal(got.digest[0] | got.digest[15], 0);
}

static void test_a_space_is_added_once(void **state)
{
    struct space_row row = network();

    assert_int_equal(space_add(record.st, &row), COVEY_OK);
    assert_int_equal(space_add(record.st, &row), COVEY_EEXISTS);
}

static void test_spaces_are_walked_in_order(void **state)
{
    struct space_row row = network();
    struct space_row got;
    int64_t first = record.n;

    assert_int_equal(space_add(record.st, &row), COVEY_OK);
    assert_int_equal(space_next(record.st, 0, &got), COVEY_OK);
    assert_int_equal(got.n, first);
    assert_int_equal(space_next(record.st, first, &got), COVEY_OK);
    assert_int_equal(got.n, row.n);
    assert_int_equal(space_next(record.st, row.n, &got), COVEY_ENONE);
    assert_int_equal(space_get(record.st, row.n + 1, &got), COVEY_ENONE);
}

static void test_a_changed_role_changes_what_may_be_written(void **state)
{
    struct space_row row = network();

    assert_int_equal(space_add(record.st, &row), COVEY_OK);
    record_sql(&record, "INSERT INTO priority (space, title, why) VALUES"
                        " ('11111111111111111111111111111111', 'T', 'W')");
    row.role = ROLE_BOARD;
    strcpy(row.name, "Renamed");
    assert_int_equal(space_set(record.st, &row), COVEY_OK);
    assert_string_equal(record_sql(&record,
                                   "SELECT name || role FROM spaces WHERE id ="
                                   " '11111111111111111111111111111111'"),
                        "Renamedboard");
    record_refuses(&record, "UPDATE priority SET title = 'U'",
                   "does not let it write a priority");
}

/* ---- epochs and keys ---- */

static void test_epochs_are_kept_by_number(void **state)
{
    struct hash hash = {{7}};
    struct covey_buf out = bytes_buf();

    assert_int_equal(
        epoch_add(record.st, record.n, 1, &hash, bytes_of("first")), COVEY_OK);
    assert_int_equal(
        epoch_add(record.st, record.n, 2, &hash, bytes_of("second")), COVEY_OK);
    next_run();
    assert_int_equal(epoch_get(record.st, record.n, 2, &out), COVEY_OK);
    assert_int_equal(epoch_get(record.st, record.n, 1, &out), COVEY_OK);
    assert_int_equal(out.len, strlen("secondfirst"));
    assert_memory_equal(out.p, "secondfirst", out.len);
    assert_int_equal(epoch_get(record.st, record.n, 3, &out), COVEY_ENONE);
    buf_clear(&out);
}

static void test_keys_are_kept_by_number(void **state)
{
    struct seed key = {{1}};
    struct seed history = {{2}};
    struct seed got_key, got_history;

    assert_int_equal(space_key_put(record.st, record.n, 3, &key, &history),
                     COVEY_OK);
    history.b[0] = 9;
    assert_int_equal(space_key_put(record.st, record.n, 3, &key, &history),
                     COVEY_OK);
    assert_int_equal(
        space_key_get(record.st, record.n, 3, &got_key, &got_history),
        COVEY_OK);
    assert_memory_equal(&got_key, &key, sizeof key);
    assert_memory_equal(&got_history, &history, sizeof history);
    assert_int_equal(
        space_key_get(record.st, record.n, 4, &got_key, &got_history),
        COVEY_ENONE);
}

/* ---- members, for queries ---- */

static void project_two(void)
{
    struct member_row upper = {.name = "Sandy Upper",
                               .role = ROLE_CHAIR,
                               .kind = MEMBER_SCHOOL,
                               .urn = 900001,
                               .present = true};
    struct member_row council = {.name = "Council",
                                 .role = ROLE_COUNCIL,
                                 .kind = MEMBER_COUNCIL,
                                 .slot = 1};
    struct node_row node = {.address = "", .author = {{5}}, .present = true};
    struct node_row carrier = {.slot = UINT32_MAX,
                               .name = "Relay",
                               .address = "relay.example:4000",
                               .present = true};

    memset(council.id.b, 0xcc, sizeof council.id.b);
    assert_int_equal(space_project_begin(record.st, record.n), COVEY_OK);
    assert_int_equal(space_project_member(record.st, record.n, &upper),
                     COVEY_OK);
    assert_int_equal(space_project_member(record.st, record.n, &council),
                     COVEY_OK);
    assert_int_equal(space_project_node(record.st, record.n, &node), COVEY_OK);
    assert_int_equal(space_project_node(record.st, record.n, &carrier),
                     COVEY_OK);
}

static void test_members_are_shown_as_last_projected(void **state)
{
    project_two();
    project_two();
    assert_string_equal(
        record_sql(&record,
                   "SELECT group_concat(name || ' ' || role || ' ' || kind ||"
                   " ' ' || coalesce(urn, '-') || ' ' || present, ', ')"
                   " FROM (SELECT * FROM members ORDER BY name)"),
        "Council council council - 0, Sandy Upper chair school 900001 1");
    assert_string_equal(
        record_sql(&record, "SELECT group_concat(coalesce(name, '-') ||"
                            " coalesce(slot, '-') || address) FROM (SELECT *"
                            " FROM node ORDER BY name)"),
        "-0,Relay-relay.example:4000");
}

/* ---- invites and requests ---- */

static void test_an_invite_is_kept_until_it_is_dropped(void **state)
{
    struct invite_row invite = {.id = {{3}},
                                .secret = {{4}},
                                .role = ROLE_PARTNER,
                                .expires_ms = 1764000000000u};
    struct invite_row got;

    assert_int_equal(invite_put(record.st, record.n, &invite), COVEY_OK);
    next_run();
    assert_int_equal(invite_get(record.st, record.n, &invite.id, &got),
                     COVEY_OK);
    assert_memory_equal(&got.secret, &invite.secret, sizeof got.secret);
    assert_int_equal(got.role, ROLE_PARTNER);
    assert_int_equal(got.expires_ms, invite.expires_ms);
    assert_int_equal(invite_drop(record.st, record.n, &invite.id), COVEY_OK);
    assert_int_equal(invite_get(record.st, record.n, &invite.id, &got),
                     COVEY_ENONE);
}

static void test_the_same_request_twice_is_one(void **state)
{
    struct invite_id invite = {{3}};
    int64_t first, again, other;

    assert_int_equal(
        request_add(record.st, record.n, &invite, bytes_of("one"), &first),
        COVEY_OK);
    assert_int_equal(
        request_add(record.st, record.n, &invite, bytes_of("two"), &other),
        COVEY_OK);
    assert_int_equal(
        request_add(record.st, record.n, &invite, bytes_of("one"), &again),
        COVEY_OK);
    assert_int_equal(again, first);
    assert_true(other != first);
}

static void test_an_invite_takes_only_so_many_requests(void **state)
{
    struct invite_id invite = {{3}};
    struct invite_id another = {{4}};
    char text[2] = "a";
    int64_t id;

    for (unsigned i = 0; i < REQUESTS_PER_INVITE; i++, text[0]++)
        assert_int_equal(
            request_add(record.st, record.n, &invite, bytes_of(text), &id),
            COVEY_OK);
    assert_int_equal(
        request_add(record.st, record.n, &invite, bytes_of(text), &id),
        COVEY_ELIMIT);
    assert_int_equal(
        request_add(record.st, record.n, &invite, bytes_of("a"), &id),
        COVEY_OK);
    assert_int_equal(
        request_add(record.st, record.n, &another, bytes_of(text), &id),
        COVEY_OK);
}

static void test_a_request_gets_its_words_when_it_is_opened(void **state)
{
    struct invite_id invite = {{3}};
    struct request_row got;
    int64_t id;

    assert_int_equal(
        request_add(record.st, record.n, &invite, bytes_of("sealed"), &id),
        COVEY_OK);
    assert_int_equal(request_next(record.st, record.n, 0, &got), COVEY_OK);
    assert_false(got.opened);
    assert_int_equal(request_opened(record.st, id, "Lower School", "ab12 cd34"),
                     COVEY_OK);
    next_run();
    assert_int_equal(request_next(record.st, record.n, 0, &got), COVEY_OK);
    assert_true(got.opened);
    assert_int_equal(got.id, id);
    assert_string_equal(got.name, "Lower School");
    assert_string_equal(got.fingerprint, "ab12 cd34");
    assert_int_equal(got.sealed.len, 6);
    assert_memory_equal(got.sealed.p, "sealed", 6);
    assert_int_equal(request_next(record.st, record.n, id, &got), COVEY_ENONE);
}

static void test_an_id_of_a_request_is_never_given_again(void **state)
{
    struct invite_id invite = {{3}};
    int64_t first, second;

    assert_int_equal(
        request_add(record.st, record.n, &invite, bytes_of("one"), &first),
        COVEY_OK);
    assert_int_equal(request_drop_invite(record.st, record.n, &invite),
                     COVEY_OK);
    assert_int_equal(
        request_add(record.st, record.n, &invite, bytes_of("two"), &second),
        COVEY_OK);
    assert_true(second > first);
}

/* ---- contacts ---- */

static void test_peers_are_walked_by_key(void **state)
{
    struct peer_row a = {.key = {{1}}, .at = "a.example:1"};
    struct peer_row b = {.key = {{2}}, .at = "b.example:2"};
    struct noise_key none = {{0}};
    struct peer_row got;

    assert_int_equal(peer_put(record.st, &b), COVEY_OK);
    assert_int_equal(peer_put(record.st, &a), COVEY_OK);
    strcpy(b.at, "[::1]:3");
    assert_int_equal(peer_put(record.st, &b), COVEY_OK);
    next_run();
    assert_int_equal(peer_next(record.st, &none, &got), COVEY_OK);
    assert_string_equal(got.at, "a.example:1");
    assert_int_equal(peer_next(record.st, &got.key, &got), COVEY_OK);
    assert_string_equal(got.at, "[::1]:3");
    assert_int_equal(peer_next(record.st, &got.key, &got), COVEY_ENONE);
}

static void test_a_ticket_is_kept_until_it_is_used(void **state)
{
    struct joining_row row = {.space = {{8}}, .ticket = "covey1abc"};
    struct space_id none = {{0}};
    struct joining_row got;

    assert_int_equal(joining_put(record.st, &row), COVEY_OK);
    row.left = true;
    assert_int_equal(joining_put(record.st, &row), COVEY_OK);
    next_run();
    assert_int_equal(joining_next(record.st, &none, &got), COVEY_OK);
    assert_true(got.left);
    assert_string_equal(got.ticket, "covey1abc");
    assert_memory_equal(&got.space, &row.space, sizeof got.space);
    assert_int_equal(joining_next(record.st, &got.space, &got), COVEY_ENONE);
    assert_int_equal(joining_drop(record.st, &row.space), COVEY_OK);
    assert_int_equal(joining_next(record.st, &none, &got), COVEY_ENONE);
}

static void test_a_relay_that_was_asked_is_kept_until_it_answers(void **state)
{
    struct wish_row row = {
        .n = record.n, .key = {{6}}, .at = "relay.example:4000"};
    struct noise_key none = {{0}};
    struct wish_row got;

    assert_int_equal(wish_put(record.st, &row), COVEY_OK);
    assert_int_equal(wish_next(record.st, record.n, &none, &got), COVEY_OK);
    assert_string_equal(got.at, row.at);
    assert_int_equal(wish_next(record.st, record.n, &got.key, &got),
                     COVEY_ENONE);
    assert_int_equal(wish_drop(record.st, record.n, &row.key), COVEY_OK);
    assert_int_equal(wish_next(record.st, record.n, &none, &got), COVEY_ENONE);
}

static void test_a_relay_carries_what_its_keeper_allowed(void **state)
{
    struct space_id space = {{1}};
    struct space_id other = {{2}};
    struct noise_key key = {{3}};
    struct noise_key stranger = {{4}};
    bool allowed;

    assert_int_equal(
        carry_allow(record.st, (struct covey_bytes){space.b, sizeof space.b}),
        COVEY_OK);
    assert_int_equal(
        carry_allow(record.st, (struct covey_bytes){key.b, sizeof key.b}),
        COVEY_OK);
    assert_int_equal(carry_allowed(record.st, &space, &stranger, &allowed),
                     COVEY_OK);
    assert_true(allowed);
    assert_int_equal(carry_allowed(record.st, &other, &key, &allowed),
                     COVEY_OK);
    assert_true(allowed);
    assert_int_equal(carry_allowed(record.st, &other, &stranger, &allowed),
                     COVEY_OK);
    assert_false(allowed);
}

static void test_a_request_to_carry_waits_until_it_is_allowed(void **state)
{
    struct space_id space = {{1}};
    struct noise_key key = {{3}};

    assert_int_equal(carry_ask(record.st, &space, &key, 5), COVEY_OK);
    assert_int_equal(carry_ask(record.st, &space, &key, 6), COVEY_OK);
    assert_string_equal(record_sql(&record, "SELECT count(*) FROM asked"), "1");
    assert_int_equal(
        carry_allow(record.st, (struct covey_bytes){space.b, sizeof space.b}),
        COVEY_OK);
    assert_string_equal(record_sql(&record, "SELECT count(*) FROM asked"), "0");
}

static void test_the_oldest_request_to_carry_goes_first(void **state)
{
    struct noise_key key = {{3}};

    for (unsigned i = 0; i < CARRY_WAITING_MAX + 6; i++) {
        struct space_id space = {{(uint8_t)i}};

        assert_int_equal(carry_ask(record.st, &space, &key, i), COVEY_OK);
    }
    assert_string_equal(
        record_sql(&record, "SELECT count(*) || ' ' || min(wall_ms) || ' ' ||"
                            " max(wall_ms) FROM asked"),
        "64 6 69");
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        EACH(test_a_space_comes_back_as_it_was_added),
        EACH(test_a_space_is_added_once),
        EACH(test_spaces_are_walked_in_order),
        EACH(test_a_changed_role_changes_what_may_be_written),
        EACH(test_epochs_are_kept_by_number),
        EACH(test_keys_are_kept_by_number),
        EACH(test_members_are_shown_as_last_projected),
        EACH(test_an_invite_is_kept_until_it_is_dropped),
        EACH(test_the_same_request_twice_is_one),
        EACH(test_an_invite_takes_only_so_many_requests),
        EACH(test_a_request_gets_its_words_when_it_is_opened),
        EACH(test_an_id_of_a_request_is_never_given_again),
        EACH(test_peers_are_walked_by_key),
        EACH(test_a_ticket_is_kept_until_it_is_used),
        EACH(test_a_relay_that_was_asked_is_kept_until_it_answers),
        EACH(test_a_relay_carries_what_its_keeper_allowed),
        EACH(test_a_request_to_carry_waits_until_it_is_allowed),
        EACH(test_the_oldest_request_to_carry_goes_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
