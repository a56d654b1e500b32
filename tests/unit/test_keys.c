/* DIR/keys and DIR/web.token: made once, refused when anything is odd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "daemon/keys.h"
#include "daemon/lock.h"
#include "daemon/private.h"
#include "daemon/token.h"

static char dir[] = "/tmp/covey-keys-XXXXXX";
static char path[64];

static int make_dir(void **state)
{
    (void)state;
    strcpy(dir + sizeof dir - 7, "XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/%s", dir, KEYS_FILE);
    return 0;
}

static int remove_dir(void **state)
{
    static const char *const files[] = {KEYS_FILE, TOKEN_FILE, LOCK_FILE,
                                        "other"};
    struct covey_why why;

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (private_remove(dir, files[i], &why) != COVEY_OK)
            return -1;
    }
    return rmdir(dir);
}

static struct node_secrets some_secrets(void)
{
    struct node_secrets s;

    for (size_t i = 0; i < sizeof s; i++)
        ((uint8_t *)&s)[i] = (uint8_t)(i * 7 + 1);
    return s;
}

static void create(void)
{
    struct node_secrets secrets = some_secrets();
    struct covey_why why = {""};

    assert_int_equal(keys_create(dir, &secrets, &why), COVEY_OK);
}

/* Loading fails with this code, gives no secret and says why. */
static void assert_refused(enum covey_rc expected, const char *part)
{
    static const struct node_secrets none;
    struct node_secrets out = some_secrets();
    struct covey_why why = {""};

    assert_int_equal(keys_load(dir, &out, &why), expected);
    assert_memory_equal(&out, &none, sizeof none);
    assert_non_null(strstr(why.text, part));
}

static void test_what_was_written_is_read(void **state)
{
    struct node_secrets secrets = some_secrets();
    struct node_secrets out = {0};
    struct covey_why why = {""};
    struct stat st;

    assert_false(keys_exist(dir));
    create();
    assert_true(keys_exist(dir));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(keys_load(dir, &out, &why), COVEY_OK);
    assert_memory_equal(&out, &secrets, sizeof out);
}

static void test_keys_are_never_written_over(void **state)
{
    struct node_secrets secrets = {0};
    struct covey_why why = {""};

    create();
    assert_int_equal(keys_create(dir, &secrets, &why), COVEY_EEXISTS);
    assert_int_equal(keys_load(dir, &secrets, &why), COVEY_OK);
}

static void test_no_keys_is_not_found(void **state)
{
    assert_refused(COVEY_ENONE, "keys");
}

static void test_keys_that_others_can_read_are_refused(void **state)
{
    static const mode_t modes[] = {0640, 0604, 0644, 0660, 0601, 0620};

    create();
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        assert_int_equal(chmod(path, modes[i]), 0);
        assert_refused(COVEY_EREFUSED, "can be read by others");
    }
}

static void test_a_link_is_refused(void **state)
{
    char other[64];

    create();
    snprintf(other, sizeof other, "%s/other", dir);
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(symlink("other", path), 0);
    assert_refused(COVEY_EREFUSED, "is a link");
    assert_true(keys_exist(dir));
}

static void test_a_fifo_is_refused_and_waits_for_nobody(void **state)
{
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_refused(COVEY_EREFUSED, "not a plain file");
}

static void write_keys(const char *text, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), len);
    close(fd);
}

static size_t read_keys(char text[PRIVATE_FILE_MAX + 1])
{
    struct covey_why why = {""};

    assert_int_equal(private_read(dir, KEYS_FILE, text, &why), COVEY_OK);
    return strlen(text);
}

static void test_any_changed_byte_is_damage(void **state)
{
    char text[PRIVATE_FILE_MAX + 1];

    create();

    size_t len = read_keys(text);

    for (size_t i = 0; i < len; i++) {
        text[i] ^= 1;
        write_keys(text, len);
        assert_refused(COVEY_EBAD, "damaged");
        text[i] ^= 1;
    }
}

static void test_any_missing_end_is_damage(void **state)
{
    char text[PRIVATE_FILE_MAX + 1];

    create();

    size_t len = read_keys(text);

    for (size_t i = 0; i < len; i++) {
        write_keys(text, i);
        assert_refused(COVEY_EBAD, "damaged");
    }
    text[len] = '\n';
    write_keys(text, len + 1);
    assert_refused(COVEY_EBAD, "damaged");
}

static void test_a_large_file_or_a_nul_is_not_read(void **state)
{
    static const char zeros[PRIVATE_FILE_MAX + 1];

    write_keys(zeros, sizeof zeros);
    assert_refused(COVEY_EBAD, "too large");
    write_keys(zeros, 100);
    assert_refused(COVEY_EBAD, "keys");
}

static void test_a_token_is_made_once(void **state)
{
    char first[TOKEN_HEX + 1];
    char second[TOKEN_HEX + 1];
    struct covey_why why = {""};

    assert_int_equal(token_ensure(dir, first, &why), COVEY_OK);
    assert_int_equal(strlen(first), TOKEN_HEX);
    assert_int_equal(token_ensure(dir, second, &why), COVEY_OK);
    assert_string_equal(first, second);
}

static void test_a_token_of_another_form_is_refused(void **state)
{
    static const uint8_t texts[][2] = {{'a', '\n'}, {'\n', '\n'}};
    char token[TOKEN_HEX + 1];
    struct covey_why why = {""};

    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(private_create(dir, TOKEN_FILE,
                                        (struct covey_bytes){texts[i], 2},
                                        &why),
                         COVEY_OK);
        assert_int_equal(token_ensure(dir, token, &why), COVEY_EBAD);
        assert_int_equal(private_remove(dir, TOKEN_FILE, &why), COVEY_OK);
    }
}

static void test_a_second_lock_names_the_holder(void **state)
{
    struct lock first;
    struct lock second;
    struct covey_why why = {""};
    char pid[32];

    assert_int_equal(lock_take(dir, &first, &why), COVEY_OK);
    assert_int_equal(lock_take(dir, &second, &why), COVEY_EBUSY);
    snprintf(pid, sizeof pid, "process %ld:", (long)getpid());
    assert_non_null(strstr(why.text, pid));
    lock_drop(&second);
    lock_drop(&first);
    assert_int_equal(lock_take(dir, &second, &why), COVEY_OK);
    lock_drop(&second);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_was_written_is_read),
        TEST(test_keys_are_never_written_over),
        TEST(test_no_keys_is_not_found),
        TEST(test_keys_that_others_can_read_are_refused),
        TEST(test_a_link_is_refused),
        TEST(test_a_fifo_is_refused_and_waits_for_nobody),
        TEST(test_any_changed_byte_is_damage),
        TEST(test_any_missing_end_is_damage),
        TEST(test_a_large_file_or_a_nul_is_not_read),
        TEST(test_a_token_is_made_once),
        TEST(test_a_token_of_another_form_is_refused),
        TEST(test_a_second_lock_names_the_holder),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
