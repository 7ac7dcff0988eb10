#include "cmd/record.h"

#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

static uint64_t number(sd_json_variant *object, const char *key)
{
	sd_json_variant *v = sd_json_variant_by_key(object, key);
	return v && sd_json_variant_is_unsigned(v) ? sd_json_variant_unsigned(v) : RECORD_UNKNOWN;
}

static char *text(sd_json_variant *object, const char *key)
{
	return mem_strdup(sd_json_variant_string(sd_json_variant_by_key(object, key)));
}

static struct counter counter(sd_json_variant *ve, const char *key)
{
	sd_json_variant *v = sd_json_variant_by_key(ve, key);
	return (struct counter){
		.held = number(v, "held"),
		.maxheld = number(v, "maxheld"),
		.failcnt = number(v, "failcnt"),
	};
}

static struct disk_counter disk(sd_json_variant *ve, const char *key)
{
	sd_json_variant *v = sd_json_variant_by_key(ve, key);
	return (struct disk_counter){
		.usage = number(v, "usage"),
		.soft = number(v, "soft"),
		.hard = number(v, "hard"),
	};
}

static void parse_load(sd_json_variant *load, double ret[3])
{
	ret[0] = -1;
	if (!load || sd_json_variant_elements(load) != 3)
		return;
	for (size_t i = 0; i < 3; i++)
		ret[i] = sd_json_variant_real(sd_json_variant_by_index(load, i));
}

static int parse_settings(sd_json_variant *settings, struct ve_config *ret, struct err *err)
{
	size_t n = settings ? sd_json_variant_elements(settings) : 0;

	for (size_t i = 0; i + 1 < n; i += 2) {
		const char *key = sd_json_variant_string(sd_json_variant_by_index(settings, i));
		const char *value = sd_json_variant_string(sd_json_variant_by_index(settings, i + 1));
		const struct param *row = key ? param_by_key(&config_table, key) : NULL;
		if (!row || !value)
			continue;

		int r = param_parse(&config_table, row, ret, value, PARAM_FROM_FILE, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int record_parse(sd_json_variant *ve, struct record *ret, struct err *err)
{
	uint64_t ctid = number(ve, "ctid");
	if (ctid > UINT32_MAX)
		return err_say(err, ERR_SYSTEM, "vzd tells of a VE without a CTID; is it of another version?");

	struct record record = {
		.ctid = (uint32_t)ctid,
		.status = text(ve, "status"),
		.private = text(ve, "private"),
		.root = text(ve, "root"),
		.private_exists = sd_json_variant_boolean(sd_json_variant_by_key(ve, "privateExists")),
		.numproc = counter(ve, "numproc"),
		.physpages = counter(ve, "physpages"),
		.swappages = counter(ve, "swappages"),
		.diskspace = disk(ve, "diskspace"),
		.diskinodes = disk(ve, "diskinodes"),
		.uptime = sd_json_variant_real(sd_json_variant_by_key(ve, "uptime")),
	};
	parse_load(sd_json_variant_by_key(ve, "laverage"), record.load);

	int r = parse_settings(sd_json_variant_by_key(ve, "settings"), &record.config, err);
	if (r < 0) {
		record_done(&record);
		return r;
	}
	*ret = record;
	return 0;
}

void record_done(struct record *record)
{
	free(record->status);
	free(record->private);
	free(record->root);
	config_done(&record->config);
	*record = (struct record){0};
}

bool record_running(const struct record *record)
{
	return record->status && str_eq(record->status, "running");
}
