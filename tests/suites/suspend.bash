# shellcheck shell=bash
# What the suites of suspend and resume share.
load common

# A program in the VE that counts, in memory only.
counting() {
	vzctl exec2 "$1" 'cat >/counter; chmod 755 /counter; /counter </dev/null >/dev/null 2>&1 & echo $! >/counter.pid' <<-'END'
		#!/bin/sh
		count=1000
		while :; do
			count=$((count + 1))
			echo $count >/run/count.new && mv /run/count.new /run/count
			sleep 0.2
		done
	END
	await 10 vzctl exec2 "$1" 'test -s /run/count'
}

count() {
	vzctl exec2 "$1" 'cat /run/count'
}

# It is the same process, and it counts on from what it knew.
goes_on() {
	local before
	before=$(count "$1")
	((before > 1000))
	vzctl exec2 "$1" 'kill -0 $(cat /counter.pid)'
	await 10 counts_beyond "$1" "$before"
}

counts_beyond() {
	(($(count "$1") > $2))
}

# Nobody enters what stands still: its count is read as a file of its root.
stands_still() {
	local pid before
	pid=$(sed -n 's/^PID="\(.*\)"/\1/p' "/run/vz/ve/$1")
	before=$(cat "/proc/$pid/root/run/count")
	sleep 1
	[ "$(cat "/proc/$pid/root/run/count")" = "$before" ]
}

# refused CODE 'WORDS OF VZCTL' TEXT: it ends with that code and says so.
refused() {
	local code=$1 words=$2 text=$3
	# shellcheck disable=SC2086 # words
	run vzctl $words
	echo "$words -> $status: $output"
	[ "$status" -eq "$code" ]
	[[ "$output" == *"$text"* ]]
}

# What cycles must not leave more of.
leftovers() {
	node_state | grep -v '^/run/vz/log'
	find /var/lib/vz/dump -mindepth 1
	echo "descriptors of vzd: $(find "/proc/$(vzd_pid)/fd" -mindepth 1 | wc -l)"
	ps -e -o stat=,comm= | awk '$1 ~ /^Z/ || $2 ~ /^(criu|vz)/ { print $2 }' | sort
}
