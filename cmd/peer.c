#include "cmd/peer.h"

#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

static void set_file(struct kvfile *facts, const char *key, const char *path)
{
	cleanup_free char *text = NULL;

	if (io_read_file(AT_FDCWD, path, &text, NULL) == 0)
		kvfile_set(facts, key, str_chomp(text));
}

/* Of the first CPU: all of a node are alike. */
static void set_flags(struct kvfile *facts)
{
	cleanup_free char *text = NULL;

	if (io_read_file(AT_FDCWD, "/proc/cpuinfo", &text, NULL) < 0)
		return;
	char *flags = strstr(text, "\nflags");
	flags = flags ? strstr(flags, ": ") : NULL;
	if (!flags)
		return;
	flags[strcspn(flags, "\n")] = '\0';
	kvfile_set(facts, "FLAGS", flags + 2);
}

struct kvfile *peer_self(void)
{
	struct kvfile *facts = kvfile_new();
	struct utsname node = {0};

	uname(&node);
	kvfile_set(facts, "PROTOCOL", PEER_PROTOCOL);
	kvfile_set(facts, "OPENVE", OPENVE_VERSION);
	kvfile_set(facts, "NODE", node.nodename);
	kvfile_set(facts, "MACHINE", node.machine);
	kvfile_set(facts, "KERNEL", node.release);
	set_file(facts, "BOOT", "/proc/sys/kernel/random/boot_id");
	set_flags(facts);
	return facts;
}

static bool same(const struct kvfile *self, const struct kvfile *other, const char *key)
{
	const char *a = kvfile_get(self, key), *b = kvfile_get(other, key);
	return a && b && str_eq(a, b);
}

int peer_speaks(const struct kvfile *other, struct err *err)
{
	const char *protocol = kvfile_get(other, "PROTOCOL");

	if (protocol && str_eq(protocol, PEER_PROTOCOL))
		return 0;
	return err_say(err, ERR_NOT_SUPPORTED, "its OpenVE speaks version %s of the migration protocol, this one %s",
		       protocol ? protocol : "?", PEER_PROTOCOL);
}

bool peer_is(const struct kvfile *self, const struct kvfile *other)
{
	return same(self, other, "BOOT");
}

static bool has_flag(const char *flags, const char *flag, size_t len)
{
	for (const char *p = flags; (p = strstr(p, flag)); p += len)
		if ((p == flags || p[-1] == ' ') && (p[len] == ' ' || p[len] == '\0'))
			return true;
	return false;
}

int peer_runs(const struct kvfile *self, const struct kvfile *other, struct err *err)
{
	const char *ours = kvfile_get(self, "FLAGS"), *theirs = kvfile_get(other, "FLAGS");
	cleanup_free char *copy = mem_strdup(ours ? ours : "");
	char *rest = copy, *flag;

	if (!same(self, other, "MACHINE"))
		return err_say(err, ERR_RESTORE, "its processor is of another architecture");
	while ((flag = strsep(&rest, " ")))
		if (flag[0] && !has_flag(theirs ? theirs : "", flag, strlen(flag)))
			return err_say(
				err, ERR_RESTORE,
				"its processor lacks \"%s\", which processes here may use; --nodeps=cpu if they do not",
				flag);
	return 0;
}
