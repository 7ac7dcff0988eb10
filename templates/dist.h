/* What a system says of itself in its own files, whatever its distribution: its name, the name servers it asks, the
 * interfaces that its network scripts have to leave alone. Which files these are is a table, and what is there decides.
 *
 * The tree is its owner's and he is hostile (see templates/treefile.h): call this as its root, in its own namespaces.
 */
#pragma once

struct err;

/* NULL: nothing is written about that, its files stay as they are. Lists are separated by blanks. */
struct dist_names {
	char *hostname;	   /* "web", "web.example.com" */
	char *address;	   /* of its own, for /etc/hosts beside the host name; NULL: 127.0.1.1, as Debian has it */
	char *nameservers; /* addresses */
	char *searchdomains;
	char *services; /* settings for all services of its systemd: a drop-in (systemd.unit(5)), until it stops */
	char *routed, *bridged; /* names of interfaces that somebody else gives their addresses and routes */
};

void dist_names_done(struct dist_names *names);
#define cleanup_dist_names __attribute__((cleanup(dist_names_done)))

/* Write it into the tree. What says so already is not touched. All is tried: the first reason why something could not
 * be written is returned when the rest is done. */
int dist_write(int root, const struct dist_names *names, struct err *err);
