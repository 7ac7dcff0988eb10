/* What `vzctl status --detail` prints below its line. */
#include "cmd/detail.h"

#include <string.h>
#include <systemd/sd-json.h>

#include "cmd/record.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "tests/unit/unit.h"

static void check(const char *json, const char *expected)
{
	sd_json_variant *ve = NULL;
	struct record record;
	struct err err = {0};
	char *text = NULL;
	size_t len;

	assert_true(sd_json_parse(json, 0, &ve, NULL, NULL) >= 0);
	if (record_parse(ve, &record, &err) < 0)
		fail_msg("%s", err.text);
	FILE *out = open_memstream(&text, &len);
	detail_print(out, &record);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
	record_done(&record);
	sd_json_variant_unref(ve);
}

TEST(all_of_a_network_is_told)
{
	check("{\"ctid\":101,\"status\":\"running\",\"uptime\":93784.5,\"settings\":{\"HOSTNAME\":\"web\","
	      "\"IP_ADDRESS\":\"192.0.2.101 fd00::1/64\",\"NETIF\":\"ifname=eth0,bridge=br0,mac=00:18:51:00:00:01,"
	      "host_ifname=veth101.0,host_mac=fe:18:51:00:00:01,mac_filter=off,vlan=5,ip=10.0.0.2/24,"
	      "gw=10.0.0.1,gw6=fe80::1\","
	      "\"NETDEV\":\"eth1\",\"PORTS\":\"tcp:192.0.2.1:8080:80 udp:[::]:53:53\",\"RATE\":\"*:1:10240\","
	      "\"NAMESERVER\":\"192.0.2.53\",\"SEARCHDOMAIN\":\"a.example b.example\",\"NETFILTER\":\"full\","
	      "\"FEATURES\":\"tun:on\"},"
	      "\"network\":{\"sent4\":{\"packets\":10,\"bytes\":1000},\"sent6\":{\"packets\":1,\"bytes\":60},"
	      "\"received4\":{\"packets\":20,\"bytes\":30000},\"received6\":{\"packets\":2,\"bytes\":120},"
	      "\"dropped\":{\"packets\":3,\"bytes\":180}}}",
	      "  state           running, up 001d02h:03m:04s\n"
	      "  hostname        web\n"
	      "  venet0          venet101 on the node\n"
	      "                  192.0.2.101 fd00::1/64\n"
	      "  eth0            veth101.0 on the node, bridge br0, VLAN 5\n"
	      "                  MAC 00:18:51:00:00:01, others may pass\n"
	      "                  10.0.0.2/24\n"
	      "                  gateway 10.0.0.1\n"
	      "                  gateway fe80::1\n"
	      "  devices         eth1\n"
	      "  ports           tcp:192.0.2.1:8080:80\n"
	      "                  udp:[::]:53:53\n"
	      "  rate            10240 Kbit/s\n"
	      "  name servers    192.0.2.53\n"
	      "  search domains  a.example b.example\n"
	      "  netfilter       full\n"
	      "  features        tun:on\n"
	      "  sent IPv4       10 packets, 1000 bytes\n"
	      "  sent IPv6       1 packets, 60 bytes\n"
	      "  received IPv4   20 packets, 30000 bytes\n"
	      "  received IPv6   2 packets, 120 bytes\n"
	      "  dropped         3 packets, 180 bytes\n");
}

TEST(what_is_not_there_has_no_line)
{
	check("{\"ctid\":101,\"status\":\"stopped\",\"uptime\":0,\"settings\":{\"NAMESERVER\":\"\"}}",
	      "  state           stopped\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_a_network_is_told),
		cmocka_unit_test(what_is_not_there_has_no_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
