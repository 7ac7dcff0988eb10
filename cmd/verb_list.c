/* List and Status: what there is to know of VEs, as JSON. */
#include <string.h>
#include <unistd.h>

#include "cmd/verb.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/info.h"

/* What the runtime does not know, and what has no limit, is null on the wire. */
#define UNKNOWN UINT64_MAX

static int set_number(sd_json_variant **object, const char *name, uint64_t number)
{
	return number == UNKNOWN ? 0 : sd_json_variant_set_field_unsigned(object, name, number);
}

static int set_counter(sd_json_variant **ve, const char *name, uint64_t held, uint64_t maxheld, uint64_t failcnt)
{
	cleanup_variant sd_json_variant *counter = NULL;

	int r = sd_json_variant_new_object(&counter, NULL, 0);
	if (r >= 0)
		r = set_number(&counter, "held", held);
	if (r >= 0)
		r = set_number(&counter, "maxheld", maxheld);
	if (r >= 0)
		r = set_number(&counter, "failcnt", failcnt);
	return r < 0 ? r : sd_json_variant_set_field(ve, name, counter);
}

static int set_disk(sd_json_variant **ve, const char *name, uint64_t usage, uint64_t soft, uint64_t hard)
{
	cleanup_variant sd_json_variant *disk = NULL;

	int r = sd_json_variant_new_object(&disk, NULL, 0);
	if (r >= 0)
		r = set_number(&disk, "usage", usage);
	if (r >= 0)
		r = set_number(&disk, "soft", soft);
	if (r >= 0)
		r = set_number(&disk, "hard", hard);
	return r < 0 ? r : sd_json_variant_set_field(ve, name, disk);
}

/* A file may hold text that is not UTF-8; JSON cannot, so that setting is left out. */
static int set_settings(sd_json_variant **ve, const struct ve_config *config)
{
	cleanup_variant sd_json_variant *settings = NULL;

	int r = sd_json_variant_new_object(&settings, NULL, 0);
	for (size_t i = 0; r >= 0 && i < config_table.n; i++) {
		cleanup_free char *value = param_print(&config_table, &config_table.rows[i], config);
		if (value)
			r = sd_json_variant_set_field_string(&settings, config_table.rows[i].key, value);
		if (r == -EUCLEAN)
			r = 0;
	}
	return r < 0 ? r : sd_json_variant_set_field(ve, "settings", settings);
}

static int set_identity(sd_json_variant **ve, const struct info *info)
{
	return sd_json_buildo(ve, SD_JSON_BUILD_PAIR_UNSIGNED("ctid", info->ve.ctid),
			      SD_JSON_BUILD_PAIR_STRING("status", ve_state_name(info->state)),
			      SD_JSON_BUILD_PAIR_STRING("private", info->ve.private_area),
			      SD_JSON_BUILD_PAIR_STRING("root", info->ve.root_area),
			      SD_JSON_BUILD_PAIR_BOOLEAN("privateExists", access(info->ve.private_area, F_OK) == 0),
			      SD_JSON_BUILD_PAIR_REAL("uptime", info->uptime));
}

static int set_usage(sd_json_variant **ve, const struct info *info)
{
	const struct disk_usage *disk = &info->disk;
	struct usage usage = info->usage;

	if (info->state != VE_RUNNING)
		memset(&usage, 0xff, sizeof(usage)); /* UNKNOWN, all of it */
	int r = set_counter(ve, "numproc", usage.numproc, usage.numproc_max, usage.numproc_fail);
	if (r >= 0)
		r = set_counter(ve, "physpages", usage.ram, usage.ram_max, usage.ram_fail);
	if (r >= 0)
		r = set_counter(ve, "swappages", usage.swap, usage.swap_max, usage.swap_fail);
	if (r >= 0)
		r = set_disk(ve, "diskspace", disk->space, disk->limits.space_soft, disk->limits.space_hard);
	if (r >= 0)
		r = set_disk(ve, "diskinodes", disk->inodes, disk->limits.inodes_soft, disk->limits.inodes_hard);
	return r;
}

static int set_count(sd_json_variant **traffic, const char *name, const struct net_count *count)
{
	cleanup_variant sd_json_variant *v = NULL;

	int r = sd_json_buildo(&v, SD_JSON_BUILD_PAIR_UNSIGNED("packets", count->packets),
			       SD_JSON_BUILD_PAIR_UNSIGNED("bytes", count->bytes));
	return r < 0 ? r : sd_json_variant_set_field(traffic, name, v);
}

static int set_traffic(sd_json_variant **ve, const struct info *info)
{
	cleanup_variant sd_json_variant *traffic = NULL;
	int r;

	if (!info->has_traffic)
		return 0;
	if ((r = set_count(&traffic, "sent4", &info->traffic.sent4)) < 0 ||
	    (r = set_count(&traffic, "sent6", &info->traffic.sent6)) < 0 ||
	    (r = set_count(&traffic, "received4", &info->traffic.received4)) < 0 ||
	    (r = set_count(&traffic, "received6", &info->traffic.received6)) < 0 ||
	    (r = set_count(&traffic, "dropped", &info->traffic.dropped)) < 0)
		return r;
	return sd_json_variant_set_field(ve, "network", traffic);
}

static int set_checkpointable(sd_json_variant **ve, const struct info *info)
{
	return info->has_checkable ? sd_json_variant_set_field_boolean(ve, "checkpointable", info->checkable) : 0;
}

static int answer_ve(struct invocation *invocation, const struct info *info)
{
	cleanup_variant sd_json_variant *ve = NULL, *answer = NULL;
	cleanup_free char *json = NULL;

	int r = set_identity(&ve, info);
	if (r >= 0)
		r = set_settings(&ve, &info->ve.config);
	if (r >= 0)
		r = set_usage(&ve, info);
	if (r >= 0)
		r = set_traffic(&ve, info);
	if (r >= 0)
		r = set_checkpointable(&ve, info);
	if (r >= 0)
		r = sd_json_buildo(&answer, SD_JSON_BUILD_PAIR_VARIANT("ve", ve));
	if (r >= 0)
		r = sd_json_variant_format(answer, 0, &json);
	return r < 0 ? verb_bad_answer(invocation, r) : work_answer(invocation->work, json);
}

static int list_one(struct invocation *invocation, uint32_t ctid)
{
	struct op *op = &invocation->work->op;
	struct info info = {0};

	int r = info_read(op->host, ctid, &info, op->err);
	if (r == 0 && verb_flag(invocation, "traffic"))
		info_read_traffic(op->host, &info);
	if (r == 0 && verb_flag(invocation, "checkpointable"))
		info_read_checkable(&info);
	if (r == 0)
		r = answer_ve(invocation, &info);
	info_done(&info);
	return r;
}

static int list_named(struct invocation *invocation, sd_json_variant *names)
{
	for (size_t i = 0; i < sd_json_variant_elements(names); i++) {
		const char *name = sd_json_variant_string(sd_json_variant_by_index(names, i));
		uint32_t ctid;
		int r = ve_find(name, &ctid, invocation->work->op.err);
		if (r == 0)
			r = list_one(invocation, ctid);
		if (r < 0)
			return r;
	}
	return 0;
}

/* One VE that cannot be read, or is destroyed meanwhile, does not hide the others. */
static int list_all(struct invocation *invocation)
{
	struct op *op = &invocation->work->op;
	struct err *outer = op->err;
	cleanup_free uint32_t *ctids = NULL;
	size_t n = 0;

	int r = ve_all(&ctids, &n, op->err);
	for (size_t i = 0; i < n; i++) {
		struct err err = {0};
		op->err = &err;
		if (list_one(invocation, ctids[i]) < 0 && err.kind != ERR_NO_SUCH_VE)
			op_warn(op, "CT %u is not listed: %s", ctids[i], err.text);
	}
	op->err = outer;
	return r;
}

int verb_list(struct invocation *invocation, sd_json_variant **ret_answer)
{
	sd_json_variant *names = sd_json_variant_by_key(invocation->parameters, "ves");
	(void)ret_answer;
	return sd_json_variant_is_array(names) ? list_named(invocation, names) : list_all(invocation);
}

static int find_state(struct invocation *invocation, uint32_t *ret_ctid, enum ve_state *ret_state)
{
	struct op *op = &invocation->work->op;
	cleanup_ve struct ve ve = {0};
	uint64_t number;

	/* A number is a CTID also without a VE. A name is the name of a VE or of none. */
	int r = ve_find(verb_text(invocation, "ve"), ret_ctid, op->err);
	if (r < 0)
		return str_u64(verb_text(invocation, "ve"), &number) == 0 ? r : 0;
	r = ve_load(op->host, *ret_ctid, &ve, op->err);
	if (r == 0)
		*ret_state = ve_state(&ve);
	return r < 0 && op->err->kind == ERR_NO_SUCH_VE ? 0 : r;
}

int verb_status(struct invocation *invocation, sd_json_variant **ret_answer)
{
	enum ve_state state = VE_ABSENT;
	uint32_t ctid = 0;

	int r = find_state(invocation, &ctid, &state);
	if (r < 0)
		return r;
	r = sd_json_buildo(ret_answer, SD_JSON_BUILD_PAIR_CONDITION(ctid > 0, "ctid", SD_JSON_BUILD_UNSIGNED(ctid)),
			   SD_JSON_BUILD_PAIR_BOOLEAN("exists", state != VE_ABSENT),
			   SD_JSON_BUILD_PAIR_BOOLEAN("mounted", state == VE_MOUNTED || state == VE_RUNNING),
			   SD_JSON_BUILD_PAIR_BOOLEAN("running", state == VE_RUNNING),
			   SD_JSON_BUILD_PAIR_BOOLEAN("suspended", state == VE_SUSPENDED));
	return r < 0 ? verb_bad_answer(invocation, r) : 0;
}
