#include "runtime/dumper.h"

#include <fcntl.h>
#include <stdlib.h>

#include "quota/cgroup.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/criu_group.h"
#include "runtime/dumps.h"
#include "runtime/op.h"
#include "runtime/state.h"

int dumper_open(const struct op *op, uint32_t ctid, const struct state *state, int image, struct dumper *ret)
{
	struct err *err = op->err;

	*ret = (struct dumper)DUMPER_NONE;
	ret->host = op->host;
	ret->ctid = ctid;
	ret->log = str_fmt("%u.dump.log", ctid);
	ret->group = cgroup_path(state->cgroup, err);
	if (!ret->group)
		return -ENXIO;
	ret->logs = dumps_logs(err);
	if (ret->logs < 0)
		return ret->logs;
	ret->files = openat(image, "files", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ret->files < 0)
		return err_set(err, errno, "open the image");
	ret->own_group = criu_group_begin(op->host, ctid, err);
	if (ret->own_group < 0)
		return ret->own_group;

	externals_dumped(state->granted, &ret->externals);
	ret->request = (struct criu_request){
		.files = ret->files,
		.log_dir = ret->logs,
		.log = ret->log,
		.cgroup = ret->group,
		.group = ret->own_group,
		.externals = (const char *const *)ret->externals.words,
	};
	return 0;
}

void dumper_close(struct dumper *dumper)
{
	externals_done(&dumper->externals);
	free(dumper->log);
	free(dumper->group);
	fd_close(dumper->logs);
	fd_close(dumper->files);
	if (dumper->own_group >= 0)
		criu_group_end(dumper->host, dumper->ctid);
	fd_close(dumper->own_group);
}
