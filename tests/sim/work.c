/* work.c - what people at the hosts do: requests, as the page makes them, and
 * what another program writes. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/work.h"

#define IMPORT_ROWS_MAX 120

uint64_t work_some(struct work *k, uint64_t sides)
{
    return dice_below(&k->r->work_dice, sides);
}

unsigned long long work_word(struct work *k)
{
    return (unsigned long long)++k->r->words;
}

const char *work_space(const struct work *k)
{
    return k->r->spaces[k->space].id;
}

bool work_row(struct work *k)
{
    uint64_t hot = k->r->plan.hot;
    uint64_t at = work_some(k, hot > 0 ? 2 * hot : 100000);

    if (!ledger_row(k->r, k->host, k->space, at, k->table, k->id))
        return false;
    k->request.id = k->id;
    return true;
}

static bool is_priority(const struct work *k)
{
    return strcmp(k->table, "priority") == 0;
}

/* ---- one row, by its route */

static bool add(struct work *k)
{
    k->request.method = "POST";
    k->request.path = "/api/priorities";
    snprintf(k->text, sizeof k->text,
             "{\"space\":\"%s\",\"title\":\"" RUN_MARK " t%llu\",\"why\":"
             "\"because %llu\",\"outcome\":\"o\"}",
             work_space(k), work_word(k), work_word(k));
    return true;
}

static bool add_action(struct work *k)
{
    bool on = work_row(k) && is_priority(k);

    k->request.method = "POST";
    k->request.path = "/api/actions";
    snprintf(k->text, sizeof k->text,
             "{\"space\":\"%s\",\"title\":\"" RUN_MARK " a%llu\"%s%s%s}",
             work_space(k), work_word(k), on ? ",\"priority\":\"" : "",
             on ? k->id : "", on ? "\"" : "");
    return true;
}

static bool edit(struct work *k)
{
    static const char *const columns[] = {"title", "why", "outcome"};
    static const char *const statuses[] = {"open", "blocked", "done"};

    if (!work_row(k))
        return false;
    k->request.method = "PATCH";
    k->request.path =
        is_priority(k) ? "/api/priorities/:id" : "/api/actions/:id";
    if (is_priority(k) && work_some(k, 8) > 0)
        snprintf(k->text, sizeof k->text, "{\"%s\":\"" RUN_MARK " e%llu\"}",
                 columns[work_some(k, 3)], work_word(k));
    else if (is_priority(k))
        snprintf(k->text, sizeof k->text,
                 "{\"outcome\":null,\"status\":\"proposed\"}");
    else
        snprintf(k->text, sizeof k->text,
                 "{\"status\":\"%s\",\"note\":\"" RUN_MARK " n%llu\"}",
                 statuses[work_some(k, 3)], work_word(k));
    return true;
}

static bool delete_row(struct work *k)
{
    if (!work_row(k))
        return false;
    k->request.method = "DELETE";
    k->request.path =
        is_priority(k) ? "/api/priorities/:id" : "/api/actions/:id";
    snprintf(k->text, sizeof k->text, "{}");
    return true;
}

/* Nobody changes or deletes a comment: each is a promise, kept for good. */
static bool comment(struct work *k)
{
    if (!work_row(k))
        return false;
    k->promise = ledger_promise(k->r, k->host, k->space);
    k->request.method = "POST";
    k->request.path = "/api/comments";
    snprintf(k->text, sizeof k->text,
             "{\"on_row\":\"%s\",\"text\":\"" RUN_MARK " p%llu\"}", k->id,
             (unsigned long long)k->promise);
    return true;
}

/* ---- many rows, by `covey sql` */

static void console(struct work *k)
{
    k->request.method = "POST";
    k->request.path = "/api/sql";
}

static bool edit_many(struct work *k)
{
    console(k);
    snprintf(k->text, sizeof k->text,
             "{\"statement\":\"UPDATE priority SET outcome = '" RUN_MARK
             " m%llu' WHERE id IN (SELECT id FROM priority WHERE space = '%s'"
             " ORDER BY why LIMIT %u)\"}",
             work_word(k), work_space(k), 2 + (unsigned)work_some(k, 12));
    return true;
}

static bool import(struct work *k)
{
    unsigned rows = 20 + (unsigned)work_some(k, IMPORT_ROWS_MAX - 20);
    size_t at = (size_t)snprintf(
        k->text, sizeof k->text,
        "{\"statement\":\"INSERT INTO action(space, title, note) VALUES");

    console(k);
    for (unsigned i = 0; i < rows; i++)
        at += (size_t)snprintf(k->text + at, sizeof k->text - at,
                               "%s('%s', '" RUN_MARK " i%llu', 'row %u')",
                               i == 0 ? "" : ", ", work_space(k), work_word(k),
                               i);
    snprintf(k->text + at, sizeof k->text - at, "\"}");
    return true;
}

static bool look(struct work *k)
{
    k->request.method = "GET";
    k->request.path = "/api/status";
    return true;
}

/* ---- joining: the chair makes a ticket, and somebody uses it */

static void asked_add(struct run *r, const struct run_asked *asked)
{
    r->asked =
        ledger_grow(r->asked, &r->asked_cap, r->asked_count, sizeof *r->asked);
    r->asked[r->asked_count++] = *asked;
}

static bool invite(struct work *k)
{
    struct run *r = k->r;
    struct run_asked asked = {.kind = WORK_JOIN, .space = k->space};
    size_t who = 0;

    while (who < r->plan.hosts &&
           (r->w.hosts[who].carries || r->w.hosts[who].node == NULL ||
            r->spaces[k->space].member[who]))
        who++;
    if (who == r->plan.hosts)
        return false;
    asked.host = r->spaces[k->space].chair;
    asked.who = who;
    asked.request = r->w.hosts[asked.host].next_request + 1;
    asked_add(r, &asked);
    (void)world_ask(&r->w, asked.host, "invite", work_space(k),
                    "{\"role\":\"school\"}");
    return false;
}

static void use_ticket(struct run *r, const struct run_asked *invited,
                       struct covey_bytes text)
{
    json_t *json = json_loadb((const char *)text.p, text.len, 0, NULL);
    const char *ticket = json_string_value(json_object_get(json, "ticket"));
    struct run_asked asked = *invited;
    char body[3000];

    asked.host = invited->who;
    asked.request = r->w.hosts[asked.host].next_request + 1;
    if (ticket != NULL && r->w.hosts[asked.host].node != NULL) {
        snprintf(body, sizeof body, "{\"ticket\":\"%s\",\"wait_s\":600}",
                 ticket);
        asked_add(r, &asked);
        (void)world_ask(&r->w, asked.host, "join", NULL, body);
    }
    json_decref(json);
}

/* ---- asking, and what is answered ---- */

static bool (*const works[WORK_KIND_COUNT])(struct work *k) = {
    [WORK_ADD] = add,
    [WORK_EDIT] = edit,
    [WORK_EDIT_MANY] = edit_many,
    [WORK_DELETE] = delete_row,
    [WORK_COMMENT] = comment,
    [WORK_ACTION] = add_action,
    [WORK_IMPORT] = import,
    [WORK_OUTSIDE] = outside_work,
    [WORK_READ] = look,
    [WORK_JOIN] = invite,
};

static void ask(struct work *k, enum work_kind kind)
{
    struct run *r = k->r;
    struct run_asked asked = {.host = k->host, .kind = kind};

    if (!works[kind](k))
        return;
    asked.promise = k->promise;
    asked.request = r->w.hosts[k->host].next_request + 1;
    asked_add(r, &asked);
    k->request.body = k->text[0] == '\0' ? NULL : k->text;
    (void)world_request(&r->w, k->host, &k->request);
}

static void told(struct run *r, const struct run_asked *asked, int status,
                 struct covey_bytes text)
{
    if (status != 200) {
        r->tally.refused++;
        return;
    }
    if (asked->kind == WORK_JOIN && asked->host != asked->who)
        use_ticket(r, asked, text);
    else if (asked->kind == WORK_JOIN)
        r->spaces[asked->space].member[asked->who] = true;
    else if (asked->kind != WORK_READ)
        r->tally.edits++;
    if (asked->promise != 0)
        r->ledger.promises[asked->promise - 1].told = true;
}

void work_on_reply(struct run *r, size_t i, uint64_t request, int status,
                   struct covey_bytes text)
{
    for (size_t k = 0; k < r->asked_count; k++) {
        struct run_asked asked = r->asked[k];

        if (asked.host != i || asked.request != request)
            continue;
        r->asked[k] = r->asked[--r->asked_count];
        told(r, &asked, status, text);
        return;
    }
}

void work_forget(struct run *r, size_t i)
{
    for (size_t k = r->asked_count; k-- > 0;) {
        if (r->asked[k].host != i)
            continue;
        r->asked[k] = r->asked[--r->asked_count];
        r->tally.unanswered++;
    }
}

/* ---- when ---- */

void work_later(struct run *r, size_t i)
{
    world_after(&r->w, dice_wait(&r->work_dice, r->plan.work_mean), EVENT_WORK,
                i, 0);
}

void work_begin(struct run *r)
{
    r->work_dice = dice_of(r->plan.seed, "work", 0);
}

/* One of the spaces that this host is in; RUN_SPACES_MAX: none. */
static size_t some_space(struct run *r, size_t i)
{
    size_t first = (size_t)dice_below(&r->work_dice, r->space_count);

    for (size_t k = 0; k < r->space_count; k++) {
        size_t s = (first + k) % r->space_count;

        if (r->spaces[s].member[i])
            return s;
    }
    return RUN_SPACES_MAX;
}

void work_on_event(struct run *r, size_t i)
{
    static struct work k;
    enum work_kind kind =
        (enum work_kind)dice_pick(&r->work_dice, r->plan.work, WORK_KIND_COUNT);

    if (r->calm)
        return;
    work_later(r, i);
    if (r->w.hosts[i].older && (kind == WORK_COMMENT || kind == WORK_OUTSIDE))
        kind = WORK_EDIT; /* it knows no comments, which those two write */
    k.r = r;
    k.host = i;
    k.space = some_space(r, i);
    k.request = (struct world_request){0};
    k.promise = 0;
    k.text[0] = '\0';
    if (k.space == RUN_SPACES_MAX || r->w.hosts[i].node == NULL ||
        !host_awake(&r->w, i))
        return; /* nobody works at a computer that is off */
    k.request.space = work_space(&k);
    r->tally.work[kind]++;
    ask(&k, kind);
}
