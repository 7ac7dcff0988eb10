/* A terminal of the VE we are in: of its own devpts, so that none of the node's ever is in its hands. */
#pragma once

#include <sys/ioctl.h>

struct err;

/* Open a fresh pair; with a size, unless `size` is NULL or has no rows. The caller owns both. */
int pty_open(const struct winsize *size, int *ret_master, int *ret_slave, struct err *err);
