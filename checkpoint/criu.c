/* libcriu: what is asked of CRIU, and what it asks in between. */
#include "checkpoint/criu.h"

#include <criu/criu.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "checkpoint/engine.h"
#include "checkpoint/executable.h"
#include "checkpoint/jail.h"
#include "checkpoint/reason.h"
#include "checkpoint/rounds.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/proc.h"
#include "runtime/base/str.h"

#define FREEZE_SECONDS 120
#define LOG_LEVEL 2		 /* warnings and errors; each line costs while the processes stand still */
#define GHOST_LIMIT (256u << 20) /* bytes of a deleted file that is still open */

/* A conversation with one CRIU process. libcriu hands the function that it calls in between nothing of ours, so the one
 * that is going on is known here. */
static struct session {
	const struct criu_request *request;
	struct err *err;
	criu_opts *opts;
	struct prisoner criu;
} *current;

const char *const criu_emptied_fs[] = {"hugetlbfs", "ramfs", NULL};

static const struct {
	const char *action;
	enum criu_moment moment;
} moments[] = {
	{"orphan-pts-master", CRIU_CONSOLE},	   {"post-dump", CRIU_DUMPED}, {"post-restore", CRIU_RESTORED},
	{"post-setup-namespaces", CRIU_FURNISHED}, {"pre-resume", CRIU_READY}, {"setup-namespaces", CRIU_NAMESPACES},
};

static int on_notify(char *action, criu_notify_arg_t argument)
{
	const struct criu_request *request = current->request;

	for (size_t i = 0; i < countof(moments); i++) {
		if (!str_eq(action, moments[i].action))
			continue;
		int fd = moments[i].moment == CRIU_CONSOLE ? criu_get_orphan_pts_master_fd() : -1;
		if (moments[i].moment == CRIU_DUMPED && executables_mend(request->files, current->err) < 0)
			return -EIO;
		return request->ask(request->ctx, moments[i].moment, criu_notify_pid(argument), fd, current->err);
	}
	return 0;
}

/* What holds for a dump holds for the restore of it. */
static int set_options(criu_opts *opts, const struct criu_request *request)
{
	int r = 0;

	criu_local_set_log_level(opts, LOG_LEVEL);
	criu_local_set_timeout(opts, FREEZE_SECONDS);
	criu_local_set_tcp_established(opts, true);
	criu_local_set_file_locks(opts, true);
	criu_local_set_link_remap(opts, true);
	criu_local_set_force_irmap(opts, true);
	criu_local_set_ghost_limit(opts, GHOST_LIMIT);
	criu_local_set_orphan_pts_master(opts, true);
	/* Else a terminal that is no session's is taken for lost, whoever has its master. */
	criu_local_set_shell_job(opts, true);
	criu_local_set_manage_cgroups(opts, true);
	criu_local_set_manage_cgroups_mode(opts, CRIU_CG_MODE_SOFT);
	criu_local_set_notify_cb(opts, on_notify);
	r |= criu_local_set_log_file(opts, request->log);
	r |= criu_local_set_network_lock(opts, CRIU_NETWORK_LOCK_NFTABLES);
	for (const char *const *fs = criu_emptied_fs; *fs; fs++)
		r |= criu_local_add_enable_fs(opts, *fs);
	for (const char *const *external = request->externals; *external; external++)
		r |= criu_local_add_external(opts, *external);
	return r;
}

static int open_session(struct session *session, struct jail jail)
{
	const struct criu_request *request = session->request;

	jail.files = request->files;
	jail.logs = request->log_dir;
	jail.group = request->group;
	int r = jail_start(&jail, &session->criu, session->err);
	if (r < 0)
		return r;
	if (criu_local_init_opts(&session->opts) < 0 || set_options(session->opts, request) < 0)
		return err_set(session->err, ENOMEM, "ask CRIU");
	criu_local_set_service_fd(session->opts, session->criu.sock);
	criu_local_set_images_dir_fd(session->opts, session->criu.files);
	criu_local_set_work_dir_fd(session->opts, session->criu.logs);
	current = session;
	return 0;
}

static void close_session(struct session *session)
{
	current = NULL;
	if (session->opts)
		criu_local_free_opts(session->opts);
	jail_end(&session->criu);
}

/* ---- version ---- */

static void note_version(void *ctx, const char *line)
{
	unsigned major, minor, patch = 0;

	if (sscanf(line, "Version: %u.%u.%u", &major, &minor, &patch) >= 2)
		*(unsigned *)ctx = major * 10000 + minor * 100 + patch;
}

int criu_usable(struct err *err)
{
	static const char *const argv[] = {"criu", "--version", NULL};
	struct utsname node;
	unsigned version = 0;

	int r = proc_run_lines(AT_FDCWD, argv, note_version, &version, err);
	if (r < 0 || uname(&node) < 0)
		return err_is(err, ERR_NOT_SUPPORTED, r < 0 ? r : -errno);
	return engine_check(version, node.release, err);
}

/* ---- why not ---- */

/* The first reason stays: that of whoever was asked in between. Else it is in the log. */
static int failed(struct session *session, const char *what)
{
	const struct criu_request *request = session->request;
	struct reason reason = {0};
	struct err unread = {0};

	if (session->err->kind != ERR_NONE)
		return -EIO;
	int killed = jail_killed(&session->criu);
	if (killed)
		return err_say(session->err, ERR_SYSTEM, "CRIU cannot %s the container: it was killed (%s)", what,
			       strsignal(killed));
	/* Asked only now: to start a program for it takes as long as much of a dump. */
	int r = criu_usable(session->err);
	if (r < 0)
		return r;
	if (reason_from_log(request->log_dir, request->log, &reason, &unread) <= 0)
		return err_say(session->err, ERR_SYSTEM, "CRIU cannot %s the container and does not say why", what);
	cleanup_free char *text = reason_text(&reason);
	return err_say(session->err, ERR_SYSTEM, "CRIU cannot %s the container: %s", what, text);
}

/* ---- requests ---- */

int criu_tracks_memory(const struct criu_request *request, struct err *err)
{
	struct session session = {.request = request, .err = err, .criu = PRISONER_NONE};
	struct criu_feature_check features = {.mem_track = true};

	int r = open_session(&session, (struct jail){.root = -1});
	if (r == 0 && criu_local_feature_check(session.opts, &features, sizeof(features)) < 0)
		r = failed(&session, "dump");
	close_session(&session);
	return r < 0 ? r : features.mem_track;
}

/* What is written once need not be written again. */
static int continue_rounds(struct session *session, bool more)
{
	criu_local_set_track_mem(session->opts, true);
	if (more && criu_local_set_parent_images(session->opts, JAIL_PARENT) < 0)
		return err_set(session->err, ENOMEM, "ask CRIU");
	return 0;
}

int criu_pre_dump_tree(const struct criu_request *request, pid_t pid, struct err *err)
{
	struct session session = {.request = request, .err = err, .criu = PRISONER_NONE};

	int round = rounds_add(request->files, err);
	int r = round < 0 ? round : open_session(&session, (struct jail){.root = -1, .round = (unsigned)round});
	if (r == 0)
		r = continue_rounds(&session, round > 1);
	if (r == 0) {
		criu_local_set_pid(session.opts, pid);
		criu_local_set_freeze_cgroup(session.opts, request->cgroup);
		if (criu_local_pre_dump(session.opts) < 0)
			r = failed(&session, "dump");
	}
	close_session(&session);
	return r;
}

int criu_dump_tree(const struct criu_request *request, pid_t pid, bool go_on, struct err *err)
{
	struct session session = {.request = request, .err = err, .criu = PRISONER_NONE};

	int r = open_session(&session, (struct jail){.root = -1});
	if (r == 0 && rounds_count(request->files) > 0)
		r = continue_rounds(&session, true);
	if (r == 0) {
		criu_local_set_pid(session.opts, pid);
		criu_local_set_leave_running(session.opts, go_on);
		criu_local_set_freeze_cgroup(session.opts, request->cgroup);
		if (criu_local_dump(session.opts) < 0)
			r = failed(&session, "dump");
	}
	close_session(&session);
	return r;
}

int criu_restore_tree(const struct criu_request *request, const struct criu_rebirth *rebirth, struct err *err)
{
	struct session session = {.request = request, .err = err, .criu = PRISONER_NONE};

	int r = open_session(&session, (struct jail){.root = rebirth->root, .owner = rebirth->owner});
	if (r == 0) {
		criu_local_set_root(session.opts, JAIL_ROOT);
		criu_local_add_cg_root(session.opts, NULL, rebirth->cgroup);
		criu_local_set_empty_ns(session.opts, rebirth->empty_network ? CLONE_NEWNET : 0);
		criu_local_set_tcp_close(session.opts, rebirth->empty_network);
		r = criu_local_restore(session.opts);
		if (r < 0)
			r = failed(&session, "restore");
	}
	close_session(&session);
	return r;
}
