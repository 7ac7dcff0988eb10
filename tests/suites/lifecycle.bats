#!/usr/bin/env bats
# A VE comes and goes.
load common

@test "create, start, exec, stop, destroy" {
	run --separate-stderr vzctl create 101 --ostemplate busybox --hostname first
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "Creating container private area (busybox)" ]
	[[ "$output" == *"CT configuration saved to /etc/vz/conf/101.conf"* ]]
	[[ "$output" == *"Container private area was created"* ]]
	run --separate-stderr vzctl start 101
	[ "$status" -eq 0 ]
	[ "$output" = "Starting container...
Container is mounted
Container start in progress..." ]
	[ "$stderr" = "" ]
	[ "$(vzctl exec 101 hostname)" = first ]
	[ "$(vzctl status 101)" = "CTID 101 exist mounted running" ]
	run vzctl stop 101
	[ "$output" = "Stopping container ...
Container is unmounted
Container was stopped" ]
	[ "$(vzctl status 101)" = "CTID 101 exist unmounted down" ]
	run vzctl destroy 101
	[ "$output" = "Destroying container private area: /var/lib/vz/private/101
Container private area was destroyed" ]
	[ "$(vzctl status 101)" = "CTID 101 deleted unmounted down" ]
}

@test "a whole life leaves the node as it was" {
	node_state >"$BATS_TEST_TMPDIR/before"
	ve 101 started --name traces
	vzctl exec 101 'dd if=/dev/zero of=/file bs=1M count=5' 2>/dev/null
	vzctl --quiet stop 101
	vzctl --quiet destroy 101
	node_state >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

@test "create takes the next free CTID from 101 for a name" {
	ve 101
	run vzctl create web --ostemplate busybox
	[ "$status" -eq 0 ]
	[ "$(vzlist -a -H -o name 102)" = web ]
	[ "$(vzctl status web)" = "CTID 102 exist unmounted down" ]
	[ "$(readlink /etc/vz/names/web)" = /etc/vz/conf/102.conf ]
}

@test "both layouts keep their files over a restart" {
	ve 101 started --layout overlay
	ve 102 started --layout private
	for ctid in 101 102; do
		vzctl exec $ctid 'echo kept >/kept; echo changed >>/etc/passwd'
		vzctl --quiet restart $ctid
		[ "$(vzctl exec $ctid cat /kept)" = kept ]
		[ "$(vzctl exec $ctid tail -n 1 /etc/passwd)" = changed ]
	done
	[ "$(stat -c %u /var/lib/vz/private/101/fs/kept)" = 0 ]
	[ "$(stat -c %u /var/lib/vz/private/102/kept)" = 0 ]
}

@test "a private area that is there already becomes a VE" {
	mkdir /var/lib/vz/private/brought
	tar -xf /var/lib/vz/template/cache/busybox.tar.* -C /var/lib/vz/private/brought
	run vzctl create 101 --private /var/lib/vz/private/brought --config light
	[ "$status" -eq 0 ]
	vzctl --quiet start 101
	vzctl exec 101 'echo in >/mine'
	[ "$(cat /var/lib/vz/private/brought/mine)" = in ]
	run vzctl exec2 101 'dd if=/dev/zero of=/big bs=1M count=600'
	[ "$status" -ne 0 ]
	vzctl --quiet stop 101
	vzctl --quiet destroy 101
	[ ! -e /var/lib/vz/private/brought ]
}

@test "stop waits for the VE's own shutdown" {
	ve 101 started
	vzctl exec 101 'printf "::shutdown:/bin/touch /went-down-well\n" >>/etc/inittab; kill -HUP 1'
	sleep 2
	vzctl --quiet stop 101
	vzctl --quiet mount 101
	[ -e /var/lib/vz/root/101/went-down-well ]
}

@test "a VE that does not want to stop is killed after its time" {
	ve 101 '' --stop-timeout 3
	vzctl --quiet mount 101
	printf '#!/bin/sh\ntrap "" USR1 USR2 TERM INT HUP\nwhile :; do sleep 1; done\n' >/var/lib/vz/root/101/stubborn
	chmod 755 /var/lib/vz/root/101/stubborn
	ln -sf ../stubborn /var/lib/vz/root/101/sbin/init
	vzctl --quiet umount 101
	vzctl --quiet start 101
	run vzctl stop 101
	[ "$status" -eq 0 ]
	[[ "$output" == *"Killing container ..."* ]]
	is 101 stopped
}

@test "stop --fast does not ask" {
	ve 101 started
	run vzctl stop 101 --fast
	[ "$status" -eq 0 ]
	[[ "$output" == *"Killing container ..."* ]]
}

@test "mount shows the files, umount takes them away" {
	ve 101
	run vzctl mount 101
	[ "$output" = "Container is mounted" ]
	[ -x /var/lib/vz/root/101/bin/busybox ]
	[ "$(vzctl status 101)" = "CTID 101 exist mounted down" ]
	is 101 mounted
	findmnt -n -o OPTIONS /var/lib/vz/root/101 | grep -q nosuid
	run vzctl umount 101
	[ "$output" = "Container is unmounted" ]
	[ ! -e /var/lib/vz/root/101/bin ]
}

@test "a mounted VE starts" {
	ve 101
	vzctl --quiet mount 101
	vzctl --quiet start 101
	[ "$(vzctl exec 101 echo up)" = up ]
}

@test "halt inside stops the VE" {
	ve 101 started
	vzctl exec 101 poweroff
	await 20 is 101 stopped
	[ "$(vzctl status 101)" = "CTID 101 exist unmounted down" ]
}

@test "reboot inside starts it again" {
	ve 101 started
	vzctl exec 101 'touch /run/before'
	vzctl exec 101 reboot
	rebooted() { vzctl exec2 101 '! test -e /run/before' 2>/dev/null; }
	await 20 rebooted
	is 101 running
}

@test "a disabled VE starts by force only" {
	ve 101 '' --disabled yes
	run vzctl start 101
	[ "$status" -eq 105 ]
	[[ "$output" == *"Container start disabled"* ]]
	run vzctl start 101 --force
	[ "$status" -eq 0 ]
}

@test "a configuration without an id range gets one at its first start" {
	ve 101
	sed -i '/^LOCAL_UID/d' /etc/vz/conf/101.conf
	sed -i '/^101:/d' /etc/vz/idmap
	vzctl --quiet start 101
	grep -q "^101:$(sed -n 's/^LOCAL_UID="\(.*\)"/\1/p' /etc/vz/conf/101.conf):65536\$" /etc/vz/idmap
}
