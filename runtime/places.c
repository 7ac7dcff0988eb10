#include "runtime/places.h"

#include <string.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/host.h"
#include "runtime/ve.h"

/* The last component, if the path is that directly below the directory of the node's own value; else NULL. */
static const char *leaf_of(const char *path, const char *nodes_own)
{
	const char *slash = strrchr(nodes_own, '/');
	size_t dir = (size_t)(slash - nodes_own) + 1;

	if (strncmp(path, nodes_own, dir) != 0 || strchr(path + dir, '/'))
		return NULL;
	return path + dir;
}

static int check(const char *key, const char *path, const char *nodes_value, uint32_t ctid, struct err *err)
{
	cleanup_free char *nodes_own = config_path(nodes_value, ctid);
	const char *leaf = leaf_of(path, nodes_own);
	uint32_t number;

	if (!leaf || !leaf[0] || leaf[0] == '.')
		return err_say(err, ERR_BAD_CONFIG,
			       "%s=\"%s\" is not allowed: it must lie in the directory of vz.conf's %s, \"%s\"", key,
			       path, key, nodes_value);
	if (str_u32(leaf, &number) == 0 && number != ctid)
		return err_say(err, ERR_BAD_CONFIG, "%s=\"%s\" is not allowed: it is the place of CT %u", key, path,
			       number);
	return 0;
}

/* A name of its own could be given to two VEs. */
static int check_unshared(const struct host *host, const struct ve *ve, struct err *err)
{
	cleanup_free uint32_t *ctids = NULL;
	size_t n = 0;

	int r = ve_all(&ctids, &n, err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct err unreadable = {0};
		cleanup_ve struct ve other = {0};
		if (ctids[i] == ve->ctid || ve_load(host, ctids[i], &other, &unreadable) < 0)
			continue;
		if (str_eq(other.private_area, ve->private_area) || str_eq(other.root_area, ve->root_area))
			r = err_say(err, ERR_BAD_CONFIG, "CT %u has the same VE_PRIVATE or VE_ROOT as CT %u", ve->ctid,
				    ctids[i]);
	}
	return r;
}

int places_check(const struct host *host, const struct ve *ve, struct err *err)
{
	const struct ve_config *node = &host->node.ve;
	uint32_t number;

	int r = check("VE_PRIVATE", ve->private_area, node->private_area, ve->ctid, err);
	if (r == 0)
		r = check("VE_ROOT", ve->root_area, node->root_area, ve->ctid, err);
	if (r < 0)
		return r;
	bool own = str_u32(strrchr(ve->private_area, '/') + 1, &number) == 0 &&
		   str_u32(strrchr(ve->root_area, '/') + 1, &number) == 0;
	return own ? 0 : check_unshared(host, ve, err);
}
