#include "daemon/init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "daemon/heap.h"
#include "daemon/keys.h"
#include "daemon/lock.h"
#include "daemon/private.h"
#include "daemon/why.h"
#include "proto/identity.h"
#include "proto/membership.h"
#include "store/store.h"

/* ---- what is asked for ---- */

static enum covey_rc read_urn(const char *text, uint32_t *out,
                              struct covey_why *why)
{
    size_t len = strlen(text);
    unsigned long urn = strtoul(text, NULL, 10);

    if (len == 0 || len > 9 || strspn(text, "0123456789") != len || urn == 0)
        return why_fail(why, COVEY_EUSAGE,
                        "--urn: %.40s is not a number from 1 to 999999999",
                        text);
    *out = (uint32_t)urn;
    return COVEY_OK;
}

enum covey_rc init_wish_read(struct init_wish *out, const char *name,
                             const char *urn, const char *kind,
                             struct covey_why *why)
{
    *out = (struct init_wish){.name = name, .kind = MEMBER_SCHOOL};
    if (name == NULL)
        return why_fail(why, COVEY_EUSAGE,
                        "--init wants --name NAME, as others shall read it");
    if (!membership_name_fits(
            (struct covey_bytes){(const uint8_t *)name, strlen(name)}))
        return why_fail(why, COVEY_EUSAGE,
                        "--name: 1 to %u bytes of UTF-8 without control "
                        "characters",
                        MEMBER_NAME_MAX);
    if (kind != NULL && !member_kind_from(kind, &out->kind))
        return why_fail(why, COVEY_EUSAGE,
                        "--kind: %.40s is none of school, council, partner",
                        kind);
    return urn == NULL ? COVEY_OK : read_urn(urn, &out->urn, why);
}

/* ---- what is there ---- */

enum covey_rc init_check(const char *dir, struct covey_why *why)
{
    bool keys = keys_exist(dir);
    bool record = private_exists(dir, STORE_FILE);

    if (private_exists(dir, INIT_MARK))
        return why_fail(why, COVEY_ENONE,
                        "%s: init was cut short there: run it again", dir);
    if (!keys && !record)
        return why_fail(why, COVEY_ENONE,
                        "there is no record in %s: make one with covey --data "
                        "%s init --name NAME",
                        dir, dir);
    if (!record)
        return why_fail(why, COVEY_ENONE,
                        "%s has keys but no %s: put the record back from a "
                        "backup; a new one under these keys is never made",
                        dir, STORE_FILE);
    if (!keys)
        return why_fail(why, COVEY_ENONE,
                        "%s has a record but no %s: put the file back from "
                        "where you keep a copy of it",
                        dir, KEYS_FILE);
    return COVEY_OK;
}

static enum covey_rc check_empty(const char *dir, struct covey_why *why)
{
    bool keys = keys_exist(dir);
    bool record = private_exists(dir, STORE_FILE);

    if (private_exists(dir, INIT_MARK) || (!keys && !record))
        return COVEY_OK;
    if (keys && record)
        return why_fail(why, COVEY_EEXISTS,
                        "%s holds a record already: init is done once, and "
                        "another member needs another directory",
                        dir);
    return why_fail(why, COVEY_EEXISTS,
                    "%s has %s but no %s: put that back, or give another "
                    "directory",
                    dir, keys ? KEYS_FILE : STORE_FILE,
                    keys ? STORE_FILE : KEYS_FILE);
}

/* ---- making it ---- */

/* Take away what init makes, whether it is there or not. */
static enum covey_rc clear_away(const char *dir, struct covey_why *why)
{
    static const char *const files[] = {
        KEYS_FILE,
        STORE_FILE,
        STORE_FILE "-wal",
        STORE_FILE "-shm",
    };
    enum covey_rc rc = COVEY_OK;

    for (size_t i = 0; rc == COVEY_OK && i < sizeof files / sizeof files[0];
         i++)
        rc = private_remove(dir, files[i], why);
    return rc;
}

static uint64_t wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static enum covey_rc make_files(const struct init_wish *wish,
                                const struct node_secrets *secrets,
                                const struct identity *identity,
                                struct covey_why *why)
{
    struct store_self self = {
        .member = identity->member,
        .node = identity->node.sign,
        .kind = wish->kind,
        .urn = wish->urn,
        .member_cert = {identity->member_cert, identity->member_cert_len},
        .node_cert = {identity->node_cert, NODE_CERT_SIZE},
    };
    enum covey_rc rc = keys_create(wish->dir, secrets, why);

    if (rc != COVEY_OK)
        return rc;
    snprintf(self.name, sizeof self.name, "%s", wish->name);
    return store_init(wish->dir, &self, why);
}

/* Until the code is out, nothing counts as made. */
static enum covey_rc show_code(const struct seed *recovery,
                               struct covey_why *why)
{
    char code[RECOVERY_TEXT_SIZE];
    int n = 0;

    recovery_code_write(recovery, code);
    n = fprintf(stderr,
                "recovery code: %s\n"
                "Write it down and keep it where no computer is: it alone "
                "opens backups and\nproves who you are when this machine is "
                "gone. It is not shown again.\n",
                code);
    sodium_memzero(code, sizeof code);
    return n > 0 ? COVEY_OK
                 : why_fail(why, COVEY_EREFUSED,
                            "the recovery code could not be shown on stderr");
}

static enum covey_rc tell_member(const struct member_id *member,
                                 struct covey_why *why)
{
    char hex[sizeof member->b * 2 + 1];

    hex_encode(member->b, sizeof member->b, hex);
    if (printf("%s\n", hex) < 0 || fflush(stdout) != 0)
        return why_errno(why, errno,
                         "the record is made, but stdout took no id");
    return COVEY_OK;
}

static void draw(struct node_secrets *secrets, struct seed *recovery)
{
    randombytes_buf(secrets, sizeof *secrets);
    randombytes_buf(recovery, sizeof *recovery);
}

/* The lock is held, and nothing stands in the way. */
static enum covey_rc make_all(const struct init_wish *wish,
                              struct covey_why *why)
{
    static const uint8_t mark[] = "init has begun and not ended\n";
    struct node_secrets secrets;
    struct seed recovery;
    struct identity identity;
    struct covey_why ignored;
    enum covey_rc rc = clear_away(wish->dir, why);

    if (rc == COVEY_OK && !private_exists(wish->dir, INIT_MARK))
        rc = private_create(wish->dir, INIT_MARK,
                            (struct covey_bytes){mark, sizeof mark - 1}, why);
    if (rc != COVEY_OK)
        return rc;
    draw(&secrets, &recovery);
    identity_make(&secrets, &recovery, wall_ms(), &identity);
    rc = make_files(wish, &secrets, &identity, why);
    if (rc == COVEY_OK)
        rc = show_code(&recovery, why);
    sodium_memzero(&secrets, sizeof secrets);
    sodium_memzero(&recovery, sizeof recovery);
    if (rc != COVEY_OK && clear_away(wish->dir, &ignored) == COVEY_OK) {
        enum covey_rc gone = private_remove(wish->dir, INIT_MARK, &ignored);

        (void)gone; /* a mark that stays does no harm */
        return rc;
    }
    if (rc == COVEY_OK)
        rc = private_remove(wish->dir, INIT_MARK, why);
    return rc == COVEY_OK ? tell_member(&identity.member, why) : rc;
}

/* A new name is on the disk once its directory is. */
static bool sync_parent(const char *dir)
{
    char *parent = heap_print("%s/..", dir);
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = fd >= 0 && fsync(fd) == 0;

    free(parent);
    if (fd >= 0)
        close(fd);
    return done;
}

/* 0750, so that a group may be let in to the socket; what lies in it is 0600.
 * *made tells whether it was us. */
static enum covey_rc make_dir(const char *dir, bool *made,
                              struct covey_why *why)
{
    *made = mkdir(dir, 0750) == 0;
    if (!*made && errno != EEXIST)
        return why_errno(why, errno, "cannot make %s", dir);
    if (*made && chmod(dir, 0750) != 0) /* the umask took the group's part */
        return why_errno(why, errno, "cannot set the mode of %s", dir);
    if (*made && !sync_parent(dir))
        return why_errno(why, errno, "cannot save the name of %s", dir);
    return COVEY_OK;
}

static void unmake_dir(const char *dir)
{
    struct covey_why ignored;

    if (private_remove(dir, LOCK_FILE, &ignored) == COVEY_OK)
        rmdir(dir);
}

enum covey_rc init_run(const struct init_wish *wish, struct covey_why *why)
{
    struct lock lock = {-1};
    bool made = false;
    enum covey_rc rc = make_dir(wish->dir, &made, why);

    /* Asked before the lock as well, so that nothing is touched in vain. */
    if (rc == COVEY_OK)
        rc = check_empty(wish->dir, why);
    if (rc == COVEY_OK)
        rc = lock_take(wish->dir, &lock, why);
    if (rc == COVEY_OK)
        rc = check_empty(wish->dir, why);
    if (rc == COVEY_OK)
        rc = make_all(wish, why);
    if (rc != COVEY_OK && made)
        unmake_dir(wish->dir);
    lock_drop(&lock);
    return rc;
}
