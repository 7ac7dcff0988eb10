/* A VE as the network knows it: its configuration in the terms of netns/. */
#pragma once

#include <stdint.h>

#include "netns/net.h"

struct err;
struct ve_config;

/* What a configuration asks for; the caller frees it with net_guest_done(). */
int guest_of(uint32_t ctid, const struct ve_config *config, struct net_guest *ret, struct err *err);

/* What is of a VE's network becomes what it is in `config`; nothing else changes. */
void guest_copy(struct ve_config *ret, const struct ve_config *config);
