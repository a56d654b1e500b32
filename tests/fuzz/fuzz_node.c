/* A node (node.h) and what a member with software of its own may send it.
 *
 * Alder and cedar are honest, birch's keys are the fuzzer's: it dials alder and
 * sends change sets that are signed and sealed as they should be, around rows
 * of the input; any body of any message; it falls silent, comes again. Alder
 * writes, is killed and started meanwhile.  See the table of steps.
 *
 * In the end nothing has been fatal; alder and cedar hold the same (but see
 * agree()); each one's digest is that of its rows; every row is a member's. */
#include <stdlib.h>
#include <string.h>

#include "proto/rules.h"
#include "proto/wire.h"
#include "store/log.h"
#include "tests/fuzz/fuzz.h"
#include "tests/sim/disk.h"
#include "tests/unit/support_liar.h"
#include "tests/unit/support_wire.h"

enum { ALDER, BIRCH, CEDAR, NODES };
#define STEPS_MAX 12u
#define SETS_MAX 8u   /* in one batch */
#define KNOWN_MAX 64u /* change sets that can be followed, cited, replaced */

static const char *const names[NODES] = {"alder", "birch", "cedar"};
static struct disk *disks[NODES], *good[NODES];
static struct world at_first, w;
static struct liar known_liar, liar;
static char space[33];

struct known {
    struct hash hash;
    uint64_t clock, number;
    struct incarnation incarnation; /* zero: not of the liar's making */
};
static struct known at_first_known[KNOWN_MAX], known[KNOWN_MAX];
static size_t at_first_count, known_count;

/* ---- before the first input ---- */

static void join(size_t who)
{
    char body[3000];
    json_t *made = nodes_do(&w, ALDER, "invite", space, NULL);

    snprintf(body, sizeof body, "{\"ticket\":\"%s\",\"wait_s\":50}",
             json_string_value(json_object_get(made, "ticket")));
    nodes_do(&w, who, "join", NULL, body);
}

static void write_row(size_t who, const char *title)
{
    char sql[300];

    snprintf(sql, sizeof sql,
             "INSERT INTO priority (space, title, why) VALUES ('%s', '%s',"
             " 'because')",
             space, title);
    nodes_sql(&w, who, sql);
}

/* What alder's log holds can be cited. */
static void learn(void)
{
    struct covey_buf heads;
    struct covey_why why;
    struct store *st;

    buf_init(&heads, &support_heap, 1u << 20);
    CHECK(store_open(w.nodes[ALDER].dir, &st, &why) == COVEY_OK);
    CHECK(log_heads(st, 1, &heads) == COVEY_OK);
    for (size_t i = 0; i < heads.len / sizeof(struct log_head_row); i++) {
        const struct log_head_row *row =
            (const struct log_head_row *)(const void *)heads.p + i;

        CHECK(at_first_count < KNOWN_MAX);
        at_first_known[at_first_count++] =
            (struct known){.hash = row->hash, .clock = row->clock};
    }
    buf_clear(&heads);
    store_close(st);
}

static void setup(void)
{
    disk_install();
    nodes_init_on_disks(&w);
    for (size_t i = 0; i < NODES; i++) {
        char name[16];

        snprintf(name, sizeof name, "good%zu", i);
        disks[i] = disk_new(names[i], i);
        good[i] = disk_new(name, i);
        CHECK(nodes_add(&w, names[i], i == ALDER) == i);
        nodes_start(&w, i);
    }
    json_t *made = nodes_do(&w, ALDER, "space-create", NULL,
                            "{\"name\":\"Cluster\",\"admit\":\"at-once\"}");
    snprintf(space, sizeof space, "%s",
             json_string_value(json_object_get(made, "id")));
    join(BIRCH);
    join(CEDAR);
    for (size_t i = 0; i < NODES; i++)
        write_row(i, names[i]);
    nodes_run(&w, 5);
    for (size_t i = 0; i < NODES; i++) {
        nodes_kill(&w, i);
        disk_leave(disks[i], DISK_KEEP, good[i]);
    }
    learn();
    liar_become(&known_liar, &w, BIRCH, space);
    for (size_t i = 0; i < NODES; i++) {
        json_decref(w.nodes[i].reply);
        w.nodes[i].reply = NULL;
    }
    w.step = 250 * COVEY_MILLISECOND;
    at_first = w;
}

/* ---- change sets ---- */

/* One value of a cell, of any type. */
static struct cell_value draw_value(struct fuzz_in *in, uint32_t column)
{
    uint8_t type = fuzz_u8(in);
    struct cell_value v = {.type = CELL_TEXT};

    v.integer = fuzz_u8(in);
    if (column == COLUMN_EXISTS || type % 8 == 1) {
        v.type = CELL_BOOL;
        v.integer = type & 1;
    } else if (type % 8 == 2) {
        v.type = CELL_INT;
    } else if (type % 8 == 3) {
        v.type = CELL_NULL;
    } else if (type % 8 == 4) {
        v.type = CELL_REAL;
        v.real = 1.5;
    } else {
        v.text = fuzz_take(in, (size_t)v.integer);
        if (!text_is_utf8(v.text.p, v.text.len))
            v.text.len = 0;
    }
    return v;
}

static struct row_id draw_id(struct fuzz_in *in)
{
    static const struct row_id nobody = {{1}};
    struct row_id id = nobody;
    uint8_t whose = fuzz_u8(in);

    id.b[sizeof id.b - 1] = whose / 8;
    if (whose % 8 < 6)
        memcpy(id.b + ROW_ID_TAG_OFFSET, liar.v.tag.b, sizeof liar.v.tag.b);
    else if (whose % 8 == 6)
        id.b[ROW_ID_TAG_OFFSET] = 0xc4;
    return id;
}

/* The names that a row's cells may replace: of some known change sets. */
static size_t draw_names(struct fuzz_in *in, struct stamp_name names_out[4])
{
    size_t count = fuzz_u8(in) % 4;

    for (size_t i = 0; i < count; i++) {
        size_t k = fuzz_u8(in);

        memset(&names_out[i], (int)k, sizeof names_out[i]);
        if (k < known_count)
            memcpy(names_out[i].b, known[k].hash.b, STAMP_NAME);
    }
    return count;
}

/* A row's part: well-formed, or the input as it is. */
static void draw_row(struct fuzz_in *in, struct covey_buf *out)
{
    struct stamp_name stamps[4];
    struct covey_bytes raw;
    struct row_id id;
    uint32_t table = fuzz_u8(in);
    uint64_t columns;
    size_t cells = 0, n;

    if (table == 0xff) {
        raw = fuzz_piece(in);
        buf_append(out, raw.p, raw.len);
        return;
    }
    table = 1 + table % ((uint32_t)rule_table_count + 1);
    id = draw_id(in);
    n = draw_names(in, stamps);
    columns = (uint64_t)fuzz_u16(in) | (fuzz_u8(in) == 0xff) * 0x40000000u;
    for (uint32_t c = 0; c <= COLUMN_MAX; c++)
        cells += columns >> c & 1;
    if (cells == 0)
        return;
    row_part_begin(out, table, &id, stamps, n, cells);
    for (uint32_t c = 0; c <= COLUMN_MAX; c++) {
        const uint16_t all[] = {0, 1, 2, 3};
        struct cell_value value;

        if ((columns >> c & 1) == 0)
            continue;
        value = draw_value(in, c);
        row_part_cell(out, c, &value, all, fuzz_u8(in) % (n + 1));
    }
}

static void cite(struct header *h, const struct known *k)
{
    if (h->cite_count < HEADER_CITES_MAX)
        h->cites[h->cite_count++] = k->hash;
    if (k->clock >= h->clock)
        h->clock = k->clock + 1;
}

/* A header that follows and cites what the input says. */
static struct header draw_header(struct fuzz_in *in)
{
    struct header h = voice_header(&liar.v, fuzz_u8(in) % 3);
    uint8_t cites = fuzz_u8(in);

    for (size_t i = known_count; i-- > 0;) {
        if (memcmp(&known[i].incarnation, &h.incarnation,
                   sizeof h.incarnation) != 0)
            continue;
        h.number = known[i].number + 1;
        h.previous = known[i].hash;
        h.clock = known[i].clock + 1;
        break;
    }
    for (size_t i = 0; i < 8 && i < known_count; i++) {
        const struct known *k = &known[known_count - 1 - i];

        if ((cites >> i & 1) != 0 &&
            memcmp(&k->hash, &h.previous, sizeof h.previous) != 0)
            cite(&h, k);
    }
    header_sort_cites(&h);
    return h;
}

/* Something in a header that should not be so. */
static void bend(struct header *h, uint8_t how)
{
    switch (how) {
    case 1:
        h->number += 1;
        return;
    case 2:
        h->clock += 7;
        return;
    case 3:
        h->previous.b[0] ^= 1;
        return;
    case 4:
        h->epoch.b[0] ^= 1;
        return;
    case 5:
        h->author.b[0] ^= 1;
        return;
    default:
        return;
    }
}

struct made {
    struct header header;
    struct covey_buf payload;
    struct signature signature;
};

static void make_set(struct fuzz_in *in, struct made *set)
{
    struct covey_bytes rows[16];
    struct covey_buf parts[16];
    size_t count = fuzz_u8(in) % 16, kept = 0;

    set->header = draw_header(in);
    bend(&set->header, fuzz_u8(in));
    for (size_t i = 0; i < count; i++) {
        parts[i] = fuzz_buf();
        draw_row(in, &parts[i]);
        if (parts[i].len > 0)
            rows[kept++] = buf_bytes(&parts[i]);
    }
    voice_seal(&liar.v, &set->header, rows, kept, &set->payload);
    for (size_t i = 0; i < count; i++)
        buf_clear(&parts[i]);
    struct header own = set->header;
    own.author = liar.v.author.key; /* it has no other's key */
    set->signature = header_sign(&own, &liar.v.author);
    set->signature.b[0] ^= fuzz_u8(in) == 0xff;
    if (known_count < KNOWN_MAX)
        known[known_count++] =
            (struct known){header_hash(&set->header), set->header.clock,
                           set->header.number, set->header.incarnation};
}

static void send_batch(struct fuzz_in *in)
{
    static struct made made[SETS_MAX];
    struct voice_set sets[SETS_MAX];
    size_t before = known_count;
    size_t count = 1 + fuzz_u8(in) % SETS_MAX;

    for (size_t i = 0; i < count; i++) {
        make_set(in, &made[i]);
        sets[i] = (struct voice_set){
            &made[i].header, buf_bytes(&made[i].payload), &made[i].signature};
    }
    if (!liar_send(&liar, sets, count))
        known_count = before;
    for (size_t i = 0; i < count; i++)
        buf_clear(&made[i].payload);
}

/* ---- steps ---- */

/* Any body; or one that names the space as it should, and goes on anyhow. */
static void say_anything(struct fuzz_in *in)
{
    uint8_t kind = (uint8_t)(2 + fuzz_u8(in) % 12);
    uint8_t how = fuzz_u8(in);
    struct covey_buf body = fuzz_buf();
    struct blind blind = voice_blind(&liar.v);
    struct covey_bytes rest = fuzz_piece(in);

    if (kind == MESSAGE_FRONTIER || kind == MESSAGE_BATCH) {
        if (how % 2)
            buf_append(&body, blind.b, sizeof blind.b);
    } else if (how % 2) {
        wire_array(&body, how / 2 % 8);
        wire_bin(&body, blind.b, sizeof blind.b);
    }
    buf_append(&body, rest.p, rest.len);
    if (kind != MESSAGE_PONG)
        liar_say(&liar, (enum message_kind)kind, buf_bytes(&body));
    buf_clear(&body);
}

static void write_here(struct fuzz_in *in)
{
    static const char *const statements[] = {
        "UPDATE priority SET title = 'changed at ' || title",
        "UPDATE priority SET why = NULL WHERE title = 'alder'",
        "DELETE FROM priority WHERE title <> 'alder'",
        "INSERT INTO comment (space, on_row, text)"
        " SELECT space, id, 'words' FROM priority LIMIT 3",
    };
    json_t *body = json_pack("{s:s}", "statement", statements[fuzz_u8(in) % 4]);
    char *text = json_dumps(body, 0);

    (void)nodes_call(&w, ALDER, "sql", NULL, text); /* a guard may refuse */
    free(text);
    json_decref(body);
}

static void dial_again(void)
{
    liar_leave(&liar);
    liar = known_liar;
    (void)liar_dial(&liar, ALDER);
}

static void step(struct fuzz_in *in)
{
    uint8_t op = fuzz_u8(in);

    switch (op % 8) {
    case 0:
    case 1:
    case 2:
        send_batch(in);
        break;
    case 3:
    case 4:
        say_anything(in);
        break;
    case 5:
        write_here(in);
        break;
    case 6:
        nodes_run(&w, 1 + op / 8);
        break;
    default:
        nodes_kill(&w, ALDER);
        nodes_start(&w, ALDER);
        dial_again();
    }
    if (liar.v.down)
        dial_again();
}

/* ---- what holds in the end ---- */

/* Both hold the same change sets and the same rows, whatever waits for an
 * upgrade. */
static bool agree(void)
{
    json_t *of_one = json_incref(nodes_space(&w, ALDER, space));
    json_t *of_other = json_incref(nodes_space(&w, CEDAR, space));
    bool same = json_equal(json_object_get(of_one, "frontier"),
                           json_object_get(of_other, "frontier")) &&
                json_equal(json_object_get(of_one, "digest"),
                           json_object_get(of_other, "digest"));

    json_decref(of_one);
    json_decref(of_other);
    return same;
}

static void check_end(void)
{
    bool equal = false;

    for (int i = 0; i < 30 && !equal; i++) {
        nodes_run(&w, 4);
        equal = agree();
    }
    CHECK(equal);
    for (size_t i = 0; i < NODES; i++) {
        CHECK(w.nodes[i].fatal[0] == '\0');
        if (i == BIRCH)
            continue;
        nodes_kill(&w, i);
        fuzz_check_record(w.nodes[i].dir);
    }
}

static void one(struct covey_bytes in)
{
    struct fuzz_in parts = fuzz_in(in);

    for (size_t i = 0; i < NODES; i++)
        disk_leave(good[i], DISK_KEEP, disks[i]);
    w = at_first;
    memcpy(known, at_first_known, sizeof known);
    known_count = at_first_count;
    nodes_start(&w, ALDER);
    nodes_start(&w, CEDAR);
    liar = known_liar;
    CHECK(liar_dial(&liar, ALDER));
    for (size_t i = 0; i < STEPS_MAX && parts.left > 0; i++)
        step(&parts);
    liar_leave(&liar);
    check_end();
    at_first.visitor.heard = w.visitor.heard;
    buf_reset(&at_first.visitor.heard);
    for (size_t i = 0; i < NODES; i++)
        json_decref(w.nodes[i].reply);
}

const struct fuzz_target fuzz_target = {.setup = setup, .one = one};
