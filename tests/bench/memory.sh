#!/bin/bash
# What a hundred running busybox VEs cost vzd, and whether each costs a process of the node.
set -euo pipefail
VES=${VES:-100}

rss() {
	awk '/^VmRSS:/ { print $2 }' "/proc/$(pidof -s vzd)/status"
}

# Kernel threads have no command line.
processes() {
	grep -l . /proc/[0-9]*/cmdline 2>/dev/null | wc -l
}

before=$(rss) processes_before=$(processes)
for ((ctid = 1001; ctid <= 1000 + VES; ctid++)); do
	vzctl --quiet create $ctid --ostemplate busybox --config light
	vzctl --quiet start $ctid
done
inside=0
for ((ctid = 1001; ctid <= 1000 + VES; ctid++)); do
	inside=$((inside + $(vzlist -H -o numproc $ctid)))
done
after=$(rss) processes_after=$(processes)

printf '%-44s %8d KiB (at most 8192)\n' "vzd's memory for $VES VEs" $((after - before))
printf '%-44s %8d (should be 0)\n' "processes of the node for them" $((processes_after - processes_before - inside))
