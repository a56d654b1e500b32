#include "cli/command.h"

#include <string.h>

#include "cli/columns.h"
#include "cli/handlers.h"
#include "proto/rules.h"

/* Lists that end themselves. */
#define EXAMPLES(...)                                                          \
    (const char *const[])                                                      \
    {                                                                          \
        __VA_ARGS__, NULL                                                      \
    }
#define PARAMS(...)                                                            \
    (const struct param[])                                                     \
    {                                                                          \
        __VA_ARGS__,                                                           \
        {                                                                      \
            .name = NULL                                                       \
        }                                                                      \
    }

/* What comes by place, and must. */
#define PLACE(word, what, text)                                                \
    {                                                                          \
        .value = (word), .kind = (what), .required = true, .help = (text)      \
    }
#define SPACE PLACE("SPACE", PARAM_TEXT, "the space's name or its id")
#define ROW(text) PLACE("ID", PARAM_ROW, text)

/* What comes by name, and may. */
#define OPTION(word, stands, what, text)                                       \
    {                                                                          \
        .name = (word), .value = (stands), .kind = (what), .help = (text)      \
    }
#define NEEDED(word, stands, what, text)                                       \
    {                                                                          \
        .name = (word), .value = (stands), .kind = (what), .help = (text),     \
        .required = true                                                       \
    }
#define CHOICE(word, of, text)                                                 \
    {                                                                          \
        .name = (word), .value = (of), .choices = (of), .kind = PARAM_CHOICE,  \
        .help = (text)                                                         \
    }

#define LINE "\\\n      " /* an example goes on in a further line */
#define AN_ID "018f3a5b7c2de91f0044aa6b0c1d2e3f40516273"
#define AN_ADDRESS "5d21...b7@relay.example.org:7443"

/* The five verbs that each of the two great tables has. */
#define ROW_VERBS(noun, a_noun, list_params, add_example, set_example)         \
    {.words = noun " add",                                                     \
     .run = run_row_add,                                                       \
     .help = "write " a_noun " and print its id",                              \
     .more = "Without --space it is private to the school and stays here.  "   \
             "A - as TEXT stands for what standard input holds.",              \
     .examples = EXAMPLES add_example,                                         \
     .params = PARAMS(                                                         \
         OPTION("space", "SPACE", PARAM_TEXT, "the space that is to see it")), \
     .table = (noun),                                                          \
     .columns = COLUMNS_ADD},                                                  \
        {.words = noun " list",                                                \
         .run = run_row_list,                                                  \
         .help = "list them, with their ids",                                  \
         .examples =                                                           \
             EXAMPLES("covey " noun " list",                                   \
                      "covey --json " noun " list --space \"North cluster\""), \
         .params = PARAMS list_params,                                         \
         .table = (noun)},                                                     \
        {.words = noun " show",                                                \
         .run = run_row_show,                                                  \
         .help = "show " a_noun " whole, and what else was written to it",     \
         .examples = EXAMPLES("covey " noun " show " AN_ID),                   \
         .params = PARAMS(ROW("its id")),                                      \
         .table = (noun)},                                                     \
        {.words = noun " set",                                                 \
         .run = run_row_set,                                                   \
         .help = "change " a_noun,                                             \
         .more = "Only what is named changes; an empty value clears.  Give "   \
                 "an option several times where it may hold several values.",  \
         .examples = EXAMPLES set_example,                                     \
         .params = PARAMS(ROW("its id")),                                      \
         .table = (noun),                                                      \
         .columns = COLUMNS_SET},                                              \
    {                                                                          \
        .words = noun " delete", .run = run_row_delete,                        \
        .help = "delete " a_noun,                                              \
        .examples = EXAMPLES("covey " noun " delete " AN_ID),                  \
        .params = PARAMS(ROW("its id")), .table = (noun)                       \
    }

#define OF_SPACE                                                               \
    OPTION("space", "SPACE", PARAM_TEXT, "only those of this space")

const struct command commands[] = {
    {.words = "init",
     .run = run_init,
     .help = "make a record for a school, once; needs no daemon",
     .more =
         "Prints the member's id.  The recovery code on standard error is "
         "shown this once: write it down and keep it away from the machine.",
     .examples = EXAMPLES("covey --data /srv/covey init " LINE
                          "--name \"Sandy Upper School\" --urn 900004"),
     .params =
         PARAMS(NEEDED("name", "NAME", PARAM_NAME, "as its people call it"),
                OPTION("urn", "N", PARAM_NUMBER, "a school's URN"),
                CHOICE("kind", "school|council|partner",
                       "what it is; a school unless said"))},
    {.words = "address",
     .run = run_address,
     .help = "print KEY@HOST:PORT, by which others dial this node",
     .examples = EXAMPLES("covey address")},
    {.words = "status",
     .run = run_status,
     .help = "one screen: what is wrong, the spaces, the peers",
     .examples = EXAMPLES("covey status", "covey --json status")},

    {.words = "space create",
     .run = run_space_create,
     .help = "make a space, with this member in the chair, and print its id",
     .examples = EXAMPLES("covey space create \"North cluster\"",
                          "covey space create \"Peer review\" --kind named"),
     .params = PARAMS(
         PLACE("NAME", PARAM_NAME, "what it is called"),
         CHOICE("kind", "cluster|network|named", "a cluster unless said"),
         CHOICE("admit", "ask|at-once",
                "whether the chair is asked before a ticket lets "
                "somebody in; ask unless said"))},
    {.words = "space list",
     .run = run_space_list,
     .help = "list the spaces that this node is in or carries",
     .examples = EXAMPLES("covey space list")},
    {.words = "space show",
     .run = run_space_show,
     .help = "show one space",
     .examples = EXAMPLES("covey space show \"North cluster\""),
     .params = PARAMS(SPACE)},
    {.words = "space requests",
     .run = run_space_requests,
     .help = "list who asks to be let in",
     .examples = EXAMPLES("covey space requests \"North cluster\""),
     .params = PARAMS(SPACE)},
    {.words = "space admit",
     .run = run_space_admit,
     .help = "let in who asked, and print the new member's id",
     .more = "Compare the fingerprint by telephone before you do.",
     .examples = EXAMPLES("covey space admit \"North cluster\" 3"),
     .params = PARAMS(SPACE, PLACE("REQUEST", PARAM_NUMBER,
                                   "its number in covey space requests"))},
    {.words = "space carrier",
     .run = run_space_carrier,
     .help = "ask a relay to carry the space",
     .more = "A relay stores and forwards what it cannot read.  This works "
             "from behind NAT, since it is this node that dials.",
     .examples = EXAMPLES("covey space carrier \"North cluster\" " AN_ADDRESS),
     .params = PARAMS(SPACE, PLACE("KEY@HOST:PORT", PARAM_WORD,
                                   "the relay's covey address"))},
    {.words = "member list",
     .run = run_member_list,
     .help = "list the members of a space",
     .examples = EXAMPLES("covey member list \"North cluster\""),
     .params = PARAMS(SPACE)},

    {.words = "invite",
     .run = run_invite,
     .help = "print a ticket that lets one member in",
     .more = "One line that begins covey1; good once, through any carrier of "
             "the space.  A partner can be in a named space only.",
     .examples = EXAMPLES("covey invite \"North cluster\"",
                          "covey invite \"North cluster\" --role council"),
     .params = PARAMS(
         SPACE, CHOICE("role", "school|council|board|partner|carrier",
                       "what the newcomer will be; a school unless said"))},
    {.words = "join",
     .run = run_join,
     .help = "ask to be let in with a ticket, and print the space's id",
     .more = "Returns once the request is left; with --wait, once the member "
             "is admitted and has caught up.",
     .examples = EXAMPLES("covey join covey1AbCd...", "covey join --wait 600 "
                                                      "covey1AbCd..."),
     .params = PARAMS(PLACE("TICKET", PARAM_WORD, "the line from covey invite"),
                      OPTION("wait", "SECONDS", PARAM_NUMBER,
                             "wait at most so long to be let in"))},

    ROW_VERBS("priority", "a priority", (OF_SPACE),
              ("covey priority add --space \"North cluster\" " LINE
               "--title \"Reading at 11\" " LINE
               "--why \"50% reach the standard; in England 63%\" " LINE
               "--principle P5 --phase KS2"),
              ("covey priority set " AN_ID " --status proposed",
               "covey priority set " AN_ID " --phase KS2 --phase KS3")),
    ROW_VERBS(
        "action", "an action",
        (OF_SPACE,
         OPTION("priority", "ID", PARAM_ROW, "only those for this priority")),
        ("covey action add --space \"North cluster\" " LINE "--priority " AN_ID
         " " LINE "--title \"Pair year 4 and year 5 teachers\" " LINE
         "--owner \"Sandy Upper School\" --due 2026-12-18"),
        ("covey action set " AN_ID " --status \"in progress\"",
         "covey action set " AN_ID " --due \"\"")),
    {.words = "comment add",
     .run = run_comment_add,
     .help = "say something about a row, and print the comment's id",
     .examples = EXAMPLES("covey comment add " AN_ID " \"We can host this.\"",
                          "covey comment add " AN_ID " - < answer.txt"),
     .params = PARAMS(ROW("the row that it is about"),
                      PLACE("TEXT", PARAM_TEXT, "what you have to say"))},
    {.words = "comment list",
     .run = run_comment_list,
     .help = "list what was said about a row",
     .examples = EXAMPLES("covey comment list " AN_ID),
     .params = PARAMS(ROW("the row"))},
    {.words = "share",
     .run = run_share,
     .help = "put a copy of a row into a space, and print the copy's id",
     .examples = EXAMPLES("covey share " AN_ID " \"North cluster\""),
     .params = PARAMS(ROW("a priority or an action"), SPACE)},

    {.words = "log",
     .run = run_log,
     .help = "who wrote what, when, in which change set",
     .examples = EXAMPLES("covey log \"North cluster\"",
                          "covey log \"North cluster\" --row " AN_ID),
     .params = PARAMS(SPACE, OPTION("row", "ID", PARAM_ROW,
                                    "only what was written to this row"))},
    {.words = "sql",
     .run = run_sql,
     .help = "run one SQL statement on the shared tables",
     .more = "A write is captured, sealed and sent like any other.",
     .examples = EXAMPLES("covey sql \"SELECT title, due FROM action " LINE
                          "WHERE status <> 'done' ORDER BY due\"",
                          "covey sql \"UPDATE action SET status = 'done' " LINE
                          "WHERE id = '" AN_ID "'\""),
     .params = PARAMS(PLACE("STATEMENT", PARAM_LONG, "one statement"))},
    {.words = "watch",
     .run = run_watch,
     .help = "print changes as they happen, until interrupted",
     .examples = EXAMPLES("covey watch", "covey --json watch | jq .id")},
    {.words = "wait",
     .run = run_wait,
     .help = "return when this node holds at least a frontier",
     .more = "The frontier is that of covey status --json, from any node.",
     .examples = EXAMPLES("covey wait \"North cluster\" --timeout 30 " LINE
                          "--frontier - < frontier.json"),
     .params = PARAMS(SPACE,
                      NEEDED("frontier", "JSON", PARAM_LONG,
                             "[{\"author\", \"incarnation\", \"number\", "
                             "\"hash\"}]"),
                      NEEDED("timeout", "SECONDS", PARAM_NUMBER,
                             "give up after so long, with exit code 1"))},

    {.words = "peer list",
     .run = run_peer_list,
     .help = "list the nodes that this one knows, and how they are",
     .examples = EXAMPLES("covey peer list")},
    {.words = "peer add",
     .run = run_peer_add,
     .help = "dial a node from now on, and print its key",
     .examples = EXAMPLES("covey peer add " AN_ADDRESS),
     .params = PARAMS(
         PLACE("KEY@HOST:PORT", PARAM_WORD, "that node's covey address"))},
    {.words = "carry allow",
     .run = run_carry_allow,
     .help = "at a relay: carry a space, or all that a node asks for",
     .examples = EXAMPLES("covey carry allow 9f86d081884c7d659a2feaa0c55ad015"),
     .params = PARAMS(
         PLACE("SPACE-OR-KEY", PARAM_KEY, "a space's id or a node's key"))},
    {.words = "carry list",
     .run = run_carry_list,
     .help = "at a relay: what it carries for whom, and what waits",
     .examples = EXAMPLES("covey carry list")},
};
const size_t command_count = sizeof commands / sizeof commands[0];

/* ---- finding one ---- */

/* Does `words` begin with the words of argv?  *count of them. */
static bool command_is(const struct command *command, int argc,
                       char *const *argv, int *count)
{
    const char *words = command->words;

    for (*count = 0; *words != '\0'; (*count)++) {
        size_t len = strcspn(words, " ");

        if (*count == argc || strlen(argv[*count]) != len ||
            strncmp(words, argv[*count], len) != 0)
            return false;
        words += len + (words[len] == ' ');
    }
    return true;
}

const struct command *command_find(int argc, char *const *argv, int *words)
{
    for (size_t i = 0; i < command_count; i++) {
        if (command_is(&commands[i], argc, argv, words))
            return &commands[i];
    }
    return NULL;
}

bool command_is_group(const char *word)
{
    size_t len = strlen(word);

    for (size_t i = 0; i < command_count; i++) {
        if (strncmp(commands[i].words, word, len) == 0 &&
            commands[i].words[len] == ' ')
            return true;
    }
    return false;
}

/* ---- what it takes ---- */

static size_t add_columns(const struct command *command, struct param *out,
                          size_t count)
{
    const struct rule_table *table = rule_table_by_name(command->table);

    for (size_t i = 0; i < table->column_count; i++) {
        const struct rule_column *column = &table->columns[i];

        if (column->fixed)
            continue;
        CHECK(count < PARAMS_MAX);
        out[count++] = column_param(column, command->columns == COLUMNS_ADD);
    }
    return count;
}

size_t command_params(const struct command *command,
                      struct param out[PARAMS_MAX])
{
    const struct param *param = command->params;
    size_t count = 0;

    while (param != NULL && (param->name != NULL || param->value != NULL)) {
        CHECK(count < PARAMS_MAX);
        out[count++] = *param++;
    }
    if (command->columns == COLUMNS_NONE)
        return count;
    return add_columns(command, out, count);
}
