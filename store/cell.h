/* cell.h - a row's clock record in memory: which writes of its cells stand.
 *
 * A cell's state is the set of writes that no write names.  A write's stamp is
 * (clock, author, name); the greatest is shown, the others are siblings.  What
 * a write names before it comes is remembered (ahead), so that the state is a
 * function of the set of writes and not of their order.  Nothing here asks the
 * record: row.c loads and saves.
 *
 * Column 0 is the row's existence.  A delete stands like any write, and it has
 * seen the stamps in its part's names (and its own).  A row is alive when an
 * insert that replaced nothing ever came (else somebody could make a row under
 * another member's tag by editing it), and an insert or a cell stands that no
 * standing delete has seen.
 *
 * A fixed column is set by the lowest stamp and has no siblings.
 *
 * The record as packed in clock.stamps (numbers are LEB128):
 *   flags 1 | group count | groups | [existence]
 *   group: columns (a bit each, the lowest is column 0) | stamp: the columns
 *     whose shown value has this stamp, the group with the lowest column first.
 *     Bit 0 stands for one insert and nothing beside it.
 *   existence, otherwise: count | writes, each: stamp | value 1 | of a delete:
 *     length | the names that it had seen
 *   stamp: clock | author.n | name */
#ifndef COVEY_STORE_CELL_H
#define COVEY_STORE_CELL_H

#include "proto/changeset.h"
#include "proto/crypto.h"
#include "proto/rules.h"
#include "store/store.h"

#define CELL_COLUMNS (COLUMN_MAX + 1u)
#define CELL_BIT(column) (UINT64_C(1) << (column))

struct cell_stamp {
    uint64_t clock;
    int64_t number;                /* author.n */
    const struct sign_key *author; /* lives as long as the log cache */
    struct stamp_name name;
};

/* Of a value: whence it came, for people. */
struct cell_source {
    int64_t seq; /* 0: not known (yet) */
    int64_t wall_ms;
};

/* A write of column 0. */
struct cell_exists {
    struct cell_stamp stamp;
    bool value;
    struct covey_bytes seen; /* by a delete: names */
    struct cell_source source;
};

struct cell_sibling {
    uint32_t column;
    struct cell_stamp stamp;
    struct cell_value value;
    struct cell_source source;
    bool stored; /* the record has it */
    bool gone;   /* no more */
};

struct cell_ahead {
    uint32_t column;
    struct stamp_name name;
    bool stored;
    bool gone;
};

/* Memory that lasts for one row; nothing in it is freed alone. */
struct cell_arena {
    const struct covey_mem *mem;
    struct cell_chunk *first;
    bool failed;
};
void cell_arena_init(struct cell_arena *a, const struct covey_mem *mem);
void cell_arena_clear(struct cell_arena *a);
/* Start again; keeps the first chunk. */
void cell_arena_reset(struct cell_arena *a);
/* NULL when there is no memory: then a->failed, and the row is of no use. */
void *cell_arena_take(struct cell_arena *a, size_t size_bytes);
struct covey_bytes cell_arena_copy(struct cell_arena *a,
                                   struct covey_bytes bytes);

struct cell_row {
    struct cell_arena arena;
    uint32_t table;
    struct row_id id;
    const struct rule_table *rules;
    bool known; /* there is a clock record */
    bool made;  /* an insert that replaced nothing has come */
    bool alive;
    bool aside;       /* alive, and another row has its id in the table */
    uint64_t have;    /* columns with a shown write; column 0 apart */
    uint64_t changed; /* columns whose shown value is not the loaded one */
    struct cell_stamp stamp[CELL_COLUMNS];
    struct cell_value value[CELL_COLUMNS];
    size_t exists_count;
    struct cell_exists *exists;
    size_t sibling_count;
    struct cell_sibling *siblings;
    size_t ahead_count;
    struct cell_ahead *ahead;
    uint8_t hash[16]; /* as recorded; zeros where not known */
};

/* Begin with a row that has no record. */
void cell_row_begin(struct cell_row *row, const struct rule_table *rules,
                    const struct row_id *id);

/* What a record's flags say of other tables. */
struct cell_flags {
    bool siblings;
    bool ahead;
};
/* Read clock.stamps into a row just begun.  Authors are set by number alone:
 * row_load() adds the keys.  Names of deletes are copied.  COVEY_ECORRUPT. */
COVEY_MUST_USE enum covey_rc cell_unpack(struct cell_row *row,
                                         struct covey_bytes in,
                                         struct cell_flags *flags);
void cell_pack(const struct cell_row *row, struct covey_buf *out);

/* Additions; the arena tells of failure. */
void cell_add_exists(struct cell_row *row, const struct cell_exists *exists);
void cell_add_sibling(struct cell_row *row, const struct cell_sibling *sibling);
void cell_add_ahead(struct cell_row *row, const struct cell_ahead *ahead);

/* Is it the stamp of a write that stands in the column?  (Column 0 too.) */
bool cell_stands(const struct cell_row *row, uint32_t column,
                 const struct stamp_name *name);
bool cell_name_equal(const struct stamp_name *a, const struct stamp_name *b);
/* Less than, equal to, greater than 0. */
int cell_stamp_compare(const struct cell_stamp *a, const struct cell_stamp *b);

/* Take in the writes of a part, all under one stamp; values stay borrowed.  A
 * name that stands nowhere is added to row->ahead, not stored: the caller
 * strikes those that have come before.  A write that is here already counts
 * once.  COVEY_EBAD: a column or value that the rules' verdict would have
 * refused; COVEY_ENOMEM. */
COVEY_MUST_USE enum covey_rc cell_apply(struct cell_row *row,
                                        const struct row_part *part,
                                        const struct cell_stamp *stamp,
                                        const struct cell_source *source);
/* Is the row alive, by what stands?  (cell_apply() sets row->alive.) */
bool cell_is_alive(const struct cell_row *row);
/* How many writes stand beside what is shown; deletes of a living row too. */
size_t cell_conflicts(const struct cell_row *row);

/* The row's hash: of every write that stands, in the order of column and
 * stamp, with its value ("gone" in place of a dead row's).  What is ahead is
 * not in it, nor where values are kept. */
COVEY_MUST_USE enum covey_rc cell_hash(const struct cell_row *row,
                                       struct covey_buf *scratch,
                                       uint8_t out[16]);

#endif
