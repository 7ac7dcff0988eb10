# shellcheck shell=bash
# What the suites share. They run in a node, as root, with vzd running.

FAULTS=/run/faults # see fault()

# Leave nothing of a test behind, whatever it did.
sweep() {
	local ctid
	rm -f "$FAULTS"
	for ctid in $(vzlist -a -H -o ctid); do
		vzctl --quiet stop "$ctid" --fast || true
		vzctl --quiet umount "$ctid" || true
		vzctl --quiet destroy "$ctid"
	done
	rm -f /etc/vz/conf/*.destroyed
}

setup() {
	bats_require_minimum_version 1.5.0
}

teardown() {
	vzd_up || vzd_start
	sweep
}

# A busybox VE, created; with `started` also running.
ve() {
	vzctl --quiet create "$1" --ostemplate busybox --config light "${@:3}"
	if [[ ${2:-} == started ]]; then
		vzctl --quiet start "$1"
	fi
}

# The number in a file of a VE that somebody writes again and again: for a moment it is empty each time.
number_in() {
	vzctl exec2 "$1" "until n=\$(cat $2 2>/dev/null) && [ -n \"\$n\" ]; do :; done; echo \"\$n\""
}

# A command that must fail: of "! COMMAND" nothing comes under set -e.
fails() {
	if "$@"; then
		return 1
	fi
}

# Wait up to $1 seconds until a command succeeds.
await() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 0.1
	done
}

vzd_pid() {
	pgrep -x vzd -o
}

vzd_answers() {
	varlinkctl call /run/vz/io.openve io.openve.TemplateList '{}'
}

vzd_up() {
	vzd_answers >/dev/null 2>&1
}

# Start vzd with the environment variables given as NAME=VALUE. bats waits for whoever has one of its descriptors.
vzd_start() {
	(
		for fd in /proc/self/fd/*; do
			fd=${fd##*/}
			if ((fd > 2)); then
				eval "exec $fd>&-"
			fi
		done
		exec env "$@" setsid vzd >>/var/log/vzd.log 2>&1 </dev/null
	) &
	await 30 vzd_up
}

vzd_kill() {
	local pid
	pid=$(vzd_pid)
	kill -9 "$pid"
	await 10 gone "$pid"
}

# Start vzd again, so that fault() works.
vzd_with_faults() {
	pkill -9 -x vzd || true
	await 10 no_vzd
	vzd_start OPENVE_FAULTS="$FAULTS"
}

no_vzd() {
	! pgrep -x vzd
}

# fault VERB STEP fail|die COMMAND…: with this fault vzctl COMMAND fails, in vzd_with_faults().
fault() {
	local verb=$1 step=$2 how=$3
	shift 3
	echo "$verb $step $how" >"$FAULTS"
	run vzctl "$@"
	rm -f "$FAULTS"
	echo "$verb $step $how -> $status: $output"
	[ "$status" -ne 0 ]
	if [ "$how" = fail ]; then
		[[ "$output" == *"$step: "*"injected fault"* ]]
	fi
}

gone() {
	! kill -0 "$1" 2>/dev/null
}

status_of() {
	vzlist -a -H -o status "$1"
}

is() {
	[[ $(status_of "$1") == "$2" ]]
}

# What the tables of the filter hold of VEs, but for what they learn from packets.
filter_state() {
	nft -j -s list sets | jq -c '.nftables[] | .set // empty | select((.flags // []) | index("dynamic") | not) | [.family, .name, .elem]'
	nft -j -s list maps | jq -c '.nftables[] | .map // empty | [.family, .name, .elem]'
}

# What VEs may leave traces in: compare before and after.
node_state() {
	echo '# mounts'
	awk '{ print $5, $9 }' /proc/self/mountinfo | sort
	echo '# cgroups'
	find /sys/fs/cgroup -type d -path '*ve-*' | sort
	echo '# links'
	ip -o link | awk '{ print $2 }'
	echo '# routes and neighbours'
	ip route
	ip -6 route
	ip neigh show proxy
	ip -6 neigh show proxy
	tc qdisc | awk '!/ lo /'
	echo '# filter'
	filter_state
	echo '# records'
	find /run/vz -mindepth 1 -not -path '/run/vz/lock/*' | sort
	echo '# configuration'
	find /etc/vz -type f -not -name '*.destroyed' -exec sha256sum {} + | sort -k 2
	find /etc/vz -type l | sort
	echo '# private areas'
	find /var/lib/vz/private -mindepth 1 -maxdepth 1 | sort
	echo '# templates'
	find /var/lib/vz/template -maxdepth 2 | sort
	echo '# loop devices'
	losetup --noheadings --list --output NAME,BACK-FILE
	echo '# quota'
	xfs_quota -x -c 'report -p -N -n -b' /var/lib/vz | awk '$1 != "#0" && ($2 || $3 || $4) { print $1, $3, $4 }' | sort
	# Scripts that count are two of a name for a moment, each time before they sleep or move a file; what is left has a group, too.
	echo '# processes of ids of VEs'
	ps -eo uid=,comm= | awk '$1 >= 1879048192 && $2 !~ /^(u?sleep|mv)$/' | sort -u
}
