/* Network links, by libnl, in a network namespace that is given as an fd. */
#pragma once

struct err;

/* Set the link up in that network namespace. */
int link_up(int netns, const char *name, struct err *err);
