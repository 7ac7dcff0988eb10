/* Unix sockets: pairs, listeners by path and by abstract name, with data queued. */
#include "tests/objects/helper.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LISTENER, CALLER, CALLED };

/* Both ways, and kept for the next check. */
static bool passes(struct held *held, int a, int b)
{
	return ok(held, get(b, "there") && put(a, "there"), "what was queued is not there") &&
	       ok(held, get(a, "and back") && put(b, "and back"), "what was queued the other way is not there");
}

static bool queue(struct held *held, int a, int b)
{
	return ok(held, put(a, "there") && put(b, "and back"), "queue data: %m");
}

static bool prepare_pair(struct held *held, int type)
{
	return ok(held, socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, held->fd) == 0, "socketpair: %m") &&
	       queue(held, held->fd[0], held->fd[1]);
}

static bool prepare_stream(struct held *held)
{
	return prepare_pair(held, SOCK_STREAM);
}

/* Two datagrams, to see that their borders hold. */
static bool prepare_dgram(struct held *held)
{
	return prepare_pair(held, SOCK_DGRAM) && ok(held, put(held->fd[0], "second"), "send: %m");
}

static bool prepare_seqpacket(struct held *held)
{
	return prepare_pair(held, SOCK_SEQPACKET) && ok(held, put(held->fd[0], "second"), "send: %m");
}

static bool check_pair(struct held *held)
{
	return passes(held, held->fd[0], held->fd[1]);
}

static bool check_borders(struct held *held)
{
	char bytes[64];
	int a = held->fd[0], b = held->fd[1];
	bool first = read(b, bytes, sizeof(bytes)) == 5 && memcmp(bytes, "there", 5) == 0;
	bool second = read(b, bytes, sizeof(bytes)) == 6 && memcmp(bytes, "second", 6) == 0;

	return ok(held, first && second, "the two datagrams are not as they were sent") &&
	       ok(held, put(a, "there") && put(a, "second"), "send: %m") &&
	       ok(held, get(a, "and back") && put(b, "and back"), "the datagram the other way is not there");
}

static bool spoil_pair(struct held *held)
{
	return get(held->fd[1], "there");
}

static socklen_t address_of(struct held *held, bool abstract, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (abstract)
		return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				   (size_t)snprintf(ret->sun_path + 1, sizeof(ret->sun_path) - 1, "objects-held"));
	snprintf(ret->sun_path, sizeof(ret->sun_path), "%.80s/unix-socket", held->where);
	return sizeof(*ret);
}

static int call(struct held *held, bool abstract)
{
	struct sockaddr_un address;
	socklen_t size = address_of(held, abstract, &address);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (!ok(held, connect(fd, (const struct sockaddr *)&address, size) == 0, "connect to the listener: %m")) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool prepare_listener(struct held *held, bool abstract)
{
	struct sockaddr_un address;
	socklen_t size = address_of(held, abstract, &address);

	if (!abstract)
		unlink("unix-socket");
	held->id = abstract;
	held->fd[LISTENER] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (!ok(held, bind(held->fd[LISTENER], (const struct sockaddr *)&address, size) == 0, "bind: %m") ||
	    !ok(held, listen(held->fd[LISTENER], 5) == 0, "listen: %m"))
		return false;
	held->fd[CALLER] = call(held, abstract);
	held->fd[CALLED] = accept4(held->fd[LISTENER], NULL, NULL, SOCK_CLOEXEC);
	return ok(held, held->fd[CALLED] >= 0, "accept: %m") && queue(held, held->fd[CALLER], held->fd[CALLED]);
}

static bool prepare_path(struct held *held)
{
	return prepare_listener(held, false);
}

static bool prepare_abstract(struct held *held)
{
	return prepare_listener(held, true);
}

/* The old connection, and a new one; and whose it is. */
static bool check_listener(struct held *held)
{
	struct ucred peer = {0};
	socklen_t size = sizeof(peer);

	if (!passes(held, held->fd[CALLER], held->fd[CALLED]) ||
	    !ok(held, getsockopt(held->fd[CALLED], SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0, "SO_PEERCRED: %m") ||
	    !ok(held, peer.pid == getpid() && peer.uid == 0, "the caller is process %d of uid %d now", peer.pid,
		peer.uid))
		return false;
	int caller = call(held, held->id);
	int called = caller < 0 ? -1 : accept4(held->fd[LISTENER], NULL, NULL, SOCK_CLOEXEC);
	bool done = caller >= 0 && ok(held, called >= 0, "accept a new call: %m") &&
		    ok(held, put(caller, "new") && get(called, "new"), "nothing goes over a new connection");
	close(caller);
	close(called);
	return done;
}

static bool spoil_listener(struct held *held)
{
	return close(held->fd[LISTENER]) == 0;
}

struct kinds unix_kinds(void)
{
	static const struct kind list[] = {
		{"unix-stream-pair", prepare_stream, check_pair, spoil_pair},
		{"unix-dgram-pair", prepare_dgram, check_borders, spoil_pair},
		{"unix-seqpacket-pair", prepare_seqpacket, check_borders, spoil_pair},
		{"unix-listener", prepare_path, check_listener, spoil_listener},
		{"unix-abstract", prepare_abstract, check_listener, spoil_listener},
	};
	return (struct kinds){list, countof(list)};
}
