#!/usr/bin/env bats
# Copies of what a VE was at a snapshot.
load clone

A=11111111-1111-4111-8111-111111111111
B=22222222-2222-4222-8222-222222222222

@test "a snapshot of a VE goes on in clones, and the VE does not notice" {
	for layout in overlay private; do
		ve 101 '' --layout $layout --ipadd 192.0.2.101 --hostname first --cpuunits 1000
		busy 101
		vzctl --quiet snapshot 101 --id $A
		vzctl exec2 101 'echo now >/www/index.html; kill $(pidof httpd)'
		vzctl --quiet set 101 --cpuunits 2000 --save
		state >"$BATS_TEST_TMPDIR/before"
		run vzctl clone 101 201 202 --snapshot $A --ipadd 192.0.2.201 --hostname second
		echo "$output"
		[ "$status" -eq 0 ]
		[[ "$output" != *'stood still'* ]]
		for ctid in 201 202; do
			is $ctid running
			[ "$(hears lan 192.0.2.$ctid 80)" = hello ]
			counts_on $ctid
			[ "$(vzctl exec2 $ctid 'hostname; cat /etc/hostname')" = "second
second" ]
			grep -qx 'CPUUNITS="1000"' /etc/vz/conf/$ctid.conf
		done
		counts_on 101
		[ "$(vzctl exec2 101 'hostname; cat /www/index.html; pidof httpd')" = "first
now" ]
		no_leftovers
		for ctid in 201 202; do
			vzctl --quiet stop $ctid --fast
			vzctl --quiet destroy $ctid
		done
		rm -f /etc/vz/conf/*.destroyed
		unchanged
		# It is as good as it was.
		vzctl --quiet snapshot-switch 101 --id $A --must-resume
		[ "$(hears lan 192.0.2.101 80)" = hello ]
		sweep
	done
}

@test "a snapshot is cloned whatever its VE does now, and outlives it in the clone" {
	ve 101 '' --ipadd 192.0.2.101
	busy 101
	vzctl --quiet snapshot 101 --id $A
	vzctl --quiet suspend 101
	vzctl --quiet clone 101 201 --snapshot "{$A}"
	is 101 suspended
	counts_on 201
	vzctl --quiet resume 101
	counts_on 101
	vzctl --quiet stop 101 --fast
	vzctl --quiet mount 101
	vzctl --quiet clone 101 202 --snapshot $A
	counts_on 202
	vzctl --quiet umount 101
	# Nothing of its own is looked at.
	mv /var/lib/vz/private/101 /var/lib/vz/private/away
	vzctl --quiet clone 101 203 --snapshot $A
	mv /var/lib/vz/private/away /var/lib/vz/private/101
	counts_on 203
	vzctl --quiet snapshot-delete 101 --id $A
	vzctl --quiet destroy 101
	vzctl --quiet suspend 203
	vzctl --quiet resume 203
	counts_on 203
}

@test "of a snapshot without processes, and with --cold, the clone is stopped" {
	ve 101
	busy 101
	vzctl --quiet snapshot 101 --id $A
	vzctl --quiet snapshot 101 --id $B --skip-suspend
	vzctl exec2 101 'echo now >/www/index.html; echo 0123456789abcdef0123456789abcdef >/etc/machine-id'
	vzctl --quiet clone 101 201 --snapshot $A --cold
	vzctl --quiet clone 101 202 --snapshot $B --features tun:on
	[ "$(vzctl --quiet clone 101 --snapshot $B --count 2)" = "102
103" ]
	for ctid in 201 202 102; do
		is $ctid stopped
		vzctl --quiet start $ctid
		[ "$(vzctl exec2 $ctid 'pidof httpd; cat /www/index.html')" = hello ]
	done
	counts_on 101
}

@test "the clone of a snapshot has its configuration, or that of now if it holds none" {
	ve 101 '' --ipadd 192.0.2.101 --name one --hostname first --ram 96M --description then
	echo 'UNKNOWN="then"' >>/etc/vz/conf/101.conf
	vzctl --quiet snapshot 101 --id $A
	vzctl --quiet snapshot 101 --id $B --skip-config
	sed -i '/^UNKNOWN/d' /etc/vz/conf/101.conf
	vzctl --quiet set 101 --description now --ram 64M --save
	vzctl --quiet clone 101 201 --snapshot $A
	vzctl --quiet clone 101 202 --snapshot $B
	vzctl --quiet clone 101 203 --snapshot $A --description mine
	grep -qx 'UNKNOWN="then"' /etc/vz/conf/201.conf
	grep -qx 'DESCRIPTION="then"' /etc/vz/conf/201.conf
	grep -qx 'DESCRIPTION="now"' /etc/vz/conf/202.conf
	grep -qx 'DESCRIPTION="mine"' /etc/vz/conf/203.conf
	[ "$(grep PHYSPAGES /etc/vz/conf/202.conf)" = "$(grep PHYSPAGES /etc/vz/conf/101.conf)" ]
	[ "$(grep PHYSPAGES /etc/vz/conf/201.conf)" != "$(grep PHYSPAGES /etc/vz/conf/101.conf)" ]
	fails grep -E '^(IP_ADDRESS|NAME|HOSTNAME)=' /etc/vz/conf/20[123].conf
}

@test "a snapshot that cannot be cloned is refused, and nothing is left" {
	ve 101 started --layout private
	ve 102
	vzctl --quiet snapshot 101 --id $A
	vzctl --quiet snapshot 101 --id $B --skip-suspend --skip-config
	state >"$BATS_TEST_TMPDIR/before"
	refused 21 'nothing is not a UUID' vzctl clone 101 201 --snapshot nothing
	refused 21 ' is not a UUID' vzctl clone 101 201 --snapshot ''
	refused 159 "the container has no snapshot {33333333-" vzctl clone 101 201 --snapshot 33333333-3333-4333-8333-333333333333
	refused 159 "the container has no snapshot {$A}" vzctl clone 102 201 --snapshot $A
	refused 21 'is for a start' vzctl clone 101 201 --snapshot $A --features tun:on
	refused 82 'CT 102 exists already' vzctl clone 101 102 --snapshot $A
	unchanged
	sed -i.then '/^VE_LAYOUT/s/private/overlay/' /etc/vz/conf/101.conf
	refused 159 'VE_LAYOUT "private", not "overlay"' vzctl clone 101 201 --snapshot $B
	mv /etc/vz/conf/101.conf.then /etc/vz/conf/101.conf
	mv /var/lib/vz/snapshot/101/$B /var/lib/vz/snapshot/101/$B.fs "$BATS_TEST_TMPDIR"
	mkdir /var/lib/vz/snapshot/102
	mv "$BATS_TEST_TMPDIR"/$B* /var/lib/vz/snapshot/102
	refused 159 'CTID "101", not "102"' vzctl clone 102 201 --snapshot $B
	mv /var/lib/vz/snapshot/102/$B* /var/lib/vz/snapshot/101
	rmdir /var/lib/vz/snapshot/102
	unchanged
	echo x >>/var/lib/vz/snapshot/101/$A/files/inventory.img
	state >"$BATS_TEST_TMPDIR/before"
	refused 159 inventory.img vzctl clone 101 201 --snapshot $A
	refused 159 inventory.img vzctl clone 101 201 --snapshot $A --cold
	unchanged
	is 101 running
}

@test "the clone of a snapshot fails at each step, and nothing is left" {
	ve 101
	busy 101
	vzctl --quiet snapshot 101 --id $A
	state >"$BATS_TEST_TMPDIR/before"
	for step in ids private replica config publish name wake restore links; do
		echo "clone $step fail" >"$FAULTS"
		run vzctl clone 101 201 202 --snapshot $A
		rm -f "$FAULTS"
		echo "$step -> $status: $output"
		[ "$status" -ne 0 ]
		[[ "$output" == *"$step: injected fault"* ]]
		unchanged
	done
	counts_on 101
	vzctl --quiet clone 101 201 --snapshot $A
	counts_on 201
}

@test "the worker of clone dies at each step, and leaves a whole clone of the snapshot or none" {
	ve 101
	busy 101
	vzctl --quiet snapshot 101 --id $A
	dies_at --snapshot $A -- ids private replica config publish name restore
}
