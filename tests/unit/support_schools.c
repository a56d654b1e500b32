#include "support_schools.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/query.h"
#include "support_bytes.h"

static const uint8_t members[SCHOOLS_MAX] = {0xa1, 0xb2, 0xc3};

void schools_init(struct schools *s, size_t count)
{
    memset(s, 0, sizeof *s);
    s->count = count;
    for (size_t i = 0; i < count; i++) {
        record_init(&s->records[i], members[i]);
        s->writers[i] =
            (struct writer){.author = (uint8_t)(i + 1), .incarnation = 1};
    }
}

/* Forget the change sets from number `from` on. */
static void forget(struct schools *s, size_t from)
{
    for (size_t i = from; i < s->sealed_count; i++) {
        for (size_t k = 0; k < s->sealed[i].part_count; k++)
            bytes_free(s->sealed[i].parts[k]);
        free(s->sealed[i].parts);
        free(s->sealed[i].payload);
        memset(&s->sealed[i], 0, sizeof s->sealed[i]);
        for (size_t k = 0; k < s->count; k++)
            s->has[k][i] = false;
    }
    s->sealed_count = from;
}

void schools_begin(struct schools *s)
{
    s->begun_count = s->sealed_count;
    memcpy(s->begun, s->writers, sizeof s->begun);
    for (size_t i = 0; i < s->count; i++)
        record_begin(&s->records[i]);
}

void schools_rollback(struct schools *s)
{
    for (size_t i = 0; i < s->count; i++)
        store_rollback(s->records[i].st);
    memcpy(s->writers, s->begun, sizeof s->begun);
    forget(s, s->begun_count);
}

void schools_clear(struct schools *s)
{
    forget(s, 0);
    for (size_t i = 0; i < s->count; i++)
        record_clear(&s->records[i]);
}

const char *schools_row(const struct schools *s, size_t i, uint8_t number)
{
    static char hex[2 * sizeof(struct row_id) + 1];
    struct row_id id = record_row(members[i], number);

    hex_encode(id.b, sizeof id.b, hex);
    return hex;
}

bool schools_write(struct schools *s, size_t i, const char *sql)
{
    struct record *r = &s->records[i];
    struct covey_buf out = bytes_buf();
    struct covey_why why = {{0}};
    bool open = store_in_transaction(r->st);

    if (!open)
        record_begin(r);
    enum covey_rc rc = query_write(r->st, sql, NULL, 0, &out, &why);
    bool refused = rc == COVEY_EREFUSED || rc == COVEY_EEXISTS;
    buf_clear(&out);
    if (rc != COVEY_OK && rc != COVEY_ENONE && !refused)
        print_error("%s: %s\n", sql, why.text);
    assert_true(rc == COVEY_OK || rc == COVEY_ENONE || refused);
    if (!open)
        record_commit(r);
    return !refused;
}

/* ---- sealing ---- */

static size_t tips_of(struct record *r, struct hash *out, uint64_t *clock)
{
    struct tip tips[HEADER_CITES_MAX];
    size_t count;

    assert_int_equal(log_tips(r->st, r->n, tips, HEADER_CITES_MAX, &count),
                     COVEY_OK);
    assert_true(count <= HEADER_CITES_MAX);
    for (size_t i = 0; i < count; i++) {
        out[i] = tips[i].hash;
        if (tips[i].clock > *clock)
            *clock = tips[i].clock;
    }
    return count;
}

/* What others would say of it. */
static void assert_counts(const struct record *r, struct covey_bytes bytes)
{
    struct verdict_context context = {.kind = SPACE_CLUSTER,
                                      .role = ROLE_SCHOOL};
    struct row_part part;

    memset(context.tag.b, r->member, sizeof context.tag.b);
    assert_int_equal(row_part_read(bytes, &part), COVEY_OK);
    assert_int_equal(rules_judge_row(&context, &part), VERDICT_COUNTS);
}

static void keep_parts(struct sealed *set, const struct record *r,
                       const struct capture *c)
{
    size_t size = 0;

    set->part_count = c->part_count;
    set->parts = calloc(c->part_count, sizeof *set->parts);
    assert_non_null(set->parts);
    for (size_t i = 0; i < c->part_count; i++) {
        assert_counts(r, c->parts[i]);
        set->parts[i] = bytes_exact(c->parts[i]);
        size += c->parts[i].len + CHANGESET_PART_COST;
    }
    assert_true(size <= CHANGESET_ROOM);
    assert_true(c->part_count < CHANGESET_PARTS_MAX);
}

static void seal_one(struct schools *s, size_t i, struct capture *c)
{
    struct record *r = &s->records[i];
    struct writer *w = &s->writers[i];
    struct hash cites[HEADER_CITES_MAX];
    uint64_t clock = w->clock;
    size_t count = tips_of(r, cites, &clock);
    struct stamp stamp;

    assert_true(s->sealed_count < SCHOOLS_SETS_MAX);
    struct sealed *set = &s->sealed[s->sealed_count];
    set->school = i;
    keep_parts(set, r, c);
    log_make(r, w, cites, count, clock + 1, &set->entry);
    set->entry.wall_ms = 1000 + s->sealed_count;
    log_store(r, r->n, &set->entry);
    set->payload = malloc(set->entry.payload.len);
    assert_non_null(set->payload);
    memcpy(set->payload, set->entry.payload.p, set->entry.payload.len);
    set->entry.payload.p = set->payload;
    w->number++;
    w->last = set->entry.hash;
    w->clock = clock + 1;
    stamp = (struct stamp){w->clock, set->entry.header.author, {{0}}};
    memcpy(stamp.name.b, set->entry.hash.b, STAMP_NAME);
    assert_int_equal(capture_settle(r->st, r->n, c, &stamp), COVEY_OK);
    s->has[i][s->sealed_count++] = true;
}

static bool find_cell(const struct sealed *set, const struct capture_want *want,
                      struct cell_value *value)
{
    for (size_t i = 0; i < set->part_count; i++) {
        struct row_part part = schools_part(set, i);
        struct row_cell cell;
        size_t at = 0;

        if (part.table != want->table ||
            memcmp(&part.id, &want->id, sizeof part.id) != 0)
            continue;
        while (row_part_next(&part, &at, &cell)) {
            *value = cell.value;
            if (cell.column == want->column)
                return true;
        }
    }
    return false;
}

/* As the node does: open the change set, and give the cell. */
static void give(struct schools *s, struct capture *c)
{
    for (size_t i = 0; i < c->want_count && !s->withhold; i++) {
        const struct capture_want *want = &c->wants[i];
        struct cell_value value;
        bool found = false;

        for (size_t k = 0; k < s->sealed_count && !found; k++)
            found = memcmp(s->sealed[k].entry.hash.b, want->name.b,
                           STAMP_NAME) == 0 &&
                    find_cell(&s->sealed[k], want, &value);
        assert_true(found);
        assert_int_equal(capture_give(c, want, &value), COVEY_OK);
    }
}

static size_t seal_all(struct schools *s, size_t i, struct capture *c)
{
    struct record *r = &s->records[i];
    size_t sets = 0;
    size_t rounds = 0;

    do {
        assert_int_equal(capture_take(r->st, r->n, c), COVEY_OK);
        give(s, c);
        if (c->part_count > 0) {
            seal_one(s, i, c);
            sets++;
        }
        assert_true(++rounds < 1000);
    } while (c->more);
    return sets;
}

size_t schools_seal(struct schools *s, size_t i)
{
    static struct capture c;
    struct record *r = &s->records[i];
    bool open = store_in_transaction(r->st);

    if (!open)
        record_begin(r);
    struct covey_buf any = bytes_buf();
    capture_init(&c, any.mem);
    size_t sets = seal_all(s, i, &c);
    capture_clear(&c);
    if (!open)
        record_commit(r);
    return sets;
}

/* ---- merging ---- */

static bool may_take(const struct schools *s, size_t i, size_t set)
{
    const struct record *r = &s->records[i];
    const struct header *h = &s->sealed[set].entry.header;
    struct entry_brief brief;

    if (s->has[i][set])
        return false;
    if (!hash_is_zero(&h->previous) &&
        log_find(r->st, r->n, &h->previous, &brief) != COVEY_OK)
        return false;
    for (size_t k = 0; k < h->cite_count; k++) {
        if (log_find(r->st, r->n, &h->cites[k], &brief) != COVEY_OK)
            return false;
    }
    return true;
}

static void take(struct schools *s, size_t i, size_t set)
{
    struct record *r = &s->records[i];
    struct entry e = s->sealed[set].entry;
    struct merge_source source = {.n = r->n, .space = r->space};

    log_store(r, r->n, &e);
    source.seq = e.seq;
    source.wall_ms = e.wall_ms;
    source.stamp = (struct stamp){e.header.clock, e.header.author, {{0}}};
    memcpy(source.stamp.name.b, e.hash.b, STAMP_NAME);
    for (size_t k = 0; k < s->sealed[set].part_count; k++) {
        struct row_part part = schools_part(&s->sealed[set], k);

        assert_int_equal(merge_row(r->st, &source, &part), COVEY_OK);
    }
    s->has[i][set] = true;
}

bool schools_take(struct schools *s, size_t i, size_t skip)
{
    size_t found = SIZE_MAX;

    for (size_t set = 0; set < s->sealed_count; set++) {
        if (!may_take(s, i, set))
            continue;
        found = set;
        if (skip-- == 0)
            break;
    }
    if (found == SIZE_MAX)
        return false;
    bool open = store_in_transaction(s->records[i].st);
    if (!open)
        record_begin(&s->records[i]);
    schools_seal(s, i); /* "seal before merge" */
    take(s, i, found);
    if (!open)
        record_commit(&s->records[i]);
    return true;
}

void schools_meet(struct schools *s)
{
    for (size_t i = 0; i < s->count; i++)
        schools_seal(s, i);
    for (size_t i = 0; i < s->count; i++) {
        while (schools_take(s, i, 0))
            continue;
    }
}

static const char *all_of(struct record *r)
{
    static char text[1 << 20];
    size_t len;

    snprintf(text, sizeof text, "%s", record_state(r));
    len = strlen(text);
    snprintf(text + len, sizeof text - len, "%s",
             record_sql(r, "SELECT coalesce(group_concat(hex(id) || '=' ||"
                           " hex(cells)), '') FROM"
                           " (SELECT * FROM aside ORDER BY tbl, id)"));
    return text;
}

/* Say where two long texts part. */
static void assert_same_text(const char *a, const char *b)
{
    size_t i = 0;
    size_t line = 0;

    for (; a[i] != '\0' && a[i] == b[i]; i++)
        line = a[i] == '\n' ? i + 1 : line;
    if (a[i] != b[i])
        print_error("%.300s\n---\n%.300s\n", a + line, b + line);
    assert_true(a[i] == b[i]);
}

void schools_agree(struct schools *s)
{
    static char first[1 << 20];

    for (size_t i = 0; i < s->count; i++) {
        record_check(&s->records[i]);
        assert_string_equal(
            record_sql(&s->records[i], "SELECT count(*) FROM outbox"), "0");
        assert_string_equal(
            record_sql(&s->records[i], "SELECT count(*) FROM ahead"), "0");
        if (i == 0)
            snprintf(first, sizeof first, "%s", all_of(&s->records[i]));
        else
            assert_same_text(all_of(&s->records[i]), first);
    }
}

/* ---- looking ---- */

const struct sealed *schools_last(const struct schools *s)
{
    assert_true(s->sealed_count > 0);
    return &s->sealed[s->sealed_count - 1];
}

struct row_part schools_part(const struct sealed *set, size_t i)
{
    struct row_part part;

    assert_true(i < set->part_count);
    assert_int_equal(row_part_read(set->parts[i], &part), COVEY_OK);
    return part;
}

const char *schools_cells(const struct row_part *part)
{
    static char text[4096];
    struct row_cell cell;
    size_t at = 0;
    size_t len = 0;

    text[0] = '\0';
    while (row_part_next(part, &at, &cell)) {
        len += (size_t)snprintf(text + len, sizeof text - len,
                                "%s%u=", len == 0 ? "" : " ", cell.column);
        if (cell.value.type == CELL_TEXT)
            len += (size_t)snprintf(text + len, sizeof text - len, "'%.*s'",
                                    (int)cell.value.text.len,
                                    (const char *)cell.value.text.p);
        else
            len += (size_t)snprintf(text + len, sizeof text - len, "%s",
                                    cell.value.type == CELL_NULL ? "nil"
                                    : cell.value.integer != 0    ? "true"
                                                                 : "false");
        if (cell.replaced_count > 0)
            len += (size_t)snprintf(text + len, sizeof text - len, "<%zu",
                                    cell.replaced_count);
    }
    return text;
}
