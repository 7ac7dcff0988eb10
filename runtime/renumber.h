/* A VE that gets another CTID, and maybe another range of ids, when it comes to another node: what of its configuration
 * and of the facts of its image follows from them. */
#pragma once

#include <stdint.h>

struct err;
struct kvfile;

struct renumber {
	uint32_t from, to;	     /* CTIDs */
	uint32_t from_base, to_base; /* host ids of its 0 */
};

/* The names that its interfaces have on the node, if nobody chose them; its MAC addresses stay. */
int renumber_config(struct kvfile *config, const struct renumber *renumber, struct err *err);

/* The same, and whose image it is. Facts of another VE's image stay what they are. */
int renumber_image(struct kvfile *facts, const struct renumber *renumber, struct err *err);
