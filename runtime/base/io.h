/* Files and sockets: whole reads and writes, records that survive a power loss, descriptors sent to another process.
 * Paths are relative to a directory fd; AT_FDCWD with an absolute path is for the constants of paths.h. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct err;

/* Read the whole file (or what is left of fd) into fresh, terminated memory; files above 16 MiB are refused (-EFBIG).
 * The length excludes the terminator; ret_len may be NULL. The caller frees. */
int io_read_file(int dirfd, const char *path, char **ret_text, size_t *ret_len);
/* The same, of a file that may be as large as `max` bytes. */
int io_read_large_file(int dirfd, const char *path, size_t max, char **ret_text, size_t *ret_len);
int io_read_fd(int fd, char **ret_text, size_t *ret_len);

/* Write with one write(2), as kernel files (proc, cgroup) want it. O_WRONLY, never creates. */
int io_write_kernel(int dirfd, const char *path, const char *text);

/* Write all of it, over short writes and EINTR. */
int io_write_all(int fd, const void *bytes, size_t len);

/* Replace (or create, with `mode`) a file so that after a crash it is wholly the old or wholly the new one, and after
 * return it survives a power loss: temporary file, fsync, rename, fsync of the directory. */
int io_replace_file(int dirfd, const char *name, const char *text, size_t len, mode_t mode);

/* fsync the directory that dirfd is. */
int io_sync_dir(int dirfd);

/* Make the directory and its parents below dirfd, mode 0755 for parents; one that exists already is success. */
int io_mkdir_all(int dirfd, const char *path, mode_t mode);

/* Send one message with up to IO_MAX_FDS descriptors over a unix socket. */
#define IO_MAX_FDS 16
int io_send(int sock, const void *bytes, size_t len, const int *fds, size_t n_fds);

/* Receive one message. Received descriptors are close-on-exec and belong to the caller; *ret_n_fds is how many came
 * (at most IO_MAX_FDS). Returns the length, 0 at end of stream, -EMSGSIZE (nothing kept) when it was cut. */
ssize_t io_recv(int sock, void *bytes, size_t size, int *fds, size_t *ret_n_fds);
