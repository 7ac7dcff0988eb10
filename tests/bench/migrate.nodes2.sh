#!/bin/bash
# For how long a VE stands still that moves to another node live: one whose memory, 100 MB, is written to at 10 MB/s, copied in rounds
# while it runs or all at once; and a Debian system, beside a suspend and resume of it on one node. Medians of RUNS moves, in seconds.
set -euo pipefail
RUNS=${RUNS:-5}

median() {
	sort -n | sed -n "$(((RUNS + 1) / 2))p"
}

# Move CT $1 to and fro, with more options: how long it stood still on the way there.
still() {
	vzmigrate --live -t "${@:2}" node2 "$1" | awk -F ': ' '/^Total suspended time/ { print $2 }'
	ssh node2 vzmigrate --live node1 "$1" >/dev/null
}

repeat() {
	for ((i = 0; i < RUNS; i++)); do
		"$@"
	done | median
}

local_pause() {
	local begin end
	begin=$(date +%s%3N)
	vzctl --quiet suspend "$1"
	vzctl --quiet resume "$1"
	end=$(date +%s%3N)
	jq -n "($end - $begin) / 1000"
}

report() {
	printf '%-56s %8s s\n' "$1" "$2" "$3" "$4"
	printf '%-56s %8s (at most %s)\n\n' "$5" "$(jq -n "$4 / $2 * 100 | round / 100")" "$6"
}

vzctl --quiet create 101 --ostemplate busybox --config light --ram 512M --ipadd 10.90.0.1
vzctl --quiet start 101
vzctl exec2 101 'cat >/dirty; chmod 755 /dirty' </usr/lib/openve/tests/dirty
vzctl exec2 101 '/dirty 100 10 >/ready 2>&1 </dev/null &'
until vzctl exec2 101 'test -s /ready'; do
	sleep 1
done
once=$(repeat still 101 --noiter)
rounds=$(repeat still 101)
report 'stop and copy of 100 MB written to at 10 MB/s' "$once" 'copied in rounds' "$rounds" 'rounds / at once' 0.35
vzctl --quiet stop 101 --fast

vzctl --quiet create 102 --ostemplate debian-13-x86_64 --config vswap-512m --ipadd 10.90.0.2
vzctl --quiet start 102 --wait
vzctl exec2 102 'systemctl is-system-running --wait' >/dev/null
sleep 10
here=$(repeat local_pause 102)
live=$(repeat still 102)
report 'suspend and resume of a Debian system' "$here" 'its live migration' "$live" 'migration / suspend and resume' 1.5
