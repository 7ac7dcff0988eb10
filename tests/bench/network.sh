#!/bin/bash
# What the network of VEs costs: starts with it and without, the first of 200 and the last, throughput and latency beside a bare
# veth pair between two namespaces, and how well a rate is kept.
set -euo pipefail
VES=${VES:-200}
RUNS=${RUNS:-15}
work=$(mktemp -d)
rr=/usr/lib/openve/tests/rr

say() {
	printf '%-52s %10s %s\n' "$1" "$2" "${3:-}"
}

ratio() {
	jq -n "$1 / $2 * 100 | round / 100"
}

# ---- starts

# The kernel takes down the namespaces of a VE that has stopped when nobody waits for it any more, and keeps others from changing links
# meanwhile: that is no part of the next start.
start_of() {
	hyperfine --shell=none --warmup 2 --runs "$RUNS" --prepare "sh -c 'vzctl --quiet stop $1 --fast; sleep 0.4'" \
		--export-json "$work/result" "vzctl --quiet start $1" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
	jq '.results[0].median * 10000 | round / 10' "$work/result"
}

ms_now() {
	date +%s%N | cut -c 1-13
}

median() {
	sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

bench_starts() {
	local bare routed bridged
	vzctl --quiet create 901 --ostemplate busybox --config light
	vzctl --quiet create 902 --ostemplate busybox --config light --ipadd 10.8.0.2 --ipadd fd08::2
	vzctl --quiet create 903 --ostemplate busybox --config light --netif_add eth0,,,,br8
	ip link add br8 type bridge
	bare=$(start_of 901)
	routed=$(start_of 902)
	bridged=$(start_of 903)
	say 'start without a network, ms' "$bare"
	say 'start with two routed addresses, ms' "$routed" "$(ratio "$routed" "$bare") (at most 1.25)"
	say 'start with an interface on a bridge, ms' "$bridged" "$(ratio "$bridged" "$bare") (at most 1.25)"
	for ctid in 901 902 903; do
		vzctl --quiet stop $ctid --fast
		vzctl --quiet destroy $ctid
	done
}

bench_many() {
	local ctid begin first last
	for ((ctid = 1001; ctid <= 1000 + VES; ctid++)); do
		vzctl --quiet create $ctid --ostemplate busybox --config light --ipadd 10.8.$((ctid / 250)).$((ctid % 250))
	done
	for ((ctid = 1001; ctid <= 1000 + VES; ctid++)); do
		begin=$(ms_now)
		vzctl --quiet start $ctid
		echo $(($(ms_now) - begin))
	done >"$work/starts"
	first=$(head -n 20 "$work/starts" | median)
	last=$(tail -n 20 "$work/starts" | median)
	say "start of the first 20 of $VES, ms" "$first"
	say 'start of the last 20, ms' "$last" "$(ratio "$last" "$first") (at most 1.2)"
	for ((ctid = 1001; ctid <= 1000 + VES; ctid++)); do
		vzctl --quiet stop $ctid --fast
		vzctl --quiet destroy $ctid
	done
}

# ---- what goes through

# iperf3 and rr, with what they link to, in the VE's /bench.
give_programs() {
	local root=/var/lib/vz/root/$1
	vzctl --quiet mount "$1"
	mkdir "$root/bench"
	cp /usr/bin/iperf3 $rr "$root/bench"
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
		$at iperf3 -c "$address" -J -t 5 -O 1 "$@" >"$work/iperf" && break
	done
	jq '.end.sum_received.bits_per_second / 10000 | round / 100' "$work/iperf"
}

prepare_pair() {
	ip netns add bench1
	ip netns add bench2
	ip link add eth0 netns bench1 type veth peer name eth0 netns bench2
	for n in 1 2; do
		ip -n bench$n addr add 10.99.0.$n/24 dev eth0
		ip -n bench$n link set eth0 up
	done
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

bench_through() {
	local pair ve back pair_rr ve_rr
	prepare_pair
	prepare_ve
	sleep 1
	for round in 1 2 3; do
		bits 'ip netns exec bench1' 10.99.0.2 >>"$work/pair"
		bits '' 10.8.0.100 >>"$work/ve"
		bits '' 10.8.0.100 -R >>"$work/back"
		ip netns exec bench1 $rr 10.99.0.2 5000 3000 >>"$work/pair_rr"
		$rr 10.8.0.100 5000 3000 >>"$work/ve_rr"
	done
	pair=$(median <"$work/pair") ve=$(median <"$work/ve") back=$(median <"$work/back")
	pair_rr=$(median <"$work/pair_rr") ve_rr=$(median <"$work/ve_rr")
	say 'bare veth pair, Mbit/s' "$pair"
	say 'node to VE, Mbit/s' "$ve" "$(ratio "$ve" "$pair") (at least 0.9)"
	say 'VE to node, Mbit/s' "$back" "$(ratio "$back" "$pair") (at least 0.9)"
	say 'bare veth pair, round trip, us' "$pair_rr"
	say 'node and VE, round trip, us' "$ve_rr" "$(ratio "$ve_rr" "$pair_rr") (at most 1.15)"
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
