/* Network namespaces, as fds. */
#pragma once

#define NETNS_OWN (-1) /* the one that we are in */
