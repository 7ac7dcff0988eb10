/* Frames built from the outside in: each function appends a header; those that carry a length or a checksum are closed
 * when what they carry is complete. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "runtime/base/ip.h"
#include "runtime/base/mac.h"

struct frame {
	uint8_t bytes[512];
	size_t len;
};

void frame_put(struct frame *frame, const void *bytes, size_t n);
void frame_put8(struct frame *frame, unsigned n);
void frame_put16(struct frame *frame, unsigned n); /* in network order, as all of these */
void frame_put32(struct frame *frame, uint32_t n);
void frame_text(struct frame *frame, const char *text); /* without its end */
void frame_fill(struct frame *frame, size_t n);		/* with zeros */

void frame_ether(struct frame *frame, const struct mac *to, const struct mac *from, unsigned type);

/* Return where the header begins, for frame_close_. */
size_t frame_ip4(struct frame *frame, const struct ip *from, const struct ip *to, unsigned protocol);
size_t frame_ip6(struct frame *frame, const struct ip *from, const struct ip *to, unsigned next_header);
size_t frame_udp(struct frame *frame, unsigned from, unsigned to);
size_t frame_icmp(struct frame *frame, unsigned type, unsigned code);

/* The upper header first. `ip` is where the IP header begins, `upper` the one it carries, `protocol` its number. */
void frame_close_ip4(struct frame *frame, size_t ip);
void frame_close_ip6(struct frame *frame, size_t ip);
void frame_close_upper(struct frame *frame, size_t ip, size_t upper, unsigned protocol);
