/* Tickets and addresses as people copy them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/ticket.h"

static struct ticket make_ticket(void)
{
    return (struct ticket){
        .space = {{1, 2, 3}},
        .secret = {{4, 5, 6}},
        .chair = {{7, 8, 9}},
        .expires_ms = UINT64_C(28401234) * 60000,
        .address_count = 2,
        .addresses = {{{{10}}, "hill.example:4747"},
                      {{{11}}, "[2001:db8::7]:443"}},
    };
}

static enum covey_rc read_text(const char *text, struct covey_why *why)
{
    struct ticket t;

    why->text[0] = '\0';
    return ticket_read(text, &t, why);
}

static void assert_refused(const char *text, const char *word)
{
    struct covey_why why;

    assert_int_equal(read_text(text, &why), COVEY_EBAD);
    if (strstr(why.text, word) == NULL)
        fail_msg("\"%s\" does not speak of \"%s\"", why.text, word);
}

static void test_a_ticket_comes_back_as_it_was_written(void **state)
{
    struct ticket t = make_ticket();
    struct ticket back;
    struct covey_why why;
    char text[TICKET_TEXT_MAX];

    ticket_write(&t, text);
    assert_memory_equal(text, "covey1", 6);
    assert_null(strpbrk(text, " \n=+/"));
    assert_int_equal(ticket_read(text, &back, &why), COVEY_OK);
    assert_memory_equal(&back.space, &t.space, sizeof t.space);
    assert_memory_equal(&back.secret, &t.secret, sizeof t.secret);
    assert_memory_equal(&back.chair, &t.chair, sizeof t.chair);
    assert_true(back.expires_ms == t.expires_ms);
    assert_int_equal(back.address_count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_memory_equal(&back.addresses[i].key, &t.addresses[i].key, 32);
        assert_string_equal(back.addresses[i].at, t.addresses[i].at);
    }
}

static void test_a_ticket_may_have_no_address_or_eight(void **state)
{
    struct ticket t = make_ticket();
    struct ticket back;
    struct covey_why why;
    char text[TICKET_TEXT_MAX];

    t.address_count = 0;
    ticket_write(&t, text);
    assert_int_equal(ticket_read(text, &back, &why), COVEY_OK);
    assert_int_equal(back.address_count, 0);

    t.address_count = TICKET_ADDRESSES_MAX;
    for (size_t i = 0; i < TICKET_ADDRESSES_MAX; i++) {
        char *at = t.addresses[i].at;

        memset(at, 'a', ADDRESS_MAX - 5);
        at[60] = at[120] = '.';
        memcpy(at + ADDRESS_MAX - 5, ":4747", 6);
    }
    ticket_write(&t, text);
    assert_true(strlen(text) < TICKET_TEXT_MAX);
    assert_int_equal(ticket_read(text, &back, &why), COVEY_OK);
    assert_string_equal(back.addresses[7].at, t.addresses[7].at);
}

static void test_parts_of_a_minute_are_dropped(void **state)
{
    struct ticket t = make_ticket();
    struct ticket back;
    struct covey_why why;
    char text[TICKET_TEXT_MAX];

    t.expires_ms += 59999;
    ticket_write(&t, text);
    assert_int_equal(ticket_read(text, &back, &why), COVEY_OK);
    assert_true(back.expires_ms == t.expires_ms - 59999);
}

static void test_any_character_changed_is_refused(void **state)
{
    static const char others[] = "Aa0_-z9Q =+.\xc3";
    struct ticket t = make_ticket();
    struct covey_why why;
    char text[TICKET_TEXT_MAX];

    ticket_write(&t, text);
    for (size_t i = 0; text[i] != '\0'; i++) {
        char was = text[i];

        for (size_t o = 0; others[o] != '\0'; o++) {
            text[i] = others[o];
            if (text[i] != was)
                assert_int_equal(read_text(text, &why), COVEY_EBAD);
        }
        text[i] = was;
    }
    assert_int_equal(read_text(text, &why), COVEY_OK);
}

static void test_neighbours_exchanged_are_refused(void **state)
{
    struct ticket t = make_ticket();
    struct covey_why why;
    char text[TICKET_TEXT_MAX];

    ticket_write(&t, text);
    for (size_t i = 0; text[i + 1] != '\0'; i++) {
        char was = text[i];

        text[i] = text[i + 1];
        text[i + 1] = was;
        if (text[i] != was)
            assert_int_equal(read_text(text, &why), COVEY_EBAD);
        text[i + 1] = text[i];
        text[i] = was;
    }
}

static void test_a_ticket_cut_short_or_made_longer_is_refused(void **state)
{
    struct ticket t = make_ticket();
    struct covey_why why;
    char text[TICKET_TEXT_MAX];
    char cut[TICKET_TEXT_MAX + 8];

    ticket_write(&t, text);

    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++) {
        memcpy(cut, text, i);
        cut[i] = '\0';
        assert_int_equal(read_text(cut, &why), COVEY_EBAD);
        assert_string_not_equal(why.text, "");
    }
    memcpy(cut, text, len);
    for (size_t more = 1; more <= 4; more++) {
        memset(cut + len, 'A', more);
        cut[len + more] = '\0';
        assert_int_equal(read_text(cut, &why), COVEY_EBAD);
    }
}

static void test_a_refusal_says_what_to_do(void **state)
{
    assert_refused("", "must begin with covey1");
    assert_refused("COVEY1abc", "must begin with covey1");
    assert_refused("https://example.org/", "must begin with covey1");
    assert_refused("covey1", "copy the whole line");
    assert_refused("covey1AAAAAAAA", "copy the whole line");
    assert_refused("covey1!!", "copy the whole line");
}

static void test_line_breaks_and_blanks_do_no_harm(void **state)
{
    struct ticket t = make_ticket();
    struct covey_why why;
    char text[TICKET_TEXT_MAX];
    char mailed[TICKET_TEXT_MAX + 16] = " \t\n";

    ticket_write(&t, text);
    memcpy(mailed + 3, text, 76);
    memcpy(mailed + 79, "\r\n", 2);
    memcpy(mailed + 81, text + 76, strlen(text + 76));
    strcat(mailed, "\r\n ");
    assert_int_equal(read_text(mailed, &why), COVEY_OK);
}

static void test_hostile_lengths_are_refused(void **state)
{
    static char text[100000];
    struct covey_why why;

    memset(text, 'A', sizeof text - 1);
    memcpy(text, "covey1", 6);
    assert_int_equal(read_text(text, &why), COVEY_EBAD);
    memset(text + 6, ' ', sizeof text - 7);
    assert_int_equal(read_text(text, &why), COVEY_EBAD);
}

/* Text of a ticket whose bytes are these, with a check that holds. */
static void make_text(uint8_t *binary, size_t len, char *text)
{
    struct hash check = hash_of("covey/1 ticket", binary, len);

    memcpy(binary + len, check.b, 4);
    memcpy(text, "covey1", 6);
    sodium_bin2base64(text + 6, TICKET_TEXT_MAX - 6, binary, len + 4,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

enum { AT_COUNT = 85, AT_LENGTH = 118, WHOLE = 136 }; /* hill.example:4747 */

static void test_good_checks_do_not_make_bad_tickets_good(void **state)
{
    uint8_t binary[256] = {[0] = 1, [AT_COUNT] = 1, [AT_LENGTH] = 17};
    struct covey_why why;
    char text[TICKET_TEXT_MAX];

    memcpy(binary + AT_LENGTH + 1, "hill.example:4747", 17);
    make_text(binary, WHOLE, text);
    assert_int_equal(read_text(text, &why), COVEY_OK);

    make_text(binary, WHOLE + 1, text); /* a byte more */
    assert_refused(text, "ask whoever sent it");
    make_text(binary, WHOLE - 1, text); /* a byte less */
    assert_refused(text, "ask whoever sent it");
    binary[AT_COUNT] = 2;
    make_text(binary, WHOLE, text);
    assert_refused(text, "ask whoever sent it");
    binary[AT_COUNT] = 9;
    make_text(binary, WHOLE, text);
    assert_refused(text, "ask whoever sent it");
    binary[AT_COUNT] = 1;
    binary[AT_LENGTH] = ADDRESS_MAX + 1;
    make_text(binary, WHOLE, text);
    assert_refused(text, "ask whoever sent it");
    binary[AT_LENGTH] = 17;
    binary[AT_LENGTH + 3] = '\0'; /* inside the host's name */
    make_text(binary, WHOLE, text);
    assert_refused(text, "ask whoever sent it");
    binary[0] = 0;
    make_text(binary, WHOLE, text);
    assert_refused(text, "ask whoever sent it");
    binary[0] = 2;
    make_text(binary, WHOLE, text);
    assert_int_equal(read_text(text, &why), COVEY_ENEWER);
    assert_non_null(strstr(why.text, "upgrade"));
    make_text(binary, 0, text); /* nothing but a check */
    assert_refused(text, "copy the whole line");
}

static void test_one_secret_makes_three_that_tell_nothing(void **state)
{
    struct seed secret = {{1}};
    struct seed other = {{2}};
    struct ticket_keys a, again, b;

    ticket_derive(&secret, &a);
    ticket_derive(&secret, &again);
    ticket_derive(&other, &b);
    assert_memory_equal(&a, &again, sizeof a);
    assert_memory_not_equal(&a.id, &b.id, sizeof a.id);
    assert_memory_not_equal(&a.door, &b.door, sizeof a.door);
    assert_memory_not_equal(&a.join, &b.join, sizeof a.join);
    assert_memory_not_equal(&a.door, &a.join, sizeof a.door);
    assert_memory_not_equal(&a.id, &a.door, sizeof a.id);
    assert_memory_not_equal(&a.door, &secret, sizeof secret);
    assert_memory_not_equal(&a.join, &secret, sizeof secret);
}

static void test_each_of_the_three_has_its_own_tag(void **state)
{
    struct seed secret = {{1}};
    struct hash id = hash_keyed(&secret, "covey/1 invite id", NULL, 0);
    struct hash door = hash_keyed(&secret, "covey/1 invite door", NULL, 0);
    struct hash join = hash_keyed(&secret, "covey/1 invite join", NULL, 0);
    struct ticket_keys keys;

    ticket_derive(&secret, &keys);
    assert_memory_equal(&keys.id, &id, sizeof keys.id);
    assert_memory_equal(&keys.door, &door, sizeof keys.door);
    assert_memory_equal(&keys.join, &join, sizeof keys.join);
}

static void test_a_refused_ticket_leaves_no_secret(void **state)
{
    uint8_t binary[256] = {[0] = 1, [17] = 99, [AT_COUNT] = 9};
    struct ticket t;
    struct covey_why why;
    char text[TICKET_TEXT_MAX];

    make_text(binary, WHOLE, text);
    assert_int_equal(ticket_read(text, &t, &why), COVEY_EBAD);
    assert_true(sodium_is_zero(t.secret.b, sizeof t.secret.b));
}

/* ---- addresses ---- */

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void test_good_addresses_are_read_and_written_the_same(void **state)
{
    static const char *const good[] = {
        KEY "@hill.example:4747",
        KEY "@localhost:1",
        KEY "@a-b_c.example:65535",
        KEY "@192.0.2.255:443",
        KEY "@[2001:db8::1]:4747",
        KEY "@[::]:4747",
        KEY "@[::1]:4747",
        KEY "@[1::]:4747",
        KEY "@[1:2:3:4:5:6:7:8]:4747",
        KEY "@[1:2:3:4:5:6:7::]:4747",
        KEY "@3com.example:80",
        KEY "@AZ.az.AZ:4747",
        KEY "@[abcd:ef::AF]:4747",
        KEY "@[::2:3:4:5:6:7:8]:4747",
    };

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct ticket_address a;
        struct covey_why why;
        char text[ADDRESS_TEXT_MAX];

        assert_int_equal(address_read(good[i], &a, &why), COVEY_OK);
        assert_int_equal(a.key.b[1], 0x11);
        assert_int_equal(a.key.b[31], 0xff);
        address_write(&a, text);
        assert_string_equal(text, good[i]);
    }
}

static void test_a_key_in_upper_case_is_the_same_key(void **state)
{
    struct ticket_address a, b;
    struct covey_why why;
    char text[] = KEY "@hill.example:4747";

    assert_int_equal(address_read(text, &a, &why), COVEY_OK);
    for (size_t i = 0; i < 64; i++) {
        if (text[i] >= 'a')
            text[i] = (char)(text[i] - 'a' + 'A');
    }
    assert_int_equal(address_read(text, &b, &why), COVEY_OK);
    assert_memory_equal(&a.key, &b.key, sizeof a.key);
}

static const struct {
    const char *text;
    const char *word;
} bad_addresses[] = {
    {"", "no @"},
    {"hill.example:4747", "no @"},
    {KEY, "no @"},
    {"@hill.example:4747", "64 hex digits"},
    {"0" KEY "@hill.example:4747", "64 hex digits"},
    {"00112233@hill.example:4747", "64 hex digits"},
    {"g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
     "@hill.example:4747",
     "64 hex digits"},
    {KEY "@", "no port"},
    {KEY "@hill.example", "no port"},
    {KEY "@hill.example:", "port"},
    {KEY "@hill.example:0", "1 to 65535"},
    {KEY "@hill.example:65536", "1 to 65535"},
    {KEY "@hill.example:99999999999999999999", "1 to 65535"},
    {KEY "@hill.example:04747", "1 to 65535"},
    {KEY "@hill.example:47 ", "1 to 65535"},
    {KEY "@hill.example:-1", "1 to 65535"},
    {KEY "@:4747", "host"},
    {KEY "@.example:4747", "host"},
    {KEY "@hill..example:4747", "host"},
    {KEY "@hill.:4747", "host"},
    {KEY "@-hill:4747", "host"},
    {KEY "@hill-:4747", "host"},
    {KEY "@hi ll:4747", "host"},
    {KEY "@h\xc3\xbcgel:4747", "host"},
    {KEY "@hill/x:4747", "host"},
    {KEY "@hill@mill:4747", "host"},
    {KEY "@192.0.2.256:4747", "host"},
    {KEY "@192.0.2:4747", "host"},
    {KEY "@192.0.2.1.1:4747", "host"},
    {KEY "@192.0.02.1:4747", "host"},
    {KEY "@1234:4747", "host"},
    {KEY "@2001:db8::1:4747", "host"},
    {KEY "@[2001:db8::1:4747", "host"},
    {KEY "@[]:4747", "host"},
    {KEY "@[:]:4747", "host"},
    {KEY "@[:::]:4747", "host"},
    {KEY "@[1::2::3]:4747", "host"},
    {KEY "@[1:2:3:4:5:6:7]:4747", "host"},
    {KEY "@[1:2:3:4:5:6:7:]:4747", "host"},
    {KEY "@[:1:2:3:4:5:6:7:8]:4747", "host"},
    {KEY "@[1:2:3:4:5:6:7:8:]:4747", "host"},
    {KEY "@[:2:3:4:5:6:7:8]:4747", "host"},
    {KEY "@[1:2:3:4:5:6:7:8:9]:4747", "host"},
    {KEY "@[1:2:3:4:5:6:7:8::]:4747", "host"},
    {KEY "@[12345::]:4747", "host"},
    {KEY "@[g::]:4747", "host"},
};

static void test_bad_addresses_are_refused_with_a_reason(void **state)
{
    for (size_t i = 0; i < sizeof bad_addresses / sizeof bad_addresses[0];
         i++) {
        struct ticket_address a;
        struct covey_why why = {""};

        if (address_read(bad_addresses[i].text, &a, &why) != COVEY_EBAD)
            fail_msg("accepted: %s", bad_addresses[i].text);
        if (strstr(why.text, bad_addresses[i].word) == NULL)
            fail_msg("%s: %s", bad_addresses[i].text, why.text);
    }
}

static void test_an_address_has_a_longest_length(void **state)
{
    char text[65 + ADDRESS_MAX + 2] = KEY "@";
    char *at = text + 65;
    struct ticket_address a;
    struct covey_why why;

    memset(at, 'a', ADDRESS_MAX - 5);
    at[50] = at[100] = '.';
    memcpy(at + ADDRESS_MAX - 5, ":4747", 6);
    assert_int_equal(address_read(text, &a, &why), COVEY_OK);
    assert_int_equal(strlen(a.at), ADDRESS_MAX);
    memcpy(at + ADDRESS_MAX - 5, "a:4747", 7);
    assert_int_equal(address_read(text, &a, &why), COVEY_EBAD);
    assert_non_null(strstr(why.text, "160"));
}

static void test_a_label_has_a_longest_length(void **state)
{
    char text[65 + 80] = KEY "@";
    char *at = text + 65;
    struct ticket_address a;
    struct covey_why why;

    memset(at, 'a', 63);
    memcpy(at + 63, ":4747", 6);
    assert_int_equal(address_read(text, &a, &why), COVEY_OK);
    memcpy(at + 63, "a:4747", 7);
    assert_int_equal(address_read(text, &a, &why), COVEY_EBAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_ticket_comes_back_as_it_was_written),
        cmocka_unit_test(test_a_ticket_may_have_no_address_or_eight),
        cmocka_unit_test(test_parts_of_a_minute_are_dropped),
        cmocka_unit_test(test_any_character_changed_is_refused),
        cmocka_unit_test(test_neighbours_exchanged_are_refused),
        cmocka_unit_test(test_a_ticket_cut_short_or_made_longer_is_refused),
        cmocka_unit_test(test_a_refusal_says_what_to_do),
        cmocka_unit_test(test_line_breaks_and_blanks_do_no_harm),
        cmocka_unit_test(test_hostile_lengths_are_refused),
        cmocka_unit_test(test_good_checks_do_not_make_bad_tickets_good),
        cmocka_unit_test(test_one_secret_makes_three_that_tell_nothing),
        cmocka_unit_test(test_each_of_the_three_has_its_own_tag),
        cmocka_unit_test(test_a_refused_ticket_leaves_no_secret),
        cmocka_unit_test(test_good_addresses_are_read_and_written_the_same),
        cmocka_unit_test(test_a_key_in_upper_case_is_the_same_key),
        cmocka_unit_test(test_bad_addresses_are_refused_with_a_reason),
        cmocka_unit_test(test_an_address_has_a_longest_length),
        cmocka_unit_test(test_a_label_has_a_longest_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
