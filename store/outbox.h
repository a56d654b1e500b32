/* outbox.h - what the outbox holds of a space, grouped by row.
 *
 * One window of it at a time, in the order of seq.  What a row's entries add up
 * to is worked out against what the record holds: see capture_row.c. */
#ifndef COVEY_STORE_OUTBOX_H
#define COVEY_STORE_OUTBOX_H

#include "store/cell.h"
#include "store/internal.h"

#define OUTBOX_WINDOW 2048u          /* entries */
#define OUTBOX_WINDOW_BYTES 1048576u /* of seen and old, over all entries */
#define OUTBOX_NONE UINT32_MAX

enum outbox_op {
    OUTBOX_INSERT = 1,
    OUTBOX_UPDATE = 2,
    OUTBOX_DELETE = 3,
    OUTBOX_REPLACE = 4, /* believed where the row's next is an insert */
};

struct outbox_entry {
    int64_t seq;
    uint32_t table; /* 0: no trigger of ours wrote this entry */
    struct row_id id;
    enum outbox_op op;
    uint64_t columns;
    bool has_seen;
    struct covey_bytes seen; /* names */
    struct covey_bytes old;  /* of a delete: the columns, each as "5:hello",
                                or "-" for NULL */
    uint32_t next;           /* of the same row, or OUTBOX_NONE */
};

/* What became of a row's entries. */
enum outbox_fate {
    OUTBOX_LEFT,    /* not looked at, or still wanting something */
    OUTBOX_NOTHING, /* came to nothing */
    OUTBOX_PART,    /* is a part */
    OUTBOX_SPLIT,   /* is a part, and the columns in `rest` stay */
};

struct outbox_row {
    uint32_t table;
    struct row_id id;
    uint32_t first;
    uint32_t last;
    enum outbox_fate fate;
    uint64_t rest;
    bool fresh;   /* it had no clock record */
    bool present; /* it stands in its table */
    /* If it does not: what its newest and its oldest delete noted; what is set
     * once is as in the oldest. */
    struct covey_bytes old;
    struct covey_bytes oldest;
};

struct outbox {
    struct covey_buf entries; /* struct outbox_entry */
    struct covey_buf rows;    /* struct outbox_row, by their first entry */
    struct cell_arena arena;
    bool more; /* the outbox goes on behind the window */
};

void outbox_init(struct outbox *o, const struct covey_mem *mem);
void outbox_clear(struct outbox *o);
/* Read the next window of a space, in place of the one before. */
COVEY_MUST_USE enum covey_rc outbox_read(struct store *st, int64_t n,
                                         struct outbox *o);
size_t outbox_row_count(const struct outbox *o);
struct outbox_row *outbox_row(const struct outbox *o, size_t i);

/* What a row's entries add up to. */
struct outbox_sum {
    uint64_t columns; /* changed by updates and inserts */
    bool inserted;    /* an insert that was no replacement */
    bool replaced;
    bool ends_deleted;                       /* the last entry is a delete */
    const struct outbox_entry *first_delete; /* or NULL */
    const struct outbox_entry *last_delete;
};
struct outbox_sum outbox_sum(const struct outbox *o,
                             const struct outbox_row *row);
/* Had the writer of a column (column 0: of the delete) seen this stamp?  True
 * too where it did not say what it had seen. */
bool outbox_saw(const struct outbox *o, const struct outbox_row *row,
                uint32_t column, const struct stamp_name *name);
/* Set row->old and row->oldest; they may lie behind the window.  COVEY_ENONE.
 */
COVEY_MUST_USE enum covey_rc outbox_find_deletes(struct store *st, int64_t n,
                                                 struct outbox *o,
                                                 struct outbox_row *row);
/* The values that a delete noted, for the columns in `columns`, borrowed.
 * false: not of the form that our trigger writes. */
bool outbox_old(struct covey_bytes old, const struct rule_table *rules,
                uint64_t columns, struct cell_value *values);
/* The values that a row, which is gone, held at the end; NULL where none are
 * known. */
void outbox_gone(const struct outbox_row *row, const struct rule_table *rules,
                 uint64_t columns, struct cell_value *values);

/* Take off the outbox what became a part or nothing. */
COVEY_MUST_USE enum covey_rc outbox_settle(struct store *st, int64_t n,
                                           const struct outbox *o);

#endif
