/* batch.h - change sets on the wire, without what the receiver can put back.
 *
 * A batch is a run of records in causal order.  A record:
 *   flags 1 | log | [number] | [previous 32] | [epoch 32] | cite count 1 |
 *   cites | payload length | payload | signature 64
 * Counts and lengths are unsigned LEB128 in the shortest form.
 *   flags bit 0: the log is new in this batch: author 32, incarnation 8 follow
 *                and the log gets the next index; else an index follows
 *   flags bit 1: a number follows; else it is one more than this log's last
 *                record in the batch (the first record of a log has one)
 *   flags bit 2: the previous header's hash follows (number 1, or a fork);
 *                else it is the hash of the log's number before this one
 *   flags bit 3: the epoch's hash follows; else it is that of the record
 *                before in this batch, and for the first record has bit 3 set
 *   a cite: n > 0: the record n back in this batch; 0: a hash (32) follows
 * One batch has one encoding: what may be left out is left out, but that a
 * writer looks for a cite among the last BATCH_BACK_MAX records only.
 * Left out and put back by the receiver: space (the batch's), clock (1 + the
 * greatest of what is cited and the log's last), payload length and hash. */
#ifndef COVEY_PROTO_BATCH_H
#define COVEY_PROTO_BATCH_H

#include "proto/base.h"
#include "proto/header.h"
#include "proto/message.h"

struct batch_cite {
    uint32_t back; /* 0: hash is set */
    struct hash hash;
};

struct batch_record {
    struct sign_key author;
    struct incarnation incarnation;
    uint64_t number;
    bool has_previous;
    struct hash previous;
    struct hash epoch; /* always set */
    size_t cite_count;
    struct batch_cite cites[HEADER_CITES_MAX];
    struct covey_bytes payload;
    struct signature signature;
};

#define BATCH_LOGS_MAX 1024u
#define BATCH_BACK_MAX 256u /* records back that a writer looks for a cite */

struct batch_log {
    struct sign_key author;
    struct incarnation incarnation;
    uint64_t last;
};

/* Shared by writer and reader: what has been said so far in this batch. */
struct batch_state {
    size_t log_count;
    size_t record_count;
    struct batch_log logs[BATCH_LOGS_MAX];
    struct hash epoch;
    struct hash hashes[BATCH_CHANGESETS]; /* writer only: for back references */
};

/* The head of a BATCH's body, BATCH_HEAD bytes; the records follow.
 * COVEY_EBAD when cut short. */
void batch_head_write(struct covey_buf *out, const struct blind *blind,
                      uint32_t sequence);
COVEY_MUST_USE enum covey_rc batch_head_read(struct covey_bytes in,
                                             struct blind *blind,
                                             uint32_t *sequence,
                                             struct covey_bytes *records);

void batch_begin(struct batch_state *st);
/* One change set to add, borrowed for the call. */
struct batch_item {
    const struct header *header;
    struct hash hash; /* the header's */
    bool chained;     /* no fork at its place: its previous can be left out */
    struct covey_bytes payload;
    struct signature signature;
};
/* Append it to out, whose buf_rc() tells. */
void batch_add(struct batch_state *st, struct covey_buf *out,
               const struct batch_item *item);
/* Bytes that batch_add would append at the most. */
size_t batch_room(const struct header *h, size_t payload_len);
/* The next record; *in moves past it.  *found is false with rc OK at the end;
 * COVEY_EBAD or COVEY_ELIMIT for a malformed batch.  A number is
 * at least 1, number 1 has a previous, a payload has HEADER_PAYLOAD_MAX bytes
 * at the most, and a cite goes back to a record of this batch.  The cites are
 * the header's, in its order; whoever puts hashes back sees to it that they
 * ascend.
 */
COVEY_MUST_USE enum covey_rc batch_next(struct batch_state *st,
                                        struct covey_bytes *in, bool *found,
                                        struct batch_record *out);

#endif
