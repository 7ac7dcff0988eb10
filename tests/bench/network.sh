#!/bin/bash
# What the network of VEs costs: starts with it and without, the first of 200 and the last, throughput and latency beside a bare
# veth pair between two namespaces, and how well a rate is kept.
set -euo pipefail
VES=${VES:-200}
RUNS=${RUNS:-15}
ROUNDS=${ROUNDS:-7}
work=$(mktemp -d)
rr=/usr/lib/openve/tests/rr

say() {
	printf '%-52s %10s %s\n' "$1" "$2" "${3:-}"
}

median() {
	sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# The files have one number for each round. What is compared has been measured in turn, and is compared round by round: whatever else
# the machine does meanwhile meets all alike.
ratio() {
	paste "$work/$1" "$work/$2" | awk '{ printf "%.3f\n", $1 / $2 }' | median | awk '{ printf "%.2f\n", $1 }'
}

# ---- starts

start_us() {
	local begin=${EPOCHREALTIME/[.,]/}
	vzctl --quiet start "$1"
	echo $((${EPOCHREALTIME/[.,]/} - begin))
}

ms() {
	median <"$work/$1" | awk '{ printf "%.1f\n", $1 / 1000 }'
}

# The kernel takes down the namespaces of a VE that has stopped when nobody waits for it any more, and keeps others from changing links
# meanwhile: that is no part of the next start.
stop() {
	vzctl --quiet stop "$1" --fast
	sleep 0.4
}

bench_starts() {
	local run ctid
	vzctl --quiet create 901 --ostemplate busybox --config light
	vzctl --quiet create 902 --ostemplate busybox --config light --ipadd 10.8.0.2 --ipadd fd08::2
	vzctl --quiet create 903 --ostemplate busybox --config light --netif_add eth0,,,,br8
	ip link add br8 type bridge
	for ((run = -1; run <= RUNS; run++)); do
		for ctid in 901 902 903; do
			if ((run <= 0)); then
				start_us $ctid >/dev/null
			else
				start_us $ctid >>"$work/$ctid"
			fi
			stop $ctid
		done
	done
	say 'start without a network, ms' "$(ms 901)"
	say 'start with two routed addresses, ms' "$(ms 902)" "$(ratio 902 901) (at most 1.25)"
	say 'start with an interface on a bridge, ms' "$(ms 903)" "$(ratio 903 901) (at most 1.25)"
	for ctid in 901 902 903; do
		vzctl --quiet destroy $ctid
	done
}

bench_many() {
	local ctid
	for ((ctid = 1001; ctid <= 1000 + VES; ctid++)); do
		vzctl --quiet create $ctid --ostemplate busybox --config light --ipadd 10.8.$((ctid / 250)).$((ctid % 250))
	done
	for ((ctid = 1001; ctid <= 1000 + VES; ctid++)); do
		start_us $ctid
	done >"$work/starts"
	head -n 20 "$work/starts" >"$work/first"
	tail -n 20 "$work/starts" >"$work/last"
	say "start of the first 20 of $VES, ms" "$(ms first)"
	say 'start of the last 20, ms' "$(ms last)" "$(ratio last first) (at most 1.2)"
	for ((ctid = 1001; ctid <= 1000 + VES; ctid++)); do
		vzctl --quiet stop $ctid --fast
		vzctl --quiet destroy $ctid
	done
}

# ---- what goes through

# iperf3 and rr, with what they link to, in the VE's /bench; a thread that is cancelled, as iperf3's are, loads libgcc_s by itself.
give_programs() {
	local root=/var/lib/vz/root/$1
	vzctl --quiet mount "$1"
	mkdir "$root/bench"
	cp /usr/bin/iperf3 $rr /usr/lib/x86_64-linux-gnu/libgcc_s.so.1 "$root/bench"
	ldd /usr/bin/iperf3 | awk '/=> \// { print $3 } $1 ~ /^\/lib/ { print $1 }' | sort -u | xargs cp -t "$root/bench"
	mkdir -p "$root/lib64"
	cp -L /lib64/ld-linux-x86-64.so.2 "$root/lib64"
	vzctl --quiet umount "$1"
}

# bits AT ADDRESS OPTION…: Mbit/s that a client at AT (a command prefix) gets, the server's side of it.
# A server that still serves somebody, behind a slow line, says so: then once more.
bits() {
	local at=$1 address=$2
	shift 2
	for _ in 1 2 3 4 5; do
		sleep 1
		$at iperf3 -c "$address" -J -t 3 -O 1 "$@" >"$work/iperf" && break
	done
	jq '.end.sum_received.bits_per_second / 10000 | round / 100' "$work/iperf"
}

# One between two namespaces, and one between the node and a namespace, which differs from a VE's in that nothing of the VE's is on it:
# what it lacks beside the first is what the node's own IP layer costs, where connections are tracked.
prepare_pairs() {
	ip netns add bench1
	ip netns add bench2
	ip link add eth0 netns bench1 type veth peer name eth0 netns bench2
	for n in 1 2; do
		ip -n bench$n addr add 10.99.0.$n/24 dev eth0
		ip -n bench$n link set eth0 up
	done
	ip link add bench0 type veth peer name eth1 netns bench2
	ip addr add 10.98.0.1/24 dev bench0
	ip link set bench0 up
	ip -n bench2 addr add 10.98.0.2/24 dev eth1
	ip -n bench2 link set eth1 up
	ip netns exec bench2 iperf3 -s -D
	setsid ip netns exec bench2 $rr serve 5000 >/dev/null 2>&1 &
}

prepare_ve() {
	vzctl --quiet create 900 --ostemplate busybox --config light --ram 512M --swap 0 --ipadd 10.8.0.100
	give_programs 900
	vzctl --quiet start 900
	ip addr add 10.8.255.1/32 dev lo
	vzctl exec2 900 'setsid env LD_LIBRARY_PATH=/bench /bench/iperf3 -s >/dev/null 2>&1 &'
	vzctl exec2 900 'setsid env LD_LIBRARY_PATH=/bench /bench/rr serve 5000 >/dev/null 2>&1 &'
	sleep 2
}

# through NAME AT ADDRESS: what goes there, what comes from there, and how long there and back takes.
through() {
	local name=$1 at=$2 address=$3
	bits "$at" "$address" >>"$work/$name"
	bits "$at" "$address" -R >>"$work/${name}_back"
	$at $rr "$address" 5000 3000 >>"$work/${name}_rr"
}

# compare WHAT NAME KIND BOUND: beside the bare pair between namespaces.
compare() {
	say "$1" "$(median <"$work/$2")" "$(ratio "$2" "pair$3") $4"
}

bench_through() {
	prepare_pairs
	prepare_ve
	sleep 1
	for _ in $(seq "$ROUNDS"); do
		through pair 'ip netns exec bench1' 10.99.0.2
		through node '' 10.98.0.2
		through ve '' 10.8.0.100
	done
	say 'bare veth pair, Mbit/s' "$(median <"$work/pair")"
	say 'bare veth pair, the other way, Mbit/s' "$(median <"$work/pair_back")"
	say 'bare veth pair, round trip, us' "$(median <"$work/pair_rr")"
	compare 'node to a bare veth pair, Mbit/s' node '' ''
	compare 'bare veth pair to node, Mbit/s' node_back _back ''
	compare 'node and a bare veth pair, round trip, us' node_rr _rr ''
	compare 'node to VE, Mbit/s' ve '' '(at least 0.9)'
	compare 'VE to node, Mbit/s' ve_back _back '(at least 0.9)'
	compare 'node and VE, round trip, us' ve_rr _rr '(at most 1.15)'
}

bench_rates() {
	local rate
	for rate in 1000 10000 100000; do
		vzctl --quiet set 900 --rate $rate
		say "rate $((rate / 1000)) Mbit/s: to the VE" "$(bits '' 10.8.0.100)"
		say "rate $((rate / 1000)) Mbit/s: from the VE" "$(bits '' 10.8.0.100 -R)"
	done
	vzctl --quiet stop 900 --fast
	vzctl --quiet destroy 900
}

bench_starts
bench_through
bench_rates
bench_many
