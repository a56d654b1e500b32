#include "proto/ticket.h"

#include <string.h>

#include "proto/papers.h"
#include "proto/wire.h"

#define CODE_SIZE sizeof(struct hash)
#define PLAIN_MAX (JOIN_REQUEST_MAX - BOX_OVERHEAD)

static struct hash make_code(const struct seed *join_key, struct covey_bytes p)
{
    return hash_keyed(join_key, "covey/1 join code", p.p, p.len);
}

static struct covey_bytes text_bytes(const char *text)
{
    return (struct covey_bytes){(const uint8_t *)text, strlen(text)};
}

/* What an admission would refuse later is refused before anybody reads it. */
static enum covey_rc check(const struct join_request *r)
{
    struct papers papers = {r->member_cert, r->node_cert, r->author_cert};
    struct covey_bytes address = text_bytes(r->address);
    struct node_cert node;
    struct author_cert author;

    if (!membership_name_fits(text_bytes(r->name)) ||
        (address.len > 0 && !address_at_fits(address)))
        return COVEY_EBAD;
    return papers_read(&papers, &r->space, &node, &author);
}

static void put_string(struct covey_buf *out, const char *text)
{
    wire_text(out, text, strlen(text));
}

static void put_bytes(struct covey_buf *out, struct covey_bytes bytes)
{
    wire_bin(out, bytes.p, bytes.len);
}

static void put_request(struct covey_buf *out, const struct join_request *r)
{
    wire_array(out, 9);
    wire_bin(out, r->space.b, sizeof r->space.b);
    wire_bin(out, r->invite.b, sizeof r->invite.b);
    wire_uint(out, r->kind);
    wire_uint(out, r->urn);
    put_string(out, r->name);
    put_bytes(out, r->member_cert);
    put_bytes(out, r->node_cert);
    put_bytes(out, r->author_cert);
    put_string(out, r->address);
}

enum covey_rc join_request_write(const struct join_request *r,
                                 const struct seed *join_key,
                                 const struct reading_key *chair,
                                 const struct seed *fresh,
                                 struct covey_buf *out)
{
    struct covey_bytes ad = {r->invite.b, sizeof r->invite.b};
    struct covey_buf plain;
    enum covey_rc rc = check(r);

    if (rc != COVEY_OK)
        return rc;
    buf_init(&plain, out->mem, PLAIN_MAX);
    put_request(&plain, r);

    struct hash code = make_code(join_key, buf_bytes(&plain));

    buf_append(&plain, code.b, sizeof code.b);
    rc = buf_rc(&plain);
    if (rc == COVEY_OK) {
        size_t before = out->len;
        uint8_t *place = buf_extend(out, plain.len + BOX_OVERHEAD);

        rc = place == NULL
                 ? buf_rc(out)
                 : box_seal(chair, fresh, ad, buf_bytes(&plain), place);
        if (rc != COVEY_OK)
            out->len = before;
    }
    buf_clear(&plain);
    return rc;
}

/* Into an array of cap bytes; false where it does not fit. */
static bool keep(char *out, size_t cap, struct covey_bytes text)
{
    memset(out, 0, cap);
    if (text.len >= cap)
        return false;
    if (text.len > 0)
        memcpy(out, text.p, text.len);
    return strlen(out) == text.len;
}

static enum covey_rc take_request(struct covey_bytes in,
                                  struct join_request *out)
{
    struct wire_cursor c = wire_cursor(in);

    if (wire_validate(in) != COVEY_OK)
        return COVEY_EBAD;
    wire_expect_array(&c, 9);
    wire_read_fixed(&c, out->space.b, sizeof out->space.b);
    wire_read_fixed(&c, out->invite.b, sizeof out->invite.b);
    out->kind = (enum member_kind)wire_read_uint_max(&c, MEMBER_KIND_COUNT - 1);
    out->urn = (uint32_t)wire_read_uint_max(&c, UINT32_MAX);

    struct covey_bytes name = wire_read_text(&c);

    out->member_cert = wire_read_bin(&c);
    out->node_cert = wire_read_bin(&c);
    out->author_cert = wire_read_bin(&c);

    struct covey_bytes address = wire_read_text(&c);

    if (!wire_done(&c) || !keep(out->name, sizeof out->name, name) ||
        !keep(out->address, sizeof out->address, address))
        return COVEY_EBAD;
    return COVEY_OK;
}

enum covey_rc join_request_read(struct covey_bytes sealed,
                                const struct invite_id *invite,
                                const struct seed *join_key,
                                const struct seed *reading_secret,
                                struct covey_buf *plain,
                                struct join_request *out)
{
    struct covey_bytes ad = {invite->b, sizeof invite->b};

    *out = (struct join_request){.urn = 0};
    if (sealed.len > JOIN_REQUEST_MAX || sealed.len <= BOX_OVERHEAD + CODE_SIZE)
        return COVEY_EBAD;
    buf_reset(plain);

    uint8_t *place = buf_extend(plain, sealed.len - BOX_OVERHEAD);

    if (place == NULL)
        return buf_rc(plain);

    enum covey_rc rc = box_open(reading_secret, ad, sealed, place);

    if (rc != COVEY_OK)
        return rc;

    struct covey_bytes request = {place, plain->len - CODE_SIZE};
    struct hash code = make_code(join_key, request);
    struct hash said;

    memcpy(said.b, place + request.len, sizeof said.b);
    if (!hash_equal(&code, &said))
        return COVEY_EFORGED;
    rc = take_request(request, out);
    if (rc != COVEY_OK)
        return rc;
    if (memcmp(out->invite.b, invite->b, sizeof invite->b) != 0)
        return COVEY_EFORGED;
    return check(out);
}
