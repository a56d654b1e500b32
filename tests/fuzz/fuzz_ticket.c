/* What people copy from a mail or a sheet of paper: tickets and addresses
 * (ticket.h), recovery codes (identity.h), hex digits (base.h).
 *
 * What is read is written, and read and written again, without a difference.
 * What is refused has a reason.  The first byte is what the rest is. */
#include <stdlib.h>
#include <string.h>

#include "proto/crypto.h"
#include "proto/ticket.h"
#include "tests/fuzz/fuzz.h"

static void read_ticket(const char *text)
{
    struct ticket ticket, again;
    struct covey_why why = {{0}};
    char first[TICKET_TEXT_MAX], second[TICKET_TEXT_MAX];

    if (ticket_read(text, &ticket, &why) != COVEY_OK) {
        CHECK(why.text[0] != '\0');
        CHECK(sodium_is_zero((const uint8_t *)&ticket, sizeof ticket));
        return;
    }
    ticket_write(&ticket, first);
    CHECK(ticket_read(first, &again, &why) == COVEY_OK);
    ticket_write(&again, second);
    CHECK(strcmp(first, second) == 0);
    CHECK(ticket.address_count <= TICKET_ADDRESSES_MAX);
}

/* A ticket whose check is right, around any bytes. */
static void checked_ticket(struct covey_bytes in)
{
    static uint8_t binary[2048];
    static char text[4096];
    size_t len = in.len < sizeof binary - 4 ? in.len : sizeof binary - 4;
    struct hash check = hash_of("covey/1 ticket", in.p, len);

    if (len > 0)
        memcpy(binary, in.p, len);
    memcpy(binary + len, check.b, 4);
    memcpy(text, "covey1", 6);
    sodium_bin2base64(text + 6, sizeof text - 6, binary, len + 4,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    read_ticket(text);
}

static void read_address(const char *text)
{
    struct ticket_address address, again;
    struct covey_why why = {{0}};
    char written[ADDRESS_TEXT_MAX];

    if (address_read(text, &address, &why) != COVEY_OK) {
        CHECK(why.text[0] != '\0');
        return;
    }
    address_write(&address, written);
    CHECK(address_read(written, &again, &why) == COVEY_OK);
    CHECK(memcmp(&address, &again, sizeof again) == 0);
    CHECK(address_at_fits(
        (struct covey_bytes){(const uint8_t *)address.at, strlen(address.at)}));
}

static void read_recovery(const char *text)
{
    struct seed recovery, again;
    char written[RECOVERY_TEXT_SIZE];

    if (recovery_code_read(text, &recovery) != COVEY_OK)
        return;
    recovery_code_write(&recovery, written);
    CHECK(recovery_code_read(written, &again) == COVEY_OK);
    CHECK(memcmp(&recovery, &again, sizeof again) == 0);
}

static void read_hex(const char *text)
{
    uint8_t bytes[32];
    char written[65];

    if (!hex_decode(text, bytes, sizeof bytes))
        return;
    hex_encode(bytes, sizeof bytes, written);
    CHECK(strcmp(written, text) == 0);
}

static void one(struct covey_bytes in)
{
    struct fuzz_in parts = fuzz_in(in);
    uint8_t mode = fuzz_u8(&parts) % 5;
    struct covey_bytes rest = fuzz_rest(&parts);
    char *text = fuzz_text(rest);

    if (mode == 0)
        read_ticket(text);
    else if (mode == 1)
        checked_ticket(rest);
    else if (mode == 2)
        read_address(text);
    else if (mode == 3)
        read_recovery(text);
    else
        read_hex(text);
    free(text);
}

const struct fuzz_target fuzz_target = {.one = one};
