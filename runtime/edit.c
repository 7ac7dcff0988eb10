#include "runtime/edit.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/feature.h"
#include "runtime/netif.h"
#include "runtime/publish.h"
#include "runtime/value.h"
#include "runtime/word.h"

#define ALL "all"

/* A change on its way. */
struct edit {
	uint32_t ctid;
	struct ve_config now;	/* what there is before it, and the edits */
	struct ve_config whole; /* what comes of them */
	struct err *err;
};

/* The edits that are about the interface that --ifname names, and its key for each. */
static const struct {
	const char *row, *key;
} interface_edits[] = {
	{"MAC", "mac"},
	{"HOST_IFNAME", "host_ifname"},
	{"HOST_MAC", "host_mac"},
	{"BRIDGE", "bridge"},
	{"MAC_FILTER", "mac_filter"},
	{"VLAN", "vlan"},
	{"GW", "gw"},
	{"GW6", "gw6"},
};

static bool is_given(const struct edit *edit, const char *key)
{
	return param_given(&config_table, param_by_key(&config_table, key), &edit->now);
}

static int set_whole(struct edit *edit, const char *key, const char *value)
{
	return param_parse(&config_table, param_by_key(&config_table, key), &edit->whole, value, PARAM_FROM_FILE,
			   edit->err);
}

static const char *text_of(const char *value)
{
	return value ? value : "";
}

/* ---- addresses ---- */

static int read_ips(struct edit *edit, const char *text, struct ips *ret)
{
	const char *bad;
	if (ips_parse(text_of(text), ret, &bad) < 0)
		return err_say(edit->err, ERR_BAD_ADDRESS, "%s is not an IP address", bad);
	return 0;
}

static int delete_ips(struct edit *edit, const char *owner, struct ips *ips)
{
	cleanup_ips struct ips gone = {0};
	char address[IP_TEXT];

	if (str_eq(text_of(edit->now.edit.ipdel), ALL)) {
		ips_done(ips);
		return 0;
	}
	int r = read_ips(edit, edit->now.edit.ipdel, &gone);
	if (r < 0)
		return r;
	for (size_t i = 0; i < gone.n; i++) {
		if (!ips_has(ips, &gone.list[i]))
			return err_say(edit->err, ERR_BAD_ADDRESS, "cannot delete %s: %s does not have it",
				       ip_print(&gone.list[i], address), owner);
		ips_remove(ips, &gone.list[i]);
	}
	return 0;
}

/* An address that is there already takes the prefix it is given now. */
static int change_ips(struct edit *edit, const char *owner, struct ips *ips)
{
	cleanup_ips struct ips more = {0};

	int r = delete_ips(edit, owner, ips);
	if (r == 0)
		r = read_ips(edit, edit->now.edit.ipadd, &more);
	for (size_t i = 0; r == 0 && i < more.n; i++) {
		ips_remove(ips, &more.list[i]);
		ips_add(ips, &more.list[i]);
	}
	return r;
}

static int edit_addresses(struct edit *edit)
{
	cleanup_ips struct ips ips = {0};

	if (is_given(edit, "IFNAME") || (!is_given(edit, "IPADD") && !is_given(edit, "IPDEL")))
		return 0;
	int r = read_ips(edit, edit->now.ip_address, &ips);
	if (r == 0)
		r = change_ips(edit, "the container", &ips);
	if (r < 0)
		return r;
	cleanup_free char *text = ips_print(&ips);
	return set_whole(edit, "IP_ADDRESS", text);
}

/* ---- interfaces ---- */

static int read_netifs(struct edit *edit, const char *text, struct netifs *ret)
{
	struct why why;
	if (netifs_parse(text_of(text), ret, &why) < 0)
		return err_say(edit->err, ERR_VETH, "NETIF: %s", why.text);
	return 0;
}

static int no_such_interface(struct edit *edit, const char *name)
{
	return err_say(edit->err, ERR_VETH, "the container has no interface %s", name);
}

static int delete_interfaces(struct edit *edit, struct netifs *netifs)
{
	const char *rest = text_of(edit->now.edit.netif_del);
	char *name;

	if (str_eq(rest, ALL)) {
		netifs_done(netifs);
		return 0;
	}
	while ((name = word_next(&rest, " "))) {
		cleanup_free char *owned = name;
		struct netif *netif = netifs_find(netifs, name);
		if (!netif)
			return no_such_interface(edit, name);
		netifs_remove(netifs, netif);
	}
	return 0;
}

static int add_interfaces(struct edit *edit, struct netifs *netifs)
{
	cleanup_netifs struct netifs more = {0};

	int r = read_netifs(edit, edit->now.edit.netif_add, &more);
	for (size_t i = 0; r == 0 && i < more.n; i++) {
		const char *name = more.list[i].net.name;
		if (netifs_find(netifs, name))
			return err_say(edit->err, ERR_VETH,
				       "the container has an interface %s already; --ifname %s changes it", name, name);
		if (mac_is_zero(&more.list[i].net.mac))
			mac_generate(&more.list[i].net.mac);
		netifs_add(netifs, &more.list[i]);
	}
	return r;
}

static int change_interface(struct edit *edit, struct netif *netif)
{
	struct why why;

	for (size_t i = 0; i < countof(interface_edits); i++) {
		const struct param *row = param_by_key(&config_table, interface_edits[i].row);
		cleanup_free char *value = param_print(&config_table, row, &edit->now);
		if (value && netif_set(netif, interface_edits[i].key, value, &why) < 0)
			return err_say(edit->err, ERR_VETH, "--%s: %s", row->option, why.text);
	}
	return change_ips(edit, netif->net.name, &netif->net.ips);
}

static int change_named_interface(struct edit *edit, const struct netifs *netifs)
{
	struct netif *netif = netifs_find(netifs, text_of(edit->now.edit.ifname));

	if (!is_given(edit, "IFNAME"))
		return 0;
	return netif ? change_interface(edit, netif) : no_such_interface(edit, text_of(edit->now.edit.ifname));
}

static int edit_interfaces(struct edit *edit)
{
	cleanup_netifs struct netifs netifs = {0};
	struct why why;
	int r;

	if (!is_given(edit, "NETIF_ADD") && !is_given(edit, "NETIF_DEL") && !is_given(edit, "IFNAME"))
		return 0;
	if ((r = read_netifs(edit, edit->now.netif, &netifs)) < 0 || (r = delete_interfaces(edit, &netifs)) < 0 ||
	    (r = add_interfaces(edit, &netifs)) < 0 || (r = change_named_interface(edit, &netifs)) < 0)
		return r;
	if (netifs_complete(&netifs, edit->ctid, &why) < 0 || netifs_check(&netifs, &why) < 0)
		return err_say(edit->err, ERR_VETH, "%s", why.text);
	cleanup_free char *text = netifs_print(&netifs);
	return set_whole(edit, "NETIF", text);
}

/* ---- devices of the node ---- */

/* What is in the list and not in the other; -EINVAL if the other has one that the list has not. */
static int without(struct edit *edit, const char *list, const char *gone, struct text *ret)
{
	const char *rest = text_of(gone);
	char *name;

	while ((name = word_next(&rest, " "))) {
		cleanup_free char *owned = name;
		if (!words_have(list, name))
			return err_say(edit->err, ERR_NETDEV, "the container does not have the device %s", name);
	}
	rest = text_of(list);
	while ((name = word_next(&rest, " "))) {
		cleanup_free char *owned = name;
		if (!words_have(gone, name))
			text_add(ret, " %s", name);
	}
	return 0;
}

static int edit_devices(struct edit *edit)
{
	const char *more = text_of(edit->now.edit.netdev_add), *rest = more;
	cleanup_text struct text list = {0};
	char *name;

	if (!is_given(edit, "NETDEV_ADD") && !is_given(edit, "NETDEV_DEL"))
		return 0;
	text_add(&list, "%s", "");
	int r = without(edit, edit->now.netdev, edit->now.edit.netdev_del, &list);
	if (r < 0)
		return r;
	while ((name = word_next(&rest, " "))) {
		cleanup_free char *owned = name;
		if (words_have(list.s, name))
			return err_say(edit->err, ERR_NETDEV, "the container has the device %s already", name);
	}
	text_add(&list, " %s", more);
	return set_whole(edit, "NETDEV", list.s);
}

/* ---- ports ---- */

static int read_ports(struct edit *edit, const char *text, struct publishes *ret)
{
	struct why why;
	if (publishes_parse(text_of(text), ret, &why) < 0)
		return err_say(edit->err, ERR_BAD_VALUE, "PORTS: %s", why.text);
	return 0;
}

static int refuse_port(struct edit *edit, const struct net_publish *publish, const char *fmt)
	__attribute__((format(printf, 3, 0)));
static int refuse_port(struct edit *edit, const struct net_publish *publish, const char *fmt)
{
	cleanup_free char *text = publish_print(publish);
	return err_say(edit->err, ERR_BAD_VALUE, fmt, text);
}

static int delete_ports(struct edit *edit, struct publishes *ports)
{
	cleanup_publishes struct publishes gone = {0};

	if (str_eq(text_of(edit->now.edit.port_del), ALL)) {
		publishes_done(ports);
		return 0;
	}
	int r = read_ports(edit, edit->now.edit.port_del, &gone);
	for (size_t i = 0; r == 0 && i < gone.n; i++) {
		struct net_publish *there = publishes_find(ports, &gone.list[i]);
		if (!there || there->to_port != gone.list[i].to_port)
			return refuse_port(edit, &gone.list[i], "cannot delete the port %s: it is not published");
		publishes_remove(ports, there);
	}
	return r;
}

static int edit_ports(struct edit *edit)
{
	cleanup_publishes struct publishes ports = {0}, more = {0};
	int r;

	if (!is_given(edit, "PORT_ADD") && !is_given(edit, "PORT_DEL"))
		return 0;
	if ((r = read_ports(edit, edit->now.ports, &ports)) < 0 || (r = delete_ports(edit, &ports)) < 0 ||
	    (r = read_ports(edit, edit->now.edit.port_add, &more)) < 0)
		return r;
	for (size_t i = 0; i < more.n; i++) {
		const struct net_publish *there = publishes_find(&ports, &more.list[i]);
		if (there && there->to_port != more.list[i].to_port)
			return refuse_port(edit, there, "that port of the node is published already: %s");
		if (!there)
			publishes_add(&ports, &more.list[i]);
	}
	cleanup_free char *text = publishes_print(&ports);
	return set_whole(edit, "PORTS", text);
}

/* ---- features ---- */

/* What the change does not mention stays as it is. */
static int edit_features(struct edit *edit, const struct ve_config *before, const struct ve_config *change)
{
	if (!change->features)
		return 0;
	cleanup_free char *both = str_fmt("%s %s", text_of(before->features), change->features);
	return set_whole(edit, "FEATURES", both);
}

/* ---- the whole ---- */

static int check_named(struct edit *edit)
{
	for (size_t i = 0; i < countof(interface_edits); i++) {
		const struct param *row = param_by_key(&config_table, interface_edits[i].row);
		if (param_given(&config_table, row, &edit->now) && !is_given(edit, "IFNAME"))
			return err_say(edit->err, ERR_BAD_VALUE, "--%s is about an interface: --ifname says which",
				       row->option);
	}
	return 0;
}

static void drop_edits(struct ve_config *change)
{
	for (size_t i = 0; i < config_table.n; i++) {
		const struct param *row = &config_table.rows[i];
		if ((row->flags & PARAM_EDIT) && !str_eq(row->key, "SKIP_ARPDETECT"))
			param_forget(&config_table, row, change);
	}
}

int config_resolve(uint32_t ctid, const struct ve_config *before, struct ve_config *change, struct err *err)
{
	struct edit edit = {.ctid = ctid, .err = err};
	int r;

	param_merge(&config_table, &edit.now, before);
	param_merge(&config_table, &edit.now, change);
	if ((r = check_named(&edit)) == 0 && (r = edit_addresses(&edit)) == 0 && (r = edit_interfaces(&edit)) == 0 &&
	    (r = edit_devices(&edit)) == 0 && (r = edit_ports(&edit)) == 0 &&
	    (r = edit_features(&edit, before, change)) == 0) {
		drop_edits(change);
		param_merge(&config_table, change, &edit.whole);
	}
	config_done(&edit.now);
	config_done(&edit.whole);
	return r;
}
