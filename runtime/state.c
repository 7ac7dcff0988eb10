#include "runtime/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"

static char *record_path(uint32_t ctid)
{
	return str_fmt(PATH_RECORDS "/%u", ctid);
}

void state_done(struct state *state)
{
	free(state->cgroup);
	free(state->devices);
	config_done(&state->network);
	*state = (struct state){0};
}

static int number(const struct kvfile *file, const char *path, const char *key, uint64_t *ret, struct err *err)
{
	const char *text = kvfile_get(file, key);
	if (!text || str_u64(text, ret) < 0)
		return err_say(err, ERR_BAD_CONFIG, "%s: %s is missing or no number", path, key);
	return 0;
}

static int read_record(const struct kvfile *file, const char *path, struct state *state, struct err *err)
{
	uint64_t pid, granted;
	int r;

	const char *cgroup = kvfile_get(file, "CGROUP");
	if (!cgroup)
		return err_say(err, ERR_BAD_CONFIG, "%s: CGROUP is missing", path);
	if ((r = number(file, path, "PID", &pid, err)) < 0 ||
	    (r = number(file, path, "STARTTIME", &state->starttime, err)) < 0 ||
	    (r = number(file, path, "STARTED", &state->started, err)) < 0 ||
	    (r = number(file, path, "GRANTED", &granted, err)) < 0)
		return r;
	state->pid = (pid_t)pid;
	state->granted = (uint32_t)granted;
	state->cgroup = mem_strdup(cgroup);
	state->frozen = kvfile_get(file, "FROZEN") != NULL;
	state->devices = mem_strdup(kvfile_get(file, "DEVICES"));
	return param_load_some(&config_table, PARAM_NETWORK, 0, &state->network, file, path, err);
}

int state_load(uint32_t ctid, struct state *ret, struct err *err)
{
	cleanup_free char *path = record_path(ctid);
	cleanup_kvfile struct kvfile *file = NULL;
	cleanup_state struct state state = {0};

	int r = kvfile_load(AT_FDCWD, path, &file, err);
	if (r == 0)
		r = read_record(file, path, &state, err);
	if (r < 0)
		return r;
	*ret = state;
	state = (struct state){0};
	return 0;
}

int state_save(uint32_t ctid, const struct state *state, struct err *err)
{
	cleanup_free char *path = record_path(ctid);
	cleanup_kvfile struct kvfile *file = kvfile_new();

	kvfile_set_number(file, "PID", (uint64_t)state->pid);
	kvfile_set_number(file, "STARTTIME", state->starttime);
	kvfile_set_number(file, "STARTED", state->started);
	kvfile_set_number(file, "GRANTED", state->granted);
	kvfile_set(file, "CGROUP", state->cgroup);
	if (state->frozen)
		kvfile_set(file, "FROZEN", "yes");
	if (state->devices)
		kvfile_set(file, "DEVICES", state->devices);
	param_store(&config_table, &state->network, file);

	cleanup_free char *text = kvfile_text(file);
	int r = io_replace_file(AT_FDCWD, path, text, strlen(text), 0600);
	return r < 0 ? err_set(err, -r, "write %s", path) : 0;
}

int state_all(uint32_t **ret, size_t *ret_n, struct err *err)
{
	cleanup_free uint32_t *ctids = NULL;
	size_t n = 0;

	DIR *dir = opendir(PATH_RECORDS);
	if (!dir)
		return err_set(err, errno, "open %s", PATH_RECORDS);
	for (const struct dirent *entry; (entry = readdir(dir));) {
		uint32_t ctid;
		if (str_u32(entry->d_name, &ctid) < 0)
			continue;
		ctids = mem_grow(ctids, n + 1, sizeof(*ctids));
		ctids[n++] = ctid;
	}
	closedir(dir);
	*ret = steal_ptr(ctids);
	*ret_n = n;
	return 0;
}

int state_remove(uint32_t ctid, struct err *err)
{
	cleanup_free char *path = record_path(ctid);

	if (unlink(path) < 0 && errno != ENOENT)
		return err_set(err, errno, "remove %s", path);
	return 0;
}

uint64_t state_starttime(pid_t pid)
{
	cleanup_free char *path = str_fmt("/proc/%d/stat", pid);
	cleanup_free char *text = NULL;
	unsigned long long starttime;

	if (io_read_file(AT_FDCWD, path, &text, NULL) < 0)
		return 0;

	/* The second field, the command, is in parentheses and may hold anything: count from the last one. */
	const char *after = strrchr(text, ')');
	if (!after ||
	    sscanf(after, ") %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
		   &starttime) != 1)
		return 0;
	return starttime;
}

int state_pidfd(const struct state *state)
{
	if (state->pid <= 0)
		return -ESRCH;

	cleanup_fd int pidfd = pidfd_open(state->pid, 0);
	if (pidfd < 0 || state_starttime(state->pid) != state->starttime)
		return -ESRCH;

	/* A zombie has ended: its pidfd polls readable. */
	struct pollfd end = {.fd = pidfd, .events = POLLIN};
	if (poll(&end, 1, 0) != 0)
		return -ESRCH;
	return steal_fd(&pidfd);
}

int state_netns(const struct state *state, struct err *err)
{
	cleanup_fd int pidfd = state_pidfd(state);
	int fd = pidfd < 0 ? -1 : ioctl(pidfd, PIDFD_GET_NET_NAMESPACE, 0);

	/* It may end between the two, and then has no namespaces: ESRCH too. */
	if (pidfd < 0 || (fd < 0 && errno == ESRCH))
		return err_say(err, ERR_NOT_RUNNING, "the container has just ended");
	return fd < 0 ? err_set(err, errno, "open the VE's network namespace") : fd;
}
