/* Every absolute path that OpenVE knows. What vz.conf can move has its default here. */
#pragma once

#define PATH_CONFIG_DIR "/etc/vz"
#define PATH_NODE_CONFIG "/etc/vz/vz.conf"
#define PATH_VE_CONFIG_DIR "/etc/vz/conf"
#define PATH_NAMES_DIR "/etc/vz/names"
#define PATH_IDMAP "/etc/vz/idmap"
#define PATH_NODE_KEY "/etc/vz/node.key"

#define PATH_POOL "/var/lib/vz"
#define PATH_POOL_IMAGE "/var/lib/vz.img"
#define PATH_PRIVATE "/var/lib/vz/private/$VEID" /* default of VE_PRIVATE */
#define PATH_ROOT "/var/lib/vz/root/$VEID"	 /* default of VE_ROOT */
#define PATH_TEMPLATE "/var/lib/vz/template"
#define PATH_DUMP "/var/lib/vz/dump"
#define PATH_SNAPSHOT "/var/lib/vz/snapshot"

#define PATH_RUN "/run/vz"
#define PATH_SOCKET "/run/vz/io.openve"
#define PATH_RECORDS "/run/vz/ve"
#define PATH_LOCKS "/run/vz/lock"
#define PATH_NETNS "/run/vz/netns"
#define PATH_FILTER "/run/vz/filter"
#define PATH_SNAPSHOT_MOUNTS "/run/vz/snapshot"

#define PATH_LOG "/var/log/vz/vzctl.log"
#define PATH_CGROUP "/sys/fs/cgroup"
#define PATH_SYSCTL_NET "/proc/sys/net"
#define PATH_LXCFS "/var/lib/lxcfs"

#define PATH_CRIU_LOGS "/var/log/vz/criu"
#define PATH_CRIU_PRELOAD "/usr/lib/openve/criu/owner.so"

#define PATH_RECIPES "/usr/share/openve/recipes"
#define PATH_FILTER_PROGRAM "/usr/lib/openve/vzfilter"
#define PATH_TEMPLATE_BUILD "/usr/lib/openve/template-build"
