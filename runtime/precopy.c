#include "runtime/precopy.h"

#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "checkpoint/image.h"
#include "quota/cgroup.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/dumper.h"
#include "runtime/dumps.h"
#include "runtime/op.h"
#include "runtime/state.h"
#include "runtime/ve.h"

/* Measured: for less memory, a round takes as long as it saves. */
#define PAYS_BYTES (64ull << 20)
/* What is written to all the time is written again in each round: so much in all, of what the memory is, is enough. */
#define TIMES_MAX 2
/* So little is written as fast while it stands still. */
#define LITTLE_BYTES (256u << 10)
#define ROUNDS_MAX 8
#define THAW_TIMEOUT_MS 30000

static uint64_t memory_of(const char *group)
{
	uint64_t anon = 0, shared = 0;

	cgroup_read_key(group, "memory.stat", "anon", &anon);
	cgroup_read_key(group, "memory.stat", "shmem", &shared);
	return anon + shared;
}

uint64_t precopy_bytes(const struct ve *ve)
{
	cleanup_state struct state state = {0};
	struct err ignored = {0};

	return state_load(ve->ctid, &state, &ignored) < 0 ? 0 : memory_of(state.cgroup) * (TIMES_MAX + 1);
}

/* For another round, and the dump after it. */
static bool has_room(int image, uint64_t memory)
{
	struct statvfs fs;
	return fstatvfs(image, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize > 2 * memory;
}

static int begin(struct op *op, uint32_t ctid, struct precopy *precopy)
{
	cleanup_free char *name = str_fmt("%u", ctid);

	int r = precopy->store = dumps_open(op->host, op->err);
	return r < 0 ? r : image_begin(precopy->store, name, &precopy->image, op->err);
}

/* Who was to let it go on may have been killed. */
static void let_go(struct op *op, const struct state *state)
{
	struct err err = {0};

	if (!state->frozen && cgroup_freeze(state->cgroup, false, THAW_TIMEOUT_MS, &err) < 0)
		op_warn(op, "%s", err.text);
}

static int write_round(struct op *op, uint32_t ctid, const struct state *state, struct precopy *precopy)
{
	cleanup_dumper struct dumper dumper = DUMPER_NONE;
	uint64_t before = 0, after = 0;
	int r;

	if ((r = dumper_open(op, ctid, state, precopy->image, &dumper)) < 0 ||
	    (r = image_size(precopy->image, &before, op->err)) < 0)
		return r;
	if (precopy->rounds == 0 && (r = criu_tracks_memory(&dumper.request, op->err)) <= 0) {
		precopy->enough = r == 0;
		return r;
	}
	r = criu_pre_dump_tree(&dumper.request, state->pid, op->err);
	dumps_after(op);
	if (r < 0) {
		let_go(op, state);
		return r;
	}
	/* What is on disk by then need not be written to it while the VE stands still. */
	if (syncfs(precopy->image) < 0)
		return err_set(op->err, errno, "write the image to disk");
	r = image_size(precopy->image, &after, op->err);
	if (r < 0)
		return r;
	precopy->rounds++;
	precopy->total += after - before;
	/* What is changed as fast as it is copied is never all copied. */
	precopy->enough = precopy->rounds == ROUNDS_MAX || after - before <= LITTLE_BYTES ||
			  (precopy->rounds > 1 && (after - before) * 20 > precopy->bytes * 19) ||
			  precopy->total > TIMES_MAX * memory_of(state->cgroup);
	precopy->bytes = after - before;
	return 0;
}

int precopy_round(struct op *op, const struct ve *ve, struct precopy *precopy)
{
	cleanup_state struct state state = {0};

	int r = precopy->enough ? 0 : state_load(ve->ctid, &state, op->err);
	if (r < 0 || precopy->enough)
		return r;
	uint64_t memory = memory_of(state.cgroup);
	if (precopy->image < 0)
		r = memory < PAYS_BYTES ? 0 : begin(op, ve->ctid, precopy);
	precopy->enough = r == 0 && (precopy->image < 0 || !has_room(precopy->image, memory));
	return r < 0 || precopy->enough ? r : write_round(op, ve->ctid, &state, precopy);
}

void precopy_done(struct op *op, struct precopy *precopy)
{
	bool begun = precopy->image >= 0;

	fd_close(precopy->image);
	fd_close(precopy->store);
	if (begun)
		dumps_clean(op);
	*precopy = (struct precopy)PRECOPY_NONE;
}
