#include "templates/extract.h"

#include <archive.h>
#include <archive_entry.h>
#include <inttypes.h>
#include <locale.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "templates/unpack.h"

#define BYTES_MAX ((uint64_t)64 << 30)
#define ENTRIES_MAX 10000000u
#define DEPTH_MAX 256
#define ID_MAX_IN_VE 65535
#define END_MARK 1024 /* a tar archive ends with two blocks of zeros */

#define EXTRACT_FLAGS                                                                                                  \
	(ARCHIVE_EXTRACT_OWNER | ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_ACL |                   \
	 ARCHIVE_EXTRACT_XATTR | ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_SECURE_SYMLINKS |                   \
	 ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS)

struct input {
	int fd;
	uint64_t zeros; /* how many bytes of zero end what was read so far */
	char buffer[128 << 10];
};

struct extraction {
	const char *name; /* of the template, for messages */
	struct input input;
	struct archive *archive, *disk;
	struct unpacked done;
	struct err *err;
};

static int refuse(struct extraction *x, const char *path, const char *why)
{
	return err_say(x->err, ERR_TEMPLATE_DAMAGED, "template %s: entry %s %s", x->name, path ? path : "?", why);
}

static int say_damaged(struct extraction *x)
{
	const char *why = archive_error_string(x->archive);
	return err_say(x->err, ERR_TEMPLATE_DAMAGED, "template %s: the archive is cut or damaged: %s", x->name,
		       why ? why : "it does not end");
}

/* What is full or broken here is the node's; everything else that cannot be written lies in the archive. */
static int say_unwritten(struct extraction *x, const char *path)
{
	const char *why = archive_error_string(x->disk);
	int no = archive_errno(x->disk);

	if (no == ENOSPC || no == EDQUOT || no == EIO || no == ENOMEM || no == EMFILE)
		return err_set(x->err, no, "template %s: write %s", x->name, path);
	return err_say(x->err, ERR_TEMPLATE_DAMAGED, "template %s: cannot make %s: %s", x->name, path, why ? why : "?");
}

static void count_zeros(struct input *input, size_t n)
{
	size_t zeros = 0;
	while (zeros < n && !input->buffer[n - 1 - zeros])
		zeros++;
	input->zeros = zeros == n ? input->zeros + n : zeros;
}

static la_ssize_t read_input(struct archive *archive, void *data, const void **ret_buffer)
{
	struct input *input = data;
	ssize_t n;

	do
		n = read(input->fd, input->buffer, sizeof(input->buffer));
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		archive_set_error(archive, errno, "%s", strerror(errno));
		return -1;
	}
	count_zeros(input, (size_t)n);
	*ret_buffer = input->buffer;
	return n;
}

/* A path that leads nowhere but down, by a bearable number of steps. */
static int check_path(struct extraction *x, const char *path, const char *of)
{
	unsigned depth = 0;

	if (!path || !*path)
		return refuse(x, of, "has no name that could be read");
	if (path[0] == '/')
		return refuse(x, of, "has an absolute path");
	for (const char *p = path; *p; p += strspn(p, "/")) {
		size_t n = strcspn(p, "/");
		if (n == 2 && p[0] == '.' && p[1] == '.')
			return refuse(x, of, "leads out of the tree (..)");
		p += n;
		depth++;
	}
	return depth > DEPTH_MAX ? refuse(x, of, "lies too deep") : 0;
}

static int check_ids(struct extraction *x, struct archive_entry *entry)
{
	int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);
	cleanup_free char *why = NULL;

	if (uid >= 0 && uid <= ID_MAX_IN_VE && gid >= 0 && gid <= ID_MAX_IN_VE)
		return 0;
	why = str_fmt("belongs to %" PRId64 ":%" PRId64 ", a VE has ids up to %d", uid, gid, ID_MAX_IN_VE);
	return refuse(x, archive_entry_pathname(entry), why);
}

static int check_entry(struct extraction *x, struct archive_entry *entry)
{
	const char *path = archive_entry_pathname(entry), *target = archive_entry_hardlink(entry);

	int r = check_path(x, path, path);
	if (r == 0 && target)
		r = check_path(x, target, path);
	if (r == 0)
		r = check_ids(x, entry);
	if (r == 0 && x->done.entries >= ENTRIES_MAX)
		r = refuse(x, path, "is one too many");
	return r;
}

static bool is_takable(struct archive_entry *entry)
{
	if (archive_entry_hardlink(entry))
		return true;
	switch (archive_entry_filetype(entry)) {
	case AE_IFREG:
	case AE_IFDIR:
	case AE_IFLNK:
	case AE_IFIFO:
		return true;
	default:
		return false;
	}
}

/* The kernel takes user.* on files and directories only. */
static bool is_harmless(struct archive_entry *entry, const char *attribute)
{
	mode_t type = archive_entry_filetype(entry);

	if (str_after(attribute, "user."))
		return type == AE_IFREG || type == AE_IFDIR;
	return str_eq(attribute, "security.capability") && type == AE_IFREG;
}

/* Keep the attributes that a VE may set on its own files. ACLs are not among these: libarchive has them apart. */
static bool drop_attributes(struct archive_entry *entry)
{
	struct archive_entry *copy = archive_entry_clone(entry);
	const char *attribute;
	const void *value;
	size_t size;
	bool dropped = false;

	archive_entry_xattr_clear(entry);
	archive_entry_xattr_reset(copy);
	while (archive_entry_xattr_next(copy, &attribute, &value, &size) == ARCHIVE_OK) {
		if (is_harmless(copy, attribute))
			archive_entry_xattr_add_entry(entry, attribute, value, size);
		else
			dropped = true;
	}
	archive_entry_free(copy);
	return dropped;
}

static int copy_content(struct extraction *x, const char *path)
{
	const void *block;
	size_t size;
	la_int64_t offset;
	int r;

	while ((r = archive_read_data_block(x->archive, &block, &size, &offset)) == ARCHIVE_OK) {
		x->done.size += size;
		if (x->done.size > BYTES_MAX)
			return refuse(x, path, "makes the template larger than 64 GiB");
		if (archive_write_data_block(x->disk, block, size, offset) != ARCHIVE_OK)
			return say_unwritten(x, path);
	}
	return r == ARCHIVE_EOF ? 0 : say_damaged(x);
}

/* A warning is as bad as an error: what lost its owner or its mode is not what was packed. */
static int write_entry(struct extraction *x, struct archive_entry *entry)
{
	cleanup_free char *path = mem_strdup(archive_entry_pathname(entry));

	if (archive_write_header(x->disk, entry) != ARCHIVE_OK)
		return say_unwritten(x, path);
	int r = copy_content(x, path);
	if (r < 0)
		return r;
	if (archive_write_finish_entry(x->disk) != ARCHIVE_OK)
		return say_unwritten(x, path);
	return 0;
}

static int take_entry(struct extraction *x, struct archive_entry *entry)
{
	int r = check_entry(x, entry);
	if (r < 0)
		return r;
	if (!is_takable(entry)) {
		x->done.dropped++;
		return 0;
	}
	x->done.dropped += drop_attributes(entry);
	x->done.entries++;
	return write_entry(x, entry);
}

/* libarchive would make names that are declared as UTF-8 "normal", which names on Linux need not be. In the C locale it
 * cannot, warns, and gives them as the bytes they are. All other warnings are about what is lost. */
static bool is_entry(struct archive *archive, int r)
{
	return r == ARCHIVE_OK ||
	       (r == ARCHIVE_WARN && strstr(archive_error_string(archive), "can't be converted from"));
}

static int take_all(struct extraction *x)
{
	struct archive_entry *entry;
	int r;

	while (is_entry(x->archive, r = archive_read_next_header(x->archive, &entry))) {
		r = take_entry(x, entry);
		if (r < 0)
			return r;
	}
	if (r != ARCHIVE_EOF)
		return say_damaged(x);

	/* Packed, a cut shows itself. Plain, an archive cut between two entries lacks nothing but its end. */
	if (archive_filter_code(x->archive, 0) == ARCHIVE_FILTER_NONE && x->input.zeros < END_MARK)
		return say_damaged(x);
	if (x->done.entries == 0)
		return say_damaged(x);
	return 0;
}

/* Behind the mark of its end an archive is read on: that is how a cut or a wrong checksum of the packer is noticed. */
static int open_archive(struct extraction *x)
{
	archive_read_support_filter_gzip(x->archive);
	archive_read_support_filter_xz(x->archive);
	archive_read_support_filter_zstd(x->archive);
	archive_read_support_format_tar(x->archive);
	archive_read_set_option(x->archive, "tar", "read_concatenated_archives", "1");
	if (archive_read_open(x->archive, &x->input, NULL, read_input, NULL) != ARCHIVE_OK)
		return say_damaged(x);
	archive_write_disk_set_options(x->disk, EXTRACT_FLAGS);
	return 0;
}

int extract_archive(int archive, const char *name, struct unpacked *ret, struct err *err)
{
	struct extraction *x = mem_zero(1, sizeof(*x));
	x->name = name;
	x->input.fd = archive;
	x->archive = archive_read_new();
	x->disk = archive_write_disk_new();
	x->err = err;

	setlocale(LC_CTYPE, "C");
	int r = open_archive(x);
	if (r == 0)
		r = take_all(x);
	if (r == 0 && archive_write_close(x->disk) != ARCHIVE_OK)
		r = say_unwritten(x, "the modes and times of directories");
	if (r == 0)
		*ret = x->done;

	archive_write_free(x->disk);
	archive_read_free(x->archive);
	free(x);
	return r;
}
