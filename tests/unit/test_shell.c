/* test_shell.c - the whole daemon, while the nth allocation of libuv fails,
 * n = 1, 2, ... until none is left to fail: it starts, writes and reads by
 * HTTP, dials a peer by name, lets in others, and stops.
 *
 * Each try runs in a process of its own, on the record that the last one left.
 * It ends in good order, or with a sentence, and what it told is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "daemon/heap.h"
#include "daemon/init.h"
#include "store/query.h"
#include "tests/fault/memory.h"
#include "tests/unit/support_dir.h"

#define PATIENCE_S 60 /* until a try that hangs is ended by SIGALRM */
#define VISITORS 32   /* enough for libuv's table of descriptors to grow */
#define KEY "4242424242424242424242424242424242424242424242424242424242424242"
/* 127.0.0.1 as only the resolver reads it, and that without asking anybody: a
 * bare machine has no /etc/hosts. */
#define LOOPBACK_NAME "0x7f000001"
#define TRIES_LEAST 5
#define TRIES_MAX 200
#define TEXT_MAX 8192

struct memory_of { /* what uv_replace_allocator() takes */
    void *(*malloc)(size_t size);
    void *(*realloc)(void *p, size_t size);
    void *(*calloc)(size_t count, size_t size);
    void (*free)(void *p);
};

int __real_uv_replace_allocator(void *(*m)(size_t), void *(*r)(void *, size_t),
                                void *(*c)(size_t, size_t), void (*f)(void *));
int __wrap_uv_replace_allocator(void *(*m)(size_t), void *(*r)(void *, size_t),
                                void *(*c)(size_t, size_t), void (*f)(void *));

static char dir[64];
static struct memory_of given = {malloc, realloc, calloc, free};
static uint64_t *asked; /* of libuv; shared with the tries */

/* ---- libuv's memory: from whom the daemon says, and counted ---- */

int __wrap_uv_replace_allocator(void *(*m)(size_t), void *(*r)(void *, size_t),
                                void *(*c)(size_t, size_t), void (*f)(void *))
{
    given = (struct memory_of){m, r, c, f};
    return 0;
}

static void enter(void)
{
    ++*asked;
    memory_enter();
}

static void *uv_malloc(size_t size)
{
    enter();
    void *p = given.malloc(size);

    memory_leave();
    return p;
}

static void *uv_realloc(void *p, size_t size)
{
    enter();
    p = given.realloc(p, size);
    memory_leave();
    return p;
}

static void *uv_calloc(size_t count, size_t size)
{
    enter();
    void *p = given.calloc(count, size);

    memory_leave();
    return p;
}

static void uv_free(void *p)
{
    given.free(p);
}

/* ---- a process of its own ---- */

struct child {
    pid_t pid;
    int out, err; /* what it says */
};

static int leave(enum covey_rc rc, const struct covey_why *why)
{
    if (rc != COVEY_OK)
        fprintf(stderr, "coveyd: %s\n", why->text);
    return daemon_exit_code(rc);
}

static _Noreturn void make_record(const void *ctx)
{
    struct covey_why why = {""};
    struct init_wish wish;

    CHECK(init_wish_read(&wish, "Ashbrook Lower", NULL, NULL, &why) ==
          COVEY_OK);
    wish.dir = dir;
    exit(leave(init_run(&wish, &why), &why));
}

struct plan {
    const char *dial;
    uint64_t nth; /* to fail */
};

static _Noreturn void serve(const void *ctx)
{
    const struct plan *plan = ctx;
    struct covey_why why = {""};
    struct route_table routes;
    struct config c = {.data = dir, .listen = "127.0.0.1:0"};
    int code = DAEMON_EXIT_OK;
    enum covey_rc rc;

    (void)signal(SIGPIPE, SIG_IGN);
    routes.routes = api_routes(&routes.count);
    c.dials[c.dial_count++] = plan->dial;
    CHECK(__real_uv_replace_allocator(uv_malloc, uv_realloc, uv_calloc,
                                      uv_free) == 0);
    memory_fail(plan->nth, false);
    rc = daemon_run(&c, &routes, &code, &why);
    exit(rc == COVEY_OK ? code : leave(rc, &why));
}

static struct child start(void (*run)(const void *ctx), const void *ctx)
{
    struct child child;
    int out[2], err[2];

    assert_true(pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0);
    fflush(stdout);
    child = (struct child){fork(), out[0], err[0]};
    assert_true(child.pid >= 0);
    if (child.pid == 0) {
        dup2(out[1], STDOUT_FILENO);
        dup2(err[1], STDERR_FILENO);
        alarm(PATIENCE_S);
        run(ctx);
    }
    close(out[1]);
    close(err[1]);
    return child;
}

/* All that comes, up to `end` or until the other side is no more; a text. */
static const char *hear(int fd, int end, char text[TEXT_MAX])
{
    size_t len = 0;

    while (len < TEXT_MAX - 1 && read(fd, text + len, 1) == 1 &&
           text[len++] != end)
        continue;
    text[len] = '\0';
    return text;
}

/* How it ended, and what it said. */
static int end_of(struct child child, char err[TEXT_MAX])
{
    int status = 0;

    hear(child.err, EOF, err);
    close(child.err);
    close(child.out);
    assert_int_equal(waitpid(child.pid, &status, 0), child.pid);
    if (!WIFEXITED(status))
        fail_msg("signal %d: %s", WTERMSIG(status), err);
    return WEXITSTATUS(status);
}

/* ---- who talks to it ---- */

/* Waits for the answer, which is empty where the daemon ended. */
static bool answers(const char *method, const char *path, const char *body)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char text[TEXT_MAX];

    snprintf(at.sun_path, sizeof at.sun_path, "%s/covey.sock", dir);
    snprintf(text, sizeof text,
             "%s %s HTTP/1.1\r\nHost: covey\r\nConnection: close\r\n"
             "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
             method, path, strlen(body), body);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0 &&
        send(fd, text, strlen(text), MSG_NOSIGNAL) > 0)
        hear(fd, EOF, text);
    close(fd);
    return strncmp(text, "HTTP/1.1 200", 12) == 0;
}

static struct sockaddr_in loopback(unsigned network, unsigned port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr =
                                    htonl(0x7f000001u + (network << 8))};
}

static int tcp(unsigned network)
{
    struct sockaddr_in from = loopback(network, 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
    return fd;
}

/* The daemon dials us, and says the first word of a handshake. */
static bool is_dialled(int listener, const struct child *child)
{
    struct pollfd either[] = {{.fd = listener, .events = POLLIN},
                              {.fd = child->err}}; /* until it ends */
    char word = 0;
    bool heard = false;
    int fd;

    if (poll(either, 2, -1) < 0 || (either[0].revents & POLLIN) == 0)
        return false;
    fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    heard = read(fd, &word, 1) == 1;
    close(fd);
    return heard;
}

/* Strangers of as many networks, since few are let in of one. */
static void visit(unsigned port, int visitors[VISITORS])
{
    struct sockaddr_in to = loopback(0, port);

    for (unsigned i = 0; i < VISITORS; i++) {
        visitors[i] = tcp(1 + i);
        (void)connect(visitors[i], (struct sockaddr *)&to, sizeof to);
    }
}

static bool takes_part(const struct child *child, int listener, unsigned port)
{
    int visitors[VISITORS];
    bool good = is_dialled(listener, child);

    visit(port, visitors);
    good = answers("GET", "/api/priorities", "") && good;
    for (size_t i = 0; i < VISITORS; i++)
        close(visitors[i]);
    return good;
}

/* ---- the tries ---- */

struct tally {
    uint64_t tries, told, ended;
};

static const char *ask_record(const char *sql, char text[TEXT_MAX])
{
    struct covey_why why = {""};
    struct covey_buf out;
    struct reader *r = NULL;
    bool done = false;

    buf_init(&out, &heap_mem, TEXT_MAX - 1);
    if (reader_open(dir, &r, &why) != COVEY_OK ||
        reader_start(r, sql, false, NULL, 0, &why) != COVEY_OK ||
        reader_fill(r, TEXT_MAX, &out, &done, &why) != COVEY_OK)
        fail_msg("%s", why.text);
    snprintf(text, TEXT_MAX, "%.*s", (int)out.len, (const char *)out.p);
    buf_clear(&out);
    reader_close(r);
    return text;
}

/* The record is whole and has what was told. */
static void check_record(const struct tally *tally)
{
    static const char whole[] =
        "SELECT group_concat(integrity_check, '; ') FROM "
        "pragma_integrity_check";
    static const char count[] = "SELECT CAST(count(*) AS TEXT) FROM priority";
    char text[TEXT_MAX];

    assert_string_equal(ask_record(whole, text), "ok");
    assert_in_range(strtoull(ask_record(count, text), NULL, 10), tally->told,
                    tally->tries);
}

static int try_nth(uint64_t nth, int listener, struct tally *tally)
{
    struct sockaddr_in us;
    socklen_t size = sizeof us;
    char dial[100], text[TEXT_MAX];
    const char *at;
    bool good = false;
    struct child child;
    int code;

    assert_int_equal(getsockname(listener, (struct sockaddr *)&us, &size), 0);
    snprintf(dial, sizeof dial, KEY "@" LOOPBACK_NAME ":%u",
             ntohs(us.sin_port));
    *asked = 0;
    tally->tries++;
    child = start(serve, &(struct plan){dial, nth});
    at = strstr(hear(child.out, '\n', text), "listen=127.0.0.1:");
    if (at != NULL) {
        unsigned port = (unsigned)strtoul(strchr(at, ':') + 1, NULL, 10);

        good = answers("POST", "/api/priorities",
                       "{\"title\":\"a\",\"why\":\"b\"}");
        tally->told += good;
        good = takes_part(&child, listener, port) && good;
        kill(child.pid, SIGTERM);
    }
    code = end_of(child, text);
    check_record(tally);
    if (code == DAEMON_EXIT_OK && good)
        return code;
    tally->ended++;
    if (code != DAEMON_EXIT_FAILED || strstr(text, "Sanitizer") != NULL ||
        strstr(text, "out of memory") == NULL)
        fail_msg("exit %d: %s", code, text);
    return code;
}

static void test_libuv_without_memory(void **state)
{
    struct tally tally = {0};
    char text[TEXT_MAX];
    int listener = tcp(0);
    uint64_t nth = 0;
    int code;

    assert_int_equal(listen(listener, 8), 0);
    if (end_of(start(make_record, NULL), text) != DAEMON_EXIT_OK)
        fail_msg("%s", text);
    do {
        code = try_nth(++nth, listener, &tally);
    } while (*asked >= nth && nth < TRIES_MAX);
    assert_int_equal(code, DAEMON_EXIT_OK); /* none was left to fail */
    close(listener);
    print_message(
        "%llu allocations of libuv failed, the daemon ended in %llu\n",
        (unsigned long long)(tally.tries - 1), (unsigned long long)tally.ended);
    assert_in_range(tally.tries, TRIES_LEAST, TRIES_MAX - 2);
}

static int setup(void **state)
{
    CHECK(sodium_init() >= 0);
    asked = mmap(NULL, sizeof *asked, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(asked != MAP_FAILED);
    dir_make(dir, sizeof dir);
    return 0;
}

static int teardown(void **state)
{
    dir_remove(dir);
    return munmap(asked, sizeof *asked);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_libuv_without_memory),
    };

    return cmocka_run_group_tests_name("shell", tests, setup, teardown);
}
