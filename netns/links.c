#include "netns/links.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

#include "netns/linkinfo.h"
#include "netns/netns.h"
#include "netns/rtnl.h"
#include "runtime/base/err.h"
#include "runtime/base/mem.h"

void links_done(struct links *links)
{
	for (size_t i = 0; i < links->n; i++) {
		free((char *)(uintptr_t)links->list[i].name);
		free((char *)(uintptr_t)links->list[i].kind);
	}
	free(links->list);
	*links = (struct links){0};
}

static int note_link(struct nl_msg *msg, void *ctx)
{
	struct links *links = ctx;
	struct linkinfo info = {0};

	if (linkinfo_read(msg, &info) != NL_OK || info.index == 0)
		return NL_OK;
	links->list = mem_grow(links->list, links->n + 1, sizeof(*links->list));
	links->list[links->n++] = (struct links_entry){mem_strdup(info.name), mem_strdup(info.kind)};
	return NL_OK;
}

int links_read(const struct netns *netns, struct links *ret, struct err *err)
{
	struct ifinfomsg head = {0};
	struct nl_msg *msg = rtnl_message(RTM_GETLINK, NLM_F_DUMP, &head, sizeof(head));

	rtnl_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	int r = rtnl_get(netns->rtnl, msg, note_link, ret);
	return r < 0 ? err_set(err, -r, "list the network interfaces") : 0;
}
