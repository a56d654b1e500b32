/* node_status.c - what this node knows of itself, its spaces and its peers. */
#include "daemon/node_internal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

int node_status_of(enum covey_rc rc)
{
    switch (rc) {
    case COVEY_OK:
        return 200;
    case COVEY_ENONE:
        return 404;
    case COVEY_EBAD:
    case COVEY_EUSAGE:
        return 400;
    case COVEY_ELIMIT:
        return 413;
    case COVEY_EREFUSED:
    case COVEY_EEXISTS:
    case COVEY_EAMBIGUOUS:
    case COVEY_EFORGED:
    case COVEY_ENOTYET:
        return 409;
    case COVEY_EBUSY:
        return 503;
    case COVEY_ETIMEOUT:
        return 408;
    case COVEY_EFULL:
        return 507;
    case COVEY_ENOMEM:
    case COVEY_EIO:
    case COVEY_ECORRUPT:
    case COVEY_ENEWER:
        return 500;
    }
    return 500;
}

static json_t *hex_json(const void *p, size_t len)
{
    char hex[2 * 64 + 1];

    CHECK(len <= 64);
    hex_encode(p, len, hex);
    return json_string(hex);
}

/* ---- frontiers ---- */

static json_t *frontier_json(struct node *node, const struct node_space *s)
{
    json_t *list = json_array();
    struct covey_buf rows;

    buf_init(&rows, &node->mem, 16u << 20);
    if (s->row.n != 0 &&
        log_frontier(node->store, s->row.n, &rows) == COVEY_OK) {
        const struct log_head_row *r = (const struct log_head_row *)rows.p;

        for (size_t i = 0; i < rows.len / sizeof *r; i++)
            json_array_append_new(
                list,
                json_pack("{s:o,s:o,s:I,s:o}", "author",
                          hex_json(&r[i].author, sizeof r[i].author),
                          "incarnation",
                          hex_json(&r[i].incarnation, sizeof r[i].incarnation),
                          "number", (json_int_t)r[i].number, "hash",
                          hex_json(&r[i].hash, sizeof r[i].hash)));
    }
    buf_clear(&rows);
    return list;
}

/* No news for so long is told. */
#define STALE_MS (UINT64_C(72) * 3600 * 1000)

/* ---- spaces ---- */

static size_t carriers_of(const struct node_space *s)
{
    size_t count = 0;

    for (size_t i = 0; i < s->m.carrier_count; i++)
        count += s->m.carriers[i].present ? 1 : 0;
    return count;
}

static void members_json(json_t *out, const struct node_space *s, bool blind)
{
    json_object_set_new(
        out, "members",
        blind ? json_null()
              : json_integer((json_int_t)membership_present(&s->m)));
    json_object_set_new(out, "carriers",
                        json_integer((json_int_t)carriers_of(s)));
    json_object_set_new(out, "chair", json_boolean(space_is_chair(s)));
    json_object_set_new(out, "rules", json_integer(s->m.rules_version));
}

/* Members of whom nothing newer than STALE_MS has come.  By what their change
 * sets claim; every node seals one a day.  One that has never written is not
 * listed: nothing is known of when it came. */
static json_t *stale_json(struct node *node, const struct node_space *s)
{
    json_t *list = json_array();

    for (size_t i = 0; s->m.readable && i < s->m.node_count; i++) {
        const struct seat_node *n = &s->m.nodes[i];
        const struct seat *seat = membership_seat(&s->m, n->slot);
        uint64_t wall = 0;

        if (!n->present || seat == NULL ||
            memcmp(&n->author, &s->author.key, sizeof n->author) == 0 ||
            log_heard(node->store, s->row.n, &n->author, &wall) != COVEY_OK ||
            wall == 0 || wall + STALE_MS > node->clock.wall_ms)
            continue;
        SOMETIMES("a member without news is told of");
        json_array_append_new(
            list,
            json_pack("{s:o,s:s,s:I}", "member",
                      hex_json(&seat->id, sizeof seat->id), "name", seat->name,
                      "days",
                      (json_int_t)((node->clock.wall_ms - wall) / 86400000u)));
    }
    return list;
}

static json_t *space_json(struct node *node, const struct node_space *s)
{
    struct log_counts counts = {0};
    struct space_row row = s->row;
    int64_t unsealed = 0, conflicts = 0;
    bool blind = !s->m.readable;

    if (space_get(node->store, s->row.n, &row) != COVEY_OK ||
        log_counts(node->store, s->row.n, &counts) != COVEY_OK ||
        capture_count(node->store, s->row.n, &unsealed) != COVEY_OK ||
        merge_conflicts(node->store, s->row.n, &conflicts) != COVEY_OK)
        return json_null();
    json_t *out = json_pack(
        "{s:o,s:o,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I}", "id",
        hex_json(&s->row.id, sizeof s->row.id), "name",
        blind ? json_null() : json_string(s->row.name), "kind",
        blind ? "carried" : space_kind_name(s->row.kind), "role",
        role_name(blind ? ROLE_CARRIER : s->row.role), "epoch",
        (json_int_t)s->m.number, "rows", (json_int_t)(blind ? 0 : row.rows),
        "change_sets", (json_int_t)counts.change_sets, "unsealed",
        (json_int_t)unsealed, "waiting", (json_int_t)counts.waiting, "void",
        (json_int_t)counts.voided);
    json_object_set_new(out, "conflicts", json_integer(conflicts));
    members_json(out, s, blind);
    json_object_set_new(out, "needs_upgrade",
                        json_boolean(s->newer || counts.newer > 0));
    json_object_set_new(out, "digest",
                        blind ? json_null()
                              : hex_json(row.digest, sizeof row.digest));
    json_object_set_new(out, "frontier", frontier_json(node, s));
    json_object_set_new(out, "stale", stale_json(node, s));
    return out;
}

/* ---- peers ---- */

static const char *name_of(const struct node *node, const struct noise_key *key)
{
    for (const struct node_space *s = node->spaces; s != NULL; s = s->next) {
        const struct seat_node *n = membership_node_by_noise(&s->m, key);
        const struct seat *seat =
            n == NULL ? NULL : membership_seat(&s->m, n->slot);
        const struct seat_carrier *k = membership_carrier(&s->m, key);

        if (seat != NULL)
            return seat->name;
        if (k != NULL && k->name[0] != '\0')
            return k->name;
    }
    return NULL;
}

/* Change sets stored here that the peer has not acknowledged, at the most. */
static int64_t behind(struct node *node, const struct conn *c)
{
    int64_t sum = 0, newest;

    for (const struct link *l = c->links; l != NULL; l = l->next) {
        newest = 0;
        if (l->space->row.n == 0 ||
            log_newest(node->store, l->space->row.n, &newest) != COVEY_OK)
            continue;
        if (newest > l->cursor)
            sum += newest - l->cursor;
        sum += l->sent - l->acked;
    }
    return sum;
}

static json_t *peer_json(struct node *node, const struct noise_key *key,
                         const char *address, const struct conn *c)
{
    const char *name = name_of(node, key);
    bool up = c != NULL && c->up && !c->closing;
    json_t *heard = json_null();
    int64_t lacks = 0;

    if (up) {
        heard = json_integer(
            (json_int_t)((node->clock.now - session_last_heard(c->session)) /
                         COVEY_SECOND));
        lacks = behind(node, c);
    }
    return json_pack(
        "{s:o,s:o,s:o,s:s,s:I,s:o,s:I,s:I}", "key", hex_json(key, sizeof *key),
        "name", name == NULL ? json_null() : json_string(name), "address",
        address == NULL || address[0] == '\0' ? json_null()
                                              : json_string(address),
        "state",
        up          ? "connected"
        : c != NULL ? "connecting"
                    : "waiting",
        "behind", (json_int_t)lacks, "last_heard_s", heard, "sent_bytes",
        (json_int_t)(c == NULL ? 0 : c->sent_bytes), "received_bytes",
        (json_int_t)(c == NULL ? 0 : c->received_bytes));
}

static const struct conn *conn_of(const struct node *node,
                                  const struct noise_key *key)
{
    const struct conn *found = NULL;

    for (const struct conn *c = node->conns; c != NULL; c = c->next)
        if (!c->closing && memcmp(&c->peer, key, sizeof *key) == 0 &&
            c->kind != CONN_DOOR && (found == NULL || c->up))
            found = c;
    return found;
}

static bool is_target(const struct node *node, const struct noise_key *key)
{
    for (const struct target *t = node->targets; t != NULL; t = t->next)
        if (t->kind == TARGET_PEER &&
            memcmp(&t->address.key, key, sizeof *key) == 0)
            return true;
    return false;
}

json_t *peers_json(struct node *node)
{
    json_t *list = json_array();

    for (const struct target *t = node->targets; t != NULL; t = t->next)
        if (t->kind == TARGET_PEER)
            json_array_append_new(
                list, peer_json(node, &t->address.key, t->address.at,
                                conn_of(node, &t->address.key)));
    for (const struct conn *c = node->conns; c != NULL; c = c->next)
        if (c->up && !c->closing && c->kind != CONN_DOOR &&
            !is_target(node, &c->peer))
            json_array_append_new(list, peer_json(node, &c->peer, NULL, c));
    return list;
}

json_t *status_json(struct node *node)
{
    const struct store_self *self = store_self(node->store);
    json_t *spaces = json_array();
    json_t *lock = json_null();

    for (const struct node_space *s = node->spaces; s != NULL; s = s->next)
        if (s->row.n != 0)
            json_array_append_new(spaces, space_json(node, s));
    if (node->busy_since != 0)
        lock = json_integer(
            (json_int_t)((node->clock.now - node->busy_since) / COVEY_SECOND));
    return json_pack("{s:o,s:o,s:s,s:s,s:o,s:o,s:o,s:o,s:I,s:I,s:I}", "node",
                     hex_json(&node->sign_key, sizeof node->sign_key), "member",
                     hex_json(&self->member, sizeof self->member), "name",
                     self->name, "version", SOFTWARE, "spaces", spaces, "peers",
                     peers_json(node), "locked_s", lock, "altered",
                     node->altered[0] == '\0' ? json_null()
                                              : json_string(node->altered),
                     "strangers", (json_int_t)node->strangers, "size_bytes",
                     (json_int_t)store_size_bytes(node->store),
                     "clock_offset_ms", (json_int_t)node->clock_offset_ms);
}

/* ---- the log ---- */

static json_t *wall_json(uint64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    char text[32];

    if (ms == 0 || gmtime_r(&seconds, &tm) == NULL)
        return json_null();
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return json_string(text);
}

static json_t *part_json(const struct row_part *part)
{
    const struct rule_table *table = rule_table_by_id(part->table);
    const char *change = "update";
    json_t *columns = json_array();
    struct row_cell cell;
    size_t at = 0;

    while (row_part_next(part, &at, &cell)) {
        const struct rule_column *column =
            table == NULL ? NULL : rule_column_by_id(table, cell.column);

        if (cell.column == COLUMN_EXISTS)
            change = cell.value.integer != 0 ? "insert" : "delete";
        else if (column != NULL)
            json_array_append_new(columns, json_string(column->name));
    }
    return json_pack("{s:s,s:o,s:s,s:o}", "table",
                     table == NULL ? "(newer)" : table->name, "id",
                     hex_json(&part->id, sizeof part->id), "change", change,
                     "columns", columns);
}

/* The rows of an opened change set; *hit: the row asked for is among them. */
static json_t *parts_json(const struct changeset *cs, const struct row_id *row,
                          bool *hit)
{
    json_t *list = json_array();
    struct row_part part;

    for (size_t i = 0; i < cs->part_count; i++) {
        if (cs->parts[i].p == NULL ||
            row_part_read(cs->parts[i], &part) != COVEY_OK)
            continue;
        *hit |= row == NULL || memcmp(&part.id, row, sizeof *row) == 0;
        json_array_append_new(list, part_json(&part));
    }
    return list;
}

static const char *state_text(const struct entry *e)
{
    switch (e->state) {
    case ENTRY_APPLIED:
        return "counts";
    case ENTRY_VOID:
        return verdict_text(e->verdict);
    case ENTRY_WAITING:
        return e->wait == WAIT_UPGRADE ? "needs an upgrade" : "waiting";
    case ENTRY_CARRIED:
        return "carried";
    }
    return "";
}

static json_t *entry_json(const struct node_space *s, const struct entry *e,
                          uint64_t wall_ms, json_t *rows)
{
    const struct seat_author *a = membership_author(&s->m, &e->header.author);
    const struct seat *seat =
        a == NULL ? NULL : membership_seat(&s->m, a->slot);

    return json_pack(
        "{s:o,s:o,s:o,s:o,s:I,s:o,s:I,s:o,s:s,s:o}", "author",
        hex_json(&e->header.author, sizeof e->header.author), "member",
        seat == NULL ? json_null() : hex_json(&seat->id, sizeof seat->id),
        "name", seat == NULL ? json_null() : json_string(seat->name),
        "incarnation",
        hex_json(&e->header.incarnation, sizeof e->header.incarnation),
        "number", (json_int_t)e->header.number, "hash",
        hex_json(&e->hash, sizeof e->hash), "clock",
        (json_int_t)e->header.clock, "wall", wall_json(wall_ms), "state",
        state_text(e), "rows", rows);
}

static void add_entry(struct node *node, struct node_space *s,
                      const struct entry *e, const struct row_id *row,
                      struct changeset *cs, json_t *list)
{
    json_t *rows = NULL;
    uint64_t epoch, wall = 0;
    bool hit = row == NULL;
    struct seed key, history;

    if (s->m.readable && space_epoch(s, &e->header.epoch, &epoch) != NULL &&
        space_key_get(node->store, s->row.n, s->epochs[epoch].key_number, &key,
                      &history) == COVEY_OK) {
        if (changeset_open(&e->header, e->payload, &key, cs) == COVEY_OK) {
            rows = parts_json(cs, row, &hit);
            wall = cs->wall_ms;
        }
        sodium_memzero(&key, sizeof key);
    }
    if (rows == NULL)
        rows = json_array();
    if (hit)
        json_array_append_new(list, entry_json(s, e, wall, rows));
    else
        json_decref(rows);
}

json_t *log_json(struct node *node, struct node_space *s, const char *row)
{
    struct changeset *cs = calloc(1, sizeof *cs);
    struct entry *e = calloc(1, sizeof *e);
    json_t *list = json_array();
    struct row_id id;
    int64_t seq = 0;
    bool one = row != NULL && hex_decode(row, id.b, sizeof id.b);

    if (cs != NULL && e != NULL) {
        changeset_init(cs, &node->mem);
        while (log_next(node->store, s->row.n, seq, e) == COVEY_OK) {
            seq = e->seq;
            add_entry(node, s, e, one ? &id : NULL, cs, list);
        }
        changeset_clear(cs);
    }
    free(cs);
    free(e);
    return list;
}
