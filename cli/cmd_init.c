/* Make a record: the daemon does it, and need not run yet. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/handlers.h"
#include "cli/text.h"

#define ARGUMENTS_MAX 12
#define OUTPUT_MAX 65536u /* bytes that coveyd --init may say */

/* coveyd beside covey itself, else wherever PATH finds it.  Caller frees. */
static char *daemon_path(void)
{
    char here[4096];
    ssize_t len = readlink("/proc/self/exe", here, sizeof here - 1);

    if (len > 0) {
        here[len] = '\0';
        *strrchr(here, '/') = '\0';

        char *beside = text_make("%s/coveyd", here);

        if (access(beside, X_OK) == 0)
            return beside;
        free(beside);
    }
    return text_copy("coveyd");
}

static void add(char **argv, const char *name, const char *value)
{
    size_t at = 0;

    if (value == NULL)
        return;
    while (argv[at] != NULL)
        at++;
    argv[at] = (char *)(uintptr_t)name;
    argv[at + 1] = (char *)(uintptr_t)value;
}

static int not_there(struct cli *cli, int why)
{
    return trouble_set(&cli->trouble, CLI_FAILED, "failed",
                       "coveyd could not be run (%s): it belongs in the folder "
                       "where covey is, or in PATH",
                       strerror(why));
}

/* ---- with --json: what it says is caught ---- */

struct child {
    pid_t pid;
    int out[2]; /* pipes; -1: closed */
    int err[2];
    struct text said[2]; /* on standard output and on standard error */
};

static bool start(struct child *c, char **argv, int *why)
{
    posix_spawn_file_actions_t actions;

    if (pipe2(c->out, O_CLOEXEC) != 0 || pipe2(c->err, O_CLOEXEC) != 0) {
        *why = errno;
        return false;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, c->out[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, c->err[1], STDERR_FILENO);
    *why = posix_spawnp(&c->pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return *why == 0;
}

/* Read what there is; false at its end. */
static bool take(int fd, struct text *said)
{
    char part[4096];
    ssize_t len = read(fd, part, sizeof part);

    if (len > 0 && said->len < OUTPUT_MAX)
        text_add_part(said, part, (size_t)len);
    return len > 0 || (len < 0 && errno == EINTR);
}

static void listen_to(struct child *c)
{
    struct pollfd fds[2] = {{.fd = c->out[0], .events = POLLIN},
                            {.fd = c->err[0], .events = POLLIN}};

    while (fds[0].fd >= 0 || fds[1].fd >= 0) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return;
        for (int i = 0; i < 2; i++) {
            if (fds[i].revents != 0 && !take(fds[i].fd, &c->said[i]))
                fds[i].fd = -1;
        }
    }
}

static int exit_of(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : CLI_FAILED;
}

/* The text without what ends its last line. */
static char *line_of(struct text *said)
{
    char *text = text_take(said);
    size_t len = strlen(text);

    while (len > 0 && text[len - 1] == '\n')
        text[--len] = '\0';
    return text;
}

static int report(struct cli *cli, struct child *c, int exit)
{
    char *out = line_of(&c->said[0]);
    char *err = line_of(&c->said[1]);

    if (exit != CLI_DONE) {
        const char *text = strncmp(err, "coveyd: ", 8) == 0 ? err + 8 : err;

        trouble_set(&cli->trouble, exit,
                    exit == CLI_MISUSED ? "misused" : "failed", "%s", text);
    } else {
        json_t *made = json_pack("{s:s}", "member", out);

        cli_json(cli, made);
        json_decref(made);
        fprintf(stderr, "%s\n", err); /* the recovery code, this once */
    }
    free(out);
    free(err);
    return exit;
}

static int run_caught(struct cli *cli, char **argv)
{
    struct child c = {.out = {-1, -1}, .err = {-1, -1}};
    int why = 0;
    int exit;
    bool started = start(&c, argv, &why);

    close(c.out[1]);
    close(c.err[1]);
    if (started) {
        listen_to(&c);
        exit = report(cli, &c, exit_of(c.pid));
    } else {
        exit = not_there(cli, why);
    }
    close(c.out[0]);
    close(c.err[0]);
    text_clear(&c.said[0]);
    text_clear(&c.said[1]);
    return exit;
}

/* The usual place may be the first thing that this user keeps under
 * ~/.local/share; coveyd makes the last folder only. */
static int make_parents(struct cli *cli)
{
    char *path = text_copy(cli->data);
    int exit = CLI_DONE;

    for (char *p = strchr(path + 1, '/'); p != NULL && exit == CLI_DONE;
         p = strchr(p + 1, '/')) {
        *p = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            exit =
                trouble_set(&cli->trouble, CLI_FAILED, "failed",
                            "%s could not be made: %s", path, strerror(errno));
        *p = '/';
    }
    free(path);
    return exit;
}

int run_init(struct cli *cli)
{
    char *program = daemon_path();
    char *argv[ARGUMENTS_MAX] = {program, (char *)(uintptr_t) "--init"};

    add(argv, "--data", cli->data);
    add(argv, "--name", cli_arg(cli, "name"));
    add(argv, "--urn", cli_arg(cli, "urn"));
    add(argv, "--kind", cli_arg(cli, "kind"));

    int exit = cli->data_made == NULL ? CLI_DONE : make_parents(cli);

    if (exit == CLI_DONE && cli->json) {
        exit = run_caught(cli, argv);
    } else if (exit == CLI_DONE) {
        execvp(argv[0], argv);
        exit = not_there(cli, errno);
    }
    free(program);
    return exit;
}
