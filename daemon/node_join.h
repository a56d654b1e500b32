/* node_join.h - tickets, doors, requests, relays; and who waits for them. */
#ifndef COVEY_DAEMON_NODE_JOIN_H
#define COVEY_DAEMON_NODE_JOIN_H

#include "daemon/node_peer.h"
#include "store/contact.h"

enum waiter_kind { WAITER_FRONTIER, WAITER_JOIN, WAITER_CARRY };

struct waiter {
    struct waiter *next;
    enum waiter_kind kind;
    uint64_t request;
    covey_time deadline;
    struct space_id space;
    bool caught_up;           /* WAITER_JOIN: not just left, all of it here */
    struct noise_key carrier; /* WAITER_CARRY */
    struct covey_buf wanted;  /* WAITER_FRONTIER: struct log_head items */
};

struct joining {
    struct joining *next;
    struct joining_row row;
    struct ticket ticket;
    struct ticket_keys keys;
    covey_time used_at; /* a door first said so; 0: none did.  By us, perhaps;
                         * not, if no knock has got us in since */
    char refused[200];  /* why a door said no for good; empty: go on */
};

/* node_join.c */
COVEY_MUST_USE enum covey_rc join_load(struct node *node);
void join_door_message(struct node *node, struct conn *c,
                       enum message_kind kind, struct covey_bytes body);
void join_up(struct node *node, struct conn *c); /* a door opened to us */
bool join_psk(struct node *node, const struct invite_id *id, struct seed *psk);
void join_epoch_changed(struct node *node, struct node_space *s);
COVEY_MUST_USE enum covey_rc join_start(struct node *node, const char *text,
                                        struct space_id *space,
                                        struct covey_why *why);
void join_forget(struct node *node, struct joining *gone);

/* node_admit.c */
void join_take_requests(struct node *node, struct node_space *s,
                        struct requests *r);
/* Requests are stored: the chair reads them, others pass them on. */
void join_requests_came(struct node *node, struct node_space *s);
void join_send_requests(struct node *node, struct node_space *s);
COVEY_MUST_USE enum covey_rc join_invite(struct node *node,
                                         struct node_space *s, enum role role,
                                         char *ticket_text,
                                         struct covey_why *why);
COVEY_MUST_USE enum covey_rc join_admit(struct node *node, struct node_space *s,
                                        int64_t request, struct covey_why *why);
/* Has the keeper of this relay allowed what a peer asks it to carry? */
bool join_may_carry(struct node *node, const struct conn *c);
void join_carry_asked(struct node *node, struct conn *c);
void join_carry_answer(struct node *node, struct conn *c, uint32_t code);

/* node_join.c */
struct joining *joining_of(struct node *node, const struct space_id *id);
void join_free_all(struct node *node);

/* node_wait.c */
/* Answer later; false (and an error is answered) when too many wait. */
struct waiter *wait_add(struct node *node, uint64_t request,
                        enum waiter_kind kind, const struct space_id *space,
                        covey_time wait);
void wait_check(struct node *node); /* after each flush and tick */
void wait_gone(struct node *node, uint64_t request);
void wait_free_all(struct node *node);

#endif
