/* test_roles.c - who wrote as what: a function of the epoch cited, and of
 * nothing that came after it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/node_space.h"
#include "support_space.h"

enum { NONE = -1 };

static struct chain w;
static struct node_space space;

static int settle(void **state)
{
    chain_init(&w);
    memset(&space, 0, sizeof space);
    membership_init(&space.m, &w.mem);
    space.m.space = w.now.space;
    return 0;
}

static int end(void **state)
{
    membership_clear(&space.m);
    free(space.epochs);
    free(space.roles);
    free(space.authors);
    chain_clear(&w);
    return 0;
}

/* The space takes in the next epoch of the chain. */
static void advance(void)
{
    size_t number = space.epoch_count;
    struct membership next;
    struct epoch e;

    membership_init(&next, &w.mem);
    assert_int_equal(epoch_read(buf_bytes(&w.epochs[number]), &e), COVEY_OK);
    assert_int_equal(epoch_apply(&space.m, &e, &w.keys_at[number], &next),
                     COVEY_OK);
    assert_int_equal(space_advance(&space, &next), COVEY_OK);
}

static int role_at(const struct party *p, uint64_t number)
{
    struct member_tag tag;
    enum role role;

    return space_role_at(&space, &p->author.key, number, &role, &tag)
               ? (int)role
               : NONE;
}

/* Take in the whole chain.  What an epoch says of a party when it is the newest
 * is `expected`, and it says so ever after. */
static void assert_roles(const struct party *p, const int *expected)
{
    for (size_t newest = 0; newest < w.count; newest++) {
        advance();
        for (size_t number = 0; number <= newest; number++)
            assert_int_equal(role_at(p, number), expected[number]);
    }
}

/* Invited by epoch 1, let in by 2, removed by 3, let in again by 5. */
static void test_who_comes_back_was_there_before(void **state)
{
    const int expected[] = {NONE, NONE, ROLE_SCHOOL, NONE, NONE, ROLE_BOARD};
    struct plan out = {.count = 0}, back = {.count = 0};

    chain_admit(&w, 1, ROLE_SCHOOL);
    plan_remove(&out, &w, &w.party[1]);
    chain_rotate(&w, &out);
    chain_invite(&w, 2, ROLE_BOARD);
    plan_admit(&back, &w.party[1], 2, ROLE_BOARD);
    chain_grow(&w, &back);
    assert_roles(&w.party[1], expected);
}

/* A node of a member that stays: listed by 1, cut by 2, listed anew by 3, cut
 * and listed anew by 4. */
static void test_a_node_that_is_cut_is_none(void **state)
{
    const int expected[] = {NONE, ROLE_CHAIR, NONE, ROLE_CHAIR, ROLE_CHAIR};
    struct plan add = {.count = 0}, cut = {.count = 0}, anew = {.count = 0};
    struct party second;

    party_second_node(&w.party[0], 20, &second);
    party_enter(&second, &w.now.space);
    plan_author(&add, &second, ROLE_CHAIR);
    plan_node(&add, &second);
    chain_grow(&w, &add);
    plan_cut(&cut, &second);
    plan_box(&cut, &w.party[0], true);
    chain_rotate(&w, &cut);
    plan_author(&anew, &second, ROLE_CHAIR);
    chain_grow(&w, &anew);
    cut.box_count = 0;
    plan_author(&cut, &second, ROLE_CHAIR);
    chain_grow(&w, &cut);
    assert_roles(&second, expected);
}

#define world_test(f) cmocka_unit_test_setup_teardown(f, settle, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_who_comes_back_was_there_before),
        world_test(test_a_node_that_is_cut_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
