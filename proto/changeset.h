/* changeset.h - the payload of a change set: parts, one a row.
 *
 * Bytes of a payload, fixed framing:
 *   nonce 24 | part count 2 | for each part: length 4, sealed bytes
 * where a length with its top bit set means that the part was erased: the other
 * bits still tell its length, and its hash (32) stands in its place.
 * payload hash = H("covey/1 payload", nonce | part count 2 | for each part:
 * length 4, hash 32), hash of a part = H("covey/1 part", its sealed bytes).  So
 * any part but part 0 can go, and the header still verifies.
 *
 * A sealed part is XChaCha20-Poly1305 of (16 random bytes | msgpack), under the
 * payload's key = keyed hash "covey/1 payload key" of the nonce with the space
 * key, nonce = part number (24 bytes, big-endian at the end), associated data =
 * the header's fields before the payload's length and hash.
 *
 * msgpack of part 0: [kind, wall ms, padding bin], the padding all zeros; of a
 * newer kind, nothing behind it is read.
 * msgpack of a row:  [table, id bin 20, names bin (16 bytes each), cells] with
 * cells = [column, value, replaced, column, value, replaced, ...], where
 * replaced is nil (nothing stood), the index of one name, or an array of
 * several.  Column 0 is the row's existence: true inserts, false deletes. */
#ifndef COVEY_PROTO_CHANGESET_H
#define COVEY_PROTO_CHANGESET_H

#include "proto/base.h"
#include "proto/crypto.h"
#include "proto/header.h"

#define CHANGESET_PARTS_MAX 1024u /* part 0 included */
#define CHANGESET_ROOM 253952u    /* bytes of rows a sealer packs, each with: */
#define CHANGESET_PART_COST 36u   /* bytes that sealing adds to one row */
#define PART_SALT 16u
#define STAMP_NAME 16u /* first bytes of a header's hash */

enum changeset_kind {
    CHANGESET_ROWS = 0,  /* what people wrote */
    CHANGESET_EMPTY = 1, /* heartbeat, receipt, or one that folds tips */
};

/* How one write names another: the first bytes of its header's hash.  So many
 * that nobody finds two headers of one name: nodes that heard of them in
 * another order would differ. */
struct stamp_name {
    uint8_t b[STAMP_NAME];
};

enum cell_type { CELL_NULL, CELL_INT, CELL_REAL, CELL_TEXT, CELL_BOOL };

struct cell_value {
    enum cell_type type;
    int64_t integer; /* CELL_INT, CELL_BOOL */
    double real;
    struct covey_bytes text; /* borrowed */
};

#define COLUMN_EXISTS 0u
#define COLUMN_MAX 63u /* highest column id */

/* A row's part as read: a view into the plaintext, walked with row_cell(). */
struct row_part {
    uint32_t table;
    struct row_id id;
    struct covey_bytes names; /* STAMP_NAME bytes each */
    size_t cell_count;
    struct covey_bytes cells; /* msgpack, as many triples as cell_count */
};

struct row_cell {
    uint32_t column;
    struct cell_value value;
    size_t replaced_count;
    struct covey_bytes replaced; /* msgpack: indexes, see row_cell_name() */
};

/* Write one row's msgpack.  Cells are added in ascending order of column. */
void row_part_begin(struct covey_buf *out, uint32_t table,
                    const struct row_id *id, const struct stamp_name *names,
                    size_t name_count, size_t cell_count);
/* replaced: indexes into names, ascending. */
void row_part_cell(struct covey_buf *out, uint32_t column,
                   const struct cell_value *value, const uint16_t *replaced,
                   size_t replaced_count);
void cell_value_write(struct covey_buf *out, const struct cell_value *value);

/* Read a row's msgpack (validated first with wire_validate, here).  Checks
 * everything: ascending columns, indexes in range, types.  COVEY_EBAD. */
COVEY_MUST_USE enum covey_rc row_part_read(struct covey_bytes plain,
                                           struct row_part *out);
/* Walk: *at starts at 0; false when there are no more cells.  Only on a part
 * that row_part_read() accepted. */
bool row_part_next(const struct row_part *part, size_t *at,
                   struct row_cell *out);
struct stamp_name row_cell_name(const struct row_part *part,
                                const struct row_cell *cell, size_t index);

/* Seal: parts[] are the msgpack of rows (part 1 and up); part 0 is made here
 * from kind and wall time, padded so that the payload's length falls into a
 * Padme bucket.  h has every field but the payload's set, and gets those.
 * fresh is drawn for this payload; nonce_secret is the node's.
 * Appends to out.  Returns COVEY_OK, COVEY_ENOMEM, COVEY_ELIMIT (over
 * HEADER_PAYLOAD_MAX or CHANGESET_PARTS_MAX); never the last for rows that keep
 * to CHANGESET_ROOM. */
struct changeset_plain {
    enum changeset_kind kind;
    uint64_t wall_ms;
    size_t part_count;
    const struct covey_bytes *parts;
};
COVEY_MUST_USE enum covey_rc
changeset_seal(struct header *h, const struct changeset_plain *plain,
               const struct seed *space_key, const struct seed *nonce_secret,
               const struct seed *fresh, struct covey_buf *out);

/* The framing and hash of a payload, without any key: what a carrier checks.
 * COVEY_EBAD (framing), COVEY_EFORGED (hash or length is not the header's). */
COVEY_MUST_USE enum covey_rc changeset_check(const struct header *h,
                                             struct covey_bytes payload);
/* The hash that a payload has; COVEY_EBAD when its framing is broken. */
COVEY_MUST_USE enum covey_rc changeset_hash(struct covey_bytes payload,
                                            struct hash *out);
/* The same for one with all its parts: COVEY_EBAD when one is erased. */
COVEY_MUST_USE enum covey_rc changeset_hash_whole(struct covey_bytes payload,
                                                  struct hash *out);

/* Append the payload without the sealed bytes of one part, 1 or up; it is the
 * same payload with the same hash.  COVEY_EBAD (framing), COVEY_ENONE (no such
 * part), COVEY_ENOMEM. */
COVEY_MUST_USE enum covey_rc
changeset_erase(struct covey_bytes payload, size_t part, struct covey_buf *out);

/* An opened payload: plaintexts side by side in a buffer that it owns. */
struct changeset {
    uint64_t kind;    /* as sent; above CHANGESET_EMPTY: from a newer version */
    uint64_t wall_ms; /* of a newer kind: 0 */
    size_t part_count; /* rows; erased ones counted */
    struct covey_bytes parts[CHANGESET_PARTS_MAX]; /* p NULL: erased */
    struct covey_buf plain;
};
/* Reusable: changeset_init once, changeset_open many times, changeset_clear.
 * COVEY_EFORGED when a part does not open, COVEY_EBAD when the framing or part
 * 0 is not of its form, COVEY_ENOMEM; then it holds no parts.  Rows are not
 * read here: see row_part_read().  Nor is the payload's hash: changeset_check()
 * first tells that it is the header's, erased parts included. */
void changeset_init(struct changeset *cs, const struct covey_mem *mem);
void changeset_clear(struct changeset *cs);
COVEY_MUST_USE enum covey_rc changeset_open(const struct header *h,
                                            struct covey_bytes payload,
                                            const struct seed *space_key,
                                            struct changeset *cs);

#endif
