/* What must hold of a record once a target is done with it. */
#include <string.h>

#include "store/merge.h"
#include "store/query.h"
#include "store/space.h"
#include "tests/fuzz/fuzz.h"

static void expect(struct store *st, const char *sql, const char *answer)
{
    struct covey_buf out = fuzz_buf();
    struct covey_why why;

    CHECK(query_write(st, sql, NULL, 0, &out, &why) == COVEY_OK);
    buf_append(&out, "", 1);
    CHECK(strcmp((const char *)out.p, answer) == 0);
    buf_clear(&out);
}

void fuzz_check_record(const char *dir)
{
    struct space_row row;
    struct covey_why why;
    struct store *st;
    uint8_t digest[16];

    CHECK(store_open(dir, &st, &why) == COVEY_OK);
    CHECK(space_get(st, 1, &row) == COVEY_OK);
    CHECK(merge_digest_anew(st, 1, digest) == COVEY_OK);
    CHECK(memcmp(digest, row.digest, sizeof digest) == 0);
    CHECK(store_begin(st) == COVEY_OK);
    expect(st, "PRAGMA integrity_check", "ok");
    expect(st,
           "SELECT count(*) FROM priority WHERE space IS NOT NULL AND"
           " substr(id, 13, 12) NOT IN (SELECT tag FROM member)",
           "0");
    store_rollback(st);
    store_close(st);
}
