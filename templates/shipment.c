#include "templates/shipment.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "templates/digest.h"
#include "templates/import.h"
#include "templates/record.h"
#include "templates/template.h"

int shipment_find(int dir, const char *digest, struct shipment_goods *ret, struct err *err)
{
	cleanup_free char *archive = record_layer_archive(dir, digest);
	struct template template = {0};
	struct stat st;

	if (!archive)
		return -ENOENT;
	if (fstatat(dir, archive, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(err, errno, "look at the archive of the template layer %s", digest);
	struct err unknown = {0};
	record_with_digest(dir, digest, NULL, &template, &unknown);
	*ret = (struct shipment_goods){
		.archive = steal_ptr(archive),
		.size = (uint64_t)st.st_size,
		.unpacked = template.size,
	};
	template_done(&template);
	return 0;
}

bool shipment_needless(int dir, const char *digest)
{
	cleanup_free char *layer = str_fmt(RECORD_LAYERS "/%s/root", digest);
	return faccessat(dir, layer, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* What an import calls a file that is not whole: the next one removes it. */
static char *file_of(const char *digest)
{
	return str_fmt(".%s.new", digest);
}

char *shipment_place(const char *digest)
{
	cleanup_free char *file = file_of(digest);
	return str_fmt(RECORD_CACHE "/%s", file);
}

int shipment_expect(int dir, struct err *err)
{
	cleanup_fd int lock = record_lock(dir, err);
	int r = lock < 0 ? lock : import_prepare(dir, err);
	return r < 0 ? r : steal_fd(&lock);
}

/* Its own file, whatever the giving node has sent. */
static int open_archive(const struct shipment *shipment, struct err *err)
{
	cleanup_free char *place = shipment_place(shipment->digest);
	struct stat st;

	cleanup_fd int fd = openat(shipment->dir, place, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, errno, "open the archive of template %s", shipment->name);
	if (!S_ISREG(st.st_mode))
		return err_say(err, ERR_TEMPLATE_DAMAGED, "what came for template %s is no file", shipment->name);
	return steal_fd(&fd);
}

static int check(const struct shipment *shipment, const struct import *import, struct err *err)
{
	char digest[DIGEST_LEN + 1];

	cleanup_fd int archive = open_archive(shipment, err);
	int r = archive < 0 ? archive : import_hash(import, "checking", archive, -1, digest, err);
	if (r < 0 || str_eq(digest, shipment->digest))
		return r;
	return err_say(err, ERR_TEMPLATE_DAMAGED,
		       "the archive of template %s is damaged: its SHA-256 is %s, that of the layer %s", shipment->name,
		       digest, shipment->digest);
}

static bool is_free(int dir, const char *name)
{
	struct template template = {0};
	struct err err = {0};

	if (record_check_name(name, &err) < 0)
		return false;
	int r = record_load(dir, name, &template, &err);
	template_done(&template);
	return r == -ENOENT;
}

int shipment_take_in(const struct shipment *shipment, struct err *err)
{
	cleanup_free char *file = file_of(shipment->digest);
	struct template template = {0};
	const struct import import = {
		.dir = shipment->dir,
		.name = shipment->name,
		.file = file,
		.suffix = shipment->suffix,
		.source = shipment->source,
		.nameless = !is_free(shipment->dir, shipment->name),
		.scratch_base = shipment->scratch_base,
	};

	int r = check(shipment, &import, err);
	if (r == 0)
		r = import_run(&import, shipment->digest, &template, err);
	template_done(&template);
	return r;
}

int shipment_clear(int dir, const char *digest, struct err *err)
{
	cleanup_free char *place = shipment_place(digest);

	if (unlinkat(dir, place, 0) < 0 && errno != ENOENT)
		return err_set(err, errno, "remove %s from the template directory", place);
	return 0;
}
