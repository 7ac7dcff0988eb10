/* Bringing a VE's processes back from an image, and making sure that what comes is what a start would have made. */
#pragma once

struct op;
struct running;
struct err;
struct kvfile;
struct ve;
struct state;

/* The file of an image that says which controllers the VE's groups have, see quota/subtree.h. */
#define REBIRTH_GROUPS "groups"

/* What an image says of the VE that it is of, beside its files: the facts of its manifest. */
struct kvfile *rebirth_facts(const struct ve *ve, const struct state *state, const char *links);
/* That part of it that is about files: all there is to say without processes. */
struct kvfile *rebirth_disk_facts(const struct ve *ve);

/* A fact of an image that a clone comes from: "yes", its network and its host name are those of the configuration, not
 * what its processes knew. */
#define REBIRTH_CLONE "CLONE"

/* Refuse an image that is not this VE's, or that this node cannot bring back. */
int rebirth_check(const struct ve *ve, const struct kvfile *facts, struct err *err);
/* Refuse one that goes with files which are not this VE's, or do not lie as its configuration has it. */
int rebirth_check_disk(const struct ve *ve, const struct kvfile *facts, struct err *err);

/* Two of the steps of runtime/running.h: links for a namespace to come; the processes, up to where they run. */
int rebirth_links(struct op *op, struct running *running);
int rebirth_restore(struct op *op, struct running *running);
