/* test_fault.c - a record and a node on a disk that fails them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/store.h"
#include "support_world.h"

static struct world world;

static int setup(void **state)
{
    nodes_init_on_disks(&world, 1);
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

    for (uint64_t nth = 1; n->status != 200; nth++) {
        nodes_start(&world, i);
        nodes_run(&world, 1);
        disk_fail(n->disk, DISK_EIO, nth);
        assert_non_null(nodes_ask(&world, i, "space-create", NULL,
                                  "{\"name\":\"Cluster\"}"));
        disk_mend(n->disk);
        assert_int_equal(n->status, disk_struck(n->disk) == 0 ? 200 : 500);
        assert_true((n->fatal_rc == COVEY_EIO) == (n->status == 500));
        nodes_kill(&world, i);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_init_on_a_failing_disk_says_so),
        TEST(test_an_init_on_a_full_disk_says_so),
        TEST(test_a_fault_is_told_and_ends_the_node),
    };

    return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}
