/* What the filter's sets hold: for a guest that is admitted, and of the operator's policy. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct element_set;
struct elements;
struct err;
struct filter_policy;
struct net_guest;

/* All the sets that we fill. */
const struct element_set *admission_sets(size_t *ret_n);

/* The set of that name: "inet openve dropped". */
const struct element_set *admission_set(const char *name);

/* Add the guest's elements; its counters begin at guest->traffic. An interface whose name or MAC cannot be written into
 * a rule is -EINVAL. */
int admission_add_guest(struct elements *elements, const struct net_guest *guest, struct err *err);

/* Add what the operator decides. */
void admission_add_policy(struct elements *elements, const struct filter_policy *policy);

/* Add the node's own addresses, which nobody may learn. */
int admission_add_node(struct elements *elements, struct err *err);

/* Does one of its interfaces learn addresses? All that are bridged do: IPv6 link-local ones at least. */
bool admission_learns(const struct net_guest *guest);
