# shellcheck shell=bash
# What the scripts in a node share: who we are, and how we speak to the machine outside. Sourced.
#
# /node/conf (in the payload) is the same for all nodes of a run; the kernel's command line tells which one we are.

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=${TERM:-dumb}

NODE=$(tr ' ' '\n' </proc/cmdline | sed -n 's/^NODE=//p')
# shellcheck source=/dev/null
. /node/conf

# Print the device of a virtio-serial port by its name; each can be opened by one process at a time.
node_port() {
	local name
	for name in /sys/class/virtio-ports/*/name; do
		if [[ $(<"$name") == "$1" ]]; then
			name=${name%/name}
			echo "/dev/${name##*/}"
			return
		fi
	done
	return 1
}

# Say one line to the machine outside.
node_tell() {
	echo "$NODE $*" >"$(node_port control)"
}

# The run is over: say why and wait to be switched off.
node_fail() {
	echo "node$NODE: $*" >/dev/console
	if [[ -s /var/log/vzd.log ]]; then
		echo 'the end of /var/log/vzd.log:'
		tail -n 20 /var/log/vzd.log
	elif [[ -d /run/systemd/system ]]; then
		systemctl --no-pager --lines=20 status vzd.service
	fi >/dev/console 2>&1
	node_tell "failed $*"
	sleep infinity
}

# Wait up to $1 seconds until a command succeeds.
node_await() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 0.1
	done
}

# The kernel patches its own code where it begins or ends to stamp packets with the time, to look at them on their way in and out, and to
# count what happens to single tasks, as breakpoints of debuggers and CRIU have it do. An emulated processor may be executing just that
# code, and trips over it ("Oops: int3"): so it begins here and never ends.
node_branches() {
	ip link set lo up
	ip link add node0 type dummy
	tc qdisc add dev node0 clsact
	ping -i 3600 127.0.0.1 >/dev/null 2>&1 &
	# perf_event_open(2) of PERF_COUNT_SW_DUMMY for itself on any processor, kept open over exec.
	perl -e 'syscall(298, my $event = pack("LLQx48", 1, 64, 9), 0, -1, -1, 0) >= 0 or die "perf_event_open: $!"; exec "sleep", "infinity"' &
}

# Join the network that the nodes share.
node_network() {
	node_branches
	[[ $NODES -gt 1 ]] || return 0
	modprobe virtio_net
	node_await 10 test -e /sys/class/net/eth0 || node_fail 'eth0 does not appear'
	ip link set eth0 mtu 9000 up
	ip address add "10.250.0.$NODE/24" dev eth0
}

node_peer_answers() {
	(exec 3<>"/dev/tcp/$1/22") 2>/dev/null
}
