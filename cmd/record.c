#include "cmd/record.h"

#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/value.h"

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

static struct net_count count(sd_json_variant *traffic, const char *key)
{
	sd_json_variant *v = sd_json_variant_by_key(traffic, key);
	return (struct net_count){.packets = number(v, "packets"), .bytes = number(v, "bytes")};
}

static void parse_traffic(sd_json_variant *traffic, struct record *record)
{
	record->has_traffic = sd_json_variant_is_object(traffic);
	if (!record->has_traffic)
		return;
	record->traffic = (struct net_traffic){
		.sent4 = count(traffic, "sent4"),
		.sent6 = count(traffic, "sent6"),
		.received4 = count(traffic, "received4"),
		.received6 = count(traffic, "received6"),
		.dropped = count(traffic, "dropped"),
	};
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

static void append(struct record *record, enum record_list list, const char *word)
{
	char *old = record->lists[list];

	record->lists[list] = str_fmt("%s%s%s", old, *old && *word ? " " : "", word);
	free(old);
}

static void append_ip(struct record *record, enum record_list list, const struct ip *ip)
{
	char text[IP_TEXT];
	append(record, list, ip->family ? ip_print(ip, text) : "");
}

static void append_mac(struct record *record, enum record_list list, const struct mac *mac)
{
	char text[MAC_TEXT];
	append(record, list, mac_is_zero(mac) ? "" : mac_print(mac, text));
}

static void append_interface(struct record *record, const struct net_interface *net)
{
	append(record, RECORD_IFNAME, net->name);
	append(record, RECORD_HOST_IFNAME, net->host_name);
	append_mac(record, RECORD_MAC, &net->mac);
	append_mac(record, RECORD_HOST_MAC, &net->host_mac);
	append(record, RECORD_BRIDGE, net->bridge);
	append_ip(record, RECORD_GW, &net->gateway4);
	append_ip(record, RECORD_GW, &net->gateway6);
	for (size_t i = 0; i < net->ips.n; i++)
		append_ip(record, RECORD_IPS, &net->ips.list[i]);
}

/* Both were checked when they came in as settings. */
static int fill_lists(struct record *record, struct err *err)
{
	cleanup_ips struct ips ips = {0};
	const char *bad;
	struct why why;

	for (enum record_list list = 0; list < RECORD_LISTS; list++)
		record->lists[list] = mem_strdup("");
	if (record->config.ip_address && ips_parse(record->config.ip_address, &ips, &bad) < 0)
		return err_say(err, ERR_BAD_CONFIG, "IP_ADDRESS of CT %u: %s is not an IP address", record->ctid, bad);
	if (record->config.netif && netifs_parse(record->config.netif, &record->netifs, &why) < 0)
		return err_say(err, ERR_BAD_CONFIG, "NETIF of CT %u: %s", record->ctid, why.text);
	for (size_t i = 0; i < ips.n; i++)
		append_ip(record, RECORD_IPS, &ips.list[i]);
	for (size_t i = 0; i < record->netifs.n; i++)
		append_interface(record, &record->netifs.list[i].net);
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

	parse_traffic(sd_json_variant_by_key(ve, "network"), &record);
	sd_json_variant *checkpointable = sd_json_variant_by_key(ve, "checkpointable");
	record.has_checkpointable = sd_json_variant_is_boolean(checkpointable);
	record.checkpointable = sd_json_variant_boolean(checkpointable);

	int r = parse_settings(sd_json_variant_by_key(ve, "settings"), &record.config, err);
	if (r == 0)
		r = fill_lists(&record, err);
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
	netifs_done(&record->netifs);
	for (enum record_list list = 0; list < RECORD_LISTS; list++)
		free(record->lists[list]);
	*record = (struct record){0};
}

bool record_running(const struct record *record)
{
	return record->status && str_eq(record->status, "running");
}
