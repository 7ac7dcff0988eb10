#include "runtime/grant.h"

#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/proc.h"
#include "runtime/base/str.h"
#include "runtime/config.h"
#include "runtime/feature.h"

static const uint32_t netfilter[] = {
	[NETFILTER_DISABLED] = 0,
	[NETFILTER_STATELESS] = GRANT_NETFILTER,
	[NETFILTER_STATEFUL] = GRANT_NETFILTER | GRANT_TRACKING,
	[NETFILTER_FULL] = GRANT_NETFILTER | GRANT_TRACKING | GRANT_NAT | GRANT_XTABLES,
};

/* What there is to grant beyond, and the kernel modules behind it, by their names below /sys/module. */
static const struct {
	const char *feature; /* NULL: it comes with netfilter */
	uint32_t granted;
	const char *module;
} modules[] = {
	{"bridge", GRANT_BRIDGE, "bridge"},
	{"dummy", GRANT_DUMMY, "dummy"},
	{"ipgre", GRANT_IPGRE, "ip_gre"},
	{"ipip", GRANT_IPIP, "ipip"},
	{"sit", GRANT_SIT, "sit"},
	{"tun", GRANT_TUN, "tun"},
	{NULL, GRANT_XTABLES, "ip6_tables"},
	{NULL, GRANT_XTABLES, "ip_tables"},
	{"wireguard", GRANT_WIREGUARD, "wireguard"},
};

uint32_t grant_of(const struct ve_config *config)
{
	uint32_t granted = netfilter[config->netfilter];

	for (size_t i = 0; i < countof(modules); i++)
		if (modules[i].feature && feature_said(config->features, modules[i].feature) == 1)
			granted |= modules[i].granted;
	return granted;
}

static int load(const char *module, struct err *err)
{
	cleanup_free char *loaded = str_fmt("/sys/module/%s", module);
	const char *const argv[] = {"modprobe", "--", module, NULL};

	return faccessat(AT_FDCWD, loaded, F_OK, 0) == 0 ? 0 : proc_run(AT_FDCWD, argv, err);
}

/* Kernels without the interface that iptables had before nftables are on their way: nobody has it there. */
int grant_modules(uint32_t granted, struct err *err)
{
	for (size_t i = 0; i < countof(modules); i++) {
		const char *feature = modules[i].feature;
		struct err why = {0};

		if (granted & modules[i].granted && load(modules[i].module, &why) < 0 && feature)
			return err_say(err, ERR_NO_RESOURCE, "feature %s: the kernel's module %s cannot be loaded: %s",
				       feature, modules[i].module, why.text);
	}
	return 0;
}
