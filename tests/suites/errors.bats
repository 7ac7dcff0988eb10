#!/usr/bin/env bats
# Bad input: the reason and the remedy, vzctl's exit code, and nothing changed.
load common

# refused CODE TEXT COMMAND…: it ends with the code, says the text on stderr, and leaves the node as it was.
refused() {
	local code=$1 text=$2
	shift 2
	node_state >"$BATS_TEST_TMPDIR/before"
	run --separate-stderr "$@"
	echo "$* -> $status: $stderr"
	[ "$status" -eq "$code" ]
	[[ "$stderr" == *"$text"* ]]
	node_state >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

@test "a VE that does not exist" {
	refused 14 'Container config file does not exist' vzctl start 999
	refused 14 'Container config file does not exist' vzctl destroy 999
	refused 21 'Bad CT ID nobody' vzctl start nobody
	refused 21 'Bad CT ID' vzctl start 99999999999
	refused 21 'CT ID missing' vzctl start
}

@test "a running VE where a stopped one is needed, and the other way round" {
	ve 101 started
	refused 32 'Container is already running' vzctl start 101
	refused 32 'Container is currently running. Stop it first.' vzctl destroy 101
	refused 32 '--private cannot be changed while the container is running' vzctl set 101 --private /elsewhere --save
	ve 102
	refused 31 'Container is not running' vzctl exec 102 true
	refused 40 'Container is not mounted' vzctl umount 102
	vzctl --quiet mount 102
	refused 41 'Container is currently mounted' vzctl destroy 102
}

@test "stop of a VE that does not run is told and no failure, as with vzctl" {
	ve 101
	run --separate-stderr vzctl stop 101
	[ "$stderr" = "Unable to stop: container is not running" ]
}

@test "a locked VE names who holds it" {
	ve 101
	flock /run/vz/lock/101.lck sleep 5 &
	sleep 1
	refused 9 'Container already locked' vzctl start 101
	wait
}

@test "a name in use" {
	ve 101 '' --name taken
	refused 131 '"taken" is in use by CT 101' vzctl create 102 --ostemplate busybox --name taken
	refused 131 '' vzctl create 102 --ostemplate busybox --name 103
	ve 102
	refused 131 '"taken" is in use' vzctl set 102 --name taken --save
}

@test "a CTID in use" {
	ve 101
	refused 82 'CT 101 exists already' vzctl create 101 --ostemplate busybox
	mkdir /var/lib/vz/private/102
	refused 44 'Private area already exists in /var/lib/vz/private/102' vzctl create 102 --ostemplate busybox
	rmdir /var/lib/vz/private/102
}

@test "a template that is missing or damaged" {
	refused 91 'no-such-template' vzctl create 101 --ostemplate no-such-template
	head -c 5000 /var/lib/vz/template/cache/busybox.tar.* >"$BATS_TEST_TMPDIR/cut.tar.zst"
	refused 48 'cut or damaged' vzctl template import "$BATS_TEST_TMPDIR/cut.tar.zst"
	refused 82 'no-such-sample' vzctl create 101 --ostemplate busybox --config no-such-sample
}

@test "a limit that is no number" {
	refused 21 '--ram' vzctl create 101 --ostemplate busybox --ram lots
	ve 101
	refused 21 '--numproc' vzctl set 101 --numproc -3 --save
	refused 21 '--cpuunits' vzctl set 101 --cpuunits 9999999 --save
	refused 21 '--diskspace' vzctl set 101 --diskspace 99999999999T --save
}

@test "options that are not known, or not built yet" {
	ve 101
	refused 21 'not supported yet' vzctl set 101 --iolimit 10 --save
	refused 21 'nonsense' vzctl set 101 --nonsense 1 --save
	run --separate-stderr vzctl console 101
	[ "$status" -ne 0 ]
	[[ "$stderr" == *"not supported yet"* ]]
	run --separate-stderr vzctl foo
	[ "$status" -eq 20 ]
	[ "$stderr" = "Bad command: foo" ]
}

@test "no disk space" {
	fallocate -l "$(df --output=avail -B1 /var/lib/vz | tail -n 1)" /var/lib/vz/filler || true
	dd if=/dev/zero of=/var/lib/vz/filler2 bs=64k 2>/dev/null || true
	run --separate-stderr vzctl create 101 --ostemplate debian-13-x86_64 --layout private
	rm -f /var/lib/vz/filler /var/lib/vz/filler2
	echo "$status: $stderr"
	[ "$status" -eq 46 ]
	[[ "$stderr" == *"No space left on device"* ]]
	[ "$(vzctl status 101)" = "CTID 101 deleted unmounted down" ]
	[ ! -e /var/lib/vz/private/101 ]
	[ ! -e /var/lib/vz/private/.new-101 ]
}

@test "a configuration that is damaged stops its VE only" {
	ve 101
	ve 102
	echo 'PHYSPAGES="0:lots"' >>/etc/vz/conf/101.conf
	refused 85 'PHYSPAGES' vzctl start 101
	vzctl --quiet start 102
	sed -i '$d' /etc/vz/conf/101.conf
}

@test "a private area or a root that is any directory of the node" {
	for path in /etc /. /var/lib/vz/private /var/lib/vz/private/102 /var/lib/vz/private/.hidden /var/lib/vz/private/../101; do
		run --separate-stderr vzctl create 101 --private "$path"
		echo "$path -> $status: $stderr"
		[ "$status" -ne 0 ]
		run --separate-stderr vzctl create 101 --ostemplate busybox --root "$path"
		[ "$status" -ne 0 ]
		[ "$(vzctl status 101)" = "CTID 101 deleted unmounted down" ]
	done
	ve 101
	sed -i 's|^VE_ROOT=.*|VE_ROOT="/etc"|' /etc/vz/conf/101.conf
	refused 85 'VE_ROOT="/etc" is not allowed' vzctl start 101
	sed -i 's|^VE_ROOT=.*|VE_ROOT="/var/lib/vz/root/$VEID"|; s|^VE_PRIVATE=.*|VE_PRIVATE="/etc"|' /etc/vz/conf/101.conf
	refused 85 'VE_PRIVATE="/etc" is not allowed' vzctl destroy 101
	sed -i 's|^VE_PRIVATE=.*|VE_PRIVATE="/var/lib/vz/private/$VEID"|' /etc/vz/conf/101.conf
}

@test "an id range that is another VE's" {
	ve 101
	ve 102
	sed -i "s/^LOCAL_UID=.*/$(grep ^LOCAL_UID /etc/vz/conf/101.conf)/" /etc/vz/conf/102.conf
	refused 85 'not the id range of CTID 102' vzctl start 102
	sed -i "s/^LOCAL_UID=.*/LOCAL_UID=\"$(sed -n 's/^102:\([0-9]*\):.*/\1/p' /etc/vz/idmap)\"/" /etc/vz/conf/102.conf
}

@test "a private area that is gone, and one without an init" {
	ve 101
	mv /var/lib/vz/private/101 /var/lib/vz/private/away
	refused 43 'private area /var/lib/vz/private/101 does not exist' vzctl start 101
	mv /var/lib/vz/private/away /var/lib/vz/private/101
	vzctl --quiet mount 101
	rm /var/lib/vz/root/101/sbin/init
	vzctl --quiet umount 101
	refused 47 'there is no init' vzctl start 101
}

@test "LXCFS that does not answer" {
	ve 101
	mount --bind /tmp /var/lib/lxcfs
	refused 50 'LXCFS' vzctl start 101
	umount /var/lib/lxcfs
	vzctl --quiet start 101
}

@test "vzd that does not run" {
	ve 101
	vzd_kill
	run --separate-stderr vzctl start 101
	[ "$status" -eq 5 ]
	[[ "$stderr" == *"/run/vz/io.openve"* ]]
	[[ "$stderr" == *"systemctl start vzd"* ]]
	vzd_start
}

@test "a caller without the right" {
	ve 101
	chmod 755 /run/vz
	chmod 666 /run/vz/io.openve
	run --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups \
		varlinkctl call /run/vz/io.openve io.openve.Start '{"ve":"101"}'
	chmod 660 /run/vz/io.openve
	chmod 750 /run/vz
	[ "$status" -ne 0 ]
	[[ "$stderr" == *"Permission"* ]]
	is 101 stopped
}
