#include "cli/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SPARE_S 30     /* that a call waits longer than the daemon */
#define PROGRESS_S 10L /* between two words on how it goes */
#define CONNECT_MS 5000L

struct exchange {
    struct cli *cli;
    CURL *curl;
    struct curl_slist *headers;
    char *socket; /* the path of it */
    char *sent;
    struct text answer;
    bool too_large;
    const char *during;
    curl_off_t next_word_us;
    struct event_reader *events; /* NULL: an answer, not a stream */
};

/* ---- what could not be done, in words ---- */

/* 0 where DIR holds a record, else why it cannot be seen. */
static int record_errno(const char *dir)
{
    char *path = text_make("%s/record.db", dir);
    int why = access(path, F_OK) == 0 ? 0 : errno;

    free(path);
    return why;
}

static int no_connection(struct exchange *x, int why)
{
    struct trouble *t = &x->cli->trouble;
    const char *dir = x->cli->data;

    int record = record_errno(dir);

    if (why == EACCES || why == EPERM || record == EACCES)
        return trouble_set(t, CLI_FAILED, "refused",
                           "you may not use %s: run covey as the user that "
                           "coveyd runs as, or as one of its group",
                           x->socket);
    if (record == ENOENT || record == ENOTDIR)
        return trouble_set(t, CLI_FAILED, "no-daemon",
                           "there is no record in %s: name the right folder "
                           "with --data DIR or COVEY_DATA, or make a record "
                           "with: covey --data DIR init --name NAME",
                           dir);
    return trouble_set(t, CLI_FAILED, "no-daemon",
                       "no daemon is running for %s: start it with: coveyd "
                       "--data %s",
                       dir, dir);
}

static int explain(struct exchange *x, CURLcode rc)
{
    struct trouble *t = &x->cli->trouble;
    long why = 0;

    curl_easy_getinfo(x->curl, CURLINFO_OS_ERRNO, &why);
    if (x->too_large)
        return trouble_set(t, CLI_FAILED, "too-large",
                           "the answer is over %u MiB: ask for less at a time",
                           CLIENT_ANSWER_MAX / (1024 * 1024));
    if (rc == CURLE_COULDNT_CONNECT)
        return no_connection(x, (int)why);
    if (rc == CURLE_OPERATION_TIMEDOUT)
        return trouble_set(t, CLI_FAILED, "timeout",
                           "the daemon did not answer in time: it may be busy; "
                           "try again, or look at its log");
    return trouble_set(t, CLI_FAILED, "failed",
                       "the daemon went away before it had answered (%s): it "
                       "may have been stopped; covey status tells whether it "
                       "runs",
                       curl_easy_strerror(rc));
}

/* ---- libcurl ---- */

static size_t on_bytes(char *p, size_t size, size_t count, void *ctx)
{
    struct exchange *x = ctx;
    size_t len = size * count;
    long status = 0;

    curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
    if (x->events != NULL && status < CLIENT_REFUSED) {
        event_reader_feed(x->events, p, len);
        return len;
    }
    if (x->answer.len + len > CLIENT_ANSWER_MAX) {
        x->too_large = true;
        return 0;
    }
    text_add_part(&x->answer, p, len);
    return len;
}

static int on_time(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c,
                   curl_off_t d)
{
    struct exchange *x = ctx;
    curl_off_t passed_us = 0;

    (void)a, (void)b, (void)c, (void)d;
    curl_easy_getinfo(x->curl, CURLINFO_TOTAL_TIME_T, &passed_us);
    if (passed_us >= x->next_word_us) {
        cli_progress(x->cli, "%s (%lld seconds so far)", x->during,
                     (long long)(passed_us / 1000000));
        x->next_word_us += PROGRESS_S * 1000000;
    }
    return 0;
}

static void set_body(struct exchange *x, json_t *body)
{
    x->sent = text_memory(json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY));
    json_decref(body);
    x->headers =
        text_memory(curl_slist_append(NULL, "Content-Type: application/json"));
    text_memory(curl_slist_append(x->headers, "Expect:"));
    curl_easy_setopt(x->curl, CURLOPT_HTTPHEADER, x->headers);
    curl_easy_setopt(x->curl, CURLOPT_POSTFIELDSIZE_LARGE,
                     (curl_off_t)strlen(x->sent));
    curl_easy_setopt(x->curl, CURLOPT_POSTFIELDS, x->sent);
}

static void set_call(struct exchange *x, const struct client_call *call)
{
    char *url = text_make("http://localhost%s", call->path);

    x->curl = text_memory(curl_easy_init());
    curl_easy_setopt(x->curl, CURLOPT_UNIX_SOCKET_PATH, x->socket);
    curl_easy_setopt(x->curl, CURLOPT_URL, url);
    curl_easy_setopt(x->curl, CURLOPT_PROXY, ""); /* whatever a school sets */
    curl_easy_setopt(x->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(x->curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    curl_easy_setopt(x->curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(x->curl, CURLOPT_WRITEDATA, x);
    if (x->events == NULL)
        curl_easy_setopt(x->curl, CURLOPT_TIMEOUT,
                         call->wait_s == 0 ? (long)CLIENT_WAIT_S
                                           : call->wait_s + SPARE_S);
    if (call->body != NULL)
        set_body(x, call->body);
    curl_easy_setopt(x->curl, CURLOPT_CUSTOMREQUEST, call->method);
    if (call->during != NULL) {
        x->during = call->during;
        x->next_word_us = PROGRESS_S * 1000000;
        curl_easy_setopt(x->curl, CURLOPT_XFERINFOFUNCTION, on_time);
        curl_easy_setopt(x->curl, CURLOPT_XFERINFODATA, x);
        curl_easy_setopt(x->curl, CURLOPT_NOPROGRESS, 0L);
    }
    free(url);
}

static void exchange_clear(struct exchange *x)
{
    curl_easy_cleanup(x->curl);
    curl_slist_free_all(x->headers);
    free(x->socket);
    free(x->sent);
    text_clear(&x->answer);
}

/* ---- a call ---- */

static int socket_path(struct exchange *x)
{
    x->socket = text_make("%s/%s", x->cli->data, CLIENT_SOCKET);
    if (strlen(x->socket) <= CLIENT_PATH_MAX)
        return CLI_DONE;
    return trouble_set(&x->cli->trouble, CLI_FAILED, "too-large",
                       "the path of the socket, %s, has %zu bytes and the "
                       "system allows %u: keep the record in a folder with a "
                       "shorter name",
                       x->socket, strlen(x->socket), CLIENT_PATH_MAX);
}

static int read_answer(struct exchange *x, json_t **out)
{
    const char *p = x->answer.len == 0 ? "" : x->answer.p;
    long status = 0;

    curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
    return client_answer(x->cli, status, p, x->answer.len, out);
}

int client_call(struct cli *cli, const struct client_call *call, json_t **out)
{
    struct exchange x = {.cli = cli};
    int exit = socket_path(&x);

    if (exit != CLI_DONE) {
        json_decref(call->body);
        goto end;
    }
    set_call(&x, call);

    CURLcode rc = curl_easy_perform(x.curl);

    exit = rc != CURLE_OK ? explain(&x, rc) : read_answer(&x, out);
end:
    exchange_clear(&x);
    return exit;
}

__attribute__((format(printf, 3, 0))) static int
get_from(struct cli *cli, json_t **out, const char *format, va_list args)
{
    char *path = text_make_from(format, args);
    int exit = client_call(
        cli, &(struct client_call){.method = "GET", .path = path}, out);

    free(path);
    return exit;
}

int client_get(struct cli *cli, json_t **out, const char *format, ...)
{
    va_list args;

    va_start(args, format);

    int exit = get_from(cli, out, format, args);

    va_end(args);
    return exit;
}

int client_list(struct cli *cli, json_t **out, const char *format, ...)
{
    va_list args;

    va_start(args, format);

    int exit = get_from(cli, out, format, args);

    va_end(args);
    return client_as_list(cli, exit, out);
}

int client_events(struct cli *cli, const char *path, client_event_fn event,
                  void *ctx)
{
    struct event_reader reader = {.event = event, .ctx = ctx};
    struct exchange x = {.cli = cli, .events = &reader};
    const struct client_call call = {.method = "GET", .path = path};
    int exit = socket_path(&x);
    json_t *answer = NULL;

    if (exit != CLI_DONE)
        goto end;
    set_call(&x, &call);

    CURLcode rc = curl_easy_perform(x.curl);

    exit = rc != CURLE_OK ? explain(&x, rc) : read_answer(&x, &answer);
    if (exit == CLI_DONE)
        exit = trouble_set(&cli->trouble, CLI_FAILED, "failed",
                           "the daemon ended the stream of changes: it was "
                           "stopped, or this reader was too slow for it");
    json_decref(answer);
end:
    event_reader_clear(&reader);
    exchange_clear(&x);
    return exit;
}
