/* What any program that opens the record writes to the shared tables
 * (capture.h, cell.h, merge.h): every type, text that is no text, blobs, keys,
 * REPLACE.
 *
 * Two schools write statements of the input, seal, and take in what the other
 * sealed.  Every change set that is sealed counts for others; in the end both
 * have the same rows, siblings and digest, which is that of the rows, and
 * nothing waits in an outbox.
 *
 * Each input is one transaction at either school, rolled back. */
#include <stdlib.h>
#include <string.h>

#include "proto/rules.h"
#include "store/query.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/support_schools.h"

#define STEPS_MAX 40u

static struct schools schools;

#define SPACE "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"

static void forget(void)
{
    schools_clear(&schools);
}

/* Each has made a row, and has the other's. */
static void setup(void)
{
    char sql[300];

    schools_init(&schools, 2);
    for (size_t i = 0; i < 2; i++) {
        snprintf(sql, sizeof sql,
                 "INSERT INTO priority (id, space, title, why)"
                 " VALUES ('%s', '" SPACE "', 'first', 'because')",
                 schools_row(&schools, i, 1));
        CHECK(schools_write(&schools, i, sql));
    }
    schools_meet(&schools);
    CHECK(atexit(forget) == 0);
}

/* ---- statements ---- */

static void say(struct covey_buf *sql, const char *text)
{
    buf_append(sql, text, strlen(text));
}

static void put_hex(struct covey_buf *sql, struct covey_bytes bytes)
{
    char two[3];

    say(sql, "x'");
    for (size_t i = 0; i < bytes.len; i++) {
        snprintf(two, sizeof two, "%02x", bytes.p[i]);
        say(sql, two);
    }
    say(sql, "'");
}

/* An id: of a row that was made, of either school, or odd. */
static void put_id(struct covey_buf *sql, uint8_t which)
{
    say(sql, "'");
    say(sql, schools_row(&schools, which % 2, (uint8_t)(which / 2 % 4)));
    say(sql, which >= 250 ? "0'" : "'");
}

static void put_value(struct covey_buf *sql, struct fuzz_in *in)
{
    static const char *const fixed[] = {"NULL",
                                        "0",
                                        "-1",
                                        "9223372036854775807",
                                        "1.5",
                                        "-0.0",
                                        "1e999",
                                        "''",
                                        "'draft'",
                                        "'open'",
                                        "'done'",
                                        "'2026-11-24'",
                                        "'2026-02-30'",
                                        "'[\"P1\",\"P3\"]'",
                                        "'[\"P3\",\"P1\"]'",
                                        "printf('%.*c', 200000, 'x')",
                                        "char(233, 0, 8232)",
                                        "hex(zeroblob(32))"};
    uint8_t which = fuzz_u8(in);

    if (which < sizeof fixed / sizeof fixed[0]) {
        say(sql, fixed[which]);
    } else if (which < 64) {
        put_id(sql, fuzz_u8(in));
    } else if (which < 200) {
        say(sql, "CAST(");
        put_hex(sql, fuzz_take(in, which - 64u));
        say(sql, " AS TEXT)");
    } else {
        put_hex(sql, fuzz_take(in, which - 200u));
    }
}

static const struct rule_table *draw_table(struct fuzz_in *in)
{
    return &rule_tables[fuzz_u8(in) % rule_table_count];
}

static void insert(struct covey_buf *sql, struct fuzz_in *in)
{
    static const char *const how[] = {"INSERT", "INSERT OR REPLACE", "REPLACE",
                                      "INSERT OR IGNORE"};
    const struct rule_table *table = draw_table(in);
    uint16_t columns = fuzz_u16(in);
    uint8_t id = fuzz_u8(in);

    say(sql, how[fuzz_u8(in) % 4]);
    say(sql, " INTO ");
    say(sql, table->name);
    say(sql, " (id, space");
    for (size_t i = 0; i < table->column_count; i++) {
        if (columns >> i & 1) {
            say(sql, ", ");
            say(sql, table->columns[i].name);
        }
    }
    say(sql, ") VALUES (");
    put_id(sql, id);
    say(sql, ", '" SPACE "'");
    for (size_t i = 0; i < table->column_count; i++) {
        if (columns >> i & 1) {
            say(sql, ", ");
            put_value(sql, in);
        }
    }
    say(sql, ")");
}

static void update(struct covey_buf *sql, struct fuzz_in *in)
{
    static const char *const how[] = {"UPDATE ", "UPDATE OR REPLACE ",
                                      "UPDATE OR IGNORE "};
    const struct rule_table *table = draw_table(in);
    uint8_t column = fuzz_u8(in);
    bool all = fuzz_u8(in) % 4 == 0;

    say(sql, how[column / 64 % 3]);
    say(sql, table->name);
    say(sql, " SET ");
    if (column % 32 == 31)
        say(sql, "id");
    else if (column % 32 == 30)
        say(sql, "space");
    else
        say(sql, table->columns[column % table->column_count].name);
    say(sql, " = ");
    put_value(sql, in);
    say(sql, " WHERE id = ");
    put_id(sql, fuzz_u8(in));
    if (all)
        say(sql, " OR 1");
}

static void delete (struct covey_buf *sql, struct fuzz_in *in)
{
    say(sql, "DELETE FROM ");
    say(sql, draw_table(in)->name);
    say(sql, " WHERE id = ");
    put_id(sql, fuzz_u8(in));
}

/* A statement may be refused; it may not break anything. */
static void run(size_t i, const struct covey_buf *sql)
{
    struct covey_buf out = fuzz_buf();
    struct covey_why why = {{0}};
    enum covey_rc rc = query_write(schools.records[i].st, (const char *)sql->p,
                                   NULL, 0, &out, &why);

    CHECK(rc != COVEY_EIO && rc != COVEY_ECORRUPT && rc != COVEY_ENOMEM);
    CHECK(rc == COVEY_OK || why.text[0] != '\0');
    buf_clear(&out);
}

static void step(struct fuzz_in *in)
{
    uint8_t op = fuzz_u8(in);
    size_t i = op & 1;
    struct covey_buf sql = fuzz_buf();

    switch (op / 2 % 6) {
    case 0:
        insert(&sql, in);
        break;
    case 1:
    case 2:
        update(&sql, in);
        break;
    case 3:
        delete (&sql, in);
        break;
    case 4:
        schools_seal(&schools, i);
        break;
    default:
        (void)schools_take(&schools, i, op / 32);
    }
    if (sql.len > 0) {
        buf_append(&sql, "", 1);
        run(i, &sql);
    }
    buf_clear(&sql);
}

static void one(struct covey_bytes in)
{
    struct fuzz_in parts = fuzz_in(in);

    schools_begin(&schools);
    for (size_t i = 0; i < STEPS_MAX && parts.left > 0; i++)
        step(&parts);
    schools_meet(&schools);
    for (size_t i = 0; i < 2; i++) /* as before a commit */
        CHECK(merge_flush(schools.records[i].st) == COVEY_OK);
    schools_agree(&schools);
    schools_rollback(&schools);
}

const struct fuzz_target fuzz_target = {.setup = setup, .one = one};
