/* Who is let in: addresses, strangers at the peers' port, and the page's
 * port. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/guard.h"
#include "daemon/strangers.h"

#define SECOND COVEY_SECOND

static struct endpoint at(const char *text)
{
    struct endpoint e;
    struct covey_why why;

    assert_int_equal(endpoint_read(text, &e, &why), COVEY_OK);
    return e;
}

/* ---- addresses ---- */

static void test_addresses_are_written_as_read(void **state)
{
    static const char *const texts[] = {"127.0.0.1:0", "[::1]:65535",
                                        "[2001:db8::7]:4100", "0.0.0.0:1"};
    char text[ENDPOINT_TEXT_MAX];

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct endpoint e = at(texts[i]);

        endpoint_write(&e, text);
        assert_string_equal(text, texts[i]);
    }
}

static void test_what_is_no_address_is_refused(void **state)
{
    static const char *const texts[] = {"",
                                        ":",
                                        "1.2.3.4",
                                        "1.2.3.4:",
                                        "1.2.3.4:65536",
                                        ":80",
                                        "[::1]",
                                        "[::1]80",
                                        "::1:80",
                                        "[1.2.3.4]:80",
                                        "[]:80",
                                        "host:80",
                                        "1.2.3:80",
                                        "1.2.3.4:8 0",
                                        "[::1:80",
                                        "1.2.3.4:000080",
                                        "1.2.3.4 :80"};
    struct endpoint e;
    struct covey_why why;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(endpoint_read(texts[i], &e, &why), COVEY_EBAD);
}

static void test_loopback_and_wildcard_are_told_apart(void **state)
{
    struct endpoint e = at("127.9.9.9:1");

    assert_true(endpoint_is_loopback(&e));
    assert_false(endpoint_is_wildcard(&e));
    e = at("[::]:1");
    assert_true(endpoint_is_wildcard(&e));
    assert_false(endpoint_is_loopback(&e));
    e = at("128.0.0.1:1");
    assert_false(endpoint_is_loopback(&e));
    e = at("[::ffff:127.0.0.1]:1");
    assert_false(endpoint_is_loopback(&e));
}

static void test_host_and_port_come_apart(void **state)
{
    char host[ENDPOINT_HOST_MAX];
    char port[ENDPOINT_PORT_MAX];
    struct covey_why why;

    assert_int_equal(endpoint_split("relay.example:4100", host, port, &why),
                     COVEY_OK);
    assert_string_equal(host, "relay.example");
    assert_string_equal(port, "4100");
    assert_int_equal(endpoint_split("[fe80::1]:1", host, port, &why), COVEY_OK);
    assert_string_equal(host, "fe80::1");
    assert_int_equal(endpoint_split("relay.example:0", host, port, &why),
                     COVEY_EBAD);
}

static void test_prefixes_are_24_and_64_bits(void **state)
{
    struct endpoint e[] = {at("10.1.2.3:1"), at("10.1.2.200:9"),
                           at("[::ffff:10.1.2.9]:1"), at("10.1.3.3:1")};
    struct endpoint six[] = {at("[2001:db8:0:1::1]:1"),
                             at("[2001:db8:0:1:ffff::]:1"),
                             at("[2001:db8:0:2::1]:1")};
    struct endpoint_origin o = endpoint_origin(&e[0]);

    for (size_t i = 1; i < 4; i++) {
        struct endpoint_origin p = endpoint_origin(&e[i]);

        assert_int_equal(memcmp(o.prefix, p.prefix, 16) == 0, i < 3);
        assert_memory_not_equal(o.address, p.address, 16);
    }
    o = endpoint_origin(&six[0]);
    for (size_t i = 1; i < 3; i++) {
        struct endpoint_origin p = endpoint_origin(&six[i]);

        assert_int_equal(memcmp(o.prefix, p.prefix, 16) == 0, i < 2);
    }
}

/* ---- strangers ---- */

static struct strangers *s;

static int make_strangers(void **state)
{
    s = calloc(1, sizeof *s);
    return s == NULL;
}

static int free_strangers(void **state)
{
    free(s);
    return 0;
}

/* A newcomer from 10.net.0.host. */
static bool knock(uint64_t id, unsigned net, unsigned host, covey_time now,
                  uint64_t *evicted)
{
    char text[64];

    snprintf(text, sizeof text, "10.%u.0.%u:9", net, host);

    struct endpoint e = at(text);

    return strangers_admit(s, id, &e, now, evicted);
}

static void test_four_of_a_prefix_and_no_fifth(void **state)
{
    uint64_t evicted = 0;

    for (unsigned i = 0; i < STRANGERS_PER_PREFIX; i++)
        assert_true(knock(2 + i, 1, 1 + i, 0, &evicted));
    assert_false(knock(9, 1, 9, 0, &evicted));
    assert_true(knock(10, 2, 1, 0, &evicted));
    assert_int_equal(s->refused, 1);
    strangers_gone(s, 3);
    assert_true(knock(11, 1, 9, 0, &evicted));
    assert_int_equal(evicted, 0);
}

static void test_sixty_four_in_all(void **state)
{
    uint64_t evicted = 0;

    for (unsigned i = 0; i < STRANGERS_MAX; i++)
        assert_true(knock(2 + i, i, 1, 0, &evicted));
    assert_false(knock(100, 200, 1, 0, &evicted));
    assert_int_equal(s->count, STRANGERS_MAX);
}

static void test_who_only_stands_there_makes_room(void **state)
{
    uint64_t evicted = 0;

    for (unsigned i = 0; i < STRANGERS_PER_PREFIX; i++)
        assert_true(knock(2 + i, 1, 1, i, &evicted));
    assert_false(knock(9, 1, 1, SECOND - 1, &evicted));
    assert_int_equal(evicted, 0);
    assert_true(knock(9, 1, 1, SECOND, &evicted));
    assert_int_equal(evicted, 2);
    assert_int_equal(s->count, STRANGERS_PER_PREFIX);
    assert_int_equal(s->refused, 2);
}

static void
test_an_address_that_proved_itself_lately_has_its_own_places(void **state)
{
    uint64_t evicted = 0;

    assert_true(knock(1, 1, 1, 0, &evicted));
    strangers_known(s, 1, 0);
    assert_int_equal(s->count, 0);
    for (unsigned i = 0; i < STRANGERS_MAX; i++)
        assert_true(knock(2 + i, 100 + i, 1, 10, &evicted));
    for (unsigned i = 0; i < STRANGERS_LATELY_MAX; i++)
        assert_true(knock(500 + i, 1, 1, 10, &evicted));
    assert_false(knock(900, 1, 1, 10, &evicted));
    /* Its neighbour did not. */
    assert_false(knock(901, 1, 2, 10, &evicted));
}

static void test_lately_ends(void **state)
{
    uint64_t evicted = 0;
    covey_time later = STRANGERS_RECENT_WAIT;

    assert_true(knock(1, 1, 1, 0, &evicted));
    strangers_known(s, 1, 0);
    for (unsigned i = 0; i < STRANGERS_PER_PREFIX; i++)
        assert_true(knock(2 + i, 1, 1, later, &evicted));
    assert_false(knock(9, 1, 1, later, &evicted));
}

static void test_memory_of_addresses_keeps_the_newest(void **state)
{
    uint64_t evicted = 0;

    for (unsigned i = 0; i < STRANGERS_RECENT + 10; i++) {
        assert_true(knock(2 + i, i / 250, i % 250, i, &evicted));
        strangers_known(s, 2 + i, i);
    }
    assert_int_equal(s->recent_count, STRANGERS_RECENT);
    assert_true(knock(1000, 0, 200, 300, &evicted));
    assert_true(s->item[0].lately);
    assert_true(knock(1001, 0, 5, 300, &evicted));
    assert_false(s->item[1].lately);
}

static void test_ids_that_are_not_there_do_no_harm(void **state)
{
    strangers_gone(s, 7);
    strangers_known(s, 7, 0);
    assert_int_equal(s->count, 0);
    assert_int_equal(s->recent_count, 0);
}

/* ---- the page's port ---- */

#define TOKEN "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static int judge(const struct guard_ask *ask)
{
    struct guard g;
    struct covey_why why = {""};

    guard_init(&g, "127.0.0.5:8080", 8080, TOKEN);

    int status = guard_judge(&g, ask, &why);

    assert_int_equal(status != 0, why.text[0] != '\0');
    return status;
}

static int judge_host(const char *host)
{
    return judge(&(struct guard_ask){
        .path = "/api/x", .host = host, .host_count = 1, .token = TOKEN});
}

static void test_only_our_own_names_are_answered(void **state)
{
    static const char *const good[] = {"127.0.0.1:8080", "localhost:8080",
                                       "[::1]:8080", "127.0.0.5:8080"};
    static const char *const bad[] = {
        "",
        "127.0.0.1",
        "localhost",
        "127.0.0.1:80",
        "127.0.0.1:80800",
        "LOCALHOST:8080",
        "localhost.:8080",
        "evil.test:8080",
        "127.0.0.1:8080.evil.test",
        "x@localhost:8080",
        " localhost:8080",
        "127.0.0.2:8080",
        "0.0.0.0:8080",
    };

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(judge_host(good[i]), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(judge_host(bad[i]), 403);
}

static void test_one_host_and_at_most_one_origin(void **state)
{
    struct guard_ask ask = {.path = "/api/x", .token = TOKEN};

    assert_int_equal(judge(&ask), 400);
    ask.host = "localhost:8080";
    ask.host_count = 2;
    assert_int_equal(judge(&ask), 400);
    ask.host_count = 1;
    ask.origin = "http://localhost:8080";
    ask.origin_count = 2;
    assert_int_equal(judge(&ask), 400);
}

static void test_a_page_from_elsewhere_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "null",
        "http://evil.test",
        "http://evil.test:8080",
        "http://localhost",
        "http://localhost:80800",
        "https://localhost:8080",
        "http://localhost:8080/",
        "localhost:8080",
        "HTTP://localhost:8080",
        "http://localhost:8080.evil.test",
    };
    struct guard_ask ask = {.path = "/api/x",
                            .host = "localhost:8080",
                            .host_count = 1,
                            .origin = "http://localhost:8080",
                            .origin_count = 1,
                            .token = TOKEN};

    assert_int_equal(judge(&ask), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ask.origin = bad[i];
        assert_int_equal(judge(&ask), 403);
    }
}

static void test_the_api_wants_the_token(void **state)
{
    static const char *const tokens[] = {NULL, "", "0", TOKEN "0", " " TOKEN};
    static const char *const paths[] = {"/api", "/api/", "/api/x", "/api?x"};
    struct guard_ask ask = {.host = "localhost:8080", .host_count = 1};

    for (size_t p = 0; p < sizeof paths / sizeof paths[0]; p++) {
        ask.path = paths[p];
        for (size_t t = 0; t < sizeof tokens / sizeof tokens[0]; t++) {
            ask.token = tokens[t];
            assert_int_equal(judge(&ask), 401);
        }
        ask.token = TOKEN;
        assert_int_equal(judge(&ask), 0);
    }
    ask.token = NULL;
    ask.path = "/apis"; /* which is no part of it, and not there either */
    assert_int_equal(judge(&ask), 0);
}

static void test_the_token_may_come_as_a_bearer(void **state)
{
    static const char *const bad[] = {TOKEN, "bearer " TOKEN, "Bearer  " TOKEN,
                                      "Basic " TOKEN, "Bearer " TOKEN "0"};
    struct guard_ask ask = {
        .path = "/api/x", .host = "localhost:8080", .host_count = 1};

    ask.authorization = "Bearer " TOKEN;
    assert_int_equal(judge(&ask), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ask.authorization = bad[i];
        assert_int_equal(judge(&ask), 401);
    }
}

#define STRANGERS(f)                                                           \
    cmocka_unit_test_setup_teardown(f, make_strangers, free_strangers)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_are_written_as_read),
        cmocka_unit_test(test_what_is_no_address_is_refused),
        cmocka_unit_test(test_loopback_and_wildcard_are_told_apart),
        cmocka_unit_test(test_host_and_port_come_apart),
        cmocka_unit_test(test_prefixes_are_24_and_64_bits),
        STRANGERS(test_four_of_a_prefix_and_no_fifth),
        STRANGERS(test_sixty_four_in_all),
        STRANGERS(test_who_only_stands_there_makes_room),
        STRANGERS(test_an_address_that_proved_itself_lately_has_its_own_places),
        STRANGERS(test_lately_ends),
        STRANGERS(test_memory_of_addresses_keeps_the_newest),
        STRANGERS(test_ids_that_are_not_there_do_no_harm),
        cmocka_unit_test(test_only_our_own_names_are_answered),
        cmocka_unit_test(test_one_host_and_at_most_one_origin),
        cmocka_unit_test(test_a_page_from_elsewhere_is_refused),
        cmocka_unit_test(test_the_api_wants_the_token),
        cmocka_unit_test(test_the_token_may_come_as_a_bearer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
