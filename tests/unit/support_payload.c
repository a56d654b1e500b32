#include "support_payload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct payload_fixture fix;

int fix_begin(void **state)
{
    struct covey_rng rng;

    rng_init(&rng, &(struct seed){{4}});
    rng_draw(&rng, fix.words, sizeof fix.words);
    (void)state;
    memset(&fix.space_key, 1, sizeof fix.space_key);
    memset(&fix.nonce_secret, 2, sizeof fix.nonce_secret);
    memset(&fix.fresh, 3, sizeof fix.fresh);
    fix.memory = (struct test_mem){0};
    fix.mem = test_mem_of(&fix.memory);
    buf_init(&fix.out, &fix.mem, OUT_MAX);
    changeset_init(&fix.cs, &fix.mem);
    fix.h = (struct header){.number = 5, .clock = 9, .cite_count = 2};
    fix.h.cites[1].b[0] = 1;
    return 0;
}

int fix_end(void **state)
{
    (void)state;
    buf_clear(&fix.out);
    changeset_clear(&fix.cs);
    return fix.memory.live;
}

struct changeset_plain fix_plain(const size_t *lens, size_t count)
{
    const uint8_t *p = fix.words;

    for (size_t i = 0; i < count; i++) {
        fix.rows[i] = (struct covey_bytes){p, lens[i]};
        p += lens[i];
    }
    return (struct changeset_plain){.kind = CHANGESET_ROWS,
                                    .wall_ms = 1700000000000,
                                    .part_count = count,
                                    .parts = fix.rows};
}

enum covey_rc fix_seal(const struct changeset_plain *plain)
{
    buf_reset(&fix.out);
    return changeset_seal(&fix.h, plain, &fix.space_key, &fix.nonce_secret,
                          &fix.fresh, &fix.out);
}

void fix_seal_rows(const size_t *lens, size_t count)
{
    struct changeset_plain plain = fix_plain(lens, count);

    assert_int_equal(fix_seal(&plain), COVEY_OK);
}

void fix_seal_three(void)
{
    fix_seal_rows((const size_t[]){30, 1, 50}, 3);
}

enum covey_rc fix_open_bytes(struct covey_bytes payload)
{
    return changeset_open(&fix.h, payload, &fix.space_key, &fix.cs);
}

enum covey_rc fix_open(void)
{
    return fix_open_bytes(buf_bytes(&fix.out));
}

void fix_assert_row(size_t i)
{
    assert_int_equal(fix.cs.parts[i].len, fix.rows[i].len);
    assert_memory_equal(fix.cs.parts[i].p, fix.rows[i].p, fix.rows[i].len);
}

void fix_assert_refused(struct covey_bytes payload)
{
    fix.cs.part_count = 1;
    assert_int_not_equal(changeset_check(&fix.h, payload), COVEY_OK);
    assert_int_not_equal(fix_open_bytes(payload), COVEY_OK);
    assert_int_equal(fix.cs.part_count, 0);
}
