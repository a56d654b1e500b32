/* The vectors of change sets on their way: full, and as a batch leaves out what
 * the receiver can put back; and the frontier that they leave.
 *
 * The receiver holds Ash's first change set.  Ash and Birch edit a title at
 * once, the key changes, Birch's log forks, Ash starts again. */
#include <sodium.h>

#include "proto/batch.h"
#include "proto/changeset.h"
#include "proto/message.h"
#include "tests/vectors/emit.h"

#define FIRST_MS 1767225600000u /* 2026-01-01 */

struct party {
    struct member_tag tag;
    struct sign_pair author;
    struct seed nonce;
};

static struct party ash, birch;
static const struct space_id space = {{0x5b, 0x5b, 0x5b, 0x5b}};
/* Two epochs in force one after the other, each under a key of its own. */
static const struct {
    struct hash hash;
    struct seed key;
} epochs[] = {
    {{{0xe0}}, {{0xa0}}},
    {{{0xe1}}, {{0xa1}}},
};

static void make_party(struct party *p, uint8_t number)
{
    const struct seed author = filled((uint8_t)(number << 4 | 7));

    memset(p->tag.b, number, sizeof p->tag.b);
    sign_pair_from(&author, &p->author);
    p->nonce = filled((uint8_t)(number << 4 | 5));
}

/* ---- change sets ---- */

struct written {
    struct header header;
    struct hash hash;
    struct signature signature;
    struct covey_buf payload;
    bool forks;
};

#define WRITTEN 7u
static struct written written[WRITTEN];
static size_t written_count;

static struct row_id row_of(const struct party *p, uint8_t number)
{
    struct row_id id = {{0x01, 0x9b, 0x77, 0x8d, 0xac, number}};
    struct member_tag tag = p->tag;

    memcpy(id.b + ROW_ID_TAG_OFFSET, tag.b, sizeof tag.b);
    memset(id.b + ROW_ID_TAG_OFFSET + sizeof tag.b, number, 8);
    return id;
}

static struct cell_value words(const char *text)
{
    return (struct cell_value){
        .type = CELL_TEXT,
        .text = {(const uint8_t *)text, strlen(text)},
    };
}

/* The clock rule: one more than the greatest of what is cited and followed. */
static uint64_t clock_after(const struct header *h)
{
    uint64_t clock = 0;

    for (size_t i = 0; i < written_count; i++) {
        const struct written *w = &written[i];
        bool named = hash_equal(&w->hash, &h->previous);

        for (size_t k = 0; k < h->cite_count && !named; k++)
            named = hash_equal(&w->hash, &h->cites[k]);
        if (named && w->header.clock > clock)
            clock = w->header.clock;
    }
    return clock + 1;
}

/* One more change set.  h: log, number, previous and cites are set; part of
 * length 0: it is empty. */
static struct written *write_set(const struct party *p, struct header *h,
                                 size_t epoch, struct covey_bytes part)
{
    struct written *w = &written[written_count];
    struct changeset_plain plain = {
        .kind = part.len > 0 ? CHANGESET_ROWS : CHANGESET_EMPTY,
        .wall_ms = FIRST_MS + 60000u * (written_count + 1),
        .part_count = part.len > 0 ? 1 : 0,
        .parts = &part,
    };
    const struct seed fresh = filled((uint8_t)(0xd0 + written_count));

    h->space = space;
    h->author = p->author.key;
    h->epoch = epochs[epoch].hash;
    header_sort_cites(h);
    h->clock = clock_after(h);
    w->payload = heap_buf();
    need(changeset_seal(h, &plain, &epochs[epoch].key, &p->nonce, &fresh,
                        &w->payload));
    w->header = *h;
    w->hash = header_hash(h);
    w->signature = header_sign(h, &p->author);
    written_count++;
    return w;
}

/* A header that follows `previous`, NULL: nothing. */
static struct header next_of(uint8_t incarnation, uint64_t number,
                             const struct written *previous)
{
    struct header h = {.incarnation = {{incarnation}}, .number = number};

    if (previous != NULL)
        h.previous = previous->hash;
    return h;
}

static void cite(struct header *h, const struct written *w)
{
    h->cites[h->cite_count++] = w->hash;
}

/* ---- what they write ---- */

static struct covey_buf part; /* the row's, written anew for each */

static void write_cell(uint32_t column, const char *text, bool replaces)
{
    const struct cell_value value = words(text);
    const uint16_t first = 0;

    row_part_cell(&part, column, &value, &first, replaces ? 1 : 0);
}

static struct covey_bytes insert(uint32_t table, const struct row_id *id,
                                 const char *first, const char *second)
{
    const struct cell_value yes = {.type = CELL_BOOL, .integer = 1};

    buf_reset(&part);
    row_part_begin(&part, table, id, NULL, 0, 3);
    row_part_cell(&part, COLUMN_EXISTS, &yes, NULL, 0);
    write_cell(1, first, false);
    write_cell(2, second, false);
    return buf_bytes(&part);
}

static struct covey_bytes set_title(const struct row_id *id,
                                    const struct written *replaced,
                                    const char *title)
{
    struct stamp_name name;

    memcpy(name.b, replaced->hash.b, sizeof name.b);
    buf_reset(&part);
    row_part_begin(&part, 1, id, &name, 1, 1);
    write_cell(1, title, true);
    return buf_bytes(&part);
}

static void write_sets(void)
{
    const struct covey_bytes none = {NULL, 0};
    const struct row_id priority = row_of(&ash, 1);
    const struct row_id remark = row_of(&birch, 2);
    char on_row[2 * sizeof priority.b + 1];
    struct header h = next_of(0xa1, 1, NULL);

    hex_encode(priority.b, sizeof priority.b, on_row);
    part = heap_buf();

    const struct written *held = write_set(
        &ash, &h, 0,
        insert(1, &priority, "Reading at eleven", "level at 5, behind at 11"));

    h = next_of(0xa1, 2, held);

    const struct written *ash_2 = write_set(
        &ash, &h, 0, set_title(&priority, held, "Reading and writing"));

    h = next_of(0xb1, 1, NULL);
    cite(&h, held);

    const struct written *birch_1 = write_set(
        &birch, &h, 0, insert(3, &remark, on_row, "We have seen the same."));

    h = next_of(0xa1, 3, ash_2);
    cite(&h, birch_1);

    const struct written *ash_3 = write_set(&ash, &h, 1, none);

    h = next_of(0xb1, 2, birch_1);
    cite(&h, ash_3);

    struct written *birch_2 = write_set(&birch, &h, 1, none);

    h = next_of(0xa2, 1, ash_3);
    cite(&h, birch_2);
    (void)write_set(&ash, &h, 1, none);

    /* The same number a second time, with what no other has seen. */
    h = next_of(0xb1, 2, birch_1);
    cite(&h, ash_2);

    struct written *other =
        write_set(&birch, &h, 1, set_title(&priority, held, "Reading at 11"));

    birch_2->forks = true;
    other->forks = true;
    buf_clear(&part);
}

/* ---- what is printed ---- */

static void emit_full(const struct written *w)
{
    uint8_t header[HEADER_MAX];
    size_t len = header_write(&w->header, header);

    emit_begin(NULL, '{');
    emit_hex("header", header, len);
    emit_hex("hash", w->hash.b, sizeof w->hash.b);
    emit_hex("signature", w->signature.b, sizeof w->signature.b);
    emit_bytes("payload", buf_bytes(&w->payload));
    emit_end('}');
}

static void emit_epochs(void)
{
    emit_begin("epochs", '[');
    for (size_t i = 0; i < sizeof epochs / sizeof epochs[0]; i++) {
        emit_begin(NULL, '{');
        emit_hex("hash", epochs[i].hash.b, 32);
        emit_hex("key", epochs[i].key.b, 32);
        emit_end('}');
    }
    emit_end(']');
}

/* All but the first, which the receiver holds. */
static void emit_batch(void)
{
    static struct batch_state state;
    const struct blind blind = {{0xb1, 0x1d}};
    struct covey_buf body = heap_buf();

    batch_begin(&state);
    batch_head_write(&body, &blind, 1);
    for (size_t i = 1; i < written_count; i++) {
        const struct written *w = &written[i];
        const struct batch_item item = {
            .header = &w->header,
            .hash = w->hash,
            .chained = !w->forks,
            .payload = buf_bytes(&w->payload),
            .signature = w->signature,
        };

        batch_add(&state, &body, &item);
    }
    need(buf_rc(&body));
    emit_begin("batch", '{');
    emit_hex("space", space.b, sizeof space.b);
    emit_epochs();
    emit_begin("held", '[');
    emit_full(&written[0]);
    emit_end(']');
    emit_begin("full", '[');
    for (size_t i = 1; i < written_count; i++)
        emit_full(&written[i]);
    emit_end(']');
    emit_hex("blind", blind.b, sizeof blind.b);
    emit_number("sequence", 1);
    emit_bytes("body", buf_bytes(&body));
    emit_end('}');
    buf_clear(&body);
}

/* The heads: Birch's two branches, and Ash's second log, whose first header
 * names the head of the one before. */
static void emit_frontier(void)
{
    static const size_t heads_of[] = {4, 6, 5};
    const struct blind blind = {{0xb1, 0x1d}};
    struct log_head heads[3];
    struct covey_buf body = heap_buf();

    for (size_t i = 0; i < 3; i++) {
        const struct written *w = &written[heads_of[i]];

        heads[i] = (struct log_head){w->header.author, w->header.incarnation,
                                     w->header.number, w->hash};
    }

    struct hash digest = frontier_digest(heads, 3); /* sorts them */
    struct hash none = frontier_digest(heads, 0);

    frontier_begin(&body, &blind, true);
    for (size_t i = 0; i < 3; i++)
        frontier_add(&body, &heads[i]);
    need(buf_rc(&body));
    emit_begin("frontier", '{');
    emit_hex("blind", blind.b, sizeof blind.b);
    emit_bytes("body", buf_bytes(&body));
    emit_hex("digest", digest.b, sizeof digest.b);
    emit_hex("digest_of_none", none.b, sizeof none.b);
    emit_end('}');
    buf_clear(&body);
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    make_party(&ash, 1);
    make_party(&birch, 2);
    write_sets();
    emit_begin(NULL, '{');
    emit_batch();
    emit_frontier();
    emit_end('}');
    putchar('\n');
    for (size_t i = 0; i < written_count; i++)
        buf_clear(&written[i].payload);
    return 0;
}
