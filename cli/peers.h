/* peers.h - how peers are shown, by `covey peer list` and `covey status`. */
#ifndef COVEY_CLI_PEERS_H
#define COVEY_CLI_PEERS_H

#include "cli/table.h"

extern const struct table_view peer_view;

#endif
