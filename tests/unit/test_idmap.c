/* From numbers to pointers: whatever is put in is found, until taken out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/idmap.h"

static char things[4096];

static void test_an_empty_map_has_nothing(void **state)
{
    struct idmap map = {0};
    size_t at = 0;

    assert_null(idmap_get(&map, 1));
    assert_null(idmap_take(&map, 1));
    assert_null(idmap_next(&map, &at));
    idmap_clear(&map);
}

static void test_what_was_added_is_found_until_taken(void **state)
{
    struct idmap map = {0};

    for (uint64_t id = 2; id < 4096; id += 2)
        idmap_add(&map, id, &things[id]);
    assert_int_equal(map.count, 2047);
    for (uint64_t id = 2; id < 4096; id += 4)
        assert_ptr_equal(idmap_take(&map, id), &things[id]);
    for (uint64_t id = 2; id < 4096; id++)
        assert_ptr_equal(idmap_get(&map, id), id % 4 == 0 ? &things[id] : NULL);
    idmap_clear(&map);
}

/* A small map under the same steps as an array, where every chain of slots
 * that can meet has met. */
static void test_it_does_as_an_array_does(void **state)
{
    struct idmap map = {0};
    bool there[32] = {false};
    uint32_t random = 1;
    size_t count = 0;

    for (size_t i = 0; i < 100000; i++) {
        random = random * 1664525u + 1013904223u;

        uint64_t id = 1 + (random >> 16) % 31;
        void *expected = there[id] ? &things[id] : NULL;

        assert_ptr_equal(idmap_get(&map, id), expected);
        if (there[id]) {
            assert_ptr_equal(idmap_take(&map, id), expected);
            count--;
        } else {
            idmap_add(&map, id, &things[id]);
            count++;
        }
        there[id] = !there[id];
        assert_int_equal(map.count, count);
    }
    idmap_clear(&map);
}

static void test_a_walk_meets_each_once(void **state)
{
    struct idmap map = {0};
    size_t met[100] = {0};
    size_t at = 0;

    for (uint64_t id = 1; id < 100; id++)
        idmap_add(&map, id, &things[id]);
    for (char *p = idmap_next(&map, &at); p != NULL; p = idmap_next(&map, &at))
        met[p - things]++;
    for (size_t id = 1; id < 100; id++)
        assert_int_equal(met[id], 1);
    idmap_clear(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_map_has_nothing),
        cmocka_unit_test(test_what_was_added_is_found_until_taken),
        cmocka_unit_test(test_it_does_as_an_array_does),
        cmocka_unit_test(test_a_walk_meets_each_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
