#include "templates/template.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/proc.h"
#include "runtime/base/str.h"
#include "templates/digest.h"
#include "templates/import.h"
#include "templates/names.h"
#include "templates/record.h"

const char *const template_inits[] = {
	"/sbin/init", "/etc/init", "/bin/init", "/usr/lib/systemd/systemd", "/lib/systemd/systemd", NULL,
};

void template_done(struct template *template)
{
	free(template->name);
	free(template->archive);
	*template = (struct template){0};
}

static int say_missing(int dir, const char *name, struct err *err)
{
	cleanup_names struct names names = {0};
	cleanup_text struct text list = {0};

	int r = record_names(dir, &names, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < names.n; i++)
		text_add(&list, "%s%s", i > 0 ? ", " : "are: ", names.name[i]);
	return err_say(err, ERR_NO_TEMPLATE, "no template %s on this node; there %s", name,
		       list.s ? list.s : "is none: import or build one");
}

int template_find(int dir, const char *name, struct template *ret, struct err *err)
{
	int r = record_check_name(name, err);
	if (r == 0)
		r = record_load(dir, name, ret, err);
	return r == -ENOENT ? say_missing(dir, name, err) : r;
}

static void list_free(struct template *list, size_t n)
{
	while (n > 0)
		template_done(&list[--n]);
	free(list);
}

int template_list(int dir, struct template **ret, size_t *ret_n, struct err *err)
{
	cleanup_names struct names names = {0};
	size_t n = 0;

	int r = record_names(dir, &names, err);
	if (r < 0)
		return r;

	struct template *list = mem_zero(names.n, sizeof(*list));
	for (size_t i = 0; i < names.n; i++) {
		r = record_load(dir, names.name[i], &list[n], err);
		if (r < 0 && r != -ENOENT) {
			list_free(list, n);
			return r;
		}
		n += r == 0;
	}
	*ret = list;
	*ret_n = n;
	return 0;
}

/* What NAME is when nobody says: the archive's file name without its suffix. */
static char *name_of(const char *archive)
{
	const char *slash = strrchr(archive, '/'), *file = slash ? slash + 1 : archive;
	const char *suffix = record_suffix(file);
	return str_fmt("%.*s", (int)(strlen(file) - (suffix ? strlen(suffix) : 0)), file);
}

/* Not a pipe or a device: it is read more than once. */
static int open_archive(const char *path, struct err *err)
{
	struct stat st;
	cleanup_fd int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, errno, "open %s", path);
	if (!S_ISREG(st.st_mode))
		return err_say(err, ERR_BAD_VALUE, "cannot import %s: it is not a file", path);
	return steal_fd(&fd);
}

static int copy_in(const struct import *import, const char *archive, const char *sha256, char *ret_digest,
		   struct err *err)
{
	cleanup_free char *path = str_fmt(RECORD_CACHE "/%s", import->file);
	cleanup_fd int from = open_archive(archive, err);
	if (from < 0)
		return from;
	cleanup_fd int to = openat(import->dir, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return err_set(err, errno, "make %s in the template directory", path);

	int r = import_hash(import, "copying", from, to, ret_digest, err);
	if (r < 0)
		return r;
	if (sha256 && strcasecmp(sha256, ret_digest) != 0)
		return err_say(
			err, ERR_TEMPLATE_DAMAGED,
			"cannot import template %s: the SHA-256 of %s is %s, expected was %s: it is damaged or another",
			import->name, archive, ret_digest, sha256);
	return 0;
}

static int import_copy(const struct import *import, const char *archive, const char *sha256, struct template *ret,
		       struct err *err)
{
	cleanup_free char *copy = str_fmt(RECORD_CACHE "/%s", import->file);
	char digest[DIGEST_LEN + 1];

	int r = import_prepare(import->dir, err);
	if (r == 0)
		r = copy_in(import, archive, sha256, digest, err);
	if (r == 0)
		r = import_run(import, digest, ret, err);
	if (r < 0)
		unlinkat(import->dir, copy, 0);
	return r;
}

int template_import(int dir, const char *archive, const char *name, const char *sha256, uint32_t scratch_base,
		    const struct template_progress *progress, struct template *ret, struct err *err)
{
	cleanup_free char *own = name ? mem_strdup(name) : name_of(archive);
	cleanup_free char *file = str_fmt(".%s.new", own);
	const struct import import = {
		.dir = dir,
		.name = own,
		.file = file,
		.suffix = record_suffix(archive),
		.source = archive,
		.scratch_base = scratch_base,
		.progress = progress,
	};

	if (!import.suffix)
		return err_say(err, ERR_BAD_VALUE, "cannot import %s: not a .tar, .tar.gz, .tar.xz or .tar.zst",
			       archive);
	int r = record_check_name(own, err);
	if (r < 0)
		return r;
	cleanup_fd int lock = record_lock(dir, err);
	return lock < 0 ? lock : import_copy(&import, archive, sha256, ret, err);
}

static int import_cached(int dir, const struct template *template, uint32_t scratch_base,
			 const struct template_progress *progress, struct template *ret, struct err *err)
{
	const struct import import = {
		.dir = dir,
		.name = template->name,
		.file = template->archive,
		.suffix = record_suffix(template->archive),
		.source = template->archive,
		.scratch_base = scratch_base,
		.progress = progress,
	};

	int r = import_prepare(dir, err);
	return r < 0 ? r : import_run(&import, NULL, ret, err);
}

int template_unpack(int dir, const char *name, uint32_t scratch_base, const struct template_progress *progress,
		    struct template *ret, struct err *err)
{
	struct template template = {0};
	cleanup_fd int lock = record_lock(dir, err);
	if (lock < 0)
		return lock;

	int r = template_find(dir, name, &template, err);
	if (r < 0)
		return r;
	if (template.digest[0]) {
		*ret = template;
		return 0;
	}
	if (template.archive)
		r = import_cached(dir, &template, scratch_base, progress, ret, err);
	else
		r = err_say(err, ERR_NO_TEMPLATE, "template %s has lost its archive and its layer; import it again",
			    name);
	template_done(&template);
	return r;
}

/* Under a name that is no digest first: a layer that is half gone must not be found. */
static int delete_layer(int dir, const char *digest, struct err *err)
{
	cleanup_free char *layer = str_fmt(RECORD_LAYERS "/%s", digest);
	cleanup_free char *gone = str_fmt(RECORD_LAYERS "/.gone-%s", digest);

	if (renameat(dir, layer, dir, gone) < 0 && errno != ENOENT)
		return err_set(err, errno, "remove the template layer %s", digest);
	return proc_remove_tree(dir, gone, err);
}

static int delete_unshared_layer(int dir, const struct template *template, struct err *err)
{
	int r = template->digest[0] ? record_with_digest(dir, template->digest, template->name, NULL, err) : 1;
	return r == 0 ? delete_layer(dir, template->digest, err) : r < 0 ? r : 0;
}

/* The record goes last: as long as it is there, the same call finishes what was interrupted. */
int template_delete(int dir, const char *name, int remove_layer, struct err *err)
{
	struct template template = {0};
	cleanup_free char *record = str_fmt("%s.conf", name);
	cleanup_fd int lock = record_lock(dir, err);
	if (lock < 0)
		return lock;

	int r = template_find(dir, name, &template, err);
	if (r < 0)
		return r;
	r = record_drop_archives(dir, name, NULL, err);
	if (r == 0 && remove_layer)
		r = delete_unshared_layer(dir, &template, err);
	template_done(&template);
	if (r < 0)
		return r;
	if (unlinkat(dir, record, 0) < 0 && errno != ENOENT)
		return err_set(err, errno, "remove the record of template %s", name);
	return 0;
}

int template_prune(int dir, bool (*in_use)(void *ctx, const char *digest), void *ctx, struct err *err)
{
	cleanup_names struct names layers = {0};
	cleanup_fd int lock = record_lock(dir, err);
	if (lock < 0)
		return lock;

	int r = names_read(dir, RECORD_LAYERS, &layers);
	if (r < 0)
		return err_set(err, -r, "read the template layers");
	for (size_t i = 0; i < layers.n && r == 0; i++) {
		const char *digest = layers.name[i];
		if (!digest_ok(digest) || in_use(ctx, digest))
			continue;
		r = record_with_digest(dir, digest, NULL, NULL, err);
		r = r == 0 ? delete_layer(dir, digest, err) : r < 0 ? r : 0;
	}
	return r;
}
