/* libcgroup knows where the hierarchy is mounted and to which version a controller is bound, and it makes and removes
 * our own groups. Controller files are read and written here: libcgroup looks through /proc/mounts before each write,
 * drops the empty value that resets a cpuset, and hands every file of a group to its delegate. What a delegate made
 * below its group is removed here as well: it can nest groups deeper than the longest path name. */
#include "quota/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <libcgroup.h>
#include <limits.h>
#include <mntent.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define BASE_WITHOUT_SYSTEMD "openve"
#define OWN_GROUP_UNDER_SYSTEMD "/supervisor"
#define READABLE_DIRECTORY (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* A group whose last process is still on its way out of the kernel refuses rmdir for a moment. */
#define REMOVE_TRIES 200
#define REMOVE_PAUSE_MS 5

/* libcgroup gives whoever has set no logger one that writes to stdout. */
static void log_nothing(void *unused, int level, const char *format, va_list arguments)
{
	(void)unused;
	(void)level;
	(void)format;
	(void)arguments;
}

/* libcgroup makes groups below the cgroup2 mount that it saw last, which is the last in its list. */
static char *mount_point(void)
{
	char **mounts, *last = NULL;

	if (cgroup_list_mount_points(CGROUP_V2, &mounts) != 0)
		return NULL;
	for (char **mount = mounts; *mount; mount++) {
		free(last);
		last = *mount;
	}
	free(mounts);
	return last;
}

int cgroup_setup(struct err *err)
{
	cgroup_set_logger(log_nothing, CGROUP_LOG_ERROR, NULL);

	int r = cgroup_init();
	if (r != 0 && r != ECGROUPNOTMOUNTED)
		return err_say(err, ERR_SYSTEM, "cannot find the cgroup hierarchies: %s", cgroup_strerror(r));

	cleanup_free char *mount = r == 0 ? mount_point() : NULL;
	if (!mount)
		return err_say(err, ERR_NO_RESOURCE,
			       "no cgroup v2 hierarchy is mounted; boot with cgroup_no_v1=all and "
			       "mount -t cgroup2 -o nsdelegate cgroup2 /sys/fs/cgroup");
	return 0;
}

/* Without cgroup_setup there is none, which must not read as "the group is not there". */
static int open_hierarchy(void)
{
	cleanup_free char *mount = mount_point();
	if (!mount)
		return -ENXIO;

	int fd = open(mount, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int open_group(const char *name)
{
	cleanup_fd int hierarchy = open_hierarchy();
	if (hierarchy < 0)
		return hierarchy;

	int fd = openat(hierarchy, name, READABLE_DIRECTORY);
	return fd < 0 ? -errno : fd;
}

int cgroup_open(const char *name, struct err *err)
{
	int fd = open_group(name);
	if (fd < 0)
		return err_set(err, -fd, "open cgroup %s", name);
	return fd;
}

int cgroup_read(const char *name, const char *file, char **ret_text)
{
	cleanup_fd int hierarchy = open_hierarchy();
	if (hierarchy < 0)
		return hierarchy;

	cleanup_free char *path = str_fmt("%s/%s", name, file);
	int r = io_read_file(hierarchy, path, ret_text, NULL);
	return r == -ENODEV ? -ENOENT : r; /* removed between open and read */
}

int cgroup_read_u64(const char *name, const char *file, uint64_t *ret_n)
{
	cleanup_free char *text = NULL;
	int r = cgroup_read(name, file, &text);
	if (r < 0)
		return r;

	if (str_eq(str_chomp(text), "max")) {
		*ret_n = UINT64_MAX;
		return 0;
	}
	return str_u64(text, ret_n);
}

int cgroup_read_key(const char *name, const char *file, const char *key, uint64_t *ret_n)
{
	cleanup_free char *text = NULL;
	int r = cgroup_read(name, file, &text);
	if (r < 0)
		return r;

	char *rest = text;
	for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
		const char *value = str_after(line, key);
		if (value && *value == ' ')
			return str_u64(value + 1, ret_n);
	}
	return -ENOENT;
}

int cgroup_write(const char *name, const char *file, const char *value, struct err *err)
{
	cleanup_fd int hierarchy = open_hierarchy();
	cleanup_free char *path = str_fmt("%s/%s", name, file);
	int shown = (int)strcspn(value, "\n");

	int r = hierarchy < 0 ? hierarchy : io_write_kernel(hierarchy, path, value);
	if (r < 0)
		return err_set(err, -r, "write \"%.*s\" to %s of cgroup %s", shown, value, file, name);
	return 0;
}

static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; (p = strstr(p, word)); p += n)
		if ((p == list || p[-1] == ' ') && strchr(" \n", p[n]))
			return true;
	return false;
}

bool cgroup_has_controller(const char *base, const char *controller)
{
	cleanup_free char *offered = NULL;
	return cgroup_read(base, "cgroup.subtree_control", &offered) == 0 && has_word(offered, controller);
}

int cgroup_no_controller(const char *controller, struct err *err)
{
	enum cg_version_t version;

	if (cgroup_get_controller_version(controller, &version) != 0)
		return err_say(
			err, ERR_NO_RESOURCE,
			"the kernel offers no %s controller to cgroup v2; boot with cgroup_no_v1=all and without "
			"cgroup_disable=%s",
			controller, controller);
	if (version == CGROUP_V1)
		return err_say(err, ERR_NO_RESOURCE,
			       "the %s controller is bound to cgroup v1; boot with cgroup_no_v1=all", controller);
	return err_say(err, ERR_NO_RESOURCE,
		       "the %s controller is not delegated to us; a systemd unit that runs vzd needs Delegate=yes",
		       controller);
}

/* "+cpu +memory": what the group has and does not pass on. */
static char *missing_controllers(const char *available, const char *offered)
{
	struct text missing = {0};
	cleanup_free char *list = mem_strdup(available);
	char *rest = str_chomp(list);

	text_add(&missing, "%s", "");
	for (char *word = strsep(&rest, " "); word; word = strsep(&rest, " "))
		if (*word && !has_word(offered, word))
			text_add(&missing, "%s+%s", missing.len ? " " : "", word);
	return missing.s;
}

static int offer_controllers(const char *name, struct err *err)
{
	cleanup_free char *available = NULL, *offered = NULL;
	int r = cgroup_read(name, "cgroup.controllers", &available);
	if (r == 0)
		r = cgroup_read(name, "cgroup.subtree_control", &offered);
	if (r < 0)
		return err_set(err, -r, "read the controllers of cgroup %s", name);

	cleanup_free char *missing = missing_controllers(available, offered);
	if (!*missing)
		return 0;

	struct err reason = {0};
	r = cgroup_write(name, "cgroup.subtree_control", missing, &reason);
	if (r == -EBUSY)
		return err_say(err, ERR_SYSTEM,
			       "cannot enable controllers below cgroup %s: it has processes of its own; a systemd unit "
			       "that runs vzd needs DelegateSubgroup=supervisor",
			       name);
	if (r < 0)
		*err = reason;
	return r;
}

/* Our own group as a path from the top, "/" for the top itself. */
static int own_group(char **ret_path, struct err *err)
{
	cleanup_free char *text = NULL;
	int r = io_read_file(AT_FDCWD, "/proc/self/cgroup", &text, NULL);
	if (r < 0)
		return err_set(err, -r, "read /proc/self/cgroup");

	char *rest = text;
	for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
		const char *path = str_after(line, "0::");
		if (path) {
			*ret_path = mem_strdup(path);
			return 0;
		}
	}
	return err_say(err, ERR_SYSTEM, "/proc/self/cgroup does not say in which cgroup v2 group we are");
}

/* The top alone may have processes and pass controllers on. */
static int make_base_at_top(struct err *err)
{
	int r = offer_controllers(".", err);
	if (r < 0)
		return r;
	return cgroup_create(BASE_WITHOUT_SYSTEMD, true, err);
}

int cgroup_base(char **ret_base, struct err *err)
{
	cleanup_free char *own = NULL;
	int r = own_group(&own, err);
	if (r < 0)
		return r;

	if (!str_ends(own, OWN_GROUP_UNDER_SYSTEMD)) {
		r = make_base_at_top(err);
		if (r == 0)
			*ret_base = mem_strdup(BASE_WITHOUT_SYSTEMD);
		return r;
	}

	own[strlen(own) - strlen(OWN_GROUP_UNDER_SYSTEMD)] = '\0';
	const char *base = *own ? own + 1 : ".";
	r = offer_controllers(base, err);
	if (r == 0)
		*ret_base = mem_strdup(base);
	return r;
}

/* libcgroup has one code for all that mkdir and rmdir can say; errno still tells. */
static int to_errno(int r)
{
	if (r == 0)
		return 0;
	return errno ? -errno : -EIO;
}

/* With one system call: libcgroup reads all mounts and makes every directory on the way anew, and when a controller
 * cannot be enabled it removes the group and moves its processes up. */
int cgroup_create(const char *name, bool for_children, struct err *err)
{
	cleanup_fd int hierarchy = open_hierarchy();
	if (hierarchy < 0 || (mkdirat(hierarchy, name, 0755) < 0 && errno != EEXIST))
		return err_set(err, hierarchy < 0 ? -hierarchy : errno, "create cgroup %s", name);
	return for_children ? offer_controllers(name, err) : 0;
}

int cgroup_delegate(const char *name, uid_t uid, gid_t gid, struct err *err)
{
	cleanup_free char *files = NULL;
	int r = io_read_file(AT_FDCWD, "/sys/kernel/cgroup/delegate", &files, NULL);
	if (r < 0)
		return err_set(err, -r, "read /sys/kernel/cgroup/delegate");

	cleanup_fd int dir = cgroup_open(name, err);
	if (dir < 0)
		return dir;
	if (fchown(dir, uid, gid) < 0)
		return err_set(err, errno, "give cgroup %s to user %u", name, uid);

	/* The list is the kernel's for all controllers; a group has the files of those that it has. */
	char *rest = files;
	for (char *file = strsep(&rest, "\n"); file; file = strsep(&rest, "\n"))
		if (*file && fchownat(dir, file, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
			return err_set(err, errno, "give %s of cgroup %s to user %u", file, name, uid);
	return 0;
}

bool cgroup_populated(const char *name)
{
	uint64_t populated;
	return cgroup_read_key(name, "cgroup.events", "populated", &populated) == 0 && populated;
}

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_ms(unsigned ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

/* Reading the file arms poll: what changes after the read wakes it, so nothing is missed in between. A group that was
 * removed meanwhile has nobody in it: -ENODEV. */
static int await_event(int dir, const char *event, unsigned timeout_ms)
{
	cleanup_fd int events = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
	if (events < 0)
		return -errno;

	int64_t end = now_ms() + timeout_ms;
	for (;;) {
		char text[256];
		ssize_t n = pread(events, text, sizeof(text) - 1, 0);
		if (n < 0)
			return -errno;
		text[n] = '\0';
		if (strstr(text, event))
			return 0;

		int64_t left = end - now_ms();
		if (left <= 0)
			return -ETIMEDOUT;
		poll(&(struct pollfd){.fd = events, .events = POLLPRI}, 1, (int)left);
	}
}

int cgroup_freeze(const char *name, bool frozen, unsigned timeout_ms, struct err *err)
{
	cleanup_fd int dir = open_group(name);
	int r = dir < 0 ? dir : io_write_kernel(dir, "cgroup.freeze", frozen ? "1" : "0");
	if (r == 0)
		r = await_event(dir, frozen ? "frozen 1" : "frozen 0", timeout_ms);

	if (r == -ETIMEDOUT)
		return err_say(
			err, ERR_TIMEOUT,
			"processes of cgroup %s do not stand still after %u ms; one may wait for a device (state "
			"D in ps)",
			name, timeout_ms);
	return r < 0 ? err_set(err, -r, "%s cgroup %s", frozen ? "freeze" : "thaw", name) : 0;
}

bool cgroup_is_frozen(const char *name)
{
	uint64_t frozen;
	return cgroup_read_u64(name, "cgroup.freeze", &frozen) == 0 && frozen == 1;
}

static int set_options(int fs, const struct mntent *mount)
{
	static const struct {
		const char *name;
		bool always;
	} options[] = {
		{"favordynmods", false},       {"memory_hugetlb_accounting", false},
		{"memory_localevents", false}, {"memory_recursiveprot", true},
		{"nsdelegate", true},	       {"pids_localevents", false},
	};

	for (size_t i = 0; i < countof(options); i++)
		if ((options[i].always || hasmntopt(mount, options[i].name)) &&
		    fsconfig(fs, FSCONFIG_SET_FLAG, options[i].name, NULL, 0) < 0)
			return -1;
	return fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0);
}

int cgroup_renew_options(struct err *err)
{
	cleanup_free char *path = mount_point();
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *mount = NULL;
	int r = -1;

	while (path && mounts && (mount = getmntent(mounts)) && !str_eq(mount->mnt_dir, path))
		;
	cleanup_fd int fs = mount ? fspick(AT_FDCWD, path, FSPICK_CLOEXEC) : -1;
	if (fs >= 0)
		r = set_options(fs, mount);
	int no = errno;
	if (mounts)
		endmntent(mounts);
	return r < 0 ? err_set(err, no, "give the cgroup hierarchy its options back") : 0;
}

char *cgroup_path(const char *name, struct err *err)
{
	cleanup_free char *mount = mount_point();

	if (!mount) {
		err_set(err, ENXIO, "find the cgroup hierarchy");
		return NULL;
	}
	return str_fmt("%s/%s", mount, name);
}

/* The kernel kills what is frozen, stopped or forking as well. */
int cgroup_kill(const char *name, unsigned timeout_ms, struct err *err)
{
	cleanup_fd int dir = open_group(name);
	int r = dir < 0 ? dir : io_write_kernel(dir, "cgroup.kill", "1");
	if (r == 0)
		r = await_event(dir, "populated 0", timeout_ms);

	if (r == 0 || r == -ENOENT || r == -ENODEV)
		return 0;
	if (r == -ETIMEDOUT)
		return err_say(err, ERR_STOP_FAILED,
			       "processes of cgroup %s still exist %u ms after they were killed; one may wait for a "
			       "device (state D in ps)",
			       name, timeout_ms);
	return err_set(err, -r, "kill the processes of cgroup %s", name);
}

static void close_listing(DIR **listing)
{
	if (*listing)
		closedir(*listing);
}

/* Remove the children of a group in the order of its directory, up to the first that has children or processes: its
 * name comes back in `busy`, "" if none is left. Returns how many went. */
static int remove_children(int dir, char busy[static NAME_MAX + 1])
{
	cleanup_fd int copy = openat(dir, ".", READABLE_DIRECTORY);
	__attribute__((cleanup(close_listing))) DIR *listing = copy < 0 ? NULL : fdopendir(copy);
	if (!listing)
		return -errno;
	steal_fd(&copy);

	int removed = 0;
	busy[0] = '\0';
	for (struct dirent *entry; !*busy && (entry = readdir(listing));) {
		if (entry->d_type != DT_DIR || str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
			continue;
		if (unlinkat(dir, entry->d_name, AT_REMOVEDIR) == 0)
			removed++;
		else if (errno == EBUSY)
			snprintf(busy, NAME_MAX + 1, "%s", entry->d_name);
		else
			return -errno;
	}
	return removed;
}

/* The walk holds one directory and climbs by "..", so that it needs neither a path nor a descriptor for each level:
 * groups cannot be moved, and their depth is for a delegate to choose. Whoever we climb from has no children any more
 * and is the first that the next round tries; if it refuses again, it has processes. */
static int remove_below(int top)
{
	cleanup_fd int here = openat(top, ".", READABLE_DIRECTORY);
	if (here < 0)
		return -errno;

	bool climbed = false;
	for (unsigned depth = 0;;) {
		char busy[NAME_MAX + 1];
		int removed = remove_children(here, busy);
		if (removed < 0)
			return removed;
		if (!*busy && depth == 0)
			return 0;
		if (*busy && climbed && removed == 0)
			return -EBUSY;

		int next = openat(here, *busy ? busy : "..", READABLE_DIRECTORY);
		if (next < 0)
			return -errno;
		fd_close(here);
		here = next;
		climbed = !*busy;
		depth = climbed ? depth - 1 : depth + 1;
	}
}

static int remove_group(const char *name)
{
	cleanup_fd int dir = open_group(name);
	if (dir < 0)
		return dir == -ENOENT ? 0 : dir;

	int r = remove_below(dir);
	if (r < 0)
		return r;

	struct cgroup *group = cgroup_new_cgroup(name);
	if (!group)
		return -ENOMEM;
	errno = 0;
	r = to_errno(cgroup_delete_cgroup_ext(group, CGFLAG_DELETE_EMPTY_ONLY));
	cgroup_free(&group);
	return r;
}

int cgroup_remove(const char *name, struct err *err)
{
	int r = remove_group(name);
	for (unsigned tries = 0; r == -EBUSY && tries < REMOVE_TRIES; tries++) {
		pause_ms(REMOVE_PAUSE_MS);
		r = remove_group(name);
	}

	if (r == -EBUSY)
		return err_set(err, EBUSY, "remove cgroup %s, which still has processes", name);
	return r < 0 ? err_set(err, -r, "remove cgroup %s", name) : 0;
}
