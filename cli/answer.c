/* What the daemon answers, told apart: a value, or why not. */
#include <string.h>

#include "cli/client.h"

/* {"error":{"code","text"}} */
static int refused(struct cli *cli, long status, const json_t *answer)
{
    const json_t *error = json_object_get(answer, "error");
    const char *code = field_text(error, "code");
    const char *text = field_text(error, "text");
    int exit = strcmp(code, "ambiguous") == 0 ? CLI_MISUSED : CLI_FAILED;

    if (*text == '\0')
        return trouble_set(&cli->trouble, exit, "failed",
                           "the daemon refused without a reason (HTTP %ld)",
                           status);
    return trouble_set(&cli->trouble, exit, *code == '\0' ? "failed" : code,
                       "%s", text);
}

int client_answer(struct cli *cli, long status, const char *p, size_t len,
                  json_t **out)
{
    const size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL;
    json_t *answer = len == 0 ? json_null() : json_loadb(p, len, flags, NULL);

    if (status >= CLIENT_REFUSED) {
        int exit = refused(cli, status, answer);

        json_decref(answer);
        return exit;
    }
    if (answer == NULL)
        return cli_odd_answer(cli);
    *out = answer;
    return CLI_DONE;
}

int client_as_list(struct cli *cli, int exit, json_t **out)
{
    if (exit != CLI_DONE || json_is_array(*out))
        return exit;
    json_decref(*out);
    *out = NULL;
    return cli_odd_answer(cli);
}
