#!/usr/bin/env bats
# Routed addresses: who reaches whom, given and taken while VEs run, and nobody has another's.
load network

setup_file() {
	load network
	lan_up
}

teardown_file() {
	load network
	lan_down
}

teardown() {
	serve_no_more
	in_lan ip neigh flush dev eth0
	vzd_up || vzd_start
	sweep
	node_config_back
}

@test "everybody reaches everybody, over both families" {
	ve 101 started --ipadd 192.0.2.101 --ipadd 2001:db8::101
	ve 102 started --ipadd 192.0.2.102/24 --ipadd 2001:db8::102
	ve 103 started --ipadd 10.7.0.3
	for who in node lan 102; do
		pings $who 192.0.2.101
		pings $who 2001:db8::101
	done
	for address in 192.0.2.1 192.0.2.9 192.0.2.102 2001:db8::1 2001:db8::9 2001:db8::102; do
		pings 101 $address
	done
	pings 103 192.0.2.101
	pings 101 10.7.0.3
	serve 101 80
	[ "$(hears lan 192.0.2.101 80)" = 101 ]
	[ "$(hears lan 2001:db8::101 80)" = 101 ]
	[ "$(hears 102 192.0.2.101 80)" = 101 ]
}

@test "start says which addresses it adds, and the VE has them without a file of its own" {
	vzctl --quiet create 101 --ostemplate busybox --config light --ipadd 192.0.2.101 --ipadd 2001:db8::101
	run vzctl start 101
	[ "$status" -eq 0 ]
	[[ "$output" == *"Adding IP address(es): 192.0.2.101 2001:db8::101"* ]]
	vzctl exec2 101 'ip addr show venet0' | grep -q 'inet 192.0.2.101/32'
	vzctl exec2 101 'ip addr show venet0' | grep -q 'inet6 2001:db8::101/128'
	vzctl exec2 101 'ip route' | grep -q '^default dev venet0'
	ip route | grep -q '^192.0.2.101 dev venet101'
	[ "$(vzlist -H -o ip 101)" = "192.0.2.101 2001:db8::101" ]
	vzctl --quiet restart 101
	pings lan 192.0.2.101
}

@test "addresses come and go while the VE runs, and others' traffic does not notice" {
	ve 101 started --ipadd 192.0.2.101
	in_lan ping -i 0.1 -w 6 192.0.2.101 >"$BATS_TEST_TMPDIR/ping" 2>&1 3>&- &
	local ping=$!
	run vzctl set 101 --ipadd 192.0.2.111 --ipadd 2001:db8::111 --save
	[ "$status" -eq 0 ]
	grep -qx 'IP_ADDRESS="192.0.2.101 192.0.2.111 2001:db8::111"' /etc/vz/conf/101.conf
	pings lan 192.0.2.111
	pings lan 2001:db8::111
	vzctl --quiet set 101 --ipdel 192.0.2.111 --save
	fails pings lan 192.0.2.111
	vzctl --quiet set 101 --ipdel 2001:db8::111 --save
	fails pings node 2001:db8::111
	wait $ping
	cat "$BATS_TEST_TMPDIR/ping"
	grep -q ' 0% packet loss' "$BATS_TEST_TMPDIR/ping"
	vzctl --quiet set 101 --ipdel all --save
	grep -qx 'IP_ADDRESS=""' /etc/vz/conf/101.conf
	fails pings lan 192.0.2.101
	[ -z "$(ip route | grep 192.0.2.1.1)" ]
	[ -z "$(ip neigh show proxy | grep -E '192.0.2.1.1|2001:db8::1.1')" ]
}

@test "without --save it is live only; a first address comes to a VE that had none" {
	ve 101 started
	run vzctl set 101 --ipadd 192.0.2.101
	[ "$status" -eq 0 ]
	[[ "$output" == *"WARNING: Settings were not saved to config"* ]]
	pings lan 192.0.2.101
	[ "$(vzlist -H -o ip 101)" = 192.0.2.101 ]
	fails grep -q IP_ADDRESS /etc/vz/conf/101.conf
	vzctl --quiet restart 101
	fails pings node 192.0.2.101
}

@test "an address is one VE's, running or not, and never the node's" {
	ve 101 started --ipadd 192.0.2.101
	ve 102
	for taken in 192.0.2.101 192.0.2.1 2001:db8::1; do
		run vzctl set 102 --ipadd $taken --save
		echo "$output"
		[ "$status" -eq 78 ]
		[[ "$output" == *"$taken"* ]]
	done
	vzctl --quiet start 102
	run vzctl set 102 --ipadd 192.0.2.101
	[ "$status" -eq 78 ]
	[[ "$output" == *"CT 101"* ]]
	vzctl --quiet stop 101 --fast
	run vzctl set 102 --ipadd 192.0.2.101 --save
	[ "$status" -eq 78 ]
	run vzctl create 103 --ostemplate busybox --config light --ipadd 192.0.2.101
	[ "$status" -eq 78 ]
	[ "$(vzctl status 103)" = "CTID 103 deleted unmounted down" ]
	# A file that was copied: the second of the two does not start, and nothing of it is left.
	sed -i '/^IP_ADDRESS/d' /etc/vz/conf/102.conf
	echo 'IP_ADDRESS="192.0.2.101"' >>/etc/vz/conf/102.conf
	vzctl --quiet stop 102 --fast
	vzctl --quiet start 101
	node_state >"$BATS_TEST_TMPDIR/before"
	run vzctl start 102
	[ "$status" -eq 78 ]
	node_state >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	pings lan 192.0.2.101
}

@test "an address that somebody on the node's network has is told of, or refused" {
	ve 101 '' --ipadd 192.0.2.9
	run vzctl start 101
	[ "$status" -eq 0 ]
	[[ "$output" == *"192.0.2.9"*"already used by"*"wan0"* ]]
	vzctl --quiet stop 101 --fast
	node_config ERROR_ON_ARPFAIL=yes
	run vzctl start 101
	[ "$status" -eq 78 ]
	[ "$(status_of 101)" = stopped ]
	node_config ERROR_ON_ARPFAIL=yes SKIP_ARPDETECT=yes
	run vzctl start 101
	[ "$status" -eq 0 ]
	[[ "$output" != *"already used"* ]]
	vzctl --quiet stop 101 --fast
	vzctl --quiet set 101 --ipdel all --save
	vzctl --quiet start 101
	node_config ERROR_ON_ARPFAIL=yes SKIP_ARPDETECT=no
	run vzctl set 101 --ipadd 2001:db8::9
	[ "$status" -eq 78 ]
	vzctl --quiet set 101 --ipadd 2001:db8::9 --skip_arpdetect
}

@test "the neighbours of the node are told at once where an address is" {
	in_lan ip neigh replace 192.0.2.101 lladdr 02:00:00:00:00:01 nud stale dev eth0
	ve 101 started --ipadd 192.0.2.101
	await 5 bash -c "ip -n lan neigh show 192.0.2.101 | grep -q $(cat /sys/class/net/wan0/address)"
	pings lan 192.0.2.101
}

@test "an uplink that was down answers again when it is up" {
	ve 101 started --ipadd 192.0.2.101 --ipadd 2001:db8::101
	ip link set wan0 down
	[ -z "$(ip neigh show proxy dev wan0)" ]
	ip link set wan0 up
	ip addr replace 2001:db8::1/64 dev wan0 nodad
	await 10 pings lan 192.0.2.101
	await 10 pings lan 2001:db8::101
}

@test "the node answers only where vz.conf says" {
	ip link add other0 type dummy
	node_config NEIGHBOUR_DEVS=list:other0
	ip link del other0
	ve 101 started --ipadd 192.0.2.101
	in_lan ip neigh flush all # who had it before lay behind the same address
	fails pings lan 192.0.2.101
	pings node 192.0.2.101
	node_config NEIGHBOUR_DEVS=list:wan0
	vzctl --quiet restart 101
	pings lan 192.0.2.101
}

@test "private addresses go out under the node's, and ports of the node lead in" {
	node_config 'MASQUERADE=10.7.0.0/16 fd00:7::/64'
	ve 101 started --ipadd 10.7.0.1 --ipadd fd00:7::1
	ve 102 started --ipadd 10.7.0.2
	pings 101 192.0.2.9
	pings 101 2001:db8::9
	pings 101 10.7.0.2
	serve 101 80
	run vzctl set 101 --port_add 192.0.2.1:8080:80 --port_add tcp:[2001:db8::1]:8080:80 --save
	[ "$status" -eq 0 ]
	grep -qx 'PORTS="tcp:192.0.2.1:8080:80 tcp:\[2001:db8::1\]:8080:80"' /etc/vz/conf/101.conf
	[ "$(hears lan 192.0.2.1 8080)" = 101 ]
	[ "$(hears lan 2001:db8::1 8080)" = 101 ]
	[ "$(hears node 192.0.2.1 8080)" = 101 ]
	[ "$(hears 102 192.0.2.1 8080)" = 101 ]
	run vzctl set 102 --port_add 192.0.2.1:8080:80 --save
	[ "$status" -ne 0 ]
	[[ "$output" == *"CT 101"* ]]
	vzctl --quiet restart 101
	serve 101 80
	[ "$(hears lan 192.0.2.1 8080)" = 101 ]
	vzctl --quiet set 101 --port_del all --save
	[ -z "$(hears lan 192.0.2.1 8080 || true)" ]
	serve node 8081
	run vzctl set 102 --port_add 192.0.2.1:8081:80
	[ "$status" -ne 0 ]
	[[ "$output" == *"8081"*"in use by the node"* ]]
}

@test "services of the node are closed to VEs but for those of vz.conf" {
	ve 101 started --ipadd 192.0.2.101
	serve node 8082
	[ "$(hears lan 192.0.2.1 8082)" = node ]
	[ -z "$(hears 101 192.0.2.1 8082 || true)" ]
	pings 101 192.0.2.1
	node_config NODE_SERVICES=tcp:8082
	[ "$(hears 101 192.0.2.1 8082)" = node ]
	# What the node itself begins is answered.
	serve 101 80
	[ "$(hears node 192.0.2.101 80)" = 101 ]
}

@test "bad input is refused, and changes nothing" {
	ve 101 started --ipadd 192.0.2.101
	cp /etc/vz/conf/101.conf "$BATS_TEST_TMPDIR/before"
	while read -r code options; do
		run vzctl set 101 $options --save
		echo "$options -> $status: $output"
		[ "$status" -eq "$code" ]
		cmp /etc/vz/conf/101.conf "$BATS_TEST_TMPDIR/before"
	done <<-'END'
		21 --ipadd 192.0.2.256
		21 --ipadd 192.0.2.5/33
		21 --ipadd 192.0.2.5/255.0.255.0
		21 --ipadd 2001:db8::x
		21 --ipadd 127.0.0.1
		21 --ipadd 224.0.0.1
		21 --ipadd fe80::1
		21 --rate absurd
		21 --rate 1
		21 --port_add 192.0.2.1:0:80
		21 --port_add 192.0.2.1:80
		21 --port_add icmp:192.0.2.1:80:80
		21 --port_add 127.0.0.1:80:80
		21 --port_add 192.0.2.77:80:80
	END
	run vzctl set 101 --ipdel 192.0.2.102 --save
	[ "$status" -ne 0 ]
	pings node 192.0.2.101
}

@test "what a VE sent and received is counted on, over its restarts and vzd's" {
	ve 101 started --ipadd 192.0.2.101 --ipadd 2001:db8::101
	for _ in 1 2 3; do
		pings node 192.0.2.101
		pings node 2001:db8::101
	done
	counted() {
		vzlist -a -j -o sent,received,dropped 101 | jq -c ".[0].$1"
	}
	local sent received
	sent=$(counted sent)
	received=$(counted received)
	[ "$(jq '[.. | numbers] | min > 0' <<<"$sent")" = true ]
	vzctl --quiet stop 101 --fast
	[ "$(jq --argjson old "$sent" '. == $old' <<<"$(counted sent)")" = true ]
	vzctl --quiet start 101
	pings node 192.0.2.101
	[ "$(jq --argjson old "$received" '[.. | numbers] | add > ([$old | .. | numbers] | add)' <<<"$(counted received)")" = true ]
	sent=$(counted sent)
	vzd_kill
	vzd_start
	[ "$(jq --argjson old "$sent" '. == $old' <<<"$(counted sent)")" = true ]
	# Forged: counted as dropped.
	vzctl exec2 101 'ip addr add 192.0.2.200 dev venet0; ! ping -c 2 -W 1 -I 192.0.2.200 192.0.2.1'
	[ "$(jq '[.. | numbers] | add > 0' <<<"$(counted dropped)")" = true ]
	vzctl status --detail 101 | grep -q '192.0.2.101'
}

@test "steps that fail leave the network as it was" {
	ve 101 started --ipadd 192.0.2.101
	cp /etc/vz/conf/101.conf "$BATS_TEST_TMPDIR/before"
	vzd_kill
	vzd_start OPENVE_FAULTS="$FAULTS"
	node_state >"$BATS_TEST_TMPDIR/state"
	for step in claims network hostname name; do
		echo "set $step fail" >"$FAULTS"
		run vzctl set 101 --ipadd 192.0.2.111 --ipdel 192.0.2.101 --netif_add eth0,,,,br0 --rate 1000 --save
		echo "$output"
		[ "$status" -ne 0 ]
		[[ "$output" == *"$step: injected fault"* ]]
		node_state >"$BATS_TEST_TMPDIR/after"
		diff "$BATS_TEST_TMPDIR/state" "$BATS_TEST_TMPDIR/after"
		pings lan 192.0.2.101
	done
	echo "set network die" >"$FAULTS"
	run vzctl set 101 --ipadd 192.0.2.111 --netif_add eth0,,,,br0 --rate 1000 --save
	[ "$status" -ne 0 ]
	rm "$FAULTS"
	cmp /etc/vz/conf/101.conf "$BATS_TEST_TMPDIR/before"
	pings lan 192.0.2.101
	vzctl --quiet stop 101 --fast
	[ -z "$(ip -o link | grep -E 'venet|veth101|br0')" ]
	vzd_kill
	vzd_start
}
