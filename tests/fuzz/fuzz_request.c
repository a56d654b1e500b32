/* A request to join (ticket.h), as a chair opens what was left at a door.
 *
 * Raw: any bytes; nothing opens.  Made: the plaintext is the input's, coded and
 * sealed as whoever holds the ticket can.  Written: the fields are the input's,
 * with certificates that are good; what is written is read back. */
#include <stdlib.h>
#include <string.h>

#include "proto/ticket.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/support_space.h"

static const struct invite_id invite = {{7}};
static const struct seed join_key = {{8}};
static const struct seed fresh = {{9}};
static struct seed reading_secret = {{10}};
static struct reading_key chair;
static struct party party;
static const struct space_id space = {{11}};

static void setup(void)
{
    dh_public(&reading_secret, chair.b);
    party_make(&party, 1);
    party_enter(&party, &space);
}

static enum covey_rc read_sealed(struct covey_bytes sealed,
                                 struct covey_buf *plain,
                                 struct join_request *out)
{
    return join_request_read(sealed, &invite, &join_key, &reading_secret, plain,
                             out);
}

/* What was read, written once more, has the same plaintext. */
static void rewrite(const struct join_request *r, struct covey_bytes plain)
{
    struct covey_buf sealed = fuzz_buf();
    struct covey_buf again = fuzz_buf();
    struct join_request same;

    CHECK(join_request_write(r, &join_key, &chair, &fresh, &sealed) ==
          COVEY_OK);
    CHECK(sealed.len <= JOIN_REQUEST_MAX);
    CHECK(read_sealed(buf_bytes(&sealed), &again, &same) == COVEY_OK);
    CHECK(fuzz_same(plain, buf_bytes(&again)));
    buf_clear(&sealed);
    buf_clear(&again);
}

static void made(struct covey_bytes in)
{
    struct hash code = hash_keyed(&join_key, "covey/1 join code", in.p, in.len);
    struct covey_buf plain, sealed = fuzz_buf(), text = fuzz_buf();
    struct join_request r;

    buf_append(&text, in.p, in.len);
    buf_append(&text, code.b, sizeof code.b);
    uint8_t *to = buf_extend(&sealed, text.len + BOX_OVERHEAD);
    CHECK(to != NULL);
    CHECK(box_seal(&chair, &fresh,
                   (struct covey_bytes){invite.b, sizeof invite.b},
                   buf_bytes(&text), to) == COVEY_OK);
    buf_init(&plain, &fuzz_mem, JOIN_REQUEST_MAX);
    if (read_sealed(buf_bytes(&sealed), &plain, &r) == COVEY_OK)
        rewrite(&r, buf_bytes(&text));
    buf_clear(&plain);
    buf_clear(&sealed);
    buf_clear(&text);
}

static void written(struct fuzz_in *in)
{
    struct join_request r = {
        .space = space,
        .invite = invite,
        .kind = (enum member_kind)(fuzz_u8(in) % MEMBER_KIND_COUNT),
        .urn = fuzz_u16(in),
        .member_cert = member_cert_of(&party),
        .node_cert = node_cert_of(&party),
        .author_cert = author_cert_of(&party),
    };
    struct covey_buf sealed, plain;
    struct join_request back;

    char *name = fuzz_text(fuzz_piece(in));
    char *address = fuzz_text(fuzz_piece(in));
    snprintf(r.name, sizeof r.name, "%s", name);
    snprintf(r.address, sizeof r.address, "%s", address);
    buf_init(&sealed, &fuzz_mem, JOIN_REQUEST_MAX);
    buf_init(&plain, &fuzz_mem, JOIN_REQUEST_MAX);
    enum covey_rc rc =
        join_request_write(&r, &join_key, &chair, &fresh, &sealed);
    CHECK(rc == COVEY_OK || (rc == COVEY_EBAD && sealed.len == 0));
    if (rc == COVEY_OK) {
        CHECK(read_sealed(buf_bytes(&sealed), &plain, &back) == COVEY_OK);
        CHECK(strcmp(r.name, back.name) == 0 && r.urn == back.urn);
        CHECK(strcmp(r.address, back.address) == 0 && r.kind == back.kind);
    }
    buf_clear(&sealed);
    buf_clear(&plain);
    free(name);
    free(address);
}

static void one(struct covey_bytes in)
{
    struct fuzz_in parts = fuzz_in(in);
    struct covey_buf plain;
    struct join_request r;

    switch (fuzz_u8(&parts) % 3) {
    case 0:
        buf_init(&plain, &fuzz_mem, JOIN_REQUEST_MAX);
        CHECK(read_sealed(fuzz_rest(&parts), &plain, &r) != COVEY_OK);
        buf_clear(&plain);
        return;
    case 1:
        made(fuzz_rest(&parts));
        return;
    default:
        written(&parts);
        return;
    }
}

const struct fuzz_target fuzz_target = {
    .setup = setup, .one = one, .heap_max = 256u << 10};
