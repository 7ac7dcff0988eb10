#!/usr/bin/env bats
# Ethernet interfaces on bridges, and devices of the node given away.
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
	for link in br7 dev7 dev8 up7; do
		ip link del $link 2>/dev/null || true
	done
	ip netns del outside 2>/dev/null || true
}

netif_of() {
	sed -n 's/^NETIF="\(.*\)"$/\1/p' "/etc/vz/conf/$1.conf"
}

@test "VEs on a bridge that vzd makes reach one another; the bridge goes with the last" {
	ve 101 started
	ve 102 started
	for ctid in 101 102; do
		run vzctl set $ctid --netif_add eth0,,,,br7 --save
		[ "$status" -eq 0 ]
		[[ "$(netif_of $ctid)" == "ifname=eth0,"*"mac=00:18:51:"*"host_ifname=veth$ctid.0"* ]]
		vzctl exec2 $ctid "ip addr add 10.9.0.$ctid/24 dev eth0; ip -6 addr add fd09::$ctid/64 dev eth0; ip link set eth0 up"
	done
	sleep 2
	pings 101 10.9.0.102
	pings 102 10.9.0.101
	pings 101 fd09::102
	[ "$(vzlist -H -o ifname 101)" = eth0 ]
	[ "$(vzlist -H -o host_ifname 101)" = veth101.0 ]
	vzctl --quiet set 101 --netif_del eth0 --save
	[ ! -e /sys/class/net/veth101.0 ]
	[ -e /sys/class/net/br7 ]
	vzctl --quiet stop 102 --fast
	[ ! -e /sys/class/net/br7 ]
}

@test "an interface's own addresses and gateway are set by the node" {
	ip link add br7 type bridge
	ip link set br7 up
	ip addr add 10.9.0.1/24 dev br7
	vzctl --quiet create 101 --ostemplate busybox --config light --netif_add eth0,,,,br7
	vzctl --quiet set 101 --ifname eth0 --ipadd 10.9.0.101/24 --gw 10.9.0.1 --ipadd fd09::101/64 --save
	[[ "$(netif_of 101)" == *"ip=10.9.0.101/24"*"gw=10.9.0.1"* ]]
	vzctl --quiet start 101
	await 5 pings 101 10.9.0.1
	pings node 10.9.0.101
	vzctl exec2 101 'ip route' | grep -q 'default via 10.9.0.1 dev eth0'
	[ "$(bridge -d link show dev veth101.0 | grep -c 'guard on')" -eq 1 ]
	vzctl --quiet set 101 --ifname eth0 --ipdel 10.9.0.101 --ipadd 10.9.0.102/24 --save
	await 5 pings node 10.9.0.102
	fails pings node 10.9.0.101
	vzctl --quiet stop 101 --fast
	# It was there before us.
	[ -e /sys/class/net/br7 ]
}

@test "several interfaces, with MACs, names and a VLAN of one's choice" {
	ip link add br7 type bridge vlan_filtering 1
	ip link set br7 up
	ve 101 started
	ve 102 started
	for ctid in 101 102; do
		vzctl --quiet set $ctid --netif_add "eth0,00:18:51:00:01:${ctid#1},tap$ctid,fe:18:51:00:01:${ctid#1},br7" --save
		vzctl --quiet set $ctid --netif_add eth1 --save
		vzctl --quiet set $ctid --ifname eth0 --vlan 7 --ipadd 10.9.0.$ctid/24 --save
	done
	[ "$(cat /sys/class/net/tap101/address)" = fe:18:51:00:01:01 ]
	vzctl exec2 101 'ip link show eth0' | grep -q '00:18:51:00:01:01'
	vzctl exec2 101 'ip link show eth1' | grep -q '00:18:51:'
	bridge vlan show dev tap101 | grep -q '7 PVID Egress Untagged'
	await 5 pings 101 10.9.0.102
	vzctl --quiet set 102 --ifname eth0 --vlan 8 --save
	fails pings 101 10.9.0.102
	vzctl --quiet set 102 --ifname eth0 --vlan 7 --mac 00:18:51:00:00:77 --save
	vzctl exec2 102 'ip link show eth0' | grep -q '00:18:51:00:00:77'
	await 5 pings 102 10.9.0.101
	vzctl --quiet restart 101
	await 5 pings 101 10.9.0.102
}

@test "bad input is refused, and changes nothing" {
	ip link add dev7 type dummy
	ip link add br7 type bridge
	ve 101 started --netif_add eth0,00:18:51:00:00:01
	ve 102 '' --netif_add eth0
	cp /etc/vz/conf/101.conf "$BATS_TEST_TMPDIR/before"
	while read -r options; do
		run vzctl set 101 $options --save
		echo "$options -> $status: $output"
		[ "$status" -ne 0 ]
		[ -n "$output" ]
		cmp /etc/vz/conf/101.conf "$BATS_TEST_TMPDIR/before"
	done <<-'END'
		--netif_add eth0
		--netif_add sixteen-letters-
		--netif_add eth1,01:18:51:00:00:02
		--netif_add eth1,00:18:51:00:00:01
		--netif_add eth1,nonsense
		--netif_add eth1,,veth102.0
		--netif_add eth1,,lo
		--netif_add eth1,,venet7
		--netif_add eth1,,,,dev7
		--netif_add e/1
		--netif_add lo
		--netif_add venet0
		--netif_del eth7
		--ifname eth7 --mac 00:18:51:00:00:02
		--mac 00:18:51:00:00:02
		--ifname eth0 --vlan 4095
		--ifname eth0 --bridge dev7
		--ifname eth0 --ipadd 10.9.0.1/24 --gw fd09::1
		--netdev_add nothing7
	END
	ip -o link | grep -q veth101.0
}

@test "a device of the node is the VE's while it runs, however that ends" {
	ip link add dev7 type dummy
	ip link add dev8 type dummy
	ve 101 started --netdev_add dev7
	vzctl exec2 101 'ip link show dev7' >/dev/null
	[ ! -e /sys/class/net/dev7 ]
	vzctl --quiet set 101 --netdev_add dev8 --save
	grep -qx 'NETDEV="dev7 dev8"' /etc/vz/conf/101.conf
	[ ! -e /sys/class/net/dev8 ]
	vzctl --quiet set 101 --netdev_del dev8 --save
	[ -e /sys/class/net/dev8 ]
	# Under another name in there, and then it dies.
	vzctl exec2 101 'ip link set dev7 down; ip link set dev7 name mine0; ip link set mine0 up'
	kill -9 "$(vzctl exec 101 true; sed -n 's/^PID="\(.*\)"$/\1/p' /run/vz/ve/101)"
	await 20 is 101 stopped
	[ -e /sys/class/net/dev7 ]
	[ ! -e /run/vz/netns/101 ]
	vzctl --quiet start 101
	[ ! -e /sys/class/net/dev7 ]
	vzctl --quiet stop 101 --fast
	[ -e /sys/class/net/dev7 ]
	ip link del dev7
	run vzctl start 101
	[ "$status" -ne 0 ]
	[[ "$output" == *"dev7"* ]]
	[ "$(status_of 101)" = stopped ]
}

@test "a tenant's tricks with its interfaces leave nothing on the node" {
	node_state >"$BATS_TEST_TMPDIR/empty"
	local trick
	for trick in \
		'ip link set eth0 name other; ip link set venet0 name else' \
		'ip link del eth0; ip link del venet0' \
		'unshare -n sleep 1000 & sleep 1; ip link set eth0 netns $!; ip link set venet0 netns $!' \
		'ip link set eth0 mtu 68; ip link set venet0 mtu 68' \
		'ip link set eth0 mtu 65535; ip link set venet0 mtu 65535' \
		'ip link add link eth0 name eth0.7 type vlan id 7; ip link set eth0 address 02:00:00:00:00:07' \
		'for n in 1 2 3 4 5 6 7 8 9; do ip link add d$n type dummy; ip link add v$n type veth peer name w$n; done' \
		'ip route flush table main; ip addr flush dev venet0; ip addr flush dev eth0'; do
		ve 101 started --ipadd 10.7.0.1 --netif_add eth0,,,,br7 --rate 10000
		vzctl exec 101 "$trick" || true
		vzctl --quiet set 101 --ipadd 10.7.0.2 || true
		vzctl --quiet stop 101 --fast
		vzctl --quiet start 101
		pings node 10.7.0.1
		vzctl --quiet stop 101 --fast
		vzctl --quiet destroy 101
		rm -f /etc/vz/conf/*.destroyed
		node_state >"$BATS_TEST_TMPDIR/after"
		diff "$BATS_TEST_TMPDIR/empty" "$BATS_TEST_TMPDIR/after" || { echo "after: $trick"; false; }
	done
}
