#!/usr/bin/env bats
# A VE's own firewall and routing, and the links that it may make: what it is granted by --netfilter and --features, and
# that it has nothing else, whatever is loaded on the node.
load common

PACKETS=/usr/lib/openve/tests/packets

teardown() {
	sweep
	rm -f /etc/modprobe.d/no-wireguard.conf
}

# Put nft, iproute2 and the test program of the node into a VE, with the libraries that they load.
equip() {
	local ctid=$1 name libraries=/opt/node/lib/x86_64-linux-gnu:/opt/node/usr/lib/x86_64-linux-gnu
	{
		for name in nft ip; do
			type -P $name
			ldd "$(type -P $name)" | grep -o '/[^ ]*'
		done
		echo $PACKETS
	} | sort -u | tar -C / -chf - -T - 2>/dev/null |
		vzctl exec "$ctid" 'mkdir -p /opt/node /opt/bin && tar -C /opt/node -xf -'
	for name in nft ip; do
		printf '#!/bin/sh\nexec /opt/node/lib64/ld-linux-x86-64.so.2 --library-path %s /opt/node%s "$@"\n' \
			$libraries "$(type -P $name)" | vzctl exec "$ctid" "cat >/opt/bin/$name; chmod 755 /opt/bin/$name"
	done
}

# A running busybox VE with these programs.
equipped() {
	ve "$1" created
	if [[ $# -gt 1 ]]; then
		vzctl --quiet set "$1" "${@:2}" --save
	fi
	vzctl --quiet start "$1"
	equip "$1"
}

nft_in() {
	vzctl exec2 "$1" '/opt/bin/nft -f -'
}

# In a network namespace within the VE's own.
nested_nft_in() {
	vzctl exec2 "$1" 'unshare -n /opt/bin/nft -f -'
}

ip_in() {
	vzctl exec2 "$1" "/opt/bin/ip ${*:2}"
}

# Chains to put rules into.
chains_in() {
	nft_in "$1" <<-'END'
		table inet t {
			chain in { type filter hook input priority 0; }
			chain out { type filter hook output priority 0; }
		}
	END
}

refused() {
	run "$@"
	echo "$output"
	[ "$status" -ne 0 ]
	[[ "$output" == *"Operation not permitted"* ]]
}

loaded() {
	cut -d ' ' -f 1 /proc/modules | sort
}

@test "a VE has routing tables and rules of its own" {
	equipped 101
	ip rule >"$BATS_TEST_TMPDIR/before"
	ip_in 101 link set lo up
	ip_in 101 rule add from 10.9.0.0/16 table 100
	ip_in 101 route add default dev lo table 100
	ip_in 101 -6 rule add from 2001:db8::/32 table 101
	[[ "$(ip_in 101 rule)" == *"from 10.9.0.0/16 lookup 100"* ]]
	[[ "$(ip_in 101 route show table 100)" == "default dev lo"* ]]
	ip rule | diff "$BATS_TEST_TMPDIR/before" -
	[ -z "$(ip route show table 100 2>/dev/null)" ]
	vzctl exec2 101 'echo 1 >/proc/sys/net/ipv4/ip_forward'
}

@test "stateless, the default: it filters, and tracks no connections" {
	equipped 101
	chains_in 101
	nft_in 101 <<-'END'
		table inet t {
			set s { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 }; }
			set d { type ipv4_addr; flags dynamic, timeout; timeout 1m; }
			counter c { }
			limit l { rate 1/second burst 7 packets; }
		}
		add rule inet t in ip saddr @s tcp dport { 22, 80 } counter name c accept
		add rule inet t in limit name l log prefix "in " reject
		add rule inet t in add @d { ip saddr limit rate 1/second } drop
		add rule inet t in fib saddr . iif oif missing drop
		add rule inet t out meta skuid 0 notrack
	END
	refused nft_in 101 <<<'add rule inet t in ct state established accept'
	refused nft_in 101 <<<'add rule inet t in ct count over 5 drop'
	refused nft_in 101 <<<'add rule inet t in tcp flags syn synproxy'
	refused nft_in 101 <<<'table ip t { ct timeout o { protocol tcp; policy = { established: 100 }; }; }'
	refused nft_in 101 <<<'table ip t { chain c { type nat hook postrouting priority 100; }; }'
	refused nft_in 101 <<<'table ip t { ct helper f { type "ftp" protocol tcp; }; }'
	refused nested_nft_in 101 <<<'table t { chain c { ct state new; }; }'
	[ ! -e "/proc/$(pid 101)/root/proc/sys/net/netfilter/nf_conntrack_count" ] ||
		[ "$(vzctl exec2 101 cat /proc/sys/net/netfilter/nf_conntrack_count)" = 0 ]
}

pid() {
	sed -n 's/^PID="\(.*\)"/\1/p' "/run/vz/ve/$1"
}

@test "stateless: names that only look like what is refused are names" {
	equipped 101
	nft_in 101 <<-'END'
		table ip nat {
			chain redir { }
			chain masq { type filter hook input priority 0; jump redir comment "ct nat"; }
		}
		table ip conntrack {
			set helper1 { type ipv4_addr; flags constant, interval; }
			chain nat1 { log prefix "ct" drop; }
		}
	END
	[[ "$(vzctl exec2 101 /opt/bin/nft list ruleset)" == *"jump redir"* ]]
}

@test "stateful: it tracks connections in its own namespace, and translates no addresses" {
	equipped 101 --netfilter stateful
	chains_in 101
	nft_in 101 <<<'add rule inet t in ct state established,related accept; add rule inet t out ct state new counter'
	vzctl exec2 101 "/opt/node$PACKETS flows 10"
	[ "$(vzctl exec2 101 cat /proc/sys/net/netfilter/nf_conntrack_count)" -ge 10 ]
	refused nft_in 101 <<<'table ip t { chain c { type nat hook postrouting priority 100; }; }'
	refused nft_in 101 <<<'add chain inet t p { type filter hook postrouting priority 0; }; add rule inet t p masquerade'
	refused nested_nft_in 101 <<<'table t { chain c { ct state new; }; }'
}

@test "full: it tracks and translates, also within, and has the old interface of iptables" {
	equipped 101 --netfilter full
	nft_in 101 <<-'END'
		table ip t {
			chain in { type filter hook input priority 0; ct state established accept; }
			chain pre { type nat hook prerouting priority -100; tcp dport 80 dnat to 10.0.0.1:8080; }
			chain post { type nat hook postrouting priority 100; masquerade; }
		}
	END
	nested_nft_in 101 <<<'table t { chain c { ct state new; }; }'
	[ "$(vzctl exec2 101 "/opt/node$PACKETS xtables")" = yes ]
}

@test "the old interface of iptables is not for others" {
	equipped 101 --netfilter stateful
	modprobe -a ip_tables iptable_filter
	run vzctl exec2 101 "/opt/node$PACKETS xtables"
	[ "$output" = 'Protocol not available' ]
}

@test "disabled: there is no netfilter" {
	equipped 101 --netfilter disabled
	run vzctl exec2 101 '/opt/bin/nft list ruleset'
	[ "$status" -ne 0 ]
	[[ "$output" == *"Address family not supported"* ]]
	run vzctl exec2 101 "/opt/node$PACKETS xtables"
	[ "$output" = 'Protocol not available' ]
	ip_in 101 rule add from 10.9.0.0/16 table 100
}

@test "a change of netfilter or features counts from the next start" {
	equipped 101
	chains_in 101
	run vzctl set 101 --netfilter full --features bridge:on --save
	[ "$status" -eq 0 ]
	[[ "$output" == *"netfilter"*"next start"* ]]
	[[ "$output" == *"features"*"next start"* ]]
	refused nft_in 101 <<<'add rule inet t in ct state new'
	refused ip_in 101 link add br0 type bridge
	vzctl --quiet restart 101
	chains_in 101
	nft_in 101 <<<'add rule inet t in ct state new'
	ip_in 101 link add br0 type bridge
	vzctl --quiet set 101 --netfilter disabled --save
	nft_in 101 <<<'add rule inet t in ct state new'
}

@test "tracked connections stop at a ceiling, and neighbour and node go on" {
	local ceiling
	equipped 101 --netfilter stateful
	equipped 102 --netfilter stateful
	for ctid in 101 102; do
		chains_in $ctid
		nft_in $ctid <<<'add rule inet t out ct state new counter'
		ip_in $ctid link set lo up
	done
	ceiling=$(sysctl -n net.netfilter.nf_conntrack_max)
	sysctl -q net.netfilter.nf_conntrack_max=2000
	vzctl exec2 101 "echo 600 >/proc/sys/net/netfilter/nf_conntrack_udp_timeout; /opt/node$PACKETS flows 20000"
	[ "$(vzctl exec2 101 cat /proc/sys/net/netfilter/nf_conntrack_count)" -le 2000 ]
	[ "$(vzctl exec2 101 cat /proc/sys/net/netfilter/nf_conntrack_count)" -ge 1900 ]
	run vzctl exec2 101 'echo 100000 >/proc/sys/net/netfilter/nf_conntrack_max'
	[ "$status" -ne 0 ]

	[ "$(vzctl exec2 102 "/opt/node$PACKETS flows 500")" = 500 ]
	[ "$(vzctl exec2 102 cat /proc/sys/net/netfilter/nf_conntrack_count)" -ge 500 ]
	nft 'add table inet node; add chain inet node out { type filter hook output priority 0; };
		add rule inet node out ct state invalid drop; add rule inet node out ct state new counter'
	[ "$($PACKETS flows 500)" = 500 ]
	[ "$(cat /proc/sys/net/netfilter/nf_conntrack_count)" -ge 500 ]
	nft delete table inet node
	sysctl -q net.netfilter.nf_conntrack_max="$ceiling"
}

@test "root of a VE makes the kernel load no modules but those of its firewall" {
	local kind
	equipped 101
	chains_in 101
	nft_in 101 <<<'add rule inet t in limit rate 1/second log reject'
	loaded >"$BATS_TEST_TMPDIR/before"
	for kind in macvlan ipvlan vlan vxlan geneve bond team vrf ifb vcan wireguard ipip sit gre ip6tnl; do
		# What the node itself has in use is loaded already.
		[[ ! -d /sys/module/$kind ]] || continue
		run ip_in 101 link add x type $kind
		[ "$status" -ne 0 ]
	done
	for kind in vfat msdos iso9660 udf cifs nfs btrfs f2fs squashfs; do
		run vzctl exec2 101 mount -t $kind none /mnt
		[ "$status" -ne 0 ]
	done
	printf '\x7fABCDEFGHIJKLMNOP' | vzctl exec2 101 'cat >/odd; chmod 755 /odd; /odd' || true
	loaded | diff "$BATS_TEST_TMPDIR/before" -
	# The node does.
	ip link add x type vxlan id 1 dstport 4789
	ip link delete x
	loaded | grep -qx vxlan
}

@test "links are for who has the feature, whatever is loaded" {
	modprobe -a bridge dummy wireguard ipip sit ip_gre
	equipped 101
	equipped 102 --features bridge:on,dummy:on,wireguard:on,ipip:on,sit:on,ipgre:on
	local kinds=('bridge' 'dummy' 'wireguard' 'ipip local 10.0.0.1 remote 10.0.0.2' 'sit local 10.0.0.1 remote 10.0.0.2'
		'gre local 10.0.0.1 remote 10.0.0.2' 'gretap local 10.0.0.1 remote 10.0.0.2')
	for kind in "${kinds[@]}"; do
		refused ip_in 101 link add x0 type "$kind"
		ip_in 102 link add x0 type "$kind"
		ip_in 102 addr add 10.1.2.3/24 dev x0
		ip_in 102 link set x0 up
		ip_in 102 link delete x0
	done
	run vzctl exec2 101 brctl addbr br0
	[ "$status" -ne 0 ]
	vzctl exec2 102 brctl addbr br0
	# Nor are there tunnels that the kernel makes by itself, nor the old way to make one.
	[ "$(ip_in 101 -o link | wc -l)" = 1 ]
	run vzctl exec2 101 ip tunnel add t0 mode ipip local 10.0.0.1 remote 10.0.0.2
	[ "$status" -ne 0 ]
	ip_in 102 link add tunl0 type ipip
	vzctl exec2 102 ip tunnel add t0 mode ipip local 10.0.0.1 remote 10.0.0.2
}

@test "one feature brings no other" {
	equipped 101 --features dummy:on
	ip_in 101 link add x0 type dummy
	refused ip_in 101 link add x1 type bridge
	refused ip_in 101 link add x1 type wireguard
	run vzctl exec2 101 ls /dev/net/tun
	[ "$status" -ne 0 ]
}

@test "tun: a VE opens a tun device and gives it an address" {
	equipped 101 --features tun:on
	ip_in 101 tuntap add dev tun0 mode tun
	ip_in 101 addr add 10.1.2.3/24 dev tun0
	ip_in 101 link set tun0 up
	ip_in 101 tuntap add dev tap0 mode tap
	[ "$(vzctl exec2 101 stat -c '%t:%T' /dev/net/tun)" = a:c8 ]
	run ! ip link show tun0
}

@test "a device that is off cannot be opened, by whatever name" {
	modprobe tun
	equipped 101
	run ip_in 101 tuntap add dev tun0 mode tun
	[ "$status" -ne 0 ]
	run vzctl exec2 101 'mknod /tun c 10 200'
	[ "$status" -ne 0 ]
	# The node's own node of it, if it ever came to be there.
	run bash -c "echo \$\$ >/sys/fs/cgroup/$(group 101)/init/cgroup.procs && exec 3<>/dev/net/tun"
	[ "$status" -ne 0 ]
	[[ "$output" == *"Operation not permitted"* ]]
}

group() {
	sed -n 's/^CGROUP="\(.*\)"/\1/p' "/run/vz/ve/$1"
}

@test "a feature that this kernel does not have refuses the start by its name" {
	modprobe -r wireguard
	echo 'install wireguard /bin/false' >/etc/modprobe.d/no-wireguard.conf
	ve 101 created
	vzctl --quiet set 101 --features wireguard:on --save
	node_state >"$BATS_TEST_TMPDIR/before"
	run vzctl start 101
	[ "$status" -ne 0 ]
	[[ "$output" == *"feature wireguard"* ]]
	[ "$(status_of 101)" = stopped ]
	node_state | diff "$BATS_TEST_TMPDIR/before" -
}

@test "memory for fragments of packets has a ceiling that no VE lifts" {
	equipped 101
	run vzctl exec2 101 'echo 2000000000 >/proc/sys/net/ipv4/ipfrag_high_thresh'
	[ "$status" -ne 0 ]
	run vzctl exec2 101 'echo 3600 >/proc/sys/net/ipv4/ipfrag_time'
	[ "$status" -ne 0 ]
	vzctl exec2 101 "/opt/node$PACKETS fragments 20000"
	[ "$(vzctl exec2 101 cat /proc/net/sockstat | sed -n 's/^FRAG:.* memory //p')" -le 8388608 ]
	vzctl exec2 101 'echo 1 >/proc/sys/net/ipv4/conf/all/forwarding'
}

@test "vzd starts again and finds the guards in place" {
	equipped 101
	chains_in 101
	vzd_kill
	vzd_start
	refused nft_in 101 <<<'add rule inet t in ct state new'
	refused ip_in 101 link add x0 type bridge
}
