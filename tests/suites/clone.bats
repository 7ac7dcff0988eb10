#!/usr/bin/env bats
# Copies of a VE: of its files, and of its processes, which go on in each copy by themselves.
load clone

quota_of() {
	xfs_quota -x -c 'report -p -N -n -b' /var/lib/vz | awk -v id="#$1" '$1 == id { print $2, $4 }'
}

@test "a stopped VE is cloned with its files, and each changes its own" {
	for layout in overlay private; do
		ve 101 started --layout $layout --ipadd 192.0.2.101 --hostname first --name one --diskspace 50M
		vzctl exec2 101 'echo data >/root/file; chown 1000:1000 /root/file; rm /etc/profile; mkdir /etc/new; ln /root/file /root/link'
		vzctl --quiet stop 101
		vzctl --quiet clone 101 102 --hostname second --ipadd 192.0.2.102
		is 102 stopped
		vzctl --quiet start 101
		vzctl --quiet start 102
		[ "$(vzctl exec2 102 'hostname; cat /root/file; stat -c %u:%g:%h /root/file; ls -d /etc/profile /etc/new 2>/dev/null')" = "second
data
1000:1000:2
/etc/new" ]
		vzctl exec2 102 'echo other >/root/file'
		[ "$(vzctl exec2 101 'cat /root/file')" = data ]
		pings lan 192.0.2.102
		[ "$(vzlist -H -o name 102)" = - ]
		[ "$(base_of 101)" != "$(base_of 102)" ]
		sweep
	done
}

@test "a clone has a quota of its own, and what it was copied with counts" {
	ve 101 started --diskspace 20M
	vzctl exec2 101 'dd if=/dev/zero of=/root/big bs=1M count=8 2>/dev/null; sync'
	vzctl --quiet stop 101
	vzctl --quiet clone 101 102 --diskspace 10M
	local used limit
	read -r used limit <<<"$(quota_of 102)"
	[ "$limit" = 10240 ]
	[ "$used" -ge 8192 ]
	vzctl --quiet start 102
	run vzctl exec2 102 'dd if=/dev/zero of=/root/more bs=1M count=8'
	[ "$status" -ne 0 ]
	vzctl --quiet stop 102 --fast
	vzctl --quiet destroy 102
	[ -z "$(quota_of 102)" ] || [ "$(quota_of 102)" = '0 0' ]
}

@test "the configuration is copied, without what only one VE can have" {
	ve 101 '' --ipadd 192.0.2.101 --netif_add eth0,,,,br7 --name one --hostname first --ram 96M --description 'a shop'
	echo 'UNKNOWN="kept"' >>/etc/vz/conf/101.conf
	vzctl --quiet clone 101 102
	grep -qx 'UNKNOWN="kept"' /etc/vz/conf/102.conf
	grep -qx 'DESCRIPTION="a shop"' /etc/vz/conf/102.conf
	[ "$(grep PHYSPAGES /etc/vz/conf/102.conf)" = "$(grep PHYSPAGES /etc/vz/conf/101.conf)" ]
	fails grep -qE '^(IP_ADDRESS|NETIF|NAME|HOSTNAME)=' /etc/vz/conf/102.conf
}

@test "without a CTID the next free one is taken and printed; a name becomes its own" {
	ve 101
	run --separate-stderr vzctl --quiet clone 101 --count 2 --ipadd 192.0.2.110
	[ "$output" = "102
103" ]
	[ "$(vzlist -a -H -o ip 102)" = 192.0.2.110 ]
	[ "$(vzlist -a -H -o ip 103)" = 192.0.2.111 ]
	vzctl --quiet clone 101 shop 300
	[ "$(vzlist -a -H -o name 104)" = shop ]
	is 300 stopped
}

@test "a running VE goes on in its clone, and each counts by itself" {
	ve 101 '' --ipadd 192.0.2.101 --hostname first
	busy 101
	state >"$BATS_TEST_TMPDIR/before"
	run vzctl clone 101 102 --ipadd 192.0.2.102 --hostname second
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *'CT 101 stood still for '*' ms'* ]]
	is 101 running
	is 102 running
	counts_on 101
	counts_on 102
	[ "$(vzctl exec2 102 'hostname; cat /etc/hostname; grep -c 192.0.2.102 /etc/hosts')" = "second
second
1" ]
	[ "$(vzctl exec2 101 'hostname; cat /etc/hostname')" = "first
first" ]
	[ "$(hears lan 192.0.2.102 80)" = hello ]
	vzctl exec2 102 'echo changed >/www/index.html'
	[ "$(hears lan 192.0.2.102 80)" = changed ]
	[ "$(hears lan 192.0.2.101 80)" = hello ]
	[ "$(vzctl exec2 102 'cat /proc/sys/net/ipv4/ip_nonlocal_bind')" = 0 ]
	[ "$(awk '{ print $2 }' "/proc/$(pgrep -u "$(base_of 102)" -o)/uid_map")" = "$(base_of 102)" ]
	vzctl exec2 102 'ip addr' | fails grep -q 192.0.2.101
	no_leftovers
	vzctl --quiet stop 102 --fast
	vzctl --quiet destroy 102
	rm -f /etc/vz/conf/*.destroyed
	state >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

@test "a program that listens on the address of the first comes along, and listens there in vain" {
	ve 101 '' --ipadd 192.0.2.101
	busy 101
	vzctl exec2 101 'echo there >/tmp/index.html; setsid httpd -h /tmp -p 192.0.2.101:8080'
	[ "$(hears lan 192.0.2.101 8080)" = there ]
	vzctl --quiet clone 101 102 --ipadd 192.0.2.102
	[ "$(hears lan 192.0.2.102 80)" = hello ]
	[ "$(vzctl exec2 102 'pidof httpd | wc -w')" = 2 ]
	run hears lan 192.0.2.102 8080
	[ "$status" -ne 0 ]
	[ "$(hears lan 192.0.2.101 8080)" = there ]
}

@test "a running VE can be cloned cold" {
	ve 101
	busy 101
	vzctl --quiet clone 101 102 --skip-memory
	vzctl --quiet clone 101 103 --cold
	is 101 running
	is 102 stopped
	vzctl --quiet start 103
	[ "$(vzctl exec2 103 'pidof httpd; cat /www/index.html')" = hello ]
	counts_on 101
}

@test "ten clones of a suspended VE, which stays as it was" {
	ve 101 '' --ipadd 192.0.2.101
	busy 101
	vzctl --quiet suspend 101
	vzctl --quiet clone 101 201 202 203 204 205 206 207 208 209 210 --ipadd 192.0.2.201
	for ctid in 201 202 203 204 205 206 207 208 209 210; do
		is $ctid running
		[ "$(hears lan 192.0.2.$ctid 80)" = hello ]
	done
	counts_on 201
	counts_on 210
	[ "$(sed -n 's/^LOCAL_UID=//p' /etc/vz/conf/*.conf | sort | uniq -d | wc -l)" = 0 ]
	is 101 suspended
	vzctl --quiet resume 101
	[ "$(hears lan 192.0.2.101 80)" = hello ]
	counts_on 101
}

@test "a clone can be suspended, resumed, cloned and restarted like any other" {
	ve 101
	busy 101
	vzctl --quiet clone 101 102 --ipadd 192.0.2.102
	vzctl --quiet suspend 102
	vzctl --quiet resume 102
	counts_on 102
	vzctl --quiet clone 102 103 --ipadd 192.0.2.103
	[ "$(hears lan 192.0.2.103 80)" = hello ]
	vzctl --quiet restart 103 --fast
	pings lan 192.0.2.103
	[ -z "$(vzctl exec2 103 'pidof httpd')" ]
}

@test "a machine id can be left to the clone's next start" {
	ve 101 started
	vzctl exec2 101 'echo 0123456789abcdef0123456789abcdef >/etc/machine-id'
	vzctl --quiet stop 101
	vzctl --quiet clone 101 102
	vzctl --quiet clone 101 103 --new-machine-id
	vzctl --quiet start 102
	vzctl --quiet start 103
	[ "$(vzctl exec2 102 'wc -c </etc/machine-id')" = 33 ]
	[ "$(vzctl exec2 103 'wc -c </etc/machine-id')" = 0 ]
	[ "$(vzctl exec2 101 'true' 2>/dev/null; vzctl --quiet start 101; vzctl exec2 101 'wc -c </etc/machine-id')" = 33 ]
}

@test "what cannot be cloned is refused, and nothing is left" {
	ve 101 '' --ipadd 192.0.2.101 --name one
	ve 102
	state >"$BATS_TEST_TMPDIR/before"
	refused 82 'CT 102 exists already' vzctl clone 101 102
	refused 82 'CT 102 exists already' vzctl clone 101 201 102
	refused 131 'one' vzctl clone 101 201 --name one
	refused 78 '192.0.2.101' vzctl clone 101 201 --ipadd 192.0.2.101
	refused 78 '192.0.2.101' vzctl clone 101 201 202 --ipadd 192.0.2.100
	refused 21 'is for one container' vzctl clone 101 201 202 --name two
	refused 21 'cannot be chosen' vzctl clone 101 201 --ostemplate busybox
	refused 21 'Bad parameter for --count' vzctl clone 101 --count none
	run vzctl clone 999 201
	[ "$status" -ne 0 ]
	vzctl --quiet start 101
	refused 21 'is for a start' vzctl clone 101 201 --features tun:on
	vzctl --quiet stop 101 --fast
	state >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

@test "one that is larger than its clone may be is refused for want of space" {
	ve 101 started --diskspace 20M
	vzctl exec2 101 'dd if=/dev/zero of=/root/big bs=1M count=8 2>/dev/null; sync'
	vzctl --quiet stop 101
	state >"$BATS_TEST_TMPDIR/before"
	run vzctl clone 101 201 --diskspace 2M
	echo "$status: $output"
	[ "$status" -eq 46 ]
	state >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

@test "clone fails at each step, and nothing is left" {
	ve 101
	busy 101
	state >"$BATS_TEST_TMPDIR/before"
	for step in ids private replica config publish name wake freeze image dump restore links; do
		echo "clone $step fail" >"$FAULTS"
		run vzctl clone 101 201 202 --ipadd 192.0.2.201
		rm -f "$FAULTS"
		echo "$step -> $status: $output"
		[ "$status" -ne 0 ]
		[[ "$output" == *"$step: injected fault"* ]]
		unchanged
		counts_on 101
	done
	vzctl --quiet clone 101 201
}

@test "the worker of clone dies at each step, and leaves a whole clone or none" {
	ve 101
	busy 101
	dies_at -- ids private replica config publish name freeze image dump restore
}

@test "the first and its clone are destroyed without a trace" {
	state >"$BATS_TEST_TMPDIR/before"
	ve 101 '' --ipadd 192.0.2.101
	busy 101
	vzctl --quiet clone 101 102 --ipadd 192.0.2.102
	vzctl --quiet stop 101 --fast
	vzctl --quiet destroy 101
	counts_on 102
	vzctl --quiet stop 102 --fast
	vzctl --quiet destroy 102
	rm -f /etc/vz/conf/*.destroyed
	unchanged
}

@test "a Debian system that runs is cloned, and runs" {
	vzctl --quiet create 101 --ostemplate debian-13-x86_64 --hostname debian --config vswap-512m --ipadd 192.0.2.101
	vzctl --quiet start 101 --wait
	sleep 10
	vzctl clone 101 102 --hostname copy --ipadd 192.0.2.102
	[ "$(vzctl exec2 102 'systemctl is-system-running')" = running ]
	[ "$(vzctl exec2 102 hostname)" = copy ]
	[ "$(vzctl exec2 101 hostname)" = debian ]
	vzctl exec2 102 'systemd-run --quiet --wait true; systemctl restart systemd-journald'
	vzctl exec2 101 'systemd-run --quiet --wait true'
	pings lan 192.0.2.102
	vzctl --quiet stop 102
	vzctl --quiet start 102 --wait
	[ "$(vzctl exec2 102 'systemctl is-system-running')" = running ]
}
