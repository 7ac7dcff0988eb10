/* An archive is copied and checked first, unpacked next to the layers, looked at, and only then published by renames:
 * the layer, the archive, the record. The record is what makes it known. */
#include "templates/import.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "runtime/base/err.h"
#include "runtime/base/io.h"
#include "runtime/base/mem.h"
#include "runtime/base/proc.h"
#include "runtime/base/str.h"
#include "templates/digest.h"
#include "templates/names.h"
#include "templates/record.h"
#include "templates/template.h"
#include "templates/unpack.h"

#define FRESH RECORD_LAYERS "/.new"

/* Turns bytes of an archive into percent for who listens, each once. */
struct meter {
	const struct template_progress *progress;
	const char *text;
	uint64_t size;
	int last;
};

static void tick(void *ctx, uint64_t done)
{
	struct meter *meter = ctx;
	int percent = meter->size > 0 && done < meter->size ? (int)(done * 100 / meter->size) : 100;

	if (!meter->progress || percent == meter->last)
		return;
	meter->last = percent;
	meter->progress->say(meter->progress->ctx, percent, meter->text);
}

static int start_meter(struct meter *meter, int archive, const char *text, const struct template_progress *progress,
		       struct err *err)
{
	struct stat st;
	if (fstat(archive, &st) < 0)
		return err_set(err, errno, "look at an archive");
	*meter = (struct meter){.progress = progress, .text = text, .size = (uint64_t)st.st_size, .last = -1};
	return 0;
}

static int make_dir(int dir, const char *path, mode_t mode, struct err *err)
{
	if (mkdirat(dir, path, mode) < 0 && errno != EEXIST)
		return err_set(err, errno, "make %s in the template directory", path);
	return 0;
}

/* Layers that are not whole have names with a dot in front, files of the cache that are not whole end in .new. */
static int sweep(int dir, struct err *err)
{
	cleanup_names struct names layers = {0}, files = {0};

	int r = names_read(dir, RECORD_LAYERS, &layers);
	if (r == 0)
		r = names_read(dir, RECORD_CACHE, &files);
	if (r < 0)
		return err_set(err, -r, "read the template directory");

	for (size_t i = 0; i < layers.n && r == 0; i++) {
		cleanup_free char *path = str_fmt(RECORD_LAYERS "/%s", layers.name[i]);
		if (layers.name[i][0] == '.')
			r = proc_remove_tree(dir, path, err);
	}
	for (size_t i = 0; i < files.n && r == 0; i++) {
		cleanup_free char *path = str_fmt(RECORD_CACHE "/%s", files.name[i]);
		if (files.name[i][0] == '.' && str_ends(files.name[i], ".new") && unlinkat(dir, path, 0) < 0)
			r = err_set(err, errno, "remove %s from the template directory", path);
	}
	return r;
}

int import_prepare(int dir, struct err *err)
{
	int r = make_dir(dir, RECORD_CACHE, 0700, err);
	if (r == 0)
		r = make_dir(dir, RECORD_LAYERS, 0700, err);
	return r < 0 ? r : sweep(dir, err);
}

static int open_archive(const struct import *import, struct err *err)
{
	cleanup_free char *path = str_fmt(RECORD_CACHE "/%s", import->file);
	int fd = openat(import->dir, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, errno, "open the archive of template %s", import->name);
	return fd;
}

int import_hash(const struct import *import, const char *doing, int from, int to, char *ret_digest, struct err *err)
{
	cleanup_free char *text = str_fmt("%s %s", doing, import->name);
	struct meter meter;

	int r = start_meter(&meter, from, text, import->progress, err);
	return r < 0 ? r : digest_file(from, to, tick, &meter, ret_digest, err);
}

/* Symbolic links in the tree lead where they would lead in a VE. */
static bool has_init(int tree)
{
	const struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	for (const char *const *init = template_inits; *init; init++) {
		struct stat st;
		cleanup_fd int fd = (int)syscall(SYS_openat2, tree, *init, &how, sizeof(how));
		if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111))
			return true;
	}
	return false;
}

static int fill_fresh(const struct import *import, int archive, int tree, struct template *template, struct err *err)
{
	cleanup_free char *text = str_fmt("unpacking %s", import->name);
	struct unpacked unpacked;
	struct meter meter;

	int r = start_meter(&meter, archive, text, import->progress, err);
	if (r == 0)
		r = unpack_archive(archive, tree, import->scratch_base, import->name, tick, &meter, &unpacked, err);
	if (r < 0)
		return r;
	if (!has_init(tree))
		return err_say(err, ERR_BAD_TEMPLATE, "template %s: not a system: it has no %s or other init",
			       import->name, template_inits[0]);
	template->size = unpacked.size;
	template->entries = unpacked.entries;
	template->dropped = unpacked.dropped;
	return 0;
}

/* A layer that nobody knows may lie there from before: it is as good. */
static int publish_layer(int dir, const char *digest, struct err *err)
{
	cleanup_free char *layer = str_fmt(RECORD_LAYERS "/%s", digest);
	cleanup_fd int layers = openat(dir, RECORD_LAYERS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (layers < 0 || syncfs(layers) < 0)
		return err_set(err, errno, "write a template layer to disk");

	if (renameat(dir, FRESH, dir, layer) < 0 && errno != EEXIST && errno != ENOTEMPTY)
		return err_set(err, errno, "publish the template layer %s", digest);
	if (fsync(layers) < 0)
		return err_set(err, errno, "write a template layer to disk");
	return 0;
}

/* The directory that becomes a VE's root: an archive need not have an entry for it. */
static int make_tree(int dir, struct err *err)
{
	int r = make_dir(dir, FRESH, 0700, err);
	if (r == 0)
		r = make_dir(dir, FRESH "/root", 0755, err);
	if (r < 0)
		return r;

	cleanup_fd int tree = openat(dir, FRESH "/root", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (tree < 0 || fchmod(tree, 0755) < 0)
		return err_set(err, errno, "make a fresh template layer");
	return steal_fd(&tree);
}

static int unpack_layer(const struct import *import, int archive, struct template *template, struct err *err)
{
	cleanup_fd int tree = make_tree(import->dir, err);
	if (tree < 0)
		return tree;
	int r = fill_fresh(import, archive, tree, template, err);
	return r < 0 ? r : publish_layer(import->dir, template->digest, err);
}

/* Two templates made from one archive stand on one layer. */
static int have_layer(const struct import *import, int archive, struct template *template, struct err *err)
{
	struct template twin = {0};

	int r = record_with_digest(import->dir, template->digest, NULL, &twin, err);
	if (r == 1) {
		template->size = twin.size;
		template->entries = twin.entries;
		template->dropped = twin.dropped;
		template_done(&twin);
		return 0;
	}
	if (r == 0)
		r = unpack_layer(import, archive, template, err);

	struct err ignored = {0};
	proc_remove_tree(import->dir, FRESH, &ignored);
	return r;
}

/* A layer keeps what it was made of, for other nodes, whatever becomes of the name. The file that it has already may
 * be damaged: this one is not. */
static int keep_archive(const struct import *import, int archive, const char *digest, struct err *err)
{
	cleanup_free char *from = str_fmt(RECORD_CACHE "/%s", import->file);
	cleanup_free char *to = str_fmt(RECORD_LAYERS "/%s/" RECORD_PACKED "%s", digest, import->suffix);
	cleanup_free char *kept = record_layer_archive(import->dir, digest);

	if (fsync(archive) < 0)
		return err_set(err, errno, "write the archive of template %s to disk", import->name);
	if ((kept && unlinkat(import->dir, kept, 0) < 0) || linkat(import->dir, from, import->dir, to, 0) < 0)
		return err_set(err, errno, "keep the archive of template %s in its layer", import->name);
	return 0;
}

static int publish_archive(const struct import *import, struct template *template, struct err *err)
{
	cleanup_free char *from = str_fmt(RECORD_CACHE "/%s", import->file);
	cleanup_free char *file = str_fmt("%s%s", import->name, import->suffix);
	cleanup_free char *to = str_fmt(RECORD_CACHE "/%s", file);

	if (renameat(import->dir, from, import->dir, to) < 0)
		return err_set(err, errno, "rename %s to %s in the template directory", from, to);
	template->archive = steal_ptr(file);
	return record_drop_archives(import->dir, import->name, template->archive, err);
}

static int publish(const struct import *import, struct template *template, struct err *err)
{
	int r = publish_archive(import, template, err);
	return r < 0 ? r : record_save(import->dir, template, import->source, err);
}

int import_run(const struct import *import, const char *digest, struct template *ret, struct err *err)
{
	struct template template = {.name = mem_strdup(import->name), .created = time(NULL)};
	cleanup_fd int archive = open_archive(import, err);

	int r = archive < 0 ? archive : 0;
	if (r == 0 && digest)
		snprintf(template.digest, sizeof(template.digest), "%s", digest);
	else if (r == 0)
		r = import_hash(import, "checking", archive, -1, template.digest, err);
	if (r == 0)
		r = have_layer(import, archive, &template, err);
	if (r == 0)
		r = keep_archive(import, archive, template.digest, err);
	if (r == 0 && !import->nameless)
		r = publish(import, &template, err);
	if (r == 0)
		*ret = template;
	else
		template_done(&template);
	return r;
}
