/* What CRIU is asked, and with what, when it writes the processes of a running VE to an image. */
#pragma once

#include "checkpoint/criu.h"
#include "runtime/external.h"

struct host;
struct op;
struct state;

struct dumper {
	struct criu_request request; /* but for `ask` */
	struct externals externals;
	char *log, *group;
	int logs, files, own_group;
	const struct host *host;
	uint32_t ctid;
};

#define DUMPER_NONE {.logs = -1, .files = -1, .own_group = -1}

/* `image` is the image's directory. */
int dumper_open(const struct op *op, uint32_t ctid, const struct state *state, int image, struct dumper *ret);
void dumper_close(struct dumper *dumper);
#define cleanup_dumper __attribute__((cleanup(dumper_close)))
