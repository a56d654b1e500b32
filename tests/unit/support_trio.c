/* support_trio.c - see support_trio.h. */
#include "support_trio.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support_wire.h"

struct trio trio;

void trio_join(size_t who)
{
    char body[3000];

    snprintf(body, sizeof body, "{\"ticket\":\"%s\",\"wait_s\":50}",
             json_string_value(json_object_get(
                 nodes_do(&trio.world, trio.alder, "invite", trio.space, NULL),
                 "ticket")));
    nodes_do(&trio.world, who, "join", NULL, body);
}

/* Three schools in a cluster; birch falls into the wrong hands. */
int trio_setup(void **state)
{
    nodes_init(&trio.world);
    trio.alder = nodes_add(&trio.world, "alder", true);
    trio.birch = nodes_add(&trio.world, "birch", false);
    trio.cedar = nodes_add(&trio.world, "cedar", false);
    for (size_t i = 0; i < trio.world.count; i++)
        nodes_start(&trio.world, i);
    json_t *made = nodes_do(&trio.world, trio.alder, "space-create", NULL,
                            "{\"name\":\"Cluster\",\"admit\":\"at-once\"}");
    snprintf(trio.space, sizeof trio.space, "%s",
             json_string_value(json_object_get(made, "id")));
    trio_join(trio.birch);
    trio_join(trio.cedar);
    nodes_kill(&trio.world, trio.birch);
    liar_meet(&trio.liar, &trio.world, trio.birch, trio.alder, trio.space);
    return 0;
}

int trio_teardown(void **state)
{
    liar_leave(&trio.liar);
    nodes_clear(&trio.world);
    return 0;
}

json_int_t trio_count_of(size_t who, const char *what)
{
    return json_integer_value(
        json_object_get(nodes_space(&trio.world, who, trio.space), what));
}

/* Both honest nodes hold so many change sets, void ones and rows. */
void trio_assert_both(json_int_t sets, json_int_t voids, json_int_t rows)
{
    nodes_run(&trio.world, 3);
    for (size_t i = 0; i < 2; i++) {
        size_t who = i == 0 ? trio.alder : trio.cedar;

        assert_int_equal(trio_count_of(who, "change_sets"), sets);
        assert_int_equal(trio_count_of(who, "void"), voids);
        assert_int_equal(trio_count_of(who, "rows"), rows);
    }
    assert_true(nodes_equal(&trio.world, trio.space,
                            (size_t[]){trio.alder, trio.cedar}, 2));
}

bool trio_send_one(const struct header *h, struct covey_bytes payload,
                   const struct signature *signature)
{
    struct voice_set set = {h, payload, signature};

    return liar_send(&trio.liar, &set, 1);
}

/* The msgpack of a new priority, of the member with this tag. */
struct covey_bytes trio_priority(const struct member_tag *tag, uint8_t number,
                                 const char *title)
{
    static struct covey_buf rows[4];
    static size_t next;
    struct covey_buf *out = &rows[next++ % 4];

    buf_clear(out);
    buf_init(out, &support_heap, 4096);
    voice_row(out, tag, number, title, NULL);
    return buf_bytes(out);
}

/* A good change set with one new row: what the lies begin with. */
struct covey_bytes trio_honest(struct header *h)
{
    static struct covey_buf payload;
    struct covey_bytes row =
        trio_priority(&trio.liar.v.tag, 1, "an honest row");

    buf_clear(&payload);
    voice_seal(&trio.liar.v, h, &row, 1, &payload);
    return buf_bytes(&payload);
}
