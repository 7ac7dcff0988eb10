/* A kind's reader and printer: what value.c's table of kinds is made of. */
#pragma once

#include "runtime/param.h"
#include "runtime/value.h"

/* What a kind's reader is given. */
struct input {
	const struct param *row;
	const char *text;
	enum param_form form;
};

/* Read into the field, which changes only on success. -EINVAL with the reason. */
typedef int value_parse_t(const struct input *in, void *field, struct why *why);
typedef char *value_print_t(const struct param *row, const void *object);

/* Kinds whose field is a text of its own and prints as it is. */
int value_set_text(void *field, const char *text);
const void *value_field(const struct param *row, const void *object);

/* RFC 1123. */
bool value_is_hostname(const char *text);

value_parse_t value_parse_addresses, value_parse_nameservers, value_parse_gateway, value_parse_gateway6,
	value_parse_domains, value_parse_device, value_parse_devices, value_parse_mac, value_parse_interfaces,
	value_parse_ports, value_parse_features, value_parse_networks, value_parse_services, value_parse_neighbours,
	value_parse_rate;
value_print_t value_print_rate;
