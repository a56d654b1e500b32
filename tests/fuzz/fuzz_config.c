/* What lies in the data directory and stands on the command line: covey.conf
 * and flags (config.h), addresses (endpoint.h), keys (keys.h), the page's token
 * (token.h).
 *
 * What is refused has a reason.  A keys file that is taken is, byte for byte,
 * the one that would be written.  The first byte is what the rest is. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config.h"
#include "daemon/keys.h"
#include "daemon/private.h"
#include "daemon/token.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/support_dir.h"

static char dir[64];

static void forget(void)
{
    dir_remove(dir);
}

static void setup(void)
{
    dir_make(dir, sizeof dir);
    CHECK(atexit(forget) == 0);
}

static void check_config(const struct config *c)
{
    struct endpoint e;
    struct covey_why why;
    struct ticket_address dial;

    CHECK(c->dial_count <= CONFIG_DIALS_MAX);
    CHECK(c->listen == NULL || endpoint_read(c->listen, &e, &why) == COVEY_OK);
    if (c->web != NULL) {
        CHECK(endpoint_read(c->web, &e, &why) == COVEY_OK);
        CHECK(endpoint_is_loopback(&e));
    }
    for (size_t i = 0; i < c->dial_count; i++)
        CHECK(address_read(c->dials[i], &dial, &why) == COVEY_OK);
}

static void read_config(const char *text)
{
    struct config c;
    struct covey_why why = {{0}};

    config_init(&c);
    enum covey_rc rc = config_text(&c, text, &why);
    CHECK(rc == COVEY_OK || rc == COVEY_EBAD || rc == COVEY_EREFUSED);
    CHECK((rc == COVEY_OK) == (why.text[0] == '\0'));
    check_config(&c);
    config_clear(&c);
}

/* One word a line. */
static void read_flags(char *text)
{
    const char *argv[32];
    size_t count = 0;
    struct config c;
    struct covey_why why = {{0}};
    char *at = text;

    while (count < 32 && *at != '\0') {
        argv[count++] = at;
        at += strcspn(at, "\n");
        if (*at == '\n')
            *at++ = '\0';
    }
    config_init(&c);
    enum covey_rc rc = config_flags(&c, argv, count, &why);
    CHECK((rc == COVEY_OK) == (why.text[0] == '\0'));
    check_config(&c);
    config_clear(&c);
}

static void read_endpoint(const char *text)
{
    struct endpoint e, again;
    struct covey_why why = {{0}};
    char written[ENDPOINT_TEXT_MAX], twice[ENDPOINT_TEXT_MAX];
    char host[ENDPOINT_HOST_MAX], port[ENDPOINT_PORT_MAX];

    if (endpoint_read(text, &e, &why) == COVEY_OK) {
        endpoint_write(&e, written);
        CHECK(endpoint_read(written, &again, &why) == COVEY_OK);
        endpoint_write(&again, twice);
        CHECK(strcmp(written, twice) == 0);
        (void)endpoint_origin(&e);
    }
    if (endpoint_split(text, host, port, &why) == COVEY_OK)
        CHECK(atoi(port) >= 1 && atoi(port) <= 65535);
    else
        CHECK(why.text[0] != '\0');
}

/* ---- files ---- */

static void put_file(const char *name, struct covey_bytes bytes)
{
    char path[192];

    snprintf(path, sizeof path, "%s/%s", dir, name);

    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    CHECK(fd >= 0);
    CHECK(write(fd, bytes.p, bytes.len) == (ssize_t)bytes.len);
    close(fd);
}

static void read_keys(struct covey_bytes in)
{
    struct node_secrets secrets;
    struct covey_why why = {{0}};
    char text[PRIVATE_FILE_MAX + 1];

    put_file(KEYS_FILE, in);
    enum covey_rc rc = keys_load(dir, &secrets, &why);
    CHECK(private_remove(dir, KEYS_FILE, &why) == COVEY_OK);
    if (rc != COVEY_OK) {
        CHECK(sodium_is_zero((const uint8_t *)&secrets, sizeof secrets));
        return;
    }
    CHECK(keys_create(dir, &secrets, &why) == COVEY_OK);
    CHECK(private_read(dir, KEYS_FILE, text, &why) == COVEY_OK);
    CHECK(fuzz_same((struct covey_bytes){(uint8_t *)text, strlen(text)}, in));
    CHECK(private_remove(dir, KEYS_FILE, &why) == COVEY_OK);
}

/* The five secrets are the input's, the check is right. */
static void checked_keys(struct covey_bytes in)
{
    char text[4096];
    char hex[65];
    size_t len = in.len < 2048 ? in.len : 2048;
    struct hash check = hash_of("covey/1 keys file", in.p, len);

    hex_encode(check.b, 16, hex);
    if (len > 0)
        memcpy(text, in.p, len);
    len += (size_t)snprintf(text + len, sizeof text - len, "check %s\n", hex);
    read_keys((struct covey_bytes){(uint8_t *)text, len});
}

static void read_token(struct covey_bytes in)
{
    char token[TOKEN_HEX + 1];
    struct covey_why why = {{0}};

    put_file(TOKEN_FILE, in);
    if (token_ensure(dir, token, &why) == COVEY_OK) {
        CHECK(strlen(token) == TOKEN_HEX);
        CHECK(strspn(token, "0123456789abcdef") == TOKEN_HEX);
        CHECK(memcmp(token, in.p, TOKEN_HEX) == 0);
    } else {
        CHECK(why.text[0] != '\0');
    }
    CHECK(private_remove(dir, TOKEN_FILE, &why) == COVEY_OK);
}

static void one(struct covey_bytes in)
{
    struct fuzz_in parts = fuzz_in(in);
    uint8_t mode = fuzz_u8(&parts) % 6;
    struct covey_bytes rest = fuzz_rest(&parts);
    char *text = fuzz_text(rest);

    if (mode == 0)
        read_config(text);
    else if (mode == 1)
        read_flags(text);
    else if (mode == 2)
        read_endpoint(text);
    else if (mode == 3)
        read_keys(rest);
    else if (mode == 4)
        checked_keys(rest);
    else
        read_token(rest);
    free(text);
}

const struct fuzz_target fuzz_target = {.setup = setup, .one = one};
