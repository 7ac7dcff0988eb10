/* Archives made to measure, good ones and hostile ones, in memory. */
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct member {
	const char *path;
	unsigned type;	  /* AE_IF…, 0: a regular file */
	unsigned mode;	  /* 0: 0755 for directories, else 0644 */
	int64_t uid, gid; /* 0: those of who runs the test, and may give files to nobody else */
	const char *content;
	const char *symlink, *hardlink;
	const char *attribute; /* with the value "value", or a file capability's bytes */
};

/* CAP_NET_RAW, permitted and effective: VFS_CAP_REVISION_2 of linux/capability.h. */
static const unsigned char tarball_capability[20] = {0x01, 0, 0, 0x02, 0, 0x20};

static inline void tarball_add(struct archive *archive, const struct member *member)
{
	struct archive_entry *entry = archive_entry_new();
	unsigned type = member->type ? member->type : AE_IFREG;
	size_t size = member->content ? strlen(member->content) : 0;

	archive_entry_set_pathname(entry, member->path);
	archive_entry_set_filetype(entry, type);
	archive_entry_set_perm(entry, member->mode ? member->mode : type == AE_IFDIR ? 0755 : 0644);
	archive_entry_set_uid(entry, member->uid ? member->uid : geteuid());
	archive_entry_set_gid(entry, member->gid ? member->gid : getegid());
	archive_entry_set_mtime(entry, 1000000000, 0);
	archive_entry_set_size(entry, (la_int64_t)size);
	if (member->symlink)
		archive_entry_set_symlink(entry, member->symlink);
	if (member->hardlink)
		archive_entry_set_hardlink(entry, member->hardlink);
	if (member->attribute && strcmp(member->attribute, "security.capability") == 0)
		archive_entry_xattr_add_entry(entry, member->attribute, tarball_capability, sizeof(tarball_capability));
	else if (member->attribute)
		archive_entry_xattr_add_entry(entry, member->attribute, "value", 5);

	if (archive_write_header(archive, entry) < ARCHIVE_WARN ||
	    (size && archive_write_data(archive, member->content, size) < 0))
		abort();
	archive_entry_free(entry);
}

/* The archive is padded with so much that reading its entries does not also read its end. */
#define TARBALL_BLOCK (512 << 10)

static inline struct archive *tarball_open(int fd, int (*set_format)(struct archive *), const char *filter)
{
	struct archive *archive = archive_write_new();

	if (strcmp(filter, "none") != 0)
		archive_write_add_filter_by_name(archive, filter);
	set_format(archive);
	archive_write_set_bytes_per_block(archive, TARBALL_BLOCK);
	archive_write_set_bytes_in_last_block(archive, strcmp(filter, "none") != 0 ? 1 : TARBALL_BLOCK);
	if (archive_write_open_fd(archive, fd) != ARCHIVE_OK)
		abort();
	return archive;
}

static inline int tarball_close(struct archive *archive, int fd)
{
	if (archive_write_close(archive) != ARCHIVE_OK || lseek(fd, 0, SEEK_SET) < 0)
		abort();
	archive_write_free(archive);
	return fd;
}

/* Pack a plain archive, with its padding. Closes it. */
static inline int tarball_pack(int plain, const char *filter)
{
	const struct member whole = {.path = "whole"};
	int fd = memfd_create("packed", MFD_CLOEXEC);
	struct archive *archive = tarball_open(fd, archive_write_set_format_raw, filter);
	char chunk[65536];
	ssize_t n;

	tarball_add(archive, &whole);
	while ((n = read(plain, chunk, sizeof(chunk))) > 0)
		if (archive_write_data(archive, chunk, (size_t)n) != n)
			abort();
	close(plain);
	return tarball_close(archive, fd);
}

/* `filter` is "none", "gzip", "xz" or "zstd". Returns an fd that stands at the archive's start. Names that are UTF-8
 * are declared as such. */
static inline int tarball_make(const struct member *members, size_t n, const char *filter)
{
	int fd = memfd_create("tarball", MFD_CLOEXEC);

	setlocale(LC_CTYPE, "C.UTF-8");
	struct archive *archive = tarball_open(fd, archive_write_set_format_pax_restricted, "none");
	for (size_t i = 0; i < n; i++)
		tarball_add(archive, &members[i]);
	tarball_close(archive, fd);
	setlocale(LC_CTYPE, "C");
	return strcmp(filter, "none") == 0 ? fd : tarball_pack(fd, filter);
}

/* A copy of the first `size` bytes. */
static inline int tarball_cut(int fd, size_t size)
{
	int copy = memfd_create("cut", MFD_CLOEXEC);
	char *bytes = malloc(size + 1);

	if (pread(fd, bytes, size, 0) != (ssize_t)size || write(copy, bytes, size) != (ssize_t)size ||
	    lseek(copy, 0, SEEK_SET) < 0)
		abort();
	free(bytes);
	return copy;
}

static inline size_t tarball_size(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 ? (size_t)st.st_size : 0;
}
