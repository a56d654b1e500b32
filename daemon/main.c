/* main.c - coveyd: options, the process's own guards, exit codes. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <sodium.h>

#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/heap.h"
#include "daemon/init.h"
#include "daemon/log.h"
#include "daemon/routes.h"
#include "daemon/why.h"

#ifndef __has_feature /* clang's way to tell of a sanitizer */
#define __has_feature(x) 0
#endif

#define VERSION "0.1"
#define DOCUMENT_MAX 4194304u /* bytes of docs/api.md */

/* Keys are in memory: no core is written, and no other process of this user
 * looks in.  The leak checker of a sanitizer build is such a process. */
static void harden(void)
{
    const struct rlimit none = {0, 0};

    setrlimit(RLIMIT_CORE, &none);
#if !defined(__SANITIZE_ADDRESS__) && !__has_feature(address_sanitizer)
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
    umask(0077);
    (void)signal(SIGPIPE, SIG_IGN);
}

static int fail(enum covey_rc rc, const struct covey_why *why)
{
    fprintf(stderr, "coveyd: %s\n",
            why->text[0] != '\0' ? why->text : covey_rc_text(rc));
    return daemon_exit_code(rc);
}

static int print(const struct covey_buf *text)
{
    bool whole = fwrite(text->p, 1, text->len, stdout) == text->len;

    return whole && fflush(stdout) == 0 ? DAEMON_EXIT_OK : DAEMON_EXIT_FAILED;
}

static int print_about(const struct config *c, const struct route_table *routes)
{
    struct covey_buf text;
    int code = 0;

    if (c->version) {
        printf("coveyd %s\n", VERSION);
        return DAEMON_EXIT_OK;
    }
    buf_init(&text, &heap_mem, DOCUMENT_MAX);
    if (c->help)
        config_help(&text);
    else
        route_document(routes, &text);
    code = print(&text);
    buf_clear(&text);
    return code;
}

static enum covey_rc find_data(struct config *c, struct covey_why *why)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread yet */
    const char *from = getenv("COVEY_DATA");

    if (c->data == NULL)
        c->data = heap_text(from);
    if (c->data != NULL && *c->data != '\0')
        return COVEY_OK;
    return why_fail(why, COVEY_EUSAGE,
                    "which record? Say --data DIR, or set COVEY_DATA");
}

static enum covey_rc init(const struct config *c, struct covey_why *why)
{
    struct init_wish wish;
    enum covey_rc rc = init_wish_read(&wish, c->name, c->urn, c->kind, why);

    if (rc != COVEY_OK)
        return rc;
    wish.dir = c->data;
    return init_run(&wish, why);
}

static enum covey_rc serve(struct config *c, const struct route_table *routes,
                           int *exit_code, struct covey_why *why)
{
    if (c->name != NULL || c->urn != NULL || c->kind != NULL)
        return why_fail(why, COVEY_EUSAGE,
                        "--name, --urn and --kind go with --init");
    if (config_file(c, c->data, why) != COVEY_OK)
        return COVEY_EUSAGE;
    return daemon_run(c, routes, exit_code, why);
}

static int run(struct config *c, int argc, char **argv)
{
    struct covey_why why = {""};
    struct route_table routes = {NULL, 0};
    int exit_code = DAEMON_EXIT_OK;
    enum covey_rc rc = config_flags(c, (const char *const *)(argv + 1),
                                    argc > 0 ? (size_t)argc - 1 : 0, &why);

    routes.routes = heap_need((void *)(uintptr_t)api_routes(&routes.count));
    if (rc == COVEY_OK && (c->help || c->version || c->api_doc))
        return print_about(c, &routes);
    if (rc == COVEY_OK)
        rc = find_data(c, &why);
    if (rc == COVEY_OK)
        rc = c->init ? init(c, &why) : serve(c, &routes, &exit_code, &why);
    return rc == COVEY_OK ? exit_code : fail(rc, &why);
}

int main(int argc, char **argv)
{
    struct config config;
    int code = 0;

    covey_panic_set(log_panic);
    harden();
    if (sodium_init() < 0) {
        fputs("coveyd: libsodium does not start\n", stderr);
        return DAEMON_EXIT_FAILED;
    }
    config_init(&config);
    code = run(&config, argc, argv);
    config_clear(&config);
    return code;
}
