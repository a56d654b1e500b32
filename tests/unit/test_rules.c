/* The declaration of the shared tables, and the verdicts made from it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/rules.h"
#include "proto/wire.h"
#include "support_mem.h"

enum { PRIORITY = 1, ACTION = 2, COMMENT = 3 };

static const struct member_tag us = {{1, 2, 3, 4, 5, 6}};
static const struct member_tag them = {{1, 2, 3, 4, 5, 7}};

static struct test_mem memory;
static struct covey_mem mem;
static struct covey_buf buf;

static int open_buf(void **state)
{
    memory = (struct test_mem){0};
    mem = test_mem_of(&memory);
    buf_init(&buf, &mem, 1u << 20);
    return 0;
}

static int close_buf(void **state)
{
    buf_clear(&buf);
    return memory.live;
}

/* ---- rows to judge ---- */

enum op { INSERT, UPDATE, DELETE, OP_COUNT };

static struct row_id id_of(const struct member_tag *owner)
{
    struct row_id id = {{0x01, 0x8f, 0, 0, 0, 1}};

    memcpy(id.b + ROW_ID_TAG_OFFSET, owner->b, sizeof owner->b);
    memset(id.b + 12, 0xee, 8);
    return id;
}

static void put_exists(enum op op)
{
    struct cell_value exists = {.type = CELL_BOOL, .integer = op == INSERT};

    if (op != UPDATE)
        row_part_cell(&buf, COLUMN_EXISTS, &exists, NULL, 0);
}

/* A row of one operation, and for inserts and updates of one cell. */
static struct row_part row_of(uint32_t table, enum op op,
                              const struct member_tag *owner, uint32_t column,
                              const struct cell_value *value)
{
    struct row_id id = id_of(owner);
    struct row_part part;

    buf_reset(&buf);
    row_part_begin(&buf, table, &id, NULL, 0, op == INSERT ? 2 : 1);
    put_exists(op);
    if (op != DELETE)
        row_part_cell(&buf, column, value, NULL, 0);
    assert_int_equal(row_part_read(buf_bytes(&buf), &part), COVEY_OK);
    return part;
}

static const struct cell_value words = {.type = CELL_TEXT,
                                        .text = {(const uint8_t *)"words", 5}};

static struct verdict_context as(enum role role)
{
    return (struct verdict_context){
        .kind = SPACE_CLUSTER, .role = role, .tag = us};
}

static enum verdict judge_as(enum role role, uint32_t table, enum op op,
                             const struct member_tag *owner, uint32_t column)
{
    struct verdict_context context = as(role);
    struct row_part part = row_of(table, op, owner, column, &words);

    return rules_judge_row(&context, &part);
}

/* ---- verdicts ---- */

/* A column of each table that may be updated, as numbers on the wire. */
static const uint32_t free_column[] = {
    [PRIORITY] = 1, [ACTION] = 6, [COMMENT] = 2};

#define NO VERDICT_VOID_ROLE
#define OWN VERDICT_VOID_OWNER
#define OK VERDICT_COUNTS

/* By role, in the order of the enum, for own rows and for another's: insert,
 * update, delete. */
static const enum verdict expected[4][ROLE_COUNT][2][OP_COUNT] =
    {
        [PRIORITY] =
            {
                [ROLE_CHAIR] = {{OK, OK, OK}, {OWN, OK, OK}},
                [ROLE_SCHOOL] = {{OK, OK, OK}, {OWN, OK, OK}},
                [ROLE_COUNCIL] = {{NO, NO, NO}, {NO, NO, NO}},
                [ROLE_BOARD] = {{NO, NO, NO}, {NO, NO, NO}},
                [ROLE_PARTNER] = {{NO, NO, NO}, {NO, NO, NO}},
                [ROLE_CARRIER] = {{NO, NO, NO}, {NO, NO, NO}},
            },
        [ACTION] =
            {
                [ROLE_CHAIR] = {{OK, OK, OK}, {OWN, OK, OK}},
                [ROLE_SCHOOL] = {{OK, OK, OK}, {OWN, OK, OK}},
                [ROLE_COUNCIL] = {{NO, NO, NO}, {NO, NO, NO}},
                [ROLE_BOARD] = {{NO, NO, NO}, {NO, NO, NO}},
                [ROLE_PARTNER] = {{NO, NO, NO}, {NO, NO, NO}},
                [ROLE_CARRIER] = {{NO, NO, NO}, {NO, NO, NO}},
            },
        [COMMENT] =
            {
                [ROLE_CHAIR] = {{OK, OK, OK}, {OWN, OWN, OWN}},
                [ROLE_SCHOOL] = {{OK, OK, OK}, {OWN, OWN, OWN}},
                [ROLE_COUNCIL] = {{OK, OK, OK}, {OWN, OWN, OWN}},
                [ROLE_BOARD] = {{OK, OK, OK}, {OWN, OWN, OWN}},
                [ROLE_PARTNER] = {{OK, OK, OK}, {OWN, OWN, OWN}},
                [ROLE_CARRIER] = {{NO, NO, NO}, {NO, NO, NO}},
            },
};

static void assert_verdicts_of(uint32_t table, enum role role)
{
    for (enum op op = INSERT; op < OP_COUNT; op++) {
        uint32_t column = free_column[table];

        assert_int_equal(judge_as(role, table, op, &us, column),
                         expected[table][role][0][op]);
        assert_int_equal(judge_as(role, table, op, &them, column),
                         expected[table][role][1][op]);
    }
}

static void
test_each_role_may_write_what_the_table_of_verdicts_says(void **state)
{
    for (uint32_t table = PRIORITY; table <= COMMENT; table++) {
        for (enum role role = ROLE_CHAIR; role < ROLE_COUNT; role++)
            assert_verdicts_of(table, role);
    }
}

static void
test_the_kind_of_space_changes_no_verdict_of_these_tables(void **state)
{
    for (enum space_kind kind = SPACE_CLUSTER; kind < SPACE_KIND_COUNT;
         kind++) {
        for (uint32_t table = PRIORITY; table <= COMMENT; table++) {
            struct row_part part =
                row_of(table, INSERT, &us, free_column[table], &words);
            struct verdict_context context = as(ROLE_SCHOOL);

            context.kind = kind;
            assert_int_equal(rules_judge_row(&context, &part), VERDICT_COUNTS);
        }
    }
}

/* Each byte of the tag counts, and no other byte of the id. */
static void test_ownership_is_by_the_tag_alone(void **state)
{
    struct verdict_context context = as(ROLE_SCHOOL);

    for (size_t i = 0; i < sizeof(struct row_id); i++) {
        struct row_part part = row_of(COMMENT, UPDATE, &us, 2, &words);
        bool in_tag = i >= 6 && i < 12;

        part.id.b[i] ^= 0x80;
        assert_int_equal(rules_judge_row(&context, &part),
                         in_tag ? VERDICT_VOID_OWNER : VERDICT_COUNTS);
    }
}

static const struct {
    uint32_t table;
    uint32_t column;
} fixed_columns[] = {{PRIORITY, 8}, {ACTION, 7}, {COMMENT, 1}, {COMMENT, 3}};

static void test_a_fixed_column_is_set_at_insert_and_never_after(void **state)
{
    for (size_t i = 0; i < 4; i++) {
        uint32_t table = fixed_columns[i].table;
        uint32_t column = fixed_columns[i].column;

        assert_int_equal(judge_as(ROLE_SCHOOL, table, INSERT, &us, column),
                         VERDICT_COUNTS);
        assert_int_equal(judge_as(ROLE_SCHOOL, table, UPDATE, &us, column),
                         VERDICT_VOID_FIXED);
    }
}

static void test_a_delete_that_sets_a_fixed_column_is_void(void **state)
{
    struct verdict_context context = as(ROLE_SCHOOL);
    struct row_id id = id_of(&us);
    struct row_part part;

    row_part_begin(&buf, COMMENT, &id, NULL, 0, 2);
    put_exists(DELETE);
    row_part_cell(&buf, 1, &words, NULL, 0);
    assert_int_equal(row_part_read(buf_bytes(&buf), &part), COVEY_OK);
    assert_int_equal(rules_judge_row(&context, &part), VERDICT_VOID_FIXED);
}

static void test_every_column_that_is_not_fixed_may_be_updated(void **state)
{
    static const uint32_t last[] = {
        [PRIORITY] = 8, [ACTION] = 7, [COMMENT] = 3};
    size_t void_count = 0;

    for (uint32_t table = PRIORITY; table <= COMMENT; table++) {
        for (uint32_t column = 1; column <= last[table]; column++)
            void_count += judge_as(ROLE_SCHOOL, table, UPDATE, &us, column) !=
                          VERDICT_COUNTS;
    }
    assert_int_equal(void_count, 4);
}

static void test_columns_hold_words_or_nothing(void **state)
{
    static const struct {
        struct cell_value value;
        enum verdict verdict;
    } cases[] = {
        {{.type = CELL_NULL}, VERDICT_COUNTS},
        {{.type = CELL_TEXT}, VERDICT_COUNTS},
        {{.type = CELL_INT, .integer = 1}, VERDICT_VOID_VALUE},
        {{.type = CELL_REAL, .real = 1.5}, VERDICT_VOID_VALUE},
        {{.type = CELL_BOOL, .integer = 1}, VERDICT_VOID_VALUE},
    };
    static const uint32_t last[] = {
        [PRIORITY] = 8, [ACTION] = 7, [COMMENT] = 3};
    struct verdict_context context = as(ROLE_CHAIR);

    for (uint32_t table = PRIORITY; table <= COMMENT; table++) {
        for (uint32_t i = 0; i < last[table] * 5; i++) {
            struct row_part part =
                row_of(table, INSERT, &us, 1 + i / 5, &cases[i % 5].value);

            assert_int_equal(rules_judge_row(&context, &part),
                             cases[i % 5].verdict);
        }
    }
}

/* Bytes that row_part_read() would refuse first: the rule stands by itself. */
static void test_a_cell_over_192_KiB_is_void(void **state)
{
    struct verdict_context context = as(ROLE_CHAIR);
    struct row_part part = {.table = PRIORITY, .cell_count = 1};

    part.id = id_of(&us);
    for (uint32_t extra = 0; extra < 2; extra++) {
        uint32_t len = RULES_CELL_MAX + extra;
        uint8_t *cells = malloc(len + 7);

        assert_non_null(cells);
        cells[0] = 2;
        cells[1] = 0xdb;
        put_u32(cells + 2, len);
        memset(cells + 6, 'x', len);
        cells[6 + len] = 0xc0;
        part.cells = (struct covey_bytes){cells, len + 7};
        assert_int_equal(rules_judge_row(&context, &part),
                         extra == 0 ? VERDICT_COUNTS : VERDICT_VOID_VALUE);
        free(cells);
    }
}

/* ---- what a newer version wrote ---- */

static void test_an_unknown_table_is_held_whoever_writes_it(void **state)
{
    static const uint32_t tables[] = {0, 4, 1000, UINT32_MAX};

    for (size_t i = 0; i < 4; i++) {
        for (enum role role = ROLE_CHAIR; role < ROLE_COUNT; role++)
            assert_int_equal(judge_as(role, tables[i], INSERT, &them, 1),
                             VERDICT_HOLD);
    }
}

static void
test_an_unknown_column_is_held_even_where_all_else_is_void(void **state)
{
    struct verdict_context context = as(ROLE_BOARD);
    struct cell_value number = {.type = CELL_INT, .integer = 1};
    struct row_id id = id_of(&them);
    struct row_part part;

    row_part_begin(&buf, PRIORITY, &id, NULL, 0, 3);
    row_part_cell(&buf, 1, &number, NULL, 0);
    row_part_cell(&buf, 8, &words, NULL, 0);
    row_part_cell(&buf, COLUMN_MAX, &words, NULL, 0);
    assert_int_equal(row_part_read(buf_bytes(&buf), &part), COVEY_OK);
    assert_int_equal(rules_judge_row(&context, &part), VERDICT_HOLD);
}

/* ---- the declaration ---- */

/* On the wire for ever: a change here is a change of the protocol. */
static void test_ids_of_tables_and_columns_never_change(void **state)
{
    static const struct {
        uint32_t table;
        const char *name;
        const char *columns[9];
    } pinned[] = {
        {1,
         "priority",
         {"title", "why", "outcome", "principles", "phases", "lead", "status",
          "source", NULL}},
        {2,
         "action",
         {"priority", "title", "owner", "due", "status", "note", "source",
          NULL}},
        {3, "comment", {"on_row", "text", "source", NULL}},
    };

    assert_int_equal(rule_table_count, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct rule_table *table = rule_table_by_id(pinned[i].table);
        size_t count = 0;

        assert_non_null(table);
        assert_string_equal(table->name, pinned[i].name);
        assert_ptr_equal(rule_table_by_name(pinned[i].name), table);
        for (; pinned[i].columns[count] != NULL; count++) {
            const struct rule_column *column =
                rule_column_by_id(table, (uint32_t)count + 1);

            assert_non_null(column);
            assert_string_equal(column->name, pinned[i].columns[count]);
        }
        assert_int_equal(table->column_count, count);
    }
}

static void test_what_is_not_declared_is_not_found(void **state)
{
    assert_null(rule_table_by_id(0));
    assert_null(rule_table_by_id(4));
    assert_null(rule_table_by_name("priorities"));
    assert_null(rule_table_by_name(""));
    assert_null(rule_column_by_id(&rule_tables[0], 0));
    assert_null(rule_column_by_id(&rule_tables[0], 9));
}

static bool is_sql_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz_";

    return name[0] != '\0' && name[strspn(name, letters)] == '\0';
}

/* Is `word` one of a |-separated list? */
static bool is_choice(const char *choices, const char *word)
{
    size_t len = strlen(word);

    for (const char *p = choices; p != NULL; p = strchr(p, '|')) {
        p += *p == '|';
        if (strncmp(p, word, len) == 0 && (p[len] == '|' || p[len] == '\0'))
            return true;
    }
    return false;
}

static void assert_sound_column(const struct rule_column *column)
{
    bool takes_choices =
        column->type == COLUMN_CHOICE || column->type == COLUMN_TAGS;

    assert_in_range(column->id, 1, COLUMN_MAX);
    assert_true(is_sql_name(column->name));
    assert_true(strlen(column->help) > 10);
    assert_null(strchr(column->help, '\n'));
    assert_true(takes_choices == (column->choices != NULL));
    assert_true(column->initial == NULL ||
                is_choice(column->choices, column->initial));
    assert_true(column->max_chars == 0 || column->type == COLUMN_TEXT);
    assert_true(column->max_chars <= RULES_CELL_MAX);
    /* What a row must hold for ever must be in it from the first. */
    assert_true(column->type != COLUMN_CHOICE || column->initial != NULL);
}

static void test_the_declaration_is_sound(void **state)
{
    for (size_t i = 0; i < rule_table_count; i++) {
        const struct rule_table *table = &rule_tables[i];
        const uint32_t carrier = ROLE_BIT(ROLE_CARRIER);

        assert_true(is_sql_name(table->name));
        assert_non_null(strstr(table->noun, table->name));
        assert_true(strlen(table->help) > 10);
        assert_true(table->kinds != 0);
        assert_true(table->kinds < KIND_BIT(SPACE_KIND_COUNT));
        assert_true(((table->insert | table->update) & carrier) == 0);
        for (size_t c = 0; c < table->column_count; c++) {
            assert_sound_column(&table->columns[c]);
            assert_true(c == 0 ||
                        table->columns[c - 1].id < table->columns[c].id);
        }
    }
}

static void test_choices_are_those_agreed(void **state)
{
    static const struct {
        uint32_t table, column;
        const char *choices;
    } agreed[] = {
        {PRIORITY, 4, "P1|P2|P3|P4|P5|P6"},
        {PRIORITY, 5, "EY|KS1|KS2|KS3|KS4|post-16"},
        {PRIORITY, 7, "draft|proposed|withdrawn"},
        {ACTION, 5, "open|in progress|blocked|done|cancelled"},
    };

    for (size_t i = 0; i < 4; i++) {
        const struct rule_table *table = rule_table_by_id(agreed[i].table);

        assert_string_equal(rule_column_by_id(table, agreed[i].column)->choices,
                            agreed[i].choices);
    }
}

/* ---- words ---- */

static void test_every_word_leads_back_to_what_it_names(void **state)
{
    for (enum space_kind k = SPACE_CLUSTER; k < SPACE_KIND_COUNT; k++) {
        enum space_kind back = SPACE_KIND_COUNT;

        assert_true(space_kind_from(space_kind_name(k), &back));
        assert_int_equal(back, k);
    }
    for (enum member_kind k = MEMBER_SCHOOL; k < MEMBER_KIND_COUNT; k++) {
        enum member_kind back = MEMBER_KIND_COUNT;

        assert_true(member_kind_from(member_kind_name(k), &back));
        assert_int_equal(back, k);
    }
    for (enum role r = ROLE_CHAIR; r < ROLE_COUNT; r++) {
        enum role back = ROLE_COUNT;

        assert_true(role_from(role_name(r), &back));
        assert_int_equal(back, r);
    }
}

static void test_words_are_those_of_the_command_line(void **state)
{
    assert_string_equal(space_kind_name(SPACE_NETWORK), "network");
    assert_string_equal(member_kind_name(MEMBER_COUNCIL), "council");
    assert_string_equal(role_name(ROLE_CHAIR), "chair");
    assert_string_equal(role_name(ROLE_CARRIER), "carrier");
}

static void test_other_words_name_nothing(void **state)
{
    static const char *const others[] = {"",    "Chair", "chair ",
                                         "cha", "relay", "chairs"};
    enum space_kind kind;
    enum member_kind member;
    enum role role;

    for (size_t i = 0; i < 6; i++) {
        assert_false(space_kind_from(others[i], &kind));
        assert_false(member_kind_from(others[i], &member));
        assert_false(role_from(others[i], &role));
    }
}

static void test_chair_and_schools_vote_and_nobody_else(void **state)
{
    for (enum role r = ROLE_CHAIR; r < ROLE_COUNT; r++)
        assert_int_equal(role_votes(r), r == ROLE_CHAIR || r == ROLE_SCHOOL);
}

static void test_partners_are_in_named_spaces_only(void **state)
{
    for (enum role r = ROLE_CHAIR; r < ROLE_COUNT; r++) {
        assert_true(role_fits(r, SPACE_NAMED));
        assert_int_equal(role_fits(r, SPACE_CLUSTER), r != ROLE_PARTNER);
        assert_int_equal(role_fits(r, SPACE_NETWORK), r != ROLE_PARTNER);
    }
}

static void test_every_verdict_has_a_phrase_of_its_own(void **state)
{
    for (enum verdict v = VERDICT_COUNTS; v <= VERDICT_HOLD; v++) {
        assert_true(strlen(verdict_text(v)) > 5);
        for (enum verdict w = VERDICT_COUNTS; w < v; w++)
            assert_string_not_equal(verdict_text(v), verdict_text(w));
    }
}

#define RULES_TEST(name)                                                       \
    cmocka_unit_test_setup_teardown(name, open_buf, close_buf)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULES_TEST(test_each_role_may_write_what_the_table_of_verdicts_says),
        RULES_TEST(test_the_kind_of_space_changes_no_verdict_of_these_tables),
        RULES_TEST(test_ownership_is_by_the_tag_alone),
        RULES_TEST(test_a_fixed_column_is_set_at_insert_and_never_after),
        RULES_TEST(test_a_delete_that_sets_a_fixed_column_is_void),
        RULES_TEST(test_every_column_that_is_not_fixed_may_be_updated),
        RULES_TEST(test_columns_hold_words_or_nothing),
        RULES_TEST(test_a_cell_over_192_KiB_is_void),
        RULES_TEST(test_an_unknown_table_is_held_whoever_writes_it),
        RULES_TEST(test_an_unknown_column_is_held_even_where_all_else_is_void),
        cmocka_unit_test(test_ids_of_tables_and_columns_never_change),
        cmocka_unit_test(test_what_is_not_declared_is_not_found),
        cmocka_unit_test(test_the_declaration_is_sound),
        cmocka_unit_test(test_choices_are_those_agreed),
        cmocka_unit_test(test_every_word_leads_back_to_what_it_names),
        cmocka_unit_test(test_words_are_those_of_the_command_line),
        cmocka_unit_test(test_other_words_name_nothing),
        cmocka_unit_test(test_chair_and_schools_vote_and_nobody_else),
        cmocka_unit_test(test_partners_are_in_named_spaces_only),
        cmocka_unit_test(test_every_verdict_has_a_phrase_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
