#!/usr/bin/env bats
# VEs that move from node1 to node2 and back: stopped, suspended and running; and that whatever goes wrong, just one node has
# them.
load common

setup() {
	bats_require_minimum_version 1.5.0
	FAULTS=/run/faults
}

there() {
	ssh node2 "$@"
}

# Both nodes as they were.
teardown() {
	vzd_up || vzd_start
	rm -f /etc/vz/conf/*.migrated /etc/vz/conf/*.handed
	sweep
	there 'rm -f /run/faults; varlinkctl call /run/vz/io.openve io.openve.TemplateList "{}" >/dev/null 2>&1 || (setsid vzd >>/var/log/vzd.log 2>&1 </dev/null &) ; sleep 1
		rm -f /etc/vz/conf/*.migrated /etc/vz/conf/*.handed
		for ctid in $(vzlist -a -H -o ctid); do
			vzctl --quiet stop $ctid --fast; vzctl --quiet destroy $ctid
		done; rm -f /etc/vz/conf/*.destroyed'
	there vzctl template info busybox >/dev/null 2>&1 ||
		there 'cat >/tmp/busybox.tar.zst && vzctl --quiet template import /tmp/busybox.tar.zst' </var/lib/vz/template/cache/busybox.tar.zst
}

# What node $1 says of CT $2: its status, or nothing.
status_on() {
	if [[ $1 == node1 ]]; then
		vzlist -a -H -o status "$2" 2>/dev/null || true
	else
		there vzlist -a -H -o status "$2" 2>/dev/null || true
	fi
}

# CT $1 is on node2 alone, in that status, and node1 has nothing of it.
moved() {
	[ "$(status_on node2 "$1")" = "$2" ]
	[ -z "$(status_on node1 "$1")" ]
	[ ! -e /var/lib/vz/private/"$1" ]
	[ ! -e /var/lib/vz/dump/"$1" ]
	fails grep "^$1:" /etc/vz/idmap
	[ -z "$(find /etc/vz /var/lib/vz/private /var/lib/vz/dump -maxdepth 2 -name "*$1*" -not -name '*.migrated' -not -name '*.destroyed')" ]
}

# CT $1 is on node1 alone, in that status, and node2 has nothing of it.
stayed() {
	[ "$(status_on node1 "$1")" = "$2" ]
	[ ! -e /etc/vz/conf/"$1".handed ]
	await 20 there "! grep -q '^$1:' /etc/vz/idmap"
	[ -z "$(there "find /etc/vz /run/vz/ve /var/lib/vz/private /var/lib/vz/dump -maxdepth 2 -name '*$1*' -not -name '*.destroyed' -not -name '*.migrated'")" ]
}

# A program that counts, in CT $1.
count_in() {
	vzctl exec "$1" 'setsid sh -c "n=0; while :; do n=\$((n + 1)); echo \$n >/run/n; sleep 0.1; done" </dev/null >/dev/null 2>&1 &'
	await 10 vzctl exec "$1" 'test -s /run/n'
}

counted() {
	"${@:2}" vzctl exec "$1" cat /run/n
}

# Files of all kinds in CT $1, which runs.
fill() {
	vzctl exec "$1" 'mkdir -p /srv/d && cd /srv/d && echo text >file && ln file link && ln -s file symbolic && chown 33:44 file &&
		chmod 4755 file && mkfifo pipe && dd if=/dev/zero of=sparse bs=1M seek=20 count=0 && rm -rf /etc/motd && echo changed >>/etc/passwd'
}

print_files='cd /srv/d && cat link && stat -c "%n %F %u:%g %a %h %s" file link symbolic pipe sparse && tail -n 1 /etc/passwd && ls /etc /usr/bin | sort | md5sum'

@test "a stopped VE moves with its files, its configuration and its limits" {
	local layout ctid=401 before
	for layout in overlay private; do
		ve $ctid started --layout $layout --hostname mover --name "$layout" --diskspace 300M --ipadd 10.90.0.$((ctid - 300))
		fill $ctid
		before=$(vzctl exec $ctid "$print_files")
		echo '# a comment' >>/etc/vz/conf/$ctid.conf
		vzctl --quiet stop $ctid
		vzmigrate node2 "$layout"
		moved $ctid stopped
		there "grep -qx '# a comment' /etc/vz/conf/$ctid.conf"
		there vzctl --quiet start "$layout"
		[ "$(there vzctl exec $ctid hostname)" = mover ]
		[ "$(there vzctl exec $ctid "'$print_files'")" = "$before" ]
		[ "$(there vzlist -H -o diskspace.h $ctid | tr -d " ")" = 307200 ]
		there "! vzctl exec $ctid dd if=/dev/zero of=/srv/big bs=1M count=400"
		there ping -c 1 -W 5 10.90.0.$((ctid - 300))
		ctid=$((ctid + 1))
	done
}

@test "a VE that runs is stopped, moved and started there" {
	ve 403 started
	vzmigrate node2 403
	moved 403 running
}

@test "a suspended VE moves with its image, and goes on there" {
	ve 404 started
	count_in 404
	vzctl --quiet suspend 404
	vzmigrate node2 404
	moved 404 suspended
	there vzctl --quiet resume 404
	local n
	n=$(counted 404 there)
	[ "$n" -gt 0 ]
	sleep 1
	[ "$(counted 404 there)" -gt "$n" ]
}

@test "a running VE moves live, and counts on" {
	ve 405 started --ipadd 10.90.0.5 --ipadd fd00:90::5
	fill 405
	count_in 405
	local n files
	files=$(vzctl exec 405 "$print_files")
	n=$(counted 405)
	vzmigrate --live --times -v node2 405
	moved 405 running
	[ "$(counted 405 there)" -gt "$n" ]
	[ "$(there vzctl exec 405 "'$print_files'")" = "$files" ]
	there ping -c 1 -W 5 10.90.0.5
	there "ip addr add 2001:db8:ffff::2/128 dev lo; ping -c 1 -W 5 fd00:90::5"
}

@test "a running VE with systemd moves live, and its services go on" {
	vzctl --quiet create 406 --ostemplate debian-13-x86_64 --ipadd 10.90.0.6
	vzctl --quiet start 406 --wait
	vzctl exec 406 'systemd-run --unit counter sh -c "n=0; while :; do n=\$((n + 1)); echo \$n >/run/n; sleep 0.1; done"'
	await 20 vzctl exec 406 'test -s /run/n'
	local n
	n=$(counted 406)
	vzmigrate --online --times node2 406
	moved 406 running
	[ "$(counted 406 there)" -gt "$n" ]
	there vzctl exec 406 systemctl is-active counter
	there vzctl exec 406 systemctl restart systemd-journald
	there ping -c 1 -W 5 10.90.0.6
}

# Memory of many kinds, and a process that writes to much of it.
with_memory() {
	ve "$1" started --ram 512M
	vzctl exec2 "$1" 'cat >/dirty; chmod 755 /dirty' </usr/lib/openve/tests/dirty
	vzctl exec2 "$1" 'cat >/objects; chmod 755 /objects' </usr/lib/openve/tests/objects
	vzctl exec2 "$1" 'setsid /dirty 66 1 </dev/null >/ready 2>&1 & setsid /objects hold /held heap protected growing map-anonymous map-private map-shared map-nameless sysv-shm </dev/null >/dev/null 2>&1 &'
	await 60 vzctl exec2 "$1" 'test -s /ready && test -e /held/all.ready'
	vzctl exec2 "$1" '/objects check /held' >"$BATS_TEST_TMPDIR/held"
	[ "$(grep -c ^ok "$BATS_TEST_TMPDIR/held")" -eq 8 ]
}

@test "much memory is copied in rounds while it is written to, and is all there" {
	with_memory 410
	count_in 410
	# It does no harm when the one who copies it is killed.
	vzmigrate --live node2 410 3>&- &
	await 60 test -e /var/lib/vz/dump/.new-410/files/pre-1
	await 10 pkill -9 -x criu
	fails wait $!
	stayed 410 running
	[ "$(cat /sys/fs/cgroup/openve/ve-410/cgroup.freeze)" = 0 ]
	local n
	n=$(counted 410)
	await 10 eval '[ $(counted 410) -gt $n ]'

	run -0 vzmigrate --live -v node2 410
	echo "$output"
	[ "$(grep -c '^Copy memory: ' <<<"$output")" -ge 2 ]
	moved 410 running
	there vzctl exec2 410 '"/objects check /held"' | diff "$BATS_TEST_TMPDIR/held" -
	[ "$(counted 410 there)" -gt "$n" ]

	# From there, all at once.
	run -0 there vzmigrate --live --noiter -v node1 410
	echo "$output"
	fails grep '^Copy memory: ' <<<"$output"
	[ "$(status_on node1 410)" = running ]
	vzctl exec2 410 '/objects check /held' | diff "$BATS_TEST_TMPDIR/held" -
}

# node2 has no template, and nothing that was to become one.
no_template_there() {
	await 10 there '! vzctl template info busybox 2>/dev/null && [ -z "$(find /var/lib/vz/template/cache /var/lib/vz/template/layers -mindepth 1 -maxdepth 1 \( -name "*busybox*" -o -name ".*" \))" ]'
}

@test "a template that is missing there comes along" {
	local archive step
	vzd_there
	ve 407 started
	archive=$(echo /var/lib/vz/template/layers/"$(sed -n 's/^VE_LAYER="\(.*\)"/\1/p' /etc/vz/conf/407.conf)"/archive.tar.*)
	there vzctl --quiet template delete busybox
	run -0 vzmigrate --check-only node2 407
	[[ "$output" == *"The template busybox ("*" MiB) would be copied"* ]]

	cp "$archive" "$BATS_TEST_TMPDIR/whole"
	echo more >>"$archive"
	run -6 vzmigrate node2 407
	[[ "$output" == *"archive of template busybox is damaged"* ]]
	cp "$BATS_TEST_TMPDIR/whole" "$archive"
	stayed 407 running
	no_template_there

	for step in 'reserve fail' 'layer fail' 'reserve die'; do
		fault_there "$step"
		run -7 vzmigrate node2 407
		there rm -f /run/faults
		stayed 407 running
		case $step in
			layer*) there vzctl --quiet template delete busybox ;; # it is whole
			*fail) no_template_there ;;
		esac
	done
	KIB_PER_SECOND=50 cut_at_copy 407 pkill -9 -f 'ssh.*vzmigrate --receive'
	no_template_there

	run -0 vzmigrate --times node2 407
	[[ "$output" == *"Copying template busybox ("*" MiB)"*"Copy template: "* ]]
	moved 407 running
	there vzctl exec 407 true
	[ "$(there vzlist -H -o ostemplate 407)" = busybox ]
	there vzctl --quiet create 408 --ostemplate busybox --config light
	there vzctl --quiet destroy 408
	there '! vzctl template delete busybox'
	there "vzctl --quiet stop 407 --fast && vzctl --quiet destroy 407 && vzctl template delete busybox"
	no_template_there
}

@test "a name that is another template's there stays with that one" {
	local other
	ve 409
	there 'zstd -dc /var/lib/vz/template/cache/busybox.tar.zst | gzip >/tmp/busybox.tar.gz; vzctl --quiet template delete busybox; vzctl --quiet template import /tmp/busybox.tar.gz'
	other=$(there cat /var/lib/vz/template/busybox.conf)
	vzmigrate node2 409
	moved 409 stopped
	there vzctl --quiet start 409
	[ "$(there cat /var/lib/vz/template/busybox.conf)" = "$other" ]
	there 'vzctl --quiet stop 409 --fast && vzctl --quiet destroy 409 && vzctl template delete busybox'
}

# CT $1 is on node2 alone, as CT $2 there, in that status.
moved_as() {
	[ "$(status_on node2 "$2")" = "$3" ]
	[ -z "$(status_on node1 "$1")" ]
	[ ! -e /var/lib/vz/private/"$1" ]
	fails grep "^$1:" /etc/vz/idmap
	[ -z "$(find /etc/vz /var/lib/vz/private /var/lib/vz/dump -maxdepth 2 -name "*$1*" -not -name '*.migrated' -not -name '*.destroyed')" ]
}

@test "a VE gets another CTID there, beside one that has its own" {
	local mac bad
	there vzctl --quiet create 413 --ostemplate busybox --config light --netif_add eth0
	ve 413 started --name renamed --netif_add eth0,,mine --netif_add eth1
	for bad in 0 x 2147483645 -5 ''; do
		run -1 vzmigrate --new-id "$bad" node2 413
		[[ "$output" == *"--new-id takes a CTID"* ]]
	done
	run -1 vzmigrate --new-id 513 node2 413 414
	[[ "$output" == *"for one container"* ]]
	run -9 vzmigrate --new-id 413 node2 413
	run -9 vzmigrate node2 413
	[ "$(status_on node1 413)" = running ]

	mac=$(vzctl exec 413 cat /sys/class/net/eth1/address)
	vzmigrate --new-id 513 node2 renamed
	moved_as 413 513 running
	[ "$(there vzctl exec renamed cat /sys/class/net/eth1/address)" = "$mac" ]
	there '[ -e /sys/class/net/mine ] && [ -e /sys/class/net/veth513.0 ] && grep -q "^513:" /etc/vz/idmap && vzctl --quiet start 413'
	there vzctl --quiet stop 513 --fast
}

@test "a running and a suspended VE go on under another CTID, with their connections" {
	local n
	there vzctl --quiet create 414 --ostemplate busybox --config light
	vzd_there
	ve 414 started --ipadd 10.90.0.14 --netif_add eth0
	vzctl exec 414 '(tail -f /dev/null | nc -l -p 7000 >/run/n) </dev/null >/dev/null 2>&1 &
		sleep 1; setsid sh -c "n=0; while echo \$((n += 1)); do sleep 0.1; done | nc 10.90.0.14 7000" </dev/null >/dev/null 2>&1 &'
	await 20 vzctl exec 414 'test -s /run/n'
	n=$(vzctl exec 414 tail -n 1 /run/n)
	fault_there 'go die'
	run vzmigrate --live --new-id 514 node2 414
	there rm -f /run/faults
	[ "$status" -ne 0 ]
	[[ "$output" == *'repeat vzmigrate --new-id 514 node2 414'* ]]
	[ "$(status_on node1 414)" = suspended ]
	run -8 vzmigrate --live node2 414
	[[ "$output" == *'repeat vzmigrate --new-id 514 node2 414'* ]]
	run -8 vzmigrate --new-id 515 --live node2 414
	vzmigrate --live --new-id 514 node2 414
	moved_as 414 514 running
	there ping -c 1 -W 5 10.90.0.14
	await 20 eval '[ "$(there vzctl exec 514 tail -n 1 /run/n)" -gt $((n + 20)) ]'
	there test -e /sys/class/net/veth514.0

	there vzctl --quiet suspend 514
	ve 514
	there vzmigrate --new-id 614 node1 514
	vzctl --quiet resume 614
	n=$(vzctl exec 614 tail -n 1 /run/n)
	await 20 eval '[ "$(vzctl exec 614 tail -n 1 /run/n)" -gt $n ]'
}

@test "what cannot be moved is refused, and stays" {
	ve 411 started --ipadd 10.90.0.11
	run -1 vzmigrate node1 411
	[[ "$output" == *'node1 is this node'* ]]
	run -4 vzmigrate node9 411
	run -10 vzmigrate node2 499
	run -0 vzmigrate --check-only --live node2 411
	stayed 411 running
	run -0 vzmigrate --dry-run node2 411
	stayed 411 running

	there vzctl --quiet create 412 --ostemplate busybox --config light --ipadd 10.90.0.11
	run -12 vzmigrate --live node2 411
	[[ "$output" == *'10.90.0.11'* ]]
	run -12 vzmigrate --check-only node2 411
	there vzctl --quiet destroy 412
	stayed 411 running

	there vzctl --quiet create 411 --ostemplate busybox --config light
	run -9 vzmigrate --live node2 411
	there vzctl --quiet destroy 411
	stayed 411 running

	vzctl --quiet snapshot 411 --skip-suspend --id 11111111-1111-4111-8111-111111111111
	run -8 vzmigrate node2 411
	[[ "$output" == *'snapshots'* ]]
	vzctl --quiet snapshot-delete 411 --id 11111111-1111-4111-8111-111111111111
	stayed 411 running

	vzctl --quiet stop 411
	run -2 vzmigrate --live node2 411
	stayed 411 stopped
	run -0 vzmigrate -r no node2 411
	[ -d /var/lib/vz/private/411 ]
	[ -e /etc/vz/conf/411.conf.migrated ]
	[ "$(status_on node2 411)" = stopped ]
	rm -rf /var/lib/vz/private/411
}

# A fault on node2 or node1, as in faults.bats.
fault_there() {
	there "echo migrate-in $* >/run/faults"
}

fault_here() {
	echo migrate-out "$@" >"$FAULTS"
}

vzd_there() {
	there 'pkill -9 -x vzd; sleep 0.3; OPENVE_FAULTS=/run/faults setsid vzd >>/var/log/vzd.log 2>&1 </dev/null &'
	await 30 there 'varlinkctl call /run/vz/io.openve io.openve.TemplateList "{}" >/dev/null 2>&1'
}

@test "a live migration that fails anywhere leaves the VE running where it was, and succeeds the next time" {
	local step n
	vzd_kill
	vzd_start OPENVE_FAULTS="$FAULTS"
	vzd_there
	ve 421 started
	count_in 421
	for step in 'ids fail' 'transfer fail' 'seal fail' 'restore fail' 'ready fail' 'private die' 'undump die'; do
		echo "# there: $step" >&3
		fault_there "$step"
		run -7 vzmigrate --live node2 421
		there rm -f /run/faults
		stayed 421 running
		n=$(counted 421)
		await 10 eval '[ $(counted 421) -gt $n ]'
	done
	for step in 'freeze fail' 'image fail' 'image die'; do
		echo "# here: $step" >&3
		fault_here "$step"
		run -8 vzmigrate --live node2 421
		rm -f "$FAULTS"
		stayed 421 running
		n=$(counted 421)
		await 10 eval '[ $(counted 421) -gt $n ]'
	done
	n=$(counted 421)
	vzmigrate --live node2 421
	moved 421 running
	[ "$(counted 421 there)" -gt "$n" ]
}

@test "when the answer is lost the VE is on one node only, and a repetition settles it" {
	local n
	vzd_there
	ve 431 started
	count_in 431
	n=$(counted 431)
	fault_there 'go die'
	run vzmigrate --live node2 431
	echo "$output"
	[ "$status" -ne 0 ]
	there rm -f /run/faults
	[ "$(status_on node1 431)" = suspended ]
	run vzctl start 431
	[ "$status" -ne 0 ]
	[[ "$output" == *'handed over to node2'* ]]
	run vzctl resume 431
	[ "$status" -ne 0 ]
	run vzctl clone 431 439
	[ "$status" -ne 0 ]
	[[ "$output" == *'handed over to node2'* ]]
	await 20 eval '[ "$(status_on node2 431)" = running ]'
	[ "$(counted 431 there)" -gt "$n" ]
	vzmigrate --live node2 431
	moved 431 running
}

@test "when the receiver dies before the VE is its own, the VE waits suspended, and a repetition moves it" {
	local n
	vzd_there
	ve 432 started
	count_in 432
	n=$(counted 432)
	fault_there 'ready die'
	run vzmigrate --live node2 432
	echo "$output"
	[ "$status" -ne 0 ]
	there rm -f /run/faults
	[ "$(status_on node1 432)" = suspended ]
	await 20 there "! grep -q '^432:' /etc/vz/idmap"
	[ -z "$(status_on node2 432)" ]
	run vzctl start 432
	[ "$status" -ne 0 ]
	vzmigrate --live node2 432
	moved 432 suspended
	there vzctl --quiet start 432
	[ "$(counted 432 there)" -ge "$n" ]
}

# vzmigrate of CT $1 is copying, slowly; then $2…; it fails, and the CT stays.
cut_at_copy() {
	vzmigrate --live --rsync=--bwlimit=${KIB_PER_SECOND:-300} node2 "$1" 3>&- &
	await 30 pgrep -x rsync
	sleep 1
	"${@:2}"
	fails wait $!
	stayed "$1" running
}

@test "whoever is killed in the middle, the VE stays" {
	ve 441 started
	vzctl exec 441 'head -c 20000000 /dev/urandom >/srv/random'
	cut_at_copy 441 pkill -9 -f 'ssh.*vzmigrate --receive'
	cut_at_copy 441 there "pkill -9 -f 'vzmigrate --receiv[e]'"
	cut_at_copy 441 pkill -9 -x vzmigrate
	cut_at_copy 441 vzd_there
	vzmigrate --live node2 441
	moved 441 running
}
