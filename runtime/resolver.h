/* The name servers and search domains that this node itself uses: what `inherit` gives to a VE. */
#pragma once

struct err;

struct resolver {
	char *nameservers, *searchdomains; /* between blanks; NULL: none */
	char *skipped;			   /* the servers that no VE can ask, as the file has them; NULL: none */
};

void resolver_done(struct resolver *resolver);
#define cleanup_resolver __attribute__((cleanup(resolver_done)))

/* Read /etc/resolv.conf; when all servers in there are the node's own (a stub on a loopback address), those that
 * systemd-resolved asks in its turn. Servers on loopback and link-local addresses are no VE's. */
int resolver_read(struct resolver *ret, struct err *err);

/* The same in a tree that is not the node's root. */
int resolver_read_at(int root, struct resolver *ret, struct err *err);
