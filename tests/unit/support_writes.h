/* support_writes.h - writes to a few rows, made up or drawn, for merge tests;
 * and what they must come to, worked out from the set of them alone. */
#ifndef COVEY_TESTS_SUPPORT_WRITES_H
#define COVEY_TESTS_SUPPORT_WRITES_H

#include "support_record.h"

#define WRITES_MAX 24u
#define WRITES_CELLS 5u
#define WRITES_NAMES 24u

/* Names go by number: write i of a set has the name i + 1; other numbers are
 * names that nothing has. */
struct test_cell {
    uint32_t column;
    const char *text; /* NULL: SQL's NULL; of column 0: "1" or "0" */
    size_t replaced_count;
    uint32_t replaced[WRITES_NAMES];
};

struct test_write {
    uint8_t row;
    uint8_t author;
    uint64_t clock;
    size_t cell_count;
    struct test_cell cells[WRITES_CELLS];
    size_t saw_count; /* of a delete, beside what it replaces */
    uint32_t saw[WRITES_NAMES];
};

struct writes {
    size_t count;
    struct test_write items[WRITES_MAX];
};

/* Append to a set, and to its last write. */
struct test_write *writes_add(struct writes *set, uint8_t row, uint8_t author,
                              uint64_t clock);
struct test_cell *writes_cell(struct test_write *w, uint32_t column,
                              const char *text);
void writes_replaces(struct test_cell *cell, uint32_t name);
void writes_saw(struct test_write *w, uint32_t name);

/* Draw a set: three authors, each of whom has seen some of what came before,
 * insert, edit, delete and make again three rows of `priority`; now and then
 * they name too little, what does not exist, or what is yet to come, and tell
 * a clock that is too low. */
void writes_draw(struct writes *set, size_t count, uint64_t seed);

/* Merge write i into the record, as if it came under this seq. */
void writes_merge(struct record *r, int64_t n, const struct writes *set,
                  size_t i);

/* What record_rows() must say when all of them were merged. */
const char *writes_expected(const struct writes *set, uint8_t member);

#endif
