/* handlers.h - what the verbs run, one a row of the table in command.c.
 *
 * Each gets a call whose arguments are checked, prints its result and returns
 * the exit code; a failure has filled cli->trouble. */
#ifndef COVEY_CLI_HANDLERS_H
#define COVEY_CLI_HANDLERS_H

#include "cli/cli.h"

int run_init(struct cli *cli);

int run_space_create(struct cli *cli);
int run_space_list(struct cli *cli);
int run_space_show(struct cli *cli);
int run_space_requests(struct cli *cli);
int run_space_admit(struct cli *cli);
int run_space_carrier(struct cli *cli);
int run_member_list(struct cli *cli);

int run_carry_allow(struct cli *cli);
int run_carry_list(struct cli *cli);
int run_address(struct cli *cli);
int run_peer_list(struct cli *cli);
int run_peer_add(struct cli *cli);

int run_invite(struct cli *cli);
int run_join(struct cli *cli);

int run_row_add(struct cli *cli);
int run_row_list(struct cli *cli);
int run_row_show(struct cli *cli);
int run_row_set(struct cli *cli);
int run_row_delete(struct cli *cli);
int run_comment_add(struct cli *cli);
int run_comment_list(struct cli *cli);
int run_share(struct cli *cli);

int run_sql(struct cli *cli);
int run_log(struct cli *cli);
int run_status(struct cli *cli);
int run_watch(struct cli *cli);
int run_wait(struct cli *cli);

#endif
