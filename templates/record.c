#include "templates/record.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "runtime/base/err.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "templates/digest.h"
#include "templates/names.h"
#include "templates/template.h"

#define NAME_LEN_MAX 100

/* How an archive may be packed. */
static const char *const suffixes[] = {".tar.zst", ".tar.xz", ".tar.gz", ".tar"};

int record_check_name(const char *name, struct err *err)
{
	size_t len = 0;

	while (isalnum((unsigned char)name[len]) || (name[len] && strchr("-+_.", name[len])))
		len++;
	if (name[len] || len == 0 || len > NAME_LEN_MAX || name[0] == '.')
		return err_say(err, ERR_BAD_VALUE,
			       "not a template name: '%s' (letters, digits, - + _ . and no dot in front)", name);
	return 0;
}

const char *record_suffix(const char *file)
{
	for (size_t i = 0; i < countof(suffixes); i++)
		if (str_ends(file, suffixes[i]) && strlen(file) > strlen(suffixes[i]))
			return suffixes[i];
	return NULL;
}

/* A path with whatever suffix an archive there has. */
static char *find_packed(int dir, const char *stem)
{
	for (size_t i = 0; i < countof(suffixes); i++) {
		cleanup_free char *path = str_fmt("%s%s", stem, suffixes[i]);
		if (faccessat(dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return steal_ptr(path);
	}
	return NULL;
}

static char *find_archive(int dir, const char *name)
{
	cleanup_free char *stem = str_fmt(RECORD_CACHE "/%s", name);
	cleanup_free char *path = find_packed(dir, stem);
	return path ? mem_strdup(path + strlen(RECORD_CACHE "/")) : NULL;
}

char *record_layer_archive(int dir, const char *digest)
{
	cleanup_free char *stem = str_fmt(RECORD_LAYERS "/%s/" RECORD_PACKED, digest);
	return find_packed(dir, stem);
}

static uint64_t get_number(const struct kvfile *file, const char *key)
{
	const char *value = kvfile_get(file, key);
	uint64_t n = 0;

	if (value)
		str_u64(value, &n);
	return n;
}

/* The digest becomes part of paths: a record that was tampered with must not lead elsewhere. */
static void get_digest(int dir, const struct kvfile *file, char *ret_digest)
{
	const char *digest = kvfile_get(file, "DIGEST");
	if (!digest || !digest_ok(digest))
		return;

	cleanup_free char *layer = str_fmt(RECORD_LAYERS "/%s/root", digest);
	if (faccessat(dir, layer, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		memcpy(ret_digest, digest, DIGEST_LEN + 1);
}

int record_load(int dir, const char *name, struct template *ret, struct err *err)
{
	cleanup_free char *path = str_fmt("%s.conf", name);
	cleanup_free char *archive = find_archive(dir, name);
	cleanup_kvfile struct kvfile *file = NULL;

	int r = kvfile_load(dir, path, &file, err);
	if (r < 0 && (r != -ENOENT || !archive))
		return r;
	if (!file)
		file = kvfile_new();

	*ret = (struct template){
		.name = mem_strdup(name),
		.archive = steal_ptr(archive),
		.size = get_number(file, "SIZE"),
		.entries = get_number(file, "ENTRIES"),
		.dropped = get_number(file, "DROPPED"),
		.created = (int64_t)get_number(file, "CREATED"),
	};
	get_digest(dir, file, ret->digest);
	return 0;
}

int record_save(int dir, const struct template *template, const char *source, struct err *err)
{
	cleanup_free char *path = str_fmt("%s.conf", template->name);
	cleanup_kvfile struct kvfile *file = kvfile_new();

	kvfile_set(file, "DIGEST", template->digest);
	kvfile_set(file, "SOURCE", source);
	kvfile_set_number(file, "SIZE", template->size);
	kvfile_set_number(file, "ENTRIES", template->entries);
	kvfile_set_number(file, "DROPPED", template->dropped);
	kvfile_set_number(file, "CREATED", (uint64_t)template->created);
	return kvfile_save(file, dir, path, err);
}

int record_drop_archives(int dir, const char *name, const char *keep, struct err *err)
{
	for (size_t i = 0; i < countof(suffixes); i++) {
		cleanup_free char *path = str_fmt(RECORD_CACHE "/%s%s", name, suffixes[i]);
		if (keep && str_eq(path + strlen(RECORD_CACHE "/"), keep))
			continue;
		if (unlinkat(dir, path, 0) < 0 && errno != ENOENT)
			return err_set(err, errno, "remove the archive of template %s", name);
	}
	return 0;
}

static void add_name(struct names *names, const char *file, const char *suffix)
{
	names->name = mem_grow(names->name, names->n + 1, sizeof(*names->name));
	names->name[names->n++] = str_fmt("%.*s", (int)(strlen(file) - strlen(suffix)), file);
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_unique(struct names *names)
{
	size_t kept = 0;

	if (names->n > 0)
		qsort(names->name, names->n, sizeof(*names->name), by_bytes);
	for (size_t i = 0; i < names->n; i++) {
		if (kept > 0 && str_eq(names->name[kept - 1], names->name[i]))
			free(names->name[i]);
		else
			names->name[kept++] = names->name[i];
	}
	names->n = kept;
}

int record_names(int dir, struct names *ret, struct err *err)
{
	cleanup_names struct names records = {0}, archives = {0};

	int r = names_read(dir, ".", &records);
	if (r == 0)
		r = names_read(dir, RECORD_CACHE, &archives);
	if (r < 0)
		return err_set(err, -r, "read the template directory");

	struct names names = {0};
	for (size_t i = 0; i < records.n; i++)
		if (records.name[i][0] != '.' && str_ends(records.name[i], ".conf"))
			add_name(&names, records.name[i], ".conf");
	for (size_t i = 0; i < archives.n; i++)
		if (archives.name[i][0] != '.' && record_suffix(archives.name[i]))
			add_name(&names, archives.name[i], record_suffix(archives.name[i]));
	sort_unique(&names);
	*ret = names;
	return 0;
}

static int load_if_digest(int dir, const char *name, const char *digest, struct template *ret, struct err *err)
{
	struct template template = {0};

	int r = record_load(dir, name, &template, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	bool found = str_eq(template.digest, digest);
	if (found && ret)
		*ret = template;
	else
		template_done(&template);
	return found;
}

int record_with_digest(int dir, const char *digest, const char *but, struct template *ret, struct err *err)
{
	cleanup_names struct names names = {0};

	int r = record_names(dir, &names, err);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		if (!but || !str_eq(names.name[i], but))
			r = load_if_digest(dir, names.name[i], digest, ret, err);
	return r;
}

int record_lock(int dir, struct err *err)
{
	cleanup_fd int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return err_set(err, errno, "lock the template directory");
	return steal_fd(&fd);
}
