/* ledger.h - what the world has seen, beside what each host's record says.
 *
 * Every change set that any host ever held, who holds it now, what was promised
 * to whoever wrote; read through a connection of the world's own to each
 * record, never from the node's memory. */
#ifndef COVEY_TESTS_SIM_LEDGER_H
#define COVEY_TESTS_SIM_LEDGER_H

#include <sqlite3.h>

#include "daemon/idmap.h"
#include "proto/base.h"

#define LEDGER_HOSTS_MAX 220u
#define LEDGER_SPACES_MAX 3u
#define LEDGER_TABLES 2u /* whose rows people edit */

struct run;

/* One change set. */
struct ledger_entry {
    struct hash hash;
    struct sign_key author;
    struct incarnation incarnation;
    uint64_t number;
    uint64_t clock;
    size_t space;
    size_t home;  /* the host whose key signed it; LEDGER_HOSTS_MAX: none */
    bool excused; /* its host came back from an older copy of its disk */
    uint64_t held[(LEDGER_HOSTS_MAX + 63) / 64];
    int state, verdict; /* at the first reader that had judged; -1: none */
    struct ledger_entry *next_place; /* another with the same key */
    struct ledger_entry *next_hash;
};

/* One change set as one record holds it. */
struct ledger_seen {
    uint64_t clock;
    uint64_t below; /* the greatest clock among what it cites or follows */
    bool complete;  /* all of that was here before it */
    bool waits;     /* it waited here when it was first looked at ... */
    bool rests;     /* ... and so did some of what it cites or follows */
};

/* One space as one host's record holds it. */
struct ledger_view {
    int64_t n; /* the record's number for it; 0: not here */
    bool carried;
    int64_t epoch; /* the newest one's number */
    uint8_t label[16];
    struct sign_key author;   /* of this host here; made from the label */
    struct ledger_seen *seen; /* in the order of seq, which counts from 1 */
    size_t count, cap, checked;
    int64_t comment; /* rowid of the newest one that was looked at */
};

struct ledger_host {
    bool fresh;   /* it has just started */
    bool excused; /* it came back from an older copy once: what only others hold
                   * of what it signed before then may be missing there */
    sqlite3 *db;  /* NULL: the host is down */
    sqlite3_stmt *space, *news, *comments, *question, *row[LEDGER_TABLES];
    struct ledger_view views[LEDGER_SPACES_MAX];
};

/* A comment whose writer was told that it is saved. */
struct ledger_promise {
    size_t host, space;
    bool told;
    bool excused; /* its host came back from an older copy of its disk */
};

struct ledger {
    struct ledger_entry **entries; /* in the order in which they were seen */
    size_t count, cap, checked;
    struct idmap by_hash;  /* first 8 bytes */
    struct idmap by_place; /* author, incarnation, number; hashed */
    struct ledger_host *hosts;
    struct ledger_promise *promises; /* by number, from 1 */
    size_t promise_count, promise_cap;
};

void ledger_begin(struct run *r);
void ledger_free(struct run *r);

/* Is the host up, and its disk in order? */
bool ledger_sees(const struct run *r, size_t i);
/* A host is up: read its whole record.  Or goes down: read what is new, and let
 * go of it. */
void ledger_up(struct run *r, size_t i);
void ledger_down(struct run *r, size_t i);
/* Read what is new at every host, and check it. */
void ledger_look(struct run *r);
/* Does a host in order hold every epoch of the space that any of them does? */
bool ledger_is_abreast(const struct run *r, size_t i, size_t space);
/* Read every record anew, verdicts too. */
void ledger_reread(struct run *r);

void *ledger_grow(void *items, size_t *cap, size_t count, size_t size);
/* The table and id of some priority or action (the `at`th, round and round)
 * that a host's record shows in a space; false: there is none. */
bool ledger_row(struct run *r, size_t i, size_t space, uint64_t at,
                char table[16], char id[41]);
uint64_t ledger_promise(struct run *r, size_t host, size_t space);
/* The host's disk is an older one now. */
void ledger_excuse(struct run *r, size_t host);
/* NULL: no host ever held it. */
const struct ledger_entry *ledger_entry(const struct ledger *l,
                                        const struct hash *hash);
bool ledger_holds(const struct ledger_entry *e, size_t host);
bool ledger_held(const struct ledger_entry *e); /* by any host */

#endif
