/* The varlink service on /run/vz/io.openve: who may call, and which verb is called. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-varlink.h>

#include "cmd/call.h"

#define ADMIN_GROUP "vzadmin"

struct server {
	sd_varlink_server *varlink;
	sd_varlink_interface *interface;
	gid_t admins; /* the group whose members may call; -1: there is none */
	bool closing;
	struct calls calls;
};

/* The group of administrators, -1 if the node has none. */
gid_t server_admins(void);

/* Make the socket, or take the one that is listening already (socket activation; -1: none), and serve. `calls` is set
 * up. */
int server_open(struct server *server, sd_event *event, int listening, struct err *err);

/* Take no new calls; those under way are answered. */
void server_stop(struct server *server);

void server_close(struct server *server);
