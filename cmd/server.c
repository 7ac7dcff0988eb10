#include "cmd/server.h"

#include <assert.h>
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/errors.h"
#include "cmd/interface.h"
#include "cmd/log.h"
#include "cmd/verbs.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"

/* A connection costs some 100 KiB until it calls. An exec holds one for as long as its command runs. */
#define CONNECTIONS_MAX 4096
#define CONNECTIONS_PER_UID_MAX 3072

#define GROUPS_MAX 1024

gid_t server_admins(void)
{
	const struct group *group = getgrnam(ADMIN_GROUP);
	return group ? group->gr_gid : (gid_t)-1;
}

/* The groups that the caller had when it connected, as the kernel noted them: no user database is asked. */
static bool is_member(sd_varlink *link, gid_t gid)
{
	gid_t groups[GROUPS_MAX], own;
	socklen_t size = sizeof(groups);

	if (gid == (gid_t)-1)
		return false;
	if (sd_varlink_get_peer_gid(link, &own) >= 0 && own == gid)
		return true;
	if (getsockopt(sd_varlink_get_fd(link), SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
		return false;
	for (size_t i = 0; i < size / sizeof(gid_t); i++)
		if (groups[i] == gid)
			return true;
	return false;
}

static int check_caller(const struct server *server, sd_varlink *link, uid_t *ret_uid, struct err *err)
{
	if (server->closing)
		return err_say(err, ERR_INTERRUPTED, "vzd is shutting down; try again when it is back");

	int r = sd_varlink_get_peer_uid(link, ret_uid);
	if (r < 0)
		return err_set(err, -r, "find out who calls");
	if (*ret_uid != 0 && !is_member(link, server->admins))
		return err_say(err, ERR_PERMISSION,
			       "only root and members of group " ADMIN_GROUP " may do this, not uid %u", *ret_uid);
	return 0;
}

static int dispatch(sd_varlink *link, sd_json_variant *parameters, sd_varlink_method_flags_t flags,
		    const struct verb *verb)
{
	struct server *server = sd_varlink_server_get_userdata(sd_varlink_get_server(link));
	struct err err = {0};
	uid_t uid = (uid_t)-1;

	if (check_caller(server, link, &uid, &err) == 0)
		call_begin(&server->calls, link, verb, parameters, flags, uid);
	else if (!(flags & SD_VARLINK_METHOD_ONEWAY))
		call_refuse(link, &err);
	return 0;
}

/* sd-varlink does not tell a method what it is called: each row of the verb table has an entry of its own. */
#define ENTRY(i)                                                                                                       \
	static int entry_##i(sd_varlink *link, sd_json_variant *parameters, sd_varlink_method_flags_t flags,           \
			     void *userdata)                                                                           \
	{                                                                                                              \
		(void)userdata;                                                                                        \
		return dispatch(link, parameters, flags, &verb_table[i]);                                              \
	}

/* clang-format off */
ENTRY(0) ENTRY(1) ENTRY(2) ENTRY(3) ENTRY(4) ENTRY(5) ENTRY(6) ENTRY(7)
ENTRY(8) ENTRY(9) ENTRY(10) ENTRY(11) ENTRY(12) ENTRY(13) ENTRY(14) ENTRY(15)
ENTRY(16) ENTRY(17) ENTRY(18) ENTRY(19) ENTRY(20) ENTRY(21) ENTRY(22) ENTRY(23)
ENTRY(24) ENTRY(25) ENTRY(26) ENTRY(27) ENTRY(28) ENTRY(29) ENTRY(30) ENTRY(31)
ENTRY(32) ENTRY(33) ENTRY(34) ENTRY(35) ENTRY(36) ENTRY(37) ENTRY(38) ENTRY(39)

static const sd_varlink_method_t entries[] = {
	entry_0, entry_1, entry_2, entry_3, entry_4, entry_5, entry_6, entry_7,
	entry_8, entry_9, entry_10, entry_11, entry_12, entry_13, entry_14, entry_15,
	entry_16, entry_17, entry_18, entry_19, entry_20, entry_21, entry_22, entry_23,
	entry_24, entry_25, entry_26, entry_27, entry_28, entry_29, entry_30, entry_31,
	entry_32, entry_33, entry_34, entry_35, entry_36, entry_37, entry_38, entry_39,
};
static_assert(countof(entries) == VERBS_MAX, "each verb has an entry");
/* clang-format on */

static int on_connect(sd_varlink_server *varlink, sd_varlink *link, void *userdata)
{
	(void)varlink;
	(void)userdata;

	int r = sd_varlink_set_allow_fd_passing_input(link, true);
	return r < 0 ? r : sd_varlink_set_allow_fd_passing_output(link, true);
}

static void on_disconnect(sd_varlink_server *varlink, sd_varlink *link, void *userdata)
{
	(void)varlink;
	(void)userdata;
	call_hang_up(link);
}

static int bind_verbs(sd_varlink_server *varlink)
{
	for (size_t i = 0; i < verb_count; i++) {
		cleanup_free char *method = str_fmt(INTERFACE_NAME ".%s", verb_table[i].method);
		int r = sd_varlink_server_bind_method(varlink, method, entries[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int set_up(struct server *server, sd_event *event)
{
	sd_varlink_server *varlink = server->varlink;
	int r;

	sd_varlink_server_set_userdata(varlink, server);
	if ((r = sd_varlink_server_set_info(varlink, "OpenVE", "vzd", OPENVE_VERSION, NULL)) < 0 ||
	    (r = sd_varlink_server_set_connections_max(varlink, CONNECTIONS_MAX)) < 0 ||
	    (r = sd_varlink_server_set_connections_per_uid_max(varlink, CONNECTIONS_PER_UID_MAX)) < 0 ||
	    (r = sd_varlink_server_add_interface(varlink, server->interface)) < 0 || (r = bind_verbs(varlink)) < 0 ||
	    (r = sd_varlink_server_bind_connect(varlink, on_connect)) < 0 ||
	    (r = sd_varlink_server_bind_disconnect(varlink, on_disconnect)) < 0)
		return r;
	return sd_varlink_server_attach_event(varlink, event, SD_EVENT_PRIORITY_NORMAL);
}

static int listen_on(const struct server *server, int listening)
{
	if (listening >= 0)
		return sd_varlink_server_listen_fd(server->varlink, listening);

	int r = sd_varlink_server_listen_address(server->varlink, PATH_SOCKET, 0660);
	if (r >= 0 && chown(PATH_SOCKET, 0, server->admins == (gid_t)-1 ? 0 : server->admins) < 0)
		r = -errno;
	return r;
}

int server_open(struct server *server, sd_event *event, int listening, struct err *err)
{
	server->interface = interface_new();

	int r = sd_varlink_server_new(&server->varlink, SD_VARLINK_SERVER_ACCOUNT_UID);
	if (r >= 0)
		r = set_up(server, event);
	if (r < 0)
		return err_set(err, -r, "set up the varlink service");
	r = listen_on(server, listening);
	return r < 0 ? err_set(err, -r, "listen on %s", PATH_SOCKET) : 0;
}

void server_stop(struct server *server)
{
	server->closing = true;
}

void server_close(struct server *server)
{
	calls_close(&server->calls);
	server->varlink = sd_varlink_server_unref(server->varlink);
	interface_free(server->interface);
	server->interface = NULL;
}
