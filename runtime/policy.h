/* What vz.conf says of the network, from its texts to what netns/ takes. */
#pragma once

#include <stddef.h>

#include "netns/filter.h"
#include "netns/neighbour.h"

struct why;

/* MASQUERADE: `10.0.0.0/8 fd00::/8`. A network has no bits set behind its prefix. */
int policy_parse_networks(const char *text, struct ips *ret, struct why *why);

/* NODE_SERVICES: `udp:53 tcp:53`. The caller frees the array. */
int policy_parse_services(const char *text, struct filter_service **ret, size_t *ret_n, struct why *why);
char *policy_print_services(const struct filter_service *services, size_t n);

/* NEIGHBOUR_DEVS: `detect`, `all`, `list:eth0 eth1`. ret->list points into the text. */
int policy_parse_devices(const char *text, struct neighbour_devices *ret, struct why *why);
