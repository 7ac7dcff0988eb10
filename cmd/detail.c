#include "cmd/detail.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "cmd/cell.h"
#include "cmd/client.h"
#include "cmd/record.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/word.h"

static void line(FILE *out, const char *what, const char *fmt, ...) __attribute__((format(printf, 3, 4), nonnull));
static void line(FILE *out, const char *what, const char *fmt, ...)
{
	va_list ap;

	fprintf(out, "  %-15s ", what);
	va_start(ap, fmt);
	vfprintf(out, fmt, ap);
	va_end(ap);
	fputs("\n", out);
}

static void print_list(FILE *out, const char *what, const char *list)
{
	if (list && *list)
		line(out, what, "%s", list);
}

static void print_state(FILE *out, const struct record *record)
{
	const struct cell up = {.kind = CELL_UPTIME, .seconds = record->uptime};
	cleanup_free char *uptime = cell_show(&up, true);

	if (record_running(record))
		line(out, "state", "running, up %s", uptime);
	else
		line(out, "state", "%s", record->status);
	print_list(out, "hostname", record->config.hostname);
}

static void print_gateways(FILE *out, const struct net_interface *net)
{
	char ip[IP_TEXT];

	if (net->gateway4.family)
		line(out, "", "gateway %s", ip_print(&net->gateway4, ip));
	if (net->gateway6.family)
		line(out, "", "gateway %s", ip_print(&net->gateway6, ip));
}

static void print_interface(FILE *out, const struct net_interface *net)
{
	cleanup_free char *ips = ips_print(&net->ips);
	cleanup_text struct text where = {0};
	char mac[MAC_TEXT];

	text_add(&where, "%s on the node", net->host_name[0] ? net->host_name : "not named yet");
	if (net->bridge[0])
		text_add(&where, ", bridge %s", net->bridge);
	if (net->vlan)
		text_add(&where, ", VLAN %u", net->vlan);
	line(out, net->name, "%s", where.s);
	if (!mac_is_zero(&net->mac))
		line(out, "", "MAC %s%s", mac_print(&net->mac, mac), net->mac_filter ? "" : ", others may pass");
	print_list(out, "", ips);
	print_gateways(out, net);
}

static void print_interfaces(FILE *out, const struct record *record)
{
	if (record->config.ip_address) {
		line(out, "venet0", "venet%u on the node", record->ctid);
		line(out, "", "%s", record->config.ip_address);
	}
	for (size_t i = 0; i < record->netifs.n; i++)
		print_interface(out, &record->netifs.list[i].net);
	print_list(out, "devices", record->config.netdev);
}

static void print_ports(FILE *out, const char *ports)
{
	const char *rest = ports ? ports : "", *what = "ports";

	for (char *port; (port = word_next(&rest, " ")); free(port), what = "")
		line(out, what, "%s", port);
}

static void print_settings(FILE *out, const struct record *record)
{
	const struct param *netfilter = param_by_key(&config_table, "NETFILTER");
	cleanup_free char *word = param_print(&config_table, netfilter, &record->config);

	if (record->config.rate)
		line(out, "rate", "%" PRIu64 " Kbit/s", record->config.rate / 1000);
	print_list(out, "name servers", record->config.nameserver);
	print_list(out, "search domains", record->config.searchdomain);
	print_list(out, "netfilter", word);
	print_list(out, "features", record->config.features);
}

static void print_count(FILE *out, const char *what, const struct net_count *count)
{
	line(out, what, "%" PRIu64 " packets, %" PRIu64 " bytes", count->packets, count->bytes);
}

static void print_traffic(FILE *out, const struct net_traffic *traffic)
{
	print_count(out, "sent IPv4", &traffic->sent4);
	print_count(out, "sent IPv6", &traffic->sent6);
	print_count(out, "received IPv4", &traffic->received4);
	print_count(out, "received IPv6", &traffic->received6);
	print_count(out, "dropped", &traffic->dropped);
}

void detail_print(FILE *out, const struct record *record)
{
	print_state(out, record);
	print_interfaces(out, record);
	print_ports(out, record->config.ports);
	print_settings(out, record);
	if (record->has_traffic)
		print_traffic(out, &record->traffic);
}

struct asked {
	struct record record;
	bool known;
	struct err *err;
};

static int on_answer(void *ctx, sd_json_variant *answer)
{
	struct asked *asked = ctx;
	sd_json_variant *ve = sd_json_variant_by_key(answer, "ve");

	if (asked->known || !sd_json_variant_is_object(ve))
		return 0;
	int r = record_parse(ve, &asked->record, asked->err);
	asked->known = r == 0;
	return r;
}

int detail_show(struct client *client, const char *ve, FILE *out, struct err *err)
{
	cleanup_json sd_json_variant *parameters = NULL;
	struct asked asked = {.err = err};

	int r = sd_json_buildo(&parameters, SD_JSON_BUILD_PAIR("ves", SD_JSON_BUILD_ARRAY(SD_JSON_BUILD_STRING(ve))),
			       SD_JSON_BUILD_PAIR_BOOLEAN("traffic", true));
	if (r < 0)
		return client_bad_json(err, r);
	r = client_call(client, "List", parameters, on_answer, &asked, err);
	if (r >= 0 && asked.known)
		detail_print(out, &asked.record);
	record_done(&asked.record);
	return r;
}
