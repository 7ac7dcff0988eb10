/* The network of VEs: brought up, changed and taken down. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;
struct netns;
struct op;
struct state;
struct ve;
struct ve_config;

struct network_options {
	bool skip_arpdetect; /* do not ask the network whether somebody has the addresses, whatever vz.conf says */
	bool back;	     /* a change is taken back: nothing is checked that held before, and nothing said */
};

/* Bring up what the configuration asks for, in the namespace of a VE that does not run yet, and note it in the record:
 * duplicates are looked for first, and everybody is told afterwards. */
int network_up(struct op *op, const struct ve *ve, struct state *state, const struct netns *guest);

/* Take down what the record says. Idempotent; the counters are kept for the next time. */
int network_down(struct op *op, uint32_t ctid, struct state *state);

/* For a VE that is brought back from an image: make links for a namespace that is still to come, admit and record them;
 * then, when its processes are there and do not run yet, join their other ends; then, when they run, tell everybody. */
int network_park(struct op *op, uint32_t ctid, struct state *state, const struct ve_config *to,
		 const struct network_options *options);
int network_join(struct op *op, uint32_t ctid, const struct state *state, int netns);
void network_announce(struct op *op, uint32_t ctid, const struct state *state);

/* Change a running VE's network and its record, both or neither. */
int network_change(struct op *op, uint32_t ctid, struct state *state, const struct ve_config *to,
		   const struct network_options *options);

/* Answer for the addresses of all VEs that run, on the node's links as they are now, and announce them. */
int network_answer(struct op *op);
