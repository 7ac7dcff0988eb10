/* Programs of the node that we run to their end: mkfs.xfs, cp, rm, tar, mmdebstrap. No shell.
 *
 * argv[0] is looked up in /usr/sbin:/usr/bin:/sbin:/bin, stdin is /dev/null, the environment is that PATH and
 * LC_ALL=C.UTF-8, no descriptor but 0, 1 and 2 is inherited, and the child dies with its parent (PR_SET_PDEATHSIG). */
#pragma once

struct err;

/* Run it in directory `dirfd` (AT_FDCWD: where we are). A program that is missing, fails or is killed is an error that
 * names it and quotes the last line it wrote to stderr. */
int proc_run(int dirfd, const char *const argv[], struct err *err);

/* The same; each line of its stdout and stderr goes to `line` as it comes, without the newline. */
int proc_run_lines(int dirfd, const char *const argv[], void (*line)(void *ctx, const char *text), void *ctx,
		   struct err *err);

/* Remove the tree `name` below dirfd with all it holds, never leaving its file system, never following a symbolic link;
 * "not there" is success. Kind ERR_DELETE. */
int proc_remove_tree(int dirfd, const char *name, struct err *err);
