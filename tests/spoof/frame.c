#include "tests/spoof/frame.h"

#include <assert.h>
#include <netinet/in.h>
#include <string.h>

#define IP4_HEADER 20
#define IP6_HEADER 40

void frame_put(struct frame *frame, const void *bytes, size_t n)
{
	assert(frame->len + n <= sizeof(frame->bytes));
	memcpy(frame->bytes + frame->len, bytes, n);
	frame->len += n;
}

void frame_put8(struct frame *frame, unsigned n)
{
	frame_put(frame, &(uint8_t){(uint8_t)n}, 1);
}

void frame_put16(struct frame *frame, unsigned n)
{
	frame_put8(frame, n >> 8);
	frame_put8(frame, n);
}

void frame_put32(struct frame *frame, uint32_t n)
{
	frame_put16(frame, n >> 16);
	frame_put16(frame, n);
}

void frame_text(struct frame *frame, const char *text)
{
	frame_put(frame, text, strlen(text));
}

void frame_fill(struct frame *frame, size_t n)
{
	while (n-- > 0)
		frame_put8(frame, 0);
}

static void set16(struct frame *frame, size_t at, unsigned n)
{
	frame->bytes[at] = (uint8_t)(n >> 8);
	frame->bytes[at + 1] = (uint8_t)n;
}

/* ---- the Internet checksum (RFC 1071) ---- */

static uint32_t add_up(uint32_t sum, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	return sum;
}

static unsigned checksum(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

/* ---- headers ---- */

void frame_ether(struct frame *frame, const struct mac *to, const struct mac *from, unsigned type)
{
	frame_put(frame, to->bytes, sizeof(to->bytes));
	frame_put(frame, from->bytes, sizeof(from->bytes));
	frame_put16(frame, type);
}

size_t frame_ip4(struct frame *frame, const struct ip *from, const struct ip *to, unsigned protocol)
{
	size_t at = frame->len;

	frame_put32(frame, 0x45000000);
	frame_put32(frame, 0);
	frame_put8(frame, 64);
	frame_put8(frame, protocol);
	frame_put16(frame, 0);
	frame_put(frame, from->bytes, 4);
	frame_put(frame, to->bytes, 4);
	return at;
}

size_t frame_ip6(struct frame *frame, const struct ip *from, const struct ip *to, unsigned next_header)
{
	size_t at = frame->len;

	frame_put32(frame, 0x60000000);
	frame_put16(frame, 0);
	frame_put8(frame, next_header);
	frame_put8(frame, 255);
	frame_put(frame, from->bytes, 16);
	frame_put(frame, to->bytes, 16);
	return at;
}

size_t frame_udp(struct frame *frame, unsigned from, unsigned to)
{
	size_t at = frame->len;

	frame_put16(frame, from);
	frame_put16(frame, to);
	frame_put32(frame, 0);
	return at;
}

size_t frame_icmp(struct frame *frame, unsigned type, unsigned code)
{
	size_t at = frame->len;

	frame_put8(frame, type);
	frame_put8(frame, code);
	frame_put16(frame, 0);
	return at;
}

void frame_close_ip4(struct frame *frame, size_t ip)
{
	set16(frame, ip + 2, (unsigned)(frame->len - ip));
	set16(frame, ip + 10, checksum(add_up(0, frame->bytes + ip, IP4_HEADER)));
}

void frame_close_ip6(struct frame *frame, size_t ip)
{
	set16(frame, ip + 4, (unsigned)(frame->len - ip - IP6_HEADER));
}

/* Of UDP over IPv4 the checksum may be left out. ICMPv4's is over the message alone, the others' over a pseudo header,
 * too. */
void frame_close_upper(struct frame *frame, size_t ip, size_t upper, unsigned protocol)
{
	size_t len = frame->len - upper;
	uint32_t sum = 0;

	if (protocol == IPPROTO_UDP)
		set16(frame, upper + 4, (unsigned)len);
	if (frame->bytes[ip] >> 4 == 6)
		sum = add_up((uint32_t)len + protocol, frame->bytes + ip + 8, 32);
	else if (protocol == IPPROTO_UDP)
		return;
	set16(frame, upper + (protocol == IPPROTO_UDP ? 6 : 2), checksum(add_up(sum, frame->bytes + upper, len)));
}
