/* Frames sent and overheard, by AF_PACKET, in our own network namespace. */
#pragma once

#include "tests/spoof/probes.h"

/* All functions return a negative errno. */

/* The interface's own MAC. */
int tap_mac(const char *interface, struct mac *ret);

/* A socket that sends through the interface. */
int tap_open(const char *interface);

int tap_send(int sock, const struct probe *probe, const struct cast *cast);

/* A socket that hears all that comes in through the interface. */
int tap_listen(const char *interface);

/* A socket that hears what the IP layer takes for this machine's own, after all that filters. */
int tap_listen_ip(int family, int protocol);

/* Wait so many milliseconds for a probe. NULL when none came; what is none is passed over. */
const struct probe *tap_hear(int sock, int ms);
