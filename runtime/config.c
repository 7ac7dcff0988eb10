#include "runtime/config.h"

#include <fcntl.h>
#include <limits.h>

#include "runtime/base/err.h"
#include "runtime/base/kvfile.h"
#include "runtime/base/mem.h"
#include "runtime/base/paths.h"
#include "runtime/base/str.h"
#include "runtime/netif.h"
#include "runtime/value.h"

void config_done(struct ve_config *config)
{
	param_done(&config_table, config);
}

static int open_conf_dir(void)
{
	return open(PATH_VE_CONFIG_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int no_such_ve(struct err *err)
{
	return err_say(err, ERR_NO_SUCH_VE, "Container config file does not exist");
}

static int set(struct ve_config *config, const char *key, const char *value, struct err *err)
{
	return param_parse(&config_table, param_by_key(&config_table, key), config, value, PARAM_FROM_FILE, err);
}

/* vzctl takes interfaces of which a file says little more than the name. */
static int complete_interfaces(struct ve_config *config, uint32_t ctid, const char *name, struct err *err)
{
	cleanup_netifs struct netifs netifs = {0};
	struct why why;

	if (!config->netif)
		return 0;
	if (netifs_parse(config->netif, &netifs, &why) < 0 || netifs_complete(&netifs, ctid, &why) < 0)
		return err_say(err, ERR_BAD_CONFIG, "%s: NETIF: %s", name, why.text);
	cleanup_free char *text = netifs_print(&netifs);
	return set(config, "NETIF", text, err);
}

/* The node's layout is for VEs to come. One that names none dates from before there was a choice: a plain directory. */
int config_load_at(int dir, uint32_t ctid, const struct ve_config *defaults, struct ve_config *ret, struct err *err)
{
	cleanup_free char *name = str_fmt("%u.conf", ctid);
	cleanup_kvfile struct kvfile *file = NULL;
	cleanup_config struct ve_config config = {0};

	int r = kvfile_load(dir, name, &file, err);
	if (r == -ENOENT)
		return no_such_ve(err);
	if (r < 0)
		return r;

	param_merge(&config_table, &config, defaults);
	r = set(&config, "VE_LAYOUT", "private", err);
	if (r < 0)
		return r;
	r = param_load(&config_table, &config, file, name, err);
	if (r == 0)
		r = complete_interfaces(&config, ctid, name, err);
	if (r < 0)
		return r;
	*ret = config;
	config = (struct ve_config){0};
	return 0;
}

int config_load(uint32_t ctid, const struct ve_config *defaults, struct ve_config *ret, struct err *err)
{
	cleanup_fd int dir = open_conf_dir();
	if (dir < 0 && errno == ENOENT)
		return no_such_ve(err);
	if (dir < 0)
		return err_set(err, errno, "open %s", PATH_VE_CONFIG_DIR);
	return config_load_at(dir, ctid, defaults, ret, err);
}

int config_save_at(int dir, uint32_t ctid, const struct ve_config *config, struct err *err)
{
	cleanup_free char *name = str_fmt("%u.conf", ctid);
	cleanup_kvfile struct kvfile *file = NULL;

	int r = kvfile_load(dir, name, &file, err);
	if (r == -ENOENT)
		file = kvfile_new();
	else if (r < 0)
		return err_is(err, ERR_CONFIG_SAVE, r);

	param_store(&config_table, config, file);
	return err_is(err, ERR_CONFIG_SAVE, kvfile_save(file, dir, name, err));
}

int config_save(uint32_t ctid, const struct ve_config *config, struct err *err)
{
	cleanup_fd int dir = open_conf_dir();
	if (dir < 0)
		return err_is(err, ERR_CONFIG_SAVE, err_set(err, errno, "open %s", PATH_VE_CONFIG_DIR));
	return config_save_at(dir, ctid, config, err);
}

int config_save_like(uint32_t ctid, int dir, uint32_t like, const struct ve_config *config, struct err *err)
{
	cleanup_free char *from = str_fmt("%u.conf", like), *to = str_fmt("%u.conf", ctid);
	cleanup_kvfile struct kvfile *file = NULL;
	cleanup_fd int own = open_conf_dir();
	if (own < 0)
		return err_is(err, ERR_CONFIG_SAVE, err_set(err, errno, "open %s", PATH_VE_CONFIG_DIR));

	int r = kvfile_load(dir, from, &file, err);
	if (r == -ENOENT)
		return no_such_ve(err);
	if (r < 0)
		return err_is(err, ERR_CONFIG_SAVE, r);
	for (size_t i = 0; i < config_table.n; i++)
		if (!param_given(&config_table, &config_table.rows[i], config))
			kvfile_unset(file, config_table.rows[i].key);
	/* Of a move that the other one made (runtime/handover.h). */
	kvfile_unset(file, "GENERATION");
	kvfile_unset(file, "MOVE");
	param_store(&config_table, config, file);
	return err_is(err, ERR_CONFIG_SAVE, kvfile_save(file, own, to, err));
}

/* A sample's name becomes part of a file's name. */
static bool is_sample_name(const char *name)
{
	return name[0] && strlen(name) <= NAME_MAX / 2 && !strchr(name, '/');
}

int config_sample_at(int dir, const char *name, int kind, struct ve_config *ret, struct err *err)
{
	if (!is_sample_name(name))
		return err_say(err, kind, "%s is no name of a sample configuration", name);

	cleanup_free char *file_name = str_fmt("ve-%s.conf-sample", name);
	cleanup_kvfile struct kvfile *file = NULL;
	cleanup_config struct ve_config config = {0};

	int r = kvfile_load(dir, file_name, &file, err);
	if (r == -ENOENT)
		return err_say(err, kind, "Sample config %s/%s not found", PATH_VE_CONFIG_DIR, file_name);
	if (r == 0)
		r = param_load_some(&config_table, 0, PARAM_OWN, &config, file, file_name, err);
	if (r < 0) {
		err->kind = kind;
		return r;
	}
	*ret = config;
	config = (struct ve_config){0};
	return 0;
}

int config_sample(const char *name, int kind, struct ve_config *ret, struct err *err)
{
	cleanup_fd int dir = open_conf_dir();
	if (dir < 0)
		return err_is(err, kind, err_set(err, errno, "open %s", PATH_VE_CONFIG_DIR));
	return config_sample_at(dir, name, kind, ret, err);
}

char *config_path(const char *value, uint32_t ctid)
{
	cleanup_text struct text path = {0};
	const char *p = value;

	for (const char *dollar; (dollar = strchr(p, '$'));) {
		const char *after = str_after(dollar, "${VEID}");
		if (!after)
			after = str_after(dollar, "$VEID");
		text_add_bytes(&path, p, (size_t)(dollar - p));
		if (after)
			text_add(&path, "%u", ctid);
		else
			text_add(&path, "$");
		p = after ? after : dollar + 1;
	}
	text_add(&path, "%s", p);
	return steal_ptr(path.s);
}
