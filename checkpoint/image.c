#include "checkpoint/image.h"

#include <unistd.h>

#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"

bool image_present(uint32_t id)
{
	cleanup_free char *path = str_fmt(PATH_DUMP "/%u/manifest", id);
	return access(path, F_OK) == 0;
}
