#!/usr/bin/env bats
# What a VE may send, from where, and that nobody takes the filter away. The frames are forged by tests/spoof in a VE; that each
# of them arrives where there is no filter is shown by leaf-filter (leaves.bats).
load network

setup_file() {
	ip addr add 198.51.100.1/32 dev lo
}

teardown_file() {
	ip addr del 198.51.100.1/32 dev lo
}

teardown() {
	vzd_up || vzd_start
	sweep
	ip link del br7 2>/dev/null || true
}

intact() {
	nft list table inet openve >/dev/null && nft list table bridge openve >/dev/null
}

@test "nobody but its owner takes the filter away" {
	ve 101 started --ipadd 10.7.0.1
	elements inet openve source4 | grep -q '10.7.0.1'
	nft flush ruleset
	run ! nft delete table inet openve
	run ! nft flush chain inet openve prerouting
	run ! nft delete table bridge openve
	intact
	elements inet openve source4 | grep -q '10.7.0.1'
	pings node 10.7.0.1
}

@test "when the owner is killed, and the tables with it, another makes them as they were" {
	ve 101 started --ipadd 10.7.0.1
	filter_state >"$BATS_TEST_TMPDIR/before"
	local pid
	pid=$(pgrep -x vzfilter)
	kill -9 "$pid"
	nft flush ruleset
	again() {
		intact && elements inet openve source4 | grep -q '10.7.0.1'
	}
	await 5 again
	[ "$(pgrep -x vzfilter)" != "$pid" ]
	filter_state | diff "$BATS_TEST_TMPDIR/before" -
	pings node 10.7.0.1
	run ! nft delete table inet openve
}

@test "the owner outlives vzd, and a new vzd finds it" {
	ve 101 started --ipadd 10.7.0.1
	local pid
	pid=$(pgrep -x vzfilter)
	vzd_kill
	nft flush ruleset
	intact
	vzd_start
	[ "$(pgrep -x vzfilter)" = "$pid" ]
	pings node 10.7.0.1
	ve 102 started --ipadd 10.7.0.2
	pings 101 10.7.0.2
}

@test "the number of rules does not grow with the number of VEs" {
	ve 101 started --ipadd 10.7.0.1 --netif_add eth0,,,,br7
	nft -a list table inet openve | grep -c '# handle' >"$BATS_TEST_TMPDIR/one"
	nft -a list table bridge openve | grep -c '# handle' >>"$BATS_TEST_TMPDIR/one"
	for ctid in 102 103 104 105; do
		ve $ctid started --ipadd 10.7.0.$ctid --netif_add eth0,,,,br7
	done
	nft -a list table inet openve | grep -c '# handle' >"$BATS_TEST_TMPDIR/five"
	nft -a list table bridge openve | grep -c '# handle' >>"$BATS_TEST_TMPDIR/five"
	diff "$BATS_TEST_TMPDIR/one" "$BATS_TEST_TMPDIR/five"
}

@test "another's address is not for a VE to use, whatever it does to its interface" {
	ve 101 started --ipadd 10.7.0.1 --ipadd fd07::1
	ve 102 started --ipadd 10.7.0.2 --ipadd fd07::2
	ip addr add 10.7.1.1/32 dev lo
	vzctl exec2 102 'ip addr add 10.7.0.3 dev venet0; ip -6 addr add fd07::3 dev venet0; ip addr add 10.7.0.1 dev lo'
	run ! vzctl exec2 102 'ping -c 1 -W 1 -I 10.7.0.3 10.7.1.1'
	run ! vzctl exec2 102 'ping -c 1 -W 1 -I 10.7.0.1 10.7.1.1'
	run ! vzctl exec2 102 'ping -6 -c 1 -W 1 -I fd07::3 fd07::1'
	vzctl exec2 102 'ping -c 1 -W 3 -I 10.7.0.2 10.7.1.1'
	vzctl status --detail 102 | grep -i dropped | grep -vq ' 0 packets'
	ip addr del 10.7.1.1/32 dev lo
}

@test "on a bridge an address is whose it was first, and another's MAC nobody's" {
	for ctid in 101 102 103; do
		ve $ctid started --netif_add eth0,,,,br7
		vzctl exec2 $ctid "ip addr add 10.9.0.$ctid/24 dev eth0; ip link set eth0 up"
	done
	sleep 1
	pings 101 10.9.0.103
	# 102 claims 101's address, then its MAC.
	vzctl exec2 102 'ip addr add 10.9.0.101/24 dev eth0; arping -U -c 3 -I eth0 10.9.0.101 || true'
	vzctl exec2 103 'ip neigh show 10.9.0.101' | grep -q "$(vzlist -H -o mac 101)"
	pings 103 10.9.0.101
	vzctl exec2 102 "ip addr del 10.9.0.101/24 dev eth0; ip link set eth0 address $(vzlist -H -o mac 101)"
	fails pings 102 10.9.0.103
	pings 103 10.9.0.101
	pings 101 10.9.0.103
	vzctl exec2 102 "ip link set eth0 address $(vzlist -H -o mac 102)"
	await 5 pings 102 10.9.0.103
}

@test "an address that is given to one on a bridge is nobody else's" {
	ve 101 started --netif_add eth0,,,,br7
	vzctl --quiet set 101 --ifname eth0 --ipadd 10.9.0.1/24 --save
	ve 102 started --netif_add eth0,,,,br7
	ve 103 started --ipadd 10.9.0.3
	vzctl exec2 102 'ip addr add 10.9.0.1/24 dev eth0; ip link set eth0 up; arping -U -c 2 -I eth0 10.9.0.1 || true'
	vzctl exec2 102 'ip addr del 10.9.0.1/24 dev eth0; ip addr add 10.9.0.3/24 dev eth0'
	fails pings 102 10.9.0.1
	vzctl exec2 102 'ip addr del 10.9.0.3/24 dev eth0; ip addr add 10.9.0.2/24 dev eth0'
	await 5 pings 102 10.9.0.1
	run vzctl set 102 --ifname eth0 --ipadd 10.9.0.1/24 --save
	[ "$status" -eq 78 ]
}

@test "at no moment of its life does a VE on a bridge send unfiltered" {
	ip link add br7 type bridge
	ip link set br7 up
	ip addr add 10.9.0.254/24 dev br7
	ve 101 '' --netif_add eth0,,,,br7
	vzctl --quiet set 101 --ifname eth0 --ipadd 10.9.0.1/24 --save
	vzctl --quiet mount 101
	cat >/var/lib/vz/root/101/flood <<-'END'
		#!/bin/sh
		ip addr add 10.9.0.66/24 dev eth0
		while :; do ping -c 1 -W 1 -I 10.9.0.66 10.9.0.254; arping -U -c 1 -I eth0 10.9.0.66; done
	END
	chmod +x /var/lib/vz/root/101/flood
	sed -i '1i ::sysinit:/flood' /var/lib/vz/root/101/etc/inittab || echo '::sysinit:/flood' >/var/lib/vz/root/101/etc/inittab
	vzctl --quiet umount 101
	for _ in 1 2 3; do
		vzctl --quiet start 101
		sleep 1
		vzctl --quiet stop 101 --fast
		[ -z "$(ip neigh show 10.9.0.66 dev br7 | grep lladdr)" ]
	done
	ip link del br7
}
