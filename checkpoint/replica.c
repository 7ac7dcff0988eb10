#include "checkpoint/replica.h"

#include <fcntl.h>
#include <unistd.h>

#include "checkpoint/contents.h"
#include "checkpoint/ids.h"
#include "checkpoint/proof.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"

static int share(int to, int from, struct err *err)
{
	struct contents contents = {0};

	int r = contents_read(from, PROOF_FILE, &contents, err);
	for (size_t i = 0; r == 0 && i < contents.n; i++) {
		const char *path = contents.list[i].path;
		if (linkat(from, path, to, path, 0) < 0)
			r = err_set(err, errno, "take %s into another image", path);
	}
	contents_done(&contents);
	return r;
}

int replica_fill(int to, int from, const struct ids_move *move, struct err *err)
{
	int r = share(to, from, err);
	if (r < 0)
		return err_is(err, ERR_CHECKPOINT, r);
	cleanup_fd int files = openat(to, "files", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = files < 0 ? err_set(err, errno, "open the image's files") : ids_move_files(files, move, err);
	return err_is(err, ERR_CHECKPOINT, r);
}
