#include "tests/spoof/probes.h"

#include <netinet/in.h>

#include "runtime/base/mem.h"
#include "runtime/base/str.h"

void probe_mark(struct frame *frame, const struct probe *probe)
{
	frame_text(frame, PROBE_MARK);
	frame_text(frame, probe->name);
	frame_text(frame, ";");
}

void probe_udp4(struct frame *frame, const struct probe *probe, const struct ip *from, const struct ip *to,
		unsigned from_port, unsigned to_port)
{
	size_t ip = frame_ip4(frame, from, to, IPPROTO_UDP);
	size_t udp = frame_udp(frame, from_port, to_port);

	probe_mark(frame, probe);
	frame_close_upper(frame, ip, udp, IPPROTO_UDP);
	frame_close_ip4(frame, ip);
}

const struct probe *probe_at(size_t i)
{
	const struct probes groups[] = {probes_arp(), probes_ip4(), probes_ip6(), probes_nd(), probes_link()};

	for (size_t k = 0; k < countof(groups); i -= groups[k++].n)
		if (i < groups[k].n)
			return &groups[k].list[i];
	return NULL;
}

const struct probe *probe_find(const char *name)
{
	const struct probe *probe;

	for (size_t i = 0; (probe = probe_at(i)); i++)
		if (str_eq(probe->name, name))
			return probe;
	return NULL;
}
