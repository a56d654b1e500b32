/* test_fault.c - a record and a node on a disk that fails them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/store.h"
#include "support_world.h"

static struct world world;

static int setup(void **state)
{
    nodes_init_own_disks(&world, 1);
    return 0;
}

static int teardown(void **state)
{
    nodes_clear(&world);
    return 0;
}

/* Whatever fails in an init: what it said is so. */
static void init_with(enum disk_fault fault)
{
    struct covey_why why = {{0}};
    struct store *st = NULL;
    enum covey_rc rc = COVEY_EIO;
    size_t i = nodes_plan(&world, "alder", false);
    struct disk *disk = world.nodes[i].disk;
    struct disk *empty = disk_new("empty", 1);

    for (uint64_t n = 1; rc != COVEY_OK || disk_struck(disk) > 0; n++) {
        disk_leave(empty, DISK_KEEP, disk);
        disk_fail(disk, fault, n);
        rc = nodes_make(&world, i, &why);
        disk_mend(disk);
        if (rc != COVEY_OK)
            continue;
        rc = store_open(disk_dir(disk), &st, &why);
        if (rc != COVEY_OK)
            fail_msg("%llu: %s", (unsigned long long)n, why.text);
        store_close(st);
        st = NULL;
    }
    disk_free(empty);
}

static void test_an_init_on_a_failing_disk_says_so(void **state)
{
    init_with(DISK_EIO);
}

static void test_an_init_on_a_full_disk_says_so(void **state)
{
    init_with(DISK_FULL);
}

/* A node whose disk fails tells whoever waits, and ends. */
static void test_a_fault_is_told_and_ends_the_node(void **state)
{
    size_t i = nodes_add(&world, "alder", false);
    const struct nodes_node *n = &world.nodes[i];

    for (uint64_t nth = 1; nth == 1 || disk_struck(n->disk) > 0; nth++) {
        nodes_start(&world, i);
        nodes_run(&world, 1);
        disk_fail(n->disk, DISK_EIO, nth);
        assert_non_null(nodes_ask(&world, i, "space-create", NULL,
                                  "{\"name\":\"Cluster\"}"));
        disk_mend(n->disk);
        if (disk_struck(n->disk) == 0)
            assert_int_equal(n->status, 200);
        assert_int_equal(n->fatal_rc, n->status == 500 ? COVEY_EIO : COVEY_OK);
        nodes_kill(&world, i);
    }
}

/* A full disk is told, ends nothing, and leaves nothing of what was refused. */
static void test_a_full_disk_is_told_and_keeps_nothing(void **state)
{
    size_t i = nodes_add(&world, "alder", false);
    const struct nodes_node *n = &world.nodes[i];

    nodes_start(&world, i);
    nodes_run(&world, 1);
    disk_fail(n->disk, DISK_FULL, 1);
    assert_non_null(
        nodes_ask(&world, i, "space-create", NULL, "{\"name\":\"Cluster\"}"));
    assert_int_equal(n->status, 507);
    assert_int_equal(n->fatal_rc, COVEY_OK);
    disk_mend(n->disk);
    json_t *status = nodes_do(&world, i, "status", NULL, NULL);
    assert_int_equal(json_array_size(json_object_get(status, "spaces")), 0);
}

static const char *text_of(json_t *reply, const char *key)
{
    const char *text = json_string_value(json_object_get(reply, key));

    assert_non_null(text);
    return text;
}

/* A starts, makes a cluster and invites: what others send to join it. */
static void invited(size_t a, char body[3000])
{
    char space[40];

    nodes_start(&world, a);
    snprintf(space, sizeof space, "%s",
             text_of(nodes_do(&world, a, "space-create", NULL,
                              "{\"name\":\"Cluster\",\"admit\":\"at-once\"}"),
                     "id"));
    snprintf(body, 3000, "{\"ticket\":\"%s\",\"wait_s\":50}",
             text_of(nodes_do(&world, a, "invite", space, NULL), "ticket"));
}

static void two_members(size_t a, size_t b)
{
    char body[3000];

    invited(a, body);
    nodes_start(&world, b);
    nodes_do(&world, b, "join", NULL, body);
}

/* The chair let it in, and it ended before it could note that it had asked. */
static void test_who_forgot_that_it_joined_is_a_member(void **state)
{
    size_t a = nodes_add(&world, "alder", true);
    size_t b = nodes_add(&world, "birch", false);
    struct disk *before = disk_new("before", 1);
    struct disk *disk = world.nodes[b].disk;
    char body[3000];

    invited(a, body);
    disk_leave(disk, DISK_KEEP, before);
    nodes_start(&world, b);
    nodes_do(&world, b, "join", NULL, body);
    nodes_kill(&world, b);
    disk_leave(before, DISK_KEEP, disk);
    nodes_start(&world, b);
    nodes_do(&world, b, "join", NULL, body);
    nodes_kill(&world, b);
    disk_free(before);
}

/* What it reads to speak with a peer, nobody waits for. */
static void test_a_fault_that_nobody_waits_for_ends_it_too(void **state)
{
    size_t a = nodes_add(&world, "alder", true);
    size_t b = nodes_add(&world, "birch", false);
    const struct nodes_node *n = &world.nodes[a];

    two_members(a, b);
    for (uint64_t nth = 1; nth == 1 || disk_struck(n->disk) > 0; nth++) {
        nodes_kill(&world, a);
        nodes_start(&world, a);
        disk_fail(n->disk, DISK_EIO, nth);
        nodes_run(&world, 20);
        if (strcmp(disk_struck_what(n->disk), "read") == 0)
            assert_int_equal(n->fatal_rc, COVEY_EIO);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_init_on_a_failing_disk_says_so),
        TEST(test_an_init_on_a_full_disk_says_so),
        TEST(test_a_fault_is_told_and_ends_the_node),
        TEST(test_a_full_disk_is_told_and_keeps_nothing),
        TEST(test_a_fault_that_nobody_waits_for_ends_it_too),
        TEST(test_who_forgot_that_it_joined_is_a_member),
    };

    return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}
