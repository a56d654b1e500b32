/* test_liar.c - what a member's own software may send, and what a node makes of
 * it: taken in and void, or refused with a reason; never a difference between
 * two nodes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/node_internal.h"
#include "support_liar.h"
#include "support_wire.h"

static struct world world;
static struct liar liar;
static char space[33];
static size_t alder, birch, cedar;

static void join(size_t who)
{
    char body[3000];

    snprintf(body, sizeof body, "{\"ticket\":\"%s\",\"wait_s\":50}",
             json_string_value(json_object_get(
                 nodes_do(&world, alder, "invite", space, NULL), "ticket")));
    nodes_do(&world, who, "join", NULL, body);
}

/* Three schools in a cluster; birch falls into the wrong hands. */
static int setup(void **state)
{
    nodes_init(&world);
    alder = nodes_add(&world, "alder", true);
    birch = nodes_add(&world, "birch", false);
    cedar = nodes_add(&world, "cedar", false);
    for (size_t i = 0; i < world.count; i++)
        nodes_start(&world, i);
    json_t *made = nodes_do(&world, alder, "space-create", NULL,
                            "{\"name\":\"Cluster\",\"admit\":\"at-once\"}");
    snprintf(space, sizeof space, "%s",
             json_string_value(json_object_get(made, "id")));
    join(birch);
    join(cedar);
    nodes_kill(&world, birch);
    liar_meet(&liar, &world, birch, alder, space);
    return 0;
}

static int teardown(void **state)
{
    liar_leave(&liar);
    nodes_clear(&world);
    return 0;
}

static json_int_t count_of(size_t who, const char *what)
{
    return json_integer_value(
        json_object_get(nodes_space(&world, who, space), what));
}

/* Both honest nodes hold so many change sets, void ones and rows. */
static void assert_both(json_int_t sets, json_int_t voids, json_int_t rows)
{
    nodes_run(&world, 3);
    for (size_t i = 0; i < 2; i++) {
        size_t who = i == 0 ? alder : cedar;

        assert_int_equal(count_of(who, "change_sets"), sets);
        assert_int_equal(count_of(who, "void"), voids);
        assert_int_equal(count_of(who, "rows"), rows);
    }
    assert_true(nodes_equal(&world, space, (size_t[]){alder, cedar}, 2));
}

static bool send_one(const struct header *h, struct covey_bytes payload,
                     const struct signature *signature)
{
    struct liar_set set = {h, payload, signature};

    return liar_send(&liar, &set, 1);
}

static void assert_refused(const struct header *h, struct covey_bytes payload,
                           const struct signature *signature,
                           enum session_close_code code)
{
    assert_false(send_one(h, payload, signature));
    assert_true(liar.down);
    assert_int_equal(liar.code, code);
    assert_string_not_equal(liar.text, "");
    assert_both(0, 0, 0);
}

/* The msgpack of a new priority, of the member with this tag. */
static struct covey_bytes priority(const struct member_tag *tag, uint8_t number,
                                   const char *title)
{
    static struct covey_buf rows[4];
    static size_t next;
    struct covey_buf *out = &rows[next++ % 4];
    struct cell_value exists = {.type = CELL_BOOL, .integer = 1};
    struct cell_value words = {.type = CELL_TEXT,
                               .text = {(const uint8_t *)title, strlen(title)}};
    struct row_id id = {{0}};

    memcpy(id.b + ROW_ID_TAG_OFFSET, tag->b, sizeof tag->b);
    id.b[sizeof id.b - 1] = number;
    buf_clear(out);
    buf_init(out, &support_heap, 4096);
    row_part_begin(out, 1, &id, NULL, 0, 3);
    row_part_cell(out, 0, &exists, NULL, 0);
    row_part_cell(out, 1, &words, NULL, 0);
    row_part_cell(out, 2, &words, NULL, 0);
    assert_int_equal(buf_rc(out), COVEY_OK);
    return buf_bytes(out);
}

/* A good change set with one new row: what the lies begin with. */
static struct covey_bytes honest(struct header *h)
{
    static struct covey_buf payload;
    struct covey_bytes row = priority(&liar.tag, 1, "an honest row");

    buf_clear(&payload);
    liar_seal(&liar, h, &row, 1, &payload);
    return buf_bytes(&payload);
}

static void test_what_is_honest_counts(void **state)
{
    struct header h = liar_header(&liar, 1);
    struct covey_bytes payload = honest(&h);

    assert_true(send_one(&h, payload, NULL));
    assert_both(1, 0, 1);
}

static void test_a_row_told_of_twice_is_void(void **state)
{
    struct header h = liar_header(&liar, 1);
    struct covey_bytes rows[3] = {priority(&liar.tag, 1, "one"),
                                  priority(&liar.tag, 2, "another"),
                                  priority(&liar.tag, 1, "one, told again")};
    struct covey_buf payload;

    liar_seal(&liar, &h, rows, 3, &payload);
    assert_true(send_one(&h, buf_bytes(&payload), NULL));
    assert_both(1, 1, 0);
    buf_clear(&payload);
}

static void test_a_row_in_another_members_name_is_void(void **state)
{
    struct member_tag tag = liar.tag;
    struct header h = liar_header(&liar, 1);
    struct covey_buf payload;

    tag.b[0] ^= 1;
    struct covey_bytes row = priority(&tag, 1, "not mine");
    liar_seal(&liar, &h, &row, 1, &payload);
    assert_true(send_one(&h, buf_bytes(&payload), NULL));
    assert_both(1, 1, 0);
    buf_clear(&payload);
}

static void test_a_payload_under_another_key_is_void(void **state)
{
    struct header h = liar_header(&liar, 1);
    struct seed key = liar.key;

    liar.key.b[0] ^= 1;
    struct covey_bytes payload = honest(&h);
    liar.key = key;
    assert_true(send_one(&h, payload, NULL));
    assert_both(1, 1, 0);
}

/* Only an order to erase takes a part out: nobody's copy on the way is short of
 * one, though its author signed it so. */
static void test_a_payload_short_of_a_part_is_refused(void **state)
{
    struct header h = liar_header(&liar, 1);
    struct covey_buf erased;

    buf_init(&erased, &support_heap, HEADER_PAYLOAD_MAX);
    assert_int_equal(changeset_erase(honest(&h), 1, &erased), COVEY_OK);
    h.payload_len = (uint32_t)erased.len;
    assert_refused(&h, buf_bytes(&erased), NULL, SESSION_CLOSE_PROTOCOL);
    buf_clear(&erased);
}

static void test_a_clock_that_is_not_due_is_refused(void **state)
{
    struct header h = liar_header(&liar, 1);

    h.clock = 1u << 20;
    assert_refused(&h, honest(&h), NULL, SESSION_CLOSE_FORGED);
}

static void test_a_citation_of_nothing_is_refused(void **state)
{
    struct header h = liar_header(&liar, 1);

    h.cite_count = 1;
    h.cites[0].b[0] = 7;
    assert_refused(&h, honest(&h), NULL, SESSION_CLOSE_INCOMPLETE);
}

static void test_a_log_with_a_gap_is_refused(void **state)
{
    struct header h = liar_header(&liar, 1);

    h.number = 2;
    h.previous.b[0] = 7;
    assert_refused(&h, honest(&h), NULL, SESSION_CLOSE_INCOMPLETE);
}

static void test_a_log_that_begins_in_the_middle_is_refused(void **state)
{
    struct header h = liar_header(&liar, 1);

    h.number = 2;
    assert_refused(&h, honest(&h), NULL, SESSION_CLOSE_FORGED);
}

/* Its first change set knows the newest membership, the next one does not. */
static void test_going_back_to_an_older_membership_is_refused(void **state)
{
    struct header first = liar_header(&liar, 1);
    struct header h = liar_header(&liar, 1);

    assert_true(send_one(&first, honest(&first), NULL));
    h.number = 2;
    h.clock = 2;
    h.previous = header_hash(&first);
    h.epoch = world.nodes[alder].node->spaces->epochs[1].hash;
    assert_false(hash_equal(&h.epoch, &first.epoch));
    assert_false(send_one(&h, honest(&h), NULL));
    assert_int_equal(liar.code, SESSION_CLOSE_FORGED);
    assert_string_equal(liar.text, "a log went back to an older membership");
    assert_both(1, 0, 1);
}

static void test_another_spaces_change_set_is_refused(void **state)
{
    struct header h = liar_header(&liar, 1);

    h.space.b[0] ^= 1;
    assert_refused(&h, honest(&h), NULL, SESSION_CLOSE_FORGED);
}

static void test_another_authors_name_is_refused(void **state)
{
    struct seed seed =
        author_seed(&world.nodes[cedar].secrets.sign, liar.space.b);
    struct header h = liar_header(&liar, 1);
    struct sign_pair pair;

    sign_pair_from(&seed, &pair);
    struct covey_bytes payload = honest(&h);
    struct signature own = header_sign(&h, &liar.author);
    h.author = pair.key;
    assert_refused(&h, payload, &own, SESSION_CLOSE_FORGED);
}

/* The last of a log vouches for those before it, not the first for what comes
 * after. */
static void test_a_log_whose_last_signature_is_wrong_is_refused(void **state)
{
    struct header h[2] = {liar_header(&liar, 1), liar_header(&liar, 1)};
    struct covey_bytes rows[2] = {priority(&liar.tag, 1, "one"),
                                  priority(&liar.tag, 2, "two")};
    struct covey_buf payloads[2];
    struct signature wrong;

    liar_seal(&liar, &h[0], &rows[0], 1, &payloads[0]);
    h[1].number = 2;
    h[1].clock = 2;
    h[1].previous = header_hash(&h[0]);
    liar_seal(&liar, &h[1], &rows[1], 1, &payloads[1]);
    wrong = header_sign(&h[0], &liar.author);

    struct liar_set sets[2] = {{&h[0], buf_bytes(&payloads[0]), NULL},
                               {&h[1], buf_bytes(&payloads[1]), &wrong}};

    assert_false(liar_send(&liar, sets, 2));
    assert_int_equal(liar.code, SESSION_CLOSE_FORGED);
    assert_both(0, 0, 0);
    buf_clear(&payloads[0]);
    buf_clear(&payloads[1]);
}

static void test_an_author_that_is_no_member_is_refused(void **state)
{
    struct seed seed = {{3}};
    struct header h = liar_header(&liar, 1);
    struct sign_pair pair;

    sign_pair_from(&seed, &pair);
    h.author = pair.key;
    struct covey_bytes payload = honest(&h);
    struct signature its = header_sign(&h, &pair);
    assert_refused(&h, payload, &its, SESSION_CLOSE_FORGED);
}

static void test_an_epoch_that_is_unknown_is_refused(void **state)
{
    struct header h = liar_header(&liar, 1);

    h.epoch.b[0] ^= 1;
    assert_refused(&h, honest(&h), NULL, SESSION_CLOSE_INCOMPLETE);
}

/* Number 1 of a log of the liar's that follows a log of somebody else's. */
static void test_following_anothers_log_is_refused(void **state)
{
    struct header h = liar_header(&liar, 1);

    liar_leave(&liar);
    nodes_sql(&world, cedar,
              "INSERT INTO priority(space, title, why)"
              " SELECT id, 'of cedar', 'b' FROM spaces");
    nodes_run(&world, 3);
    liar_meet(&liar, &world, birch, alder, space);
    assert_int_equal(liar.head_count, 1);
    h.previous = liar.heads[0].hash;
    h.clock = 2;
    assert_false(send_one(&h, honest(&h), NULL));
    assert_int_equal(liar.code, SESSION_CLOSE_FORGED);
    assert_string_equal(liar.text, "a log follows what is not its own");
    assert_both(1, 0, 1);
}

static void test_a_log_that_follows_itself_is_refused(void **state)
{
    struct header first = liar_header(&liar, 1);
    struct header h = liar_header(&liar, 1);

    assert_true(send_one(&first, honest(&first), NULL));
    h.previous = header_hash(&first);
    h.clock = 2;
    assert_false(send_one(&h, honest(&h), NULL));
    assert_int_equal(liar.code, SESSION_CLOSE_FORGED);
    assert_both(1, 0, 1);
}

/* Two change sets with one number: neither is lost where they come. */
static void test_two_of_one_number_are_both_kept(void **state)
{
    for (size_t together = 1; together <= 2; together++) {
        struct header h[2] = {liar_header(&liar, (uint8_t)together),
                              liar_header(&liar, (uint8_t)together)};
        struct covey_bytes row[2] = {
            priority(&liar.tag, (uint8_t)(10 * together), "one branch"),
            priority(&liar.tag, (uint8_t)(10 * together + 1), "the other")};
        struct liar_set sets[2];
        struct covey_buf payload[2];

        for (size_t i = 0; i < 2; i++) {
            liar_seal(&liar, &h[i], &row[i], 1, &payload[i]);
            sets[i] = (struct liar_set){&h[i], buf_bytes(&payload[i]), NULL};
        }
        for (size_t i = 0; i < 2; i += together)
            assert_true(liar_send(&liar, &sets[i], together));
        for (size_t i = 0; i < 2; i++)
            buf_clear(&payload[i]);
        assert_int_equal(count_of(alder, "change_sets"), 2 * together);
        assert_int_equal(count_of(alder, "rows"), 2 * together);
    }
}

/* One of the liar's logs as it goes on: nothing was sent yet, or up to `last`.
 */
struct chain {
    uint8_t run;
    struct header last;
    uint8_t rows; /* numbers its rows from here on */
};

/* Send the next change sets of a chain, to whom the liar talks with now. */
static void go_on(struct chain *c, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct header h = liar_header(&liar, c->run);
        struct covey_bytes row = priority(&liar.tag, c->rows++, "forked");
        struct covey_buf payload;

        if (c->last.number > 0) {
            bool same = c->last.incarnation.b[0] == c->run;

            h.number = same ? c->last.number + 1 : 1;
            h.previous = header_hash(&c->last);
            h.clock = c->last.clock + 1;
        }
        liar_seal(&liar, &h, &row, 1, &payload);
        assert_true(send_one(&h, buf_bytes(&payload), NULL));
        buf_clear(&payload);
        c->last = h;
    }
}

static void turn_to(size_t who)
{
    liar_leave(&liar);
    liar_meet(&liar, &world, birch, who, space);
}

/* Everybody ends with everything, a newcomer too. */
static void assert_all(json_int_t sets)
{
    size_t dogwood = nodes_add(&world, "dogwood", false);

    nodes_cut(&world, cedar, false);
    nodes_run(&world, 40);
    nodes_start(&world, dogwood);
    join(dogwood);
    nodes_run(&world, 5);
    assert_int_equal(count_of(alder, "change_sets"), sets);
    assert_int_equal(count_of(alder, "rows"), sets);
    assert_true(
        nodes_equal(&world, space, (size_t[]){alder, cedar, dogwood}, 3));
}

/* A log that says one thing to alder and another to cedar, from a number on,
 * that many times to each. */
static void forks(size_t shared, size_t to_alder, size_t to_cedar)
{
    struct chain a = {.run = 1, .rows = 1}, b;

    go_on(&a, shared);
    nodes_run(&world, 3);
    b = a;
    b.rows = 100;
    nodes_cut(&world, cedar, true);
    go_on(&a, to_alder);
    turn_to(cedar);
    go_on(&b, to_cedar);
    assert_all((json_int_t)shared + (json_int_t)to_alder +
               (json_int_t)to_cedar);
}

static void test_a_fork_reaches_everybody(void **state)
{
    forks(2, 1, 1);
}

static void test_a_fork_with_a_shorter_branch_reaches_everybody(void **state)
{
    forks(2, 1, 3);
}

static void test_a_fork_with_a_longer_branch_reaches_everybody(void **state)
{
    forks(1, 4, 1);
}

static void test_a_fork_from_the_start_reaches_everybody(void **state)
{
    forks(0, 2, 5);
}

/* The branches follow different logs: one of them is seen by alder alone. */
static void test_a_fork_after_two_pasts_reaches_everybody(void **state)
{
    struct chain past = {.run = 1, .rows = 1};

    nodes_cut(&world, cedar, true);
    go_on(&past, 3);

    struct chain a = {.run = 2, .last = past.last, .rows = 20};
    struct chain b = {.run = 2, .rows = 40};
    go_on(&a, 1);
    turn_to(cedar);
    go_on(&b, 2);
    assert_all(6);
}

/* Both are told while they talk to each other. */
static void test_a_fork_under_their_eyes_reaches_everybody(void **state)
{
    struct chain a = {.run = 1, .rows = 1}, b;

    go_on(&a, 2);
    b = a;
    b.rows = 100;
    go_on(&a, 1);
    turn_to(cedar);
    go_on(&b, 2);
    turn_to(alder);
    go_on(&a, 2);
    turn_to(cedar);
    go_on(&b, 1);
    assert_all(8);
}

/* All that waits is kept and shown to nobody, also when it is looked at again
 * after a new epoch, and the same at everybody. */
static void assert_wait(json_int_t sets)
{
    size_t dogwood = nodes_add(&world, "dogwood", false);

    assert_both(sets, 0, 0);
    nodes_start(&world, dogwood);
    join(dogwood);
    nodes_run(&world, 5);
    assert_int_equal(count_of(alder, "waiting"), sets);
    assert_int_equal(count_of(dogwood, "waiting"), sets);
    assert_both(sets, 0, 0);
}

/* A kind of change set that a newer version may know: the next one in the log
 * waits for it, and so does one that cites it. */
static void test_what_a_newer_version_wrote_waits(void **state)
{
    struct header h[3] = {liar_header(&liar, 1), liar_header(&liar, 1),
                          liar_header(&liar, 2)};

    liar.kind = CHANGESET_EMPTY + 1;
    assert_true(send_one(&h[0], honest(&h[0]), NULL));
    liar.kind = CHANGESET_ROWS;
    h[1].number = 2;
    h[1].previous = header_hash(&h[0]);
    h[1].clock = h[2].clock = 2;
    assert_true(send_one(&h[1], honest(&h[1]), NULL));
    h[2].cite_count = 1;
    h[2].cites[0] = h[1].previous;
    assert_true(send_one(&h[2], honest(&h[2]), NULL));
    assert_wait(3);
}

static void test_a_table_of_a_newer_version_waits(void **state)
{
    struct header h = liar_header(&liar, 1);
    struct covey_buf part, payload;
    struct row_id id = {{0}};

    memcpy(id.b + ROW_ID_TAG_OFFSET, liar.tag.b, sizeof liar.tag.b);
    buf_init(&part, &support_heap, 4096);
    row_part_begin(&part, 1000, &id, NULL, 0, 1);
    row_part_cell(&part, 0, &(struct cell_value){.type = CELL_BOOL}, NULL, 0);

    struct covey_bytes row = buf_bytes(&part);
    liar_seal(&liar, &h, &row, 1, &payload);
    assert_true(send_one(&h, buf_bytes(&payload), NULL));
    assert_wait(1);
    buf_clear(&part);
    buf_clear(&payload);
}

/* What was refused stands in nobody's way: the honest go on. */
static void test_after_a_lie_the_others_go_on(void **state)
{
    struct header h = liar_header(&liar, 1);

    h.clock = 9;
    assert_refused(&h, honest(&h), NULL, SESSION_CLOSE_FORGED);
    liar_leave(&liar);
    nodes_start(&world, birch);
    nodes_sql(&world, birch,
              "INSERT INTO priority(space, title, why)"
              " SELECT id, 'of birch itself', 'b' FROM spaces");
    assert_both(1, 0, 1);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_what_is_honest_counts),
        T(test_a_row_told_of_twice_is_void),
        T(test_a_row_in_another_members_name_is_void),
        T(test_a_payload_under_another_key_is_void),
        T(test_a_payload_short_of_a_part_is_refused),
        T(test_a_clock_that_is_not_due_is_refused),
        T(test_a_citation_of_nothing_is_refused),
        T(test_a_log_with_a_gap_is_refused),
        T(test_a_log_that_begins_in_the_middle_is_refused),
        T(test_going_back_to_an_older_membership_is_refused),
        T(test_another_spaces_change_set_is_refused),
        T(test_another_authors_name_is_refused),
        T(test_a_log_whose_last_signature_is_wrong_is_refused),
        T(test_an_author_that_is_no_member_is_refused),
        T(test_an_epoch_that_is_unknown_is_refused),
        T(test_following_anothers_log_is_refused),
        T(test_a_log_that_follows_itself_is_refused),
        T(test_two_of_one_number_are_both_kept),
        T(test_a_fork_reaches_everybody),
        T(test_a_fork_with_a_shorter_branch_reaches_everybody),
        T(test_a_fork_with_a_longer_branch_reaches_everybody),
        T(test_a_fork_from_the_start_reaches_everybody),
        T(test_a_fork_after_two_pasts_reaches_everybody),
        T(test_a_fork_under_their_eyes_reaches_everybody),
        T(test_what_a_newer_version_wrote_waits),
        T(test_a_table_of_a_newer_version_waits),
        T(test_after_a_lie_the_others_go_on),
    };

    return cmocka_run_group_tests_name("liar", tests, NULL, NULL);
}
