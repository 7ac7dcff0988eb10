/* Rates: what goes through a guest's interface is delayed, not thrown away, to keep to so many bits a second. To the
 * guest: a token bucket on the node's end. From the guest: the same on an ifb device that the node's end hands its
 * packets to. */
#pragma once

#include <stdint.h>

struct err;
struct netns;

#define SHAPE_MIN 8000ull /* bits per second: less is not a rate, it is a fault */
#define SHAPE_MAX 1000000000000ull

/* Set, change (in place: packets under way stay) or, with 0, take away the rate of the link in our own namespace, each
 * way. The ifb device's name is made from the link's name alone ("ifb" and 12 hex digits of a hash), so that it can be
 * found when the link is gone (a guest's namespace that ends takes its veth pairs with it). Idempotent. What fails
 * leaves a link that had no rate without one. */
int shape_set(const struct netns *node, const char *link, uint64_t rate, struct err *err);

/* Remove what is left of a link that is gone or about to go: its ifb device. Not there is success. */
int shape_forget(const struct netns *node, const char *link, struct err *err);
