/* node_api.c - requests of the API that write, or that SQL cannot do. */
#include "daemon/node_internal.h"

#include <stdlib.h>
#include <string.h>

#define CARRY_WAIT (5 * COVEY_SECOND)  /* for a relay's answer */
#define LEAVE_WAIT (30 * COVEY_SECOND) /* for a door to open */
#define WAIT_MOST 86400                /* seconds: one day */

/* One request being answered. */
struct call {
    struct node *node;
    const struct node_request *request;
    json_t *body;
    struct covey_why why;
};

static const char *param(const struct call *call, const char *name)
{
    for (size_t i = 0; i < call->request->param_count; i++)
        if (strcmp(call->request->params[i].name, name) == 0)
            return call->request->params[i].text;
    return NULL;
}

static const char *text_of(const struct call *call, const char *key)
{
    return json_string_value(json_object_get(call->body, key));
}

static enum covey_rc fail(struct call *call, enum covey_rc rc, const char *text)
{
    covey_why_set(&call->why, text);
    return rc;
}

static void done(struct call *call, json_t *json)
{
    node_reply_json(call->node, call->request->id, 200, json);
}

static struct node_space *space_named(struct call *call)
{
    struct node_space *s = space_by_text(call->node, param(call, ":space"));

    if (s == NULL)
        covey_why_set(&call->why, "there is no such space here; `covey space "
                                  "list` lists those there are");
    return s;
}

static json_t *hex_json(const uint8_t *p, size_t len)
{
    char hex[129];

    hex_encode(p, len, hex);
    return json_string(hex);
}

/* ---- actions ---- */

static enum covey_rc on_address(struct call *call)
{
    struct node *node = call->node;
    struct ticket_address a = {.key = node->noise_key};
    char text[ADDRESS_TEXT_MAX];
    json_t *at = json_null();

    if (node->advertise[0] != '\0') {
        snprintf(a.at, sizeof a.at, "%s", node->advertise);
        address_write(&a, text);
        at = json_string(text);
    }
    done(call, json_pack("{s:o,s:o}", "key",
                         hex_json(node->noise_key.b, sizeof node->noise_key.b),
                         "address", at));
    return COVEY_OK;
}

static enum covey_rc on_status(struct call *call)
{
    done(call, status_json(call->node));
    return COVEY_OK;
}

static enum covey_rc on_peer_list(struct call *call)
{
    done(call, peers_json(call->node));
    return COVEY_OK;
}

static enum covey_rc on_peer_add(struct call *call)
{
    const char *text = text_of(call, "address");
    struct ticket_address a;
    struct peer_row row;
    enum covey_rc rc = address_read(text == NULL ? "" : text, &a, &call->why);

    if (rc != COVEY_OK)
        return rc;
    if (memcmp(&a.key, &call->node->noise_key, sizeof a.key) == 0)
        return fail(call, COVEY_EREFUSED, "that is this node's own address");
    rc = node_group(call->node);
    row.key = a.key;
    snprintf(row.at, sizeof row.at, "%s", a.at);
    if (rc == COVEY_OK)
        rc = peer_put(call->node->store, &row);
    if (rc != COVEY_OK)
        return rc;
    call->node->targets_stale = true;
    done(call, json_pack("{s:o,s:s}", "key", hex_json(a.key.b, sizeof a.key.b),
                         "address", a.at));
    return COVEY_OK;
}

static bool name_is_good(const char *name)
{
    size_t len = name == NULL ? 0 : strlen(name);

    if (len == 0 || len > MEMBER_NAME_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
            return false;
    return true;
}

static enum covey_rc on_space_create(struct call *call)
{
    const char *name = text_of(call, "name");
    const char *kind_text = text_of(call, "kind");
    const char *admit_text = text_of(call, "admit");
    enum space_kind kind = SPACE_CLUSTER;
    enum admit_mode admit = ADMIT_ASK;
    struct node_space *s;

    if (!name_is_good(name))
        return fail(call, COVEY_EBAD,
                    "a space needs a name of 1 to 120 characters on one line");
    if (kind_text != NULL && !space_kind_from(kind_text, &kind))
        return fail(call, COVEY_EBAD,
                    "a space's kind is cluster, network or named");
    if (admit_text != NULL && !admit_from(admit_text, &admit))
        return fail(call, COVEY_EBAD, "--admit is ask or at-once");
    if (kind == SPACE_CLUSTER &&
        store_self(call->node->store)->kind != MEMBER_SCHOOL)
        return fail(call, COVEY_EREFUSED,
                    "clusters are led by schools: a school makes the cluster, "
                    "and may then invite the council or a partner");
    enum covey_rc rc =
        space_create(call->node, name, kind, admit, &s, &call->why);
    if (rc == COVEY_OK)
        done(call,
             json_pack("{s:o}", "id", hex_json(s->row.id.b, sizeof s->row.id)));
    return rc;
}

static enum covey_rc on_space_carrier(struct call *call)
{
    struct node_space *s = space_named(call);
    const char *text = text_of(call, "address");
    struct ticket_address a;
    struct wish_row row;

    if (s == NULL)
        return COVEY_ENONE;
    enum covey_rc rc = address_read(text == NULL ? "" : text, &a, &call->why);
    if (rc != COVEY_OK)
        return rc;
    if (!space_is_chair(s))
        return fail(call, COVEY_EREFUSED,
                    "only the chair of a space chooses its carriers");
    if (!space_may_sign(call->node, s))
        return fail(call, COVEY_ENOTYET,
                    "no member or carrier of this space has been heard since "
                    "this daemon started; try again when one is connected");
    const struct seat_carrier *k = membership_carrier(&s->m, &a.key);
    if (k != NULL && k->present) {
        done(call, json_pack("{s:s}", "state", "carried"));
        return COVEY_OK;
    }
    rc = node_group(call->node);
    row.n = s->row.n;
    row.key = a.key;
    snprintf(row.at, sizeof row.at, "%s", a.at);
    if (rc == COVEY_OK)
        rc = wish_put(call->node->store, &row);
    if (rc != COVEY_OK)
        return rc;
    call->node->targets_stale = true;
    struct waiter *w = wait_add(call->node, call->request->id, WAITER_CARRY,
                                &s->row.id, CARRY_WAIT);
    if (w != NULL)
        w->carrier = a.key;
    return COVEY_OK;
}

static enum covey_rc on_space_admit(struct call *call)
{
    struct node_space *s = space_named(call);
    json_int_t request =
        json_integer_value(json_object_get(call->body, "request"));

    if (s == NULL)
        return COVEY_ENONE;
    enum covey_rc rc = join_admit(call->node, s, (int64_t)request, &call->why);
    if (rc != COVEY_OK)
        return rc;
    const struct seat *seat = &s->m.seats[s->m.seat_count - 1];
    done(call,
         json_pack("{s:o,s:s}", "member", hex_json(seat->id.b, sizeof seat->id),
                   "name", seat->name));
    return COVEY_OK;
}

static enum covey_rc on_carry_allow(struct call *call)
{
    const char *hex = text_of(call, "allow");
    uint8_t bytes[32];
    size_t len = hex == NULL ? 0 : strlen(hex) / 2;

    if ((len != 16 && len != 32) || !hex_decode(hex, bytes, len))
        return fail(call, COVEY_EBAD,
                    "give a space's id (32 hex digits) or a node's key (64)");
    enum covey_rc rc = node_group(call->node);
    if (rc == COVEY_OK)
        rc = carry_allow(call->node->store, (struct covey_bytes){bytes, len});
    if (rc == COVEY_OK)
        done(call, json_pack("{s:s}", "allowed", hex));
    return rc;
}

static enum covey_rc on_invite(struct call *call)
{
    struct node_space *s = space_named(call);
    const char *text = text_of(call, "role");
    enum role role = ROLE_SCHOOL;
    char ticket[TICKET_TEXT_MAX];

    if (s == NULL)
        return COVEY_ENONE;
    if (text != NULL && !role_from(text, &role))
        return fail(call, COVEY_EBAD,
                    "a role is school, council, board, partner or carrier");
    enum covey_rc rc = join_invite(call->node, s, role, ticket, &call->why);
    if (rc == COVEY_OK)
        done(call, json_pack("{s:s,s:i}", "ticket", ticket, "days",
                             (int)TICKET_WAIT_DAYS));
    sodium_memzero(ticket, sizeof ticket);
    return rc;
}

/* Whole seconds of a body's field, within bounds, as microseconds. */
static covey_time seconds_of(const struct call *call, const char *key)
{
    json_int_t s = json_integer_value(json_object_get(call->body, key));

    if (s < 0)
        s = 0;
    return (covey_time)(s > WAIT_MOST ? WAIT_MOST : s) * COVEY_SECOND;
}

static enum covey_rc on_join(struct call *call)
{
    const char *ticket = text_of(call, "ticket");
    covey_time wait = seconds_of(call, "wait_s");
    struct space_id space;
    enum covey_rc rc = join_start(call->node, ticket == NULL ? "" : ticket,
                                  &space, &call->why);

    if (rc != COVEY_OK)
        return rc;
    struct waiter *w = wait_add(call->node, call->request->id, WAITER_JOIN,
                                &space, wait > 0 ? wait : LEAVE_WAIT);
    if (w != NULL)
        w->caught_up = wait > 0;
    return COVEY_OK;
}

static bool head_from(json_t *item, struct log_head *out)
{
    const char *author = json_string_value(json_object_get(item, "author"));
    const char *inc = json_string_value(json_object_get(item, "incarnation"));
    const char *hash = json_string_value(json_object_get(item, "hash"));

    out->number = (uint64_t)json_integer_value(json_object_get(item, "number"));
    return author != NULL && inc != NULL && hash != NULL &&
           hex_decode(author, out->author.b, sizeof out->author) &&
           hex_decode(inc, out->incarnation.b, sizeof out->incarnation) &&
           hex_decode(hash, out->hash.b, sizeof out->hash);
}

static enum covey_rc on_wait(struct call *call)
{
    struct node_space *s = space_named(call);
    json_t *list = json_object_get(call->body, "frontier");
    struct log_head head;
    json_t *item;
    size_t i;

    if (s == NULL)
        return COVEY_ENONE;
    if (!json_is_array(list) || json_array_size(list) > 10000)
        return fail(call, COVEY_EBAD,
                    "a frontier is the list that `covey status --json` gives");
    json_array_foreach(list, i, item)
    {
        if (!head_from(item, &head))
            return fail(call, COVEY_EBAD,
                        "an entry of the frontier is malformed: it needs "
                        "author, incarnation, number and hash");
    }
    struct waiter *w = wait_add(call->node, call->request->id, WAITER_FRONTIER,
                                &s->row.id, seconds_of(call, "timeout_s"));
    json_array_foreach(list, i, item)
    {
        if (w != NULL && head_from(item, &head))
            buf_append(&w->wanted, &head, sizeof head);
    }
    return COVEY_OK;
}

static enum covey_rc on_sql(struct call *call)
{
    const char *statement = text_of(call, "statement");
    struct node *node = call->node;
    struct covey_buf out;

    if (statement == NULL)
        return fail(call, COVEY_EBAD, "there is no statement");
    enum covey_rc rc = node_group(node);
    if (rc != COVEY_OK)
        return rc;
    buf_init(&out, &node->mem, QUERY_ROWS_BYTES);
    rc = store_mark(node->store);
    if (rc == COVEY_OK)
        rc = query_console(node->store, statement, &out, &call->why);
    if (rc == COVEY_OK)
        rc = store_release(node->store);
    else
        store_revert(node->store);
    node->outbox_dirty = true;
    if (rc == COVEY_OK)
        node_reply(node, call->request->id, 200, (const char *)out.p, out.len);
    buf_clear(&out);
    return rc;
}

static enum covey_rc on_share(struct call *call)
{
    struct node_space *s = space_by_text(call->node, text_of(call, "space"));
    const char *id = text_of(call, "id");
    struct node *node = call->node;
    struct covey_buf out;

    if (s == NULL || id == NULL)
        return fail(call, COVEY_ENONE, "there is no such space here");
    enum covey_rc rc = node_group(node);
    if (rc != COVEY_OK)
        return rc;
    buf_init(&out, &node->mem, 4096);
    rc = store_mark(node->store);
    if (rc == COVEY_OK)
        rc = query_share(node->store, id, text_of(call, "space"), &out,
                         &call->why);
    if (rc == COVEY_OK)
        rc = store_release(node->store);
    else
        store_revert(node->store);
    node->outbox_dirty = true;
    if (rc == COVEY_OK)
        node_reply(node, call->request->id, 200, (const char *)out.p, out.len);
    buf_clear(&out);
    return rc;
}

static enum covey_rc on_log(struct call *call)
{
    struct node_space *s = space_named(call);

    if (s == NULL)
        return COVEY_ENONE;
    done(call, log_json(call->node, s, param(call, ":row")));
    return COVEY_OK;
}

static const struct {
    const char *name;
    enum covey_rc (*run)(struct call *call);
} actions[] = {
    {"address", on_address},
    {"status", on_status},
    {"peer-list", on_peer_list},
    {"peer-add", on_peer_add},
    {"space-create", on_space_create},
    {"space-carrier", on_space_carrier},
    {"space-admit", on_space_admit},
    {"carry-allow", on_carry_allow},
    {"invite", on_invite},
    {"join", on_join},
    {"wait", on_wait},
    {"sql", on_sql},
    {"log", on_log},
    {"share", on_share},
};

static enum covey_rc run_action(struct call *call, const char *name)
{
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
        if (strcmp(actions[i].name, name) == 0)
            return actions[i].run(call);
    return fail(call, COVEY_ENONE, "this version does not know that action");
}

static enum covey_rc run_write(struct call *call)
{
    const struct node_request *r = call->request;
    struct node *node = call->node;
    struct covey_buf out;
    enum covey_rc rc = node_group(node);

    if (rc != COVEY_OK)
        return rc;
    buf_init(&out, &node->mem, QUERY_ROWS_BYTES);
    rc = store_mark(node->store);
    if (rc == COVEY_OK)
        rc = query_body(node->store, r->route->fields, r->params,
                        r->param_count, &call->why);
    if (rc == COVEY_OK)
        rc = query_write(node->store, r->route->what, r->params, r->param_count,
                         &out, &call->why);
    if (rc == COVEY_OK)
        rc = store_release(node->store);
    else
        store_revert(node->store);
    node->outbox_dirty = true;
    node->group_bytes += out.len;
    if (rc == COVEY_OK)
        node_reply(node, r->id, 200, (const char *)out.p, out.len);
    buf_clear(&out);
    return rc;
}

/* ---- a request that must wait for the write lock ---- */

static void free_parked(struct parked_request *p)
{
    for (size_t i = 0; i < p->param_count; i++) {
        free((void *)(uintptr_t)p->params[i].name);
        free((void *)(uintptr_t)p->params[i].text);
    }
    free(p->params);
    free(p);
}

static bool copy_params(struct parked_request *p, const struct node_request *r)
{
    p->params = calloc(r->param_count + 1, sizeof *p->params);
    if (p->params == NULL)
        return false;
    for (size_t i = 0; i < r->param_count; i++) {
        const struct query_param *from = &r->params[i];

        p->params[i].name = strdup(from->name);
        p->params[i].text = from->text == NULL ? NULL : strdup(from->text);
        p->param_count = i + 1;
        if (p->params[i].name == NULL ||
            (from->text != NULL && p->params[i].text == NULL))
            return false;
    }
    return true;
}

static void park(struct node *node, const struct node_request *r,
                 covey_time give_up)
{
    struct parked_request **at = &node->parked_requests;
    struct parked_request *p = calloc(1, sizeof *p);
    size_t count = 0;

    for (; *at != NULL; at = &(*at)->next)
        count++;
    if (p == NULL || count >= NODE_WAITERS_MAX || !copy_params(p, r)) {
        if (p != NULL)
            free_parked(p);
        node_reply_error(node, r->id, COVEY_EBUSY, NULL);
        return;
    }
    p->id = r->id;
    p->route = r->route;
    p->give_up = give_up;
    *at = p;
    node->parked = true;
}

static void say_locked(struct node *node, uint64_t request)
{
    node_reply_error(node, request, COVEY_EBUSY,
                     "another program has kept the record locked; close it, or "
                     "end its transaction, and try again");
}

static void answer(struct node *node, const struct node_request *request,
                   covey_time give_up)
{
    struct call call = {.node = node, .request = request};
    const char *body = param(&call, ":body");
    enum covey_rc rc;

    call.body = body == NULL ? json_object() : json_loads(body, 0, NULL);
    if (!json_is_object(call.body))
        rc = fail(&call, COVEY_EBAD, "the body is not a JSON object");
    else if (request->route->run == API_ACTION)
        rc = run_action(&call, request->route->what);
    else
        rc = run_write(&call);
    if (rc == COVEY_EBUSY && give_up > node->clock.now)
        park(node, request, give_up);
    else if (rc == COVEY_EBUSY)
        say_locked(node, request->id);
    else if (is_fault(rc)) { /* half of it may be done */
        if (call.why.text[0] == '\0')
            store_why(node->store, &call.why);
        node_failed(node, rc);
        node_reply_error(node, request->id, rc, call.why.text);
    } else if (rc != COVEY_OK)
        node_reply_error(node, request->id, rc,
                         node->altered[0] != '\0' ? node->altered
                                                  : call.why.text);
    json_decref(call.body);
}

void api_request(struct node *node, const struct node_request *request)
{
    answer(node, request, node->clock.now + BUSY_GIVE_UP);
}

void api_retry_parked(struct node *node)
{
    struct parked_request *list = node->parked_requests;

    node->parked_requests = NULL;
    while (list != NULL) {
        struct parked_request *p = list;
        struct node_request r = {p->id, p->route, p->params, p->param_count};

        list = p->next;
        answer(node, &r, p->give_up);
        free_parked(p);
    }
}

void api_expire_parked(struct node *node)
{
    struct parked_request **at = &node->parked_requests;

    while (*at != NULL) {
        struct parked_request *p = *at;

        if (p->give_up > node->clock.now) {
            at = &p->next;
            continue;
        }
        *at = p->next;
        say_locked(node, p->id);
        free_parked(p);
    }
}

void api_gone(struct node *node, uint64_t request)
{
    struct parked_request **at = &node->parked_requests;

    wait_gone(node, request);
    while (*at != NULL && (*at)->id != request)
        at = &(*at)->next;
    if (*at == NULL)
        return;
    struct parked_request *p = *at;
    *at = p->next;
    free_parked(p);
}

void api_free_parked(struct node *node)
{
    while (node->parked_requests != NULL) {
        struct parked_request *p = node->parked_requests;

        node->parked_requests = p->next;
        free_parked(p);
    }
}
