/* The operations of a node that nobody asks for. */
#pragma once

struct err;
struct workers;

#define RECOVER_VERB "recover"
#define NETWORK_VERB "network"
#define NEIGHBOURS_VERB "neighbours"

/* Clear away what a crash left behind; `ended` is called when that is done, or was found impossible. */
int chore_recover(struct workers *workers, void (*ended)(void *ctx), void *ctx, struct err *err);

/* Make the tables of the network's filter anew (vz.conf may have changed, or nobody owned them); `ended` as above. */
int chore_network(struct workers *workers, void (*ended)(void *ctx), void *ctx, struct err *err);

/* Answer for the addresses of all VEs that run, on links of the node that have come up. */
int chore_neighbours(struct workers *workers, void (*ended)(void *ctx), void *ctx, struct err *err);

/* Make the embedded template, if it is missing. A node without it serves all the same: a failure is logged. */
void chore_template(struct workers *workers);
