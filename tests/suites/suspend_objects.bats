#!/usr/bin/env bats
# Objects of the kernel of all kinds, and connections, over a suspend. tests/objects holds and checks them.
load suspend

OBJECTS=/usr/lib/openve/tests/objects

setup_file() {
	ip addr replace 198.51.100.1/32 dev lo
	ip addr replace 2001:db8:ffff::1/128 dev lo
}

teardown_file() {
	ip addr del 198.51.100.1/32 dev lo
	ip addr del 2001:db8:ffff::1/128 dev lo
}

# A VE whose init starts the program: what somebody entered would not be its own.
with_objects() {
	vzctl --quiet create 101 --ostemplate busybox --config light --numproc 1000 --ram 512M --ipadd 10.7.0.1 --ipadd fd07::1
	vzctl --quiet mount 101
	install -m 755 "$OBJECTS" /var/lib/vz/root/101/objects
	printf '%s\n' "$@" >>/var/lib/vz/root/101/etc/inittab
	vzctl --quiet umount 101
	vzctl --quiet start 101
}

checked() {
	run vzctl exec2 101 '/objects check /held'
	fails grep '^not ok' <<<"$output"
	[ "$(grep -c '^ok' <<<"$output")" -gt 80 ]
}

# CRIU 4.1 loses the period of a timerfd.
@test "kernel objects of all kinds come back, three times" {
	with_objects '::once:/objects hold /held -timerfd-periodic'
	await 60 vzctl exec2 101 'test -e /held/all.ready'
	checked
	for _ in 1 2 3; do
		vzctl --quiet suspend 101
		vzctl --quiet resume 101
		checked
	done
}

@test "connections over both families go on, also after some seconds" {
	with_objects '::once:/objects echo-server 0.0.0.0 7' '::once:/objects echo-server :: 8'
	sleep 2
	"$OBJECTS" echo-client 10.7.0.1 7 200 100 >"$BATS_TEST_TMPDIR/four" 2>&1 3>&- &
	local four=$!
	"$OBJECTS" echo-client fd07::1 8 200 100 >"$BATS_TEST_TMPDIR/six" 2>&1 3>&- &
	local six=$!
	sleep 3
	vzctl --quiet suspend 101
	sleep 5
	vzctl --quiet resume 101
	wait $four || { cat "$BATS_TEST_TMPDIR/four"; false; }
	wait $six || { cat "$BATS_TEST_TMPDIR/six"; false; }
}
