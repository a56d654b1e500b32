/* ticket.h - invitations and requests to join.
 *
 * A ticket is one line that begins "covey1".  From its secret come three
 * things: the invite's id; the door key, which carriers hold and which is good
 * for leaving a request only; and the join key, which no carrier sees and
 * which authenticates the request to the chair.
 *
 * Text: "covey1" + base64url, no padding, of: version 1 | space 16 | secret 32
 * | chair's reading key 32 | expires minutes since 1970 4 | address count 1 |
 * addresses (noise key 32, length 1, HOST:PORT) | check 4 (first bytes of
 * H("covey/1 ticket", all before)). */
#ifndef COVEY_PROTO_TICKET_H
#define COVEY_PROTO_TICKET_H

#include "proto/base.h"
#include "proto/identity.h"
#include "proto/membership.h"

#define TICKET_ADDRESSES_MAX 8u
#define TICKET_TEXT_MAX 2600u
#define TICKET_WAIT_DAYS 14u   /* how long an invite is good for */
#define JOIN_REQUEST_MAX 4096u /* bytes, sealed */

struct ticket_address {
    struct noise_key key;
    char at[ADDRESS_MAX + 1]; /* HOST:PORT */
};

struct ticket {
    struct space_id space;
    struct seed secret;
    struct reading_key chair;
    uint64_t expires_ms;
    size_t address_count;
    struct ticket_address addresses[TICKET_ADDRESSES_MAX];
};

struct ticket_keys {
    struct invite_id id;
    struct seed door;
    struct seed join;
};

/* text holds TICKET_TEXT_MAX bytes. */
void ticket_write(const struct ticket *t, char *text);
/* Blanks and line breaks, which mail adds, are passed over.  Whether it has
 * expired is the caller's question; parts of a minute are not kept.
 * COVEY_EBAD with why: not a ticket, cut short, mistyped.  COVEY_ENEWER with
 * why: of a later version. */
COVEY_MUST_USE enum covey_rc ticket_read(const char *text, struct ticket *out,
                                         struct covey_why *why);
void ticket_derive(const struct seed *secret, struct ticket_keys *out);

/* KEY@HOST:PORT, KEY in 64 hex digits.  A host is a name, an IPv4 address or
 * an IPv6 address in brackets.  COVEY_EBAD with why. */
COVEY_MUST_USE enum covey_rc address_read(const char *text,
                                          struct ticket_address *out,
                                          struct covey_why *why);
/* HOST:PORT as above, of 1 to ADDRESS_MAX bytes. */
bool address_at_fits(struct covey_bytes at);
#define ADDRESS_TEXT_MAX (64u + 1u + ADDRESS_MAX + 1u)
void address_write(const struct ticket_address *a, char text[ADDRESS_TEXT_MAX]);

/* Who asks to be let in.  msgpack [space, invite, kind, urn, name, member
 * certificate, node certificate, author certificate, address] followed by its
 * authentication code (32, keyed with the join key), sealed to the chair's
 * reading key with the invite's id as associated data. */
struct join_request {
    struct space_id space;
    struct invite_id invite;
    enum member_kind kind;
    uint32_t urn;
    char name[MEMBER_NAME_MAX + 1];
    struct covey_bytes member_cert;
    struct covey_bytes node_cert;
    struct covey_bytes author_cert;
    char address[ADDRESS_MAX + 1];
};
/* COVEY_EBAD (name, address, chair), COVEY_EFORGED (the certificates do not
 * belong together), COVEY_ELIMIT (JOIN_REQUEST_MAX), COVEY_ENOMEM. */
COVEY_MUST_USE enum covey_rc join_request_write(const struct join_request *r,
                                                const struct seed *join_key,
                                                const struct reading_key *chair,
                                                const struct seed *fresh,
                                                struct covey_buf *out);
/* Opens into `plain`, whose bytes *out then points into; checks the code and
 * every certificate and that they belong together.
 * COVEY_EFORGED, COVEY_EBAD, COVEY_ENOMEM. */
COVEY_MUST_USE enum covey_rc
join_request_read(struct covey_bytes sealed, const struct invite_id *invite,
                  const struct seed *join_key,
                  const struct seed *reading_secret, struct covey_buf *plain,
                  struct join_request *out);

#endif
