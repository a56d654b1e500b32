#include "proto/membership.h"

#include <string.h>

#define SEAT_CERT_MAX ((size_t)MEMBER_CERT_MAX)
#define FIRST_CAP 8u /* items an array has room for at first */

/* ---- words ---- */

static const char *const admit_names[] = {
    [ADMIT_ASK] = "ask",
    [ADMIT_AT_ONCE] = "at-once",
};
#define ADMIT_COUNT (sizeof admit_names / sizeof admit_names[0])

const char *admit_name(enum admit_mode mode)
{
    CHECK((size_t)mode < ADMIT_COUNT);
    return admit_names[mode];
}

bool admit_from(const char *text, enum admit_mode *out)
{
    for (size_t i = 0; i < ADMIT_COUNT; i++) {
        if (strcmp(text, admit_names[i]) == 0) {
            *out = (enum admit_mode)i;
            return true;
        }
    }
    return false;
}

/* Does a control character begin at p?  C0, DEL, C1, and what breaks a line or
 * turns the direction of the text around a name. */
static bool is_control(const uint8_t *p, size_t len)
{
    if (p[0] < 0x20 || p[0] == 0x7f)
        return true;
    if (p[0] == 0xc2)
        return len >= 2 && p[1] < 0xa0; /* U+0080 to U+009F */
    if (p[0] != 0xe2 || len < 3)
        return false;
    /* U+2028 to U+202E, U+2066 to U+2069 */
    return (p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae) ||
           (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9);
}

bool membership_name_fits(struct covey_bytes name)
{
    if (name.len == 0 || name.len > MEMBER_NAME_MAX ||
        !text_is_utf8(name.p, name.len))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (is_control(name.p + i, name.len - i))
            return false;
    }
    return true;
}

uint32_t membership_rights(enum role role)
{
    if (role == ROLE_CHAIR)
        return RIGHT_CHAIR | RIGHT_VOTES;
    return role_votes(role) ? RIGHT_VOTES : 0;
}

/* ---- lifetime ---- */

void membership_init(struct membership *m, const struct covey_mem *mem)
{
    *m = (struct membership){.mem = mem};
}

void membership_clear(struct membership *m)
{
    const struct covey_mem *mem = m->mem;

    if (mem == NULL)
        return;
    for (size_t i = 0; i < m->seat_count; i++)
        buf_clear(&m->seats[i].cert);
    covey_free(mem, m->seats);
    covey_free(mem, m->nodes);
    covey_free(mem, m->authors);
    covey_free(mem, m->carriers);
    covey_free(mem, m->invites);
    membership_init(m, mem);
}

/* An array of any of the kinds, while it grows or is copied. */
struct list {
    void *items;
    size_t count;
    size_t cap;
};

/* One more item at the end, zero because its memory was new and none is ever
 * taken out. */
static enum covey_rc add(const struct covey_mem *mem, struct list *list,
                         size_t item_size)
{
    if (list->count >= MEMBERSHIP_MAX)
        return COVEY_ELIMIT;
    if (list->count == list->cap) {
        size_t cap = list->cap == 0 ? FIRST_CAP : list->cap * 2;
        void *items = covey_new(mem, cap * item_size);

        if (items == NULL)
            return COVEY_ENOMEM;
        if (list->count > 0)
            memcpy(items, list->items, list->count * item_size);
        covey_free(mem, list->items);
        list->items = items;
        list->cap = cap;
    }
    list->count++;
    return COVEY_OK;
}

enum covey_rc membership_add_seat(struct membership *m, struct seat **out)
{
    struct list list = {m->seats, m->seat_count, m->seat_cap};
    enum covey_rc rc = add(m->mem, &list, sizeof **out);

    if (rc != COVEY_OK)
        return rc;
    m->seats = list.items;
    m->seat_count = list.count;
    m->seat_cap = list.cap;
    *out = &m->seats[list.count - 1];
    buf_init(&(*out)->cert, m->mem, SEAT_CERT_MAX);
    return COVEY_OK;
}

enum covey_rc membership_add_node(struct membership *m, struct seat_node **out)
{
    struct list list = {m->nodes, m->node_count, m->node_cap};
    enum covey_rc rc = add(m->mem, &list, sizeof **out);

    if (rc != COVEY_OK)
        return rc;
    m->nodes = list.items;
    m->node_count = list.count;
    m->node_cap = list.cap;
    *out = &m->nodes[list.count - 1];
    return COVEY_OK;
}

enum covey_rc membership_add_author(struct membership *m,
                                    struct seat_author **out)
{
    struct list list = {m->authors, m->author_count, m->author_cap};
    enum covey_rc rc = add(m->mem, &list, sizeof **out);

    if (rc != COVEY_OK)
        return rc;
    m->authors = list.items;
    m->author_count = list.count;
    m->author_cap = list.cap;
    *out = &m->authors[list.count - 1];
    return COVEY_OK;
}

enum covey_rc membership_add_carrier(struct membership *m,
                                     struct seat_carrier **out)
{
    struct list list = {m->carriers, m->carrier_count, m->carrier_cap};
    enum covey_rc rc = add(m->mem, &list, sizeof **out);

    if (rc != COVEY_OK)
        return rc;
    m->carriers = list.items;
    m->carrier_count = list.count;
    m->carrier_cap = list.cap;
    *out = &m->carriers[list.count - 1];
    return COVEY_OK;
}

enum covey_rc membership_add_invite(struct membership *m,
                                    struct seat_invite **out)
{
    struct list list = {m->invites, m->invite_count, m->invite_cap};
    enum covey_rc rc = add(m->mem, &list, sizeof **out);

    if (rc != COVEY_OK)
        return rc;
    m->invites = list.items;
    m->invite_count = list.count;
    m->invite_cap = list.cap;
    *out = &m->invites[list.count - 1];
    return COVEY_OK;
}

/* The same items in memory of their own; false when there is none. */
static bool clone(const struct covey_mem *mem, const void *items, size_t count,
                  size_t item_size, void **out)
{
    *out = NULL;
    if (count == 0)
        return true;
    *out = mem->alloc(mem->ctx, count * item_size);
    if (*out == NULL)
        return false;
    memcpy(*out, items, count * item_size);
    return true;
}

static enum covey_rc copy_seats(const struct membership *from,
                                struct membership *to)
{
    void *items;

    if (!clone(to->mem, from->seats, from->seat_count, sizeof *from->seats,
               &items))
        return COVEY_ENOMEM;
    to->seats = items;
    to->seat_count = to->seat_cap = from->seat_count;
    /* No seat may point into `from` when one of them gets no memory. */
    for (size_t i = 0; i < to->seat_count; i++)
        buf_init(&to->seats[i].cert, to->mem, SEAT_CERT_MAX);
    for (size_t i = 0; i < to->seat_count; i++) {
        const struct covey_buf *cert = &from->seats[i].cert;

        buf_append(&to->seats[i].cert, cert->p, cert->len);
        if (buf_rc(&to->seats[i].cert) != COVEY_OK)
            return buf_rc(&to->seats[i].cert);
    }
    return COVEY_OK;
}

static enum covey_rc copy_rest(const struct membership *from,
                               struct membership *to)
{
    void *items;

    if (!clone(to->mem, from->nodes, from->node_count, sizeof *from->nodes,
               &items))
        return COVEY_ENOMEM;
    to->nodes = items;
    to->node_count = to->node_cap = from->node_count;

    if (!clone(to->mem, from->authors, from->author_count,
               sizeof *from->authors, &items))
        return COVEY_ENOMEM;
    to->authors = items;
    to->author_count = to->author_cap = from->author_count;

    if (!clone(to->mem, from->carriers, from->carrier_count,
               sizeof *from->carriers, &items))
        return COVEY_ENOMEM;
    to->carriers = items;
    to->carrier_count = to->carrier_cap = from->carrier_count;

    if (!clone(to->mem, from->invites, from->invite_count,
               sizeof *from->invites, &items))
        return COVEY_ENOMEM;
    to->invites = items;
    to->invite_count = to->invite_cap = from->invite_count;
    return COVEY_OK;
}

enum covey_rc membership_copy(const struct membership *from,
                              struct membership *to)
{
    CHECK(from != to);
    membership_clear(to);
    to->space = from->space;
    to->readable = from->readable;
    to->number = from->number;
    to->head = from->head;
    to->key_number = from->key_number;
    to->rules_version = from->rules_version;
    memcpy(to->name, from->name, sizeof to->name);
    to->kind = from->kind;
    to->admit = from->admit;

    enum covey_rc rc = copy_seats(from, to);

    return rc == COVEY_OK ? copy_rest(from, to) : rc;
}

/* ---- look-ups ---- */

struct seat *membership_seat(const struct membership *m, uint32_t slot)
{
    return slot < m->seat_count ? &m->seats[slot] : NULL;
}

struct seat *membership_seat_of(const struct membership *m,
                                const struct member_id *id)
{
    for (size_t i = 0; i < m->seat_count; i++) {
        if (memcmp(m->seats[i].id.b, id->b, sizeof id->b) == 0)
            return &m->seats[i];
    }
    return NULL;
}

struct seat_node *membership_node_by_noise(const struct membership *m,
                                           const struct noise_key *key)
{
    for (size_t i = 0; i < m->node_count; i++) {
        if (memcmp(m->nodes[i].cert.noise.b, key->b, sizeof key->b) == 0)
            return &m->nodes[i];
    }
    return NULL;
}

struct seat_node *membership_node_by_author(const struct membership *m,
                                            const struct sign_key *author)
{
    for (size_t i = 0; i < m->node_count; i++) {
        if (memcmp(m->nodes[i].author.b, author->b, sizeof author->b) == 0)
            return &m->nodes[i];
    }
    return NULL;
}

struct seat_author *membership_author(const struct membership *m,
                                      const struct sign_key *key)
{
    for (size_t i = 0; i < m->author_count; i++) {
        if (memcmp(m->authors[i].key.b, key->b, sizeof key->b) == 0)
            return &m->authors[i];
    }
    return NULL;
}

struct seat_carrier *membership_carrier(const struct membership *m,
                                        const struct noise_key *key)
{
    for (size_t i = 0; i < m->carrier_count; i++) {
        if (memcmp(m->carriers[i].key.b, key->b, sizeof key->b) == 0)
            return &m->carriers[i];
    }
    return NULL;
}

struct seat_invite *membership_invite(const struct membership *m,
                                      const struct invite_id *id)
{
    for (size_t i = 0; i < m->invite_count; i++) {
        if (memcmp(m->invites[i].id.b, id->b, sizeof id->b) == 0)
            return &m->invites[i];
    }
    return NULL;
}

size_t membership_present(const struct membership *m)
{
    size_t present = 0;

    for (size_t i = 0; i < m->seat_count; i++)
        present += m->seats[i].present;
    return present;
}

size_t membership_voters(const struct membership *m)
{
    size_t voters = 0;

    for (size_t i = 0; i < m->seat_count; i++)
        voters += m->seats[i].present && role_votes(m->seats[i].role);
    return voters;
}

/* By the authors, whom carriers see too: each seat has had one. */
uint32_t membership_next_slot(const struct membership *m)
{
    uint32_t next = 0;

    for (size_t i = 0; i < m->author_count; i++) {
        if (m->authors[i].slot >= next)
            next = m->authors[i].slot + 1;
    }
    return next;
}
