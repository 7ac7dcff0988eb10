#include "runtime/checkable.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "checkpoint/criu.h"
#include "checkpoint/preflight.h"
#include "netns/links.h"
#include "netns/netns.h"
#include "quota/cgroup.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/external.h"
#include "runtime/op.h"
#include "runtime/state.h"

#define KILL_TIMEOUT_MS 10000
#define CONSOLE makedev(136, 0) /* the first terminal of its own devpts (UNIX98_PTY_SLAVE_MAJOR) */

static int read_links(const struct state *state, struct links *ret, struct err *err)
{
	cleanup_netns struct netns netns = {0};
	cleanup_fd int fd = state_netns(state, err);
	if (fd < 0)
		return fd;
	int r = netns_open(fd, &netns, err);
	return r < 0 ? r : links_read(&netns, ret, err);
}

static int look(const struct state *state, const struct links *links, struct obstacles *ret, struct err *err)
{
	cleanup_externals struct externals mounts = {0};
	cleanup_free struct preflight_link *list = mem_zero(links->n, sizeof(*list));

	cleanup_fd int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return err_set(err, errno, "open /proc");
	cleanup_fd int group = cgroup_open(state->cgroup, err);
	if (group < 0)
		return group;
	externals_mount_points(state->granted, &mounts);
	for (size_t i = 0; i < links->n; i++)
		list[i] = (struct preflight_link){links->list[i].name, links->list[i].kind};
	const struct preflight preflight = {
		.proc = proc,
		.cgroup = group,
		.init = state->pid,
		.external_mounts = (const char *const *)mounts.words,
		.enabled_fs = criu_emptied_fs,
		.console = CONSOLE,
		.links = list,
		.n_links = links->n,
	};
	return preflight_run(&preflight, ret, err);
}

int checkable_look(const struct state *state, struct obstacles *ret, struct err *err)
{
	cleanup_links struct links links = {0};

	int r = read_links(state, &links, err);
	return r < 0 ? r : look(state, &links, ret, err);
}

static int refuse(const struct obstacle *obstacle, size_t more, struct err *err)
{
	cleanup_free char *text = obstacle_text(obstacle);
	cleanup_free char *others = more ? str_fmt(" (and %zu more: --check lists them)", more) : mem_strdup("");

	return err_say(err, ERR_CHECKPOINT, "%s: %s%s", text, obstacle_remedy(obstacle->kind), others);
}

int checkable_must(struct op *op, const struct state *state)
{
	cleanup_obstacles struct obstacles obstacles = {0};
	const struct obstacle *first = NULL;

	int r = checkable_look(state, &obstacles, op->err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < obstacles.n; i++) {
		const struct obstacle *obstacle = &obstacles.items[i];
		if (obstacle_is_fatal(obstacle->kind)) {
			first = first ? first : obstacle;
			continue;
		}
		cleanup_free char *text = obstacle_text(obstacle);
		op_warn(op, "WARNING: %s: %s", text, obstacle_remedy(obstacle->kind));
	}
	return first ? refuse(first, obstacles.fatal - 1, op->err) : 0;
}

bool checkable_tell(struct op *op, const struct obstacles *obstacles)
{
	for (size_t i = 0; i < obstacles->n; i++) {
		const struct obstacle *obstacle = &obstacles->items[i];
		cleanup_free char *text = obstacle_text(obstacle);
		op_say(op, "%s%s: %s", obstacle_is_fatal(obstacle->kind) ? "" : "(warning) ", text,
		       obstacle_remedy(obstacle->kind));
	}
	if (obstacles->left_off)
		op_say(op, "and %zu more", obstacles->left_off);
	return !obstacles->fatal;
}

/* ---- who entered from outside ---- */

static ino_t pid_namespace(pid_t pid)
{
	cleanup_free char *path = str_fmt("/proc/%d/ns/pid", pid);
	struct stat st;

	return stat(path, &st) < 0 ? 0 : st.st_ino;
}

static pid_t parent_of(pid_t pid)
{
	cleanup_free char *path = str_fmt("/proc/%d/status", pid);
	cleanup_free char *status = NULL;

	if (io_read_file(AT_FDCWD, path, &status, NULL) < 0)
		return 0;
	return (pid_t)atoi(str_field(status, "PPid"));
}

static bool holds_session(const char *group, ino_t ve)
{
	cleanup_free char *procs = NULL;

	if (cgroup_read(group, "cgroup.procs", &procs) < 0)
		return false;
	for (const char *line = procs; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		pid_t parent = parent_of((pid_t)atoi(line));
		if (parent > 0 && pid_namespace(parent) != ve)
			return true;
	}
	return false;
}

int checkable_end_sessions(const struct state *state, struct err *err)
{
	cleanup_free char *parent = str_fmt("%s/exec", state->cgroup);
	struct err none = {0};
	cleanup_fd int dir = cgroup_open(parent, &none);
	DIR *groups = dir < 0 ? NULL : fdopendir(fcntl(dir, F_DUPFD_CLOEXEC, 0));
	ino_t ve = pid_namespace(state->pid);
	int r = 0;

	for (struct dirent *entry; r == 0 && groups && (entry = readdir(groups));) {
		cleanup_free char *group = str_fmt("%s/%s", parent, entry->d_name);
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.' && holds_session(group, ve))
			r = cgroup_kill(group, KILL_TIMEOUT_MS, err);
	}
	if (groups)
		closedir(groups);
	return r;
}
