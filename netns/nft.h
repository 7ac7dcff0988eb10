/* nftables, by libnftables, in a process of its own that owns our tables: a table with an owner can be changed and
 * flushed by nobody else (nft(8), table flags owner and persist). The process is vzfilter. It outlives vzd as VEs do,
 * so that the tables are never without it; should it die, the tables stay as they are, and the next one adopts them.
 *
 * On its socket, SOCK_STREAM, each connection is one transaction: the request is all that comes until the client shuts
 * its side down, nft's own language or one of the words "version" and "quit". The answer is an errno in decimal (0:
 * done) and a newline, then what nft printed or, of its errors, the first. */
#pragma once

#include <stdbool.h>

struct err;

/* Serve on the listening socket, SIGPIPE being ignored. Returns 0 when told to end, after which the tables are owned by
 * nobody. */
int nft_serve(int listener, struct err *err);

/* Have the commands run as one transaction by whoever serves at `socket_path`. *ret_output is what they print; the
 * caller frees; may be NULL. A failure names nft's first reason; EEXIST and ENOENT are told apart in the return value.
 */
int nft_run(const char *socket_path, const char *commands, char **ret_output, struct err *err);

/* Does one serve there, and is it of our own version? */
bool nft_is_current(const char *socket_path);

/* Have the one that serves there end. When this returns, the tables have no owner any more. */
void nft_quit(const char *socket_path);
