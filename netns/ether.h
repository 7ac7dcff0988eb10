/* A packet socket (packet(7)) that speaks and hears ARP or neighbour discovery on some of our own Ethernets. Closing
 * one takes the kernel ten milliseconds, so it serves all devices of a family, and for speaking alone all families. */
#pragma once

#include "netns/frame.h"

struct err;

/* One that hears nothing. */
int ether_open_mute(struct err *err);

/* One that hears what belongs to the family on these devices. */
int ether_open(int family, const int *indexes, size_t n, struct err *err);

/* Send the frame out of a device; one that is gone or down by now has no neighbours, which is success. */
int ether_send(int wire, int index, const struct frame *frame, struct err *err);

/* Hear whoever asks for the address on that device as nd_ask() does: that goes to a multicast group. */
int ether_hear_group(int wire, int index, const struct mac *group, struct err *err);

/* Read one message: what it claims, and on which device. False if there is none, or it claims nothing. */
bool ether_receive(int wire, int *ret_index, struct claim *ret);
