#include "daemon/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ini.h>

#include "daemon/heap.h"
#include "daemon/why.h"

enum config_kind {
    CONFIG_TEXT,     /* any text but the empty one */
    CONFIG_SWITCH,   /* --key alone; in the file yes or no */
    CONFIG_BOUND,    /* ADDR:PORT to listen on */
    CONFIG_LOOPBACK, /* the same, on this machine alone */
    CONFIG_ADDRESS,  /* HOST:PORT that others dial */
    CONFIG_DIALS,    /* KEY@HOST:PORT, as often as one likes */
};

enum config_place { CONFIG_ANYWHERE, CONFIG_FLAG_ONLY };

static const struct entry {
    const char *key;
    enum config_kind kind;
    enum config_place place;
    size_t offset;
    const char *value; /* what --help calls it; NULL for a switch */
    const char *help;
} entries[] = {
    {"data", CONFIG_TEXT, CONFIG_FLAG_ONLY, offsetof(struct config, data),
     "DIR", "where the record is (or COVEY_DATA in the environment)"},
    {"listen", CONFIG_BOUND, CONFIG_ANYWHERE, offsetof(struct config, listen),
     "ADDR:PORT",
     "let peers dial in here; port 0 picks one (default: nowhere)"},
    {"advertise", CONFIG_ADDRESS, CONFIG_ANYWHERE,
     offsetof(struct config, advertise), "HOST:PORT",
     "what peers are told to dial (default: the address of --listen)"},
    {"web", CONFIG_LOOPBACK, CONFIG_ANYWHERE, offsetof(struct config, web),
     "ADDR:PORT", "serve browsers on this machine; they show DIR/web.token"},
    {"dial", CONFIG_DIALS, CONFIG_ANYWHERE, offsetof(struct config, dials),
     "KEY@HOST:PORT", "keep a connection to this peer; may be repeated"},
    {"group", CONFIG_TEXT, CONFIG_ANYWHERE, offsetof(struct config, group),
     "NAME", "let this group of users open the socket too"},
    {"carry-all", CONFIG_SWITCH, CONFIG_ANYWHERE,
     offsetof(struct config, carry_all), NULL,
     "as a relay: carry every space that asks for it"},
    {"init", CONFIG_SWITCH, CONFIG_FLAG_ONLY, offsetof(struct config, init),
     NULL, "make a new record in DIR, and stop"},
    {"name", CONFIG_TEXT, CONFIG_FLAG_ONLY, offsetof(struct config, name),
     "NAME", "with --init: what the school or body is called"},
    {"urn", CONFIG_TEXT, CONFIG_FLAG_ONLY, offsetof(struct config, urn), "N",
     "with --init: its unique reference number"},
    {"kind", CONFIG_TEXT, CONFIG_FLAG_ONLY, offsetof(struct config, kind),
     "KIND", "with --init: school (default), council or partner"},
    {"api-doc", CONFIG_SWITCH, CONFIG_FLAG_ONLY,
     offsetof(struct config, api_doc), NULL, "print docs/api.md"},
    {"help", CONFIG_SWITCH, CONFIG_FLAG_ONLY, offsetof(struct config, help),
     NULL, "print this"},
    {"version", CONFIG_SWITCH, CONFIG_FLAG_ONLY,
     offsetof(struct config, version), NULL, "print the version"},
};
#define ENTRY_COUNT (sizeof entries / sizeof entries[0])

static const char **text_at(struct config *c, const struct entry *e)
{
    return (const char **)((char *)c + e->offset);
}

static bool *switch_at(struct config *c, const struct entry *e)
{
    return (bool *)((char *)c + e->offset);
}

static const struct entry *find_entry(const char *key, size_t len)
{
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        if (strlen(entries[i].key) == len &&
            memcmp(entries[i].key, key, len) == 0)
            return &entries[i];
    }
    return NULL;
}

void config_init(struct config *c)
{
    *c = (struct config){0};
}

static void drop(const char *text)
{
    free((void *)(uintptr_t)text); /* ours, though shown as const */
}

void config_clear(struct config *c)
{
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        if (entries[i].kind != CONFIG_SWITCH && entries[i].kind != CONFIG_DIALS)
            drop(*text_at(c, &entries[i]));
    }
    for (size_t i = 0; i < c->dial_count; i++)
        drop(c->dials[i]);
    *c = (struct config){0};
}

/* ---- values ---- */

static enum covey_rc read_switch(const char *value, bool *out,
                                 struct covey_why *why)
{
    if (strcmp(value, "yes") == 0 || strcmp(value, "true") == 0)
        *out = true;
    else if (strcmp(value, "no") == 0 || strcmp(value, "false") == 0)
        *out = false;
    else
        return why_fail(why, COVEY_EBAD, "%s is neither yes nor no", value);
    return COVEY_OK;
}

static enum covey_rc check_loopback(const char *value, struct covey_why *why)
{
    struct endpoint e;
    enum covey_rc rc = endpoint_read(value, &e, why);

    if (rc == COVEY_OK && !endpoint_is_loopback(&e))
        rc = why_fail(why, COVEY_EREFUSED,
                      "%s can be reached from other machines, and the page is "
                      "for this one alone: use 127.0.0.1 or [::1]",
                      value);
    return rc;
}

static enum covey_rc check_value(const struct entry *e, const char *value,
                                 struct covey_why *why)
{
    struct endpoint bound;
    struct ticket_address dial;

    switch (e->kind) {
    case CONFIG_TEXT:
        return *value != '\0' ? COVEY_OK
                              : why_fail(why, COVEY_EBAD, "a value is missing");
    case CONFIG_BOUND:
        return endpoint_read(value, &bound, why);
    case CONFIG_LOOPBACK:
        return check_loopback(value, why);
    case CONFIG_ADDRESS:
        return address_at_fits(
                   (struct covey_bytes){(const uint8_t *)value, strlen(value)})
                   ? COVEY_OK
                   : why_fail(why, COVEY_EBAD,
                              "%s is not HOST:PORT, with a port from 1 to "
                              "65535",
                              value);
    case CONFIG_DIALS:
        return address_read(value, &dial, why);
    case CONFIG_SWITCH:
        break;
    }
    return COVEY_OK;
}

/* Keep a value that was checked.  A list grows, anything else must be new. */
static enum covey_rc keep(struct config *c, const struct entry *e,
                          const char *value, struct covey_why *why)
{
    if (e->kind == CONFIG_DIALS) {
        if (c->dial_count == CONFIG_DIALS_MAX)
            return why_fail(why, COVEY_ELIMIT, "more than %u to dial",
                            CONFIG_DIALS_MAX);
        c->dials[c->dial_count++] = heap_text(value);
        return COVEY_OK;
    }
    if (*text_at(c, e) != NULL)
        return why_fail(why, COVEY_EEXISTS, "given twice");
    *text_at(c, e) = heap_text(value);
    return COVEY_OK;
}

/* ---- flags ---- */

static enum covey_rc misused(const struct entry *e, struct covey_why *why)
{
    struct covey_why reason = *why;

    return why_fail(why, COVEY_EUSAGE, "--%s: %.200s", e->key, reason.text);
}

/* One flag at argv[*at], with its value behind it or after "=". */
static enum covey_rc take_flag(struct config *c, const char *const *argv,
                               size_t count, size_t *at, struct covey_why *why)
{
    const char *flag = argv[(*at)++];
    size_t len = strcspn(flag, "=");
    const struct entry *e =
        strncmp(flag, "--", 2) == 0 ? find_entry(flag + 2, len - 2) : NULL;
    const char *value = flag[len] == '=' ? flag + len + 1 : NULL;

    if (e == NULL)
        return why_fail(why, COVEY_EUSAGE,
                        "there is no option %.100s (coveyd --help lists them)",
                        flag);
    if (e->kind == CONFIG_SWITCH) {
        *switch_at(c, e) = true;
        return value == NULL
                   ? COVEY_OK
                   : why_fail(why, COVEY_EUSAGE, "--%s takes no value", e->key);
    }
    if (value == NULL && *at == count)
        return why_fail(why, COVEY_EUSAGE, "--%s wants %s behind it", e->key,
                        e->value);
    if (value == NULL)
        value = argv[(*at)++];
    if (check_value(e, value, why) != COVEY_OK ||
        keep(c, e, value, why) != COVEY_OK)
        return misused(e, why);
    return COVEY_OK;
}

enum covey_rc config_flags(struct config *c, const char *const *argv,
                           size_t count, struct covey_why *why)
{
    for (size_t at = 0; at < count;) {
        enum covey_rc rc = take_flag(c, argv, count, &at, why);

        if (rc != COVEY_OK)
            return rc;
    }
    return COVEY_OK;
}

/* ---- the file ---- */

/* inih tells no line numbers to its handler, so the lines are counted where
 * they are handed to it. */
struct reading {
    struct config *file; /* what this file says */
    const char *rest;
    int line;
    int bad_line; /* the first that was refused, 0: none */
    struct covey_why *why;
};

static void refuse(struct reading *r, const char *key, const char *text)
{
    if (r->bad_line != 0)
        return;
    r->bad_line = r->line;
    why_fail(r->why, COVEY_EBAD, "line %d: %s%s%.180s", r->line, key,
             *key == '\0' ? "" : ": ", text);
}

/* fgets() from memory.  A line that does not fit would be torn in two. */
static char *next_line(char *out, int size, void *ctx)
{
    struct reading *r = ctx;
    size_t len = strcspn(r->rest, "\n");

    if (*r->rest == '\0')
        return NULL;
    r->line++;
    if (len > CONFIG_LINE_MAX || len + 3 > (size_t)size) {
        refuse(r, "", "the line is too long");
        snprintf(out, (size_t)size, "\n");
    } else {
        memcpy(out, r->rest, len);
        memcpy(out + len, "\n", 2);
    }
    r->rest += len + (r->rest[len] == '\n');
    return out;
}

static int take_line(void *ctx, const char *section, const char *key,
                     const char *value)
{
    struct reading *r = ctx;
    struct covey_why why = {""};
    const struct entry *e = find_entry(key, strlen(key));

    if (*section != '\0') {
        refuse(r, section, "there are no sections in this file");
    } else if (e == NULL || e->place == CONFIG_FLAG_ONLY) {
        refuse(r, key, "there is no such key");
    } else if (e->kind == CONFIG_SWITCH) {
        if (read_switch(value, switch_at(r->file, e), &why) != COVEY_OK)
            refuse(r, key, why.text);
    } else if (check_value(e, value, &why) != COVEY_OK ||
               keep(r->file, e, value, &why) != COVEY_OK) {
        refuse(r, key, why.text);
    }
    return 1; /* what is wrong with a value is noted already */
}

/* Move from the file what no flag has said. */
static enum covey_rc join(struct config *c, struct config *file,
                          struct covey_why *why)
{
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        const struct entry *e = &entries[i];

        if (e->kind == CONFIG_SWITCH) {
            *switch_at(c, e) |= *switch_at(file, e);
        } else if (e->kind != CONFIG_DIALS && *text_at(c, e) == NULL) {
            *text_at(c, e) = *text_at(file, e);
            *text_at(file, e) = NULL;
        }
    }
    if (c->dial_count + file->dial_count > CONFIG_DIALS_MAX)
        return why_fail(why, COVEY_EBAD, "more than %u to dial",
                        CONFIG_DIALS_MAX);
    for (size_t i = 0; i < file->dial_count; i++)
        c->dials[c->dial_count++] = file->dials[i];
    file->dial_count = 0;
    return COVEY_OK;
}

enum covey_rc config_text(struct config *c, const char *text,
                          struct covey_why *why)
{
    struct config file;
    struct reading r = {&file, text, 0, 0, why};
    enum covey_rc rc = COVEY_OK;

    config_init(&file);

    int bad = ini_parse_stream(next_line, &r, take_line, &r);

    if (bad > 0 && (r.bad_line == 0 || bad < r.bad_line)) {
        why_fail(why, COVEY_EBAD, "line %d: not of the form `key = value`",
                 bad);
        r.bad_line = bad;
    }
    if (bad < 0)
        rc = why_fail(why, COVEY_ENOMEM, "out of memory");
    else if (r.bad_line != 0)
        rc = COVEY_EBAD;
    else
        rc = join(c, &file, why);
    config_clear(&file);
    return rc;
}

/* The whole file as text; NULL with why. */
static char *read_file(int fd, struct covey_why *why)
{
    char *text = heap_new(CONFIG_FILE_MAX + 2);
    size_t len = 0;

    while (len <= CONFIG_FILE_MAX) {
        ssize_t n = read(fd, text + len, CONFIG_FILE_MAX + 1 - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            why_errno(why, errno, "cannot be read");
            goto fail;
        }
        if (n == 0)
            break;
        len += (size_t)n;
    }
    if (len <= CONFIG_FILE_MAX && strlen(text) == len)
        return text;
    why_fail(why, COVEY_EBAD, "longer than %u bytes, or not a text",
             CONFIG_FILE_MAX);

fail:
    free(text);
    return NULL;
}

enum covey_rc config_file(struct config *c, const char *dir,
                          struct covey_why *why)
{
    char *path = heap_print("%s/%s", dir, CONFIG_FILE);
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct covey_why reason = {""};
    enum covey_rc rc = COVEY_EBAD;

    if (fd < 0) {
        rc = errno == ENOENT || errno == ENOTDIR
                 ? COVEY_OK
                 : why_errno(why, errno, "cannot open %s", path);
        free(path);
        return rc;
    }

    char *text = read_file(fd, &reason);

    close(fd);
    if (text != NULL)
        rc = config_text(c, text, &reason);
    if (rc != COVEY_OK)
        why_fail(why, rc, "%s: %.180s", path, reason.text);
    free(text);
    free(path);
    return rc;
}

void config_help(struct covey_buf *out)
{
    static const char head[] =
        "usage: coveyd --data DIR [option]...\n"
        "       coveyd --init --data DIR --name NAME [--urn N] [--kind KIND]\n"
        "\n"
        "Keeps the record in DIR and exchanges it with its peers.\n"
        "\n";
    static const char tail[] =
        "\n"
        "All but those that name a directory or an errand may stand in\n"
        "DIR/covey.conf too, one a line: `listen = 0.0.0.0:4100`.\n"
        "\n"
        "Prints `ready socket=... listen=... web=...` once it serves.  Exits "
        "0\n"
        "when it was stopped, 1 when it failed, 2 when it was misused, 74 "
        "when\n"
        "the disk reported a fault.\n";
    char line[160];
    char flag[40];

    buf_append(out, head, sizeof head - 1);
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        const struct entry *e = &entries[i];

        snprintf(flag, sizeof flag, "--%s%s%s", e->key,
                 e->value == NULL ? "" : " ", e->value == NULL ? "" : e->value);
        snprintf(line, sizeof line, "  %-24s %s\n", flag, e->help);
        buf_append(out, line, strlen(line));
    }
    buf_append(out, tail, sizeof tail - 1);
}
