#!/usr/bin/env bats
# Rates: kept in both directions, changed while they are in use, by delay and not by loss.
load network

# How long 1 MiB takes, in tenths of a second: took WHO ADDRESS PORT, WHO being who fetches it.
took() {
	local begin
	begin=$(date +%s%N)
	hears "$1" "$2" "$3/blob" >/dev/null
	echo $((($(date +%s%N) - begin) / 100000000))
}

setup_file() {
	load network
	ip addr add 198.51.100.1/32 dev lo
	node_config NODE_SERVICES=tcp:5001
	serve node 5001
	head -c 1048576 /dev/zero >/tmp/www/blob
}

teardown_file() {
	load network
	serve_no_more
	ip addr del 198.51.100.1/32 dev lo
	node_config_back
}

@test "a rate is kept, each way, and lifted" {
	ve 101 started --ipadd 10.7.0.1
	serve 101 80
	vzctl exec2 101 'head -c 1048576 /dev/zero >/tmp/www/blob'
	[ "$(took node 10.7.0.1 80)" -lt 15 ]
	[ "$(took 101 198.51.100.1 5001)" -lt 15 ]
	run vzctl set 101 --rate 4000 --save
	[ "$status" -eq 0 ]
	grep -qx 'RATE="\*:1:4000"' /etc/vz/conf/101.conf
	# 1 MiB at 4 Mbit/s is 2.1 s.
	local tenths way
	for way in 'node 10.7.0.1 80' '101 198.51.100.1 5001'; do
		tenths=$(took $way)
		echo "$way: $tenths"
		[ "$tenths" -ge 18 ]
		[ "$tenths" -le 40 ]
	done
	vzctl --quiet restart 101
	[ "$(took 101 198.51.100.1 5001)" -ge 18 ]
	vzctl --quiet set 101 --rate 0 --save
	[ "$(took 101 198.51.100.1 5001)" -lt 15 ]
	[ -z "$(ip -o link show type ifb)" ]
}

@test "a burst waits, and all of it arrives" {
	ve 101 started --ipadd 10.7.0.1 --rate 1000
	run ping -c 40 -i 0.01 -s 1000 -W 5 10.7.0.1
	echo "$output"
	[[ "$output" == *" 0% packet loss"* ]]
}

@test "a VE that stops takes its shaping with it" {
	node_state >"$BATS_TEST_TMPDIR/before"
	ve 101 started --ipadd 10.7.0.1 --rate 1000 --netif_add eth0
	[ "$(ip -o link show type ifb | wc -l)" -eq 2 ]
	vzctl --quiet stop 101 --fast
	vzctl --quiet destroy 101
	rm -f /etc/vz/conf/*.destroyed
	node_state >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}
